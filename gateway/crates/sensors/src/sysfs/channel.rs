//! What a channel's files are called and what their numbers mean: for hwmon
//! `Documentation/hwmon/sysfs-interface.rst`, for IIO `Documentation/ABI/testing/sysfs-bus-iio`.

use super::Channel;
use crate::files;
use std::io;
use std::path::Path;
use wellhead_model::{Reason, Unit};

/// Start of a channel's name; units of its file to one of ours; our unit, empty for none.
type Kind = (&'static str, f64, &'static str);

const HWMON: &[Kind] = &[
    ("in", 1e3, "V"),
    ("temp", 1e3, "°C"),
    ("curr", 1e3, "A"),
    ("power", 1e6, "W"),
    ("energy", 1e6, "J"),
    ("humidity", 1e3, "%"),
    ("fan", 1.0, "rpm"),
    ("freq", 1.0, "Hz"),
];

/// After scale and offset.
const IIO: &[Kind] = &[
    ("voltage", 1e3, "V"),
    ("current", 1e3, "A"),
    ("power", 1e3, "W"),
    ("temp", 1e3, "°C"),
    ("humidityrelative", 1e3, "%"),
    ("pressure", 1e-3, "Pa"),
];

const IIO_PREFIX: &str = "in_";

impl Channel {
    fn kind(&self) -> Option<&'static Kind> {
        let (table, name) = match self.name.strip_prefix(IIO_PREFIX) {
            Some(name) => (IIO, name),
            None => (HWMON, &*self.name),
        };
        let word = name.split(|c: char| !c.is_ascii_lowercase()).next()?;
        table.iter().find(|kind| kind.0 == word)
    }

    /// The unit of its values; unknown for kinds that are not in the table.
    pub fn unit(&self) -> Option<Unit> {
        Unit::parse(self.kind()?.2).ok()
    }

    /// Its value now, in its unit. Blocks as long as the kernel takes.
    ///
    /// # Errors
    /// [`Reason::IllegalAddress`] without such a file, [`Reason::NoSensor`] when the chip says that
    /// its sensor is broken or gone, [`Reason::DeviceFailure`] with the kernel's error number.
    pub fn read(&self, chip: &Path) -> Result<f64, Reason> {
        let divisor = self.kind().map_or(1.0, |kind| kind.1);
        let file = |suffix: &str| chip.join(format!("{}_{suffix}", self.name));
        if let Some(fault) = optional(files::read(&file("fault")))?
            && fault.trim_ascii() != "0"
        {
            return Err(Reason::NoSensor);
        }
        let processed = optional(files::read(&file("input")))?;
        let value = match processed {
            Some(text) => number(&text)?,
            None => self.scaled(chip)?,
        };
        let value = value / divisor;
        if value.is_finite() { Ok(value) } else { Err(Reason::NotANumber) }
    }

    /// (raw + offset) × scale, as IIO has it.
    fn scaled(&self, chip: &Path) -> Result<f64, Reason> {
        if !self.name.starts_with(IIO_PREFIX) {
            return Err(Reason::IllegalAddress);
        }
        let raw = chip.join(format!("{}_raw", self.name));
        let raw = optional(files::read(&raw))?.ok_or(Reason::IllegalAddress)?;
        let scale = self.attribute(chip, "scale")?.unwrap_or(1.0);
        let offset = self.attribute(chip, "offset")?.unwrap_or(0.0);
        Ok((number(&raw)? + offset) * scale)
    }

    /// An attribute of the channel, or the one that all channels of its kind share:
    /// `in_voltage0_scale`, `in_voltage_scale`; `in_accel_x_raw` has `in_accel_scale`.
    fn attribute(&self, chip: &Path, attribute: &str) -> Result<Option<f64>, Reason> {
        let shared: String = self.name.chars().filter(|c| !c.is_ascii_digit()).collect();
        let kind = shared[IIO_PREFIX.len()..].split('_').next().unwrap_or_default();
        for name in [&self.name, &shared, &format!("{IIO_PREFIX}{kind}")] {
            let text = optional(files::read(&chip.join(format!("{name}_{attribute}"))))?;
            if let Some(text) = text {
                return number(&text).map(Some);
            }
        }
        Ok(None)
    }
}

/// `None` for a file that is not there.
fn optional(read: io::Result<String>) -> Result<Option<String>, Reason> {
    /// No data: a sensor that is not there or was not read yet.
    const ENODATA: i32 = 61;
    match read {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(match e.raw_os_error() {
            Some(ENODATA) => Reason::NoSensor,
            code => Reason::DeviceFailure(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(0)),
        }),
    }
}

/// A number as the kernel prints it: digits, perhaps a sign and a point.
///
/// # Errors
/// [`Reason::Undecodable`] for anything else.
pub fn number(text: &str) -> Result<f64, Reason> {
    let text = text.trim_ascii();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'.');
    let number = if plain && text.len() <= 32 { text.parse().ok() } else { None };
    number.ok_or(Reason::Undecodable)
}
