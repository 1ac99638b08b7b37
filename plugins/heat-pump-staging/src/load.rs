//! The load, and whether it wants one unit more or one less.

use serde::{Deserialize, Serialize};

use crate::season::Mode;
use crate::settings::Settings;

/// Heat that one cubic metre of water carries a kelvin, kWh: 4.187 kJ/(kg·K) at 1000 kg/m³.
const WATER_KWH_PER_M3K: f64 = 4.187 / 3.6;

/// What the mains' meters show.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Mains {
    /// To the users, °C.
    pub(crate) supply_c: Option<f64>,
    /// From the users, °C.
    pub(crate) return_c: Option<f64>,
    /// m³/h.
    pub flow_m3h: Option<f64>,
}

impl Mains {
    /// Q = ρ·c·V·|T_supply − T_return|, kW.
    pub(crate) fn load_kw(&self) -> Option<f64> {
        let difference = (self.supply_c? - self.return_c?).abs();
        Some(self.flow_m3h?.max(0.0) * WATER_KWH_PER_M3K * difference)
    }

    /// How far the supply is on the wrong side of its setpoint, K.
    pub(crate) fn error_k(&self, mode: Mode, setpoint_c: f64) -> Option<f64> {
        let missing = setpoint_c - self.supply_c?;
        Some(if mode == Mode::Heating { missing } else { -missing })
    }
}

/// How well the load is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Ladder {
    /// From the mains.
    #[default]
    Mains,
    /// From what the units say they give.
    Units,
    /// Not: the number of units stays.
    Held,
    /// Not for too long: one unit a contact that calls.
    Contacts,
}

impl Ladder {
    /// Its code: the rung of the fail-safe ladder that all plugins share.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Mains => "L0",
            Self::Units => "L1",
            Self::Held => "L2",
            Self::Contacts => "L3",
        }
    }
}

/// The running units together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Running {
    /// How many the load wants.
    pub(crate) wanted: usize,
    /// Rated output, kW.
    pub(crate) capacity_kw: f64,
    /// What they must give together not to fall below their floors, kW.
    pub(crate) floor_kw: f64,
    /// Rated output of the unit that would go, kW.
    pub(crate) next_off_kw: f64,
    /// Floor of the unit that would come, kW.
    pub(crate) next_on_floor_kw: f64,
}

/// What the load says about the number of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// One more would be right.
    More,
    /// One more, since the supply misses its setpoint.
    MoreForSetpoint,
    /// One less would do.
    Less,
    /// One less, since they would run below their floors.
    LessForFloor,
    /// Neither.
    Same,
}

/// Judges a measured load.
pub(crate) fn judge(
    settings: &Settings,
    load_kw: f64,
    error_k: Option<f64>,
    running: &Running,
) -> Verdict {
    let missed = error_k.is_some_and(|error| error > settings.up_error_k);
    if missed {
        return Verdict::MoreForSetpoint;
    }
    if running.wanted == 0 {
        // Nothing runs: a load that a unit could not run at is left to the water in the pipes.
        let worth = load_kw > running.next_on_floor_kw && error_k.is_none();
        return if worth { Verdict::More } else { Verdict::Same };
    }
    if load_kw > settings.up_share * running.capacity_kw {
        return Verdict::More;
    }
    let remaining_kw = running.capacity_kw - running.next_off_kw;
    if running.wanted > 1 && load_kw < settings.down_share * remaining_kw {
        return Verdict::Less;
    }
    // Fewer units than the floor asks for are only right where they can carry the load.
    let carried = running.wanted == 1 || load_kw <= settings.up_share * remaining_kw;
    let known = running.wanted > 1 || error_k.is_some();
    if load_kw < running.floor_kw && carried && known {
        return Verdict::LessForFloor;
    }
    Verdict::Same
}
