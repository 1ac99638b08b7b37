//! Names. An id is what an installer says on the phone and what stands in a topic, so its
//! alphabet is small: lower-case letters, digits, `_`, `-` and `.`.

use std::fmt;
use std::sync::Arc;

/// Longest id, in bytes.
const ID_LEN_MAX: usize = 64;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("an id can't be empty")]
    Empty,
    /// More than 64 bytes.
    #[error("an id has at most 64 characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the alphabet.
    #[error("`{0}` can't stand in an id; use a-z, 0-9, `_`, `-` and `.`")]
    Character(char),
}

fn check(s: &str) -> Result<(), IdError> {
    if s.is_empty() {
        return Err(IdError::Empty);
    }
    if s.len() > ID_LEN_MAX {
        return Err(IdError::TooLong(s.len()));
    }
    match s.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_' | '-' | '.')) {
        Some(c) => Err(IdError::Character(c)),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes a name.
            pub fn new(s: &str) -> Result<Self, IdError> {
                check(s)?;
                Ok(Self(s.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

id! {
    /// Names a device within its site: `hp1`.
    DeviceId
}

id! {
    /// Names a point within its device: `supply_temp`. The whole name is `hp1/supply_temp`.
    PointId
}

/// Position of a point in its device's list. Samples carry this instead of names; it is valid for
/// one loaded configuration of that device only, and no other device's change moves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointIndex(pub u32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_break_a_topic_is_refused() {
        assert_eq!(DeviceId::new("hp/1"), Err(IdError::Character('/')));
        assert_eq!(DeviceId::new("hp#"), Err(IdError::Character('#')));
        assert_eq!(DeviceId::new("+"), Err(IdError::Character('+')));
        assert_eq!(DeviceId::new("热泵"), Err(IdError::Character('热')));
        assert_eq!(DeviceId::new(""), Err(IdError::Empty));
        assert_eq!(DeviceId::new(&"a".repeat(65)), Err(IdError::TooLong(65)));
        assert_eq!(DeviceId::new("hp-1.a_b").map(|d| d.to_string()), Ok("hp-1.a_b".into()));
    }
}
