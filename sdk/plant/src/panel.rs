//! Who commands an actuator: the plant's own panel, or a master on the bus.
//!
//! A device starts under its panel, which keeps the season calendar of the site. The first command
//! written to it over the bus makes it *remote*: it obeys the bus from then on. A remote device
//! that hears no write for its watchdog time falls back to its own defaults (off, valves to the
//! load) and says so; the next write takes it over again.

use jiff::civil::Date;

use crate::plant::{AIR_PUMP, AIR_VALVE, EXCHANGER_VALVE, GROUND_PUMP, LOAD_PUMP, Plant};

/// Actuator devices: two heat pumps, the air-source bank, three pumps, the valve module.
pub const ACTUATORS: usize = 7;
/// Where the devices stand among the keepers.
pub const HEAT_PUMP_KEEPER: usize = 0;
/// The air-source bank.
pub const AIR_KEEPER: usize = 2;
/// First of the three pumps.
pub const PUMP_KEEPER: usize = 3;
/// The valve module.
pub const VALVE_KEEPER: usize = 6;

/// Who commands one device, and for how long it will wait for the next word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keeper {
    /// Commanded over the bus.
    pub remote: bool,
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
        Self { remote: false, lost: false, timeout_s, left_s: timeout_s, heartbeat: 0 }
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
        *self = Self { heartbeat: self.heartbeat, ..Self::new(self.timeout_s) };
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

/// What a panel asks of the actuators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panel {
    /// Run the ground-source machines.
    pub ground_source: bool,
    /// Run the air-source bank.
    pub air_source: bool,
    /// Its heat goes into the ground.
    pub recharge: bool,
    /// Open the exchanger between load and ground loop.
    pub exchanger: bool,
}

impl Panel {
    /// Everything off: the defaults an abandoned device falls back to.
    pub const DEFAULTS: Self =
        Self { ground_source: false, air_source: false, recharge: false, exchanger: false };

    /// The season calendar of the site.
    #[must_use]
    pub fn for_date(date: Date) -> Self {
        let off = Self::DEFAULTS;
        match (date.month(), date.day()) {
            (5, 15..) | (6, _) => Self { exchanger: true, ..off },
            (7 | 8, _) => Self { air_source: true, recharge: true, ..off },
            (11, 15..) | (12, ..=10) | (2, 26..) | (3, ..=15) => Self { air_source: true, ..off },
            (1, 6..) => Self { ground_source: true, air_source: true, ..off },
            (12 | 1, _) | (2, _) => Self { ground_source: true, ..off },
            _ => off,
        }
    }

    fn pump(self, pump: usize) -> bool {
        match pump {
            GROUND_PUMP => self.ground_source || self.recharge || self.exchanger,
            LOAD_PUMP => {
                self.ground_source || self.exchanger || (self.air_source && !self.recharge)
            }
            _ => self.air_source,
        }
    }

    /// Commands every device that is not remote.
    pub(crate) fn apply(self, plant: &mut Plant) {
        for actuator in 0..ACTUATORS {
            if !plant.keepers[actuator].remote {
                self.apply_to(plant, actuator);
            }
        }
    }

    /// Commands one device.
    pub(crate) fn apply_to(self, plant: &mut Plant, actuator: usize) {
        match actuator {
            0 | 1 => plant.heat_pumps[actuator].run = self.ground_source,
            AIR_KEEPER => plant.air_source.run = self.air_source,
            PUMP_KEEPER..VALVE_KEEPER => {
                let pump = actuator - PUMP_KEEPER;
                plant.pumps[pump].run = self.pump(pump);
            }
            _ => {
                plant.valves[AIR_VALVE].command = f64::from(u8::from(self.recharge));
                plant.valves[EXCHANGER_VALVE].command = f64::from(u8::from(self.exchanger));
            }
        }
    }
}

/// Index of a pump's keeper.
#[must_use]
pub fn pump_keeper(pump: usize) -> usize {
    debug_assert!(pump <= AIR_PUMP);
    PUMP_KEEPER + pump
}
