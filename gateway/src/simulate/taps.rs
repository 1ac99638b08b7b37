//! A site's points in the simulated plant: the register each one reads on the real bus, found by
//! unit, table and address, and read without the bus in between.

use crate::config::Site;
use crate::registry::DeviceSpec;
use std::collections::HashMap;
use wellhead_modbus::{Encoding, PointSpec, Table};
use wellhead_model::{DeviceId, Point, PointId, Quality, Reason, Shape, Value};
use wellhead_plant::access::Access;
use wellhead_plant::devices::map;
use wellhead_plant::plant::Plant;

/// A point and where it lies.
pub(super) struct Tap {
    point: Point,
    access: Access,
    /// What the register held when it was read last.
    number: Option<f64>,
    shown: Shown,
}

/// What a point or a plugin's value shows.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) quality: Quality,
    pub(super) value: Option<Value>,
    /// The step at which it came to show this.
    pub(super) since: u64,
}

impl Shown {
    pub(super) fn nothing(why: Reason) -> Self {
        Self { quality: Quality::Bad(why), value: None, since: 0 }
    }

    /// As it is handed on.
    pub(super) fn pair(&self) -> (Quality, Option<&Value>) {
        (self.quality, self.value.as_ref())
    }
}

/// A point that the simulated plant does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRegister {
    #[error("{device}/{point}: the simulated plant has no {table} {address} at unit {unit}")]
    Address { device: String, point: String, unit: u8, table: &'static str, address: u16 },
    #[error("{device}/{point}: a simulation reads Modbus devices only, and {device} is {protocol}")]
    Protocol { device: String, point: String, protocol: &'static str },
}

/// Position in [`Taps`].
pub(super) type TapId = usize;

/// The points that somebody uses, each once.
#[derive(Default)]
pub(super) struct Taps {
    list: Vec<Tap>,
    by_name: HashMap<(DeviceId, PointId), TapId>,
}

impl Taps {
    /// Finds a point of the site in the plant; `None` if the site has no such point.
    pub(super) fn find(
        &mut self,
        site: &Site,
        plant: &Plant,
        device: &DeviceId,
        point: &PointId,
    ) -> Option<Result<TapId, NoRegister>> {
        if let Some(id) = self.by_name.get(&(device.clone(), point.clone())) {
            return Some(Ok(*id));
        }
        let d = site.devices.iter().find(|d| d.id == *device)?;
        let index = d.points.iter().position(|p| p.id == *point)?;
        let found = match &d.spec {
            DeviceSpec::Modbus(spec) => {
                tap(spec.unit, d.points[index].clone(), spec.points.get(index)?, plant)
            }
            other => Err(NoRegister::Protocol {
                device: device.to_string(),
                point: point.to_string(),
                protocol: other.protocol().word(),
            }),
        };
        Some(found.map(|tap| {
            self.list.push(tap);
            let id = self.list.len() - 1;
            self.by_name.insert((device.clone(), point.clone()), id);
            id
        }))
    }

    /// The points that the site's plugins are bound to, each once: also those of a plugin that is
    /// left out for once, so that the rows of two runs have the same columns.
    pub(super) fn bound(&mut self, site: &Site, plant: &Plant) -> Vec<TapId> {
        let mut ids = Vec::new();
        for b in site.plugins.iter().filter(|p| p.enabled).flat_map(|p| &p.bindings) {
            match self.find(site, plant, &b.device, &b.point) {
                Some(Ok(id)) if !ids.contains(&id) => ids.push(id),
                _ => {}
            }
        }
        ids
    }

    /// Which point it is.
    pub(super) fn point(&self, id: TapId) -> &Point {
        &self.list[id].point
    }

    /// Reads every point, at this step.
    pub(super) fn look(&mut self, plant: &Plant, step: u64) {
        for tap in &mut self.list {
            tap.look(plant, step);
        }
    }

    /// What a point shows since it was read or written last.
    pub(super) fn shown(&self, id: TapId) -> &Shown {
        &self.list[id].shown
    }

    /// Writes a point as its device would take it, and reads it back.
    ///
    /// # Errors
    /// If the device refuses.
    pub(super) fn write(
        &mut self,
        id: TapId,
        plant: &mut Plant,
        value: &Value,
        step: u64,
    ) -> Result<(), String> {
        let tap = &mut self.list[id];
        let number =
            tap.number(value).ok_or_else(|| format!("{value} is no value of the point"))?;
        tap.access.write(plant, number).map_err(|e| format!("{e:?}"))?;
        tap.look(plant, step);
        Ok(())
    }
}

impl Tap {
    fn look(&mut self, plant: &Plant, step: u64) {
        let number = self.access.read_noisy(plant);
        // Two of three registers hold what they held.
        if number != self.number || self.shown.since == 0 {
            self.number = number;
            let (quality, value) = match self.decoded(number) {
                Ok(value) => (Quality::Good, Some(value)),
                Err(why) => (Quality::Bad(why), None),
            };
            self.shown = Shown { quality, value, since: step };
        }
    }

    fn decoded(&self, number: Option<f64>) -> Result<Value, Reason> {
        let p = &self.point;
        let number = number.ok_or(Reason::NoSensor)?;
        if p.range.is_some_and(|(min, max)| !(min..=max).contains(&number)) {
            return Err(Reason::OutOfRange);
        }
        if !p.states.is_empty() {
            let state = p.states.iter().find(|(code, _)| *code == number.round() as i64);
            return state.map(|(_, name)| Value::Text(name.clone())).ok_or(Reason::UnknownState);
        }
        match p.shape {
            Shape::Bool => Ok(Value::Bool(number != 0.0)),
            Shape::Int => Ok(Value::Int(number.round() as i64)),
            Shape::Float => Value::float(number).ok_or(Reason::NotANumber),
            // Texts are names and serial numbers; no plugin asks for them.
            Shape::Text => Err(Reason::Undecodable),
        }
    }

    fn number(&self, value: &Value) -> Option<f64> {
        match value {
            Value::Text(name) => {
                let code = self.point.states.iter().find(|(_, n)| n == name)?.0;
                Some(code as f64)
            }
            number => number.as_f64(),
        }
    }
}

fn tap(unit: u8, point: Point, spec: &PointSpec, plant: &Plant) -> Result<Tap, NoRegister> {
    let (table, name) = match spec.table {
        Table::Discrete => (map::Table::DiscreteInput, "discrete input"),
        Table::Coil => (map::Table::Coil, "coil"),
        Table::Input => (map::Table::InputRegister, "input register"),
        Table::Holding => (map::Table::HoldingRegister, "holding register"),
    };
    let bit = match spec.encoding {
        Encoding::Bit(bit) => bit,
        _ => None,
    };
    let preset = plant.config().preset;
    let access = Access::find(preset, unit, table, spec.address, bit).ok_or_else(|| {
        NoRegister::Address {
            device: point.device.to_string(),
            point: point.id.to_string(),
            unit,
            table: name,
            address: spec.address,
        }
    })?;
    let shown = Shown::nothing(Reason::NotPolled);
    Ok(Tap { point, access, number: None, shown })
}
