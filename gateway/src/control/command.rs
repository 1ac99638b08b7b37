//! What people and platforms ask of an output, and what they are answered.

use serde_json::{Value as Json, json};
use std::time::Duration;
use wellhead_control::Slot;
use wellhead_driver::DeviceError;
use wellhead_model::{Timestamp, Value};

/// A wish to write, from a person or a platform: it acts at once or is refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its own id, by which it runs once.
    pub id: String,
    /// Who asks, for the audit trail.
    pub source: String,
    /// The point's whole name, `hp1/setpoint`.
    pub point: String,
    /// What to write.
    pub value: Value,
    /// Not to be run after this.
    pub expires: Timestamp,
    /// How long the value holds in its slot.
    pub hold: Duration,
    /// Its priority.
    pub slot: Slot,
}

/// Why a command was not carried out, or not surely.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The site does not take commands.
    #[error("commands are off; set `commands = true` in [gateway] to allow them")]
    Disabled,
    /// A command that a broker kept is of unknown age.
    #[error("a retained command is never run; publish it without the retain flag")]
    Retained,
    /// Its time is over.
    #[error("the command expired {late_ms} ms ago{}", seconds_hint(*.seconds))]
    Expired {
        /// How long ago.
        late_ms: i64,
        /// Its time looks like seconds instead of milliseconds.
        seconds: bool,
    },
    /// Its time lies too far ahead.
    #[error("the command's expiry is more than 24 h ahead")]
    ExpiryTooFar,
    /// Its hold is longer than allowed.
    #[error("a value can be held for 24 h at most")]
    HoldTooLong,
    /// It was taken before. With the reply to its first delivery, if that is known and still kept.
    #[error("this command was taken already; how it ended is not known yet, or not any more")]
    Duplicate(Option<Box<Json>>),
    /// Another command with its id ran before.
    #[error("another command had this id; give each its own")]
    IdReused,
    /// There is no such point.
    #[error("there is no point `{0}`")]
    UnknownPoint(String),
    /// The point does not take it, or not now.
    #[error(transparent)]
    Judged(#[from] wellhead_control::Refusal),
    /// The line has too much to do.
    #[error("the line's queue is full")]
    Busy,
    /// The command could not be noted down; without that it might run twice.
    #[error("the ledger of commands can't be written: {0}")]
    Ledger(String),
    /// The device did not take it, or nobody knows.
    #[error("{0}")]
    Device(DeviceError),
    /// Nothing came back in time.
    #[error("no result within {} s; the value may have been written", .0.as_secs())]
    NoResult(Duration),
    /// The device acknowledged and shows another value.
    #[error("wrote {wrote}, but the device shows {shows}")]
    Mismatch {
        /// What was written.
        wrote: String,
        /// What was read back.
        shows: String,
    },
}

impl Refusal {
    /// Stable word for the reply.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Disabled => "disabled",
            Refusal::Retained => "retained",
            Refusal::Expired { .. } => "expired",
            Refusal::ExpiryTooFar => "expiry_too_far",
            Refusal::HoldTooLong => "hold_too_long",
            Refusal::Duplicate(_) => "duplicate",
            Refusal::IdReused => "id_reused",
            Refusal::UnknownPoint(_) => "unknown_point",
            Refusal::Judged(refusal) => refusal.code(),
            Refusal::Busy => "busy",
            Refusal::Ledger(_) => "ledger",
            Refusal::Device(e) => e.reason().code(),
            Refusal::NoResult(_) => "no_result",
            Refusal::Mismatch { .. } => "mismatch",
        }
    }

    /// What [`Display`](std::fmt::Display) says, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            Refusal::Disabled => "本站点未允许命令；在 [gateway] 中设 `commands = true`".to_owned(),
            Refusal::Retained => "保留消息中的命令从不执行；发布时请勿置 retain 标志".to_owned(),
            Refusal::Expired { late_ms, seconds: false } => format!("命令已过期 {late_ms} ms"),
            Refusal::Expired { late_ms, seconds: true } => {
                format!("命令已过期 {late_ms} ms；`expires` 应为毫秒，是否写成了秒？")
            }
            Refusal::ExpiryTooFar => "命令的有效期超过 24 小时".to_owned(),
            Refusal::HoldTooLong => "一个值最多保持 24 小时".to_owned(),
            Refusal::Duplicate(_) => "该命令此前已接收；结果尚未得出，或已不再保存".to_owned(),
            Refusal::IdReused => "另一命令已用过此 id；每条命令请使用各自的 id".to_owned(),
            Refusal::UnknownPoint(point) => format!("没有点位 `{point}`"),
            Refusal::Judged(refusal) => refusal.text_zh(),
            Refusal::Busy => "线路队列已满".to_owned(),
            Refusal::Ledger(why) => format!("命令台账无法写入：{why}"),
            Refusal::Device(error) => error.text_zh(),
            Refusal::NoResult(waited) => {
                format!("{} 秒内无结果；数值可能已写入", waited.as_secs())
            }
            Refusal::Mismatch { wrote, shows } => format!("写入 {wrote}，但设备显示 {shows}"),
        }
    }
}

fn seconds_hint(seconds: bool) -> &'static str {
    if seconds { "; `expires` is in milliseconds: is it seconds?" } else { "" }
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// What was written, in the point's own kind.
    pub wrote: Value,
    /// What the device showed afterwards, if it was read.
    pub shows: Option<Value>,
}

/// The reply to a command, as it stands on the wire. To a second delivery it is the first reply
/// again, marked.
pub fn reply(id: Option<&str>, result: &Result<Done, Refusal>, now: Timestamp) -> Json {
    match result {
        Err(Refusal::Duplicate(Some(first))) => {
            let mut again = Json::clone(first);
            again["duplicate"] = true.into();
            again
        }
        Ok(done) => json!({
            "v": 1, "id": id, "ok": true, "code": "done", "t": now.0,
            "text": format!("wrote {}", done.wrote), "text_zh": format!("已写入 {}", done.wrote),
            "value": to_json(&done.wrote),
            "readback": done.shows.as_ref().map(to_json),
        }),
        Err(e) => json!({
            "v": 1, "id": id, "ok": false, "code": e.code(), "t": now.0,
            "text": e.to_string(), "text_zh": e.text_zh(),
        }),
    }
}

/// A value as JSON: whole numbers beyond 2^53 as text, since most readers would round them.
pub fn to_json(v: &Value) -> Json {
    const EXACT: u64 = 1 << 53;
    match v {
        Value::Bool(b) => json!(b),
        Value::Int(i) if i.unsigned_abs() <= EXACT => json!(i),
        Value::Float(f) => json!(f.get()),
        other => json!(other.to_string()),
    }
}

/// A value out of JSON; `None` for null, lists and objects.
pub fn from_json(v: &Json) -> Option<Value> {
    match v {
        Json::Bool(b) => Some(Value::Bool(*b)),
        Json::String(s) => Some(Value::Text(s.as_str().into())),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) => Some(Value::Int(i)),
            (None, Some(u)) => Some(Value::unsigned(u)),
            (None, None) => n.as_f64().and_then(Value::float),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
