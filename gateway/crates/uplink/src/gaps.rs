//! Runs of numbers that a consumer will miss, joined while they touch.

use std::sync::Arc;

/// Consecutive batches of one stream and boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// `data/hp1`, `event`.
    pub(crate) stream: Arc<str>,
    pub(crate) boot: Arc<str>,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) samples: u64,
}

/// Ranges waiting to be told.
#[derive(Debug, Default)]
pub(crate) struct Ranges(Vec<Range>);

impl Ranges {
    /// Adds a range, joined to the newest one of its stream if it follows it.
    pub(crate) fn add(&mut self, r: Range) {
        let newest = self.0.iter_mut().rev().find(|o| o.stream == r.stream && o.boot == r.boot);
        match newest {
            Some(o) if o.last.checked_add(1) == Some(r.first) => {
                o.last = r.last;
                o.samples += r.samples;
            }
            _ => self.0.push(r),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn take(&mut self) -> Vec<Range> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(stream: &str, first: u64, last: u64) -> Range {
        Range { stream: stream.into(), boot: "1".into(), first, last, samples: last - first + 1 }
    }

    #[test]
    fn neighbours_of_one_stream_are_told_as_one() {
        let mut r = Ranges::default();
        for x in [range("a", 1, 1), range("b", 5, 5), range("a", 2, 3), range("a", 5, 5)] {
            r.add(x);
        }
        assert_eq!(r.take(), [range("a", 1, 3), range("b", 5, 5), range("a", 5, 5)]);
        assert!(r.is_empty());
    }
}
