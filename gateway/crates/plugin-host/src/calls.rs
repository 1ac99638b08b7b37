//! What a plugin may ask of its host: the imports of the contract.

use crate::bindings::wellhead::plugin::{alarms, clock, kv, log, points, values};
use crate::bindings::{Config, Parameter, SavedState, Setting as WitSetting, Told};
use crate::civil;
use crate::effects::{
    AlarmChange, CODE_LEN_MAX, Level, Publication, REASON_LEN_MAX, Severity, TEXT_LEN_MAX, Trust,
    Write, one_line,
};
use crate::instance::{Holder, Reading, Setup};
use crate::sandbox::{Bound, Sandbox};
use jiff::tz::TimeZone;
use std::time::Duration;
use wellhead_manifest::{Direction, Published, Setting, Shape};
use wellhead_model::{Now, Quality, Value};

impl points::Host for Sandbox {
    fn roles(&mut self) -> Vec<points::Role> {
        self.bound
            .iter()
            .map(|b| points::Role {
                name: b.binding.role.clone(),
                index: b.binding.index,
                writable: b.direction == Direction::Output && b.binding.granted,
            })
            .collect()
    }

    fn lookup(&mut self, role: String, index: u32) -> Option<u32> {
        let at = self.bound.iter().position(|b| b.binding.role == role && b.binding.index == index);
        at.and_then(|at| u32::try_from(at).ok())
    }

    fn read(&mut self, point: u32) -> points::Sample {
        self.sample(point)
    }

    fn write(&mut self, point: u32, value: points::Value, reason: String) -> Result<(), String> {
        let (binding, shape) = self.output(point)?;
        let value = match value {
            points::Value::Unavailable(_) => {
                return Err("no value to write; to give the output back, relinquish it".into());
            }
            value => model_value(value, shape)?,
        };
        self.ask(binding, Some(value), reason);
        Ok(())
    }

    fn relinquish(&mut self, point: u32, reason: String) -> Result<(), String> {
        let (binding, _) = self.output(point)?;
        self.ask(binding, None, reason);
        Ok(())
    }

    fn held_by(&mut self, point: u32) -> points::Holder {
        match self.holder(point) {
            Holder::Nobody => points::Holder::Nobody,
            Holder::ThisPlugin => points::Holder::ThisPlugin,
            Holder::Operator => points::Holder::Operator,
            Holder::Local => points::Holder::Local,
            Holder::Protection(name) => points::Holder::Protection(name.to_string()),
            Holder::Other(name) => points::Holder::Other(name.to_string()),
        }
    }
}

impl Sandbox {
    fn sample(&self, point: u32) -> points::Sample {
        let at = point as usize;
        let (Some(reading), Some(bound)) = (self.seen.readings.get(at), self.bound.get(at)) else {
            return points::Sample {
                value: points::Value::Unavailable("no such point".into()),
                quality: points::Quality::Bad,
                age_ms: 0,
            };
        };
        let (value, quality) = sample_value(reading, bound.shape);
        points::Sample { value, quality, age_ms: millis(reading.age) }
    }

    /// Who decides an output; nobody decides an input.
    fn holder(&self, point: u32) -> &Holder {
        let at = point as usize;
        let is_output = self.bound.get(at).is_some_and(|b| b.direction == Direction::Output);
        self.seen.holders.get(at).filter(|_| is_output).unwrap_or(&Holder::Nobody)
    }

    /// All points as `tick` has them.
    pub(crate) fn numbers(&self, into: &mut Vec<f64>) {
        into.resize(self.bound.len() * 4, 0.0);
        let rows = into.as_chunks_mut().0.iter_mut().zip(&self.bound);
        for (at, (row, bound)) in rows.enumerate() {
            *row = self.row(at, bound);
        }
    }

    fn row(&self, at: usize, bound: &Bound) -> [f64; 4] {
        let Some(reading) = self.seen.readings.get(at) else {
            return [f64::NAN, f64::from(points::Quality::Bad as u8), 0.0, 0.0];
        };
        // NaN has more to tell, a text or nothing: the long way knows.
        let (number, fits) = match (bound.shape, &reading.value) {
            (Shape::Bool, Some(Value::Bool(b))) => (f64::from(u8::from(*b)), true),
            (Shape::Int, Some(value @ Value::Int(_)))
            | (Shape::Float, Some(value @ (Value::Int(_) | Value::UInt(_) | Value::Float(_)))) => {
                (value.as_f64().unwrap_or(f64::NAN), true)
            }
            (Shape::Text, Some(Value::Text(_))) => (f64::NAN, true),
            _ => (f64::NAN, false),
        };
        let (number, quality) = match reading.quality {
            Quality::Stale(_) => (f64::NAN, points::Quality::Stale),
            Quality::Bad(_) => (f64::NAN, points::Quality::Bad),
            _ if !fits => (f64::NAN, points::Quality::Bad),
            Quality::Good => (number, points::Quality::Good),
            Quality::Manual => (number, points::Quality::Manual),
            Quality::Uncertain(_) => (number, points::Quality::Uncertain),
        };
        let holder = match self.seen.holders.get(at) {
            _ if bound.direction != Direction::Output => 0.0,
            Some(Holder::Nobody) | None => 0.0,
            Some(Holder::ThisPlugin) => 1.0,
            Some(Holder::Operator) => 2.0,
            Some(Holder::Local) => 3.0,
            Some(Holder::Protection(_)) => 4.0,
            Some(Holder::Other(_)) => 5.0,
        };
        // That of most points, which two divisions would not tell.
        let is_new = reading.age.is_zero();
        let age_ms = if is_new { 0.0 } else { millis(reading.age) as f64 };
        [number, f64::from(quality as u8), age_ms, holder]
    }

    /// The binding behind a handle and its shape, if the plugin may write it.
    fn output(&self, point: u32) -> Result<(usize, Shape), String> {
        let at = point as usize;
        let Some(bound) = self.bound.get(at) else {
            return Err(format!("{point} is no handle that lookup returned"));
        };
        let role = &self.manifest.roles[bound.role];
        if bound.direction != Direction::Output {
            return Err(format!("{} is an input by the manifest, and never written", role.name));
        }
        if !bound.binding.granted {
            return Err(format!("this site does not let the plugin write {}", role.name));
        }
        Ok((at, bound.shape))
    }

    fn ask(&mut self, binding: usize, value: Option<Value>, reason: String) {
        let reason = one_line(reason, REASON_LEN_MAX).into();
        self.asked.write(Write { binding, value, reason });
    }
}

impl values::Host for Sandbox {
    fn publish(
        &mut self,
        name: String,
        value: points::Value,
        quality: points::Quality,
    ) -> Result<(), String> {
        let Some(at) = self.manifest.values.iter().position(|v| v.name == name) else {
            let name = one_line(name, CODE_LEN_MAX);
            return Err(format!("the manifest has no value `{name}`"));
        };
        let trust = match quality {
            points::Quality::Good => Trust::Good,
            points::Quality::Uncertain => Trust::Uncertain,
            points::Quality::Stale => Trust::Stale,
            points::Quality::Bad => Trust::Bad,
            points::Quality::Manual => Trust::Manual,
        };
        let has_value = !matches!(trust, Trust::Stale | Trust::Bad);
        let shown = match (value, has_value) {
            (points::Value::Unavailable(why), false) => Err(one_line(why, REASON_LEN_MAX)),
            (points::Value::Unavailable(_), true) => {
                return Err(format!("{name} has no value; say stale or bad"));
            }
            (_, false) => return Err(format!("{name} is stale or bad and can't have a value")),
            (value, true) => Ok(model_value(value, self.manifest.values[at].shape)?),
        };
        self.asked.publish(Publication { value: at, shown, trust });
        Ok(())
    }

    fn lookup(&mut self, name: String) -> Option<u32> {
        let named = |v: &Published| v.name == name && v.shape == Shape::Float;
        u32::try_from(self.manifest.values.iter().position(named)?).ok()
    }
}

impl Sandbox {
    /// Takes in what a call told at its end.
    ///
    /// # Errors
    /// The first of it that is refused; then nothing of the call may be done.
    pub(crate) fn take(&mut self, told: &Told) -> Result<(), String> {
        self.asked.values.reserve(told.numbers.len() / 3);
        self.asked.writes.reserve(told.again.len());
        for row in told.numbers.chunks(3) {
            let publication = self.publication(row)?;
            self.asked.publish(publication);
        }
        for point in &told.again {
            let (binding, _) = self.output(*point)?;
            let Some(write) = self.standing(binding) else {
                let role = &self.bound[binding].binding.role;
                return Err(format!("{role} can't be asked again: nothing is asked of it"));
            };
            self.asked.write(write);
        }
        Ok(())
    }

    /// What one row of the numbers told says.
    fn publication(&self, row: &[f64]) -> Result<Publication, String> {
        let [value, number, quality] = *row else {
            return Err(format!("{} numbers at the end; each value takes three", row.len()));
        };
        let at = value as usize;
        let known = self.manifest.values.get(at).filter(|_| at as f64 == value);
        let Some(known) = known else {
            return Err(format!("{value} is nothing that lookup returned"));
        };
        let trust = match quality {
            0.0 => Trust::Good,
            1.0 => Trust::Uncertain,
            4.0 => Trust::Manual,
            other => return Err(format!("{}: {other} is no quality of a value", known.name)),
        };
        let shown = model_value(points::Value::Number(number), known.shape)
            .map_err(|why| format!("{}: {why}", known.name))?;
        Ok(Publication { value: at, shown: Ok(shown), trust })
    }
}

impl kv::Host for Sandbox {
    fn get(&mut self, key: String) -> Option<Vec<u8>> {
        self.kv_get(&key)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), String> {
        self.kv_set(key, value)
    }

    fn delete(&mut self, key: String) {
        self.kv_delete(key);
    }
}

impl log::Host for Sandbox {
    fn write(&mut self, level: log::Level, text: String) {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        self.asked.logs.push(level, text);
    }
}

impl alarms::Host for Sandbox {
    fn raise(&mut self, code: String, severity: alarms::Severity, text: String, text_zh: String) {
        let severity = match severity {
            alarms::Severity::Notice => Severity::Notice,
            alarms::Severity::Warning => Severity::Warning,
            alarms::Severity::Alarm => Severity::Alarm,
        };
        let change = AlarmChange::Raised {
            code,
            severity,
            text: one_line(text, REASON_LEN_MAX),
            text_zh: one_line(text_zh, REASON_LEN_MAX),
        };
        self.alarm(change);
    }

    fn clear(&mut self, code: String) {
        self.alarm(AlarmChange::Cleared { code });
    }
}

impl Sandbox {
    fn alarm(&mut self, change: AlarmChange) {
        let code = change.code().to_owned();
        // It becomes part of a topic.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if code.is_empty() || code.len() > CODE_LEN_MAX || !code.chars().all(plain) {
            let code = one_line(code, CODE_LEN_MAX);
            let text = format!(
                "gateway: no alarm has the code `{code}`: 1 to {CODE_LEN_MAX} letters, digits, \
                 `_`, `-` and `.`"
            );
            return self.asked.logs.push(Level::Warn, text);
        }
        if !self.alarm_change(change) {
            // The contract gives no answer to an alarm, so that the log must tell.
            let text = format!("gateway: too many alarms, `{code}` is not kept");
            self.asked.logs.push(Level::Warn, text);
        }
    }
}

impl clock::Host for Sandbox {
    fn civil_at(&mut self, utc_ms: i64) -> clock::Civil {
        civil::civil_at(&self.zone, utc_ms)
    }

    fn moment_of(&mut self, local: clock::Civil) -> Option<i64> {
        civil::moment_of(&self.zone, local)
    }
}

/// A moment as the contract has it.
pub(crate) fn instant(now: Now, zone: &TimeZone) -> clock::Instant {
    clock::Instant {
        utc_ms: now.utc.0,
        monotonic_ms: millis(now.mono.0),
        synced: now.synced,
        local: civil::civil_at(zone, now.utc.0),
    }
}

fn millis(d: Duration) -> u64 {
    // `as_millis` divides 128 bits, which a plugin with many points would feel.
    d.as_secs().saturating_mul(1000).saturating_add(u64::from(d.subsec_millis()))
}

/// A reading as the contract has it: no value that its quality doesn't allow or that isn't of the
/// role's shape, and none missing without a reason.
fn sample_value(reading: &Reading, shape: Shape) -> (points::Value, points::Quality) {
    let none = |why: &str| points::Value::Unavailable(why.to_owned());
    match (reading.quality, &reading.value) {
        (Quality::Stale(why), _) => (none(why.code()), points::Quality::Stale),
        (Quality::Bad(why), _) => (none(why.code()), points::Quality::Bad),
        (_, None) => (none("no value"), points::Quality::Bad),
        (quality, Some(value)) => match wit_value(value, shape) {
            Some(value) => {
                let quality = match quality {
                    Quality::Good => points::Quality::Good,
                    Quality::Manual => points::Quality::Manual,
                    _ => points::Quality::Uncertain,
                };
                (value, quality)
            }
            None => {
                let why = format!("the point's value is not of shape {}", shape.word());
                (points::Value::Unavailable(why), points::Quality::Bad)
            }
        },
    }
}

fn wit_value(value: &Value, shape: Shape) -> Option<points::Value> {
    match (shape, value) {
        (Shape::Bool, Value::Bool(b)) => Some(points::Value::Boolean(*b)),
        (Shape::Int, Value::Int(i)) => Some(points::Value::Integer(*i)),
        (Shape::Float, Value::Int(_) | Value::UInt(_) | Value::Float(_)) => {
            value.as_f64().map(points::Value::Number)
        }
        (Shape::Text, Value::Text(t)) => Some(points::Value::Text(t.to_string())),
        _ => None,
    }
}

/// A plugin's value, if it is one of this shape.
fn model_value(value: points::Value, shape: Shape) -> Result<Value, String> {
    let has = match (shape, value) {
        (Shape::Bool, points::Value::Boolean(b)) => return Ok(Value::Bool(b)),
        (Shape::Int, points::Value::Integer(i)) => return Ok(Value::Int(i)),
        (Shape::Float, points::Value::Number(x)) => {
            return Value::float(x).ok_or_else(|| format!("{x} is no number to act on"));
        }
        (Shape::Text, points::Value::Text(t)) if t.len() <= TEXT_LEN_MAX => {
            return Ok(Value::Text(t.into()));
        }
        (Shape::Text, points::Value::Text(t)) => {
            return Err(format!("{} bytes of text; at most {TEXT_LEN_MAX}", t.len()));
        }
        (_, points::Value::Unavailable(_)) => "no value",
        (_, points::Value::Boolean(_)) => "a boolean",
        (_, points::Value::Integer(_)) => "an integer",
        (_, points::Value::Number(_)) => "a number",
        (_, points::Value::Text(_)) => "a text",
    };
    Err(format!("the manifest says {}, and this is {has}", shape.word()))
}

/// What `init` is given.
pub(crate) fn config(setup: &Setup) -> Config {
    let cell = |cell: &Setting| match cell {
        Setting::Bool(b) => points::Value::Boolean(*b),
        Setting::Int(i) => points::Value::Integer(*i),
        Setting::Float(x) => points::Value::Number(*x),
        Setting::Text(t) => points::Value::Text(t.clone()),
        Setting::Table(_) => points::Value::Unavailable("a table within a table".into()),
    };
    let setting = |setting: &Setting| match setting {
        Setting::Bool(b) => WitSetting::Boolean(*b),
        Setting::Int(i) => WitSetting::Integer(*i),
        Setting::Float(x) => WitSetting::Number(*x),
        Setting::Text(t) => WitSetting::Text(t.clone()),
        Setting::Table(rows) => {
            WitSetting::Table(rows.iter().map(|row| row.iter().map(cell).collect()).collect())
        }
    };
    Config {
        parameters: setup
            .settings
            .iter()
            .map(|(name, value)| Parameter { name: name.clone(), value: setting(value) })
            .collect(),
        saved: setup
            .saved
            .as_ref()
            .map(|s| SavedState { version: s.version.clone(), bytes: s.bytes.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Binding;
    use crate::sandbox::Bound;
    use wellhead_manifest::Manifest;

    /// A plugin with an input of each shape and two outputs, all bound.
    fn sandbox() -> Sandbox {
        let mut manifest = "[plugin]\nname = \"it\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\n\
                            title = \"It\"\nperiod = \"60s\"\n[role]\n"
            .to_owned();
        let roles = ["bool", "int", "float", "text", "on", "off"];
        for role in roles {
            let (direction, shape) = match role {
                "on" | "off" => ("output", "bool"),
                shape => ("input", shape),
            };
            manifest += &format!(
                "{role} = {{ direction = \"{direction}\", shape = \"{shape}\", title = \"x\" }}\n"
            );
        }
        let manifest = std::sync::Arc::new(Manifest::parse(&manifest).unwrap());
        let bound = roles.iter().map(|role| {
            let binding = Binding { role: (*role).to_owned(), index: 0, granted: true };
            let at = manifest.roles.iter().position(|r| r.name == *role).unwrap();
            let (direction, shape) = (manifest.roles[at].direction, manifest.roles[at].shape);
            Bound { binding, role: at, direction, shape }
        });
        let bound = bound.collect();
        Sandbox::new(manifest, bound, jiff::tz::TimeZone::UTC, Default::default())
    }

    fn numbers(it: &Sandbox) -> Vec<f64> {
        let mut numbers = Vec::new();
        it.numbers(&mut numbers);
        numbers
    }

    #[test]
    fn a_call_is_shown_what_each_point_says_or_that_it_has_more_to_tell() {
        use wellhead_model::Reason;
        let qualities = [
            Quality::Good,
            Quality::Manual,
            Quality::Uncertain(Reason::Estimated),
            Quality::Stale(Reason::Aged),
            Quality::Bad(Reason::NoReply),
        ];
        let values = [
            None,
            Some(Value::Bool(true)),
            Some(Value::Int(-7)),
            Value::float(21.5),
            Some(Value::Text("on".into())),
        ];
        let mut it = sandbox();
        for (quality, value) in qualities.iter().flat_map(|q| values.iter().map(move |v| (*q, v))) {
            let age = Duration::from_millis(1500);
            let reading = Reading { value: value.clone(), quality, age };
            it.seen.readings = vec![reading; 6];
            let all = numbers(&it);
            assert_eq!(all.len(), 6 * 4);
            for (point, numbers) in (0..6).zip(all.chunks_exact(4)) {
                let sample = points::Host::read(&mut it, point);
                let number = numbers[0];
                let rest = [f64::from(sample.quality as u8), sample.age_ms as f64, 0.0];
                assert_eq!(numbers[1..], rest, "{value:?} {quality:?}");
                match sample.value {
                    points::Value::Boolean(b) => assert_eq!(number, f64::from(u8::from(b))),
                    points::Value::Integer(i) => assert_eq!(number, i as f64),
                    points::Value::Number(x) => assert_eq!(number, x),
                    points::Value::Text(_) | points::Value::Unavailable(_) => {
                        assert!(number.is_nan(), "{value:?} {quality:?}: {number}");
                    }
                }
            }
        }
    }

    #[test]
    fn who_decides_an_output_is_told_beside_what_it_reads() {
        let mut it = sandbox();
        let reading = Reading { value: None, quality: Quality::Good, age: Duration::ZERO };
        it.seen.readings = vec![reading; 6];
        let holders = [
            (Holder::Nobody, 0.0),
            (Holder::ThisPlugin, 1.0),
            (Holder::Operator, 2.0),
            (Holder::Local, 3.0),
            (Holder::Protection("frost".into()), 4.0),
            (Holder::Other("them".into()), 5.0),
        ];
        for (holder, place) in holders {
            it.seen.holders = vec![holder; 6];
            let holders: Vec<f64> = numbers(&it).chunks_exact(4).map(|row| row[3]).collect();
            assert_eq!(holders, [0.0, 0.0, 0.0, 0.0, place, place]);
        }
    }

    fn told(numbers: &[f64], again: &[u32]) -> Told {
        Told { numbers: numbers.to_vec(), again: again.to_vec() }
    }

    #[test]
    fn numbers_told_at_the_end_are_published_or_fail_the_call() {
        let manifest = "[plugin]\nname = \"it\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\n\
                        title = \"It\"\nperiod = \"60s\"\n[value]\n\
                        power = { shape = \"float\", title = \"x\" }\n\
                        state = { shape = \"text\", title = \"x\" }\n";
        let manifest = Manifest::parse(manifest).unwrap().into();
        let (bound, zone, kv) = (Vec::new(), jiff::tz::TimeZone::UTC, Default::default());
        let mut it = Sandbox::new(manifest, bound, zone, kv);
        assert_eq!(values::Host::lookup(&mut it, "none".into()), None);
        let power = values::Host::lookup(&mut it, "power".into()).unwrap();
        assert_eq!(values::Host::lookup(&mut it, "state".into()), None, "a text");
        let (power, state) = (f64::from(power), 1.0);
        let mut refused = |numbers: &[f64]| it.take(&told(numbers, &[])).unwrap_err();
        assert_eq!(
            refused(&[power, 1.0, 0.0, state, 1.0, 0.0]),
            "state: the manifest says text, and this is a number"
        );
        assert_eq!(refused(&[power, f64::NAN, 0.0]), "power: NaN is no number to act on");
        assert_eq!(refused(&[power, 1.0, 2.0]), "power: 2 is no quality of a value");
        assert_eq!(refused(&[7.0, 1.0, 0.0]), "7 is nothing that lookup returned");
        assert_eq!(refused(&[power + 0.5, 1.0, 0.0]), "0.5 is nothing that lookup returned");
        assert_eq!(refused(&[-1.0, 1.0, 0.0]), "-1 is nothing that lookup returned");
        assert_eq!(refused(&[power, 1.0]), "2 numbers at the end; each value takes three");
        it.begin(None, Duration::from_secs(1));
        it.take(&told(&[power, 1.0, 0.0, power, 2.0, 1.0], &[])).unwrap();
        let shown = Ok(Value::float(2.0).unwrap());
        let value = power as usize;
        assert_eq!(it.asked.values, [Publication { value, shown, trust: Trust::Uncertain }]);
    }

    #[test]
    fn what_was_asked_is_asked_again_with_its_reason_as_long_as_it_stands() {
        let (on, off) = (4, 5);
        let mut it = sandbox();
        let write = |it: &mut Sandbox, point, value, reason: &str| {
            points::Host::write(it, point, points::Value::Boolean(value), reason.into()).unwrap();
        };
        let asked = |effects: &crate::Effects| {
            let each = effects.writes.iter();
            each.map(|w| (w.binding, w.value.clone(), w.reason.to_string())).collect::<Vec<_>>()
        };
        write(&mut it, on, true, "needed");
        write(&mut it, off, false, "not needed");
        let first = asked(&it.commit());
        it.take(&told(&[], &[on, off])).unwrap();
        assert_eq!(asked(&it.commit()), first);

        // A call that fails leaves what stood before.
        write(&mut it, on, false, "never");
        it.begin(None, Duration::from_secs(1));
        it.take(&told(&[], &[on])).unwrap();
        assert_eq!(asked(&it.commit()), first[..1]);

        // What is given back stands no more, nor does anything of a list that is refused.
        points::Host::relinquish(&mut it, off, "done".into()).unwrap();
        let refused = it.take(&told(&[], &[off])).unwrap_err();
        assert_eq!(refused, "off can't be asked again: nothing is asked of it");
        it.commit();
        it.take(&told(&[], &[off])).unwrap_err();
        it.take(&told(&[], &[0])).unwrap_err();
        it.take(&told(&[], &[99])).unwrap_err();
        assert_eq!(asked(&it.commit()), []);
    }

    #[test]
    fn an_alarm_code_that_would_not_fit_a_topic_is_told_and_not_kept() {
        let manifest = "[plugin]\nname = \"it\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\n\
                        title = \"It\"\nperiod = \"60s\"\n";
        let manifest = Manifest::parse(manifest).unwrap().into();
        let (bound, zone, kv) = (Vec::new(), jiff::tz::TimeZone::UTC, Default::default());
        let mut it = Sandbox::new(manifest, bound, zone, kv);
        let long = "x".repeat(CODE_LEN_MAX + 1);
        let wrong = ["t#1", "a/b", "+", "no flow", "流量", "", "a\n", &long];
        for code in wrong {
            let severity = alarms::Severity::Alarm;
            alarms::Host::raise(&mut it, code.into(), severity, "text".into(), "字".into());
            alarms::Host::clear(&mut it, code.into());
        }
        assert_eq!(it.asked.alarms, []);
        assert_eq!(it.asked.logs.lines.len(), 2 * wrong.len());
        assert!(it.asked.logs.lines[0].text.contains("`t#1`"), "{:?}", it.asked.logs.lines[0]);
        alarms::Host::clear(&mut it, "unit_1.low-flow".into());
        assert_eq!(it.asked.alarms.len(), 1);
    }
}
