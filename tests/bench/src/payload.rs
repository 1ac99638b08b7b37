//! What a data message says about the fleet's replies, for each program under test.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// Topic prefix of the floor's messages; the device's number follows.
pub const FLOOR_PREFIX: &str = "bench/floor/";

/// One answer of a device, as it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The answer's number.
    pub number: u32,
    /// When the device answered, wall clock in µs.
    pub clock_us: u64,
}

/// One data message, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Backlog, not live.
    pub hist: bool,
    /// Values carried, of all points.
    pub values: u32,
    /// The answers they came from, in the order of the message.
    pub readings: Vec<Reading>,
}

/// The device's number at the end of a data topic such as `…/data/d012`.
#[must_use]
pub fn device(topic: &str) -> Option<usize> {
    topic.rsplit('/').next()?.strip_prefix('d')?.parse().ok()
}

/// Reads a message of the floor (raw registers) or of the gateway (JSON), told apart by topic.
///
/// # Errors
/// When the payload is not of that form, or its clocks and numbers do not pair up.
pub fn read(topic: &str, payload: &[u8]) -> Result<Message> {
    if topic.starts_with(FLOOR_PREFIX) { read_registers(payload) } else { read_json(payload) }
}

fn read_registers(payload: &[u8]) -> Result<Message> {
    let (clock, rest) = payload.split_first_chunk::<8>().context("no clock in the registers")?;
    let number = rest.first_chunk::<4>().context("no number in the registers")?;
    let reading =
        Reading { number: u32::from_be_bytes(*number), clock_us: u64::from_be_bytes(*clock) };
    Ok(Message { hist: false, values: payload.len() as u32 / 2, readings: vec![reading] })
}

fn read_json(payload: &[u8]) -> Result<Message> {
    let batch: Batch = serde_json::from_slice(payload).context("not a data message")?;
    let Samples { values, clocks, numbers } = batch.samples;
    ensure!(
        clocks.len() == numbers.len(),
        "{} clocks beside {} numbers in one message",
        clocks.len(),
        numbers.len()
    );
    let readings = clocks
        .into_iter()
        .zip(numbers)
        .map(|(clock_us, number)| Ok(Reading { number: u32::try_from(number)?, clock_us }))
        .collect::<Result<_>>()?;
    Ok(Message { hist: batch.hist, values, readings })
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default)]
    hist: bool,
    samples: Samples,
}

/// The samples of a batch, folded while they are read: one message holds thousands of values of
/// which two points matter.
#[derive(Default)]
struct Samples {
    values: u32,
    clocks: Vec<u64>,
    numbers: Vec<u64>,
}

impl<'de> Deserialize<'de> for Samples {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fold;
        impl<'de> Visitor<'de> for Fold {
            type Value = Samples;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an array of samples")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Samples, A::Error> {
                let mut samples = Samples::default();
                while let Some(sample) = seq.next_element::<Sample<'de>>()? {
                    match (sample.p, sample.v, sample.q) {
                        ("clock", Whole(Some(value)), None) => samples.clocks.push(value),
                        ("count", Whole(Some(value)), None) => samples.numbers.push(value),
                        _ => {}
                    }
                    samples.values += 1;
                }
                Ok(samples)
            }
        }
        deserializer.deserialize_seq(Fold)
    }
}

#[derive(Deserialize)]
struct Sample<'a> {
    p: &'a str,
    #[serde(default)]
    v: Whole,
    /// Absent when good: only a good sample is an answer, a stale one tells of an earlier answer.
    q: Option<IgnoredAny>,
}

/// A whole number, as a JSON number or (beyond 2^53) a string; any other value is none.
#[derive(Default)]
struct Whole(Option<u64>);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Whole;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(Some(value)))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Whole, E> {
                Ok(Whole(None))
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Whole, E> {
                Ok(Whole((value >= 0.0 && value.fract() == 0.0).then_some(value as u64)))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Whole, E> {
                Ok(Whole(value.parse().ok()))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Whole, E> {
                Ok(Whole(None))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Whole, E> {
                Ok(Whole(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Whole, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Whole(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Whole, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Whole(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_number_is_the_end_of_the_topic() {
        assert_eq!(device("wellhead/v1/bench/gw/data/d012"), Some(12));
        assert_eq!(device("bench/floor/d499"), Some(499));
        assert_eq!(device("wellhead/v1/bench/gw/status"), None);
    }

    #[test]
    fn floor_registers_give_clock_and_number() {
        let mut payload = vec![0, 6, 0x44, 0x2f, 0x3c, 0x11, 0x22, 0x33, 0, 0, 1, 2];
        payload.extend([0; 188]);
        let message = read("bench/floor/d001", &payload).unwrap();
        assert_eq!(message.values, 100);
        assert_eq!(message.readings, [Reading { number: 258, clock_us: 0x0006_442f_3c11_2233 }]);
    }

    #[test]
    fn gateway_batch_of_two_polls_gives_its_good_readings_in_order() {
        let payload = br#"{"hist":true,"v":1,"boot":"12-9f3a61c2","seq":3,"samples":[
            {"p":"clock","t":1,"v":1763750000123456},{"p":"count","t":1,"v":7},{"p":"r6","t":1,"v":1.5},
            {"p":"clock","t":2,"v":"9763750000123456"},{"p":"count","t":2,"v":8.0},
            {"p":"r6","t":2,"v":null,"q":"bad"},{"p":"r7","t":2,"v":-3},
            {"p":"clock","t":3,"v":1763750000123456,"q":"stale"},{"p":"count","t":3,"v":7,"q":"stale"}]}"#;
        let message = read("wellhead/v1/s/g/data/d000", payload).unwrap();
        assert!(message.hist);
        assert_eq!(message.values, 9);
        assert_eq!(
            message.readings,
            [
                Reading { number: 7, clock_us: 1_763_750_000_123_456 },
                Reading { number: 8, clock_us: 9_763_750_000_123_456 }
            ]
        );
    }

    #[test]
    fn clock_without_its_number_is_refused() {
        let payload = br#"{"samples":[{"p":"clock","t":1,"v":5}]}"#;
        assert!(read("wellhead/v1/s/g/data/d000", payload).is_err());
    }
}
