//! Modbus TCP: transaction, protocol (0), length, unit, then the protocol data unit.

use super::Request;
use wellhead_driver::Step;

/// Bytes before the protocol data unit.
pub const HEADER_LEN: usize = 7;
/// Unit and the longest protocol data unit.
const LENGTH_MAX: usize = 254;

/// Writes the whole request into `out`, which it empties first.
pub fn put(request: &Request, transaction: u16, unit: u8, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&transaction.to_be_bytes());
    out.extend_from_slice(&[0, 0, 0, 0, unit]);
    request.put(out);
    let length = (out.len() - 6) as u16;
    out[4..6].copy_from_slice(&length.to_be_bytes());
}

/// Looks for the reply at the start of `bytes`.
///
/// A frame of another transaction is a late reply and one of another unit a foreign one; both are
/// passed over. Another protocol or an impossible length means that this stream can't be followed
/// any more, and so does a reply to this very transaction that contradicts the request.
pub fn step(request: &Request, transaction: u16, unit: u8, bytes: &[u8]) -> Step {
    let &[t1, t2, p1, p2, l1, l2, u, ..] = bytes else { return Step::Need };
    if [p1, p2] != [0, 0] {
        return Step::Broken("not Modbus TCP");
    }
    let length = usize::from(u16::from_be_bytes([l1, l2]));
    if !(2..=LENGTH_MAX).contains(&length) {
        return Step::Broken("impossible length in the Modbus TCP header");
    }
    let end = HEADER_LEN - 1 + length;
    if bytes.len() < end {
        return Step::Need;
    }
    if [t1, t2] != transaction.to_be_bytes() || u != unit {
        return Step::Skip(end);
    }
    match request.answer(&bytes[HEADER_LEN..end]) {
        Ok(_) => Step::Reply(end),
        Err(why) => Step::Broken(why),
    }
}
