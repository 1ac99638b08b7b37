//! A string of 1-Wire sensors as a [`Driver`].

use super::sweep::{Sweep, sweep};
use super::{DeviceSpec, Rom};
use crate::files::Aside;
use crate::own_unit;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::{
    DeviceError, Driver, Group, Line, Notice, Outcome, Raw, Readback, Readings, Write,
};
use wellhead_model::Unit;

/// Longest wait for a sweep, and for each sensor of it: more than a bus without parallel
/// conversion needs, so that only a driver which hangs meets it.
const SWEEP_MAX: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(2));
/// Unknown sensors told of at most: a disturbed bus shows addresses that nothing has.
const TOLD_MAX: usize = 64;

/// One bus. Sensors of one period are read in one sweep, after one conversion.
#[derive(Debug)]
pub struct OneWireDriver {
    spec: Arc<DeviceSpec>,
    groups: Vec<Group>,
    /// Positions in the specification's points, by group.
    members: Vec<Arc<[usize]>>,
    sweeps: Aside<Result<Sweep, (PathBuf, io::Error)>>,
    /// Sensors that nobody configured and that were told of.
    told: Vec<Rom>,
    told_units: bool,
}

impl OneWireDriver {
    /// A driver for a specification that [`super::check`] finds nothing wrong with.
    pub fn new(spec: DeviceSpec) -> Self {
        let (groups, members) = crate::by_period(spec.points.iter().map(|p| (p.index, p.period)));
        let spec = Arc::new(spec);
        Self { spec, groups, members, sweeps: Aside::new(), told: Vec::new(), told_units: false }
    }

    /// Tells of sensors that nobody configured, once each.
    fn tell_unknown(&mut self, present: &[Rom], out: &mut Readings) {
        for rom in present.iter().filter(|rom| rom.is_thermometer()) {
            let known = self.spec.points.iter().any(|p| p.rom == *rom) || self.told.contains(rom);
            if known || self.told.len() >= TOLD_MAX {
                continue;
            }
            self.told.push(*rom);
            let text = format!(
                "{}: sensor {rom} answers on the bus and is no point; add it to read it",
                self.spec.name
            );
            out.notices.push(Notice { code: "unknown_sensor", text });
        }
    }
}

impl Driver for OneWireDriver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The line is not used: the kernel owns the bus.
    async fn poll(
        &mut self,
        _: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let Some(members) = self.members.get(group).cloned() else { return Ok(()) };
        let sensors = u32::try_from(members.len()).unwrap_or(u32::MAX);
        let limit = SWEEP_MAX.0 + SWEEP_MAX.1.saturating_mul(sensors);
        let (spec, asked) = (self.spec.clone(), members.clone());
        let swept = self.sweeps.run(limit, move || sweep(&spec, &asked)).await?;
        let Sweep { temperatures, present } = swept.map_err(|(path, error)| {
            let (target, error) = (path.display().to_string(), error.to_string());
            DeviceError::Unreachable { target, error }
        })?;
        let celsius = Unit::parse("°C").ok();
        for (at, thousandths) in members.iter().zip(temperatures) {
            let point = &self.spec.points[*at];
            let outcome = match thousandths {
                Ok(t) => {
                    let raw = Raw::Float(f64::from(t) / 1000.0);
                    own_unit::outcome(&point.conversion, raw, celsius, point.unit)
                }
                Err(reason) => Outcome::Bad(reason),
            };
            out.outcomes.push((point.index, outcome));
        }
        self.tell_unknown(&present, out);
        if !std::mem::replace(&mut self.told_units, true) {
            let points = self.spec.points.iter().filter(|p| p.unit.is_none());
            out.units.extend(points.filter_map(|p| Some((p.index, celsius?))));
        }
        Ok(())
    }

    async fn write(&mut self, _: &mut Line, _: &Write) -> Result<Readback, DeviceError> {
        Err(DeviceError::Unencodable(format!("{}: a sensor is only read", self.spec.name)))
    }
}
