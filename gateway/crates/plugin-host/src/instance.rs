//! One running plugin: its calls, each of which ends well or leaves no trace.

use crate::bindings as wit;
use crate::bindings::wellhead::plugin::clock::Instant;
use crate::calls;
use crate::effects::{Effects, Logs, Publication, one_line};
use crate::engine::{Engine, cpu_time};
use crate::fault::{Fault, FaultKind};
use crate::program::Program;
use crate::sandbox::{Bound, Sandbox, TimeIsOver};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::{FrameInfo, Store, Trap, WasmBacktrace};
use wellhead_manifest::{Manifest, Setting};
use wellhead_model::{Now, Quality, Value};

/// Longest state a plugin may save, in bytes.
pub const SAVED_LEN_MAX: usize = 64 << 10;

/// How many times its deadline a plugin has for `init`, which may build tables once.
const INIT_DEADLINES: u32 = 5;

/// Longest text of a fault, in bytes.
const FAULT_LEN_MAX: usize = 300;

/// Of `init`, which has nothing to tell.
const NOTHING_TOLD: wit::Told = wit::Told { numbers: Vec::new(), again: Vec::new() };

/// How many functions a fault names.
const FRAMES_MAX: usize = 4;

/// What a site decides about one plugin, and what it left behind when it ran last.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The points bound to its roles. A binding's position here is the plugin's handle of it and
    /// what [`Seen`] and [`Effects`] speak of.
    pub bindings: Vec<Binding>,
    /// Every parameter of the manifest in its order, as `Manifest::settings` returns them.
    pub settings: Vec<(String, Setting)>,
    /// Local time.
    pub zone: TimeZone,
    /// What it saved last.
    pub saved: Option<Saved>,
    /// Its key-value store.
    pub kv: BTreeMap<String, Vec<u8>>,
}

/// A point bound to a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Name of the role in the manifest.
    pub role: String,
    /// Position in the list of points bound to the role, from 0.
    pub index: u32,
    /// Whether the site lets the plugin write it. Says nothing for an input role.
    pub granted: bool,
}

/// What `save` returned once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Version of the plugin that saved it.
    pub version: String,
    /// Whatever it is; at most [`SAVED_LEN_MAX`].
    pub bytes: Vec<u8>,
}

/// What a plugin sees of the plant in one call, by binding. It is lent for the length of the call
/// and comes back as it was, since copying it costs as much as many a plugin computes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The latest of each bound point, in the unit that the manifest gives the role.
    pub readings: Vec<Reading>,
    /// Who decides each output at present; of an input it says nothing.
    pub holders: Vec<Holder>,
}

/// The latest of a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Passed on only if the quality allows a value.
    pub value: Option<Value>,
    /// How far it can be trusted.
    pub quality: Quality,
    /// Time since it was taken.
    pub age: Duration,
}

/// Who decides an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// Nobody: it is at its safe value.
    Nobody,
    /// This plugin.
    ThisPlugin,
    /// An operator, or a remote command above this plugin's slot.
    Operator,
    /// The device is in local or hand mode; nothing is written.
    Local,
    /// An interlock or protection, by name.
    Protection(Arc<str>),
    /// Somebody else, by name.
    Other(Arc<str>),
}

/// A plugin that has been initialised.
pub struct Instance {
    store: Store<Sandbox>,
    exports: wit::Plugin,
    engine: Engine,
    manifest: Arc<Manifest>,
    cost: Duration,
    /// What the last call was shown, for its memory.
    numbers: Vec<f64>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("plugin", &self.manifest.name).finish_non_exhaustive()
    }
}

impl Instance {
    /// Instantiates a program and calls its `init`, which may take five times its deadline.
    pub fn new(
        program: &Program,
        setup: &Setup,
        seen: &mut Seen,
        now: Now,
    ) -> Result<(Self, Effects), Fault> {
        let bound = bound(&program.manifest, &setup.bindings)?;
        let mut instance = Self::uninitialised(program, setup, bound)?;
        let config = calls::config(setup);
        let length = program.manifest.limits.deadline * INIT_DEADLINES;
        let effects = instance.asked(length, seen, now, |exports, store, now, _| {
            Ok(exports.call_init(store, &config, now)?.map(|()| NOTHING_TOLD))
        })?;
        Ok((instance, effects))
    }

    fn uninitialised(program: &Program, setup: &Setup, bound: Vec<Bound>) -> Result<Self, Fault> {
        let manifest = program.manifest.clone();
        let sandbox = Sandbox::new(manifest.clone(), bound, setup.zone.clone(), setup.kv.clone());
        let engine = program.engine.clone();
        let mut store = sandbox.into_store(&engine);
        let length = manifest.limits.deadline * INIT_DEADLINES;
        // A core module may run code as soon as it is instantiated.
        let exports = run(&engine, &mut store, length, |store| program.pre.instantiate(store));
        let (exports, cost) = (exports.0?, exports.1);
        Ok(Self { store, exports, engine, manifest, cost, numbers: Vec::new() })
    }

    /// What the component says of itself, without `init`.
    pub(crate) fn describe(program: &Program) -> Result<wit::Description, Fault> {
        let setup = Setup {
            bindings: Vec::new(),
            settings: Vec::new(),
            zone: TimeZone::UTC,
            saved: None,
            kv: BTreeMap::new(),
        };
        let mut instance = Self::uninitialised(program, &setup, Vec::new())?;
        let length = program.manifest.limits.deadline;
        instance.call(length, |exports, store| exports.call_describe(store))
    }

    /// Calls `tick`.
    pub fn tick(&mut self, seen: &mut Seen, now: Now) -> Result<Effects, Fault> {
        let length = self.manifest.limits.deadline;
        self.asked(length, seen, now, |exports, store, now, seen| {
            exports.call_tick(store, now, seen)
        })
    }

    /// Calls `on-change` with the bindings whose points changed.
    pub fn changed(
        &mut self,
        bindings: &[u32],
        seen: &mut Seen,
        now: Now,
    ) -> Result<Effects, Fault> {
        let length = self.manifest.limits.deadline;
        self.asked(length, seen, now, |exports, store, now, seen| {
            exports.call_on_change(store, now, seen, bindings)
        })
    }

    /// Calls `save`. What it asks for besides is dropped: it is no time to act.
    pub fn save(&mut self) -> Result<Saved, Fault> {
        let length = self.manifest.limits.deadline;
        let bytes = self.call(length, |exports, store| exports.call_save(store))?;
        let asked = std::mem::take(&mut self.store.data_mut().asked);
        if bytes.len() > SAVED_LEN_MAX {
            return Err(Fault {
                kind: FaultKind::Error,
                text: format!("saved {} bytes; at most {SAVED_LEN_MAX} are kept", bytes.len()),
                logs: asked.logs,
            });
        }
        Ok(Saved { version: self.manifest.version.clone(), bytes })
    }

    /// Every value that it has published, as it stands.
    pub fn shown(&self) -> impl Iterator<Item = &Publication> {
        self.store.data().shown.iter().flatten()
    }

    /// CPU time of the last call; zero if the engine is not metered.
    pub fn cost(&self) -> Duration {
        self.cost
    }

    /// Linear memory it has, in bytes.
    pub fn memory(&self) -> usize {
        self.store.data().memory.used
    }

    /// A call that may ask for effects.
    fn asked(
        &mut self,
        length: Duration,
        seen: &mut Seen,
        now: Now,
        call: impl FnOnce(
            &wit::Plugin,
            &mut Store<Sandbox>,
            Instant,
            &[f64],
        ) -> wasmtime::Result<Result<wit::Told, String>>,
    ) -> Result<Effects, Fault> {
        let sandbox = self.store.data_mut();
        std::mem::swap(&mut sandbox.seen, seen);
        let now = calls::instant(now, &sandbox.zone);
        let mut numbers = std::mem::take(&mut self.numbers);
        sandbox.numbers(&mut numbers);
        let result = self.call(length, |exports, store| call(exports, store, now, &numbers));
        self.numbers = numbers;
        std::mem::swap(&mut self.store.data_mut().seen, seen);
        let sandbox = self.store.data_mut();
        match result?.and_then(|told| sandbox.take(&told)) {
            Ok(()) => Ok(sandbox.commit()),
            Err(text) => Err(Fault {
                kind: FaultKind::Error,
                text: one_line(text, FAULT_LEN_MAX),
                logs: std::mem::take(&mut sandbox.asked).logs,
            }),
        }
    }

    fn call<R>(
        &mut self,
        length: Duration,
        call: impl FnOnce(&wit::Plugin, &mut Store<Sandbox>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        let exports = &self.exports;
        let (result, cost) =
            run(&self.engine, &mut self.store, length, |store| call(exports, store));
        self.cost = cost;
        result
    }
}

/// Runs foreign code for at most `length` of CPU time.
fn run<R>(
    engine: &Engine,
    store: &mut Store<Sandbox>,
    length: Duration,
    call: impl FnOnce(&mut Store<Sandbox>) -> wasmtime::Result<R>,
) -> (Result<R, Fault>, Duration) {
    let watched = engine.watched();
    let started = engine.begin();
    store.data_mut().begin(started, length);
    store.set_epoch_deadline(Engine::beats(length));
    let result = call(store);
    let cost = started.map_or(Duration::ZERO, |started| cpu_time().saturating_sub(started));
    drop(watched);
    (result.map_err(|e| fault(&e, store.data_mut())), cost)
}

fn fault(error: &wasmtime::Error, sandbox: &mut Sandbox) -> Fault {
    let trap = error.downcast_ref::<Trap>();
    let text = told(error);
    let kind = if error.is::<TimeIsOver>() {
        FaultKind::Deadline
    } else if trap == Some(&Trap::StackOverflow) {
        FaultKind::Stack
    } else if sandbox.memory.refused {
        // It may have got over that and failed at something else, but seldom does.
        FaultKind::Memory
    } else if text.contains("fuel allocated for hostcalls") {
        // Wasmtime has no type for it; a test of this crate notices if the words change.
        FaultKind::Oversize
    } else {
        FaultKind::Trap
    };
    // Most often the cause says only that the plugin stopped itself when it got no more.
    let text = match kind {
        FaultKind::Memory => format!("more than its {} bytes: {text}", sandbox.memory.max),
        _ => text,
    };
    let logs: Logs = std::mem::take(&mut sandbox.asked).logs;
    Fault { kind, text: one_line(text, FAULT_LEN_MAX), logs }
}

/// The cause, and the innermost functions if the component still has their names.
fn told(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    let names: Vec<_> = frames.iter().take(FRAMES_MAX).filter_map(FrameInfo::func_name).collect();
    if names.is_empty() { cause } else { format!("{cause}, in {}", names.join(" < ")) }
}

/// Looks up what the manifest says of each binding.
fn bound(manifest: &Manifest, bindings: &[Binding]) -> Result<Vec<Bound>, Fault> {
    let of = |binding: &Binding| {
        let role = manifest.roles.iter().position(|r| r.name == binding.role);
        role.map(|at| {
            let role = &manifest.roles[at];
            let (direction, shape) = (role.direction, role.shape);
            Bound { binding: binding.clone(), role: at, direction, shape }
        })
    };
    bindings
        .iter()
        .map(|binding| {
            of(binding).ok_or_else(|| Fault {
                kind: FaultKind::Error,
                text: format!("`{}` is bound, but no role of {}", binding.role, manifest.name),
                logs: Logs::default(),
            })
        })
        .collect()
}
