//! Whatever writers, devices, proofs, clocks and restarts do: what reaches the outputs is judged by
//! a [`Witness`], which knows none of the code.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test's own tools")]

mod common;
mod witness;

use common::*;
use proptest::prelude::*;
use std::time::Duration;
use wellhead_control::{Action, Control, InputId, Manner, OutputId, Request, Saved, Setup, Ticket};
use wellhead_model::{Mono, Now, Quality, Reason, Timestamp, Value};
use witness::*;

const SOURCES: [&str; 3] = ["plugin-a", "plugin-b", "operator"];
/// After this long without trouble a device must be where it belongs: the longest pause between
/// two attempts at a safe value, and a poll.
const SLACK: Duration = Duration::from_secs(75);

#[derive(Debug, Clone)]
enum Op {
    Pass(u32),
    Ask {
        output: u32,
        slot: u64,
        source: usize,
        value: i32,
        ttl: u32,
        manner: Manner,
    },
    GiveBack {
        output: u32,
        slot: u64,
    },
    Die(usize),
    Proof(u32, Option<bool>),
    Contact(Option<bool>),
    Mood(u32, Mood),
    Latency(u32),
    Hand(u32, i32),
    Restart {
        off: u32,
        synced: bool,
        step: i64,
    },
    /// The setpoint's limits change.
    Reload {
        narrow: bool,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let manner = prop_oneof![
        5 => Just(Manner::Standing),
        2 => Just(Manner::Once),
        1 => Just(Manner::Shadow),
    ];
    let slot = prop_oneof![Just(1u64), Just(5), Just(8), Just(10), Just(14), Just(15)];
    let ask = (0..OUTPUTS, slot.clone(), 0..3usize, -1..8i32, 1..2000u32, manner);
    let mood = prop_oneof![
        4 => Just(Mood::Fine),
        1 => Just(Mood::Silent),
        1 => Just(Mood::Mute),
        1 => Just(Mood::Stuck),
    ];
    let proof = prop_oneof![4 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)];
    let contact = prop_oneof![4 => Just(Some(false)), 1 => Just(Some(true)), 1 => Just(None)];
    prop_oneof![
        8 => (1..900u32).prop_map(Op::Pass),
        3 => (1..30u32).prop_map(Op::Pass),
        10 => ask.prop_map(|(output, slot, source, value, ttl, manner)| {
            Op::Ask { output, slot, source, value, ttl, manner }
        }),
        2 => (0..OUTPUTS, slot).prop_map(|(output, slot)| Op::GiveBack { output, slot }),
        1 => (0..3usize).prop_map(Op::Die),
        4 => (0..2u32, proof).prop_map(|(i, p)| Op::Proof(i, p)),
        2 => contact.prop_map(Op::Contact),
        2 => (0..OUTPUTS, mood).prop_map(|(o, m)| Op::Mood(o, m)),
        1 => (0..12u32).prop_map(Op::Latency),
        1 => (0..OUTPUTS, -1..8i32).prop_map(|(o, v)| Op::Hand(o, v)),
        1 => (0..4000u32, any::<bool>(), -100_000..100_000i64)
            .prop_map(|(off, synced, step)| Op::Restart { off, synced, step }),
        2 => any::<bool>().prop_map(|narrow| Op::Reload { narrow }),
    ]
}

/// A number as the output's own kind of value; some are out of limits.
fn value(output: u32, n: i32) -> Value {
    match output {
        2 => float(28.0 + 4.0 * f64::from(n)),
        _ => Value::Bool(n > 1),
    }
}

struct World {
    setup: Setup,
    control: Control,
    now: Now,
    devices: Vec<Device>,
    witness: Witness,
    latency: Duration,
    /// When, ticket, value, mood when it was sent.
    under_way: Vec<(Mono, Ticket, Value)>,
    log: Vec<Action>,
}

const BEGIN: Duration = Duration::from_secs(5);

impl World {
    fn new() -> Self {
        let now = Now { utc: Timestamp(START), mono: Mono(BEGIN), synced: true };
        let setup = setup();
        let devices = (0..OUTPUTS).map(|o| Device { value: safe(o), mood: Mood::Fine }).collect();
        let books = vec![Books { off_at: Some(0.0), ..Books::default() }; OUTPUTS as usize];
        let proof = || Proof { holds: false, since: f64::NEG_INFINITY, tripped: false };
        let witness = Witness {
            t: 0.0,
            life_began: 0.0,
            books,
            proofs: vec![proof(), proof()],
            contact: None,
            remote_since: f64::NEG_INFINITY,
            limits: WIDE,
        };
        let control = Control::new(setup.clone(), None, now);
        let (latency, under_way, log) = (Duration::ZERO, Vec::new(), Vec::new());
        Self { setup, control, now, devices, witness, latency, under_way, log }
    }

    fn run(&mut self, op: &Op) {
        match op {
            Op::Pass(seconds) => {
                for _ in 0..*seconds {
                    self.advance(S);
                    if self.now.mono.0.as_secs().is_multiple_of(10) {
                        self.poll();
                    }
                }
            }
            Op::Ask { output, slot: n, source, value: v, ttl, manner } => {
                self.ask(*output, *n, *source, *v, *ttl, *manner);
            }
            Op::GiveBack { output, slot: n } => {
                let request = Request {
                    output: OutputId(*output),
                    slot: slot(*n),
                    source: "operator",
                    why: "given back",
                    value: None,
                    ttl: S,
                    manner: Manner::Standing,
                };
                self.control.request(&request, self.now).unwrap();
                let t = self.witness.t;
                let b = &mut self.witness.books[*output as usize];
                b.claims.retain(|c| c.0 != *n);
                b.obeys_since = b.obeys_since.max(t);
            }
            Op::Die(source) => {
                self.control.release_source(SOURCES[*source], "died", self.now);
                for b in &mut self.witness.books {
                    b.claims.retain(|c| c.1 != *source);
                }
            }
            Op::Proof(i, shows) => self.proof(*i, *shows),
            Op::Contact(shows) => self.contact(*shows),
            Op::Mood(output, mood) => {
                self.devices[*output as usize].mood = *mood;
                self.disturbed(*output);
            }
            Op::Latency(seconds) => {
                self.latency = Duration::from_secs(u64::from(*seconds));
                (0..OUTPUTS).for_each(|o| self.disturbed(o));
            }
            Op::Hand(output, n) => {
                let v = value(*output, *n);
                let b = &mut self.witness.books[*output as usize];
                b.real.turn(v != safe(*output), false, self.witness.t);
                self.devices[*output as usize].value = v;
                self.disturbed(*output);
            }
            Op::Restart { off, synced, step } => self.restart(*off, *synced, *step),
            Op::Reload { narrow } => self.reload(if *narrow { NARROW } else { WIDE }),
        }
        self.step();
    }

    fn disturbed(&mut self, output: u32) {
        let t = self.witness.t;
        self.witness.books[output as usize].obeys_since = t;
    }

    fn ask(&mut self, output: u32, n: u64, source: usize, v: i32, ttl: u32, manner: Manner) {
        let v = value(output, v);
        let request = Request {
            output: OutputId(output),
            slot: slot(n),
            source: SOURCES[source],
            why: "random",
            value: Some(&v),
            ttl: Duration::from_secs(u64::from(ttl)),
            manner,
        };
        let before = self.witness.books[output as usize].clone();
        let taken = self.control.request(&request, self.now).is_ok();
        if manner == Manner::Once {
            self.control.conclude(&request, Ok(()));
        }
        if taken && manner != Manner::Shadow {
            let t = self.witness.t;
            let b = &mut self.witness.books[output as usize];
            if !std::mem::replace(&mut b.touched, true) {
                b.obeys_since = t;
            }
            b.claims.retain(|c| c.0 != n);
            b.claims.push((n, source, v, t + f64::from(ttl)));
            b.free_since = t;
            if manner == Manner::Once {
                let wrote = before.writes;
                self.step();
                let b = &self.witness.books[output as usize];
                assert_eq!(b.writes, wrote + 1, "a command that was taken acts at once");
            }
        }
    }

    fn proof(&mut self, i: u32, shows: Option<bool>) {
        self.give(i, shows);
        let holds = shows == Some(true);
        let t = self.witness.t;
        let proof = &mut self.witness.proofs[i as usize];
        let known = proof.since.is_finite();
        if holds != proof.holds {
            let lock = &locks()[i as usize];
            let passed = t - proof.since;
            if holds {
                proof.tripped |= known && passed >= lock.within.as_secs_f64();
            } else {
                proof.tripped &= passed < lock.hold.as_secs_f64();
            }
            (proof.holds, proof.since) = (holds, t);
        } else if !known {
            proof.since = f64::NEG_INFINITY;
        }
    }

    fn contact(&mut self, shows: Option<bool>) {
        self.give(2, shows);
        let w = &mut self.witness;
        if shows == Some(false) && w.contact != Some(false) {
            let first = !w.remote_since.is_finite() && w.contact.is_none();
            w.remote_since = if first { f64::MIN } else { w.t };
        }
        if shows != Some(false) && !w.remote_since.is_finite() && shows.is_some() {
            // It was away before it was ever remote.
            w.remote_since = w.t;
        }
        w.contact = shows;
        self.disturbed(1);
    }

    fn give(&mut self, input: u32, shows: Option<bool>) {
        let quality = match shows {
            Some(_) => Quality::Good,
            None => Quality::Stale(Reason::Aged),
        };
        let shows = shows.map(Value::Bool);
        self.control.input(InputId(input), quality, shows.as_ref(), self.now);
    }

    fn restart(&mut self, off: u32, synced: bool, step: i64) {
        let saved = serde_json::to_vec(&self.control.save(self.now)).unwrap();
        let saved: Saved = serde_json::from_slice(&saved).unwrap();
        self.under_way.clear();
        self.witness.t += f64::from(off);
        // An unsynchronised clock may say anything; a synchronised one is right.
        let wall = if synced { 0 } else { step };
        self.now.utc.0 += i64::from(off) * 1000 + wall * 1000;
        if !self.now.synced && synced {
            self.now.utc = Timestamp(START + (self.witness.t * 1000.0) as i64);
        }
        self.now.mono = Mono(BEGIN);
        self.now.synced = synced;
        let w = &mut self.witness;
        w.life_began = w.t;
        w.contact = None;
        w.remote_since = f64::NEG_INFINITY;
        for p in &mut w.proofs {
            *p = Proof { holds: false, since: f64::NEG_INFINITY, tripped: false };
        }
        for (i, b) in w.books.iter_mut().enumerate() {
            b.claims.clear();
            b.last = None;
            b.moved = true;
            b.restoring = self.control.is_held(OutputId(i as u32));
            b.touched = b.restoring;
            b.obeys_since = w.t;
        }
        self.control = Control::new(self.setup.clone(), Some(&saved), self.now);
    }

    fn reload(&mut self, limits: (f64, f64)) {
        self.setup.outputs[2].point.output.as_mut().unwrap().limits = Some(limits);
        self.control.reload(self.setup.clone(), self.now);
        let w = &mut self.witness;
        w.limits = limits;
        let within = |v: &Value| (limits.0..=limits.1).contains(&v.as_f64().unwrap());
        w.books[2].claims.retain(|(_, _, v, _)| within(v));
        // Inputs have to be given again; what a proof showed is still known.
        w.contact = None;
        w.remote_since = f64::NEG_INFINITY;
        (0..OUTPUTS).for_each(|o| self.disturbed(o));
    }

    fn poll(&mut self) {
        for o in 0..OUTPUTS {
            let d = &self.devices[o as usize];
            let shows = (d.mood != Mood::Silent).then(|| d.value.clone());
            // What comes while a write is under way belongs to nobody.
            let busy = self.under_way.iter().any(|(_, t, _)| t.output.0 == o);
            if let (Some(v), false) = (&shows, busy) {
                self.witness.seen(o, v);
            }
            self.control.shown(OutputId(o), shows.as_ref(), self.now);
        }
        self.step();
    }

    fn advance(&mut self, d: Duration) {
        self.now.mono = self.now.mono + d;
        self.now.utc.0 += i64::try_from(d.as_millis()).unwrap();
        self.witness.t += d.as_secs_f64();
        while let Some(i) = self.under_way.iter().position(|(at, ..)| *at <= self.now.mono) {
            let (_, ticket, v) = self.under_way.remove(i);
            self.arrive(ticket, v);
        }
        self.step();
        self.obeyed();
    }

    fn arrive(&mut self, ticket: Ticket, v: Value) {
        let d = &mut self.devices[ticket.output.0 as usize];
        if matches!(d.mood, Mood::Fine | Mood::Mute) {
            d.value = v.clone();
        }
        let shows = d.value.clone();
        let b = &mut self.witness.books[ticket.output.0 as usize];
        let last = b.last.as_ref().is_some_and(|(last, _)| *last == v);
        let fine = matches!(d.mood, Mood::Fine | Mood::Stuck) && shows == v;
        let answer = matches!(d.mood, Mood::Fine | Mood::Stuck).then_some(&shows);
        b.answered += u32::from(answer.is_some());
        b.real.turn(shows != safe(ticket.output.0), true, self.witness.t);
        // It moves from what it shows, not from what it was told.
        b.moved |= d.mood == Mood::Stuck && shows != v;
        if fine && last && v == safe(ticket.output.0) {
            b.restoring = false;
        }
        if fine && last {
            // It may have turned only now.
            let t = self.witness.t;
            if v != safe(ticket.output.0) && b.last.as_ref().is_some_and(|(_, at)| b.on_at == *at) {
                b.on_at = t;
            }
        }
        let differs = answer.filter(|shows| **shows != v).cloned();
        let still_on = differs.filter(|shows| last && *shows != safe(ticket.output.0));
        match answer {
            Some(shows) => self.control.written(ticket, Ok(Some(shows)), self.now),
            None => self.control.doubtful(ticket, "no reply", self.now),
        }
        if let Some(shows) = still_on {
            self.witness.seen(ticket.output.0, &shows);
        }
    }

    fn step(&mut self) {
        loop {
            let mut actions = Vec::new();
            self.control.step(self.now, &mut actions);
            if actions.is_empty() {
                return;
            }
            for action in &actions {
                if let Action::Write { ticket, value } = action {
                    self.witness.write(ticket.output.0, value);
                    let at = self.now.mono + self.latency;
                    self.under_way.push((at, *ticket, value.clone()));
                }
            }
            self.log.append(&mut actions);
            if self.latency.is_zero() {
                for (_, ticket, v) in std::mem::take(&mut self.under_way) {
                    self.arrive(ticket, v);
                }
            }
        }
    }

    /// What must be safe is safe once the device has been in order for long enough.
    fn obeyed(&mut self) {
        let t = self.witness.t;
        for o in 0..OUTPUTS {
            let free = self.witness.live(o).is_none();
            let lost = self.witness.lost_for(o);
            let local = o == 1 && self.witness.contact == Some(true);
            let b = &mut self.witness.books[o as usize];
            if !free {
                b.free_since = t;
            }
            let d = &self.devices[o as usize];
            if d.mood != Mood::Fine || local {
                b.obeys_since = t;
            }
            let slack = SLACK.as_secs_f64() + self.latency.as_secs_f64() * 2.0;
            if !b.touched || t - b.obeys_since < slack {
                continue;
            }
            let min_on = rules(o).min_on.as_secs_f64();
            if t - b.free_since > slack + min_on && t - b.obeys_since > slack + min_on {
                assert!(is_safe(o, &d.value), "{o} is held by nobody for {} s", t - b.free_since);
            }
            if lost.is_some_and(|lost| lost > slack) {
                assert!(is_safe(o, &d.value), "{o} is on without its interlock for {lost:?} s");
            }
        }
    }
}

/// Each case is hours of plant time, so fewer than usual; PROPTEST_CASES asks for more.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config,
        None => ProptestConfig { cases: 64, ..config },
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_output_breaks_a_rule_whatever_happens(ops in prop::collection::vec(op(), 1..80)) {
        let mut world = World::new();
        for op in &ops {
            world.run(op);
        }
        // And at the end, when all is in order again and nobody asks any more, all is safe.
        for o in 0..OUTPUTS {
            world.run(&Op::Mood(o, Mood::Fine));
        }
        world.run(&Op::Latency(0));
        world.run(&Op::Contact(Some(false)));
        world.run(&Op::Pass(4000));
        for o in 0..OUTPUTS {
            if world.witness.books[o as usize].touched {
                prop_assert!(is_safe(o, &world.devices[o as usize].value));
                prop_assert!(!world.control.is_held(OutputId(o)));
            }
            let saved = world.control.save(world.now);
            let counted = saved.outputs[&world.setup.outputs[o as usize].name()].budget.writes;
            let b = &world.witness.books[o as usize];
            prop_assert!(b.answered <= counted && counted <= b.writes, "{counted} of {b:?}");
        }
    }

    #[test]
    fn c4_the_same_calls_give_the_same_actions(ops in prop::collection::vec(op(), 1..40)) {
        let run = || {
            let mut world = World::new();
            ops.iter().for_each(|op| world.run(op));
            format!("{:?}", world.log)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn nothing_is_due_before_next_says_so(ops in prop::collection::vec(op(), 1..40)) {
        let mut world = World::new();
        for op in &ops {
            world.run(op);
            if let Some(next) = world.control.next(world.now) {
                prop_assert!(next > world.now.mono, "it was just done");
                let before = Duration::from_millis(1);
                let now = Now { mono: Mono(next.0 - before), ..world.now };
                let mut actions = Vec::new();
                world.control.step(now, &mut actions);
                prop_assert!(actions.is_empty(), "{:?} came early", actions);
            }
        }
    }
}

/// Found by chance: a device that is stuck when its interlock is lost for a moment only.
#[test]
fn an_end_that_was_not_followed_is_repeated_although_its_interlock_is_back() {
    let mut world = World::new();
    let manner = Manner::Standing;
    let ops = [
        Op::Ask { output: 1, slot: 1, source: 0, value: 2, ttl: 378, manner },
        Op::Proof(1, Some(true)),
        Op::Pass(96),
        Op::Contact(Some(false)),
        Op::Mood(1, Mood::Stuck),
        Op::Proof(1, Some(false)),
        Op::Proof(1, Some(true)),
        Op::Pass(20),
    ];
    ops.iter().for_each(|op| world.run(op));
    let ends = world.log.iter().filter(|a| match a {
        Action::Write { value, .. } => *value == safe(1),
        _ => false,
    });
    assert!(ends.count() > 1, "{:?}", world.log);
}

/// Found by chance: a command overtakes the write of a plugin, and is overtaken by its effect.
#[test]
fn a_minimum_time_begins_with_the_last_write_that_may_have_turned_it() {
    let mut world = World::new();
    let ask = |slot, manner| Op::Ask { output: 0, slot, source: 0, value: 2, ttl: 1, manner };
    let ops = [
        Op::Proof(0, Some(true)),
        Op::Proof(1, Some(true)),
        Op::Latency(1),
        Op::Pass(600),
        ask(14, Manner::Standing),
        ask(1, Manner::Once),
        Op::Pass(1000),
    ];
    ops.iter().for_each(|op| world.run(op));
    assert_eq!(world.devices[0].value, safe(0));
    assert!(world.witness.books[0].writes >= 3, "on, on again and off");
}
