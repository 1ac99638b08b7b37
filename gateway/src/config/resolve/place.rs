//! Outputs that share a place. Limits, safe value and interlocks are an output's own, so they
//! hold for a register only as long as no other output writes it too.

use super::At;
use super::line::LineFound;
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::site::Device;
use crate::registry::DeviceSpec;
use std::collections::BTreeMap;
use wellhead_bacnet::{ObjectId, Property};
use wellhead_modbus::{Encoding, PointSpec, Table};

/// What an output changes in its device.
enum Place {
    /// Registers from the first to the last, and which bits of each.
    Registers(Table, [u32; 2], u32),
    Property(ObjectId, Property),
}

impl Place {
    fn of_register(point: &PointSpec) -> Self {
        let first = u32::from(point.address);
        let last = first + u32::from(point.encoding.width().max(1)) - 1;
        let bits = match point.encoding {
            Encoding::Bit(Some(bit)) => 1u32.checked_shl(bit.into()).unwrap_or(0),
            Encoding::Bits(low, count) => (1u32.checked_shl(count.into()).unwrap_or(0))
                .wrapping_sub(1)
                .checked_shl(low.into())
                .unwrap_or(0),
            _ => u32::MAX,
        };
        Place::Registers(point.table, [first, last], bits)
    }

    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Place::Registers(t, [a, b], bits), Place::Registers(u, [c, d], others)) => {
                t == u && a <= d && c <= b && bits & others != 0
            }
            (Place::Property(o, p), Place::Property(q, r)) => o == q && p == r,
            _ => false,
        }
    }
}

/// Tells of two outputs that write one place, be it by one device or by two that lead to it.
pub(super) fn tell_shared(
    all: &At<'_>,
    lines: &[LineFound],
    devices: &[Device],
    findings: &mut Findings,
) {
    let mut written: BTreeMap<(&str, String), Vec<(Place, String)>> = BTreeMap::new();
    for device in devices {
        let Some(line) = lines.get(device.line) else { continue };
        let Some((_, _, station)) = device.spec.stations().into_iter().next() else { continue };
        for (name, key, place) in outputs(device) {
            let own = format!("{}/{name}", device.id);
            let others = written.entry((line.reaches(), station.clone())).or_default();
            if let Some((_, other)) = others.iter().find(|(p, _)| p.meets(&place)) {
                let other = other.clone();
                let at = all.child(device.id.as_str()).and_then(|d| d.child("point")?.child(name));
                findings.add(at.as_ref().unwrap_or(all).key(key), Problem::WrittenTwice { other });
            }
            others.push((place, own));
        }
    }
}

/// The outputs of a device: name, the key of the address, and what they change. Pins are told
/// apart by their driver's own check, and all other protocols only read.
fn outputs(device: &Device) -> Vec<(&str, &'static str, Place)> {
    let written = |index: wellhead_model::PointIndex| {
        device.points.get(index.0 as usize).is_some_and(|p| p.output.is_some())
    };
    match &device.spec {
        DeviceSpec::Modbus(spec) => {
            let points = spec.points.iter().filter(|p| written(p.index));
            let key = |p: &PointSpec| super::protocol::modbus::table_key(p.table);
            points.map(|p| (&*p.name, key(p), Place::of_register(p))).collect()
        }
        DeviceSpec::Bacnet(spec) => {
            let points = spec.points.iter().filter(|p| written(p.index));
            points.map(|p| (&*p.name, "object", Place::Property(p.object, p.property))).collect()
        }
        _ => Vec::new(),
    }
}
