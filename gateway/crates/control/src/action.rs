//! What Control wants done, and what it has to tell.

use crate::{Held, InterlockId, OutputId, Slot};
use std::sync::Arc;
use wellhead_model::Value;

/// Names one write, so that its result finds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// The output, where it stood when the write was sent.
    pub output: OutputId,
    /// Grows with each write of any output.
    pub number: u64,
}

/// Something to do, in the order given.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Write a value, read it back if the point says so, and report with
    /// [`crate::Control::written`]. A later write of the same output may come before that report;
    /// it must reach the device after this one.
    Write {
        /// For the report.
        ticket: Ticket,
        /// The value, in the point's own kind.
        value: Value,
    },
    /// Take back what was written, so that the device decides by itself, and report with
    /// [`crate::Control::written`]: with what still stands there in spite of that, if anything.
    Relinquish {
        /// For the report.
        ticket: Ticket,
    },
    /// An entry of the audit trail.
    Audit(Entry),
    /// An alarm became active, or says something new.
    Raise(Alarm),
    /// An alarm is over.
    Clear(AlarmId),
}

impl Action {
    /// The same after a reload that moved outputs to other positions; `None` if its output is gone.
    pub(crate) fn moved(mut self, to: &[Option<OutputId>]) -> Option<Self> {
        let output = match &mut self {
            Action::Write { ticket, .. } | Action::Relinquish { ticket } => &mut ticket.output,
            Action::Audit(entry) => &mut entry.output,
            Action::Raise(Alarm { id, .. }) | Action::Clear(id) => match id {
                AlarmId::NotFollowing(output) | AlarmId::WriteBudget(output) => output,
                // Raised and cleared by a step only, which hands out all there is.
                AlarmId::Interlock(_) => return Some(self),
            },
        };
        *output = to.get(output.0 as usize).copied().flatten()?;
        Some(self)
    }
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which output.
    pub output: OutputId,
    /// What happened.
    pub what: What,
    /// Who decided: a writer, or "control".
    pub source: Arc<str>,
    /// The writer's slot; `None` if Control decided by itself.
    pub slot: Option<Slot>,
    /// Why.
    pub why: Arc<str>,
    /// The value before, as far as it is known.
    pub old: Option<Value>,
    /// The value after, or the one asked for; `None` of a [`What::Written`] if the output was
    /// given back to its device.
    pub new: Option<Value>,
    /// Follows from a request with `once`, whose sender keeps the audit entry with its own id.
    pub once: bool,
}

/// What happened to an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A value was written and, if the point is read back, is there; or the output was given back.
    Written,
    /// A value is on its way, no faster than its rate.
    Ramping,
    /// A write did not get there; it is tried again.
    Failed,
    /// The device shows another value than was written, after all retries.
    Mismatch,
    /// The device shows another value although nobody wrote: changed by hand, or power-cycled.
    Changed,
    /// A writer gave its slot back.
    Relinquished,
    /// A writer's time ended.
    Lapsed,
    /// A slot was emptied: its source went, or the point does not take its value any more.
    Released,
    /// A wanted value is held back.
    Held(Held),
    /// A request was refused; the word is [`crate::Refusal::code`].
    Refused(&'static str),
    /// What a writer in shadow mode would have done; held back by something or not.
    Shadow(Option<Held>),
    /// The device went to local operation, or its contact was lost.
    Away,
    /// The device is back from local operation.
    Back,
}

impl What {
    /// Stable word for machines.
    pub fn code(self) -> &'static str {
        match self {
            What::Written => "written",
            What::Ramping => "ramping",
            What::Failed => "failed",
            What::Mismatch => "mismatch",
            What::Changed => "changed",
            What::Relinquished => "relinquished",
            What::Lapsed => "lapsed",
            What::Released => "released",
            What::Held(_) => "held",
            What::Refused(_) => "refused",
            What::Shadow(_) => "shadow",
            What::Away => "local",
            What::Back => "remote",
        }
    }
}

/// Names an alarm of Control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmId {
    /// An output does not follow what is written to it.
    NotFollowing(OutputId),
    /// An output has used up most or all of its writes for this year.
    WriteBudget(OutputId),
    /// An interlock stopped an output.
    Interlock(InterlockId),
}

/// How much an alarm matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a look.
    Warning,
    /// Needs a person.
    Alarm,
}

/// An alarm that became active.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    /// Which.
    pub id: AlarmId,
    /// How much it matters.
    pub severity: Severity,
    /// A sentence for people, in English.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}
