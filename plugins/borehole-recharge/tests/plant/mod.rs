//! The plant room of case 1.9 around the plugin, as simple as the tests allow: flow follows the
//! ground pump at once, heat the source, and nothing has a capacity.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use borehole_recharge::Recharge;
use std::time::Duration;
use wellhead_sdk::mock::{Builder, Host};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// m³/h of the ground pump.
const FLOW_M3H: f64 = 107.0;
/// kWh/(m³·K), the plugin's default.
const HEAT_CAPACITY: f64 = 1.163;
/// °C out of the field.
const RETURN_C: f64 = 15.0;

pub(crate) struct Plant {
    pub host: Host<Recharge>,
    /// Heat of pumping alone, kW.
    pub pumping_kw: f64,
    /// Heat of the air source, kW.
    pub air_kw: f64,
    /// Electricity while something runs, kW.
    pub electric_kw: f64,
    /// The ground pump really pumps.
    pub pumps: bool,
}

/// The roles that the plant room of case 1.9 binds.
pub(crate) fn install() -> Builder<Recharge> {
    [
        "ground_pump",
        "ground_speed",
        "recharge_setpoint",
        "pump_only_pump",
        "pump_only_valve",
        "pump_only_valve_proof",
        "pump_only_temp",
        "air_source_enable",
        "air_source_pump",
        "air_source_valve",
        "air_source_valve_proof",
        "air_source_fault",
        "electric_power",
        "ledger_ratio",
        "ledger_extracted",
        "tariff",
        "load_call",
    ]
    .into_iter()
    .fold(Host::<Recharge>::install(), |builder, role| builder.bind(role, 1))
    .bind("unit_running", 2)
    .bind("field_temp", 4)
}

/// Every price period is allowed, as R1 wants it.
pub(crate) fn any_tariff(builder: Builder<Recharge>) -> Builder<Recharge> {
    builder.parameter("allow_peak", true).parameter("allow_sharp", true)
}

impl Plant {
    /// In Xingtai at this local time, with the year far out of balance and nothing wrong.
    pub(crate) fn at(local: &str) -> Self {
        Self::of(any_tariff(install()), local)
    }

    pub(crate) fn of(builder: Builder<Recharge>, local: &str) -> Self {
        Self::around(builder.at("Asia/Shanghai", local).start().expect("starts"))
    }

    pub(crate) fn around(host: Host<Recharge>) -> Self {
        let mut plant =
            Self { host, pumping_kw: 331.4, air_kw: 620.0, electric_kw: 40.0, pumps: true };
        plant.quiet();
        plant
    }

    /// The plant after an operator changed parameters: the plugin goes on from what it saved.
    pub(crate) fn replanned(mut self, parameters: &str, local: &str) -> Self {
        self.host.restart(MINUTE);
        let saved = self.host.saved().expect("it saved").to_vec();
        Self::of(install().parameters(parameters).saved(&saved), local)
    }

    /// What does not follow from the outputs.
    pub(crate) fn quiet(&mut self) {
        let host = &mut self.host;
        for unit in 0..2 {
            host.set(("unit_running", unit), false);
        }
        for sensor in 0..4 {
            host.set(("field_temp", sensor), 16.0);
        }
        host.set("load_call", false);
        host.set("air_source_fault", false);
        host.set("pump_only_temp", 24.0);
        host.set("tariff", "flat");
        host.set("ledger_ratio", 0.0);
        host.set("ledger_extracted", 1250.7);
        self.follow();
    }

    pub(crate) fn is_on(&self, role: &str) -> bool {
        self.host.output(role).unwrap_or(false)
    }

    /// Lets the plant follow the outputs.
    pub(crate) fn follow(&mut self) {
        let flow = if self.pumps && self.is_on("ground_pump") { FLOW_M3H } else { 0.0 };
        let mut heat_kw = 0.0;
        if flow > 0.0 && self.is_on("pump_only_valve") {
            heat_kw += self.pumping_kw;
        }
        if flow > 0.0 && self.is_on("air_source_enable") && self.is_on("air_source_valve") {
            heat_kw += self.air_kw;
        }
        let rise = if flow > 0.0 { heat_kw / (flow * HEAT_CAPACITY) } else { 0.0 };
        let electric_kw = if flow > 0.0 { self.electric_kw } else { 0.0 };
        for valve in ["pump_only_valve", "air_source_valve"] {
            self.host.set(format!("{valve}_proof").as_str(), self.is_on(valve));
        }
        self.host.set("flow", flow);
        self.host.set("return_temp", RETURN_C);
        self.host.set("entering_temp", RETURN_C + rise);
        self.host.set("electric_power", electric_kw);
    }

    /// One minute: a tick, and the plant follows.
    pub(crate) fn minute(&mut self) {
        self.host.advance(MINUTE);
        self.follow();
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_secs() / 60 {
            self.minute();
        }
    }

    /// Lets minutes pass until the state is reached; fails after a day.
    pub(crate) fn until(&mut self, state: &str) {
        for _ in 0..1440 {
            if self.state() == state {
                return;
            }
            self.minute();
        }
        panic!("never {state}: {} {}", self.state(), self.reason());
    }

    pub(crate) fn state(&self) -> String {
        self.host.published("state").unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> String {
        self.host.published("reason").unwrap_or_default()
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.host.published(name)
    }

    /// A date as `06-30`.
    pub(crate) fn date(&self) -> String {
        let local = self.host.now().local;
        format!("{:02}-{:02}", local.month, local.day)
    }

    /// Every output that makes heat or moves water is off or given back.
    pub(crate) fn is_safe(&self) -> bool {
        ["ground_pump", "pump_only_pump", "pump_only_valve", "air_source_enable", "air_source_pump"]
            .iter()
            .all(|role| !self.is_on(role))
    }
}
