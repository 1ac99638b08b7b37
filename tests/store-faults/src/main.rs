//! Appends to a cache until it is killed, and says what is durable. The tests beside it do the
//! killing.
//!
//! `wellhead-store-faults DIR (synced|flush-only) (keep|drain)`. Prints `open N` (entries found),
//! then `held S` after each append whose last number is S, and `letting S` before entries up to S
//! are removed. Numbers go on from the highest found.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, bail};
use wellhead_store::conformance::entry;
use wellhead_store::{Cache, CacheConfig, Durability, Entry, EntryId, SledCache};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dir, durability, drain] = args.as_slice() else {
        bail!("usage: wellhead-store-faults DIR (synced|flush-only) (keep|drain)")
    };
    let config = CacheConfig { reserve_bytes: 0, ..CacheConfig::new(Path::new(dir), 64 << 20) };
    let (mut cache, report) = SledCache::open(config)?;
    if !report.incidents.is_empty() {
        bail!("found damaged: {:?}", report.incidents);
    }
    if durability == "flush-only" {
        cache.set_durability(Durability::FlushOnly);
    }
    say(&format!("open {}", report.entries))?;
    let mut seq = cache.marks().iter().map(|m| m.seq).max().unwrap_or(0);
    for round in 0u64.. {
        let entries: Vec<Entry> =
            (1..=8).map(|n| entry("1-00000000", "data/hp1", seq + n, 2_000)).collect();
        cache.append(&entries)?;
        seq += 8;
        say(&format!("held {seq}"))?;
        if drain == "drain" && round % 8 == 7 {
            let read = cache.read(None, 100_000)?;
            let last = read.last().map_or(0, |(_, e)| e.seq);
            say(&format!("letting {last}"))?;
            cache.remove(&read.iter().map(|(id, _)| *id).collect::<Vec<EntryId>>())?;
            cache.sync()?;
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
