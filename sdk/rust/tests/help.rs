//! The helpers, each against what a plant expects of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::prelude::*;
use std::time::Duration;
use wellhead_sdk::mock::Zone;
use wellhead_sdk::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn shanghai(local: &str) -> Zone {
    Zone::new("Asia/Shanghai", local)
}

/// What a restart does to a helper: it is saved and read again.
fn saved<T: Serialize + serde::de::DeserializeOwned>(it: &T) -> T {
    postcard::from_bytes(&postcard::to_allocvec(it).unwrap()).unwrap()
}

#[test]
fn hysteresis_switches_at_its_thresholds_in_both_directions() {
    let mut high = Hysteresis::default();
    let path = [4.9, 5.0, 4.0, 3.0, 4.0, 5.0].map(|v| high.update(v, 5.0, 3.0));
    assert_eq!(path, [false, true, true, false, false, true]);
    let mut low = Hysteresis::default();
    let path = [4.0, 3.0, 4.0, 5.0, 4.0].map(|v| low.update(v, 3.0, 5.0));
    assert_eq!(path, [false, true, true, false, false]);
}

#[test]
fn a_value_that_is_none_leaves_hysteresis_as_it_is() {
    let mut cold = Hysteresis::default();
    cold.set(true);
    assert!(cold.update(f64::NAN, 3.0, 5.0) && cold.update(f64::NAN, 5.0, 3.0));
}

#[test]
fn on_delay_wants_its_time_without_a_break() {
    let (mut clock, mut proof) = (shanghai("2026-01-01T00:00"), OnDelay::default());
    let mut after = |by: Duration, input: bool| {
        clock.advance(by);
        proof.update(input, MINUTE, &clock.now())
    };
    assert!(!after(SECOND, true));
    assert!(!after(59 * SECOND, true));
    assert!(after(SECOND, true), "a minute after it was first seen");
    assert!(!after(SECOND, false), "off at once");
    assert!(!after(10 * MINUTE, true), "nobody saw it on before");
    assert!(after(MINUTE, true));
}

#[test]
fn off_delay_holds_on() {
    let (mut clock, mut run_on) = (shanghai("2026-01-01T00:00"), OffDelay::default());
    let mut after = |by: Duration, input: bool| {
        clock.advance(by);
        run_on.update(input, 5 * MINUTE, &clock.now())
    };
    assert!(!after(MINUTE, false), "off from the start");
    assert!(after(MINUTE, true));
    assert!(after(MINUTE, false));
    assert!(after(4 * MINUTE, false));
    assert!(after(Duration::ZERO, true), "on again starts anew");
    assert!(after(MINUTE, false));
    assert!(!after(5 * MINUTE, false));
}

#[test]
fn min_time_waits_before_the_first_start() {
    let (mut clock, mut unit) = (shanghai("2026-01-01T00:00"), MinTime::default());
    assert!(!unit.update(true, HOUR, 10 * MINUTE, &clock.now()));
    clock.advance(10 * MINUTE);
    assert!(unit.update(true, HOUR, 10 * MINUTE, &clock.now()));
}

#[test]
fn min_time_survives_a_restart_and_does_not_count_the_time_off() {
    let (mut clock, mut unit) = (shanghai("2026-01-01T00:00"), MinTime::default());
    unit.force(true, &clock.now());
    clock.advance(20 * MINUTE);
    assert!(unit.update(false, 30 * MINUTE, HOUR, &clock.now()));
    let mut unit = saved(&unit);
    // Another monotonic clock, hours later.
    let mut clock = shanghai("2026-01-01T09:00");
    assert!(unit.update(false, 30 * MINUTE, HOUR, &clock.now()), "20 of 30 minutes have run");
    clock.advance(10 * MINUTE);
    assert!(!unit.update(false, 30 * MINUTE, HOUR, &clock.now()));
}

#[test]
fn protection_switches_off_within_the_shortest_run() {
    let (clock, mut unit) = (shanghai("2026-01-01T00:00"), MinTime::default());
    unit.force(true, &clock.now());
    unit.force(false, &clock.now());
    assert!(!unit.is_on());
    assert_eq!(unit.held(), Duration::ZERO);
}

#[test]
fn hours_count_what_ran_between_two_calls() {
    let (mut clock, mut hours) = (shanghai("2026-01-01T00:00"), HourCounter::default());
    hours.update(true, &clock.now());
    clock.advance(HOUR);
    hours.update(false, &clock.now());
    clock.advance(HOUR);
    assert_eq!(hours.update(true, &clock.now()), HOUR);
    let mut hours = saved(&hours);
    clock.advance(HOUR);
    assert_eq!(hours.update(true, &clock.now()), HOUR, "nobody knows whether it ran meanwhile");
    clock.advance(HOUR);
    hours.update(true, &clock.now());
    assert_eq!(hours.hours(), 2.0);
}

#[test]
fn hours_of_a_season_are_exact() {
    let (mut clock, mut hours) = (shanghai("2026-05-15T00:00"), HourCounter::default());
    for _ in 0..=1080 * 60 {
        hours.update(true, &clock.now());
        clock.advance(MINUTE);
    }
    assert_eq!(hours.total(), 1080 * HOUR);
}

#[test]
fn power_adds_up_to_energy_and_gaps_are_told() {
    let (mut clock, mut energy) = (shanghai("2026-01-01T00:00"), PowerIntegrator::default());
    let mut after = |by: Duration, power: Option<f64>| {
        clock.advance(by);
        energy.update(power, 10 * MINUTE, &clock.now());
        (energy.total(), energy.missing())
    };
    assert_eq!(after(Duration::ZERO, Some(600.0)), (0.0, Duration::ZERO));
    assert_eq!(after(6 * MINUTE, Some(640.0)), (62.0, Duration::ZERO));
    assert_eq!(after(6 * MINUTE, None), (62.0, 6 * MINUTE));
    assert_eq!(after(6 * MINUTE, Some(f64::NAN)), (62.0, 12 * MINUTE));
    assert_eq!(after(6 * MINUTE, Some(600.0)), (62.0, 18 * MINUTE), "one end is not enough");
    assert_eq!(after(HOUR, Some(600.0)), (62.0, 78 * MINUTE), "longer than a gap may be");
    assert_eq!(after(6 * MINUTE, Some(600.0)), (122.0, 78 * MINUTE));
}

const METER: MeterLimits =
    MeterLimits { rolls_over_at: Some(100_000.0), per_hour_max: 1000.0, step: 1.0 };

#[test]
fn a_meter_that_rolls_over_loses_nothing() {
    let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
    let mut after = |by: Duration, reading: f64| {
        clock.advance(by);
        meter.update(reading, &METER, &clock.now())
    };
    assert_eq!(after(HOUR, 99_900.0), Advance::First);
    assert_eq!(after(HOUR, 99_990.0), Advance::By(90.0));
    assert_eq!(after(HOUR, 20.0), Advance::By(30.0));
    assert_eq!(meter.total(), 120.0);
}

#[test]
fn a_replaced_meter_makes_no_spike() {
    let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
    let mut after = |by: Duration, reading: f64| {
        clock.advance(by);
        meter.update(reading, &METER, &clock.now())
    };
    assert_eq!(after(HOUR, 50_000.0), Advance::First);
    assert_eq!(after(HOUR, 3.0), Advance::Replaced, "50 003 in an hour is no rollover");
    assert_eq!(after(HOUR, 103.0), Advance::By(100.0));
    assert_eq!(after(HOUR, 80_000.0), Advance::Replaced);
    assert_eq!(after(HOUR, f64::NAN), Advance::By(0.0));
    assert_eq!(after(HOUR, 79_999.5), Advance::By(0.0), "less than a step back is noise");
    assert_eq!(after(HOUR, 80_010.0), Advance::By(10.0));
    assert_eq!(meter.total(), 110.0);
}

#[test]
fn a_meter_is_followed_over_a_restart_by_the_wall_clock() {
    let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
    clock.advance(HOUR);
    meter.update(1000.0, &METER, &clock.now());
    let mut off_for_a_day = saved(&meter);
    let next_day = shanghai("2026-01-02T01:00").now();
    assert_eq!(off_for_a_day.update(20_000.0, &METER, &next_day), Advance::By(19_000.0));
    let mut too_fast = saved(&meter);
    let hour_later = shanghai("2026-01-01T02:00").now();
    assert_eq!(too_fast.update(20_000.0, &METER, &hour_later), Advance::Replaced);
}

/// A meter at 1000, and the box without a battery that wakes up three hours later: its clock goes on
/// where it stood, and is not synchronised.
fn after_an_outage() -> (Zone, EnergyMeter) {
    let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
    meter.update(900.0, &METER, &clock.now());
    clock.advance(HOUR);
    meter.update(1000.0, &METER, &clock.now());
    clock.set_synced(false);
    (clock, saved(&meter))
}

#[test]
fn an_outage_is_counted_when_the_clock_is_synchronised() {
    let (mut clock, mut meter) = after_an_outage();
    assert_eq!(meter.update(3500.0, &METER, &clock.now()), Advance::By(0.0));
    clock.advance(MINUTE);
    assert_eq!(meter.update(3510.0, &METER, &clock.now()), Advance::By(10.0), "of this minute");
    clock.jump_seconds(3 * 3600);
    clock.advance(MINUTE);
    assert_eq!(
        meter.update(3520.0, &METER, &clock.now()),
        Advance::By(10.0),
        "set, but not yet so"
    );
    clock.set_synced(true);
    clock.advance(MINUTE);
    assert_eq!(meter.update(3530.0, &METER, &clock.now()), Advance::By(2510.0));
    clock.advance(MINUTE);
    assert_eq!(meter.update(3540.0, &METER, &clock.now()), Advance::By(10.0));
    assert_eq!(meter.total(), 2640.0);
}

#[test]
fn a_rollover_in_or_after_an_outage_loses_nothing() {
    for (readings, total) in [([500.0, 510.0, 520.0], 1520.0), ([99_990.0, 5.0, 15.0], 1015.0)] {
        let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
        meter.update(99_000.0, &METER, &clock.now());
        let mut meter = saved(&meter);
        clock.set_synced(false);
        for reading in readings {
            meter.update(reading, &METER, &clock.now());
            clock.advance(MINUTE);
        }
        clock.jump_seconds(3 * 3600);
        clock.set_synced(true);
        meter.update(readings[2], &METER, &clock.now());
        assert_eq!(meter.total(), total);
    }
}

#[test]
fn a_clock_that_is_never_synchronised_does_not_hold_the_meter() {
    let (mut clock, mut meter) = after_an_outage();
    for i in 0..10_u32 {
        meter.update(3500.0 + 10.0 * f64::from(i), &METER, &clock.now());
        clock.advance(MINUTE);
    }
    assert_eq!(meter.total(), 190.0);
    // Another outage, and still no clock: nothing is counted twice, and nothing is forgotten.
    let mut meter = saved(&meter);
    for i in 0..10_u32 {
        meter.update(6000.0 + 10.0 * f64::from(i), &METER, &clock.now());
        clock.advance(MINUTE);
    }
    assert_eq!(meter.total(), 280.0);
    clock.jump_seconds(6 * 3600);
    clock.set_synced(true);
    meter.update(6100.0, &METER, &clock.now());
    assert_eq!(meter.total(), 5200.0);
}

#[test]
fn a_clock_with_a_battery_need_not_be_synchronised() {
    let (mut clock, mut meter) = after_an_outage();
    clock.advance(3 * HOUR);
    assert_eq!(meter.update(3500.0, &METER, &clock.now()), Advance::By(2500.0));
}

#[test]
fn a_meter_replaced_while_the_box_was_off_is_told_when_the_clock_is_synchronised() {
    for reading in [3.0, 70_000.0] {
        let (mut clock, mut meter) = after_an_outage();
        assert_eq!(meter.update(reading, &METER, &clock.now()), Advance::By(0.0));
        clock.advance(MINUTE);
        assert_eq!(meter.update(reading + 5.0, &METER, &clock.now()), Advance::By(5.0));
        clock.jump_seconds(3 * 3600);
        clock.set_synced(true);
        clock.advance(MINUTE);
        assert_eq!(meter.update(reading + 10.0, &METER, &clock.now()), Advance::Replaced);
        clock.advance(MINUTE);
        assert_eq!(meter.update(reading + 15.0, &METER, &clock.now()), Advance::By(5.0));
        assert_eq!(meter.total(), 110.0);
    }
}

#[test]
fn a_meter_replaced_while_it_waits_for_the_clock_is_told_at_once() {
    let (mut clock, mut meter) = after_an_outage();
    meter.update(3500.0, &METER, &clock.now());
    clock.advance(MINUTE);
    assert_eq!(meter.update(40_000.0, &METER, &clock.now()), Advance::Replaced);
    clock.set_synced(true);
    clock.advance(MINUTE);
    assert_eq!(meter.update(40_010.0, &METER, &clock.now()), Advance::By(10.0));
}

#[test]
fn a_meter_that_was_silent_may_have_advanced_meanwhile() {
    let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
    meter.update(0.0, &METER, &clock.now());
    clock.advance(10 * HOUR);
    assert_eq!(meter.update(9_000.0, &METER, &clock.now()), Advance::By(9_000.0));
}

proptest! {
    /// A box without a battery: its clock stands still while it is off. In the end it is right.
    #[test]
    fn every_kwh_of_one_meter_is_counted_once_however_often_the_power_fails(
        steps in prop::collection::vec((1_i64..7200, 0.0..1.0, any::<bool>(), any::<bool>()), 1..40),
    ) {
        let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
        let (mut reading, mut behind, mut began) = (99_500.0, 0, None);
        let last = (1, 0.0, false, true);
        for (seconds, load, cut, synced) in steps.into_iter().chain([last]) {
            reading += load * METER.per_hour_max * seconds as f64 / 3600.0;
            clock.advance(Duration::from_secs(seconds.unsigned_abs()));
            if cut {
                clock.jump_seconds(-seconds);
                behind += seconds;
                clock.set_synced(false);
                meter = saved(&meter);
            }
            if synced {
                clock.jump_seconds(std::mem::take(&mut behind));
                clock.set_synced(true);
            }
            let began = *began.get_or_insert(reading);
            let advance = meter.update(reading % 100_000.0, &METER, &clock.now());
            prop_assert_ne!(advance, Advance::Replaced);
            prop_assert!(meter.total() <= reading - began + 1e-6);
        }
        prop_assert!((meter.total() - (reading - began.unwrap())).abs() < 1e-6);
    }

    #[test]
    fn a_metered_total_is_never_more_than_the_largest_power(
        readings in prop::collection::vec((0.0..100_000.0, 1_u64..7200), 1..50),
    ) {
        let (mut clock, mut meter) = (shanghai("2026-01-01T00:00"), EnergyMeter::default());
        let mut most = 0.0;
        for (i, (reading, seconds)) in readings.into_iter().enumerate() {
            clock.advance(Duration::from_secs(seconds));
            meter.update(reading, &METER, &clock.now());
            if i > 0 {
                most += METER.per_hour_max * seconds as f64 / 3600.0 + METER.step;
            }
            prop_assert!((0.0..=most + 1e-6).contains(&meter.total()));
        }
    }

    #[test]
    fn fixed_prints_as_rust_does(number in -1e6_f64..1e6, decimals in 0_u8..4) {
        // Halves apart, which Rust rounds to even by their exact binary value.
        let scaled: f64 = number * 10_f64.powi(i32::from(decimals));
        prop_assume!((scaled.fract().abs() - 0.5).abs() > 1e-6);
        let rust = format!("{number:.*}", usize::from(decimals));
        let rust = if rust.trim_start_matches('-').bytes().all(|b| matches!(b, b'0' | b'.')) {
            rust.trim_start_matches('-').to_owned()
        } else {
            rust
        };
        prop_assert_eq!(fixed(number, decimals).to_string(), rust);
    }
}

#[test]
fn fixed_prints_what_is_no_number_as_such() {
    assert_eq!(fixed(f64::NAN, 1).to_string(), "no number");
    assert_eq!(fixed(f64::NEG_INFINITY, 1).to_string(), "-very large");
    assert_eq!(fixed(-0.04, 1).to_string(), "0.0", "no minus zero");
}

fn day(text: &str) -> MonthDay {
    MonthDay::parse(text).unwrap()
}

fn on(year: i32, month: u8, day: u8) -> Civil {
    Civil::midnight(year, month, day)
}

#[test]
fn a_date_window_holds_both_its_days() {
    let summer = DateWindow { from: day("05-15"), to: day("06-30") };
    for (month, day, inside) in [(5, 14, false), (5, 15, true), (6, 30, true), (7, 1, false)] {
        assert_eq!(summer.contains(&on(2026, month, day)), inside, "{month}-{day}");
    }
}

#[test]
fn a_date_window_over_new_year_is_one_season() {
    let winter = DateWindow { from: day("11-15"), to: day("03-15") };
    assert_eq!(winter.season(&on(2026, 11, 14)), None);
    assert_eq!(winter.season(&on(2026, 11, 15)), Some(2026));
    assert_eq!(winter.season(&on(2027, 1, 1)), Some(2026));
    assert_eq!(winter.season(&on(2027, 3, 15)), Some(2026));
    assert_eq!(winter.season(&on(2027, 3, 16)), None);
}

#[test]
fn the_29th_of_february_bounds_a_window_in_every_year() {
    let from = DateWindow { from: day("02-29"), to: day("03-31") };
    let to = DateWindow { from: day("01-01"), to: day("02-29") };
    assert!(!from.contains(&on(2027, 2, 28)) && from.contains(&on(2027, 3, 1)));
    assert!(to.contains(&on(2027, 2, 28)) && !to.contains(&on(2027, 3, 1)));
    assert!(from.contains(&on(2028, 2, 29)) && to.contains(&on(2028, 2, 29)));
    assert_eq!(MonthDay::parse("02-30"), None);
}

fn window(from: &str, to: &str) -> DailyWindow {
    DailyWindow { from: TimeOfDay::parse(from).unwrap(), to: TimeOfDay::parse(to).unwrap() }
}

#[test]
fn the_valley_runs_over_midnight() {
    let valley = window("23:00", "07:00");
    for (local, inside) in [
        ("2026-01-01T22:59", false),
        ("2026-01-01T23:00", true),
        ("2026-01-02T00:00", true),
        ("2026-01-02T06:59:59", true),
        ("2026-01-02T07:00", false),
    ] {
        assert_eq!(valley.current(&shanghai(local)).is_some(), inside, "{local}");
    }
    let clock = shanghai("2026-01-02T01:30");
    let span = valley.current(&clock).unwrap();
    assert_eq!(span.elapsed(&clock.now()), 150 * MINUTE);
    assert_eq!(span.remaining(&clock.now()), 330 * MINUTE);
}

#[test]
fn a_window_to_the_end_of_the_day_and_one_of_a_whole_day() {
    let evening = window("18:00", "24:00");
    let span = evening.current(&shanghai("2026-01-01T23:59")).unwrap();
    assert_eq!(span.length(), 6 * HOUR);
    assert_eq!(evening.current(&shanghai("2026-01-02T00:00")), None);
    let all = window("08:00", "08:00");
    assert_eq!(all.current(&shanghai("2026-01-01T07:59")).unwrap().length(), 24 * HOUR);
    assert_eq!(
        window("00:00", "24:00").current(&shanghai("2026-01-01T07:59")).unwrap().length(),
        24 * HOUR
    );
}

/// Counts the minutes that lie in a window, and the largest elapsed time seen in one, from noon to
/// noon.
fn counted(window: DailyWindow, zone: &str, noon: &str, hours: u32) -> (Duration, Duration) {
    let mut clock = Zone::new(zone, noon);
    let (mut inside, mut longest) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..hours * 60 {
        if let Some(span) = window.current(&clock) {
            inside += MINUTE;
            longest = longest.max(span.elapsed(&clock.now()));
        }
        clock.advance(MINUTE);
    }
    (inside, longest)
}

#[test]
fn nights_in_which_clocks_change_neither_lose_nor_double_an_hour() {
    let valley = window("23:00", "07:00");
    let berlin = |noon, hours| counted(valley, "Europe/Berlin", noon, hours);
    assert_eq!(berlin("2026-03-27T12:00", 24), (8 * HOUR, 8 * HOUR - MINUTE), "a usual night");
    assert_eq!(berlin("2026-03-28T12:00", 23), (7 * HOUR, 7 * HOUR - MINUTE), "23 hours");
    assert_eq!(berlin("2026-10-24T12:00", 25), (9 * HOUR, 9 * HOUR - MINUTE), "25 hours");
}

#[test]
fn a_window_whose_end_comes_twice_ends_once() {
    let night = window("23:00", "02:30");
    let (inside, _) = counted(night, "Europe/Berlin", "2026-10-24T12:00", 25);
    assert_eq!(inside, 210 * MINUTE, "it ends at the first 02:30");
    let (inside, _) = counted(night, "Europe/Berlin", "2026-03-28T12:00", 23);
    assert_eq!(inside, 180 * MINUTE, "02:30 is left out: it ends at the change");
}

#[test]
fn the_mocks_zone_answers_for_times_left_out_and_times_that_come_twice() {
    let clock = Zone::new("Europe/Berlin", "2026-01-01T00:00");
    let at = |month, day, hour, minute| {
        let local = Civil { hour, minute, ..Civil::midnight(2026, month, day) };
        clock.civil_at(clock.moment_of(local).unwrap())
    };
    let gap = at(3, 29, 2, 30);
    assert_eq!((gap.hour, gap.minute, gap.utc_offset), (3, 0, 7200));
    let edge = at(3, 29, 2, 0);
    assert_eq!((edge.hour, edge.minute, edge.utc_offset), (3, 0, 7200));
    let twice = at(10, 25, 2, 30);
    assert_eq!((twice.hour, twice.minute, twice.utc_offset), (2, 30, 7200));
    assert_eq!(clock.moment_of(Civil::midnight(2026, 2, 29)), None);
    assert_eq!(clock.now().local.weekday, 4, "a Thursday");
}

#[test]
fn a_clock_that_jumps_or_is_not_synchronised_is_doubted() {
    let (mut clock, mut watch) = (shanghai("2026-01-01T00:00"), ClockWatch::default());
    assert_eq!(watch.update(&clock.now()), None);
    clock.jump_seconds(50);
    clock.advance(MINUTE);
    assert_eq!(watch.update(&clock.now()), None, "less than a minute is no jump");
    clock.jump_seconds(-3600);
    clock.advance(MINUTE);
    assert_eq!(watch.update(&clock.now()), Some(Duration::ZERO));
    clock.advance(MINUTE);
    assert_eq!(watch.update(&clock.now()), None, "synchronised and steady again");
    clock.set_synced(false);
    clock.advance(MINUTE);
    assert_eq!(watch.update(&clock.now()), Some(Duration::ZERO));
    clock.advance(HOUR);
    assert_eq!(watch.update(&clock.now()), Some(HOUR));
}

words! {
    #[derive(Default)]
    enum Step {
        #[default]
        Off = "off",
        Run = "run",
    }
}

#[test]
fn a_machine_remembers_its_state_and_its_time_in_it() {
    let mut clock = shanghai("2026-01-01T00:00");
    let mut machine = Machine::<Step>::default();
    machine.step(&clock.now());
    assert!(machine.go(Step::Run) && !machine.go(Step::Run));
    clock.advance(MINUTE);
    machine.step(&clock.now());
    assert_eq!((machine.state(), machine.held()), (Step::Run, MINUTE));
    let mut machine = saved(&machine);
    machine.step(&shanghai("2026-01-01T09:00").now());
    assert_eq!((machine.state(), machine.held()), (Step::Run, MINUTE));
}

#[test]
fn words_are_saved_by_their_text() {
    assert_eq!(postcard::to_allocvec(&Step::Run).unwrap(), b"\x03run");
    assert!(postcard::from_bytes::<Step>(b"\x03ran").is_err());
    assert_eq!(Step::ALL.iter().map(|s| s.word()).collect::<Vec<_>>(), ["off", "run"]);
}
