//! Values of points, and Rust's types for them.

use std::borrow::Cow;

/// A value of a point, a parameter or a table's cell.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Borrowed if it is a word of the code, which most are.
    Text(Cow<'static, str>),
}

impl Value {
    /// What sort of value it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a bool",
            Value::Int(_) => "a whole number",
            Value::Float(_) => "a number",
            Value::Text(_) => "a text",
        }
    }

    /// Whether it is anything but a number that is none or is infinite.
    pub(crate) fn is_finite(&self) -> bool {
        !matches!(self, Value::Float(f) if !f.is_finite())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(b) => b.fmt(f),
            Value::Int(i) => i.fmt(f),
            Value::Float(x) => x.fmt(f),
            Value::Text(t) => t.fmt(f),
        }
    }
}

/// How far a value can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Read just now and believed.
    Good,
    /// Has a value, with a caveat: substituted, limited, calibration due.
    Uncertain,
    /// The last good reading is too long ago. No value.
    Stale,
    /// No value: the device does not answer, or answered nonsense.
    Bad,
    /// Put in place by an operator.
    Manual,
}

impl Quality {
    /// By its place in the contract; one that is not known promises nothing.
    #[inline(always)]
    pub(crate) fn at(place: f64) -> Self {
        if place == 0.0 { Quality::Good } else { Self::not_good(place) }
    }

    // Not inlined wherever something is read.
    #[inline(never)]
    fn not_good(place: f64) -> Self {
        match place {
            1.0 => Quality::Uncertain,
            2.0 => Quality::Stale,
            4.0 => Quality::Manual,
            _ => Quality::Bad,
        }
    }

    /// Its place in the contract.
    pub(crate) fn place(self) -> f64 {
        match self {
            Quality::Good => 0.0,
            Quality::Uncertain => 1.0,
            Quality::Stale => 2.0,
            Quality::Bad => 3.0,
            Quality::Manual => 4.0,
        }
    }

    /// Whether it promises a value.
    pub(crate) fn has_value(self) -> bool {
        !matches!(self, Quality::Stale | Quality::Bad)
    }
}

/// A Rust type for the values of a point: `bool`, `i64`, `f64`, `String`, and every enum made by
/// [`words!`](crate::words).
pub trait PointValue: Sized {
    /// Shapes of roles in the manifest that it fits; any if there is none here.
    const SHAPES: &'static [&'static str] = &[];

    /// Whether [`from_number`](Self::from_number) knows every value of the type.
    const IS_NUMBER: bool = false;

    /// This number, if it is surely a value of the type: of a `bool` 0 or 1. What is none is read
    /// the long way, by [`from_value`](Self::from_value).
    fn from_number(_: f64) -> Option<Self> {
        None
    }

    /// This value, if it is of the type. Numbers are finite.
    fn from_value(value: &Value) -> Option<Self>;

    /// As the gateway takes it.
    fn into_value(self) -> Value;
}

impl PointValue for bool {
    const SHAPES: &'static [&'static str] = &["bool"];
    const IS_NUMBER: bool = true;

    fn from_number(number: f64) -> Option<Self> {
        match number {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::Bool(self)
    }
}

impl PointValue for i64 {
    const SHAPES: &'static [&'static str] = &["int"];

    fn from_number(number: f64) -> Option<Self> {
        // Beyond, a float does not tell all whole numbers apart.
        let is_exact = number.trunc() == number && number.abs() < 9_007_199_254_740_992.0;
        is_exact.then_some(number as i64)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(i) => Some(*i),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::Int(self)
    }
}

impl PointValue for f64 {
    const SHAPES: &'static [&'static str] = &["float", "int"];
    const IS_NUMBER: bool = true;

    fn from_number(number: f64) -> Option<Self> {
        number.is_finite().then_some(number)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(f) if f.is_finite() => Some(*f),
            Value::Int(i) => Some(*i as f64),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::Float(self)
    }
}

impl PointValue for String {
    const SHAPES: &'static [&'static str] = &["text"];

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(t) => Some(t.to_string()),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::Text(self.into())
    }
}

impl PointValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        value.is_finite().then(|| value.clone())
    }

    fn into_value(self) -> Value {
        self
    }
}

impl PointValue for &'static str {
    const SHAPES: &'static [&'static str] = &["text"];

    /// Words of the code only go to the gateway; read a `String`.
    fn from_value(_: &Value) -> Option<Self> {
        None
    }

    fn into_value(self) -> Value {
        Value::Text(self.into())
    }
}

/// Declares an enum whose variants are words: states of a point, choices of a parameter, a
/// plugin's own modes. It is saved by its word, so variants may be added and reordered later.
///
/// ```
/// use wellhead_sdk::prelude::*;
///
/// words! {
///     /// What electricity costs now.
///     #[derive(Default)]
///     pub enum Tariff {
///         Valley = "valley",
///         #[default]
///         Flat = "flat",
///         Peak = "peak",
///     }
/// }
///
/// assert_eq!(Tariff::Valley.word(), "valley");
/// assert_eq!(Tariff::from_word("peak"), Some(Tariff::Peak));
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $(
            $(#[$variant_meta])*
            #[doc = concat!("The word `", $word, "`.")]
            $variant
        ),+ }

        #[allow(dead_code, reason = "not every plugin uses every function")]
        impl $name {
            /// Every variant.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word for it.
            $vis const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The variant of this word.
            $vis fn from_word(word: &str) -> Option<Self> {
                // A loop: comparing with one word after the other is more code the more there are.
                Self::ALL.iter().copied().find(|variant| variant.word() == word)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.word())
            }
        }

        impl ::std::convert::AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.word()
            }
        }

        impl $crate::PointValue for $name {
            const SHAPES: &'static [&'static str] = &["text"];

            fn from_value(value: &$crate::Value) -> Option<Self> {
                match value {
                    $crate::Value::Text(text) => Self::from_word(text),
                    _ => None,
                }
            }

            fn into_value(self) -> $crate::Value {
                $crate::Value::Text(self.word().into())
            }
        }

        impl $crate::Cell for $name {
            const WANTED: &'static str = concat!("word of ", stringify!($name));

            fn from_cell(cell: &$crate::Value) -> Option<Self> {
                <Self as $crate::PointValue>::from_value(cell)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.word())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> Result<Self, D::Error> {
                let word = <&str as $crate::serde::Deserialize>::deserialize(from)?;
                Self::from_word(word).ok_or_else(|| $crate::serde::de::Error::custom("no such word"))
            }
        }
    };
}
