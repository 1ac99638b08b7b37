//! Each rule by itself.

mod common;

use common::*;
use std::time::Duration;
use wellhead_control::{AlarmId, Held, Holder, Manner, OutputId, Rules, What};
use wellhead_model::Value;

#[test]
fn the_lowest_slot_wins_and_the_next_one_takes_over_when_it_lapses() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    b.plugin(0, float(45.0));
    let mut remote = b.standing(0, 10, "mqtt", float(50.0));
    remote.ttl = MIN;
    b.ask(&remote, Manner::Once).unwrap();
    assert_eq!(b.writes(), [float(45.0), float(50.0)]);
    b.pass(MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [float(45.0)], "not the safe value: the plugin still wants 45");
    b.pass(10 * MIN);
    assert_eq!(b.writes(), [float(40.0)]);
    let told = ["plugin written", "mqtt written", "mqtt lapsed", "plugin written"];
    assert_eq!(b.told(), [&told[..], &["plugin lapsed", "control written"]].concat());
}

#[test]
fn c3_an_operator_overrides_in_one_step_and_is_told() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.operator(0, OFF).unwrap();
    assert_eq!(b.writes(), [ON, OFF]);
    let last = b.trail.last().unwrap();
    assert_eq!((&*last.source, last.slot, last.what), ("operator", Some(slot(8)), What::Written));
    assert_eq!((last.old.as_ref(), last.new.as_ref()), (Some(&ON), Some(&OFF)));
    assert_eq!(&*last.why, "operator says so");
    let by = Holder::Writer { slot: slot(8), source: "operator" };
    assert_eq!(b.control.holder(OutputId(0)), by);
    b.plugin(0, ON);
    assert_eq!(b.writes(), []);
    b.give_back(0, 8);
    assert_eq!(b.writes(), [ON]);
}

#[test]
fn a_renewal_keeps_a_value_without_a_write_or_an_entry_each_time() {
    let mut b = run(Rules::default());
    for _ in 0..20 {
        b.plugin(0, ON);
        b.pass(9 * MIN);
    }
    assert_eq!(b.writes(), [ON]);
    assert_eq!(b.told(), ["plugin written"]);
    b.pass(MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [OFF]);
}

#[test]
fn a_value_that_stands_is_written_again_for_the_devices_watchdog_and_told_once() {
    let budget = Some(6);
    let rules = Rules { refresh: Some(MIN), writes_per_year_max: budget, ..Rules::default() };
    let mut b = run(rules);
    b.plugin(0, ON);
    assert_eq!(b.writes(), [ON]);
    b.pass(MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    b.pass(2 * MIN);
    assert_eq!(b.writes(), [ON, ON]);
    assert_eq!(b.told(), ["plugin written"]);
    assert_eq!(b.control.count(OutputId(0)).starts, 1, "it never stopped");
    b.operator(0, OFF).unwrap();
    assert_eq!(b.writes(), [OFF]);
    b.pass(5 * MIN);
    assert_eq!(b.writes(), [], "at its safe value an output needs no sign of life");
}

#[test]
fn c5_a_source_that_died_loses_all_its_slots_at_once_and_others_none() {
    let mut b =
        Bench::new(vec![switch("a", Rules::default()), switch("b", Rules::default())], vec![]);
    b.plugin(0, ON);
    b.plugin(1, ON);
    let other = b.standing(1, 15, "other", ON);
    b.ask(&other, Manner::Standing).unwrap();
    b.writes();
    b.told();
    b.control.release_source("plugin", "plugin stopped", b.now);
    b.step();
    assert_eq!(b.wrote.len(), 1, "b is still wanted by the other");
    assert_eq!((b.wrote[0].output, &b.wrote[0].value), (0, &OFF));
    let why = b.trail.iter().map(|e| &*e.why).collect::<Vec<_>>();
    assert_eq!(why, ["plugin stopped", "plugin stopped", "plugin stopped"]);
    let told = ["plugin released", "plugin released", "control written"];
    assert_eq!(b.told(), told);
    let by = Holder::Writer { slot: slot(15), source: "other" };
    assert_eq!(b.control.holder(OutputId(1)), by);
    assert_eq!(b.control.holder(OutputId(0)), Holder::Nobody);
}

#[test]
fn what_the_point_does_not_take_is_refused_and_told_once() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    let hot = b.standing(0, 14, "plugin", float(55.1));
    for _ in 0..3 {
        assert_eq!(b.ask(&hot, Manner::Standing).unwrap_err().code(), "value");
    }
    let mut own = b.standing(0, 6, "plugin", float(50.0));
    assert_eq!(b.ask(&own, Manner::Standing).unwrap_err().code(), "slot");
    own.output = 7;
    assert_eq!(b.ask(&own, Manner::Standing).unwrap_err().code(), "unknown_point");
    assert_eq!(b.writes(), []);
    assert_eq!(b.told(), ["plugin refused: value", "plugin refused: slot"]);
}

#[test]
fn an_output_nobody_asked_for_is_left_alone() {
    let mut b = run(Rules { restart_delay: MIN, ..Rules::default() });
    b.devices[0].value = ON;
    for _ in 0..10 {
        b.poll();
        b.pass(MIN);
    }
    assert!(b.actions.is_empty());
    assert!(!b.control.is_held(OutputId(0)));
}

#[test]
fn an_interlock_must_have_held_before_a_start_and_stops_everybody_when_it_is_lost() {
    let lock = interlock(&[0], 0, 30 * S, Duration::ZERO);
    let mut b =
        Bench::new(vec![switch("run", Rules { min_on: HOUR, ..Rules::default() })], vec![lock]);
    b.plugin(0, ON);
    assert_eq!(b.operator(0, ON), Err("interlock"), "never seen is not held");
    b.input(0, Some(true));
    b.pass(30 * S - Duration::from_millis(1));
    assert_eq!(b.operator(0, ON), Err("interlock"));
    assert_eq!(b.writes(), [OFF]);
    b.pass(Duration::from_millis(1));
    assert_eq!(b.writes(), [ON]);
    b.pass(MIN);
    b.operator(0, ON).unwrap();
    b.writes();
    b.input(0, None);
    assert_eq!(b.writes(), [OFF], "at once, inside min_on, and against slot 8");
    assert_eq!(b.alarms(), ["+ hp1/run was stopped: proof 0 is lost"]);
    let by = Holder::Held(Held::Interlock(wellhead_control::InterlockId(0)));
    assert_eq!(b.control.holder(OutputId(0)), by);
    b.input(0, Some(true));
    b.pass(29 * S);
    assert_eq!((b.writes(), b.alarms()), (vec![], vec![]));
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    assert_eq!(b.alarms(), ["- Interlock(InterlockId(0))"]);
    let why: Vec<_> = b.trail.iter().map(|e| &*e.why).collect();
    assert!(why.contains(&"interlock lock0"), "{why:?}");
}

#[test]
fn a_loss_shorter_than_within_does_not_stop_and_nothing_moves_meanwhile() {
    let lock = interlock(&[0], 0, Duration::ZERO, 10 * S);
    let mut b = Bench::new(vec![setpoint("speed", |o| o.safe = float(30.0))], vec![lock]);
    b.input(0, Some(true));
    b.plugin(0, float(50.0));
    b.input(0, Some(false));
    b.plugin(0, float(52.0));
    b.pass(9 * S);
    assert_eq!(b.writes(), [float(50.0)]);
    b.input(0, Some(true));
    assert_eq!(b.writes(), [float(52.0)]);
    b.input(0, Some(false));
    b.pass(9 * S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [float(30.0)]);
}

#[test]
fn of_two_interlocks_the_one_that_is_lost_first_decides() {
    let mut slow = interlock(&[0], 1, Duration::ZERO, 20 * S);
    slow.id = "slow".into();
    let locks = vec![interlock(&[0], 0, Duration::ZERO, 10 * S), slow];
    let mut b = Bench::new(vec![switch("run", Rules::default())], locks);
    b.input(0, Some(true));
    b.input(1, Some(true));
    b.plugin(0, ON);
    b.input(1, Some(false));
    b.pass(5 * S);
    b.input(0, Some(false));
    b.pass(9 * S);
    assert_eq!(b.writes(), [ON]);
    b.pass(S);
    assert_eq!(b.writes(), [OFF]);
}

#[test]
fn an_interlock_can_want_a_number_or_a_state() {
    use wellhead_control::Condition::{Above, Below, Is};
    let text = |t: &str| Value::Text(t.into());
    for (condition, value, holds) in [
        (Above(3.0), float(3.1), true),
        (Above(3.0), float(3.0), false),
        (Below(3.0), Value::Int(2), true),
        (Below(3.0), Value::Int(3), false),
        (Above(3.0), text("9"), false),
        (Below(3.0), text("1"), false),
        (Is(text("open")), text("open"), true),
        (Is(text("open")), text("closed"), false),
        (Is(ON), ON, true),
        (Is(ON), OFF, false),
        (Is(Value::Int(2)), float(2.0), true),
    ] {
        assert_eq!(condition.holds(&value), holds, "{condition:?} {value}");
    }
}

#[test]
fn minimum_times_restrain_all_but_protection() {
    let rules = Rules { min_on: 15 * MIN, min_off: 10 * MIN, ..Rules::default() };
    let mut b = run(rules);
    b.plugin(0, ON);
    assert_eq!(b.control.holder(OutputId(0)), Holder::Held(Held::MinimumOff));
    b.pass(10 * MIN - S);
    b.plugin(0, ON);
    assert_eq!(b.writes(), [], "off since the start as far as anybody knows");
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    b.give_back(0, 14);
    assert_eq!(b.operator(0, OFF), Err("minimum_on"));
    b.pass(15 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [OFF]);
    b.pass(MIN);
    b.plugin(0, ON);
    assert_eq!(b.operator(0, ON), Err("minimum_off"));
    b.pass(9 * MIN);
    assert_eq!(b.writes(), [ON]);
    let mut safety = b.standing(0, 5, "guard", OFF);
    b.ask(&safety, Manner::Standing).unwrap();
    assert_eq!(b.writes(), [OFF], "protection does not wait");
    safety.value = Some(ON);
    b.ask(&safety, Manner::Standing).unwrap();
    assert_eq!(b.writes(), [], "but may only move towards safe");
    let told = b.told();
    assert!(told.contains(&"plugin held: minimum_off".into()), "{told:?}");
    assert!(told.contains(&"control held: minimum_on".into()), "{told:?}");
}

#[test]
fn the_fifth_start_waits_until_the_first_is_an_hour_old() {
    let mut b = run(Rules { starts_per_hour_max: Some(4), ..Rules::default() });
    for _ in 0..4 {
        b.plugin(0, ON);
        b.give_back(0, 14);
        b.pass(MIN);
    }
    assert_eq!(b.writes().len(), 8);
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = 2 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    assert_eq!(b.operator(0, ON), Err("starts_per_hour"));
    b.pass(56 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    assert_eq!(b.control.count(OutputId(0)).starts, 5);
    assert_eq!(b.control.count(OutputId(0)).writes, 9);
}

#[test]
fn a_command_may_start_it_the_moment_the_last_start_is_an_hour_old() {
    let mut b = run(Rules { starts_per_hour_max: Some(1), ..Rules::default() });
    b.plugin(0, ON);
    b.give_back(0, 14);
    b.now.mono = b.now.mono + (HOUR - Duration::from_nanos(1));
    assert_eq!(b.operator(0, ON), Err("starts_per_hour"));
    b.now.mono = b.now.mono + Duration::from_nanos(1);
    assert_eq!(b.operator(0, ON), Ok(()));
}

#[test]
fn an_output_that_may_never_start_does_not() {
    let mut b = run(Rules { starts_per_hour_max: Some(0), ..Rules::default() });
    b.plugin(0, ON);
    b.pass(5 * MIN);
    assert_eq!(b.writes(), []);
}

#[test]
fn a_standing_value_is_ramped_a_command_is_refused_and_the_safe_value_comes_at_once() {
    let mut b = Bench::new(vec![setpoint("temp", |o| o.rate_max = Some(0.1))], Vec::new());
    b.poll();
    b.pass(HOUR);
    b.plugin(0, float(42.0));
    assert_eq!(b.writes(), [float(40.5)], "half a degree in five seconds, however long it rested");
    b.pass(5 * S);
    assert_eq!(b.operator(0, float(42.0)), Err("too_fast"));
    b.pass(9 * S);
    let steps: Vec<f64> = b.writes().iter().map(|v| v.as_f64().unwrap()).collect();
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!((steps[0] - 41.0).abs() < 1e-9 && (steps[1] - 41.5).abs() < 1e-9, "{steps:?}");
    b.pass(S);
    assert_eq!(b.writes(), [float(42.0)]);
    b.pass(MIN);
    assert_eq!(b.writes(), []);
    b.give_back(0, 14);
    assert_eq!(b.writes(), [float(40.0)]);
    let told = ["plugin ramping", "plugin written", "plugin relinquished", "control written"];
    assert_eq!(b.told(), told);
}

#[test]
fn a_command_may_use_the_time_since_the_last_write() {
    let mut b = Bench::new(vec![setpoint("temp", |o| o.rate_max = Some(0.1))], Vec::new());
    b.operator(0, float(45.0)).unwrap();
    b.pass(20 * S);
    assert_eq!(b.operator(0, float(47.1)), Err("too_fast"));
    b.operator(0, float(43.0)).unwrap();
    assert_eq!(b.writes(), [float(45.0), float(43.0)]);
}

#[test]
fn a_whole_number_ramps_in_whole_steps() {
    let mut o = setpoint("stage", |o| {
        o.rate_max = Some(0.1);
        o.limits = Some((0.0, 10.0));
        o.safe = Value::Int(0);
    });
    o.point.shape = wellhead_model::Shape::Int;
    let mut b = Bench::new(vec![o], Vec::new());
    b.poll();
    let r = b.standing(0, 14, "plugin", Value::Int(3));
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(MIN);
    assert_eq!(b.writes(), [1, 2, 3].map(Value::Int));
    let r = b.standing(0, 14, "plugin", Value::Int(1));
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(MIN);
    assert_eq!(b.writes(), [2, 1].map(Value::Int));
}

#[test]
fn a_whole_number_never_ramps_faster_than_its_rate_and_always_moves() {
    // At 0.3 a second, steps of five seconds reach 1.5. At 0.12 a second, one takes a time that is
    // no whole number of nanoseconds.
    for (rate, up, down) in [(0.3, [1, 2, 3], [2, 1, 0]), (0.12, [1, 2, 3], [2, 1, 0])] {
        let mut o = setpoint("stage", |o| {
            (o.rate_max, o.limits) = (Some(rate), Some((0.0, 10.0)));
            o.safe = Value::Int(9);
        });
        o.point.shape = wellhead_model::Shape::Int;
        let mut b = Bench::new(vec![o], Vec::new());
        b.devices[0].value = Value::Int(0);
        b.poll();
        for (target, steps) in [(3, up), (0, down)] {
            let r = b.standing(0, 14, "plugin", Value::Int(target));
            b.ask(&r, Manner::Standing).unwrap();
            b.pass(MIN);
            assert_eq!(b.writes(), steps.map(Value::Int), "{rate}");
        }
    }
}

#[test]
fn a_ramp_step_that_comes_late_goes_as_far_as_the_time_allows() {
    let mut b = Bench::new(vec![setpoint("temp", |o| o.rate_max = Some(0.1))], Vec::new());
    b.poll();
    b.plugin(0, float(50.0));
    b.now.mono = b.now.mono + 8 * S;
    b.step();
    let steps: Vec<f64> = b.writes().iter().map(|v| v.as_f64().unwrap()).collect();
    assert!((steps[0] - 40.5).abs() < 1e-9 && (steps[1] - 41.3).abs() < 1e-9, "{steps:?}");
}

#[test]
fn a_ramp_from_outside_the_limits_begins_at_the_limit() {
    let mut b = Bench::new(vec![setpoint("temp", |o| o.rate_max = Some(0.1))], Vec::new());
    b.devices[0].value = float(20.0);
    b.poll();
    b.plugin(0, float(45.0));
    assert_eq!(b.writes(), [float(30.0)]);
}

#[test]
fn writes_are_no_closer_than_the_interval_but_the_safe_value_does_not_wait() {
    let mut b = Bench::new(vec![setpoint("temp", |o| o.interval_min = MIN)], Vec::new());
    b.plugin(0, float(45.0));
    b.plugin(0, float(46.0));
    b.plugin(0, float(47.0));
    assert_eq!(b.operator(0, float(50.0)), Err("too_soon"));
    b.pass(MIN - S);
    assert_eq!(b.writes(), [float(45.0)]);
    b.pass(S);
    assert_eq!(b.writes(), [float(47.0)]);
    b.give_back(0, 14);
    assert_eq!(b.writes(), [float(40.0)]);
}

#[test]
fn the_yearly_budget_warns_then_leaves_only_the_safe_value() {
    let mut o = setpoint("temp", |_| {});
    o.rules.writes_per_year_max = Some(5);
    let mut b = Bench::new(vec![o], Vec::new());
    for i in 0..4 {
        assert_eq!(b.alarms(), Vec::<String>::new());
        b.plugin(0, float(45.0 + f64::from(i)));
    }
    assert_eq!(b.alarms(), ["+ hp1/temp had 4 of 5 writes of this year"]);
    b.plugin(0, float(50.0));
    let spent = "+ hp1/temp had 5 of 5 writes of this year; only its safe value is written";
    assert_eq!(b.alarms(), [spent]);
    assert_eq!(b.operator(0, float(51.0)), Err("write_budget"));
    b.plugin(0, float(51.0));
    assert_eq!(b.writes().last(), Some(&float(50.0)));
    b.restart(MIN, true);
    assert_eq!(b.writes(), [float(40.0)]);
    assert_eq!(b.alarms(), [spent,]);
    b.plugin(0, float(45.0));
    assert_eq!(b.writes(), [], "a restart gives nothing back");
    b.now.utc.0 += 200 * 24 * 3_600_000;
    b.plugin(0, float(46.0));
    assert_eq!(b.writes(), [float(46.0)], "a new year does");
    assert_eq!(b.alarms(), [format!("- {:?}", AlarmId::WriteBudget(OutputId(0)))]);
}

#[test]
fn shadow_requests_are_judged_and_told_and_never_written() {
    let mut b = run(Rules::default());
    let mut r = b.standing(0, 14, "plugin", ON);
    b.ask(&r, Manner::Shadow).unwrap();
    b.ask(&r, Manner::Shadow).unwrap();
    assert_eq!(b.told(), ["plugin shadow"]);
    r.value = None;
    b.ask(&r, Manner::Shadow).unwrap();
    let op = b.standing(0, 8, "operator", OFF);
    b.ask(&op, Manner::Once).unwrap();
    b.writes();
    r.value = Some(ON);
    b.ask(&r, Manner::Shadow).unwrap();
    assert_eq!(b.told(), ["plugin shadow", "operator written", "plugin shadow: overridden"]);
    assert_eq!(b.writes(), []);
    let hot = Value::Text("x".into());
    r.value = Some(hot);
    assert_eq!(b.ask(&r, Manner::Shadow).unwrap_err().code(), "value");
    b.control.release_source("plugin", "stopped", b.now);
    r.value = Some(ON);
    b.told();
    b.ask(&r, Manner::Shadow).unwrap();
    assert_eq!(b.told(), ["plugin shadow: overridden"], "a new life tells anew");
}

#[test]
fn a_shadow_says_what_would_hold_it_back() {
    let mut b = run(Rules { min_off: MIN, ..Rules::default() });
    let r = b.standing(0, 14, "plugin", ON);
    b.ask(&r, Manner::Shadow).unwrap();
    assert_eq!(b.told(), ["plugin shadow: minimum_off"]);
}

#[test]
fn a_command_below_a_holder_is_refused_with_its_name() {
    let mut b = run(Rules::default());
    b.operator(0, ON).unwrap();
    let r = b.standing(0, 10, "mqtt:cloud", OFF);
    let refused = b.ask(&r, Manner::Once).unwrap_err();
    assert_eq!(refused.to_string(), "operator holds the point in slot 8 (operator)");
    assert_eq!(refused.code(), "overridden");
    b.plugin(0, OFF);
    assert_eq!(b.told(), ["operator written", "plugin held: overridden"]);
}

#[test]
fn slots_have_names_for_people() {
    for (n, en, zh) in [
        (1, "manual life safety", "人工生命安全"),
        (2, "automatic life safety", "自动生命安全"),
        (5, "protection", "设备保护"),
        (6, "minimum on/off time", "最短启停时间"),
        (8, "operator", "操作员"),
        (10, "remote command", "远程命令"),
        (14, "plugins", "插件"),
        (16, "lowest", "最低"),
        (3, "free", "空闲"),
    ] {
        let s = slot(n);
        assert_eq!((u64::from(s.number()), s.name(), s.name_zh()), (n, en, zh));
    }
    for n in [0, 17, 256 + 8] {
        assert!(wellhead_control::Slot::new(n).is_err());
    }
}

#[test]
fn the_way_to_safe_is_pursued_while_the_next_start_is_held_back() {
    let mut b = run(Rules { min_off: 10 * MIN, ..Rules::default() });
    b.pass(10 * MIN);
    b.plugin(0, ON);
    b.devices[0].mood = Mood::Silent;
    b.give_back(0, 14);
    b.plugin(0, ON);
    b.writes();
    b.pass(10 * S);
    assert_eq!(b.writes(), [OFF, OFF], "it may still be on");
}

#[test]
fn what_kept_running_through_a_short_loss_need_not_wait_as_a_start_does() {
    let lock = interlock(&[0], 0, 30 * S, 10 * S);
    let mut b = Bench::new(vec![setpoint("speed", |o| o.safe = float(30.0))], vec![lock]);
    b.input(0, Some(true));
    b.pass(30 * S);
    b.plugin(0, float(50.0));
    b.input(0, Some(false));
    b.pass(3 * S);
    b.input(0, Some(true));
    b.plugin(0, float(52.0));
    assert_eq!(b.writes(), [float(50.0), float(52.0)]);
}

#[test]
fn an_interlock_that_stopped_an_output_holds_it_until_it_has_held_again() {
    let lock = interlock(&[0], 0, 5 * MIN, Duration::ZERO);
    let mut b = Bench::new(vec![switch("run", Rules::default())], vec![lock]);
    b.input(0, Some(true));
    b.pass(5 * MIN);
    b.plugin(0, ON);
    b.devices[0].mood = Mood::Stuck;
    b.input(0, Some(false));
    b.pass(20 * S);
    b.input(0, Some(true));
    b.devices[0].mood = Mood::Fine;
    b.pass(5 * MIN - S);
    assert_eq!(b.devices[0].value, OFF, "it did not follow, and is not left on for that");
    b.pass(S);
    assert_eq!(b.devices[0].value, ON);
}

#[test]
fn near_the_safe_value_is_not_at_it() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    b.plugin(0, float(40.04));
    b.give_back(0, 14);
    assert_eq!(b.writes(), [float(40.04), float(40.0)], "the tolerance is the device's, not ours");
}

#[test]
fn a_start_that_was_not_followed_waits_for_its_interlock_like_the_first_try() {
    let lock = interlock(&[0], 0, 30 * S, 10 * S);
    let mut b = Bench::new(vec![switch("run", Rules::default())], vec![lock]);
    b.input(0, Some(true));
    b.pass(30 * S);
    b.devices[0].mood = Mood::Stuck;
    b.plugin(0, ON);
    b.input(0, Some(false));
    b.input(0, Some(true));
    b.devices[0].mood = Mood::Fine;
    b.pass(30 * S - S);
    assert_eq!(b.writes(), [ON], "the try that failed");
    b.pass(2 * S);
    assert_eq!(b.devices[0].value, ON);
}
