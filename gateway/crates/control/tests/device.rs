//! What the rules make of a device: operated by hand, slow or silent, without power, after a restart.

mod common;

use common::*;
use std::time::Duration;
use wellhead_control::{Action, Held, Holder, Manner, OutputId, Rules};

#[test]
fn in_local_operation_nothing_is_written_and_remote_returns_without_a_bump() {
    let mut b = run(Rules { local: local(3), ..Rules::default() });
    b.plugin(0, ON);
    assert_eq!(b.writes(), [], "not known who operates it");
    b.input(3, Some(false));
    assert_eq!(b.writes(), [ON]);
    b.input(3, Some(true));
    assert_eq!(b.control.holder(OutputId(0)), Holder::Held(Held::Local));
    b.devices[0].value = OFF;
    b.poll();
    assert_eq!(b.operator(0, ON), Err("local"));
    b.control.release_source("plugin", "gone", b.now);
    b.step();
    b.plugin(0, ON);
    assert_eq!(b.writes(), [], "not even the safe value");
    b.input(3, Some(false));
    assert_eq!(b.operator(0, ON), Err("returning"));
    b.pass(MIN);
    assert_eq!(b.writes(), [], "back long enough, but not read since");
    b.poll();
    assert_eq!(b.writes(), [ON]);
    let told = b.told();
    assert!(told.contains(&"control local".into()) && told.contains(&"control remote".into()));
    assert!(!told.iter().any(|t| t.contains("changed")), "people at the panel may: {told:?}");
}

#[test]
fn a_return_that_was_read_waits_its_minute() {
    let mut b = run(Rules { local: local(3), ..Rules::default() });
    b.input(3, Some(true));
    b.plugin(0, ON);
    b.input(3, Some(false));
    b.poll();
    b.pass(MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
}

#[test]
fn a_lost_local_contact_leaves_only_the_way_to_safe() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    b.setup.outputs[0].rules.local = local(3);
    let setup = b.setup.clone();
    let mut b = Bench::of(setup, None, true);
    b.input(3, Some(false));
    b.plugin(0, float(50.0));
    b.input(3, None);
    b.plugin(0, float(45.0));
    assert_eq!(b.operator(0, float(45.0)), Err("local_unknown"));
    assert_eq!(b.writes(), [float(50.0)]);
    b.give_back(0, 14);
    assert_eq!(b.writes(), [float(40.0)]);
}

#[test]
fn a_write_that_finds_no_room_on_its_line_comes_later_and_raises_no_alarm() {
    let mut b = run(Rules::default());
    b.full = true;
    b.plugin(0, ON);
    b.pass(MIN);
    b.full = false;
    b.pass(5 * S);
    assert_eq!((b.writes(), b.alarms().len()), (vec![ON], 0));
    assert_eq!(b.told(), ["plugin written"]);
}

#[test]
fn commands_that_fail_in_quick_succession_are_one_attempt() {
    let mut b = run(Rules::default());
    b.devices[0].mood = Mood::Silent;
    for _ in 0..3 {
        let r = b.standing(0, 8, "operator", ON);
        b.ask(&r, Manner::Once).unwrap();
        b.conclude(&r, Err("the command failed"));
    }
    assert!(b.writes().len() >= 4, "each was tried, and the way back");
    b.pass(9 * S);
    assert_eq!(b.alarms().len(), 0, "twice is no alarm yet");
    b.pass(2 * S);
    assert_eq!(b.alarms(), ["+ hp1/run does not follow what is written to it"]);
}

#[test]
fn a_write_is_tried_three_times_then_alarmed_until_it_agrees() {
    let mut b = run(Rules::default());
    b.devices[0].mood = Mood::Stuck;
    b.plugin(0, ON);
    b.pass(4 * S);
    assert_eq!(b.writes().len(), 1);
    b.pass(5 * S);
    assert_eq!((b.writes().len(), b.alarms().len()), (1, 0), "twice is no alarm yet");
    assert!(b.control.is_on(OutputId(0)), "what it shows may be late");
    b.pass(S);
    assert_eq!(b.writes().len(), 1);
    assert_eq!(b.control.count(OutputId(0)).starts, 1);
    assert!(!b.control.is_on(OutputId(0)), "now it is believed");
    assert_eq!(b.alarms(), ["+ hp1/run does not follow what is written to it"]);
    assert_eq!(b.told(), ["plugin mismatch"]);
    b.pass(59 * S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    b.devices[0].mood = Mood::Fine;
    b.pass(2 * MIN - S);
    assert_eq!(b.writes(), [], "each pause is longer, registers wear");
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
    assert_eq!(b.alarms(), ["- NotFollowing(OutputId(0))"]);
    assert_eq!(b.told(), ["plugin written"]);
    assert_eq!(b.control.holder(OutputId(0)), Holder::Writer { slot: slot(14), source: "plugin" });
}

#[test]
fn pauses_after_many_mismatches_end_at_an_hour() {
    let mut b = run(Rules::default());
    b.devices[0].mood = Mood::Stuck;
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = 24 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(20 * HOUR);
    let at: Vec<u64> = b.wrote.iter().map(|w| w.at.as_secs()).collect();
    let pauses: Vec<u64> = at.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(pauses[..8], [5, 5, 60, 120, 240, 480, 960, 1920]);
    assert!(pauses[8..].iter().all(|p| *p == 3600), "{pauses:?}");
}

#[test]
fn the_safe_value_is_tried_every_five_seconds_on_a_silent_device() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.devices[0].mood = Mood::Silent;
    b.writes();
    b.give_back(0, 14);
    b.pass(5 * MIN - S);
    assert_eq!(b.writes(), vec![OFF; 60]);
    assert_eq!(b.told(), ["plugin written", "plugin relinquished", "control failed"]);
    assert_eq!(b.alarms(), ["+ hp1/run does not follow what is written to it"]);
    assert!(b.control.is_held(OutputId(0)));
    b.devices[0].mood = Mood::Fine;
    b.pass(S);
    assert_eq!(b.writes(), [OFF]);
    assert_eq!(b.told(), ["control written"]);
    assert!(!b.control.is_held(OutputId(0)));
    b.pass(HOUR);
    assert_eq!(b.writes(), []);
}

#[test]
fn an_interlock_does_not_wait_for_the_answer_to_an_earlier_write() {
    let lock = interlock(&[0], 0, Duration::ZERO, Duration::ZERO);
    let mut b = Bench::new(vec![switch("run", Rules::default())], vec![lock]);
    b.input(0, Some(true));
    let request = b.standing(0, 14, "plugin", ON);
    let asked = wellhead_control::Request {
        output: OutputId(0),
        slot: slot(14),
        source: &request.source,
        why: "",
        value: Some(&ON),
        ttl: HOUR,
        manner: Manner::Standing,
    };
    b.control.request(&asked, b.now).unwrap();
    let mut first = Vec::new();
    b.control.step(b.now, &mut first);
    let Some(Action::Write { ticket: early, .. }) = first.pop() else { panic!("{first:?}") };
    b.input(0, Some(false));
    assert_eq!(b.writes(), [OFF]);
    b.control.written(early, Ok(Some(&ON)), b.now);
    b.poll();
    assert_eq!(b.writes(), [], "the late answer says nothing about the later write");
    assert_eq!(
        b.control.holder(OutputId(0)),
        Holder::Held(Held::Interlock(wellhead_control::InterlockId(0)))
    );
}

#[test]
fn a_change_by_hand_is_told_and_written_back_within_bounds() {
    let mut b = Bench::new(vec![setpoint("temp", |_| {})], Vec::new());
    let mut r = b.standing(0, 14, "plugin", float(45.0));
    r.ttl = 24 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    assert_eq!((b.writes().len(), b.told().len()), (1, 1));
    b.devices[0].value = float(33.0);
    b.poll();
    assert_eq!(b.writes(), []);
    b.pass(5 * S);
    assert_eq!(b.writes(), [float(45.0)]);
    assert_eq!(b.told(), ["device changed", "plugin written"]);
    let fight = |b: &mut Bench| {
        b.devices[0].value = float(33.0);
        b.poll();
        b.pass(MIN - S);
        b.writes().len()
    };
    assert_eq!(fight(&mut b), 1);
    assert_eq!(fight(&mut b), 0, "the third time it is left alone for a minute");
    assert_eq!(b.alarms(), ["+ hp1/temp does not follow what is written to it"]);
    b.pass(S);
    assert_eq!(b.writes(), [float(45.0)]);
    assert_eq!(b.alarms(), ["- NotFollowing(OutputId(0))"]);
    b.pass(10 * MIN);
    assert_eq!(fight(&mut b), 1, "after ten quiet minutes it is the first time again");
}

#[test]
fn a_machine_that_stopped_by_itself_is_started_again_only_after_its_minimum_off_time() {
    let rules = Rules { min_off: 10 * MIN, starts_per_hour_max: Some(2), ..Rules::default() };
    let mut b = run(rules);
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = 24 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(10 * MIN);
    assert_eq!(b.writes(), [ON]);
    for expected in [600, 3600 - 2 * 600] {
        b.devices[0].value = OFF;
        b.poll();
        b.pass(expected * S - S);
        assert_eq!(b.writes(), [], "{expected}");
        b.pass(S);
        if expected == 600 {
            assert_eq!(b.writes(), [ON]);
            b.pass(10 * MIN);
        }
    }
    assert_eq!(b.writes(), [ON], "the third start, when the first is an hour old");
}

#[test]
fn a_device_that_lost_its_power_waits_its_restart_delay() {
    let mut b = run(Rules { restart_delay: 3 * MIN, restart_index: 2, ..Rules::default() });
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = 24 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(4 * MIN);
    assert_eq!(b.writes(), [ON], "three minutes and twice thirty seconds after the start");
    b.devices[0].mood = Mood::Silent;
    b.poll();
    b.pass(HOUR);
    b.devices[0] = Device { value: OFF, mood: Mood::Fine };
    b.poll();
    b.pass(4 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
}

#[test]
fn h5_after_a_restart_what_was_held_goes_to_safe_and_starts_are_staggered() {
    let rules = |restart_index| Rules { restart_delay: 3 * MIN, restart_index, ..Rules::default() };
    let outputs = (0..3).map(|i| switch(&format!("hp{i}"), rules(i))).collect();
    let mut b = Bench::new(outputs, Vec::new());
    b.pass(10 * MIN);
    let all = |b: &mut Bench| (0..3).for_each(|i| b.plugin(i, ON));
    all(&mut b);
    b.writes();
    b.devices[1].mood = Mood::Silent;
    b.restart(MIN, true);
    assert_eq!(b.wrote.iter().map(|w| w.output).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(b.writes(), [OFF, OFF, OFF]);
    assert_eq!(b.operator(1, ON), Err("restoring"));
    assert_eq!(b.operator(0, ON), Err("restart_delay"));
    b.devices[1].mood = Mood::Fine;
    all(&mut b);
    b.pass(5 * MIN);
    let starts: Vec<_> =
        b.wrote.iter().filter(|w| w.value == ON).map(|w| (w.output, w.at)).collect();
    let at = |s: u64| Duration::from_secs(5 + s);
    assert_eq!(starts, [(0, at(180)), (1, at(210)), (2, at(240))]);
}

#[test]
fn an_unheld_output_is_not_written_after_a_restart() {
    let mut b = run(Rules::default());
    b.plugin(0, ON);
    b.give_back(0, 14);
    b.writes();
    b.restart(MIN, true);
    b.pass(HOUR);
    assert_eq!(b.writes(), []);
}

#[test]
fn minimum_times_and_starts_survive_a_restart_and_an_untrusted_clock_gives_no_time_away() {
    let rules = Rules { min_off: 10 * MIN, starts_per_hour_max: Some(1), ..Rules::default() };
    for (off, synced, wait) in [
        (20 * MIN, true, 38),  // two of the sixty minutes had passed, then twenty
        (20 * MIN, false, 58), // nobody knows how long it was
        (Duration::ZERO, true, 58),
        (5 * HOUR, true, 0),
    ] {
        let mut b = run(rules.clone());
        b.pass(10 * MIN);
        b.plugin(0, ON);
        b.give_back(0, 14);
        b.pass(2 * MIN);
        b.restart(off, synced);
        b.writes();
        let mut r = b.standing(0, 14, "plugin", ON);
        r.ttl = 24 * HOUR;
        b.ask(&r, Manner::Standing).unwrap();
        if wait > 0 {
            b.pass(wait * MIN - S);
            assert_eq!(b.writes(), [], "{off:?} {synced}");
            b.pass(S);
        }
        assert_eq!(b.writes(), [ON], "{off:?} {synced}");
    }
}

#[test]
fn a_wall_clock_set_back_while_it_was_off_gives_no_time_away() {
    let mut b = run(Rules { min_off: 10 * MIN, ..Rules::default() });
    b.pass(10 * MIN);
    b.plugin(0, ON);
    b.give_back(0, 14);
    b.now.utc.0 -= 3_600_000;
    b.writes();
    b.restart(MIN, true);
    b.plugin(0, ON);
    b.pass(9 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
}

#[test]
fn a_machine_that_stopped_by_itself_after_a_while_has_been_off_since_then() {
    let mut b = run(Rules { min_off: 10 * MIN, ..Rules::default() });
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = 24 * HOUR;
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(15 * MIN);
    b.writes();
    b.devices[0].value = OFF;
    b.poll();
    b.pass(10 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [ON]);
}

#[test]
fn a_change_by_hand_is_no_power_cut() {
    let mut b = run(Rules { restart_delay: 3 * MIN, ..Rules::default() });
    b.pass(3 * MIN);
    b.plugin(0, ON);
    b.devices[0].value = OFF;
    b.poll();
    b.writes();
    b.pass(5 * S);
    assert_eq!(b.writes(), [ON], "it does not wait its restart delay");
}

#[test]
fn a_write_whose_answer_was_lost_is_confirmed_by_the_next_reading() {
    let mut b = run(Rules::default());
    b.devices[0].mood = Mood::Mute;
    b.plugin(0, ON);
    b.give_back(0, 14);
    assert_eq!(b.writes(), [ON, OFF]);
    assert!(b.control.is_held(OutputId(0)), "it may still be on");
    b.poll();
    assert!(!b.control.is_held(OutputId(0)));
    b.pass(HOUR);
    assert_eq!(b.writes(), []);
}

#[test]
fn a_reading_right_after_a_lost_answer_is_not_believed_before_the_next_try() {
    let mut b = run(Rules { local: local(3), ..Rules::default() });
    b.input(3, Some(false));
    b.poll();
    b.devices[0].mood = Mood::Silent;
    b.plugin(0, ON);
    b.input(3, Some(true));
    b.devices[0].mood = Mood::Fine;
    b.pass(5 * S - Duration::from_millis(1));
    b.poll();
    assert!(b.control.is_on(OutputId(0)), "the device may be slow to show it");
    b.pass(Duration::from_millis(1));
    b.poll();
    assert!(!b.control.is_on(OutputId(0)), "it had its time");
    assert_eq!(b.writes(), [ON], "in local operation nothing is tried again");
}

#[test]
fn minimum_on_time_counts_from_the_last_write_that_may_have_started_the_machine() {
    let mut b = run(Rules { min_on: 15 * MIN, ..Rules::default() });
    b.poll();
    b.devices[0].mood = Mood::Silent;
    let mut r = b.standing(0, 14, "plugin", ON);
    r.ttl = MIN;
    b.ask(&r, Manner::Standing).unwrap();
    b.pass(5 * S);
    b.devices[0].mood = Mood::Fine;
    b.pass(5 * S);
    assert_eq!(b.writes(), [ON; 3]);
    b.pass(15 * MIN - S);
    assert_eq!(b.writes(), []);
    b.pass(S);
    assert_eq!(b.writes(), [OFF]);
}

#[test]
fn ages_reach_back_beyond_the_start_of_the_machine() {
    let mut b = run(Rules::default());
    let years = 9 * 365 * 24 * HOUR;
    b.restart(years, true);
    let kept = b.control.save(b.now).outputs["hp1/run"].since_ms;
    assert_eq!(u128::from(kept), years.as_millis());
}
