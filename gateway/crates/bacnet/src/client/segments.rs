//! A result that comes in segments (clause 5.4.4.4). Pure: segments in, acknowledgements out.
//!
//! The first segment is acknowledged at once, whatever window its sender proposes: one kind of
//! sender sends nothing more before that. From then on each full window is, and the last one. A
//! sender that counts its first window from segment 0 stops one short of ours; the silence after
//! it is answered with the last number again.

use crate::wire::Segment;

/// Most segments that may come before an acknowledgement.
const WINDOW_MAX: u8 = 16;
/// A result longer than this is none: no device has so much to say of one request.
const LEN_MAX: usize = 512 * 1024;

/// What a segment calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing yet.
    Wait,
    /// Acknowledge up to the last in order.
    Ack,
    /// Ask again for what is missing behind the last in order.
    Nak,
    /// Acknowledge; the result is whole.
    Done,
    /// Give up.
    TooLong,
}

/// The segments so far.
#[derive(Debug)]
pub(super) struct Assembly {
    data: Vec<u8>,
    /// The last number that came in order.
    last: u8,
    window: u8,
    /// Segments in order since the last acknowledgement.
    unacknowledged: u8,
    /// The gap behind `last` was told already.
    asked_again: bool,
    segments: usize,
}

impl Assembly {
    /// Begins with segment 0; `None` for any other.
    pub(super) fn begin(segment: Segment, data: &[u8]) -> Option<(Self, Step)> {
        if segment.number != 0 {
            return None;
        }
        let window = segment.window.clamp(1, WINDOW_MAX);
        let assembly = Self {
            data: data.to_vec(),
            last: 0,
            window,
            unacknowledged: 0,
            asked_again: false,
            segments: 1,
        };
        Some((assembly, if segment.more { Step::Ack } else { Step::Done }))
    }

    /// Takes the next segment, or one that came twice or too early.
    pub(super) fn take(&mut self, segment: Segment, data: &[u8]) -> Step {
        if segment.number != self.last.wrapping_add(1) {
            let behind = self.last.wrapping_sub(segment.number);
            if behind == 0 {
                // Its sender has not heard our acknowledgement.
                return Step::Ack;
            }
            if behind < 128 || self.asked_again {
                return Step::Wait;
            }
            self.asked_again = true;
            self.unacknowledged = 0;
            return Step::Nak;
        }
        self.segments += 1;
        // Even empty segments come to an end.
        if self.data.len() + data.len() > LEN_MAX || self.segments > LEN_MAX / 32 {
            return Step::TooLong;
        }
        self.data.extend_from_slice(data);
        self.last = segment.number;
        self.asked_again = false;
        self.unacknowledged += 1;
        if !segment.more {
            return Step::Done;
        }
        if self.unacknowledged >= self.window {
            self.unacknowledged = 0;
            return Step::Ack;
        }
        Step::Wait
    }

    /// The last number is acknowledged again; the next window counts from there, as its sender
    /// does.
    pub(super) fn again(&mut self) -> (u8, u8) {
        self.unacknowledged = 0;
        self.place()
    }

    /// Number and window to acknowledge with.
    pub(super) fn place(&self) -> (u8, u8) {
        (self.last, self.window)
    }

    /// The whole result.
    pub(super) fn into_data(self) -> Vec<u8> {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u8, window: u8, more: bool) -> Segment {
        Segment { number, window, more }
    }

    #[test]
    fn the_first_segment_is_acknowledged_at_once_and_then_each_window() {
        let (mut a, step) = Assembly::begin(segment(0, 3, true), b"0").unwrap();
        assert_eq!((step, a.place()), (Step::Ack, (0, 3)));
        let steps: Vec<_> = (1..=7).map(|n| a.take(segment(n, 3, n < 7), b"x")).collect();
        use Step::{Ack, Done, Wait};
        assert_eq!(steps, [Wait, Wait, Ack, Wait, Wait, Ack, Done]);
        assert_eq!(a.into_data(), b"0xxxxxxx");
    }

    #[test]
    fn a_missing_segment_is_asked_for_once_and_a_repeated_one_is_not_taken_twice() {
        let (mut a, _) = Assembly::begin(segment(0, 4, true), b"0").unwrap();
        assert_eq!(a.take(segment(2, 4, true), b"2"), Step::Nak);
        assert_eq!(a.place().0, 0);
        assert_eq!(a.take(segment(3, 4, true), b"3"), Step::Wait, "told already");
        assert_eq!(a.take(segment(1, 4, true), b"1"), Step::Wait);
        assert_eq!(a.take(segment(0, 4, true), b"0"), Step::Wait, "an old one");
        assert_eq!(a.take(segment(1, 4, true), b"1"), Step::Ack, "our acknowledgement was lost");
        assert_eq!(a.take(segment(2, 4, false), b"2"), Step::Done);
        assert_eq!(a.into_data(), b"012");
        assert!(Assembly::begin(segment(1, 4, true), b"").is_none(), "no beginning");
    }

    #[test]
    fn numbers_run_past_255_and_an_endless_result_is_given_up() {
        let (mut a, _) = Assembly::begin(segment(0, 1, true), &[0]).unwrap();
        for n in 1..1000usize {
            assert_eq!(a.take(segment(n as u8, 1, true), &[1]), Step::Ack);
        }
        assert_eq!(a.take(segment(1000u16 as u8, 1, true), &vec![0; LEN_MAX]), Step::TooLong);
    }
}
