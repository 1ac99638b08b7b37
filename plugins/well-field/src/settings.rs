//! The site's parameters.

use wellhead_sdk::Parameters;
use wellhead_sdk::prelude::*;

/// Most wells of a kind.
pub const WELLS: usize = 8;

/// A production well.
#[derive(Debug, Clone, Copy, Default)]
pub struct Producer {
    /// Tested yield, m³/h.
    pub yield_m3h: f64,
    /// Speed of the pump at that yield, Hz.
    pub speed_hz: f64,
}

/// A reinjection well.
#[derive(Debug, Clone, Copy, Default)]
pub struct Injector {
    /// Tested capacity, m³/h.
    pub capacity_m3h: f64,
    /// Wellhead pressure at rest, kPa; negative for a level below the surface.
    pub rest_kpa: f64,
    /// Injectivity at the test, m³/h per kPa.
    pub injectivity: f64,
}

/// Everything that may be set; percentages as 0–1.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "each stands in plugin.toml with its title and unit")]
pub struct Settings {
    pub producers: Vec<Producer>,
    pub injectors: Vec<Injector>,
    pub licence_m3h: f64,
    pub pressure_max_kpa: f64,
    pub injected_max_c: f64,
    pub level_floor_m: f64,
    pub level_return_m: f64,
    pub ratio_warn: f64,
    pub ratio_alarm: f64,
    pub meter_error: f64,
    pub injectivity_alarm: f64,
    pub injectivity_restored: f64,
    pub flow_min_m3h: f64,
    pub filter_warn_kpa: f64,
    pub filter_stop_kpa: f64,
    pub sand_max_pct: f64,
    pub ramp_per_min: f64,
    pub warm_up: f64,
    pub load_setpoint_c: f64,
    pub load_band_k: f64,
    pub tail_target_c: f64,
    pub speed_hz: (f64, f64),
    pub heat_capacity: f64,
    pub tax: f64,
    pub warm_up_for: Duration,
    pub surplus_after: Duration,
    pub smoothing: Duration,
    pub injectivity_after: Duration,
    pub sand_after: Duration,
    pub backwash_for: Duration,
    pub backwash_rest: Duration,
    pub backwash_prepare: Duration,
    pub injected_hot_after: Duration,
    pub reinjection_closed_after: Duration,
    pub retry_after: Duration,
    pub call_hold: Duration,
    pub unmet_after: Duration,
    pub remote_return: Duration,
    pub age_interlock: Duration,
    pub age_process: Duration,
}

impl Settings {
    /// Reads and checks them.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let producer = |(yield_m3h, speed_hz): (f64, f64)| Producer { yield_m3h, speed_hz };
        let injector = |(capacity_m3h, rest_kpa, injectivity, _): (f64, f64, f64, String)| {
            Injector { capacity_m3h, rest_kpa, injectivity }
        };
        let producers = cx.table("production")?.into_iter().map(producer).collect();
        let injectors = cx.table("reinjection")?.into_iter().map(injector).collect();
        let settings = cx.parameters(|p| Self {
            producers,
            injectors,
            licence_m3h: p.get("licence"),
            pressure_max_kpa: p.get("pressure_max"),
            injected_max_c: p.get("injected_max"),
            level_floor_m: p.get("level_floor"),
            level_return_m: p.get("level_return"),
            ratio_warn: share(p, "ratio_warn"),
            ratio_alarm: share(p, "ratio_alarm"),
            meter_error: share(p, "meter_error"),
            injectivity_alarm: share(p, "injectivity_alarm"),
            injectivity_restored: share(p, "injectivity_restored"),
            flow_min_m3h: p.get("flow_min"),
            filter_warn_kpa: p.get("filter_warn"),
            filter_stop_kpa: p.get("filter_stop"),
            sand_max_pct: p.get("sand_max"),
            ramp_per_min: share(p, "ramp"),
            warm_up: share(p, "warm_up"),
            load_setpoint_c: p.get("load_setpoint"),
            load_band_k: p.get("load_band"),
            tail_target_c: p.get("tail_target"),
            speed_hz: (p.get("speed_min"), p.get("speed_max")),
            heat_capacity: p.get("heat_capacity"),
            tax: p.get("tax"),
            warm_up_for: p.get("warm_up_for"),
            surplus_after: p.get("surplus_after"),
            smoothing: p.get("smoothing"),
            injectivity_after: p.get("injectivity_after"),
            sand_after: p.get("sand_after"),
            backwash_for: p.get("backwash_for"),
            backwash_rest: p.get("backwash_rest"),
            backwash_prepare: p.get("backwash_prepare"),
            injected_hot_after: p.get("injected_hot_after"),
            reinjection_closed_after: p.get("reinjection_closed_after"),
            retry_after: p.get("retry_after"),
            call_hold: p.get("call_hold"),
            unmet_after: p.get("unmet_after"),
            remote_return: p.get("remote_return"),
            age_interlock: p.get("age_interlock"),
            age_process: p.get("age_process"),
        })?;
        for (name, count) in
            [("production", settings.producers.len()), ("reinjection", settings.injectors.len())]
        {
            if !(1..=WELLS).contains(&count) {
                return Err(format!("{name}: one to {WELLS} wells, not {count}").into());
            }
        }
        if settings.speed_hz.0 > settings.speed_hz.1 {
            return Err("speed_min is above speed_max".into());
        }
        Ok(settings)
    }
}

/// A percentage as a share of one.
fn share(p: &Parameters<'_>, name: &str) -> f64 {
    p.get::<f64>(name) / 100.0
}
