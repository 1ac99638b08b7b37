//! `[server.modbus]`: the gateway as a Modbus server.

use super::{OrderWord, TypeWord};
use crate::config::text::DurationText;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The gateway as a Modbus TCP server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ModbusServerTable {
    /// Address and port it is asked on: "192.168.1.10:1502", or "0.0.0.0:1502" for every network
    /// of this machine. Modbus knows no passwords: whoever reaches it reads all of the map and
    /// writes what is writable.
    #[schemars(required)]
    pub(in crate::config) bind: Option<String>,
    /// The only unit that is answered, besides 0 and 255 by which masters mean the server itself.
    /// Default every unit.
    #[schemars(range(min = 1, max = 247))]
    pub(in crate::config) unit: Option<u8>,
    /// What a point without a value shows: "sentinel", a number that stands for none, or
    /// "exception", an error for every read that touches it. Default "sentinel".
    pub(in crate::config) bad: Option<BadWord>,
    /// How long what a master wrote holds when it is not written again. Default "15min".
    #[schemars(extend("x-min" = "10s", "x-max" = "24h"))]
    pub(in crate::config) hold: Option<DurationText>,
    /// What lies where, by point: "heat-pump-1/supply_temperature". Nothing else is shown.
    #[serde(default)]
    #[schemars(required)]
    pub(in crate::config) map: BTreeMap<String, RegisterTable>,
}

/// What a point without a value shows to Modbus masters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum BadWord {
    Sentinel,
    Exception,
}

/// Where a point lies on the map, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RegisterTable {
    /// Protocol address among the holding registers (functions 3, 6, 16, 22, 23), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) holding: Option<u16>,
    /// Protocol address among the input registers (function 4), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) input: Option<u16>,
    /// Protocol address among the coils (functions 1, 5, 15), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) coil: Option<u16>,
    /// Protocol address among the discrete inputs (function 2), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) discrete: Option<u16>,
    /// How the value lies in its registers. May be left out for coils and discrete inputs, and
    /// where `bit` or `bits` is given.
    #[serde(rename = "type")]
    pub(in crate::config) kind: Option<TypeWord>,
    /// Number of registers of "bcd" (1 to 4) and "text" (1 to 125).
    #[schemars(range(min = 1, max = 125))]
    pub(in crate::config) length: Option<u8>,
    /// One bit of a register, which others may share; 0 is the least significant.
    #[schemars(range(min = 0, max = 15))]
    pub(in crate::config) bit: Option<u8>,
    /// Some bits of a register, which others may share: the lowest and the highest of them.
    #[schemars(inner(range(min = 0, max = 15)))]
    pub(in crate::config) bits: Option<[u8; 2]>,
    /// Order of the bytes of 0xAABBCCDD in two registers. Default "abcd".
    pub(in crate::config) order: Option<OrderWord>,
    /// The point's value = register × scale + offset. Default 1.
    pub(in crate::config) scale: Option<f64>,
    /// The point's value = register × scale + offset. Default 0.
    pub(in crate::config) offset: Option<f64>,
    /// Whether masters may write it; only outputs, and only with `commands = true` in [gateway].
    /// Default false.
    pub(in crate::config) writable: Option<bool>,
    /// Address of a register that tells the quality: 0 good, 1 uncertain, 2 stale, 3 bad, 4 by
    /// hand. An input register for points in input registers and discrete inputs, else a holding
    /// register.
    #[schemars(range(min = 0, max = 65535))]
    pub(in crate::config) quality: Option<u16>,
}
