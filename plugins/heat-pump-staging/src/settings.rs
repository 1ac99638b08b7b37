//! What a site sets: the units with their pumps, and every limit and delay of the rules.

use crate::season::Seasons;

/// Most units of one plugin.
pub(crate) const UNITS: usize = 8;
/// Steps before a unit: source pump, load secondary pump, load primary pump, ground loop.
pub(crate) const STEPS: usize = 4;
/// Most pumps or valves of one step.
pub(crate) const PUMPS: usize = 8;
/// Most starts an hour that a site can allow.
pub(crate) const STARTS: usize = 12;

/// Where the pump that carries the water to the users stands in an array of [`STEPS`].
pub(crate) const LOAD_SECONDARY: usize = 1;
/// Where valves or pump of the ground loop stand.
pub(crate) const GROUND_LOOP: usize = 3;

/// What a unit takes its heat from, or gives it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bores.
    Ground,
    /// Outdoor air.
    Air,
    /// River, lake, sewage or reclaimed water.
    Water,
    /// Anything else: a boiler, a chiller with a tower.
    Other,
}

/// One unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct UnitSettings {
    /// Which season rows name it.
    pub(crate) kind: Kind,
    /// Rated heating or cooling output, kW.
    pub(crate) capacity_kw: f64,
    /// Share of the capacity below which it must not run (surge, oil return), 0 to 1.
    pub(crate) floor: f64,
    /// Which pump or valve of each step it needs, from 0; none for a step it does not have.
    pub(crate) pumps: [Option<u8>; STEPS],
    /// Which entry of `unit_request` calls it, from 0.
    pub(crate) request: Option<u8>,
}

impl UnitSettings {
    /// No unit.
    pub(crate) const NONE: Self = Self {
        kind: Kind::Other,
        capacity_kw: 0.0,
        floor: 0.0,
        pumps: [None; STEPS],
        request: None,
    };
}

/// All settings. Durations are in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Settings {
    /// The units; those from `count` on are empty.
    pub(crate) units: [UnitSettings; UNITS],
    /// How many there are.
    pub(crate) count: usize,
    /// How many pumps or valves each step has.
    pub(crate) pumps: [usize; STEPS],
    /// When which kind of unit works.
    pub(crate) seasons: Seasons,
    /// Share of the running capacity above which one more unit is wanted.
    pub(crate) up_share: f64,
    /// How far the supply may miss its setpoint before one more unit is wanted, K.
    pub(crate) up_error_k: f64,
    /// How long either must last.
    pub(crate) up_ms: u32,
    /// Share of the remaining capacity below which one unit less will do.
    pub(crate) down_share: f64,
    /// How long that must last.
    pub(crate) down_ms: u32,
    /// Shortest run.
    pub(crate) min_run_ms: u32,
    /// Shortest pause.
    pub(crate) min_off_ms: u32,
    /// Most starts in any hour, at most [`STARTS`].
    pub(crate) starts_max: usize,
    /// Between the starts of two units.
    pub(crate) start_step_ms: u32,
    /// Within which a pump must be proven.
    pub(crate) flow_proof_ms: u32,
    /// Within which the ground loop must be proven.
    pub(crate) valve_proof_ms: u32,
    /// Within which a unit must be proven running, and stopped.
    pub(crate) unit_proof_ms: u32,
    /// The units stop their compressors on a thermostat of their own.
    pub(crate) unit_cycles: bool,
    /// Pumps run on after the unit.
    pub(crate) run_on_ms: u32,
    /// Keep the load secondary pumps while there is a call.
    pub(crate) circulate: bool,
    /// Difference of run hours above which the lead changes.
    pub(crate) rotation_spread_ms: u64,
    /// From a fault to its one automatic retry.
    pub(crate) retry_ms: u32,
    /// Without a fault after a retry before another is allowed.
    pub(crate) retry_again_ms: u32,
    /// After power or gateway returns.
    pub(crate) restart_delay_ms: u32,
    /// More for each unit.
    pub(crate) restart_step_ms: u32,
    /// After local mode ends.
    pub(crate) remote_return_ms: u32,
    /// All units off before heating changes to cooling or back.
    pub(crate) changeover_ms: u32,
    /// For which the number of units is held when the load is unknown.
    pub(crate) hold_ms: u32,
    /// Source leaving temperature below which a unit is stopped, °C.
    pub(crate) source_leaving_min_c: f64,
    /// How much above that it may start again, K.
    pub(crate) source_leaving_hysteresis_k: f64,
    /// How long it rests then.
    pub(crate) source_cold_pause_ms: u32,
    /// Oldest proof or contact that is believed.
    pub(crate) interlock_age_ms: u32,
    /// Oldest process value that is believed.
    pub(crate) process_age: std::time::Duration,
}

impl Settings {
    /// Time within which a step must be proven.
    pub(crate) fn proof_ms(&self, step: usize) -> u32 {
        if step == GROUND_LOOP { self.valve_proof_ms } else { self.flow_proof_ms }
    }

    /// The units that exist.
    pub(crate) fn indices(&self) -> core::ops::Range<usize> {
        0..self.count
    }
}
