//! H3 and H4: how many units, and which.

use std::collections::VecDeque;
use std::time::Duration;

use crate::bench::{Bench, TICK, three};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Checks a machine by what it did, told nothing of why.
#[derive(Default)]
struct Checker {
    running: bool,
    since_s: Option<u64>,
    starts: VecDeque<u64>,
    run_s: u64,
    starts_in_all: u32,
}

impl Checker {
    fn see(&mut self, unit: usize, now_s: u64, running: bool) {
        if running {
            self.run_s += TICK.as_secs();
        }
        if running == self.running {
            return;
        }
        if let Some(since) = self.since_s {
            let lasted = now_s - since;
            let (least, what) = if running { (10 * MINUTE, "off") } else { (15 * MINUTE, "on") };
            assert!(lasted >= least, "unit {unit} was {what} for only {lasted} s at {now_s} s");
        }
        if running {
            self.starts.retain(|start| now_s - start < HOUR);
            self.starts.push_back(now_s);
            self.starts_in_all += 1;
            assert!(self.starts.len() <= 4, "unit {unit}: {:?} starts", self.starts);
        }
        self.running = running;
        self.since_s = Some(now_s);
    }
}

/// A load that stays for a while and then becomes another; the machines meet it as far as they
/// can, and the water cools by what is missing.
struct Building {
    random: fastrand::Rng,
    wanted_kw: f64,
    until_s: u64,
    supply_c: f64,
}

impl Building {
    /// Lives for a minute and returns what it got, kW.
    fn step(&mut self, now_s: u64, running: usize) -> f64 {
        if now_s >= self.until_s {
            self.wanted_kw = self.random.f64() * 1500.0 - 50.0;
            self.until_s = now_s + self.random.u64(4 * MINUTE..9 * HOUR);
        }
        let wanted = self.wanted_kw.max(0.0);
        let capacity = running as f64 * 456.0;
        let hours = 1.0 / 60.0;
        let given = (wanted + (44.0 - self.supply_c) * 200.0).clamp(0.0, capacity);
        self.supply_c += (given - wanted) * hours / (30.0 * 1.163);
        self.supply_c = self.supply_c.clamp(25.0, 46.0);
        given
    }
}

#[test]
fn h3_ninety_days_of_random_load_break_no_limit_and_share_the_hours() {
    let mut bench = three();
    let random = fastrand::Rng::with_seed(0x1609);
    let mut building = Building { random, wanted_kw: 0.0, until_s: 0, supply_c: 40.0 };
    let mut checkers = [const {
        Checker {
            running: false,
            since_s: None,
            starts: VecDeque::new(),
            run_s: 0,
            starts_in_all: 0,
        }
    }; 3];
    let (mut last_event_s, mut longest_cycle_s, mut worst_spread_s) = (0, 0, 0);
    let mut running = 0;
    for tick in 1..=90 * 24 * HOUR / TICK.as_secs() {
        let now_s = tick * TICK.as_secs();
        if now_s.is_multiple_of(MINUTE) {
            let given_kw = building.step(now_s, running);
            bench.mains(given_kw, building.supply_c);
        }
        bench.step();
        bench.log.clear();
        running = bench.running();
        for (unit, checker) in checkers.iter_mut().enumerate() {
            let runs = bench.runs(unit as u32);
            if runs != checker.running {
                longest_cycle_s = longest_cycle_s.max(now_s - last_event_s);
                last_event_s = now_s;
            }
            checker.see(unit, now_s, runs);
        }
        let hours = checkers.each_ref().map(|checker| checker.run_s);
        let spread = hours.iter().max().unwrap() - hours.iter().min().unwrap();
        worst_spread_s = worst_spread_s.max(spread);
        assert!(
            spread <= 24 * HOUR + longest_cycle_s.max(now_s - last_event_s),
            "run hours {hours:?} at {now_s} s"
        );
    }
    // What would pass for a plant that never does anything is no test.
    assert!(checkers.iter().all(|c| c.starts_in_all > 60), "hardly any starts");
    assert!(checkers.iter().all(|c| c.run_s > 300 * HOUR), "hardly any hours");
    assert!(worst_spread_s > 0);
    for (unit, checker) in checkers.iter().enumerate() {
        let counted = bench.hours(unit as u32);
        let truth = checker.run_s as f64 / 3600.0;
        assert!((counted / truth - 1.0).abs() < 0.02, "unit {unit}: {counted} h, ran {truth} h");
    }
    println!(
        "starts {:?}, hours {:?}, widest spread {:.1} h, longest cycle {:.1} h",
        checkers.each_ref().map(|c| c.starts_in_all),
        checkers.each_ref().map(|c| c.run_s / HOUR),
        worst_spread_s as f64 / 3600.0,
        longest_cycle_s as f64 / 3600.0
    );
}

/// 1.15 phase I: three ground-source machines of 1170 kW, a river chiller of 1760.7 kW.
const YANGZHOU: &str = r#"
units = [
  ["ground", 1170, 40, 1, 1, 1, 1, 0],
  ["ground", 1170, 40, 1, 1, 1, 1, 0],
  ["ground", 1170, 40, 1, 1, 1, 1, 0],
  ["water", 1760.7, 40, 2, 1, 1, 0, 0],
]
seasons = [["05-15", "09-30", "cooling", "ground", "water", 7]]
"#;

fn yangzhou() -> Bench {
    Bench::new(4, [2, 1, 1, 1], YANGZHOU, |builder| builder.at("Asia/Shanghai", "2026-07-01T00:00"))
}

#[test]
fn h4_yangzhou_runs_one_for_900_two_for_2000_three_and_the_river_chiller_for_3600_kw() {
    for (load_kw, ground, river) in [(900.0, 1, false), (2000.0, 2, false), (3600.0, 3, true)] {
        let mut bench = yangzhou();
        bench.mains(-load_kw, 7.0);
        bench.minutes(240);
        let on = (0..3).filter(|unit| bench.runs(*unit)).count();
        assert_eq!((on, bench.runs(3)), (ground, river), "{load_kw} kW");
        let shown: f64 = bench.host.published("load").unwrap();
        assert!((shown - load_kw).abs() < 0.001 * load_kw, "{shown} kW shown for {load_kw}");
        // And stays so.
        let starts = bench.enables(true).len();
        bench.minutes(600);
        assert_eq!(bench.enables(true).len(), starts, "{load_kw} kW: it hunts");
    }
}

#[test]
fn supply_that_misses_its_setpoint_brings_another_unit_after_ten_minutes() {
    let mut bench = three();
    bench.mains(200.0, 42.5);
    bench.until("the first runs", |bench| bench.running() == 1);
    let first = bench.clock;
    bench.until("the second is enabled", |bench| bench.enables(true).len() == 2);
    let waited = bench.clock - first;
    assert!(waited >= Duration::from_secs(600), "{waited:?}");
    assert!(waited < Duration::from_secs(900), "{waited:?}");
}

#[test]
fn no_unit_is_stopped_while_the_supply_misses_its_setpoint() {
    let mut bench = three();
    bench.mains(1300.0, 42.0);
    bench.until("all run", |bench| bench.running() == 3);
    bench.mains(100.0, 42.0);
    bench.minutes(120);
    assert_eq!(bench.running(), 3);
}

#[test]
fn units_do_not_run_below_their_part_load_floor() {
    // 170 kW on two machines of 456 kW with a floor of 40 % is less than either may run at; one
    // carries it. 150 kW is too little even for one.
    let mut bench = three();
    bench.mains(700.0, 44.0);
    bench.until("two run", |bench| bench.running() == 2);
    bench.mains(350.0, 44.0);
    bench.until("one runs", |bench| bench.running() == 1);
    bench.mains(150.0, 44.0);
    bench.until("none runs", |bench| bench.running() == 0);
    bench.minutes(300);
    assert_eq!(bench.running(), 0, "the water is warm enough");
    bench.mains(0.0, 42.9);
    bench.until("it heats again", |bench| bench.running() == 1);
}

#[test]
fn unit_with_the_fewest_hours_starts_first_and_hours_come_from_the_machines_counters() {
    let mut bench =
        Bench::new(3, [1, 1, 1, 1], crate::bench::THREE, |builder| builder.bind("unit_hours", 3));
    for (unit, hours) in [(0, 4200.0), (1, 3900.0), (2, 4100.0)] {
        bench.host.set(("unit_hours", unit), hours);
    }
    bench.mains(400.0, 44.0);
    bench.until("one runs", |bench| bench.running() == 1);
    assert!(bench.runs(1));
    assert!(bench.hours(0) >= 4200.0);
}

#[test]
fn banned_unit_is_replaced_and_rests() {
    let mut bench =
        Bench::new(3, [1, 1, 1, 1], crate::bench::THREE, |builder| builder.bind("unit_ban", 3));
    (0..3).for_each(|unit| bench.host.set(("unit_ban", unit), false));
    bench.mains(400.0, 44.0);
    bench.until("one runs", |bench| bench.runs(0));
    bench.host.set(("unit_ban", 0), true);
    bench.until("another runs", |bench| bench.runs(1) && !bench.runs(0));
    bench.minutes(30);
    assert_eq!(bench.state(0), "banned");
}

#[test]
fn heating_changes_to_cooling_only_after_thirty_minutes_at_rest_and_a_proven_valve() {
    let seasons = r#"
units = [["ground", 456, 40, 1, 1, 1, 1, 0]]
seasons = [
  ["01-01", "03-15", "heating", "ground", "none", 44],
  ["03-16", "09-30", "cooling", "ground", "none", 7],
]
"#;
    let mut bench = Bench::new(1, [1, 1, 1, 1], seasons, |builder| {
        let builder = builder.at("Asia/Shanghai", "2026-03-15T23:00");
        ["cooling_valve", "at_heating", "at_cooling"]
            .into_iter()
            .fold(builder, |builder, role| builder.bind(role, 1))
    });
    bench.host.set("at_heating", true);
    bench.host.set("at_cooling", false);
    bench.mains(300.0, 44.0);
    bench.minutes(50);
    assert!(bench.runs(0) && bench.host.output("cooling_valve") == Some(false));
    bench.until("it stops", |bench| !bench.runs(0));
    bench.until("all is off", |bench| bench.state(0) == "off");
    let off = bench.clock;
    bench.mains(-300.0, 10.0);
    bench.until("the valve turns", |bench| bench.host.output("cooling_valve") == Some(true));
    assert!(bench.clock - off >= Duration::from_secs(30 * 60), "{:?}", bench.clock - off);
    bench.host.set("at_heating", false);
    bench.minutes(60);
    assert!(!bench.runs(0) && bench.host.alarm("plant"), "the valve is not proven");
    bench.host.set("at_cooling", true);
    bench.until("it cools", |bench| bench.runs(0));
    assert_eq!(bench.host.published::<String>("state").as_deref(), Some("cooling"));
    assert!(!bench.host.alarm("plant"));
}

#[test]
fn no_unit_starts_more_than_four_times_an_hour_however_often_it_is_called() {
    let eager = format!("min_run = \"1min\"\nmin_off = \"1min\"\n{}", crate::bench::ONE);
    let mut bench = Bench::new(1, [1, 1, 1, 1], &eager, |builder| builder);
    bench.mains(300.0, 40.0);
    for _ in 0..60 {
        bench.host.set("call", true);
        bench.minutes(4);
        bench.host.set("call", false);
        bench.minutes(4);
    }
    let starts: Vec<_> = bench.enables(true).into_iter().map(|(at, _)| at).collect();
    assert!(starts.len() > 20, "hardly called: {}", starts.len());
    for window in starts.windows(5) {
        assert!(window[4] - window[0] >= Duration::from_secs(HOUR), "{window:?}");
    }
}

#[test]
fn call_that_no_unit_can_answer_raises_an_alarm() {
    let mut bench = three();
    (0..3).for_each(|unit| bench.host.set(("unit_fault", unit), true));
    bench.minutes(1);
    assert_eq!(bench.host.alarms()["plant"].en, "no further unit can start");
    bench.host.set(("unit_fault", 1), false);
    bench.until("the retry", |bench| bench.runs(1));
    assert!(!bench.host.alarm("plant"));
}

#[test]
fn units_that_serve_the_load_get_its_setpoint() {
    let mut bench = Bench::new(1, [1, 1, 1, 1], crate::bench::ONE, |builder| {
        builder.bind("unit_setpoint", 1).bind("supply_setpoint", 1)
    });
    assert_eq!(bench.host.output::<f64>("unit_setpoint"), None);
    bench.mains(300.0, 44.0);
    bench.until("it runs", |bench| bench.state(0) == "run");
    assert_eq!(bench.host.output("unit_setpoint"), Some(44.0), "the season's");
    bench.host.set("supply_setpoint", 38.5);
    bench.step();
    assert_eq!(bench.host.output("unit_setpoint"), Some(38.5), "weather compensation's");
}
