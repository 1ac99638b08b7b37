//! A stand-in for the gateway: runs a plugin in plain `cargo test`, in virtual time.
//!
//! It reads the plugin's own manifest, binds a point to every required role, fills parameters from
//! defaults and overrides, ticks at the manifest's period, and is as strict as the gateway: what a
//! call did takes effect only if it ended well, an output falls back when its time to live is over,
//! and a write to anything but an output, a value the manifest does not have and a number that is
//! none are refused.

#![expect(
    clippy::panic,
    reason = "a test that asks for what is not there should fail, and say why"
)]

mod clock;
mod host;
mod world;

pub use clock::Zone;
pub use host::{Builder, Host};
pub use world::{Line, Raised, Write};

/// A point by the role it is bound to: `"outdoor_temp"`, or `("unit_enable", 1)` for the second
/// of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At<'a> {
    role: &'a str,
    index: u32,
}

impl<'a> From<&'a str> for At<'a> {
    fn from(role: &'a str) -> Self {
        At { role, index: 0 }
    }
}

impl<'a> From<(&'a str, u32)> for At<'a> {
    fn from((role, index): (&'a str, u32)) -> Self {
        At { role, index }
    }
}
