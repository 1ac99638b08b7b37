//! What a changed setup keeps, and what interlocks make of inputs that come and go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own tools")]

mod common;

use common::*;
use std::time::Duration;
use wellhead_control::{
    Action, AlarmId, Condition, InputId, InterlockId, Manner, OutputId, OutputSetup, Request,
    Rules, Setup,
};
use wellhead_model::{Quality, Value};

const NOTHING: [&str; 0] = [];

fn active(b: &Bench) -> Vec<AlarmId> {
    b.control.alarms().collect()
}

/// A setpoint of 20 to `max`, written again each minute.
fn up_to(max: f64) -> OutputSetup {
    let mut o = setpoint("temp", |o| (o.limits, o.safe) = (Some((20.0, max)), float(30.0)));
    o.rules.refresh = Some(MIN);
    o
}

#[test]
fn what_new_limits_forbid_is_written_no_more_and_told() {
    let mut b = Bench::new(vec![up_to(60.0)], Vec::new());
    b.plugin(0, float(50.0));
    let r = b.standing(0, 15, "other", float(35.0));
    b.ask(&r, Manner::Standing).unwrap();
    assert_eq!(b.writes(), [float(50.0)]);
    b.told();
    b.setup.outputs[0] = up_to(40.0);
    b.control.reload(b.setup.clone(), b.now);
    b.step();
    b.pass(5 * MIN);
    assert_eq!(b.writes()[..2], [float(35.0), float(35.0)], "what may still be, and again");
    assert_eq!(b.trail[0].why.as_ref(), "not allowed any more: 50 is outside 20 to 40");
    assert_eq!(b.told(), ["plugin released", "other written"]);
    b.setup.outputs[0] = up_to(60.0);
    b.control.reload(b.setup.clone(), b.now);
    b.writes();
    b.pass(MIN);
    assert_eq!(b.writes(), [float(35.0)], "what is gone does not return");
}

#[test]
fn a_command_gives_back_nothing_that_new_limits_forbid() {
    let mut b = Bench::new(vec![up_to(60.0)], Vec::new());
    let plugin = b.standing(0, 8, "plugin", float(50.0));
    b.ask(&plugin, Manner::Standing).unwrap();
    let command = b.standing(0, 8, "operator", float(35.0));
    b.ask(&command, Manner::Once).unwrap();
    b.setup.outputs[0] = up_to(40.0);
    b.control.reload(b.setup.clone(), b.now);
    assert_eq!(b.control.claim(OutputId(0), slot(8)), Some(("operator", &float(35.0))));
    b.writes();
    b.conclude(&command, Err("the command failed"));
    assert_eq!(b.writes(), [float(30.0)]);
}

#[test]
fn a_changed_setup_keeps_what_is_held_and_names_what_can_no_longer_be_made_safe() {
    let mut b =
        Bench::new(vec![switch("a", Rules::default()), switch("b", Rules::default())], vec![]);
    b.plugin(0, ON);
    b.plugin(1, ON);
    b.writes();
    let mut setup = b.setup.clone();
    setup.outputs.remove(0);
    setup.outputs.push(switch("c", Rules::default()));
    assert_eq!(b.control.reload(setup.clone(), b.now), ["hp1/a"]);
    (b.setup, b.devices[0]) = (setup, b.devices[1].clone());
    b.step();
    b.pass(9 * MIN);
    assert_eq!(b.writes(), []);
    b.pass(2 * MIN);
    assert_eq!(b.writes(), [OFF], "b is now at the first position and lapses as before");
}

#[test]
fn a_changed_setup_gives_an_interlock_the_time_it_allows_to_be_seen_again() {
    let locks = vec![interlock(&[0], 0, 30 * S, 10 * S), interlock(&[1], 1, 30 * S, 10 * S)];
    let outputs = vec![switch("a", Rules::default()), switch("b", Rules::default())];
    let mut b = Bench::new(outputs, locks);
    b.input(0, Some(true));
    b.input(1, Some(true));
    b.pass(30 * S);
    b.plugin(0, ON);
    b.plugin(1, ON);
    assert_eq!(b.writes(), [ON, ON]);
    // The second wants something else now, of which nothing is known.
    b.setup.interlocks[1].needs = Condition::Is(Value::Bool(false));
    assert_eq!(b.control.reload(b.setup.clone(), b.now), [""; 0]);
    b.input(0, None);
    b.input(1, None);
    assert_eq!(b.writes(), [OFF]);
    b.pass(9 * S);
    assert_eq!(b.writes(), []);
    b.input(0, Some(true));
    b.pass(MIN);
    assert_eq!(b.writes(), [], "it was seen in time");
    b.control.reload(b.setup.clone(), b.now);
    b.input(0, None);
    b.pass(10 * S);
    assert_eq!(b.writes(), [OFF], "and is not seen any more");
}

#[test]
fn a_changed_setup_keeps_the_proof_of_each_interlock_and_lends_it_to_no_other() {
    let locks = vec![interlock(&[0], 0, 30 * S, 10 * S), interlock(&[1], 1, 30 * S, 10 * S)];
    let outputs = vec![switch("a", Rules::default()), switch("b", Rules::default())];
    let mut b = Bench::new(outputs, locks);
    b.input(0, Some(true));
    b.input(1, Some(false));
    b.pass(30 * S);
    b.plugin(0, ON);
    b.plugin(1, ON);
    b.control.reload(b.setup.clone(), b.now);
    b.pass(5 * S);
    assert_eq!((&b.devices[0].value, &b.devices[1].value), (&ON, &OFF));
}

#[test]
fn a_write_under_way_is_waited_for_over_a_reload_that_moves_its_output() {
    let outputs = vec![switch("a", Rules::default()), setpoint("temp", |_| {})];
    let mut b = Bench::new(outputs, Vec::new());
    b.poll();
    let wish = Request {
        output: OutputId(1),
        slot: slot(14),
        source: "plugin",
        why: "",
        value: Some(&float(45.0)),
        ttl: 10 * MIN,
        manner: Manner::Standing,
    };
    b.control.request(&wish, b.now).unwrap();
    let mut actions = Vec::new();
    b.control.step(b.now, &mut actions);
    let [Action::Write { ticket, .. }] = actions[..] else { panic!("{actions:?}") };
    b.setup.outputs.remove(0);
    b.devices.remove(0);
    b.control.reload(b.setup.clone(), b.now);
    b.poll();
    assert!(b.control.is_on(OutputId(0)), "what was read meanwhile may be from before");
    assert_eq!(b.writes(), [], "and is no reason to write again");
    b.devices[0].value = float(45.0);
    b.control.written(ticket, Ok(Some(&float(45.0))), b.now);
    b.step();
    assert_eq!((b.told(), b.writes()), (vec!["plugin written".to_owned()], vec![]));
}

#[test]
fn what_was_not_told_yet_names_its_output_where_it_stands_after_a_reload() {
    let outputs = ["a", "b", "c"].map(|id| switch(id, Rules::default())).to_vec();
    let mut b = Bench::new(outputs, Vec::new());
    for i in 0..3 {
        b.plugin(i, ON);
    }
    b.told();
    b.control.release_source("plugin", "it died", b.now);
    b.setup.outputs.remove(0);
    b.setup.outputs.swap(0, 1);
    b.devices.remove(0);
    b.control.reload(b.setup.clone(), b.now);
    let mut actions = Vec::new();
    b.control.step(b.now, &mut actions);
    let told = actions.iter().filter_map(|a| match a {
        Action::Audit(entry) => Some((entry.what.code(), entry.output)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("released", OutputId(1)), ("released", OutputId(0))]);
}

/// Two switches, each behind a proof of its own, of which the first is lost and told.
fn stopped() -> Bench {
    let lock = |i| interlock(&[i], i, Duration::ZERO, Duration::ZERO);
    let outputs = vec![switch("a", Rules::default()), switch("b", Rules::default())];
    let mut b = Bench::new(outputs, vec![lock(0), lock(1)]);
    for i in [0, 1] {
        b.input(i, Some(true));
        b.plugin(i, ON);
    }
    b.input(0, Some(false));
    assert_eq!(b.alarms(), ["+ hp1/a was stopped: proof 0 is lost"]);
    b
}

#[test]
fn the_alarm_of_a_lost_interlock_outlives_a_reload_until_it_holds_again() {
    let mut b = stopped();
    b.setup.interlocks.swap(0, 1);
    b.control.reload(b.setup.clone(), b.now);
    b.step();
    assert_eq!(b.alarms(), NOTHING);
    assert_eq!(active(&b), [AlarmId::Interlock(InterlockId(1))]);
    // It wants more now, of which nothing is known.
    b.setup.interlocks[1].needs = Condition::Above(20.0);
    b.control.reload(b.setup.clone(), b.now);
    b.step();
    assert_eq!(b.alarms(), NOTHING);
    b.control.input(InputId(0), Quality::Good, Some(&float(21.0)), b.now);
    b.step();
    assert_eq!(b.alarms(), ["- Interlock(InterlockId(1))"]);
    assert_eq!(active(&b), []);
}

#[test]
fn the_alarm_of_an_interlock_that_is_gone_stands_no_more_and_is_no_other_ones() {
    let mut b = stopped();
    b.setup.interlocks.remove(0);
    b.control.reload(b.setup.clone(), b.now);
    b.step();
    assert_eq!(b.alarms(), NOTHING, "position 0 is another one's");
    assert_eq!(active(&b), []);
}

#[test]
fn the_alarms_of_an_output_go_with_it_and_move_with_it() {
    let mut worn = setpoint("temp", |_| {});
    worn.rules.writes_per_year_max = Some(5);
    let mut b = Bench::new(vec![worn, switch("run", Rules::default())], Vec::new());
    for device in &mut b.devices {
        device.mood = Mood::Stuck;
    }
    b.plugin(0, float(45.0));
    b.plugin(1, ON);
    b.pass(2 * MIN);
    let follow = |i| AlarmId::NotFollowing(OutputId(i));
    let budget = AlarmId::WriteBudget(OutputId(0));
    assert_eq!(active(&b), [follow(0), budget, follow(1)]);
    b.alarms();
    b.setup.outputs[0].rules.writes_per_year_max = None;
    b.control.reload(b.setup.clone(), b.now);
    b.step();
    assert_eq!(b.alarms(), ["- WriteBudget(OutputId(0))"], "what is not limited is not spent");
    b.setup.outputs.remove(0);
    b.devices.remove(0);
    b.control.reload(b.setup.clone(), b.now);
    assert_eq!(active(&b), [follow(0)], "of the one that stays");
    b.devices[0].mood = Mood::Fine;
    b.pass(HOUR);
    assert_eq!((b.alarms(), active(&b)), (vec!["- NotFollowing(OutputId(0))".to_owned()], vec![]));
}

#[test]
fn a_setup_forgets_what_nobody_held() {
    let mut b = run(Rules::default());
    assert_eq!(b.control.reload(Setup::default(), b.now), NOTHING);
}

#[test]
fn a_proof_that_comes_and_goes_leaves_nothing_on_that_has_not_followed_its_loss() {
    let lock = interlock(&[0], 0, 5 * MIN, 10 * S);
    let mut b = Bench::new(vec![switch("run", Rules::default())], vec![lock]);
    b.input(0, Some(true));
    b.pass(5 * MIN);
    b.plugin(0, ON);
    b.devices[0].mood = Mood::Stuck;
    b.input(0, Some(false));
    b.pass(20 * S);
    for holds in [true, false, true] {
        b.input(0, Some(holds));
    }
    b.devices[0].mood = Mood::Fine;
    b.pass(5 * MIN - S);
    assert_eq!(b.devices[0].value, OFF, "until the proof has held for its time");
    b.pass(S);
    assert_eq!(b.devices[0].value, ON);
}
