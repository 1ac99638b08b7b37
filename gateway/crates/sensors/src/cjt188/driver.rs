//! A CJ/T 188 meter as a [`Driver`].

use super::codec::{Metering, REPLY_LEN_MAX, Reply, Request, data_len, reply};
use super::{Address, DeviceSpec, IdentifierOrder};
use crate::{SpecProblem, Timing, own_unit};
use std::time::Duration;
use wellhead_driver::{
    Demand, DeviceError, Driver, Exchange, Group, Line, Notice, Outcome, Readback, Readings, Step,
    Write,
};
use wellhead_model::Unit;

/// Any number of these may stand before a frame.
const LEADING: u8 = 0xFE;

/// What reading a meter asks of its line.
pub fn demand(spec: &DeviceSpec) -> Option<Demand> {
    let period = spec.points.iter().map(|p| p.period).min()?;
    // Ends, type, address, control, length, identifier and serial number of both frames.
    let characters = usize::from(spec.preamble) + 16 + 16 + data_len(spec.kind);
    Some(Demand { period, requests: 1, characters })
}

/// What is wrong with a specification beyond its texts.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if spec.preamble > 4 {
        let message = format!("a request has up to 4 leading FE bytes, not {}", spec.preamble);
        let zh = format!("请求前的 FE 前导字节最多 4 个，不能是 {}", spec.preamble);
        problems.push(SpecProblem::new(None, "preamble", message, zh));
    }
    for point in &spec.points {
        let field = point.field;
        if !field.told_by(spec.kind) {
            let message = format!("a meter of type `{}` does not tell `{field}`", spec.kind);
            let zh = format!("`{}` 类型的表不提供 `{field}`", spec.kind);
            problems.push(SpecProblem::new(Some(&point.name), "field", message, zh));
        }
        let Some(unit) = point.unit else { continue };
        if Some(unit.dimension()) != field.dimension() {
            let message = format!("`{field}` is not in {unit}");
            let zh = format!("`{field}` 的单位不能是 {unit}");
            problems.push(SpecProblem::new(Some(&point.name), "unit", message, zh));
        }
    }
    problems
}

/// One meter, read as a whole at the shortest period of its points.
#[derive(Debug)]
pub struct Cjt188Driver {
    spec: DeviceSpec,
    groups: Vec<Group>,
    /// Tells a late reply from the one that belongs to the present request.
    serial: u8,
    request: Vec<u8>,
    /// Unit of each point as last told.
    units: Vec<Option<Unit>>,
    battery_low: bool,
}

impl Cjt188Driver {
    /// A driver for a meter.
    pub fn new(spec: DeviceSpec) -> Self {
        let period = spec.points.iter().map(|p| p.period).min();
        let points = spec.points.iter().map(|p| p.index).collect();
        let groups = period.map(|period| Group { period, points }).into_iter().collect();
        let units = vec![None; spec.points.len()];
        Self { spec, groups, serial: 0, request: Vec::new(), units, battery_low: false }
    }

    fn tell(&mut self, data: &[u8], out: &mut Readings) -> Result<(), DeviceError> {
        let spec = &self.spec;
        let Some(metering) = Metering::new(spec.kind, spec.unit_position, data) else {
            return Err(DeviceError::BadReply(
                "a reply of another length; is it this type of meter?",
            ));
        };
        for (point, told) in spec.points.iter().zip(&mut self.units) {
            let (value, unit) = metering.field(point.field);
            if point.unit.is_none() && unit.is_some() && *told != unit {
                *told = unit;
                out.units.extend(unit.map(|unit| (point.index, unit)));
            }
            let outcome = match value {
                Ok(raw) => own_unit::outcome(&point.conversion, raw, unit, point.unit),
                Err(reason) => Outcome::Bad(reason),
            };
            out.outcomes.push((point.index, outcome));
        }
        if metering.battery_low() != self.battery_low {
            self.battery_low = metering.battery_low();
            let word = if self.battery_low { "low" } else { "no longer low" };
            let text = format!("{}: the meter's battery is {word}", spec.name);
            out.notices.push(Notice { code: "meter_status", text });
        }
        Ok(())
    }
}

impl Driver for Cjt188Driver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    async fn poll(
        &mut self,
        line: &mut Line,
        _group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let spec = &self.spec;
        self.serial = self.serial.wrapping_add(1);
        let request = Request::read(spec.kind, spec.address, spec.identifier_order, self.serial);
        request.put(spec.preamble, &mut self.request);
        let x = exchange(line, spec.timing, spec.address, self.request.len());
        let frame = line.exchange(&x, &self.request, |bytes| request.step(bytes)).await?;
        match reply(frame) {
            Some(Reply::Data { data, .. }) => self.tell(data, out),
            Some(Reply::Refused(code)) => Err(refused(code)),
            None => Err(DeviceError::BadReply("a reply without data")),
        }
    }

    /// Meters are not written to.
    async fn write(&mut self, _line: &mut Line, write: &Write) -> Result<Readback, DeviceError> {
        let name = self.spec.points.iter().find(|p| p.index == write.point).map_or("", |p| &p.name);
        let device = &self.spec.name;
        Err(DeviceError::Unencodable(format!("{device}: `{name}` is a meter's reading")))
    }
}

/// Asks the only meter on a line for its address and the number of its type. Nothing is written.
///
/// # Errors
/// As of any exchange; with several meters on the line their replies collide, which is a bad reply.
pub async fn find_address(
    line: &mut Line,
    order: IdentifierOrder,
    timing: Timing,
) -> Result<(Address, u8), DeviceError> {
    let request = Request::read_address(order, 0);
    let mut bytes = Vec::new();
    request.put(4, &mut bytes);
    let mut x = exchange(line, timing, Address::ANY, bytes.len());
    // The whole time is waited anyway, since a second meter may be slower than the first.
    x.late_window = Duration::ZERO;
    let mut heard: Vec<(Address, u8)> = Vec::new();
    let (mut refusal, mut others, mut unfinished) = (None, false, false);
    let framing = |bytes: &[u8]| {
        // Behind a reply, only the leading bytes of another one are nothing.
        let something = !heard.is_empty() && bytes.iter().any(|b| *b != LEADING);
        let step = request.step(bytes);
        unfinished = something && step == Step::Need;
        match step {
            Step::Reply(len) => {
                match reply(&bytes[..len]) {
                    Some(Reply::Data { address, kind, .. }) => {
                        others |= heard.iter().any(|h| *h != (address, kind));
                        heard.push((address, kind));
                    }
                    Some(Reply::Refused(code)) => refusal = Some(code),
                    None => {}
                }
                return Step::Skip(len);
            }
            Step::Skip(1) => others |= something && bytes.first() != Some(&LEADING),
            Step::Broken(_) => others |= something,
            Step::Skip(_) | Step::Need => {}
        }
        step
    };
    let ended = line.exchange(&x, &bytes, framing).await.map(drop);
    match (heard.first(), refusal, ended) {
        (Some(found), None, _) if !others && !unfinished => Ok(*found),
        (Some(_), ..) => Err(DeviceError::BadReply("several meters answer at once")),
        (None, Some(code), _) => Err(refused(code)),
        (None, None, Err(error)) => Err(error),
        (None, None, Ok(())) => Err(DeviceError::BadReply("a reply without data")),
    }
}

fn refused(code: u8) -> DeviceError {
    DeviceError::Refused { code, meaning: "status of the meter" }
}

fn exchange(line: &Line, timing: Timing, address: Address, request_len: usize) -> Exchange {
    // The time that the meter has to answer; the bytes' own time on a slow wire is extra.
    let characters = u32::try_from(request_len + REPLY_LEN_MAX).unwrap_or(u32::MAX);
    let wire =
        line.mode(timing.mode).map_or(Duration::ZERO, |m| m.character().saturating_mul(characters));
    let [a, b, c, d, e, f, g] = address.0;
    Exchange {
        station: u64::from_be_bytes([0, a, b, c, d, e, f, g]),
        response_timeout: timing.response_timeout + wire,
        pause: timing.pause,
        late_window: timing.late_window,
        mode: timing.mode,
    }
}
