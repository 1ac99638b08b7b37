//! Which keys mean something in which protocol.

use crate::config::file::Protocol;
use crate::config::file::Protocol::{
    Bacnet, Cjt188, Dlt645, Gpio, Hwmon, Iio, Mbus, Modbus, Onewire,
};
use crate::config::problem::Problem;
use crate::config::report::{Findings, Spot};
use crate::config::resolve::At;
use crate::config::resolve::line::PortKind;

type Keys<K> = &'static [(&'static str, &'static [K])];

/// Protocols of a serial line or a TCP connection.
const STREAM: &[Protocol] = &[Modbus, Mbus, Dlt645, Cjt188];
const ASKED: &[Protocol] = &[Modbus, Bacnet, Mbus, Dlt645, Cjt188];

/// Keys of a device that not every protocol understands.
pub(crate) fn device_keys() -> Keys<Protocol> {
    &[
        ("unit", &[Modbus]),
        ("turnaround", &[Modbus]),
        ("registers_max", &[Modbus]),
        ("bits_max", &[Modbus]),
        ("gap_max", &[Modbus]),
        ("instance", &[Bacnet]),
        ("address", &[Bacnet, Mbus, Dlt645, Cjt188]),
        ("network", &[Bacnet]),
        ("mac", &[Bacnet]),
        ("cov", &[Bacnet]),
        ("cov_confirmed", &[Bacnet]),
        ("cov_lifetime", &[Bacnet]),
        ("cov_check", &[Bacnet]),
        ("properties_max", &[Bacnet]),
        ("in_flight_max", &[Bacnet]),
        ("baud", STREAM),
        ("parity", STREAM),
        ("data_bits", STREAM),
        ("stop_bits", STREAM),
        ("pause", STREAM),
        ("late_window", STREAM),
        ("response_timeout", ASKED),
        ("telegrams_max", &[Mbus]),
        ("edition", &[Dlt645]),
        ("blocks", &[Dlt645]),
        ("preamble", &[Dlt645, Cjt188]),
        ("meter", &[Cjt188]),
        ("identifier", &[Cjt188]),
        ("unit_position", &[Cjt188]),
        ("master", &[Onewire]),
        ("believe_85", &[Onewire]),
        ("chip", &[Hwmon, Iio]),
    ]
}

/// Keys of a point that not every protocol understands.
pub(crate) fn point_keys() -> Keys<Protocol> {
    &[
        ("holding", &[Modbus]),
        ("input", &[Modbus]),
        ("coil", &[Modbus]),
        ("discrete", &[Modbus]),
        ("type", &[Modbus, Bacnet]),
        ("length", &[Modbus]),
        ("bit", &[Modbus]),
        ("bits", &[Modbus]),
        ("order", &[Modbus]),
        ("write_with", &[Modbus]),
        ("object", &[Bacnet]),
        ("property", &[Bacnet]),
        ("priority", &[Bacnet]),
        ("cov_increment", &[Bacnet]),
        ("record", &[Mbus]),
        ("item", &[Dlt645]),
        ("field", &[Cjt188]),
        ("sensor", &[Onewire]),
        ("depth", &[Onewire]),
        ("channel", &[Hwmon, Iio]),
        ("pin", &[Gpio]),
        ("as", &[Gpio]),
        ("active_low", &[Gpio]),
        ("debounce", &[Gpio]),
        ("bias", &[Gpio]),
    ]
}

/// Keys of a line that not every port understands.
pub(crate) fn port_keys() -> Keys<PortKind> {
    use PortKind::{Bacnet, Serial, Tcp};
    &[
        ("framing", &[Tcp]),
        ("connect_timeout", &[Tcp]),
        ("close_when_idle", &[Tcp]),
        ("baud", &[Serial]),
        ("parity", &[Serial]),
        ("data_bits", &[Serial]),
        ("stop_bits", &[Serial]),
        ("rs485", &[Serial]),
        ("broadcast", &[Bacnet]),
        ("bbmd", &[Bacnet]),
        ("bbmd_ttl", &[Bacnet]),
    ]
}

/// What tells one device from another of its type, and what it is for a profile by itself.
pub(crate) const IDENTITY: &[(Protocol, &str, Value)] = &[
    (Modbus, "unit", Value::Number(1)),
    (Bacnet, "instance", Value::Number(1)),
    (Mbus, "address", Value::Text("1")),
    (Dlt645, "address", Value::Text("000000000001")),
    (Cjt188, "address", Value::Text("00000000000001")),
];

/// A number or a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Number(i64),
    Text(&'static str),
}

/// What a device on such a line may speak that does not say so, by its keys and its points': those
/// that mean something there. Nothing if one of them is Modbus' own, or says nothing either way.
pub(crate) fn suggested(at: &At<'_>, line: PortKind) -> Vec<Protocol> {
    let points = at.child("point");
    let given = |key: &str| at.has(key);
    let of_device = device_keys().iter().filter(|(key, _)| given(key));
    let of_points = point_keys()
        .iter()
        .filter(|(key, _)| points.iter().flat_map(At::entries).any(|(_, point)| point.has(key)));
    let known = of_device.chain(of_points).map(|(_, of)| *of).filter(|of| *of != STREAM);
    let (own, foreign): (Vec<_>, Vec<_>) = known.partition(|of| of.contains(&Modbus));
    if foreign.is_empty() || own.contains(&&[Modbus][..]) {
        return Vec::new();
    }
    let all = line.protocols().iter().copied();
    all.filter(|p| foreign.iter().all(|of| of.contains(p))).collect()
}

/// Tells of keys that say nothing in this protocol.
pub(super) fn tell_foreign(
    at: &At<'_>,
    keys: Keys<Protocol>,
    protocol: Protocol,
    findings: &mut Findings,
) {
    for (key, of) in keys.iter().filter(|(_, of)| !of.contains(&protocol)) {
        if let Some(child) = at.child(key) {
            let of = match *of {
                of if of == STREAM => "protocols of serial lines".to_owned(),
                of => of.iter().map(|p| p.word()).collect::<Vec<_>>().join(", "),
            };
            let problem = Problem::KeyOfOtherProtocol { key, protocol: protocol.word(), of };
            findings.add(Spot::key(child.node, &child.path), problem);
        }
    }
}
