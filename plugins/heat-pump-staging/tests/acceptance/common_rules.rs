//! C1 to C6, the rules every plugin keeps, and what a site gets for a mistake.

use std::time::Duration;

use heat_pump_staging::HeatPumpStaging;
use wellhead_sdk::mock::Host;
use wellhead_sdk::{Holder, Quality};

use crate::bench::{Bench, Change, ONE, ORDER, THREE, one, three};

#[test]
fn c1_dead_proof_stops_the_unit_within_its_age_limit_and_a_cycle() {
    for role in &ORDER[..4] {
        let mut bench = one();
        bench.until("it runs", |bench| bench.runs(0));
        // The bus dies: nothing of this point comes any more.
        bench.layout.pumps = [0; 4];
        bench.host.set_stale(format!("{role}_proof").as_str());
        let dead = bench.clock;
        bench.until("it is off", |bench| !bench.on("unit_enable", 0));
        let took = bench.clock - dead;
        assert!(took <= Duration::from_secs(30 + 5), "{role}: {took:?}");
    }
}

#[test]
fn c1_old_values_do_not_decide() {
    let mut bench = one();
    bench.until("it runs", |bench| bench.runs(0));
    for role in ["supply_temp", "return_temp", "flow"] {
        bench.host.set_stale(role);
    }
    bench.step();
    assert_eq!(bench.host.published::<f64>("load"), None);
    assert_eq!(bench.host.published::<String>("ladder").as_deref(), Some("L2"));
}

#[test]
fn c2_numbers_that_are_none_and_bad_points_never_decide() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut bench = three();
        bench.mains(300.0, 44.0);
        bench.until("one runs", |bench| bench.runs(0));
        for role in ["supply_temp", "return_temp", "flow"] {
            bench.host.set(role, number);
        }
        bench.minutes(29);
        assert_eq!(bench.running(), 1, "{number}");
        assert_eq!(bench.host.published::<f64>("load"), None, "{number}");
    }
    // What a sentinel is the profile of the device says; it comes as a bad point.
    let mut bench = three();
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.host.set_bad("flow", "65535 is no sensor");
    bench.host.set_bad("supply_temp", "-127 is no sensor");
    bench.minutes(29);
    assert_eq!(bench.running(), 1);
    bench.host.set_as("flow", 4000.0, Quality::Uncertain);
    bench.host.set("supply_temp", 44.0);
    bench.minutes(29);
    assert_eq!(bench.running(), 1, "an uncertain flow does not decide");
}

#[test]
fn c3_operator_wins_in_one_cycle_and_is_told() {
    let mut bench = three();
    bench.mains(300.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.minutes(20);
    bench.hold(0, Holder::Operator);
    bench.withheld.insert(("unit_enable", 0)); // the operator switched it off
    bench.step();
    bench.step();
    assert_eq!(bench.state(0), "local");
    assert_eq!(bench.host.published::<String>("unit_1_reason").as_deref(), Some("operator"));
    assert!(!bench.on("unit_enable", 0), "it does not ask for what the operator refuses");
    let told = bench.host.log().iter().any(|line| line.text.contains("Unit 1 local"));
    assert!(told, "{:?}", bench.host.log());
    bench.until("another takes its place", |bench| bench.runs(1));
}

fn story() -> Vec<Change> {
    let mut bench = three();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..60 {
        bench.mains(random.f64() * 1400.0, 40.0 + random.f64() * 5.0);
        if random.u8(0..10) == 0 {
            bench.host.set_bad("flow", "no answer");
        }
        bench.minutes(random.u64(5..60));
        if random.u8(0..20) == 0 {
            bench.cut_power(Duration::from_secs(30));
        }
    }
    bench.log
}

#[test]
fn c4_same_story_same_commands() {
    let first = story();
    assert!(first.len() > 50, "hardly a story: {}", first.len());
    assert_eq!(first, story());
}

#[test]
fn c5_what_a_dead_plugin_asked_for_is_gone() {
    let mut bench = three();
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.host.kill(Duration::from_secs(1));
    for role in ORDER {
        assert_eq!(bench.host.output::<bool>(role), None, "{role}");
    }
    bench.step();
    assert!((0..3).all(|unit| !bench.on("unit_enable", unit)), "nothing starts in a hurry");
}

#[test]
fn c6_days_of_25_and_23_hours_count_as_long_as_they_are() {
    for (local, hours) in [("2026-10-25T00:00", 25), ("2026-03-29T00:00", 23)] {
        let mut bench = Bench::new(1, [1, 1, 1, 1], ONE, |b| b.at("Europe/Berlin", local));
        bench.mains(400.0, 44.0);
        bench.until("it runs", |bench| bench.runs(0));
        let day = bench.host.now().local.day;
        let before = bench.hours(0);
        let began = bench.clock;
        bench.until("the day is over", |bench| bench.host.now().local.day != day);
        let lasted = (bench.clock - began).as_secs_f64() / 3600.0;
        assert!((bench.hours(0) - before - lasted).abs() < 0.01, "{local}");
        assert!((lasted - f64::from(hours)).abs() < 0.2, "{local}: {lasted} h");
        assert_eq!(bench.enables(true).len(), 1, "{local}: the change of clocks starts nothing");
    }
}

#[test]
fn c6_leap_day_belongs_to_the_season_around_it() {
    let season = r#"
units = [["ground", 456, 40, 1, 1, 1, 1, 0]]
seasons = [["02-26", "03-15", "heating", "ground", "none", 44]]
"#;
    let mut bench =
        Bench::new(1, [1, 1, 1, 1], season, |b| b.at("Asia/Shanghai", "2028-02-29T01:00"));
    bench.mains(400.0, 44.0);
    bench.minutes(30);
    assert!(bench.runs(0));
}

#[test]
fn clock_that_is_not_synchronised_keeps_the_season() {
    let seasons = r#"
units = [["ground", 456, 40, 1, 1, 1, 1, 0]]
seasons = [["01-01", "03-15", "heating", "ground", "none", 44]]
"#;
    let mut bench = Bench::new(1, [1, 1, 1, 1], seasons, |builder| builder);
    bench.mains(400.0, 44.0);
    bench.until("it runs", |bench| bench.runs(0));
    bench.host.set_synced(false);
    bench.host.jump_clock(180 * 86_400);
    bench.minutes(90);
    assert!(bench.runs(0), "a wrong date does not end the heating");
    assert!(bench.host.alarm("calendar"));
}

fn refused(units: u32, parameters: &str) -> String {
    let builder = Host::<HeatPumpStaging>::install()
        .parameters(parameters)
        .bind("unit_enable", units)
        .bind("unit_running", units)
        .bind("source_pump", 1);
    builder.start().err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn site_that_does_not_fit_together_is_told_where() {
    let row = |pump: u8| format!("units = [[\"ground\", 456, 40, {pump}, 0, 0, 0, 0]]\n");
    assert_eq!(
        refused(2, &row(1)),
        "units has 1 rows, but unit_enable names 2 points, and unit_running or unit_power prove 2 \
         units: give one each a unit"
    );
    assert_eq!(
        refused(1, &row(2)),
        "units[0].source_pump: there is no number 2 in source_pump or source_pump_proof"
    );
    let twice = "seasons = [[\"01-01\", \"06-30\", \"heating\", \"ground\", \"none\", 44], \
                 [\"06-30\", \"09-30\", \"cooling\", \"ground\", \"none\", 7]]";
    assert_eq!(refused(1, &(row(1) + twice)), "seasons: rows 1 and 2 claim the same day");
    assert!(refused(8, THREE).contains("units has 3 rows"));
}
