//! The seam on wasm: the SDK's types to and from those of the generated bindings.

pub use crate::bindings::wellhead::plugin::clock::Instant as Moment;
use crate::bindings::wellhead::plugin::{alarms, clock, kv, log, points, values};
pub use crate::bindings::{Config, Description, Guest, Told};
use crate::host::{self, Bound, Holder, Host, Level, Sample};
use crate::{Alarm, Civil, Now, Quality, Severity, Value};
use std::time::Duration;

/// What a component says of its making.
pub const BUILT_WITH: &str = concat!("wellhead-sdk ", env!("CARGO_PKG_VERSION"));

#[global_allocator]
static HEAP: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The gateway.
#[derive(Debug)]
pub struct Gateway;

impl Host for Gateway {
    fn roles(&self) -> Vec<Bound> {
        each(points::roles(), |r| Bound { name: r.name, index: r.index, writable: r.writable })
    }

    fn lookup(&self, role: &str, index: u32) -> Option<u32> {
        points::lookup(role, index)
    }

    fn read(&self, point: u32) -> Sample {
        let points::Sample { value, quality, age_ms } = points::read(point);
        let age = Duration::from_millis(age_ms);
        Sample { value: value_in(value), quality: quality_in(quality), age }
    }

    fn write(&self, point: u32, value: &Value, reason: &str) -> Result<(), String> {
        points::write(point, &value_out(value), reason)
    }

    fn relinquish(&self, point: u32, reason: &str) -> Result<(), String> {
        points::relinquish(point, reason)
    }

    fn held_by(&self, point: u32) -> Holder {
        match points::held_by(point) {
            points::Holder::Nobody => Holder::Nobody,
            points::Holder::ThisPlugin => Holder::ThisPlugin,
            points::Holder::Operator => Holder::Operator,
            points::Holder::Local => Holder::Local,
            points::Holder::Protection(name) => Holder::Protection(name),
            points::Holder::Other(name) => Holder::Other(name),
        }
    }

    fn publish(&self, name: &str, value: Option<&Value>, quality: Quality) -> Result<(), String> {
        let value = value.map_or(points::Value::Unavailable(String::new()), value_out);
        values::publish(name, &value, quality_out(quality))
    }

    fn lookup_value(&self, name: &str) -> Option<u32> {
        values::lookup(name)
    }

    fn kv_get(&self, key: &str) -> Option<Vec<u8>> {
        kv::get(key)
    }

    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), String> {
        kv::set(key, value)
    }

    fn kv_delete(&self, key: &str) {
        kv::delete(key);
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, text);
    }

    fn raise(&self, alarm: &Alarm<'_>) {
        let severity = match alarm.severity {
            Severity::Notice => alarms::Severity::Notice,
            Severity::Warning => alarms::Severity::Warning,
            Severity::Alarm => alarms::Severity::Alarm,
        };
        alarms::raise(alarm.code, severity, alarm.en, alarm.zh);
    }

    fn clear(&self, code: &str) {
        alarms::clear(code);
    }

    fn civil_at(&self, utc_ms: i64) -> Civil {
        civil_in(clock::civil_at(utc_ms))
    }

    fn moment_of(&self, local: Civil) -> Option<i64> {
        let Civil { year, month, day, hour, minute, second, weekday, utc_offset } = local;
        clock::moment_of(clock::Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            weekday,
            utc_offset,
        })
    }
}

/// A list of other things made of a list: `collect`, without the code by which that tries to do it
/// within the same memory.
fn each<A, B>(list: Vec<A>, make: impl Fn(A) -> B) -> Vec<B> {
    let mut made = Vec::with_capacity(list.len());
    for one in list {
        made.push(make(one));
    }
    made
}

/// The present as the SDK has it.
pub fn now_in(now: clock::Instant) -> Now {
    Now {
        utc_ms: now.utc_ms,
        monotonic: Duration::from_millis(now.monotonic_ms),
        synced: now.synced,
        local: civil_in(now.local),
    }
}

fn civil_in(local: clock::Civil) -> Civil {
    let clock::Civil { year, month, day, hour, minute, second, weekday, utc_offset } = local;
    Civil { year, month, day, hour, minute, second, weekday, utc_offset }
}

fn value_in(value: points::Value) -> Result<Value, String> {
    Ok(match value {
        points::Value::Unavailable(why) => return Err(why),
        points::Value::Boolean(b) => Value::Bool(b),
        points::Value::Integer(i) => Value::Int(i),
        points::Value::Number(f) => Value::Float(f),
        points::Value::Text(t) => Value::Text(t.into()),
    })
}

fn value_out(value: &Value) -> points::Value {
    match value {
        Value::Bool(b) => points::Value::Boolean(*b),
        Value::Int(i) => points::Value::Integer(*i),
        Value::Float(f) => points::Value::Number(*f),
        Value::Text(t) => points::Value::Text(t.to_string()),
    }
}

fn quality_in(quality: points::Quality) -> Quality {
    match quality {
        points::Quality::Good => Quality::Good,
        points::Quality::Uncertain => Quality::Uncertain,
        points::Quality::Stale => Quality::Stale,
        points::Quality::Bad => Quality::Bad,
        points::Quality::Manual => Quality::Manual,
    }
}

fn quality_out(quality: Quality) -> points::Quality {
    match quality {
        Quality::Good => points::Quality::Good,
        Quality::Uncertain => points::Quality::Uncertain,
        Quality::Stale => points::Quality::Stale,
        Quality::Bad => points::Quality::Bad,
        Quality::Manual => points::Quality::Manual,
    }
}

/// The configuration as the SDK sees it. A cell that is unavailable can't occur: the gateway has
/// checked every parameter. It would read as an empty text, which no type but text accepts.
pub fn config_in(config: Config) -> host::Config {
    use crate::bindings::Setting;
    let one = |value: Value| host::Setting::One(value);
    let setting = |setting: Setting| match setting {
        Setting::Boolean(b) => one(Value::Bool(b)),
        Setting::Integer(i) => one(Value::Int(i)),
        Setting::Number(f) => one(Value::Float(f)),
        Setting::Text(t) => one(Value::Text(t.into())),
        Setting::Table(rows) => host::Setting::Table(each(rows, |row| {
            each(row, |cell| value_in(cell).unwrap_or(Value::Text("".into())))
        })),
    };
    host::Config {
        parameters: each(config.parameters, |p| (p.name, setting(p.value))),
        saved: config.saved.map(|s| s.bytes),
    }
}

/// Lets a panic say where and why: the trap that it ends in says neither. The gateway keeps what was
/// logged in a call that failed.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let (file, line) = panic.location().map_or(("?", 0), |l| (l.file(), l.line()));
        let why = panic.payload_as_str().unwrap_or("no text");
        log::write(log::Level::Error, &format!("Panic at {file}:{line}: {why}"));
    }));
}

/// The end of a call as the contract has it.
pub fn told_out(told: host::Told) -> Told {
    let host::Told { numbers, again } = told;
    Told { numbers, again }
}

/// What the gateway is told of an error.
pub fn message(error: crate::Error) -> String {
    format!("{error}")
}

/// The exports of the component, for [`export!`](crate::export).
#[doc(hidden)]
#[macro_export]
macro_rules! __export_component {
    ($plugin:ty, $name:expr, $version:expr) => {
        use $crate::instance::Instance;
        use $crate::wasm::{
            BUILT_WITH, Config, Description, Gateway, Guest, Moment, Told, config_in, message,
            now_in, tell_panics, told_out,
        };

        ::std::thread_local! {
            static INSTANCE: ::std::cell::Cell<Option<Box<Instance<$plugin>>>> =
                const { ::std::cell::Cell::new(None) };
        }

        fn running(
            call: impl FnOnce(&mut Instance<$plugin>) -> Result<$crate::host::Told, $crate::Error>,
        ) -> Result<Told, String> {
            // Taken out for the time of the call, which is never made within another.
            let mut instance = INSTANCE.take().ok_or("called before init")?;
            let result = call(&mut instance).map(told_out).map_err(message);
            INSTANCE.set(Some(instance));
            result
        }

        struct Component;

        impl Guest for Component {
            fn describe() -> Description {
                Description {
                    name: $name.to_owned(),
                    version: $version.to_owned(),
                    built_with: BUILT_WITH.to_owned(),
                }
            }

            fn init(config: Config, now: Moment) -> Result<(), String> {
                tell_panics();
                let started = Instance::start(&Gateway, config_in(config), now_in(now));
                INSTANCE.set(Some(Box::new(started.map_err(message)?)));
                Ok(())
            }

            fn tick(now: Moment, seen: Vec<f64>) -> Result<Told, String> {
                running(|instance| instance.tick(&Gateway, now_in(now), &seen))
            }

            fn on_change(now: Moment, seen: Vec<f64>, changed: Vec<u32>) -> Result<Told, String> {
                running(|instance| instance.on_change(&Gateway, now_in(now), &seen, &changed))
            }

            fn save() -> Vec<u8> {
                let Some(instance) = INSTANCE.take() else { return Vec::new() };
                let saved = instance.save(&Gateway);
                INSTANCE.set(Some(instance));
                saved
            }
        }

        $crate::__export_plugin_impl!(Component with_types_in $crate::bindings);
    };
}
