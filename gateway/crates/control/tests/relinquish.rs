//! Outputs that are given back to their device when nobody wants anything.

#![expect(clippy::unwrap_used, reason = "a test's own tools")]

mod common;

use common::*;
use std::time::Duration;
use wellhead_control::{Holder, OutputId, OutputSetup, Rules};

fn pump(rules: Rules) -> OutputSetup {
    let mut pump = switch("pump", rules);
    pump.point.output.as_mut().unwrap().relinquish = true;
    pump
}

/// A pump that its device's own programme keeps running.
fn running(rules: Rules) -> Bench {
    let mut b = Bench::new(vec![pump(rules)], Vec::new());
    (b.own[0], b.devices[0].value) = (ON, ON);
    b.poll();
    b
}

/// How often it was given back since the last call.
fn given_back(b: &mut Bench) -> usize {
    std::mem::take(&mut b.given_back)
}

#[test]
fn an_output_whose_last_writer_lapses_is_given_back_once_and_left_alone() {
    let mut b = running(Rules::default());
    b.plugin(0, OFF);
    assert_eq!((b.writes(), b.devices[0].value.clone()), (vec![OFF], OFF));
    b.pass(10 * MIN);
    assert_eq!((given_back(&mut b), b.writes()), (1, vec![]), "no safe value besides");
    assert_eq!(b.told(), ["plugin written", "plugin lapsed", "control written"]);
    assert_eq!(b.actions.iter().filter(|a| format!("{a:?}").contains("Relinquish {")).count(), 1);
    assert_eq!(b.control.holder(OutputId(0)), Holder::Nobody);
    assert!(!b.control.is_held(OutputId(0)), "a restarted gateway has nothing to bring back");
    // Whatever its own programme does is no change by hand.
    for shows in [ON, OFF, ON] {
        b.devices[0].value = shows;
        b.poll();
        b.pass(HOUR);
    }
    assert_eq!((given_back(&mut b), b.writes(), b.told().len()), (0, vec![], 0));
    // The value that it shows by itself is still to be commanded.
    b.plugin(0, ON);
    assert_eq!(b.writes(), [ON], "what it shows is not what we hold");
    b.give_back(0, 14);
    assert_eq!((given_back(&mut b), b.writes()), (1, vec![]));
}

#[test]
fn an_output_is_given_back_only_after_the_last_slot_and_its_minimum_on_time() {
    let mut b = running(Rules { min_on: 20 * MIN, ..Rules::default() });
    b.own[0] = OFF;
    b.plugin(0, ON);
    b.operator(0, ON).unwrap();
    b.give_back(0, 8);
    assert_eq!(given_back(&mut b), 0, "the plugin still wants it");
    b.give_back(0, 14);
    b.pass(10 * MIN);
    assert_eq!(given_back(&mut b), 0);
    b.pass(10 * MIN);
    assert_eq!(given_back(&mut b), 1);
}

#[test]
fn an_interlock_writes_the_safe_value_as_long_as_somebody_wants_another() {
    let lock = interlock(&[0], 0, Duration::ZERO, Duration::ZERO);
    let mut b = Bench::new(vec![pump(Rules::default())], vec![lock]);
    b.input(0, Some(true));
    b.plugin(0, ON);
    b.input(0, Some(false));
    assert_eq!((given_back(&mut b), b.writes()), (0, vec![ON, OFF]));
    b.give_back(0, 14);
    assert_eq!((given_back(&mut b), b.writes()), (1, vec![]));
    b.input(0, Some(true));
    b.input(0, Some(false));
    assert_eq!((given_back(&mut b), b.writes()), (0, vec![]), "nobody commands it");
    b.plugin(0, ON);
    assert_eq!(b.writes(), [OFF], "it is kept from it");
}

#[test]
fn what_could_not_be_given_back_is_tried_again_and_told() {
    let mut b = running(Rules::default());
    b.plugin(0, OFF);
    b.writes();
    b.devices[0].mood = Mood::Silent;
    b.give_back(0, 14);
    b.pass(10 * S);
    b.devices[0].mood = Mood::Fine;
    b.poll();
    assert_eq!(given_back(&mut b), 3, "every 5 s");
    assert_eq!(b.alarms(), ["+ hp1/pump does not follow what is written to it"]);
    assert!(b.control.is_held(OutputId(0)), "it may still be ours");
    b.pass(5 * S);
    assert_eq!(given_back(&mut b), 1);
    assert_eq!(b.alarms(), ["- NotFollowing(OutputId(0))"]);
    assert!(!b.control.is_held(OutputId(0)));
    b.pass(HOUR);
    assert_eq!(given_back(&mut b), 0);
}

#[test]
fn what_still_stands_in_spite_of_it_is_tried_again_every_minute() {
    let mut b = running(Rules::default());
    b.plugin(0, OFF);
    b.devices[0].mood = Mood::Stuck;
    b.give_back(0, 14);
    b.pass(10 * S);
    assert_eq!(given_back(&mut b), 3);
    assert_eq!(b.told().last().unwrap(), "control mismatch");
    b.poll();
    b.pass(MIN - S);
    assert_eq!(given_back(&mut b), 0);
    b.devices[0].mood = Mood::Fine;
    b.pass(S);
    assert_eq!((given_back(&mut b), b.alarms().len()), (1, 2));
}

#[test]
fn a_restarted_gateway_gives_back_what_an_earlier_run_held() {
    let mut b = running(Rules::default());
    b.plugin(0, OFF);
    b.writes();
    b.restart(MIN, true);
    assert_eq!((given_back(&mut b), b.writes()), (1, vec![]));
    assert_eq!(b.devices[0].value, ON);
    assert!(!b.control.is_held(OutputId(0)));
}

#[test]
fn a_number_moves_from_what_the_device_showed_by_itself_no_faster_than_its_rate() {
    let ramped = |o: &mut wellhead_model::Output| (o.rate_max, o.relinquish) = (Some(1.0), true);
    let mut b = Bench::new(vec![setpoint("speed", ramped)], Vec::new());
    b.own[0] = float(50.0);
    b.poll();
    b.plugin(0, float(41.0));
    b.give_back(0, 14);
    b.writes();
    b.poll();
    b.pass(HOUR);
    b.plugin(0, float(42.0));
    assert_eq!(b.writes(), [float(45.0)], "a step of 5 s down from its own 50");
}
