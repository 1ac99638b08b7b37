//! Runs plugins: foreign code, written by integrators as wasm components, that decides about the
//! plant and must not be able to harm the gateway that runs it.
//!
//! The way of a plugin through this crate: a [`Package`] is read from one signed file, its
//! component compiled or taken from the [`Cache`], both checked against what the site grants, and
//! the [`Program`] that results instantiated as an [`Instance`], which a [`Plugin`] keeps alive:
//! started again after a fault, given up after too many, exchanged for another version while the
//! plant runs.
//!
//! What a plugin cannot do, whatever it contains: run longer than its deadline, take more memory
//! than its cap, fill a disk with logs, write a role that the site did not give it, write NaN,
//! leave half of a step behind. Everything it asks for in a call is kept aside, and handed to the
//! caller as [`Effects`] only if the call ended well.
//!
//! This crate must never know the hub, MQTT, control, or a runtime such as tokio. Readings come in
//! by [`Seen`], already in the unit of their role, effects go out, time is handed in, and the
//! caller decides what becomes of a write.

mod bindings;
mod cache;
mod calls;
mod chinese;
mod civil;
mod effects;
mod engine;
mod fault;
mod instance;
mod key;
mod lifecycle;
pub mod package;
mod plugin;
mod program;
mod sandbox;

pub use cache::{Cache, CacheError, Origin};
pub use effects::{
    ALARMS_MAX, AlarmChange, CODE_LEN_MAX, Effects, KvChange, LINE_LEN_MAX, LINES_MAX, Level, Line,
    Logs, Publication, REASON_LEN_MAX, Severity, TEXT_LEN_MAX, Trust, Write,
};
pub use engine::{Engine, EngineError};
pub use fault::{Fault, FaultKind};
pub use instance::{Binding, Holder, Instance, Reading, SAVED_LEN_MAX, Saved, Seen, Setup};
pub use key::{KeyError, PublicKey, SigningKey, TrustStore};
pub use lifecycle::{Lifecycle, Phase};
pub use package::{PACKAGE_LEN_MAX, Package, PackageError};
pub use plugin::{Metrics, Outcome, Plugin};
pub use program::{Grant, Program, Refusal};
