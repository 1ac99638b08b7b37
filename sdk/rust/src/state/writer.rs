//! Writes postcard, as small as its [reader](super::reader): what the crate of that name would put
//! into every field stands here once, behind calls, and its errors with their texts are left out.
//!
//! What the reader can't read is refused, and so is a list that does not know its length.

use serde::Serialize;
use serde::ser::{self, Serializer};

/// There is no way to write this. Which it was stands in the plugin's own type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no state that can be written")]
pub(crate) struct Unwritable;

impl ser::Error for Unwritable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Unwritable
    }
}

type Result<T = ()> = std::result::Result<T, Unwritable>;

/// What has been written.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    #[inline(never)]
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Seven bits a byte, the least first; the last byte has no eighth.
    #[inline(never)]
    fn whole(&mut self, mut number: u64) -> Result {
        while number >= 0x80 {
            self.raw(&[number as u8 | 0x80]);
            number >>= 7;
        }
        self.raw(&[number as u8]);
        Ok(())
    }

    /// The sign in the lowest bit.
    #[inline(never)]
    fn signed(&mut self, number: i64) -> Result {
        self.whole(((number << 1) ^ (number >> 63)) as u64)
    }

    #[inline(never)]
    fn byte(&mut self, byte: u8) -> Result {
        self.raw(&[byte]);
        Ok(())
    }

    #[inline(never)]
    fn float(&mut self, number: f64) -> Result {
        self.raw(&number.to_le_bytes());
        Ok(())
    }

    #[inline(never)]
    fn list(&mut self, bytes: &[u8]) -> Result {
        self.whole(bytes.len() as u64)?;
        self.raw(bytes);
        Ok(())
    }
}

/// Numbers of each width, written wide.
macro_rules! numbers {
    ($($serialize:ident $type:ty, $write:ident;)*) => {$(
        fn $serialize(self, number: $type) -> Result {
            self.$write(number.into())
        }
    )*};
}

impl Serializer for &mut Writer {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_bool bool, byte;
        serialize_u8 u8, byte;
        serialize_u16 u16, whole;
        serialize_u32 u32, whole;
        serialize_u64 u64, whole;
        serialize_i16 i16, signed;
        serialize_i32 i32, signed;
        serialize_i64 i64, signed;
        serialize_f64 f64, float;
    }

    fn serialize_i8(self, number: i8) -> Result {
        self.byte(number as u8)
    }

    fn serialize_f32(self, number: f32) -> Result {
        self.raw(&number.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, _: char) -> Result {
        Err(Unwritable)
    }

    fn serialize_str(self, text: &str) -> Result {
        self.list(text.as_bytes())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result {
        self.list(bytes)
    }

    fn serialize_none(self) -> Result {
        self.byte(0)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result {
        self.byte(1)?;
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, variant: u32, _: &'static str) -> Result {
        self.whole(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        value: &T,
    ) -> Result {
        self.whole(variant.into())?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self> {
        self.whole(length.ok_or(Unwritable)? as u64)?;
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self> {
        self.whole(variant.into())?;
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        variant: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self> {
        self.whole(variant.into())?;
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What stands one after another is written one after another, whatever holds it together.
macro_rules! parts {
    ($($what:ident $serialize:ident($($name:ty)?);)*) => {$(
        impl ser::$what for &mut Writer {
            type Ok = ();
            type Error = Unwritable;

            fn $serialize<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result {
                value.serialize(&mut **self)
            }

            fn end(self) -> Result {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq serialize_element();
    SerializeTuple serialize_element();
    SerializeTupleStruct serialize_field();
    SerializeTupleVariant serialize_field();
    SerializeStruct serialize_field(&'static str);
    SerializeStructVariant serialize_field(&'static str);
}

impl ser::SerializeMap for &mut Writer {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        let unlike = Err(Unwritable);
        assert_eq!('a'.serialize(&mut Writer::default()), unlike);
        assert_eq!(1_u128.serialize(&mut Writer::default()), unlike);
        let list = (&mut Writer::default()).serialize_seq(None).map(|_| ());
        assert_eq!(list, unlike);
    }
}
