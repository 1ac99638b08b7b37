//! The cache on disk: bounded, checked, and back by itself after a full disk or damage.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

use crate::block::{Line, decode_block, directory, encode_blocks};
use crate::cache::{BlockLost, Cache, CacheError, Incident, check_sizes};
use crate::disk::{Blocks, Durability, Fault, SEGMENT_BYTES};
use crate::entry::{Appended, Entry, EntryId, Mark, Stats};
use crate::gaps::Gaps;
use crate::index::{Held, Index};
use crate::marks::{Marks, sync_dir};
use crate::room::{self, Reserve};

mod recovery;
#[cfg(test)]
mod tests;

/// The smallest bound that leaves room for sled's segments.
const BYTES_MAX_MIN: u64 = 32 << 20;
/// sled's directory of chapters is one page and must stay in its log, see [`crate::disk`].
const BYTES_MAX_MAX: u64 = 6 << 30;
/// What sled needs beside the blocks: segments being written and cleaned.
const STORE_OVERHEAD_BYTES: u64 = 8 << 20;
/// How far below its bound the store is kept: two segments. sled frees one some time after its last
/// block left, the later the less it gets to run, and meanwhile goes on into new ones.
const SPARE_BYTES: u64 = 2 * SEGMENT_BYTES as u64;
/// Share of the remaining space that blocks may fill; the rest is sled's dead bytes.
const FILL: f64 = 0.7;
/// Free bytes below which sled is not asked to write.
const ROOM_BYTES_MIN: u64 = 256 << 10;
/// An emptied store larger than this is deleted, which gives its space back: sled never does.
const EMPTY_STORE_KEPT_BYTES: u64 = 16 << 20;
/// Directories of recent blocks kept, so that removing entry by entry does not reread each time.
const RECENT_MAX: usize = 8;

/// Where the cache lies and how much it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheConfig {
    /// A directory of its own; nothing else may live in it.
    pub dir: PathBuf,
    /// Bound on the disk space taken, without the reserve: 32 MiB to 6 GiB.
    pub bytes_max: u64,
    /// Space kept to be given up when the disk is full; 0 for none.
    pub reserve_bytes: u64,
    /// Bytes of sled's page cache. It bounds that cache, not the memory of the process.
    pub cache_capacity: u64,
}

impl CacheConfig {
    /// The usual reserve (16 MiB) and page cache (1 MiB).
    pub fn new(dir: impl Into<PathBuf>, bytes_max: u64) -> Self {
        Self { dir: dir.into(), bytes_max, reserve_bytes: 16 << 20, cache_capacity: 1 << 20 }
    }
}

/// What was found on opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Damage met: a quarantined store, blocks lost.
    pub incidents: Vec<Incident>,
    /// Whether the previous run ended cleanly; `None` if there was none or nobody can tell.
    pub clean: Option<bool>,
    /// Entries held.
    pub entries: u64,
}

/// [`Cache`] on sled. See the crate's first page for what lies on disk.
#[derive(Debug)]
pub struct SledCache {
    config: CacheConfig,
    /// `None` until there is something to hold, and after a fault until the next call.
    blocks: Option<Blocks>,
    /// Whether this run had the store open, so that `index` speaks for it.
    known: bool,
    durability: Durability,
    index: Index,
    /// Blocks to take off the disk with the next commit.
    leaving: BTreeSet<u64>,
    marks: Marks,
    marks_changed: bool,
    recent: VecDeque<(u64, Arc<[Line]>)>,
    last_read: Option<(u64, Vec<Entry>)>,
    reserve: Reserve,
    /// Share of the usual capacity in use: falls while the disk is over its bound.
    squeeze: f64,
    /// Space taken when last measured.
    disk_before: u64,
    bytes_written: u64,
    incidents: Vec<Incident>,
    _lock: File,
}

impl SledCache {
    /// Takes the wait for the device out, to prove that the power-cut test needs it.
    #[cfg(feature = "testing")]
    pub fn set_durability(&mut self, durability: Durability) {
        self.durability = durability;
        if let Some(blocks) = &mut self.blocks {
            blocks.durability = durability;
        }
    }

    /// Drops a handle that failed; the next call opens anew.
    fn failed(&mut self, fault: Fault) -> CacheError {
        tracing::debug!(?fault, "Cache store failed");
        self.blocks = None;
        self.fault(fault)
    }

    /// The stored bytes of a block, opening the store (again) if need be.
    fn fetch(&mut self, block: u64) -> Result<Option<sled::IVec>, CacheError> {
        self.ensure_open()?;
        match self.blocks.as_mut().map(|b| b.get(block)) {
            Some(Ok(bytes)) => return Ok(bytes),
            Some(Err(fault)) => drop(self.failed(fault)),
            None => {}
        }
        self.ensure_open()?;
        match self.blocks.as_mut().map(|b| b.get(block)) {
            Some(Err(fault)) => Err(self.failed(fault)),
            Some(Ok(bytes)) => Ok(bytes),
            None => Ok(None),
        }
    }

    /// Lets a block go that cannot be read, and remembers to tell.
    fn lose(&mut self, block: u64, reason: String) {
        let Some(held) = self.index.take(block) else { return };
        tracing::error!(block, entries = held.entries, %reason, "Cache block lost");
        let lost = BlockLost { block, entries: Some(held.entries), reason };
        self.incidents.push(Incident::BlockLost(lost));
        self.leaving.insert(block);
    }

    /// The directory of a held block; `None` if it had to be let go.
    fn lines(&mut self, block: u64) -> Result<Option<Arc<[Line]>>, CacheError> {
        if let Some((_, lines)) = self.recent.iter().find(|(b, _)| *b == block) {
            return Ok(Some(lines.clone()));
        }
        let lines = match self.fetch(block)? {
            Some(bytes) => directory(&bytes).map_err(|e| e.to_string()),
            None => Err("missing from the store".into()),
        };
        match lines {
            Ok(lines) => Ok(Some(self.remember(block, lines.into()))),
            Err(reason) => {
                self.lose(block, reason);
                Ok(None)
            }
        }
    }

    fn remember(&mut self, block: u64, lines: Arc<[Line]>) -> Arc<[Line]> {
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((block, lines.clone()));
        lines
    }

    /// Makes `last_read` hold `block`; false if it had to be let go.
    fn load(&mut self, block: u64) -> Result<bool, CacheError> {
        if self.last_read.as_ref().is_some_and(|(b, _)| *b == block) {
            return Ok(true);
        }
        let entries = match self.fetch(block)? {
            Some(bytes) => decode_block(&bytes).map_err(|e| e.to_string()),
            None => Err("missing from the store".into()),
        };
        match entries {
            Ok(entries) => {
                let lines: Arc<[Line]> = entries.iter().map(Line::of).collect();
                if !self.recent.iter().any(|(b, _)| *b == block) {
                    self.remember(block, lines);
                }
                self.last_read = Some((block, entries));
                Ok(true)
            }
            Err(reason) => {
                self.lose(block, reason);
                Ok(false)
            }
        }
    }

    /// Space the store and its marks take now.
    fn on_disk(&self) -> u64 {
        room::allocated(&self.store_dir()) + room::allocated(&self.config.dir.join("marks"))
    }

    /// Bytes of blocks that fit into `disk_bytes` of disk.
    fn capacity(&self, disk_bytes: u64) -> u64 {
        (disk_bytes.saturating_sub(STORE_OVERHEAD_BYTES) as f64 * FILL * self.squeeze) as u64
    }

    /// The space the store is kept to.
    fn aim(&self) -> u64 {
        self.config.bytes_max.saturating_sub(SPARE_BYTES)
    }

    /// How much of the oldest must go so that `new` more bytes fit.
    ///
    /// What sled's dead bytes amount to is not known beforehand, so the share in use falls while
    /// the disk measures near the aim and recovers slowly below it. A disk that others have
    /// filled bounds us too, but then only as fast as new blocks come: it may get free again.
    fn excess(&mut self, new: u64, disk: u64, free: u64) -> u64 {
        let over = disk > self.aim() / 20 * 19;
        if over && disk > self.disk_before {
            self.squeeze = (self.squeeze * 0.95).max(0.2);
        } else {
            self.squeeze = (self.squeeze * 1.001).min(1.0);
        }
        self.disk_before = disk;
        let wanted = self.index.bytes() + new;
        let own = wanted.saturating_sub(self.capacity(self.aim()));
        // With less than sled needs for itself, dropping makes no room: what is held stays, and
        // new batches wait in memory (`check_room`).
        let shared = match self.capacity(disk + free) {
            0 => 0,
            room => wanted.saturating_sub(room),
        };
        own.max(shared.min(new * 2))
    }

    /// Refuses what would run sled into a full disk: it could then not even be read.
    fn check_room(&self, new: u64, disk: u64, free: u64) -> Result<(), CacheError> {
        let inside = disk.saturating_sub(STORE_OVERHEAD_BYTES + self.index.bytes() * 2);
        let needed = new * 2 + ROOM_BYTES_MIN;
        if free + inside < needed { Err(self.fault(Fault::Full)) } else { Ok(()) }
    }

    fn try_append(&mut self, entries: &[Entry]) -> Result<Appended, CacheError> {
        self.ensure_open()?;
        let encoded =
            encode_blocks(entries).map_err(|e| self.fault(Fault::Damaged(e.to_string())))?;
        let new = encoded.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        let (disk, free) = (self.on_disk(), self.free());
        self.check_room(new, disk, free)?;
        let excess = self.excess(new, disk, free);
        let dropped = self.index.oldest(excess);
        let gaps = self.gaps_of(&dropped)?;

        let first = self.marks.next_block;
        self.marks.next_block += encoded.len() as u64; // also if it fails: no number is used twice
        if self.marks_changed {
            self.save_marks()?;
        }
        let add: Vec<(u64, &[u8])> =
            (first..).zip(encoded.iter().map(|(_, bytes)| bytes.as_slice())).collect();
        let remove: Vec<u64> = self.leaving.iter().copied().collect();
        self.commit(&add, &remove)?;
        // They leave the disk with the next commit: this one might have failed with some of them
        // gone, and their gaps untold.
        for block in dropped {
            self.index.take(block);
            self.leaving.insert(block);
        }
        let ids = self.hold(first, &encoded, entries);
        Ok(Appended { ids, gaps: gaps.merge() })
    }

    /// Enters committed blocks into the index; returns the ids of their entries.
    fn hold(
        &mut self,
        first: u64,
        encoded: &[(usize, Vec<u8>)],
        entries: &[Entry],
    ) -> Vec<EntryId> {
        let mut ids = Vec::with_capacity(entries.len());
        let mut rest = entries;
        for (block, (count, bytes)) in (first..).zip(encoded) {
            let (mine, others) = rest.split_at(*count);
            rest = others;
            let lines: Arc<[Line]> = mine.iter().map(Line::of).collect();
            self.index.insert(block, Held::new(bytes.len(), &lines));
            for line in lines.iter() {
                // Not `marks_changed`: what a held block says is read from it after a crash.
                self.marks.raise(&line.boot, &line.stream, line.seq);
            }
            ids.extend((0..).zip(mine).map(|(index, _)| EntryId { block, index }));
            self.remember(block, lines);
        }
        ids
    }

    /// What dropping these blocks loses.
    fn gaps_of(&mut self, blocks: &[u64]) -> Result<Gaps, CacheError> {
        let mut gaps = Gaps::default();
        for &block in blocks {
            let Some(lines) = self.lines(block)? else { continue };
            for (index, line) in (0..).zip(lines.iter()) {
                if self.index.holds(EntryId { block, index }) {
                    gaps.add(line);
                }
            }
            self.marks_changed = true; // what the block said until now, the file must say
        }
        Ok(gaps)
    }

    fn commit(&mut self, add: &[(u64, &[u8])], remove: &[u64]) -> Result<(), CacheError> {
        match self.blocks.as_mut().map(|b| b.commit(add, remove)) {
            Some(Err(fault)) => return Err(self.failed(fault)),
            Some(Ok(())) => {}
            None => return Err(self.fault(Fault::Damaged("the store is not open".into()))),
        }
        self.bytes_written += add.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        for block in remove {
            self.leaving.remove(block);
            self.recent.retain(|(b, _)| b != block);
            if self.last_read.as_ref().is_some_and(|(b, _)| b == block) {
                self.last_read = None;
            }
        }
        Ok(())
    }

    fn save_marks(&mut self) -> Result<(), CacheError> {
        match self.marks.save(&self.config.dir.join("marks")) {
            Ok(bytes) => {
                self.bytes_written += bytes;
                self.marks_changed = false;
                Ok(())
            }
            Err(e) => Err(self.fault(e.into())),
        }
    }

    fn try_sync(&mut self) -> Result<(), CacheError> {
        if self.marks_changed {
            self.save_marks()?; // before the blocks they speak for go
        }
        if self.leaving.is_empty() {
            return Ok(());
        }
        if self.index.is_empty() && self.on_disk() > EMPTY_STORE_KEPT_BYTES {
            return self.delete_store();
        }
        self.ensure_open()?;
        self.check_room(0, self.on_disk(), self.free())?;
        let remove: Vec<u64> = self.leaving.iter().copied().collect();
        self.commit(&[], &remove)
    }

    /// Gives the space of an emptied store back; the next append starts a fresh one. The rename
    /// makes it one step: after a crash the store is whole or gone.
    fn delete_store(&mut self) -> Result<(), CacheError> {
        self.blocks = None;
        let (dir, old) = (self.store_dir(), self.emptied_dir());
        let deleted = fs::rename(&dir, &old)
            .and_then(|()| sync_dir(&self.config.dir))
            .and_then(|()| fs::remove_dir_all(&old));
        self.leaving.clear();
        self.recent.clear();
        self.last_read = None;
        deleted.map_err(|e| self.fault(e.into()))
    }

    /// Runs `f`; if the disk is full, gives up the reserve and runs it once more.
    fn with_reserve<T>(
        &mut self,
        f: impl Fn(&mut Self) -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        let result = match f(self) {
            Err(CacheError::Full { .. }) if self.reserve.release() => f(self),
            result => result,
        };
        if result.is_ok() {
            self.reserve.take(self.free());
        }
        result
    }
}

impl Cache for SledCache {
    fn append(&mut self, entries: &[Entry]) -> Result<Appended, CacheError> {
        check_sizes(entries)?;
        if entries.is_empty() {
            return self.sync().map(|()| Appended::default());
        }
        self.with_reserve(|cache| cache.try_append(entries))
    }

    fn read(
        &mut self,
        after: Option<EntryId>,
        bytes_max: usize,
    ) -> Result<Vec<(EntryId, Entry)>, CacheError> {
        let mut out = Vec::new();
        let mut bytes = 0;
        let mut from = after.map_or(0, |id| id.block);
        while let Some(block) = self.index.first_from(from) {
            from = block + 1;
            match self.load(block) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) if !out.is_empty() => break,
                Err(e) => return Err(e),
            }
            let entries = self.last_read.as_ref().map_or(&[][..], |(_, entries)| entries);
            for (index, e) in (0..).zip(entries) {
                let id = EntryId { block, index };
                if Some(id) <= after || !self.index.holds(id) {
                    continue;
                }
                bytes += e.payload.len();
                if bytes > bytes_max && !out.is_empty() {
                    return Ok(out);
                }
                out.push((id, e.clone()));
            }
        }
        Ok(out)
    }

    fn remove(&mut self, ids: &[EntryId]) -> Result<(), CacheError> {
        for &id in ids.iter() {
            if !self.index.holds(id) {
                continue;
            }
            // Unreadable at the moment: it goes all the same. Its mark was raised when it came.
            let lines = self.lines(id.block).unwrap_or(None);
            let line = lines.as_ref().and_then(|l| l.get(id.index as usize));
            if self.index.remove(id, line.map_or(0, |l| l.samples)) {
                self.leaving.insert(id.block);
                self.marks_changed = true; // what the block said until now, the file must say
            }
        }
        Ok(())
    }

    fn note_delivered(&mut self, marks: &[Mark]) {
        for m in marks {
            self.marks_changed |= self.marks.raise(&m.boot, &m.stream, m.seq);
        }
    }

    fn sync(&mut self) -> Result<(), CacheError> {
        if self.leaving.is_empty() && !self.marks_changed {
            return Ok(());
        }
        self.with_reserve(Self::try_sync)
    }

    fn marks(&self) -> Vec<Mark> {
        self.marks.list()
    }

    fn close(&mut self, clean: bool) -> Result<(), CacheError> {
        self.marks.clean = clean;
        self.marks.held = self.index.stats().entries;
        self.marks_changed = true;
        let synced = self.sync();
        self.blocks = None;
        synced
    }

    fn stats(&self) -> Stats {
        let disk = self.on_disk();
        // What others have filled of the disk is no room for an outage.
        let room = self.aim().min(disk + self.free());
        Stats {
            bytes_held_max: self.capacity(room),
            bytes_on_disk: disk,
            bytes_max: self.config.bytes_max,
            bytes_written: self.bytes_written,
            ..self.index.stats()
        }
    }

    fn take_incidents(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.incidents)
    }
}
