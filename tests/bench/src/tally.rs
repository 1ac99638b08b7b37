//! What arrived: ages, and which answers are missing, repeated or out of order.

use crate::payload::Message;

/// One answer on its first arrival.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// Wall clock of the arrival, µs.
    pub at_us: u64,
    /// From the device's answer to the arrival, µs.
    pub age_us: u64,
    /// It came in the backlog.
    pub hist: bool,
}

/// Everything the subscriber has seen since the start.
#[derive(Debug, Default)]
pub struct Tally {
    /// First arrivals, in order.
    pub arrivals: Vec<Arrival>,
    /// Answers that came more than once.
    pub repeated: u64,
    /// Answers that first came after a later one of the same stream (live, or backlog).
    pub misordered: u64,
    /// Data messages that could not be read.
    pub unreadable: u64,
    /// Values of all points in live messages.
    pub values_live: u64,
    /// Values of all points in backlog messages.
    pub values_hist: u64,
    devices: Vec<Device>,
}

#[derive(Debug, Default, Clone)]
struct Device {
    /// Bit n: answer n has come.
    seen: Vec<u64>,
    latest_live: u32,
    latest_hist: u32,
}

impl Device {
    /// Marks an answer as seen; `false` when it already was.
    fn mark(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1_u64 << (number % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }

    fn seen_up_to(&self, number: u32) -> u64 {
        let whole = number as usize / 64;
        let words = self.seen.iter().take(whole).map(|w| u64::from(w.count_ones())).sum::<u64>();
        let mask = u64::MAX >> (63 - number % 64);
        words + self.seen.get(whole).map_or(0, |w| u64::from((w & mask).count_ones()))
    }
}

impl Tally {
    /// An empty tally of so many devices.
    #[must_use]
    pub fn new(devices: usize) -> Self {
        Self { devices: vec![Device::default(); devices], ..Self::default() }
    }

    /// Takes one message in. `resent`: the broker says it has sent it before, so a repeat is the
    /// broker's and not the program's.
    pub fn take(&mut self, device: usize, message: &Message, at_us: u64, resent: bool) {
        let Some(device) = self.devices.get_mut(device) else {
            self.unreadable += 1;
            return;
        };
        let values = if message.hist { &mut self.values_hist } else { &mut self.values_live };
        *values += u64::from(message.values);
        for reading in &message.readings {
            if !device.mark(reading.number) {
                self.repeated += u64::from(!resent);
                continue;
            }
            let latest =
                if message.hist { &mut device.latest_hist } else { &mut device.latest_live };
            self.misordered += u64::from(reading.number < *latest);
            *latest = reading.number.max(*latest);
            let age_us = at_us.saturating_sub(reading.clock_us);
            self.arrivals.push(Arrival { at_us, age_us, hist: message.hist });
        }
    }

    /// How many of the answers `1..=answered` of each device never came.
    #[must_use]
    pub fn lost(&self, answered: &[u32]) -> u64 {
        let missing = |(device, &n): (&Device, &u32)| {
            // Number 0 is never given, so a mark there cannot hide a loss.
            let zero = device.seen.first().map_or(0, |word| word & 1);
            u64::from(n) + zero - device.seen_up_to(n)
        };
        self.devices.iter().zip(answered).map(missing).sum()
    }

    /// Ages of the live first arrivals within the wall clock range, in µs, sorted.
    #[must_use]
    pub fn live_ages(&self, from_us: u64, to_us: u64) -> Vec<u64> {
        let inside = |a: &&Arrival| !a.hist && (from_us..to_us).contains(&a.at_us);
        let mut ages: Vec<u64> = self.arrivals.iter().filter(inside).map(|a| a.age_us).collect();
        ages.sort_unstable();
        ages
    }
}

/// The smallest of the sorted values that at least `percent` of them do not exceed (nearest rank),
/// or `None` of nothing.
#[must_use]
pub fn percentile(sorted: &[u64], percent: u32) -> Option<u64> {
    let rank = (sorted.len() * percent as usize).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Reading;

    fn message(hist: bool, numbers: &[u32]) -> Message {
        let reading = |&number| Reading { number, clock_us: 1000 };
        Message { hist, values: 0, readings: numbers.iter().map(reading).collect() }
    }

    fn tally(messages: &[(bool, &[u32])]) -> Tally {
        let mut tally = Tally::new(1);
        for (hist, numbers) in messages {
            tally.take(0, &message(*hist, numbers), 1500, false);
        }
        tally
    }

    #[test]
    fn nearest_rank_on_known_lists() {
        let hundred: Vec<u64> = (1..=100).collect();
        for (sorted, percent, expected) in [
            (hundred.as_slice(), 50, Some(50)),
            (&hundred, 99, Some(99)),
            (&hundred, 100, Some(100)),
            (&[15, 20, 35, 40, 50], 30, Some(20)),
            (&[15, 20, 35, 40, 50], 99, Some(50)),
            (&[7], 1, Some(7)),
            (&[], 50, None),
        ] {
            assert_eq!(percentile(sorted, percent), expected, "p{percent} of {sorted:?}");
        }
    }

    #[test]
    fn gap_and_missing_tail_are_both_lost() {
        let tally = tally(&[(false, &[1, 2, 5])]);
        assert_eq!(tally.lost(&[5]), 2);
        assert_eq!(tally.lost(&[7]), 4);
        assert_eq!(tally.lost(&[0]), 0);
    }

    #[test]
    fn loss_is_exact_across_word_borders() {
        let all: Vec<u32> = (1..=200).filter(|n| ![63, 64, 128].contains(n)).collect();
        let tally = tally(&[(false, &all)]);
        for (answered, lost) in [(62, 0), (63, 1), (64, 2), (127, 2), (128, 3), (200, 3), (264, 67)]
        {
            assert_eq!(tally.lost(&[answered]), lost, "of {answered}");
        }
    }

    #[test]
    fn devices_do_not_cover_for_each_other() {
        let mut tally = Tally::new(2);
        tally.take(0, &message(false, &[1, 2]), 1500, false);
        tally.take(1, &message(false, &[1]), 1500, false);
        assert_eq!(tally.lost(&[2, 3]), 2);
    }

    #[test]
    fn repeat_is_counted_once_each_and_heals_no_loss() {
        let tally = tally(&[(false, &[1, 2]), (true, &[2, 1]), (false, &[4])]);
        assert_eq!((tally.repeated, tally.misordered, tally.lost(&[4])), (2, 0, 1));
        assert_eq!(tally.arrivals.len(), 3);
    }

    #[test]
    fn live_may_pass_the_backlog_but_each_stream_is_ordered() {
        let passing = tally(&[(false, &[1, 9]), (true, &[2, 3]), (false, &[10]), (true, &[4])]);
        assert_eq!(passing.misordered, 0);
        let mixed = tally(&[(false, &[1, 9, 8]), (true, &[3, 2])]);
        assert_eq!(mixed.misordered, 2);
    }

    #[test]
    fn resend_by_the_broker_is_not_held_against_the_program() {
        let mut tally = tally(&[(false, &[1])]);
        tally.take(0, &message(false, &[1]), 1600, true);
        assert_eq!(tally.repeated, 0);
    }

    #[test]
    fn ages_are_of_live_values_in_the_range_only() {
        let mut tally = Tally::new(1);
        tally.take(0, &message(false, &[1]), 1100, false);
        tally.take(0, &message(true, &[2]), 1200, false);
        tally.take(0, &message(false, &[4]), 1900, false);
        tally.take(0, &message(false, &[5]), 1300, false);
        assert_eq!(tally.live_ages(1100, 1900), [100, 300]);
    }
}
