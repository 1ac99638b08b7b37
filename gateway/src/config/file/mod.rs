//! The files as people write them. Their doc comments become the descriptions in the JSON Schema
//! that editors show, so they speak to the one who writes the file.
//!
//! Nearly everything is optional here: what a point lacks its profile may give, and what was
//! given wrongly has been cut out and told before these types are filled. What must be there in
//! the end is checked in `resolve`.

mod device;
mod line;
mod modbus_server;
mod plugin;
mod point;
mod server;

pub use device::Protocol;
pub(super) use device::{DeviceTable, EditionWord, IdentifierWord, ReportWord, UnitPositionWord};
pub(super) use line::*;
pub(super) use modbus_server::{BadWord, ModbusServerTable, RegisterTable};
pub(super) use plugin::*;
pub(super) use point::*;
pub(crate) use server::NamesWord;
pub(super) use server::{BacnetServerTable, CharsetWord, ServersTable};

use super::text::{DurationText, SizeText};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A site: one plant room behind one gateway. May be split over the *.toml files of one folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read section by section; as a whole it makes the schema")]
pub(in crate::config) struct SiteFile {
    /// What and where this plant is.
    #[schemars(required)]
    pub(in crate::config) site: Option<SiteTable>,
    /// The box itself.
    #[schemars(required)]
    pub(in crate::config) gateway: Option<GatewayTable>,
    /// What is kept on disk while the network is away.
    pub(in crate::config) cache: Option<CacheTable>,
    /// Where values go, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) uplink: BTreeMap<String, UplinkTable>,
    /// Serial ports and sockets, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) line: BTreeMap<String, LineTable>,
    /// Devices, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) device: BTreeMap<String, DeviceTable>,
    /// What `wellhead simulate` puts in the plant's place.
    pub(in crate::config) simulation: Option<SimulationTable>,
    /// Plugins, by id. What a plugin publishes stands under its id like the points of a device.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) plugin: BTreeMap<String, PluginTable>,
    /// What other systems may ask of the gateway itself.
    pub(in crate::config) server: Option<ServersTable>,
    /// What must hold before outputs may leave their safe value, by id. Holds for every writer.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) interlock: BTreeMap<String, InterlockTable>,
}

/// What and where this plant is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct SiteTable {
    /// Stands in the topic: wellhead/v1/{site}/{gateway}.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(in crate::config) id: Option<String>,
    /// Name for people, in English.
    pub(in crate::config) title: Option<String>,
    /// Name for people, in Chinese.
    pub(in crate::config) title_zh: Option<String>,
    /// Time zone of the plant's calendar, as in the IANA database: "Asia/Shanghai".
    #[schemars(required)]
    pub(in crate::config) timezone: Option<String>,
}

/// What `wellhead simulate` puts in the plant's place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct SimulationTable {
    /// Which of the simulated plant rooms this site describes.
    #[schemars(required)]
    pub(in crate::config) room: Option<Room>,
}

/// A simulated plant room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// Bore field, air-source bank that recharges it, heating only: Renze, Xingtai.
    Renze,
    /// River water and a stratified tank on the tariff: Changshu.
    Changshu,
    /// Production and reinjection wells: Yanqing.
    Yanqing,
}

/// The box itself.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct GatewayTable {
    /// Stands in the topic: wellhead/v1/{site}/{gateway}.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(in crate::config) id: Option<String>,
    /// Folder for the cache and the boot counter. Relative to this file. Default
    /// "/var/lib/wellhead".
    #[schemars(length(min = 1))]
    pub(in crate::config) data_dir: Option<String>,
    /// Folders searched for profiles before the built-in ones. Relative to this file.
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(in crate::config) profiles: Option<Vec<String>>,
    /// Whether commands may write outputs. Default false.
    pub(in crate::config) commands: Option<bool>,
    /// How much is logged. Default "info".
    pub(in crate::config) log: Option<LogLevel>,
    /// Log lines for people or for machines. Default "text".
    pub(in crate::config) log_format: Option<LogFormat>,
    /// Address of the metrics page, on this machine only: "127.0.0.1:9464". Without it there is
    /// none.
    pub(in crate::config) metrics: Option<String>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Log lines for people or for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum LogFormat {
    Text,
    Json,
}

/// What is kept on disk while the network is away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct CacheTable {
    /// Most disk space it may take. Default "512MiB".
    #[schemars(extend("x-min" = "32MiB", "x-max" = "6GiB"))]
    pub(in crate::config) size_max: Option<SizeText>,
    /// A file kept aside, given up when the disk is full. Default "16MiB".
    #[schemars(extend("x-min" = "0B", "x-max" = "1GiB"))]
    pub(in crate::config) reserve: Option<SizeText>,
}

/// An MQTT broker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct UplinkTable {
    /// mqtt://host:1883, or mqtts://host:8883 with TLS.
    #[schemars(required)]
    pub(in crate::config) url: Option<String>,
    /// Name to log in with.
    pub(in crate::config) username: Option<String>,
    /// File that holds the password and nothing else. Relative to this file.
    pub(in crate::config) password_file: Option<String>,
    /// Environment variable that holds the password.
    pub(in crate::config) password_env: Option<String>,
    /// Certificates (PEM) of the authorities to trust. Needed with mqtts://.
    pub(in crate::config) ca: Option<String>,
    /// Our certificate (PEM), where the broker asks for one.
    pub(in crate::config) client_cert: Option<String>,
    /// Its key (PEM).
    pub(in crate::config) client_key: Option<String>,
    /// Most messages on their way without acknowledgement. Default 100.
    #[schemars(range(min = 1, max = 1024))]
    pub(in crate::config) inflight_max: Option<u16>,
    /// Most memory for values that wait for an acknowledgement. Default "8MiB".
    #[schemars(extend("x-min" = "256KiB", "x-max" = "1GiB"))]
    pub(in crate::config) window: Option<SizeText>,
    /// How often the connection is tried when nothing else is sent. Default "30s".
    #[schemars(extend("x-min" = "5s", "x-max" = "1h"))]
    pub(in crate::config) keep_alive: Option<DurationText>,
}

/// A profile: what one type of device offers, from its maker's register map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read section by section; as a whole it makes the schema")]
pub(in crate::config) struct ProfileFile {
    /// Which device it describes, and how we know.
    #[schemars(required)]
    pub(in crate::config) profile: Option<ProfileTable>,
    /// How this type of device wants to be talked to; a site's device may say otherwise.
    pub(in crate::config) device: Option<DeviceTable>,
    /// Points by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(in crate::config) point: BTreeMap<String, PointTable>,
}

/// Which device a profile describes, and how we know.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "title and model are for people who read the profile")]
pub(in crate::config) struct ProfileTable {
    /// The same as the name of its file.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(in crate::config) id: Option<String>,
    /// Name for people, in English.
    #[schemars(required)]
    pub(in crate::config) title: Option<String>,
    /// Name for people, in Chinese.
    pub(in crate::config) title_zh: Option<String>,
    /// Who makes the device.
    pub(in crate::config) vendor: Option<String>,
    /// Which models it fits.
    pub(in crate::config) model: Option<String>,
    /// The document the register map was taken from.
    pub(in crate::config) document: Option<String>,
    /// The edition of that document.
    pub(in crate::config) revision: Option<String>,
    /// Where the map can be read in public.
    pub(in crate::config) source: Option<String>,
    /// An invented or typical map that fits no particular product. Then document and revision may
    /// be missing.
    pub(in crate::config) generic: Option<bool>,
}
