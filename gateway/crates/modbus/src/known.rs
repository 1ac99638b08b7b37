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
            self.retry_in[range.start] = self.retry_polls;
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
