//! The rooms that can be had: each fills the plant with its machines, wires them, keeps their
//! panel, and names the devices on its bus.

pub mod changshu;
pub mod renze;
pub mod yanqing;

use serde::{Deserialize, Serialize};

use crate::devices::Device;
use crate::panel::{PUMP_KEEPER, on_panel};
use crate::physics::WATER_W_PER_M3H_K;
use crate::physics::tariff::{Period, Tariff};
use crate::plant::{Loop, Plant};

/// A room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Renze, Xingtai: bore field, air-source bank that recharges it in summer, heating only.
    Renze,
    /// Changshu: river water, heating and cooling of a district, a tank of 3780 m³ on the tariff.
    Changshu,
    /// Yanqing: two production and three reinjection wells, plate exchanger, heat pump, boiler.
    Yanqing,
}

impl Preset {
    /// The devices on its bus, by unit id.
    #[must_use]
    pub fn devices(self) -> &'static [Device] {
        match self {
            Self::Renze => &renze::DEVICES,
            Self::Changshu => &changshu::DEVICES,
            Self::Yanqing => &yanqing::DEVICES,
        }
    }

    /// The tariff's period now and its price, CNY/kWh; none where electricity costs the same always.
    pub(crate) fn tariff(self, plant: &Plant) -> Option<(Period, f64)> {
        match self {
            Self::Changshu => {
                let period = changshu::period(plant);
                Some((period, Tariff::CHANGSHU.price(period)))
            }
            Self::Renze | Self::Yanqing => None,
        }
    }

    pub(crate) fn fill(self, plant: &mut Plant) {
        match self {
            Self::Renze => renze::fill(plant),
            Self::Changshu => changshu::fill(plant),
            Self::Yanqing => yanqing::fill(plant),
        }
    }

    /// Commands what is not remote.
    pub(crate) fn panel(self, plant: &mut Plant) {
        match self {
            Self::Renze => renze::panel(plant),
            Self::Changshu => changshu::panel(plant),
            Self::Yanqing => yanqing::panel(plant),
        }
    }

    pub(crate) fn step(self, plant: &mut Plant, dt_s: f64) {
        match self {
            Self::Renze => renze::step(plant, dt_s),
            Self::Changshu => changshu::step(plant, dt_s),
            Self::Yanqing => yanqing::step(plant, dt_s),
        }
    }
}

/// Temperatures either side of the plant for a mean water temperature: the plant's heat goes in
/// between return and supply. Standing water has one temperature.
fn about_mean(mean_c: f64, heat_w: f64, flow_m3h: f64) -> Loop {
    let half = if flow_m3h > 1.0 { heat_w / (2.0 * flow_m3h * WATER_W_PER_M3H_K) } else { 0.0 };
    Loop { supply_c: mean_c + half, return_c: mean_c - half, heat_w }
}

/// Machines that are called for, which share their loop's flow; their isolating valves follow.
fn called(plant: &Plant) -> f64 {
    plant.heat_pumps.iter().filter(|machine| machine.run).count().max(1) as f64
}

/// Runs a pump, when its panel commands it.
fn run_pump(plant: &mut Plant, pump: usize, run: bool) {
    if on_panel(plant, PUMP_KEEPER + pump) {
        plant.pumps[pump].run = run;
    }
}

fn pump_power_w(plant: &Plant) -> f64 {
    plant.pumps.iter().map(crate::physics::hydraulics::Pump::power_w).sum()
}
