//! Heat meters that speak CJ/T 188-2004: low byte of an identifier first, units behind values.

use super::line::{Protocol, Taken};
use super::{bcd, heat_meters, serial_number, shown, sum};
use crate::devices::Device;
use crate::room::Room;

const HEAT: u8 = 0x20;
const ANY: u8 = 0xAA;
/// Before the serial number in the address; the maker's.
const MAKER: u64 = 7833;
const MWH: u8 = 0x08;
const KW: u8 = 0x17;
const M3: u8 = 0x2C;
const M3_PER_H: u8 = 0x35;

/// The room's heat meters on a bus of CJ/T 188.
#[derive(Debug, Default)]
pub struct Cjt188;

impl Protocol for Cjt188 {
    fn take(&self, inbox: &[u8]) -> Taken {
        let lead = inbox.iter().take_while(|byte| **byte == 0xFE).count();
        let frame = &inbox[lead..];
        match frame {
            [] => Taken::Incomplete,
            [0x68, ..] => {
                // Of a heat meter or to any; other types are not here.
                if frame.get(1).is_some_and(|kind| ![HEAT, ANY].contains(kind)) {
                    return Taken::Junk(lead + 1);
                }
                let Some(len) = frame.get(10) else { return Taken::Incomplete };
                let end = 11 + usize::from(*len);
                match frame.get(end..end + 2) {
                    None => Taken::Incomplete,
                    Some(tail) if tail == [sum(&frame[..end]), 0x16] => {
                        Taken::Request(lead + end + 2)
                    }
                    Some(_) => Taken::Junk(lead + 1),
                }
            }
            _ => Taken::Junk(lead + 1),
        }
    }

    fn answer(&mut self, room: &mut Room, request: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let lead = request.iter().take_while(|byte| **byte == 0xFE).count();
        let frame = &request[lead..];
        let meters = heat_meters(room);
        let meant = |meter: &&Device| frame[2..9] == [ANY; 7] || frame[2..9] == address(meter);
        let answer = |meter: &Device| {
            let data = match (frame[9], &frame[11..frame.len() - 2]) {
                (0x01, [0x1F, 0x90, serial]) => data(room, meter, *serial),
                (0x03, [0x0A, 0x81, serial]) => vec![0x0A, 0x81, *serial],
                _ => return None,
            };
            Some((meter.unit, reply(meter, frame[9] | 0x80, &data)))
        };
        meters.iter().filter(meant).filter_map(answer).collect()
    }

    fn disguise(&self, frame: &mut [u8]) {
        let Some(end) = frame.len().checked_sub(2).filter(|end| *end > 11) else { return };
        frame[2] ^= 0x01;
        frame[end] = sum(&frame[..end]);
    }
}

fn address(meter: &Device) -> [u8; 7] {
    let mut address = [0; 7];
    address.copy_from_slice(&bcd(MAKER * 10_000_000_000 + serial_number(meter), 7));
    address
}

fn reply(meter: &Device, control: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x68, HEAT];
    frame.extend(address(meter));
    frame.extend([control, data.len() as u8]);
    frame.extend(data);
    frame.extend([sum(&frame), 0x16]);
    frame
}

/// The answer to 901F. No settlement day is set, so the settled heat is nought. The form has no
/// sign, so power against the meter's direction shows as nought too.
fn data(room: &Room, meter: &Device, serial: u8) -> Vec<u8> {
    let value = |point| shown(room, meter, point);
    // A broken wire shows as digits that are none.
    let digits = |number: f64, decimals: i32, bytes: usize| {
        if number.is_nan() {
            return vec![0xFF; bytes];
        }
        bcd((number.max(0.0) * 10f64.powi(decimals)).round() as u64, bytes)
    };
    let mut data = vec![0x1F, 0x90, serial];
    for (number, decimals, unit) in [
        (0.0, 2, MWH),
        // A counter shows what is past, never what is rounded up to.
        ((value("energy") / 10.0).floor() / 100.0, 2, MWH),
        (value("power"), 2, KW),
        (value("flow"), 4, M3_PER_H),
        ((value("volume") * 100.0).floor() / 100.0, 2, M3),
    ] {
        data.extend(digits(number, decimals, 4));
        data.push(unit);
    }
    data.extend(digits(value("supply_temperature"), 2, 3));
    data.extend(digits(value("return_temperature"), 2, 3));
    data.extend(digits((room.plant.time_s() / 3600.0).floor(), 0, 3));
    let now = room.plant.now();
    let time = [now.second(), now.minute(), now.hour(), now.day(), now.month()];
    data.extend(time.iter().flat_map(|part| bcd(*part as u64, 1)));
    data.extend(bcd(now.year() as u64, 2));
    data.extend([0, 0]);
    data
}
