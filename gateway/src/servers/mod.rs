//! The gateway as a device that other systems read, and may command through Control.

pub mod bacnet;
pub mod modbus;
