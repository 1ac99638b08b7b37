//! Reads postcard, in a third of the code that the crate of that name makes of the same types: what
//! it would put into every field stands here once, behind calls.
//!
//! What is not self-describing can't be skipped or guessed, so `any`, `map` and their like are
//! refused.

use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, SeqAccess, VariantAccess,
    Visitor,
};

/// The bytes are not what was asked for. Which it was is of no use to anybody: the plugin starts
/// anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such state")]
pub(crate) struct Unreadable;

impl de::Error for Unreadable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Unreadable
    }

    fn invalid_length(_: usize, _: &dyn de::Expected) -> Self {
        Unreadable
    }

    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Unreadable
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Unreadable
    }
}

type Result<T> = std::result::Result<T, Unreadable>;

/// What is left to be read.
#[derive(Debug)]
pub(crate) struct Reader<'de>(pub(crate) &'de [u8]);

impl<'de> Reader<'de> {
    #[inline(never)]
    fn take(&mut self, count: usize) -> Result<&'de [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline(never)]
    fn byte(&mut self) -> Result<u8> {
        let (first, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*first)
    }

    /// Seven bits a byte, the least first; the last byte has no eighth.
    #[inline(never)]
    fn whole(&mut self) -> Result<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    /// The sign in the lowest bit.
    #[inline(never)]
    fn signed(&mut self) -> Result<i64> {
        let number = self.whole()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline(never)]
    fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Unreadable),
        }
    }

    #[inline(never)]
    fn float(&mut self) -> Result<f64> {
        let bytes = self.take(8)?.try_into().map_err(|_| Unreadable)?;
        Ok(f64::from_le_bytes(bytes))
    }

    #[inline(never)]
    fn length(&mut self) -> Result<usize> {
        usize::try_from(self.whole()?).map_err(|_| Unreadable)
    }

    #[inline(never)]
    fn text(&mut self) -> Result<&'de str> {
        let length = self.length()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Unreadable)
    }
}

/// Numbers of each width: read wide, and refused if too large.
macro_rules! numbers {
    ($($deserialize:ident $visit:ident $read:ident;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(self.$read()?.try_into().map_err(|_| Unreadable)?)
        }
    )*};
}

macro_rules! refused {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
            Err(Unreadable)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    numbers! {
        deserialize_u8 visit_u8 byte;
        deserialize_u16 visit_u16 whole;
        deserialize_u32 visit_u32 whole;
        deserialize_u64 visit_u64 whole;
        deserialize_i16 visit_i16 signed;
        deserialize_i32 visit_i32 signed;
        deserialize_i64 visit_i64 signed;
    }

    refused! {
        deserialize_any deserialize_ignored_any deserialize_identifier deserialize_char
        deserialize_u128 deserialize_i128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(self.byte()? as i8)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let bytes = self.take(4)?.try_into().map_err(|_| Unreadable)?;
        visitor.visit_f32(f32::from_le_bytes(bytes))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let length = self.length()?;
        visitor.visit_borrowed_bytes(self.take(length)?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.flag()? { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.length()?;
        visitor.visit_seq(Items { reader: self, left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let left = self.length()?;
        visitor.visit_map(Items { reader: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Items { reader: self, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Fields(self))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Fields(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The fields of a struct. What serde derives asks for each once and never for another; that there
/// is always a next one spares it the code for a field too few, in every field.
struct Fields<'a, 'de>(&'a mut Reader<'de>);

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        seed.deserialize(&mut *self.0).map(Some)
    }
}

struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        // Not what a damaged length says: no item is smaller than a byte.
        Some(self.left.min(self.reader.0.len()))
    }
}

impl<'de> de::MapAccess<'de> for Items<'_, 'de> {
    type Error = Unreadable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'de> {
    type Error = Unreadable;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let variant = u32::try_from(self.whole()?).map_err(|_| Unreadable)?;
        let from: U32Deserializer<Unreadable> = variant.into_deserializer();
        Ok((seed.deserialize(from)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'de> {
    type Error = Unreadable;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Fields(self))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Fields(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Step {
        Off,
        Waiting(u32),
        Between(i64, bool),
        Held { since: u64, why: String },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Unit(f64);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct All {
        small: (u8, i8, u16, i16),
        large: (u32, i32, u64, i64),
        floats: (f32, f64),
        flag: bool,
        text: String,
        perhaps: Option<Box<All>>,
        list: Vec<Step>,
        units: [Unit; 3],
        map: std::collections::BTreeMap<String, u16>,
        nothing: (),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            Just(Step::Off),
            any::<u32>().prop_map(Step::Waiting),
            any::<(i64, bool)>().prop_map(|(a, b)| Step::Between(a, b)),
            (any::<u64>(), ".{0,9}").prop_map(|(since, why)| Step::Held { since, why }),
        ]
    }

    fn one() -> impl Strategy<Value = All> {
        let numbers = (any::<(u8, i8, u16, i16)>(), any::<(u32, i32, u64, i64)>());
        let floats = (-1e9f32..1e9, -1e300..1e300, -1e3..1e3);
        let lists = (prop::collection::vec(step(), 0..4), ".{0,9}", any::<bool>());
        let map = prop::collection::btree_map(".{0,3}", any::<u16>(), 0..4);
        (numbers, floats, lists, map).prop_map(|(numbers, floats, lists, map)| All {
            small: numbers.0,
            large: numbers.1,
            floats: (floats.0, floats.1),
            flag: lists.2,
            text: lists.1,
            perhaps: None,
            list: lists.0,
            units: [Unit(floats.2), Unit(0.0), Unit(-floats.2)],
            map,
            nothing: (),
        })
    }

    fn all() -> impl Strategy<Value = All> {
        (one(), prop::option::of(one()))
            .prop_map(|(outer, inner)| All { perhaps: inner.map(Box::new), ..outer })
    }

    proptest! {
        #[test]
        fn what_is_written_is_postcard_and_reads_back_whole(all in all()) {
            let mut writer = super::super::Writer::default();
            all.serialize(&mut writer).unwrap();
            let bytes = postcard::to_extend(&all, Vec::new()).unwrap();
            prop_assert_eq!(&writer.0, &bytes);
            let mut reader = Reader(&bytes);
            prop_assert_eq!(All::deserialize(&mut reader), Ok(all));
            prop_assert!(reader.0.is_empty());
        }

        #[test]
        fn damaged_bytes_read_as_postcard_reads_them(
            all in all(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let mut bytes = postcard::to_extend(&all, Vec::new()).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if cut {
                bytes.truncate(at);
            }
            let mut reader = Reader(&bytes);
            let read = All::deserialize(&mut reader).ok().map(|a| format!("{a:?}"));
            let known = postcard::from_bytes::<All>(&bytes).ok().map(|a| format!("{a:?}"));
            prop_assert_eq!(read, known);
        }
    }
}
