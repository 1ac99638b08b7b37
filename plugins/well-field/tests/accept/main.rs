//! The acceptance statements of the plugin, in virtual time.

#![expect(clippy::expect_used, reason = "a test that can't go on should say why")]

mod common_rules;
mod plant;

use plant::{Plant, TICK, YANQING, install};
use std::time::Duration;
use well_field::Wells;
use wellhead_sdk::Quality;
use wellhead_sdk::mock::Host;

#[test]
fn b1_one_of_three_reinjection_wells_lost_cuts_production_within_a_minute() {
    let mut plant = Plant::yanqing("licence = 400.0");
    plant.for_minutes(60);
    assert_eq!(plant.number("cap"), 399.0);
    assert!(plant.production() > 380.0, "{}", plant.production());
    assert_eq!(plant.text("state"), "run");
    plant.lost[1] = true;
    let mut passed = Duration::ZERO;
    while passed < Duration::from_secs(60) {
        plant.tick();
        passed += TICK;
    }
    assert!(plant.number("cap") <= 266.0, "{}", plant.number("cap"));
    assert!(plant.production() <= 266.0 * 1.001, "{}", plant.production());
    assert_eq!(plant.text("state"), "cutback");
    assert!(plant.host.alarm("reinjection_lost"));
    plant.for_minutes(60);
    assert!((240.0..266.5).contains(&plant.production()), "{}", plant.production());
    plant.lost[1] = false;
    plant.for_minutes(60);
    assert_eq!(plant.text("state"), "run");
    assert!(!plant.host.alarm("reinjection_lost"));
}

#[test]
fn b1_all_reinjection_lost_stops_production_within_a_minute() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(60);
    plant.lost.fill(true);
    plant.for_minutes(1);
    assert_eq!(plant.production(), 0.0);
    assert_eq!(plant.text("reason"), "no_reinjection");
}

#[test]
fn b2_ledger_of_a_doublet_is_one_to_one_within_meter_error() {
    // One production and one reinjection well, 70 m³/h each; meters half a per cent apart.
    let parameters = r#"
licence = 70.0
production = [[70, 45]]
reinjection = [[75, 0, 0.5, "2019-10"]]
"#;
    let mut plant = Plant::new(parameters, 1, 1);
    plant.yield_m3h = 70.0;
    plant.injectivity = vec![0.5];
    (plant.meter_out, plant.meter_in) = (1.0025, 0.9975);
    plant.for_minutes(48 * 60);
    let (ratio, error) = (plant.number("ratio"), plant.number("ratio_error"));
    assert!(plant.number("volume_out") > 3000.0);
    assert!((error - 0.707).abs() < 0.001, "{error}");
    assert!((ratio - 100.0).abs() <= error && ratio != 100.0, "{ratio}");
    assert!((plant.number("ratio_day") - 100.0).abs() <= error);
    assert!(!plant.host.alarm("ratio_low") && !plant.host.alarm("ratio_warning"));
}

/// Days until the alarm, if a well loses this part of its injectivity in a day.
fn days_to_alarm(plant: &mut Plant, decay: impl Fn(f64) -> f64) -> f64 {
    for half_minute in 0..40 * 2880u32 {
        let day = f64::from(half_minute) / 2880.0;
        plant.injectivity[2] = decay(day);
        plant.tick();
        if plant.host.alarm("injectivity_low") {
            return day;
        }
    }
    f64::INFINITY
}

#[test]
fn b3_decaying_injectivity_asks_for_a_back_wash_about_day_30_to_36_and_is_restored() {
    let forms: [fn(f64) -> f64; 2] = [|day| 1.0 - 0.01 * day, |day| 0.99f64.powf(day)];
    for decay in forms {
        let mut plant = Plant::yanqing("");
        let day = days_to_alarm(&mut plant, decay);
        assert!((30.0..=36.0).contains(&day), "{day}");
        assert_eq!(plant.host.published::<i64>("backwash_well"), Some(3));
        assert!(plant.number("injectivity_low") < 70.0);
        // First production falls to what the others take, then the well is washed.
        plant.tick();
        assert!(plant.number("cap") <= 266.0);
        assert_eq!(plant.host.output(("backwash", 2)), Some(false));
        plant.for_minutes(3);
        assert_eq!(plant.host.output(("backwash", 2)), Some(true));
        assert_eq!(plant.host.output(("reinjection_valve", 2)), Some(false));
        assert_eq!(plant.text("state"), "backwash");
        plant.injectivity[2] = 0.97;
        plant.for_minutes(30);
        assert_eq!(plant.host.output(("backwash", 2)), Some(false));
        plant.for_minutes(30);
        assert!(!plant.host.alarm("injectivity_low"));
        assert_eq!(plant.host.published::<i64>("backwash_well"), Some(0));
        assert!(plant.number("injectivity_3") > 0.9, "{}", plant.number("injectivity_3"));
    }
}

/// The same field with fewer wells, from what the plugin saved.
fn without_the_last_wells(mut plant: Plant, parameters: &str, out: u32, into: u32) -> Plant {
    plant.host.restart(Duration::from_secs(60));
    let saved = plant.host.saved().expect("it saved").to_vec();
    Plant::start(install(parameters, out, into).saved(&saved), out, into)
}

#[test]
fn well_taken_out_of_the_field_during_its_back_wash_does_not_keep_the_others_from_theirs() {
    let mut plant = Plant::yanqing("");
    assert!(days_to_alarm(&mut plant, |day| 1.0 - 0.01 * day).is_finite());
    plant.for_minutes(4);
    assert_eq!(plant.host.output(("backwash", 2)), Some(true));
    let two = r#"
production = [[200, 45], [200, 45]]
reinjection = [[133, 0, 1.0, "2020-10"], [133, 0, 1.0, "2020-10"]]
"#;
    let mut plant = without_the_last_wells(plant, two, 2, 2);
    plant.for_minutes(40);
    assert_eq!(plant.text("state"), "run", "{}", plant.text("reason"));
    assert!(!plant.host.alarm("injectivity_low"));
    assert_eq!(plant.host.published::<i64>("backwash_well"), Some(0));
    plant.injectivity[1] = 0.6;
    let mut passed = 0;
    while plant.host.output(("backwash", 1)) != Some(true) {
        plant.for_minutes(1);
        passed += 1;
        assert!(passed < 3 * 24 * 60, "it is never washed");
    }
}

#[test]
fn production_well_taken_out_of_the_field_leaves_no_alarm_behind() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(30);
    plant.show();
    plant.host.set(("production_level", 1), 500.0);
    plant.host.tick();
    assert!(plant.host.alarm("level_floor"));
    let one = r#"
production = [[200, 45]]
reinjection = [[133, 0, 1.0, "2020-10"], [133, 0, 1.0, "2020-10"], [133, 0, 1.0, "2020-10"]]
"#;
    let mut plant = without_the_last_wells(plant, one, 1, 3);
    plant.for_minutes(2);
    assert!(!plant.host.alarm("level_floor"));
    assert!(plant.production() > 0.0);
}

#[test]
fn b4_heat_of_the_licensed_flow_is_shown() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(90);
    assert_eq!(plant.number("cap"), 325.0);
    assert!((plant.number("heat_limit") - 12_470.0).abs() < 10.0);
    let heat = plant.number("heat_power");
    assert!((heat / 12_474.0 - 1.0).abs() < 0.01, "{heat} kW at {}", plant.production());
}

#[test]
fn b5_leak_between_the_meters_is_found_at_24_hours() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(90);
    plant.leak = 42.0;
    let mut hours = 0.0;
    while !plant.host.alarm("ratio_low") && hours < 48.0 {
        plant.tick();
        hours += 1.0 / 120.0;
    }
    assert!(hours <= 24.0, "{hours}");
    plant.for_minutes(24 * 60);
    let ratio = plant.number("ratio_day");
    assert!((ratio - (325.0 - 42.0) / 325.0 * 100.0).abs() < 0.5, "{ratio}");
}

#[test]
fn b5_sound_circuit_raises_no_alarm() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(72 * 60);
    assert!(!plant.host.alarm("ratio_low") && !plant.host.alarm("ratio_warning"));
    assert!((plant.number("ratio_day") - 100.0).abs() < 0.01);
}

#[test]
fn production_never_exceeds_what_can_go_back() {
    let mut plant = Plant::yanqing("licence = 400.0");
    for half_minute in 0..3 * 2880 {
        // A well goes and comes.
        plant.lost[0] = half_minute % 700 > 500;
        plant.lost[1] = half_minute % 1100 > 900;
        let cap = plant.number("cap");
        plant.tick();
        // The cap of this tick, or that of the last one while the pumps follow.
        let most = plant.number("cap").max(if cap.is_nan() { 0.0 } else { cap });
        assert!(plant.production() <= most * 1.03 + 0.1, "{} {most}", plant.production());
    }
}

#[test]
fn flow_rises_by_its_ramp_after_a_warm_up() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(9);
    assert_eq!(plant.text("reason"), "warm_up");
    assert!(plant.production() < 0.35 * 325.0);
    let mut before = plant.number("setpoint");
    for _ in 0..20 {
        plant.for_minutes(1);
        let setpoint = plant.number("setpoint");
        assert!(setpoint - before <= 32.6, "{before} {setpoint}");
        before = setpoint;
    }
    assert_eq!(before, 325.0);
    plant.host.set("heat_call", false);
    plant.for_minutes(2);
    assert_eq!(plant.text("reason"), "soft_stop");
    plant.for_minutes(10);
    assert_eq!((plant.text("state"), plant.production()), ("idle".to_owned(), 0.0));
}

#[test]
fn wells_share_their_hours() {
    let mut plant = Plant::yanqing("licence = 150.0");
    let mut ran = [0u32; 2];
    for half_minute in 0..10 * 2880 {
        // One well is enough; heat is wanted by day.
        plant.host.set("heat_call", half_minute % 2880 < 1440);
        plant.tick();
        for (well, ran) in ran.iter_mut().enumerate() {
            *ran += u32::from(plant.flow_out[well] > 0.0);
        }
    }
    assert!(ran[0].abs_diff(ran[1]) <= 1500, "{ran:?}");
    assert!(ran[0] > 5000);
}

#[test]
fn well_without_flow_meter_counts_for_nothing_and_the_ledger_says_estimated() {
    let mut plant = Plant::yanqing("");
    plant.for_minutes(60);
    for _ in 0..20 {
        plant.show();
        plant.host.set_bad(("reinjection_flow", 0), "no answer");
        plant.host.set_bad(("reinjection_volume", 0), "no answer");
        plant.host.set_bad(("production_volume", 0), "no answer");
        plant.host.tick();
    }
    assert_eq!(plant.number("cap"), 266.0);
    assert!(plant.number("volume_estimated") > 10.0);
    assert_eq!(plant.host.published_quality("volume_out"), Some(Quality::Uncertain));
    // The meter counted on: its word replaces the estimate.
    plant.tick();
    assert!(plant.number("volume_estimated") < 1e-6);
}

#[test]
fn interlocks_stop_production() {
    let mut plant = Plant::yanqing("injected_max = 30.0");
    plant.for_minutes(60);
    plant.tail_c = 35.0;
    plant.for_minutes(9);
    assert!(plant.production() > 0.0);
    plant.for_minutes(2);
    assert_eq!((plant.text("reason").as_str(), plant.production()), ("injected_too_warm", 0.0));
    assert!(plant.host.alarm("locked"));

    let builder = install(YANQING, 2, 3).bind("sealed", 1);
    let mut plant = Plant::start(builder, 2, 3);
    plant.host.set("sealed", true);
    plant.for_minutes(60);
    assert!(plant.production() > 0.0);
    plant.host.set_bad("sealed", "no answer");
    plant.for_minutes(1);
    assert_eq!((plant.text("reason").as_str(), plant.production()), ("not_sealed", 0.0));

    // Water that does not go back although everything says open.
    let mut plant = Plant::yanqing("");
    plant.for_minutes(60);
    plant.leak = 1000.0;
    plant.for_minutes(3);
    assert_eq!((plant.text("reason").as_str(), plant.production()), ("reinjection_closed", 0.0));
}

#[test]
fn back_wash_is_no_lost_well_nor_is_its_valve_while_it_opens_again() {
    let mut plant = Plant::yanqing("");
    days_to_alarm(&mut plant, |day| 1.0 - 0.01 * day);
    while plant.host.output(("backwash", 2)) != Some(true) {
        plant.tick();
    }
    let mut lost_after = |half_minutes: u32, open: bool| {
        for _ in 0..half_minutes {
            plant.show();
            plant.host.set(("reinjection_open", 2), open);
            plant.host.tick();
        }
        plant.host.alarm("reinjection_lost")
    };
    // Half an hour of washing, and the valve needs two minutes more.
    for half_minute in 0..64 {
        assert!(!lost_after(1, false), "after {half_minute} half minutes");
    }
    assert!(lost_after(6, false), "it does not come back");
    assert!(!lost_after(1, true));
}

#[test]
fn dirty_filter_is_told_once_and_until_it_was_clean_for_a_day() {
    let builder = install(YANQING, 2, 3).bind("reinjection_filter", 3);
    let mut plant = Plant::start(builder, 2, 3);
    let mut told_after = |kpa: f64, minutes| {
        (0..3).for_each(|well| plant.host.set(("reinjection_filter", well), kpa));
        plant.for_minutes(minutes);
        plant.host.alarm("filter")
    };
    assert!(!told_after(12.0, 60));
    assert!(told_after(21.0, 1));
    // Less flow, less pressure: the filter is as dirty as it was.
    assert!(told_after(12.0, 23 * 60));
    assert!(told_after(21.0, 1));
    assert!(told_after(12.0, 23 * 60));
    assert!(!told_after(12.0, 62));
}

/// Yanqing with the two stages beyond its exchanger.
fn with_stages() -> Plant {
    let mut builder = install(YANQING, 2, 3);
    for role in ["load_supply_temp", "heat_pump", "boiler"] {
        builder = builder.bind(role, 1);
    }
    Plant::start(builder, 2, 3)
}

fn stages(plant: &Plant) -> (bool, bool) {
    let on = |role| plant.host.output(role) == Some(true);
    (on("heat_pump"), on("boiler"))
}

#[test]
fn heat_pump_comes_before_bought_heat_if_the_tail_is_warm_and_bought_heat_goes_first() {
    let mut plant = with_stages();
    plant.tail_c = 30.0;
    let mut after = |supply_c: f64, minutes| {
        plant.host.set("load_supply_temp", supply_c);
        plant.for_minutes(minutes);
        stages(&plant)
    };
    assert_eq!(after(36.0, 14), (false, false));
    assert_eq!(after(36.0, 2), (true, false));
    assert_eq!(after(36.0, 15), (true, true));
    assert_eq!(after(40.0, 60), (true, true), "within the band nothing changes");
    assert_eq!(after(43.0, 16), (true, false));
    assert_eq!(after(43.0, 15), (false, false));

    let mut plant = with_stages();
    plant.tail_c = 25.0;
    plant.host.set("load_supply_temp", 36.0);
    plant.for_minutes(16);
    assert_eq!(stages(&plant), (false, true), "the tail is as cold as it should be");
}

#[test]
fn heat_pump_that_cools_its_own_tail_is_not_started_every_few_minutes() {
    let mut plant = with_stages();
    plant.host.set("load_supply_temp", 36.0);
    let (mut was, mut since, mut starts) = (false, 0, 0);
    for half_minute in 0..2880 {
        // Seven kelvin, as 325 m³/h give three megawatts.
        plant.tail_c = if was { 19.5 } else { 26.5 };
        plant.tick();
        let (on, _) = stages(&plant);
        if on != was {
            assert!(
                half_minute - since >= 30,
                "changed after {} half minutes",
                half_minute - since
            );
            (was, since, starts) = (on, half_minute, starts + u32::from(on));
        }
    }
    assert!((20..=48).contains(&starts), "{starts} starts in a day");
}

#[test]
fn lists_that_do_not_match_their_table_are_refused() {
    let error = Host::<Wells>::install().parameters(YANQING).bind("heat_call", 1).start().err();
    let text = error.map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text, "production_flow has 1 points, its table has 2 wells");
}
