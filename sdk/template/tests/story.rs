//! The plugin on the laptop: `cargo test`, no gateway, time at will.

use my_plugin::MyPlugin;
use std::time::Duration;
use wellhead_sdk::mock::Host;

const MINUTE: Duration = Duration::from_secs(60);

fn at(outdoor: f64) -> Host<MyPlugin> {
    let mut host = Host::new();
    host.set("outdoor_temp", outdoor);
    host.tick();
    host
}

#[test]
fn pump_runs_while_it_freezes() {
    let mut host = at(2.0);
    assert_eq!(host.output("pump"), Some(true));
    host.set("outdoor_temp", 4.0);
    host.advance(20 * MINUTE);
    assert_eq!(host.output("pump"), Some(true), "between the thresholds nothing changes");
    host.set("outdoor_temp", 6.0);
    host.tick();
    assert_eq!(host.output("pump"), Some(false));
    assert_eq!(host.published("mode"), Some("idle".to_owned()));
}

#[test]
fn pump_runs_no_shorter_than_it_may() {
    let mut host = at(2.0);
    host.set("outdoor_temp", 6.0);
    host.advance(9 * MINUTE);
    assert_eq!(host.output("pump"), Some(true));
    host.tick();
    assert_eq!(host.output("pump"), Some(false));
}

#[test]
fn pump_runs_and_an_alarm_is_raised_without_a_temperature() {
    let mut host = at(20.0);
    assert_eq!(host.output("pump"), Some(false));
    host.set_stale("outdoor_temp");
    host.tick();
    assert_eq!(host.output("pump"), Some(true));
    assert!(host.alarm("no_outdoor_temp"));
    host.set("outdoor_temp", 20.0);
    host.advance(10 * MINUTE);
    assert_eq!(host.output("pump"), Some(false));
    assert!(!host.alarm("no_outdoor_temp"));
}

#[test]
fn hours_survive_a_power_cut() {
    let mut host = at(-10.0);
    host.advance(120 * MINUTE);
    host.kill(30 * MINUTE);
    host.tick();
    host.advance(60 * MINUTE);
    assert_eq!(host.published("run_hours"), Some(3.0), "off is not running");
}

#[test]
fn thresholds_the_wrong_way_round_are_refused() {
    let started = Host::<MyPlugin>::install().parameter("on_below", 6.0).start();
    assert_eq!(
        started.err().map(|e| e.to_string()).as_deref(),
        Some("on_below must be lower than off_above")
    );
}
