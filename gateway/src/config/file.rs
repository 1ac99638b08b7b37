//! The files as people write them. Their doc comments become the descriptions in the JSON Schema
//! that editors show, so they speak to the one who writes the file.
//!
//! Nearly everything is optional here: what a point lacks its profile may give, and what was
//! given wrongly has been cut out and told before these types are filled. What must be there in
//! the end is checked in `resolve`.

use super::text::{Anything, DurationText, OneOrMany, Scalar, SizeText, UnitText};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A site: one plant room behind one gateway. May be split over the *.toml files of one folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read section by section; as a whole it makes the schema")]
pub(super) struct SiteFile {
    /// What and where this plant is.
    #[schemars(required)]
    pub(super) site: Option<SiteTable>,
    /// The box itself.
    #[schemars(required)]
    pub(super) gateway: Option<GatewayTable>,
    /// What is kept on disk while the network is away.
    pub(super) cache: Option<CacheTable>,
    /// Where values go, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) uplink: BTreeMap<String, UplinkTable>,
    /// Serial ports and sockets, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) line: BTreeMap<String, LineTable>,
    /// Devices, by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) device: BTreeMap<String, DeviceTable>,
    /// What `wellhead simulate` puts in the plant's place.
    pub(super) simulation: Option<SimulationTable>,
    /// Plugins, by id. What a plugin publishes stands under its id like the points of a device.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) plugin: BTreeMap<String, PluginTable>,
    /// What must hold before outputs may leave their safe value, by id. Holds for every writer.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) interlock: BTreeMap<String, InterlockTable>,
}

/// What and where this plant is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SiteTable {
    /// Stands in the topic: wellhead/v1/{site}/{gateway}.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(super) id: Option<String>,
    /// Name for people, in English.
    pub(super) title: Option<String>,
    /// Name for people, in Chinese.
    pub(super) title_zh: Option<String>,
    /// Time zone of the plant's calendar, as in the IANA database: "Asia/Shanghai".
    #[schemars(required)]
    pub(super) timezone: Option<String>,
}

/// What `wellhead simulate` puts in the plant's place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SimulationTable {
    /// Which of the simulated plant rooms this site describes.
    #[schemars(required)]
    pub(super) room: Option<Room>,
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
pub(super) struct GatewayTable {
    /// Stands in the topic: wellhead/v1/{site}/{gateway}.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(super) id: Option<String>,
    /// Folder for the cache and the boot counter. Relative to this file. Default
    /// "/var/lib/wellhead".
    pub(super) data_dir: Option<String>,
    /// Folders searched for profiles before the built-in ones. Relative to this file.
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(super) profiles: Option<Vec<String>>,
    /// Whether commands may write outputs. Default false.
    pub(super) commands: Option<bool>,
    /// How much is logged. Default "info".
    pub(super) log: Option<LogLevel>,
    /// Log lines for people or for machines. Default "text".
    pub(super) log_format: Option<LogFormat>,
    /// Address of the metrics page, on this machine only: "127.0.0.1:9464". Without it there is
    /// none.
    pub(super) metrics: Option<String>,
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
pub(super) struct CacheTable {
    /// Most disk space it may take. Default "512MiB".
    #[schemars(extend("x-min" = "32MiB", "x-max" = "6GiB"))]
    pub(super) size_max: Option<SizeText>,
    /// A file kept aside, given up when the disk is full. Default "16MiB".
    #[schemars(extend("x-min" = "0B", "x-max" = "1GiB"))]
    pub(super) reserve: Option<SizeText>,
}

/// An MQTT broker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UplinkTable {
    /// mqtt://host:1883, or mqtts://host:8883 with TLS.
    #[schemars(required)]
    pub(super) url: Option<String>,
    /// Name to log in with.
    pub(super) username: Option<String>,
    /// File that holds the password and nothing else. Relative to this file.
    pub(super) password_file: Option<String>,
    /// Environment variable that holds the password.
    pub(super) password_env: Option<String>,
    /// Certificates (PEM) of the authorities to trust. Needed with mqtts://.
    pub(super) ca: Option<String>,
    /// Our certificate (PEM), where the broker asks for one.
    pub(super) client_cert: Option<String>,
    /// Its key (PEM).
    pub(super) client_key: Option<String>,
    /// Most messages on their way without acknowledgement. Default 100.
    #[schemars(range(min = 1, max = 1024))]
    pub(super) inflight_max: Option<u16>,
    /// Most memory for values that wait for an acknowledgement. Default "8MiB".
    #[schemars(extend("x-min" = "256KiB", "x-max" = "1GiB"))]
    pub(super) window: Option<SizeText>,
    /// How often the connection is tried when nothing else is sent. Default "30s".
    #[schemars(extend("x-min" = "5s", "x-max" = "1h"))]
    pub(super) keep_alive: Option<DurationText>,
}

/// A serial port or a socket: give `serial` or `tcp`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LineTable {
    /// Host and port: "192.168.1.20:502".
    pub(super) tcp: Option<String>,
    /// "tcp" is Modbus TCP; "rtu" is RTU inside TCP, for transparent serial servers. Default
    /// "tcp".
    pub(super) framing: Option<FramingWord>,
    /// Longest wait for a connection. Default "3s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1min"))]
    pub(super) connect_timeout: Option<DurationText>,
    /// Close the session when nothing is due, so that other masters get their turn. Default
    /// false.
    pub(super) close_when_idle: Option<bool>,
    /// Device file of a serial port; best a stable name: "/dev/serial/by-id/…".
    pub(super) serial: Option<String>,
    /// Bits per second. Default 9600.
    #[schemars(range(min = 300, max = 4_000_000))]
    pub(super) baud: Option<u32>,
    /// Parity bit. Default "even", as the Modbus specification has it.
    pub(super) parity: Option<ParityWord>,
    /// 7 or 8. Default 8.
    #[schemars(range(min = 7, max = 8))]
    pub(super) data_bits: Option<u8>,
    /// 1 or 2. Default 1.
    #[schemars(range(min = 1, max = 2))]
    pub(super) stop_bits: Option<u8>,
    /// Let the kernel switch the transceiver's direction. For UARTs of the board itself; USB
    /// adapters do it by themselves. Default false.
    pub(super) rs485: Option<bool>,
}

/// How requests are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum FramingWord {
    Tcp,
    Rtu,
}

/// Parity bit of a serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ParityWord {
    None,
    Even,
    Odd,
}

/// A device on a line.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceTable {
    /// Id of the line it is on.
    #[schemars(required)]
    pub(super) line: Option<String>,
    /// Its unit identifier: 1 to 247 on a serial line; 255 for a TCP device without units.
    #[schemars(required, range(min = 0, max = 255))]
    pub(super) unit: Option<u8>,
    /// Id of the profile that describes it.
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(super) profile: Option<String>,
    /// Name for people, in English.
    pub(super) title: Option<String>,
    /// Name for people, in Chinese.
    pub(super) title_zh: Option<String>,
    /// How often its points are read. Default "1s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(super) poll: Option<DurationText>,
    /// Whether every reading is sent, or changes. Default "change".
    pub(super) report: Option<ReportWord>,
    /// Readings are not sent more often than this. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) report_min: Option<DurationText>,
    /// Even an unchanged reading is sent this often. Default "1min", or `poll` if that is longer.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(super) report_max: Option<DurationText>,
    /// Without a good reading for this long a point is stale. Default three times `poll`, at
    /// least "10s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "7d"))]
    pub(super) stale_after: Option<DurationText>,
    /// Longest wait for a reply. Default "1s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1min"))]
    pub(super) response_timeout: Option<DurationText>,
    /// Silence before each request. Default "0ms"; on a serial line at least 3.5 characters are
    /// kept anyway.
    #[schemars(extend("x-min" = "0ms", "x-max" = "10s"))]
    pub(super) pause: Option<DurationText>,
    /// Silence after a broadcast, while devices act on it. Default "100ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "10s"))]
    pub(super) turnaround: Option<DurationText>,
    /// How long a reply that missed its time might still come. Default "1s".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1min"))]
    pub(super) late_window: Option<DurationText>,
    /// How often a request without a reply is repeated at once. Default 1.
    #[schemars(range(min = 0, max = 10))]
    pub(super) retries: Option<u32>,
    /// How long a device that does not answer is left alone at first; doubles each time. Default
    /// "2s".
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub(super) backoff_first: Option<DurationText>,
    /// The longest it is left alone. Default "1min".
    #[schemars(extend("x-min" = "100ms", "x-max" = "1d"))]
    pub(super) backoff_max: Option<DurationText>,
    /// Most registers in one read. Default 125, the most Modbus allows.
    #[schemars(range(min = 1, max = 125))]
    pub(super) registers_max: Option<u16>,
    /// Most bits in one read. Default 2000, the most Modbus allows.
    #[schemars(range(min = 1, max = 2000))]
    pub(super) bits_max: Option<u16>,
    /// How many registers that nobody asked for one read may span. Default 0: some registers act
    /// when they are read.
    #[schemars(range(min = 0, max = 124))]
    pub(super) gap_max: Option<u16>,
    /// Only these points of the profile.
    pub(super) points: Option<Vec<String>>,
    /// Points by id: new ones, or changes to the profile's, key by key.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    #[expect(dead_code, reason = "read from the tree, before this type is filled")]
    pub(super) point: BTreeMap<String, PointTable>,
}

/// Which readings are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReportWord {
    Change,
    Every,
}

/// One value of a device. Give its address as `holding`, `input`, `coil` or `discrete`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PointTable {
    /// Name for people, in English.
    pub(super) title: Option<String>,
    /// Name for people, in Chinese.
    pub(super) title_zh: Option<String>,
    /// Protocol address of a holding register (functions 3, 6, 16), counted from 0: 40001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) holding: Option<u16>,
    /// Protocol address of an input register (function 4), counted from 0: 30001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) input: Option<u16>,
    /// Protocol address of a coil (functions 1, 5, 15), counted from 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) coil: Option<u16>,
    /// Protocol address of a discrete input (function 2), counted from 0: 10001 is 0.
    #[schemars(range(min = 0, max = 65535))]
    pub(super) discrete: Option<u16>,
    /// How the value lies in its registers. May be left out for coils and discrete inputs, and
    /// where `bit` or `bits` is given.
    #[serde(rename = "type")]
    pub(super) kind: Option<TypeWord>,
    /// Number of registers of "bcd" (1 to 4) and "text" (1 to 125).
    #[schemars(range(min = 1, max = 125))]
    pub(super) length: Option<u8>,
    /// One bit of a register; 0 is the least significant.
    #[schemars(range(min = 0, max = 15))]
    pub(super) bit: Option<u8>,
    /// Some bits of a register as a number: the lowest and the highest of them.
    #[schemars(inner(range(min = 0, max = 15)))]
    pub(super) bits: Option<[u8; 2]>,
    /// Order of the bytes of 0xAABBCCDD in two registers. Default "abcd".
    pub(super) order: Option<OrderWord>,
    /// value = raw × scale + offset. Default 1.
    pub(super) scale: Option<f64>,
    /// value = raw × scale + offset. Default 0.
    pub(super) offset: Option<f64>,
    /// What the value is measured in: "°C", "kW", "m³/h"; "1" for a ratio.
    pub(super) unit: Option<UnitText>,
    /// What the value is for. Default "setpoint" for outputs, "status" for bits and states,
    /// otherwise "measurement".
    pub(super) class: Option<ClassWord>,
    /// Names of states by number: { 0 = "off", 1 = "on" }.
    pub(super) states: Option<BTreeMap<String, String>>,
    /// Raw values by which the device says that there is no sensor: [65535], [nan].
    pub(super) no_sensor: Option<Vec<f64>>,
    /// Physically possible values; a reading outside is bad.
    pub(super) range: Option<[f64; 2]>,
    /// For a counter: the first value that it can't show, where it starts at 0 again.
    pub(super) rollover: Option<f64>,
    /// How often it is read. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(super) poll: Option<DurationText>,
    /// Whether every reading is sent, or changes. Default the device's.
    pub(super) report: Option<ReportWord>,
    /// Smaller changes than this are not sent, in the point's unit. Default 0.
    #[schemars(range(min = 0.0))]
    pub(super) deadband: Option<f64>,
    /// Readings are not sent more often than this. Default the device's.
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) report_min: Option<DurationText>,
    /// Even an unchanged reading is sent this often. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1d"))]
    pub(super) report_max: Option<DurationText>,
    /// Without a good reading for this long the point is stale. Default the device's.
    #[schemars(extend("x-min" = "10ms", "x-max" = "7d"))]
    pub(super) stale_after: Option<DurationText>,
    /// Which function writes it: "auto" is 5, 6, 16 or 22 as fits; "multiple" is 15 or 16 even
    /// for a single one. Default "auto".
    pub(super) write_with: Option<WriteWord>,
    /// How it may be written. A profile describes it; only the site's own file makes the point
    /// an output, by giving this table (it may be empty).
    pub(super) output: Option<OutputTable>,
}

/// How a value lies in its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum TypeWord {
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

/// Order of bytes in values of several registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum OrderWord {
    Abcd,
    Cdab,
    Badc,
    Dcba,
}

/// What a value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum ClassWord {
    Measurement,
    Status,
    Setpoint,
    Counter,
}

/// Which function writes a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum WriteWord {
    Auto,
    Multiple,
}

/// What may be written to a point.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputTable {
    /// Smallest and largest value accepted, in the point's unit. Numbers need it.
    pub(super) limits: Option<[f64; 2]>,
    /// Fastest change, in units per second: a command beyond it is refused, what a plugin wants
    /// is approached no faster. The safe value is written at once.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub(super) rate_max: Option<f64>,
    /// At least this long between two writes. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) interval_min: Option<DurationText>,
    /// What is written when a writer's time ends. Every output needs it.
    pub(super) safe: Option<Scalar>,
    /// Whether the point is read again after a write. Default true.
    pub(super) readback: Option<bool>,
    /// How far the value read back may differ, in the point's unit. Default half of what one
    /// count of the register is worth.
    #[schemars(range(min = 0.0))]
    pub(super) readback_tolerance: Option<f64>,
    /// Once away from its safe value it stays so for at least this long, unless an interlock or
    /// slots 1 to 5 want it safe. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) min_on: Option<DurationText>,
    /// Once at its safe value it stays there for at least this long. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) min_off: Option<DurationText>,
    /// Most times in any hour that it leaves its safe value.
    #[schemars(range(min = 1, max = 3600))]
    pub(super) starts_per_hour_max: Option<u32>,
    /// Write the value that stands again this often while the output is away from its safe value,
    /// for a device whose watchdog counts writes. Well below that watchdog's time.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub(super) refresh: Option<DurationText>,
    /// Most writes in a calendar year, for registers that wear out. At 80 % there is a warning, at
    /// 100 % only the safe value is written.
    #[schemars(range(min = 1))]
    pub(super) writes_per_year_max: Option<u32>,
    /// How long it stays at its safe value after the gateway or the device's power returned.
    /// Default "3min" where `min_on`, `min_off` or `starts_per_hour_max` is given, else "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "1h"))]
    pub(super) restart_delay: Option<DurationText>,
    /// Adds 30 s each to `restart_delay`, so that machines do not start together. Default the
    /// number of outputs before it that have a `restart_delay`.
    #[schemars(range(min = 0, max = 1000))]
    pub(super) restart_index: Option<u32>,
    /// The point that says that the device is operated by hand, "hp1/control_source": then nothing
    /// is written until a minute after it returned.
    pub(super) local: Option<String>,
    /// What that point shows then: the name of a state, true or false. Default true.
    pub(super) local_when: Option<Scalar>,
    /// What in the device itself acts when the gateway or the line is gone: a communication
    /// time-out, a heartbeat register. Without it `wellhead check` warns.
    pub(super) watchdog: Option<String>,
}

/// A plugin at work here: which one, and which points it means by its roles.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginTable {
    /// Name of an installed plugin, as `wellhead plugin list` shows it.
    pub(super) package: Option<String>,
    /// Instead of `package`: the folder of a plugin under development, or one package file.
    /// Relative to this file.
    pub(super) path: Option<String>,
    /// Whether it runs. Default true.
    pub(super) enabled: Option<bool>,
    /// Priority of what it writes: 1 is first, 16 is last. Not 1, 2, 6 and 8, which are for
    /// people and protection. Default 14.
    #[schemars(range(min = 3, max = 16))]
    pub(super) slot: Option<u8>,
    /// Whether it only computes: what it would write is told and nothing is written. Default
    /// false.
    pub(super) shadow: Option<bool>,
    /// How long a value holds that the plugin does not write again. Default three times its
    /// period, at most "15min".
    #[schemars(extend("x-min" = "1s", "x-max" = "15min"))]
    pub(super) ttl: Option<DurationText>,
    /// Points by role: "device/point", or a list of them where the role takes several.
    #[serde(default)]
    pub(super) role: BTreeMap<String, OneOrMany>,
    /// Parameters by name, where the plugin's defaults do not fit.
    #[serde(default)]
    #[expect(dead_code, reason = "read from the tree, against the plugin's manifest")]
    pub(super) parameter: BTreeMap<String, Anything>,
    /// What it may use at most. Default what its manifest asks for.
    #[expect(dead_code, reason = "read where its place is known")]
    pub(super) grant: Option<GrantTable>,
}

/// What a plugin may use at most.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantTable {
    /// Most memory.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "8MiB"))]
    pub(super) memory: Option<SizeText>,
    /// Longest time for one call.
    #[schemars(extend("x-min" = "1ms", "x-max" = "100ms"))]
    pub(super) deadline: Option<DurationText>,
}

/// What must hold before some outputs may leave their safe value. A value that is not good never
/// holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InterlockTable {
    /// Name for people, in English.
    pub(super) title: Option<String>,
    /// Name for people, in Chinese.
    pub(super) title_zh: Option<String>,
    /// The output it guards, "heat-pump-1/run", or a list of them.
    #[schemars(required)]
    pub(super) output: Option<OneOrMany>,
    /// The point it looks at, "ground-pump/flow_ok".
    #[schemars(required)]
    pub(super) needs: Option<String>,
    /// What that must show: the name of a state, true or false. Default true.
    pub(super) is: Option<Scalar>,
    /// It must show more than this, in its unit.
    pub(super) above: Option<f64>,
    /// It must show less than this, in its unit.
    pub(super) below: Option<f64>,
    /// How long that must have held before an output may leave its safe value. Default "0ms".
    #[serde(rename = "for")]
    #[schemars(extend("x-min" = "0ms", "x-max" = "1d"))]
    pub(super) hold: Option<DurationText>,
    /// Once it is lost, the safe value is written after this long at the latest, and not at all if
    /// it returns before. Default "0ms".
    #[schemars(extend("x-min" = "0ms", "x-max" = "10min"))]
    pub(super) within: Option<DurationText>,
}

/// A profile: what one type of device offers, from its maker's register map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read section by section; as a whole it makes the schema")]
pub(super) struct ProfileFile {
    /// Which device it describes, and how we know.
    #[schemars(required)]
    pub(super) profile: Option<ProfileTable>,
    /// How this type of device wants to be talked to; a site's device may say otherwise.
    pub(super) device: Option<DeviceTable>,
    /// Points by id.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "wellhead-id"}))]
    pub(super) point: BTreeMap<String, PointTable>,
}

/// Which device a profile describes, and how we know.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "title and model are for people who read the profile")]
pub(super) struct ProfileTable {
    /// The same as the name of its file.
    #[schemars(required, extend("format" = "wellhead-id"))]
    pub(super) id: Option<String>,
    /// Name for people, in English.
    #[schemars(required)]
    pub(super) title: Option<String>,
    /// Name for people, in Chinese.
    pub(super) title_zh: Option<String>,
    /// Who makes the device.
    pub(super) vendor: Option<String>,
    /// Which models it fits.
    pub(super) model: Option<String>,
    /// The document the register map was taken from.
    pub(super) document: Option<String>,
    /// The edition of that document.
    pub(super) revision: Option<String>,
    /// Where the map can be read in public.
    pub(super) source: Option<String>,
    /// An invented or typical map that fits no particular product. Then document and revision may
    /// be missing.
    pub(super) generic: Option<bool>,
}
