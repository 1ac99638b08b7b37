//! Opening, opening again after a fault, and setting a damaged store aside.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::{
    BYTES_MAX_MAX, BYTES_MAX_MIN, CacheConfig, OpenReport, STORE_OVERHEAD_BYTES, SledCache,
};
use crate::block::{directory, entries_claimed};
use crate::cache::{BlockLost, CacheError, Incident, Quarantined};
use crate::disk::{Blocks, Durability, Fault};
use crate::index::{Held, Index};
use crate::marks::{Marks, sync_dir};
use crate::quarantine;
use crate::room::{self, Reserve};

/// What a walk over the store found.
#[derive(Default)]
struct Scan {
    found: Index,
    lost: Vec<BlockLost>,
    last: Option<u64>,
    marks: Marks,
}

impl Scan {
    fn visit(&mut self, block: u64, bytes: &[u8]) {
        self.last = Some(block);
        match directory(bytes) {
            Ok(lines) => {
                for l in &lines {
                    self.marks.raise(&l.boot, &l.stream, l.seq);
                }
                self.found.insert(block, Held::new(bytes.len(), &lines));
            }
            Err(e) => {
                let entries = entries_claimed(bytes);
                self.lost.push(BlockLost { block, entries, reason: e.to_string() });
            }
        }
    }
}

impl SledCache {
    /// Opens the cache, creating what is missing. A store that cannot be used is set aside and a
    /// fresh one started; the report says so.
    ///
    /// # Errors
    /// [`CacheError::Locked`] while another process has it, [`CacheError::Full`],
    /// [`CacheError::Setting`] or the system's refusal.
    pub fn open(config: CacheConfig) -> Result<(Self, OpenReport), CacheError> {
        if !(BYTES_MAX_MIN..=BYTES_MAX_MAX).contains(&config.bytes_max) {
            return Err(CacheError::Setting {
                key: "bytes_max",
                value: config.bytes_max,
                hint: "give it between 33554432 (32 MiB) and 6442450944 (6 GiB)",
            });
        }
        let dir = config.dir.clone();
        fs::create_dir_all(&dir).map_err(|e| refused("create", &dir, e))?;
        let lock = lock(&dir)?;
        let marks_path = dir.join("marks");
        let marks = Marks::load(&marks_path).map_err(|e| refused("read", &marks_path, e))?;
        if matches!(marks, Some(None)) {
            tracing::warn!(path = %marks_path.display(), "Cache marks damaged, starting anew");
        }
        let marks = marks.flatten();
        let clean = marks.as_ref().map(|m| m.clean);
        let held = marks.as_ref().map_or(0, |m| m.held);
        let mut cache = Self {
            blocks: None,
            known: false,
            durability: Durability::Synced,
            index: Index::default(),
            leaving: BTreeSet::new(),
            marks: marks.unwrap_or_default(),
            marks_changed: true,
            recent: VecDeque::new(),
            last_read: None,
            reserve: Reserve::new(dir.join("reserve"), config.reserve_bytes),
            squeeze: 1.0,
            disk_before: 0,
            bytes_written: 0,
            incidents: Vec::new(),
            _lock: lock,
            config,
        };
        cache.start()?;
        if clean == Some(true) && cache.incidents.is_empty() {
            cache.compare(held);
        }
        let report = OpenReport {
            incidents: std::mem::take(&mut cache.incidents),
            clean,
            entries: cache.index.stats().entries,
        };
        Ok((cache, report))
    }

    fn compare(&mut self, expected: u64) {
        let found = self.index.stats().entries;
        if found < expected {
            tracing::error!(expected, found, "Cache entries missing");
            self.incidents.push(Incident::EntriesMissing { expected, found });
        }
    }

    fn start(&mut self) -> Result<(), CacheError> {
        self.marks.clean = false;
        let emptied = self.emptied_dir();
        if emptied.exists() {
            fs::remove_dir_all(&emptied).map_err(|e| refused("remove", &emptied, e))?;
        }
        // Without a store there is nothing to read, and none is made before it is needed.
        if self.store_dir().exists() {
            self.with_reserve(Self::ensure_open)?;
        }
        self.with_reserve(Self::save_marks)
    }

    pub(super) fn store_dir(&self) -> PathBuf {
        self.config.dir.join("blocks")
    }

    pub(super) fn emptied_dir(&self) -> PathBuf {
        self.config.dir.join("blocks.emptied")
    }

    pub(super) fn free(&self) -> u64 {
        room::free(&self.config.dir).unwrap_or(0)
    }

    pub(super) fn fault(&self, fault: Fault) -> CacheError {
        let dir = self.config.dir.clone();
        match fault {
            Fault::Full => CacheError::Full { free: self.free(), dir },
            Fault::Locked => CacheError::Locked { dir },
            Fault::Io(source) => refused("use", &dir, source),
            Fault::Damaged(reason) => CacheError::Store { dir, reason },
        }
    }

    /// Opens the store if it is not open.
    pub(super) fn ensure_open(&mut self) -> Result<(), CacheError> {
        while self.blocks.is_none() {
            let mut scan = Scan::default();
            let (dir, capacity) = (self.store_dir(), self.config.cache_capacity);
            let new = !dir.exists();
            match Blocks::open(&dir, capacity, |block, bytes| scan.visit(block, bytes)) {
                Ok(mut blocks) => {
                    blocks.durability = self.durability;
                    self.blocks = Some(blocks);
                    self.adopt(scan);
                }
                Err(fault) if new => {
                    // Half made, and never held anything: later it would be taken for damaged.
                    let _ = fs::remove_dir_all(&dir);
                    return Err(self.fault(fault));
                }
                // On a full disk sled's recovery fails in many ways; that is not damage.
                Err(Fault::Damaged(_)) if self.free() < STORE_OVERHEAD_BYTES => {
                    return Err(self.fault(Fault::Full));
                }
                // Then there is none, so this comes once.
                Err(Fault::Damaged(reason)) => self.set_aside(reason, &scan.found)?,
                Err(fault) => return Err(self.fault(fault)),
            }
        }
        Ok(())
    }

    /// Takes over what a walk found. The first one of a run is believed; later ones only confirm:
    /// a block this run never acknowledged or already let go is taken off again, a block that
    /// vanished is told.
    fn adopt(&mut self, scan: Scan) {
        if let Some(last) = scan.last {
            self.marks.next_block = self.marks.next_block.max(last.saturating_add(1));
        }
        for lost in scan.lost {
            self.leaving.insert(lost.block);
            if !self.known || self.index.take(lost.block).is_some() {
                tracing::error!(block = lost.block, reason = %lost.reason, "Cache block lost");
                self.incidents.push(Incident::BlockLost(lost));
            }
        }
        if self.known {
            self.leaving.extend(scan.found.numbers().filter(|b| self.index.get(*b).is_none()));
            let vanished: Vec<u64> =
                self.index.numbers().filter(|b| scan.found.get(*b).is_none()).collect();
            for block in vanished {
                self.lose(block, "missing from the store".into());
            }
        } else {
            for m in scan.marks.list() {
                self.marks.raise(&m.boot, &m.stream, m.seq);
            }
            self.index = scan.found;
            self.known = true;
        }
    }

    fn set_aside(&mut self, reason: String, readable: &Index) -> Result<(), CacheError> {
        let dir = self.store_dir();
        let path = quarantine::set_aside(&dir).map_err(|e| refused("set aside", &dir, e))?;
        let readable = readable.stats().entries;
        let held = self.index.stats().entries;
        let unreadable = self.known.then(|| held.saturating_sub(readable));
        tracing::error!(path = %path.display(), %reason, readable, "Cache store damaged, set aside");
        self.incidents.push(Incident::Quarantined(Quarantined {
            path,
            reason,
            readable,
            unreadable,
        }));
        self.index = Index::default();
        self.leaving.clear();
        self.recent.clear();
        self.last_read = None;
        sync_dir(&self.config.dir).map_err(|e| refused("sync", &dir, e))
    }
}

fn refused(action: &'static str, path: &Path, source: io::Error) -> CacheError {
    CacheError::Io { action, path: path.into(), source }
}

/// Holds the cache directory for this process, until the file is dropped.
fn lock(dir: &Path) -> Result<File, CacheError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|e| refused("create", &path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CacheError::Locked { dir: dir.into() }),
        Err(TryLockError::Error(e)) => Err(refused("lock", &path, e)),
    }
}
