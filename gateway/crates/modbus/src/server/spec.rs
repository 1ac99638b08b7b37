//! What a server is. Plain data, checked by [`Image::new`](super::Image::new).

use crate::codec::Exception;
use crate::{Encoding, Table, WordOrder};
use std::time::Duration;
use wellhead_driver::Conversion;

/// A server as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSpec {
    /// The only unit that is answered, besides 0 and 255 by which TCP masters mean the server
    /// itself; other units get exception 11. `None` answers all.
    pub unit: Option<u8>,
    /// What a point without a value shows.
    pub on_bad: OnBad,
    /// Most connections at a time; one more is closed at once.
    pub clients_max: usize,
    /// A connection that asks nothing for this long is closed.
    pub idle_timeout: Duration,
    /// What function 43/14 tells.
    pub identity: Identity,
    /// What lies where.
    pub entries: Vec<EntrySpec>,
}

/// What a point without a value shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBad {
    /// The value that SunSpec reserves for "not available", so that a master that reads many
    /// points at once still gets the others: NaN for floats, 0x8000… for signed and 0xFFFF… for
    /// unsigned and BCD, empty text, 0 for bits, which have no room to say so.
    #[default]
    Sentinel,
    /// Exception 4 for every read that touches it.
    Exception,
}

/// What function 43/14 tells, ASCII; 32 characters of each are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Object 0.
    pub vendor: String,
    /// Object 1.
    pub product: String,
    /// Object 2.
    pub revision: String,
    /// Object 5: what this server is called.
    pub name: String,
}

/// One point on the map.
#[derive(Debug, Clone, PartialEq)]
pub struct EntrySpec {
    /// Its name, for messages.
    pub name: String,
    /// Address space.
    pub table: Table,
    /// Protocol address, counted from 0.
    pub address: u16,
    /// How the value lies there. Several single bits or groups of bits may share a register.
    pub encoding: Encoding,
    /// Byte order of several registers.
    pub order: WordOrder,
    /// Between the raw number in the registers and the point's value.
    pub conversion: Conversion,
    /// Whether masters may write it.
    pub writable: bool,
    /// Address of a register that tells its quality ([`quality_code`](super::quality_code)): an
    /// input register for points in input registers and discrete inputs, else a holding register.
    pub quality: Option<u16>,
}

/// Why a write was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Not this value.
    Value,
    /// Not this point, or not by masters.
    Address,
    /// The site is busy; the master may try again.
    Busy,
    /// It was tried and failed, or may not be now.
    Failed,
}

impl Denial {
    /// As the master is told.
    pub(super) fn exception(self) -> Exception {
        Exception(match self {
            Denial::Address => 2,
            Denial::Value => 3,
            Denial::Failed => 4,
            Denial::Busy => 6,
        })
    }
}
