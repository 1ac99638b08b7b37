//! The site's parameters.

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
        let number = |name: &str| cx.parameter::<f64>(name);
        let share = |name: &str| number(name).map(|pct| pct / 100.0);
        let time = |name: &str| cx.parameter::<Duration>(name);
        let producer = |(yield_m3h, speed_hz): (f64, f64)| Producer { yield_m3h, speed_hz };
        let injector = |(capacity_m3h, rest_kpa, injectivity, _): (f64, f64, f64, String)| {
            Injector { capacity_m3h, rest_kpa, injectivity }
        };
        let settings = Self {
            producers: cx.table("production")?.into_iter().map(producer).collect(),
            injectors: cx.table("reinjection")?.into_iter().map(injector).collect(),
            licence_m3h: number("licence")?,
            pressure_max_kpa: number("pressure_max")?,
            injected_max_c: number("injected_max")?,
            level_floor_m: number("level_floor")?,
            level_return_m: number("level_return")?,
            ratio_warn: share("ratio_warn")?,
            ratio_alarm: share("ratio_alarm")?,
            meter_error: share("meter_error")?,
            injectivity_alarm: share("injectivity_alarm")?,
            injectivity_restored: share("injectivity_restored")?,
            flow_min_m3h: number("flow_min")?,
            filter_warn_kpa: number("filter_warn")?,
            filter_stop_kpa: number("filter_stop")?,
            sand_max_pct: number("sand_max")?,
            ramp_per_min: share("ramp")?,
            warm_up: share("warm_up")?,
            load_setpoint_c: number("load_setpoint")?,
            load_band_k: number("load_band")?,
            tail_target_c: number("tail_target")?,
            speed_hz: (number("speed_min")?, number("speed_max")?),
            heat_capacity: number("heat_capacity")?,
            tax: number("tax")?,
            warm_up_for: time("warm_up_for")?,
            surplus_after: time("surplus_after")?,
            smoothing: time("smoothing")?,
            injectivity_after: time("injectivity_after")?,
            sand_after: time("sand_after")?,
            backwash_for: time("backwash_for")?,
            backwash_rest: time("backwash_rest")?,
            backwash_prepare: time("backwash_prepare")?,
            injected_hot_after: time("injected_hot_after")?,
            reinjection_closed_after: time("reinjection_closed_after")?,
            retry_after: time("retry_after")?,
            call_hold: time("call_hold")?,
            unmet_after: time("unmet_after")?,
            remote_return: time("remote_return")?,
            age_interlock: time("age_interlock")?,
            age_process: time("age_process")?,
        };
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
