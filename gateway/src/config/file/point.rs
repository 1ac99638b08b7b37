//! `[device.….point.…]`: one value of a device, and how it may be written.

use super::ReportWord;
use crate::config::text::{DurationText, Scalar, UnitText};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One value of a device. Its address is one key, by protocol: `holding`, `input`, `coil` or
/// `discrete` for Modbus, `object` for BACnet, `record` for M-Bus, `item` for DL/T 645, `field` for
/// CJ/T 188, `sensor` for 1-Wire, `channel` for hwmon and IIO, `pin` for contacts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct PointTable {
    /// Name for people, in English.
    pub(in crate::config) title: Option<String>,
    /// Name for people, in Chinese.
    pub(in crate::config) title_zh: Option<String>,
    /// Protocol address of a holding register (functions 3, 6, 16), counted from 0: 40001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) holding: Option<u16>,
    /// Protocol address of an input register (function 4), counted from 0: 30001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) input: Option<u16>,
    /// Protocol address of a coil (functions 1, 5, 15), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) coil: Option<u16>,
    /// Protocol address of a discrete input (function 2), counted from 0: 10001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) discrete: Option<u16>,
    /// How the value lies in its registers. May be left out for coils and discrete inputs, and
    /// where `bit` or `bits` is given. For BACnet only where the object does not say it.
    #[serde(rename = "type")]
    pub(in crate::config) kind: Option<TypeWord>,
    /// Number of registers of "bcd" (1 to 4) and "text" (1 to 125).
    #[schemars(range(min = 1, max = 125))]
    pub(in crate::config) length: Option<u8>,
    /// One bit of a register; 0 is the least significant.
    #[schemars(range(min = 0, max = 15))]
    pub(in crate::config) bit: Option<u8>,
    /// BACnet: the object, "analog-input:3".
    pub(in crate::config) object: Option<String>,
    /// BACnet: the property of that object, by name or number. Default "present-value".
    pub(in crate::config) property: Option<String>,
    /// BACnet: priority of writes. Default 16, the last.
    #[schemars(range(min = 3, max = 16))]
    pub(in crate::config) priority: Option<u8>,
    /// BACnet: smallest change that is notified, in the object's own unit. Default the object's own.
    #[schemars(range(min = 0.0))]
    pub(in crate::config) cov_increment: Option<f64>,
    /// M-Bus: the record, "energy", "volume storage=1", "power max".
    pub(in crate::config) record: Option<String>,
    /// DL/T 645: the value, "energy", "voltage_a", or its identifier "00010000".
    pub(in crate::config) item: Option<String>,
    /// CJ/T 188: the value, "heat", "supply_temperature".
    pub(in crate::config) field: Option<String>,
    /// 1-Wire: the sensor, "28-0316a2795bff".
    pub(in crate::config) sensor: Option<String>,
    /// 1-Wire: how deep in its bore the sensor hangs, in m; stands behind its title.
    #[schemars(range(min = 0.0, max = 10000.0))]
    pub(in crate::config) depth: Option<f64>,
    /// hwmon, IIO: the channel, "temp1", "in_voltage0".
    pub(in crate::config) channel: Option<String>,
    /// Contacts: number of the line on its chip.
    #[schemars(range(min = 0, max = 1023))]
    pub(in crate::config) pin: Option<u32>,
    /// Contacts: what the pin is. Default "input", a contact.
    #[serde(rename = "as")]
    pub(in crate::config) pin_as: Option<PinWord>,
    /// Contacts: whether a low level means true. Default false.
    pub(in crate::config) active_low: Option<bool>,
    /// Contacts: changes shorter than this are not believed. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1h"))]
    pub(in crate::config) debounce: Option<DurationText>,
    /// Contacts: pull of the pin. Default "as-is".
    pub(in crate::config) bias: Option<BiasWord>,
    /// Some bits of a register as a number: the lowest and the highest of them.
    #[schemars(inner(range(min = 0, max = 15)))]
    pub(in crate::config) bits: Option<[u8; 2]>,
    /// Order of the bytes of 0xAABBCCDD in two registers. Default "abcd".
    pub(in crate::config) order: Option<OrderWord>,
    /// value = raw × scale + offset. Default 1.
    pub(in crate::config) scale: Option<f64>,
    /// value = raw × scale + offset. Default 0.
    pub(in crate::config) offset: Option<f64>,
    /// What the value is measured in: "°C", "kW", "m³/h"; "1" for a ratio.
    pub(in crate::config) unit: Option<UnitText>,
    /// What the value is for. Default "setpoint" for outputs, "status" for bits and states,
    /// otherwise "measurement".
    pub(in crate::config) class: Option<ClassWord>,
    /// Names of states by number: { 0 = "off", 1 = "on" }.
    pub(in crate::config) states: Option<BTreeMap<String, String>>,
    /// Raw values by which the device says that there is no sensor: [65535], [nan].
    pub(in crate::config) no_sensor: Option<Vec<f64>>,
    /// Physically possible values; a reading outside is bad.
    pub(in crate::config) range: Option<[f64; 2]>,
    /// For a counter: the first value that it can't show, where it starts at 0 again.
    pub(in crate::config) rollover: Option<f64>,
    /// How often it is read. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(in crate::config) poll: Option<DurationText>,
    /// Whether every reading is sent, or changes. Default the device's.
    pub(in crate::config) report: Option<ReportWord>,
    /// Smaller changes than this are not sent, in the point's unit. Default 0.
    #[schemars(range(min = 0.0))]
    pub(in crate::config) deadband: Option<f64>,
    /// Readings are not sent more often than this. Default the device's.
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) report_min: Option<DurationText>,
    /// Even an unchanged reading is sent this often. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(in crate::config) report_max: Option<DurationText>,
    /// Without a good reading for this long the point is stale. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "7d"))]
    pub(in crate::config) stale_after: Option<DurationText>,
    /// Which function writes it: "auto" is 5, 6, 16 or 22 as fits; "multiple" is 15 or 16 even
    /// for a single one. Default "auto".
    pub(in crate::config) write_with: Option<WriteWord>,
    /// How it may be written. A profile describes it; only the site's own file makes the point
    /// an output, by giving this table (it may be empty).
    pub(in crate::config) output: Option<OutputTable>,
}

/// How a value lies in its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum TypeWord {
    Bool,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Bcd,
    Text,
}

/// What a pin is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum PinWord {
    Input,
    Relay,
    Counter,
}

/// Pull of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum BiasWord {
    AsIs,
    Disabled,
    PullUp,
    PullDown,
}

/// Order of bytes in values of several registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum OrderWord {
    Abcd,
    Cdab,
    Badc,
    Dcba,
}

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ClassWord {
    Measurement,
    Status,
    Setpoint,
    Counter,
}

/// Which function writes a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum WriteWord {
    Auto,
    Multiple,
}

/// What may be written to a point.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct OutputTable {
    /// Smallest and largest value accepted, in the point's unit. Numbers need it.
    pub(in crate::config) limits: Option<[f64; 2]>,
    /// Fastest change, in units per second: a command beyond it is refused, what a plugin wants
    /// is approached no faster. The safe value is written at once.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(in crate::config) rate_max: Option<f64>,
    /// At least this long between two writes. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) interval_min: Option<DurationText>,
    /// What is written when a writer's time ends, or an interlock is lost. Every output needs it.
    pub(in crate::config) safe: Option<Scalar>,
    /// Give the output back to its device when nobody wants anything of it (BACnet: Null at its
    /// priority), instead of writing the safe value; that is still written while an interlock or
    /// a minimum time keeps away what somebody wants. Default false.
    pub(in crate::config) relinquish: Option<bool>,
    /// Whether the point is read again after a write. Default true.
    pub(in crate::config) readback: Option<bool>,
    /// How far the value read back may differ, in the point's unit. Default half of what one
    /// count of the register is worth.
    #[schemars(range(min = 0.0))]
    pub(in crate::config) readback_tolerance: Option<f64>,
    /// Once away from its safe value it stays so for at least this long, unless an interlock or
    /// slots 1 to 5 want it safe. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) min_on: Option<DurationText>,
    /// Once at its safe value it stays there for at least this long. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) min_off: Option<DurationText>,
    /// Most times in any hour that it leaves its safe value.
    #[schemars(range(min = 1, max = 3600))]
    pub(in crate::config) starts_per_hour_max: Option<u32>,
    /// Write the value that stands again this often while the output is away from its safe value,
    /// for a device whose watchdog counts writes. Well below that watchdog's time.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub(in crate::config) refresh: Option<DurationText>,
    /// Most writes in a calendar year, for registers that wear out. At 80 % there is a warning, at
    /// 100 % only the safe value is written.
    #[schemars(range(min = 1))]
    pub(in crate::config) writes_per_year_max: Option<u32>,
    /// How long it stays at its safe value after the gateway or the device's power returned.
    /// Default "3min" where `min_on`, `min_off` or `starts_per_hour_max` is given, else "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1h"))]
    pub(in crate::config) restart_delay: Option<DurationText>,
    /// Adds 30 s each to `restart_delay`, so that machines do not start together. Default the
    /// number of outputs before it that have a `restart_delay`.
    #[schemars(range(min = 0, max = 1000))]
    pub(in crate::config) restart_index: Option<u32>,
    /// The point that says that the device is operated by hand, "hp1/control_source": then nothing
    /// is written until a minute after it returned.
    pub(in crate::config) local: Option<String>,
    /// What that point shows then: the name of a state, true or false. Default true.
    pub(in crate::config) local_when: Option<Scalar>,
    /// What in the device itself acts when the gateway or the line is gone: a communication
    /// time-out, a heartbeat register. Without it `wellhead check` warns.
    pub(in crate::config) watchdog: Option<String>,
}
