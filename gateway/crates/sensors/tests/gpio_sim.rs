//! The GPIO driver over the kernel's own simulated chip: what the calls to the kernel are, which
//! the tests over a chip in memory can't show.
//!
//! It needs the module `gpio-sim` and root. Where there is none it prints that it did not run; it
//! is a program without the test harness so that this can't be swallowed.
//!
//! Exits with a panic's code if anything is wrong.
#![allow(clippy::unwrap_used, reason = "a test reports by panicking")]

use std::path::Path;
use std::time::Duration;
use wellhead_driver::{Conversion, Driver, Line, Outcome, Readback, Readings, Write};
use wellhead_model::{PointIndex, Value};
use wellhead_sensors::gpio::{Bias, DeviceSpec, GpioDriver, Pin, PointSpec};

const STOP: u32 = 1;
const RELAY: u32 = 2;
const METER: u32 = 3;
/// Against hanging only.
const GUARD: Duration = Duration::from_secs(30);

fn main() {
    if !Path::new("/sys/kernel/config/gpio-sim").exists() {
        println!("gpio_sim: NOT RUN: this kernel has no gpio-sim (modprobe gpio-sim, as root)");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(contacts_relays_and_counters_on_the_kernels_chip());
    println!("gpio_sim: ok");
}

async fn contacts_relays_and_counters_on_the_kernels_chip() {
    let sim = gpiosim::builder().with_bank(&gpiosim::Bank::new(8, "wellhead")).live().unwrap();
    let chip = &sim.chips()[0];
    let folder = tempfile::tempdir().unwrap();
    let (bias, debounce) = (Bias::AsIs, Duration::ZERO);
    let point = |index, name: &str, line, active_low, pin| PointSpec {
        index: PointIndex(index),
        name: name.into(),
        line,
        active_low,
        pin,
        conversion: Conversion::default(),
        period: Duration::from_secs(1),
    };
    let spec = DeviceSpec {
        name: "contacts".into(),
        chip: chip.dev_path().clone(),
        counts: folder.path().join("contacts.counts"),
        points: vec![
            point(0, "stop", STOP, true, Pin::Input { bias, debounce }),
            point(1, "pump", RELAY, false, Pin::Relay { safe: true }),
            point(2, "meter", METER, false, Pin::Counter { bias, debounce }),
        ],
    };
    chip.pullup(STOP).unwrap();
    let mut driver = GpioDriver::new(spec.clone());
    let mut line = Line::none();
    let good = |index, value| (PointIndex(index), Outcome::Good(value));

    let mut readings = Readings::default();
    driver.poll(&mut line, 0, &mut readings).await.unwrap();
    let at_rest = [good(0, Value::Bool(false)), good(1, Value::Bool(true)), good(2, Value::Int(0))];
    assert_eq!(readings.outcomes, at_rest);
    assert_eq!(chip.get_level(RELAY).unwrap(), gpiosim::Level::High, "safe once opened");

    chip.pulldown(STOP).unwrap();
    readings.clear();
    tokio::time::timeout(GUARD, driver.unasked(&mut readings)).await.unwrap();
    assert_eq!(readings.outcomes, [good(0, Value::Bool(true))], "active low");

    // More than the kernel keeps for us, so the count stands on its numbering.
    for _ in 0..1500 {
        chip.pullup(METER).unwrap();
        chip.pulldown(METER).unwrap();
    }
    readings.clear();
    driver.poll(&mut line, 0, &mut readings).await.unwrap();
    assert_eq!(readings.outcomes.last(), Some(&good(2, Value::Int(1500))));

    let off = Write { point: PointIndex(1), value: Value::Bool(false), readback: true };
    let shown = driver.write(&mut line, &off).await.unwrap();
    assert_eq!(shown, Readback::Read(Outcome::Good(Value::Bool(false))));
    assert_eq!(chip.get_level(RELAY).unwrap(), gpiosim::Level::Low);

    let mut other = GpioDriver::new(spec.clone());
    let error = other.poll(&mut line, 0, &mut readings).await.unwrap_err();
    assert!(error.to_string().contains("in use by wellhead"), "{error}");

    drop(driver);
    readings.clear();
    other.poll(&mut line, 0, &mut readings).await.unwrap();
    assert_eq!(readings.outcomes.last(), Some(&good(2, Value::Int(1500))), "kept in the file");
}
