//! BACnet: where a device is, its objects, and what it tells of by itself.

use super::{Form, Half, Reader};
use crate::config::file::{DeviceTable, PointTable, TypeWord};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::config::resolve::At;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wellhead_bacnet::{Cov, DeviceAddress, DeviceSpec, ObjectId, PointSpec, Property, Timing};
use wellhead_model::Shape;

/// The standard port.
const PORT: u16 = 47808;
/// Subscribed points are polled all the same, but no faster than this by themselves.
const CHECK: Duration = Duration::from_secs(60);

struct Place {
    object: ObjectId,
    property: Property,
    cov: Option<Cov>,
    priority: Option<u8>,
}

pub(super) fn device(t: &DeviceTable, reader: &mut Reader<'_, '_>) -> Option<DeviceSpec> {
    let instance = reader.needs("instance", t.instance);
    let address = address(t, reader);
    let usual = Timing::default();
    let timing = Timing {
        response_timeout: t.response_timeout.map_or(usual.response_timeout, |d| d.0),
        retries: t.retries.unwrap_or(usual.retries),
        in_flight_max: t.in_flight_max.map_or(usual.in_flight_max, usize::from),
    };
    let poll = reader.defaults.poll;
    let place = |p: &PointTable, at: &At<'_>, findings: &mut Findings| {
        place(p, cov(t, p, p.poll.map_or(poll, |d| d.0)), at, findings)
    };
    let points = reader.points(place, point);
    let (name, instance) = (reader.name(), instance?);
    Some(DeviceSpec { name, instance, address, timing, properties_max: t.properties_max, points })
}

fn point(place: Place, half: Half) -> PointSpec {
    PointSpec {
        index: half.index,
        name: half.name,
        object: place.object,
        property: place.property,
        conversion: half.conversion,
        period: half.period,
        cov: place.cov,
        priority: place.priority,
        unit: half.unit,
    }
}

/// Where the device is; `None` asks for it.
fn address(t: &DeviceTable, reader: &mut Reader<'_, '_>) -> Option<DeviceAddress> {
    let ip = t.address.as_ref().and_then(|got| {
        let short = got.parse::<Ipv4Addr>().map(|ip| SocketAddrV4::new(ip, PORT));
        let parsed = short.or_else(|_| got.parse()).ok();
        if parsed.is_none() {
            reader.tell("address", Problem::BadBacnetAddress { got: got.clone() });
        }
        parsed
    });
    let mac = t.mac.as_ref().and_then(|got| {
        let parsed = hex(got).filter(|mac| (1..=7).contains(&mac.len()));
        if parsed.is_none() {
            reader.tell("mac", Problem::BadMac { got: got.clone() });
        }
        parsed
    });
    for (key, other) in [("network", "mac"), ("mac", "network")] {
        if reader.at.has(key) && !reader.at.has(other) {
            reader.tell(other, Problem::Missing { key: other.to_owned() });
        }
    }
    match (t.network, mac) {
        (Some(network), Some(mac)) => Some(DeviceAddress::Routed { network, mac, router: ip }),
        _ => ip.map(DeviceAddress::Ip),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

/// The subscription of a point that is polled this often.
fn cov(t: &DeviceTable, p: &PointTable, poll: Duration) -> Option<Cov> {
    let wanted = t.cov == Some(true) || p.cov_increment.is_some();
    wanted.then(|| Cov {
        confirmed: t.cov_confirmed.unwrap_or(true),
        increment: p.cov_increment,
        lifetime: t.cov_lifetime.map_or(Duration::from_secs(600), |d| d.0),
        check: t.cov_check.map_or((poll * 10).max(CHECK), |d| d.0),
    })
}

fn place(
    t: &PointTable,
    cov: Option<Cov>,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<(Form, Place)> {
    let text = t.object.as_deref();
    let object = super::address("object", "\"analog-input:3\"", text, at, findings);
    let property = match &t.property {
        Some(text) => super::parsed("property", text, at, findings),
        None => Some(Property::PRESENT_VALUE),
    };
    let (object, property): (ObjectId, Property) = (object?, property?);
    let known = Some(form(object)).filter(|_| property == Property::PRESENT_VALUE).flatten();
    let form = match (known, t.kind) {
        (Some(form), None) => form,
        (Some(form), Some(_)) => {
            findings.add(at.key("type"), Problem::NotForKind { key: "type", kind: form.kind });
            form
        }
        (None, Some(TypeWord::Bool)) => Form::of(Shape::Bool),
        (None, Some(TypeWord::Text)) => Form::of(Shape::Text),
        (None, Some(TypeWord::F32 | TypeWord::F64)) => {
            Form { error: Form::SINGLE, ..Form::of(Shape::Float) }
        }
        (None, Some(_)) => Form::of(Shape::Int),
        (None, None) => {
            if !at.has("type") {
                let object = format!("{object} {property}");
                findings.add(at.here(), Problem::NoObjectType { object });
            }
            return None;
        }
    };
    // Of other properties an object tells only with an increment (SubscribeCOVProperty).
    let cov = cov.filter(|c| property == Property::PRESENT_VALUE || c.increment.is_some());
    let gives_back = property == Property::PRESENT_VALUE && form.read_only.is_none();
    let form = Form { check: cov.map(|c| c.check), gives_back, ..form };
    Some((form, Place { object, property, cov, priority: t.priority }))
}

/// What the present value of an object is, by the standard's list of objects; `None` where only
/// the site knows.
fn form(object: ObjectId) -> Option<Form> {
    let whole = |min: f64, max: f64| Form { whole: Some((min, max)), ..Form::of(Shape::Int) };
    let single = || Form { error: Form::SINGLE, tells_unit: true, ..Form::of(Shape::Float) };
    let unsigned = f64::from(u32::MAX);
    let kind = match object.kind.0 {
        0 => "analog-input",
        3 => "binary-input",
        13 => "multi-state-input",
        23 => "accumulator",
        24 => "pulse-converter",
        _ => "",
    };
    let form = match object.kind.0 {
        0..=2 | 12 | 24 | 54 => single(),
        46 => Form { error: 0.0, ..single() },
        3..=5 => Form::of(Shape::Bool),
        // States count from 1.
        13 | 14 | 19 => whole(1.0, unsigned),
        23 | 48 => Form { tells_unit: true, ..whole(0.0, unsigned) },
        45 => Form { tells_unit: true, ..whole(f64::from(i32::MIN), f64::from(i32::MAX)) },
        40 => Form::of(Shape::Text),
        _ => return None,
    };
    Some(Form { read_only: (!kind.is_empty()).then_some(kind), ..form })
}
