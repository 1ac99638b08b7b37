//! What the subscriber got, one line a message: time of arrival, topic, payload.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value as Json;

/// Format of a line for `mosquitto_sub -F`.
pub const LINE_FORMAT: &str = "%U\t%t\t%p";

/// The point that carries the plant's poll count.
pub const COUNTER: &str = "poll_counter";

/// One numbered message on one arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `data/{device}` or `event`.
    pub stream: String,
    /// Run of the gateway that sealed it.
    pub boot: String,
    /// Its number in stream and boot.
    pub seq: u64,
    /// Marked as backlog.
    pub hist: bool,
    /// Wall clock of the arrival, ms since 1970 UTC.
    pub at_ms: u64,
    /// Poll counts in it that are good.
    pub counts: Vec<u32>,
    /// What its events tell of other numbers.
    pub told: Vec<Told>,
    /// Tells apart two messages of the same number; the mark of the backlog does not count.
    pub content: u64,
}

/// What an event tells of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The gateway started; what was safe of an earlier run, by stream.
    Restart {
        /// That run, if any is known.
        before: Option<String>,
        /// Its last safe numbers.
        last: BTreeMap<String, u64>,
    },
    /// Numbers that will never come.
    Gap {
        /// Stream.
        stream: String,
        /// Run.
        boot: String,
        /// First number.
        first: u64,
        /// Last number.
        last: u64,
    },
}

#[derive(Deserialize)]
struct Body {
    boot: String,
    seq: u64,
    #[serde(default)]
    hist: bool,
    #[serde(default)]
    samples: Vec<Sample>,
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Sample {
    p: String,
    v: Json,
    q: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    kind: String,
    before: Option<String>,
    #[serde(default)]
    last: Json,
    stream: Option<String>,
    boot: Option<String>,
    first: Option<u64>,
}

/// Reads one line of the subscriber; `root` is what stands in the topic before the stream.
///
/// # Errors
/// When the line is not what the wire format says.
pub fn read(line: &str, root: &str) -> Result<Delivery> {
    let mut parts = line.splitn(3, '\t');
    let (Some(at), Some(topic), Some(payload)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("not time, topic and payload: {line}");
    };
    let at_s: f64 = at.parse().with_context(|| format!("not a time: {at}"))?;
    let stream = topic.strip_prefix(root).and_then(|t| t.strip_prefix('/'));
    let stream = stream.with_context(|| format!("not below {root}: {topic}"))?.to_owned();
    let body: Body = serde_json::from_str(payload).with_context(|| payload.to_owned())?;
    let counts = body.samples.iter().filter_map(count).collect();
    let told = body.events.into_iter().map(told).collect::<Result<Vec<_>>>()?;
    let mut hasher = DefaultHasher::new();
    payload.replacen("\"hist\":true,", "", 1).hash(&mut hasher);
    Ok(Delivery {
        stream,
        boot: body.boot,
        seq: body.seq,
        hist: body.hist,
        at_ms: (at_s * 1000.0) as u64,
        counts,
        told: told.into_iter().flatten().collect(),
        content: hasher.finish(),
    })
}

fn count(sample: &Sample) -> Option<u32> {
    if sample.p != COUNTER || sample.q.is_some() {
        return None;
    }
    u32::try_from(sample.v.as_u64()?).ok()
}

fn told(event: Event) -> Result<Option<Told>> {
    match event.kind.as_str() {
        "restart" => {
            let last = match event.last {
                Json::Null => BTreeMap::new(),
                last => serde_json::from_value(last).context("`last` of a restart")?,
            };
            Ok(Some(Told::Restart { before: event.before, last }))
        }
        "gap" => {
            let stream = event.stream.context("a gap without a stream")?;
            let boot = event.boot.context("a gap without a boot")?;
            let first = event.first.context("a gap without a first number")?;
            let last = event.last.as_u64().context("a gap without a last number")?;
            Ok(Some(Told::Gap { stream, boot, first, last }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "wellhead/v1/drill/box";

    fn line(stream: &str, payload: &str) -> String {
        format!("1795299434.079591866\t{ROOT}/{stream}\t{payload}")
    }

    #[test]
    fn counts_are_those_of_good_samples_of_the_counter() {
        let payload = r#"{"v":1,"boot":"3-ab","seq":7,"samples":[
            {"p":"poll_counter","t":1,"v":41},{"p":"temperature","t":1,"v":20.5},
            {"p":"poll_counter","t":2,"v":null,"q":"stale","r":"aged"}]}"#;
        let got = read(&line("data/room", payload), ROOT).unwrap();
        assert_eq!((got.counts.as_slice(), got.seq, got.hist), ([41].as_slice(), 7, false));
        assert_eq!((got.stream.as_str(), got.at_ms), ("data/room", 1_795_299_434_079));
    }

    #[test]
    fn backlog_mark_is_no_difference_of_content() {
        let live = r#"{"v":1,"boot":"3-ab","seq":7,"samples":[]}"#;
        let hist = r#"{"hist":true,"v":1,"boot":"3-ab","seq":7,"samples":[]}"#;
        let other = r#"{"v":1,"boot":"3-ab","seq":8,"samples":[]}"#;
        let content = |payload| read(&line("data/room", payload), ROOT).unwrap().content;
        assert_eq!(content(live), content(hist));
        assert_ne!(content(live), content(other));
    }

    #[test]
    fn events_tell_of_safe_numbers_and_of_gaps() {
        let payload = r#"{"v":1,"boot":"3-ab","seq":1,"events":[
            {"t":1,"kind":"restart","text":"x","before":"2-cd","last":{"data/room":9}},
            {"t":1,"kind":"gap","text":"x","stream":"data/room","boot":"2-cd","first":2,"last":4},
            {"t":1,"kind":"device_up","text":"x"}]}"#;
        let told = read(&line("event", payload), ROOT).unwrap().told;
        let last = BTreeMap::from([("data/room".to_owned(), 9)]);
        let (stream, boot) = ("data/room".to_owned(), "2-cd".to_owned());
        let restart = Told::Restart { before: Some(boot.clone()), last };
        assert_eq!(told, [restart, Told::Gap { stream, boot, first: 2, last: 4 }]);
    }

    #[test]
    fn what_is_not_the_wire_format_is_an_error() {
        assert!(read("half a li", ROOT).is_err());
        assert!(read(&line("data/room", "{\"boot\":"), ROOT).is_err());
        assert!(read("1.0\telsewhere/data/room\t{}", ROOT).is_err());
    }
}
