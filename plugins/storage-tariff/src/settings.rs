//! The site's parameters.

use crate::tariff::{Season, Table};
use crate::words::Kept;
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
        let number = |name: &str| cx.parameter::<f64>(name);
        let share = |name: &str| number(name).map(|pct| pct / 100.0);
        let limit = number("demand_limit")? * (1.0 - share("demand_margin")?);
        let settings = Self {
            kept: cx.parameter("store")?,
            volume_m3: number("volume")?,
            heat_capacity: number("heat_capacity")?,
            ice_kwh: number("ice_capacity")? * 1e3,
            soc_min: share("soc_min")?,
            reserve: share("reserve")?,
            soc_max: share("soc_max")?,
            loss: share("loss")?,
            share: share("share")?,
            charge_kw: number("charge_power")?,
            release_kw: number("release_power")?,
            closure_max: share("closure_max")?,
            unit_kw: number("unit_capacity")?,
            unit_rated_kwe: number("unit_power_rated")?,
            unit_cop: number("unit_cop")?,
            unit_limit_min: share("unit_limit_min")?,
            load_min_kw: number("load_min")?,
            demand_kw: (limit > 0.0).then_some(limit),
            speed_hz: (number("discharge_speed_min")?, number("discharge_speed_max")?),
            prices: [
                number("price_valley")?,
                number("price_flat")?,
                number("price_peak")?,
                number("price_sharp")?,
            ],
            mixing_k: number("mixing_difference")?,
            approach_k: number("approach")?,
            level_min: number("level_min")?,
            glycol_min_c: number("glycol_min")?,
            episode_min: cx.parameter("episode_min")?,
            valley_margin: cx.parameter("valley_margin")?,
            charge_lead: cx.parameter("charge_lead")?,
            settle: cx.parameter("settle")?,
            retry_after: cx.parameter("retry_after")?,
            valve_travel: cx.parameter("valve_travel")?,
            tariff_hold: cx.parameter("tariff_hold")?,
            meter_hold: cx.parameter("meter_hold")?,
            remote_return: cx.parameter("remote_return")?,
            age_process: cx.parameter("age_process")?,
            age_slow: cx.parameter("age_slow")?,
            tariff: Table::new(cx.table("tariff")?)?,
            seasons: Season::table(cx.table("seasons")?)?,
        };
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
