//! How fast the rooms run without a bus: `cargo run --release -p wellhead-plant --example speed`.

use std::time::Instant;

use clap::ValueEnum;
use wellhead_plant::plant::{Config, Plant};
use wellhead_plant::presets::Preset;

const MINUTES: u32 = 365 * 1440;

#[expect(clippy::disallowed_methods, reason = "a measurement is of real time")]
fn main() {
    for preset in Preset::value_variants() {
        let begun = Instant::now();
        let mut plant = Plant::new(Config { preset: *preset, ..Config::default() }, 1);
        let built = begun.elapsed();
        let begun = Instant::now();
        for _ in 0..MINUTES {
            plant.step(60.0);
        }
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{preset:?}: built in {:.0} ms, {:.2} million steps/s, ten years of minutes in {:.1} s",
            built.as_secs_f64() * 1e3,
            f64::from(MINUTES) / seconds / 1e6,
            seconds * 10.0
        );
    }
}
