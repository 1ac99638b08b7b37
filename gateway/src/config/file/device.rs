//! `[device.…]`: what is on a line.

use super::{ParityWord, PointTable};
use crate::config::text::DurationText;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A device on a line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct DeviceTable {
    /// Id of the line it is on.
    #[schemars(required)]
    pub(in crate::config) line: Option<String>,
    /// What it speaks. Default "modbus" on a serial or TCP line, "bacnet" and "gpio" on theirs.
    pub(in crate::config) protocol: Option<Protocol>,
    /// Modbus: its unit identifier: 1 to 247 on a serial line; 255 for a TCP device without units.
    #[schemars(range(min = 0, max = 255))]
    pub(in crate::config) unit: Option<u8>,
    /// BACnet: its device instance.
    #[schemars(range(min = 0, max = 4_194_302))]
    pub(in crate::config) instance: Option<u32>,
    /// M-Bus, DL/T 645, CJ/T 188: its address, as printed on it. BACnet: "192.168.1.12:47808";
    /// without it the device is asked for by its instance.
    pub(in crate::config) address: Option<String>,
    /// BACnet: the network behind a router that it is on.
    #[schemars(range(min = 1, max = 65534))]
    pub(in crate::config) network: Option<u16>,
    /// BACnet: its address on that network, in hex: "0a".
    pub(in crate::config) mac: Option<String>,
    /// BACnet: whether changes are subscribed to, besides a slow poll; a point with a
    /// `cov_increment` is subscribed to anyway. Default false.
    pub(in crate::config) cov: Option<bool>,
    /// BACnet: whether each notification of a change is acknowledged. Default true.
    pub(in crate::config) cov_confirmed: Option<bool>,
    /// BACnet: how long a subscription lasts; it is renewed before. Default "10min".
    #[schemars(extend("x-min" = "30s", "x-max" = "8h"))]
    pub(in crate::config) cov_lifetime: Option<DurationText>,
    /// BACnet: how often a subscribed point is polled all the same, against lost notifications.
    /// Default ten times `poll`, at least "1min".
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub(in crate::config) cov_check: Option<DurationText>,
    /// BACnet: most properties asked for at once; 1 asks for each by itself. Default what the
    /// device turns out to take.
    #[schemars(range(min = 1, max = 1000))]
    pub(in crate::config) properties_max: Option<u16>,
    /// BACnet: most requests to it on their way at once. Default 4.
    #[schemars(range(min = 1, max = 64))]
    pub(in crate::config) in_flight_max: Option<u16>,
    /// Speed of this device on a serial line, if it is not the line's.
    #[schemars(range(min = 300, max = 4_000_000))]
    pub(in crate::config) baud: Option<u32>,
    /// Parity bit of this device on a serial line, if it is not the line's.
    pub(in crate::config) parity: Option<ParityWord>,
    /// Data bits of this device on a serial line, if they are not the line's.
    #[schemars(range(min = 7, max = 8))]
    pub(in crate::config) data_bits: Option<u8>,
    /// Stop bits of this device on a serial line, if they are not the line's.
    #[schemars(range(min = 1, max = 2))]
    pub(in crate::config) stop_bits: Option<u8>,
    /// M-Bus: most telegrams of one reading. Default 16.
    #[schemars(range(min = 1, max = 64))]
    pub(in crate::config) telegrams_max: Option<u8>,
    /// DL/T 645: edition of the standard. Default "2007".
    pub(in crate::config) edition: Option<EditionWord>,
    /// DL/T 645: whether values of one block (three voltages, all tariffs) are read together.
    /// Default true.
    pub(in crate::config) blocks: Option<bool>,
    /// DL/T 645, CJ/T 188: bytes FE before each request, which wake the meter up. Default 4.
    #[schemars(range(min = 0, max = 4))]
    pub(in crate::config) preamble: Option<u8>,
    /// CJ/T 188: what kind of meter it is: "heat", "cold", "cold_water", or its type, "20".
    pub(in crate::config) meter: Option<String>,
    /// CJ/T 188: order of the two bytes of a data identifier. Default "low-first", as the standard
    /// has it.
    pub(in crate::config) identifier: Option<IdentifierWord>,
    /// CJ/T 188: whether a unit stands after its value or before it. Default "after", as the
    /// standard has it.
    pub(in crate::config) unit_position: Option<UnitPositionWord>,
    /// 1-Wire: its bus master, "w1_bus_master1", whose sensors then all measure at once.
    pub(in crate::config) master: Option<String>,
    /// 1-Wire: whether 85 °C is believed, which a sensor shows before its first measurement.
    /// Default false.
    pub(in crate::config) believe_85: Option<bool>,
    /// hwmon, IIO: name of the chip, "cpu_thermal", as its file `name` has it.
    pub(in crate::config) chip: Option<String>,
    /// Id of the profile that describes it.
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(in crate::config) profile: Option<String>,
    /// Name for people, in English.
    pub(in crate::config) title: Option<String>,
    /// Name for people, in Chinese.
    pub(in crate::config) title_zh: Option<String>,
    /// How often its points are read. Default "1s" for Modbus and contacts, "1min" for M-Bus and
    /// CJ/T 188, whose meters may run on a battery, otherwise "10s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(in crate::config) poll: Option<DurationText>,
    /// Whether every reading is sent, or changes. Default "change".
    pub(in crate::config) report: Option<ReportWord>,
    /// Readings are not sent more often than this. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(in crate::config) report_min: Option<DurationText>,
    /// Even an unchanged reading is sent this often. Default "1min", or `poll` if that is longer.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(in crate::config) report_max: Option<DurationText>,
    /// Without a good reading for this long a point is stale. Default three times `poll`, at
    /// least "10s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "7d"))]
    pub(in crate::config) stale_after: Option<DurationText>,
    /// Longest wait for a reply. Default "1s", for BACnet "3s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1min"))]
    pub(in crate::config) response_timeout: Option<DurationText>,
    /// Silence before each request. Default "0ms"; on a serial line at least 3.5 characters are
    /// kept anyway.
    #[schemars(extend("x-min" = "0ms", "x-max" = "10s"))]
    pub(in crate::config) pause: Option<DurationText>,
    /// Silence after a broadcast, while devices act on it. Default "100ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "10s"))]
    pub(in crate::config) turnaround: Option<DurationText>,
    /// How long a reply that missed its time might still come. Default "1s".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1min"))]
    pub(in crate::config) late_window: Option<DurationText>,
    /// How often a request without a reply is repeated at once. Default 1.
    #[schemars(range(min = 0, max = 10))]
    pub(in crate::config) retries: Option<u32>,
    /// How long a device that does not answer is left alone at first; doubles each time. Default
    /// "2s".
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub(in crate::config) backoff_first: Option<DurationText>,
    /// The longest it is left alone. Default "1min".
    #[schemars(extend("x-min" = "100ms", "x-max" = "1d"))]
    pub(in crate::config) backoff_max: Option<DurationText>,
    /// Most registers in one read. Default 125, the most Modbus allows.
    #[schemars(range(min = 1, max = 125))]
    pub(in crate::config) registers_max: Option<u16>,
    /// Most bits in one read. Default 2000, the most Modbus allows.
    #[schemars(range(min = 1, max = 2000))]
    pub(in crate::config) bits_max: Option<u16>,
    /// How many registers that nobody asked for one read may span. Default 0: some registers act
    /// when they are read.
    #[schemars(range(min = 0, max = 124))]
    pub(in crate::config) gap_max: Option<u16>,
    /// Only these points of the profile.
    pub(in crate::config) points: Option<Vec<String>>,
    /// Points by id: new ones, or changes to the profile's, key by key.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(in crate::config) point: BTreeMap<String, PointTable>,
}

/// Which readings are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ReportWord {
    Change,
    Every,
}

/// What a device speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Modbus TCP or RTU.
    Modbus,
    /// BACnet/IP.
    Bacnet,
    /// Wired M-Bus (EN 13757).
    Mbus,
    /// Electricity meters, DL/T 645.
    Dlt645,
    /// Heat, cold and water meters, CJ/T 188.
    Cjt188,
    /// 1-Wire thermometers, by the kernel's files.
    Onewire,
    /// Sensors of the board, by the kernel's files.
    Hwmon,
    /// Converters and sensors of the Industrial I/O subsystem, by the kernel's files.
    Iio,
    /// Contacts and relays.
    Gpio,
}

impl Protocol {
    /// The word in configuration.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Modbus => "modbus",
            Protocol::Bacnet => "bacnet",
            Protocol::Mbus => "mbus",
            Protocol::Dlt645 => "dlt645",
            Protocol::Cjt188 => "cjt188",
            Protocol::Onewire => "onewire",
            Protocol::Hwmon => "hwmon",
            Protocol::Iio => "iio",
            Protocol::Gpio => "gpio",
        }
    }
}

/// Edition of DL/T 645.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(in crate::config) enum EditionWord {
    #[serde(rename = "1997")]
    Y1997,
    #[serde(rename = "2007")]
    Y2007,
}

/// Order of the bytes of a CJ/T 188 data identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum IdentifierWord {
    LowFirst,
    HighFirst,
}

/// Where a CJ/T 188 meter puts units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum UnitPositionWord {
    After,
    Before,
}
