//! Where readings come from.

use crate::settings::Settings;
use crate::units::Unit;
use crate::zone::{Shown, Water};
use wellhead_sdk::prelude::*;

/// Meters of one zone, as far as the site has them.
struct ZoneRoles {
    registers: Option<[Input<f64>; 2]>,
    water: Option<[Input<f64>; 3]>,
}

struct UnitRoles {
    heat: Option<Input<f64>>,
    cold: Option<Input<f64>>,
    electric: Input<f64>,
}

/// All roles.
pub(crate) struct Roles {
    zones: Vec<ZoneRoles>,
    units: Vec<UnitRoles>,
    bores: Vec<Input<f64>>,
}

/// What is believed.
pub(crate) struct Readings {
    /// A zone each.
    pub(crate) zones: Vec<Shown>,
    /// Heat into the ground by the zones' water, kW, if all are known.
    pub(crate) ground_kw: Option<f64>,
    /// Heat into the ground by the units, kW, if all are known.
    pub(crate) units_kw: Option<f64>,
    /// Mean of the monitoring bores, °C.
    pub(crate) bores_c: Option<f64>,
}

/// A reading of all of an array, if all are believed.
fn all<const N: usize>(
    cx: &Tick<'_>,
    inputs: &[Input<f64>; N],
    oldest: Duration,
) -> Option<[f64; N]> {
    let mut values = [0.0; N];
    for (value, input) in values.iter_mut().zip(inputs) {
        *value = cx.read(input).fresh(oldest)?;
    }
    Some(values)
}

impl Roles {
    /// Looks all roles up; every zone needs registers or water, and every unit its power.
    pub(crate) fn bind(cx: &mut Init<'_>, zones: usize) -> Result<Self, Error> {
        let mut list = |role: &str, wanted: usize| -> Result<Vec<Input<f64>>, Error> {
            let inputs = cx.inputs::<f64>(role);
            if inputs.is_empty() || inputs.len() == wanted {
                return Ok(inputs);
            }
            Err(format!("{role}: bind none or {wanted} points, these are {}", inputs.len()).into())
        };
        let registers = [list("energy_in", zones)?, list("energy_out", zones)?];
        let water =
            [list("flow", zones)?, list("supply_temp", zones)?, list("return_temp", zones)?];
        let has_registers = registers.iter().all(|inputs| !inputs.is_empty());
        let has_water = water.iter().all(|inputs| !inputs.is_empty());
        if !has_registers && !has_water {
            let text = "bind energy_in and energy_out, or flow, supply_temp and return_temp";
            return Err(format!("{text}, with a point for each of the {zones} zones").into());
        }
        let zone = |i: usize| ZoneRoles {
            registers: has_registers.then(|| [registers[0][i], registers[1][i]]),
            water: has_water.then(|| [water[0][i], water[1][i], water[2][i]]),
        };
        let electric = cx.inputs::<f64>("unit_power");
        let mut of_units = |role: &str| -> Result<Vec<Input<f64>>, Error> {
            let inputs = cx.inputs::<f64>(role);
            if inputs.is_empty() || inputs.len() == electric.len() {
                return Ok(inputs);
            }
            Err(format!("{role}: bind none or as many points as unit_power has").into())
        };
        let (heat, cold) = (of_units("unit_heat")?, of_units("unit_cold")?);
        let unit = |(i, electric): (usize, &Input<f64>)| UnitRoles {
            heat: heat.get(i).copied(),
            cold: cold.get(i).copied(),
            electric: *electric,
        };
        let units = if heat.is_empty() && cold.is_empty() {
            Vec::new()
        } else {
            electric.iter().enumerate().map(unit).collect()
        };
        Ok(Self { zones: (0..zones).map(zone).collect(), units, bores: cx.inputs("bore_temp") })
    }

    /// Reads everything; what is not believed or too old does not get through.
    pub(crate) fn read(&self, cx: &Tick<'_>, settings: &Settings) -> Readings {
        let process = settings.age_process;
        let mut ground_kw = Some(0.0);
        let mut zones = Vec::with_capacity(self.zones.len());
        for (roles, zone) in self.zones.iter().zip(&settings.zones) {
            let water = roles.water.as_ref().and_then(|inputs| all(cx, inputs, process));
            let kw = water.map(|[flow_m3h, supply_c, return_c]| {
                Water { flow_m3h, supply_c, return_c }.heat_kw(zone, &settings.metering)
            });
            ground_kw = ground_kw.zip(kw).map(|(sum, kw)| sum + kw);
            zones.push(match &roles.registers {
                Some(inputs) => match all(cx, inputs, process) {
                    Some([injected, extracted]) => Shown::Registers(injected, extracted),
                    None => Shown::Nothing,
                },
                None => kw.map_or(Shown::Nothing, Shown::Power),
            });
        }
        let mut units_kw = Some(0.0).filter(|_| !self.units.is_empty());
        for unit in &self.units {
            units_kw = units_kw.zip(unit.ground_kw(cx, process)).map(|(sum, kw)| sum + kw);
        }
        Readings { zones, ground_kw, units_kw, bores_c: mean(cx, &self.bores, settings.age_slow) }
    }
}

impl UnitRoles {
    fn ground_kw(&self, cx: &Tick<'_>, oldest: Duration) -> Option<f64> {
        // A role the site has not bound is a thing the unit can't do; one not believed is unknown.
        let output = |input: &Option<Input<f64>>| match input {
            None => Some(0.0),
            Some(input) => cx.read(input).fresh(oldest),
        };
        let electric_kw = cx.read(&self.electric).fresh(oldest)?;
        Some(
            Unit { heat_kw: output(&self.heat)?, cold_kw: output(&self.cold)?, electric_kw }
                .ground_kw(),
        )
    }
}

/// Mean of those that are believed, if they are at least half.
fn mean(cx: &Tick<'_>, inputs: &[Input<f64>], oldest: Duration) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in inputs.iter().filter_map(|input| cx.read(input).fresh(oldest)) {
        sum += value;
        count += 1;
    }
    (count > 0 && count * 2 >= inputs.len()).then(|| sum / count as f64)
}
