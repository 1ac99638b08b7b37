//! Addresses, types, scales and rights as vendors write them.

use super::said::said;
use super::{Numbering, Said};
use wellhead_modbus::Table;

/// An address as it stands in a map, before it is known how the map counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) number: u32,
    /// The table that the address itself names.
    pub(super) table: Option<Table>,
    /// How the number is to be taken.
    pub(super) form: Form,
    /// `40010.3`
    pub(super) bit: Option<u8>,
}

/// How an address is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A plain decimal number, of so many digits; what it counts from is the map's.
    Plain(usize),
    /// Hexadecimal: counted from 0 everywhere.
    Hex,
    /// `4x0001`: table and number counted from 1.
    Tabled,
}

/// Reads an address; of a range (`40001-40002`) its first.
pub(super) fn address(text: &str) -> Result<Address, Said> {
    let why = || {
        said!(
            "`{text}` is no address: 40001, 4x0001, 0x10, 10H and 16 are",
            "`{text}` 不是地址；可写 40001、4x0001、0x10、10H 或 16"
        )
    };
    let t = text.to_ascii_lowercase();
    let first = t.split(['~', '～', '至']).next().unwrap_or(&t);
    let first = match first.split_once('-') {
        // `4-0001` names a table, `40001-40002` a range.
        Some((a, b)) if a.len() == 1 && b.len() > 1 => format!("{a}x{b}"),
        Some((a, _)) => a.to_owned(),
        None => first.to_owned(),
    };
    let first = first.trim();
    let (number, bit) = match first.rsplit_once(['.', ':', '/']) {
        Some((n, b)) => {
            let bit = b.trim_start_matches("bit").trim_start_matches('b').parse().ok();
            (n, Some(bit.filter(|b| *b < 16).ok_or_else(why)?))
        }
        None => (first, None),
    };
    let made = |number, table, form| Ok(Address { number, table, form, bit });
    if let Some(hex) = number.strip_prefix("0x").or_else(|| number.strip_suffix('h')) {
        return made(u32::from_str_radix(hex, 16).map_err(|_| why())?, None, Form::Hex);
    }
    if let Some((table, number)) = number.split_once('x') {
        let table = match table {
            "0" => Table::Coil,
            "1" => Table::Discrete,
            "3" => Table::Input,
            "4" => Table::Holding,
            _ => return Err(why()),
        };
        return made(number.parse().map_err(|_| why())?, Some(table), Form::Tabled);
    }
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return Err(why());
    }
    made(number.parse().map_err(|_| why())?, None, Form::Plain(number.len()))
}

/// Whether a plain number can be of the traditional kind, 40001 or 400001.
pub(super) fn traditional(address: &Address) -> Option<(Table, u32)> {
    let Form::Plain(digits @ (5 | 6)) = address.form else { return None };
    let thousands = 10u32.pow(digits as u32 - 1);
    let table = match address.number / thousands {
        0 => Table::Coil,
        1 => Table::Discrete,
        3 => Table::Input,
        4 => Table::Holding,
        _ => return None,
    };
    let number = address.number % thousands;
    Some((table, number.checked_sub(1)?))
}

/// The protocol address, counted from 0, and the table that the address names.
pub(super) fn place(a: &Address, numbering: Numbering) -> Result<(Option<Table>, u16), Said> {
    let from_one = |n: u32| {
        n.checked_sub(1).ok_or_else(|| {
            said!("counted from 1, there is no address 0", "地址从 1 起编号时没有地址 0")
        })
    };
    let (table, number) = match (a.form, numbering) {
        (Form::Hex, _) | (Form::Plain(_), Numbering::Zero) => (a.table, a.number),
        (Form::Tabled, _) | (Form::Plain(_), Numbering::One) => (a.table, from_one(a.number)?),
        (Form::Plain(_), Numbering::Traditional) => {
            let place = traditional(a).ok_or_else(|| {
                said!(
                    "no traditional number: 40001 is the first holding register",
                    "不是传统编号：40001 为首个保持寄存器"
                )
            })?;
            (Some(place.0), place.1)
        }
    };
    let number = u16::try_from(number)
        .map_err(|_| said!("{number} is beyond 65535", "{number} 超过 65535"))?;
    Ok((table, number))
}

/// The table that a function code or a word names.
pub(super) fn table(text: &str) -> Result<Table, Said> {
    let t = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| t.contains(w));
    if has(&["holding", "保持", "4x"]) {
        return Ok(Table::Holding);
    }
    if has(&["discrete", "离散", "1x"]) {
        return Ok(Table::Discrete);
    }
    if has(&["input", "输入寄存", "3x"]) {
        return Ok(Table::Input);
    }
    if t == "0x" || has(&["coil", "线圈"]) {
        return Ok(Table::Coil);
    }
    let numbers: Vec<u32> = t
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .filter_map(|n| n.parse().ok())
        .filter(|n| *n > 0)
        .collect();
    let tables = numbers.iter().filter_map(|n| match n {
        1 | 5 | 15 => Some(Table::Coil),
        2 => Some(Table::Discrete),
        4 => Some(Table::Input),
        3 | 6 | 16 | 22 => Some(Table::Holding),
        _ => None,
    });
    let tables: Vec<Table> = tables.collect();
    match tables.first() {
        Some(first) if tables.iter().all(|t| t == first) => Ok(*first),
        _ => Err(said!(
            "`{text}` is no function code or kind of register: 03, holding and 保持寄存器 are",
            "`{text}` 不是功能码或寄存器类型；可写 03、holding 或 保持寄存器"
        )),
    }
}

/// A type as profiles say it, and the order of bytes if the type names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) word: &'static str,
    pub(super) order: Option<&'static str>,
    /// For `bcd` and `text`: how many registers, if the word says so.
    pub(super) length: Option<u8>,
}

/// Reads a type; `registers` is how many the map says there are, which tells `int` from `long`.
pub(super) fn kind(text: &str, registers: Option<u8>) -> Result<Kind, Said> {
    let lower = text.to_lowercase();
    let order = order(&lower);
    let plain: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    let has = |words: &[&str]| words.iter().any(|w| plain.contains(w));
    let named = ["64", "32", "16"].into_iter().find(|n| plain.contains(n));
    let bits = named.and_then(|n| n.parse().ok()).or(registers.map(|n| 16 * u32::from(n)));
    let unsigned = has(&["unsigned", "无符号", "uint", "ulong", "ushort", "udint", "word"])
        || plain.starts_with('u') && plain[1..].starts_with(|c: char| c.is_ascii_digit());
    let word = if has(&["double", "lreal", "双精度"]) {
        "f64"
    } else if has(&["float", "real", "single", "浮点", "ieee"])
        || plain.starts_with('f') && bits.is_some()
    {
        match (named, bits) {
            (Some("16"), _) => {
                return Err(said!(
                    "`{text}` of 16 bits; floats have 32 or 64 here",
                    "`{text}` 为 16 位；这里的浮点数为 32 或 64 位"
                ));
            }
            (_, Some(64)) => "f64",
            _ => "f32",
        }
    } else if has(&["bcd"]) {
        "bcd"
    } else if has(&["string", "ascii", "char", "text", "字符", "文本"]) {
        "text"
    } else if has(&["bool", "coil", "开关量", "布尔", "线圈"])
        || matches!(&*plain, "bit" | "位" | "binary" | "digital")
    {
        "bool"
    } else if unsigned
        || has(&["int", "long", "short", "signed", "有符号", "整"])
        || plain.starts_with('s') && bits.is_some()
        || plain.strip_prefix('i').is_some_and(|size| named == Some(size))
    {
        // `dint` stands in "unsigned int" too.
        let long = has(&["long", "dword", "udint", "长整"]) || plain.starts_with("dint");
        let short = has(&["short", "短整"]);
        match (unsigned, bits.unwrap_or(if long && !short { 32 } else { 16 })) {
            (true, 16) => "u16",
            (true, 32) => "u32",
            (true, 64) => "u64",
            (false, 16) => "i16",
            (false, 32) => "i32",
            (false, 64) => "i64",
            (_, other) => {
                return Err(said!(
                    "`{text}` of {other} bits; there are 16, 32 and 64",
                    "`{text}` 为 {other} 位；只有 16、32 和 64 位"
                ));
            }
        }
    } else {
        return Err(said!(
            "`{text}` is no type: int16, UINT32, float and 浮点 are",
            "`{text}` 不是数据类型；可写 int16、UINT32、float 或 浮点"
        ));
    };
    let length = if matches!(word, "bcd" | "text") { registers } else { None };
    Ok(Kind { word, order, length })
}

/// The order of bytes that a text names.
pub(super) fn order(text: &str) -> Option<&'static str> {
    let t = text.to_lowercase();
    let plain: String = t.chars().filter(|c| c.is_alphanumeric()).collect();
    if let Some(known) = ["abcd", "cdab", "badc", "dcba"].into_iter().find(|o| plain.contains(o)) {
        return Some(known);
    }
    if ["wordswap", "swapped", "低字在前", "低位在前"].iter().any(|w| plain.contains(w)) {
        return Some("cdab");
    }
    None
}

/// Reads a factor: `0.1`, `0,1`, `×0.1`, `1/10`, `/10`, `10^-1`; and what stands behind it.
pub(super) fn scale(text: &str) -> Result<(f64, &str), Said> {
    let why = || {
        said!(
            "`{text}` is no factor: 0.1, 1/10, /10 and 10^-1 are",
            "`{text}` 不是系数；可写 0.1、1/10、/10 或 10^-1"
        )
    };
    let t = text.trim_start_matches(['x', 'X', '×', '*', ' ']);
    let end = t
        .find(|c: char| {
            !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '/' | '÷' | '^'))
        })
        .unwrap_or(t.len());
    // 1e-3 is a number, 0.1eV is not.
    let (number, rest) = match t[..].parse::<f64>() {
        Ok(_) => (t, ""),
        Err(_) => t.split_at(end),
    };
    let plain = |n: &str| n.replace(',', ".").parse::<f64>().ok().filter(|f| f.is_finite());
    let factor = if let Some((base, power)) = number.split_once('^') {
        plain(base)
            .zip(plain(power))
            .map(|(b, p)| if p < 0.0 { 1.0 / b.powf(-p) } else { b.powf(p) })
    } else if let Some((over, under)) = number.split_once(['/', '÷']) {
        let over = if over.is_empty() { Some(1.0) } else { plain(over) };
        over.zip(plain(under)).map(|(o, u)| o / u)
    } else {
        plain(number)
    };
    let factor = factor.filter(|f| f.is_finite() && *f != 0.0).ok_or_else(why)?;
    Ok((factor, rest.trim()))
}

/// Names of a value's numbers out of a remark: `0=off;1=on`, `0:关 1:开`, `0-停止 1-运行`; but not
/// `16-bit, 4-wire`. None if there are not two at least, or if one number or name stands for two.
pub(super) fn states(text: &str) -> Vec<(i64, String)> {
    /// What is longer is a sentence.
    const NAME_LEN_MAX: usize = 40;
    let ends = [';', '；', ',', '，', '、', '|', '。', ')', '）', '/', '\n'];
    let mut found: Vec<(i64, String)> = Vec::new();
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let before_it = rest[..at].chars().next_back().or(before);
        let tail = &rest[at..];
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, behind) = tail.split_at(digits);
        before = number.chars().next_back();
        rest = behind;
        // `Bit0: fault` and `1.0: V` number something else.
        let alone = before_it.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.' && c != '-');
        let (true, Some(name), Ok(number)) = (alone, state_name(behind), number.parse()) else {
            continue;
        };
        let end = name.find(ends).unwrap_or(name.len());
        // `0:关 1:开`: the next number ends it too.
        let next = next_pair(&name[..end]).unwrap_or(end);
        let name = name[..next].trim();
        if name.chars().count() > NAME_LEN_MAX
            || found.iter().any(|(n, known)| *n == number || known == name)
        {
            return Vec::new();
        }
        found.push((number, name.to_owned()));
    }
    if found.len() < 2 { Vec::new() } else { found }
}

/// What stands behind a number, if it names it.
fn state_name(behind: &str) -> Option<&str> {
    let behind = behind.trim_start();
    if let Some(name) = behind.strip_prefix(['=', ':', '：', '＝']) {
        return Some(name.trim_start()).filter(|n| n.starts_with(char::is_alphabetic));
    }
    let name = behind.strip_prefix(['-', '－', '—'])?.trim_start_matches(['-', '—', ' ']);
    Some(name).filter(|n| n.starts_with(|c: char| c.is_alphabetic() && !c.is_ascii()))
}

/// Where in a name the next pair of number and name begins.
fn next_pair(name: &str) -> Option<usize> {
    let digit = |(_, c): &(usize, char)| c.is_ascii_digit();
    let begins = |(i, _): &(usize, char)| {
        let own = name[..*i].chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric());
        let behind = name[*i..].trim_start_matches(|c: char| c.is_ascii_digit());
        !own && state_name(behind).is_some()
    };
    name.char_indices().filter(digit).find(begins).map(|(i, _)| i)
}

/// Whether masters may write it.
pub(super) fn writable(text: &str) -> bool {
    let t = text.to_lowercase();
    t.contains('w') || t.contains('写')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_every_usual_form() {
        let at = |text, numbering| {
            let a = address(text).unwrap();
            place(&a, numbering).map(|(table, number)| (table, number, a.bit))
        };
        use Numbering::{One, Traditional, Zero};
        let holding = Some(Table::Holding);
        assert_eq!(at("40001", Traditional), Ok((holding, 0, None)));
        assert_eq!(at("400123", Traditional), Ok((holding, 122, None)));
        assert_eq!(at("30010", Traditional), Ok((Some(Table::Input), 9, None)));
        assert_eq!(at("10001", Traditional), Ok((Some(Table::Discrete), 0, None)));
        assert_eq!(at("00005", Traditional), Ok((Some(Table::Coil), 4, None)));
        assert_eq!(at("40001-40002", Traditional), Ok((holding, 0, None)));
        assert_eq!(at("40010.3", Traditional), Ok((holding, 9, Some(3))));
        assert_eq!(at("40010.bit12", Traditional), Ok((holding, 9, Some(12))));
        for numbering in [Zero, One, Traditional] {
            assert_eq!(at("4x0001", numbering), Ok((holding, 0, None)));
            assert_eq!(at("3X0100", numbering), Ok((Some(Table::Input), 99, None)));
            assert_eq!(at("0x10", numbering), Ok((None, 16, None)));
            assert_eq!(at("001AH", numbering), Ok((None, 26, None)));
        }
        assert_eq!(at("4-0001", Zero), Ok((holding, 0, None)));
        assert_eq!(at("100", Zero), Ok((None, 100, None)));
        assert_eq!(at("100", One), Ok((None, 99, None)));
        assert!(at("0", One).is_err());
        assert!(at("50001", Traditional).is_err());
        assert!(at("40000", Traditional).is_err());
        assert!(at("70000", Zero).is_err());
        for wrong in ["", "abc", "-1", "4.99", "0xZZ", "7x0001", "12 34", "1.16"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_type_is_known_by_the_word_that_profiles_have_for_it() {
        for word in ["i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64", "bcd", "text", "bool"]
        {
            assert_eq!(kind(word, None).map(|k| k.word), Ok(word));
        }
        for wrong in ["f16", "float16", "i8", "i128", "ideal"] {
            assert!(kind(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn types_are_read_in_every_usual_word() {
        for (words, expected) in [
            (&["INT16", "int", "S16", "short", "signed 16", "有符号16位整数", "整型"][..], "i16"),
            (
                &["UINT16", "WORD", "u16", "unsigned int", "USHORT", "无符号整型", "16位无符号"],
                "u16",
            ),
            (&["INT32", "long", "DINT", "S32", "32位有符号", "长整型"], "i32"),
            (&["UINT32", "DWORD", "unsigned long", "U32", "UDINT", "无符号32位"], "u32"),
            (&["INT64", "s64"], "i64"),
            (&["UINT64", "u64"], "u64"),
            (&["FLOAT", "float32", "REAL", "F32", "浮点", "单精度浮点数", "IEEE754"], "f32"),
            (&["DOUBLE", "float64", "LREAL", "双精度"], "f64"),
            (&["BOOL", "bit", "开关量", "布尔"], "bool"),
            (&["BCD", "BCD16"], "bcd"),
            (&["STRING", "ascii", "字符串"], "text"),
        ] {
            for word in words {
                assert_eq!(kind(word, None).map(|k| k.word), Ok(expected), "{word}");
            }
        }
        assert_eq!(kind("int", Some(2)).unwrap().word, "i32");
        assert_eq!(kind("unsigned", Some(4)).unwrap().word, "u64");
        assert_eq!(kind("float CDAB", None).unwrap().order, Some("cdab"));
        assert_eq!(kind("String", Some(8)).unwrap().length, Some(8));
        for wrong in ["", "?", "enum"] {
            assert!(kind(wrong, None).is_err(), "{wrong}");
        }
        assert!(kind("int", Some(3)).is_err(), "48 bits");
    }

    #[test]
    fn factors_are_read_in_every_usual_form() {
        for (text, factor, rest) in [
            ("0.1", 0.1, ""),
            ("0,01", 0.01, ""),
            ("×0.1", 0.1, ""),
            ("1/10", 0.1, ""),
            ("/100", 0.01, ""),
            ("÷10", 0.1, ""),
            ("10^-1", 0.1, ""),
            ("1e-3", 0.001, ""),
            ("0.1℃", 0.1, "℃"),
            ("-1", -1.0, ""),
            ("10", 10.0, ""),
        ] {
            assert_eq!(scale(text), Ok((factor, rest)), "{text}");
        }
        for wrong in ["", "ten", "0", "1/0", "1/2/3"] {
            assert!(scale(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_numbers_are_read_out_of_remarks() {
        for (text, expected) in [
            ("0=off;1=on", &[(0, "off"), (1, "on")][..]),
            ("0:关 1:开", &[(0, "关"), (1, "开")]),
            ("0：停止，1：运行，2：故障", &[(0, "停止"), (1, "运行"), (2, "故障")]),
            ("运行状态（0-停机/1-制冷/2-制热）", &[(0, "停机"), (1, "制冷"), (2, "制热")]),
            ("Mode: 1 = Cooling, 2 = Heating", &[(1, "Cooling"), (2, "Heating")]),
            ("0 stop", &[]),
            ("0=stopped 1=running, no fault", &[(0, "stopped"), (1, "running")]),
            ("0:关1:开", &[(0, "关"), (1, "开")]),
            ("0-100 %", &[]),
            ("0=off", &[]),
            ("0=off; 0=on", &[]),
            ("0=on; 1=on", &[]),
            ("Bit0: fault, Bit1: alarm", &[]),
            ("16-bit, 4-wire", &[]),
            ("Version 1: new; 2 wires", &[]),
            ("", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(n, s)| (*n, (*s).to_owned())).collect();
            assert_eq!(states(text), expected, "{text}");
        }
    }

    #[test]
    fn tables_and_rights_are_read_in_words_and_numbers() {
        for (text, expected) in [
            ("03", Table::Holding),
            ("FC04", Table::Input),
            ("0x03", Table::Holding),
            ("03/06/16", Table::Holding),
            ("01,05", Table::Coil),
            ("Input Register", Table::Input),
            ("Holding", Table::Holding),
            ("保持寄存器", Table::Holding),
            ("输入寄存器", Table::Input),
            ("线圈", Table::Coil),
            ("Discrete Input", Table::Discrete),
        ] {
            assert_eq!(table(text), Ok(expected), "{text}");
        }
        assert!(table("99").is_err() && table("03/04").is_err());
        for (text, expected) in [
            ("R/W", true),
            ("RW", true),
            ("读写", true),
            ("可写", true),
            ("R", false),
            ("只读", false),
            ("RO", false),
        ] {
            assert_eq!(writable(text), expected, "{text}");
        }
    }
}
