//! Runs the drill and prints what it cost.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use wellhead_drill::report::{self, Outcome};
use wellhead_drill::scenario::{Scenario, Settings};

/// Takes the broker away, kills the gateway and cuts its power, and judges what was lost.
///
/// The scenarios run side by side. Exit code 0: the promise was kept; 1: it was not.
#[derive(Parser)]
#[command(after_help = "Example:\n  wellhead-drill --seconds 300 --only outage --only outage-kill")]
struct Options {
    /// The gateway's program [default: wellhead beside this program]
    #[arg(long)]
    wellhead: Option<PathBuf>,
    /// How long the broker is away
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(4..))]
    seconds: u64,
    /// Random kills
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Power cuts; needs root and loop devices
    #[arg(long, default_value_t = 10)]
    cuts: u32,
    /// 10 s of outage, 5 kills and 3 power cuts
    #[arg(long, conflicts_with_all = ["seconds", "kills", "cuts"])]
    quick: bool,
    /// Seed of the random moments
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this scenario; may be repeated
    #[arg(long)]
    only: Vec<Scenario>,
    /// Keep logs, messages and caches in this folder, which must not exist yet; on a disk, not in
    /// memory [default: a temporary folder, deleted in the end]
    #[arg(long)]
    keep: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let beside = wellhead_drill::wellhead_beside;
    let wellhead = options.wellhead.clone().or_else(beside);
    let wellhead = wellhead.context("no wellhead beside this program: cargo build -p wellhead")?;
    let temporary = tempfile::tempdir()?;
    let dir = match &options.keep {
        Some(keep) => {
            std::fs::create_dir(keep).with_context(|| format!("make {}", keep.display()))?;
            keep.canonicalize()?
        }
        None => temporary.path().to_owned(),
    };
    let settings = match options.quick {
        true => Settings::quick(wellhead, dir, options.seed),
        false => Settings {
            wellhead,
            dir,
            outage: Duration::from_secs(options.seconds),
            kills: options.kills,
            cuts: options.cuts,
            seed: options.seed,
        },
    };
    let scenarios: &[Scenario] =
        if options.only.is_empty() { &Scenario::ALL } else { &options.only };
    let outcomes = wellhead_drill::run(scenarios, &settings)?;
    for (scenario, outcome) in scenarios.iter().zip(&outcomes) {
        print!("{}", outcome.text(&scenario.title(&settings)));
    }
    println!("\n{}", report::verdict(&outcomes));
    let kept = outcomes.iter().all(Outcome::kept);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
