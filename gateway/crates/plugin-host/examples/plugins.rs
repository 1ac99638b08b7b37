//! What plugins cost on this machine:
//! `cargo run --release -p wellhead-plugin-host --example plugins`.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use anyhow::Context;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant as Clock};
use wellhead_fixtures::Fixture;
use wellhead_model::{Mono, Now, Quality, Timestamp, Value};
use wellhead_plugin_host::{
    Binding, Cache, Engine, Grant, Holder, Instance, Package, Plugin, Program, Reading, Seen, Setup,
};

const CALLS: u32 = 200_000;
const INSTANCES: usize = 50;
const BINDINGS: u32 = 25;

/// Of a tick with 20 reads and 5 writes, in microseconds.
const AIM_MEAN: Option<u32> = Some(5);
const AIM_P99: Option<u32> = Some(20);
/// Of fifty plugins, in MB; measured are the engine and a hundred instances.
const AIM_RSS: Option<u32> = Some(15);

/// Points as somebody gathers them before every call.
#[derive(Default)]
struct Plant(Seen);

impl Plant {
    fn look(&mut self) -> &mut Seen {
        self.0.readings.clear();
        self.0.readings.extend((0..BINDINGS).map(|binding| Reading {
            value: Value::float(f64::from(binding)),
            quality: Quality::Good,
            age: Duration::from_secs(1),
        }));
        self.0.holders.clear();
        self.0.holders.resize(BINDINGS as usize, Holder::ThisPlugin);
        &mut self.0
    }
}

fn main() -> anyhow::Result<()> {
    // A gateway finds its plugins compiled, except when one is new; and compiling leaves memory
    // behind. So another process fills the cache.
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => return compile(folder.as_ref()),
        None => tempfile::tempdir()?,
    };
    let this = std::env::current_exe()?;
    let compiled = std::process::Command::new(this).arg(folder.path()).status()?;
    anyhow::ensure!(compiled.success(), "compiling failed");
    let at_start = rss()?;
    let engine = Engine::new()?;
    let cache = Cache::open(folder.path())?;
    let prepare = |fixture: Fixture| -> anyhow::Result<Program> {
        let package = Package::unsigned(fixture.manifest(), fixture.component())?;
        Ok(Program::prepare(&engine, &cache, &package, &Grant::all("bench"))?)
    };

    let mut load: Vec<_> = (0..200)
        .map(|_| {
            let started = Clock::now();
            prepare(Fixture::Busy).map(|_| started.elapsed())
        })
        .collect::<Result<_, _>>()?;
    load.sort();
    row("check and load precompiled, median", micros(load[load.len() / 2]), "us");

    for (fixture, what) in
        [(Fixture::Idle, "empty tick"), (Fixture::Busy, "tick, 20 reads 5 writes")]
    {
        let (mean, p99, max) = ticks(&prepare(fixture)?)?;
        let aims = if fixture == Fixture::Busy { (AIM_MEAN, AIM_P99) } else { (None, None) };
        aimed(&format!("{what}, mean"), mean, "us", aims.0);
        aimed(&format!("{what}, p99"), p99, "us", aims.1);
        row(&format!("{what}, max"), max, "us");
    }

    let before = rss()?;
    let program = prepare(Fixture::Busy)?;
    let mut fleet = Vec::with_capacity(INSTANCES);
    for _ in 0..INSTANCES {
        let mut instance = Instance::new(&program, &setup(), Plant::default().look(), now(0))?.0;
        instance.tick(Plant::default().look(), now(1))?;
        fleet.push(instance);
    }
    row(&format!("{INSTANCES} instances of one program, added RSS"), rss()? - before, "MB");

    let before = rss()?;
    let mut programs = Vec::with_capacity(INSTANCES);
    for _ in 0..INSTANCES {
        let program = prepare(Fixture::Busy)?;
        let mut instance = Instance::new(&program, &setup(), Plant::default().look(), now(0))?.0;
        instance.tick(Plant::default().look(), now(1))?;
        programs.push((program, instance));
    }
    row(&format!("{INSTANCES} programs with an instance, added RSS"), rss()? - before, "MB");

    aimed("engine and all of these, added RSS", rss()? - at_start, "MB", AIM_RSS);

    let (old, new) = (prepare(Fixture::Count)?, prepare(Fixture::CountTens)?);
    let mut plugin = Plugin::new(old.clone(), setup(), now(0));
    plugin.run(Plant::default().look(), now(0));
    let (mut plant, mut swaps) = (Plant::default(), Vec::new());
    for n in 0..1000 {
        let program = if n % 2 == 0 { &new } else { &old };
        let started = Clock::now();
        plugin.replace(program.clone(), setup(), plant.look(), now(1))?;
        swaps.push(started.elapsed());
    }
    swaps.sort();
    row("hot swap with state, median", micros(swaps[500]), "us");
    Ok(())
}

/// Fills the cache, and tells what that takes.
fn compile(folder: &Path) -> anyhow::Result<()> {
    let at_start = rss()?;
    let engine = Engine::new()?;
    let cache = Cache::open(folder)?;
    let started = Clock::now();
    let fixtures = [Fixture::Busy, Fixture::Idle, Fixture::Count, Fixture::CountTens];
    for fixture in fixtures {
        let package = Package::unsigned(fixture.manifest(), fixture.component())?;
        Program::prepare(&engine, &cache, &package, &Grant::all("bench"))?;
    }
    let each = micros(started.elapsed()) / fixtures.len() as f64;
    row("check and compile 5 kB, mean of 4", each, "us");
    row("compiler in the process, added RSS", rss()? - at_start, "MB");
    Ok(())
}

/// Mean, 99th percentile and maximum of a tick, in microseconds.
fn ticks(program: &Program) -> anyhow::Result<(f64, f64, f64)> {
    let mut plant = Plant::default();
    let mut instance = Instance::new(program, &setup(), plant.look(), now(0))?.0;
    for n in 0..1000 {
        instance.tick(plant.look(), now(n))?;
    }
    let mut each = Vec::with_capacity(CALLS as usize);
    let started = Clock::now();
    for n in 0..u64::from(CALLS) {
        let one = Clock::now();
        std::hint::black_box(instance.tick(plant.look(), now(n))?);
        each.push(one.elapsed());
    }
    let mean = micros(started.elapsed()) / f64::from(CALLS);
    each.sort();
    let p99 = each[each.len() * 99 / 100];
    let max = each.last().copied().context("no calls")?;
    Ok((mean, micros(p99), micros(max)))
}

fn setup() -> Setup {
    let bind = |role: &str, index, granted| Binding { role: role.into(), index, granted };
    let mut bindings: Vec<_> = (0..20).map(|i| bind("temperature", i, false)).collect();
    bindings.extend((0..5).map(|i| bind("pump", i, true)));
    Setup { bindings, settings: Vec::new(), zone: TimeZone::UTC, saved: None, kv: BTreeMap::new() }
}

fn now(seconds: u64) -> Now {
    Now { utc: Timestamp(0), mono: Mono(Duration::from_secs(seconds)), synced: true }
}

fn micros(d: Duration) -> f64 {
    d.as_secs_f64() * 1e6
}

/// Resident memory of this process in MB.
fn rss() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}

fn row(what: &str, number: f64, unit: &str) {
    aimed(what, number, unit, None);
}

#[expect(clippy::print_stdout, reason = "it is for people")]
fn aimed(what: &str, number: f64, unit: &str, aim: Option<u32>) {
    let aim = aim.map(|aim| format!("   aim {aim}")).unwrap_or_default();
    println!("{what:<48} {number:>9.2} {unit}{aim}");
}
