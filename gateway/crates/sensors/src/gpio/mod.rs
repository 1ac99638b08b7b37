//! Contacts, relays and pulse inputs on GPIO lines, by the kernel's character device.
//!
//! - A **contact** (hand/auto switch, emergency stop) is told at its edge, however short it was:
//!   the kernel debounces and queues edges, and each becomes a reading. Wire an emergency stop as
//!   a closed contact that opens; then a broken wire reads as a stop too.
//! - A **relay** has its safe state from the moment its line is opened, and again when the driver
//!   ends. After a crash or `kill -9` the kernel gives the line back and the chip decides its
//!   level, so a relay whose loss matters needs a resistor that says the same as `safe`.
//! - A **counter** counts rising edges by the kernel's own numbering of them, so pulses that came
//!   faster than they were fetched are counted all the same. The count is kept in a file that is
//!   written at most once in [`SAVE_EVERY`], and when the driver ends: after a power cut or
//!   `kill -9` the pulses of that last time are missing. Pulses while the gateway does not run are
//!   never seen. The count does not roll over; a meter's own reading is set by the conversion's
//!   offset.
//!
//! A chip that can't interrupt offers no edges; its lines can't be contacts or counters here.

mod chip;
mod counts;
mod driver;
mod spec;
#[cfg(test)]
mod tests;

pub use counts::SAVE_EVERY;
pub use driver::{GpioDriver, check};
pub use spec::{Bias, DeviceSpec, Pin, PointSpec};
