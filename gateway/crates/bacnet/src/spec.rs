//! What a BACnet port, device and point are, as configuration says it. Plain data.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::Conversion;
use wellhead_model::PointIndex;

/// A UDP port of this machine on which BACnet/IP is spoken; all devices on it share one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortConfig {
    /// Address and port to bind; the standard port is 47808.
    pub bind: SocketAddrV4,
    /// Where broadcasts go: the network's broadcast address. All devices on it share one port.
    pub broadcast: Ipv4Addr,
    /// The BBMD of another network that passes broadcasts on to us.
    pub foreign: Option<Registration>,
}

/// Registration as a foreign device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The BBMD.
    pub bbmd: SocketAddrV4,
    /// Time to live; renewed at half of it.
    pub ttl: Duration,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DeviceAddress {
    /// Its UDP address.
    Ip(SocketAddrV4),
    /// Behind a router: its network number and its address there, 1 to 7 bytes.
    Routed {
        /// Network number, 1 to 65534.
        network: u16,
        /// Address on that network.
        mac: Vec<u8>,
        /// The router, where it is known; it is asked for otherwise.
        router: Option<SocketAddrV4>,
    },
}

/// Type of an object, as its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectType(pub u16);

/// Types of objects that hold points, with the standard's names.
const TYPES: [(u16, &str); 21] = [
    (0, "analog-input"),
    (1, "analog-output"),
    (2, "analog-value"),
    (3, "binary-input"),
    (4, "binary-output"),
    (5, "binary-value"),
    (6, "calendar"),
    (8, "device"),
    (12, "loop"),
    (13, "multi-state-input"),
    (14, "multi-state-output"),
    (17, "schedule"),
    (19, "multi-state-value"),
    (20, "trend-log"),
    (23, "accumulator"),
    (24, "pulse-converter"),
    (40, "character-string-value"),
    (45, "integer-value"),
    (46, "large-analog-value"),
    (48, "positive-integer-value"),
    (54, "lighting-output"),
];

impl ObjectType {
    /// A device itself.
    pub const DEVICE: ObjectType = ObjectType(8);
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match TYPES.iter().find(|(n, _)| *n == self.0) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// An object of a device; written `analog-input:3`, or with the type's number, `0:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// Its type.
    pub kind: ObjectType,
    /// Its instance number, 0 to 4194302.
    pub instance: u32,
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.instance)
    }
}

/// Text that names no object, property or address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SpecError(pub String);

impl FromStr for ObjectId {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let form = || SpecError(format!("`{text}` is no object; write `analog-input:3`"));
        let (kind, instance) = text.split_once([':', ',']).ok_or_else(form)?;
        // The standard writes it in one word.
        let named = kind.trim().replace("characterstring", "character-string");
        let kind = match TYPES.iter().find(|(_, name)| *name == named) {
            Some((n, _)) => *n,
            None => kind.trim().parse().ok().filter(|n| *n < 1024).ok_or_else(|| {
                let names: Vec<_> = TYPES.iter().map(|(_, name)| *name).collect();
                SpecError(format!("`{kind}` is no type of object; known: {}", names.join(", ")))
            })?,
        };
        let instance = instance.trim().parse().ok().filter(|n| *n < 4_194_303).ok_or_else(form)?;
        Ok(Self { kind: ObjectType(kind), instance })
    }
}

/// A property of an object, with the index into it where it is an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Property {
    /// Its number; 85 is present-value.
    pub id: u32,
    /// Element of an array, from 1; 0 is its length.
    pub index: Option<u32>,
}

impl Property {
    /// Present_Value.
    pub const PRESENT_VALUE: Property = Property { id: 85, index: None };
}

/// How a point learns of changes between polls.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cov {
    /// Whether each notification is acknowledged.
    pub confirmed: bool,
    /// Smallest change that is notified, where the point does not use the object's own; asks for
    /// SubscribeCOVProperty.
    pub increment: Option<f64>,
    /// How long a subscription lasts; it is renewed before.
    pub lifetime: Duration,
    /// How often the point is polled all the same, against lost notifications.
    pub check: Duration,
}

/// One point: a property of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSpec {
    /// Its place in the device's list.
    pub index: PointIndex,
    /// Its id, for messages.
    pub name: String,
    /// The object.
    pub object: ObjectId,
    /// The property; Present_Value nearly always.
    pub property: Property,
    /// From raw to value.
    pub conversion: Conversion,
    /// How often it is read.
    pub period: Duration,
    /// Subscription to changes, where it is wanted; polling is the fallback.
    pub cov: Option<Cov>,
    /// Priority of writes, 1 to 16, for a commandable object.
    pub priority: Option<u8>,
    /// The unit that the configuration gives; `None` takes the object's own.
    pub unit: Option<wellhead_model::Unit>,
}

/// The device's manners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Longest wait for a reply (APDU_Timeout).
    pub response_timeout: Duration,
    /// How often a request is sent again within one poll (Number_Of_APDU_Retries).
    pub retries: u32,
    /// Most requests on their way at once.
    pub in_flight_max: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self { response_timeout: Duration::from_secs(3), retries: 1, in_flight_max: 4 }
    }
}

/// A device as configured.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    /// Its id, for messages.
    pub name: String,
    /// Device instance, 0 to 4194302.
    pub instance: u32,
    /// Where it is; `None` asks by Who-Is.
    pub address: Option<DeviceAddress>,
    /// Manners.
    pub timing: Timing,
    /// Most properties in one ReadPropertyMultiple; 1 reads each by itself. `None` finds out.
    pub properties_max: Option<u16>,
    /// What it holds.
    pub points: Vec<PointSpec>,
}
