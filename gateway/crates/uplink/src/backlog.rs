//! The way back out of the cache: reads ahead, skips what needs no sending, and remembers what
//! was acknowledged until the cache has removed it.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use wellhead_store::{Entry, EntryId};

/// Asked of the cache at a time.
const READ_BYTES: usize = 256 * 1024;
/// A new read starts when less than this is left.
const AHEAD_BYTES_MIN: usize = 128 * 1024;
/// Removals are grouped: each costs the cache a write.
const REMOVE_EVERY: Duration = Duration::from_millis(200);
const REMOVE_AT_ONCE: usize = 512;
/// Pause after the cache failed to read or remove.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Refused entries kept for another try; beyond, the oldest is given up.
pub(crate) const PARKED_MAX: usize = 4096;

/// On a connection that lasts, refused entries get another try this long after the last refusal.
const UNPARK_AFTER: Duration = Duration::from_secs(600);

/// A read to be made; the answer comes back with the same generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReadJob {
    pub(crate) after: Option<EntryId>,
    pub(crate) bytes_max: usize,
    pub(crate) generation: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Backlog {
    ahead: VecDeque<(EntryId, Entry)>,
    ahead_bytes: usize,
    /// Last entry read; reading goes on behind it.
    cursor: Option<EntryId>,
    /// Last entry handed out for sending.
    sent: Option<EntryId>,
    at_end: bool,
    reading: bool,
    readable_from: Duration,
    unreadable: bool,
    /// Counts rewinds, so that the answer to a read from before one is not mistaken.
    generation: u64,
    acked: BTreeSet<EntryId>,
    removing: Vec<EntryId>,
    remove_from: Duration,
    /// Refused by the broker: skipped until the next try.
    parked: BTreeSet<EntryId>,
    parked_at: Duration,
}

impl Backlog {
    /// Starts again at the oldest entry: what was sent on a dead connection was not delivered.
    pub(crate) fn rewind(&mut self) {
        self.sent = None;
        self.reload();
    }

    /// Lets refused entries have another try.
    pub(crate) fn unpark(&mut self) {
        self.parked.clear();
    }

    /// Whether refused entries have waited long enough for another try.
    pub(crate) fn unpark_due(&self, now: Duration) -> bool {
        !self.parked.is_empty() && now.saturating_sub(self.parked_at) >= UNPARK_AFTER
    }

    /// Reads again from where sending stands, because the cache dropped entries.
    pub(crate) fn reload(&mut self) {
        self.ahead.clear();
        self.ahead_bytes = 0;
        self.cursor = self.sent;
        self.at_end = false;
        self.generation += 1;
        self.reading = false;
    }

    /// The cache holds more than was read.
    pub(crate) fn grew(&mut self) {
        self.at_end = false;
    }

    /// Whether everything readable has been handed out.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.at_end && self.ahead.is_empty()
    }

    /// Whether the last read failed.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    pub(crate) fn parked_len(&self) -> usize {
        self.parked.len()
    }

    /// Sets a refused entry aside. Returns one to give up when there are too many.
    pub(crate) fn park(&mut self, now: Duration, id: EntryId) -> Option<EntryId> {
        self.parked.insert(id);
        self.parked_at = now;
        if self.parked.len() > PARKED_MAX { self.parked.pop_first() } else { None }
    }

    /// The entry was delivered; the cache will be told to remove it.
    pub(crate) fn acked(&mut self, id: EntryId) {
        // A late live batch may have been read ahead while it still flew.
        if let Ok(i) = self.ahead.binary_search_by_key(&id, |(id, _)| *id)
            && let Some((_, entry)) = self.ahead.remove(i)
        {
            self.ahead_bytes -= entry.payload.len();
        }
        self.acked.insert(id);
    }

    fn is_done(&self, id: EntryId) -> bool {
        self.acked.contains(&id)
            || self.parked.contains(&id)
            || self.removing.binary_search(&id).is_ok()
    }

    /// The next entry to send, left in place.
    pub(crate) fn front(&mut self) -> Option<&(EntryId, Entry)> {
        while let Some((id, _)) = self.ahead.front()
            && self.is_done(*id)
        {
            self.pop();
        }
        self.ahead.front()
    }

    /// Takes the entry that [`Backlog::front`] showed.
    pub(crate) fn pop(&mut self) -> Option<(EntryId, Entry)> {
        let (id, entry) = self.ahead.pop_front()?;
        self.ahead_bytes -= entry.payload.len();
        self.sent = Some(id);
        Some((id, entry))
    }

    pub(crate) fn read_job(&mut self, now: Duration) -> Option<ReadJob> {
        if self.reading
            || self.at_end
            || self.ahead_bytes >= AHEAD_BYTES_MIN
            || now < self.readable_from
        {
            return None;
        }
        self.reading = true;
        let (after, generation) = (self.cursor, self.generation);
        Some(ReadJob { after, bytes_max: READ_BYTES, generation })
    }

    /// Takes the answer to a read. `Err` if the cache could not read.
    pub(crate) fn read_done(
        &mut self,
        now: Duration,
        generation: u64,
        result: Result<Vec<(EntryId, Entry)>, String>,
    ) -> Result<(), String> {
        if generation != self.generation {
            return Ok(());
        }
        self.reading = false;
        match result {
            Ok(entries) => {
                self.unreadable = false;
                self.at_end = entries.is_empty();
                for (id, entry) in entries {
                    self.cursor = Some(id);
                    if !self.is_done(id) {
                        self.ahead_bytes += entry.payload.len();
                        self.ahead.push_back((id, entry));
                    }
                }
                Ok(())
            }
            Err(e) => {
                self.unreadable = true;
                self.readable_from = now + RETRY_AFTER;
                Err(e)
            }
        }
    }

    pub(crate) fn remove_job(&mut self, now: Duration, at_once: bool) -> Option<Vec<EntryId>> {
        let due = at_once || now >= self.remove_from || self.acked.len() >= REMOVE_AT_ONCE;
        if self.acked.is_empty() || !self.removing.is_empty() || !due {
            return None;
        }
        self.removing = std::mem::take(&mut self.acked).into_iter().collect();
        self.remove_from = now + REMOVE_EVERY;
        Some(self.removing.clone())
    }

    pub(crate) fn remove_done(&mut self, now: Duration, ok: bool) {
        let ids = std::mem::take(&mut self.removing);
        if !ok {
            self.acked.extend(ids);
            self.remove_from = now + RETRY_AFTER;
        }
    }

    /// Whether removals are still owed to the cache.
    pub(crate) fn owes_removal(&self) -> bool {
        !self.acked.is_empty() || !self.removing.is_empty()
    }
}
