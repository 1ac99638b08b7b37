//! Others fill the disk.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use wellhead_store::conformance::entry;
use wellhead_store::{Cache, CacheConfig, CacheError, Entry, EntryId, SledCache};

use crate::mount::Mount;

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    while file.write_all(&[1; 4096]).is_ok() {}
}

fn batch(first: u64) -> Vec<Entry> {
    (first..first + 20).map(|seq| entry("1-00000000", "event", seq, 8_000)).collect()
}

#[test]
fn a_full_disk_costs_only_the_oldest_and_passes_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) =
        Mount::new(&["-t", "tmpfs", "-o", "size=48m"], Path::new("tmpfs"), &dir.path().join("m"))
    else {
        println!("SKIPPED: cannot mount a tmpfs here (root is needed)");
        return;
    };
    let disk = dir.path().join("m");
    let config =
        CacheConfig { reserve_bytes: 4 << 20, ..CacheConfig::new(disk.join("cache"), 64 << 20) };
    let mut cache = SledCache::open(config).unwrap().0;
    let (mut seq, mut refused, mut dropped) = (1, 0, 0);
    let mut append = |cache: &mut SledCache, dropped: &mut u64| match cache.append(&batch(seq)) {
        Ok(appended) => {
            *dropped += appended.gaps.iter().map(|g| g.last - g.first + 1).sum::<u64>();
            seq += 20;
            true
        }
        Err(CacheError::Full { .. }) => false,
        Err(e) => panic!("{e}"),
    };
    for _ in 0..40 {
        assert!(append(&mut cache, &mut dropped));
    }

    fill(&disk.join("filler"));
    for round in 0..300 {
        refused += u64::from(!append(&mut cache, &mut dropped));
        if round % 10 == 0 {
            // What the reserve gave back, others take too.
            fill(&disk.join(format!("filler{round}")));
        }
    }
    let held = cache.read(None, usize::MAX).unwrap();
    assert!(refused > 0, "the disk was full");

    for round in 0..300 {
        if round % 10 == 0 {
            std::fs::remove_file(disk.join(format!("filler{round}"))).unwrap();
        }
    }
    std::fs::remove_file(disk.join("filler")).unwrap();
    assert!(append(&mut cache, &mut dropped), "there is room again");
    assert!(disk.join("cache/reserve").exists(), "the reserve is taken again");
    let read = cache.read(None, usize::MAX).unwrap();
    assert_eq!(read.len() as u64 + dropped, seq - 1, "held or told as dropped");
    assert!(read.len() >= held.len().min(20));
    for (_, e) in &read {
        assert_eq!(*e, entry("1-00000000", "event", e.seq, 8_000));
    }
    cache.remove(&read.iter().map(|(id, _)| *id).collect::<Vec<EntryId>>()).unwrap();
    cache.sync().unwrap();
    assert_eq!(cache.stats().entries, 0);
    assert_eq!(cache.take_incidents(), []);
    println!("{} appended, {dropped} dropped, {refused} appends refused while full", seq - 1);
}

/// The disk fills and empties at any moment, also within a commit, where sled itself meets it.
#[test]
fn a_disk_that_fills_within_a_commit_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mount) =
        Mount::new(&["-t", "tmpfs", "-o", "size=48m"], Path::new("tmpfs"), &dir.path().join("m"))
    else {
        println!("SKIPPED: cannot mount a tmpfs here (root is needed)");
        return;
    };
    let disk = dir.path().join("m");
    let config = CacheConfig { reserve_bytes: 0, ..CacheConfig::new(disk.join("cache"), 64 << 20) };
    let mut cache = SledCache::open(config).unwrap().0;
    let (mut seq, mut dropped, mut refused, mut read_refused) = (1, 0, 0, 0);
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                fill(&disk.join("filler"));
                std::fs::remove_file(disk.join("filler")).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
        });
        for _ in 0..400 {
            match cache.append(&batch(seq)) {
                Ok(a) => {
                    dropped += a.gaps.iter().map(|g| g.last - g.first + 1).sum::<u64>();
                    seq += 20;
                }
                Err(_) => refused += 1,
            }
            read_refused += u64::from(cache.read(None, 10_000).is_err());
        }
        done.store(true, Ordering::Relaxed);
    });
    let read = cache.read(None, usize::MAX).unwrap();
    println!(
        "{} appended, {dropped} dropped, {refused} appends and {read_refused} reads refused",
        seq - 1
    );
    assert_eq!(cache.take_incidents(), []);
    assert_eq!(read.len() as u64 + dropped, seq - 1, "held or told as dropped");
    assert!(cache.append(&batch(seq)).is_ok());
}
