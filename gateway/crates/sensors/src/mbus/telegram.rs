//! What stands before the records in a reply's user data (EN 13757-3).

use super::Secondary;
use super::record::{self, Record};
use wellhead_driver::DeviceError;

pub use super::names::medium;

/// The bits of the status byte by which a meter says that something is wrong with it: a permanent
/// and a temporary error.
const ERRORS: u8 = 0x18;
const POWER_LOW: u8 = 0x04;

/// Who answered, and how it feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its secondary address; `None` if the telegram has a short header or none.
    pub address: Option<Secondary>,
    /// Counts the meter's answers.
    pub access: u8,
    /// The status byte.
    pub status: u8,
}

impl Header {
    /// The status byte, if it tells of an error of the meter, permanent or not.
    pub fn error(&self) -> Option<u8> {
        (self.status & ERRORS != 0).then_some(self.status)
    }

    /// Whether the meter's battery is low.
    pub fn power_low(&self) -> bool {
        self.status & POWER_LOW != 0
    }
}

/// A maker's three letters out of its code.
pub fn manufacturer(code: u16) -> String {
    [code >> 10, code >> 5, code].map(|n| char::from((n & 0x1F) as u8 + 64)).iter().collect()
}

/// One telegram, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Telegram {
    /// Who answered.
    pub header: Header,
    /// Its records in order.
    pub records: Vec<Record>,
    /// More records follow in the next telegram.
    pub more: bool,
}

/// Decodes the user data of a reply.
///
/// # Errors
/// If the reply is an application error, is encrypted, or has a form that is not read here (data
/// with the high byte first, or the fixed structure of meters before 1997).
pub fn parse(control: u8, data: &[u8]) -> Result<Telegram, DeviceError> {
    let (header, records) = match (control, data) {
        (0x72, [i0, i1, i2, i3, m0, m1, version, medium, access, status, s0, s1, rest @ ..]) => {
            plain([*s0, *s1])?;
            let address = Secondary {
                identification: u32::from_le_bytes([*i0, *i1, *i2, *i3]),
                manufacturer: u16::from_le_bytes([*m0, *m1]),
                version: *version,
                medium: *medium,
            };
            (Header { address: Some(address), access: *access, status: *status }, rest)
        }
        (0x7A, [access, status, s0, s1, rest @ ..]) => {
            plain([*s0, *s1])?;
            (Header { address: None, access: *access, status: *status }, rest)
        }
        (0x78, rest) => (Header { address: None, access: 0, status: 0 }, rest),
        (0x72 | 0x7A, _) => {
            return Err(DeviceError::BadReply("a telegram shorter than its header"));
        }
        (0x70, [code, ..]) => return Err(failure(*code)),
        (0x70, []) => return Err(failure(0)),
        (0x73 | 0x77, _) => return Err(DeviceError::BadReply("fixed data structure is not read")),
        (0x76, _) => return Err(DeviceError::BadReply("high byte first is not read")),
        _ => return Err(DeviceError::BadReply("no telegram of a meter's data")),
    };
    // 01 is busy, 10 any error of the application.
    if matches!(header.status & 0x03, 1 | 2) {
        return Err(failure(if header.status & 0x03 == 1 { 8 } else { 0 }));
    }
    let (records, more) = record::records(records);
    Ok(Telegram { header, records, more })
}

/// The configuration word of a header must not tell of a known way of encryption. Meters from
/// before there was any have other things in its place.
fn plain(word: [u8; 2]) -> Result<(), DeviceError> {
    match word[1] & 0x1F {
        0 | 6 | 11 | 12 | 14.. => Ok(()),
        _ => Err(DeviceError::BadReply("an encrypted telegram; let the meter send plain ones")),
    }
}

fn failure(code: u8) -> DeviceError {
    let meaning = match code {
        1 => "unknown control information",
        2 => "buffer too long",
        3 => "too many records",
        4 => "premature end of a record",
        5 => "too many extensions of a data code",
        6 => "too many extensions of a value code",
        8 => "busy",
        9 => "too many readings",
        _ => "unspecified error",
    };
    DeviceError::DeviceFailure { code, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: [u8; 12] = [0x76, 0x00, 0x05, 0x21, 0x18, 0x4E, 0x00, 0x04, 0x21, 0x00, 0x00, 0x00];

    fn with(at: usize, byte: u8) -> [u8; 12] {
        let mut head = HEAD;
        head[at] = byte;
        head
    }

    #[test]
    fn the_header_tells_who_answered() {
        let telegram = parse(0x72, &HEAD).unwrap();
        let address = telegram.header.address.unwrap();
        assert_eq!(address.to_string(), "21050076184E0004");
        assert_eq!(manufacturer(address.manufacturer), "SPX");
        assert_eq!(medium(address.medium), "heat (volume measured in the return)");
        assert_eq!(telegram.header.error(), None);
        assert!(telegram.records.is_empty() && !telegram.more);
        assert!(parse(0x72, &with(11, 0xFF)).is_ok(), "the signature of an old meter");
    }

    #[test]
    fn what_is_no_plain_telegram_is_no_reading() {
        let failed = |code, meaning| DeviceError::DeviceFailure { code, meaning };
        assert_eq!(parse(0x72, &with(9, 0x01)), Err(failed(8, "busy")));
        assert_eq!(parse(0x72, &with(9, 0x02)), Err(failed(0, "unspecified error")));
        assert_eq!(parse(0x70, &[3]), Err(failed(3, "too many records")));
        for (control, data) in [
            (0x72, &HEAD[..11]),
            (0x72, &with(11, 0x05)[..]),
            (0x73, &HEAD[..]),
            (0x76, &HEAD[..]),
            (0x00, &HEAD[..]),
        ] {
            assert!(matches!(parse(control, data), Err(DeviceError::BadReply(_))), "{control:02X}");
        }
    }

    #[test]
    fn a_meter_in_error_still_tells_its_values_and_says_so() {
        assert_eq!(parse(0x72, &with(9, 0x08)).unwrap().header.error(), Some(8));
        assert_eq!(parse(0x72, &with(9, 0x10)).unwrap().header.error(), Some(16));
        let header = parse(0x72, &with(9, 0x04)).unwrap().header;
        assert_eq!((header.error(), header.power_low()), (None, true));
    }
}
