//! Case 1.9: two ground-source machines and the air-source bank, whose heat goes to the load in
//! winter and into the ground in summer. Whoever recharges the ground owns the valve and asks for
//! the bank and the ground pump.

use std::time::Duration;

use crate::bench::{Bench, Layout};

/// Pumps: 1 ground, 2 air. The load pump is both of the load's pumps in one, and is kept.
const RENZE: &str = r#"
units = [
  ["ground", 456, 40, 1, 1, 0, 1, 0],
  ["ground", 456, 40, 1, 1, 0, 1, 0],
  ["air", 620, 25, 2, 1, 0, 2, 1],
]
"#;

/// The ground loop's entries have no outputs here: a flow switch, and the end switch of the air
/// valve at the load.
fn renze(local: &str) -> Bench {
    let mut bench = Bench::new(3, [2, 1, 0, 0], RENZE, |builder| {
        builder
            .at("Asia/Shanghai", local)
            .bind("ground_loop_proof", 2)
            .bind("source_pump_request", 2)
            .bind("unit_request", 1)
    });
    bench.host.set("unit_request", false);
    bench.host.set(("source_pump_request", 0), false);
    bench.host.set(("source_pump_request", 1), false);
    bench.host.set(("ground_loop_proof", 0), true);
    bench.host.set(("ground_loop_proof", 1), true);
    bench
}

#[test]
fn calendar_of_case_1_9_decides_which_kind_of_unit_heats() {
    for (local, ground, air) in [
        ("2026-11-20T00:00", false, true),
        ("2026-12-20T00:00", true, false),
        ("2027-01-15T00:00", true, true),
        ("2027-02-10T00:00", true, false),
        ("2027-03-01T00:00", false, true),
        ("2027-03-16T00:00", false, false),
        ("2026-07-01T00:00", false, false),
    ] {
        let mut bench = renze(local);
        // More than all of them can give, on a supply that misses its setpoint.
        bench.mains(1700.0, 42.0);
        bench.minutes(120);
        let both = bench.runs(0) && bench.runs(1);
        assert_eq!((both, bench.runs(2)), (ground, air), "{local}");
        assert_eq!(bench.host.published::<bool>("load_call"), Some(ground || air), "{local}");
        assert_eq!(bench.on("load_secondary_pump", 0), ground || air, "{local}");
    }
}

#[test]
fn next_season_takes_over_from_the_last_at_midnight() {
    let mut bench = renze("2026-12-10T22:00");
    bench.mains(400.0, 44.0);
    bench.minutes(115);
    assert!(bench.runs(2) && !bench.runs(0));
    bench.minutes(40);
    assert!(!bench.runs(2) && bench.running() == 1, "a ground-source machine heats instead");
}

#[test]
fn asked_for_pump_runs_as_long_as_it_is_asked_for() {
    let mut bench = renze("2026-06-01T00:00");
    bench.minutes(5);
    assert!(!bench.on("source_pump", 0));
    bench.host.set(("source_pump_request", 0), true);
    bench.step();
    assert!(bench.on("source_pump", 0) && !bench.on("source_pump", 1));
    bench.host.set_stale(("source_pump_request", 0));
    bench.step();
    assert!(!bench.on("source_pump", 0), "who asked has died");
}

#[test]
fn bank_asked_for_in_summer_runs_with_its_own_pump_only_and_stops_at_once() {
    let mut bench = renze("2026-07-10T00:00");
    bench.host.set(("ground_loop_proof", 1), false); // the valve is at the ground
    bench.host.set(("source_pump_request", 0), true);
    bench.host.set("unit_request", true);
    bench.until("the bank runs", |bench| bench.runs(2));
    assert!(bench.on("source_pump", 1) && !bench.on("load_secondary_pump", 0));
    assert_eq!(bench.host.published::<f64>("capacity"), Some(0.0), "it does not serve the load");
    bench.minutes(5);
    bench.host.set("unit_request", false);
    bench.step();
    assert!(!bench.on("unit_enable", 2), "the flow may be gone: no shortest run");
    bench.minutes(4);
    assert!(bench.on("source_pump", 1), "its pump runs on");
    bench.minutes(2);
    assert!(!bench.on("source_pump", 1));
    bench.host.set("unit_request", true);
    let stopped = bench.enables(false).last().unwrap().0;
    bench.until("it runs again", |bench| bench.runs(2));
    let again = bench.enables(true).last().unwrap().0;
    assert!(again - stopped >= Duration::from_secs(600), "the shortest pause holds for everybody");
}

#[test]
fn load_takes_the_bank_back_and_waits_for_its_valve() {
    let mut bench = renze("2026-11-14T22:00");
    bench.host.set(("ground_loop_proof", 1), false);
    bench.host.set(("source_pump_request", 0), true);
    bench.host.set("unit_request", true);
    bench.mains(400.0, 30.0);
    bench.minutes(110);
    assert!(bench.runs(2));
    // At midnight the heating season begins, and whoever recharges does not let go.
    bench.minutes(30);
    assert!(
        !bench.runs(2) && !bench.on("unit_enable", 2),
        "not for the load with the valve at the ground"
    );
    bench.host.set("unit_request", false);
    bench.host.set(("ground_loop_proof", 1), true);
    bench.until("it heats", |bench| bench.runs(2) && bench.on("load_secondary_pump", 0));
}

#[test]
fn thermostat_of_a_machine_is_no_fault_where_machines_cycle() {
    let cycles = format!("unit_cycles = true\n{}", crate::bench::ONE);
    let mut bench = Bench::new(1, [1, 1, 1, 1], &cycles, |builder| builder);
    bench.mains(300.0, 44.0);
    bench.until("it runs", |bench| bench.runs(0));
    bench.withheld.insert(("unit_enable", 0)); // its own thermostat
    bench.minutes(60);
    assert!(bench.on("unit_enable", 0) && !bench.host.alarm("unit_1"));
    // With cold water it has no excuse.
    bench.mains(300.0, 40.0);
    bench.until("it is at fault", |bench| bench.state(0) == "fault");

    let mut strict = crate::bench::one();
    strict.mains(300.0, 44.0);
    strict.until("it runs", |bench| bench.runs(0));
    strict.withheld.insert(("unit_enable", 0));
    strict.minutes(1);
    assert!(!strict.on("unit_enable", 0) && strict.host.alarm("unit_1"));
}

#[test]
fn unit_without_a_running_contact_is_proven_by_its_power() {
    let layout = Layout { units: 1, contacts: 0, pumps: [1, 1, 1, 1] };
    let mut bench = Bench::of(layout, crate::bench::ONE, |builder| builder.bind("unit_power", 1));
    bench.mains(300.0, 44.0);
    bench.host.set("unit_power", 0.4);
    bench.until("it is enabled", |bench| bench.on("unit_enable", 0));
    assert_eq!(bench.state(0), "starting");
    bench.host.set("unit_power", 90.0);
    bench.step();
    assert_eq!(bench.state(0), "run");
    bench.host.set_stale("unit_power");
    bench.minutes(1);
    assert_eq!(bench.host.published::<String>("unit_1_reason").as_deref(), Some("lost"));
}
