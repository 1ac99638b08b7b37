//! The seam: what a plugin asks of whoever runs it. On wasm that is the gateway, through the
//! generated bindings; in `cargo test` it is the mock.

use crate::{Alarm, Civil, Quality, Value};
use std::time::Duration;

/// Who decides an output at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: it is at its safe value.
    Nobody,
    /// This plugin.
    ThisPlugin,
    /// An operator, or a remote command above this plugin's slot.
    Operator,
    /// The device is in local or hand mode; nothing is written.
    Local,
    /// An interlock or protection, with its name.
    Protection(String),
    /// Somebody else, by name.
    Other(String),
}

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// What a point read last.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The value, or why there is none.
    pub value: Result<Value, String>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Time since the value was taken.
    pub age: Duration,
}

/// A role that the site has bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The role.
    pub name: String,
    /// Position in the list of points bound to it.
    pub index: u32,
    /// Whether it may be written.
    pub writable: bool,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// Of every type but a table.
    One(Value),
    /// Rows in the columns of the manifest.
    Table(Vec<Vec<Value>>),
}

/// What a plugin starts with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Every parameter of the manifest.
    pub parameters: Vec<(String, Setting)>,
    /// What `save` returned once.
    pub saved: Option<Vec<u8>>,
}

/// What a call tells at its end, as the contract has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Told {
    /// Numbers to publish: of each its handle, the number and the quality's place.
    pub numbers: Vec<f64>,
    /// Outputs of which the same is asked again.
    pub again: Vec<u32>,
}

/// The imports of the contract, in the SDK's types.
#[expect(missing_docs, reason = "the contract, sdk/wit, describes each")]
pub trait Host {
    fn roles(&self) -> Vec<Bound>;
    fn lookup(&self, role: &str, index: u32) -> Option<u32>;
    /// The shape that the manifest gives a role, if whoever runs the plugin knows it.
    fn shape(&self, _role: &str) -> Option<&'static str> {
        None
    }
    fn read(&self, point: u32) -> Sample;
    fn write(&self, point: u32, value: &Value, reason: &str) -> Result<(), String>;
    fn relinquish(&self, point: u32, reason: &str) -> Result<(), String>;
    fn held_by(&self, point: u32) -> Holder;
    fn publish(&self, name: &str, value: Option<&Value>, quality: Quality) -> Result<(), String>;
    fn lookup_value(&self, name: &str) -> Option<u32>;
    fn kv_get(&self, key: &str) -> Option<Vec<u8>>;
    fn kv_set(&self, key: &str, value: &[u8]) -> Result<(), String>;
    fn kv_delete(&self, key: &str);
    fn log(&self, level: Level, text: &str);
    fn raise(&self, alarm: &Alarm<'_>);
    fn clear(&self, code: &str);
    fn civil_at(&self, utc_ms: i64) -> Civil;
    fn moment_of(&self, local: Civil) -> Option<i64>;
}
