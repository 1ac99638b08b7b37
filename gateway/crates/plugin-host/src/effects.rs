//! What a plugin asks for in a call, and how much of it.

use std::sync::Arc;
use wellhead_model::Value;

/// Everything a call asked for. The caller carries it out, or drops it as a whole.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// At most one for each binding; the last of the call.
    pub writes: Vec<Write>,
    /// At most one for each value of the manifest; the last of the call. What is not among them
    /// stands as it was, see [`Plugin::shown`](crate::Plugin::shown).
    pub values: Vec<Publication>,
    /// At most one for each code, the last of the call; [`ALARMS_MAX`] of them.
    pub alarms: Vec<AlarmChange>,
    /// At most one for each key, the last of the call.
    pub kv: Vec<KvChange>,
    /// Lines for people.
    pub logs: Logs,
}

/// A plugin wants an output to have a value, or gives it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// Position in [`Setup::bindings`](crate::Setup::bindings).
    pub binding: usize,
    /// The value in the unit of the role, of the role's shape; none to give the output back.
    pub value: Option<Value>,
    /// For the audit trail, at most [`REASON_LEN_MAX`] bytes.
    pub reason: Arc<str>,
}

/// A value of the manifest that the plugin shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Position in the manifest's values.
    pub value: usize,
    /// What it is now, or why it has none.
    pub shown: Result<Value, String>,
    /// How far the plugin trusts it. Stale and bad ones have no value, all others have.
    pub trust: Trust,
}

/// How far a plugin trusts what it publishes: the contract's qualities, which give no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the contract describes them")]
pub enum Trust {
    Good,
    Uncertain,
    Stale,
    Bad,
    Manual,
}

/// An alarm of a plugin begins, goes on, or is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmChange {
    /// It is active. Said again, it may have another text.
    Raised {
        /// The plugin's stable name for it, at most [`CODE_LEN_MAX`] bytes.
        code: String,
        /// How urgent.
        severity: Severity,
        /// English, at most [`REASON_LEN_MAX`] bytes.
        text: String,
        /// Chinese, at most [`REASON_LEN_MAX`] bytes.
        text_zh: String,
    },
    /// It is over, if it was active.
    Cleared {
        /// The plugin's name for it.
        code: String,
    },
}

impl Effects {
    pub(crate) fn write(&mut self, write: Write) {
        let binding = write.binding;
        put(&mut self.writes, write, |old| old.binding == binding);
    }

    pub(crate) fn publish(&mut self, publication: Publication) {
        let value = publication.value;
        put(&mut self.values, publication, |old| old.value == value);
    }
}

impl AlarmChange {
    /// The plugin's name for the alarm.
    pub fn code(&self) -> &str {
        match self {
            AlarmChange::Raised { code, .. } | AlarmChange::Cleared { code } => code,
        }
    }
}

/// How urgent an alarm is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the contract describes them")]
pub enum Severity {
    Notice,
    Warning,
    Alarm,
}

/// One key of the plugin's store has another value, or is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvChange {
    /// The key.
    pub key: String,
    /// What it holds now; none if it was deleted.
    pub value: Option<Vec<u8>>,
}

/// What a plugin logged in a call, and how much more it wanted to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs {
    /// At most [`LINES_MAX`], each of at most [`LINE_LEN_MAX`] bytes.
    pub lines: Vec<Line>,
    /// Lines beyond.
    pub dropped: u32,
}

/// A line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How important.
    pub level: Level,
    /// What it says; one line, control characters taken out.
    pub text: String,
}

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the usual ones")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Most lines a plugin may log in one call.
pub const LINES_MAX: usize = 50;

/// Longest line, in bytes.
pub const LINE_LEN_MAX: usize = 512;

/// Longest reason of a write, text of an alarm, or text of a missing value, in bytes.
pub const REASON_LEN_MAX: usize = 200;

/// Longest text a point may hold, in bytes.
pub const TEXT_LEN_MAX: usize = 256;

/// Longest code of an alarm, in bytes.
pub const CODE_LEN_MAX: usize = 64;

/// Most alarms a plugin may change in one call, and most it may have active.
pub const ALARMS_MAX: usize = 32;

impl Logs {
    pub(crate) fn push(&mut self, level: Level, text: String) {
        if self.lines.len() == LINES_MAX {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.lines.push(Line { level, text: one_line(text, LINE_LEN_MAX) });
        }
    }
}

/// The beginning of a foreign text, fit for a log or a page: no control characters, so that it
/// can't forge a second line, and no more than `len_max` bytes.
pub(crate) fn one_line(text: impl Into<String>, len_max: usize) -> String {
    let text = text.into();
    if text.len() <= len_max && !text.chars().any(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len().min(len_max));
    for c in text.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if line.len() + c.len_utf8() > len_max {
            break;
        }
        line.push(c);
    }
    line
}

/// Puts `new` in the place of what it replaces, or at the end.
pub(crate) fn put<T>(list: &mut Vec<T>, new: T, same: impl Fn(&T) -> bool) {
    match list.iter_mut().find(|old| same(old)) {
        Some(old) => *old = new,
        None => list.push(new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_forge_a_second_one_or_split_a_character() {
        assert_eq!(
            one_line("pump on\n2026-01-01 ERROR fire", 200),
            "pump on 2026-01-01 ERROR fire"
        );
        assert_eq!(one_line("热泵运行", 7), "热泵");
    }
}
