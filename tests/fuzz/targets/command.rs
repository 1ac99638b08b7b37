//! Any payload on `cmd`: an error, or a command that obeys its rules and reads the same when it is
//! written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use wellhead_model::Value;
use wellhead_uplink::{COMMAND_BYTES_MAX, Command, parse_command};

fuzz_target!(|payload: &[u8]| {
    let Ok(command) = parse_command(payload) else { return };
    assert!(payload.len() <= COMMAND_BYTES_MAX);
    let id = command.id.chars().count();
    assert!((1..=64).contains(&id) && !command.id.chars().any(char::is_control));
    let (device, point) = command.point.split_once('/').expect("device/point");
    for name in [device, point] {
        // What can't break an MQTT topic.
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
        assert!((1..=64).contains(&name.len()) && name.chars().all(plain), "{name:?}");
    }
    match &command.value {
        Value::Float(f) => assert!(f.get().is_finite()),
        Value::UInt(u) => assert!(i64::try_from(*u).is_err(), "{u} has two forms"),
        Value::Text(t) => assert!(t.len() <= 256),
        _ => {}
    }
    if let Some(hold) = command.hold {
        let day = Duration::from_secs(86_400);
        assert!(hold > Duration::ZERO && hold <= day, "{hold:?}");
    }

    // Commands near the limit may grow when written, by escapes and longer numbers.
    let written = written(&command);
    if written.len() <= COMMAND_BYTES_MAX {
        let again = parse_command(written.as_bytes()).expect("what was a command stays one");
        assert_eq!((&again.id, &again.point), (&command.id, &command.point));
        assert_eq!(again.expires, command.expires);
        assert_eq!(again.hold.is_some(), command.hold.is_some());
        match (&again.value, &command.value) {
            // JSON's floats are read to within the last binary digit.
            (Value::Float(a), Value::Float(b)) => {
                assert!((a.get() - b.get()).abs() <= b.get().abs() * 1e-15);
            }
            (a, b) => assert_eq!(a, b),
        }
    }
});

fn written(command: &Command) -> String {
    let value = match &command.value {
        Value::Bool(b) => serde_json::json!(b),
        Value::Int(i) => serde_json::json!(i),
        Value::UInt(u) => serde_json::json!(u),
        Value::Float(f) => serde_json::json!(f.get()),
        Value::Text(t) => serde_json::json!(&**t),
        other => panic!("a command holds no {other:?}"),
    };
    serde_json::json!({
        "id": &*command.id,
        "point": &*command.point,
        "value": value,
        "expires": command.expires.0,
        "hold_s": command.hold.map(|h| h.as_secs_f64()),
    })
    .to_string()
}
