//! Faults of the plant itself: what they do to its machines, with or without a bus.

use crate::devices::Device;
use crate::fault::{Fault, FaultError};
use crate::panel::{
    AIR_KEEPER, HEAT_PUMP_KEEPER, PUMP_KEEPER, SUPPLY_KEEPER, VALVE_KEEPER, WELL_KEEPER,
};
use crate::plant::Plant;

impl Fault {
    /// Kinds of devices a fault of the plant can befall; `None` for a fault of a bus or sensor,
    /// empty for one of the whole room.
    #[must_use]
    pub fn befalls(&self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::PowerBlip { .. } => &[],
            Self::Trip { .. } => &["heat_pump", "drive"],
            Self::ValveStuck => &["valves", "storage_valves", "reinjection_well"],
            Self::MeterSwap => &["heat_meter"],
            Self::Leak { .. } | Self::WellLost => &["production_well", "reinjection_well"],
            Self::Clog { .. } => &["reinjection_well"],
            Self::RiverDrop { .. } => &["river_station"],
            Self::ProofLost => &["drive"],
            Self::Local => &[
                "heat_pump",
                "air_source",
                "heat_supply",
                "drive",
                "valves",
                "storage_valves",
                "production_well",
                "reinjection_well",
            ],
            _ => return None,
        })
    }

    /// Lets a fault of the plant begin (`on`) or end at a unit. A trip, a swapped meter, a lost
    /// power and what has clogged do not end with the fault: the plant goes on from there.
    ///
    /// # Errors
    /// When there is no such unit, or the fault cannot befall it. Faults of bus and sensors do
    /// nothing here.
    pub fn apply(&self, plant: &mut Plant, unit: Option<u8>, on: bool) -> Result<(), FaultError> {
        let Some(kinds) = self.befalls() else { return Ok(()) };
        if let Self::PowerBlip { seconds } = self {
            if on {
                plant.cut_power(*seconds);
            }
            return Ok(());
        }
        let device = self.victim(plant.config().preset.devices(), kinds, unit)?;
        let i = device.index;
        match self {
            Self::Trip { retry_s } if on => match device.model.kind {
                "heat_pump" => plant.heat_pumps[i].trip_compressor(*retry_s),
                _ => plant.pumps[i].tripped = true,
            },
            Self::ValveStuck => match device.model.kind {
                "reinjection_well" => plant.well_fields[0].wells[i].valve.stuck = on,
                _ => plant.valves.iter_mut().for_each(|valve| valve.stuck = on),
            },
            Self::MeterSwap if on => {
                let seed = plant.seed();
                plant.heat_meters[i].swap(seed, u64::from(device.unit));
            }
            Self::Leak { m3h } => plant.well_fields[0].leak_m3h = if on { *m3h } else { 0.0 },
            Self::WellLost => plant.well_fields[0].wells[i].lost = on,
            Self::Clog { skin } if on => plant.well_fields[0].wells[i].skin += skin,
            Self::RiverDrop { metres } => plant.sources[i].drop_m = if on { *metres } else { 0.0 },
            Self::ProofLost => plant.pumps[i].proof_lost = on,
            Self::Local => {
                if let Some(actuator) = actuator(device) {
                    plant.keepers[actuator].local = on;
                    plant.keepers[actuator].release();
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn victim(
        &self,
        devices: &'static [Device],
        kinds: &'static [&'static str],
        unit: Option<u8>,
    ) -> Result<&'static Device, FaultError> {
        let unit = unit.ok_or(FaultError::NeedsUnit)?;
        let found = devices.iter().find(|device| device.unit == unit);
        let fits = |device: &&Device| kinds.contains(&device.model.kind);
        found.filter(fits).ok_or_else(|| FaultError::NotAt { unit, kinds: kinds.join(", ") })
    }
}

/// The keeper of an actuator.
fn actuator(device: &Device) -> Option<usize> {
    Some(match device.model.kind {
        "heat_pump" => HEAT_PUMP_KEEPER + device.index,
        "air_source" => AIR_KEEPER,
        "heat_supply" => SUPPLY_KEEPER,
        "drive" => PUMP_KEEPER + device.index,
        "valves" | "storage_valves" => VALVE_KEEPER,
        "production_well" | "reinjection_well" => WELL_KEEPER + device.index,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::heat_pump::{Alarm, Status};
    use crate::plant::Config;
    use crate::presets::Preset;
    use jiff::civil::date;

    fn plant(preset: Preset, month: i8) -> Plant {
        let start = date(2026, month, 10).at(6, 0, 0, 0);
        let mut plant = Plant::new(Config { preset, start, ..Config::default() }, 1);
        run(&mut plant, 120);
        plant
    }

    fn run(plant: &mut Plant, minutes: usize) {
        (0..minutes * 4).for_each(|_| plant.step(15.0));
    }

    #[test]
    fn power_blip_stops_everything_and_what_was_remote_waits_for_new_orders() {
        let mut plant = plant(Preset::Renze, 1);
        plant.keepers[HEAT_PUMP_KEEPER].commanded();
        Fault::PowerBlip { seconds: 60.0 }.apply(&mut plant, None, true).unwrap();
        run(&mut plant, 1);
        assert!(plant.heat_pumps.iter().all(|machine| machine.power_w == 0.0));
        run(&mut plant, 20);
        assert!(plant.heat_pumps[1].is_running(), "its panel did not start it again");
        assert!(!plant.heat_pumps[0].run && plant.keepers[HEAT_PUMP_KEEPER].lost);
    }

    #[test]
    fn tripped_machine_retries_when_told_to() {
        let mut plant = plant(Preset::Renze, 1);
        Fault::Trip { retry_s: 1800.0 }.apply(&mut plant, Some(1), true).unwrap();
        run(&mut plant, 25);
        let machine = &plant.heat_pumps[0];
        assert_eq!((machine.status, machine.alarm), (Status::Fault, Alarm::Compressor));
        run(&mut plant, 20);
        assert!(plant.heat_pumps[0].is_running());
    }

    #[test]
    fn stuck_valve_stays_and_lost_proof_trips_the_machines() {
        let mut plant = plant(Preset::Renze, 7);
        Fault::ValveStuck.apply(&mut plant, Some(14), true).unwrap();
        plant.keepers[VALVE_KEEPER].commanded();
        plant.valves[0].command = 0.0;
        run(&mut plant, 10);
        assert_eq!(plant.valves[0].position, 1.0);
        Fault::ValveStuck.apply(&mut plant, Some(14), false).unwrap();
        run(&mut plant, 2);
        assert_eq!(plant.valves[0].position, 0.0);

        let mut winter = self::plant(Preset::Renze, 1);
        Fault::ProofLost.apply(&mut winter, Some(11), true).unwrap();
        run(&mut winter, 1);
        assert!(winter.heat_pumps.iter().all(|m| m.alarm == Alarm::SourceFlow));
    }

    #[test]
    fn swapped_meter_begins_at_nought_and_goes_on_counting() {
        let mut plant = plant(Preset::Renze, 1);
        assert!(plant.heat_meters[1].positive_j > 3.6e8);
        Fault::MeterSwap.apply(&mut plant, Some(22), true).unwrap();
        assert_eq!(plant.heat_meters[1].positive_j, 0.0);
        run(&mut plant, 60);
        assert!(plant.heat_meters[1].positive_j > 3.6e8);
    }

    #[test]
    fn wells_leak_clog_and_fail() {
        let mut plant = plant(Preset::Yanqing, 1);
        Fault::Leak { m3h: 42.0 }.apply(&mut plant, Some(51), true).unwrap();
        Fault::Clog { skin: 3.0 }.apply(&mut plant, Some(61), true).unwrap();
        Fault::WellLost.apply(&mut plant, Some(63), true).unwrap();
        run(&mut plant, 30);
        let wells = &plant.well_fields[0];
        assert!(wells.wells[2].flow_m3h < wells.wells[3].flow_m3h, "clogged well takes as much");
        assert_eq!(wells.wells[4].flow_m3h, 0.0);
        let sum = |range: std::ops::Range<usize>| {
            wells.wells[range].iter().map(|well| well.flow_m3h).sum::<f64>()
        };
        assert!((sum(0..2) - sum(2..5) - 42.0).abs() < 1e-6);
    }

    #[test]
    fn river_drops_and_comes_back() {
        let mut plant = plant(Preset::Changshu, 7);
        let drop = Fault::RiverDrop { metres: 1.5 };
        let level = plant.sources[0].level_m;
        drop.apply(&mut plant, Some(43), true).unwrap();
        plant.step(1.0);
        assert!(plant.sources[0].level_m < level - 1.0, "{}", plant.sources[0].level_m);
        drop.apply(&mut plant, Some(43), false).unwrap();
        plant.step(1.0);
        assert!((plant.sources[0].level_m - level).abs() < 0.1);
    }

    #[test]
    fn a_fault_that_cannot_befall_a_unit_is_refused() {
        let mut plant = Plant::new(Config::default(), 1);
        let refused = Fault::Leak { m3h: 42.0 }.apply(&mut plant, Some(1), true);
        assert!(matches!(refused, Err(FaultError::NotAt { unit: 1, .. })));
        assert_eq!(Fault::Local.apply(&mut plant, None, true), Err(FaultError::NeedsUnit));
        Fault::Local.apply(&mut plant, Some(1), true).unwrap();
        assert!(plant.keepers[HEAT_PUMP_KEEPER].local && !plant.keepers[HEAT_PUMP_KEEPER].remote);
    }
}
