//! Why a wish is not granted: for good, or for now.

use crate::{InterlockId, Slot};
use std::sync::Arc;
use std::time::Duration;
use wellhead_model::WriteRefusal;

/// What keeps a wanted value from its output for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A higher slot holds the output.
    Slot(Slot),
    /// The device is operated by hand.
    Local,
    /// Whether the device is operated by hand is not known.
    LocalUnknown,
    /// The device came back from local operation less than a minute ago, or was not read since.
    Returning,
    /// An earlier run of the gateway held it; the safe value comes first.
    Restoring,
    /// The gateway started, or the device's power returned, too short a time ago.
    RestartDelay,
    /// An interlock does not hold, or not yet for long enough.
    Interlock(InterlockId),
    /// It was started too short a time ago to stop.
    MinimumOn,
    /// It was stopped too short a time ago to start.
    MinimumOff,
    /// It had all its starts for this hour.
    StartsPerHour,
    /// It had all its writes for this year.
    Budget,
    /// Too soon after the last write.
    Interval,
    /// On its way, no faster than its rate allows.
    Ramp,
}

impl Held {
    /// Stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            Held::Slot(_) => "overridden",
            Held::Local => "local",
            Held::LocalUnknown => "local_unknown",
            Held::Returning => "returning",
            Held::Restoring => "restoring",
            Held::RestartDelay => "restart_delay",
            Held::Interlock(_) => "interlock",
            Held::MinimumOn => "minimum_on",
            Held::MinimumOff => "minimum_off",
            Held::StartsPerHour => "starts_per_hour",
            Held::Budget => "write_budget",
            Held::Interval => "too_soon",
            Held::Ramp => "too_fast",
        }
    }

    /// A sentence for people, in English.
    pub fn text(self) -> &'static str {
        match self {
            Held::Slot(_) => "a higher slot holds the point",
            Held::Local => "the device is in local operation",
            Held::LocalUnknown => "whether the device is in local operation is not known",
            Held::Returning => "the device returned from local operation a moment ago",
            Held::Restoring => "the point is being brought to its safe value first",
            Held::RestartDelay => "the restart delay is not over",
            Held::Interlock(_) => "an interlock does not allow it",
            Held::MinimumOn => "the minimum on time is not over",
            Held::MinimumOff => "the minimum off time is not over",
            Held::StartsPerHour => "it had all its starts for this hour",
            Held::Budget => "it had all its writes for this year",
            Held::Interval => "the last write was too short a time ago",
            Held::Ramp => "on its way, no faster than its rate",
        }
    }

    /// The same in Chinese.
    pub fn text_zh(self) -> &'static str {
        match self {
            Held::Slot(_) => "被更高优先级占用",
            Held::Local => "设备处于就地控制",
            Held::LocalUnknown => "无法确认设备是否就地控制",
            Held::Returning => "设备刚退出就地控制",
            Held::Restoring => "正在先恢复安全值",
            Held::RestartDelay => "重启延时未到",
            Held::Interlock(_) => "联锁条件不满足",
            Held::MinimumOn => "未到最短运行时间",
            Held::MinimumOff => "未到最短停机时间",
            Held::StartsPerHour => "本小时启动次数已满",
            Held::Budget => "本年度写入次数已满",
            Held::Interval => "距上次写入时间过短",
            Held::Ramp => "正按允许速率变化",
        }
    }
}

/// Why a request was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such output.
    #[error("there is no such output")]
    UnknownOutput,
    /// Slot 6 belongs to minimum times.
    #[error("slot 6 (minimum on/off time) is the gateway's own; use another")]
    SlotReserved,
    /// The point does not take this value.
    #[error(transparent)]
    Value(#[from] WriteRefusal),
    /// A higher slot holds the output.
    #[error("{by} holds the point in slot {} ({})", slot.number(), slot.name())]
    Overridden {
        /// The slot.
        slot: Slot,
        /// Who holds it.
        by: Arc<str>,
    },
    /// It was written too short a time ago.
    #[error("the point was written less than {} s ago", .0.as_secs_f64())]
    TooSoon(Duration),
    /// The step is larger than the point's rate allows.
    #[error("a change from {from} to {to} is faster than {rate_max} per second")]
    TooFast {
        /// What it moves from.
        from: f64,
        /// What was asked for.
        to: f64,
        /// The limit, in the point's unit per second.
        rate_max: f64,
    },
    /// An interlock does not hold, or not yet for long enough.
    #[error("interlock `{0}` does not allow it")]
    Interlocked(Arc<str>),
    /// Something else holds it back.
    #[error("{}", .0.text())]
    Held(Held),
}

impl Refusal {
    /// Stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::UnknownOutput => "unknown_point",
            Refusal::SlotReserved => "slot",
            Refusal::Value(_) => "value",
            Refusal::Overridden { .. } => "overridden",
            Refusal::TooSoon(_) => "too_soon",
            Refusal::TooFast { .. } => "too_fast",
            Refusal::Interlocked(_) => "interlock",
            Refusal::Held(held) => held.code(),
        }
    }

    /// What [`Display`](std::fmt::Display) says, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            Refusal::UnknownOutput => "没有这个输出".to_owned(),
            Refusal::SlotReserved => "优先级 6（最短启停时间）由网关自用，请选其他".to_owned(),
            Refusal::Value(refusal) => refusal.text_zh(),
            Refusal::Overridden { slot, by } => {
                format!("{by} 正以优先级 {}（{}）占用该点位", slot.number(), slot.name_zh())
            }
            Refusal::TooSoon(least) => {
                format!("距上次写入不足 {} 秒", least.as_secs_f64())
            }
            Refusal::TooFast { from, to, rate_max } => {
                format!("从 {from} 到 {to} 的变化超过每秒 {rate_max}")
            }
            Refusal::Interlocked(lock) => format!("联锁 `{lock}` 不允许"),
            Refusal::Held(held) => held.text_zh().to_owned(),
        }
    }
}
