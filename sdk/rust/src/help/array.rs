//! Arrays in a saved state, for `#[serde(with = "wellhead_sdk::help::array")]`.
//!
//! The bytes are those that serde writes of the array itself. It reads one in a piece of code for
//! every element, which makes two kilobytes of component of 24 numbers; here it is a loop.

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Writes every element.
pub fn serialize<S: Serializer, T: Serialize, const N: usize>(
    array: &[T; N],
    to: S,
) -> Result<S::Ok, S::Error> {
    let mut tuple = to.serialize_tuple(N)?;
    array.iter().try_for_each(|element| tuple.serialize_element(element))?;
    tuple.end()
}

/// Reads as many.
pub fn deserialize<'de, D, T, const N: usize>(from: D) -> Result<[T; N], D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    from.deserialize_tuple(N, Elements(PhantomData))
}

struct Elements<T, const N: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default, const N: usize> Visitor<'de> for Elements<T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<[T; N], A::Error> {
        let mut array = std::array::from_fn(|_| T::default());
        for (i, element) in array.iter_mut().enumerate() {
            match from.next_element()? {
                Some(read) => *element = read,
                None => return Err(A::Error::invalid_length(i, &self)),
            }
        }
        Ok(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Looped(#[serde(with = "super")] [Option<f32>; 3]);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Plain([Option<f32>; 3]);

    #[test]
    fn bytes_are_those_of_the_array_itself() {
        let array = [Some(1.5), None, Some(-2.0)];
        let bytes = postcard::to_extend(&Plain(array), Vec::new()).unwrap();
        assert_eq!(postcard::to_extend(&Looped(array), Vec::new()).unwrap(), bytes);
        assert_eq!(postcard::from_bytes::<Looped>(&bytes).unwrap(), Looped(array));
        assert!(postcard::from_bytes::<Looped>(&bytes[..bytes.len() - 1]).is_err());
    }
}
