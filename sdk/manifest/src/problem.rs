//! Mistakes, as they are told to whoever wrote the file.

use std::fmt;
use std::ops::Range;

/// A position in a text, for people and editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Character within the line, from 1.
    pub column: usize,
}

impl Place {
    /// Where a byte of a text stands.
    pub(crate) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where it stands, if it stands in a text this crate has read.
    pub place: Option<Place>,
    /// Which key it is about: `role.outdoor_temp.unit`. Empty for mistakes of syntax.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// Every mistake of a manifest, in the order of the text; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let line_break = if i == 0 { "" } else { "\n" };
            write!(f, "{line_break}plugin.toml:{problem}")?;
        }
        Ok(())
    }
}

/// Collects mistakes while a text is read.
pub(crate) struct Found<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

impl<'t> Found<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Found { text, problems: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        at: &Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        self.problems.push(Problem {
            place: Some(Place::of(self.text, at.start)),
            key: key.into(),
            message: message.into(),
            hint: hint.into(),
        });
    }

    /// Adds a mistake found by somebody who did not know where the value stands.
    pub(crate) fn add_at(&mut self, at: &Range<usize>, problem: Problem) {
        self.problems.push(Problem { place: Some(Place::of(self.text, at.start)), ..problem });
    }

    /// What was read, unless there was a mistake.
    pub(crate) fn check<T>(mut self, read: Option<T>) -> Result<T, Problems> {
        match read {
            Some(read) if self.problems.is_empty() => Ok(read),
            _ => {
                self.problems.sort_by_key(|p| p.place);
                Err(Problems(self.problems))
            }
        }
    }
}
