//! Register maps as vendors send them (CSV, by a spreadsheet) turned into device profiles.
//!
//! [`Sheet`] makes rows of the file's bytes, [`columns`] finds out which column is what, [`row`]
//! makes points, and [`words`] reads addresses, types, scales and rights as vendors write them, in
//! English and in Chinese. Nothing is guessed that changes a value: a row whose address or type can't be
//! understood is told with its line and left out.

mod columns;
mod doubled;
mod profile;
mod row;
mod said;
mod sheet;
mod words;
mod written;

pub use columns::{Column, parse as parse_columns};
pub use profile::{Head, Imported, Numbering, Remark, Settings, import};
pub use said::Said;
pub(crate) use sheet::guess_encoding;
pub use sheet::{Sheet, SheetError};
