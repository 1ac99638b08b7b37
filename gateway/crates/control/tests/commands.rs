//! Commands that displace one another in their slot: what stands when one of them ends.

mod common;

use common::*;
use wellhead_control::{Holder, Manner, OutputId};
use wellhead_model::Value;

/// A setpoint that an operator has put to 50 for ten minutes.
fn held_at_50() -> Bench {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    assert_eq!(b.operator(0, float(50.0)), Ok(()));
    assert_eq!(b.writes(), [float(50.0)]);
    b
}

/// A further command of the operator, under way.
fn command(b: &mut Bench, why: &str, value: f64) -> StandIn {
    let mut r = b.standing(0, 8, "operator", float(value));
    r.why = why.to_owned();
    assert!(b.ask(&r, Manner::Once).is_ok());
    r
}

fn shows(b: &Bench) -> Value {
    b.devices[0].value.clone()
}

#[test]
fn a_command_that_fails_leaves_the_earlier_one_as_it_stood() {
    let mut b = held_at_50();
    let second = command(&mut b, "second", 45.0);
    assert_eq!(shows(&b), float(45.0));
    b.conclude(&second, Err("no answer"));
    assert_eq!(shows(&b), float(50.0));
    let operator = Holder::Writer { slot: slot(8), source: "operator" };
    assert_eq!(b.control.holder(OutputId(0)), operator);
    b.pass(10 * MIN);
    assert_eq!(shows(&b), float(40.0), "until its own time is over");
}

#[test]
fn a_command_that_is_done_leaves_nothing_of_the_earlier_one() {
    let mut b = held_at_50();
    let mut second = b.standing(0, 8, "operator", float(45.0));
    (second.why, second.ttl) = ("second".to_owned(), MIN);
    b.ask(&second, Manner::Once).unwrap();
    b.conclude(&second, Ok(()));
    b.pass(2 * MIN);
    assert_eq!(shows(&b), float(40.0), "it is over, and the earlier one does not come back");
}

#[test]
fn of_two_commands_under_way_each_ends_for_itself() {
    let mut b = held_at_50();
    let second = command(&mut b, "second", 45.0);
    let third = command(&mut b, "third", 35.0);
    b.conclude(&second, Ok(()));
    assert_eq!(shows(&b), float(35.0), "the newest stands");
    b.conclude(&third, Err("no answer"));
    assert_eq!(shows(&b), float(45.0), "what was done before it");

    let mut b = held_at_50();
    let second = command(&mut b, "second", 45.0);
    let third = command(&mut b, "third", 35.0);
    b.conclude(&second, Err("no answer"));
    assert_eq!(shows(&b), float(35.0));
    b.conclude(&third, Err("no answer"));
    assert_eq!(shows(&b), float(50.0), "the second is gone, the first is not");
}

#[test]
fn what_becomes_of_a_command_that_stands_again_is_in_the_audit_trail() {
    let mut b = held_at_50();
    let second = command(&mut b, "second", 45.0);
    b.told();
    b.conclude(&second, Err("no answer"));
    let again = b.trail.iter().rfind(|e| e.new == Some(float(50.0)));
    assert_eq!(again.map(|e| e.once), Some(false), "its sender answers for it no more");
    assert_eq!(b.told(), ["operator relinquished", "operator written"]);
}
