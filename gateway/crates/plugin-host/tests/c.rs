//! The SDK's example in C at work in the host: the contract is no Rust affair.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::{at, engine, showing};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use wellhead_manifest::Setting;
use wellhead_model::{Quality, Reason, Value};
use wellhead_plugin_host::*;

/// A room with one sensor.
fn room(c: Option<f64>) -> Seen {
    let quality = if c.is_some() { Quality::Good } else { Quality::Bad(Reason::NoReply) };
    showing(c.and_then(Value::float), quality)
}

/// The thermostat, a component made of the C module; none where no clang is.
fn thermostat() -> Option<Program> {
    let compiles = Command::new("clang").arg("--version").stdout(Stdio::null()).status();
    if !compiles.is_ok_and(|status| status.success()) {
        println!("SKIPPED: no clang with wasm-ld here (Debian: apt install clang lld)");
        return None;
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../sdk/c");
    let out = tempfile::tempdir().unwrap();
    let make = Command::new("make")
        .arg("-C")
        .arg(&folder)
        .arg(format!("OUT={}", out.path().display()))
        .output()
        .unwrap();
    assert!(make.status.success(), "{}", String::from_utf8_lossy(&make.stderr));
    let module = std::fs::read(out.path().join("thermostat.wasm")).unwrap();
    let component = wit_component::ComponentEncoder::default().module(&module).unwrap();
    let component = component.validate(true).encode().unwrap();
    let manifest = std::fs::read_to_string(folder.join("thermostat/plugin.toml")).unwrap();
    let package = Package::unsigned(manifest, component).unwrap();
    Some(Program::prepare(&engine(), &Cache::none(), &package, &Grant::all("c")).unwrap())
}

fn setup() -> Setup {
    let bind = |role: &str, granted| Binding { role: role.into(), index: 0, granted };
    Setup {
        bindings: vec![bind("room_temp", false), bind("heating", true)],
        settings: vec![
            ("setpoint".into(), Setting::Float(20.0)),
            ("deadband".into(), Setting::Float(1.0)),
        ],
        zone: jiff::tz::TimeZone::UTC,
        saved: None,
        kv: BTreeMap::new(),
    }
}

/// What one tick wants of the heating, and the alarms it raised or cleared.
fn tick(it: &mut Plugin, room_c: Option<f64>, minute: u32) -> (Option<Value>, Vec<String>) {
    match it.run(&mut room(room_c), at(f64::from(minute) * 60.0)) {
        Outcome::Done(effects) => {
            let [write] = effects.writes.as_slice() else { panic!("{:?}", effects.writes) };
            assert_eq!(write.binding, 1);
            let told = effects.alarms.iter().map(|a| match a {
                AlarmChange::Raised { code, .. } => format!("raised {code}"),
                AlarmChange::Cleared { code } => format!("cleared {code}"),
            });
            (write.value.clone(), told.collect())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plugin_in_c_heats_gives_back_and_keeps_its_state_like_any_other() {
    let Some(program) = thermostat() else { return };
    let mut it = Plugin::new(program, setup(), at(0.0));
    let Outcome::Done(start) = it.run(&mut room(Some(15.0)), at(0.0)) else {
        panic!("init failed")
    };
    assert!(start.writes.is_empty());
    let cleared = || vec!["cleared no_room_temp".to_owned()];
    assert_eq!(tick(&mut it, Some(15.0), 0), (Some(Value::Bool(true)), cleared()));
    assert_eq!(tick(&mut it, Some(20.2), 1), (Some(Value::Bool(true)), cleared()), "deadband");
    assert_eq!(tick(&mut it, Some(20.6), 2), (Some(Value::Bool(false)), cleared()));
    let raised = vec!["raised no_room_temp".to_owned()];
    assert_eq!(tick(&mut it, None, 3), (None, raised), "given back");
    // Two minutes were heated; a new instance that is handed the state goes on counting.
    let saved = it.save(at(180.0)).unwrap().unwrap().clone();
    let milliseconds = u64::from_le_bytes(saved.bytes[8..16].try_into().unwrap());
    assert_eq!(milliseconds, 120_000);
}
