//! Who commands an actuator: the plant's own panel, or a master on the bus.
//!
//! A device starts under its panel, which keeps the season calendar of the site. The first command
//! written to it over the bus makes it *remote*: it obeys the bus from then on. A remote device
//! that hears no write for its watchdog time falls back to its own defaults (off, valves to the
//! load) and says so; the next write takes it over again. A device whose switch stands on *local*
//! stays with its panel and refuses orders.

use crate::plant::Plant;

/// First of up to four water-source machines.
pub const HEAT_PUMP_KEEPER: usize = 0;
/// The air-source bank.
pub const AIR_KEEPER: usize = 4;
/// First of up to eight pumps.
pub const PUMP_KEEPER: usize = 5;
/// The valve module.
pub const VALVE_KEEPER: usize = 13;
/// First of up to six wells.
pub const WELL_KEEPER: usize = 14;
/// The heat supply.
pub const SUPPLY_KEEPER: usize = 20;
/// The change-over between heating and cooling, where a module has other valves as well.
pub const SEASON_KEEPER: usize = 21;
/// Actuators that a room may have, each commanded by itself.
pub const ACTUATORS: usize = 22;

/// Who commands one device, and for how long it will wait for the next word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keeper {
    /// Commanded over the bus.
    pub remote: bool,
    /// The switch at the device stands on local: no orders over the bus.
    pub local: bool,
    /// The watchdog has run out; the device is on its defaults.
    pub lost: bool,
    /// Watchdog time, s; 0 is off.
    pub timeout_s: f64,
    /// Seconds left.
    pub left_s: f64,
    /// Last heartbeat value written.
    pub heartbeat: u16,
}

impl Keeper {
    /// Under the panel.
    #[must_use]
    pub fn new(timeout_s: f64) -> Self {
        Self {
            remote: false,
            local: false,
            lost: false,
            timeout_s,
            left_s: timeout_s,
            heartbeat: 0,
        }
    }

    /// A command came over the bus.
    pub fn commanded(&mut self) {
        self.remote = true;
        self.lost = false;
        self.refresh();
    }

    /// A sign of life came over the bus. It keeps a device going; it does not take one over.
    pub fn refresh(&mut self) {
        self.left_s = self.timeout_s;
    }

    /// Back to the panel.
    pub fn release(&mut self) {
        let fresh = Self::new(self.timeout_s);
        *self = Self { heartbeat: self.heartbeat, local: self.local, ..fresh };
    }

    /// Advances the watchdog; true at the moment it runs out.
    pub(crate) fn watch(&mut self, dt_s: f64) -> bool {
        if !self.remote || self.lost || self.timeout_s <= 0.0 {
            return false;
        }
        self.left_s = (self.left_s - dt_s).max(0.0);
        self.lost = self.left_s == 0.0;
        self.lost
    }
}

/// Is an actuator under its panel?
pub(crate) fn on_panel(plant: &Plant, actuator: usize) -> bool {
    !plant.keepers[actuator].remote && plant.blackout_s <= 0.0
}

/// The default of an abandoned device: off, its valves at their resting ends.
pub(crate) fn switch_off(plant: &mut Plant, actuator: usize) {
    match actuator {
        HEAT_PUMP_KEEPER..AIR_KEEPER => {
            if let Some(machine) = plant.heat_pumps.get_mut(actuator) {
                machine.run = false;
            }
        }
        AIR_KEEPER => plant.air_sources.iter_mut().for_each(|bank| bank.run = false),
        PUMP_KEEPER..VALVE_KEEPER => {
            if let Some(pump) = plant.pumps.get_mut(actuator - PUMP_KEEPER) {
                pump.run = false;
            }
        }
        VALVE_KEEPER => plant.valves.iter_mut().for_each(|valve| valve.command = valve.rest),
        SUPPLY_KEEPER => plant.heat_supplies.iter_mut().for_each(|supply| supply.run = false),
        _ => {
            for field in &mut plant.well_fields {
                if let Some(well) = field.wells.get_mut(actuator - WELL_KEEPER) {
                    well.rest();
                }
            }
        }
    }
}

/// Index of a pump's keeper.
#[must_use]
pub const fn pump_keeper(pump: usize) -> usize {
    debug_assert!(pump < VALVE_KEEPER - PUMP_KEEPER);
    PUMP_KEEPER + pump
}
