//! Interlocks and the ladder of fail-safes.

use crate::plant::{Plant, TARIFF, install};
use wellhead_sdk::Quality;

#[test]
fn heat_meter_stands_in_for_the_string_for_a_day() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.minutes(3 * 1440);
    plant.blind = true;
    plant.minutes(6 * 60);
    assert_eq!(plant.host.published_quality("energy"), Some(Quality::Uncertain));
    let shown: f64 = plant.host.published("energy").unwrap_or_default();
    assert!((shown - plant.energy_kwh() / 1e3).abs() < 0.5, "{shown} {}", plant.energy_kwh());
    plant.minutes(18 * 60 + 2);
    assert_eq!(plant.host.published::<f64>("energy"), None);
    assert_eq!(plant.reason(), "no_store_reading");
    assert!(plant.host.alarm("no_store_reading"));
    assert!(!plant.on("charge") && !plant.on("discharge"));
    plant.blind = false;
    plant.minutes(2);
    assert!(!plant.host.alarm("no_store_reading"));
}

#[test]
fn water_no_colder_than_what_leaves_ends_the_charge() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.until("it charges", |plant| plant.on("charge"));
    plant.minutes(20);
    plant.host.set("supply_temp", 11.0);
    plant.host.tick();
    assert!(!plant.on("charge"));
    assert_eq!(plant.reason(), "mixing");
    assert!(plant.host.alarm("charge_stopped"));
    // It tries again only after its rest.
    plant.minutes(25);
    assert!(!plant.on("charge"));
    plant.minutes(10);
    assert!(plant.on("charge"));
}

#[test]
fn low_or_unknown_level_stops_both_pumps() {
    for level in [Some(70.0), None] {
        let builder = install(TARIFF).bind("tank_level", 1).at("Asia/Shanghai", "2026-07-06T00:00");
        let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
        plant.host.set("tank_level", 100.0);
        plant.until("it charges", |plant| plant.on("charge"));
        match level {
            Some(level) => plant.host.set("tank_level", level),
            None => plant.host.set_bad("tank_level", "65535 is no level"),
        }
        plant.minute();
        assert!(!plant.on("charge") && !plant.on("discharge"));
        assert!(plant.host.alarm("level_low"));
    }
}

#[test]
fn pump_waits_for_its_valve_and_for_the_other_to_be_shut() {
    let builder = install(TARIFF)
        .bind("charge_valve", 1)
        .bind("discharge_valve", 1)
        .bind("charge_valve_open", 1)
        .bind("discharge_valve_shut", 1)
        .at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.host.set("charge_valve_open", false);
    plant.host.set("discharge_valve_shut", false);
    plant.until("it wants to charge", |plant| plant.mode() == "charge");
    plant.minutes(5);
    assert!(!plant.on("charge_valve") && !plant.on("charge"));
    plant.minutes(10);
    assert!(plant.host.alarm("valve"));
    plant.host.set("discharge_valve_shut", true);
    plant.minutes(2);
    assert!(plant.on("charge_valve") && !plant.on("charge"));
    plant.host.set("charge_valve_open", true);
    plant.minute();
    assert!(plant.on("charge"));
    assert!(!plant.host.alarm("valve"));
    plant.host.set_bad("charge_valve_open", "no answer");
    plant.minute();
    assert!(!plant.on("charge"), "a valve that is not known to be open");
}

#[test]
fn both_sides_never_run_together() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    for _ in 0..4 * 1440 {
        plant.minute();
        assert!(!(plant.on("charge") && plant.on("discharge")));
    }
}

#[test]
fn without_forecast_and_history_nothing_is_charged() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.minutes(6 * 60);
    assert_eq!(plant.charged_kwh, 0.0);
    assert_eq!(plant.reason(), "no_forecast");
}

#[test]
fn forecast_is_followed_before_there_is_a_history() {
    let builder = install(TARIFF).bind("load_forecast", 1).at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.host.set("load_forecast", 36.0);
    plant.until("the valley ends", |plant| plant.hour_is(7));
    // 16 h of 1.5 MW, as much as the tank takes.
    assert!((20e3..26e3).contains(&plant.charged_kwh), "{}", plant.charged_kwh);
}

#[test]
fn small_forecast_charges_only_what_will_be_released() {
    let builder = install(TARIFF).bind("load_forecast", 1).at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.load_kw = 500.0;
    plant.host.set("load_forecast", 12.0);
    plant.until("the valley ends", |plant| plant.hour_is(7));
    assert!((7e3..9.5e3).contains(&plant.charged_kwh), "{}", plant.charged_kwh);
}

#[test]
fn ice_is_not_made_with_glycol_that_is_too_cold() {
    let text = format!(
        "{TARIFF}store = \"ice\"\nseasons = [[\"05-15\", \"09-30\", \"cold\", 0, 12, -6, 5]]\n"
    );
    let builder = install(&text)
        .bind("ice_level", 1)
        .bind("glycol_leaving_temp", 1)
        .bind("load_forecast", 1)
        .at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.host.set("ice_level", 10.0);
    plant.host.set("glycol_leaving_temp", -6.0);
    plant.host.set("load_forecast", 90.0);
    plant.until("it charges", |plant| plant.on("charge"));
    plant.minutes(10);
    assert!(plant.on("charge"), "{}", plant.reason());
    assert_eq!(plant.host.published::<f64>("capacity"), Some(98.0));
    plant.host.set("glycol_leaving_temp", -8.5);
    plant.minute();
    assert!(!plant.on("charge"));
    assert!(plant.host.alarm("glycol"));
}

#[test]
fn plant_that_is_not_turned_to_the_season_leaves_the_store_alone() {
    let builder = install(TARIFF).bind("cooling", 1).at("Asia/Shanghai", "2026-07-06T00:00");
    let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
    plant.host.set("cooling", false);
    plant.minutes(2 * 1440);
    assert_eq!(plant.charged_kwh, 0.0);
    assert_eq!(plant.reason(), "season_unproven");
}
