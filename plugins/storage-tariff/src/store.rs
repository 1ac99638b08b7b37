//! How much is in the store.

use crate::settings::Settings;
use crate::tariff::Season;
use crate::words::Kept;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most probes of a string.
pub const PROBES: usize = 16;
/// A string with fewer good probes is only a rough picture.
const PROBES_GOOD: usize = 5;
const PROBES_MIN: usize = 2;

/// What the gateway reads of the store.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readings {
    /// Probes from the bottom, °C.
    pub string_c: [Option<f64>; PROBES],
    /// How many there are.
    pub probes: usize,
    /// Ice, %.
    pub ice_pct: Option<f64>,
    /// Heat into the store, kW.
    pub heat_kw: Option<f64>,
}

impl Readings {
    /// The uppermost or the lowest probe that is believed, °C.
    pub fn end_c(&self, upper: bool) -> Option<f64> {
        let string = &self.string_c[..self.probes];
        if upper { string.last().copied().flatten() } else { string.first().copied().flatten() }
    }
}

/// Energy of the store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stored {
    /// kWh above empty.
    pub kwh: f64,
    /// Measured by enough probes, not substituted.
    pub sure: bool,
}

/// Follows the energy, by the string, or by the heat meter for a while.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Store {
    last_kwh: Option<f64>,
    blind: Duration,
}

impl Store {
    /// Forgets what it knew: another season holds another thing.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// The energy now, if it is known; `dt` since the last call.
    pub fn update(
        &mut self,
        settings: &Settings,
        season: &Season,
        readings: &Readings,
        dt: Duration,
    ) -> Option<Stored> {
        let measured = match settings.kept {
            Kept::Water => water_kwh(settings, season, readings),
            Kept::Ice => readings.ice_pct.map(|pct| Stored {
                kwh: pct.clamp(0.0, 100.0) / 100.0 * settings.capacity_kwh(season),
                sure: true,
            }),
        };
        if let Some(stored) = measured {
            self.last_kwh = Some(stored.kwh);
            self.blind = Duration::ZERO;
            return Some(stored);
        }
        let (last, heat_kw) = (self.last_kwh?, readings.heat_kw);
        self.blind += dt;
        let Some(heat_kw) = heat_kw.filter(|_| self.blind <= settings.meter_hold) else {
            self.last_kwh = None;
            return None;
        };
        let kwh = last + season.sign() * heat_kw * dt.as_secs_f64() / 3600.0;
        let kwh = kwh.max(0.0).min(settings.capacity_kwh(season));
        self.last_kwh = Some(kwh);
        Some(Stored { kwh, sure: false })
    }
}

/// Σ V c (T − T_empty) over equal slices, each as warm as its probe; a probe that is not believed
/// takes the line between its neighbours.
fn water_kwh(settings: &Settings, season: &Season, readings: &Readings) -> Option<Stored> {
    let string = &readings.string_c[..readings.probes];
    let good = string.iter().flatten().count();
    if good < PROBES_MIN {
        return None;
    }
    let slice = settings.volume_m3 / string.len() as f64 * settings.heat_capacity;
    let mut kwh = 0.0;
    for at in 0..string.len() {
        kwh += slice * season.sign() * (probe(string, at)? - season.empty_c);
    }
    let sure = good >= PROBES_GOOD && good == string.len();
    Some(Stored { kwh: kwh.max(0.0), sure })
}

fn probe(string: &[Option<f64>], at: usize) -> Option<f64> {
    if let Some(found) = string[at] {
        return Some(found);
    }
    let below = (0..at).rev().find_map(|i| string[i].map(|c| (i, c)));
    let above = (at + 1..string.len()).find_map(|i| string[i].map(|c| (i, c)));
    match (below, above) {
        (Some((low, low_c)), Some((high, high_c))) => {
            Some(low_c + (high_c - low_c) * (at - low) as f64 / (high - low) as f64)
        }
        (one, other) => one.or(other).map(|(_, c)| c),
    }
}
