//! What each protocol needs to know of its devices and points, out of the keys of a file. Each
//! module turns tables into its driver's specification; what is the same for all of them stands
//! here and in `device` and `point`.

mod bacnet;
mod contacts;
mod kernel;
mod keys;
mod meters;
pub(super) mod modbus;

pub(super) use keys::{IDENTITY, Value, device_keys, point_keys, port_keys, suggested};

use super::At;
use super::device::OutputFound;
use super::line::LineFound;
use super::point::{self, Defaults};
use crate::config::file::{DeviceTable, ParityWord, PointTable, Protocol};
use crate::config::problem::Problem;
use crate::config::report::Findings;
use crate::registry::DeviceSpec;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;
use wellhead_driver::{Conversion, Parity, SerialMode};
use wellhead_model::{DeviceId, Output, Point, PointId, PointIndex, Shape, Unit};

/// How a protocol finds a value, as far as the rest of the configuration depends on it.
pub(super) struct Form {
    /// What it holds, before states and scaling.
    pub(super) shape: Shape,
    /// The protocol's word for that, for messages.
    pub(super) kind: &'static str,
    /// Smallest and largest number, where it holds whole numbers only.
    pub(super) whole: Option<(f64, f64)>,
    /// Size in bits, where a number may be written with the wrong sign.
    pub(super) bits: Option<u16>,
    /// Relative error of a number that was written and read back.
    pub(super) error: f64,
    /// What it is, if that can't be written.
    pub(super) read_only: Option<&'static str>,
    /// Whether a value that was written can be taken back, so that the device decides.
    pub(super) gives_back: bool,
    /// The unit that the protocol fixes.
    pub(super) unit: Option<Unit>,
    /// Whether the device tells its unit at run time.
    pub(super) tells_unit: bool,
    /// How often it is read, where changes are told besides.
    pub(super) check: Option<Duration>,
}

impl Form {
    /// What 24 bits of a float lose.
    pub(super) const SINGLE: f64 = 1e-6;

    pub(super) fn of(shape: Shape) -> Self {
        let kind = match shape {
            Shape::Bool => "bool",
            Shape::Int => "whole number",
            Shape::Float => "number",
            Shape::Text => "text",
        };
        Self {
            shape,
            kind,
            whole: (shape == Shape::Bool).then_some((0.0, 1.0)),
            bits: None,
            error: 0.0,
            read_only: None,
            gives_back: false,
            unit: None,
            tells_unit: false,
            check: None,
        }
    }

    /// Whether the value can be this number.
    pub(super) fn holds(&self, number: f64) -> bool {
        self.whole.is_none_or(|(min, max)| number.fract() == 0.0 && (min..=max).contains(&number))
    }
}

/// What a driver is told of a point, whatever its protocol.
pub(super) struct Half {
    pub(super) index: PointIndex,
    pub(super) name: String,
    pub(super) conversion: Conversion,
    pub(super) period: Duration,
    /// The unit that the file gives.
    pub(super) unit: Option<Unit>,
    pub(super) output: Option<Output>,
}

/// Reads a device's points, and tells what is wrong with the device itself.
pub(super) struct Reader<'a, 'f> {
    pub(super) id: &'f DeviceId,
    pub(super) at: &'f At<'a>,
    pub(super) defaults: Defaults,
    pub(super) chosen: Vec<(&'a str, At<'a>)>,
    pub(super) protocol: Protocol,
    /// Whether a profile is checked by itself, so that nothing is an output.
    pub(super) alone: bool,
    pub(super) points: Vec<Point>,
    pub(super) watchdogs: Vec<(PointId, String)>,
    pub(super) outputs: &'f mut Vec<OutputFound>,
    pub(super) findings: &'f mut Findings,
}

impl Reader<'_, '_> {
    pub(super) fn name(&self) -> String {
        self.id.to_string()
    }

    pub(super) fn tell(&mut self, key: &str, problem: Problem) {
        self.findings.add(self.at.key(key), problem);
    }

    /// A key that this protocol can't do without.
    fn needs<T>(&mut self, key: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.at.has(key) {
            self.tell(key, Problem::Missing { key: key.to_owned() });
        }
        value
    }

    /// The text of a key, taken apart.
    fn text<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        text: Option<&str>,
    ) -> Option<T> {
        parsed(key, text?, self.at, self.findings)
    }

    /// Speed and parity, if the device has its own: each key that it does not give is the line's.
    fn mode(&mut self, t: &DeviceTable, line: &LineFound) -> Option<SerialMode> {
        let keys = ["baud", "parity", "data_bits", "stop_bits"];
        let given = keys.into_iter().filter(|k| self.at.has(k)).collect::<Vec<_>>();
        if given.is_empty() {
            return None;
        }
        let Some(usual) = line.mode else {
            let port = line.kind.map_or("tcp", |k| k.word());
            for key in given.into_iter().filter(|_| line.kind.is_some()) {
                self.tell(key, Problem::KeyOfOtherPort { key: key.to_owned(), port });
            }
            return None;
        };
        let own = SerialMode {
            baud: t.baud.unwrap_or(usual.baud),
            data_bits: t.data_bits.unwrap_or(usual.data_bits),
            parity: t.parity.map_or(usual.parity, parity),
            stop_bits: t.stop_bits.unwrap_or(usual.stop_bits),
        };
        (own != usual).then_some(own)
    }

    /// Reads all points: `place` is what the protocol alone knows of one, `spec` puts that and the
    /// rest together.
    fn points<A, S>(
        &mut self,
        place: impl Fn(&PointTable, &At<'_>, &mut Findings) -> Option<(Form, A)>,
        spec: impl Fn(A, Half) -> S,
    ) -> Vec<S> {
        let mut specs = Vec::new();
        for (name, at) in std::mem::take(&mut self.chosen) {
            let Some(t) = at.read::<PointTable>(self.findings) else { continue };
            keys::tell_foreign(&at, point_keys(), self.protocol, self.findings);
            let (form, place) = place(&t, &at, self.findings).unzip();
            let found =
                point::point(self.id, name, &t, form.as_ref(), &at, &self.defaults, self.findings);
            let (Some(found), Some(place)) = (found, place) else { continue };
            let Ok(index) = u32::try_from(self.points.len()) else { break };
            let (index, point) = (PointIndex(index), found.point);
            self.watchdogs.extend(found.watchdog.map(|text| (point.id.clone(), text)));
            if let (Some(_), Some(restraints)) = (&point.output, found.restraints) {
                let (device, point) = (self.id.clone(), point.clone());
                self.outputs.push(OutputFound { device, index, point, restraints });
            }
            let half = Half {
                index,
                name: name.to_owned(),
                conversion: found.conversion,
                period: point.period,
                unit: t.unit.as_ref().map(|u| u.0),
                output: point.output.clone(),
            };
            self.points.push(point);
            specs.push(spec(place, half));
        }
        specs
    }
}

/// The key that gives a point's address, taken apart.
fn address<T: FromStr<Err: Display>>(
    key: &'static str,
    example: &'static str,
    text: Option<&str>,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<T> {
    if text.is_none() && !at.has(key) {
        findings.add(at.here(), Problem::NoPlace { key, example });
    }
    parsed(key, text?, at, findings)
}

fn parsed<T: FromStr<Err: Display>>(
    key: &'static str,
    text: &str,
    at: &At<'_>,
    findings: &mut Findings,
) -> Option<T> {
    match text.parse() {
        Ok(value) => Some(value),
        Err(error) => {
            let (got, message) = (text.to_owned(), T::Err::to_string(&error));
            findings.add(at.key(key), Problem::BadText { key, got, message });
            None
        }
    }
}

pub(super) fn parity(word: ParityWord) -> Parity {
    match word {
        ParityWord::None => Parity::None,
        ParityWord::Odd => Parity::Odd,
        ParityWord::Even => Parity::Even,
    }
}

/// Manners on a shared line.
struct Manners {
    response_timeout: Duration,
    pause: Duration,
    late_window: Duration,
}

fn timing(t: &DeviceTable) -> Manners {
    let second = Duration::from_secs(1);
    Manners {
        response_timeout: t.response_timeout.map_or(second, |d| d.0),
        pause: t.pause.map_or(Duration::ZERO, |d| d.0),
        late_window: t.late_window.map_or(second, |d| d.0),
    }
}

/// How often points are read where nobody says it.
pub(super) fn usual_poll(protocol: Protocol) -> Duration {
    Duration::from_secs(match protocol {
        Protocol::Modbus | Protocol::Gpio => 1,
        // Their meters may run on a battery.
        Protocol::Mbus | Protocol::Cjt188 => 60,
        Protocol::Bacnet
        | Protocol::Dlt645
        | Protocol::Onewire
        | Protocol::Hwmon
        | Protocol::Iio => 10,
    })
}

/// The device as its driver is told of it; `None` if that can't be had, which has been told.
pub(super) fn device(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<DeviceSpec> {
    keys::tell_foreign(reader.at, device_keys(), reader.protocol, reader.findings);
    Some(match reader.protocol {
        Protocol::Modbus => DeviceSpec::Modbus(modbus::device(t, line, reader)?),
        Protocol::Dlt645 => DeviceSpec::Dlt645(meters::dlt645(t, line, reader)?),
        Protocol::Gpio => DeviceSpec::Gpio(contacts::device(line, reader)?),
        Protocol::Mbus => DeviceSpec::Mbus(meters::mbus(t, line, reader)?),
        Protocol::Cjt188 => DeviceSpec::Cjt188(meters::cjt188(t, line, reader)?),
        Protocol::Onewire => DeviceSpec::Onewire(kernel::onewire(t, line, reader)),
        Protocol::Hwmon => DeviceSpec::Hwmon(kernel::chip(t, line, reader)?),
        Protocol::Iio => DeviceSpec::Iio(kernel::chip(t, line, reader)?),
        Protocol::Bacnet => DeviceSpec::Bacnet(bacnet::device(t, reader)?),
    })
}
