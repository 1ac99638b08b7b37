//! Runs the benchmark and prints it as Markdown.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use wellhead_bench::job::{JOBS, Job};
use wellhead_bench::measure::{self, Absence};
use wellhead_bench::report::{self, Row};
use wellhead_bench::rig::{Contender, Rig};

/// Measures what the gateway costs, beside a floor that does the least possible work.
///
/// Example: wellhead-bench --wellhead target/release/wellhead --job 100x100
#[derive(Parser)]
struct Options {
    /// The gateway's program; without it only the floor is measured
    #[arg(long)]
    wellhead: Option<PathBuf>,
    /// The floor's program [default: bench-floor beside this program]
    #[arg(long)]
    floor: Option<PathBuf>,
    /// 10x100, 100x100 or 500x30 (devices x registers); may be repeated [default: all, or 100x100
    /// for an outage or a soak]
    #[arg(long, value_parser = job)]
    job: Vec<&'static Job>,
    /// Length of the measured window, and of an outage
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Take the broker away instead
    #[arg(long, value_name = "HOW")]
    outage: Option<Absence>,
    /// Run one job for so many seconds instead, a row a minute
    #[arg(long, value_name = "SECONDS", conflicts_with = "outage")]
    soak: Option<u64>,
    /// Folder whose subfolder `run` holds the files of a run and is deleted first. It must be on a
    /// disk, not in memory, for bytes written to count
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

fn job(name: &str) -> Result<&'static Job> {
    Job::named(name).context("not one of 10x100, 100x100, 500x30")
}

fn main() -> Result<()> {
    let options = Options::parse();
    let wellhead = options.wellhead.clone().map(Contender::Wellhead);
    if options.outage.is_none() && options.soak.is_none() {
        return jobs(&options, wellhead.as_ref());
    }
    let who = wellhead.context("an outage or a soak needs --wellhead: the floor keeps nothing")?;
    let default = [&JOBS[1]];
    let chosen = if options.job.is_empty() { default.as_slice() } else { &options.job };
    for job in chosen {
        match (options.outage, options.soak) {
            (Some(how), _) => outage(&options, job, &who, how)?,
            (None, seconds) => soak(&options, job, &who, seconds.unwrap_or_default())?,
        }
    }
    Ok(())
}

fn jobs(options: &Options, wellhead: Option<&Contender>) -> Result<()> {
    let floor = Contender::Floor(floor_path(options)?);
    let all = JOBS.iter().collect::<Vec<_>>();
    let chosen = if options.job.is_empty() { &all } else { &options.job };
    let length = Duration::from_secs(options.seconds);
    println!("{}", report::JOBS_HEAD);
    let mut verdicts = Vec::new();
    for job in chosen {
        let floor = steady(job, &floor, &options.dir, length)?;
        let gateway = wellhead.map(|who| steady(job, who, &options.dir, length)).transpose()?;
        println!("{}", report::job(job, &floor, gateway.as_ref()));
        verdicts.push(report::floor_offset(job, &floor));
        verdicts.extend(gateway.map(|row| report::verdict(job, &floor, &row)));
    }
    for verdict in verdicts {
        println!("\n{verdict}");
    }
    Ok(())
}

fn steady(job: &Job, who: &Contender, dir: &Path, length: Duration) -> Result<Row> {
    eprintln!("{} {}: {} s", job.name, who.name(), length.as_secs());
    let mut rig = Rig::start(job, who, &dir.join("run"), false)?;
    measure::warm_up();
    let window = measure::window(&mut rig, length)?;
    let delivery = rig.settle()?;
    Ok(Row { who: who.name(), first_value_s: rig.first_value_s, window, delivery })
}

fn outage(options: &Options, job: &Job, who: &Contender, how: Absence) -> Result<()> {
    let mut rig = Rig::start(job, who, &options.dir.join("run"), how == Absence::End)?;
    measure::warm_up();
    let length = Duration::from_secs(options.seconds);
    let values = wellhead_bench::site::points(job.registers);
    let outage = measure::outage(&mut rig, values, length, length, how)?;
    println!("{}", report::outage(job, options.seconds, &outage));
    Ok(())
}

fn soak(options: &Options, job: &Job, who: &Contender, seconds: u64) -> Result<()> {
    ensure!(seconds >= 60, "a soak is of whole minutes: at least 60 s");
    let mut rig = Rig::start(job, who, &options.dir.join("run"), false)?;
    measure::warm_up();
    println!("{}", report::SOAK_HEAD);
    for minute in 1..=seconds / 60 {
        let window = measure::window(&mut rig, Duration::from_secs(60))?;
        println!("{}", report::minute(minute, &window));
    }
    println!("\n{}", report::delivery(&rig.settle()?));
    Ok(())
}

fn floor_path(options: &Options) -> Result<PathBuf> {
    let beside = || Ok(std::env::current_exe()?.with_file_name("bench-floor"));
    options.floor.clone().map_or_else(beside, Ok)
}
