//! Samples and events to an MQTT 5 broker, with nothing lost in silence.
//!
//! An [`Uplink`] seals samples into numbered batches, publishes them at QoS 1 below its own topic
//! root and forgets each only when the broker has acknowledged it. What is not acknowledged within
//! a second goes to the cache (`wellhead-store`) and from there to the broker as history. Several
//! uplinks may stand side by side, each with its own root, window and cache. The messages are
//! described by the JSON Schemas in `schema/`.
//!
//! This crate must never know a field bus, a device or a configuration file, nor what a command
//! does: it hands commands to the program and carries the answer back.
//!
//! ```text
//!            ┌──────────────────────── connection lost ───────────────────────┐
//!            ▼                                                                 │
//!       ┌──────────┐   connected    ┌─────────────┐    cache empty    ┌────────┴───┐
//! ──►   │ spilling │ ─────────────► │ catching up │ ────────────────► │    live    │
//!       └──────────┘                └─────────────┘                   └────────────┘
//!            ▲    late or no acknowledgements │   late acknowledgements       │
//!            └────────────────────────────────┴───────────────────────────────┘
//!                          any ── shutdown ──► draining ──► stopped
//! ```
//!
//! - **live**: batches wait in memory for their acknowledgement; nothing is written.
//! - **spilling**: what is a second old goes to the cache, twice a second in one durable write.
//! - **catching up**: live batches first; the backlog, oldest first, with the rest of what the
//!   broker takes at once, marked `hist`. Each of the two is in order on first delivery.
//! - **draining**: nothing is accepted; acknowledgements are awaited, the rest is cached.
//!
//! The state is not kept but follows from the facts, so it can't contradict them.
//!
//! **A refused publish** (acknowledgement 0x80 and above, or larger than the broker takes) is told
//! by an event `publish_refused` with its numbers and reason, never counted as delivered, and set
//! aside in the cache. It gets another try with the next connection or ten minutes after the last
//! refusal; then it comes as history, behind younger batches. Refused events are only logged and
//! counted, since an event about them would be refused as well.
//!
//! **A failing cache** (disk full) leaves the window in memory: publishing goes on from there,
//! beyond its bound the oldest is dropped, the gap is told. Writing is tried again every second.
//! Late batches in memory follow what the cache still gives out; only if it can't be read either
//! they go without waiting for it, and its older ones follow when it can.

mod backlog;
mod cache_thread;
mod command;
mod config;
mod core;
#[cfg(test)]
mod core_tests;
mod encode;
mod ending;
mod gaps;
mod link;
mod message;
mod metrics;
mod pace;
#[cfg(test)]
mod schema_tests;
mod shared;
mod spill;
mod telling;
#[cfg(test)]
mod test_points;
mod tls;
mod uplink;

pub use crate::core::Counts;
pub use command::{
    COMMAND_BYTES_MAX, Command, CommandError, Incoming, Malformed, ReplyTo, parse_command,
};
pub use config::{ConfigError, Credentials, Secret, TlsConfig, UplinkConfig};
pub use message::{Alarm, Event, Severity};
pub use metrics::{LinkTrouble, Metrics, State};
pub use uplink::{Boot, Stream, Uplink, UplinkError, UplinkHandle};

/// Largest message sealed: more samples make more messages, each within what a cache entry holds.
pub const BATCH_BYTES_MAX: usize = wellhead_store::PAYLOAD_BYTES_MAX;
