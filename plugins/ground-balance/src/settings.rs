//! The parameters of the manifest, checked.

use crate::ground::Field;
use crate::verdict::Means;
use crate::zone::{Metering, ZoneSettings};
use std::time::Duration;
use wellhead_sdk::{Cell, Error, Init, MonthDay};

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
    /// Reads and checks them. Parameters of a type are read together: an early return for each
    /// would be a tenth of the component.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let zones = zones(cx.table("zones")?)?;
        let length_m = zones.iter().map(|zone| zone.length_m).sum();
        let [limit, warn, alarm, min_cover, noise_flow, suspect_share, rotation_limit] = read(
            cx,
            [
                "limit",
                "warn",
                "alarm",
                "min_cover",
                "noise_flow",
                "suspect_share",
                "rotation_limit",
            ],
            0.0,
        )?
        .map(|percent| percent / 100.0);
        let [heat_capacity, noise_k, rollover_kwh, step_kwh, trend_alarm] =
            read(cx, ["heat_capacity", "noise", "rollover", "register_step", "trend_alarm"], 0.0)?;
        let [undisturbed_c, capacity_mj, spacing_m, to_edge, edge_capacity_mj, to_far] = read(
            cx,
            [
                "undisturbed_temp",
                "ground_capacity",
                "spacing",
                "edge_conductance",
                "edge_capacity",
                "far_conductance",
            ],
            0.0,
        )?;
        let [recharge, municipal, river_chiller, tower] =
            read(cx, ["has_recharge", "has_municipal", "has_river_chiller", "has_tower"], false)?;
        let [gap_max, suspect_after, age_process, age_slow] =
            read(cx, ["gap_max", "suspect_after", "age_process", "age_slow"], Duration::ZERO)?;
        let ms = |time: Duration| time.as_millis() as u64;
        let settings = Self {
            zones,
            metering: Metering {
                heat_capacity,
                noise_k,
                noise_flow,
                gap_max_ms: ms(gap_max),
                rollover_kwh,
                step_kwh,
            },
            field: Field {
                undisturbed_c,
                capacity: capacity_mj * 1e6,
                spacing_m,
                to_edge,
                edge_capacity: edge_capacity_mj * 1e6,
                to_far,
                length_m,
            },
            means: Means { recharge, municipal, river_chiller, tower },
            limit,
            warn,
            alarm,
            min_cover,
            suspect_share,
            suspect_ms: ms(suspect_after),
            trend_years: cx.parameter("trend_years")?,
            trend_alarm,
            rotation_limit,
            spring_turn: cx.parameter("spring_turn")?,
            autumn_turn: cx.parameter("autumn_turn")?,
            age_process,
            age_slow,
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

fn read<T: Cell + Copy, const N: usize>(
    cx: &Init<'_>,
    names: [&str; N],
    empty: T,
) -> Result<[T; N], Error> {
    let mut values = [empty; N];
    fill(cx, &names, &mut values)?;
    Ok(values)
}

#[inline(never)]
fn fill<T: Cell>(cx: &Init<'_>, names: &[&str], values: &mut [T]) -> Result<(), Error> {
    for (name, value) in names.iter().zip(values) {
        *value = cx.parameter(name)?;
    }
    Ok(())
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
