//! What the kernel's 1-Wire files say (`Documentation/w1/slaves/w1_therm.rst`).

use super::Rom;
use wellhead_model::Reason;

/// What a sensor shows after power-on, before its first conversion (DS18B20 data sheet, table 1).
const POWER_ON: i32 = 85_000;
/// What libraries and some bridges write when the sensor is gone.
const DISCONNECTED: i32 = -127_000;
/// What a sensor can measure, thousandths of a degree.
const RANGE: std::ops::RangeInclusive<i32> = -55_000..=125_000;

/// Thousandths of a degree from the file `temperature`.
///
/// # Errors
/// [`Reason::NoReply`] when it is empty, as it is while the sensor still converts.
pub fn temperature(text: &str) -> Result<i32, Reason> {
    match text.trim_ascii() {
        "" => Err(Reason::NoReply),
        number => whole(number).ok_or(Reason::Undecodable),
    }
}

/// Thousandths of a degree from the file `w1_slave`: two lines, the first with the checksum's
/// verdict, the second with the value.
///
/// # Errors
/// [`Reason::BadReply`] when the checksum is wrong, or all bytes are nought: a line held low reads
/// so, and nought is its right checksum.
pub fn w1_slave(text: &str) -> Result<i32, Reason> {
    let mut lines = text.lines();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return Err(Reason::Undecodable);
    };
    let (bytes, verdict) = first.split_once(" : crc=").ok_or(Reason::Undecodable)?;
    match verdict.trim_ascii().split_once(' ') {
        Some((_, "YES")) => {}
        Some((_, "NO")) => return Err(Reason::BadReply),
        _ => return Err(Reason::Undecodable),
    }
    if bytes.split_ascii_whitespace().all(|byte| byte == "00") {
        return Err(Reason::BadReply);
    }
    let (_, value) = second.rsplit_once("t=").ok_or(Reason::Undecodable)?;
    whole(value.trim_ascii()).ok_or(Reason::Undecodable)
}

/// Whether a number can be a temperature.
///
/// # Errors
/// [`Reason::BadReply`] for exactly 85 °C unless that is to be believed (the sensor lost its supply
/// and did not convert), [`Reason::NoSensor`] for −127 °C, [`Reason::OutOfRange`] beyond −55 to
/// 125 °C.
pub fn believable(thousandths: i32, believe_85: bool) -> Result<i32, Reason> {
    match thousandths {
        POWER_ON if !believe_85 => Err(Reason::BadReply),
        DISCONNECTED => Err(Reason::NoSensor),
        t if RANGE.contains(&t) => Ok(t),
        _ => Err(Reason::OutOfRange),
    }
}

/// The sensors that `w1_master_slaves` lists, one a line; `not found.` is none.
pub fn slaves(text: &str) -> impl Iterator<Item = Rom> + '_ {
    text.lines().filter_map(|line| line.trim_ascii().parse().ok())
}

/// A whole number as the kernel prints it.
fn whole(text: &str) -> Option<i32> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}
