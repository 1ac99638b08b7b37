//! What the gateway was told and still has, so that it need not be told again: of what a plugin
//! says in a call, most is as it was.

use crate::{Quality, Value};

/// What was said in calls that ended well. After one that did not, start anew: the gateway dropped
/// what was said in it.
#[derive(Debug, Default)]
pub(crate) struct Said {
    values: Vec<Published>,
    /// Where the next value is looked for first. A plugin publishes in the same order every time.
    next: usize,
    /// Codes of alarms that were cleared.
    cleared: Vec<String>,
}

#[derive(Debug)]
struct Published {
    name: &'static str,
    value: Option<Value>,
    quality: Quality,
}

impl Said {
    /// Tells a value unless it stands already.
    pub(crate) fn publish(
        &mut self,
        name: &'static str,
        value: Option<Value>,
        quality: Quality,
        tell: impl FnOnce(Option<&Value>) -> Result<(), String>,
    ) -> Result<(), String> {
        let is_next = self.values.get(self.next).is_some_and(|known| same(known.name, name));
        let at = match is_next {
            true => Some(self.next),
            false => self.values.iter().position(|known| same(known.name, name)),
        };
        self.next = at.unwrap_or(self.values.len()) + 1;
        match at.and_then(|at| self.values.get_mut(at)) {
            Some(known) if known.quality == quality && stands(&known.value, &value) => {}
            Some(known) => {
                tell(value.as_ref())?;
                (known.value, known.quality) = (value, quality);
            }
            None => {
                tell(value.as_ref())?;
                self.values.push(Published { name, value, quality });
            }
        }
        if self.next >= self.values.len() {
            self.next = 0;
        }
        Ok(())
    }

    /// An alarm is raised. That is told every time: its text may be another, and a gateway that
    /// had too many may have room for it now.
    pub(crate) fn raise(&mut self, code: &str) {
        self.cleared.retain(|c| c != code);
    }

    /// Whether the gateway is to hear that an alarm is over.
    pub(crate) fn clear(&mut self, code: &str) -> bool {
        let known = self.cleared.iter().any(|c| c == code);
        if !known {
            self.cleared.push(code.to_owned());
        }
        !known
    }
}

/// Whether two words of the code are the same: most often they are so by their place.
fn same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b) || a == b
}

/// Whether a value is what it was. A state is a word of the code most often, and told in each call.
fn stands(known: &Option<Value>, value: &Option<Value>) -> bool {
    use std::borrow::Cow::Borrowed;
    match (known, value) {
        (Some(Value::Text(Borrowed(a))), Some(Value::Text(Borrowed(b)))) => same(a, b),
        _ => known == value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Publishes a few values and returns the names of those that were told.
    fn told(said: &mut Said, values: &[(&'static str, f64, Quality)]) -> Vec<&'static str> {
        let mut told = Vec::new();
        for (name, value, quality) in values {
            let value = Some(Value::Float(*value));
            let tell = |_: Option<&Value>| {
                told.push(*name);
                Ok(())
            };
            assert_eq!(said.publish(name, value, *quality, tell), Ok(()));
        }
        told
    }

    #[test]
    fn only_what_changed_is_told_in_whatever_order() {
        use Quality::{Good, Uncertain};
        let mut said = Said::default();
        let first = [("a", 1.0, Good), ("b", 2.0, Good), ("c", 3.0, Good)];
        assert_eq!(told(&mut said, &first), ["a", "b", "c"]);
        assert_eq!(told(&mut said, &first), [""; 0]);
        let second = [("c", 4.0, Good), ("a", 1.0, Good), ("b", 2.0, Uncertain), ("a", 5.0, Good)];
        assert_eq!(told(&mut said, &second), ["c", "b", "a"]);
        assert_eq!(told(&mut said, &[("a", 1.0, Good), ("d", 1.0, Good)]), ["a", "d"]);
    }

    #[test]
    fn a_value_that_was_refused_is_told_again() {
        let mut said = Said::default();
        let refuse = |_: Option<&Value>| Err("no".to_owned());
        assert!(said.publish("a", Some(Value::Int(1)), Quality::Good, refuse).is_err());
        assert_eq!(told(&mut said, &[("a", 1.0, Quality::Good)]), ["a"]);
    }

    #[test]
    fn an_alarm_that_is_over_is_told_once_and_again_after_it_was_raised() {
        let mut said = Said::default();
        assert!(said.clear("x") && !said.clear("x") && said.clear("y"));
        said.raise("x");
        assert!(said.clear("x") && !said.clear("y"));
    }
}
