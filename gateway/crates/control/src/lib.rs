//! Who may move an output, and how: the only judge between writers and the plant.
//!
//! Sixteen slots an output, the lowest number wins and nobody means the safe value, or, where the
//! site says so, that the device decides; limits, rate,
//! minimum times, starts per hour, a yearly budget of writes, interlocks, local mode, restart;
//! read-back with retries. Every decision comes out as an [`Action`], in the order it was made.
//!
//! What always holds, whoever asks:
//! - A value outside its limits is never written.
//! - An interlock that is lost brings its outputs to safe, through every minimum time, and no
//!   output leaves its safe value before all its interlocks have held for their time.
//! - Minimum times, starts per hour and the budget restrain everybody but protection, and
//!   protection may only move an output to its safe value. Slots 1 to 5 count as protection.
//! - A writer that falls silent holds nothing past its time; [`Control::release_source`] ends it
//!   at once.
//! - What an earlier run of the gateway held is brought to safe before anything else.
//! - An output that nobody ever asked for is not touched.
//!
//! "On" means away from the safe value, a "start" leaves it. An output that was given back to its
//! device counts as off.
//!
//! The crate must never know a runtime, a clock, a file, a protocol or a plugin: time is handed
//! in, writes go out as [`Action::Write`] and come back through [`Control::written`]. The same
//! calls with the same times give the same actions, so the gateway on tokio and `wellhead
//! simulate` on virtual time run the very same control.

mod action;
mod budget;
mod control;
mod output;
mod refusal;
mod restrain;
mod saved;
mod setup;
mod slot;
mod watch;

pub use action::{Action, Alarm, AlarmId, Entry, Severity, Ticket, What};
pub use budget::WriteBudget;
pub use control::{Control, Count, Holder, Manner, Request};
pub use refusal::{Held, Refusal};
pub use saved::{Saved, SavedOutput};
pub use setup::{
    Condition, InputId, Interlock, InterlockId, Local, OutputId, OutputSetup, Rules, Setup,
};
pub use slot::{Slot, SlotError};
