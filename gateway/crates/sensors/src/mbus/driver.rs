//! An M-Bus meter as a [`Driver`].

use super::master::{Master, Reading};
use super::record::{Measure, Record};
use super::{Address, DeviceSpec, Form, Function, PointSpec, RecordName, RecordSelector, names};
use crate::{SpecProblem, own_unit};
use wellhead_driver::{
    Demand, DeviceError, Driver, Group, Line, Notice, Outcome, Raw, Readback, Readings, Write,
};
use wellhead_model::{Reason, Unit};

/// Speeds of wired meters.
const BAUDS: [u32; 6] = [300, 600, 1200, 2400, 4800, 9600];

/// What reading a meter asks of its line: it is addressed, and tells all it has, in one telegram at
/// least.
pub fn demand(spec: &DeviceSpec) -> Option<Demand> {
    let period = spec.points.iter().map(|p| p.period).min()?;
    let addressed = match spec.address {
        Address::Primary(_) => 5 + 1,
        Address::Secondary(_) => 17 + 1,
    };
    // Frame and header; a record's two bytes of information and one of data.
    let told = 9 + 12 + 3 * spec.points.len();
    Some(Demand { period, requests: 2, characters: addressed + 5 + told })
}

/// What is wrong with a specification beyond its texts.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if let Some(mode) = spec.timing.mode
        && !BAUDS.contains(&mode.baud)
    {
        let message = format!("M-Bus meters speak at {BAUDS:?} baud, not at {}", mode.baud);
        let zh = format!("M-Bus 表计的波特率为 {BAUDS:?}，没有 {}", mode.baud);
        problems.push(SpecProblem::new(None, "baud", message, zh));
    }
    for point in &spec.points {
        let RecordSelector::Named(name) = &point.record else { continue };
        let quantity = names::QUANTITIES.iter().find(|q| q.name == name.quantity);
        if let (Some(unit), Some(fits)) = (point.unit, quantity.and_then(|q| q.dimension))
            && unit.dimension() != fits
        {
            let known = Unit::symbols().filter_map(|s| Unit::parse(s).ok());
            let fitting: Vec<_> =
                known.filter(|u| u.dimension() == fits).map(Unit::symbol).collect();
            let (quantity, fitting) = (name.quantity, fitting.join(", "));
            let message = format!("`{quantity}` is not in {unit}; there are {fitting}");
            let zh = format!("`{quantity}` 的单位不能是 {unit}；可用的有 {fitting}");
            problems.push(SpecProblem::new(Some(&point.name), "unit", message, zh));
        }
    }
    problems
}

/// One meter, read as a whole at the shortest period of its points.
///
/// A meter that reports an error of itself still tells its values; they are uncertain then. A
/// record that reports an error, the value that means "invalid", and a record that the meter does
/// not send are bad, each with its own reason.
#[derive(Debug)]
pub struct MbusDriver {
    spec: DeviceSpec,
    groups: Vec<Group>,
    master: Master,
    /// What was said of each point, so that it is said once.
    told: Vec<Told>,
    /// The error and the low battery that the meter reports, as last noticed.
    complaint: (Option<u8>, bool),
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Told {
    unit: Option<Unit>,
    fault: Option<&'static str>,
}

impl MbusDriver {
    /// A driver for a meter.
    pub fn new(spec: DeviceSpec) -> Self {
        let period = spec.points.iter().map(|p| p.period).min();
        let points = spec.points.iter().map(|p| p.index).collect();
        let groups = period.map(|period| Group { period, points }).into_iter().collect();
        let master = Master { timing: spec.timing };
        let told = vec![Told::default(); spec.points.len()];
        Self { spec, groups, master, told, complaint: (None, false) }
    }

    fn tell(&mut self, reading: &Reading, out: &mut Readings) {
        let device = &self.spec.name;
        let error = reading.header.error();
        for (point, told) in self.spec.points.iter().zip(&mut self.told) {
            let (outcome, fault, unit) = match find(&point.record, &reading.records) {
                None => (Outcome::Bad(Reason::IllegalAddress), Some("record_missing"), None),
                Some(record) => outcome(point, record),
            };
            if let Some(code) = fault
                && told.fault != fault
            {
                out.notices.push(Notice { code, text: sentence(device, point, reading, code) });
            }
            told.fault = fault;
            if let (None, Some(unit)) = (point.unit, unit)
                && told.unit != Some(unit)
            {
                told.unit = Some(unit);
                out.units.push((point.index, unit));
            }
            let outcome = match (outcome, error) {
                (Outcome::Good(value), Some(code)) => {
                    Outcome::Uncertain(value, Reason::Faulty(code))
                }
                (outcome, _) => outcome,
            };
            out.outcomes.push((point.index, outcome));
        }
        let complaint = (error, reading.header.power_low());
        if complaint != self.complaint {
            let text = match complaint {
                (Some(code), _) => {
                    format!("{device}: the meter reports an error, status {code:#04x}")
                }
                (None, true) => format!("{device}: the meter's battery is low"),
                (None, false) => format!("{device}: the meter reports no error any more"),
            };
            out.notices.push(Notice { code: "meter_status", text });
            self.complaint = complaint;
        }
    }
}

fn find<'r>(selector: &RecordSelector, records: &'r [Record]) -> Option<&'r Record> {
    match selector {
        RecordSelector::Position(position) => records.get(usize::from(*position)),
        RecordSelector::Named(name) => {
            let named = |name| records.iter().find(|r| r.name == Some(name));
            // A record in error takes the place of the one that was meant.
            named(*name).or_else(|| named(RecordName { function: Function::Error, ..*name }))
        }
    }
}

/// What a record comes to at a point; a fault to tell of; the unit of its value.
fn outcome(point: &PointSpec, record: &Record) -> (Outcome, Option<&'static str>, Option<Unit>) {
    let own = match record.measure {
        Measure::Unit(unit) => Some(unit),
        Measure::Plain | Measure::Foreign => None,
    };
    let raw = match &record.value {
        Ok(raw) => raw.clone(),
        Err(reason) => return (Outcome::Bad(*reason), None, own),
    };
    let fits = match (point.unit, record.measure) {
        (Some(wanted), Measure::Unit(own)) => own.dimension() == wanted.dimension(),
        (Some(_), Measure::Foreign) => false,
        (_, Measure::Plain) | (None, _) => true,
    };
    if !fits {
        return (Outcome::Bad(Reason::Undecodable), Some("unit_mismatch"), own);
    }
    // Digits are what the point is declared to hold, whichever way a meter counts them; a state's
    // number stays whole.
    let raw = match (raw, point.record.form()) {
        (Raw::Int(n), Form::Text) => Raw::Text(n.to_string().into()),
        #[expect(clippy::cast_precision_loss, reason = "numbers of points are floats")]
        (Raw::Int(n), Form::Number) if point.conversion.states.is_empty() => Raw::Float(n as f64),
        (raw, _) => raw,
    };
    (own_unit::outcome(&point.conversion, raw, own, point.unit), None, own)
}

fn sentence(device: &str, point: &PointSpec, reading: &Reading, code: &str) -> String {
    let (name, record) = (&point.name, &point.record);
    if code == "unit_mismatch" {
        let unit = point.unit.map_or("", Unit::symbol);
        return format!("{device}: `{record}` of `{name}` can't be converted to {unit}");
    }
    let there: Vec<_> =
        reading.records.iter().filter_map(|r| r.name).map(|n| n.to_string()).collect();
    format!(
        "{device}: the meter sends no `{record}` for `{name}`; it sends {} records, among them {}",
        reading.records.len(),
        there.join(", ")
    )
}

impl Driver for MbusDriver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    async fn poll(
        &mut self,
        line: &mut Line,
        _group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let Self { spec, master, .. } = self;
        let reading = master.read(line, &spec.address, spec.telegrams_max).await?;
        self.tell(&reading, out);
        Ok(())
    }

    /// Meters are not written to.
    async fn write(&mut self, _line: &mut Line, write: &Write) -> Result<Readback, DeviceError> {
        let name = self.spec.points.iter().find(|p| p.index == write.point).map_or("", |p| &p.name);
        let device = &self.spec.name;
        Err(DeviceError::Unencodable(format!("{device}: `{name}` is a meter's reading")))
    }
}
