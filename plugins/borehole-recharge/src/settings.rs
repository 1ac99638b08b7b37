//! The parameters of the manifest, checked.

use crate::source::{SOURCES, Source};
use crate::words::Tariff;
use std::time::Duration;
use wellhead_sdk::prelude::DateWindow;
use wellhead_sdk::{Error, Init, MonthDay, Parameters, millis};

/// Most windows of a plan.
pub const WINDOWS_MAX: usize = 8;

/// When a source may run, and for how long in a season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Dates.
    pub dates: DateWindow,
    /// Source.
    pub source: Source,
    /// Run time it has, ms.
    pub budget_ms: u64,
    /// Mean heat flow it is planned with, kW.
    pub power_kw: f64,
}

/// What a source must bring to be worth running.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Warmer than the water out of the field by at least this, K.
    pub min_gain_k: f64,
    /// Heat per electricity of at least this.
    pub min_ratio: f64,
}

/// What is to be brought into the ground in a season.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Windows, at most [`WINDOWS_MAX`].
    pub windows: Vec<Window>,
    /// The day on which counters begin anew.
    pub season_start: MonthDay,
    /// Injected over extracted that the plan aims at.
    pub target_ratio: f64,
}

/// All parameters. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each is described in plugin.toml under the same name")]
pub struct Settings {
    pub plan: Plan,
    pub sources: [Limits; SOURCES],
    pub stop_ratio: f64,
    pub resume_ratio: f64,
    pub max_entering_c: f64,
    pub min_entering_c: f64,
    pub undisturbed_c: f64,
    pub max_rise_k: f64,
    pub allow_valley: bool,
    pub allow_flat: bool,
    pub allow_peak: bool,
    pub allow_sharp: bool,
    pub setpoint_c: f64,
    pub speed_hz: f64,
    pub speed_min_hz: f64,
    pub speed_max_hz: f64,
    pub min_flow_m3h: f64,
    pub heat_capacity: f64,
    pub noise_k: f64,
    pub min_on_ms: u64,
    pub min_off_ms: u64,
    pub preflow_ms: u64,
    pub preflow_max_ms: u64,
    pub post_ms: u64,
    pub valve_travel_ms: u64,
    pub loss_ms: u64,
    pub gain_lost_ms: u64,
    pub inefficient_ms: u64,
    pub no_heat_ms: u64,
    pub retry_ms: u64,
    pub retry_inefficient_ms: u64,
    pub remote_return_ms: u64,
    pub sensor_grace_ms: u64,
    pub soak_ms: u64,
    pub trim_ms: u64,
    pub tariff_hold_ms: u64,
    pub age_interlock: Duration,
    pub age_process: Duration,
    pub age_slow: Duration,
}

type WindowRow = (MonthDay, MonthDay, Source, f64, f64);

impl Settings {
    /// Reads and checks them.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let (windows, sources) = (windows(cx.table("windows")?)?, limits(cx.table("sources")?)?);
        let season_start = cx.parameter("season_start")?;
        cx.parameters(|p| Self {
            plan: Plan { windows, season_start, target_ratio: p.get("target_ratio") },
            sources,
            stop_ratio: p.get("stop_ratio"),
            resume_ratio: p.get("resume_ratio"),
            max_entering_c: p.get("max_entering"),
            min_entering_c: p.get("min_entering"),
            undisturbed_c: p.get("undisturbed_temp"),
            max_rise_k: p.get("max_field_rise"),
            allow_valley: p.get("allow_valley"),
            allow_flat: p.get("allow_flat"),
            allow_peak: p.get("allow_peak"),
            allow_sharp: p.get("allow_sharp"),
            setpoint_c: p.get("setpoint"),
            speed_hz: p.get("speed"),
            speed_min_hz: p.get("speed_min"),
            speed_max_hz: p.get("speed_max"),
            min_flow_m3h: p.get("min_flow"),
            heat_capacity: p.get("heat_capacity"),
            noise_k: p.get("noise"),
            min_on_ms: ms(p, "min_on"),
            min_off_ms: ms(p, "min_off"),
            preflow_ms: ms(p, "preflow"),
            preflow_max_ms: ms(p, "preflow_max"),
            post_ms: ms(p, "post"),
            valve_travel_ms: ms(p, "valve_travel"),
            loss_ms: ms(p, "loss_delay"),
            gain_lost_ms: ms(p, "gain_lost_after"),
            inefficient_ms: ms(p, "inefficient_after"),
            no_heat_ms: ms(p, "no_heat_after"),
            retry_ms: ms(p, "retry_after"),
            retry_inefficient_ms: ms(p, "retry_inefficient_after"),
            remote_return_ms: ms(p, "remote_return"),
            sensor_grace_ms: ms(p, "sensor_grace"),
            soak_ms: ms(p, "soak"),
            trim_ms: ms(p, "trim_every"),
            tariff_hold_ms: ms(p, "tariff_hold"),
            age_interlock: p.get("age_interlock"),
            age_process: p.get("age_process"),
            age_slow: p.get("age_slow"),
        })?
        .checked()
    }

    fn checked(self) -> Result<Self, Error> {
        if !(self.resume_ratio <= self.plan.target_ratio
            && self.plan.target_ratio <= self.stop_ratio)
        {
            return Err("resume_ratio ≤ target_ratio ≤ stop_ratio must hold".into());
        }
        if !(self.speed_min_hz <= self.speed_hz && self.speed_hz <= self.speed_max_hz) {
            return Err("speed_min ≤ speed ≤ speed_max must hold".into());
        }
        Ok(self)
    }

    /// Is this price period allowed?
    #[must_use]
    pub fn allows(&self, period: Tariff) -> bool {
        match period {
            Tariff::Valley => self.allow_valley,
            Tariff::Flat => self.allow_flat,
            Tariff::Peak => self.allow_peak,
            Tariff::Sharp => self.allow_sharp,
        }
    }
}

fn ms(p: &Parameters<'_>, name: &str) -> u64 {
    millis(p.get(name))
}

fn windows(rows: Vec<WindowRow>) -> Result<Vec<Window>, Error> {
    if rows.len() > WINDOWS_MAX {
        return Err(format!("windows: at most {WINDOWS_MAX}, these are {}", rows.len()).into());
    }
    let mut windows = Vec::with_capacity(rows.len());
    for (i, (from, to, source, hours, power_kw)) in rows.into_iter().enumerate() {
        if !(0.0..=8784.0).contains(&hours) || power_kw < 0.0 {
            return Err(format!("windows[{i}]: 0 to 8784 hours, power from 0 kW").into());
        }
        let dates = DateWindow { from, to };
        windows.push(Window { dates, source, budget_ms: (hours * 3.6e6) as u64, power_kw });
    }
    Ok(windows)
}

fn limits(rows: Vec<(Source, f64, f64)>) -> Result<[Limits; SOURCES], Error> {
    let mut found = [None; SOURCES];
    for (source, min_gain_k, min_ratio) in rows {
        if found[source.index()].replace(Limits { min_gain_k, min_ratio }).is_some() {
            return Err(format!("sources: {source} is there twice").into());
        }
    }
    let mut all = [Limits::default(); SOURCES];
    for (source, limits) in Source::ALL.iter().zip(found) {
        let Some(limits) = limits else {
            return Err(format!("sources: {source} is missing").into());
        };
        all[source.index()] = limits;
    }
    Ok(all)
}
