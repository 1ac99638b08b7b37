//! What operators should hear of a port, kept until a driver's next poll takes it along.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;
use wellhead_driver::Notice;

/// Notices of one device that wait; the oldest go first.
const NOTICES_MAX: usize = 16;
/// Over this time broadcasts are counted.
const WINDOW: Duration = Duration::from_secs(10);
/// This many in a window are a storm: a network of a thousand devices asked three times at once.
const STORM: u64 = 3000;

/// What the port has seen since it was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that came.
    pub received: u64,
    /// Of these, broadcasts.
    pub broadcasts: u64,
    /// Of these, no BACnet messages.
    pub malformed: u64,
    /// Replies that belong to no request.
    pub strays: u64,
    /// Notifications that nobody waits for, or that came faster than they were taken.
    pub notifications_dropped: u64,
    /// Windows of ten seconds with a storm of broadcasts in them.
    pub storms: u64,
}

/// Notices that wait, and the watch for storms.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By device instance; `None` is the port.
    waiting: HashMap<Option<u32>, Vec<Notice>>,
    window: Option<(Instant, u64)>,
    storming: bool,
    pub(super) counts: Counts,
}

impl Told {
    /// Keeps a notice for a device's next poll, or of the port for anybody's.
    pub(super) fn tell(&mut self, device: Option<u32>, code: &'static str, text: String) {
        tracing::info!(?device, code, text, "BACnet notice");
        let waiting = self.waiting.entry(device).or_default();
        if waiting.len() == NOTICES_MAX {
            waiting.remove(0);
        }
        waiting.push(Notice { code, text });
    }

    /// Hands over what waits for a device, and what the port has to say.
    pub(super) fn take(&mut self, device: u32, out: &mut Vec<Notice>) {
        for key in [Some(device), None] {
            if let Some(waiting) = self.waiting.get_mut(&key) {
                out.append(waiting);
            }
        }
    }

    /// Counts a broadcast.
    pub(super) fn broadcast(&mut self, now: Instant) {
        self.counts.broadcasts += 1;
        let (began, count) = self.window.get_or_insert((now, 0));
        if now < *began + WINDOW {
            *count += 1;
            if *count == STORM {
                self.counts.storms += 1;
                if !std::mem::replace(&mut self.storming, true) {
                    let text = format!(
                        "more than {STORM} broadcasts within {} s: look for a loop between \
                         BBMDs or routers",
                        WINDOW.as_secs()
                    );
                    self.tell(None, "broadcast_storm", text);
                }
            }
            return;
        }
        let was = *count;
        self.window = Some((now, 1));
        if self.storming && was < STORM / 4 {
            self.storming = false;
            self.tell(None, "broadcast_storm_over", "broadcasts are few again".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_told_once_and_its_end_too() {
        let mut told = Told::default();
        let start = Instant::now();
        let mut out = Vec::new();
        for window in 0..3 {
            for _ in 0..STORM + 10 {
                told.broadcast(start + WINDOW * window);
            }
        }
        told.take(7, &mut out);
        assert_eq!(out.iter().map(|n| n.code).collect::<Vec<_>>(), ["broadcast_storm"]);
        assert_eq!(told.counts.storms, 3);
        out.clear();
        for window in 3..6 {
            told.broadcast(start + WINDOW * window);
        }
        told.take(7, &mut out);
        assert_eq!(out.iter().map(|n| n.code).collect::<Vec<_>>(), ["broadcast_storm_over"]);
    }

    #[test]
    fn notices_that_nobody_takes_are_few() {
        let mut told = Told::default();
        for i in 0..100 {
            told.tell(Some(7), "moved", i.to_string());
        }
        let mut out = Vec::new();
        told.take(8, &mut out);
        assert!(out.is_empty(), "another device's");
        told.take(7, &mut out);
        assert_eq!(out.len(), NOTICES_MAX);
        assert_eq!(out.last().map(|n| n.text.as_str()), Some("99"));
    }
}
