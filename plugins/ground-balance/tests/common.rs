//! The acceptance statements C1 to C6, as far as a plugin without outputs meets them, and gaps.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use ground_balance::GroundBalance;
use std::time::Duration;
use wellhead_sdk::Quality;
use wellhead_sdk::mock::{Builder, Host};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// 140 m³/h, 5 K and 1.163 kWh/(m³·K).
const POWER_KW: f64 = 814.1;

fn by_water() -> Builder<GroundBalance> {
    let install =
        Host::<GroundBalance>::install().parameters("zones = [['field', 22800, 140, 1000]]");
    ["flow", "supply_temp", "return_temp"].into_iter().fold(install, |b, role| b.bind(role, 1))
}

fn started(builder: Builder<GroundBalance>) -> Host<GroundBalance> {
    let mut host = builder.start().expect("starts");
    host.set("flow", 140.0);
    host.set("supply_temp", 12.0);
    host.set("return_temp", 17.0);
    host
}

fn number(host: &Host<GroundBalance>, name: &str) -> f64 {
    host.published(name).unwrap_or_else(|| panic!("{name} is not to be had"))
}

fn extracted_kwh(host: &Host<GroundBalance>) -> f64 {
    number(host, "extracted") * 1e3
}

#[test]
fn c1_dead_meter_leaves_no_power_and_later_a_missing_interval() {
    let mut host = started(by_water());
    host.advance(HOUR);
    host.set_stale("flow");
    host.tick();
    assert_eq!(host.published::<f64>("ground_power"), None);
    host.advance(HOUR * 2);
    assert!((number(&host, "missing_hours") - 121.0 / 60.0).abs() < 1e-9);
    assert!((number(&host, "missing_bound") - 121.0 / 60.0).abs() < 1e-9, "at 1000 kW");
    assert!(host.alarm("missing_data"));
    assert!((extracted_kwh(&host) - POWER_KW * 59.0 / 60.0).abs() < 1e-6);
    host.set("flow", 140.0);
    host.advance(HOUR);
    assert!(!host.alarm("missing_data"));
    let missing = number(&host, "missing_hours");
    assert!((missing - 122.0 / 60.0).abs() < 1e-6, "stays told: {missing} h");
    assert!((extracted_kwh(&host) - POWER_KW * 118.0 / 60.0).abs() < 1e-6, "nothing made up");
}

#[test]
fn c1_short_gap_is_filled_from_the_units_and_flagged() {
    let mut host = started(by_water().bind("unit_heat", 1).bind("unit_power", 1));
    host.set("unit_heat", 900.0);
    host.set("unit_power", 200.0);
    host.advance(HOUR);
    let before = extracted_kwh(&host);
    host.set_bad("supply_temp", "no answer");
    host.advance(HOUR * 2 - MINUTE);
    assert_eq!(host.published_quality("ground_power"), Some(Quality::Uncertain));
    assert_eq!(number(&host, "ground_power"), -700.0);
    host.set("supply_temp", 12.0);
    host.tick();
    let filled = extracted_kwh(&host) - before;
    assert!((filled - 1400.0).abs() < 1e-6, "{filled} kWh");
    assert!((number(&host, "estimated_hours") - 2.0).abs() < 1e-6);
    assert_eq!(number(&host, "missing_hours"), 0.0);
}

#[test]
fn c1_short_gap_without_units_is_a_straight_line() {
    let mut host = started(by_water());
    host.advance(HOUR);
    let before = extracted_kwh(&host);
    host.set_bad("flow", "no answer");
    host.advance(MINUTE * 59);
    host.set("flow", 70.0);
    host.tick();
    let filled = extracted_kwh(&host) - before;
    assert!((filled - POWER_KW * 0.75).abs() < 1e-6, "{filled} kWh");
}

#[test]
fn c1_registers_close_a_gap_of_any_length() {
    let install =
        Host::<GroundBalance>::install().parameters("zones = [['field', 22800, 140, 1000]]");
    let mut host = install.bind("energy_in", 1).bind("energy_out", 1).start().expect("starts");
    host.set("energy_in", 10);
    host.set("energy_out", 500);
    host.advance(HOUR);
    host.set_stale("energy_out");
    host.advance(HOUR * 50);
    assert!((number(&host, "missing_hours") - 50.0).abs() < 1e-9);
    host.set("energy_out", 35_500);
    host.tick();
    assert_eq!(extracted_kwh(&host), 35_000.0);
    assert_eq!(number(&host, "missing_hours"), 0.0);
}

#[test]
fn c2_what_is_not_believed_is_never_counted() {
    for (value, quality) in [
        (f64::NAN, Quality::Good),
        (f64::INFINITY, Quality::Good),
        (85.0, Quality::Bad),
        (-127.0, Quality::Stale),
        (85.0, Quality::Uncertain),
    ] {
        let mut host = started(by_water());
        host.advance(HOUR);
        let before = extracted_kwh(&host);
        host.set_as("supply_temp", value, quality);
        host.advance(HOUR);
        assert_eq!((extracted_kwh(&host), number(&host, "injected")), (before, 0.0));
    }
}

#[test]
fn c3_value_that_an_operator_put_in_place_counts() {
    let mut host = started(by_water());
    host.set_as("flow", 140.0, Quality::Manual);
    host.advance(HOUR);
    assert!((extracted_kwh(&host) - POWER_KW * 59.0 / 60.0).abs() < 1e-6);
}

#[test]
fn c4_replay_is_identical() {
    let run = || {
        let mut host = started(by_water().bind("bore_temp", 1));
        let mut seen = Vec::new();
        for hour in 0..24_u32 * 40 {
            match hour % 31 {
                5 => host.set_bad("flow", "no answer"),
                9 => host.set("flow", 140.0),
                _ => host.set("supply_temp", 12.0 + f64::from(hour % 13)),
            }
            host.set("bore_temp", 16.0 + f64::from(hour % 7) / 7.0);
            host.advance(HOUR);
            seen.push((number(&host, "injected"), number(&host, "extracted")));
        }
        (seen, host.saved().map(<[u8]>::to_vec))
    };
    assert!(run() == run());
}

#[test]
fn c5_killed_plugin_keeps_the_ledger_and_tells_the_outage() {
    let mut host = started(by_water());
    host.advance(HOUR * 30);
    let before = extracted_kwh(&host);
    host.kill(HOUR * 10);
    host.set("flow", 140.0);
    host.tick();
    let after = extracted_kwh(&host);
    assert!((before - after).abs() <= POWER_KW / 30.0, "{before} {after} kWh");
    host.advance(HOUR);
    let missing = number(&host, "missing_hours");
    assert!((10.0..10.1).contains(&missing), "{missing} h");
    assert!(extracted_kwh(&host) > after + POWER_KW * 0.99);
}

/// The power is cut for so many hours, and the clock, without a battery, goes on where it stood.
fn cut_without_a_battery(host: &mut Host<GroundBalance>, hours: u32) {
    host.restart(HOUR * hours);
    host.jump_clock(-3600 * i64::from(hours));
    host.set_synced(false);
}

fn synchronise(host: &mut Host<GroundBalance>, hours: u32) {
    host.jump_clock(3600 * i64::from(hours));
    host.set_synced(true);
}

#[test]
fn c5_registers_close_an_outage_once_the_clock_is_synchronised() {
    let install =
        Host::<GroundBalance>::install().parameters("zones = [['field', 22800, 140, 1000]]");
    let mut host = install.bind("energy_in", 1).bind("energy_out", 1).start().expect("starts");
    host.set("energy_in", 10);
    host.set("energy_out", 500);
    host.advance(HOUR);
    cut_without_a_battery(&mut host, 3);
    host.set("energy_out", 2500);
    host.advance(MINUTE * 5);
    host.set("energy_out", 2510);
    host.advance(MINUTE * 5);
    assert_eq!(extracted_kwh(&host), 10.0, "what came since the box is up");
    synchronise(&mut host, 3);
    host.tick();
    assert!((extracted_kwh(&host) - 2010.0).abs() < 1e-6, "{}", extracted_kwh(&host));
    assert_eq!(host.published("meter_swaps"), Some(0_i64));
    assert_eq!(number(&host, "missing_hours"), 0.0);
    // All since the first reading: 59 minutes, the outage, eleven minutes.
    let known = number(&host, "cover") * 87.6;
    assert!((known - (3.0 + 70.0 / 60.0)).abs() < 1e-6, "{known} h");
}

#[test]
fn c5_outage_without_registers_is_told_once_the_clock_is_synchronised() {
    let mut host = started(by_water());
    host.advance(HOUR * 30);
    cut_without_a_battery(&mut host, 10);
    host.advance(HOUR);
    assert_eq!(number(&host, "missing_hours"), 0.0);
    synchronise(&mut host, 10);
    host.advance(HOUR);
    let missing = number(&host, "missing_hours");
    // And a minute each to the first call, and from the last one before the clock was right.
    assert!((missing - 10.0 - 2.0 / 60.0).abs() < 1e-6, "{missing} h");
}

#[test]
fn time_without_a_synchronised_clock_is_no_outage() {
    let mut host = started(by_water());
    host.advance(HOUR);
    host.set_synced(false);
    host.advance(HOUR * 30);
    host.restart(MINUTE);
    host.set_synced(true);
    host.advance(HOUR);
    assert_eq!(number(&host, "missing_hours"), 0.0);
    let known = number(&host, "cover") * 87.6;
    assert!(known < 33.0, "{known} h of 32 are known");
}

#[test]
fn c6_days_of_23_and_25_hours_count_each_hour_once() {
    for (start, hours) in [("2026-03-29T00:00", 23.0), ("2026-10-25T00:00", 25.0)] {
        let mut host = started(by_water().at("Europe/Berlin", start));
        let mut passed: f64 = 0.0;
        while host.now().local.day == start[8..10].parse::<u8>().expect("a day") {
            host.tick();
            passed += 1.0 / 60.0;
        }
        assert!((passed - hours).abs() < 1e-6, "{passed} h");
        host.advance(HOUR * 48);
        let known = number(&host, "cover") * 87.6;
        assert!((known - (passed + 48.0 - 1.0 / 60.0)).abs() < 1e-4, "{known} h");
        assert!((extracted_kwh(&host) - POWER_KW * known).abs() < 0.1);
    }
}

#[test]
fn c6_leap_day_is_a_day_like_any_other() {
    let mut host = started(by_water().at("Asia/Shanghai", "2028-02-28T00:00"));
    host.advance(HOUR * 72);
    assert!((extracted_kwh(&host) - POWER_KW * (72.0 - 1.0 / 60.0)).abs() < 0.1);
}

#[test]
fn clock_that_is_set_back_loses_and_doubles_nothing() {
    let mut host = started(by_water().at("Asia/Shanghai", "2026-03-10T00:00"));
    host.advance(HOUR * 30);
    host.jump_clock(-2 * 86_400);
    host.advance(HOUR * 96);
    let expected = POWER_KW * (126.0 - 1.0 / 60.0);
    assert!((extracted_kwh(&host) - expected).abs() < 0.1, "{} {expected}", extracted_kwh(&host));
}

#[test]
fn season_turns_and_the_year_gets_its_note() {
    let mut host = started(by_water().at("Asia/Shanghai", "2026-05-12T00:00"));
    host.advance(HOUR * 24 * 2);
    assert!(number(&host, "season_extracted") > 30.0);
    assert_eq!(host.published::<String>("note").as_deref(), Some(""));
    host.advance(HOUR * 24 + MINUTE);
    assert!(number(&host, "season_extracted") < 0.1);
    let note = host.published::<String>("note").expect("a note");
    assert!(note.starts_with("Year to 2026: 0.0 MWh in, 58.6 MWh out, balance -100.0 %"), "{note}");
}
