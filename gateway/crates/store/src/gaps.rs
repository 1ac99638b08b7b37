//! Turns what was dropped into as few contiguous ranges as say it.

use std::sync::Arc;

use crate::block::Line;
use crate::entry::Gap;

/// Collects dropped entries; a number dropped twice counts once.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    dropped: Vec<(Arc<str>, Arc<str>, u64, u32)>,
}

impl Gaps {
    pub(crate) fn add(&mut self, line: &Line) {
        self.dropped.push((line.boot.clone(), line.stream.clone(), line.seq, line.samples));
    }

    /// Ranges ordered by boot, stream and number.
    pub(crate) fn merge(mut self) -> Vec<Gap> {
        self.dropped.sort();
        let mut gaps: Vec<Gap> = Vec::new();
        for (boot, stream, seq, samples) in self.dropped {
            let same = gaps.last_mut().filter(|g| g.boot == boot && g.stream == stream);
            match same {
                Some(g) if g.last == seq => {}
                Some(g) if g.last.checked_add(1) == Some(seq) => {
                    g.last = seq;
                    g.samples += u64::from(samples);
                }
                _ => {
                    gaps.push(Gap { stream, boot, first: seq, last: seq, samples: samples.into() })
                }
            }
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Entry;
    use bytes::Bytes;

    fn merged(dropped: &[(&str, &str, u64)]) -> Vec<(String, String, u64, u64, u64)> {
        let mut gaps = Gaps::default();
        for &(boot, stream, seq) in dropped {
            let (boot, stream) = (boot.into(), stream.into());
            let payload = Bytes::new();
            gaps.add(&Line::of(&Entry { boot, stream, seq, samples: 5, time_ms: 0, payload }));
        }
        let said = |g: Gap| (g.boot.to_string(), g.stream.to_string(), g.first, g.last, g.samples);
        gaps.merge().into_iter().map(said).collect()
    }

    fn gap(boot: &str, stream: &str, first: u64, last: u64) -> (String, String, u64, u64, u64) {
        (boot.into(), stream.into(), first, last, 5 * (last - first + 1))
    }

    #[test]
    fn numbers_in_any_order_become_ranges_and_count_once() {
        let dropped = [4, 2, 3, 9, 2, 10, 4, 7].map(|seq| ("1-a", "event", seq));
        let expected = [(2, 4), (7, 7), (9, 10)].map(|(f, l)| gap("1-a", "event", f, l));
        assert_eq!(merged(&dropped), expected);
        assert_eq!(merged(&[]), []);
    }

    #[test]
    fn a_range_never_goes_over_into_another_stream_or_boot() {
        let dropped = [
            ("2-b", "event", 1),
            ("1-a", "event", 2),
            ("1-a", "data/hp1", 1),
            ("2-b", "event", 2),
            ("1-a", "data/hp1", u64::MAX),
            ("2-b", "data/hp1", 0),
        ];
        let expected = [
            gap("1-a", "data/hp1", 1, 1),
            gap("1-a", "data/hp1", u64::MAX, u64::MAX),
            gap("1-a", "event", 2, 2),
            gap("2-b", "data/hp1", 0, 0),
            gap("2-b", "event", 1, 2),
        ];
        assert_eq!(merged(&dropped), expected);
    }
}
