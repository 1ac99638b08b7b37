//! What counts against the writes of a year, and what does not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own tools")]

mod common;

use common::*;
use wellhead_control::{Action, Manner, OutputId, Request, Ticket};
use wellhead_model::Value;

/// A setpoint in EEPROM.
fn worn(max: u32) -> Bench {
    let mut o = setpoint("temp", |_| {});
    o.rules.writes_per_year_max = Some(max);
    Bench::new(vec![o], Vec::new())
}

fn counted(b: &Bench) -> u32 {
    b.control.save(b.now).outputs["hp1/temp"].budget.writes
}

/// Asks for a value, and does not answer the write that follows.
fn send(b: &mut Bench, value: &Value, manner: Manner) -> Option<Ticket> {
    let wish = Request {
        output: OutputId(0),
        slot: slot(14),
        source: "plugin",
        why: "",
        value: Some(value),
        ttl: 24 * HOUR,
        manner,
    };
    b.control.request(&wish, b.now).ok()?;
    next(b)
}

fn next(b: &mut Bench) -> Option<Ticket> {
    let mut actions = Vec::new();
    b.control.step(b.now, &mut actions);
    actions.iter().find_map(|a| match a {
        Action::Write { ticket, .. } => Some(*ticket),
        _ => None,
    })
}

#[test]
fn an_outage_costs_three_writes_however_long_it_is() {
    let mut b = worn(5000);
    b.plugin(0, float(45.0));
    b.devices[0].mood = Mood::Silent;
    b.give_back(0, 14);
    b.pass(24 * HOUR);
    assert!(b.writes().len() > 17_000, "it is tried steadily");
    assert_eq!(counted(&b), 1 + 3);
    assert_eq!(b.alarms(), ["+ hp1/temp does not follow what is written to it"]);
    b.devices[0].mood = Mood::Fine;
    b.pass(5 * S);
    assert_eq!((b.devices[0].value.clone(), counted(&b)), (float(40.0), 1 + 3 + 1));
    b.plugin(0, float(46.0));
    assert_eq!(b.devices[0].value, float(46.0));
    b.devices[0].mood = Mood::Silent;
    b.give_back(0, 14);
    b.pass(HOUR);
    assert_eq!(counted(&b), 1 + 3 + 2 + 3, "the next outage is another");
}

#[test]
fn a_write_whose_answer_was_lost_counts() {
    let mut b = worn(4);
    b.devices[0].mood = Mood::Mute;
    for (i, v) in (1..).zip([45.0, 46.0, 47.0, 48.0]) {
        b.plugin(0, float(v));
        b.poll();
        assert_eq!((b.devices[0].value.clone(), counted(&b)), (float(v), i));
    }
    b.pass(HOUR / 12);
    b.plugin(0, float(49.0));
    b.pass(MIN);
    assert_eq!(b.devices[0].value, float(48.0), "its writes are spent");
}

#[test]
fn what_was_not_sent_does_not_count_and_is_no_reason_for_an_alarm() {
    let mut b = worn(1);
    b.full = true;
    b.plugin(0, float(45.0));
    b.pass(MIN);
    assert_eq!((counted(&b), b.alarms().len()), (0, 0));
    let ticket = (0..10).find_map(|_| {
        b.now.mono.0 += S;
        next(&mut b)
    });
    b.control.unsent(ticket.unwrap(), "the ledger can't be written", b.now);
    assert_eq!(counted(&b), 0);
    b.full = false;
    b.pass(5 * S);
    assert_eq!((b.writes(), counted(&b)), (vec![float(45.0)], 1));
    assert_eq!(b.told()[..2], ["plugin failed", "plugin written"]);
    let spent = "+ hp1/temp had 1 of 1 writes of this year; only its safe value is written";
    assert_eq!(b.alarms(), [spent]);
}

#[test]
fn a_write_under_way_counts_until_it_is_known_better() {
    let mut b = worn(1);
    b.poll();
    let ticket = send(&mut b, &float(45.0), Manner::Standing).unwrap();
    assert_eq!(counted(&b), 1, "after a power cut nobody would know");
    assert_eq!(send(&mut b, &float(46.0), Manner::Once), None, "it may be the last");
    b.control.put_off(ticket, b.now);
    assert_eq!(counted(&b), 0);
    assert!(send(&mut b, &float(46.0), Manner::Once).is_some());
}

#[test]
fn a_device_that_takes_a_value_and_cant_be_read_counts_and_is_left_its_pause() {
    let mut b = worn(5000);
    let mut ticket = send(&mut b, &float(45.0), Manner::Standing);
    let mut sent = 0;
    for _ in 0..24 * 3600 {
        if let Some(ticket) = ticket {
            b.control.written(ticket, Err("it shows nothing"), b.now);
            sent += 1;
            assert_eq!(counted(&b), sent);
        }
        b.now.mono.0 += S;
        ticket = next(&mut b);
    }
    assert!(sent < 40, "{sent} writes wear it");
}
