//! What an outage costs: 100 devices of 100 points each second, all going to the cache in a group
//! commit every 0.5 s. Prints bytes to the device, memory, and the speed of draining.
//!
//! `cargo run --release -p wellhead-store --example spill -- DIR [COMMITS] [BYTES_MAX_MIB]`

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use wellhead_store::{Cache, CacheConfig, Entry, SledCache};

const DEVICES: u64 = 100;
const SAMPLES: u32 = 50;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().context("usage: spill DIR [COMMITS] [BYTES_MAX_MIB]")?;
    let commits: u64 = args.next().map_or(Ok(120), |n| n.parse())?;
    let bytes_max: u64 = args.next().map_or(Ok(1024), |n| n.parse())?;
    let dir = Path::new(&dir).join("spill-example");

    println!("memory before opening: {}", memory()?);
    let config = CacheConfig { reserve_bytes: 0, ..CacheConfig::new(&dir, bytes_max << 20) };
    let (mut cache, report) = SledCache::open(config.clone())?;
    println!("memory open and idle: {} ({} entries found)", memory()?, report.entries);

    let mut rng = fastrand::Rng::with_seed(1);
    let before = device_bytes()?;
    let (mut payload, mut dropped, mut worst) = (0, 0, 0);
    for second_half in 0..commits {
        let entries: Vec<Entry> = (0..DEVICES).map(|d| batch(d, second_half, &mut rng)).collect();
        payload += entries.iter().map(|e| e.payload.len() as u64).sum::<u64>();
        let appended = cache.append(&entries)?;
        dropped += appended.gaps.iter().map(|g| g.samples).sum::<u64>();
        worst = worst.max(cache.stats().bytes_on_disk);
    }
    let samples = commits * DEVICES * u64::from(SAMPLES);
    let device = device_bytes()? - before;
    let s = cache.stats();
    let per = |bytes: u64| bytes as f64 / samples as f64;
    println!("{samples} samples in {commits} commits, {dropped} of them dropped by the bound");
    println!(
        "bytes per sample: payload {:.1}, stored {:.2}, to the device {:.2} (x{:.2} of stored)",
        per(payload),
        per(s.bytes_written),
        per(device),
        device as f64 / s.bytes_written as f64
    );
    println!(
        "held {} MiB of at most {} MiB; on disk {} MiB, at worst {} MiB of {}; memory {}",
        s.bytes_held >> 20,
        s.bytes_held_max >> 20,
        s.bytes_on_disk >> 20,
        worst >> 20,
        s.bytes_max >> 20,
        memory()?
    );

    #[expect(clippy::disallowed_methods, reason = "a measurement, at the edge")]
    let now = std::time::Instant::now;
    drop(cache);
    let start = now();
    let (mut cache, report) = SledCache::open(config)?;
    println!("opened again in {:?}: {} entries", start.elapsed(), report.entries);
    let (start, held) = (now(), cache.stats().samples);
    let before = device_bytes()?;
    loop {
        let read = cache.read(None, 256 << 10)?;
        let ids: Vec<_> = read.iter().map(|(id, _)| *id).collect();
        if ids.is_empty() {
            break;
        }
        cache.remove(&ids)?;
        cache.sync()?;
    }
    println!(
        "drained at {:.0} samples/s with a sync every 256 KiB, {:.2} bytes per sample to the device; on disk {} MiB; memory {}",
        held as f64 / start.elapsed().as_secs_f64(),
        (device_bytes()? - before) as f64 / held as f64,
        cache.stats().bytes_on_disk >> 20,
        memory()?
    );
    cache.close(true)?;
    fs::remove_dir_all(dir)?;
    Ok(())
}

/// Half a second of one device, about as the uplink writes it.
fn batch(device: u64, half: u64, rng: &mut fastrand::Rng) -> Entry {
    let mut text = format!("{{\"boot\":\"12-9f3a61c2\",\"seq\":{half},\"samples\":[");
    for point in 0..SAMPLES {
        let t = 1_770_000_000_000 + half * 500 + u64::from(point) * 9;
        let v = 20.0 + f64::from(rng.u32(..400)) / 10.0;
        let _ = write!(text, "{{\"p\":\"point_{point}\",\"t\":{t},\"v\":{v},\"q\":\"good\"}},");
    }
    text.push_str("]}");
    Entry {
        stream: format!("data/device{device}").into(),
        boot: "12-9f3a61c2".into(),
        seq: half,
        samples: SAMPLES,
        time_ms: 1_770_000_000_000 + half as i64 * 500,
        payload: text.into(),
    }
}

/// Bytes this process has caused to be written to devices.
fn device_bytes() -> Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|l| l.strip_prefix("write_bytes: "));
    Ok(line.context("no write_bytes in /proc/self/io")?.parse()?)
}

fn memory() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    Ok(line.context("no VmRSS in /proc/self/status")?.trim().to_string())
}
