//! Mistakes in a specification that its texts alone don't show.

use crate::{DeviceAddress, DeviceSpec};
use std::time::Duration;

/// A mistake in a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// Which point, by its id; `None` for the device itself.
    pub point: Option<String>,
    /// Which key.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
}

/// Checks a device's specification.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    let mut device =
        |key, message: String| problems.push(SpecProblem { point: None, key, message });
    if spec.instance > 4_194_302 {
        device("instance", format!("{} is no device instance; 0 to 4194302 are", spec.instance));
    }
    if let Some(DeviceAddress::Routed { network, mac, .. }) = &spec.address {
        if !(1..=65534).contains(network) {
            device("network", format!("{network} is no network number; 1 to 65534 are"));
        }
        if !(1..=7).contains(&mac.len()) {
            device("mac", "an address behind a router has 1 to 7 bytes, as hex digits".into());
        }
    }
    if spec.properties_max == Some(0) {
        device("properties_max", "0 reads nothing; 1 reads each property by itself".into());
    }
    if !(1..=128).contains(&spec.timing.in_flight_max) {
        device("in_flight_max", "1 to 128 requests can be on their way at once".into());
    }
    for point in &spec.points {
        let mut problem = |key, message: String| {
            problems.push(SpecProblem { point: Some(point.name.clone()), key, message });
        };
        if point.priority.is_some_and(|p| !(1..=16).contains(&p)) {
            problem("priority", "priorities are 1 (highest) to 16".into());
        }
        let Some(cov) = &point.cov else { continue };
        if cov.increment.is_some_and(|i| !i.is_finite() || i <= 0.0) {
            problem("increment", "the smallest change that is notified is more than 0".into());
        }
        // Renewed at half of its time, by a poll.
        let shortest = point.period.saturating_mul(2).max(Duration::from_secs(2));
        if cov.lifetime < shortest {
            let seconds = shortest.as_secs_f64();
            problem(
                "lifetime",
                format!("a subscription lasts at least two periods of the point, {seconds} s"),
            );
        }
        if cov.check < point.period {
            problem(
                "check",
                "the check against lost notifications is no faster than the period \
                              that it stands in for"
                    .into(),
            );
        }
    }
    problems
}
