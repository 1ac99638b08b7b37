//! One reading of a string of sensors. Blocks as long as the bus takes.

use super::{DeviceSpec, Rom, text};
use crate::files;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wellhead_model::Reason;

/// A conversion takes three quarters of a second (DS18B20, 12 bits); a bus that says it still
/// converts after this is read as it is.
const CONVERSION_MAX: Duration = Duration::from_secs(5);
/// How often the kernel is asked whether the conversion is over.
const CONVERSION_POLL: Duration = Duration::from_millis(20);

/// What a sweep brought.
#[derive(Debug)]
pub(crate) struct Sweep {
    /// Thousandths of a degree, or why not, of each sensor asked for.
    pub(crate) temperatures: Vec<Result<i32, Reason>>,
    /// What hangs on the bus, if the master says.
    pub(crate) present: Vec<Rom>,
}

/// Reads these points of the string.
///
/// # Errors
/// When the bus itself is not there.
pub(crate) fn sweep(spec: &DeviceSpec, points: &[usize]) -> Result<Sweep, (PathBuf, io::Error)> {
    let bus = spec.master.as_ref().map_or(spec.root.clone(), |master| spec.root.join(master));
    std::fs::metadata(&bus).map_err(|error| (bus.clone(), error))?;
    if spec.master.is_some() {
        convert_all(&bus);
    }
    let roms = points.iter().map(|point| spec.points[*point].rom);
    let temperatures = roms.map(|rom| read(&spec.root, rom, spec.believe_85)).collect();
    let present = match &spec.master {
        Some(_) => present(&bus).unwrap_or_default(),
        None => Vec::new(),
    };
    Ok(Sweep { temperatures, present })
}

/// Lets all sensors of a bus convert at once, and waits until they have. `therm_bulk_read` reads
/// -1 while one still converts, 1 when all have and not all were read, 0 when nothing was started.
/// A kernel or a bus without it converts for each sensor when its file is read.
pub(crate) fn convert_all(bus: &Path) {
    let file = bus.join("therm_bulk_read");
    let started =
        OpenOptions::new().write(true).open(&file).and_then(|mut f| f.write_all(b"trigger\n"));
    if started.is_err() {
        return;
    }
    let mut waited = Duration::ZERO;
    while waited < CONVERSION_MAX {
        match files::read(&file).as_deref().map(str::trim_ascii) {
            Ok("0" | "1") | Err(_) => return,
            Ok(_) => {}
        }
        std::thread::sleep(CONVERSION_POLL);
        waited += CONVERSION_POLL;
    }
}

/// One sensor, thousandths of a degree.
pub(crate) fn read(root: &Path, rom: Rom, believe_85: bool) -> Result<i32, Reason> {
    let sensor = root.join(rom.to_string());
    let thousandths = match files::read(&sensor.join("temperature")) {
        Ok(content) => text::temperature(&content)?,
        // Kernels before 5.8 have the other file only.
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let content = files::read(&sensor.join("w1_slave")).map_err(|e| reason(&e))?;
            text::w1_slave(&content)?
        }
        Err(e) => return Err(reason(&e)),
    };
    text::believable(thousandths, believe_85)
}

/// What a bus master lists.
pub(crate) fn present(bus: &Path) -> io::Result<Vec<Rom>> {
    Ok(text::slaves(&files::read(&bus.join("w1_master_slaves"))?).collect())
}

/// ENODEV and ENXIO: gone while it was read. EIO: the kernel met a wrong checksum or no answer.
fn reason(error: &io::Error) -> Reason {
    const EIO: i32 = 5;
    const ENXIO: i32 = 6;
    const ENODEV: i32 = 19;
    match error.raw_os_error() {
        _ if error.kind() == io::ErrorKind::NotFound => Reason::NoSensor,
        Some(ENXIO | ENODEV) => Reason::NoSensor,
        Some(EIO) => Reason::BadReply,
        code => Reason::DeviceFailure(code.and_then(|c| u8::try_from(c).ok()).unwrap_or(0)),
    }
}
