//! Heat meters as M-Bus slaves (EN 13757-2 and -3).

use std::collections::HashMap;

use jiff::civil::DateTime;

use super::line::{Protocol, Taken};
use super::{bcd, heat_meters, serial_number, shown, sum};
use crate::devices::Device;
use crate::room::Room;

/// Three letters, five bits each: WHP.
const MAKER: u16 = 23 << 10 | 8 << 5 | 16;
const VERSION: u8 = 0x32;
/// Heat and cold.
const MEDIUM: u8 = 0x0D;
const ACK: u8 = 0xE5;
const SELECTED: u8 = 0xFD;
const ALL: u8 = 0xFE;
/// A sensor fails; goes away with it.
const TEMPORARY_ERROR: u8 = 0x10;

/// What a slave remembers of its link.
#[derive(Debug, Default)]
struct Slave {
    selected: bool,
    /// The frame count bit of the last request for data; none since the reset.
    frame_count: Option<bool>,
    telegram: usize,
    access: u8,
}

/// The room's heat meters on an M-Bus. The first one tells more than one telegram holds.
#[derive(Debug, Default)]
pub struct MBus {
    slaves: HashMap<u8, Slave>,
}

impl Protocol for MBus {
    fn take(&self, inbox: &[u8]) -> Taken {
        match inbox {
            [0x10, rest @ ..] => match rest {
                [control, address, check, 0x16, ..] if sum(&[*control, *address]) == *check => {
                    Taken::Request(5)
                }
                [_, _, _, _, ..] => Taken::Junk(1),
                _ => Taken::Incomplete,
            },
            [0x68, len, again, 0x68, ..] if len == again && *len >= 3 => {
                let end = 4 + usize::from(*len);
                match inbox.get(end..end + 2) {
                    None => Taken::Incomplete,
                    Some(tail) if tail == [sum(&inbox[4..end]), 0x16] => Taken::Request(end + 2),
                    Some(_) => Taken::Junk(1),
                }
            }
            [0x68] | [0x68, _] => Taken::Incomplete,
            [0x68, len, again] if len == again => Taken::Incomplete,
            [] => Taken::Incomplete,
            _ => Taken::Junk(1),
        }
    }

    fn answer(&mut self, room: &mut Room, request: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let meters = heat_meters(room);
        let answer = |meter: &Device| {
            let slave = self.slaves.entry(meter.unit).or_default();
            slave.hear(room, meter, request).map(|frame| (meter.unit, frame))
        };
        meters.iter().filter_map(answer).collect()
    }

    fn disguise(&self, frame: &mut [u8]) {
        let Some(end) = frame.len().checked_sub(2).filter(|end| *end > 6) else { return };
        frame[5] ^= 0x40;
        // The identification too, for a master that goes by it.
        if end > 19 {
            frame[7] ^= 0x01;
        }
        frame[end] = sum(&frame[4..end]);
    }
}

impl Slave {
    fn hear(&mut self, room: &Room, meter: &Device, request: &[u8]) -> Option<Vec<u8>> {
        let (control, address) = match request {
            [0x10, control, address, ..] | [0x68, _, _, _, control, address, ..] => {
                (*control, *address)
            }
            _ => return None,
        };
        if let [0x68, _, _, _, 0x53 | 0x73, SELECTED, 0x52, mask @ .., _, _] = request {
            self.selected = covers(mask, &identity(meter));
            self.restart();
            return self.selected.then(|| vec![ACK]);
        }
        let meant = address == meter.unit || address == ALL || address == SELECTED && self.selected;
        match control {
            _ if !meant => None,
            // SND_NKE: the link begins anew; to 253 it also lets go of the selection.
            0x40 => {
                self.selected &= address != SELECTED;
                self.restart();
                Some(vec![ACK])
            }
            // REQ_UD2.
            0x5B | 0x7B => Some(self.tell(room, meter, control & 0x20 != 0)),
            _ => None,
        }
    }

    fn restart(&mut self) {
        (self.frame_count, self.telegram) = (None, 0);
    }

    /// The next telegram, or the last one again if the frame count bit is the same.
    fn tell(&mut self, room: &Room, meter: &Device, frame_count: bool) -> Vec<u8> {
        let telegrams = telegrams(room, meter);
        if self.frame_count.is_some_and(|last| last != frame_count) {
            self.telegram = (self.telegram + 1) % telegrams.len();
            self.access = self.access.wrapping_add(1);
        }
        self.frame_count = Some(frame_count);
        let broken = POINTS.iter().any(|point| shown(room, meter, point).is_nan());
        let mut user = vec![0x08, meter.unit, 0x72];
        user.extend(identity(meter));
        user.extend([self.access, if broken { TEMPORARY_ERROR } else { 0 }, 0, 0]);
        user.extend(&telegrams[self.telegram.min(telegrams.len() - 1)]);
        let mut frame = vec![0x68, user.len() as u8, user.len() as u8, 0x68];
        frame.extend(&user);
        frame.extend([sum(&user), 0x16]);
        frame
    }
}

fn identity(meter: &Device) -> [u8; 8] {
    let mut identity = [0; 8];
    identity[..4].copy_from_slice(&bcd(serial_number(meter), 4));
    identity[4..6].copy_from_slice(&MAKER.to_le_bytes());
    identity[6..].copy_from_slice(&[VERSION, MEDIUM]);
    identity
}

/// Whether a selection means a meter: F digits of the identification and FF bytes are any.
fn covers(mask: &[u8], identity: &[u8; 8]) -> bool {
    let Some((digits, rest)) = mask.split_at_checked(4) else { return false };
    let nibbles = |byte: u8| [byte & 0xF, byte >> 4];
    let digits = digits
        .iter()
        .zip(identity)
        .all(|(m, i)| nibbles(*m).iter().zip(nibbles(*i)).all(|(m, i)| *m == 0xF || *m == i));
    let [m0, m1, version, medium] = *rest else { return false };
    digits
        && ([m0, m1] == [0xFF, 0xFF] || [m0, m1] == identity[4..6])
        && [0xFF, identity[6]].contains(&version)
        && [0xFF, identity[7]].contains(&medium)
}

/// Points of which a broken wire is an error of the meter.
const POINTS: &[&str] = &["supply_temperature", "return_temperature", "flow", "power"];

fn telegrams(room: &Room, meter: &Device) -> Vec<Vec<u8>> {
    let value = |point| shown(room, meter, point);
    let supply = value("supply_temperature");
    let back = value("return_temperature");
    let mut first = Vec::new();
    // BCD of eight digits: fabrication number, energy in kWh (and with supply colder than return),
    // volume in 0.01 m³.
    let mut counter = |code: &[u8], number: f64| {
        first.push(0x0C);
        first.extend(code);
        first.extend(bcd(number as u64, 4));
    };
    counter(&[0x78], serial_number(meter) as f64);
    counter(&[0x06], value("energy"));
    counter(&[0x86, 0x3C], value("energy_reverse"));
    counter(&[0x14], (value("volume") * 100.0).floor());
    // Binary, the most negative number meaning that there is none: W and L/h in four bytes,
    // hundredths of a degree in two.
    let mut binary = |code: u8, number: f64| {
        first.extend([0x04, code]);
        let number = if number.is_nan() { i32::MIN } else { number.round() as i32 };
        first.extend(number.to_le_bytes());
    };
    binary(0x2B, value("power") * 1e3);
    binary(0x3B, value("flow") * 1e3);
    for (code, kelvin) in [(0x59, supply), (0x5D, back), (0x61, supply - back)] {
        first.extend([0x02, code]);
        let number = if kelvin.is_nan() { i16::MIN } else { (kelvin * 100.0).round() as i16 };
        first.extend(number.to_le_bytes());
    }
    if meter.index != 0 {
        return vec![first];
    }
    // More records follow.
    first.push(0x1F);
    let mut second = vec![0x04, 0x6D];
    second.extend(date_time(room.plant.now()));
    second.extend([0x04, 0x22]);
    second.extend(((room.plant.time_s() / 3600.0) as u32).to_le_bytes());
    second.extend([0x02, 0xFD, 0x17, 0, 0]);
    // The maker's own.
    second.extend([0x0F, b'H', b'M', b'1', b'5', b'0']);
    vec![first, second]
}

/// Type F: minute, hour, day and month, with the year's two digits in what they leave free.
fn date_time(now: DateTime) -> [u8; 4] {
    let year = (now.year() - 2000) as u8;
    let [minute, hour] = [now.minute() as u8, now.hour() as u8];
    [minute, hour, now.day() as u8 | (year & 0x07) << 5, now.month() as u8 | (year & 0x78) << 1]
}
