//! Mistakes, as they are told to whoever wrote the file.

use std::fmt;
use std::ops::Range;

/// A text in English and in Chinese.
pub(crate) type Both = (String, String);

/// Writes a text in both languages, so that neither is forgotten.
macro_rules! both {
    ($en:literal, $zh:literal $(, $argument:expr)* $(,)?) => {
        (format!($en $(, $argument)*), format!($zh $(, $argument)*))
    };
}
pub(crate) use both;

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
    /// The same in Chinese.
    pub message_zh: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The same in Chinese.
    pub hint_zh: Option<String>,
}

impl Problem {
    /// Of a key, without a place.
    pub(crate) fn new(
        key: impl Into<String>,
        message: Both,
        hint: impl Into<Option<Both>>,
    ) -> Self {
        let (message, message_zh) = message;
        let (hint, hint_zh) = hint.into().unzip();
        Problem { place: None, key: key.into(), message, message_zh, hint, hint_zh }
    }

    /// The mistake in Chinese, as [`Display`](fmt::Display) writes it in English.
    pub fn in_chinese(&self) -> impl fmt::Display {
        let hint = self.hint_zh.as_ref().map_or(String::new(), |hint| format!("（{hint}）"));
        format!("{}{}{hint}", self.about(), self.message_zh)
    }

    /// Where it is and what it is about, which is the same in every language.
    fn about(&self) -> String {
        let place = self.place.map(|at| format!("{}:{}: ", at.line, at.column));
        let key = (!self.key.is_empty()).then(|| format!("{}: ", self.key));
        place.unwrap_or_default() + &key.unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.about(), self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, " ({hint})"))
    }
}

/// Every mistake of a manifest, in the order of the text; at least one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// All of them in Chinese, a line each.
    pub fn in_chinese(&self) -> String {
        let lines = self.0.iter().map(|problem| format!("plugin.toml:{}", problem.in_chinese()));
        lines.collect::<Vec<_>>().join("\n")
    }
}

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
    wrong_unit: &'t dyn Fn(&str) -> Option<Problem>,
    problems: Vec<Problem>,
}

impl<'t> Found<'t> {
    pub(crate) fn new(text: &'t str, wrong_unit: &'t dyn Fn(&str) -> Option<Problem>) -> Self {
        Found { text, wrong_unit, problems: Vec::new() }
    }

    /// What is wrong with a unit, without its place.
    pub(crate) fn wrong_unit(&self, symbol: &str) -> Option<Problem> {
        (self.wrong_unit)(symbol)
    }

    pub(crate) fn add(
        &mut self,
        at: &Range<usize>,
        key: impl Into<String>,
        message: Both,
        hint: impl Into<Option<Both>>,
    ) {
        self.add_at(at, Problem::new(key, message, hint));
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
