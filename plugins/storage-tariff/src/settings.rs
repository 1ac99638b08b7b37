//! The site's parameters.

use crate::tariff::{Season, Table};
use crate::words::Kept;
use wellhead_sdk::Parameters;
use wellhead_sdk::prelude::*;

/// Everything that may be set; percentages as 0–1.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each stands in plugin.toml with its title and unit")]
pub struct Settings {
    pub kept: Kept,
    pub volume_m3: f64,
    pub heat_capacity: f64,
    pub ice_kwh: f64,
    pub soc_min: f64,
    pub reserve: f64,
    pub soc_max: f64,
    pub loss: f64,
    pub share: f64,
    pub charge_kw: f64,
    pub release_kw: f64,
    pub closure_max: f64,
    pub unit_kw: f64,
    pub unit_rated_kwe: f64,
    pub unit_cop: f64,
    pub unit_limit_min: f64,
    pub load_min_kw: f64,
    pub demand_kw: Option<f64>,
    pub speed_hz: (f64, f64),
    pub prices: [f64; 4],
    pub mixing_k: f64,
    pub approach_k: f64,
    pub level_min: f64,
    pub glycol_min_c: f64,
    pub episode_min: Duration,
    pub valley_margin: Duration,
    pub charge_lead: Duration,
    pub settle: Duration,
    pub retry_after: Duration,
    pub valve_travel: Duration,
    pub tariff_hold: Duration,
    pub meter_hold: Duration,
    pub remote_return: Duration,
    pub age_process: Duration,
    pub age_slow: Duration,
    pub tariff: Table,
    pub seasons: Vec<Season>,
}

impl Settings {
    /// Reads and checks them.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let kept = cx.parameter("store")?;
        let tariff = Table::new(cx.table("tariff")?)?;
        let seasons = Season::table(cx.table("seasons")?)?;
        let settings = cx.parameters(|p| {
            let limit = p.get::<f64>("demand_limit") * (1.0 - share(p, "demand_margin"));
            Self {
                kept,
                volume_m3: p.get("volume"),
                heat_capacity: p.get("heat_capacity"),
                ice_kwh: p.get::<f64>("ice_capacity") * 1e3,
                soc_min: share(p, "soc_min"),
                reserve: share(p, "reserve"),
                soc_max: share(p, "soc_max"),
                loss: share(p, "loss"),
                share: share(p, "share"),
                charge_kw: p.get("charge_power"),
                release_kw: p.get("release_power"),
                closure_max: share(p, "closure_max"),
                unit_kw: p.get("unit_capacity"),
                unit_rated_kwe: p.get("unit_power_rated"),
                unit_cop: p.get("unit_cop"),
                unit_limit_min: share(p, "unit_limit_min"),
                load_min_kw: p.get("load_min"),
                demand_kw: (limit > 0.0).then_some(limit),
                speed_hz: (p.get("discharge_speed_min"), p.get("discharge_speed_max")),
                prices: [
                    p.get("price_valley"),
                    p.get("price_flat"),
                    p.get("price_peak"),
                    p.get("price_sharp"),
                ],
                mixing_k: p.get("mixing_difference"),
                approach_k: p.get("approach"),
                level_min: p.get("level_min"),
                glycol_min_c: p.get("glycol_min"),
                episode_min: p.get("episode_min"),
                valley_margin: p.get("valley_margin"),
                charge_lead: p.get("charge_lead"),
                settle: p.get("settle"),
                retry_after: p.get("retry_after"),
                valve_travel: p.get("valve_travel"),
                tariff_hold: p.get("tariff_hold"),
                meter_hold: p.get("meter_hold"),
                remote_return: p.get("remote_return"),
                age_process: p.get("age_process"),
                age_slow: p.get("age_slow"),
                tariff,
                seasons,
            }
        })?;
        if settings.soc_min > settings.reserve || settings.reserve >= settings.soc_max {
            return Err("soc_min, reserve and soc_max must rise in this order".into());
        }
        if settings.speed_hz.0 > settings.speed_hz.1 {
            return Err("discharge_speed_min is above discharge_speed_max".into());
        }
        Ok(settings)
    }

    /// Energy of the full store, kWh.
    pub fn capacity_kwh(&self, season: &Season) -> f64 {
        match self.kept {
            Kept::Water => {
                self.volume_m3 * self.heat_capacity * (season.full_c - season.empty_c).abs()
            }
            Kept::Ice => self.ice_kwh,
        }
    }

    /// The season of a day.
    pub fn season(&self, local: &Civil) -> Option<&Season> {
        self.seasons.iter().find(|season| season.dates.contains(local))
    }
}

/// A percentage as a share of one.
fn share(p: &Parameters<'_>, name: &str) -> f64 {
    p.get::<f64>(name) / 100.0
}
