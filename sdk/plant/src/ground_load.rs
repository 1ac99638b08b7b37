//! A year's plan of what is taken from the ground and given back, as a planner writes it.
//!
//! With a plan the ground moves alone, so that its own answer can be seen, and held against other
//! models, before any machine or plugin has a say.

use jiff::civil::Date;

/// Spans of every year with a steady load. Where two overlap, their loads add up.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundLoad(Vec<Span>);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    month: i8,
    day: i8,
    days: i32,
    extracted_w: f64,
}

/// A line that is no span.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}; write `12-11,25,694.9`: first day, days, kW taken (negative: given)")]
pub struct GroundLoadError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl GroundLoad {
    /// Reads lines of `month-day,days,kW`, the kW being taken from the ground; negative ones are
    /// given to it. Empty lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is none of these.
    pub fn parse(text: &str) -> Result<Self, GroundLoadError> {
        let mut spans = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            spans.push(span(line).map_err(|what| GroundLoadError { line: at + 1, what })?);
        }
        Ok(Self(spans))
    }

    /// Heat taken on a day, W.
    #[must_use]
    pub fn on(&self, today: Date) -> f64 {
        let covers = |span: &&Span| {
            let begun = [today.year(), today.year() - 1]
                .into_iter()
                .filter_map(|year| Date::new(year, span.month, span.day).ok())
                .find(|first| *first <= today);
            begun.is_some_and(|first| (today - first).get_days() < span.days)
        };
        self.0.iter().filter(covers).map(|span| span.extracted_w).sum()
    }
}

fn span(line: &str) -> Result<Span, String> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[first, days, kw] = cells.as_slice() else {
        return Err(format!("{} cells", cells.len()));
    };
    let (month, day) = first
        .split_once('-')
        .and_then(|(m, d)| Some((m.parse().ok()?, d.parse().ok()?)))
        // 29 February begins nothing: three years of four don't have it.
        .filter(|&(m, d)| Date::new(2025, m, d).is_ok())
        .ok_or_else(|| format!("`{first}` is no day of every year"))?;
    let days = days
        .parse()
        .ok()
        .filter(|d| (1..=365).contains(d))
        .ok_or_else(|| format!("`{days}` is not 1 to 365 days"))?;
    let kw: f64 = kw
        .parse()
        .ok()
        .filter(|kw: &f64| kw.is_finite())
        .ok_or_else(|| format!("`{kw}` is no number of kW"))?;
    Ok(Span { month, day, days, extracted_w: kw * 1e3 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn spans_cross_the_turn_of_the_year_and_add_up() {
        let load = GroundLoad::parse("# winter\n12-11,25,600\n\n1-1, 2, 10\n7-1,60,-620").unwrap();
        for (day, kw) in [
            (date(2026, 12, 10), 0.0),
            (date(2026, 12, 11), 600.0),
            (date(2027, 1, 2), 610.0),
            (date(2027, 1, 4), 600.0),
            (date(2027, 1, 5), 0.0),
            (date(2027, 8, 29), -620.0),
            (date(2027, 8, 30), 0.0),
        ] {
            assert_eq!(load.on(day), kw * 1e3, "{day}");
        }
    }

    #[test]
    fn a_line_that_is_no_span_is_named() {
        for (text, says) in [
            ("12-11,25", "line 1: 2 cells"),
            ("\n2-29,1,5", "line 2: `2-29` is no day of every year"),
            ("1-1,0,5", "line 1: `0` is not 1 to 365 days"),
            ("1-1,5,NaN", "line 1: `NaN` is no number of kW"),
        ] {
            let error = GroundLoad::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
    }
}
