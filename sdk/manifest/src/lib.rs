//! `plugin.toml`: what a plugin says of itself before anybody runs it.
//!
//! A manifest names the roles a plugin plays with the plant's points, the parameters a site may
//! set, and the values it publishes. The gateway checks a site against it, the SDK's mock host runs
//! a plugin by it, and the packer puts it into the package. All of them read it here, so that a
//! mistake reads the same wherever it is found.
//!
//! This crate must never know the gateway, a point, or how a unit converts: a unit is a symbol, and
//! whoever binds a role to a point checks that the two fit.
//!
//! ```
//! let manifest = wellhead_manifest::Manifest::parse(r#"
//!     [plugin]
//!     name = "night-setback"
//!     version = "0.1.0"
//!     contract = "1.0"
//!     title = "Night setback"
//!     period = "60s"
//!
//!     [role.supply_setpoint]
//!     direction = "output"
//!     shape = "float"
//!     unit = "°C"
//!
//!     [parameter.lower_by]
//!     type = "float"
//!     unit = "K"
//!     default = 3.0
//!     range = [0, 8]
//! "#).expect("it has no mistake");
//! assert_eq!(manifest.roles[0].name, "supply_setpoint");
//!
//! let given = toml::Table::from_iter([("lower_by".to_owned(), toml::Value::Integer(9))]);
//! let problems = manifest.settings(&given).unwrap_err();
//! assert_eq!(problems[0].message, "9 K is above 8 K");
//! ```

mod parse;
mod problem;
mod read;
mod setting;
mod text;

pub use problem::{Place, Problem, Problems};
pub use setting::{Form, Kind, Scalar, Setting};
pub use text::{Contract, duration, size};

use std::time::Duration;

/// The contract this release of Wellhead speaks.
pub const CONTRACT: Contract = Contract { major: 1, minor: 0 };

/// Most memory a plugin may ask for, in bytes.
pub const MEMORY_MAX: u64 = 8 << 20;

/// Longest time a plugin may ask for in one call.
pub const DEADLINE_MAX: Duration = Duration::from_millis(100);

/// Most points one role may be bound to.
pub const MANY_MAX: u32 = 256;

/// A manifest without a mistake in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The plugin's name: `borehole-recharge`.
    pub name: String,
    /// Its version, as semver.org has it: `0.1.0`.
    pub version: String,
    /// The contract it was written for.
    pub contract: Contract,
    /// What it is called before people.
    pub title: Title,
    /// What it does, in a sentence or two. May be empty.
    pub summary: Title,
    /// How often it is called.
    pub period: Duration,
    /// Whether it is also called when a point of an input role changed.
    pub on_change: bool,
    /// What it asks for.
    pub limits: Limits,
    /// The points it reads and writes, in the order of the file.
    pub roles: Vec<Role>,
    /// What a site may set, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// What it publishes, in the order of the file.
    pub values: Vec<Published>,
}

/// A text for people in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Title {
    /// English.
    pub en: String,
    /// Chinese; the English text if the manifest has none.
    pub zh: String,
}

/// What a plugin asks of the machine. The site may grant less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory in bytes.
    pub memory: u64,
    /// The longest one call may take.
    pub deadline: Duration,
}

/// Whether the plugin reads or writes a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It reads.
    Input,
    /// It writes, and may read back.
    Output,
}

/// Which kind of value a point holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Shape {
    Bool,
    Int,
    Float,
    /// Also the names of states.
    Text,
}

impl Shape {
    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Shape::Bool => "bool",
            Shape::Int => "int",
            Shape::Float => "float",
            Shape::Text => "text",
        }
    }
}

/// A point of the plant by the plugin's name for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// The plugin's name for it: `outdoor_temp`.
    pub name: String,
    /// Read or written.
    pub direction: Direction,
    /// What its values are.
    pub shape: Shape,
    /// Symbol of the unit in which the plugin sees it. Only for numbers.
    pub unit: Option<String>,
    /// Whether a site must bind it.
    pub required: bool,
    /// To how many points it may be bound; 1 or more.
    pub many: u32,
    /// What it is called before people; the name if the manifest has no title.
    pub title: Title,
}

/// Something a site may set.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The plugin's name for it: `max_entering`.
    pub name: String,
    /// What may be given.
    pub form: Form,
    /// What holds when the site says nothing. Without a default the site must say.
    pub default: Option<Setting>,
    /// What it is called before people; the name if the manifest has no title.
    pub title: Title,
}

/// What sort of quantity a published value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A measured or computed quantity.
    Measurement,
    /// A state.
    Status,
    /// What is asked of a machine.
    Setpoint,
    /// Only ever grows, until it rolls over.
    Counter,
}

impl Class {
    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Class::Measurement => "measurement",
            Class::Status => "status",
            Class::Setpoint => "setpoint",
            Class::Counter => "counter",
        }
    }
}

/// A value the plugin publishes; it becomes the point `<plugin id>/<name>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Its name: `balance`.
    pub name: String,
    /// What its values are.
    pub shape: Shape,
    /// Symbol of its unit. Only for numbers.
    pub unit: Option<String>,
    /// What sort of quantity it is: for numbers a measurement, for others a status, unless said.
    pub class: Class,
    /// What it is called before people; the name if the manifest has no title.
    pub title: Title,
}

impl Manifest {
    /// Reads and checks a manifest, and tells every mistake at once.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        parse::manifest(text, &|_| None)
    }

    /// The same for whoever knows the gateway's units: what `wrong_unit` says of a symbol is a
    /// mistake too. Its place and key are filled in here.
    pub fn parse_with_units(
        text: &str,
        wrong_unit: &dyn Fn(&str) -> Option<Problem>,
    ) -> Result<Self, Problems> {
        parse::manifest(text, wrong_unit)
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|r| r.name == name)
    }

    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The published value of this name.
    pub fn value(&self, name: &str) -> Option<&Published> {
        self.values.iter().find(|v| v.name == name)
    }

    /// Checks what a site gives for the parameters and fills in the defaults: every parameter of
    /// the manifest in its order, durations in seconds. The problems have no place, for this crate
    /// has not seen the site's file; their key is the parameter's, `windows[2].from` in a table.
    pub fn settings(&self, given: &toml::Table) -> Result<Vec<(String, Setting)>, Vec<Problem>> {
        setting::settings(&self.parameters, given)
    }
}
