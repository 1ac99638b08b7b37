//! Frames around a PDU: MBAP on TCP, address and CRC on RTU (a serial line, or bare over TCP).

/// Who asked, and under which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Unit id.
    pub unit: u8,
    /// Transaction id; 0 on RTU, which has none.
    pub transaction: u16,
}

/// What the bytes received so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// Not yet a whole frame.
    Incomplete,
    /// A request and the bytes it took.
    Request(Header, Vec<u8>, usize),
    /// Bytes that can never be a request; how many to drop.
    Junk(usize),
}

/// Longest PDU Modbus allows.
pub const PDU_MAX: usize = 253;
const MBAP: usize = 7;

/// Reads a Modbus TCP request.
#[must_use]
pub fn parse_tcp(bytes: &[u8]) -> Parsed {
    let Some(head) = bytes.get(..MBAP) else { return Parsed::Incomplete };
    let word = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let length = usize::from(word(4));
    if word(2) != 0 || !(2..=PDU_MAX + 1).contains(&length) {
        return Parsed::Junk(bytes.len());
    }
    let end = MBAP - 1 + length;
    match bytes.get(MBAP..end) {
        Some(pdu) => {
            let header = Header { unit: head[6], transaction: word(0) };
            Parsed::Request(header, pdu.to_vec(), end)
        }
        None => Parsed::Incomplete,
    }
}

/// Frames a reply for Modbus TCP.
#[must_use]
pub fn frame_tcp(header: Header, pdu: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(MBAP + pdu.len());
    out.extend(header.transaction.to_be_bytes());
    out.extend([0, 0]);
    out.extend((pdu.len() as u16 + 1).to_be_bytes());
    out.push(header.unit);
    out.extend(pdu);
    out
}

/// Reads an RTU request. `silent` says that the line has been quiet since the last byte, which ends
/// a frame whose length its function does not tell.
#[must_use]
pub fn parse_rtu(bytes: &[u8], silent: bool) -> Parsed {
    let length = match (bytes.get(1), bytes.get(6)) {
        (Some(1..=6), _) => 8,
        (Some(15 | 16), Some(count)) => 9 + usize::from(*count),
        (Some(22), _) => 10,
        (Some(43), _) => 7,
        (Some(15 | 16), None) | (None, _) => usize::MAX,
        _ if silent => bytes.len(),
        _ => usize::MAX,
    };
    match bytes.get(..length) {
        Some(frame) if length >= 4 && check(frame) => {
            let header = Header { unit: frame[0], transaction: 0 };
            Parsed::Request(header, frame[1..length - 2].to_vec(), length)
        }
        // A frame that does not check may be noise before one that will; silence decides.
        _ if silent => Parsed::Junk(bytes.len()),
        _ => Parsed::Incomplete,
    }
}

/// Frames a reply for RTU.
#[must_use]
pub fn frame_rtu(header: Header, pdu: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(pdu.len() + 3);
    out.push(header.unit);
    out.extend(pdu);
    out.extend(crc(&out).to_le_bytes());
    out
}

fn check(frame: &[u8]) -> bool {
    let (body, sum) = frame.split_at(frame.len() - 2);
    crc(body).to_le_bytes() == sum
}

/// CRC-16/MODBUS.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(*byte),
            |crc: u16, _| {
                if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_gives_the_check_value_of_its_catalogue() {
        assert_eq!(crc(b"123456789"), 0x4B37);
    }

    #[test]
    fn rtu_request_is_found_when_its_last_byte_arrives() {
        let frame = frame_rtu(Header { unit: 7, transaction: 0 }, &[3, 0, 1, 0, 2]);
        for end in 0..frame.len() {
            assert_eq!(parse_rtu(&frame[..end], false), Parsed::Incomplete);
        }
        let Parsed::Request(header, pdu, taken) = parse_rtu(&frame, false) else { panic!() };
        assert_eq!((header.unit, pdu.as_slice(), taken), (7, &[3, 0, 1, 0, 2][..], 8));
    }

    #[test]
    fn noise_on_the_line_is_dropped_at_silence() {
        let mut noisy = vec![0x55, 0x13];
        noisy.extend(frame_rtu(Header { unit: 7, transaction: 0 }, &[3, 0, 1, 0, 2]));
        assert_eq!(parse_rtu(&noisy, false), Parsed::Incomplete);
        assert_eq!(parse_rtu(&noisy, true), Parsed::Junk(10));
    }

    #[test]
    fn unknown_function_ends_with_silence() {
        let frame = frame_rtu(Header { unit: 7, transaction: 0 }, &[0x55, 1]);
        assert_eq!(parse_rtu(&frame, false), Parsed::Incomplete);
        assert!(matches!(parse_rtu(&frame, true), Parsed::Request(..)));
    }

    #[test]
    fn tcp_request_with_a_foreign_protocol_is_junk() {
        assert_eq!(parse_tcp(&[0, 1, 0, 9, 0, 6, 1, 3, 0, 0, 0, 1]), Parsed::Junk(12));
        assert_eq!(parse_tcp(&[0, 1, 0, 0, 0, 6, 1, 3]), Parsed::Incomplete);
    }
}
