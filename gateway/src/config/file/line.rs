//! `[line.…]`: ports and sockets.

use crate::config::text::DurationText;
use schemars::JsonSchema;
use serde::Deserialize;

/// Where devices are reached: give one of `serial`, `tcp`, `bacnet`, `sysfs` and `gpio`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct LineTable {
    /// Host and port: "192.168.1.20:502".
    pub(in crate::config) tcp: Option<String>,
    /// For Modbus: "tcp" is Modbus TCP; "rtu" is RTU inside TCP, for transparent serial servers. Default
    /// "tcp".
    pub(in crate::config) framing: Option<FramingWord>,
    /// Longest wait for a connection. Default "3s".
    #[schemars(extend("x-min" = "10ms", "x-max" = "1min"))]
    pub(in crate::config) connect_timeout: Option<DurationText>,
    /// Close the session when nothing is due, so that other masters get their turn. Default
    /// false.
    pub(in crate::config) close_when_idle: Option<bool>,
    /// Device file of a serial port; best a stable name: "/dev/serial/by-id/…".
    #[schemars(length(min = 1))]
    pub(in crate::config) serial: Option<String>,
    /// Bits per second. Default 9600.
    #[schemars(range(min = 300, max = 4_000_000))]
    pub(in crate::config) baud: Option<u32>,
    /// Parity bit. Default "even", as Modbus and M-Bus have it.
    pub(in crate::config) parity: Option<ParityWord>,
    /// 7 or 8. Default 8.
    #[schemars(range(min = 7, max = 8))]
    pub(in crate::config) data_bits: Option<u8>,
    /// 1 or 2. Default 1.
    #[schemars(range(min = 1, max = 2))]
    pub(in crate::config) stop_bits: Option<u8>,
    /// Let the kernel switch the transceiver's direction. For UARTs of the board itself; USB
    /// adapters do it by themselves. Default false.
    pub(in crate::config) rs485: Option<bool>,
    /// Address and port of this machine on which BACnet/IP is spoken: "0.0.0.0:47808" for all its
    /// networks.
    pub(in crate::config) bacnet: Option<String>,
    /// Where BACnet broadcasts go: the network's broadcast address, "192.168.1.255". Default
    /// "255.255.255.255", which a machine with several networks sends into one of them.
    pub(in crate::config) broadcast: Option<String>,
    /// A BBMD of another network to register with as a foreign device: "10.0.0.1:47808".
    pub(in crate::config) bbmd: Option<String>,
    /// How long that registration lasts; it is renewed in time. Default "5min".
    #[schemars(extend("x-min" = "30s", "x-max" = "18h"))]
    pub(in crate::config) bbmd_ttl: Option<DurationText>,
    /// Root of the kernel's sensor files, for 1-Wire, hwmon and IIO: "/sys".
    #[schemars(length(min = 1))]
    pub(in crate::config) sysfs: Option<String>,
    /// A chip with contacts and relays: "/dev/gpiochip0".
    #[schemars(length(min = 1))]
    pub(in crate::config) gpio: Option<String>,
}

/// How requests are framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum FramingWord {
    Tcp,
    Rtu,
}

/// Parity bit of a serial port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::config) enum ParityWord {
    None,
    Even,
    Odd,
}
