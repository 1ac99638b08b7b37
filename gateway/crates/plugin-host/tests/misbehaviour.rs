//! One fixture for each way in which a plugin can misbehave, and what remains of it: nothing but a
//! fault and the lines it logged.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use wellhead_fixtures::Fixture;
use wellhead_plugin_host::*;

#[test]
fn a_plugin_that_behaves_reads_writes_publishes_and_keeps() {
    let mut it = start(Fixture::Count);
    let effects = it.tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(written(&effects), [(PUMP, Some(1.0))]);
    assert_eq!(&*effects.writes[0].reason, "because");
    assert_eq!(effects.values[0].trust, Trust::Good);
    assert_eq!(effects.values[0].shown.as_ref().unwrap().as_f64(), Some(1.0));
    assert_eq!(effects.kv[0].value.as_deref(), Some(&1u64.to_le_bytes()[..]));
    assert_eq!(written(&it.tick(&mut plant(), at(2.0)).unwrap()), [(PUMP, Some(2.0))]);
}

#[test]
fn readings_reach_the_plugin_and_its_writes_the_bindings_it_meant() {
    let mut it = start(Fixture::Busy);
    let effects = it.tick(&mut plant(), at(1.0)).unwrap();
    let all: Vec<_> = (0..5).map(|i| (PUMP + i, Some(12.5))).collect();
    assert_eq!(written(&effects), all);
}

#[test]
fn a_change_of_points_reaches_the_plugin() {
    let mut it = start(Fixture::Idle);
    let effects = it.changed(&[1, 2, 3], &mut plant(), at(1.0)).unwrap();
    assert_eq!(written(&effects), [(PUMP, Some(3.0))]);
}

#[test]
fn an_endless_loop_ends_at_the_deadline() {
    let fault = fault(Fixture::Spin);
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
    assert!(fault.text.contains("still computing when its time was over"), "{fault}");
}

#[test]
fn an_endless_loop_ends_also_where_no_clock_is_read_around_a_call() {
    let engine = Engine::for_tools().unwrap();
    let (package, grant) = (package(Fixture::Spin), Grant::all("it"));
    let program = Program::prepare(&engine, &Cache::none(), &package, &grant).unwrap();
    let mut it = Instance::new(&program, &setup(), &mut plant(), at(0.0)).unwrap().0;
    let fault = it.tick(&mut plant(), at(1.0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
    assert_eq!(it.cost(), std::time::Duration::ZERO);
}

#[test]
fn what_was_published_stands_until_another_value_takes_its_place() {
    let mut it = start(Fixture::Count);
    let shown = |it: &Instance| -> Vec<_> {
        it.shown().map(|p| p.shown.as_ref().unwrap().as_f64()).collect()
    };
    assert_eq!(shown(&it), []);
    it.tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(shown(&it), [Some(1.0)]);
    it.save().unwrap();
    assert_eq!(shown(&it), [Some(1.0)]);
    it.tick(&mut plant(), at(2.0)).unwrap();
    assert_eq!(shown(&it), [Some(2.0)]);
}

#[test]
fn a_plugin_that_wants_all_memory_is_stopped_at_its_cap() {
    let mut it = start(Fixture::Hog);
    let fault = it.tick(&mut plant(), at(1.0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Memory, "{fault}");
    assert!(fault.text.starts_with("more than its 4194304 bytes: "), "{fault}");
    assert!(it.memory() <= 4 << 20, "{} bytes", it.memory());
}

#[test]
fn a_plugin_that_fails_between_two_writes_writes_neither() {
    let mut it = start(Fixture::Half);
    let fault = it.tick(&mut plant(), at(1.0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Trap, "{fault}");
    assert_eq!(lines(&fault.logs), ["because"], "what it logged tells how far it came");
    let again = it.tick(&mut plant(), at(2.0)).unwrap_err();
    assert!(again.kind.is_fatal(), "a trapped instance is not entered again: {again}");
}

#[test]
fn endless_recursion_ends_as_a_fault_of_the_stack() {
    let fault = fault(Fixture::Deep);
    assert_eq!(fault.kind, FaultKind::Stack, "{fault}");
    assert!(fault.text.ends_with("call stack exhausted, in deep < deep < deep < deep"), "{fault}");
}

#[test]
fn a_flood_of_lines_is_cut_and_counted() {
    let effects = start(Fixture::Flood).tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(effects.logs.lines.len(), LINES_MAX);
    assert_eq!(effects.logs.dropped as usize, 5000 - LINES_MAX);
}

#[test]
fn a_line_of_three_megabytes_is_refused_before_it_is_copied() {
    let fault = fault(Fixture::Oversize);
    assert_eq!(fault.kind, FaultKind::Oversize, "{fault}");
    assert_eq!(lines(&fault.logs), [""; 0]);
}

#[test]
fn writes_outside_the_grant_are_refused_to_the_plugin_in_a_sentence() {
    let effects = start(Fixture::Overreach).tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(effects.writes, []);
    assert_eq!(
        lines(&effects.logs),
        [
            "temperature is an input by the manifest, and never written",
            "this site does not let the plugin write valve",
            "999 is no handle that lookup returned",
        ]
    );
}

#[test]
fn nan_and_infinity_are_refused_and_reach_neither_output_nor_value() {
    let effects = start(Fixture::NotANumber).tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(effects.writes, []);
    assert_eq!(effects.values, []);
    assert_eq!(
        lines(&effects.logs),
        ["NaN is no number to act on", "inf is no number to act on", "NaN is no number to act on",]
    );
}

#[test]
fn an_error_that_the_plugin_returns_drops_its_writes_and_keeps_its_lines() {
    let mut it = start(Fixture::Error);
    let fault = it.tick(&mut plant(), at(1.0)).unwrap_err();
    assert_eq!((fault.kind, fault.text.as_str()), (FaultKind::Error, "no sensor"));
    assert_eq!(lines(&fault.logs), ["because"]);
    let again = it.tick(&mut plant(), at(2.0)).unwrap_err();
    assert_eq!(again.kind, FaultKind::Error, "it lives on");
}

#[test]
fn what_a_call_tells_and_may_not_drops_its_writes() {
    let mut it = start(Fixture::Babble);
    let fault = it.tick(&mut plant(), at(1.0)).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Error);
    assert_eq!(fault.text, "99 is nothing that lookup returned");
    assert_eq!(it.tick(&mut plant(), at(2.0)).unwrap_err().kind, FaultKind::Error, "it lives on");
}

#[test]
fn an_endless_save_ends_at_the_deadline() {
    let fault = start(Fixture::SlowSave).save().unwrap_err();
    assert_eq!(fault.kind, FaultKind::Deadline, "{fault}");
}

#[test]
fn alarms_and_keys_have_a_bound() {
    let effects = start(Fixture::Hoard).tick(&mut plant(), at(1.0)).unwrap();
    assert_eq!(effects.alarms.len(), ALARMS_MAX);
    assert_eq!(effects.kv.len(), 64);
    assert!(lines(&effects.logs)[0].contains("too many alarms"));
}

#[test]
fn a_reading_without_a_value_tells_why_and_never_becomes_a_number() {
    use wellhead_model::{Quality, Reason, Value};
    for quality in [Quality::Stale(Reason::Aged), Quality::Bad(Reason::NoReply)] {
        // Even if the caller hands over what it had.
        let mut plant = showing(Value::float(12.5), quality);
        let effects = start(Fixture::Busy).tick(&mut plant, at(1.0)).unwrap();
        // The fixture writes the eight bytes at the value's place, here the address of a text and
        // its length: a number so small that no measurement looks like it.
        let [(_, Some(x)), ..] = written(&effects)[..] else { panic!("{effects:?}") };
        assert!(x.abs() < 1e-100, "{x}");
    }
}

#[test]
fn what_is_lent_for_a_call_comes_back_even_from_a_fault() {
    for fixture in [Fixture::Busy, Fixture::Spin] {
        let mut seen = plant();
        assert_eq!(start(fixture).tick(&mut seen, at(1.0)).is_ok(), fixture == Fixture::Busy);
        assert_eq!(seen, plant());
    }
}
