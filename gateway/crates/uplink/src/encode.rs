//! Samples into JSON, by hand.
//!
//! A Pi encodes 15 000 samples a second in the largest job we promise, so this writes into one
//! buffer that is reused and allocates nothing per sample. Ids need no escaping: their alphabet
//! is smaller than JSON's.

use wellhead_model::{Point, PointIndex, Quality, Reason, Sample, Value};

/// Whole numbers up to here survive a reader that knows only doubles (RFC 8259 §6).
const INTEGER_MAX: u64 = 1 << 53;

/// How the samples of each point of a device begin: `{"p":"supply_temp","t":`. All in one piece of
/// memory, since fetching every name from its own costs more than encoding all the rest.
#[derive(Debug, Default)]
pub(crate) struct Beginnings {
    text: Box<[u8]>,
    /// Where each ends; the next begins there.
    ends: Box<[usize]>,
}

impl Beginnings {
    pub(crate) fn of(points: &[Point]) -> Self {
        let mut text = Vec::new();
        let end = |point: &Point| {
            text.extend_from_slice(br#"{"p":""#);
            text.extend_from_slice(point.id.as_str().as_bytes());
            text.extend_from_slice(br#"","t":"#);
            text.len()
        };
        let ends = points.iter().map(end).collect();
        Self { text: text.into(), ends }
    }

    fn get(&self, point: PointIndex) -> Option<&[u8]> {
        let i = point.0 as usize;
        let start = i.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..*self.ends.get(i)?)
    }
}

/// Writes the body of one data message: the JSON object **without its opening brace**, so that
/// the same bytes serve the live message (`{` + body) and the backlog's (`{"hist":true,` + body).
///
/// A sample of a point that has no beginning is an error: it can't be named.
pub(crate) fn batch(
    out: &mut Vec<u8>,
    beginnings: &Beginnings,
    boot: &str,
    seq: u64,
    synced: bool,
    samples: &[Sample],
) -> Result<(), PointIndex> {
    head(out, boot, seq);
    if !synced {
        out.extend_from_slice(br#","clock":"unsynced""#);
    }
    out.extend_from_slice(br#","samples":["#);
    for (i, s) in samples.iter().enumerate() {
        let beginning = beginnings.get(s.point()).ok_or(s.point())?;
        if i > 0 {
            out.push(b',');
        }
        sample(out, beginning, s);
    }
    out.extend_from_slice(b"]}");
    Ok(())
}

/// `"v":1,"boot":"…","seq":…`, which opens the body of every numbered message.
pub(crate) fn head(out: &mut Vec<u8>, boot: &str, seq: u64) {
    out.extend_from_slice(br#""v":1,"boot":"#);
    string(out, boot);
    out.extend_from_slice(br#","seq":"#);
    integer(out, seq);
}

fn sample(out: &mut Vec<u8>, beginning: &[u8], s: &Sample) {
    out.extend_from_slice(beginning);
    integer(out, s.time().0);
    out.extend_from_slice(br#","v":"#);
    match s.value() {
        Some(v) => value(out, v),
        None => out.extend_from_slice(b"null"),
    }
    if s.quality() != Quality::Good {
        out.extend_from_slice(br#","q":""#);
        out.extend_from_slice(s.quality().word().as_bytes());
        out.push(b'"');
    }
    if let Some(reason) = s.quality().reason() {
        out.extend_from_slice(br#","r":""#);
        out.extend_from_slice(reason.code().as_bytes());
        out.push(b'"');
        if let Reason::Refused(code) | Reason::DeviceFailure(code) | Reason::Faulty(code) = reason {
            out.extend_from_slice(br#","rc":"#);
            integer(out, code);
        }
    }
    out.push(b'}');
}

/// A value as JSON: whole numbers beyond ±2^53 as strings, floats with the fewest digits that
/// read back as the same number.
pub(crate) fn value(out: &mut Vec<u8>, v: &Value) {
    match v {
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(i) if i.unsigned_abs() <= INTEGER_MAX => integer(out, *i),
        Value::UInt(u) if *u <= INTEGER_MAX => integer(out, *u),
        Value::Int(i) => quoted_integer(out, *i),
        Value::UInt(u) => quoted_integer(out, *u),
        // `Value::Float` is finite by construction, which is what `format_finite` asks for.
        Value::Float(f) => {
            out.extend_from_slice(ryu::Buffer::new().format_finite(f.get()).as_bytes());
        }
        Value::Text(t) => string(out, t),
        // `Value` may grow: what has no form here yet goes out as its text.
        other => string(out, &other.to_string()),
    }
}

fn integer(out: &mut Vec<u8>, i: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(i).as_bytes());
}

fn quoted_integer(out: &mut Vec<u8>, i: impl itoa::Integer) {
    out.push(b'"');
    integer(out, i);
    out.push(b'"');
}

/// A JSON string (RFC 8259 §7): quotes, backslashes and control characters escaped, the rest as
/// UTF-8.
pub(crate) fn string(out: &mut Vec<u8>, s: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut plain = 0;
    let bytes = s.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        let short = match b {
            b'"' => b'"',
            b'\\' => b'\\',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[plain..i]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            out.extend_from_slice(b"00");
            out.push(HEX[usize::from(b >> 4)]);
            out.push(HEX[usize::from(b & 15)]);
        }
        plain = i + 1;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_points::points;
    use proptest::prelude::*;
    use wellhead_model::Timestamp;

    fn check(samples: &[Sample], synced: bool, expected: &str) {
        let mut out = vec![b'{'];
        let beginnings = Beginnings::of(&points(3));
        batch(&mut out, &beginnings, "12-9f3a61c2", 7, synced, samples).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_good_sample_is_short_and_a_bad_one_says_why() {
        let t = Timestamp(1_763_750_000_123);
        check(
            &[
                Sample::good(PointIndex(0), t, Value::float(44.1).unwrap()),
                Sample::bad(PointIndex(1), t, Reason::NoReply),
                Sample::bad(PointIndex(2), t, Reason::Refused(4)),
                Sample::manual(PointIndex(2), t, Value::Int(-3)),
            ],
            true,
            concat!(
                r#"{"v":1,"boot":"12-9f3a61c2","seq":7,"samples":["#,
                r#"{"p":"p0","t":1763750000123,"v":44.1},"#,
                r#"{"p":"p1","t":1763750000123,"v":null,"q":"bad","r":"no_reply"},"#,
                r#"{"p":"p2","t":1763750000123,"v":null,"q":"bad","r":"refused","rc":4},"#,
                r#"{"p":"p2","t":1763750000123,"v":-3,"q":"manual"}]}"#
            ),
        );
    }

    #[test]
    fn samples_of_an_unsynchronised_clock_are_marked() {
        check(
            &[],
            false,
            r#"{"v":1,"boot":"12-9f3a61c2","seq":7,"clock":"unsynced","samples":[]}"#,
        );
    }

    #[test]
    fn a_sample_of_an_unknown_point_is_refused() {
        let beginnings = Beginnings::of(&points(3));
        let s = Sample::bad(PointIndex(3), Timestamp(0), Reason::NoReply);
        assert_eq!(batch(&mut Vec::new(), &beginnings, "b", 1, true, &[s]), Err(PointIndex(3)));
    }

    fn json(v: &Value) -> serde_json::Value {
        let mut out = Vec::new();
        value(&mut out, v);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn whole_numbers_beyond_what_a_double_holds_are_strings() {
        assert_eq!(json(&Value::Int(1 << 53)), serde_json::json!(9_007_199_254_740_992_i64));
        assert_eq!(json(&Value::Int((1 << 53) + 1)), serde_json::json!("9007199254740993"));
        assert_eq!(json(&Value::Int(i64::MIN)), serde_json::json!("-9223372036854775808"));
        assert_eq!(json(&Value::UInt(u64::MAX)), serde_json::json!("18446744073709551615"));
    }

    proptest! {
        #[test]
        fn floats_read_back_as_the_same_number(f in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO) {
            let mut out = Vec::new();
            value(&mut out, &Value::float(f).unwrap());
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), f.to_bits());
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).unwrap().is_number());
        }

        #[test]
        fn any_text_survives(s in any::<String>()) {
            prop_assert_eq!(json(&Value::Text(s.as_str().into())), serde_json::Value::String(s));
        }
    }
}
