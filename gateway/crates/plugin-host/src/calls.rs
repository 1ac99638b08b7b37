//! What a plugin may ask of its host: the imports of the contract.

use crate::bindings::wellhead::plugin::{alarms, clock, kv, log, points, values};
use crate::bindings::{Config, Parameter, SavedState, Setting as WitSetting};
use crate::civil;
use crate::effects::{
    AlarmChange, CODE_LEN_MAX, Level, Publication, REASON_LEN_MAX, Severity, TEXT_LEN_MAX, Trust,
    Write, one_line, put,
};
use crate::instance::{Holder, Reading, Setup};
use crate::sandbox::Sandbox;
use std::time::Duration;
use wellhead_manifest::{Direction, Setting, Shape};
use wellhead_model::{Quality, Value};

/// Most points in one `read-many`: every role bound as often as it may be, many times over.
const READ_MANY_MAX: usize = 4096;

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

    fn read_many(&mut self, points: Vec<u32>) -> wasmtime::Result<Vec<points::Sample>> {
        if points.len() > READ_MANY_MAX {
            return Err(wasmtime::Error::msg(format!(
                "read-many of {} points; at most {READ_MANY_MAX}",
                points.len()
            )));
        }
        Ok(points.into_iter().map(|p| self.sample(p)).collect())
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
        let at = point as usize;
        let is_output = self.bound.get(at).is_some_and(|b| b.direction == Direction::Output);
        match self.seen.holders.get(at).filter(|_| is_output) {
            None | Some(Holder::Nobody) => points::Holder::Nobody,
            Some(Holder::ThisPlugin) => points::Holder::ThisPlugin,
            Some(Holder::Operator) => points::Holder::Operator,
            Some(Holder::Local) => points::Holder::Local,
            Some(Holder::Protection(name)) => points::Holder::Protection(name.to_string()),
            Some(Holder::Other(name)) => points::Holder::Other(name.to_string()),
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
        let write = Write { binding, value, reason: one_line(reason, REASON_LEN_MAX) };
        put(&mut self.asked.writes, write, |old| old.binding == binding);
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
        let publication = Publication { value: at, shown, trust };
        put(&mut self.asked.values, publication, |old| old.value == at);
        Ok(())
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
    fn now(&mut self) -> clock::Instant {
        let utc_ms = self.now.utc.0;
        let local = *self.civil.get_or_insert_with(|| civil::civil_at(&self.zone, utc_ms));
        clock::Instant {
            utc_ms,
            monotonic_ms: millis(self.now.mono.0),
            synced: self.now.synced,
            local,
        }
    }

    fn civil_at(&mut self, utc_ms: i64) -> clock::Civil {
        civil::civil_at(&self.zone, utc_ms)
    }

    fn moment_of(&mut self, local: clock::Civil) -> Option<i64> {
        civil::moment_of(&self.zone, local)
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
    use wellhead_manifest::Manifest;
    use wellhead_model::{Mono, Now, Timestamp};

    #[test]
    fn an_alarm_code_that_would_not_fit_a_topic_is_told_and_not_kept() {
        let manifest = "[plugin]\nname = \"it\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\n\
                        title = \"It\"\nperiod = \"60s\"\n";
        let manifest = Manifest::parse(manifest).unwrap().into();
        let now = Now { utc: Timestamp(0), mono: Mono(Duration::ZERO), synced: true };
        let (bound, zone, kv) = (Vec::new(), jiff::tz::TimeZone::UTC, Default::default());
        let mut it = Sandbox::new(manifest, bound, zone, kv, now);
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
