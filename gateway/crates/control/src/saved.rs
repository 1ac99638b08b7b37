//! What must survive a restart.

use crate::WriteBudget;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use wellhead_model::{Now, Timestamp};

/// What Control must still know after a power cut. Times are ages at the moment of saving, since
/// monotonic time ends with the machine; how much has passed since is taken from the wall clock
/// only if it was synchronised both then and now. Otherwise nothing has passed, and every minimum
/// time is served in full.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Wall clock when it was saved.
    pub utc_ms: i64,
    /// Whether that was synchronised.
    pub synced: bool,
    /// By whole name, so that a changed configuration keeps what is still there.
    pub outputs: BTreeMap<String, SavedOutput>,
}

/// What is kept of one output.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SavedOutput {
    /// Who keeps it away from its safe value, or did so last without its return being confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<String>,
    /// Whether it was on.
    pub on: bool,
    /// For how long, in milliseconds.
    pub since_ms: u64,
    /// Ages of the starts of the last hour, in milliseconds, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starts_ms: Vec<u64>,
    /// Writes of this year.
    #[serde(default)]
    pub budget: WriteBudget,
}

impl Saved {
    /// How much time has surely passed since it was saved.
    pub(crate) fn passed(&self, now: Now) -> Duration {
        if !self.synced || !now.synced {
            return Duration::ZERO;
        }
        let Timestamp(utc) = now.utc;
        Duration::from_millis(u64::try_from(utc.saturating_sub(self.utc_ms)).unwrap_or(0))
    }
}
