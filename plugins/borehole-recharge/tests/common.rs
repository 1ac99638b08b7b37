//! The acceptance statements C1 to C6, and the interlocks.

mod plant;

use plant::{DAY, HOUR, MINUTE, Plant, install};
use wellhead_sdk::{Holder, Quality};

fn running() -> Plant {
    let mut plant = Plant::at("2026-07-01T00:00");
    plant.until("run");
    plant.pass(MINUTE * 10);
    plant
}

/// After at most one cycle and the time to live of its writes.
fn stops_within_a_cycle(mut plant: Plant, reason: &str) -> Plant {
    plant.host.advance(MINUTE);
    assert!(!plant.is_on("air_source_enable"), "{} {}", plant.state(), plant.reason());
    assert_eq!(plant.reason(), reason);
    plant
}

#[test]
fn c1_dead_flow_meter_stops_the_source_and_the_pump_runs_on() {
    let mut plant = running();
    plant.host.set_stale("flow");
    let mut plant = stops_within_a_cycle(plant, "flow_unknown");
    assert!(plant.is_on("ground_pump"), "the pump runs on");
    assert!(plant.host.alarm("flow_unknown"));
    plant.host.advance(MINUTE * 5);
    assert!(plant.is_safe());
    assert_eq!(plant.state(), "blocked");
}

#[test]
fn c1_dead_entering_sensor_stops_the_source() {
    let mut plant = running();
    plant.host.set_bad("entering_temp", "no answer");
    stops_within_a_cycle(plant, "entering_unknown");
}

#[test]
fn c1_unit_that_is_not_heard_of_counts_as_running() {
    let mut plant = running();
    plant.host.set_stale(("unit_running", 1));
    stops_within_a_cycle(plant, "unit_unknown");
}

#[test]
fn c1_silent_ledger_string_and_tariff_do_not_stop_it() {
    let mut plant = running();
    plant.host.set_bad("ledger_ratio", "no answer");
    plant.host.set_bad("tariff", "no answer");
    for sensor in 0..4 {
        plant.host.set_bad(("field_temp", sensor), "no answer");
    }
    plant.pass(HOUR * 3);
    assert_eq!(plant.state(), "run");
    assert_eq!(plant.host.published_quality("field_temp"), Some(Quality::Uncertain));
}

#[test]
fn c1_tariff_that_stays_unknown_counts_as_flat_after_an_hour() {
    let mut plant = Plant::of(install().parameter("allow_flat", false), "2026-07-01T00:00");
    plant.host.set("tariff", "valley");
    plant.until("run");
    plant.pass(HOUR);
    plant.host.set_stale("tariff");
    plant.pass(HOUR - MINUTE);
    assert_eq!(plant.state(), "run");
    plant.pass(MINUTE * 3);
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("post", "tariff"));
}

#[test]
fn c2_what_is_not_believed_never_reaches_an_output() {
    for quality in [Quality::Uncertain, Quality::Stale, Quality::Bad] {
        let mut plant = running();
        plant.host.set_as("entering_temp", 85.0, quality);
        stops_within_a_cycle(plant, "entering_unknown");
    }
    for sentinel in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut plant = running();
        plant.host.set("flow", sentinel);
        stops_within_a_cycle(plant, "flow_unknown");
    }
}

#[test]
fn c2_single_bad_sensors_of_the_string_do_not_count() {
    let mut plant = running();
    plant.host.set_as(("field_temp", 0), -127.0, Quality::Bad);
    plant.host.set_as(("field_temp", 1), 85.0, Quality::Bad);
    plant.minute();
    assert_eq!(plant.number("field_temp"), Some(16.0));
}

#[test]
fn c3_operator_wins_in_one_cycle_and_it_is_logged() {
    let mut plant = running();
    plant.host.hold("air_source_enable", Holder::Operator);
    plant.minute();
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("local", "operator"));
    let lines = plant.host.lines(wellhead_sdk::Level::Info);
    assert_eq!(lines.last().map(String::as_str), Some("local: operator"));
    plant.host.hold("air_source_enable", None);
    plant.pass(HOUR);
    assert_eq!(plant.state(), "run", "after its rest it takes over again");
}

#[test]
fn c3_hours_that_an_operator_recharges_are_counted() {
    let mut plant = running();
    let before = plant.number("hours_air_source").unwrap();
    plant.host.hold("air_source_enable", Holder::Local);
    plant.minute();
    for _ in 0..60 {
        plant.host.set("flow", 107.0);
        plant.host.set("entering_temp", 20.0);
        plant.host.advance(MINUTE);
    }
    assert_eq!(plant.reason(), "local_mode");
    let counted = plant.number("hours_air_source").unwrap() - before;
    assert!((counted - 61.0 / 60.0).abs() < 1e-9, "{counted} h");
}

#[test]
fn c4_replay_is_identical() {
    let run = || {
        let mut plant = Plant::at("2026-06-28T00:00");
        let mut seen = Vec::new();
        for minute in 0..4 * 1440_u32 {
            match minute % 997 {
                200 => plant.host.set("load_call", true),
                230 => plant.host.set("load_call", false),
                500 => plant.host.set_bad("flow", "no answer"),
                600 => plant.electric_kw = f64::from(minute % 211),
                _ => {}
            }
            plant.minute();
            let outputs = ["ground_pump", "pump_only_valve", "air_source_enable"]
                .map(|role| plant.host.output::<bool>(role));
            seen.push((plant.state(), plant.reason(), outputs));
        }
        (seen, plant.host.saved().map(<[u8]>::to_vec))
    };
    assert!(run() == run());
}

#[test]
fn c5_killed_plugin_lets_go_of_its_outputs_and_counts_on() {
    let mut plant = running();
    let before = plant.number("hours_air_source").unwrap();
    plant.host.kill(MINUTE * 10);
    assert!(plant.is_safe());
    plant.follow();
    plant.minute();
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("armed", "min_off"));
    let after = plant.number("hours_air_source").unwrap();
    assert!((before - after).abs() <= 1.0 / 60.0 + 1e-9, "{before} {after}");
    plant.pass(MINUTE * 40);
    assert_eq!(plant.state(), "run", "after the source's rest");
}

#[test]
fn c6_hours_count_by_time_passed_when_clocks_change() {
    // The last Sundays of March and October 2026 in Berlin have 23 and 25 hours.
    for (from, to, start, hours) in
        [("03-28", "03-30", "2026-03-27T12:00", 71.0), ("10-24", "10-26", "2026-10-23T12:00", 73.0)]
    {
        let plan = format!(
            "windows = [['{from}', '{to}', 'air_source', 100, 620]]\nseason_start = '01-01'"
        );
        let builder = plant::any_tariff(install()).parameters(&plan);
        let mut plant = Plant::around(builder.at("Europe/Berlin", start).start().expect("starts"));
        plant.pass(DAY * 5);
        let counted = plant.number("hours_air_source").unwrap();
        assert!((hours - 0.1..=hours).contains(&counted), "{start}: {counted} h");
    }
}

#[test]
fn c6_leap_day_belongs_to_its_window_once() {
    let plan = r#"windows = [["02-28", "03-01", "air_source", 200, 620]]
        season_start = "01-01""#;
    for (start, hours) in [("2028-02-27T12:00", 72.0), ("2027-02-27T12:00", 48.0)] {
        let builder = plant::any_tariff(install()).parameters(plan);
        let mut plant = Plant::of(builder, start);
        plant.pass(DAY * 5);
        let counted = plant.number("hours_air_source").unwrap();
        assert!((hours - 0.1..=hours).contains(&counted), "{start}: {counted} h");
    }
}

#[test]
fn clock_that_is_lost_for_an_hour_ends_recharge() {
    let mut plant = running();
    plant.host.set_synced(false);
    plant.pass(HOUR);
    assert_eq!(plant.state(), "run");
    plant.pass(MINUTE * 10);
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("off", "clock"));
    plant.host.set_synced(true);
    plant.until("run");
}

#[test]
fn load_call_preempts_within_a_minute() {
    for role in ["load_call", "unit_running"] {
        let mut plant = running();
        plant.host.set(role, true);
        // The change itself calls the plugin; no time has to pass.
        plant.host.advance(std::time::Duration::from_secs(1));
        assert_eq!(plant.state(), "load_preempt");
        assert!(!plant.is_on("air_source_enable") && !plant.is_on("air_source_valve"));
    }
}

#[test]
fn source_is_released_only_after_a_minute_of_proven_flow_and_valve() {
    let mut plant = Plant::at("2026-07-01T00:00");
    plant.pumps = false;
    plant.until("preflow");
    for _ in 0..10 {
        plant.minute();
        assert!(!plant.is_on("air_source_enable"));
    }
    assert_eq!(plant.reason(), "no_flow");
    plant.pumps = true;
    plant.until("preflow");
    plant.host.set("air_source_valve_proof", false);
    for _ in 0..4 {
        plant.host.advance(MINUTE);
        plant.host.set("flow", 107.0);
        assert!(!plant.is_on("air_source_enable"));
    }
    plant.host.advance(MINUTE * 3);
    assert_eq!(plant.reason(), "valve");
}

#[test]
fn lost_flow_stops_the_source_at_once() {
    let mut plant = running();
    plant.pumps = false;
    plant.follow();
    stops_within_a_cycle(plant, "no_flow");
}

#[test]
fn water_too_warm_too_cold_and_a_warm_field_stop_it() {
    for (role, value, reason) in [
        ("entering_temp", 35.1, "entering_high"),
        ("entering_temp", 2.9, "entering_low"),
        ("air_source_fault", f64::NAN, "source_fault"),
        ("field_temp", 23.1, "field_warm"),
    ] {
        let mut plant = running();
        match role {
            "air_source_fault" => plant.host.set(role, true),
            "field_temp" => (0..4).for_each(|i| plant.host.set((role, i), value)),
            _ => plant.host.set(role, value),
        }
        stops_within_a_cycle(plant, reason);
    }
}

#[test]
fn source_without_heat_is_given_up() {
    let mut plant = running();
    plant.air_kw = 0.0;
    plant.pass(MINUTE * 17);
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("post", "no_heat"));
}

#[test]
fn minimum_rest_is_kept_between_two_runs() {
    let mut plant = running();
    plant.host.set("load_call", true);
    plant.minute();
    plant.host.set("load_call", false);
    for _ in 0..29 {
        plant.minute();
        assert!(!plant.is_on("air_source_enable"));
    }
    plant.pass(MINUTE * 4);
    assert_eq!(plant.state(), "run");
}

#[test]
fn interlock_that_holds_the_source_uses_no_hours() {
    let mut plant = running();
    let before = plant.number("hours_air_source");
    plant.host.hold("air_source_enable", Holder::Protection("hp-flow".into()));
    plant.pass(MINUTE * 4);
    assert_eq!(plant.number("hours_air_source"), before);
    plant.pass(MINUTE * 3);
    assert_eq!(plant.reason(), "protection");
}

#[test]
fn plan_that_contradicts_itself_is_refused() {
    for text in [
        "stop_ratio = 0.9",
        "speed = 20.0",
        r#"sources = [["pump_only", 3, 8]]"#,
        r#"sources = [["solar", 3, 8], ["solar", 3, 8]]"#,
    ] {
        assert!(install().parameters(text).start().is_err(), "{text}");
    }
}

#[test]
fn c5_trouble_is_remembered_over_a_restart() {
    let mut plant = running();
    plant.electric_kw = 200.0;
    plant.until("blocked");
    plant.host.restart(MINUTE * 5);
    plant.quiet();
    plant.pass(HOUR * 5);
    assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("blocked", "inefficient"));
    plant.electric_kw = 80.0;
    plant.pass(HOUR);
    assert_eq!(plant.state(), "run");
}

const MAY: &str = "['05-15', '06-30', 'pump_only', 1080, 331.4]";

#[test]
fn pump_of_a_window_that_was_taken_out_of_the_plan_runs_on_to_its_end() {
    for windows in ["", MAY] {
        let mut plant = running();
        plant.host.set("load_call", true);
        plant.host.advance(std::time::Duration::from_secs(1));
        plant.host.set("load_call", false);
        let mut plant = plant.replanned(&format!("windows = [{windows}]"), "2026-07-01T01:00");
        plant.minute();
        assert!(plant.is_on("air_source_pump") && !plant.is_on("air_source_enable"), "{windows}");
        assert_eq!(plant.number("asked_power"), None);
        plant.pass(MINUTE * 10);
        assert!(plant.is_safe());
        assert_eq!((plant.state().as_str(), plant.reason().as_str()), ("off", "no_window"));
    }
}
