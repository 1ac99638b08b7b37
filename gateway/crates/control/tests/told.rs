//! What Control says about itself: who stands where, what is told and what is told only once.

mod common;

use common::*;
use std::time::Duration;
use wellhead_control::{
    Action, Held, Holder, InterlockId, Manner, OutputId, Refusal, Request, Rules, What,
};
use wellhead_model::{Mono, Value};

const NOTHING: [String; 0] = [];

/// A request alone, without the step that follows it.
fn asked(b: &mut Bench, r: &StandIn, manner: Manner) -> Result<(), Refusal> {
    let request = Request {
        output: OutputId(r.output),
        slot: slot(r.slot),
        source: &r.source,
        why: &r.why,
        value: r.value.as_ref(),
        ttl: r.ttl,
        manner,
    };
    b.control.request(&request, b.now)
}

/// The writes that a request leads to, not answered yet.
fn sent(b: &mut Bench, r: &StandIn, manner: Manner) -> Result<Vec<Action>, Refusal> {
    asked(b, r, manner)?;
    let mut actions = Vec::new();
    b.control.step(b.now, &mut actions);
    actions.retain(|a| matches!(a, Action::Write { .. }));
    Ok(actions)
}

#[test]
fn who_stands_in_each_slot_and_with_what_can_be_asked() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.operator(0, OFF).unwrap();
    let id = OutputId(0);
    assert_eq!(b.control.claim(id, slot(14)), Some(("plugin", &ON)));
    assert_eq!(b.control.claim(id, slot(8)), Some(("operator", &OFF)));
    assert_eq!(b.control.claim(id, slot(10)), None);
    let all: Vec<_> = b.control.claims(id).collect();
    assert_eq!(all, [(slot(8), "operator", &OFF), (slot(14), "plugin", &ON)]);
    assert_eq!(b.control.claim(OutputId(1), slot(14)), None);
    assert_eq!(b.control.claims(OutputId(1)).count(), 0);
    assert_eq!(b.control.setup(), &b.setup);
}

#[test]
fn an_output_is_on_as_soon_as_it_is_sent_or_shown_away_from_safe() {
    let mut b = run(Rules::default());
    assert!(!b.control.is_on(OutputId(0)));
    b.plugin(0, ON);
    assert!(b.control.is_on(OutputId(0)));
    b.give_back(0, 14);
    assert!(!b.control.is_on(OutputId(0)));
    assert!(!b.control.is_on(OutputId(1)), "there is none");
    let mut b = run(Rules::default());
    b.devices[0].value = ON;
    b.poll();
    assert!(b.control.is_on(OutputId(0)), "somebody else switched it on");
}

#[test]
fn an_output_nobody_asked_for_may_change_without_a_word() {
    let mut b = run(Rules { restart_delay: MIN, ..Rules::default() });
    for value in [ON, OFF, ON] {
        b.devices[0].value = value;
        b.poll();
        b.pass(MIN);
    }
    assert_eq!((b.told(), b.writes()), (vec![], vec![]));
}

#[test]
fn a_writer_may_change_its_mind_and_another_may_take_its_slot() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.plugin(0, OFF);
    assert_eq!(b.told(), ["plugin written", "plugin written"], "it is not its own superior");
    let r = b.standing(0, 14, "successor", OFF);
    b.ask(&r, Manner::Standing).unwrap();
    assert_eq!(b.control.claim(OutputId(0), slot(14)), Some(("successor", &OFF)));
    b.control.release_source("plugin", "gone", b.now);
    b.step();
    assert_eq!(b.control.claim(OutputId(0), slot(14)), Some(("successor", &OFF)));
}

#[test]
fn a_renewal_below_a_holder_is_told_once() {
    let mut b = run(Rules::default());
    b.operator(0, ON).unwrap();
    for _ in 0..3 {
        b.plugin(0, OFF);
    }
    assert_eq!(b.told(), ["operator written", "plugin held: overridden"]);
}

#[test]
fn a_shadow_in_the_slot_of_the_writer_is_not_below_it() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.told();
    let r = b.standing(0, 14, "candidate", OFF);
    b.ask(&r, Manner::Shadow).unwrap();
    assert_eq!(b.told(), ["candidate shadow"]);
}

#[test]
fn a_refusal_is_told_again_for_another_value_another_source_or_another_reason() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    let mut told = |source: &str, slot, value| {
        let r = b.standing(0, slot, source, float(value));
        b.ask(&r, Manner::Standing).unwrap_err();
        b.told()
    };
    assert_eq!(told("a", 14, 60.0), ["a refused: value"]);
    assert_eq!(told("a", 14, 60.0), NOTHING);
    assert_eq!(told("a", 14, 61.0), ["a refused: value"]);
    assert_eq!(told("b", 14, 61.0), ["b refused: value"]);
    assert_eq!(told("b", 6, 61.0), ["b refused: slot"]);
    assert_eq!(told("b", 6, 61.0), NOTHING);
}

#[test]
fn there_is_something_to_do_at_once_after_a_request_and_after_a_refusal() {
    let mut b = run(Rules::default());
    b.step();
    assert_eq!(b.control.next(b.now), None);
    b.control.release_source("nobody", "", b.now);
    assert_eq!(b.control.next(b.now), None);
    let (now, lapses) = (Some(b.now.mono), Some(b.now.mono + 10 * MIN));
    for (value, after) in [(Value::Text("x".into()), None), (ON, lapses)] {
        let r = b.standing(0, 14, "plugin", value);
        let _ = asked(&mut b, &r, Manner::Standing);
        assert_eq!(b.control.next(b.now), now, "an entry to fetch, a write to make");
        b.step();
        assert_eq!(b.control.next(b.now), after);
    }
}

#[test]
fn who_holds_a_ramping_output_is_its_writer() {
    let ramp = setpoint("temp", |o| (o.rate_max, o.interval_min) = (Some(0.1), MIN));
    let mut b = Bench::new(vec![ramp], Vec::new());
    b.poll();
    b.plugin(0, float(55.0));
    let plugin = Holder::Writer { slot: slot(14), source: "plugin" };
    assert_eq!(b.control.holder(OutputId(0)), plugin);
    b.pass(S);
    b.plugin(0, float(54.0));
    assert_eq!(b.control.holder(OutputId(0)), plugin, "too soon after the last write");
}

#[test]
fn a_lost_contact_is_told_where_the_device_was_remote_and_not_where_it_was_local_already() {
    let mut b = run(Rules { local: local(3), ..Rules::default() });
    b.input(3, Some(false));
    b.input(3, None);
    assert_eq!(&*b.trail[0].why, "the local contact can't be read");
    assert_eq!(b.told(), ["control local"]);
    b.input(3, Some(true));
    assert_eq!(&*b.trail[0].why, "local operation");
    assert_eq!(b.told(), ["control local"]);
    b.input(3, None);
    assert_eq!(b.told(), NOTHING);
}

#[test]
fn a_device_that_is_back_and_not_read_waits_for_the_reading_and_not_for_time() {
    let mut b = run(Rules { local: local(3), ..Rules::default() });
    b.input(3, Some(true));
    b.plugin(0, ON);
    b.input(3, Some(false));
    b.pass(MIN);
    let lapses = b.now.mono + 9 * MIN;
    assert_eq!(b.control.next(b.now), Some(lapses), "nothing to do before the plugin lapses");
}

#[test]
fn of_two_interlocks_that_are_lost_the_first_is_named() {
    let locks = [0, 1].map(|input| interlock(&[0], input, Duration::ZERO, Duration::ZERO));
    let mut b = Bench::new(vec![switch("run", Rules::default())], locks.to_vec());
    b.plugin(0, ON);
    assert_eq!(b.control.holder(OutputId(0)), Holder::Held(Held::Interlock(InterlockId(0))));
    b.input(0, Some(true));
    assert_eq!(b.control.holder(OutputId(0)), Holder::Held(Held::Interlock(InterlockId(1))));
}

#[test]
fn a_write_that_failed_or_follows_a_restart_says_why() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.restart(MIN, true);
    let first = b.trail.iter().find(|e| e.what == What::Written && e.new == Some(OFF)).unwrap();
    assert_eq!((&*first.source, &*first.why), ("control", "restart"));
    b.told();
    b.devices[0].mood = Mood::Silent;
    b.plugin(0, ON);
    assert_eq!((b.trail[0].what, &*b.trail[0].why), (What::Failed, "no reply"));
}

#[test]
fn what_is_held_back_is_told_to_people_in_a_sentence() {
    let mut b = run(Rules { min_off: MIN, ..Rules::default() });
    let r = b.standing(0, 8, "operator", ON);
    let refused = b.ask(&r, Manner::Once).unwrap_err();
    assert_eq!(refused, Refusal::Held(Held::MinimumOff));
    assert_eq!(refused.to_string(), "the minimum off time is not over");
    assert_eq!(refused.text_zh(), "未到最短停机时间");
}

#[test]
fn what_is_read_back_agrees_within_the_tolerance_of_the_point_and_of_its_format() {
    let mut o = setpoint("temp", |_| {});
    assert!(o.agrees(&float(45.0), &float(45.04)));
    assert!(!o.agrees(&float(45.0), &float(45.06)));
    o.point.output.as_mut().unwrap().readback_tolerance = 0.0;
    assert!(o.agrees(&float(1e9), &float(1e9 + 0.5)), "a float of 32 bits has seven digits");
    assert!(!o.agrees(&float(1e9), &float(1e9 + 1.5)));
}

#[test]
fn while_an_answer_is_out_only_a_command_and_the_way_to_safe_are_sent() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    let mut plugin = b.standing(0, 14, "plugin", float(45.0));
    let first = sent(&mut b, &plugin, Manner::Standing).unwrap();
    let [Action::Write { ticket: first, .. }] = first[..] else { panic!("{first:?}") };
    plugin.value = Some(float(46.0));
    assert_eq!(sent(&mut b, &plugin, Manner::Standing).unwrap(), []);
    let operator = b.standing(0, 8, "operator", float(47.0));
    let second = sent(&mut b, &operator, Manner::Once).unwrap();
    let [Action::Write { ticket: second, .. }] = second[..] else { panic!("{second:?}") };
    b.control.written(first, Ok(Some(&float(45.0))), b.now);
    b.step();
    assert_eq!(b.told(), NOTHING, "the answer to the first says nothing about the second");
    b.control.written(second, Ok(Some(&float(47.0))), b.now);
    b.step();
    assert_eq!(b.told(), ["operator written"]);
    assert_eq!(b.control.next(b.now), Some(Mono(b.now.mono.0 + 10 * MIN)));
    assert_eq!(b.writes(), []);
}
