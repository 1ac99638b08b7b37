//! C1 to C6, the rules every plugin keeps.

use crate::plant::{MINUTE, Plant, TARIFF, install};
use wellhead_sdk::{Holder, Quality};

#[test]
fn c1_dead_temperatures_end_the_charge_in_a_cycle() {
    for role in ["supply_temp", "tank"] {
        let mut plant = Plant::summer("", "2026-07-06T00:00");
        plant.until("it charges", |plant| plant.on("charge"));
        plant.minutes(10);
        assert!(plant.on("charge"));
        // The bus is dead: nothing is set any more, and the gateway says stale.
        if role == "tank" {
            (0..10).for_each(|probe| plant.host.set_stale(("tank_temp", probe)));
            plant.host.set_stale("tank_power");
        } else {
            plant.host.set_stale(role);
        }
        plant.host.tick();
        assert_eq!(plant.host.output("charge"), Some(false), "{role}");
        assert_ne!(plant.mode(), "charge");
    }
}

#[test]
fn c2_numbers_that_are_none_and_bad_probes_never_decide() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut plant = Plant::summer("", "2026-07-06T00:00");
        plant.minutes(3);
        let soc: Option<f64> = plant.host.published("soc");
        for probe in 0..10 {
            plant.host.set(("tank_temp", probe), number);
        }
        plant.host.set("tank_power", number);
        plant.host.set("load_power", number);
        plant.host.tick();
        assert!(soc.is_some());
        assert_eq!(plant.host.published::<f64>("soc"), None, "{number}");
        assert_eq!(plant.reason(), "no_store_reading");
    }
}

#[test]
fn c2_one_bad_probe_is_bridged_and_told() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.minutes(3);
    let before: f64 = plant.host.published("soc").unwrap_or_default();
    assert_eq!(plant.host.published_quality("soc"), Some(Quality::Good));
    plant.host.set_bad(("tank_temp", 4), "-127 is no sensor");
    plant.host.tick();
    let after: f64 = plant.host.published("soc").unwrap_or_default();
    assert!((after - before).abs() < 0.1, "{before} {after}");
    assert_eq!(plant.host.published_quality("soc"), Some(Quality::Uncertain));
}

#[test]
fn c3_operator_wins_in_one_cycle_and_is_told() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.until("it charges", |plant| plant.on("charge"));
    plant.host.hold("discharge", Holder::Operator);
    plant.minute();
    assert_eq!(plant.mode(), "local");
    assert_eq!(plant.host.output::<bool>("charge"), None, "nothing is asked any more");
    assert!(plant.host.log().iter().any(|line| line.text == "local: hand"));
    plant.host.hold("discharge", None);
    plant.minute();
    assert_eq!(plant.mode(), "local", "not within the first minute");
    plant.minutes(2);
    assert_ne!(plant.mode(), "local");
}

fn story() -> Vec<String> {
    let mut plant = Plant::summer("demand_limit = 2400.0", "2026-07-06T00:00");
    let mut story = Vec::new();
    for minute in 0..3 * 1440 {
        plant.blind = minute % 500 > 470;
        plant.minute();
        let rate: Option<f64> = plant.host.output("release_rate");
        story.push(format!("{} {} {rate:?}", plant.mode(), plant.reason()));
    }
    story.dedup();
    story
}

#[test]
fn c4_same_story_same_decisions() {
    let first = story();
    assert!(first.len() > 50, "hardly a story: {}", first.len());
    assert_eq!(first, story());
}

#[test]
fn c5_what_a_dead_plugin_asked_for_is_gone_and_its_books_are_not() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.minutes(3 * 1440);
    plant.until("it releases", |plant| plant.on("discharge"));
    plant.minutes(40);
    let before: f64 = plant.host.published("released_total").unwrap_or_default();
    plant.host.kill(2 * MINUTE);
    assert_eq!(plant.host.output::<bool>("discharge"), None);
    plant.minutes(3);
    let after: f64 = plant.host.published("released_total").unwrap_or_default();
    assert!(before > 1.0 && (after - before).abs() < 0.2, "{before} {after}");
    assert!(plant.on("discharge"), "it goes on: {} {}", plant.mode(), plant.reason());
}

#[test]
fn c6_days_of_25_and_23_hours_have_their_valley_once() {
    for (local, valley_h) in [("2026-10-21T00:00", 9.0), ("2026-03-25T00:00", 7.0)] {
        let season = r#"seasons = [["01-01", "12-31", "cold", 3.5, 11.5, 3.5, 5.0]]"#;
        let text = format!("{TARIFF}{season}");
        let builder = install(&text).at("Europe/Berlin", local);
        let mut plant = Plant::new(builder, 3780.0, (3.5, 11.5));
        plant.minutes(3 * 1440);
        plant.until("the valley begins", |plant| plant.hour_is(23));
        plant.until("it is Saturday night", |p| p.hour_is(23) && p.host.now().local.weekday == 6);
        let valley =
            |plant: &Plant| plant.host.published::<String>("tariff").as_deref() == Some("valley");
        let mut minutes = 0;
        while valley(&plant) {
            plant.minute();
            minutes += 1;
        }
        assert!((f64::from(minutes) / 60.0 - valley_h).abs() < 0.05, "{local}: {minutes} min");
        assert_eq!(plant.outside_kwh, 0.0);
        assert!(plant.charged_kwh > 1e3);
    }
}

#[test]
fn c6_leap_day_belongs_to_the_tariff_around_it() {
    let tariff = r#"
tariff = [["02-26", "03-02", "00:00", "24:00", "peak"]]
"#;
    let builder = install(tariff).at("Asia/Shanghai", "2028-02-28T23:00");
    let mut plant = Plant::new(builder, 3780.0, (48.0, 42.0));
    for _ in 0..26 * 60 {
        plant.minute();
        assert_eq!(plant.host.published::<String>("tariff").as_deref(), Some("peak"));
    }
}

#[test]
fn clock_that_is_not_synchronised_holds_the_mode_for_an_hour_only() {
    let mut plant = Plant::summer("", "2026-07-06T00:00");
    plant.until("it charges", |plant| plant.on("charge"));
    plant.host.set_synced(false);
    plant.minutes(59);
    assert_eq!(plant.mode(), "charge");
    plant.minutes(3);
    assert_eq!(plant.mode(), "unit_only");
    assert_eq!(plant.reason(), "tariff_unknown");
    assert!(plant.host.alarm("tariff_unknown"));
    plant.host.set_synced(true);
    plant.minute();
    assert!(!plant.host.alarm("tariff_unknown"));
}
