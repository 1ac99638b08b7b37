//! What other systems may ask of the gateway itself.

use super::super::text::DurationText;
use super::ModbusServerTable;
use schemars::JsonSchema;
use serde::Deserialize;

/// What other systems may ask of the gateway itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read section by section; as a whole it makes the schema")]
pub(in crate::config) struct ServersTable {
    /// The gateway as a BACnet/IP device: chosen points are objects that a workstation reads,
    /// subscribes to, and may command where they are listed for it.
    pub(in crate::config) bacnet: Option<BacnetServerTable>,
    /// The gateway as a Modbus TCP server: chosen points on a register map, for a building's
    /// management system or a touch panel.
    pub(in crate::config) modbus: Option<ModbusServerTable>,
}

/// The gateway as a BACnet/IP device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct BacnetServerTable {
    /// Address and port it is asked on. Default "0.0.0.0:47808". A BACnet line of this gateway
    /// needs another port.
    pub(in crate::config) bind: Option<String>,
    /// Where it announces itself: the broadcast address of its network. Default
    /// "255.255.255.255".
    pub(in crate::config) broadcast: Option<String>,
    /// Device instance, which nobody else on the whole BACnet network may have.
    #[schemars(required, range(min = 0, max = 4_194_302))]
    pub(in crate::config) instance: Option<u32>,
    /// Its name, which nobody else on the whole BACnet network may have. Default: the site's id
    /// and the gateway's.
    pub(in crate::config) name: Option<String>,
    /// What objects are called: "id" (hp1/supply_temperature), or their titles in English or
    /// Chinese. Default "id".
    pub(in crate::config) names: Option<NamesWord>,
    /// In which characters names are sent; old workstations read nothing but "ucs-2". Default
    /// "utf-8".
    pub(in crate::config) charset: Option<CharsetWord>,
    /// The points that are objects, as "device/point". The place in this list, from 1, is the
    /// object's instance number: add new ones at the end.
    #[schemars(required)]
    pub(in crate::config) points: Option<Vec<String>>,
    /// Those among them, outputs, that may be commanded. Default none. Needs `commands = true` in
    /// [gateway].
    pub(in crate::config) commands: Option<Vec<String>>,
    /// The first priority that is taken. 8 is the operator's; 3 to 5 may move an output to safe
    /// within its minimum times, and 6 is nobody's to write. Default 8.
    #[schemars(range(min = 3, max = 16))]
    pub(in crate::config) priority_first: Option<u8>,
    /// How long a commanded value holds when it is not written again; then its priority is given
    /// back. Default "15min".
    #[schemars(extend("x-min" = "10s", "x-max" = "24h"))]
    pub(in crate::config) hold: Option<DurationText>,
}

/// What objects are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum NamesWord {
    /// By device and point.
    Id,
    /// By their titles in English.
    En,
    /// By their titles in Chinese.
    Zh,
}

/// In which characters names are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum CharsetWord {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UCS-2.
    #[serde(rename = "ucs-2")]
    Ucs2,
}
