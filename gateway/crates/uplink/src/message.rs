//! The messages that are rare enough for serde: status, catalog, health, events.

use crate::encode;
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use std::time::Duration;
use wellhead_model::{DeviceId, Point, Timestamp, Value};
use wellhead_store::{BootCounter, Incident, Mark};

/// Something that happened, told once on the `event` stream: numbered, cached and delivered
/// exactly like samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What kind: `device_down`, `clock_step`, `audit`… lower case with underscores; the set
    /// only ever grows.
    pub kind: &'static str,
    /// The device it is about.
    pub device: Option<DeviceId>,
    /// One line for people, in English.
    pub text: String,
    /// More, by name. `t`, `kind`, `device` and `text` are taken.
    pub fields: Map<String, Json>,
}

impl Event {
    /// An event of the whole gateway.
    pub fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, device: None, text: text.into(), fields: Map::new() }
    }

    /// Names the device it is about.
    #[must_use]
    pub fn device(mut self, device: &DeviceId) -> Self {
        self.device = Some(device.clone());
        self
    }

    /// Says it in Chinese too.
    #[must_use]
    pub fn zh(self, text: impl Into<String>) -> Self {
        self.with("text_zh", text.into())
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// What fits into a message whatever it was: the start of the text and no fields.
    pub(crate) fn shortened(&self) -> Self {
        let text: String = self.text.chars().take(1000).collect();
        let mut short =
            Self { kind: self.kind, device: self.device.clone(), text, fields: Map::new() };
        short.fields.insert("shortened".into(), true.into());
        short
    }

    fn json(&self, at: Timestamp) -> Json {
        let mut all = self.fields.clone();
        all.insert("t".into(), at.0.into());
        all.insert("kind".into(), self.kind.into());
        if let Some(d) = &self.device {
            all.insert("device".into(), d.as_str().into());
        }
        all.insert("text".into(), self.text.clone().into());
        Json::Object(all)
    }
}

/// Something that is wrong for as long as it lasts, retained at `alarm/{id}` meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name for as long as the site exists: `control.hp1.run.not_following`. Letters, digits,
    /// `_`, `-` and `.`, since it stands in a topic.
    pub id: String,
    /// How much it matters.
    pub severity: Severity,
    /// Who raised it: `control`, `plugin:recharge`.
    pub source: String,
    /// The point it is about, `hp1/run`.
    pub point: Option<String>,
    /// One line for people, in English.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// How much an alarm matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// Worth a look.
    Warning,
    /// Needs a person.
    Alarm,
}

impl Severity {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Alarm => "alarm",
        }
    }
}

/// `alarm/{id}`, retained while it lasts.
pub(crate) fn alarm(a: &Alarm, since: Timestamp, synced: bool) -> Bytes {
    let mut body = json!({
        "v": 1, "id": a.id, "severity": a.severity.word(), "source": a.source,
        "since": since.0, "text": a.text, "text_zh": a.text_zh,
    });
    if let Some(o) = body.as_object_mut() {
        if let Some(point) = &a.point {
            o.insert("point".into(), point.as_str().into());
        }
        if !synced {
            o.insert("clock".into(), "unsynced".into());
        }
    }
    body.to_string().into()
}

/// The body of an event message, without its opening brace like that of samples.
pub(crate) fn event(
    out: &mut Vec<u8>,
    boot: &str,
    seq: u64,
    synced: bool,
    at: Timestamp,
    e: &Event,
) {
    encode::head(out, boot, seq);
    if !synced {
        out.extend_from_slice(br#","clock":"unsynced""#);
    }
    out.extend_from_slice(br#","events":["#);
    out.extend_from_slice(e.json(at).to_string().as_bytes());
    out.extend_from_slice(b"]}");
}

/// What the cache knows of the time before this start, one event for each earlier boot: the last
/// number of each stream that was safe. What a consumer misses behind it was lost with the power.
pub(crate) fn restarts(marks: &[Mark], clean: Option<bool>) -> Vec<Event> {
    // Newest first: the counter in front of the dash, see `wellhead_store::BootId`.
    let counter = |boot: &str| BootCounter::highest([boot]);
    let mut boots: Vec<&str> = marks.iter().map(|m| &*m.boot).collect();
    boots.sort_unstable_by_key(|b| std::cmp::Reverse(counter(b)));
    boots.dedup();
    if boots.is_empty() {
        let e = Event::new("restart", "the gateway started; it knows of no earlier run");
        return vec![e.zh("网关已启动；没有此前运行的记录")];
    }
    let mut events = Vec::new();
    for (age, boot) in boots.into_iter().enumerate() {
        let of_boot: Vec<&Mark> = marks.iter().filter(|m| &*m.boot == boot).collect();
        for some in of_boot.chunks(RESTART_STREAMS_MAX) {
            let last: Map<String, Json> =
                some.iter().map(|m| (m.stream.to_string(), m.seq.into())).collect();
            let text = format!("the gateway started; what run {boot} kept safe ends here");
            let zh = format!("网关已启动；运行 {boot} 安全保存的数据到此为止");
            let mut e = Event::new("restart", text).zh(zh).with("before", boot).with("last", last);
            if let (0, Some(clean)) = (age, clean) {
                e = e.with("clean", clean);
            }
            events.push(e);
        }
    }
    events
}

/// Streams named in one `restart` event, so that a large site's still fits a message.
const RESTART_STREAMS_MAX: usize = 200;

/// Damage that the cache met.
pub(crate) fn damaged(incident: &Incident) -> Event {
    match incident {
        Incident::Quarantined(q) => {
            let e =
                Event::new("cache_quarantined", format!("the cache was set aside: {}", q.reason))
                    .zh(format!("缓存已被隔离，另建新缓存：{}", q.reason))
                    .with("path", q.path.display().to_string())
                    .with("readable", q.readable);
            match q.unreadable {
                Some(n) => e.with("unreadable", n),
                None => e,
            }
        }
        Incident::BlockLost(b) => {
            let text = format!("a block of the cache was unreadable: {}", b.reason);
            let e = Event::new("cache_block_lost", text).with("block", b.block);
            let e = e.zh(format!("缓存中有一块无法读取：{}", b.reason));
            match b.entries {
                Some(n) => e.with("entries", n),
                None => e,
            }
        }
        Incident::EntriesMissing { expected, found } => {
            let text =
                format!("the cache holds {found} batches, not the {expected} it closed with");
            Event::new("cache_entries_missing", text)
                .zh(format!("缓存中有 {found} 批数据，而关闭时为 {expected} 批"))
                .with("expected", *expected)
                .with("found", *found)
        }
    }
}

/// The cache could not be opened, and memory stands in for it until the next start.
pub(crate) fn memory_only(error: &str) -> Event {
    let text = "there is no cache on disk: what an outage holds back is kept in memory only, and \
                lost with the power; make room or mend the disk, then restart the gateway";
    let zh =
        "磁盘上没有缓存：断网期间的数据只保存在内存中，断电即丢失；请清理或修复磁盘，然后重启网关";
    Event::new("cache_failed", text).zh(zh).with("error", error)
}

/// The broker ended `times` connections in a row soon after it took them; `taken_over` if it said
/// that another client came with the same id.
pub(crate) fn contested(client_id: &str, times: u32, taken_over: bool) -> Event {
    let (text, zh) = match taken_over {
        true => (
            format!(
                "another client took over this gateway's session; does another box have the same site and gateway id ({client_id})?"
            ),
            format!(
                "另一客户端接管了本网关的会话；是否有另一台网关使用相同的站点和网关标识（{client_id}）？"
            ),
        ),
        false => (
            format!(
                "the broker closed {times} connections in a row soon after it took them; does another box have the same site and gateway id ({client_id})?"
            ),
            format!(
                "服务器连续 {times} 次在连接后不久断开；是否有另一台网关使用相同的站点和网关标识（{client_id}）？"
            ),
        ),
    };
    let event = Event::new("client_id_contested", text).zh(zh);
    event.with("client_id", client_id).with("times", times).with("taken_over", taken_over)
}

/// A connection lasts again.
pub(crate) fn settled(client_id: &str, times: u32) -> Event {
    let text = format!("the connection lasts again, after {times} that the broker closed soon");
    let zh = format!("连接已恢复稳定；此前服务器曾 {times} 次在连接后不久断开");
    let event = Event::new("client_id_settled", text).zh(zh);
    event.with("client_id", client_id).with("times", times)
}

/// `status`: retained; the offline form is also the last will.
pub(crate) fn status(
    boot: &str,
    since: Timestamp,
    version: &str,
    state: &str,
    reason: Option<&str>,
) -> Bytes {
    let mut s = json!({"v": 1, "state": state, "boot": boot, "since": since.0, "version": version});
    if let (Some(reason), Some(o)) = (reason, s.as_object_mut()) {
        o.insert("reason".into(), reason.into());
    }
    s.to_string().into()
}

/// `catalog/{device}`, retained.
pub(crate) fn catalog(device: &DeviceId, points: &[Point]) -> Bytes {
    let points: Vec<Json> = points.iter().map(point).collect();
    let text = json!({"v": 1, "device": device.as_str(), "points": points}).to_string();
    // Kept as long as the device: in no more room than it fills.
    text.into_boxed_str().into_boxed_bytes().into()
}

fn point(p: &Point) -> Json {
    let mut o = Map::new();
    o.insert("id".into(), p.id.as_str().into());
    o.insert("title".into(), (*p.title).into());
    o.insert("title_zh".into(), (*p.title_zh).into());
    if let Some(u) = p.unit {
        o.insert("unit".into(), u.symbol().into());
    }
    o.insert("class".into(), p.class.word().into());
    o.insert("shape".into(), p.shape.word().into());
    if !p.states.is_empty() {
        let states = p.states.iter().map(|(code, name)| json!({"code": code, "name": &**name}));
        o.insert("states".into(), states.collect());
    }
    if let Some((min, max)) = p.range {
        o.insert("range".into(), json!({"min": min, "max": max}));
    }
    o.insert("writable".into(), p.output.is_some().into());
    if let Some((min, max)) = p.output.as_ref().and_then(|out| out.limits) {
        o.insert("limits".into(), json!({"min": min, "max": max}));
    }
    if let Some(out) = &p.output {
        o.insert("safe".into(), value(&out.safe));
        if out.relinquish {
            o.insert("relinquish".into(), true.into());
        }
    }
    o.insert("period_ms".into(), millis(p.period).into());
    Json::Object(o)
}

fn value(v: &Value) -> Json {
    let mut out = Vec::new();
    encode::value(&mut out, v);
    serde_json::from_slice(&out).unwrap_or(Json::Null)
}

pub(crate) fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}
