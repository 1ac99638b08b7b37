//! The room's electricity meters on a bus of DL/T 645-2007. A meter's address is 2606000000 and its
//! unit's number; the identifiers it has are those of `value` below and three blocks. It hangs behind
//! current transformers and, as such meters do, shows what flows on their small side: energy,
//! demand, power and current times [`TRANSFORMERS`] are the true ones.

use super::line::{Protocol, Taken};
use super::{bcd, sum};
use crate::devices::Device;
use crate::room::Room;

const START: u8 = 0x68;
const END: u8 = 0x16;
const WAKE: u8 = 0xFE;
const ANY: u8 = 0xAA;
/// Added to each byte of data.
const OFFSET: u8 = 0x33;
/// Ratio of the current transformers, 400 A to 5 A.
pub const TRANSFORMERS: f64 = 80.0;
/// The first ten digits of an address.
const LOT: u64 = 260_600_000_000;
/// Refused: another error; no such data.
const OTHER: u8 = 0x01;
const NO_DATA: u8 = 0x02;

/// The room's electricity meters.
#[derive(Debug, Default)]
pub struct Dlt645;

impl Protocol for Dlt645 {
    fn take(&self, inbox: &[u8]) -> Taken {
        let lead = lead(inbox);
        let frame = &inbox[lead..];
        match (frame.first(), frame.get(7), frame.get(9)) {
            (Some(&first), ..) if first != START => Taken::Junk(lead + 1),
            (_, Some(&second), _) if second != START => Taken::Junk(lead + 1),
            (Some(_), Some(_), Some(len)) => {
                let end = 10 + usize::from(*len);
                match frame.get(end..end + 2) {
                    None => Taken::Incomplete,
                    Some(tail) if tail == [sum(&frame[..end]), END] => {
                        Taken::Request(lead + end + 2)
                    }
                    Some(_) => Taken::Junk(lead + 1),
                }
            }
            _ => Taken::Incomplete,
        }
    }

    fn answer(&mut self, room: &mut Room, request: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let frame = &request[lead(request)..];
        let (asked, control) = (&frame[1..7], frame[8]);
        let data: Vec<u8> =
            frame[10..frame.len() - 2].iter().map(|byte| byte.wrapping_sub(OFFSET)).collect();
        let meters = electricity_meters(room);
        let meant = |meter: &&Device| {
            address(meter).iter().zip(asked).all(|(own, asked)| own == asked || *asked == ANY)
        };
        let answer = |meter: &Device| {
            let (control, data) = match (control, &data[..]) {
                (0x11, [a, b, c, d]) => {
                    match read(room, meter, u32::from_le_bytes([*a, *b, *c, *d])) {
                        Some(value) => (0x91, [&data[..], &value].concat()),
                        None => (0xD1, vec![NO_DATA]),
                    }
                }
                (0x13, []) => (0x93, address(meter)),
                // The broadcasts of time and freezing have no answer.
                (0x08 | 0x16, _) => return None,
                // Only read.
                (control, _) => (control | 0xC0, vec![OTHER]),
            };
            Some((meter.unit, reply(meter, control, &data)))
        };
        meters.iter().filter(meant).filter_map(answer).collect()
    }

    fn disguise(&self, frame: &mut [u8]) {
        let Some(end) = frame.len().checked_sub(2).filter(|end| *end > 7) else { return };
        frame[1] ^= 0x01;
        frame[end] = sum(&frame[..end]);
    }
}

fn lead(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == WAKE).count()
}

fn electricity_meters(room: &Room) -> Vec<Device> {
    let devices = room.plant.config().preset.devices().iter();
    devices.filter(|device| device.model.kind == "power_meter").copied().collect()
}

fn address(meter: &Device) -> Vec<u8> {
    bcd(LOT + u64::from(meter.unit), 6)
}

fn reply(meter: &Device, control: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![START];
    frame.extend(address(meter));
    frame.extend([START, control, data.len() as u8]);
    frame.extend(data.iter().map(|byte| byte.wrapping_add(OFFSET)));
    frame.extend([sum(&frame), END]);
    frame
}

/// The bytes of an identifier, or of a block: all phases, or the sum and all phases.
fn read(room: &Room, meter: &Device, id: u32) -> Option<Vec<u8>> {
    let phases = match id {
        0x0201_FF00 | 0x0202_FF00 => 1..=3,
        0x0203_FF00 => 0..=3,
        _ => return value(room, meter, id),
    };
    let all = phases.map(|phase| value(room, meter, (id & 0xFFFF_00FF) | (phase << 8)));
    Some(all.collect::<Option<Vec<_>>>()?.concat())
}

fn value(room: &Room, meter: &Device, id: u32) -> Option<Vec<u8>> {
    let shown = |point| room.reading(meter.unit, point).unwrap_or(f64::NAN);
    // Energy in hundredths of a kWh, demand and power in tenths of a W: what the forms hold.
    let (number, bytes) = match id {
        0x0000_0000 | 0x0001_0000 => ((shown("energy") / TRANSFORMERS / 10.0).floor(), 4),
        0x0002_0000 => (0.0, 4),
        0x0101_0000 => {
            // The time at which it was reached is not kept.
            let mut demand = signed(shown("peak_power") / TRANSFORMERS * 10.0, 3);
            demand.extend([0; 5]);
            return Some(demand);
        }
        0x0201_0100 => (shown("voltage_l1") * 10.0, 2),
        0x0201_0200 => (shown("voltage_l2") * 10.0, 2),
        0x0201_0300 => (shown("voltage_l3") * 10.0, 2),
        0x0202_0100 | 0x0202_0200 | 0x0202_0300 => (shown("current") / TRANSFORMERS * 1e3, 3),
        0x0203_0000 => (shown("power") / TRANSFORMERS * 1e4, 3),
        0x0203_0100 | 0x0203_0200 | 0x0203_0300 => (shown("power") / TRANSFORMERS / 3.0 * 1e4, 3),
        0x0206_0000 | 0x0206_0100 | 0x0206_0200 | 0x0206_0300 => (shown("power_factor") * 1e3, 2),
        0x0280_0002 => (shown("frequency") * 100.0, 2),
        _ => return None,
    };
    Some(signed(number, bytes))
}

/// Digits with a sign in the top bit; a broken wire is all ones, and what has more digits than the
/// form shows its last, as a register does.
fn signed(number: f64, bytes: usize) -> Vec<u8> {
    if number.is_nan() {
        return vec![0xFF; bytes];
    }
    let mut digits = bcd(number.abs().round() as u64, bytes);
    if number < 0.0
        && let Some(top) = digits.last_mut()
    {
        *top |= 0x80;
    }
    digits
}
