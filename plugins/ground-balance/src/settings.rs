//! The parameters of the manifest, checked.

use crate::ground::Field;
use crate::verdict::Means;
use crate::zone::{Metering, ZoneSettings};
use std::time::Duration;
use wellhead_sdk::{Error, Init, MonthDay};

/// Most zones of a field.
pub const ZONES_MAX: usize = 8;

/// All parameters.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each is described in plugin.toml under the same name")]
pub struct Settings {
    pub zones: Vec<ZoneSettings>,
    pub metering: Metering,
    pub field: Field,
    pub means: Means,
    pub limit: f64,
    pub warn: f64,
    pub alarm: f64,
    pub min_cover: f64,
    pub suspect_share: f64,
    pub suspect_ms: u64,
    pub trend_years: u32,
    pub trend_alarm: f64,
    pub rotation_limit: f64,
    pub spring_turn: MonthDay,
    pub autumn_turn: MonthDay,
    pub age_process: Duration,
    pub age_slow: Duration,
}

impl Settings {
    /// Reads and checks them.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let float = |name: &str| cx.parameter::<f64>(name);
        let has = |name: &str| cx.parameter::<bool>(name);
        let share = |name: &str| cx.parameter::<f64>(name).map(|percent| percent / 100.0);
        let ms = |name: &str| cx.parameter::<Duration>(name).map(|time| time.as_millis() as u64);
        let zones = zones(cx.table("zones")?)?;
        let length_m = zones.iter().map(|zone| zone.length_m).sum();
        let settings = Self {
            zones,
            metering: Metering {
                heat_capacity: float("heat_capacity")?,
                noise_k: float("noise")?,
                noise_flow: share("noise_flow")?,
                gap_max_ms: ms("gap_max")?,
                rollover_kwh: float("rollover")?,
                step_kwh: float("register_step")?,
            },
            field: Field {
                undisturbed_c: float("undisturbed_temp")?,
                capacity: float("ground_capacity")? * 1e6,
                spacing_m: float("spacing")?,
                to_edge: float("edge_conductance")?,
                edge_capacity: float("edge_capacity")? * 1e6,
                to_far: float("far_conductance")?,
                length_m,
            },
            means: Means {
                recharge: has("has_recharge")?,
                municipal: has("has_municipal")?,
                river_chiller: has("has_river_chiller")?,
                tower: has("has_tower")?,
            },
            limit: share("limit")?,
            warn: share("warn")?,
            alarm: share("alarm")?,
            min_cover: share("min_cover")?,
            suspect_share: share("suspect_share")?,
            suspect_ms: ms("suspect_after")?,
            trend_years: cx.parameter("trend_years")?,
            trend_alarm: float("trend_alarm")?,
            rotation_limit: share("rotation_limit")?,
            spring_turn: cx.parameter("spring_turn")?,
            autumn_turn: cx.parameter("autumn_turn")?,
            age_process: cx.parameter("age_process")?,
            age_slow: cx.parameter("age_slow")?,
        };
        if !(settings.limit <= settings.warn && settings.warn <= settings.alarm) {
            return Err("limit ≤ warn ≤ alarm must hold".into());
        }
        if settings.spring_turn >= settings.autumn_turn {
            return Err("spring_turn must be earlier in the year than autumn_turn".into());
        }
        Ok(settings)
    }
}

fn zones(rows: Vec<(String, f64, f64, f64)>) -> Result<Vec<ZoneSettings>, Error> {
    if rows.is_empty() || rows.len() > ZONES_MAX {
        return Err(format!("zones: 1 to {ZONES_MAX} rows, these are {}", rows.len()).into());
    }
    let zone = |(name, length_m, design_flow_m3h, max_kw)| ZoneSettings {
        name,
        length_m,
        design_flow_m3h,
        max_kw,
    };
    Ok(rows.into_iter().map(zone).collect())
}
