//! RTU: unit, protocol data unit, checksum; no length and no transaction number.
//!
//! Where a frame ends follows from its function. The silence between frames, by which the
//! standard tells them apart, is not visible through a serial driver's buffer, so the reply is
//! found by its checksum: it is taken only if unit, function, length and checksum all fit.

use super::{Request, identification, pdu};
use crate::Framing;
use wellhead_driver::Step;

/// Unit before the protocol data unit.
pub const HEADER_LEN: usize = 1;
/// Checksum after it.
pub const CRC_LEN: usize = 2;
/// Units that answer. Stray 0x00 and 0xFF, left by a line driver that is switched, never do.
const UNITS: std::ops::RangeInclusive<u8> = 1..=247;

/// Bytes of a frame around a protocol data unit of so many.
pub const fn frame_len(pdu: usize) -> usize {
    HEADER_LEN + pdu + CRC_LEN
}

/// Writes the whole request into `out`, which it empties first.
pub fn put(request: &Request, unit: u8, out: &mut Vec<u8>) {
    out.clear();
    out.push(unit);
    request.put(out);
    let crc = crc(out);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Looks for the reply at the start of `bytes`.
///
/// Whole frames that are not it (of another unit, or late ones with another function, count or
/// echo) are passed over as a whole, so that nothing inside them is mistaken for a frame. What is
/// no frame is noise and passed over byte by byte.
pub fn step(request: &Request, unit: u8, bytes: &[u8]) -> Step {
    match frame(bytes) {
        Frame::Whole(len) if is_reply(request, unit, &bytes[..len]) => Step::Reply(len),
        Frame::Whole(len) => Step::Skip(len),
        Frame::None => Step::Skip(1),
        Frame::Short => {
            // One or two stray bytes can look like the start of a longer frame than will ever
            // come. Not looking further than two keeps the data of a real frame out of it.
            let behind_noise = (1..=2).find(|&skip| {
                bytes.get(skip..).is_some_and(|rest| {
                    matches!(frame(rest), Frame::Whole(len) if is_reply(request, unit, &rest[..len]))
                })
            });
            behind_noise.map_or(Step::Need, Step::Skip)
        }
    }
}

fn is_reply(request: &Request, unit: u8, frame: &[u8]) -> bool {
    frame.first() == Some(&unit) && request.answer(pdu(Framing::Rtu, frame)).is_ok()
}

enum Frame {
    /// A reply frame of this length, checksum and all.
    Whole(usize),
    /// May become one.
    Short,
    /// Is none.
    None,
}

fn frame(bytes: &[u8]) -> Frame {
    let Some(unit) = bytes.first() else { return Frame::Short };
    if !UNITS.contains(unit) {
        return Frame::None;
    }
    let Some(function) = bytes.get(1) else { return Frame::Short };
    let len = match function {
        1..=4 => match bytes.get(2) {
            Some(&n) => 3 + usize::from(n) + CRC_LEN,
            None => return Frame::Short,
        },
        5 | 6 | 15 | 16 => 8,
        22 => 10,
        43 => match identification::length(bytes.get(2..).unwrap_or(&[])) {
            Some(Some(len)) => frame_len(1 + len),
            Some(None) => return Frame::Short,
            None => return Frame::None,
        },
        0x81..=0xFF => 5,
        _ => return Frame::None,
    };
    match bytes.get(..len) {
        None => Frame::Short,
        Some(whole) => {
            let (body, sum) = whole.split_at(len - CRC_LEN);
            if crc(body).to_le_bytes() == sum { Frame::Whole(len) } else { Frame::None }
        }
    }
}

/// The checksum of Modbus over serial line V1.02, section 6.2.2: CRC-16, polynomial 0xA001
/// reflected, started at 0xFFFF, sent low byte first.
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, &b| (crc >> 8) ^ CRC[usize::from(crc.to_le_bytes()[0] ^ b)])
}

static CRC: [u16; 256] = {
    let mut table = [0u16; 256];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u16;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 };
            bit += 1;
        }
        table[i] = crc;
        i += 1;
    }
    table
};
