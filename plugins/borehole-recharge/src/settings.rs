//! The parameters of the manifest, checked.

use crate::source::{SOURCES, Source};
use crate::words::Tariff;
use std::time::Duration;
use wellhead_sdk::prelude::DateWindow;
use wellhead_sdk::{Error, Init, MonthDay};

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
        let ms = |name: &str| -> Result<u64, Error> {
            Ok(cx.parameter::<Duration>(name)?.as_millis() as u64)
        };
        let float = |name: &str| cx.parameter::<f64>(name);
        let allow = |name: &str| cx.parameter::<bool>(name);
        Self {
            plan: Plan {
                windows: windows(cx.table("windows")?)?,
                season_start: cx.parameter("season_start")?,
                target_ratio: float("target_ratio")?,
            },
            sources: limits(cx.table("sources")?)?,
            stop_ratio: float("stop_ratio")?,
            resume_ratio: float("resume_ratio")?,
            max_entering_c: float("max_entering")?,
            min_entering_c: float("min_entering")?,
            undisturbed_c: float("undisturbed_temp")?,
            max_rise_k: float("max_field_rise")?,
            allow_valley: allow("allow_valley")?,
            allow_flat: allow("allow_flat")?,
            allow_peak: allow("allow_peak")?,
            allow_sharp: allow("allow_sharp")?,
            setpoint_c: float("setpoint")?,
            speed_hz: float("speed")?,
            speed_min_hz: float("speed_min")?,
            speed_max_hz: float("speed_max")?,
            min_flow_m3h: float("min_flow")?,
            heat_capacity: float("heat_capacity")?,
            noise_k: float("noise")?,
            min_on_ms: ms("min_on")?,
            min_off_ms: ms("min_off")?,
            preflow_ms: ms("preflow")?,
            preflow_max_ms: ms("preflow_max")?,
            post_ms: ms("post")?,
            valve_travel_ms: ms("valve_travel")?,
            loss_ms: ms("loss_delay")?,
            gain_lost_ms: ms("gain_lost_after")?,
            inefficient_ms: ms("inefficient_after")?,
            no_heat_ms: ms("no_heat_after")?,
            retry_ms: ms("retry_after")?,
            retry_inefficient_ms: ms("retry_inefficient_after")?,
            remote_return_ms: ms("remote_return")?,
            sensor_grace_ms: ms("sensor_grace")?,
            soak_ms: ms("soak")?,
            trim_ms: ms("trim_every")?,
            tariff_hold_ms: ms("tariff_hold")?,
            age_interlock: cx.parameter("age_interlock")?,
            age_process: cx.parameter("age_process")?,
            age_slow: cx.parameter("age_slow")?,
        }
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

fn windows(rows: Vec<WindowRow>) -> Result<Vec<Window>, Error> {
    if rows.len() > WINDOWS_MAX {
        return Err(format!("windows: at most {WINDOWS_MAX}, these are {}", rows.len()).into());
    }
    let window = |(i, (from, to, source, hours, power_kw)): (usize, WindowRow)| {
        if !(0.0..=8784.0).contains(&hours) || power_kw < 0.0 {
            return Err(Error::from(format!("windows[{i}]: 0 to 8784 hours, power from 0 kW")));
        }
        let dates = DateWindow { from, to };
        Ok(Window { dates, source, budget_ms: (hours * 3.6e6) as u64, power_kw })
    };
    rows.into_iter().enumerate().map(window).collect()
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
