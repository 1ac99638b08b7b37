//! The profiles in configs/ against the register maps they describe, and the sites against the
//! rooms.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::path::PathBuf;

use toml::{Table, Value};
use wellhead_plant::devices::map::{Kind, Order, Register, Table as Registers};
use wellhead_plant::devices::{Device, map};
use wellhead_plant::presets::Preset;

fn read(path: &str) -> Table {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{path}: {e}")).parse().unwrap()
}

/// Table, address and bit of a point.
fn place(point: &Table) -> (Registers, u16, Option<u8>) {
    let (table, address) = [
        ("coil", Registers::Coil),
        ("discrete", Registers::DiscreteInput),
        ("input", Registers::InputRegister),
        ("holding", Registers::HoldingRegister),
    ]
    .into_iter()
    .find_map(|(key, table)| Some((table, point.get(key)?.as_integer()?)))
    .expect("a point has an address");
    let bit = point.get("bit").map(|bit| u8::try_from(bit.as_integer().unwrap()).unwrap());
    (table, u16::try_from(address).unwrap(), bit)
}

fn find(device: &Device, point: &Table) -> Option<&'static Register> {
    let (table, address, bit) = place(point);
    device.model.map.iter().find(|register| {
        let own = match register.kind {
            Kind::Bit { bit } => Some(bit),
            _ => None,
        };
        register.table == table && register.address == address && own == bit
    })
}

fn number(value: &Value) -> f64 {
    value.as_float().or(value.as_integer().map(|whole| whole as f64)).unwrap()
}

fn check(device: &Device, name: &str, point: &Table) {
    let place = format!("{} {name}", device.name);
    let register = find(device, point).unwrap_or_else(|| panic!("{place}: not in the map"));
    assert_eq!(register.name, name, "{place}");
    let kind = match register.kind {
        Kind::Bool | Kind::Bit { .. } => None,
        Kind::I16 => Some("i16"),
        Kind::U16 => Some("u16"),
        Kind::I32 => Some("i32"),
        Kind::U32 => Some("u32"),
        Kind::U64 => Some("u64"),
        Kind::F32 => Some("f32"),
        Kind::Bcd { .. } => Some("bcd"),
        Kind::Text { .. } => Some("text"),
    };
    assert_eq!(point.get("type").map(|text| text.as_str().unwrap()), kind, "{place}");
    let low = register.order == Order::LowFirst && register.words() > 1;
    assert_eq!(point.get("order").is_some_and(|o| o.as_str() == Some("cdab")), low, "{place}");
    let given = |key: &str, default: f64| point.get(key).map_or(default, number);
    let scale = given("scale", 1.0);
    assert!((scale / register.scale - 1.0).abs() < 1e-9, "{place}: scale {scale}");
    assert_eq!(given("offset", 0.0), register.offset, "{place}");
    if !register.unit.is_empty() {
        assert_eq!(point["unit"].as_str(), Some(register.unit), "{place}");
    }
    if let Some(states) = point.get("states") {
        let states = states.as_table().unwrap();
        assert_eq!(states.len(), register.states.len(), "{place}");
        for (value, word) in register.states {
            assert_eq!(states[&value.to_string()].as_str(), Some(*word), "{place}");
        }
    }
    if let Some(output) = point.get("output") {
        let rule: map::Write = register.write.unwrap_or_else(|| panic!("{place}: read-only"));
        if let Some(limits) = output.get("limits") {
            let limits: Vec<f64> = limits.as_array().unwrap().iter().map(number).collect();
            assert!(limits[0] >= rule.min && limits[1] <= rule.max, "{place}: {limits:?}");
        }
    }
}

#[test]
fn profiles_say_of_every_point_what_the_map_says() {
    for (site, preset) in [
        ("renze-baihe", Preset::Renze),
        ("changshu-storage", Preset::Changshu),
        ("yanqing-wells", Preset::Yanqing),
    ] {
        let devices = read(&format!("sites/{site}.toml"));
        let devices = devices["device"].as_table().unwrap();
        // Those without a unit number are no Modbus devices.
        let units = devices.values().filter(|device| device.get("unit").is_some()).count();
        assert_eq!(units, preset.devices().len(), "{site} leaves a device out");
        for device in preset.devices() {
            let placed = devices.get(device.name);
            let placed = placed.unwrap_or_else(|| panic!("{site} lacks {}", device.name));
            assert_eq!(placed["unit"].as_integer(), Some(i64::from(device.unit)), "{site}");
            let profile = read(&format!("profiles/{}.toml", placed["profile"].as_str().unwrap()));
            let points = profile["point"].as_table().unwrap();
            assert!(points.len() >= 3, "{site} {}", device.name);
            for (name, point) in points {
                check(device, name, point.as_table().unwrap());
            }
        }
    }
}
