//! The plant with its devices and everything that is wrong with them; one lock holds it all.

use tokio::time::Instant;

use crate::building::{self, Controller};
use crate::devices::map::Exception;
use crate::fault::{ActiveFault, Fault, FaultError, Line, Scope};
use crate::modbus::pdu::{self, Answer};
use crate::plant::Plant;
use crate::unit::Unit;

/// Exception 11: a gateway that gets no answer from the unit behind it.
const TARGET_FAILED: u8 = 11;

/// The plant and its devices.
#[derive(Debug)]
pub struct Room {
    /// The plant.
    pub plant: Plant,
    units: Vec<Unit>,
    faults: Vec<ActiveFault>,
    next_fault: u64,
}

impl Room {
    /// A room in which nothing is wrong.
    #[must_use]
    pub fn new(plant: Plant) -> Self {
        let units =
            plant.config().preset.devices().iter().map(|device| Unit::new(*device)).collect();
        Self { plant, units, faults: Vec::new(), next_fault: 1 }
    }

    /// All units.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// One unit.
    #[must_use]
    pub fn unit(&self, unit: u8) -> Option<&Unit> {
        self.units.iter().find(|u| u.device.unit == unit)
    }

    pub(crate) fn unit_mut(&mut self, unit: u8) -> Option<&mut Unit> {
        self.units.iter_mut().find(|u| u.device.unit == unit)
    }

    /// The value a point shows now; `None` when there is no such numeric point.
    #[must_use]
    pub fn reading(&self, unit: u8, point: &str) -> Option<f64> {
        let preset = self.plant.config().preset;
        if let Some(point) = building::find(preset, unit, point) {
            return Some(building::shown(&self.plant, unit, point, self.faults.iter()).value);
        }
        let register = crate::unit::find(preset, unit, point)?;
        Some(self.unit(unit)?.reading(&self.plant, register))
    }

    /// Makes something go wrong until `until`, or until it is cleared.
    ///
    /// # Errors
    /// When the fault makes no sense for its scope.
    pub fn inject(
        &mut self,
        scope: Scope,
        fault: Fault,
        until: Option<Instant>,
    ) -> Result<u64, FaultError> {
        fault.check(self.plant.config().preset, scope)?;
        fault.apply(&mut self.plant, scope.unit, true)?;
        let id = self.next_fault;
        self.next_fault += 1;
        let shown = match (scope.unit, fault.point()) {
            (Some(unit), Some(point)) => self.reading(unit, point).unwrap_or(f64::NAN),
            _ => f64::NAN,
        };
        let onset = (shown, self.plant.time_s());
        let sensor_unit = scope.unit.filter(|_| fault.point().is_some());
        let active = ActiveFault { id, scope, fault, until, met: 0, onset };
        match sensor_unit.and_then(|unit| self.unit_mut(unit)) {
            Some(unit) => unit.sensor_faults.push(active),
            None => self.faults.push(active),
        }
        Ok(id)
    }

    /// Clears one fault, or all of them; returns how many there were.
    pub fn clear(&mut self, id: Option<u64>) -> usize {
        self.retain(|fault| id.is_some_and(|id| fault.id != id))
    }

    /// Drops the faults whose time is over.
    pub fn expire(&mut self, now: Instant) {
        self.retain(|fault| fault.until.is_none_or(|until| now < until));
    }

    /// Ends the faults that are not to be kept; returns how many.
    fn retain(&mut self, keep: impl Fn(&ActiveFault) -> bool) -> usize {
        let before = self.active_faults().count();
        let (kept, ended): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.faults).into_iter().partition(&keep);
        self.faults = kept;
        for active in ended {
            // It was applied to this unit, so it can be taken back from it.
            let _taken_back = active.fault.apply(&mut self.plant, active.scope.unit, false);
        }
        self.units.iter_mut().for_each(|unit| unit.sensor_faults.retain(&keep));
        before - self.active_faults().count()
    }

    /// Everything that is wrong.
    pub fn active_faults(&self) -> impl Iterator<Item = &ActiveFault> {
        self.faults.iter().chain(self.units.iter().flat_map(|unit| &unit.sensor_faults))
    }

    /// The faults that concern a request to a unit on a line; it has met them.
    pub(crate) fn faults_for(&mut self, unit: u8, line: Line) -> Vec<Fault> {
        self.meet(|scope| scope.covers(unit, line))
    }

    fn meet(&mut self, concerned: impl Fn(&Scope) -> bool) -> Vec<Fault> {
        let concerned = self.faults.iter_mut().filter(|active| concerned(&active.scope));
        let met = |active: &mut ActiveFault| {
            active.met += 1;
            active.fault.clone()
        };
        concerned.map(met).collect()
    }

    /// What every point of a controller of the building shows now.
    #[must_use]
    pub fn shown(&self, controller: &Controller) -> Vec<building::Shown> {
        let one = |point| building::shown(&self.plant, controller.unit, point, self.faults.iter());
        controller.points.iter().map(one).collect()
    }

    /// The faults that concern a frame which a controller of the building sends; it has met them.
    #[cfg(feature = "bacnet")]
    pub(crate) fn faults_of_controller(&mut self, unit: u8) -> Vec<Fault> {
        self.meet(|scope| scope.line.is_none() && scope.unit.is_none_or(|own| own == unit))
    }

    /// Is the port of a line to be closed?
    #[must_use]
    pub fn refuses(&self, line: Line) -> bool {
        self.faults.iter().any(|active| {
            active.fault == Fault::Refuse && active.scope.line.is_none_or(|l| l == line)
        })
    }

    /// Answers a request. `None`: nobody of that number, or a broadcast, on a line where that means
    /// silence.
    pub(crate) fn answer(&mut self, unit: u8, line: Line, request: &[u8]) -> Option<Answer> {
        let function = request.first().copied().unwrap_or(0);
        if unit == 0 && line != Line::Tcp {
            if pdu::is_write(request) {
                self.broadcast(request);
            }
            return None;
        }
        let Some(unit) = self.units.iter_mut().find(|u| u.device.unit == unit) else {
            let pdu = pdu::exception(function, TARGET_FAILED);
            return (line == Line::Tcp).then_some(Answer { pdu, poll: None });
        };
        Some(pdu::answer(&mut self.plant, unit, request).unwrap_or_else(|exception| Answer {
            pdu: pdu::exception(function, exception as u8),
            poll: None,
        }))
    }

    /// Every unit takes what it can of a broadcast write; none answers.
    fn broadcast(&mut self, request: &[u8]) {
        for unit in &mut self.units {
            unit.requests += 1;
            let _refused: Result<Answer, Exception> = pdu::answer(&mut self.plant, unit, request);
        }
    }
}
