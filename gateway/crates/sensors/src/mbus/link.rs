//! Frames on the wire (EN 13757-2, format class FT 1.2).

use wellhead_driver::Step;

/// The one-character acknowledgement.
pub const ACK: u8 = 0xE5;
/// The address that a meter answers to once it was selected by its secondary address.
pub const SELECTED: u8 = 0xFD;
/// The address that every meter answers to.
pub const ANY: u8 = 0xFE;
/// Bytes of the longest frame.
pub const FRAME_LEN_MAX: usize = 261;

const SND_NKE: u8 = 0x40;
const SND_UD: u8 = 0x53;
const REQ_UD2: u8 = 0x5B;
/// The frame count bit, which tells a new request from a repeated one.
const FCB: u8 = 0x20;
/// Set in what a master sends.
const FROM_MASTER: u8 = 0x40;
/// RSP_UD without the bits for access demand and data flow.
const RSP_UD: u8 = 0x08;
const CI_SELECT: u8 = 0x52;

fn short(control: u8, address: u8) -> [u8; 5] {
    [0x10, control, address, control.wrapping_add(address), 0x16]
}

/// Resets a meter's link: it forgets the frame count bit. Nothing is written to it.
pub fn reset(address: u8) -> [u8; 5] {
    short(SND_NKE, address)
}

/// Asks for data, with the frame count bit or without.
pub fn request(address: u8, frame_count: bool) -> [u8; 5] {
    short(if frame_count { REQ_UD2 | FCB } else { REQ_UD2 }, address)
}

/// Selects the meters that a secondary address covers; they answer at [`SELECTED`] from then on,
/// and all others no longer do.
pub fn select(address: &super::Secondary) -> [u8; 17] {
    let mut frame = [0; 17];
    frame[..7].copy_from_slice(&[0x68, 11, 11, 0x68, SND_UD, SELECTED, CI_SELECT]);
    frame[7..11].copy_from_slice(&address.identification.to_le_bytes());
    frame[11..13].copy_from_slice(&address.manufacturer.to_le_bytes());
    frame[13..15].copy_from_slice(&[address.version, address.medium]);
    frame[15] = sum(&frame[4..15]);
    frame[16] = 0x16;
    frame
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, b| sum.wrapping_add(*b))
}

/// What a master waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// An acknowledgement.
    Ack,
    /// Data from the meter of this primary address; `None` takes any (the meter was selected by
    /// its secondary address, and says in the data who it is).
    Data(Option<u8>),
}

/// Finds the reply among the bytes received. The request itself is passed over: many level
/// converters echo it.
pub fn step(expect: Expect, bytes: &[u8]) -> Step {
    match (bytes, expect) {
        ([], _) => Step::Need,
        // Some meters acknowledge a request for data when they have none.
        ([ACK, ..], _) => Step::Reply(1),
        ([0x10, rest @ ..], _) => match rest {
            [control, address, check, 0x16, ..] if *check == control.wrapping_add(*address) => {
                if control & FROM_MASTER == 0 {
                    Step::Broken("a reply of another kind")
                } else {
                    Step::Skip(5)
                }
            }
            [_, _, _, _, ..] => Step::Skip(1),
            _ => Step::Need,
        },
        ([0x68, ..], _) => long(expect, bytes),
        _ => Step::Skip(1),
    }
}

fn long(expect: Expect, bytes: &[u8]) -> Step {
    let [_, len, again, start, ..] = bytes else { return Step::Need };
    if len != again || *start != 0x68 || *len < 3 {
        return Step::Skip(1);
    }
    let end = 4 + usize::from(*len);
    let (Some(body), Some(tail)) = (bytes.get(4..end), bytes.get(end..end + 2)) else {
        return Step::Need;
    };
    if tail != [sum(body), 0x16] {
        return Step::Broken("wrong checksum");
    }
    match (expect, body) {
        (_, [control, ..]) if control & FROM_MASTER != 0 => Step::Skip(end + 2),
        (Expect::Ack, _) => Step::Broken("data instead of an acknowledgement"),
        // The access demand and data flow bits are not used here.
        (_, [control, ..]) if control & !0x30 != RSP_UD => Step::Broken("a reply of another kind"),
        (Expect::Data(Some(of)), [_, address, ..]) if *address != of => {
            Step::Broken("the reply is from another meter")
        }
        _ => Step::Reply(end + 2),
    }
}

/// The control information and what follows it, of a frame that [`step`] found; `None` for an
/// acknowledgement.
pub fn user_data(frame: &[u8]) -> Option<(u8, &[u8])> {
    let body = frame.get(6..frame.len().checked_sub(2)?)?;
    body.split_first().map(|(ci, data)| (*ci, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mbus::Secondary;

    fn data(address: u8, user: &[u8]) -> Vec<u8> {
        let len = u8::try_from(user.len() + 2).unwrap();
        let mut frame = vec![0x68, len, len, 0x68, RSP_UD, address];
        frame.extend(user);
        frame.push(sum(&frame[4..]));
        frame.push(0x16);
        frame
    }

    #[test]
    fn requests_are_the_published_bytes() {
        assert_eq!(reset(ANY), [0x10, 0x40, 0xFE, 0x3E, 0x16]);
        assert_eq!(request(1, false), [0x10, 0x5B, 0x01, 0x5C, 0x16]);
        assert_eq!(request(1, true), [0x10, 0x7B, 0x01, 0x7C, 0x16]);
        let address = Secondary { identification: 0x2105_0076, ..Secondary::ANY };
        let frame = select(&address);
        assert_eq!(frame[..7], [0x68, 0x0B, 0x0B, 0x68, 0x53, 0xFD, 0x52]);
        assert_eq!(frame[7..15], [0x76, 0x00, 0x05, 0x21, 0xFF, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn a_reply_is_found_behind_noise_and_the_echo_of_the_request() {
        let reply = data(1, &[0x72, 1, 2, 3]);
        let mut bytes = vec![0x00, 0x10];
        bytes.extend(request(1, true));
        bytes.extend(&reply);
        let mut at = 0;
        let found = loop {
            match step(Expect::Data(Some(1)), &bytes[at..]) {
                Step::Skip(n) => at += n,
                other => break other,
            }
        };
        assert_eq!(found, Step::Reply(reply.len()));
        assert_eq!(user_data(&bytes[at..]), Some((0x72, &[1, 2, 3][..])));
    }

    #[test]
    fn half_a_frame_is_none_and_each_fault_has_its_words() {
        let reply = data(1, &[0x72, 1, 2, 3]);
        for n in 0..reply.len() {
            assert_eq!(step(Expect::Data(Some(1)), &reply[..n]), Step::Need, "{n}");
        }
        for at in 4..reply.len() {
            let mut broken = reply.clone();
            broken[at] ^= 0x01;
            assert_eq!(step(Expect::Data(None), &broken), Step::Broken("wrong checksum"), "{at}");
        }
        let other = Step::Broken("the reply is from another meter");
        assert_eq!(step(Expect::Data(Some(2)), &reply), other);
        assert_eq!(step(Expect::Data(None), &reply), Step::Reply(reply.len()));
        assert!(matches!(step(Expect::Ack, &reply), Step::Broken(_)));
        assert_eq!(step(Expect::Ack, &[ACK]), Step::Reply(1));
        assert_eq!(user_data(&[ACK]), None);
    }
}
