//! What a plugin sees of the mock: the contract's imports, and what came of using them.

use super::At;
use super::clock::Zone;
use crate::host::{Bound, Holder, Host, Level, Sample, Told};
use crate::{Alarm, Civil, Clock, Quality, Severity, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use wellhead_manifest::{Direction, Manifest, Shape};

/// A line of the plugin's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How important it is.
    pub level: Level,
    /// What it says.
    pub text: String,
}

/// An alarm that is raised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// How much it matters.
    pub severity: Severity,
    /// What it says in English.
    pub en: String,
    /// What it says in Chinese.
    pub zh: String,
}

/// What a plugin asked of an output, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// The value; none if it gave the output back.
    pub value: Option<Value>,
    /// The reason it gave.
    pub reason: String,
    /// When, by the monotonic clock.
    pub at: Duration,
}

/// A point that a role is bound to.
#[derive(Debug)]
struct Point {
    role: usize,
    index: u32,
    sample: Sample,
    changed: bool,
    held_by: Option<Holder>,
}

/// What a call changes, and what is undone if it fails.
#[derive(Debug, Clone, Default)]
struct Effects {
    writes: BTreeMap<u32, Write>,
    published: BTreeMap<String, (Option<Value>, Quality)>,
    alarms: BTreeMap<String, Raised>,
    kv: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug)]
struct Inner {
    points: Vec<Point>,
    done: Effects,
    log: Vec<Line>,
    clock: Zone,
}

/// The plant and the gateway, as far as one plugin is concerned.
#[derive(Debug)]
pub(super) struct World {
    manifest: Manifest,
    ttl: Duration,
    inner: RefCell<Inner>,
}

/// Most that the gateway lets a plugin keep in its small store, in bytes of one value.
const KV_LEN_MAX: usize = 64 << 10;

impl World {
    pub(super) fn new(
        manifest: Manifest,
        bound: &[(usize, u32)],
        ttl: Duration,
        clock: Zone,
    ) -> Self {
        let never = Sample {
            value: Err("never read".to_owned()),
            quality: Quality::Bad,
            age: Duration::MAX,
        };
        let points = bound
            .iter()
            .map(|(role, index)| Point {
                role: *role,
                index: *index,
                sample: never.clone(),
                changed: false,
                held_by: None,
            })
            .collect();
        let inner = Inner { points, done: Effects::default(), log: Vec::new(), clock };
        World { manifest, ttl, inner: RefCell::new(inner) }
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Runs a call; what it did is undone if it fails.
    pub(super) fn call<T, E>(&self, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let before = self.inner.borrow().done.clone();
        let result = call();
        if result.is_err() {
            self.inner.borrow_mut().done = before;
        }
        result
    }

    fn find(&self, at: At<'_>) -> usize {
        let Some(role) = self.manifest.roles.iter().position(|r| r.name == at.role) else {
            panic!("the manifest has no role `{}`", at.role);
        };
        let inner = self.inner.borrow();
        let found = inner.points.iter().position(|p| p.role == role && p.index == at.index);
        let Some(point) = found else {
            let (role, index) = (at.role, at.index);
            panic!(
                "`{role}` has no point {index} here; `Host::install().bind(\"{role}\", {}).start()` \
                 binds it",
                index + 1
            );
        };
        point
    }

    pub(super) fn set(&self, at: At<'_>, value: Result<Value, String>, quality: Quality) {
        let point = self.find(at);
        let mut inner = self.inner.borrow_mut();
        let point = &mut inner.points[point];
        let role = &self.manifest.roles[point.role];
        let value = value.map(|value| match (role.shape, value) {
            // Whole numbers are easily written for a float.
            (Shape::Float, Value::Int(i)) => Value::Float(i as f64),
            (_, value) => value,
        });
        if let Ok(value) = &value
            && !fits(role.shape, value)
        {
            panic!("`{}` is {}, not {value:?}", role.name, role.shape.word());
        }
        let sample = Sample { value, quality, age: Duration::ZERO };
        point.changed |= sample != point.sample && role.direction == Direction::Input;
        point.sample = sample;
    }

    pub(super) fn value(&self, at: At<'_>) -> Option<Value> {
        let point = self.find(at);
        self.inner.borrow().points[point].sample.value.clone().ok()
    }

    pub(super) fn hold(&self, at: At<'_>, holder: Option<Holder>) {
        let point = self.find(at);
        self.inner.borrow_mut().points[point].held_by = holder;
    }

    /// What the plugin asks of an output, unless that has lapsed.
    pub(super) fn asked(&self, at: At<'_>) -> Option<Write> {
        let point = self.find(at) as u32;
        let inner = self.inner.borrow();
        let now = inner.clock.monotonic();
        let write = inner.done.writes.get(&point)?;
        let lives = write.value.is_some() && now < write.at + self.ttl;
        lives.then(|| write.clone())
    }

    /// Takes the changes of inputs since the last time.
    pub(super) fn take_changes(&self) -> Vec<u32> {
        let mut inner = self.inner.borrow_mut();
        let mut changed = Vec::new();
        for (i, point) in inner.points.iter_mut().enumerate() {
            if std::mem::take(&mut point.changed) {
                changed.push(i as u32);
            }
        }
        changed
    }

    /// The gateway stops and comes back: nothing is written any more.
    pub(super) fn power_cycle(&self, off: Duration) {
        let mut inner = self.inner.borrow_mut();
        inner.clock.power_cycle(off);
        inner.done.writes.clear();
    }

    pub(super) fn clock<T>(&self, with: impl FnOnce(&mut Zone) -> T) -> T {
        with(&mut self.inner.borrow_mut().clock)
    }

    pub(super) fn published(&self, name: &str) -> Option<(Option<Value>, Quality)> {
        if self.manifest.value(name).is_none() {
            panic!("the manifest has no value `{name}`");
        }
        self.inner.borrow().done.published.get(name).cloned()
    }

    pub(super) fn alarms(&self) -> BTreeMap<String, Raised> {
        self.inner.borrow().done.alarms.clone()
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.inner.borrow().log.clone()
    }

    /// The role of a point that may be written.
    fn output(&self, point: u32) -> Result<&wellhead_manifest::Role, String> {
        let inner = self.inner.borrow();
        let point = inner.points.get(point as usize).ok_or("no such point")?;
        let role = &self.manifest.roles[point.role];
        match role.direction {
            Direction::Output => Ok(role),
            Direction::Input => Err(format!("`{}` is no output", role.name)),
        }
    }

    fn ask(&self, point: u32, value: Option<Value>, reason: &str) -> Result<(), String> {
        let role = self.output(point)?;
        if reason.trim().is_empty() {
            return Err(format!("`{}` is written without a reason", role.name));
        }
        if let Some(value) = &value {
            check(role.shape, &role.name, value)?;
        }
        let mut inner = self.inner.borrow_mut();
        let at = inner.clock.monotonic();
        inner.done.writes.insert(point, Write { value, reason: reason.to_owned(), at });
        Ok(())
    }
}

fn fits(shape: Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Bool, Value::Bool(_))
            | (Shape::Int, Value::Int(_))
            | (Shape::Float, Value::Float(_))
            | (Shape::Text, Value::Text(_))
    )
}

fn check(shape: Shape, name: &str, value: &Value) -> Result<(), String> {
    if !fits(shape, value) {
        return Err(format!("`{name}` is {}, not {value:?}", shape.word()));
    }
    if !value.is_finite() {
        return Err(format!("`{name}`: {value} is no number"));
    }
    Ok(())
}

impl World {
    /// What a call told at its end.
    pub(super) fn take(&self, told: &Told) -> Result<(), String> {
        for row in told.numbers.chunks(3) {
            let [value, number, quality] = *row else { return Err("not three numbers".into()) };
            let name = &self.manifest.values.get(value as usize).ok_or("no such value")?.name;
            self.publish(name, Some(&Value::Float(number)), Quality::at(quality))?;
        }
        for point in &told.again {
            let asked = self.inner.borrow().done.writes.get(point).cloned();
            match asked {
                Some(Write { value: Some(value), reason, .. }) => {
                    self.ask(*point, Some(value), &reason)?;
                }
                _ => return Err(format!("nothing is asked of {point} that could be asked again")),
            }
        }
        Ok(())
    }

    /// All points as the contract's `tick` has them.
    pub(super) fn seen(&self) -> Vec<f64> {
        let points = 0..self.inner.borrow().points.len() as u32;
        points.flat_map(|point| self.numbers(point)).collect()
    }

    fn numbers(&self, point: u32) -> [f64; 4] {
        let sample = self.read(point);
        let number = match sample.value {
            Ok(Value::Bool(b)) => f64::from(u8::from(b)),
            Ok(Value::Int(i)) => i as f64,
            Ok(Value::Float(x)) => x,
            Ok(Value::Text(_)) | Err(_) => f64::NAN,
        };
        let holder = match self.held_by(point) {
            Holder::Nobody => 0.0,
            Holder::ThisPlugin => 1.0,
            Holder::Operator => 2.0,
            Holder::Local => 3.0,
            Holder::Protection(_) => 4.0,
            Holder::Other(_) => 5.0,
        };
        [number, sample.quality.place(), sample.age.as_secs_f64() * 1e3, holder]
    }
}

impl Host for World {
    fn roles(&self) -> Vec<Bound> {
        let inner = self.inner.borrow();
        let bound = |p: &Point| {
            let role = &self.manifest.roles[p.role];
            let writable = role.direction == Direction::Output;
            Bound { name: role.name.clone(), index: p.index, writable }
        };
        inner.points.iter().map(bound).collect()
    }

    fn shape(&self, role: &str) -> Option<&'static str> {
        self.manifest.roles.iter().find(|r| r.name == role).map(|r| r.shape.word())
    }

    fn lookup(&self, role: &str, index: u32) -> Option<u32> {
        let role = self.manifest.roles.iter().position(|r| r.name == role)?;
        let inner = self.inner.borrow();
        let found = inner.points.iter().position(|p| p.role == role && p.index == index);
        found.map(|i| i as u32)
    }

    fn read(&self, point: u32) -> Sample {
        let inner = self.inner.borrow();
        let known = inner.points.get(point as usize).map(|p| p.sample.clone());
        known.unwrap_or_else(|| Sample {
            value: Err("no such point".to_owned()),
            quality: Quality::Bad,
            age: Duration::MAX,
        })
    }

    fn write(&self, point: u32, value: &Value, reason: &str) -> Result<(), String> {
        self.ask(point, Some(value.clone()), reason)
    }

    fn relinquish(&self, point: u32, reason: &str) -> Result<(), String> {
        self.ask(point, None, reason)
    }

    fn held_by(&self, point: u32) -> Holder {
        let inner = self.inner.borrow();
        let Some(found) = inner.points.get(point as usize) else { return Holder::Nobody };
        if let Some(holder) = &found.held_by {
            return holder.clone();
        }
        let now = inner.clock.monotonic();
        let lives = |w: &Write| w.value.is_some() && now < w.at + self.ttl;
        match inner.done.writes.get(&point).is_some_and(lives) {
            true => Holder::ThisPlugin,
            false => Holder::Nobody,
        }
    }

    fn publish(&self, name: &str, value: Option<&Value>, quality: Quality) -> Result<(), String> {
        let Some(published) = self.manifest.value(name) else {
            return Err(format!("the manifest has no value `{name}`"));
        };
        if let Some(value) = value {
            check(published.shape, name, value)?;
        }
        let mut inner = self.inner.borrow_mut();
        inner.done.published.insert(name.to_owned(), (value.cloned(), quality));
        Ok(())
    }

    fn lookup_value(&self, name: &str) -> Option<u32> {
        let values = &self.manifest.values;
        let at = values.iter().position(|v| v.name == name && v.shape == Shape::Float)?;
        u32::try_from(at).ok()
    }

    fn kv_get(&self, key: &str) -> Option<Vec<u8>> {
        self.inner.borrow().done.kv.get(key).cloned()
    }

    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        if value.len() > KV_LEN_MAX {
            return Err(format!("`{key}` is longer than {KV_LEN_MAX} bytes"));
        }
        self.inner.borrow_mut().done.kv.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn kv_delete(&self, key: &str) {
        self.inner.borrow_mut().done.kv.remove(key);
    }

    fn log(&self, level: Level, text: &str) {
        self.inner.borrow_mut().log.push(Line { level, text: text.to_owned() });
    }

    fn raise(&self, alarm: &Alarm<'_>) {
        let raised =
            Raised { severity: alarm.severity, en: alarm.en.to_owned(), zh: alarm.zh.to_owned() };
        self.inner.borrow_mut().done.alarms.insert(alarm.code.to_owned(), raised);
    }

    fn clear(&self, code: &str) {
        self.inner.borrow_mut().done.alarms.remove(code);
    }

    fn civil_at(&self, utc_ms: i64) -> Civil {
        self.inner.borrow().clock.civil_at(utc_ms)
    }

    fn moment_of(&self, local: Civil) -> Option<i64> {
        self.inner.borrow().clock.moment_of(local)
    }
}
