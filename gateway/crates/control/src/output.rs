//! One output as time goes by: what was asked, what was sent, what the device shows.

use crate::restrain::{Case, Verdict, Wanted};
use crate::setup::Target;
use crate::slot::Slots;
use crate::watch::{Guard, Place, RETURN, strictest};
use crate::{
    Action, Alarm, AlarmId, Entry, Held, Interlock, OutputId, OutputSetup, Severity, Slot, Ticket,
    What, WriteBudget,
};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wellhead_model::{Mono, Now, Value};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// After the last moment of any clock.
pub(crate) const NEVER: Mono = Mono(Duration::MAX);

/// Attempts before an alarm tells that the output does not follow.
const TRIES: u32 = 3;
/// Between attempts, and between all attempts to reach a safe value.
const RETRY: Duration = Duration::from_secs(5);
/// Between attempts on a device that takes the safe value and shows another.
const RETRY_STUCK: Duration = Duration::from_secs(60);
/// Between attempts on a device that takes any other value and shows another, after [`TRIES`];
/// doubles with each, since registers wear.
const RETRY_LATER: Duration = Duration::from_secs(60);
const RETRY_MAX: Duration = HOUR;
/// After this long without trouble the next one is the first again.
const SETTLED: Duration = Duration::from_secs(600);

/// What the device is believed to do.
#[derive(Debug, Clone)]
pub(crate) struct Drive {
    /// Sent last, or shown since.
    pub(crate) value: Option<Value>,
    /// Given back: the value is the device's own.
    pub(crate) released: bool,
    /// Whether the device said so.
    pub(crate) confirmed: bool,
    /// Away from its safe value.
    pub(crate) on: bool,
    /// Since when it is on or off.
    pub(crate) since: Mono,
    /// The last write.
    pub(crate) sent: Option<Mono>,
}

/// A write under way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) number: u64,
    target: Target,
    safe: bool,
    /// It turns the output on or off, as far as is known.
    may_turn: bool,
    /// A step of a ramp, not its end.
    partial: bool,
    who: Who,
    old: Option<Value>,
}

/// Whether a device took a write that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Took {
    Yes,
    Perhaps,
    No,
}

/// By whose word.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    source: Arc<str>,
    slot: Option<Slot>,
    why: Arc<str>,
    once: bool,
}

/// Attempts that did not help.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// Writes in a row that did not get there; those within one [`RETRY`] are one.
    tries: u32,
    /// When one was counted last.
    tried: Mono,
    /// Times in a row that the device left what it had confirmed.
    changes: u32,
    changed: Mono,
    /// Not tried again before, in this direction.
    again: Mono,
    safe: bool,
    alarmed: bool,
}

/// What a writer in shadow mode asked last.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(crate) source: Arc<str>,
    pub(crate) value: Option<Value>,
}

#[derive(Debug)]
pub(crate) struct OutputState {
    pub(crate) slots: Slots,
    pub(crate) shadows: Vec<Shadow>,
    /// Somebody asked for it, now or before the restart. Others are left alone.
    pub(crate) touched: bool,
    pub(crate) restoring: bool,
    pub(crate) drive: Drive,
    pub(crate) place: Place,
    pub(crate) started: Mono,
    pub(crate) not_before: Mono,
    pub(crate) starts: VecDeque<Mono>,
    pub(crate) budget: WriteBudget,
    pub(crate) ramping: bool,
    pub(crate) flight: Option<Flight>,
    pub(crate) trouble: Trouble,
    /// Nothing good was read for a while.
    pub(crate) missing: bool,
    /// Write even what is there already.
    pub(crate) force: bool,
    /// Why it is not as wanted, as of the last look.
    pub(crate) held: Option<Held>,
    /// Which holding back was last told.
    pub(crate) told: Option<(Option<Slot>, Held)>,
    /// The refusal that was last told.
    pub(crate) refused: Option<(Arc<str>, Value, &'static str)>,
    /// Why the last writer went.
    pub(crate) gone: Arc<str>,
    budget_alarm: Option<Severity>,
    pub(crate) writes: u64,
    pub(crate) starts_total: u64,
    pub(crate) due: Mono,
    pub(crate) dirty: bool,
}

/// What surrounds an output.
pub(crate) struct Around<'a> {
    pub(crate) id: OutputId,
    pub(crate) setup: &'a OutputSetup,
    pub(crate) locks: &'a [Interlock],
    /// Which of the interlocks guard it.
    pub(crate) guarded_by: &'a [u32],
    pub(crate) guards: &'a mut [Guard],
    pub(crate) out: &'a mut Vec<Action>,
    pub(crate) number: &'a mut u64,
    pub(crate) myself: &'a Arc<str>,
}

impl OutputState {
    pub(crate) fn new(setup: &OutputSetup, now: Mono) -> Self {
        let drive = Drive {
            value: None,
            released: false,
            confirmed: false,
            on: false,
            since: now,
            sent: None,
        };
        Self {
            slots: Slots::default(),
            shadows: Vec::new(),
            touched: false,
            restoring: false,
            drive,
            place: Place::new(setup.rules.local.as_ref()),
            started: now,
            not_before: now + setup.rules.restart_wait(),
            starts: VecDeque::new(),
            budget: WriteBudget::default(),
            ramping: false,
            flight: None,
            trouble: Trouble::default(),
            missing: true,
            force: false,
            held: None,
            told: None,
            refused: None,
            gone: Arc::from("nobody asks for it"),
            budget_alarm: None,
            writes: 0,
            starts_total: 0,
            due: NEVER,
            dirty: true,
        }
    }

    /// Whether somebody holds it, or its way back to safe is not confirmed.
    pub(crate) fn is_held(&self) -> bool {
        let away = self.drive.on || !self.drive.confirmed;
        self.touched && (self.restoring || away || self.slots.winner().is_some())
    }

    /// Its alarms that are active.
    pub(crate) fn alarms(&self, id: OutputId) -> impl Iterator<Item = AlarmId> {
        let follow = self.trouble.alarmed.then_some(AlarmId::NotFollowing(id));
        let budget = self.budget_alarm.map(|_| AlarmId::WriteBudget(id));
        follow.into_iter().chain(budget)
    }

    /// Judges a wish by everything but the other slots.
    pub(crate) fn judge(&self, cx: &Around<'_>, wanted: Wanted<'_>, now: Mono) -> Verdict {
        let leave = strictest(cx.locks, cx.guards, cx.guarded_by, now);
        Case { setup: cx.setup, state: self, leave, now }.judge(wanted)
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, cx: &mut Around<'_>, now: Now) {
        self.dirty = false;
        self.due = NEVER;
        self.lapse(cx, now.mono);
        self.come_back(cx, now.mono);
        self.budget.roll(now);
        self.watch_budget(cx);
        while self.starts.front().is_some_and(|at| now.mono >= *at + HOUR) {
            self.starts.pop_front();
        }
        let Some(safe) = cx.setup.output().map(|o| &o.safe).filter(|_| self.touched) else {
            return;
        };
        let winner = self.slots.winner();
        let slot = winner.map(|(slot, _)| slot);
        let wanted = Wanted {
            slot,
            value: winner.map_or(safe, |(_, claim)| &claim.value),
            once: winner.is_some_and(|(_, claim)| claim.once),
        };
        let verdict = self.judge(cx, wanted, now.mono);
        // What has passed waits for something else, such as a reading.
        self.wake(verdict.until.filter(|until| *until > now.mono));
        self.wake(self.slots.first_expiry());
        self.held = verdict.held;
        self.tell_held(cx, slot, verdict.held);
        if let Some(target) = verdict.go {
            self.pursue(cx, target, now.mono);
        }
    }

    fn wake(&mut self, at: Option<Mono>) {
        if let Some(at) = at {
            self.due = self.due.min(at);
        }
    }

    fn lapse(&mut self, cx: &mut Around<'_>, now: Mono) {
        while let Some((slot, claim)) = self.slots.take_if(|c| now >= c.expires) {
            self.gone = Arc::from("hold ended");
            cx.out.push(Action::Audit(Entry {
                output: cx.id,
                what: What::Lapsed,
                source: claim.source,
                slot: Some(slot),
                why: Arc::clone(&self.gone),
                old: Some(claim.value),
                new: None,
                once: claim.once,
            }));
        }
    }

    fn come_back(&mut self, cx: &mut Around<'_>, now: Mono) {
        let Place::Returning(since, fresh) = self.place else { return };
        let fresh = fresh || !cx.setup.output().is_some_and(|o| o.readback);
        if now < since + RETURN {
            self.wake(Some(since + RETURN));
        } else if fresh {
            self.place = Place::Remote;
            self.tell(cx, What::Back, "back from local operation", None);
        }
    }

    /// Brings the device to `target`, unless it is there, on its way or must be left alone for now.
    fn pursue(&mut self, cx: &mut Around<'_>, target: Target, now: Mono) {
        let safe = cx.setup.rests(&target);
        if let Some(flight) = &self.flight {
            // Only a command, and the way to safe, do not wait for the answer to an earlier write.
            if (!safe || flight.safe) && !self.force {
                return;
            }
        } else if self.stands(cx.setup, &target) && !self.force && !self.restoring {
            self.ramping = false;
            self.settle(cx);
            if let Some(due) = self.refresh_due(cx) {
                if now >= due {
                    self.send(cx, target, safe, now);
                    // The same value once more is no decision, and nobody needs to read of it.
                    self.flight.iter_mut().for_each(|f| f.partial = true);
                } else {
                    self.wake(Some(due));
                }
            }
            return;
        }
        // A new direction need not wait until an old one may be tried again.
        if now < self.trouble.again && safe == self.trouble.safe && !self.force {
            self.wake(Some(self.trouble.again));
            return;
        }
        self.send(cx, target, safe, now);
    }

    /// When the value that stands is to be written again, for the watchdog of a device that counts
    /// writes. At its safe value an output needs none: that is where the watchdog would bring it.
    fn refresh_due(&self, cx: &Around<'_>) -> Option<Mono> {
        let rules = &cx.setup.rules;
        let spent = rules.writes_per_year_max.is_some_and(|max| self.budget.spent(max));
        let every = rules.refresh.filter(|_| self.drive.on && !spent)?;
        Some(self.drive.sent? + every)
    }

    fn stands(&self, setup: &OutputSetup, target: &Target) -> bool {
        let Drive { value: there, released, confirmed, on, .. } = &self.drive;
        *confirmed
            && match target {
                Target::Relinquished => *released,
                Target::Value(value) => {
                    // Within the tolerance of the safe value is not the safe value until that was
                    // written.
                    let near = *on && setup.is_safe(value);
                    let agrees = there.as_ref().is_some_and(|there| setup.agrees(value, there));
                    !released && !near && agrees
                }
            }
    }

    fn send(&mut self, cx: &mut Around<'_>, target: Target, safe: bool, now: Mono) {
        let partial = self.held == Some(Held::Ramp);
        let who = self.who(cx);
        if partial && !self.ramping {
            let new = self.slots.winner().map(|(_, c)| c.value.clone());
            cx.out.push(entry(cx.id, What::Ramping, &who, self.drive.value.clone(), new));
        }
        self.ramping = partial;
        self.force = false;
        if let Some(Held::Interlock(lock)) = self.held.filter(|_| safe && self.drive.on) {
            raise_interlock(cx, lock);
        }
        let turns = safe == self.drive.on;
        if turns && !safe {
            self.starts_total += 1;
            self.starts.push_back(now);
        }
        let old = self.drive.value.clone();
        self.drive.released = target == Target::Relinquished;
        if let Some(value) = target.value() {
            self.drive.value = Some(value.clone());
        }
        // What was not confirmed may turn it only now.
        let may_turn = turns || !self.drive.confirmed;
        if may_turn {
            self.drive.since = now;
        }
        self.drive.on = !safe;
        self.drive.confirmed = false;
        self.drive.sent = Some(now);
        self.writes += 1;
        // Nobody would know of it after a power cut, so it counts until it is known better.
        self.budget.count();
        *cx.number += 1;
        let number = *cx.number;
        let ticket = Ticket { output: cx.id, number };
        cx.out.push(match target.value().cloned() {
            Some(value) => Action::Write { ticket, value },
            None => Action::Relinquish { ticket },
        });
        self.flight = Some(Flight { number, target, safe, may_turn, partial, who, old });
    }

    fn who(&self, cx: &Around<'_>) -> Who {
        let own = |why| Who { source: Arc::clone(cx.myself), slot: None, why, once: false };
        match (self.held, self.slots.winner()) {
            (Some(Held::Ramp) | None, Some((slot, claim))) => Who {
                source: Arc::clone(&claim.source),
                slot: Some(slot),
                why: Arc::from(claim.why.as_str()),
                once: claim.once,
            },
            (None, None) if self.restoring => own(Arc::from("restart")),
            (None | Some(Held::Ramp), None) => own(Arc::clone(&self.gone)),
            (Some(Held::Interlock(id)), _) => {
                let lock = cx.locks.get(id.0 as usize);
                own(lock.map_or_else(
                    || Arc::from("interlock"),
                    |l| Arc::from(format!("interlock {}", l.id)),
                ))
            }
            (Some(held), _) => own(Arc::from(held.text())),
        }
    }

    /// Takes the result of a write; `Ok(None)` if the device acknowledged and was not read back, or
    /// holds nothing of ours any more.
    pub(crate) fn written(
        &mut self,
        cx: &mut Around<'_>,
        flight: Flight,
        result: Result<Option<&Value>, (Took, &str)>,
        now: Mono,
    ) {
        self.dirty = true;
        let Flight { target, safe, may_turn, partial, who, old, .. } = flight;
        let value = target.value();
        match result {
            Ok(shows) if shows.is_none_or(|s| value.is_some_and(|v| cx.setup.agrees(v, s))) => {
                if may_turn {
                    // Sent earlier, but perhaps done only now.
                    self.drive.since = now;
                }
                self.missing = false;
                self.settle(cx);
                if safe {
                    self.restoring = false;
                }
                if !partial {
                    cx.out.push(entry(cx.id, What::Written, &who, old, value.cloned()));
                }
            }
            Ok(shows) => {
                if self.fail(cx, safe, true, now) {
                    cx.out.push(entry(cx.id, What::Mismatch, &who, shows.cloned(), value.cloned()));
                }
                if let (Some(shows), true) = (shows, self.trouble.tries >= TRIES) {
                    self.adopt(cx.setup, shows, now);
                }
            }
            Err((took, why)) => {
                let first = self.trouble.tries == 0;
                self.fail(cx, safe, took == Took::Yes, now);
                if took == Took::No || took == Took::Perhaps && self.trouble.tries > TRIES {
                    self.budget.give_back();
                }
                if first {
                    let who = Who { why: Arc::from(why), ..who };
                    cx.out.push(entry(cx.id, What::Failed, &who, old, value.cloned()));
                }
            }
        }
    }

    /// Takes that a write never left.
    pub(crate) fn put_off(&mut self, flight: &Flight, now: Mono) {
        self.dirty = true;
        self.budget.give_back();
        self.trouble.safe = flight.safe;
        self.trouble.again = now + RETRY;
    }

    /// Takes what a poll shows; `None` if it came to nothing good.
    pub(crate) fn shown(&mut self, cx: &mut Around<'_>, value: Option<&Value>, now: Mono) {
        let Some(value) = value else {
            self.missing = true;
            return;
        };
        // What was read while a write was under way is from before or after it; nobody knows.
        if self.flight.is_some() {
            return;
        }
        let back = std::mem::take(&mut self.missing);
        if let Place::Returning(_, fresh @ false) = &mut self.place {
            *fresh = true;
            self.dirty = true;
        }
        let known = self.drive.value.is_some();
        if self.drive.released {
            // Its own programme may show anything; ours comes back no sooner than after a restart.
            self.drive.value = Some(value.clone());
            if back {
                self.not_before = now + cx.setup.rules.restart_wait();
            }
            return;
        }
        if known && !cx.setup.output().is_some_and(|o| o.readback) {
            return;
        }
        if self.drive.value.as_ref().is_some_and(|there| cx.setup.agrees(there, value)) {
            if !self.drive.confirmed {
                self.drive.confirmed = true;
                self.dirty = true;
            }
            return;
        }
        // The device may be slow to show it; the next attempt will tell.
        if !self.drive.confirmed && known && now < self.trouble.again && !back {
            return;
        }
        if known && self.drive.confirmed && self.touched && self.place.is_remote() {
            self.changed_by_hand(cx, value, now);
        }
        if known && back {
            self.not_before = now + cx.setup.rules.restart_wait();
        }
        self.adopt(cx.setup, value, now);
    }

    fn changed_by_hand(&mut self, cx: &mut Around<'_>, value: &Value, now: Mono) {
        let trouble = &mut self.trouble;
        if now.since(trouble.changed) >= SETTLED {
            trouble.changes = 0;
        }
        trouble.changes = trouble.changes.saturating_add(1);
        trouble.changed = now;
        trouble.safe = !self.drive.on;
        trouble.again = now + pause(trouble.changes, trouble.safe, true);
        let old = self.drive.value.clone();
        let who = Who {
            source: Arc::from("device"),
            slot: None,
            why: Arc::from("changed by hand, or power-cycled"),
            once: false,
        };
        cx.out.push(entry(cx.id, What::Changed, &who, old, Some(value.clone())));
        if self.trouble.changes >= TRIES {
            self.alarm(cx);
        }
    }

    /// Believes what the device shows.
    fn adopt(&mut self, setup: &OutputSetup, shows: &Value, now: Mono) {
        let on = !setup.is_safe(shows);
        if on != self.drive.on {
            self.drive.since = now;
        }
        self.drive.on = on;
        self.drive.value = Some(shows.clone());
        self.drive.released = false;
        self.drive.confirmed = true;
        self.ramping = false;
        self.dirty = true;
    }

    fn settle(&mut self, cx: &mut Around<'_>) {
        self.drive.confirmed = true;
        self.trouble.tries = 0;
        self.trouble.again = Mono::default();
        if std::mem::take(&mut self.trouble.alarmed) {
            cx.out.push(Action::Clear(AlarmId::NotFollowing(cx.id)));
        }
    }

    /// Notes an attempt that did not help; says whether that raised the alarm.
    fn fail(&mut self, cx: &mut Around<'_>, safe: bool, answered: bool, now: Mono) -> bool {
        // A command does not wait for the pause, nor does the way back to safe after it. What fails
        // in quick succession says no more than its first.
        if self.trouble.tries == 0 || now >= self.trouble.tried + RETRY {
            self.trouble.tries = self.trouble.tries.saturating_add(1);
            self.trouble.tried = now;
        }
        self.trouble.safe = safe;
        self.trouble.again = now + pause(self.trouble.tries, safe, answered);
        self.trouble.tries >= TRIES && self.alarm(cx)
    }

    fn alarm(&mut self, cx: &mut Around<'_>) -> bool {
        if std::mem::replace(&mut self.trouble.alarmed, true) {
            return false;
        }
        let name = cx.setup.name();
        cx.out.push(Action::Raise(Alarm {
            id: AlarmId::NotFollowing(cx.id),
            severity: Severity::Alarm,
            text: format!("{name} does not follow what is written to it"),
            text_zh: format!("{name} 未按写入值动作"),
        }));
        true
    }

    fn watch_budget(&mut self, cx: &mut Around<'_>) {
        let id = AlarmId::WriteBudget(cx.id);
        // What may yet be given back is not told.
        let mut budget = self.budget;
        if self.flight.is_some() {
            budget.give_back();
        }
        let reached = cx.setup.rules.writes_per_year_max.and_then(|max| {
            let severity = match (budget.spent(max), budget.nearly_spent(max)) {
                (true, _) => Severity::Alarm,
                (false, true) => Severity::Warning,
                (false, false) => return None,
            };
            Some((max, severity))
        });
        let severity = reached.map(|(_, severity)| severity);
        if std::mem::replace(&mut self.budget_alarm, severity) == severity {
            return;
        }
        let Some((max, severity)) = reached else {
            cx.out.push(Action::Clear(id));
            return;
        };
        let (name, n) = (cx.setup.name(), budget.writes);
        let (then, then_zh) = match severity {
            Severity::Alarm => ("; only its safe value is written", "，仅允许写入安全值"),
            Severity::Warning => ("", ""),
        };
        cx.out.push(Action::Raise(Alarm {
            id,
            severity,
            text: format!("{name} had {n} of {max} writes of this year{then}"),
            text_zh: format!("{name} 本年度已写入 {n} 次（上限 {max} 次）{then_zh}"),
        }));
    }

    /// Takes what the local contact shows.
    pub(crate) fn contact(&mut self, cx: &mut Around<'_>, value: Option<&Value>, now: Mono) {
        let Some(local) = &cx.setup.rules.local else { return };
        let was = self.place;
        if !self.place.see(local, value, now) {
            return;
        }
        self.dirty = true;
        match self.place {
            Place::Local => self.tell(cx, What::Away, "local operation", None),
            Place::Lost if was == Place::Remote => {
                self.tell(cx, What::Away, "the local contact can't be read", None);
            }
            _ => {}
        }
    }

    fn tell_held(&mut self, cx: &mut Around<'_>, slot: Option<Slot>, held: Option<Held>) {
        let held = held.filter(|h| !matches!(h, Held::Interval | Held::Ramp));
        let told = held.map(|held| (slot, held));
        if told == self.told {
            return;
        }
        self.told = told;
        let Some(held) = held else { return };
        let (source, why, new) = match self.slots.winner() {
            Some((_, claim)) => (
                Arc::clone(&claim.source),
                Arc::from(claim.why.as_str()),
                Some(claim.value.clone()),
            ),
            None => (Arc::clone(cx.myself), Arc::clone(&self.gone), None),
        };
        let who = Who { source, slot, why, once: false };
        cx.out.push(entry(cx.id, What::Held(held), &who, self.drive.value.clone(), new));
    }

    fn tell(&self, cx: &mut Around<'_>, what: What, why: &str, new: Option<Value>) {
        let source = Arc::clone(cx.myself);
        let who = Who { source, slot: None, why: Arc::from(why), once: false };
        cx.out.push(entry(cx.id, what, &who, self.drive.value.clone(), new));
    }
}

/// How long an output is left alone after so many attempts. A device that does not answer most
/// likely wears no register, so its safe value is tried steadily.
fn pause(tries: u32, safe: bool, answered: bool) -> Duration {
    match (safe, answered) {
        (true, false) => RETRY,
        _ if tries < TRIES => RETRY,
        (true, true) | (false, false) => RETRY_STUCK,
        (false, true) => {
            let doubled = 1u32.checked_shl(tries - TRIES).unwrap_or(u32::MAX);
            RETRY_LATER.saturating_mul(doubled).min(RETRY_MAX)
        }
    }
}

fn entry(
    output: OutputId,
    what: What,
    who: &Who,
    old: Option<Value>,
    new: Option<Value>,
) -> Action {
    let Who { source, slot, why, once } = who.clone();
    Action::Audit(Entry { output, what, source, slot, why, old, new, once })
}

fn raise_interlock(cx: &mut Around<'_>, id: crate::InterlockId) {
    let i = id.0 as usize;
    let (Some(lock), Some(guard)) = (cx.locks.get(i), cx.guards.get_mut(i)) else { return };
    if std::mem::replace(&mut guard.alarmed, true) {
        return;
    }
    let name = cx.setup.name();
    cx.out.push(Action::Raise(Alarm {
        id: AlarmId::Interlock(id),
        severity: Severity::Alarm,
        text: format!("{name} was stopped: {} is lost", lock.title),
        text_zh: format!("{name} 已停止：{} 联锁条件丢失", lock.title_zh),
    }));
}
