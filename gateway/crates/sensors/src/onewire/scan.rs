//! Which sensors hang on the box.

use super::{Rom, sweep};
use std::io;
use std::path::Path;
use wellhead_model::Reason;

/// A sensor that a bus master lists.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its bus master, `w1_bus_master1`.
    pub master: String,
    /// Its address.
    pub rom: Rom,
    /// °C, or why not; [`Reason::IllegalAddress`] for what is no thermometer.
    pub celsius: Result<f64, Reason>,
}

/// Every sensor of every bus master below `root` (`/sys/bus/w1/devices`), read once. Blocks as
/// long as the buses take, up to a second for each sensor where the kernel can't convert in
/// parallel.
///
/// # Errors
/// When `root` can't be read: no 1-Wire master is set up.
pub fn scan(root: &Path) -> io::Result<Vec<Found>> {
    let mut masters: Vec<String> = std::fs::read_dir(root)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("w1_bus_master"))
        .collect();
    masters.sort();
    let mut found = Vec::new();
    for master in masters {
        let bus = root.join(&master);
        let roms = sweep::present(&bus)?;
        sweep::convert_all(&bus);
        for rom in roms {
            let celsius = match rom.is_thermometer() {
                true => sweep::read(root, rom, false).map(|t| f64::from(t) / 1000.0),
                false => Err(Reason::IllegalAddress),
            };
            found.push(Found { master: master.clone(), rom, celsius });
        }
    }
    Ok(found)
}
