//! Which folder of a class is the chip that is meant, and what is there at all.

use super::Channel;
use crate::files;
use std::io;
use std::path::{Path, PathBuf};
use wellhead_model::{Reason, Unit};

/// The folders of a class, sorted by name.
fn folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(root)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    Ok(folders)
}

fn name(chip: &Path) -> Option<String> {
    Some(files::read(&chip.join("name")).ok()?.trim_ascii().to_owned())
}

/// Where a chip sits: the last part of its parent device's path, `1-0048` on an I²C bus. hwmon
/// links to the parent, an IIO device lies in it.
fn place(chip: &Path) -> Option<String> {
    let parent = match std::fs::canonicalize(chip.join("device")) {
        Ok(parent) => parent,
        Err(_) => std::fs::canonicalize(chip).ok()?.parent()?.to_owned(),
    };
    parent.file_name()?.to_str().map(str::to_owned)
}

/// The folder of the chip called `chip`: by the folder's own name, by `name`, or by `name@place`.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) fn find(root: &Path, chip: &str) -> io::Result<PathBuf> {
    let folders = folders(root)?;
    if let Some(folder) = folders.iter().find(|f| f.file_name().is_some_and(|n| n == chip)) {
        return Ok(folder.clone());
    }
    let (wanted, at) = match chip.split_once('@') {
        Some((wanted, at)) => (wanted, Some(at)),
        None => (chip, None),
    };
    let fits = |f: &&PathBuf| {
        name(f).as_deref() == Some(wanted) && (at.is_none() || place(f).as_deref() == at)
    };
    let fitting: Vec<&PathBuf> = folders.iter().filter(fits).collect();
    match fitting[..] {
        [one] => Ok(one.clone()),
        [] => Err(io::Error::new(io::ErrorKind::NotFound, format!("no chip is called `{chip}`"))),
        _ => {
            let places: Vec<_> = fitting.iter().filter_map(|f| place(f)).collect();
            Err(io::Error::other(format!(
                "{} chips are called `{chip}`; add @ and the place of the one that is meant: {}",
                fitting.len(),
                places.join(", ")
            )))
        }
    }
}

/// A chip of the box.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundChip {
    /// How a device names it: its name, with `@` and its place where the name is not enough.
    pub chip: String,
    /// Its channels.
    pub channels: Vec<FoundChannel>,
}

/// A channel of a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundChannel {
    /// How a point names it.
    pub channel: Channel,
    /// What the board's maker calls it, if they do (`temp1_label`).
    pub label: Option<String>,
    /// Its value, or why there is none.
    pub value: Result<f64, Reason>,
    /// The value's unit.
    pub unit: Option<Unit>,
}

/// Every chip with a channel that can be read below a class's folder (`/sys/class/hwmon`,
/// `/sys/bus/iio/devices`). Blocks as long as the kernel takes.
///
/// # Errors
/// When the folder can't be read.
pub fn scan(root: &Path) -> io::Result<Vec<FoundChip>> {
    let folders = folders(root)?;
    let names: Vec<Option<String>> = folders.iter().map(|f| name(f)).collect();
    let mut found = Vec::new();
    for (folder, own) in folders.iter().zip(&names) {
        let Some(own) = own.as_deref().filter(|name| !name.is_empty()) else { continue };
        let alone = names.iter().filter(|n| n.as_deref() == Some(own)).count() == 1;
        let chip = match place(folder) {
            Some(place) if !alone => format!("{own}@{place}"),
            _ => own.to_owned(),
        };
        let channels = channels(folder)?;
        if !channels.is_empty() {
            found.push(FoundChip { chip, channels });
        }
    }
    Ok(found)
}

fn channels(chip: &Path) -> io::Result<Vec<FoundChannel>> {
    let mut names: Vec<String> = std::fs::read_dir(chip)?
        .filter_map(|entry| {
            let file = entry.ok()?.file_name().into_string().ok()?;
            let raw = file.strip_suffix("_raw").filter(|name| name.starts_with("in_"));
            Some(file.strip_suffix("_input").or(raw)?.to_owned())
        })
        .collect();
    names.sort();
    names.dedup();
    let channel = |name: String| {
        let label = files::read(&chip.join(format!("{name}_label"))).ok();
        let label = label.map(|l| l.trim_ascii().to_owned()).filter(|l| !l.is_empty());
        let channel: Channel = name.parse().ok()?;
        let (value, unit) = (channel.read(chip), channel.unit());
        Some(FoundChannel { channel, label, value, unit })
    };
    Ok(names.into_iter().filter_map(channel).collect())
}
