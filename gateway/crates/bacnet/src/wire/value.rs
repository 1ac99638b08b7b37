//! Values of application types (clause 20.2).

use super::Malformed;
use super::tag::{self, Reader, Tag};
use super::text;
use crate::{ObjectId, ObjectType};

/// One value as it stands on the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing; written to relinquish a priority.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number from 0.
    Unsigned(u64),
    /// A whole number.
    Signed(i64),
    /// A single-precision number; may be NaN.
    Real(f32),
    /// A double-precision number; may be NaN.
    Double(f64),
    /// Bytes.
    Octets(Vec<u8>),
    /// Text.
    Text(String),
    /// Flags.
    Bits(Bits),
    /// One of a list of states.
    Enumerated(u32),
    /// Year since 1900, month, day, day of the week; 255 is "any".
    Date([u8; 4]),
    /// Hour, minute, second, hundredths; 255 is "any".
    Time([u8; 4]),
    /// An object's identifier.
    Object(ObjectId),
    /// Anything constructed or tagged by context: its bytes, tags included.
    Other(Vec<u8>),
}

/// A bit string: the first bit is the first of the standard's list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    /// With these bits set or not.
    pub fn new(bits: &[bool]) -> Self {
        let mut bytes = vec![0u8; bits.len().div_ceil(8)];
        for (i, _) in bits.iter().enumerate().filter(|(_, on)| **on) {
            bytes[i / 8] |= 0x80 >> (i % 8);
        }
        Self { bytes, len: bits.len() }
    }

    /// Number of bits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether bit `at` is set; one that was not sent is not.
    pub fn get(&self, at: usize) -> bool {
        at < self.len && self.bytes.get(at / 8).is_some_and(|b| b & (0x80 >> (at % 8)) != 0)
    }

    /// Reads the content of a bit string: unused bits of the last byte, then the bits.
    pub fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let bad = Malformed("a bit string of an impossible length");
        let (unused, bytes) = content.split_first().ok_or(bad.clone())?;
        let unused = usize::from(*unused);
        let len = (bytes.len() * 8).checked_sub(unused).filter(|_| unused < 8).ok_or(bad)?;
        Ok(Self { bytes: bytes.to_vec(), len })
    }

    /// The content of a bit string.
    pub fn encode(&self) -> Vec<u8> {
        let mut content = vec![(self.bytes.len() * 8 - self.len) as u8];
        content.extend_from_slice(&self.bytes);
        content
    }
}

/// The 32 bits of an object's identifier.
pub fn object_bits(object: ObjectId) -> u32 {
    u32::from(object.kind.0) << 22 | object.instance & 0x3F_FFFF
}

/// The object that a content of 4 bytes names.
pub(crate) fn object(content: &[u8]) -> Result<ObjectId, Malformed> {
    let bits: [u8; 4] =
        content.try_into().map_err(|_| Malformed("an object identifier that is not 4 bytes"))?;
    let bits = u32::from_be_bytes(bits);
    Ok(ObjectId { kind: ObjectType((bits >> 22) as u16), instance: bits & 0x3F_FFFF })
}

/// A number of exactly `N` bytes.
fn exact<const N: usize>(content: &[u8]) -> Result<[u8; N], Malformed> {
    content.try_into().map_err(|_| Malformed("a value of another length than its type"))
}

impl Value {
    /// Reads one value.
    pub fn read(reader: &mut Reader<'_>) -> Result<Value, Malformed> {
        let Some(tag) = reader.peek()? else { return Err(Malformed("a value is missing")) };
        let Tag::Application { number, len } = tag else {
            return Ok(Value::Other(reader.skip()?.to_vec()));
        };
        let content = reader.take()?.1;
        Ok(match number {
            0 if len == 0 => Value::Null,
            1 => Value::Boolean(len == 1),
            2 => Value::Unsigned(tag::unsigned(content)?),
            3 => Value::Signed(tag::signed(content)?),
            4 => Value::Real(f32::from_be_bytes(exact(content)?)),
            5 => Value::Double(f64::from_be_bytes(exact(content)?)),
            6 => Value::Octets(content.to_vec()),
            7 => Value::Text(text::decode(content)?),
            8 => Value::Bits(Bits::decode(content)?),
            9 => Value::Enumerated(tag::unsigned32(content)?),
            10 => Value::Date(exact(content)?),
            11 => Value::Time(exact(content)?),
            12 => Value::Object(object(content)?),
            _ => return Err(Malformed("a value of no known type")),
        })
    }

    /// The single value in `content`.
    pub fn only(content: &[u8]) -> Result<Value, Malformed> {
        let mut reader = Reader::new(content);
        let value = Self::read(&mut reader)?;
        reader.end()?;
        Ok(value)
    }

    /// Writes it with its tag.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(0),
            Value::Boolean(b) => tag::boolean(out, *b),
            Value::Unsigned(u) => tag::application(out, 2, &u.to_be_bytes()[tag::short(*u)..]),
            Value::Signed(i) => {
                let bytes = i.to_be_bytes();
                // The bytes whose absence the sign of the next one makes good.
                let fill = if *i < 0 { 0xFF } else { 0 };
                let spare = (0..7)
                    .take_while(|&n| bytes[n] == fill && (bytes[n + 1] ^ fill) & 0x80 == 0)
                    .count();
                tag::application(out, 3, &bytes[spare..]);
            }
            Value::Real(f) => tag::application(out, 4, &f.to_be_bytes()),
            Value::Double(f) => tag::application(out, 5, &f.to_be_bytes()),
            Value::Octets(bytes) => tag::application(out, 6, bytes),
            Value::Text(t) => tag::application(out, 7, &text::encode(t)),
            Value::Bits(bits) => tag::application(out, 8, &bits.encode()),
            Value::Enumerated(n) => {
                let n = u64::from(*n);
                tag::application(out, 9, &n.to_be_bytes()[tag::short(n)..]);
            }
            Value::Date(d) => tag::application(out, 10, d),
            Value::Time(t) => tag::application(out, 11, t),
            Value::Object(o) => tag::application(out, 12, &object_bits(*o).to_be_bytes()),
            Value::Other(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Its bytes, with the tag.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}
