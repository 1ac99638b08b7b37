//! A 1-Wire bus as the kernel shows it, whose files take the bus's time to read.
//!
//! A sensor's file is a pipe: whoever opens it waits until the bus, one for all, has moved the bits
//! of one reading. Conversion is one for all sensors too, by `therm_bulk_read`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A DS18B20 needs this for twelve bits (its data sheet).
const CONVERSION: Duration = Duration::from_millis(750);
/// Reset and presence, then Match ROM (8 + 64 bits) and Read Scratchpad (8 + 72 bits) in slots of
/// 70 µs each, as the data sheet has them at standard speed.
const READING: Duration = Duration::from_micros(960 + (8 + 64 + 8 + 72) * 70);
/// A reader has closed its pipe by then, so that it is not given another reading at once.
const CLOSED: Duration = Duration::from_millis(100);

/// A bus with its sensors. Its threads end with the program.
#[derive(Debug)]
pub struct Wire {
    /// What stands for `/sys/bus/w1/devices`.
    pub root: PathBuf,
    /// Addresses of the sensors.
    pub sensors: Vec<String>,
}

impl Wire {
    /// A bus with so many sensors, in `dir` as a whole `/sys`.
    ///
    /// # Errors
    /// When the pipes can't be made.
    pub fn start(dir: &Path, count: usize) -> Result<Self> {
        let root = dir.join("bus/w1/devices");
        let sensors: Vec<String> = (0..count).map(|n| format!("28-{n:012x}")).collect();
        let master = root.join("w1_bus_master1");
        fs::create_dir_all(&master)?;
        fs::write(master.join("w1_master_slaves"), sensors.join("\n") + "\n")?;
        let bulk = master.join("therm_bulk_read");
        fs::write(&bulk, "0\n")?;
        std::thread::spawn(move || convert(&bulk));
        let bus = Arc::new(Mutex::new(()));
        for (n, sensor) in sensors.iter().enumerate() {
            let folder = root.join(sensor);
            fs::create_dir(&folder)?;
            let pipe = folder.join("temperature");
            let made = Command::new("mkfifo").arg(&pipe).status().context("mkfifo")?;
            ensure!(made.success(), "mkfifo {}", pipe.display());
            let (bus, text) = (bus.clone(), format!("{}\n", 10_000 + 125 * n));
            std::thread::spawn(move || answer(&pipe, &bus, &text));
        }
        Ok(Self { root, sensors })
    }

    /// What the bus itself takes for one conversion and a reading of each sensor.
    #[must_use]
    pub fn own_time(&self) -> Duration {
        CONVERSION + READING * u32::try_from(self.sensors.len()).unwrap_or(u32::MAX)
    }
}

/// Converts whenever somebody asks for it.
fn convert(bulk: &Path) {
    loop {
        std::thread::sleep(Duration::from_millis(1));
        if fs::read(bulk).is_ok_and(|text| text.starts_with(b"trigger")) {
            let _ = fs::write(bulk, "-1\n");
            std::thread::sleep(CONVERSION);
            let _ = fs::write(bulk, "1\n");
        }
    }
}

/// Gives every reader of a pipe one reading, after the bus has moved it.
fn answer(pipe: &Path, bus: &Mutex<()>, text: &str) {
    // Waits for a reader.
    while let Ok(file) = fs::OpenOptions::new().write(true).open(pipe) {
        let moving = bus.lock().unwrap_or_else(PoisonError::into_inner);
        std::thread::sleep(READING);
        let _ = std::io::Write::write_all(&mut &file, text.as_bytes());
        drop((file, moving));
        std::thread::sleep(CLOSED);
    }
}
