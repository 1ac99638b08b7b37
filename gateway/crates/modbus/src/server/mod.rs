//! The gateway as a Modbus server: chosen points on a register map, for a building's management
//! system or a touch panel.
//!
//! [`ServerSpec`] says what lies where; [`Image`] checks it and holds what the registers show;
//! [`serve`] answers masters over TCP. Functions 1 to 6, 15, 16, 22, 23 and device identification
//! (43/14) are answered, all others with exception 1.
//!
//! - **A value is read whole or not at all.** A request must begin and end at values of the map; one
//!   that cuts a value, or touches an address where nothing lies, gets exception 2. So a float is
//!   never half old and half new, and an address that is off by one is noticed at once.
//! - **A point without a value never shows an old one.** What it shows instead is the server's
//!   choice ([`OnBad`]), and a quality register beside it can say more.
//! - **A write only asks.** It leaves here as a [`Command`], and the master is told what came of it;
//!   the registers show the point's own value, never what somebody wished. A request that writes
//!   several points is checked as a whole first, but carried out point by point: if one is refused
//!   after others were taken, the master gets the exception and the others stand.
//!
//! It knows no hub and no configuration file, and decides about no write.

mod image;
mod request;
mod space;
mod spec;
mod tcp;

pub use image::{Image, Reply, quality_code};
pub use spec::{Denial, EntrySpec, Identity, OnBad, ServerSpec};
pub use tcp::{Command, serve};
