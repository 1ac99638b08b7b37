//! How a call can fail.

use crate::effects::Logs;

/// A call that came to nothing: of what it asked for, only the log lines remain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {text}")]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// In words, one line.
    pub text: String,
    /// What the plugin had logged until then.
    pub logs: Logs,
}

/// What went wrong in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The plugin itself returned an error. It lives on.
    Error,
    /// It was still computing at its deadline.
    Deadline,
    /// It wanted more memory than it may have.
    Memory,
    /// Its calls went too deep.
    Stack,
    /// It handed over more than any call needs.
    Oversize,
    /// It stopped itself: a panic, a division by zero, an access out of bounds.
    Trap,
}

impl FaultKind {
    /// Every kind, for counters.
    pub const ALL: [FaultKind; 6] = [
        FaultKind::Error,
        FaultKind::Deadline,
        FaultKind::Memory,
        FaultKind::Stack,
        FaultKind::Oversize,
        FaultKind::Trap,
    ];

    /// Short text for messages and metrics.
    pub fn code(self) -> &'static str {
        match self {
            FaultKind::Error => "error",
            FaultKind::Deadline => "deadline",
            FaultKind::Memory => "memory",
            FaultKind::Stack => "stack",
            FaultKind::Oversize => "oversize",
            FaultKind::Trap => "trap",
        }
    }

    /// Whether the instance is lost, and its outputs are to be released at once. After an error
    /// that the plugin returned they lapse by their time to live instead.
    pub fn is_fatal(self) -> bool {
        self != FaultKind::Error
    }
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
