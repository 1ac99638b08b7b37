//! The outage drill: brokers that go away, gateways that are killed, power that is cut; and a
//! verdict on what that cost, held against the promise of the gateway.
//!
//! The simulated plant notes which poll counts it gave out and when; a foreign broker (mosquitto)
//! and a foreign subscriber (mosquitto_sub) stand at the other end. The subscriber's session is
//! kept by the broker, so it is never the subscriber that loses. What lies between is the program
//! as users have it. This crate must never know how that works inside: it knows the wire format
//! and the promise, nothing else.
//!
//! ```text
//! plant ──Modbus──► wellhead ──MQTT──► mosquitto ──► mosquitto_sub
//!   │ counts given out      killed, cut │ taken away        │ counts arrived
//!   └──────────────────────► judge ◄────┴───────────────────┘
//! ```

pub mod image;
pub mod judge;
pub mod message;
pub mod pulse;
pub mod report;
pub mod rig;
pub mod scenario;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};

use report::Outcome;
use scenario::{Scenario, Settings};

/// Runs scenarios side by side, each with parts of its own, and returns how each ended.
///
/// # Errors
/// When the folder cannot be written.
pub fn run(scenarios: &[Scenario], settings: &Settings) -> Result<Vec<Outcome>> {
    let dir = &settings.dir;
    std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
    let pulse = Arc::new(pulse::Pulse::start(dir)?);
    let one = |scenario: &Scenario| match scenario.run(settings, &pulse) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    let mut outcomes = Vec::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = scenarios.iter().map(|s| scope.spawn(|| one(s))).collect();
        for thread in running {
            let panicked = |_| Outcome::Failed("the drill itself panicked".into());
            outcomes.push(thread.join().unwrap_or_else(panicked));
        }
    });
    eprintln!("slowest write to disk: {} ms", pulse.slowest_ms());
    Ok(outcomes)
}

/// The gateway's program where cargo builds it: beside this one, or beside its tests' folder.
#[must_use]
pub fn wellhead_beside() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    own.ancestors().skip(1).take(2).map(|dir| dir.join("wellhead")).find(|path| path.is_file())
}
