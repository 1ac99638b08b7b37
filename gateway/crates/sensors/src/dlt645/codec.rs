//! DL/T 645 frames: requests out, bytes in, answers out.
//!
//! `FE × 0–4, 68, address (low byte first), 68, control, length, data, checksum, 16`. Each byte of
//! the data travels with 0x33 added; the checksum is the sum of all bytes from the first 68
//! (DL/T 645-2007, 5.2). Control: bit 7 from the meter, bit 6 refused, bit 5 more follows.

use super::spec::ANY;
use super::{Address, Edition};
use std::iter::repeat_n;
use wellhead_driver::Step;

/// Added to each byte of the data (5.2.7).
const OFFSET: u8 = 0x33;
/// Wakes the receiver (5.2.1).
const WAKE: u8 = 0xFE;
const START: u8 = 0x68;
const END: u8 = 0x16;
/// From the first 68 to the length.
const HEAD_LEN: usize = 10;
/// Checksum and 16.
const TAIL_LEN: usize = 2;
/// A reply carries no more data (5.2.6); nor does a request.
const DATA_LEN_MAX: usize = 200;

const REPLY: u8 = 0x80;
const REFUSED: u8 = 0x40;
const FOLLOWS: u8 = 0x20;

/// Bytes of a frame around so many of data.
pub const fn frame_len(data: usize) -> usize {
    HEAD_LEN + data + TAIL_LEN
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The value or block of an identifier.
    Read(u32),
    /// What follows of it; the number counts from 1, and travels in 2007 only.
    Follow(u32, u8),
    /// The meter's address (2007 only).
    Address,
}

/// A request to a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Edition.
    pub edition: Edition,
    /// To whom.
    pub address: Address,
    /// What.
    pub ask: Ask,
}

/// What a meter said to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Data behind the identifier, still with 0x33 added: see [`plain`].
    Data {
        /// Who answered.
        from: Address,
        /// The bytes.
        data: &'a [u8],
        /// Whether more follows.
        more: bool,
    },
    /// It won't; the byte says why (2007, table 14: bit 1 no such data, bit 2 not allowed, bit 0
    /// another error).
    Refused(u8),
}

/// Bytes of a frame as the standard's tables show them.
pub fn plain(data: &[u8]) -> impl Iterator<Item = u8> + '_ {
    data.iter().map(|byte| byte.wrapping_sub(OFFSET))
}

impl Request {
    fn control(&self) -> u8 {
        match (self.edition, self.ask) {
            (Edition::Y2007, Ask::Read(_)) => 0x11,
            (Edition::Y2007, Ask::Follow(..)) => 0x12,
            (Edition::Y2007, Ask::Address) => 0x13,
            (Edition::Y1997, Ask::Read(_)) => 0x01,
            (Edition::Y1997, Ask::Follow(..)) => 0x02,
            // The edition of 1997 has none; this is answered by meters of 2007 only.
            (Edition::Y1997, Ask::Address) => 0x13,
        }
    }

    /// The identifier as it travels, without the offset.
    fn id(&self) -> ([u8; 4], usize) {
        let len = match self.edition {
            Edition::Y2007 => 4,
            Edition::Y1997 => 2,
        };
        match self.ask {
            Ask::Read(id) | Ask::Follow(id, _) => (id.to_le_bytes(), len),
            Ask::Address => ([0; 4], 0),
        }
    }

    /// The number of a following frame, where it travels.
    fn sequence(&self) -> Option<u8> {
        match (self.edition, self.ask) {
            (Edition::Y2007, Ask::Follow(_, sequence)) => Some(sequence),
            _ => None,
        }
    }

    /// Writes the whole request into `out`, which it empties first, behind so many waking bytes.
    pub fn put(&self, preamble: u8, out: &mut Vec<u8>) {
        out.clear();
        out.extend(repeat_n(WAKE, preamble.into()));
        let start = out.len();
        let (id, id_len) = self.id();
        let data = id[..id_len].iter().copied().chain(self.sequence());
        out.push(START);
        out.extend(self.address.0.iter().rev());
        out.extend([START, self.control(), 0]);
        out.extend(data.map(|byte| byte.wrapping_add(OFFSET)));
        if let Ok(len) = u8::try_from(out.len() - start - HEAD_LEN) {
            out[start + HEAD_LEN - 1] = len;
        }
        out.extend([checksum(&out[start..]), END]);
    }

    /// Looks for the reply at the start of `bytes`. Whole frames that are not it (another meter's,
    /// a late one for another identifier, our own request echoed by a converter) are passed over
    /// as a whole, what is no frame byte by byte.
    pub fn step(&self, bytes: &[u8]) -> Step {
        match frame(bytes) {
            Frame::Whole(len) if self.answer(&bytes[..len]).is_some() => Step::Reply(len),
            Frame::Whole(len) => Step::Skip(len),
            Frame::Short => Step::Need,
            Frame::None => Step::Skip(1),
        }
    }

    /// What a frame says to this request; `None` if it is no answer to it.
    pub fn answer<'a>(&self, bytes: &'a [u8]) -> Option<Answer<'a>> {
        if !matches!(frame(bytes), Frame::Whole(len) if len == bytes.len()) {
            return None;
        }
        let from = address(bytes)?;
        let (control, data) = (bytes[HEAD_LEN - 2], &bytes[HEAD_LEN..bytes.len() - TAIL_LEN]);
        let asked = self.control();
        if !from.answers_to(&self.address) {
            return None;
        }
        if control == asked | REPLY | REFUSED {
            let code = plain(data.get(..1)?).next()?;
            return (data.len() == 1).then_some(Answer::Refused(code));
        }
        if control & !FOLLOWS != asked | REPLY {
            return None;
        }
        let more = control & FOLLOWS != 0;
        if self.ask == Ask::Address {
            // The address travels a second time as data.
            let same = plain(data).eq(from.0.iter().rev().copied()) && !from.has_wildcard();
            return (same && !more).then_some(Answer::Data { from, data: &[], more });
        }
        let (id, id_len) = self.id();
        let (told, mut data) = data.split_at_checked(id_len)?;
        if !plain(told).eq(id[..id_len].iter().copied()) {
            return None;
        }
        if let Some(sequence) = self.sequence() {
            let (last, rest) = data.split_last()?;
            if last.wrapping_sub(OFFSET) != sequence {
                return None;
            }
            data = rest;
        }
        Some(Answer::Data { from, data, more })
    }
}

enum Frame {
    /// A frame of this length, checksum and all.
    Whole(usize),
    /// May become one.
    Short,
    /// Is none.
    None,
}

fn frame(bytes: &[u8]) -> Frame {
    let [START, rest @ ..] = bytes else {
        return if bytes.is_empty() { Frame::Short } else { Frame::None };
    };
    match rest.get(6) {
        None => return Frame::Short,
        Some(&START) => {}
        Some(_) => return Frame::None,
    }
    let Some(&len) = bytes.get(HEAD_LEN - 1) else { return Frame::Short };
    if usize::from(len) > DATA_LEN_MAX {
        return Frame::None;
    }
    let len = frame_len(len.into());
    match bytes.get(..len) {
        None => Frame::Short,
        Some(whole) => match whole.split_at(len - TAIL_LEN) {
            (body, &[sum, END]) if sum == checksum(body) => Frame::Whole(len),
            _ => Frame::None,
        },
    }
}

/// Who sent a whole frame; `None` if it is no address. Some meters asked by a wildcard answer with
/// the wildcard.
fn address(frame: &[u8]) -> Option<Address> {
    let mut bytes: [u8; 6] = frame.get(1..7)?.try_into().ok()?;
    bytes.reverse();
    let fits = |byte: &u8| *byte == ANY || (byte >> 4 <= 9 && byte & 0x0F <= 9);
    bytes.iter().all(fits).then_some(Address(bytes))
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}
