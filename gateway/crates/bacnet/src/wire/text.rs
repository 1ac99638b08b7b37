//! Character strings and their character sets (clause 20.2.9).

use super::Malformed;

/// What the first byte of a character string says.
mod set {
    pub(super) const UTF_8: u8 = 0;
    pub(super) const DBCS: u8 = 1;
    pub(super) const UCS_4: u8 = 3;
    pub(super) const UCS_2: u8 = 4;
    pub(super) const ISO_8859_1: u8 = 5;
}

/// Reads the content of a character string. Text that its own character set doesn't allow is an
/// error and never a guess. Devices that pad with NUL mean the text before it.
pub(crate) fn decode(content: &[u8]) -> Result<String, Malformed> {
    let (set, bytes) = content.split_first().ok_or(Malformed("text without a character set"))?;
    let bad = Malformed("text that its character set does not allow");
    let mut text = match *set {
        set::UTF_8 => std::str::from_utf8(bytes).map_err(|_| bad)?.to_owned(),
        set::DBCS => dbcs(bytes)?,
        set::UCS_4 => {
            let (units, rest) = bytes.as_chunks::<4>();
            let chars = units.iter().map(|u| char::from_u32(u32::from_be_bytes(*u)));
            rest.is_empty().then(|| chars.collect::<Option<String>>()).flatten().ok_or(bad)?
        }
        set::UCS_2 => {
            let (units, rest) = bytes.as_chunks::<2>();
            let chars = char::decode_utf16(units.iter().map(|u| u16::from_be_bytes(*u)));
            let text: Result<String, _> = chars.collect();
            if !rest.is_empty() {
                return Err(bad);
            }
            text.map_err(|_| bad)?
        }
        set::ISO_8859_1 => bytes.iter().map(|b| char::from(*b)).collect(),
        _ => return Err(Malformed("text of an unknown character set")),
    };
    text.truncate(text.trim_end_matches('\0').len());
    Ok(text)
}

/// Code page, two bytes, then the text in it.
fn dbcs(bytes: &[u8]) -> Result<String, Malformed> {
    let (page, text) = bytes.split_first_chunk::<2>().ok_or(Malformed("text without code page"))?;
    let encoding = match u16::from_be_bytes(*page) {
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1252 => encoding_rs::WINDOWS_1252,
        65001 => encoding_rs::UTF_8,
        _ => return Err(Malformed("text of an unknown code page")),
    };
    match encoding.decode_without_bom_handling_and_without_replacement(text) {
        Some(text) => Ok(text.into_owned()),
        None => Err(Malformed("text that its code page does not allow")),
    }
}

/// Writes the content of a character string: UTF-8, which every revision reads as long as it is
/// ASCII.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    let mut content = Vec::with_capacity(text.len() + 1);
    content.push(set::UTF_8);
    content.extend_from_slice(text.as_bytes());
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_in_every_character_set() {
        for (content, text) in [
            (&b"\x00AHU-1 \xE5\x9B\x9E\xE9\xA3\x8E"[..], "AHU-1 回风"),
            (&[1, 3, 0xA8, 0xB5, 0xD8, 0xC8, 0xC8, 0xB1, 0xC3], "地热泵"),
            (&[3, 0, 0, 0x56, 0xDE, 0, 1, 0xF5, 0x25], "回🔥"),
            (&[4, 0x56, 0xDE, 0x98, 0xCE, 0, 0x31], "回风1"),
            (&[5, b'Z', b'u', b'l', b'u', b'f', b't', b' ', 0xB0, b'C'], "Zuluft °C"),
            (b"\x00padded\x00\x00", "padded"),
            (&[0], ""),
        ] {
            assert_eq!(decode(content).as_deref(), Ok(text), "{content:x?}");
        }
    }

    #[test]
    fn text_that_its_character_set_does_not_allow_is_an_error() {
        for content in [
            &[][..],
            &[0, 0xC3, 0x28],
            &[1, 3],
            &[1, 3, 0xA8, 0xFF],
            &[1, 0, 0, b'a'],
            &[2, b'a', b'b'],
            &[3, 0, 0, 0],
            &[3, 0, 0x11, 0, 0],
            &[4, 0x56],
            &[4, 0xD8, 0],
            &[9, b'a'],
        ] {
            assert!(decode(content).is_err(), "{content:x?}");
        }
    }
}
