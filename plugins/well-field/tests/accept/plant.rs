//! Wells joined by a pipe: as little physics as the statements need.

use std::time::Duration;
use well_field::Wells;
use wellhead_sdk::mock::{Builder, Host};

pub(crate) const TICK: Duration = Duration::from_secs(30);

/// Two production wells of 200 m³/h and three reinjection wells of 133 m³/h, as at Yanqing.
pub(crate) const YANQING: &str = r#"
production = [[200, 45], [200, 45]]
reinjection = [[133, 0, 1.0, "2020-10"], [133, 0, 1.0, "2020-10"], [133, 0, 1.0, "2020-10"]]
"#;

pub(crate) struct Plant {
    pub(crate) host: Host<Wells>,
    out: u32,
    into: u32,
    pub(crate) flow_out: Vec<f64>,
    pub(crate) flow_in: Vec<f64>,
    pub(crate) volume_out: Vec<f64>,
    pub(crate) volume_in: Vec<f64>,
    /// m³/h per kPa.
    pub(crate) injectivity: Vec<f64>,
    pub(crate) lost: Vec<bool>,
    /// What the meters show of the truth.
    pub(crate) meter_out: f64,
    pub(crate) meter_in: f64,
    pub(crate) leak: f64,
    pub(crate) yield_m3h: f64,
    pub(crate) hot_c: f64,
    pub(crate) tail_c: f64,
}

pub(crate) fn install(parameters: &str, out: u32, into: u32) -> Builder<Wells> {
    let mut builder = Host::install().parameters(parameters).bind("heat_call", 1);
    for (roles, count) in [
        (
            [
                "production_flow",
                "production_volume",
                "production_temp",
                "production_level",
                "production_fault",
                "production_run",
                "production_speed",
            ],
            out,
        ),
        (
            [
                "reinjection_flow",
                "reinjection_volume",
                "reinjection_pressure",
                "reinjection_fault",
                "reinjection_open",
                "reinjection_valve",
                "backwash",
            ],
            into,
        ),
    ] {
        for role in roles {
            builder = builder.bind(role, count);
        }
    }
    builder.bind("return_temp", 1)
}

impl Plant {
    pub(crate) fn new(parameters: &str, out: u32, into: u32) -> Self {
        Self::start(install(parameters, out, into), out, into)
    }

    pub(crate) fn yanqing(more: &str) -> Self {
        Self::new(&format!("{YANQING}{more}"), 2, 3)
    }

    pub(crate) fn start(builder: Builder<Wells>, out: u32, into: u32) -> Self {
        let (wells, others) = (out as usize, into as usize);
        let mut plant = Self {
            host: builder.start().expect("the parameters are right"),
            out,
            into,
            flow_out: vec![0.0; wells],
            flow_in: vec![0.0; others],
            volume_out: vec![10_000.0; wells],
            volume_in: vec![20_000.0; others],
            injectivity: vec![1.0; others],
            lost: vec![false; others],
            meter_out: 1.0,
            meter_in: 1.0,
            leak: 0.0,
            yield_m3h: 200.0,
            hot_c: 58.0,
            tail_c: 25.0,
        };
        plant.host.set("heat_call", true);
        plant.show();
        plant
    }

    pub(crate) fn tick(&mut self) {
        self.show();
        self.host.tick();
        self.live();
    }

    pub(crate) fn for_minutes(&mut self, minutes: u32) {
        (0..2 * minutes).for_each(|_| self.tick());
    }

    /// Half a minute of the plant.
    fn live(&mut self) {
        let hours = 1.0 / 120.0;
        for well in 0..self.out {
            let run = self.host.output(("production_run", well)) == Some(true);
            let speed: f64 = self.host.output(("production_speed", well)).unwrap_or(0.0);
            let flow = if run { self.yield_m3h * speed / 45.0 } else { 0.0 };
            self.flow_out[well as usize] = flow;
            self.volume_out[well as usize] += flow * hours * self.meter_out;
        }
        let takes = |plant: &Self, well: u32| {
            !plant.lost[well as usize]
                && plant.host.output(("reinjection_valve", well)) != Some(false)
                && plant.host.output(("backwash", well)) != Some(true)
        };
        let conductance: f64 = (0..self.into)
            .filter(|well| takes(self, *well))
            .map(|well| self.injectivity[well as usize])
            .sum();
        let offered = (self.production() - self.leak).max(0.0);
        for well in 0..self.into {
            let at = well as usize;
            let share = if takes(self, well) { self.injectivity[at] / conductance } else { 0.0 };
            self.flow_in[at] = offered * share;
            self.volume_in[at] += self.flow_in[at] * hours * self.meter_in;
        }
    }

    pub(crate) fn show(&mut self) {
        for well in 0..self.out {
            let at = well as usize;
            self.host.set(("production_flow", well), self.flow_out[at] * self.meter_out);
            self.host.set(("production_volume", well), self.volume_out[at]);
            self.host.set(("production_temp", well), self.hot_c);
            self.host.set(("production_level", well), 30.0);
            self.host.set(("production_fault", well), false);
        }
        for well in 0..self.into {
            let at = well as usize;
            self.host.set(("reinjection_flow", well), self.flow_in[at] * self.meter_in);
            self.host.set(("reinjection_volume", well), self.volume_in[at]);
            let kpa = self.flow_in[at] / self.injectivity[at];
            self.host.set(("reinjection_pressure", well), kpa);
            self.host.set(("reinjection_fault", well), self.lost[at]);
            let open = self.host.output(("reinjection_valve", well)) != Some(false);
            self.host.set(("reinjection_open", well), open);
        }
        self.host.set("return_temp", self.tail_c);
    }

    pub(crate) fn production(&self) -> f64 {
        self.flow_out.iter().sum()
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        self.host.published(name).unwrap_or(f64::NAN)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.host.published(name).unwrap_or_default()
    }
}
