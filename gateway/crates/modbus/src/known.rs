//! What is known by now of the addresses a group wants: which the device refuses, and what it
//! does not answer in one piece. Pure; the driver does the asking.

use crate::reads::{Kind, Limits, Member, Read, division, merge};

/// Requests that one poll may spend on finding refused addresses, so that a device that refuses
/// all of them does not keep the line from its neighbours. Enough to find one among 2000 bits.
pub(crate) const SEARCH_MAX: u32 = 24;

/// A group's members, the reads that serve them, and how far the present poll has come.
#[derive(Debug)]
pub(crate) struct Known {
    members: Vec<Member>,
    /// By member: polls until a refused one is tried again.
    retry_in: Vec<u32>,
    /// By member: read in this poll.
    served: Vec<bool>,
    reads: Vec<Read>,
    limits: Limits,
    retry_polls: u32,
    /// The read that is asked next.
    at: usize,
    /// Requests spent on searching in this poll.
    searched: u32,
    /// The reads no longer are the fewest.
    learned: bool,
    /// This poll left reads unasked.
    unresolved: bool,
}

/// Something found out about some members (positions), that lie at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The device refused them for the first time.
    Refused(std::ops::Range<usize>),
    /// It answers them again.
    AnswersAgain(std::ops::Range<usize>),
}

impl Known {
    /// Nothing known yet. `members` are sorted by address and width; a refused one is tried again
    /// after `retry_polls` polls.
    pub(crate) fn new(members: Vec<Member>, limits: Limits, retry_polls: u32) -> Self {
        Self {
            reads: merge(&members, limits),
            retry_in: vec![0; members.len()],
            served: vec![false; members.len()],
            members,
            limits,
            retry_polls: retry_polls.max(1),
            at: 0,
            searched: 0,
            learned: false,
            unresolved: false,
        }
    }

    /// Begins a poll.
    pub(crate) fn begin(&mut self) {
        self.reads.retain(|read| read.kind != Kind::Trial);
        self.served.fill(false);
        (self.at, self.searched, self.unresolved) = (0, 0, false);
        let mut trials = 0;
        for i in 0..self.members.len() {
            if self.members[i].refused.is_none() {
                continue;
            }
            self.retry_in[i] = self.retry_in[i].saturating_sub(1);
            if self.retry_in[i] == 0 && trials < SEARCH_MAX {
                trials += 1;
                // Set before it is asked: should the device be silent, the trial is over too.
                self.retry_in[i] = self.retry_polls;
                self.reads.push(Read::of(&self.members, i..i + 1, Kind::Trial));
            }
        }
    }

    /// The read to ask next; `None` when the poll is complete.
    pub(crate) fn next(&self) -> Option<Read> {
        self.reads.get(self.at).cloned()
    }

    /// The members that a read serves.
    pub(crate) fn served_by(&self, read: &Read) -> impl Iterator<Item = &Member> {
        let trial = read.kind == Kind::Trial;
        self.members[read.members.clone()].iter().filter(move |m| trial || m.refused.is_none())
    }

    /// The device answered the read.
    pub(crate) fn answered(&mut self) -> Option<Finding> {
        let read = self.reads.get_mut(self.at)?;
        let range = read.members.clone();
        let trial = read.kind == Kind::Trial;
        if read.kind == Kind::Rejoined {
            read.kind = Kind::Open;
        }
        self.at += 1;
        for i in range.clone() {
            self.served[i] |= trial || self.members[i].refused.is_none();
        }
        if !trial {
            return None;
        }
        self.members[range.start].refused = None;
        self.learned = true;
        Some(Finding::AnswersAgain(range))
    }

    /// The device refused the read. It is divided, unless it asked for a single place.
    pub(crate) fn refused(&mut self, code: u8) -> Option<Finding> {
        let read = self.reads.get(self.at)?.clone();
        let range = read.members.clone();
        if read.kind == Kind::Trial {
            self.at += 1;
            return None;
        }
        self.learned = true;
        if let Some(middle) = division(&self.members, range.clone()) {
            self.members[middle].cut |= read.kind == Kind::Rejoined;
            let halves = [range.start..middle, middle..range.end]
                .map(|half| Read::of(&self.members, half, read.kind));
            self.reads.splice(self.at..=self.at, halves);
            if self.searched + 2 > SEARCH_MAX {
                self.unresolved = true;
                self.at += 2;
            } else {
                self.searched += 2;
            }
            return None;
        }
        for i in range.clone() {
            self.members[i].refused = Some(code);
            self.retry_in[i] = self.retry_polls;
        }
        self.reads.remove(self.at);
        Some(Finding::Refused(range))
    }

    /// Ends a poll in which every request had an answer: once the search is over, what is left
    /// is merged again.
    pub(crate) fn finish(&mut self) {
        if self.learned && !self.unresolved && self.at >= self.reads.len() {
            self.reads = merge(&self.members, self.limits);
            for read in &mut self.reads {
                read.kind = Kind::Rejoined;
            }
            self.learned = false;
        }
    }

    /// Members without an answer in this poll, and the exception that stands for it.
    pub(crate) fn unserved(&self) -> impl Iterator<Item = (&Member, u8)> {
        let left = self.members.iter().zip(&self.served).filter(|(_, served)| !**served);
        left.map(|(m, _)| (m, m.refused.unwrap_or(2)))
    }

    /// All members.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const LIMITS: Limits = Limits { count_max: 125, gap_max: 0 };
    const RETRY: u32 = 50;

    /// A device that lacks some registers and answers no more than `count_max` at once.
    #[derive(Debug, Clone)]
    struct Device {
        missing: BTreeSet<u16>,
        count_max: u16,
    }

    impl Device {
        fn answers(&self, read: &Read) -> bool {
            let end = u32::from(read.address) + u32::from(read.count);
            let lacks = |m: &u16| *m >= read.address && u32::from(*m) < end;
            read.count <= self.count_max && !self.missing.iter().any(lacks)
        }

        fn has(&self, member: &Member) -> bool {
            self.answers(&Read {
                address: member.address,
                count: member.width,
                members: 0..0,
                kind: Kind::Open,
            })
        }

        /// One poll: how many requests it took, which members had an answer, what was found.
        fn poll(&self, known: &mut Known) -> (u32, Vec<bool>, Vec<Finding>) {
            let (mut requests, mut findings) = (0, Vec::new());
            let mut served = vec![false; known.members.len()];
            known.begin();
            while let Some(read) = known.next() {
                requests += 1;
                findings.extend(if self.answers(&read) {
                    for member in known.served_by(&read) {
                        assert!(!served[member.point], "read twice in one poll");
                        served[member.point] = true;
                        assert!(member.address >= read.address);
                        assert!(
                            member.address + member.width <= read.address + read.count,
                            "{member:?} lies outside {read:?}"
                        );
                    }
                    known.answered()
                } else {
                    known.refused(2)
                });
            }
            known.finish();
            for (member, _) in known.unserved() {
                assert!(!served[member.point], "served and not");
                served[member.point] = false;
            }
            assert_eq!(known.unserved().count(), served.iter().filter(|s| !**s).count());
            (requests, served, findings)
        }
    }

    fn known(places: &[(u16, u16)], limits: Limits) -> Known {
        let mut places = places.to_vec();
        places.sort_unstable();
        let member = |(i, &(a, w)): (usize, &(u16, u16))| Member::new(i, a, w);
        Known::new(places.iter().enumerate().map(member).collect(), limits, RETRY)
    }

    fn block(count: u16) -> Vec<(u16, u16)> {
        (0..count).map(|a| (a, 1)).collect()
    }

    #[test]
    fn one_refused_register_is_found_in_the_first_poll_and_costs_one_more_read_afterwards() {
        for missing in [0, 1, 37, 98, 99] {
            let device = Device { missing: [missing].into(), count_max: 125 };
            let mut known = known(&block(100), LIMITS);
            let (_, served, findings) = device.poll(&mut known);
            let expected: Vec<_> = (0..100).map(|a| a != missing).collect();
            assert_eq!(served, expected);
            let at = usize::from(missing);
            assert_eq!(findings, [Finding::Refused(at..at + 1)]);
            let (requests, served, findings) = device.poll(&mut known);
            assert_eq!(requests, if missing == 0 || missing == 99 { 1 } else { 2 });
            assert_eq!((served, findings.len()), (expected, 0));
        }
    }

    #[test]
    fn a_refused_register_is_tried_again_and_told_once() {
        let mut device = Device { missing: [5].into(), count_max: 125 };
        let mut known = known(&block(10), LIMITS);
        device.poll(&mut known);
        let mut tried = 0;
        for _ in 0..3 * RETRY {
            let (requests, served, findings) = device.poll(&mut known);
            assert_eq!(findings, []);
            assert_eq!(served.iter().filter(|s| !**s).count(), 1, "the others are not disturbed");
            tried += requests - 2;
        }
        assert_eq!(tried, 3);
        device.missing.clear();
        let found: Vec<_> = (0..RETRY).flat_map(|_| device.poll(&mut known).2).collect();
        assert_eq!(found, [Finding::AnswersAgain(5..6)]);
        assert_eq!(device.poll(&mut known).0, 1, "all in one read again");
    }

    #[test]
    fn a_module_that_was_away_for_a_while_leaves_no_trace() {
        let mut device = Device { missing: [5].into(), count_max: 125 };
        let mut known = known(&block(20), LIMITS);
        device.poll(&mut known);
        device.poll(&mut known);
        device.missing.insert(12);
        device.poll(&mut known);
        assert_eq!(device.poll(&mut known).0, 3);
        device.missing.clear();
        (0..=RETRY).for_each(|_| drop(device.poll(&mut known)));
        assert_eq!(device.poll(&mut known).0, 1);
    }

    #[test]
    fn a_trial_that_ends_the_poll_is_not_repeated_in_the_next() {
        let device = Device { missing: [5].into(), count_max: 125 };
        let mut known = known(&block(10), LIMITS);
        device.poll(&mut known);
        let tries = |known: &Known| known.reads.iter().any(|r| r.kind == Kind::Trial);
        for _ in 1..RETRY {
            known.begin();
            assert!(!tries(&known));
        }
        known.begin();
        assert!(tries(&known));
        // The device did not answer, so this poll was not finished.
        let (requests, served, _) = device.poll(&mut known);
        assert_eq!((requests, served[5]), (2, false));
    }

    #[test]
    fn no_more_is_tried_again_in_one_poll_than_a_search_may_cost() {
        let mut known = known(&block(30), LIMITS);
        known.members.iter_mut().for_each(|m| m.refused = Some(2));
        known.retry_in.fill(1);
        let mut tried = || {
            known.begin();
            known.reads.iter().filter(|r| r.kind == Kind::Trial).count() as u32
        };
        assert_eq!([tried(), tried(), tried()], [SEARCH_MAX, 30 - SEARCH_MAX, 0]);
    }

    #[test]
    fn a_device_that_refuses_everything_is_not_asked_without_end() {
        let device = Device { missing: (0..125).collect(), count_max: 125 };
        let mut known = known(&block(125), LIMITS);
        assert_eq!(device.poll(&mut known).0, 1 + SEARCH_MAX, "all that a search may cost");
        let mut planned = known.reads.len() as u32;
        for _ in 1..20 {
            let (requests, served, _) = device.poll(&mut known);
            assert!(requests <= planned + SEARCH_MAX, "{requests} after {planned}");
            assert!(served.iter().all(|s| !s));
            planned = known.reads.len() as u32;
        }
        assert_eq!(planned, 0);
    }

    #[test]
    fn a_gap_that_is_refused_is_not_read_again() {
        let device = Device { missing: [4].into(), count_max: 125 };
        let mut known = known(&[(0, 2), (2, 2), (5, 1), (6, 1)], Limits { gap_max: 4, ..LIMITS });
        for expected in [3, 3, 2, 2] {
            let (requests, served, findings) = device.poll(&mut known);
            assert_eq!((requests, findings.len()), (expected, 0));
            assert!(served.iter().all(|s| *s));
        }
    }

    proptest! {
        /// Whatever a device lacks: soon everything it has is read, nothing else, in few requests.
        #[test]
        fn everything_a_device_has_is_read_in_the_end(
            places in prop::collection::vec((0u16..40, prop::sample::select(vec![1u16, 2, 4])), 1..24),
            missing in prop::collection::btree_set(0u16..44, 0..8),
            count_max in 4u16..50,
            gap_max in 0u16..4,
        ) {
            let device = Device { missing, count_max };
            let mut known = known(&places, Limits { count_max: 40, gap_max });
            for _ in 0..12 {
                device.poll(&mut known);
            }
            let expected: Vec<_> = known.members.iter().map(|m| device.has(m)).collect();
            let (requests, served, findings) = device.poll(&mut known);
            prop_assert_eq!(&served, &expected);
            prop_assert_eq!(findings.len(), 0);
            prop_assert!(requests as usize <= expected.iter().filter(|e| **e).count());
            let next = device.poll(&mut known);
            prop_assert_eq!((next.0, next.1), (requests, served), "it has come to rest");
        }
    }
}
