//! A configuration that holds: checked, defaults filled in, profiles merged. Plain data for the
//! program to assemble itself from.

pub use super::file::{LogFormat, LogLevel, Protocol, Room};
use crate::registry::{DeviceSpec, LineSetup};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wellhead_bacnet::server::{Charset, DeviceInfo, ObjectSpec};
use wellhead_control::Slot;
use wellhead_driver::Backoff;
use wellhead_manifest::{Manifest, Setting};
use wellhead_modbus::server::ServerSpec;
use wellhead_model::{DeviceId, Point, PointId, PointIndex, Unit};

/// One plant room behind one gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// First part of the topic root, wellhead/v1/{site}/{gateway}.
    pub id: String,
    /// Name for people, in English; the id if none was given.
    pub title: String,
    /// Name for people, in Chinese; the English one if none was given.
    pub title_zh: String,
    /// Name in the IANA database.
    pub timezone: String,
    /// The box.
    pub gateway: Gateway,
    /// The offline cache.
    pub cache: Cache,
    /// Ports, sockets, and where else devices are reached.
    pub lines: Vec<Line>,
    /// Devices, in the order of their ids.
    pub devices: Vec<Device>,
    /// Plugins, in the order of their ids.
    pub plugins: Vec<Plugin>,
    /// What `simulate` puts in its place.
    pub simulation: Option<Room>,
    /// Brokers.
    pub uplinks: Vec<UplinkSettings>,
    /// What Control judges by.
    pub control: Outputs,
    /// The gateway as a BACnet device.
    pub bacnet: Option<BacnetServer>,
    /// The gateway as a Modbus server.
    pub modbus: Option<ModbusServer>,
}

/// The gateway as a BACnet device.
#[derive(Debug, Clone, PartialEq)]
pub struct BacnetServer {
    /// Address and port.
    pub bind: SocketAddrV4,
    /// Where it announces itself.
    pub broadcast: Ipv4Addr,
    /// The device.
    pub device: DeviceInfo,
    /// How its texts are sent.
    pub charset: Charset,
    /// Whole names of its points, `hp1/setpoint`.
    pub points: Vec<String>,
    /// Their objects, in the same order.
    pub objects: Vec<ObjectSpec>,
    /// The first priority that is taken.
    pub priority_first: u8,
    /// How long a commanded value holds.
    pub hold: Duration,
}

/// What Control judges by, and where its outputs and inputs are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Outputs {
    /// Outputs with their rules, and interlocks.
    pub setup: wellhead_control::Setup,
    /// Where each output of the setup is, in its order.
    pub outputs: Vec<(DeviceId, PointIndex)>,
    /// Where each input of the setup is, in its order.
    pub inputs: Vec<(DeviceId, PointIndex)>,
}

/// Settings of the box itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Second part of the topic root.
    pub id: String,
    /// Folder for the cache and the boot counter.
    pub data_dir: PathBuf,
    /// Whether commands may write outputs.
    pub commands: bool,
    /// How much is logged.
    pub log: LogLevel,
    /// Who reads the log.
    pub log_format: LogFormat,
    /// Where the metrics page listens; always a loopback address.
    pub metrics: Option<SocketAddr>,
}

/// Bounds of the offline cache, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// Most disk space it may take.
    pub size_max: u64,
    /// Size of the file that is given up when the disk is full.
    pub reserve: u64,
}

/// The gateway as a Modbus server.
#[derive(Debug, Clone, PartialEq)]
pub struct ModbusServer {
    /// Address and port.
    pub bind: SocketAddr,
    /// The register map.
    pub spec: ServerSpec,
    /// By entry of the map: the point it shows, and its whole name, `hp1/setpoint`.
    pub points: Vec<(DeviceId, PointIndex, Arc<str>)>,
    /// How long what a master wrote holds, unless it is written again.
    pub hold: Duration,
}

/// A port, a socket, or where else devices are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// Where it leads.
    pub setup: LineSetup,
}

/// A device on a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Name for people, in English.
    pub title: String,
    /// Name for people, in Chinese.
    pub title_zh: String,
    /// Position of its line in [`Site::lines`].
    pub line: usize,
    /// What its driver is told of it.
    pub spec: DeviceSpec,
    /// How it is left alone when it does not answer.
    pub backoff: Backoff,
    /// Its points; a `PointIndex` is a position here.
    pub points: Arc<[Point]>,
    /// For each output that names one: what in the device acts when the gateway is gone.
    pub watchdogs: Vec<(PointId, String)>,
}

/// A plugin at work.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugin {
    /// Its id, under which its values stand like the points of a device.
    pub id: DeviceId,
    /// Where it is: a package file, or the folder of one under development.
    pub source: PathBuf,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// Whether it runs.
    pub enabled: bool,
    /// Whether it only computes.
    pub shadow: bool,
    /// Priority of what it writes.
    pub slot: Slot,
    /// How long a value holds that it does not write again.
    pub ttl: Duration,
    /// Most memory it gets, in bytes.
    pub memory: u64,
    /// Longest time for one call.
    pub deadline: Duration,
    /// Its roles, in the order of the manifest and of the points in each.
    pub bindings: Vec<Binding>,
    /// Its parameters, in the order of the manifest.
    pub settings: Vec<(String, Setting)>,
    /// What it publishes.
    pub points: Arc<[Point]>,
}

/// A role and the point that plays it.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The plugin's name for it.
    pub role: String,
    /// Position among the points of this role.
    pub index: u32,
    /// Whether the plugin writes it.
    pub output: bool,
    /// The device, or another plugin.
    pub device: DeviceId,
    /// The point.
    pub point: PointId,
    /// How its values become the role's.
    pub fit: Fit,
}

/// How the values of a point become those of a role, and back.
#[derive(Debug, Clone, PartialEq)]
pub enum Fit {
    /// They are the same.
    Same,
    /// A number in another unit: the point's, then the role's.
    Units(Unit, Unit),
    /// A point with two states, 0 and 1, for a role that is true or false: the names of both.
    Switch([Arc<str>; 2]),
}

/// An MQTT broker and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UplinkSettings {
    /// Its id.
    pub id: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// TLS, and whom to trust; `None` is plain MQTT.
    pub tls: Option<Tls>,
    /// Name to log in with.
    pub username: Option<String>,
    /// Where the password is.
    pub password: Option<Secret>,
    /// Most messages without acknowledgement.
    pub inflight_max: u16,
    /// Most bytes of memory for values that wait for an acknowledgement.
    pub window: u64,
    /// MQTT keep-alive.
    pub keep_alive: Duration,
}

/// Files for TLS, all PEM.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// Authorities to trust.
    pub ca: Option<PathBuf>,
    /// Our certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Where a secret is; never the secret itself, so that it can't end up in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A file that holds it and nothing else.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// A secret that can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("can't read the password file {file}: {error}")]
    File {
        /// Its path.
        file: PathBuf,
        /// The system's words.
        error: std::io::Error,
    },
    /// The variable is not set, or is not UTF-8.
    #[error("the environment variable `{0}` for the password is not set")]
    Env(String),
}

impl Secret {
    /// Reads it. A line break at the end of a file is not part of it.
    ///
    /// # Errors
    /// If the file can't be read or the variable is not set.
    pub fn read(&self) -> Result<String, SecretError> {
        match self {
            Secret::File(file) => std::fs::read_to_string(file)
                .map(|s| s.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| SecretError::File { file: file.clone(), error }),
            Secret::Env(name) => std::env::var(name).map_err(|_| SecretError::Env(name.clone())),
        }
    }
}
