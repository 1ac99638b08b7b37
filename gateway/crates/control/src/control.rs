//! Control itself: takes wishes, inputs and results, and hands out what is to be done.

use crate::output::{Around, Flight, NEVER, OutputState, Shadow, Took};
use crate::restrain::Wanted;
use crate::saved::SavedOutput;
use crate::slot::Claim;
use crate::watch::{Guard, Leave};
use crate::{
    Action, AlarmId, Entry, Held, InputId, InterlockId, OutputId, OutputSetup, Refusal, Saved,
    Setup, Slot, Ticket, What,
};
use std::sync::Arc;
use std::time::Duration;
use wellhead_model::{Mono, Now, Quality, Value};

/// Ages before the machine's own monotonic time began must stand somewhere: everything in here is
/// counted from this long before it.
const BEFORE: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// How a request is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Stands in its slot until its time is over: what can't be yet comes when it can, and no
    /// faster than the rate.
    Standing,
    /// Acts now or is refused: a command of a person. What it displaces in its slot is kept until
    /// [`Control::conclude`] says how it ended.
    Once,
    /// Only judged and told, never written.
    Shadow,
}

/// A wish.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Which output.
    pub output: OutputId,
    /// In which slot.
    pub slot: Slot,
    /// Who asks.
    pub source: &'a str,
    /// Why, for the audit trail; with [`Manner::Once`] the command's own name.
    pub why: &'a str,
    /// What; `None` gives the slot back.
    pub value: Option<&'a Value>,
    /// For how long.
    pub ttl: Duration,
    /// How it is meant.
    pub manner: Manner,
}

/// Who decides an output at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder<'a> {
    /// Nobody: it is at its safe value, or was never touched.
    Nobody,
    /// A writer.
    Writer {
        /// Its slot.
        slot: Slot,
        /// Its name.
        source: &'a str,
    },
    /// Something keeps the wanted value away. Never [`Held::Slot`], [`Held::Interval`] or
    /// [`Held::Ramp`].
    Held(Held),
}

/// What an output had since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Writes sent.
    pub writes: u64,
    /// Times that a write took it away from its safe value.
    pub starts: u64,
}

/// See the crate.
#[derive(Debug)]
pub struct Control {
    setup: Setup,
    states: Vec<OutputState>,
    guards: Vec<Guard>,
    /// Interlocks of each output.
    guarded_by: Vec<Vec<u32>>,
    /// Interlocks that look at each input, and outputs whose local contact it is.
    watched_by: Vec<(Vec<u32>, Vec<u32>)>,
    out: Vec<Action>,
    number: u64,
    next: Mono,
    dirty: bool,
    myself: Arc<str>,
}

fn inner(now: Now) -> Now {
    Now { mono: now.mono + BEFORE, ..now }
}

fn id(position: usize) -> OutputId {
    OutputId(u32::try_from(position).unwrap_or(u32::MAX))
}

impl Control {
    /// Control over the outputs of `setup`. What `saved` says was held is brought to safe by the
    /// first [`Control::step`].
    pub fn new(setup: Setup, saved: Option<&Saved>, now: Now) -> Self {
        let mut control = Self {
            setup: Setup::default(),
            states: Vec::new(),
            guards: Vec::new(),
            guarded_by: Vec::new(),
            watched_by: Vec::new(),
            out: Vec::new(),
            number: 0,
            next: NEVER,
            dirty: true,
            myself: Arc::from("control"),
        };
        control.arrange(setup, inner(now).mono);
        if let Some(saved) = saved {
            control.recall(saved, inner(now));
        }
        control
    }

    /// Takes a changed setup. Outputs that are still there (by name) keep their slots, timers and
    /// counts, but for values that the point does not take any more; inputs have to be given again.
    /// Alarms of what is still there stand until their cause is over, see [`Control::alarms`].
    /// Returns the names of outputs that are gone while
    /// somebody held them: nobody can bring those to safe any more.
    pub fn reload(&mut self, setup: Setup, now: Now) -> Vec<String> {
        let old = std::mem::take(&mut self.setup);
        let states = std::mem::take(&mut self.states);
        let guards = std::mem::take(&mut self.guards);
        self.arrange(setup, inner(now).mono);
        // A flow that was proven is not lost because somebody changed a title: an interlock that is
        // as it was goes on counting, and a device that is read anew has `within` to show it again.
        for (lock, guard) in self.setup.interlocks.iter().zip(&mut self.guards) {
            let mut known = old.interlocks.iter().zip(&guards);
            match known.find(|(l, _)| l.id == lock.id) {
                Some((l, was)) if l.needs == lock.needs => *guard = *was,
                // What it stopped waits for what it needs now.
                Some((_, was)) => guard.alarmed = was.alarmed,
                None => {}
            }
        }
        let place =
            |was: &OutputSetup| self.setup.outputs.iter().position(|o| o.name() == was.name());
        let places: Vec<_> = old.outputs.iter().map(place).collect();
        // What was decided and not handed out yet names the old positions.
        let moved: Vec<_> = places.iter().map(|p| p.map(id)).collect();
        self.out = self.out.drain(..).filter_map(|action| action.moved(&moved)).collect();
        let mut gone = Vec::new();
        for ((was, mut state), place) in old.outputs.iter().zip(states).zip(places) {
            match place {
                Some(i) => {
                    state.dirty = true;
                    state.place = self.states[i].place;
                    self.states[i] = state;
                    self.release_refused(i);
                }
                None if state.is_held() => gone.push(was.name()),
                None => {}
            }
        }
        gone
    }

    fn arrange(&mut self, setup: Setup, now: Mono) {
        self.states = setup.outputs.iter().map(|o| OutputState::new(o, now)).collect();
        self.guards = setup.interlocks.iter().map(|_| Guard::new()).collect();
        self.guarded_by = vec![Vec::new(); setup.outputs.len()];
        self.watched_by = vec![Default::default(); setup.inputs as usize];
        for (i, lock) in (0u32..).zip(&setup.interlocks) {
            for output in &lock.outputs {
                if let Some(list) = self.guarded_by.get_mut(output.0 as usize) {
                    list.push(i);
                }
            }
            if let Some((locks, _)) = self.watched_by.get_mut(lock.input.0 as usize) {
                locks.push(i);
            }
        }
        for (i, output) in (0u32..).zip(&setup.outputs) {
            let input = output.rules.local.as_ref().map(|l| l.input.0 as usize);
            if let Some((_, locals)) = input.and_then(|input| self.watched_by.get_mut(input)) {
                locals.push(i);
            }
        }
        self.setup = setup;
        self.dirty = true;
    }

    fn recall(&mut self, saved: &Saved, now: Now) {
        let passed = saved.passed(now);
        let back = |ms: u64| {
            let age = Duration::from_millis(ms).saturating_add(passed);
            Mono(now.mono.0.saturating_sub(age))
        };
        for (setup, state) in self.setup.outputs.iter().zip(&mut self.states) {
            let Some(kept) = saved.outputs.get(&setup.name()) else { continue };
            state.budget = kept.budget;
            state.drive.on = kept.on;
            state.drive.since = back(kept.since_ms);
            state.starts = kept.starts_ms.iter().map(|ms| back(*ms)).collect();
            if kept.held_by.is_some() {
                state.touched = true;
                state.restoring = true;
            }
        }
    }

    /// What must survive a restart.
    pub fn save(&self, now: Now) -> Saved {
        let now = inner(now);
        let age = |at: Mono| u64::try_from(now.mono.since(at).as_millis()).unwrap_or(u64::MAX);
        let one = |(setup, state): (&OutputSetup, &OutputState)| {
            let kept = SavedOutput {
                held_by: state.is_held().then(|| match state.slots.winner() {
                    Some((_, claim)) => claim.source.to_string(),
                    None => self.myself.to_string(),
                }),
                on: state.drive.on,
                since_ms: age(state.drive.since),
                starts_ms: state.starts.iter().map(|at| age(*at)).collect(),
                budget: state.budget,
            };
            (setup.name(), kept)
        };
        let outputs = self.setup.outputs.iter().zip(&self.states).map(one).collect();
        Saved { utc_ms: now.utc.0, synced: now.synced, outputs }
    }

    /// Puts a value into a slot, keeps it there, or gives the slot back. It takes effect with the
    /// next [`Control::step`].
    ///
    /// # Errors
    /// If the value is not for this point, or the manner is [`Manner::Once`] and it can't act now.
    pub fn request(&mut self, request: &Request<'_>, now: Now) -> Result<(), Refusal> {
        let result = self.consider(request, inner(now));
        if let (Err(refusal), Manner::Standing | Manner::Shadow) = (&result, request.manner) {
            self.tell_refusal(request, refusal);
        }
        result
    }

    fn consider(&mut self, request: &Request<'_>, now: Now) -> Result<(), Refusal> {
        let i = request.output.0 as usize;
        let setup = self.setup.outputs.get(i).ok_or(Refusal::UnknownOutput)?;
        if request.slot == Slot::MINIMUM_TIME {
            return Err(Refusal::SlotReserved);
        }
        let value = request.value.map(|v| setup.point.accept(v)).transpose()?;
        match (request.manner, value) {
            (Manner::Shadow, value) => self.shadow(request, value, now),
            (_, None) => self.relinquish(request),
            (Manner::Once, Some(value)) => {
                self.check_once(request, &value, now)?;
                self.put(request, value, now.mono);
                self.states[i].force = true;
                self.soil(request.output.0);
            }
            (Manner::Standing, Some(value)) => self.put(request, value, now.mono),
        }
        Ok(())
    }

    fn put(&mut self, request: &Request<'_>, value: Value, now: Mono) {
        let state = &mut self.states[request.output.0 as usize];
        let expires = now + request.ttl;
        let once = request.manner == Manner::Once;
        let above = state.slots.winner().map(|(slot, _)| slot).filter(|s| *s < request.slot);
        state.refused = None;
        // A command is not merged with an earlier one: each ends in its own way.
        if let Some(claim) = state.slots.get_mut(request.slot)
            && !once
            && !claim.once
            && *claim.source == *request.source
            && claim.value == value
        {
            claim.expires = expires;
            claim.why.clear();
            claim.why.push_str(request.why);
            state.due = state.due.min(expires);
            self.next = self.next.min(expires);
            return;
        }
        let displaced = state.slots.take(request.slot);
        let old = displaced.as_ref().map(|c| c.value.clone());
        let before = displaced.filter(|_| once).map(Box::new);
        let source: Arc<str> = Arc::from(request.source);
        if let Some(above) = above {
            self.out.push(Action::Audit(Entry {
                output: request.output,
                what: What::Held(Held::Slot(above)),
                source: Arc::clone(&source),
                slot: Some(request.slot),
                why: Arc::from(request.why),
                old,
                new: Some(value.clone()),
                once,
            }));
        }
        let why = request.why.to_owned();
        state.slots.put(request.slot, Claim { source, why, value, expires, once, before });
        state.touched = true;
        self.soil(request.output.0);
    }

    /// Takes how a command that was accepted as [`Manner::Once`] ended: done, or failed and why.
    /// With one that failed, what it displaced in its slot returns for the rest of its time.
    pub fn conclude(&mut self, command: &Request<'_>, result: Result<(), &str>) {
        let Request { output, slot, source, why, .. } = *command;
        let Some(state) = self.states.get_mut(output.0 as usize) else { return };
        let failed = match result {
            Ok(()) => return state.slots.confirm(slot, source, why),
            Err(failed) => failed,
        };
        let Some(claim) = state.slots.withdraw(slot, source, why) else { return };
        self.tell_relinquished(command, failed, claim);
    }

    fn relinquish(&mut self, request: &Request<'_>) {
        let state = &mut self.states[request.output.0 as usize];
        let Some(claim) = state.slots.take(request.slot) else { return };
        self.tell_relinquished(request, request.why, claim);
    }

    fn tell_relinquished(&mut self, request: &Request<'_>, why: &str, claim: Claim) {
        let state = &mut self.states[request.output.0 as usize];
        state.gone = Arc::from(why);
        self.out.push(Action::Audit(Entry {
            output: request.output,
            what: What::Relinquished,
            source: Arc::from(request.source),
            slot: Some(request.slot),
            why: Arc::from(why),
            old: Some(claim.value),
            new: None,
            once: claim.once,
        }));
        self.soil(request.output.0);
    }

    /// Empties every slot of a source at once: a plugin that died, an uplink that went.
    pub fn release_source(&mut self, source: &str, why: &str, _now: Now) {
        for i in 0..self.states.len() {
            self.states[i].shadows.retain(|s| *s.source != *source);
            while let Some((slot, claim)) = self.states[i].slots.take_if(|c| *c.source == *source) {
                self.released(i, slot, claim, why);
            }
        }
    }

    /// Empties the slots of what the point does not take as it stands there.
    fn release_refused(&mut self, i: usize) {
        let point = self.setup.outputs[i].point.clone();
        let refused = |c: &Claim| point.accept(&c.value).as_ref() != Ok(&c.value);
        while let Some((slot, claim)) = self.states[i].slots.take_if(refused) {
            let why = match point.accept(&claim.value) {
                Err(refusal) => format!("not allowed any more: {refusal}"),
                Ok(_) => "the point is of another kind now".to_owned(),
            };
            self.released(i, slot, claim, &why);
        }
    }

    fn released(&mut self, i: usize, slot: Slot, claim: Claim, why: &str) {
        let state = &mut self.states[i];
        state.gone = Arc::from(why);
        state.dirty = true;
        self.dirty = true;
        self.out.push(Action::Audit(Entry {
            output: id(i),
            what: What::Released,
            source: claim.source,
            slot: Some(slot),
            why: Arc::clone(&state.gone),
            old: Some(claim.value),
            new: None,
            once: claim.once,
        }));
    }

    fn check_once(
        &mut self,
        request: &Request<'_>,
        value: &Value,
        now: Now,
    ) -> Result<(), Refusal> {
        let state = &self.states[request.output.0 as usize];
        if let Some((slot, claim)) = state.slots.winner()
            && slot < request.slot
        {
            return Err(Refusal::Overridden { slot, by: Arc::clone(&claim.source) });
        }
        let from = state.drive.value.as_ref().and_then(Value::as_f64);
        let held = self.judge(request, value, true, now);
        let output = self.setup.outputs[request.output.0 as usize].output();
        Err(match held {
            None => return Ok(()),
            Some(Held::Interval) => {
                Refusal::TooSoon(output.map(|o| o.interval_min).unwrap_or_default())
            }
            Some(Held::Ramp) => Refusal::TooFast {
                from: from.unwrap_or_default(),
                to: value.as_f64().unwrap_or_default(),
                rate_max: output.and_then(|o| o.rate_max).unwrap_or_default(),
            },
            Some(Held::Interlock(id)) => Refusal::Interlocked(self.interlock_name(id)),
            Some(held) => Refusal::Held(held),
        })
    }

    fn shadow(&mut self, request: &Request<'_>, value: Option<Value>, now: Now) {
        let state = &mut self.states[request.output.0 as usize];
        let same = |s: &&mut Shadow| *s.source == *request.source;
        match state.shadows.iter_mut().find(same) {
            Some(known) if known.value == value => return,
            Some(known) => known.value.clone_from(&value),
            None => {
                let source = Arc::from(request.source);
                state.shadows.push(Shadow { source, value: value.clone() });
            }
        }
        let above = state.slots.winner().map(|(slot, _)| slot).filter(|s| *s < request.slot);
        let old = state.drive.value.clone();
        let held = match (above, &value) {
            (Some(above), _) => Some(Held::Slot(above)),
            (None, Some(value)) => self.judge(request, value, false, now),
            (None, None) => None,
        };
        self.out.push(Action::Audit(Entry {
            output: request.output,
            what: What::Shadow(held),
            source: Arc::from(request.source),
            slot: Some(request.slot),
            why: Arc::from(request.why),
            old,
            new: value,
            once: false,
        }));
    }

    fn judge(
        &mut self,
        request: &Request<'_>,
        value: &Value,
        once: bool,
        now: Now,
    ) -> Option<Held> {
        let wanted = Wanted { slot: Some(request.slot), value, once };
        self.with(request.output.0, |state, cx| state.judge(cx, wanted, now.mono).held).flatten()
    }

    fn tell_refusal(&mut self, request: &Request<'_>, refusal: &Refusal) {
        let Some(state) = self.states.get_mut(request.output.0 as usize) else { return };
        let Some(value) = request.value else { return };
        let (code, source) = (refusal.code(), request.source);
        let told = state.refused.as_ref();
        if told.is_some_and(|(s, v, c)| **s == *source && v == value && *c == code) {
            return;
        }
        state.refused = Some((Arc::from(source), value.clone(), code));
        self.out.push(Action::Audit(Entry {
            output: request.output,
            what: What::Refused(code),
            source: Arc::from(source),
            slot: Some(request.slot),
            why: Arc::from(refusal.to_string()),
            old: None,
            new: Some(value.clone()),
            once: false,
        }));
    }

    /// Takes what an interlock input or local contact shows. Only `good` and `manual` values are
    /// believed. May be called with what was known already.
    pub fn input(&mut self, input: InputId, quality: Quality, value: Option<&Value>, now: Now) {
        let value = value.filter(|_| matches!(quality, Quality::Good | Quality::Manual));
        let now = inner(now).mono;
        let Some((locks, locals)) = self.watched_by.get_mut(input.0 as usize) else { return };
        // Lent out, so that the rest of `self` can be used meanwhile.
        let (locks, locals) = (std::mem::take(locks), std::mem::take(locals));
        for &i in &locks {
            let lock = &self.setup.interlocks[i as usize];
            if self.guards[i as usize].see(lock, value, now) {
                for output in &lock.outputs {
                    if let Some(state) = self.states.get_mut(output.0 as usize) {
                        state.dirty = true;
                    }
                }
                self.dirty = true;
            }
        }
        for &i in &locals {
            self.with(i, |state, cx| state.contact(cx, value, now));
        }
        if let Some(place) = self.watched_by.get_mut(input.0 as usize) {
            *place = (locks, locals);
        }
    }

    /// Takes what an output itself shows, from a reading that is new; `None` if it came to nothing
    /// good.
    pub fn shown(&mut self, output: OutputId, value: Option<&Value>, now: Now) {
        let now = inner(now).mono;
        self.with(output.0, |state, cx| state.shown(cx, value, now));
    }

    /// Takes the result of a write that its device took: `Ok` with what was read back, or with
    /// nothing if the point is not read back; otherwise a sentence why it is not surely there.
    pub fn written(&mut self, ticket: Ticket, result: Result<Option<&Value>, &str>, now: Now) {
        self.ended(ticket, result.map_err(|why| (Took::Yes, why)), now);
    }

    /// Takes that a write was sent, and nobody knows whether its device took it: it was not
    /// answered, or refused. The first three attempts in a row count as writes of the year, for the
    /// answer alone may have been lost; the others do not, or an outage would spend them all.
    pub fn doubtful(&mut self, ticket: Ticket, why: &str, now: Now) {
        self.ended(ticket, Err((Took::Perhaps, why)), now);
    }

    /// Takes that a write failed before it was sent.
    pub fn unsent(&mut self, ticket: Ticket, why: &str, now: Now) {
        self.ended(ticket, Err((Took::No, why)), now);
    }

    fn ended(&mut self, ticket: Ticket, result: Result<Option<&Value>, (Took, &str)>, now: Now) {
        let now = inner(now).mono;
        let Some((output, flight)) = self.landed(ticket) else { return };
        self.with(output, |state, cx| state.written(cx, flight, result, now));
    }

    /// Takes that a write did not leave for want of room on its line. It is tried again after the
    /// pause that a failed one has, but says nothing of the device and is not told.
    pub fn put_off(&mut self, ticket: Ticket, now: Now) {
        let now = inner(now).mono;
        let Some((output, flight)) = self.landed(ticket) else { return };
        self.with(output, |state, _| state.put_off(&flight, now));
    }

    /// The write that an answer is for, by its number: a reload may have moved its output.
    fn landed(&mut self, ticket: Ticket) -> Option<(u32, Flight)> {
        let mut states = (0..).zip(&mut self.states);
        states.find_map(|(i, s)| Some((i, s.flight.take_if(|f| f.number == ticket.number)?)))
    }

    /// Does everything that is due and appends it to `actions`. Costs next to nothing if nothing
    /// is.
    pub fn step(&mut self, now: Now, actions: &mut Vec<Action>) {
        let now = inner(now);
        if self.dirty || now.mono >= self.next {
            self.dirty = false;
            self.next = NEVER;
            for i in 0..self.states.len() {
                let state = &self.states[i];
                if state.dirty || now.mono >= state.due {
                    self.with(id(i).0, |state, cx| state.act(cx, now));
                }
                self.next = self.next.min(self.states[i].due);
            }
            self.calm(now.mono);
        }
        actions.append(&mut self.out);
    }

    /// Ends the alarms of interlocks that hold again.
    fn calm(&mut self, now: Mono) {
        for (i, (guard, lock)) in (0u32..).zip(self.guards.iter_mut().zip(&self.setup.interlocks)) {
            if !guard.alarmed {
                continue;
            }
            match guard.leave(lock, now) {
                Leave::Granted => {
                    guard.alarmed = false;
                    self.out.push(Action::Clear(AlarmId::Interlock(InterlockId(i))));
                }
                Leave::NotYet(until) | Leave::Recovering(until) => self.next = self.next.min(until),
                Leave::Grace(_) | Leave::Lost => {}
            }
        }
    }

    /// When [`Control::step`] must be called at the latest, if nothing else happens; `None` if
    /// time alone changes nothing.
    pub fn next(&self, now: Now) -> Option<Mono> {
        if self.dirty || !self.out.is_empty() {
            return Some(now.mono);
        }
        (self.next != NEVER).then(|| Mono(self.next.0.saturating_sub(BEFORE)))
    }

    /// Who decides an output, as of the last step.
    pub fn holder(&self, output: OutputId) -> Holder<'_> {
        let Some(state) = self.states.get(output.0 as usize) else { return Holder::Nobody };
        match (state.held, state.slots.winner()) {
            (Some(held), _) if !matches!(held, Held::Interval | Held::Ramp) => Holder::Held(held),
            (_, Some((slot, claim))) => Holder::Writer { slot, source: &claim.source },
            (_, None) => Holder::Nobody,
        }
    }

    /// Who stands in a slot, and with which value.
    pub fn claim(&self, output: OutputId, slot: Slot) -> Option<(&str, &Value)> {
        let claim = self.states.get(output.0 as usize)?.slots.get(slot)?;
        Some((&claim.source, &claim.value))
    }

    /// Everything that stands in the slots of an output, the winner first.
    pub fn claims(&self, output: OutputId) -> impl Iterator<Item = (Slot, &str, &Value)> {
        let state = self.states.get(output.0 as usize);
        let slots = state.into_iter().flat_map(|s| s.slots.iter());
        slots.map(|(slot, claim)| (slot, &*claim.source, &claim.value))
    }

    /// The alarms that are active. A reload gives them other positions and ends those of what is
    /// gone, without an [`Action::Clear`]: there is no position left to name them by.
    pub fn alarms(&self) -> impl Iterator<Item = AlarmId> {
        let outputs = (0..).zip(&self.states).flat_map(|(i, state)| state.alarms(OutputId(i)));
        let locks = (0..).zip(&self.guards).filter(|(_, guard)| guard.alarmed);
        outputs.chain(locks.map(|(i, _)| AlarmId::Interlock(InterlockId(i))))
    }

    /// Whether an output may be away from its safe value: somebody holds it, or its return is not
    /// confirmed. This is what [`Control::save`] keeps.
    pub fn is_held(&self, output: OutputId) -> bool {
        self.states.get(output.0 as usize).is_some_and(OutputState::is_held)
    }

    /// Whether an output is believed to be away from its safe value.
    pub fn is_on(&self, output: OutputId) -> bool {
        self.states.get(output.0 as usize).is_some_and(|s| s.drive.on)
    }

    /// What an output had since the start.
    pub fn count(&self, output: OutputId) -> Count {
        self.states
            .get(output.0 as usize)
            .map_or_else(Count::default, |s| Count { writes: s.writes, starts: s.starts_total })
    }

    /// The name of an interlock in the site file.
    pub fn interlock_name(&self, id: InterlockId) -> Arc<str> {
        let lock = self.setup.interlocks.get(id.0 as usize);
        lock.map_or_else(|| Arc::from(""), |l| Arc::clone(&l.id))
    }

    /// What it judges by.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    fn soil(&mut self, output: u32) {
        if let Some(state) = self.states.get_mut(output as usize) {
            state.dirty = true;
            self.dirty = true;
        }
    }

    fn with<T>(
        &mut self,
        output: u32,
        f: impl FnOnce(&mut OutputState, &mut Around<'_>) -> T,
    ) -> Option<T> {
        let i = output as usize;
        let state = self.states.get_mut(i)?;
        let mut around = Around {
            id: OutputId(output),
            setup: self.setup.outputs.get(i)?,
            locks: &self.setup.interlocks,
            guarded_by: self.guarded_by.get(i)?,
            guards: &mut self.guards,
            out: &mut self.out,
            number: &mut self.number,
            myself: &self.myself,
        };
        let result = f(state, &mut around);
        self.dirty |= state.dirty;
        Some(result)
    }
}
