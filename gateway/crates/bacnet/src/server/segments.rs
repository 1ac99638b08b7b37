//! Answers that are too long for one message, sent in windows (clause 5.4).

use super::Peer;
use super::device::SEGMENT_TIMEOUT;
use crate::wire::{Apdu, Segment};
use tokio::time::Instant;

/// Segments that are sent before an acknowledgement, unless the client wants fewer.
const WINDOW: u8 = 16;
/// How often a window is sent again that nobody acknowledges.
const TRIES: u32 = 3;
/// What stands before the data of a segment.
pub(super) const HEAD: usize = 5;
/// Answers on their way at once.
pub(super) const MAX: usize = 64;

/// One answer on its way.
pub(super) struct Sending {
    pub(super) peer: Peer,
    pub(super) invoke: u8,
    service: u8,
    data: Vec<u8>,
    /// Bytes in a segment.
    size: usize,
    /// The first segment that is not acknowledged.
    first: usize,
    /// Segments in the window; 1 until the client has said how many it takes.
    window: usize,
    tries: u32,
    pub(super) deadline: Instant,
}

impl Sending {
    /// An answer in segments that fit APDUs of `apdu_max` bytes.
    pub(super) fn new(
        peer: Peer,
        invoke: u8,
        service: u8,
        data: Vec<u8>,
        apdu_max: usize,
        now: Instant,
    ) -> Self {
        let size = apdu_max.saturating_sub(HEAD).max(1);
        let deadline = now + SEGMENT_TIMEOUT;
        Self { peer, invoke, service, data, size, first: 0, window: 1, tries: 0, deadline }
    }

    fn count(&self) -> usize {
        self.data.len().div_ceil(self.size).max(1)
    }

    /// Sends the window.
    pub(super) fn send(&mut self, now: Instant, mut each: impl FnMut(&Apdu<'_>)) {
        let last = (self.first + self.window).min(self.count());
        for number in self.first..last {
            let from = number * self.size;
            let to = (from + self.size).min(self.data.len());
            let segment = Segment {
                // Counted modulo 256 on the wire.
                number: number as u8,
                window: WINDOW,
                more: number + 1 < self.count(),
            };
            each(&Apdu::ComplexAck {
                invoke: self.invoke,
                service: self.service,
                segment: Some(segment),
                data: &self.data[from..to],
            });
        }
        self.deadline = now + SEGMENT_TIMEOUT;
    }

    /// Takes an acknowledgement; true when the whole answer has come. One that is not about the
    /// window is a late one and counts for nothing.
    pub(super) fn acknowledged(&mut self, number: u8, window: u8) -> Acknowledged {
        // How far the number lies behind the segment before the window, modulo 256.
        let ahead = usize::from(number.wrapping_sub(self.first.wrapping_sub(1) as u8));
        if ahead > self.window.min(self.count() - self.first) {
            return Acknowledged::Late;
        }
        self.first += ahead;
        self.window = usize::from(window.clamp(1, 127).min(WINDOW));
        self.tries = 0;
        if self.first >= self.count() { Acknowledged::Whole } else { Acknowledged::Next }
    }

    /// Nothing came in time; whether it is worth another try.
    pub(super) fn try_again(&mut self) -> bool {
        self.tries += 1;
        self.tries <= TRIES
    }
}

/// What an acknowledgement means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acknowledged {
    /// The whole answer has come.
    Whole,
    /// The next window is to be sent.
    Next,
    /// It is not about this window.
    Late,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(sending: &mut Sending, now: Instant) -> Vec<(u8, bool, usize)> {
        let mut sent = Vec::new();
        sending.send(now, |apdu| match apdu {
            Apdu::ComplexAck { segment: Some(s), data, .. } => {
                sent.push((s.number, s.more, data.len()));
            }
            other => panic!("{other:?}"),
        });
        sent
    }

    #[test]
    fn answer_goes_out_in_windows_of_the_clients_size_and_again_from_where_it_broke() {
        let now = Instant::now();
        let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), remote: None };
        let mut s = Sending::new(peer, 7, 12, vec![1; 25], HEAD + 10, now);
        assert_eq!(numbers(&mut s, now), [(0, true, 10)], "the first alone");
        assert_eq!(s.acknowledged(0, 2), Acknowledged::Next);
        assert_eq!(numbers(&mut s, now), [(1, true, 10), (2, false, 5)]);
        assert_eq!(s.acknowledged(9, 2), Acknowledged::Late);
        assert_eq!(s.acknowledged(1, 2), Acknowledged::Next);
        assert_eq!(numbers(&mut s, now), [(2, false, 5)]);
        assert_eq!(s.acknowledged(0, 2), Acknowledged::Late);
        assert_eq!(s.acknowledged(2, 2), Acknowledged::Whole);
    }

    #[test]
    fn more_than_256_segments_are_told_apart() {
        let now = Instant::now();
        let peer = Peer { address: "127.0.0.1:1".parse().unwrap(), remote: None };
        let mut s = Sending::new(peer, 7, 12, vec![1; 600], HEAD + 1, now);
        let mut heard = 0;
        loop {
            let sent = numbers(&mut s, now);
            heard += sent.len();
            let (last, more, _) = *sent.last().unwrap();
            assert_eq!(usize::from(last), (heard - 1) % 256);
            let told = s.acknowledged(last, 16);
            if !more {
                break assert_eq!((told, heard), (Acknowledged::Whole, 600));
            }
            assert_eq!(told, Acknowledged::Next);
        }
    }
}
