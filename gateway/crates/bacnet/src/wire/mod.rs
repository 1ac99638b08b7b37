//! BACnet on the wire: bytes in, messages out, and back. No I/O, no state.
//!
//! A datagram is a [`Frame`]; inside it is a [`Packet`]; inside that an [`Apdu`]; inside that the
//! parameters of a [`service`], whose values are [`Value`]s. Each layer borrows from the one
//! before. Of bacnet-rs the headers of BVLC and NPDU are used (`packet`), and the table of units;
//! what reads tags, values and services is our own (docs/decisions/bacnet-client.md says why).

mod apdu;
mod names;
mod packet;
pub mod service;
pub mod tag;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod value;

pub use apdu::{Apdu, Error, Segment, size_code};
pub use names::{abort_meaning, abort_reason, error_code, error_meaning, reject_meaning};
pub use packet::{ALL_NETWORKS, Content, DATAGRAM_MAX, Frame, Packet, Remote};
pub use tag::Reader;
pub use units::{unit, unit_name, unit_number};
pub use value::{Bits, Value, object_bits};

/// Bytes that are no BACnet message, and what they are instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);
