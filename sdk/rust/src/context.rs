//! What a plugin is handed: [`Init`] once, [`Tick`] in every call.

use crate::failure::Kind;
use crate::host::{Bound, Config, Holder, Host, Level, Sample, Setting};
use crate::said::Said;
use crate::{Cell, Civil, Clock, Error, Now, PointValue, Quality, Restored, Row, Value, millis};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::time::Duration;

/// A role that is read, with values of the type `T`.
#[derive(Debug)]
pub struct Input<T> {
    point: u32,
    values: PhantomData<fn() -> T>,
}

/// A role that is written, with values of the type `T`.
#[derive(Debug)]
pub struct Output<T> {
    point: u32,
    values: PhantomData<fn(T)>,
}

impl<T> Clone for Input<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Input<T> {}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Output<T> {}

/// What a point read last, and how far that can be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading<T> {
    value: Option<T>,
    quality: Quality,
    /// Made a duration only for who asks.
    age_ms: f64,
}

impl<T> Reading<T> {
    /// The value if it may decide anything: it is good, or an operator put it in place.
    pub fn good(self) -> Option<T> {
        match self.quality {
            Quality::Good | Quality::Manual => self.value,
            _ => None,
        }
    }

    /// The value if there is one at all, uncertain ones too: for rules that say they accept those.
    pub fn usable(self) -> Option<T> {
        self.value
    }

    /// The value if it may decide anything and is no older than this.
    pub fn fresh(self, age_max: Duration) -> Option<T> {
        // Whole milliseconds, by which an age that is just reached is told from one that is over.
        if self.age_ms <= millis(age_max) as f64 { self.good() } else { None }
    }

    /// How far it can be trusted.
    pub fn quality(&self) -> Quality {
        self.quality
    }

    /// Time since the value was taken.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.age_ms as u64)
    }
}

impl<T: PointValue> Reading<T> {
    /// Of what is no number. The age is the same as among the numbers.
    fn of(sample: &Sample, age_ms: f64) -> Self {
        let value = match (&sample.value, sample.quality) {
            (_, Quality::Stale | Quality::Bad) | (Err(_), _) => None,
            (Ok(value), _) => T::from_value(value),
        };
        Self::new(value, sample.quality, age_ms)
    }

    /// A quality that promises a value holds only if there is one of the type asked for.
    fn new(value: Option<T>, quality: Quality, age_ms: f64) -> Self {
        let quality = match (&value, quality) {
            (None, Quality::Good | Quality::Uncertain | Quality::Manual) => Quality::Bad,
            (_, quality) => quality,
        };
        Reading { value, quality, age_ms }
    }
}

/// How much an alarm matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Notice,
    /// Somebody should look soon.
    Warning,
    /// Somebody must act.
    Alarm,
}

/// An alarm of the plugin, in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm<'a> {
    /// The plugin's own, stable name for it: `no_flow`. At most 64 letters, digits, `_`, `-` and
    /// `.`.
    pub code: &'a str,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong and what to do, in English.
    pub en: &'a str,
    /// The same in Chinese.
    pub zh: &'a str,
}

/// The first call: roles are looked up and parameters read here.
pub struct Init<'h> {
    host: &'h dyn Host,
    config: Config,
    roles: Vec<Bound>,
    now: Now,
    restored: Restored,
    /// What [`compare`](Self::compare) found last.
    pub(crate) misread: std::cell::Cell<Option<Error>>,
}

impl<'h> Init<'h> {
    pub(crate) fn new(host: &'h dyn Host, config: Config, now: Now, restored: Restored) -> Self {
        Init { host, config, roles: host.roles(), now, restored, misread: Default::default() }
    }

    /// A parameter of the manifest, with the site's value or the default.
    pub fn parameter<T: Cell>(&self, name: &str) -> Result<T, Error> {
        let setting = self.setting(name)?;
        let value = match setting {
            Setting::One(value) => T::from_cell(value),
            Setting::Table(_) => None,
        };
        value.ok_or_else(|| wrong(name, T::WANTED, setting))
    }

    /// Reads many parameters into a struct of the plugin, and says which one is not what the code
    /// takes it for, the first of them if there are several. Half of the component's code that as
    /// many `cx.parameter("…")?` make.
    ///
    /// ```
    /// # use wellhead_sdk::prelude::*;
    /// struct Settings { on_below: f64, min_on: Duration }
    ///
    /// fn settings(cx: &Init<'_>) -> Result<Settings, Error> {
    ///     cx.parameters(|p| Settings { on_below: p.get("on_below"), min_on: p.get("min_on") })
    /// }
    /// ```
    pub fn parameters<S>(&self, read: impl FnOnce(&Parameters<'_>) -> S) -> Result<S, Error> {
        let parameters = Parameters { init: self, failed: std::cell::Cell::new(None) };
        let read = read(&parameters);
        match parameters.failed.take() {
            None => Ok(read),
            Some(error) => Err(error),
        }
    }

    /// The rows of a parameter of type `table`:
    /// `cx.table::<(MonthDay, MonthDay, Duration)>("windows")?`.
    pub fn table<R: Row>(&self, name: &str) -> Result<Vec<R>, Error> {
        let rows = match self.setting(name)? {
            Setting::Table(rows) => rows,
            one => return Err(wrong(name, "table", one)),
        };
        let mut table = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            match R::from_row(row) {
                Ok(row) => table.push(row),
                Err((column, wanted)) => return Err(wrong_cell(name, i, row, column, wanted)),
            }
        }
        Ok(table)
    }

    fn setting(&self, name: &str) -> Result<&Setting, Error> {
        let found = self.config.parameters.iter().find(|(n, _)| n == name);
        found.map(|(_, setting)| setting).ok_or_else(|| Kind::NoParameter(name.to_owned()).into())
    }

    /// The point that a role reads.
    pub fn input<T: PointValue>(&mut self, role: &str) -> Result<Input<T>, Error> {
        self.input_optional(role).ok_or_else(|| unbound(role))
    }

    /// The point that a role reads, unless the site left it out.
    pub fn input_optional<T: PointValue>(&mut self, role: &str) -> Option<Input<T>> {
        self.compare::<T>(role);
        self.host.lookup(role, 0).map(input)
    }

    /// All points that a role with `many` reads, in the site's order; empty if there are none.
    pub fn inputs<T: PointValue>(&mut self, role: &str) -> Vec<Input<T>> {
        self.compare::<T>(role);
        self.points_of(role).iter().map(|point| input(*point)).collect()
    }

    /// Remembers a role whose shape is not for this type: on the box it would read as bad for ever,
    /// and nobody would know why. Only the mock knows shapes, so a plugin's first test tells.
    fn compare<T: PointValue>(&self, role: &str) {
        #[cfg(feature = "mock")]
        if let (Some(shape), [taken, ..]) = (self.host.shape(role), T::SHAPES)
            && !T::SHAPES.contains(&shape)
        {
            let wrong = Kind::RoleType { role: role.to_owned(), shape, taken };
            self.misread.set(Some(wrong.into()));
        }
        #[cfg(not(feature = "mock"))]
        let _ = role;
    }

    /// The points bound to a role.
    fn points_of(&self, role: &str) -> Vec<u32> {
        let mut points = Vec::new();
        while let Some(point) = self.host.lookup(role, points.len() as u32) {
            points.push(point);
        }
        points
    }

    /// The point that a role writes.
    pub fn output<T: PointValue>(&self, role: &str) -> Result<Output<T>, Error> {
        self.output_optional(role)?.ok_or_else(|| unbound(role))
    }

    /// The point that a role writes, unless the site left it out.
    pub fn output_optional<T: PointValue>(&self, role: &str) -> Result<Option<Output<T>>, Error> {
        Ok(self.outputs(role)?.into_iter().next())
    }

    /// All points that a role with `many` writes, in the site's order; empty if there are none.
    pub fn outputs<T: PointValue>(&self, role: &str) -> Result<Vec<Output<T>>, Error> {
        let points = self.points_of(role);
        self.compare::<T>(role);
        self.writable(role)?;
        Ok(points.iter().map(|point| Output { point: *point, values: PhantomData }).collect())
    }

    fn writable(&self, role: &str) -> Result<(), Error> {
        if self.roles.iter().any(|r| r.name == role && !r.writable) {
            return Err(Kind::NotWritable(role.to_owned()).into());
        }
        Ok(())
    }

    /// What became of the state that was saved.
    pub fn restored(&self) -> Restored {
        self.restored
    }

    /// Writes a line to the plugin's log; [`info!`](crate::info) and its sisters call this.
    pub fn log(&self, level: Level, text: &str) {
        self.host.log(level, text);
    }
}

/// The parameters, for [`Init::parameters`].
pub struct Parameters<'i> {
    init: &'i Init<'i>,
    failed: std::cell::Cell<Option<Error>>,
}

impl Parameters<'_> {
    /// A parameter of the manifest, with the site's value or the default. If it is not of this type,
    /// the value means nothing, and [`Init::parameters`] returns the error.
    #[inline(never)]
    pub fn get<T: Cell + Default>(&self, name: &str) -> T {
        self.init.parameter(name).unwrap_or_else(|error| {
            let first = self.failed.take().unwrap_or(error);
            self.failed.set(Some(first));
            T::default()
        })
    }
}

/// What is seen of a point that is not there.
const NOWHERE: [f64; 4] = [f64::NAN, 3.0, f64::MAX, 0.0];

/// One call. What it does takes effect when the call ends well, and not at all if it fails.
pub struct Tick<'h> {
    pub(crate) host: &'h dyn Host,
    pub(crate) now: Now,
    /// Four numbers of each point, as the contract's `tick` has them.
    pub(crate) seen: &'h [f64],
    pub(crate) changed: &'h [u32],
    pub(crate) said: &'h mut Said,
}

impl<'h> Tick<'h> {
    /// What the point of an input read last. All points were read together, before the call.
    pub fn read<T: PointValue>(&self, input: &Input<T>) -> Reading<T> {
        self.reading(input.point)
    }

    fn reading<T: PointValue>(&self, point: u32) -> Reading<T> {
        let [number, quality, age_ms, _] = *self.row(point);
        let quality = Quality::at(quality);
        if !quality.has_value() {
            return Reading { value: None, quality, age_ms };
        }
        match T::from_number(number) {
            None if !T::IS_NUMBER => Reading::of(&self.host.read(point), age_ms),
            value => Reading::new(value, quality, age_ms),
        }
    }

    /// The numbers of a point. Only one of another instance can be outside.
    #[inline(always)]
    fn row(&self, point: u32) -> &[f64; 4] {
        self.seen.as_chunks().0.get(point as usize).unwrap_or(&NOWHERE)
    }

    /// Why an input has no value, if it has none.
    pub fn why_unavailable<T>(&self, input: &Input<T>) -> Option<String> {
        self.host.read(input.point).value.err()
    }

    /// Whether this is a call of [`Plugin::on_change`](crate::Plugin::on_change) because of this
    /// input.
    pub fn changed<T>(&self, input: &Input<T>) -> bool {
        self.changed.contains(&input.point)
    }

    /// What the point of an output read last.
    pub fn read_back<T: PointValue>(&self, output: &Output<T>) -> Reading<T> {
        self.reading(output.point)
    }

    /// Asks for a value on an output until the next call. The reason stands in the audit trail.
    pub fn write<T: PointValue>(
        &mut self,
        output: &Output<T>,
        value: T,
        reason: impl AsRef<str>,
    ) -> Result<(), Error> {
        self.ask(output.point, value.into_value(), reason.as_ref())
    }

    fn ask(&mut self, point: u32, value: Value, reason: &str) -> Result<(), Error> {
        if !value.is_finite() {
            return Err(Kind::NotFinite.into());
        }
        self.said.write(self.host, point, value, reason).map_err(refused)
    }

    /// Gives an output back: to its safe value, or to whoever else holds it.
    pub fn relinquish<T>(
        &mut self,
        output: &Output<T>,
        reason: impl AsRef<str>,
    ) -> Result<(), Error> {
        self.said.relinquish(output.point);
        self.host.relinquish(output.point, reason.as_ref()).map_err(refused)
    }

    /// Who decides an output at present.
    pub fn holder<T>(&self, output: &Output<T>) -> Holder {
        match self.row(output.point)[3] {
            0.0 => Holder::Nobody,
            1.0 => Holder::ThisPlugin,
            2.0 => Holder::Operator,
            3.0 => Holder::Local,
            // The others have a name.
            _ => self.host.held_by(output.point),
        }
    }

    /// Publishes a value of the manifest, as good. It stands until another takes its place; the
    /// gateway hears of it only if it is another.
    pub fn publish(&mut self, name: &'static str, value: impl PointValue) -> Result<(), Error> {
        self.publish_as(name, value, Quality::Good)
    }

    /// Publishes a value of the manifest with a quality: computed from uncertain inputs, say.
    pub fn publish_as(
        &mut self,
        name: &'static str,
        value: impl PointValue,
        quality: Quality,
    ) -> Result<(), Error> {
        match value.into_value() {
            Value::Float(number) => self.tell_number(name, number, quality),
            Value::Text(Cow::Borrowed(word)) => self.tell_word(name, word, quality),
            other => self.tell(name, Some(other), quality),
        }
    }

    /// Publishes that a value of the manifest is not to be had now.
    pub fn publish_unavailable(&mut self, name: &'static str) -> Result<(), Error> {
        self.tell(name, None, Quality::Bad)
    }

    // None is inlined: a plugin publishes in some fifty places. What is not as it mostly is goes by
    // a function of its own, so that the short way needs no stack.
    #[inline(never)]
    fn tell_number(
        &mut self,
        name: &'static str,
        number: f64,
        quality: Quality,
    ) -> Result<(), Error> {
        match self.said.renumber(name, number, quality) {
            true => Ok(()),
            false => self.tell_number_anew(name, number, quality),
        }
    }

    #[inline(never)]
    fn tell_number_anew(
        &mut self,
        name: &'static str,
        number: f64,
        quality: Quality,
    ) -> Result<(), Error> {
        self.tell(name, Some(Value::Float(number)), quality)
    }

    #[inline(never)]
    fn tell_word(
        &mut self,
        name: &'static str,
        word: &'static str,
        quality: Quality,
    ) -> Result<(), Error> {
        match self.said.stands(name, word, quality) {
            true => Ok(()),
            false => self.tell_word_anew(name, word, quality),
        }
    }

    #[inline(never)]
    fn tell_word_anew(
        &mut self,
        name: &'static str,
        word: &'static str,
        quality: Quality,
    ) -> Result<(), Error> {
        self.tell(name, Some(Value::Text(word.into())), quality)
    }

    #[inline(never)]
    fn tell(
        &mut self,
        name: &'static str,
        value: Option<Value>,
        quality: Quality,
    ) -> Result<(), Error> {
        if value.as_ref().is_some_and(|value| !value.is_finite()) {
            return Err(Kind::NotFinite.into());
        }
        self.said.publish(self.host, name, value, quality).map_err(refused)
    }

    /// Raises an alarm while a condition holds and clears it when it does not.
    pub fn alarm(&mut self, alarm: &Alarm<'_>, condition: bool) {
        if condition {
            self.said.raise(alarm.code);
            self.host.raise(alarm);
        } else if self.said.clear(alarm.code) {
            self.host.clear(alarm.code);
        }
    }

    /// Reads a key of the plugin's small store; for more than a counter or two, use
    /// [`Plugin::State`](crate::Plugin::State).
    pub fn kv_get(&self, key: &str) -> Option<Vec<u8>> {
        self.host.kv_get(key)
    }

    /// Sets a key of the plugin's small store.
    pub fn kv_set(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
        self.host.kv_set(key, value).map_err(refused)
    }

    /// Deletes a key of the plugin's small store.
    pub fn kv_delete(&mut self, key: &str) {
        self.host.kv_delete(key);
    }

    /// Writes a line to the plugin's log; [`info!`](crate::info) and its sisters call this.
    pub fn log(&self, level: Level, text: &str) {
        self.host.log(level, text);
    }
}

fn input<T>(point: u32) -> Input<T> {
    Input { point, values: PhantomData }
}

fn unbound(role: &str) -> Error {
    Kind::Unbound(role.to_owned()).into()
}

fn refused(why: String) -> Error {
    Kind::Refused(why).into()
}

fn wrong_cell(
    table: &str,
    row: usize,
    cells: &[Value],
    column: usize,
    wanted: &'static str,
) -> Error {
    let name = format!("{table}[{row}], column {column}");
    let found = cells.get(column).map_or("missing", Value::kind);
    Kind::ParameterType { name, wanted, found }.into()
}

/// A parameter that is read as what it is not.
fn wrong(name: &str, wanted: &'static str, setting: &Setting) -> Error {
    let found = match setting {
        Setting::One(value) => value.kind(),
        Setting::Table(_) => "a table",
    };
    Kind::ParameterType { name: name.to_owned(), wanted, found }.into()
}

macro_rules! clock {
    ($($context:ident),+) => {$(
        impl Clock for $context<'_> {
            fn now(&self) -> Now {
                self.now
            }

            fn civil_at(&self, utc_ms: i64) -> Civil {
                self.host.civil_at(utc_ms)
            }

            fn moment_of(&self, local: Civil) -> Option<i64> {
                self.host.moment_of(local)
            }
        }
    )+};
}

clock!(Init, Tick);

/// Writes a line for whoever wrote the plugin: `debug!(cx, "Mode {mode}")`.
#[macro_export]
macro_rules! debug {
    ($cx:expr, $($text:tt)+) => {
        $cx.log($crate::Level::Debug, &::std::format!($($text)+))
    };
}

/// Writes a line about something that took effect: `info!(cx, "Mode {mode}")`.
#[macro_export]
macro_rules! info {
    ($cx:expr, $($text:tt)+) => {
        $cx.log($crate::Level::Info, &::std::format!($($text)+))
    };
}

/// Writes a line about something that went wrong and was dealt with: `warn!(cx, "Mode {mode}")`.
#[macro_export]
macro_rules! warn {
    ($cx:expr, $($text:tt)+) => {
        $cx.log($crate::Level::Warn, &::std::format!($($text)+))
    };
}

/// Writes a line about something a person must deal with: `error!(cx, "Mode {mode}")`.
#[macro_export]
macro_rules! error {
    ($cx:expr, $($text:tt)+) => {
        $cx.log($crate::Level::Error, &::std::format!($($text)+))
    };
}
