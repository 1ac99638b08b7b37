//! What the encoders write against the schemas in `schema/`.

use crate::encode;
use crate::message::{self, Event};
use crate::test_points::points;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use wellhead_model::{Output, PointIndex, Quality, Reason, Sample, Timestamp, Value};
use wellhead_store::{BlockLost, Incident, Mark, Quarantined};

fn schema(name: &str) -> Validator {
    let path = format!("{}/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let schema: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn check(v: &Validator, message: &[u8]) -> Json {
    let json: Json = serde_json::from_slice(message).unwrap();
    let errors: Vec<String> =
        v.iter_errors(&json).map(|e| format!("{} at {}", e, e.instance_path)).collect();
    assert!(errors.is_empty(), "{errors:?} in {json}");
    json
}

#[track_caller]
fn refused(v: &Validator, json: Json) {
    assert!(!v.is_valid(&json), "{json}");
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(Value::unsigned),
        (proptest::num::f64::NORMAL | proptest::num::f64::ZERO)
            .prop_filter_map("finite", Value::float),
        any::<String>().prop_map(|s| Value::Text(s.into())),
    ]
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::NotPolled),
        Just(Reason::NoReply),
        any::<u8>().prop_map(Reason::Refused),
        any::<u8>().prop_map(Reason::DeviceFailure),
        any::<u8>().prop_map(Reason::Faulty),
        Just(Reason::OutOfService),
    ]
}

fn sample() -> impl Strategy<Value = Sample> {
    let at = (0..3_u32, any::<i64>()).prop_map(|(p, t)| (PointIndex(p), Timestamp(t)));
    (at, value(), reason(), 0..5).prop_map(|((p, t), v, why, kind)| match kind {
        0 => Sample::good(p, t, v),
        1 => Sample::uncertain(p, t, v, why),
        2 => Sample::manual(p, t, v),
        3 => Sample::bad(p, t, why),
        _ => Sample::stale(p, t, why),
    })
}

proptest! {
    #[test]
    fn every_batch_fits_its_schema_and_keeps_every_value(
        samples in proptest::collection::vec(sample(), 1..20),
        seq in 1..u64::MAX,
        synced in any::<bool>(),
    ) {
        thread_local!(static DATA: Validator = schema("data"));
        let mut live = vec![b'{'];
        let beginnings = encode::Beginnings::of(&points(3));
        encode::batch(&mut live, &beginnings, "12-9f3a61c2", seq, synced, &samples).unwrap();
        let json = DATA.with(|v| check(v, &live));
        prop_assert_eq!(&json["seq"], &json!(seq));
        prop_assert_eq!(json.get("clock").is_some(), !synced);
        for (s, j) in samples.iter().zip(json["samples"].as_array().unwrap()) {
            prop_assert_eq!(&j["t"], &json!(s.time().0));
            prop_assert_eq!(j["q"].as_str().unwrap_or("good"), s.quality().word());
            prop_assert_eq!(j["r"].as_str(), s.quality().reason().map(Reason::code));
            prop_assert_eq!(s.quality() == Quality::Good, j.get("q").is_none());
            match s.value() {
                None => prop_assert!(j["v"].is_null()),
                // serde_json reads the last digit loosely; exactness is the encoder's own test.
                Some(Value::Float(f)) => {
                    let (read, given) = (j["v"].as_f64().unwrap(), f.get());
                    prop_assert!((read - given).abs() <= given.abs() * 1e-15, "{read} {given}");
                }
                Some(Value::Bool(b)) => prop_assert_eq!(j["v"].as_bool(), Some(*b)),
                Some(v) => {
                    let text = j["v"].as_str().map_or_else(|| j["v"].to_string(), str::to_owned);
                    prop_assert_eq!(text, v.to_string());
                }
            }
        }
        let history = [br#"{"hist":true,"#, &live[1..]].concat();
        DATA.with(|v| check(v, &history));
    }
}

#[test]
fn the_data_schema_refuses_dishonest_samples() {
    let v = schema("data");
    let with = |s: Json| json!({"v": 1, "boot": "1-a", "seq": 1, "samples": [s]});
    assert!(v.is_valid(&with(json!({"p": "a", "t": 1, "v": 2}))));
    refused(&v, with(json!({"p": "a", "t": 1, "v": null})));
    refused(&v, with(json!({"p": "a", "t": 1, "v": 2, "q": "bad", "r": "no_reply"})));
    refused(&v, with(json!({"p": "a", "t": 1, "v": null, "q": "bad"})));
    refused(&v, with(json!({"p": "a", "t": 1, "v": 2, "r": "no_reply"})));
    refused(&v, with(json!({"p": "a", "v": 2})));
    refused(&v, json!({"v": 1, "boot": "1-a", "samples": []}));
}

fn event_message(e: &Event) -> Vec<u8> {
    let mut out = vec![b'{'];
    message::event(&mut out, "1-aa", 1, false, Timestamp(5), e);
    out
}

#[test]
fn events_fit_their_schema() {
    let v = schema("event");
    // What the uplink tells of itself, it tells in both languages.
    let check = |v: &_, bytes: &[u8]| {
        let message = check(v, bytes);
        let zh = message["events"][0]["text_zh"].as_str().unwrap_or_default();
        assert!(zh.chars().any(|c| ('一'..='龥').contains(&c)), "{message}");
        message
    };
    let mark =
        |boot: &str, stream: &str, seq| Mark { boot: boot.into(), stream: stream.into(), seq };
    let marks = [mark("9-b", "event", 3), mark("10-c", "data/hp1", 7), mark("9-b", "data/hp1", 4)];
    let restarts = message::restarts(&marks, Some(false));
    assert_eq!(restarts.len(), 2);
    let newest = check(&v, &event_message(&restarts[0]));
    assert_eq!(newest["events"][0]["before"], "10-c", "by number, not by letter");
    assert_eq!(newest["events"][0]["clean"], false);
    let older = check(&v, &event_message(&restarts[1]));
    assert_eq!(older["events"][0]["last"], json!({"data/hp1": 4, "event": 3}));
    assert_eq!(older["events"][0].get("clean"), None, "only the newest is known");
    for e in message::restarts(&[], None) {
        check(&v, &event_message(&e));
    }
    for incident in [
        Incident::Quarantined(Quarantined {
            path: "/x".into(),
            reason: "bad \"crc\"\n".into(),
            readable: 3,
            unreadable: None,
        }),
        Incident::EntriesMissing { expected: 5, found: 3 },
        Incident::BlockLost(BlockLost { block: 1, entries: Some(2), reason: "crc".into() }),
    ] {
        check(&v, &event_message(&message::damaged(&incident)));
    }
    for taken_over in [false, true] {
        check(&v, &event_message(&message::contested("wellhead-s-g-main", 3, taken_over)));
    }
    check(&v, &event_message(&message::settled("wellhead-s-g-main", 9)));
    check(&v, &event_message(&message::memory_only("read-only")));
    let gap = Event::new("gap", "lost").zh("丢失").with("stream", "data/hp1").with("boot", "1-aa");
    let gap = gap.with("first", 1).with("last", 2).with("samples", 9);
    check(&v, &event_message(&gap));
    refused(&v, serde_json::from_slice(&event_message(&Event::new("gap", "which?"))).unwrap());
}

#[test]
fn a_restart_of_a_large_site_fits_messages() {
    let name = "d".repeat(64);
    let marks: Vec<Mark> = (0..1000)
        .map(|i| Mark { boot: "1-a".into(), stream: format!("data/{i}{name}").into(), seq: i })
        .collect();
    let events = message::restarts(&marks, None);
    assert_eq!(events.len(), 5);
    assert!(events.iter().all(|e| event_message(e).len() < crate::BATCH_BYTES_MAX));
}

#[test]
fn an_event_too_large_for_a_message_is_told_shortened() {
    let long = Event::new("audit", "x".repeat(100_000)).with("more", "y".repeat(100_000));
    let json = check(&schema("event"), &event_message(&long.shortened()));
    assert_eq!(json["events"][0]["shortened"], true);
}

#[test]
fn status_fits_its_schema() {
    let v = schema("status");
    let at = Timestamp(1);
    check(&v, &message::status("1-aa", at, "0.1.0", "online", None));
    check(&v, &message::status("1-aa", at, "0.1.0", "offline", Some("stopped")));
    refused(
        &v,
        json!({"v": 1, "state": "online", "boot": "1-a", "since": 1, "version": "", "reason": "stopped"}),
    );
}

#[test]
fn alarms_fit_their_schema() {
    let v = schema("alarm");
    let mut alarm = message::Alarm {
        id: "control.hp1.run.not_following".into(),
        severity: message::Severity::Alarm,
        source: "control".into(),
        point: Some("hp1/run".into()),
        text: "hp1/run does not follow".into(),
        text_zh: "hp1/run 未动作".into(),
    };
    let json = check(&v, &message::alarm(&alarm, Timestamp(7), true));
    assert_eq!((&json["since"], &json["severity"]), (&json!(7), &json!("alarm")));
    assert_eq!(json.get("clock"), None);
    alarm.point = None;
    for (severity, word) in
        [(message::Severity::Notice, "notice"), (message::Severity::Warning, "warning")]
    {
        alarm.severity = severity;
        let json = check(&v, &message::alarm(&alarm, Timestamp(7), false));
        assert_eq!((&json["severity"], &json["clock"]), (&json!(word), &json!("unsynced")));
    }
    refused(
        &v,
        json!({"v": 1, "id": "a/b", "severity": "alarm", "source": "x", "since": 1, "text": "", "text_zh": ""}),
    );
    refused(
        &v,
        json!({"v": 1, "id": "a", "severity": "panic", "source": "x", "since": 1, "text": "", "text_zh": ""}),
    );
}

#[test]
fn catalogs_fit_their_schema() {
    let mut table = points(2).to_vec();
    table[1].states = [(0, "off".into()), (1, "heating".into())].into_iter().collect();
    table[1].output = Some(Output {
        limits: Some((20.0, 55.0)),
        rate_max: None,
        interval_min: std::time::Duration::ZERO,
        safe: Value::Int(35),
        relinquish: true,
        readback_tolerance: 0.1,
        readback: true,
    });
    let json = check(&schema("catalog"), &message::catalog(&table[0].device, &table));
    assert_eq!(json["points"][0]["writable"], false);
    assert_eq!(json["points"][1]["limits"], json!({"min": 20.0, "max": 55.0}));
    assert_eq!(json["points"][1]["states"][1], json!({"code": 1, "name": "heating"}));
}

#[test]
fn what_the_command_schema_allows_the_parser_takes() {
    let v = schema("cmd");
    for (json, valid) in [
        (json!({"id": "a", "point": "d/p", "value": 1.5, "expires": 1}), true),
        (json!({"id": "a", "point": "d/p", "value": "on", "expires": 1, "hold_s": 60}), true),
        (json!({"id": "", "point": "d/p", "value": 1, "expires": 1}), false),
        (json!({"id": "a", "point": "d/p/q", "value": 1, "expires": 1}), false),
        (json!({"id": "a", "point": "d/p", "value": [], "expires": 1}), false),
        (json!({"id": "a", "point": "d/p", "value": 1}), false),
        (json!({"id": "a", "point": "d/p", "value": 1, "expires": 1, "force": true}), false),
        (json!({"id": "a", "point": "d/p", "value": 1, "expires": 1, "hold_s": 0}), false),
    ] {
        assert_eq!(v.is_valid(&json), valid, "{json}");
        let parsed = crate::parse_command(json.to_string().as_bytes());
        assert_eq!(parsed.is_ok(), valid, "{json}: {parsed:?}");
    }
}

#[test]
fn replies_say_why_not() {
    let v = schema("reply");
    let busy = json!({"v": 1, "id": null, "ok": false, "code": "busy", "t": 0, "text": "later"});
    assert!(v.is_valid(&busy));
    refused(&v, json!({"v": 1, "id": "a", "ok": false, "t": 0}));
    let done = json!({"v": 1, "id": "a", "ok": true, "code": "done", "t": 0, "text": "wrote 45"});
    refused(&v, done);
}
