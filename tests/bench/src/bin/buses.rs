//! Runs the buses' part of the benchmark and prints each figure beside its aim.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use wellhead_bench::buses::{self, BacnetFleet};

/// Measures what BACnet devices and 1-Wire thermometers cost the gateway.
#[derive(Parser)]
struct Options {
    /// The gateway's program
    #[arg(long)]
    wellhead: PathBuf,
    /// The BACnet devices' program, the example `fleet` of wellhead-bacnet
    #[arg(long)]
    fleet: PathBuf,
    /// Length of the measured window
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Folder whose subfolder `run` holds the files of a run and is deleted first
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let (wellhead, dir) = (&options.wellhead, options.dir.join("run"));
    let fleet = BacnetFleet::start(&options.fleet, 191)?;
    let length = Duration::from_secs(options.seconds);
    println!("{}", buses::devices(wellhead, &fleet, &dir, length)?);
    println!("{}", buses::properties(wellhead, &fleet, &dir)?);
    drop(fleet);
    println!("{}", buses::thermometers(wellhead, &dir)?);
    Ok(())
}
