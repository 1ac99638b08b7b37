//! What goes over the admin socket.

use crate::bilingual::Bilingual;
use crate::control::to_json;
use crate::hub::Latest;
use crate::plugins::{Board, Said};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use wellhead_model::Reason;
use wellhead_plugin_host::Level;

/// What the box is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Everything there is to see right now.
    Snapshot,
    /// Write a value through Control.
    Write {
        /// `hp1/setpoint`.
        point: String,
        /// What to write.
        value: Json,
        /// How long it holds, in seconds.
        hold_s: f64,
        /// On whose behalf root writes, as sudo says.
        sudo_user: Option<String>,
        /// Into which slot, 1 to 16.
        slot: u64,
    },
    /// Give a slot back.
    Release {
        /// `hp1/setpoint`.
        point: String,
        /// On whose behalf root does, as sudo says.
        sudo_user: Option<String>,
        /// Which slot, 1 to 16.
        slot: u64,
    },
    /// How the plugins are.
    Plugins,
    /// Start or stop a plugin.
    SwitchPlugin {
        /// Its id in the site file.
        plugin: String,
        /// Start it?
        on: bool,
    },
    /// What a plugin logged last.
    PluginLines {
        /// Its id in the site file.
        plugin: String,
    },
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Request::Snapshot`].
    Snapshot(Snapshot),
    /// To [`Request::Write`], in the form that MQTT replies have too.
    Reply(Json),
    /// To [`Request::Plugins`].
    Plugins(Vec<PluginView>),
    /// To [`Request::PluginLines`].
    Lines {
        /// The plant's time zone, an IANA name.
        timezone: String,
        /// Oldest first.
        lines: Vec<LineView>,
    },
    /// To what has no other answer.
    Done,
    /// The request was not understood, or can't be done.
    Error {
        /// Why.
        text: String,
        /// The same in Chinese.
        text_zh: String,
    },
}

/// Everything there is to see at one moment.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    /// `site/gateway`.
    pub name: String,
    /// The box's wall clock, ms since 1970, UTC.
    pub time_ms: i64,
    /// The plant's time zone, an IANA name.
    pub timezone: String,
    /// Whether that clock is synchronised.
    pub synced: bool,
    /// Devices by name.
    pub devices: Vec<DeviceView>,
    /// Uplinks by name.
    pub uplinks: Vec<UplinkView>,
    /// What is wrong now, the gravest first.
    pub alarms: Vec<AlarmView>,
}

/// One active alarm.
#[derive(Debug, Serialize, Deserialize)]
pub struct AlarmView {
    /// Its id.
    pub alarm: String,
    /// `alarm`, `warning` or `notice`.
    pub severity: String,
    /// Since when, ms since 1970, UTC.
    pub since_ms: i64,
    /// What is wrong and what to do.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// One device.
#[derive(Debug, Serialize, Deserialize)]
pub struct DeviceView {
    /// Its id.
    pub device: String,
    /// Polls answered since it was configured.
    pub answered: u64,
    /// Polls that failed, in any way.
    pub failed: u64,
    /// How long the last answer took.
    pub latency_ms: f64,
    /// Since the last answer; none if there was none.
    pub age_ms: Option<u64>,
    /// What is wrong at present.
    pub error: Option<String>,
    /// Its points, in order.
    pub points: Vec<PointView>,
}

/// One point.
#[derive(Debug, Serialize, Deserialize)]
pub struct PointView {
    /// Its id within the device.
    pub point: String,
    /// Title in English.
    pub title: String,
    /// Title in Chinese.
    pub title_zh: String,
    /// The value, if its quality allows one.
    pub value: Option<Json>,
    /// Unit symbol.
    pub unit: Option<String>,
    /// `good`, `bad` …
    pub quality: String,
    /// Why it is not good.
    pub reason: Option<String>,
    /// The same for people who read Chinese.
    #[serde(default)]
    pub reason_zh: Option<String>,
    /// When it was read, ms since 1970, UTC.
    pub time_ms: Option<i64>,
    /// Since the last good reading.
    pub age_ms: Option<u64>,
    /// Whether it may be written.
    pub writable: bool,
}

impl PointView {
    pub(super) fn new(latest: Latest) -> Self {
        let p = latest.point;
        Self {
            point: p.id.to_string(),
            title: p.title.to_string(),
            title_zh: p.title_zh.to_string(),
            value: latest.value.as_ref().map(to_json),
            unit: p.unit.map(|u| u.symbol().to_owned()),
            quality: latest.quality.word().into(),
            reason: latest.quality.reason().map(|r| r.to_string()),
            reason_zh: latest.quality.reason().map(Reason::text_zh),
            time_ms: latest.time.map(|t| t.0),
            age_ms: latest.age.map(super::millis),
            writable: p.output.is_some(),
        }
    }
}

/// One plugin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PluginView {
    /// Its id in the site file.
    pub plugin: String,
    /// What it is, with its version.
    pub package: String,
    /// `starting`, `running`, `restarting`, `disabled` or `refused`.
    pub state: String,
    /// Why it was refused, or how its last call failed.
    pub why: Option<String>,
    /// The same in Chinese.
    pub why_zh: Option<String>,
    /// Calls since the start.
    pub calls: u64,
    /// CPU time of all of them.
    pub cpu_ms: f64,
    /// CPU time of the longest.
    pub cpu_max_ms: f64,
    /// Calls that failed.
    pub faults: u64,
    /// Times it was started.
    pub starts: u64,
    /// Memory it has, in bytes.
    pub memory: u64,
}

impl PluginView {
    pub(super) fn new(plugin: String, package: String, board: &Board) -> Self {
        let (state, metrics) = board.look();
        let (why, why_zh) = board.trouble().map(|Bilingual { en, zh }| (en, zh)).unzip();
        let ms = |d: std::time::Duration| d.as_secs_f64() * 1000.0;
        Self {
            plugin,
            package,
            state: state.word().into(),
            why,
            why_zh,
            calls: metrics.calls,
            cpu_ms: ms(metrics.cost),
            cpu_max_ms: ms(metrics.cost_max),
            faults: metrics.faults.iter().sum(),
            starts: metrics.starts,
            memory: metrics.memory as u64,
        }
    }
}

/// A line that a plugin logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LineView {
    /// When, ms since 1970, UTC.
    pub time_ms: i64,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// What.
    pub text: String,
}

impl LineView {
    pub(super) fn new(said: Said) -> Self {
        Self { time_ms: said.time.0, level: level_word(said.level).into(), text: said.text }
    }
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// One uplink.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UplinkView {
    /// Its name in the configuration.
    pub uplink: String,
    /// Whether there is a session with the broker.
    pub connected: bool,
    /// `live`, `spilling`, `catching_up` …
    pub state: String,
    /// Why there is no session, in the words of whoever noticed.
    #[serde(default)]
    pub error: Option<String>,
    /// Its name to the broker.
    #[serde(default)]
    pub client_id: String,
    /// What somebody must look at: `login_refused`, or `id_contested` where the broker ends each
    /// session soon after it began, as if another box had this id.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Batches in memory that wait for an acknowledgement.
    pub waiting: u64,
    /// Batches acknowledged since the start.
    pub delivered: u64,
    /// Batches that the broker refused.
    pub refused: u64,
    /// Samples lost for want of room, and told as gaps.
    pub dropped: u64,
    /// The offline cache.
    pub cache: CacheView,
}

/// What a cache holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CacheView {
    /// Batches held.
    pub batches: u64,
    /// Samples in them.
    pub samples: u64,
    /// Disk space used, in bytes, measured.
    pub bytes: u64,
    /// Disk space allowed, in bytes.
    pub bytes_max: u64,
    /// Time of the oldest batch, ms since 1970, UTC.
    pub oldest_ms: Option<i64>,
    /// How many hours of the present rate fit in the room that is left.
    pub hours_left: Option<f64>,
    /// What is wrong with it, if anything.
    pub error: Option<String>,
}
