//! The acceptance statements of the plugin, in virtual time.

#![expect(clippy::panic, clippy::expect_used, reason = "a test that can't go on should say why")]

mod common_rules;
mod failsafe;
mod plant;

use plant::{MINUTE, Plant, TARIFF, install};
use storage_tariff::Storage;
use wellhead_sdk::mock::Host;

#[test]
fn s1_capacity_is_that_of_the_volume() {
    for (volume, mwh) in [(3780.0, 35.17), (2.0 * 2900.0, 53.97), (3450.0, 32.10)] {
        let text = format!("{TARIFF}volume = {volume}");
        let mut plant =
            Plant::new(install(&text).at("Asia/Shanghai", "2026-07-10T00:00"), volume, (3.5, 11.5));
        plant.minute();
        let capacity: f64 = plant.host.published("capacity").unwrap_or_default();
        assert!((capacity - mwh).abs() < 0.005, "{volume} m³: {capacity} MWh");
    }
}

#[test]
fn s1_state_of_charge_is_what_the_string_shows() {
    let mut plant = Plant::summer("", "2026-07-10T00:00");
    plant.minutes(2);
    let soc: f64 = plant.host.published("soc").unwrap_or_default();
    assert!((soc - 10.0).abs() < 0.01, "{soc}");
}

#[test]
fn s2_nothing_is_charged_outside_the_valley() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.minutes(7 * 1440);
    assert!(plant.charged_kwh > 80e3, "{}", plant.charged_kwh);
    assert_eq!(plant.outside_kwh, 0.0);
}

#[test]
fn s2_meter_that_shows_no_valley_stops_the_charge() {
    let text = format!("{TARIFF}volume = 3780.0");
    let builder = install(&text).bind("tariff", 1).at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.host.set("tariff", "valley");
    plant.until("it charges", |plant| plant.on("charge"));
    plant.host.set("tariff", "peak");
    plant.minute();
    assert!(!plant.on("charge"));
    plant.minutes(20);
    assert!(plant.host.alarm("tariff_disagrees"));
}

#[test]
fn s3_release_closes_with_charge_over_seven_days() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    // A week of history, so that every day is expected as it comes.
    plant.minutes(7 * 1440);
    plant.until("a valley begins", |plant| plant.hour_is(23));
    (plant.charged_kwh, plant.released_kwh) = (0.0, 0.0);
    for day in 0..7 {
        plant.minutes(1440);
        let closure: f64 = plant.host.published("closure").unwrap_or(f64::MAX);
        assert!(closure.abs() <= 5.0, "day {day}: {closure:.2} %");
    }
    assert!(plant.charged_kwh > 100e3, "{}", plant.charged_kwh);
    let open = (plant.released_kwh - plant.charged_kwh) / plant.charged_kwh;
    assert!(open.abs() <= 0.05, "{open}");
    assert!(!plant.host.alarm("closure"));
}

#[test]
fn s4_store_covers_the_share_that_is_set() {
    // 3450 m³: the cold and the heat of a year that came from the tanks.
    for (share, local, temperatures, load_kw) in [
        (23.4, "2026-07-06T00:00", (3.5, 11.5), 4500.0),
        (52.5, "2026-01-05T00:00", (48.0, 42.0), 2000.0),
    ] {
        let text = format!("{TARIFF}volume = 3450.0\nshare = {share}\nunit_capacity = 12767.0");
        let builder = install(&text).at("Asia/Shanghai", local);
        let mut plant = Plant::new(builder, 3450.0, temperatures);
        plant.load_kw = load_kw;
        plant.minutes(7 * 1440);
        plant.until("a valley begins", |plant| plant.hour_is(23));
        (plant.released_kwh, plant.drawn_kwh) = (0.0, 0.0);
        plant.minutes(7 * 1440);
        let covered = plant.released_kwh / plant.drawn_kwh * 100.0;
        assert!((covered - share).abs() <= 2.0, "{share} %: {covered:.2} %");
        let shown: f64 = plant.host.published("share").unwrap_or_default();
        assert!((shown - share).abs() <= 2.0, "{share} %: {shown:.2} %");
    }
}

#[test]
fn s5_prices_turned_round_at_midnight_of_a_new_tariff_are_followed() {
    let parameters = r#"
tariff = [
  ["01-01", "06-30", "23:00", "07:00", "valley"],
  ["01-01", "06-30", "09:00", "21:00", "peak"],
  ["07-01", "12-31", "12:00", "16:00", "valley"],
  ["07-01", "12-31", "00:00", "07:00", "peak"],
]
"#;
    let builder = install(parameters).at("Asia/Shanghai", "2026-06-22T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    let mut charged_by_hour = [0.0; 24];
    let mut released_at_night = 0.0;
    for minute in 0..12 * 1440 {
        let (charged, released) = (plant.charged_kwh, plant.released_kwh);
        plant.minute();
        let local = plant.host.now().local;
        if local.month == 6 && local.day == 30 && local.hour == 23 {
            assert_eq!(plant.host.published::<String>("tariff").as_deref(), Some("valley"));
        }
        if local.month == 7 {
            if local.day == 1 && local.hour == 0 {
                assert_eq!(plant.host.published::<String>("tariff").as_deref(), Some("peak"));
                assert!(!plant.on("charge"), "minute {minute}");
            }
            charged_by_hour[usize::from(local.hour)] += plant.charged_kwh - charged;
            if local.hour < 7 {
                released_at_night += plant.released_kwh - released;
            }
        }
    }
    assert_eq!(plant.outside_kwh, 0.0);
    let noon: f64 = charged_by_hour[12..16].iter().sum();
    assert!(noon > 5e3, "{charged_by_hour:?}");
    assert_eq!(charged_by_hour.iter().sum::<f64>(), noon);
    assert!(released_at_night > 2e3, "{released_at_night}");
}

/// Runs nine days on a site whose other consumers wander, and returns the highest mean of any
/// fifteen minutes, and what was charged.
fn highest_demand(parameters: &str) -> (f64, f64) {
    let mut plant = Plant::summer(parameters, "2026-07-06T00:00");
    plant.load_kw = 9000.0;
    let mut random: u64 = 7;
    let mut last = std::collections::VecDeque::from(vec![0.0; 15]);
    let mut highest: f64 = 0.0;
    for minute in 0..9 * 1440 {
        // A known generator of numbers, so that every run is the same.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = (random >> 40) as f64 / (1u64 << 24) as f64;
        if minute % 7 == 0 {
            plant.others_kw = 400.0 + 900.0 * part;
        }
        plant.minute();
        last.pop_front();
        last.push_back(plant.site_kw);
        highest = highest.max(last.iter().sum::<f64>() / 15.0);
    }
    (highest, plant.charged_kwh)
}

#[test]
fn s6_demand_limit_is_never_exceeded_in_fifteen_minutes() {
    let (free, _) = highest_demand("");
    assert!(free > 2600.0, "without a limit {free} kW: the test would show nothing");
    let (limited, charged) = highest_demand("demand_limit = 2400.0");
    assert!(limited <= 2400.0, "{limited}");
    assert!(charged > 10e3, "it charges nonetheless: {charged}");
}

#[test]
fn episodes_are_no_shorter_than_allowed() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    let mut began = 0;
    let mut storing = None;
    for minute in 0..10 * 1440 {
        plant.minute();
        let mode = plant.mode();
        let now = match mode.as_str() {
            "charge" => Some(true),
            "discharge" | "unit_and_discharge" => Some(false),
            _ => None,
        };
        if now != storing {
            // Interlocks, the valley's end and an empty tank may cut an episode short.
            let reason = plant.reason();
            let cut = ["mixing", "charged", "empty", "rest_after_interlock"];
            if storing.is_some() && !cut.contains(&reason.as_str()) {
                assert!(minute - began >= 30, "{} min, then {mode}: {reason}", minute - began);
            }
            (storing, began) = (now, minute);
        }
    }
}

#[test]
fn tariff_that_is_not_in_quarters_is_refused() {
    let tariff = r#"tariff = [["01-01", "12-31", "23:10", "07:00", "valley"]]"#;
    let error = Host::<Storage>::install().parameters(tariff).bind("tank_temp", 5).start().err();
    let text = error.map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(text, "tariff: times must be full quarters of an hour");
    let error = Host::<Storage>::install().parameters(TARIFF).start().err();
    let text = error.map(|e| e.to_string()).unwrap_or_default();
    assert_eq!(text, "a water store needs at least two probes at the role tank_temp");
    assert_eq!(MINUTE.as_secs(), 60);
}
