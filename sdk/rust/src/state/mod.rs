//! What survives a restart: postcard behind the version of its layout.

mod reader;
mod writer;

use reader::Reader;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use writer::{Unwritable, Writer};

/// What a plugin keeps over restarts, updates and power cuts: its hours, budgets, timers, modes.
///
/// Saved as postcard, which does not name fields: a struct whose fields changed is another layout,
/// and must get another [`State::VERSION`]. A `char`, a 128-bit number and a list that does not know
/// its length can't be saved; the log says so then, and a restart begins with the default.
///
/// ```
/// use wellhead_sdk::prelude::*;
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Hours { pump: HourCounter, unit: HourCounter }
///
/// // Version 1 counted only the pump.
/// impl State for Hours {
///     const VERSION: u32 = 2;
///
///     fn migrate(version: u32, saved: Older<'_>) -> Option<Self> {
///         match version {
///             1 => Some(Hours { pump: saved.read()?, ..Self::default() }),
///             _ => None,
///         }
///     }
/// }
/// # use wellhead_sdk::Older;
/// ```
pub trait State: Serialize + DeserializeOwned + Default {
    /// The version of this layout. Raise it whenever a field is added, removed or moved.
    const VERSION: u32;

    /// Makes the state of what another version saved; none if it can't, and the plugin starts with
    /// the default. [`Init::restored`](crate::Init::restored) tells what happened.
    fn migrate(version: u32, saved: Older<'_>) -> Option<Self> {
        let _ = (version, saved);
        None
    }
}

impl State for () {
    const VERSION: u32 = 0;
}

/// What another version of a plugin saved.
#[derive(Debug, Clone, Copy)]
pub struct Older<'a>(&'a [u8]);

impl Older<'_> {
    /// Reads it as the struct that it was.
    pub fn read<T: DeserializeOwned>(self) -> Option<T> {
        let mut reader = Reader(self.0);
        let state = T::deserialize(&mut reader).ok()?;
        reader.0.is_empty().then_some(state)
    }
}

/// What became of the saved state at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// Nothing was saved: the first start.
    Fresh,
    /// It was of this version.
    Same,
    /// It was of another version and was carried over.
    Migrated {
        /// The version that saved it.
        from: u32,
    },
    /// It could not be read, and the default took its place.
    Lost {
        /// The version that saved it, if at least that could be read.
        from: Option<u32>,
    },
}

pub(crate) fn encode<S: State>(state: &S) -> Result<Vec<u8>, Unwritable> {
    let mut writer = Writer::default();
    S::VERSION.serialize(&mut writer)?;
    state.serialize(&mut writer)?;
    Ok(writer.0)
}

pub(crate) fn decode<S: State>(saved: Option<&[u8]>) -> (S, Restored) {
    let Some(saved) = saved.filter(|s| !s.is_empty()) else {
        return (S::default(), Restored::Fresh);
    };
    let mut reader = Reader(saved);
    let Ok(from) = u32::deserialize(&mut reader) else {
        return (S::default(), Restored::Lost { from: None });
    };
    let state = if from == S::VERSION {
        Older(reader.0).read().map(|s| (s, Restored::Same))
    } else {
        S::migrate(from, Older(reader.0)).map(|s| (s, Restored::Migrated { from }))
    };
    state.unwrap_or_else(|| (S::default(), Restored::Lost { from: Some(from) }))
}
