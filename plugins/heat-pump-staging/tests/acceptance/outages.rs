//! H5 and the fail-safe ladder: power, telegrams and meters that go.

use std::time::Duration;

use wellhead_sdk::Holder;

use crate::bench::{Bench, ONE, THREE, three};

fn all_running() -> Bench {
    let mut bench = three();
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.minutes(30);
    bench
}

fn staggered(bench: &Bench, back: Duration) {
    let starts: Vec<_> = bench.enables(true).into_iter().filter(|(at, _)| *at > back).collect();
    assert_eq!(starts.len(), 3, "{starts:?}");
    for (at, unit) in &starts {
        let earliest = back + Duration::from_secs(180 + 30 * u64::from(*unit));
        assert!(*at >= earliest, "unit {unit} at {:?} after power came back", *at - back);
    }
    for pair in starts.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= Duration::from_secs(120), "{starts:?}");
    }
}

#[test]
fn h5_units_restart_one_after_another_when_power_returns_to_gateway_and_plant() {
    let mut bench = all_running();
    bench.cut_power(Duration::from_secs(40));
    let back = bench.clock;
    bench.minutes(60);
    assert_eq!(bench.running(), 3, "they come back by themselves");
    staggered(&bench, back);
}

#[test]
fn h5_units_restart_one_after_another_when_only_the_plant_lost_power() {
    let mut bench = Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder.bind("power_ok", 1));
    bench.host.set("power_ok", true);
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.minutes(30);
    bench.host.set("power_ok", false);
    bench.step();
    for role in crate::bench::ORDER {
        assert!(!bench.on(role, 0), "{role} is still commanded");
    }
    bench.minutes(1);
    bench.host.set("power_ok", true);
    let back = bench.clock;
    bench.minutes(60);
    assert_eq!(bench.running(), 3);
    staggered(&bench, back);
    assert!(
        (0..3).all(|unit| !bench.host.alarm(&format!("unit_{}", unit + 1))),
        "no unit is at fault"
    );
}

#[test]
fn starts_run_hours_and_pauses_survive_a_power_cut() {
    let mut bench = all_running();
    let hours = bench.hours(0);
    bench.cut_power(Duration::from_secs(5));
    let back = bench.clock;
    bench.step();
    // At most the minute since the last save is missing.
    assert!((hours - bench.hours(0)).abs() <= 1.1 / 60.0, "{hours} h, then {} h", bench.hours(0));
    bench.until("one is enabled", |bench| bench.enables(true).iter().any(|(at, _)| *at > back));
    assert!(
        bench.clock - back >= Duration::from_secs(600),
        "the shortest pause counts from the cut"
    );
}

#[test]
fn unit_that_does_not_answer_is_given_up_but_keeps_its_pumps() {
    let mut bench = three();
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.minutes(20);
    bench.silent.insert(0);
    bench.minutes(60);
    assert!(!bench.on("unit_enable", 0), "not enabled blindly");
    assert!(bench.runs(1), "another does the work");
    assert!(bench.host.alarm("unit_1"));
    bench.host.set("call", false);
    bench.minutes(60);
    assert!(bench.on("source_pump", 0) && bench.on("load_primary_pump", 0), "it may still run");
    bench.silent.clear();
    bench.minutes(15);
    assert!(!bench.on("source_pump", 0), "known to stand, the pumps may stop");
}

#[test]
fn single_lost_telegram_stops_nothing() {
    let mut bench = three();
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.host.set_bad("source_pump_proof", "timeout");
    bench.host.set_bad(("unit_running", 0), "timeout");
    bench.step();
    bench.step();
    assert!(bench.on("unit_enable", 0));
}

#[test]
fn load_is_taken_from_the_units_when_the_mains_cannot_be_measured() {
    let mut bench = Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder.bind("unit_output", 3));
    bench.mains(300.0, 44.0);
    (0..3).for_each(|unit| bench.host.set(("unit_output", unit), 0.0));
    bench.until("one runs", |bench| bench.state(0) == "run");
    bench.host.set_bad("flow", "no answer");
    bench.host.set(("unit_output", 0), 440.0);
    bench.step();
    assert_eq!(bench.host.published::<String>("ladder").as_deref(), Some("L1"));
    bench.until("the second comes", |bench| bench.running() == 2);
}

#[test]
fn unknown_load_holds_the_number_for_half_an_hour_then_runs_one_unit_a_call() {
    let mut bench = Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder.bind("call", 2));
    bench.host.set(("call", 0), true);
    bench.host.set(("call", 1), true);
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.host.set_stale("flow");
    let lost = bench.clock;
    bench.minutes(29);
    assert_eq!(bench.running(), 3);
    assert_eq!(bench.host.published::<String>("ladder").as_deref(), Some("L2"));
    bench.until("two are left", |bench| bench.running() == 2);
    assert!(bench.clock - lost >= Duration::from_secs(30 * 60));
    bench.minutes(60);
    assert_eq!(bench.running(), 2, "two calls, two units");
    assert!(bench.host.alarm("plant"));
    bench.host.set(("call", 1), false);
    bench.until("one is left", |bench| bench.running() == 1);
    bench.host.set("flow", 400.0);
    bench.minutes(1);
    assert!(!bench.host.alarm("plant"));
}

#[test]
fn unit_in_local_mode_is_watched_counted_and_taken_over_as_it_runs() {
    let mut bench = three();
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.minutes(20);
    bench.by_hand.insert(0);
    bench.hold(0, Holder::Local);
    let hours = bench.hours(0);
    bench.step();
    let written = bench.host.write(("unit_enable", 0)).unwrap().at;
    bench.minutes(60);
    assert_eq!(bench.state(0), "local");
    assert!(bench.hours(0) - hours > 0.99, "hours go on");
    assert!(
        bench.host.write(("unit_enable", 0)).is_none_or(|write| write.at == written),
        "no writes"
    );
    assert!(bench.on("source_pump", 0), "its pumps go on");
    bench.hold(0, None);
    bench.by_hand.clear();
    bench.step();
    assert!(bench.on("unit_enable", 0), "taken over as it runs");
    bench.minutes(10);
    assert!(bench.runs(0) && bench.state(0) == "run");
}

#[test]
fn cold_source_stops_the_unit_which_then_rests_until_it_has_recovered() {
    let mut bench =
        Bench::new(1, [1, 1, 1, 1], crate::bench::ONE, |b| b.bind("unit_source_leaving", 1));
    bench.host.set("unit_source_leaving", 6.0);
    bench.until("it runs", |bench| bench.runs(0));
    bench.host.set("unit_source_leaving", 2.9);
    bench.step();
    assert!(!bench.on("unit_enable", 0) && bench.host.alarm("unit_1"));
    bench.host.set("unit_source_leaving", 4.9);
    bench.minutes(180);
    assert!(!bench.runs(0), "within the hysteresis");
    bench.host.set("unit_source_leaving", 5.1);
    bench.minutes(119);
    assert!(!bench.on("unit_enable", 0), "standing water is soon warm again");
    bench.until("it runs again", |bench| bench.runs(0));
    assert!(!bench.host.alarm("unit_1"));
}

#[test]
fn cold_source_that_several_share_stops_one_of_them_first() {
    let mut bench =
        Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder.bind("unit_source_leaving", 3));
    (0..3).for_each(|unit| bench.host.set(("unit_source_leaving", unit), 6.0));
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    (0..3).for_each(|unit| bench.host.set(("unit_source_leaving", unit), 2.9));
    bench.step();
    bench.step();
    assert_eq!(bench.running(), 2);
    (0..3).for_each(|unit| bench.host.set(("unit_source_leaving", unit), 3.5));
    bench.minutes(60);
    assert_eq!(bench.running(), 2, "those left have more of the flow");
}

#[test]
fn source_that_is_too_cold_again_and_again_gets_longer_rests_up_to_a_day() {
    let mut bench =
        Bench::new(1, [1, 1, 1, 1], crate::bench::ONE, |b| b.bind("unit_source_leaving", 1));
    bench.mains(300.0, 40.0);
    let mut rests_h = Vec::new();
    for days_of_peace in [0, 0, 0, 0, 0, 0, 3] {
        bench.host.set("unit_source_leaving", 6.0);
        bench.until("it runs", |bench| bench.runs(0));
        bench.minutes(days_of_peace * 1440 + 60);
        bench.host.set("unit_source_leaving", 2.9);
        bench.step();
        assert!(!bench.on("unit_enable", 0));
        bench.host.set("unit_source_leaving", 6.0);
        let mut minutes = 0;
        while !bench.on("unit_enable", 0) {
            bench.minutes(1);
            minutes += 1;
            assert!(minutes < 30 * 60, "{} after {rests_h:?} h", bench.state(0));
        }
        rests_h.push(minutes / 60);
    }
    assert_eq!(rests_h, [2, 4, 8, 16, 24, 24, 2]);
}

#[test]
fn emergency_stop_drops_everything_at_once_and_nothing_starts_while_it_cannot_be_read() {
    let mut bench = Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder.bind("emergency_stop", 1));
    bench.host.set("emergency_stop", false);
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.host.set("emergency_stop", true);
    bench.step();
    assert!(crate::bench::ORDER.iter().all(|role| !bench.on(role, 0)));
    assert!(bench.host.alarm("plant"));
    bench.host.set_bad("emergency_stop", "wire off");
    bench.minutes(60);
    assert_eq!(bench.running(), 0);
    bench.host.set("emergency_stop", false);
    bench.until("one runs again", |bench| bench.running() == 1);
}

#[test]
fn unit_taken_out_of_the_plant_on_its_way_does_not_keep_the_others_from_starting() {
    let mut bench = three();
    (0..2).for_each(|unit| bench.hold(unit, Holder::Operator));
    bench.step();
    assert_eq!(bench.state(2), "pre_1");
    bench.host.restart(Duration::ZERO);
    // Swapped within the first tick, as when the site file is reloaded.
    let saved = bench.host.saved().unwrap().to_vec();
    let mut bench = Bench::new(1, [1, 1, 1, 1], ONE, |builder| builder.saved(&saved));
    bench.mains(400.0, 42.0);
    bench.minutes(30);
    assert!(bench.runs(0), "{}", bench.state(0));
}
