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
