//! The 1-Wire string, read from its files as a reader of the kernel's would.
#![expect(clippy::unwrap_used, reason = "tests")]

#[expect(dead_code, reason = "shared with other tests")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{PATIENCE, serve};
use tokio::time::{sleep, timeout};
use wellhead_plant::fault::{Fault, FaultError, Scope};
use wellhead_plant::onewire::{DEPTHS_M, Probe, rom};
use wellhead_plant::plant::{Config, Plant};
use wellhead_plant::presets::Preset;
use wellhead_plant::serve::{Options, ServeError, Server};

async fn served(sys: &Path) -> Server {
    serve(Options { onewire: Some(sys.to_owned()), ..Options::tcp() }).await
}

fn devices(sys: &Path) -> PathBuf {
    sys.join("bus/w1/devices")
}

fn read(sys: &Path, depth: u16, file: &str) -> Option<String> {
    fs::read_to_string(devices(sys).join(rom(depth)).join(file)).ok()
}

fn celsius(sys: &Path, depth: u16) -> Option<f64> {
    Some(read(sys, depth, "temperature")?.trim().parse::<f64>().unwrap() / 1000.0)
}

async fn until(happens: impl Fn() -> bool) {
    let wait = async {
        while !happens() {
            sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
}

#[tokio::test]
async fn probes_show_the_ground_at_their_depths() {
    let sys = tempfile::tempdir().unwrap();
    let server = served(sys.path()).await;
    let slaves = devices(sys.path()).join("w1_bus_master1/w1_master_slaves");
    assert_eq!(fs::read_to_string(slaves).unwrap().lines().count(), 32);
    // The string of the Modbus device hangs in the same ground; tenths of a kelvin are the errors
    // of the probes.
    let room = server.room();
    let string = room.units().iter().find(|unit| unit.device.model.kind == "ground_string");
    let string = string.unwrap().device.unit;
    for (depth, point) in [(5, "at_5_m"), (30, "at_30_m"), (90, "at_90_m"), (150, "at_150_m")] {
        let other = room.reading(string, point).unwrap();
        let own = celsius(sys.path(), depth).unwrap();
        assert!((own - other).abs() < 0.6, "{depth} m: {own} and {other}");
        let steps = own * 16.0;
        assert!((steps - steps.round()).abs() < 0.02, "{own}: steps of twelve bits");
    }
    drop(room);
    let slave = read(sys.path(), 5, "w1_slave").unwrap();
    assert!(slave.contains(" YES\n") && slave.contains(" t="), "{slave}");
}

#[tokio::test]
async fn a_conversion_asked_for_is_said_to_run_and_then_brings_new_values() {
    let sys = tempfile::tempdir().unwrap();
    let server = served(sys.path()).await;
    let before = celsius(sys.path(), 1).unwrap();
    // Weeks of winter later the shallow ground is another.
    (0..30 * 24).for_each(|_| server.room().plant.step(3600.0));
    let bulk = devices(sys.path()).join("w1_bus_master1/therm_bulk_read");
    let says = |text: &str| fs::read_to_string(&bulk).unwrap().trim() == text;
    assert!(says("0"));
    fs::write(&bulk, "trigger\n").unwrap();
    until(|| says("-1")).await;
    until(|| says("1")).await;
    let after = celsius(sys.path(), 1).unwrap();
    assert!((after - before).abs() > 0.5, "{before} to {after}");
}

#[tokio::test]
async fn a_probe_that_does_not_measure_shows_it_as_the_kernel_would() {
    let sys = tempfile::tempdir().unwrap();
    let server = served(sys.path()).await;
    let fail = |depth, shows| {
        server.inject(Scope::default(), Fault::Probe { depth, shows }, None).unwrap();
    };
    fail(10, Probe::PowerOn);
    fail(15, Probe::Disconnected);
    fail(20, Probe::Missing);
    fail(25, Probe::BadCrc);
    let at = |depth| celsius(sys.path(), depth);
    until(|| at(10) == Some(85.0) && at(15) == Some(-127.0)).await;
    until(|| !devices(sys.path()).join(rom(20)).exists()).await;
    until(|| read(sys.path(), 25, "w1_slave").is_some_and(|s| s.contains(" NO\n"))).await;
    assert_eq!(read(sys.path(), 25, "temperature"), None);
    assert!(at(30).is_some_and(|t| (5.0..30.0).contains(&t)), "its neighbour measures");
    server.clear(None);
    until(|| [10, 15, 20, 25].iter().all(|d| at(*d).is_some_and(|t| t < 40.0 && t > 0.0))).await;
    let nowhere = Fault::Probe { depth: 7, shows: Probe::Missing };
    let refused = server.inject(Scope::default(), nowhere, None);
    assert!(matches!(refused, Err(FaultError::NoProbe(7))), "{refused:?}");
}

#[tokio::test]
async fn the_tree_is_the_plants_own_or_it_is_left_alone() {
    let sys = tempfile::tempdir().unwrap();
    let server = served(sys.path()).await;
    assert!(DEPTHS_M.iter().all(|depth| celsius(sys.path(), *depth).is_some()));
    server.shutdown().await;
    assert!(!sys.path().join("bus/w1").exists(), "removed with the plant");

    fs::create_dir_all(sys.path().join("bus/w1/devices")).unwrap();
    let options = || Options { onewire: Some(sys.path().to_owned()), ..Options::tcp() };
    let refused = Server::start(Plant::new(Config::default(), 1), options()).await;
    assert!(matches!(refused, Err(ServeError::Tree { .. })));
    assert!(sys.path().join("bus/w1/devices").exists());

    fs::remove_dir_all(sys.path().join("bus")).unwrap();
    let config = Config { preset: Preset::Changshu, ..Config::default() };
    let refused = Server::start(Plant::new(config, 1), options()).await;
    assert!(matches!(refused, Err(ServeError::Tree { .. })), "no bores, no string");
}
