//! What the gateway was told and still has, so that it need not be told again: of what a plugin
//! says in a call, most is as it was.

use crate::host::{Host, Told};
use crate::{Quality, Value};
use std::borrow::Cow;

/// What was said in calls that ended well. After one that did not, start anew: the gateway dropped
/// what was said in it.
#[derive(Debug, Default)]
pub(crate) struct Said {
    values: Vec<Published>,
    /// Where the next value is looked for first. A plugin publishes in the same order every time.
    next: usize,
    /// At most so many numbers are to be told at the end of the call.
    pending: usize,
    outputs: Vec<Asked>,
    /// Codes of alarms that were cleared.
    cleared: Vec<String>,
}

#[derive(Debug)]
struct Published {
    name: &'static str,
    /// What the end of a call knows it by, once it was published with a number.
    handle: Option<u32>,
    value: Option<Value>,
    quality: Quality,
    /// To be told at the end of the call.
    pending: bool,
}

/// What stands of an output; no value if it was given back.
#[derive(Debug)]
struct Asked {
    point: u32,
    value: Option<Value>,
    reason: String,
    /// To be told at the end of the call.
    again: bool,
}

impl Said {
    /// Whether a number takes the place of one that stood, as most of what is published does; it is
    /// told at the end of the call. If not, [`publish`](Self::publish) is to tell it.
    pub(crate) fn renumber(&mut self, name: &'static str, number: f64, quality: Quality) -> bool {
        let at = self.place(name);
        let Some(known) = self.values.get_mut(at) else { return false };
        let (Some(Value::Float(stood)), Some(_)) = (&mut known.value, known.handle) else {
            return false;
        };
        if !quality.has_value() || !number.is_finite() {
            return false;
        }
        if *stood != number || known.quality != quality {
            (*stood, known.quality, known.pending) = (number, quality, true);
            self.pending += 1;
        }
        self.next = at + 1;
        true
    }

    /// Whether a word of the code stands already. If not, [`publish`](Self::publish) is to tell it.
    pub(crate) fn stands(
        &mut self,
        name: &'static str,
        word: &'static str,
        quality: Quality,
    ) -> bool {
        let at = self.place(name);
        let stands = self.values.get(at).is_some_and(|known| match &known.value {
            Some(Value::Text(Cow::Borrowed(stood))) => {
                std::ptr::eq(*stood, word) && known.quality == quality
            }
            _ => false,
        });
        self.next = if stands { at + 1 } else { self.next };
        stands
    }

    /// Tells a value unless it stands already: a number at the end of the call.
    pub(crate) fn publish(
        &mut self,
        host: &dyn Host,
        name: &'static str,
        value: Option<Value>,
        quality: Quality,
    ) -> Result<(), String> {
        let at = self.place(name);
        self.next = at + 1;
        if at == self.values.len() {
            // Good without a value: that is nothing that could have been told.
            let (handle, value, quality, pending) = (None, None, Quality::Good, false);
            self.values.push(Published { name, handle, value, quality, pending });
        }
        let known = &mut self.values[at];
        if known.quality == quality && known.value == value {
            return Ok(());
        }
        let is_number = matches!(value, Some(Value::Float(_))) && quality.has_value();
        if is_number && known.handle.is_none() {
            known.handle = host.lookup_value(name);
        }
        known.pending = is_number && known.handle.is_some();
        if known.pending {
            self.pending += 1;
        } else {
            host.publish(name, value.as_ref(), quality)?;
        }
        (known.value, known.quality) = (value, quality);
        Ok(())
    }

    /// Where a value is among those that were published, or will be.
    #[inline]
    fn place(&self, name: &'static str) -> usize {
        match self.values.get(self.next) {
            Some(known) if std::ptr::eq(known.name, name) => self.next,
            _ => self.place_of(name),
        }
    }

    // Apart, as `write_anew` is: what every call does is short, and has no use for the stack.
    #[inline(never)]
    fn place_of(&self, name: &'static str) -> usize {
        let at = self.values.iter().position(|known| same(known.name, name));
        at.unwrap_or(self.values.len())
    }

    /// Asks for a value on an output. If that stands already it is told at the end of the call.
    pub(crate) fn write(
        &mut self,
        host: &dyn Host,
        point: u32,
        value: Value,
        reason: &str,
    ) -> Result<(), String> {
        let asked = self.outputs.iter_mut().find(|asked| asked.point == point);
        if let Some(asked) = asked
            && asked.value.as_ref() == Some(&value)
            && equal(&asked.reason, reason)
        {
            asked.again = true;
            return Ok(());
        }
        self.write_anew(host, point, value, reason)
    }

    #[inline(never)]
    fn write_anew(
        &mut self,
        host: &dyn Host,
        point: u32,
        value: Value,
        reason: &str,
    ) -> Result<(), String> {
        // What is refused leaves what was asked before as it was.
        host.write(point, &value, reason)?;
        let reason = reason.to_owned();
        let new = Asked { point, value: Some(value), reason, again: false };
        match self.outputs.iter_mut().find(|asked| asked.point == point) {
            Some(asked) => *asked = new,
            None => self.outputs.push(new),
        }
        Ok(())
    }

    /// An output is given back.
    pub(crate) fn relinquish(&mut self, point: u32) {
        if let Some(asked) = self.outputs.iter_mut().find(|asked| asked.point == point) {
            (asked.value, asked.again) = (None, false);
        }
    }

    /// The end of a call: what was kept until now.
    pub(crate) fn end(&mut self) -> Told {
        // Of the length they will have: to let lists grow would be most of what this costs.
        let mut numbers = Vec::with_capacity(std::mem::take(&mut self.pending) * 3);
        for known in &mut self.values {
            if let (true, Some(handle), Some(Value::Float(number))) =
                (known.pending, known.handle, &known.value)
            {
                known.pending = false;
                numbers.extend_from_slice(&[f64::from(handle), *number, known.quality.place()]);
            }
        }
        let mut again = Vec::with_capacity(self.outputs.iter().filter(|a| a.again).count());
        for asked in &mut self.outputs {
            if std::mem::take(&mut asked.again) {
                again.push(asked.point);
            }
        }
        Told { numbers, again }
    }

    /// An alarm is raised. That is told every time: its text may be another, and a gateway that
    /// had too many may have room for it now.
    pub(crate) fn raise(&mut self, code: &str) {
        self.cleared.retain(|c| !equal(c, code));
    }

    /// Whether the gateway is to hear that an alarm is over.
    pub(crate) fn clear(&mut self, code: &str) -> bool {
        let known = self.cleared.iter().any(|c| equal(c, code));
        if !known {
            self.cleared.push(code.to_owned());
        }
        !known
    }
}

/// Whether two words of the code are the same: most often they are so by their place.
fn same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b) || equal(a, b)
}

/// Whether two texts are the same. Eight bytes at a time, of which wasm's `memcmp` knows nothing.
fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let number = |eight: &[u8; 8]| u64::from_ne_bytes(*eight);
    a.len() == b.len()
        && match (a.last_chunk(), b.last_chunk()) {
            (Some(a_end), Some(b_end)) => {
                let mut eights = a.as_chunks().0.iter().zip(b.as_chunks().0);
                number(a_end) == number(b_end) && eights.all(|(a, b)| number(a) == number(b))
            }
            _ => a.iter().zip(b).all(|(a, b)| a == b),
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Bound, Holder, Level, Sample};
    use crate::{Alarm, Civil};
    use Quality::{Bad, Good, Uncertain};
    use std::cell::RefCell;

    /// A gateway that has the values a, b, c and d, and writes down what it is told.
    #[derive(Default)]
    struct Listener {
        lines: RefCell<Vec<String>>,
        refuses: bool,
    }

    const NAMES: [&str; 4] = ["a", "b", "c", "d"];

    impl Listener {
        fn line(&self, line: String) -> Result<(), String> {
            if self.refuses {
                return Err("no".to_owned());
            }
            self.lines.borrow_mut().push(line);
            Ok(())
        }

        /// What it was told until the end of this call.
        fn end(&self, said: &mut Said) -> Vec<String> {
            let told = said.end();
            let mut lines = self.lines.take();
            let rows = told.numbers.chunks_exact(3).map(|row| {
                let quality = if row[2] == Good.place() { "" } else { "~" };
                format!("{}={}{quality}", NAMES[row[0] as usize], row[1])
            });
            lines.extend((!told.numbers.is_empty()).then(|| rows.collect::<Vec<_>>().join(" ")));
            lines.extend((!told.again.is_empty()).then(|| format!("again {:?}", told.again)));
            lines
        }
    }

    impl Host for Listener {
        fn write(&self, point: u32, value: &Value, reason: &str) -> Result<(), String> {
            self.line(format!("{point} {value} {reason}"))
        }

        fn publish(&self, name: &str, value: Option<&Value>, _: Quality) -> Result<(), String> {
            self.line(format!("{name}={}", value.map_or("?".to_owned(), Value::to_string)))
        }

        fn lookup_value(&self, name: &str) -> Option<u32> {
            NAMES.iter().position(|n| *n == name).map(|at| at as u32)
        }

        // The rest of a plant that has nothing but outputs.
        fn roles(&self) -> Vec<Bound> {
            Vec::new()
        }
        fn lookup(&self, _: &str, _: u32) -> Option<u32> {
            None
        }
        fn read(&self, _: u32) -> Sample {
            let (value, quality) = (Err("no such point".to_owned()), Bad);
            Sample { value, quality, age: std::time::Duration::MAX }
        }
        fn relinquish(&self, point: u32, reason: &str) -> Result<(), String> {
            self.line(format!("{point} back {reason}"))
        }
        fn held_by(&self, _: u32) -> Holder {
            Holder::Nobody
        }
        fn kv_get(&self, _: &str) -> Option<Vec<u8>> {
            None
        }
        fn kv_set(&self, _: &str, _: &[u8]) -> Result<(), String> {
            Err("no store".to_owned())
        }
        fn kv_delete(&self, _: &str) {}
        fn log(&self, _: Level, _: &str) {}
        fn raise(&self, _: &Alarm<'_>) {}
        fn clear(&self, _: &str) {}
        fn civil_at(&self, _: i64) -> Civil {
            let (year, month, day) = (1970, 1, 1);
            let (hour, minute, second) = (0, 0, 0);
            Civil { year, month, day, hour, minute, second, weekday: 4, utc_offset: 0 }
        }
        fn moment_of(&self, _: Civil) -> Option<i64> {
            None
        }
    }

    /// Publishes a number as `Tick` does.
    fn publish(
        said: &mut Said,
        host: &Listener,
        name: &'static str,
        number: f64,
        quality: Quality,
    ) -> Result<(), String> {
        match said.renumber(name, number, quality) {
            true => Ok(()),
            false => said.publish(host, name, Some(Value::Float(number)), quality),
        }
    }

    /// What a call tells that publishes a few numbers.
    fn told(said: &mut Said, values: &[(&'static str, f64, Quality)]) -> Vec<String> {
        let host = Listener::default();
        for (name, value, quality) in values {
            publish(said, &host, name, *value, *quality).unwrap();
        }
        host.end(said)
    }

    #[test]
    fn only_what_changed_is_told_in_whatever_order() {
        let mut said = Said::default();
        let first = [("a", 1.0, Good), ("b", 2.0, Good), ("c", 3.0, Good)];
        assert_eq!(told(&mut said, &first), ["a=1 b=2 c=3"]);
        assert_eq!(told(&mut said, &first), [""; 0]);
        let second = [("c", 4.0, Good), ("a", 1.0, Good), ("b", 2.0, Uncertain), ("a", 5.0, Good)];
        assert_eq!(told(&mut said, &second), ["a=5 b=2~ c=4"]);
        assert_eq!(told(&mut said, &[("a", 1.0, Good), ("d", 1.0, Good)]), ["a=1 d=1"]);
    }

    #[test]
    fn neither_a_number_that_is_none_nor_one_not_to_be_trusted_takes_a_numbers_place() {
        let mut said = Said::default();
        assert_eq!(told(&mut said, &[("a", 1.0, Good)]), ["a=1"]);
        for (number, quality) in [(f64::NAN, Good), (f64::INFINITY, Good), (2.0, Bad)] {
            assert!(!said.renumber("a", number, quality), "{number} {quality:?}");
        }
        assert_eq!(told(&mut said, &[("a", 1.0, Good)]), [""; 0]);
    }

    #[test]
    fn what_is_no_number_is_told_at_once_and_outdoes_a_number_of_the_same_call() {
        let (mut said, host) = (Said::default(), Listener::default());
        assert!(!said.stands("a", "on", Good));
        said.publish(&host, "a", Some(Value::Text("on".into())), Good).unwrap();
        assert!(said.stands("a", "on", Good) && !said.stands("a", "on", Uncertain));
        publish(&mut said, &host, "b", 1.0, Good).unwrap();
        publish(&mut said, &host, "c", 2.0, Good).unwrap();
        said.publish(&host, "b", None, Bad).unwrap();
        assert_eq!(host.end(&mut said), ["a=on", "b=?", "c=2"]);
        said.publish(&host, "b", None, Bad).unwrap();
        assert_eq!(host.end(&mut said), [""; 0]);
        publish(&mut said, &host, "b", 1.0, Good).unwrap();
        assert_eq!(host.end(&mut said), ["b=1"]);
    }

    #[test]
    fn a_value_that_was_refused_is_told_again() {
        let (mut said, host) = (Said::default(), Listener { refuses: true, ..Listener::default() });
        assert!(said.publish(&host, "a", Some(Value::Int(1)), Good).is_err());
        assert_eq!(told(&mut said, &[("a", 1.0, Good)]), ["a=1"]);
    }

    #[test]
    fn a_number_for_a_value_that_is_not_there_is_refused_by_name() {
        let (mut said, host) = (Said::default(), Listener { refuses: true, ..Listener::default() });
        assert!(publish(&mut said, &host, "x", 1.0, Good).is_err());
        assert!(publish(&mut said, &host, "x", 1.0, Good).is_err());
    }

    #[test]
    fn a_write_that_stands_is_renewed_at_the_end_unless_it_changes_after_all() {
        let (mut said, host) = (Said::default(), Listener::default());
        let write = |said: &mut Said, point: u32, reason: &str| {
            assert_eq!(said.write(&host, point, Value::Bool(true), reason), Ok(()));
        };
        write(&mut said, 1, "needed");
        write(&mut said, 2, "needed");
        assert_eq!(host.end(&mut said), ["1 true needed", "2 true needed"]);
        // Said twice in a call, and then once with another reason after all.
        write(&mut said, 2, "needed");
        write(&mut said, 1, "needed");
        write(&mut said, 1, "needed");
        assert_eq!(host.end(&mut said), ["again [1, 2]"]);
        write(&mut said, 1, "needed");
        write(&mut said, 2, "needed");
        write(&mut said, 2, "wanted");
        assert_eq!(host.end(&mut said), ["2 true wanted", "again [1]"]);
        // Given back: nothing stands any more, not even what this call asked before.
        write(&mut said, 1, "needed");
        said.relinquish(1);
        assert_eq!(host.end(&mut said), [""; 0]);
        write(&mut said, 1, "needed");
        assert_eq!(host.end(&mut said), ["1 true needed"]);
    }

    #[test]
    fn a_write_that_is_refused_leaves_the_one_before_standing() {
        let (mut said, host) = (Said::default(), Listener::default());
        said.write(&host, 1, Value::Bool(true), "needed").unwrap();
        host.end(&mut said);
        said.write(&host, 1, Value::Bool(true), "needed").unwrap();
        let refuses = Listener { refuses: true, ..Listener::default() };
        assert!(said.write(&refuses, 1, Value::Bool(false), "enough").is_err());
        assert_eq!(host.end(&mut said), ["again [1]"]);
    }

    #[test]
    fn texts_are_the_same_if_every_byte_is() {
        let text = "a reason of more than eight bytes";
        for len in 0..text.len() {
            let (a, b) = (&text[..len], text[..len].to_owned());
            assert!(equal(a, &b) && !equal(a, &text[..=len]) && !equal(&text[..=len], a));
            for at in 0..len {
                let other = format!("{}X{}", &text[..at], &text[at + 1..len]);
                assert!(!equal(a, &other), "{other}");
            }
        }
    }

    #[test]
    fn an_alarm_that_is_over_is_told_once_and_again_after_it_was_raised() {
        let mut said = Said::default();
        assert!(said.clear("x") && !said.clear("x") && said.clear("y"));
        said.raise("x");
        assert!(said.clear("x") && !said.clear("y"));
    }
}
