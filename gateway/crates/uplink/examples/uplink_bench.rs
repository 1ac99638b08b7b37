//! What the uplink costs: CPU of live publishing, and how fast a backlog goes out beside it.
//!
//! `cargo run --release -p wellhead-uplink --example uplink_bench -- PORT [BATCHES]` with a broker
//! on that port. Prints figures; asserts nothing.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wellhead_model::{
    Class, Clock, DeviceId, ManualClock, Mono, Now, Point, PointId, PointIndex, Reporting, Sample,
    Shape, Timestamp, Value,
};
use wellhead_store::{CacheConfig, SledCache};
use wellhead_uplink::{Boot, State, Stream, Uplink, UplinkConfig, UplinkHandle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().context("give the broker's port")?.parse()?;
    let batches: u32 = args.next().map_or(Ok(20_000), |n| n.parse())?;
    let live = live(port, 500, 30, Duration::from_secs(10)).await?;
    println!("live, 500 batches/s of 30 samples: {live}");
    println!("{}", drain(port, batches).await?);
    Ok(())
}

fn points(n: u32) -> Result<Arc<[Point]>> {
    let device = DeviceId::new("hp1")?;
    let point = |i: u32| {
        Ok(Point {
            device: device.clone(),
            id: PointId::new(&format!("supply_temp_{i}"))?,
            title: "".into(),
            title_zh: "".into(),
            unit: None,
            class: Class::Measurement,
            shape: Shape::Float,
            states: Arc::from([]),
            range: None,
            rollover: None,
            period: Duration::from_secs(1),
            reporting: Reporting {
                deadband: None,
                interval_min: Duration::ZERO,
                interval_max: Duration::from_secs(60),
                stale_after: Duration::from_secs(30),
            },
            output: None,
        })
    };
    (0..n).map(point).collect()
}

fn samples(n: u32, round: u32) -> Vec<Sample> {
    let value = |i: u32| Value::float(f64::from((i * 37 + round) % 1000) / 10.0);
    let at = Timestamp(1_763_750_000_000 + i64::from(round));
    (0..n).filter_map(|i| Some(Sample::good(PointIndex(i), at, value(i)?))).collect()
}

const NOW: Now =
    Now { utc: Timestamp(1_763_750_000_000), mono: Mono(Duration::ZERO), synced: true };

async fn started(
    port: u16,
    dir: &std::path::Path,
    boot: &str,
) -> Result<(UplinkHandle, Stream, tokio::task::JoinHandle<()>)> {
    let (cache, report) = SledCache::open(CacheConfig::new(dir, 512 << 20))?;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW.utc));
    let boot = Boot {
        id: boot.into(),
        clean: report.clean,
        incidents: report.incidents,
        ..Boot::default()
    };
    let config = UplinkConfig::new("127.0.0.1", port, "bench", "gw", "main");
    let (handle, _, task) = Uplink::start(config, Box::new(cache), clock, &boot)?;
    let stream = handle.stream(&DeviceId::new("hp1")?, &points(100)?);
    Ok((handle, stream, task))
}

async fn live(port: u16, rate: u32, size: u32, during: Duration) -> Result<String> {
    let dir = tempfile::tempdir()?;
    let (handle, stream, task) = started(port, dir.path(), "1-00000001").await?;
    while handle.metrics().state != State::Live {
        sleep(Duration::from_millis(10)).await;
    }
    let (cpu, start) = (cpu()?, Instant::now());
    let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
    let (mut n, mut late) = (0, Duration::ZERO);
    let batch = samples(size, 0);
    while start.elapsed() < during {
        tick.tick().await;
        handle.publish(stream, &batch, NOW)?;
        late = late.max(handle.metrics().ack_latency);
        n += 1;
    }
    let used = self::cpu()? - cpu;
    let m = handle.metrics();
    handle.shutdown(Duration::from_secs(5));
    task.await?;
    Ok(format!(
        "{:.0} µs CPU a publish (tick included), slowest acknowledgement {late:?}, {} spilled",
        used.as_secs_f64() * 1e6 / f64::from(n),
        m.counts.spilled
    ))
}

async fn drain(port: u16, batches: u32) -> Result<String> {
    const SIZE: u32 = 100;
    let dir = tempfile::tempdir()?;
    // Nobody listens on port 1: everything goes to the cache.
    let (handle, stream, task) = started(1, dir.path(), "1-00000001").await?;
    for round in 0..batches {
        handle.publish(stream, &samples(SIZE, round), NOW)?;
        if round % 100 == 99 {
            while handle.metrics().window_bytes > 2 << 20 {
                sleep(Duration::from_millis(5)).await;
            }
        }
    }
    handle.shutdown(Duration::from_secs(5));
    task.await?;

    let (handle, stream, task) = started(port, dir.path(), "2-00000002").await?;
    while handle.metrics().connected_since.is_none() {
        sleep(Duration::from_millis(1)).await;
    }
    let (cpu, start) = (cpu()?, Instant::now());
    let (mut slowest, mut round) = (Duration::ZERO, 0);
    while handle.metrics().counts.delivered_history < u64::from(batches) {
        handle.publish(stream, &samples(SIZE, round), NOW)?;
        round += 1;
        sleep(Duration::from_millis(20)).await;
        slowest = slowest.max(handle.metrics().ack_latency);
        anyhow::ensure!(start.elapsed() < Duration::from_secs(300), "{:?}", handle.metrics());
    }
    let (took, used) = (start.elapsed(), self::cpu()? - cpu);
    let m = handle.metrics();
    handle.shutdown(Duration::from_secs(5));
    task.await?;
    let per_second = f64::from(batches) / took.as_secs_f64();
    Ok(format!(
        "drain of {batches} batches of {SIZE}: {per_second:.0} batches/s, {:.0} samples/s, {:.0} µs CPU a batch; \
         live beside it: slowest acknowledgement {slowest:?}, {} spilled, {} dropped",
        per_second * f64::from(SIZE),
        used.as_secs_f64() * 1e6 / f64::from(batches),
        m.counts.spilled,
        m.counts.dropped,
    ))
}

/// CPU time of this process, all threads, user and system: fields 14 and 15 of its stat, in
/// hundredths of a second.
fn cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("no fields")?;
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}
