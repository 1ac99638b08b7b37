//! A chip of the kernel as a [`Driver`].

use super::{DeviceSpec, chip};
use crate::files::Aside;
use crate::own_unit;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::{DeviceError, Driver, Group, Line, Outcome, Raw, Readback, Readings, Write};
use wellhead_model::Reason;

/// Longest wait for the channels of one group: a chip on a slow bus takes milliseconds for each, so
/// that only a driver which hangs meets it.
const READ_MAX: Duration = Duration::from_secs(10);

type Values = Vec<Result<f64, Reason>>;

/// One chip. It is looked for with each reading, since folders are numbered anew when a module
/// comes and goes.
#[derive(Debug)]
pub struct SysfsDriver {
    spec: Arc<DeviceSpec>,
    groups: Vec<Group>,
    /// Positions in the specification's points, by group.
    members: Vec<Arc<[usize]>>,
    readings: Aside<io::Result<Values>>,
    told_units: bool,
}

impl SysfsDriver {
    /// A driver for a specification that [`super::check`] finds nothing wrong with.
    pub fn new(spec: DeviceSpec) -> Self {
        let (groups, members) = crate::by_period(spec.points.iter().map(|p| (p.index, p.period)));
        let spec = Arc::new(spec);
        Self { spec, groups, members, readings: Aside::new(), told_units: false }
    }
}

fn read(spec: &DeviceSpec, points: &[usize]) -> io::Result<Values> {
    let folder = chip::find(&spec.root, &spec.chip)?;
    Ok(points.iter().map(|point| spec.points[*point].channel.read(&folder)).collect())
}

impl Driver for SysfsDriver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The line is not used: the kernel owns the chip.
    async fn poll(
        &mut self,
        _: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let Some(members) = self.members.get(group).cloned() else { return Ok(()) };
        let (spec, asked) = (self.spec.clone(), members.clone());
        let values = self.readings.run(READ_MAX, move || read(&spec, &asked)).await?;
        let values = values.map_err(|error| DeviceError::Unreachable {
            target: format!("{} in {}", self.spec.chip, self.spec.root.display()),
            error: error.to_string(),
        })?;
        for (at, value) in members.iter().zip(values) {
            let point = &self.spec.points[*at];
            let outcome = match value {
                Ok(value) => {
                    let (raw, own) = (Raw::Float(value), point.channel.unit());
                    own_unit::outcome(&point.conversion, raw, own, point.unit)
                }
                Err(reason) => Outcome::Bad(reason),
            };
            out.outcomes.push((point.index, outcome));
        }
        if !std::mem::replace(&mut self.told_units, true) {
            let points = self.spec.points.iter().filter(|p| p.unit.is_none());
            out.units.extend(points.filter_map(|p| Some((p.index, p.channel.unit()?))));
        }
        Ok(())
    }

    async fn write(&mut self, _: &mut Line, _: &Write) -> Result<Readback, DeviceError> {
        Err(DeviceError::Unencodable(format!("{}: a sensor is only read", self.spec.name)))
    }
}
