//! A string of 1-Wire probes in a monitoring bore, as the kernel's files show it.
//!
//! The tree below the given folder is laid out as `/sys`: `bus/w1/devices/w1_bus_master1` with
//! `w1_master_slaves` and `therm_bulk_read`, and a folder for each probe with `temperature` and
//! `w1_slave`. Plain files stand for the kernel's: they are replaced whole, once a second and after
//! a conversion; the plant looks for `trigger` in `therm_bulk_read` and says -1 there until the
//! conversion is over, then 1. A probe's serial number ends with its depth in metres.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use crate::fault::Fault;
use crate::physics::normal_hash;
use crate::presets::renze::ground_at_depth_c;
use crate::room::Room;
use crate::serve::Shared;

/// Where the probes hang, m below the surface.
pub const DEPTHS_M: [u16; 32] = {
    let mut depths = [0; 32];
    (depths[0], depths[1]) = (1, 2);
    let mut i = 2;
    while i < depths.len() {
        depths[i] = 5 * (i as u16 - 1);
        i += 1;
    }
    depths
};

const MASTER: &str = "w1_bus_master1";
/// Marks a tree as the plant's own, which it may replace and remove.
const MARK: &str = ".wellhead-plant";
/// How often the plant looks whether a conversion was asked for.
const LOOK: Duration = Duration::from_millis(20);
/// What a DS18B20 takes for 12 bits.
const CONVERSION: Duration = Duration::from_millis(750);
const REFRESH: Duration = Duration::from_secs(1);
/// Standard deviation of a probe's fixed error, K (a DS18B20 is good to 0.5 K).
const ERROR_K: f64 = 0.1;

/// What a probe shows that does not measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// A wrong checksum.
    BadCrc,
    /// 85 °C, as after power-on.
    PowerOn,
    /// -127 °C.
    Disconnected,
    /// Nothing: its folder is gone.
    Missing,
}

/// The probe's address as the kernel names it.
#[must_use]
pub fn rom(depth_m: u16) -> String {
    format!("28-000016020{depth_m:03}")
}

/// The files.
#[derive(Debug)]
pub(crate) struct Tree {
    /// `bus/w1` of the given folder.
    w1: PathBuf,
    devices: PathBuf,
}

impl Tree {
    /// Makes the tree below a folder that stands for `/sys`, in place of one that a killed plant
    /// left.
    pub(crate) fn make(sys: &Path, room: &Room) -> io::Result<Self> {
        if room.plant.fields.is_empty() {
            return Err(io::Error::other("this room has no bores; the one at Renze has"));
        }
        let w1 = sys.join("bus/w1");
        if w1.exists() {
            if !w1.join(MARK).exists() {
                let why = "is there already and not the plant's; give another folder";
                return Err(io::Error::other(format!("{} {why}", w1.display())));
            }
            fs::remove_dir_all(&w1)?;
        }
        let tree = Self { devices: w1.join("devices"), w1 };
        fs::create_dir_all(tree.devices.join(MASTER))?;
        fs::write(tree.w1.join(MARK), "")?;
        fs::write(tree.bulk(), "0\n")?;
        tree.refresh(room)?;
        Ok(tree)
    }

    fn bulk(&self) -> PathBuf {
        self.devices.join(MASTER).join("therm_bulk_read")
    }

    /// Replaces a file whole, so that no reader meets half of it.
    fn put(&self, file: &Path, text: &str) -> io::Result<()> {
        let new = self.w1.join(".new");
        fs::write(&new, text)?;
        fs::rename(new, file)
    }

    /// Lets every file show what its probe measures now.
    fn refresh(&self, room: &Room) -> io::Result<()> {
        let mut present = String::new();
        for depth_m in DEPTHS_M {
            let folder = self.devices.join(rom(depth_m));
            let (text, whole) = match fault(room, depth_m) {
                Some(Probe::Missing) => {
                    if folder.exists() {
                        fs::remove_dir_all(&folder)?;
                    }
                    continue;
                }
                Some(Probe::PowerOn) => (85_000, true),
                Some(Probe::Disconnected) => (-127_000, true),
                Some(Probe::BadCrc) => (thousandths(room, depth_m), false),
                None => (thousandths(room, depth_m), true),
            };
            present.push_str(&rom(depth_m));
            present.push('\n');
            fs::create_dir_all(&folder)?;
            let verdict = if whole { "YES" } else { "NO" };
            let bytes = "72 01 4b 46 7f ff 0e 10 57";
            let slave = format!("{bytes} : crc=57 {verdict}\n{bytes} t={text}\n");
            self.put(&folder.join("w1_slave"), &slave)?;
            let temperature = folder.join("temperature");
            if whole {
                self.put(&temperature, &format!("{text}\n"))?;
            } else if temperature.exists() {
                // The kernel refuses to read it with an error, which a plain file can't.
                fs::remove_file(&temperature)?;
            }
        }
        self.put(&self.devices.join(MASTER).join("w1_master_slaves"), &present)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _gone_already: io::Result<()> = fs::remove_dir_all(&self.w1);
    }
}

fn fault(room: &Room, depth_m: u16) -> Option<Probe> {
    room.active_faults().find_map(|active| match active.fault {
        Fault::Probe { depth, shows } if depth == depth_m => Some(shows),
        _ => None,
    })
}

/// In steps of a sixteenth of a degree, as twelve bits give it.
fn thousandths(room: &Room, depth_m: u16) -> i32 {
    let plant = &room.plant;
    let error = ERROR_K * normal_hash(plant.seed(), 0x1602, u64::from(depth_m));
    let celsius = ground_at_depth_c(plant, f64::from(depth_m)) + error;
    let sixteenths = (celsius * 16.0).round() as i32;
    sixteenths * 1000 / 16
}

/// Keeps the files until aborted.
pub(crate) async fn serve(shared: Arc<Shared>, tree: Tree) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut converts_until: Option<Instant> = None;
    let mut refresh_at = Instant::now() + REFRESH;
    let mut failing = false;
    loop {
        let now = looks.tick().await;
        let kept = keep(&shared, &tree, now, &mut converts_until, &mut refresh_at);
        if let Err(error) = &kept
            && !failing
        {
            warn!(%error, "The 1-Wire files can't be written");
        }
        failing = kept.is_err();
    }
}

fn keep(
    shared: &Shared,
    tree: &Tree,
    now: Instant,
    converts_until: &mut Option<Instant>,
    refresh_at: &mut Instant,
) -> io::Result<()> {
    if converts_until.is_some_and(|until| until <= now) {
        *converts_until = None;
        *refresh_at = now + REFRESH;
        tree.refresh(&shared.room_at(now))?;
        tree.put(&tree.bulk(), "1\n")?;
    } else if converts_until.is_none() && fs::read(tree.bulk())?.starts_with(b"trigger") {
        *converts_until = Some(now + CONVERSION);
        tree.put(&tree.bulk(), "-1\n")?;
    } else if *refresh_at <= now {
        *refresh_at = now + REFRESH;
        tree.refresh(&shared.room_at(now))?;
    }
    Ok(())
}
