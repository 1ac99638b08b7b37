//! C1 to C6, the rules every plugin keeps.

use crate::plant::{Plant, TICK, YANQING, install};
use std::time::Duration;
use wellhead_sdk::Holder;

fn running() -> Plant {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(60);
    plant
}

#[test]
fn c1_dead_reinjection_meters_stop_production_in_a_cycle() {
    let mut plant = running();
    plant.show();
    (0..3).for_each(|well| plant.host.set_stale(("reinjection_flow", well)));
    plant.host.tick();
    assert_eq!(plant.host.output(("production_run", 0)), Some(false));
    assert_eq!(plant.host.output(("production_run", 1)), Some(false));
}

#[test]
fn c2_numbers_that_are_none_never_decide() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut plant = running();
        plant.show();
        let before = plant.number("volume_out");
        plant.host.set(("reinjection_flow", 1), number);
        plant.host.set(("production_volume", 0), number);
        plant.host.set(("production_temp", 0), number);
        plant.host.tick();
        assert_eq!(plant.number("cap"), 266.0, "{number}");
        assert_eq!(plant.host.published::<f64>("heat_power"), None, "{number}");
        assert!((plant.number("volume_out") - before).abs() < 10.0, "{number}");
    }
}

#[test]
fn c3_operator_wins_in_one_cycle_and_is_told() {
    let mut plant = running();
    plant.host.hold(("production_run", 1), Holder::Operator);
    plant.tick();
    assert_eq!(plant.text("state"), "local");
    assert_eq!(plant.host.output::<bool>(("production_run", 0)), None);
    assert!(plant.host.log().iter().any(|line| line.text == "local: hand"));
    plant.host.hold(("production_run", 1), None);
    plant.for_minutes(1);
    assert_eq!(plant.text("state"), "local");
    plant.for_minutes(1);
    assert_eq!(plant.text("state"), "ramp");
}

fn story() -> Vec<String> {
    let mut plant = Plant::yanqing("licence = 400.0");
    let mut story = Vec::new();
    for half_minute in 0..2 * 2880 {
        plant.lost[0] = half_minute % 700 > 500;
        plant.lost[1] = half_minute % 1100 > 900;
        plant.host.set("heat_call", half_minute % 1300 < 1200);
        plant.tick();
        let speed: Option<f64> = plant.host.output(("production_speed", 0));
        story.push(format!("{} {} {speed:?}", plant.text("state"), plant.text("reason")));
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
fn c5_what_a_dead_plugin_asked_for_is_gone_and_its_ledger_is_not() {
    let mut plant = running();
    plant.for_minutes(600);
    let before = plant.number("volume_out");
    plant.host.kill(Duration::from_secs(120));
    assert_eq!(plant.host.output::<bool>(("production_run", 0)), None);
    plant.tick();
    assert!((plant.number("volume_out") - before).abs() < 20.0);
    assert!(before > 2000.0);
}

#[test]
fn c5_water_of_an_outage_is_entered_once_the_clock_is_synchronised() {
    let mut plant = running();
    plant.show();
    plant.host.tick();
    let before = plant.number("volume_out");
    let began: f64 = plant.volume_out.iter().sum();
    plant.host.restart(Duration::from_secs(3 * 3600));
    // No battery: the clock goes on where it stood.
    plant.host.jump_clock(-3 * 3600);
    plant.host.set_synced(false);
    plant.volume_out[0] += 300.0;
    plant.for_minutes(5);
    plant.host.jump_clock(3 * 3600);
    plant.host.set_synced(true);
    plant.for_minutes(5);
    plant.show();
    plant.host.tick();
    let entered = plant.number("volume_out") - before;
    let passed = plant.volume_out.iter().sum::<f64>() - began;
    assert!((entered - passed).abs() < 0.01, "{entered} {passed} m³");
}

#[test]
fn c6_days_of_25_and_23_hours_lose_no_cubic_metre() {
    for local in ["2026-10-24T12:00", "2026-03-28T12:00"] {
        let builder = install(YANQING, 2, 3).at("Europe/Berlin", local);
        let mut plant = Plant::start(builder, 2, 3);
        let began: f64 = plant.volume_out.iter().sum();
        for _ in 0..2 * 2880 {
            plant.tick();
        }
        plant.show();
        plant.host.advance(TICK);
        let passed = plant.volume_out.iter().sum::<f64>() - began;
        assert!((plant.number("volume_out") - passed).abs() < 0.01, "{local}");
        assert!((plant.number("ratio_day") - 100.0).abs() < 0.01, "{local}");
    }
}

#[test]
fn unknown_call_for_heat_stands_for_an_hour() {
    let mut plant = running();
    plant.host.set_bad("heat_call", "no answer");
    plant.for_minutes(59);
    assert!(plant.production() > 0.0);
    plant.for_minutes(15);
    assert_eq!(plant.production(), 0.0);
}
