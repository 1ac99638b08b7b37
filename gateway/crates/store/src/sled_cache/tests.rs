//! The cache's judgement of space, and faults that only its inside can bring about.

use super::*;
use crate::conformance::entry;
use crate::disk::faults;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

const MIB: u64 = 1 << 20;

fn config(dir: &Path) -> CacheConfig {
    CacheConfig { reserve_bytes: 0, ..CacheConfig::new(dir.join("cache"), 100 * MIB) }
}

fn open(dir: &Path) -> SledCache {
    SledCache::open(config(dir)).unwrap().0
}

/// An entry of the first boot.
fn batch(seq: u64) -> Entry {
    entry("1-0000000a", "data/hp1", seq, 1_000)
}

fn holding(cache: &mut SledCache, bytes: u64) {
    cache.index.insert(0, Held::new(bytes as usize, &[]));
}

#[test]
fn seven_tenths_of_what_the_store_does_not_need_itself_are_for_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    for (squeeze, disk, expected) in [
        (1.0, 8 * MIB, 0),
        (1.0, 0, 0),
        (1.0, 18 * MIB, 7 * MIB),
        (0.5, 18 * MIB, 7 * MIB / 2),
        (1.0, 108 * MIB, 70 * MIB),
    ] {
        cache.squeeze = squeeze;
        assert!(cache.capacity(disk).abs_diff(expected) <= 1, "{disk} at {squeeze}");
    }
}

#[test]
fn what_does_not_fit_the_bound_goes_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    let fits = cache.capacity(cache.aim());
    holding(&mut cache, fits - 1_000);
    let much = 1_000 * MIB;
    assert_eq!(cache.excess(1_000, 50 * MIB, much), 0);
    assert_eq!(cache.excess(1_234, 50 * MIB, much), 234);
    assert_eq!(cache.excess(100_000, 50 * MIB, much), 99_000);
}

#[test]
fn a_disk_filled_by_others_bounds_too_as_fast_as_new_blocks_come() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    // 10 MiB taken and 8 free: as 18 MiB, of which 7 are for blocks.
    holding(&mut cache, 7 * MIB - 10_000);
    assert!(cache.excess(10_500, 10 * MIB, 8 * MIB).abs_diff(500) <= 1);
    assert_eq!(cache.excess(9_000, 10 * MIB, 8 * MIB), 0);
    holding(&mut cache, 9 * MIB);
    assert_eq!(cache.excess(10_000, 10 * MIB, 8 * MIB), 20_000, "twice what comes");
    assert_eq!(cache.excess(10_000, 6 * MIB, MIB), 0, "dropping would make no room");
}

#[test]
fn the_share_in_use_falls_only_while_the_disk_grows_over_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    let limit = cache.aim() / 20 * 19;
    let mut after = |disk: u64| {
        cache.excess(0, disk, 1_000 * MIB);
        cache.squeeze
    };
    assert_eq!(after(50 * MIB), 1.0);
    assert_eq!(after(limit), 1.0, "not over");
    assert_eq!(after(limit + 1), 0.95);
    assert_eq!(after(limit + 1), 0.95 * 1.001, "over, not growing");
    assert_eq!(after(limit + 2), 0.95 * 1.001 * 0.95);
    assert_eq!(after(1), 0.95 * 1.001 * 0.95 * 1.001);
    assert_eq!(after(2), 0.95 * 1.001 * 0.95 * 1.001 * 1.001, "growing, not over");
    let lowest = (0..100).map(|i| after(limit + 10 + i)).last();
    assert_eq!(lowest, Some(0.2));
    let highest = (0..2_000).map(|_| after(limit)).last();
    assert_eq!(highest, Some(1.0));
}

#[test]
fn blocks_that_would_fill_the_disk_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    holding(&mut cache, 3_000_000);
    // Twice what comes and 256 KiB: free, or inside the store beyond its own 8 MiB and twice what
    // is held.
    let own = 8 * MIB + 6_000_000;
    for (disk, free, fits) in [
        (own, 262_144 + 1_000, true),
        (own, 262_144 + 999, false),
        (0, 262_144 + 999, false),
        (own + 400, 262_144 + 600, true),
        (own + 400, 262_144 + 599, false),
    ] {
        let answer = cache.check_room(500, disk, free);
        assert_eq!(answer.is_ok(), fits, "{disk} {free}");
        assert!(fits || matches!(answer, Err(CacheError::Full { .. })));
    }
}

#[test]
fn a_bound_that_can_not_work_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let opened = |bytes_max| SledCache::open(CacheConfig { bytes_max, ..config(dir.path()) });
    for wrong in [0, 32 * MIB - 1, 6 * 1024 * MIB + 1] {
        let said = opened(wrong).map(drop).unwrap_err();
        assert!(
            matches!(said, CacheError::Setting { key: "bytes_max", value, .. } if value == wrong)
        );
    }
    for right in [32 * MIB, 6 * 1024 * MIB] {
        assert_eq!(opened(right).unwrap().0.stats().bytes_max, right);
    }
}

#[test]
fn the_figures_are_those_of_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    let marks = || fs::metadata(dir.path().join("cache/marks")).unwrap().len();
    let mut written = marks();
    assert_eq!(cache.stats().bytes_written, written);
    assert_eq!(cache.stats().bytes_on_disk, room::allocated(&dir.path().join("cache/marks")));
    let ids = cache.append(&[batch(1), batch(2)]).unwrap().ids;
    written += cache.stats().bytes_held;
    assert_eq!(cache.stats().bytes_written, written);
    assert_eq!(cache.stats().bytes_held_max, cache.capacity(100 * MIB - SPARE_BYTES));
    let both = room::allocated(&dir.path().join("cache/blocks"))
        + room::allocated(&dir.path().join("cache/marks"));
    assert_eq!(cache.stats().bytes_on_disk, both);
    cache.sync().unwrap();
    assert_eq!(cache.stats().bytes_written, written, "nothing to write");
    cache.remove(&ids).unwrap();
    cache.sync().unwrap();
    assert_eq!(cache.stats().bytes_written, written + marks());
    assert!(dir.path().join("cache/blocks").exists(), "a small store is kept for the next time");
}

#[test]
fn as_much_is_read_as_was_asked_for_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    let batches = [1, 2, 3].map(batch);
    let [one, two, three] = [0, 1, 2].map(|i| batches[i].payload.len());
    cache.append(&batches).unwrap();
    for (bytes_max, n) in [
        (0, 1),
        (one + two - 1, 1),
        (one + two, 2),
        (one + two + three - 1, 2),
        (one + two + three, 3),
    ] {
        assert_eq!(cache.read(None, bytes_max).unwrap().len(), n, "{bytes_max}");
    }
}

#[test]
fn only_the_latest_directories_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    for seq in 1..=20 {
        cache.append(&[batch(seq)]).unwrap();
    }
    let blocks: Vec<_> = cache.recent.iter().map(|(b, _)| *b).collect();
    assert_eq!(blocks, (12..20).collect::<Vec<_>>());
    cache.read(Some(EntryId { block: 18, index: 0 }), usize::MAX).unwrap();
    let blocks: Vec<_> = cache.recent.iter().map(|(b, _)| *b).collect();
    assert_eq!(blocks, (12..20).collect::<Vec<_>>(), "it was there");
    cache.read(None, 0).unwrap();
    assert!(cache.recent.iter().any(|(b, _)| *b == 0), "what was read is");
    cache.read(None, usize::MAX).unwrap();
    assert_eq!(cache.recent.len(), RECENT_MAX);
    let blocks: BTreeSet<_> = cache.recent.iter().map(|(b, _)| *b).collect();
    assert_eq!(blocks.len(), RECENT_MAX, "each once");
    for (gone, left) in [(13, Some(19)), (19, None)] {
        cache.remove(&[EntryId { block: gone, index: 0 }]).unwrap();
        cache.sync().unwrap();
        assert!(cache.recent.iter().all(|(b, _)| *b != gone));
        assert_eq!(cache.last_read.as_ref().map(|(b, _)| *b), left);
    }
    assert_eq!(cache.recent.len(), RECENT_MAX - 2, "only what is gone was forgotten");
}

#[test]
fn what_was_read_before_the_disk_fails_is_handed_out_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    cache.append(&[batch(1)]).unwrap();
    let first = cache.read(None, usize::MAX).unwrap();
    assert_eq!(first.len(), 1);
    cache.append(&[batch(2)]).unwrap();
    // The store can't be reached any more.
    cache.blocks = None;
    fs::rename(cache.store_dir(), dir.path().join("away")).unwrap();
    fs::write(cache.store_dir(), "").unwrap();
    assert_eq!(cache.read(None, usize::MAX).unwrap(), first);
    assert!(matches!(cache.read(Some(first[0].0), usize::MAX), Err(CacheError::Io { .. })));
    // And is back.
    fs::remove_file(cache.store_dir()).unwrap();
    fs::rename(dir.path().join("away"), cache.store_dir()).unwrap();
    assert_eq!(cache.read(None, usize::MAX).unwrap().len(), 2);
    assert_eq!(cache.take_incidents(), []);
}

#[test]
fn the_reserve_is_given_up_for_one_more_try_and_taken_again() {
    let dir = tempfile::tempdir().unwrap();
    let full = |c: &SledCache| Err::<(), _>(c.fault(Fault::Full));
    let reserve = |reserve_bytes| CacheConfig { reserve_bytes, ..config(dir.path()) };
    let tries = |cache: &mut SledCache, until: u32| {
        let tries = Cell::new(0);
        let result = cache.with_reserve(|c| {
            tries.set(tries.get() + 1);
            if tries.get() > until { Ok(()) } else { full(c) }
        });
        (tries.get(), result.is_ok())
    };
    let held = dir.path().join("cache/reserve");
    let mut cache = SledCache::open(reserve(MIB)).unwrap().0;
    assert!(held.exists());
    assert_eq!(tries(&mut cache, 0), (1, true));
    assert_eq!(tries(&mut cache, 1), (2, true));
    assert!(held.exists(), "taken again");
    assert_eq!(tries(&mut cache, 9), (2, false));
    assert!(!held.exists());
    assert_eq!(tries(&mut cache, 9), (1, false), "nothing to give up any more");
    drop(cache);
    let mut cache = SledCache::open(reserve(0)).unwrap().0;
    assert_eq!(tries(&mut cache, 9), (1, false));
}

#[test]
fn entries_that_vanished_after_a_clean_stop_are_told_and_none_after_another() {
    for (clean, held, told) in [(true, 3, 1), (true, 2, 0), (true, 1, 0), (false, 3, 0)] {
        let dir = tempfile::tempdir().unwrap();
        let mut cache = open(dir.path());
        cache.append(&[batch(1), batch(2)]).unwrap();
        cache.close(true).unwrap();
        drop(cache);
        let path = dir.path().join("cache/marks");
        let mut marks = Marks::load(&path).unwrap().unwrap().unwrap();
        assert_eq!((marks.clean, marks.held), (true, 2));
        (marks.clean, marks.held) = (clean, held);
        marks.save(&path).unwrap();
        let report = SledCache::open(config(dir.path())).unwrap().1;
        let missing = Incident::EntriesMissing { expected: held, found: 2 };
        assert_eq!(report.incidents, vec![missing; told], "{clean} {held}");
        assert_eq!((report.clean, report.entries), (Some(clean), 2));
    }
}

#[test]
fn a_store_that_can_not_be_made_leaves_nothing_to_be_taken_for_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    for call in [0, 1, 128] {
        faults::after(Some(call));
        assert!(matches!(cache.append(&[batch(1)]), Err(CacheError::Full { .. })));
        assert!(!cache.store_dir().exists(), "{call}");
    }
    cache.append(&[batch(1)]).unwrap();
    // One that was made stays, whatever happens on opening it.
    cache.blocks = None;
    faults::after(Some(0));
    assert!(cache.append(&[batch(2)]).is_err());
    assert_eq!(cache.read(None, usize::MAX).unwrap().len(), 1);
    assert_eq!(cache.take_incidents(), []);
}

#[test]
fn a_block_that_vanished_is_told_once_and_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = open(dir.path());
    for seq in 0..5 {
        cache.append(&[batch(seq)]).unwrap();
    }
    let read = |cache: &mut SledCache| {
        let numbers = cache.read(None, usize::MAX).unwrap().iter().map(|(_, e)| e.seq).collect();
        (numbers, cache.take_incidents())
    };
    let lost = |block| {
        let reason = "missing from the store".into();
        Incident::BlockLost(BlockLost { block, entries: Some(1), reason })
    };
    cache.blocks.as_mut().unwrap().commit(&[], &[1]).unwrap();
    assert_eq!(read(&mut cache), (vec![0, 2, 3, 4], vec![lost(1)]), "found on reading");
    cache.blocks.as_mut().unwrap().commit(&[], &[3]).unwrap();
    cache.blocks = None;
    assert_eq!(read(&mut cache), (vec![0, 2, 4], vec![lost(3)]), "found on opening again");
    cache.blocks.as_mut().unwrap().commit(&[], &[4]).unwrap();
    cache.recent.clear();
    let id = EntryId { block: 4, index: 0 };
    cache.last_read = None;
    cache.remove(&[id]).unwrap();
    assert_eq!(read(&mut cache), (vec![0, 2], vec![lost(4)]), "found on removing");
    assert_eq!(cache.stats().entries, 2);
    assert_eq!(read(&mut cache), (vec![0, 2], vec![]));
}

/// A cache that holds at most about ten entries of [`noise`].
fn small(dir: &Path) -> SledCache {
    let mut cache = open(dir);
    cache.config.bytes_max = STORE_OVERHEAD_BYTES + SPARE_BYTES + MIB;
    cache
}

/// An entry that does not compress.
fn noise(seq: u64) -> Entry {
    let mut rng = fastrand::Rng::with_seed(seq);
    let payload: Vec<u8> = (0..60_000).map(|_| rng.u8(..)).collect();
    Entry { payload: payload.into(), ..batch(seq) }
}

/// What a caller knows to be held.
#[derive(Default)]
struct Acknowledged {
    held: BTreeMap<EntryId, Entry>,
    seq: u64,
}

impl Acknowledged {
    fn append(&mut self, cache: &mut SledCache, n: u64) -> bool {
        let entries: Vec<Entry> = (self.seq + 1..=self.seq + n).map(noise).collect();
        let Ok(appended) = cache.append(&entries) else { return false };
        self.seq += n;
        self.held.extend(appended.ids.into_iter().zip(entries));
        for gap in appended.gaps {
            self.held.retain(|_, e| !(gap.first..=gap.last).contains(&e.seq));
        }
        true
    }

    fn remove(&mut self, cache: &mut SledCache, n: usize) -> bool {
        let ids: Vec<EntryId> = self.held.keys().copied().take(n).collect();
        cache.remove(&ids).unwrap();
        self.held.retain(|id, _| !ids.contains(id));
        cache.sync().is_ok()
    }

    fn check(&self, cache: &mut SledCache) {
        let numbers = |held: &BTreeMap<_, Entry>| held.values().map(|e| e.seq).collect::<Vec<_>>();
        let read: BTreeMap<_, _> = cache.read(None, usize::MAX).unwrap().into_iter().collect();
        assert_eq!(numbers(&read), numbers(&self.held));
        assert_eq!(read, self.held);
        assert_eq!(cache.take_incidents(), []);
    }
}

/// The disk is full at each call into sled in turn, and that call has reached it all the same.
#[test]
fn commits_that_fail_anywhere_lose_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = small(dir.path());
    let mut acknowledged = Acknowledged::default();
    while acknowledged.held.len() as u64 == acknowledged.seq {
        assert!(acknowledged.seq < 100 && acknowledged.append(&mut cache, 2), "the oldest go");
    }
    let mut failed = 0;
    for call in (0..12).chain((0..12).rev()) {
        for n in [3, 0, 4] {
            faults::after(Some(call));
            let done = match n {
                0 => acknowledged.remove(&mut cache, 2),
                n => acknowledged.append(&mut cache, n),
            };
            faults::after(None);
            failed += u32::from(!done);
            acknowledged.check(&mut cache);
        }
    }
    assert!((20..70).contains(&failed), "{failed}");
}
