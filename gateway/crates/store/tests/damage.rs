//! Damaged files: never a panic, never a wrong entry, and the report says what went.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use wellhead_store::conformance::entry;
use wellhead_store::{
    BlockError, Cache, CacheConfig, CacheError, Incident, SledCache, decode_block,
};

const ENTRIES: u64 = 400;

fn config(dir: &Path) -> CacheConfig {
    CacheConfig { reserve_bytes: 0, ..CacheConfig::new(dir.join("cache"), 32 << 20) }
}

/// A cache with entries 1 to 400 of one stream, closed.
fn filled(dir: &Path) {
    let mut cache = SledCache::open(config(dir)).unwrap().0;
    for first in (1..ENTRIES).step_by(20) {
        let entries: Vec<_> =
            (first..first + 20).map(|seq| entry("3-0000000a", "data/hp1", seq, 3_000)).collect();
        cache.append(&entries).unwrap();
    }
    cache.close(true).unwrap();
}

/// Opens what is left, checks every entry, and that the cache still works. Returns the numbers
/// found and the incidents.
fn survivors(dir: &Path) -> (Vec<u64>, Vec<Incident>) {
    let (mut cache, report) = SledCache::open(config(dir)).unwrap();
    let mut incidents = report.incidents;
    let read = cache.read(None, usize::MAX).unwrap();
    incidents.extend(cache.take_incidents());
    for (_, e) in &read {
        assert_eq!(*e, entry("3-0000000a", "data/hp1", e.seq, 3_000));
    }
    let next = entry("4-0000000b", "event", 1, 100);
    cache.append(std::slice::from_ref(&next)).unwrap();
    assert_eq!(cache.read(None, usize::MAX).unwrap().last().unwrap().1, next);
    (read.iter().map(|(_, e)| e.seq).collect(), incidents)
}

fn store_files(dir: &Path) -> Vec<PathBuf> {
    let items = fs::read_dir(dir.join("cache/blocks")).unwrap();
    items.map(|i| i.unwrap().path()).filter(|p| p.is_file()).collect()
}

#[test]
fn flipped_bytes_yield_no_wrong_entry_and_what_is_lost_is_told() {
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut whole, mut told) = (0, 0);
    for _ in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        let files = store_files(dir.path());
        let file = &files[rng.usize(..files.len())];
        let mut bytes = fs::read(file).unwrap();
        for _ in 0..rng.usize(1..6) {
            let at = rng.usize(..bytes.len());
            bytes[at] ^= rng.u8(1..);
        }
        fs::write(file, bytes).unwrap();
        let (found, incidents) = survivors(dir.path());
        assert!(found.is_sorted());
        match (found.len() as u64 == ENTRIES, incidents.is_empty()) {
            (true, _) => whole += 1,
            (false, false) => told += 1,
            (false, true) => panic!("{} of {ENTRIES} found, nothing told", found.len()),
        }
    }
    println!("40 damaged stores: {whole} whole, {told} lost entries and told");
}

#[test]
fn a_truncated_or_emptied_file_never_panics() {
    for keep in [0, 1, 100, 5_000, 300_000] {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        for file in store_files(dir.path()) {
            let bytes = fs::read(&file).unwrap();
            fs::write(&file, &bytes[..keep.min(bytes.len())]).unwrap();
        }
        survivors(dir.path());
    }
}

#[test]
fn a_block_with_a_bad_checksum_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    {
        let store = hold_store(dir.path());
        let chapter = store.tree_names().into_iter().filter(|n| n.starts_with(b"c")).max().unwrap();
        let chapter = store.open_tree(chapter).unwrap();
        let (key, value) = chapter.iter().next().unwrap().unwrap();
        let mut bytes = value.to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        chapter.insert(key, bytes).unwrap();
    }
    let (found, incidents) = survivors(dir.path());
    let [Incident::BlockLost(lost)] = incidents.as_slice() else { panic!("{incidents:?}") };
    assert_eq!(lost.reason, "checksum mismatch");
    assert_eq!(u64::from(lost.entries.unwrap()) + found.len() as u64, ENTRIES);
    let (_, report) = SledCache::open(config(dir.path())).unwrap();
    assert_eq!(report.incidents, [], "told once, then gone");
}

#[test]
fn a_store_that_cannot_be_opened_is_set_aside_and_told() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    fs::write(dir.path().join("cache/blocks/conf"), "segment_size: what").unwrap();
    let (found, incidents) = survivors(dir.path());
    assert_eq!(found, []);
    let [Incident::Quarantined(q)] = incidents.as_slice() else { panic!("{incidents:?}") };
    assert!(q.path.join("db").exists());
    assert!(!q.reason.is_empty());
}

#[test]
fn marks_survive_the_quarantine_of_the_store() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    fs::write(dir.path().join("cache/blocks/conf"), "segment_size: what").unwrap();
    let (cache, report) = SledCache::open(config(dir.path())).unwrap();
    assert_eq!(report.clean, Some(true));
    assert_eq!(cache.marks().iter().map(|m| m.seq).collect::<Vec<_>>(), [ENTRIES]);
}

#[test]
fn a_second_opening_says_who_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let _first = SledCache::open(config(dir.path())).unwrap();
    let second = SledCache::open(config(dir.path())).map(|_| ());
    let Err(e @ CacheError::Locked { .. }) = second else { panic!("{second:?}") };
    assert!(e.to_string().contains("another process"), "{e}");
}

fn hold_store(dir: &Path) -> sled::Db {
    sled::Config::new().path(dir.join("cache/blocks")).segment_size(2 << 20).open().unwrap()
}

#[test]
fn a_store_that_is_let_go_a_little_later_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let held = hold_store(dir.path());
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(100));
        drop(held);
    });
    assert_eq!(survivors(dir.path()).1, []);
    letting_go.join().unwrap();
}

#[test]
fn a_store_that_is_not_let_go_is_told_as_locked_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path());
    let held = hold_store(dir.path());
    let opened = SledCache::open(config(dir.path())).map(|_| ());
    assert!(matches!(opened, Err(CacheError::Locked { .. })), "{opened:?}");
    drop(held);
    let (found, incidents) = survivors(dir.path());
    assert_eq!((found.len() as u64, incidents), (ENTRIES, vec![]));
}

#[test]
fn an_unclean_stop_is_told_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (cache, report) = SledCache::open(config(dir.path())).unwrap();
    assert_eq!(report.clean, None);
    drop(cache);
    let (mut cache, report) = SledCache::open(config(dir.path())).unwrap();
    assert_eq!(report.clean, Some(false));
    cache.close(true).unwrap();
    drop(cache);
    assert_eq!(SledCache::open(config(dir.path())).unwrap().1.clean, Some(true));
}

#[test]
fn an_entry_over_the_limit_is_refused_by_name_and_one_at_the_limit_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = SledCache::open(config(dir.path())).unwrap().0;
    let mut rng = fastrand::Rng::with_seed(1);
    let mut noise = entry("1-0000000a", "event", 1, 0);
    noise.payload = (0..65_536).map(|_| rng.u8(..)).collect::<Vec<u8>>().into();
    cache.append(&vec![noise.clone(); 20]).unwrap();
    assert_eq!(cache.read(None, usize::MAX).unwrap().len(), 20);
    noise.payload = vec![0; 65_537].into();
    let refused = cache.append(&[noise]).unwrap_err().to_string();
    assert_eq!(refused, "the payload is 65537 bytes long, at most 65536 fit a cache entry");
}

#[test]
fn the_bound_holds_the_oldest_go_and_an_emptied_store_gives_its_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut cache = SledCache::open(config(dir.path())).unwrap().0;
    let mut rng = fastrand::Rng::with_seed(1);
    let (mut seq, mut gone, mut worst) = (0, 0, 0);
    for _ in 0..700 {
        let mut batch = |_| {
            seq += 1;
            let payload: Vec<u8> = (0..4_000).map(|_| rng.u8(..)).collect();
            wellhead_store::Entry { payload: payload.into(), ..entry("1-0000000a", "s", seq, 0) }
        };
        let entries: Vec<_> = (0..20).map(&mut batch).collect();
        for gap in cache.append(&entries).unwrap().gaps {
            assert_eq!(gap.first, gone + 1, "the oldest, without a hole");
            gone = gap.last;
        }
        worst = worst.max(cache.stats().bytes_on_disk);
    }
    let read = cache.read(None, usize::MAX).unwrap();
    println!("55 MB through a cache of 32 MiB: {gone} of {seq} dropped, at worst {worst} bytes");
    assert!(gone > 0);
    assert_eq!(read.len() as u64 + gone, seq);
    assert!(worst <= 32 << 20, "{worst} bytes on disk");
    cache.remove(&read.iter().map(|(id, _)| *id).collect::<Vec<_>>()).unwrap();
    cache.sync().unwrap();
    // Above 16 MiB it is deleted; sled may have cut the end of its log off before.
    assert!(cache.stats().bytes_on_disk <= 16 << 20, "{}", cache.stats().bytes_on_disk);
    cache.append(&[entry("1-0000000a", "s", seq + 1, 10)]).unwrap();
    assert_eq!(cache.read(None, 1).unwrap().len(), 1);
}

#[test]
fn bytes_that_are_no_block_are_refused_by_kind() {
    assert_eq!(decode_block(b""), Err(BlockError::NotABlock));
    assert_eq!(decode_block(&[0; 64]), Err(BlockError::NotABlock));
    let mut block = b"WB\x02\0".to_vec();
    block.resize(64, 0);
    assert_eq!(decode_block(&block), Err(BlockError::Version(2)));
    block[2] = 1;
    assert_eq!(decode_block(&block), Err(BlockError::Checksum));
}
