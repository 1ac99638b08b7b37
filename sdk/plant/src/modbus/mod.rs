//! Modbus as a server speaks it. The frame loop is our own, because a plant must be able to
//! misbehave on the wire in ways no server library offers.

pub mod exchange;
pub mod frame;
pub mod line;
pub mod pdu;
