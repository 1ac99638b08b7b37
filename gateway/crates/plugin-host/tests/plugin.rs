//! A plugin over its life: periods, faults, restarts, exchange.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use wellhead_fixtures::Fixture;
use wellhead_model::Mono;
use wellhead_plugin_host::*;

fn plugin(fixture: Fixture) -> Plugin {
    Plugin::new(prepare(fixture).unwrap(), setup(), at(0.0))
}

fn done(outcome: Outcome) -> Effects {
    match outcome {
        Outcome::Done(effects) => effects,
        other => panic!("{other:?}"),
    }
}

fn failed(outcome: Outcome) -> (Fault, Phase) {
    match outcome {
        Outcome::Failed(fault, phase) => (fault, phase),
        other => panic!("{other:?}"),
    }
}

/// `init` at 0 s, then a tick at each of the given times.
fn counted(it: &mut Plugin, times: &[f64]) -> Vec<Option<f64>> {
    let count = |effects: Effects| written(&effects).first().and_then(|(_, number)| *number);
    times.iter().map(|t| count(done(it.run(&mut plant(), at(*t))))).collect()
}

#[test]
fn is_initialised_once_then_ticks_at_once_and_every_period() {
    let mut it = plugin(Fixture::Count);
    assert_eq!(it.next(), Some(Mono::default()));
    assert_eq!(counted(&mut it, &[0.0, 0.0]), [None, Some(1.0)]);
    assert_eq!(it.next(), Some(at(1.0).mono));
    assert!(matches!(it.run(&mut plant(), at(0.9)), Outcome::Idle));
    assert_eq!(counted(&mut it, &[1.0]), [Some(2.0)]);
    // Late by three periods: one tick, and the next a period later.
    assert_eq!(counted(&mut it, &[4.5]), [Some(3.0)]);
    assert_eq!(it.next(), Some(at(5.5).mono));
    let metrics = it.metrics();
    assert_eq!((metrics.calls, metrics.starts), (4, 1));
    assert!(metrics.memory > 0);
}

#[test]
fn starts_again_from_its_last_saved_state_and_store() {
    let mut it = plugin(Fixture::Count);
    counted(&mut it, &[0.0, 0.0, 1.0]);
    let saved = it.save(at(1.5)).unwrap().unwrap().clone();
    assert_eq!((saved.version.as_str(), saved.bytes), ("0.1.0", 2u64.to_le_bytes().to_vec()));
    counted(&mut it, &[2.0]);
    // What happened after `save` is lost, as after a crash; the store is not.
    it.disable();
    assert_eq!(it.next(), None);
    assert!(matches!(it.run(&mut plant(), at(3.0)), Outcome::Idle));
    it.enable(at(4.0));
    assert_eq!(counted(&mut it, &[4.0, 4.0]), [None, Some(3.0)]);
    assert_eq!(it.setup().kv["count"], 3u64.to_le_bytes());
}

#[test]
fn a_trap_costs_the_instance_and_is_tried_again_later_until_it_is_given_up() {
    let mut it = plugin(Fixture::Half);
    let mut waits = Vec::new();
    let mut now = 0.0;
    loop {
        done(it.run(&mut plant(), at(now)));
        let (fault, phase) = failed(it.run(&mut plant(), at(now)));
        assert_eq!(fault.kind, FaultKind::Trap);
        match phase {
            Phase::Waiting(until) => {
                assert_eq!(it.metrics().memory, 0, "the store is gone");
                assert!(matches!(it.run(&mut plant(), at(now + 0.5)), Outcome::Idle));
                waits.push(until.since(at(now).mono).as_secs());
                now = until.0.as_secs_f64();
            }
            Phase::Disabled => break,
            Phase::Running => panic!("it is lost"),
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    assert_eq!(it.next(), None);
    let trap = FaultKind::ALL.iter().position(|k| *k == FaultKind::Trap).unwrap();
    assert_eq!(it.metrics().faults[trap], 10);
}

#[test]
fn a_returned_error_leaves_it_running() {
    let mut it = plugin(Fixture::Error);
    done(it.run(&mut plant(), at(0.0)));
    for second in 0..20 {
        let (fault, phase) = failed(it.run(&mut plant(), at(f64::from(second))));
        assert_eq!((fault.kind, phase), (FaultKind::Error, Phase::Running));
    }
}

#[test]
fn a_plugin_that_cannot_start_waits_like_one_that_fell() {
    let mut it = plugin(Fixture::NoStart);
    let (fault, phase) = failed(it.run(&mut plant(), at(0.0)));
    assert_eq!((fault.kind, phase), (FaultKind::Error, Phase::Waiting(at(1.0).mono)));
}

#[test]
fn a_hanging_save_costs_the_instance_but_not_the_state_before() {
    let mut it = plugin(Fixture::SlowSave);
    done(it.run(&mut plant(), at(0.0)));
    let (fault, phase) = it.save(at(0.0)).unwrap_err();
    assert_eq!((fault.kind, phase), (FaultKind::Deadline, Phase::Waiting(at(1.0).mono)));
    assert_eq!(it.setup().saved, None);
    assert!(matches!(it.save(at(0.0)), Ok(None)));
}

#[test]
fn another_version_goes_on_with_the_state_of_the_old() {
    let mut it = plugin(Fixture::Count);
    counted(&mut it, &[0.0, 0.0, 1.0, 2.0]);
    let new = prepare(Fixture::CountTens).unwrap();
    it.replace(new, setup(), &mut plant(), at(2.5)).unwrap();
    assert_eq!(counted(&mut it, &[2.5]), [Some(13.0)]);
    assert_eq!(it.program().manifest().version, "0.2.0");
    assert_eq!(it.setup().kv["count"], 13u64.to_le_bytes());
}

#[test]
fn a_version_that_cannot_start_leaves_the_old_one_running() {
    let mut it = plugin(Fixture::Count);
    counted(&mut it, &[0.0, 0.0]);
    let fault = it.replace(prepare(Fixture::NoStart).unwrap(), setup(), &mut plant(), at(0.5));
    assert_eq!(fault.unwrap_err().text, "no sensor");
    assert_eq!(counted(&mut it, &[1.0]), [Some(2.0)]);
    assert_eq!(it.program().manifest().name, "count");
}
