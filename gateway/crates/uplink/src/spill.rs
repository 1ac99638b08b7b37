//! Late batches into the cache: which, when, and what becomes of them.

use crate::backlog::ReadJob;
use crate::core::{Batch, Core, Kept, LATE, Load, Notice};
use crate::gaps::Range;
use std::time::Duration;
use wellhead_store::{Appended, Entry, EntryId, Mark};

/// Once something is late, all older than this goes with it in one commit. So a batch is at most
/// 1 s old when its commit starts or, if one was running, 0.5 s plus that commit: with commits
/// of half a second every batch is durable 1.5 s after sealing, inside the promise of 2 s.
const TOGETHER: Duration = Duration::from_millis(500);
/// Pause after a failed write.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A request to the cache's thread.
#[derive(Debug)]
pub(crate) enum Job {
    Append(Vec<Entry>),
    Read(ReadJob),
    Remove(Vec<EntryId>),
    Marks(Vec<Mark>),
    Stats,
    Close { clean: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// In flight under this token.
    Flying(u64),
    /// Not in flight; the cache alone will deliver it.
    Grounded,
    Delivered,
    Refused,
}

#[derive(Debug)]
struct Writing {
    batch: Batch,
    fate: Fate,
}

/// What is on its way into the cache.
#[derive(Debug, Default)]
pub(crate) struct Spill {
    writing: Vec<Writing>,
    /// Refused by the broker; written and then skipped.
    parked: Vec<Batch>,
    /// Bytes in the two above that are not in flight as well.
    pub(crate) bytes: usize,
    /// Why the last write failed.
    failed: Option<String>,
    writable_from: Duration,
    /// Bytes of messages written since the start.
    pub(crate) written_bytes: u64,
    /// Everything goes, late or not: the program stops.
    pub(crate) all: bool,
}

impl Spill {
    fn fate(&mut self, token: u64, fate: Fate) {
        if let Some(w) = self.writing.iter_mut().find(|w| w.fate == Fate::Flying(token)) {
            if fate != Fate::Delivered {
                self.bytes += w.batch.message.len();
            }
            w.fate = fate;
        }
    }

    /// The connection of a batch being written died.
    pub(crate) fn landed(&mut self, token: u64) {
        self.fate(token, Fate::Grounded);
    }

    /// A batch being written was acknowledged meanwhile.
    pub(crate) fn delivered(&mut self, token: u64) {
        self.fate(token, Fate::Delivered);
    }

    /// A batch being written was refused meanwhile.
    pub(crate) fn refused(&mut self, token: u64) {
        self.fate(token, Fate::Refused);
    }

    /// Keeps a refused batch.
    pub(crate) fn park(&mut self, batch: Batch) {
        self.bytes += batch.message.len();
        self.parked.push(batch);
    }

    /// Whether the last write failed.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Why the last write failed.
    pub(crate) fn error(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Whether a write is under way.
    pub(crate) fn is_writing(&self) -> bool {
        !self.writing.is_empty()
    }

    /// Whether nothing is on its way.
    pub(crate) fn is_idle(&self) -> bool {
        self.writing.is_empty() && self.parked.is_empty()
    }
}

impl Core {
    /// Whether a batch waits longer for its acknowledgement than it should.
    pub(crate) fn is_late(&self, now: Duration) -> bool {
        self.oldest_unkept().is_some_and(|sealed| now.saturating_sub(sealed) >= LATE)
    }

    /// Whether every live batch is delivered or in the cache, and the cache knows what it can
    /// forget; or the cache does not take it.
    pub(crate) fn is_safe(&self) -> bool {
        let kept = self.oldest_unkept().is_none() && self.spill.is_idle();
        self.spill.is_failed() || (kept && !self.backlog.owes_removal())
    }

    fn oldest_unkept(&self) -> Option<Duration> {
        let flying = self.flights.values().filter_map(|f| match &f.load {
            Load::Sealed(b, Kept::No) => Some(b.sealed),
            _ => None,
        });
        flying.chain(self.queue.front().map(|b| b.sealed)).min()
    }

    /// The next request for the cache, if there is one to make now.
    pub(crate) fn next_job(&mut self, now: Duration) -> Option<Job> {
        self.retry_parked(now);
        if let Some(entries) = self.append_job(now) {
            return Some(Job::Append(entries));
        }
        if let Some(ids) = self.backlog.remove_job(now, self.draining) {
            return Some(Job::Remove(ids));
        }
        if self.is_online() && !self.draining {
            return self.backlog.read_job(now).map(Job::Read);
        }
        None
    }

    fn append_job(&mut self, now: Duration) -> Option<Vec<Entry>> {
        let due = self.spill.all || !self.spill.parked.is_empty() || self.is_late(now);
        if !self.spill.writing.is_empty() || now < self.spill.writable_from || !due {
            return None;
        }
        let old = |b: &Batch| self.spill.all || now.saturating_sub(b.sealed) >= TOGETHER;
        let mut chosen: Vec<(u64, Option<u64>)> = Vec::new();
        chosen.extend(self.flights.iter().filter_map(|(token, f)| match &f.load {
            Load::Sealed(b, Kept::No) if old(b) => Some((b.ord, Some(*token))),
            _ => None,
        }));
        chosen.extend(self.queue.iter().take_while(|b| old(b)).map(|b| (b.ord, None)));
        chosen.sort_unstable();
        // Half the window at a time, so that a hanging disk leaves the other half to the present.
        let mut budget = self.window_bytes_max / 2;
        let mut writing: Vec<Writing> = Vec::new();
        for batch in std::mem::take(&mut self.spill.parked) {
            budget = budget.saturating_sub(batch.message.len());
            writing.push(Writing { batch, fate: Fate::Refused });
        }
        for (ord, token) in chosen {
            if budget == 0 {
                break;
            }
            self.history_before = self.history_before.max(ord + 1);
            let (batch, fate) = match token {
                Some(token) => {
                    let Some(Load::Sealed(b, kept)) =
                        self.flights.get_mut(&token).map(|f| &mut f.load)
                    else {
                        continue;
                    };
                    *kept = Kept::Writing;
                    (b.clone(), Fate::Flying(token))
                }
                None => {
                    let Some(b) = self.queue.pop_front() else { continue };
                    self.queue_bytes -= b.message.len();
                    self.spill.bytes += b.message.len();
                    (b, Fate::Grounded)
                }
            };
            budget = budget.saturating_sub(batch.message.len());
            writing.push(Writing { batch, fate });
        }
        if writing.is_empty() {
            return None;
        }
        let entries = writing.iter().map(|w| self.entry(&w.batch)).collect();
        self.spill.writing = writing;
        Some(entries)
    }

    fn entry(&self, b: &Batch) -> Entry {
        Entry {
            stream: self.streams[b.stream].name.clone(),
            boot: self.boot.clone(),
            seq: b.seq,
            samples: b.samples,
            time_ms: b.time_ms,
            payload: b.message.slice(1..),
        }
    }

    /// The cache answered a write.
    pub(crate) fn appended(&mut self, now: Duration, result: Result<Appended, String>) {
        let writing = std::mem::take(&mut self.spill.writing);
        for w in &writing {
            if matches!(w.fate, Fate::Grounded | Fate::Refused) {
                self.spill.bytes = self.spill.bytes.saturating_sub(w.batch.message.len());
            }
        }
        match result {
            Ok(appended) if appended.ids.len() == writing.len() => {
                self.settled(now, writing, appended);
            }
            Ok(_) => self.unwritten(now, writing, "the cache lost count".into()),
            Err(e) => self.unwritten(now, writing, e),
        }
    }

    fn settled(&mut self, now: Duration, writing: Vec<Writing>, appended: Appended) {
        if self.spill.failed.take().is_some() {
            self.notices.push(Notice::CacheRecovered);
        }
        self.counts.spilled += writing.len() as u64;
        self.spill.written_bytes +=
            writing.iter().map(|w| w.batch.message.len() as u64).sum::<u64>();
        for (w, id) in writing.into_iter().zip(appended.ids) {
            match w.fate {
                Fate::Delivered => self.backlog.acked(id),
                Fate::Refused => self.park(now, id),
                Fate::Grounded => {}
                Fate::Flying(token) => {
                    if let Some(Load::Sealed(_, kept)) =
                        self.flights.get_mut(&token).map(|f| &mut f.load)
                    {
                        *kept = Kept::Cached(id);
                    }
                }
            }
        }
        if appended.gaps.is_empty() {
            self.backlog.grew();
        } else {
            self.backlog.reload();
        }
        for g in appended.gaps {
            let (stream, boot) = (g.stream, g.boot);
            self.lose_range(Range {
                stream,
                boot,
                first: g.first,
                last: g.last,
                samples: g.samples,
            });
        }
    }

    fn unwritten(&mut self, now: Duration, writing: Vec<Writing>, error: String) {
        for w in writing {
            match w.fate {
                Fate::Delivered => {}
                Fate::Refused => self.spill.park(w.batch),
                Fate::Grounded => {
                    self.queue_bytes += w.batch.message.len();
                    self.queue.push_back(w.batch);
                }
                Fate::Flying(token) => {
                    if let Some(Load::Sealed(_, kept)) =
                        self.flights.get_mut(&token).map(|f| &mut f.load)
                    {
                        *kept = Kept::No;
                    }
                }
            }
        }
        self.queue.make_contiguous().sort_by_key(|b| b.ord);
        self.spill.writable_from = now + RETRY_AFTER;
        if self.spill.failed.replace(error.clone()).is_none() {
            self.notices.push(Notice::CacheFailed(error));
        }
        // Refused batches have nowhere to wait without a cache, and must not fill the window.
        while self.window_bytes() > self.window_bytes_max
            && let Some(b) = self.spill.parked.pop()
        {
            self.spill.bytes = self.spill.bytes.saturating_sub(b.message.len());
            self.lose(&b);
        }
    }
}
