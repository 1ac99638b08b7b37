//! The parameters of the manifest, checked.

use crate::source::{SOURCES, Source};
use crate::words::Tariff;
use std::time::Duration;
use wellhead_sdk::prelude::DateWindow;
use wellhead_sdk::{Cell, Error, Init, MonthDay};

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
    /// Reads and checks them. Parameters of a type are read together: an early return for each
    /// would be a tenth of the component.
    pub fn read(cx: &Init<'_>) -> Result<Self, Error> {
        let [target_ratio, stop_ratio, resume_ratio, max_entering_c, min_entering_c] = read(
            cx,
            ["target_ratio", "stop_ratio", "resume_ratio", "max_entering", "min_entering"],
            0.0,
        )?;
        let [undisturbed_c, max_rise_k, setpoint_c, min_flow_m3h, heat_capacity, noise_k] = read(
            cx,
            [
                "undisturbed_temp",
                "max_field_rise",
                "setpoint",
                "min_flow",
                "heat_capacity",
                "noise",
            ],
            0.0,
        )?;
        let [speed_hz, speed_min_hz, speed_max_hz] =
            read(cx, ["speed", "speed_min", "speed_max"], 0.0)?;
        let [allow_valley, allow_flat, allow_peak, allow_sharp] =
            read(cx, ["allow_valley", "allow_flat", "allow_peak", "allow_sharp"], false)?;
        let zero = Duration::ZERO;
        let [min_on, min_off, preflow, preflow_max, post, valve_travel, loss, sensor_grace] = read(
            cx,
            [
                "min_on",
                "min_off",
                "preflow",
                "preflow_max",
                "post",
                "valve_travel",
                "loss_delay",
                "sensor_grace",
            ],
            zero,
        )?;
        let [gain_lost, inefficient, no_heat, retry, retry_inefficient] = read(
            cx,
            [
                "gain_lost_after",
                "inefficient_after",
                "no_heat_after",
                "retry_after",
                "retry_inefficient_after",
            ],
            zero,
        )?;
        let [remote_return, soak, trim, tariff_hold] =
            read(cx, ["remote_return", "soak", "trim_every", "tariff_hold"], zero)?;
        let [age_interlock, age_process, age_slow] =
            read(cx, ["age_interlock", "age_process", "age_slow"], zero)?;
        let ms = |time: Duration| time.as_millis() as u64;
        Self {
            plan: Plan {
                windows: windows(cx.table("windows")?)?,
                season_start: cx.parameter("season_start")?,
                target_ratio,
            },
            sources: limits(cx.table("sources")?)?,
            stop_ratio,
            resume_ratio,
            max_entering_c,
            min_entering_c,
            undisturbed_c,
            max_rise_k,
            allow_valley,
            allow_flat,
            allow_peak,
            allow_sharp,
            setpoint_c,
            speed_hz,
            speed_min_hz,
            speed_max_hz,
            min_flow_m3h,
            heat_capacity,
            noise_k,
            min_on_ms: ms(min_on),
            min_off_ms: ms(min_off),
            preflow_ms: ms(preflow),
            preflow_max_ms: ms(preflow_max),
            post_ms: ms(post),
            valve_travel_ms: ms(valve_travel),
            loss_ms: ms(loss),
            gain_lost_ms: ms(gain_lost),
            inefficient_ms: ms(inefficient),
            no_heat_ms: ms(no_heat),
            retry_ms: ms(retry),
            retry_inefficient_ms: ms(retry_inefficient),
            remote_return_ms: ms(remote_return),
            sensor_grace_ms: ms(sensor_grace),
            soak_ms: ms(soak),
            trim_ms: ms(trim),
            tariff_hold_ms: ms(tariff_hold),
            age_interlock,
            age_process,
            age_slow,
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
