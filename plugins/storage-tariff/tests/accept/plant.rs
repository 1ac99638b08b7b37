//! A tank, its pumps, units that reach their setpoint, and a load: as little physics as the
//! statements need.

use std::time::Duration;
use storage_tariff::Storage;
use wellhead_sdk::mock::{Builder, Host};

const LAYERS: usize = 20;
const PROBES: u32 = 10;
/// kWh/(m³·K).
const C: f64 = 1.163056;
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Valley 23–07, peaks morning and evening, sharp hours at noon.
pub(crate) const TARIFF: &str = r#"
tariff = [
  ["01-01", "12-31", "23:00", "07:00", "valley"],
  ["01-01", "12-31", "08:00", "11:00", "peak"],
  ["01-01", "12-31", "14:00", "16:00", "sharp"],
  ["01-01", "12-31", "18:00", "22:00", "peak"],
]
"#;

/// The day of an office park, as shares of its greatest load.
pub(crate) const SHAPE: [f64; 24] = [
    0.25, 0.22, 0.20, 0.20, 0.22, 0.30, 0.45, 0.70, 0.90, 0.95, 0.98, 1.00, 0.95, 0.97, 1.00, 1.00,
    0.95, 0.85, 0.70, 0.60, 0.50, 0.45, 0.35, 0.30,
];

pub(crate) struct Plant {
    pub(crate) host: Host<Storage>,
    /// Lowest first, °C.
    layers: [f64; LAYERS],
    slice_m3: f64,
    cold: bool,
    full_c: f64,
    empty_c: f64,
    /// Greatest load, kW.
    pub(crate) load_kw: f64,
    /// Electric power of everything but the units, kW.
    pub(crate) others_kw: f64,
    pub(crate) charged_kwh: f64,
    pub(crate) released_kwh: f64,
    pub(crate) drawn_kwh: f64,
    /// Charged while the published period was no valley.
    pub(crate) outside_kwh: f64,
    /// Electric power of the site in the last minute, kW.
    pub(crate) site_kw: f64,
    pub(crate) units_kwe: f64,
    pub(crate) blind: bool,
}

pub(crate) fn install(parameters: &str) -> Builder<Storage> {
    Host::install()
        .parameters(parameters)
        .bind("tank_temp", PROBES)
        .bind("tank_power", 1)
        .bind("site_power", 1)
        .bind("unit_power", 1)
        .bind("charge", 1)
        .bind("discharge", 1)
        .bind("release_rate", 1)
        .bind("unit_setpoint", 1)
        .bind("unit_enable", 1)
        .bind("unit_limit", 1)
}

impl Plant {
    pub(crate) fn new(
        builder: Builder<Storage>,
        volume: f64,
        (full_c, empty_c): (f64, f64),
    ) -> Self {
        let cold = full_c < empty_c;
        // A tenth is left: the reserve.
        let start = empty_c + 0.1 * (full_c - empty_c);
        Self {
            host: builder.start().expect("the parameters are right"),
            layers: [start; LAYERS],
            slice_m3: volume / LAYERS as f64,
            cold,
            full_c,
            empty_c,
            load_kw: 2500.0,
            others_kw: 500.0,
            charged_kwh: 0.0,
            released_kwh: 0.0,
            drawn_kwh: 0.0,
            outside_kwh: 0.0,
            site_kw: 0.0,
            units_kwe: 0.0,
            blind: false,
        }
    }

    /// Summer at Changshu, in a tank of 3780 m³.
    pub(crate) fn summer(parameters: &str, local: &str) -> Self {
        let text = format!("{TARIFF}{parameters}");
        Self::new(install(&text).at("Asia/Shanghai", local), 3780.0, (3.5, 11.5))
    }

    pub(crate) fn load(&self) -> f64 {
        let local = self.host.now().local;
        let weekend = if local.weekday > 5 { 0.6 } else { 1.0 };
        SHAPE[usize::from(local.hour)] * weekend * self.load_kw
    }

    pub(crate) fn mode(&self) -> String {
        self.host.published("mode").unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> String {
        self.host.published("reason").unwrap_or_default()
    }

    pub(crate) fn on(&self, role: &str) -> bool {
        self.host.output(role) == Some(true)
    }

    pub(crate) fn energy_kwh(&self) -> f64 {
        let sign = if self.cold { -1.0 } else { 1.0 };
        self.layers.iter().map(|c| sign * (c - self.empty_c) * self.slice_m3 * C).sum()
    }

    /// One minute: the plugin sees what the last one left, and the plant lives through the next.
    pub(crate) fn minute(&mut self) {
        self.host.tick();
        let load = self.load();
        let limit = self.host.output::<f64>("unit_limit").unwrap_or(100.0) / 100.0;
        let (mut into_kw, mut out_kw) = (0.0, 0.0);
        if self.on("charge") {
            // Units give to the tank what their limit leaves beside the load.
            let spare = (limit * 5000.0 * 4.0 - load).clamp(0.0, 5000.0);
            let m3h = spare / (C * (self.full_c - self.empty_c).abs());
            into_kw = self.through(m3h, self.full_c);
        }
        if self.on("discharge") {
            let rate = self.host.output::<f64>("release_rate").unwrap_or(0.0).min(load);
            let outlet = if self.cold { self.layers[0] } else { self.layers[LAYERS - 1] };
            let span = (self.empty_c - outlet).abs().max(0.5);
            out_kw = -self.through(-(rate / (C * span)).min(700.0), self.empty_c);
        }
        self.charged_kwh += into_kw / 60.0;
        self.released_kwh += out_kw / 60.0;
        self.drawn_kwh += load / 60.0;
        if self.host.published::<String>("tariff").as_deref() != Some("valley") {
            self.outside_kwh += into_kw / 60.0;
        }
        let units_kw = (load - out_kw).max(0.0) + into_kw;
        self.units_kwe = (units_kw / 4.0).min(limit * 5000.0);
        self.site_kw = self.others_kw + self.units_kwe;
        self.show(load, into_kw - out_kw);
    }

    /// Moves water through the tank, upwards in a cold one when it is filled; returns the energy
    /// that went in, kW.
    fn through(&mut self, m3h: f64, inlet: f64) -> f64 {
        let part = m3h.abs() / 60.0 / self.slice_m3;
        let up = (m3h > 0.0) == self.cold;
        let mut from = inlet;
        let mut outlet = inlet;
        let mut pass = |layer: &mut f64| {
            let old = *layer;
            *layer += part * (from - old);
            (from, outlet) = (old, old);
        };
        if up {
            self.layers.iter_mut().for_each(&mut pass);
        } else {
            self.layers.iter_mut().rev().for_each(&mut pass);
        }
        m3h.abs() * C * if self.cold { outlet - inlet } else { inlet - outlet }
    }

    fn show(&mut self, load: f64, into_kw: f64) {
        let host = &mut self.host;
        host.set("load_power", load);
        let setpoint = host.output::<f64>("unit_setpoint").unwrap_or(self.full_c);
        host.set("supply_temp", setpoint);
        host.set("tank_power", if self.cold { -into_kw } else { into_kw });
        host.set("site_power", self.site_kw);
        host.set("unit_power", self.units_kwe);
        for probe in 0..PROBES {
            let at = probe as usize * LAYERS / PROBES as usize;
            let mean = f64::midpoint(self.layers[at], self.layers[at + 1]);
            if self.blind {
                host.set_bad(("tank_temp", probe), "no answer");
            } else {
                host.set(("tank_temp", probe), mean);
            }
        }
    }

    pub(crate) fn minutes(&mut self, count: u32) {
        (0..count).for_each(|_| self.minute());
    }

    /// Runs until something is so.
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&Plant) -> bool) {
        for _ in 0..10 * 1440 {
            if is(self) {
                return;
            }
            self.minute();
        }
        panic!("{what}: not within ten days");
    }

    pub(crate) fn hour_is(&self, hour: u8) -> bool {
        let local = self.host.now().local;
        (local.hour, local.minute) == (hour, 0)
    }
}
