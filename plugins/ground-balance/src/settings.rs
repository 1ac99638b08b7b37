//! The parameters of the manifest, checked.

use crate::ground::Field;
use crate::verdict::Means;
use crate::zone::{Metering, ZoneSettings};
use std::time::Duration;
use wellhead_sdk::{Error, Init, MonthDay, Parameters, millis};

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
        let zones = zones(cx.table("zones")?)?;
        let length_m = zones.iter().map(|zone| zone.length_m).sum();
        let (spring_turn, autumn_turn) =
            (cx.parameter("spring_turn")?, cx.parameter("autumn_turn")?);
        let trend_years = cx.parameter("trend_years")?;
        let settings = cx.parameters(|p| Self {
            zones,
            metering: Metering {
                heat_capacity: p.get("heat_capacity"),
                noise_k: p.get("noise"),
                noise_flow: share(p, "noise_flow"),
                gap_max_ms: ms(p, "gap_max"),
                rollover_kwh: p.get("rollover"),
                step_kwh: p.get("register_step"),
            },
            field: Field {
                undisturbed_c: p.get("undisturbed_temp"),
                capacity: p.get::<f64>("ground_capacity") * 1e6,
                spacing_m: p.get("spacing"),
                to_edge: p.get("edge_conductance"),
                edge_capacity: p.get::<f64>("edge_capacity") * 1e6,
                to_far: p.get("far_conductance"),
                length_m,
            },
            means: Means {
                recharge: p.get("has_recharge"),
                municipal: p.get("has_municipal"),
                river_chiller: p.get("has_river_chiller"),
                tower: p.get("has_tower"),
            },
            limit: share(p, "limit"),
            warn: share(p, "warn"),
            alarm: share(p, "alarm"),
            min_cover: share(p, "min_cover"),
            suspect_share: share(p, "suspect_share"),
            suspect_ms: ms(p, "suspect_after"),
            trend_years,
            trend_alarm: p.get("trend_alarm"),
            rotation_limit: share(p, "rotation_limit"),
            spring_turn,
            autumn_turn,
            age_process: p.get("age_process"),
            age_slow: p.get("age_slow"),
        })?;
        if !(settings.limit <= settings.warn && settings.warn <= settings.alarm) {
            return Err("limit ≤ warn ≤ alarm must hold".into());
        }
        if settings.spring_turn >= settings.autumn_turn {
            return Err("spring_turn must be earlier in the year than autumn_turn".into());
        }
        Ok(settings)
    }
}

fn ms(p: &Parameters<'_>, name: &str) -> u64 {
    millis(p.get(name))
}

/// A percentage as a share of one.
fn share(p: &Parameters<'_>, name: &str) -> f64 {
    p.get::<f64>(name) / 100.0
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
