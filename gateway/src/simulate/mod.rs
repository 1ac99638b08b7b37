//! `wellhead simulate`: a site's own plugins and its own control against the simulated plant, in
//! virtual time. No bus and no broker are involved, so that a year passes in under a minute.
//!
//! One step: the plant moves on, plugins that are due are called with what their points show, what
//! they ask for goes to Control, and what Control decides is written to the plant. Plugins that
//! want to hear of changes between two steps are not told: a step is no longer than a minute.

mod channels;
mod journal;
mod record;
mod report;
mod taps;
mod wiring;

pub use channels::{Adds, Channel, channels};
pub use journal::Journal;
pub use record::{Recorder, Replay, ReplayError};
pub use report::{Csv, Half, Season, Sum, Totals, plots, rounded};

use crate::config::{self, Site};
use crate::control::told;
use crate::plugins::{self, View, holder};
use std::collections::HashMap;
use std::time::Duration;
use taps::{Shown, TapId, Taps};
use wellhead_control::{Action, Control, Manner, OutputId, Request};
use wellhead_model::{Mono, Now, Quality, Reason, Timestamp, Value};
use wellhead_plant::plant::Plant;
use wellhead_plugin_host::{
    AlarmChange, Effects, Fault, Level, Outcome, Phase, Plugin, Program, Publication, Trust,
};
use wiring::{From, Wiring};

/// Rounds of writes within one step before something is wrong with Control or the plant.
const ROUNDS_MAX: usize = 100;

/// What shows of a plugin that does not run.
const NOT_THERE: (Quality, Option<&Value>) = (Quality::Bad(Reason::NotPolled), None);

struct Actor {
    setup: config::Plugin,
    plugin: Plugin,
    from: Vec<From>,
    /// By binding; none for inputs.
    outputs: Vec<Option<OutputId>>,
    view: View,
    /// The step of its last call.
    looked: u64,
    published: Vec<Shown>,
}

/// What happened that people want to hear of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Faults of plugins, with the first text of each plugin in English and in Chinese.
    pub faults: HashMap<String, (u64, [String; 2])>,
    /// How often each alarm was raised, with its last text in English and in Chinese.
    pub alarms: HashMap<String, (u64, [String; 2])>,
}

/// A plant, its control and its plugins in virtual time.
pub struct Sim {
    /// The plant room.
    pub plant: Plant,
    taps: Taps,
    control: Control,
    /// Where Control writes and looks.
    outputs: Vec<TapId>,
    inputs: Vec<From>,
    actors: Vec<Actor>,
    now: Now,
    step: u64,
    actions: Vec<Action>,
    /// What happened so far.
    pub incidents: Incidents,
    raised: std::collections::HashSet<String>,
    recorder: Option<Recorder>,
    journal: Option<Journal>,
    /// What plugins are bound to.
    bound: Vec<TapId>,
}

fn told_fault(fault: &Fault) -> [String; 2] {
    let panic = match fault.logs.lines.last() {
        // Its text and place.
        Some(line) if line.level == Level::Error => format!(": {}", line.text),
        _ => String::new(),
    };
    [format!("{fault}{panic}"), format!("{}{panic}", fault.text_zh())]
}

impl Sim {
    /// The site's plugins on this plant. `programs` are those of `site.plugins`, in their order;
    /// one that is left out does not run.
    ///
    /// # Errors
    /// Points that plugins or interlocks use and the plant does not have, all of them.
    pub fn new(
        site: &Site,
        programs: Vec<Option<Program>>,
        mut plant: Plant,
        start: Timestamp,
        recorder: Option<Recorder>,
    ) -> anyhow::Result<Self> {
        let now = Now { utc: start, mono: Mono(Duration::ZERO), synced: true };
        let zone = jiff::tz::TimeZone::get(&site.timezone)?;
        let running: Vec<(&config::Plugin, Program)> = site
            .plugins
            .iter()
            .zip(programs)
            .filter_map(|(setup, program)| Some((setup, program?)))
            .collect();
        let mut wiring = Wiring::new(site, &plant, running.iter().map(|(setup, _)| *setup));
        let (outputs, inputs) = (wiring.outputs(), wiring.inputs());
        let from: Vec<_> = running.iter().map(|(setup, _)| wiring.bindings(setup)).collect();
        let (mut taps, bound) = wiring.finish()?;
        wiring::rest(site, &outputs, &mut taps, &mut plant)?;
        let actor = |((setup, program), from): ((&config::Plugin, Program), Vec<From>)| Actor {
            plugin: Plugin::new(program, plugins::setup(setup, &zone), now),
            from,
            outputs: wiring::written(site, setup),
            view: View::new(setup.bindings.len()),
            looked: 0,
            published: vec![Shown::nothing(Reason::NotPolled); setup.manifest.values.len()],
            setup: setup.clone(),
        };
        let actors = running.into_iter().zip(from).map(actor).collect();
        Ok(Self {
            plant,
            taps,
            control: Control::new(site.control.setup.clone(), None, now),
            outputs,
            inputs,
            actors,
            now,
            step: 0,
            actions: Vec::new(),
            incidents: Incidents::default(),
            raised: Default::default(),
            recorder,
            journal: None,
            bound,
        })
    }

    /// The time of the plant.
    pub fn now(&self) -> Now {
        self.now
    }

    /// Advances everything by `seconds`.
    ///
    /// # Errors
    /// If Control and the plant can't come to rest, or the record can't be written.
    pub fn advance(&mut self, seconds: f64) -> anyhow::Result<()> {
        self.plant.step(seconds);
        let passed = Duration::from_secs_f64(seconds);
        self.now.mono = self.now.mono + passed;
        self.now.utc.0 += i64::try_from(passed.as_millis()).unwrap_or(0);
        self.step += 1;
        self.look();
        for i in 0..self.actors.len() {
            if self.actors[i].plugin.next().is_some_and(|next| next <= self.now.mono) {
                self.call(i)?;
            }
        }
        self.settle()
    }

    /// Reads all points, and shows Control what its inputs and held outputs show.
    fn look(&mut self) {
        self.taps.look(&self.plant, self.step);
        for (id, from) in (0u32..).zip(&self.inputs) {
            let shown = show(&self.taps, &self.actors, *from);
            let (quality, value) = shown.map_or(NOT_THERE, Shown::pair);
            self.control.input(wellhead_control::InputId(id), quality, value, self.now);
        }
        for (id, tap) in (0u32..).zip(&self.outputs) {
            if self.control.is_held(OutputId(id)) {
                let (_, value) = self.taps.shown(*tap).pair();
                self.control.shown(OutputId(id), value, self.now);
            }
        }
    }

    fn call(&mut self, i: usize) -> anyhow::Result<()> {
        let mut view = std::mem::take(&mut self.actors[i].view);
        let actor = &self.actors[i];
        let wires = actor.setup.bindings.iter().zip(&actor.from).zip(&actor.outputs).enumerate();
        for (b, ((binding, from), output)) in wires {
            // What shows since before the last call was seen in it.
            let shown = show(&self.taps, &self.actors, *from);
            if let Some(shown) = shown.filter(|shown| shown.since >= actor.looked) {
                let (quality, value) = shown.pair();
                view.show(b, &binding.fit, value, quality, Duration::ZERO);
            }
            if let Some(output) = output {
                view.hold(b, holder(&self.control, *output, actor.setup.id.as_str()));
            }
        }
        let actor = &mut self.actors[i];
        actor.looked = self.step;
        let outcome = actor.plugin.run(view.seen(), self.now);
        if let Some(recorder) = &mut self.recorder {
            recorder.call(i, self.now, &view, &outcome)?;
        }
        actor.view = view;
        if let Some(journal) = &mut self.journal {
            journal.call(&self.plant, &actor.setup.id, &outcome);
        }
        match outcome {
            Outcome::Done(effects) => self.carry_out(i, effects),
            Outcome::Failed(fault, phase) => {
                let id = self.actors[i].setup.id.to_string();
                if phase != Phase::Running {
                    self.control.release_source(&id, "the plugin failed", self.now);
                }
                self.incidents.faults.entry(id).or_insert_with(|| (0, told_fault(&fault))).0 += 1;
            }
            Outcome::Idle => {}
        }
        Ok(())
    }

    fn carry_out(&mut self, i: usize, effects: Effects) {
        let actor = &mut self.actors[i];
        for write in &effects.writes {
            let (Some(binding), Some(Some(output))) =
                (actor.setup.bindings.get(write.binding), actor.outputs.get(write.binding))
            else {
                continue;
            };
            let value = match &write.value {
                Some(value) => match binding.fit.to_point(value) {
                    Some(value) => Some(value),
                    None => continue,
                },
                None => None,
            };
            let request = Request {
                output: *output,
                slot: actor.setup.slot,
                source: actor.setup.id.as_str(),
                why: &write.reason,
                value: value.as_ref(),
                ttl: actor.setup.ttl,
                manner: if actor.setup.shadow { Manner::Shadow } else { Manner::Standing },
            };
            // Control tells a refusal in its trail.
            let _ = self.control.request(&request, self.now);
        }
        for Publication { value, shown, trust } in effects.values {
            if let Some(slot) = actor.published.get_mut(value) {
                let (quality, value) = match (shown, trust) {
                    (Ok(v), Trust::Good | Trust::Manual) => (Quality::Good, Some(v)),
                    (Ok(v), _) => (Quality::Uncertain(Reason::Estimated), Some(v)),
                    (Err(_), _) => (Quality::Bad(Reason::NotComputed), None),
                };
                *slot = Shown { quality, value, since: self.step };
            }
        }
        let id = actor.setup.id.clone();
        for change in effects.alarms {
            match change {
                AlarmChange::Raised { code, text, text_zh, .. } => {
                    self.raise(format!("{id}.{code}"), [text, text_zh]);
                }
                AlarmChange::Cleared { code } => self.clear(&format!("{id}.{code}")),
            }
        }
    }

    fn raise(&mut self, id: String, text: [String; 2]) {
        let fresh = self.raised.insert(id.clone());
        if let Some(journal) = self.journal.as_mut().filter(|_| fresh) {
            journal.raised(&self.plant, &id, &text);
        }
        let entry = self.incidents.alarms.entry(id).or_default();
        entry.0 += u64::from(fresh);
        entry.1 = text;
    }

    fn clear(&mut self, id: &str) {
        let was_active = self.raised.remove(id);
        if let Some(journal) = self.journal.as_mut().filter(|_| was_active) {
            journal.cleared(&self.plant, id);
        }
    }

    /// Lets Control decide, and the plant take what it decides, until both are at rest.
    fn settle(&mut self) -> anyhow::Result<()> {
        for _ in 0..ROUNDS_MAX {
            let mut actions = std::mem::take(&mut self.actions);
            self.control.step(self.now, &mut actions);
            let written = actions
                .iter()
                .any(|a| matches!(a, Action::Write { .. } | Action::Relinquish { .. }));
            for action in actions.drain(..) {
                self.act(action);
            }
            self.actions = actions;
            if !written {
                return Ok(());
            }
        }
        anyhow::bail!("Control goes on writing within one step; this is a mistake in the gateway")
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Write { ticket, value } => {
                let Some(tap) = self.outputs.get(ticket.output.0 as usize).copied() else { return };
                match self.taps.write(tap, &mut self.plant, &value, self.step) {
                    Ok(()) => {
                        let (_, shown) = self.taps.shown(tap).pair();
                        self.control.written(ticket, Ok(shown), self.now);
                    }
                    Err(why) => self.control.doubtful(ticket, &why, self.now),
                }
            }
            Action::Relinquish { ticket } => {
                // The simulated machines have no programme of their own: they rest.
                let i = ticket.output.0 as usize;
                let output = self.control.setup().outputs.get(i);
                let safe = output.and_then(|o| o.point.output.as_ref()).map(|o| o.safe.clone());
                let (Some(tap), Some(safe)) = (self.outputs.get(i).copied(), safe) else { return };
                match self.taps.write(tap, &mut self.plant, &safe, self.step) {
                    Ok(()) => self.control.written(ticket, Ok(None), self.now),
                    Err(why) => self.control.doubtful(ticket, &why, self.now),
                }
            }
            Action::Raise(alarm) => {
                let id = told::alarm_id(&self.control, alarm.id);
                self.raise(id, [alarm.text, alarm.text_zh]);
            }
            Action::Clear(id) => self.clear(&told::alarm_id(&self.control, id)),
            Action::Audit(entry) => {
                if let Some(journal) = &mut self.journal {
                    journal.decision(&self.plant, &self.control, &entry);
                }
            }
        }
    }

    /// A published value, by plugin and name.
    pub fn published(&self, plugin: &str, value: &str) -> Option<&Value> {
        let actor = self.actors.iter().find(|a| a.setup.id.as_str() == plugin)?;
        let at = actor.setup.manifest.values.iter().position(|v| v.name == value)?;
        actor.published.get(at)?.value.as_ref()
    }

    /// Names and units of everything that plugins publish.
    pub fn values(&self) -> impl Iterator<Item = (String, Option<&str>, Option<&Value>)> {
        self.actors.iter().flat_map(|a| {
            a.setup.manifest.values.iter().zip(&a.published).map(|(v, shown)| {
                (format!("{}/{}", a.setup.id, v.name), v.unit.as_deref(), shown.value.as_ref())
            })
        })
    }

    /// How often each output was started and written.
    pub fn counts(&self) -> Vec<(String, wellhead_control::Count)> {
        let outputs = self.control.setup().outputs.iter().enumerate();
        outputs
            .map(|(i, o)| (o.name(), self.control.count(OutputId(u32::try_from(i).unwrap_or(0)))))
            .filter(|(_, count)| count.writes > 0)
            .collect()
    }
}

/// None of a plugin that does not run.
fn show<'a>(taps: &'a Taps, actors: &'a [Actor], from: From) -> Option<&'a Shown> {
    match from {
        From::Plant(tap) => Some(taps.shown(tap)),
        From::Plugin(plugin, value) => actors.get(plugin)?.published.get(value),
    }
}
