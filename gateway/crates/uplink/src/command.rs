//! Commands as they arrive: strict, bounded, and explained when refused. Whether one may be
//! carried out is for Control to say.

use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use wellhead_model::{Timestamp, Value};

/// Longest command, in bytes.
pub const COMMAND_BYTES_MAX: usize = 4096;
/// Longest id, in characters.
const ID_LEN_MAX: usize = 64;
/// Longest time that a written value holds: a day.
const HOLD_MAX: Duration = Duration::from_secs(86_400);

/// A request to write one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The requester's name for it; the same id is carried out once.
    pub id: Arc<str>,
    /// `device/point`.
    pub point: Arc<str>,
    /// What to write, in the point's unit or the name of a state.
    pub value: Value,
    /// Until when the request is valid, UTC. Later it is refused.
    pub expires: Timestamp,
    /// How long the written value holds before the safe one returns. `None` leaves it to the
    /// point's setting.
    pub hold: Option<Duration>,
}

/// Why a payload is no command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message is its own description")]
pub enum CommandError {
    #[error("a command has at most {COMMAND_BYTES_MAX} bytes, this one has {0}")]
    TooLong(usize),
    #[error("not a command: {0}")]
    Json(String),
    #[error("`id` must have 1 to {ID_LEN_MAX} characters, none of them a control character")]
    Id,
    #[error("`point` must be `device/point`, not `{0}`")]
    Point(String),
    #[error("`value` must be a finite number, true, false or a text of at most 256 bytes")]
    Value,
    #[error("`hold_s` must be more than 0 and at most 86400 (a day)")]
    Hold,
}

/// What can be said of a payload that is no command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Its id, where that at least can be read.
    pub id: Option<String>,
    /// What is wrong.
    pub error: CommandError,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
struct Wire {
    id: String,
    point: String,
    value: WireValue,
    expires: WireTime,
    hold_s: Option<WireHold>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`expires` must be whole milliseconds since 1970, UTC")]
enum WireTime {
    Ms(i64),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "`hold_s` must be a number of seconds")]
enum WireHold {
    S(f64),
}

/// All that is read of what is no command.
#[derive(Deserialize)]
struct WireId {
    id: String,
}

/// Anything nested is refused by its type, so depth is bounded without counting.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`value` must be a number, true, false or a text")]
enum WireValue {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
}

/// Reads `{"id":"…","point":"hp1/setpoint","value":45.0,"expires":1763750060000,"hold_s":600}`.
pub fn parse_command(payload: &[u8]) -> Result<Command, CommandError> {
    if payload.len() > COMMAND_BYTES_MAX {
        return Err(CommandError::TooLong(payload.len()));
    }
    // serde would take a list of the fields in their order as well.
    if payload.trim_ascii_start().first() == Some(&b'[') {
        return Err(CommandError::Json("it must be a JSON object".into()));
    }
    let wire: Wire =
        serde_json::from_slice(payload).map_err(|e| CommandError::Json(e.to_string()))?;
    if !is_id(&wire.id) {
        return Err(CommandError::Id);
    }
    let well_named = wire.point.split_once('/').is_some_and(|(device, point)| {
        wellhead_model::DeviceId::new(device).is_ok() && wellhead_model::PointId::new(point).is_ok()
    });
    if !well_named {
        return Err(CommandError::Point(wire.point.chars().take(160).collect()));
    }
    let value = match wire.value {
        WireValue::Bool(b) => Value::Bool(b),
        WireValue::Int(i) => Value::Int(i),
        WireValue::UInt(u) => Value::unsigned(u),
        WireValue::Float(f) => Value::float(f).ok_or(CommandError::Value)?,
        WireValue::Text(t) if t.len() <= 256 => Value::Text(t.into()),
        WireValue::Text(_) => return Err(CommandError::Value),
    };
    let hold = match wire.hold_s {
        None => None,
        Some(WireHold::S(s)) => {
            // Less than half a nanosecond is more than 0 and yet no time at all.
            let held = Duration::try_from_secs_f64(s).ok().filter(|h| !h.is_zero());
            Some(held.filter(|h| *h <= HOLD_MAX).ok_or(CommandError::Hold)?)
        }
    };
    let WireTime::Ms(expires) = wire.expires;
    Ok(Command {
        id: wire.id.into(),
        point: wire.point.into(),
        value,
        expires: Timestamp(expires),
        hold,
    })
}

fn is_id(id: &str) -> bool {
    (1..=ID_LEN_MAX).contains(&id.chars().count()) && !id.chars().any(char::is_control)
}

/// Reads a command, or at least its id for the answer.
pub(crate) fn receive(payload: &[u8]) -> Result<Command, Malformed> {
    parse_command(payload).map_err(|error| {
        let bounded = Some(payload).filter(|p| p.len() <= COMMAND_BYTES_MAX);
        let wire = bounded.and_then(|p| serde_json::from_slice::<WireId>(p).ok());
        Malformed { id: wire.map(|w| w.id).filter(|id| is_id(id)), error }
    })
}

/// Where the answer to a command goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    pub(crate) topic: String,
    pub(crate) correlation: Option<bytes::Bytes>,
}

impl ReplyTo {
    /// The requester's response topic if it is one we may write to, else `cmd/reply`. A requester
    /// must not make the gateway speak on its own data, status or event topics.
    pub(crate) fn new(
        root: &str,
        response_topic: Option<&str>,
        correlation: Option<bytes::Bytes>,
    ) -> Self {
        let own = format!("{root}/");
        let fallback = format!("{root}/cmd/reply");
        let allowed = |t: &str| {
            !t.is_empty()
                && t.len() <= 256
                && !t.starts_with('$')
                && !t.contains(['+', '#', '\0'])
                && (!t.starts_with(&own)
                    || t == fallback
                    || t.strip_prefix(&fallback).is_some_and(|rest| rest.starts_with('/')))
        };
        let topic = response_topic.filter(|t| allowed(t)).map_or(fallback.clone(), str::to_owned);
        Self { topic, correlation }
    }
}

/// A message that came in on `cmd`.
#[derive(Debug)]
pub struct Incoming {
    /// The command, or why it is none.
    pub command: Result<Command, Malformed>,
    /// Published as retained: it may be years old and must be refused.
    pub retained: bool,
    /// For [`crate::UplinkHandle::reply`].
    pub reply: ReplyTo,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(payload: &str, expected: &str) {
        let error = parse_command(payload.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{payload}: {error}");
    }

    #[test]
    fn a_whole_command_is_read() {
        let c = parse_command(
            br#"{"id":"a1","point":"hp1/setpoint","value":45.5,"expires":1763750060000,"hold_s":600}"#,
        )
        .unwrap();
        assert_eq!(&*c.id, "a1");
        assert_eq!(&*c.point, "hp1/setpoint");
        assert_eq!(c.value, Value::float(45.5).unwrap());
        assert_eq!(c.expires, Timestamp(1_763_750_060_000));
        assert_eq!(c.hold, Some(Duration::from_secs(600)));
    }

    #[test]
    fn values_keep_their_kind() {
        for (json, value) in [
            ("true", Value::Bool(true)),
            ("-3", Value::Int(-3)),
            ("18446744073709551615", Value::UInt(u64::MAX)),
            (r#""heating""#, Value::Text("heating".into())),
        ] {
            let c = format!(r#"{{"id":"a","point":"d/p","value":{json},"expires":0}}"#);
            assert_eq!(parse_command(c.as_bytes()).unwrap().value, value);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        refused("", "not a command");
        refused("[1]", "not a command");
        refused(r#"{"id":"a","point":"d/p","value":1}"#, "missing field `expires`");
        refused(
            r#"{"id":"a","point":"d/p","value":1,"expires":0,"force":1}"#,
            "unknown field `force`",
        );
        refused(
            r#"{"id":"a","id":"b","point":"d/p","value":1,"expires":0}"#,
            "duplicate field `id`",
        );
        refused(r#"{"id":"","point":"d/p","value":1,"expires":0}"#, "`id` must have");
        refused(r#"{"id":"a\n","point":"d/p","value":1,"expires":0}"#, "`id` must have");
        refused(r#"{"id":"a","point":"d","value":1,"expires":0}"#, "`device/point`, not `d`");
        refused(r#"{"id":"a","point":"d/p/q","value":1,"expires":0}"#, "`device/point`");
        refused(r#"{"id":"a","point":"d/p","value":[1],"expires":0}"#, "`value` must be");
        refused(r#"{"id":"a","point":"d/p","value":null,"expires":0}"#, "`value` must be");
        refused(r#"{"id":"a","point":"d/p","value":1e999,"expires":0}"#, "not a command");
        refused(r#"{"id":"a","point":"d/p","value":1,"expires":0,"hold_s":0}"#, "`hold_s`");
        for hold in ["1e-10", "-1", "1e300", "86400.001"] {
            refused(
                &format!(r#"{{"id":"a","point":"d/p","value":1,"expires":0,"hold_s":{hold}}}"#),
                "`hold_s`",
            );
        }
        refused(r#"{"id":"a","point":"d/p","value":1,"expires":0} x"#, "trailing");
        refused(&" ".repeat(5000), "at most 4096 bytes");
        refused(
            &format!(r#"{{"id":"{}","point":"d/p","value":1,"expires":0}}"#, "é".repeat(65)),
            "`id`",
        );
        refused(&"[".repeat(4000), "not a command");
        refused(&format!(r#"{{"value":{}"#, "[".repeat(4000)), "not a command");
    }

    #[test]
    fn a_refusal_speaks_of_the_format_and_not_of_the_program() {
        let with = |rest: &str| format!(r#"{{"id":"a","point":"d/p","value":1,{rest}}}"#);
        refused(r#"["a","d/p",1,1763750060000,60]"#, "must be a JSON object");
        refused("7", "expected a JSON object");
        refused(&with(r#""expires":17.5"#), "`expires` must be whole milliseconds");
        refused(&with(r#""expires":"soon""#), "`expires` must be whole milliseconds");
        refused(&with(r#""expires":0,"hold_s":"1h""#), "`hold_s` must be a number of seconds");
    }

    #[test]
    fn the_id_of_what_is_no_command_is_read_where_it_can_be() {
        let id = |payload: &str| receive(payload.as_bytes()).unwrap_err().id;
        for wrong in [
            r#"{"id":"c-1","point":"nowhere","value":1,"expires":0}"#,
            r#"{"id":"c-1","point":"d/p","value":1,"expires":0,"hold_s":0}"#,
            r#"{"id":"c-1","point":"d/p","value":1,"expires":"soon"}"#,
            r#"{"id":"c-1"}"#,
        ] {
            assert_eq!(id(wrong).as_deref(), Some("c-1"), "{wrong}");
        }
        let long = format!(r#"{{"id":"c-1","x":"{}"}}"#, "x".repeat(COMMAND_BYTES_MAX));
        for none in ["", "{", r#"{"id":7}"#, r#"{"id":"a","id":"b"}"#, r#"{"id":"a\n"}"#, &long] {
            assert_eq!(id(none), None, "{none}");
        }
    }

    #[test]
    fn a_requester_cannot_make_the_gateway_speak_on_its_own_topics() {
        let to = |t: &str| ReplyTo::new("w/v1/s/g", Some(t), None).topic;
        assert_eq!(to("cloud/answers/7"), "cloud/answers/7");
        assert_eq!(to("w/v1/s/g/cmd/reply/7"), "w/v1/s/g/cmd/reply/7");
        for bad in [
            "w/v1/s/g/data/hp1",
            "w/v1/s/g/status",
            "w/v1/s/g/cmd",
            "w/v1/s/g/cmd/replyx",
            "a/#",
            "",
            "$SYS/x",
        ] {
            assert_eq!(to(bad), "w/v1/s/g/cmd/reply", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_command(&bytes);
        }

        #[test]
        fn no_json_panics(text in r#"[\{\}\[\]",:a-z0-9.eE+-]{0,120}"#) {
            let _ = parse_command(text.as_bytes());
        }
    }
}
