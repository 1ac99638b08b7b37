//! One zone of the field: what its meter says, and what is made of the times when it says nothing.

use crate::days::{Cover, Energies};
use serde::{Deserialize, Serialize};
use wellhead_sdk::Now;
use wellhead_sdk::help::{Advance, EnergyMeter, MeterLimits};

/// More time than this between two readings of a flow is a gap, ms.
const FLOW_STEP_MAX_MS: u64 = 300_000;

/// What is known of a zone.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneSettings {
    /// Its name.
    pub name: String,
    /// Length of its bores, m.
    pub length_m: f64,
    /// Flow it is designed for, m³/h.
    pub design_flow_m3h: f64,
    /// Most heat it can move, kW.
    pub max_kw: f64,
}

/// How zones are metered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metering {
    /// Heat a cubic metre carries per kelvin, kWh/(m³·K).
    pub heat_capacity: f64,
    /// Smaller differences are noise, K.
    pub noise_k: f64,
    /// Smaller flows are noise, share of the design flow.
    pub noise_flow: f64,
    /// Longest gap that is filled, ms.
    pub gap_max_ms: u64,
    /// Where a register starts again at zero, kWh; 0 if it does not.
    pub rollover_kwh: f64,
    /// Smallest step of a register, kWh.
    pub step_kwh: f64,
}

/// Water of a zone: flow in m³/h, temperatures into and out of the field in °C.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Water {
    /// Flow, m³/h.
    pub flow_m3h: f64,
    /// Into the field, °C.
    pub supply_c: f64,
    /// Out of the field, °C.
    pub return_c: f64,
}

impl Water {
    /// Heat into the ground, kW. The sign is that of the temperatures, whatever mode the plant
    /// says it is in.
    #[must_use]
    pub fn heat_kw(self, zone: &ZoneSettings, metering: &Metering) -> f64 {
        let rise = self.supply_c - self.return_c;
        let noise = rise.abs() < metering.noise_k
            || self.flow_m3h < metering.noise_flow * zone.design_flow_m3h;
        if noise { 0.0 } else { self.flow_m3h * metering.heat_capacity * rise }
    }
}

/// What a zone shows in one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shown {
    /// Registers of the meter, injected and extracted, kWh.
    Registers(f64, f64),
    /// Heat into the ground, kW.
    Power(f64),
    /// Nothing that is believed.
    Nothing,
}

/// What a step brought.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Gained {
    /// Energies.
    pub energies: Energies,
    /// For how much of the time they are known.
    pub cover: Cover,
    /// A meter was replaced, or its register set.
    pub replaced: bool,
}

/// A zone's meters, and the gap that is open.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Zone {
    injected: EnergyMeter,
    extracted: EnergyMeter,
    gap_ms: u64,
    /// Net heat that the units say went into the ground during the gap, kWh; none if they were
    /// silent for a part of it.
    by_units_kwh: Option<f64>,
    /// Heat when it was last known, kW.
    last_kw: Option<f64>,
}

fn hours(ms: u64) -> f64 {
    ms as f64 / 3.6e6
}

impl Zone {
    /// Time passed that nobody saw: the gateway was off.
    pub fn absent(&mut self, ms: u64) {
        self.open(ms, None);
    }

    fn open(&mut self, ms: u64, units_kw: Option<f64>) {
        let before = if self.gap_ms == 0 { Some(0.0) } else { self.by_units_kwh };
        self.by_units_kwh = before.zip(units_kw).map(|(kwh, kw)| kwh + kw * hours(ms));
        self.gap_ms = self.gap_ms.saturating_add(ms);
    }

    /// A step of `dt_ms`, at the end of which the zone shows this. `units_kw` is this zone's share
    /// of what the units say goes into the ground.
    pub fn step(
        &mut self,
        zone: &ZoneSettings,
        metering: &Metering,
        shown: Shown,
        units_kw: Option<f64>,
        dt_ms: u64,
        now: &Now,
    ) -> Gained {
        match shown {
            Shown::Nothing => {
                self.open(dt_ms, units_kw);
                Gained::default()
            }
            Shown::Registers(injected, extracted) => {
                let limits = MeterLimits {
                    rolls_over_at: (metering.rollover_kwh > 0.0).then_some(metering.rollover_kwh),
                    // A tenth more than the zone can move: meters and clocks are not exact.
                    per_hour_max: zone.max_kw * 1.1,
                    step: metering.step_kwh,
                };
                let advances = (
                    self.injected.update(injected, &limits, now),
                    self.extracted.update(extracted, &limits, now),
                );
                self.by_registers(zone, metering, advances, units_kw, dt_ms)
            }
            Shown::Power(kw) => self.by_power(zone, metering, kw, units_kw, dt_ms),
        }
    }

    fn by_registers(
        &mut self,
        zone: &ZoneSettings,
        metering: &Metering,
        advances: (Advance, Advance),
        units_kw: Option<f64>,
        dt_ms: u64,
    ) -> Gained {
        if let (Advance::By(injected_kwh), Advance::By(extracted_kwh)) = advances {
            // Registers count on while nobody reads them: they close a gap of any length.
            let known_h = hours(self.gap_ms + dt_ms);
            self.close();
            return Gained {
                energies: Energies { injected_kwh, extracted_kwh },
                cover: Cover { known_h, ..Cover::default() },
                replaced: false,
            };
        }
        let replaced =
            matches!(advances.0, Advance::Replaced) || matches!(advances.1, Advance::Replaced);
        if !replaced {
            // The first reading there ever was.
            self.close();
            return Gained::default();
        }
        self.open(dt_ms, units_kw);
        let mut gained = self.fill(zone, metering, None);
        gained.replaced = true;
        gained
    }

    fn by_power(
        &mut self,
        zone: &ZoneSettings,
        metering: &Metering,
        kw: f64,
        units_kw: Option<f64>,
        dt_ms: u64,
    ) -> Gained {
        let mut gained = Gained::default();
        if self.gap_ms > 0 || dt_ms > FLOW_STEP_MAX_MS {
            self.open(dt_ms, units_kw);
            gained = self.fill(zone, metering, Some(kw));
        } else if let Some(last_kw) = self.last_kw {
            gained.energies = of_net(f64::midpoint(last_kw, kw) * hours(dt_ms));
            gained.cover.known_h = hours(dt_ms);
        }
        self.last_kw = Some(kw);
        gained
    }

    /// Closes a gap: a short one with what the units said, else with a straight line between the
    /// readings at its ends; a long one, or one with nothing to go by, is missing.
    fn fill(&mut self, zone: &ZoneSettings, metering: &Metering, now_kw: Option<f64>) -> Gained {
        let gap_h = hours(self.gap_ms);
        let line = self.last_kw.zip(now_kw).map(|(a, b)| f64::midpoint(a, b) * gap_h);
        let filled = self.by_units_kwh.or(line).filter(|_| self.gap_ms <= metering.gap_max_ms);
        self.close();
        match filled {
            Some(net_kwh) => Gained {
                energies: of_net(net_kwh),
                cover: Cover { known_h: gap_h, estimated_h: gap_h, ..Cover::default() },
                replaced: false,
            },
            None => Gained {
                cover: Cover {
                    missing_h: gap_h,
                    bound_kwh: gap_h * zone.max_kw,
                    ..Cover::default()
                },
                ..Gained::default()
            },
        }
    }

    fn close(&mut self) {
        self.gap_ms = 0;
        self.by_units_kwh = None;
    }

    /// The gap that is open and too long to be filled: hours and the most that can have been moved.
    #[must_use]
    pub fn open_gap(&self, zone: &ZoneSettings, metering: &Metering) -> Cover {
        if self.gap_ms <= metering.gap_max_ms {
            return Cover::default();
        }
        let missing_h = hours(self.gap_ms);
        Cover { missing_h, bound_kwh: missing_h * zone.max_kw, ..Cover::default() }
    }
}

fn of_net(net_kwh: f64) -> Energies {
    Energies { injected_kwh: net_kwh.max(0.0), extracted_kwh: (-net_kwh).max(0.0) }
}
