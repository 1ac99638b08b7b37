//! Heat-pump staging: runs as many units as the load needs, each after its pumps are proven, turn
//! by turn by run hours, and stops them in the reverse order.
//!
//! [`Staging`] is the group control itself and knows no gateway: readings and elapsed time in,
//! commands out. The rest of this page binds it to roles, parameters and published values of
//! `plugin.toml`. Nothing here knows a register, a device or a plant; those are the site's.

mod choice;
mod contacts;
mod load;
mod reason;
mod report;
mod season;
mod sequence;
mod settings;
mod setup;
mod staging;
mod unit;

use contacts::{Contacts, Value};
use season::{Mode, Wall};
use serde::{Deserialize, Serialize};
use settings::{STEPS, Settings};
use staging::{Inputs, Staging};
use unit::{Hold, UnitInputs};
use wellhead_sdk::prelude::*;

/// The role of each step.
pub(crate) const STEP_ROLES: [&str; STEPS] =
    ["source_pump", "load_secondary_pump", "load_primary_pump", "ground_loop"];

/// What survives a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    staging: Staging,
    /// Interval clock of the last tick, by which a swap of the plugin is told from a restart of the
    /// gateway or the box.
    monotonic_ms: u64,
}

impl Default for Saved {
    fn default() -> Self {
        Self { staging: Staging::new(), monotonic_ms: 0 }
    }
}

impl State for Saved {
    const VERSION: u32 = 2;
}

/// A pause between two instances that only a swap can be as short as.
const SWAP_MS: u64 = 15_000;

/// The plugin.
pub struct HeatPumpStaging {
    settings: Settings,
    roles: Roles,
    saved: Saved,
    shown: report::Shown,
    last_ms: Option<u64>,
    restored: bool,
}

/// What the site has bound.
pub(crate) struct Roles {
    pub(crate) unit_enable: Vec<Output<bool>>,
    pub(crate) unit_setpoint: Vec<Output<f64>>,
    pub(crate) pumps: [Vec<Output<bool>>; STEPS],
    pub(crate) cooling_valve: Option<Output<bool>>,
    pub(crate) unit_running: Contacts,
    pub(crate) unit_fault: Contacts,
    pub(crate) unit_ban: Contacts,
    pub(crate) unit_request: Vec<Input<bool>>,
    pub(crate) unit_output: Vec<Value>,
    pub(crate) unit_hours: Vec<Value>,
    pub(crate) unit_source_leaving: Vec<Value>,
    pub(crate) proofs: [Contacts; STEPS],
    pub(crate) requests: [Vec<Input<bool>>; STEPS],
    pub(crate) supply: Option<Value>,
    pub(crate) ret: Option<Value>,
    pub(crate) flow: Option<Value>,
    pub(crate) setpoint: Option<Value>,
    pub(crate) calls: Contacts,
    pub(crate) emergency: Contacts,
    pub(crate) power: Contacts,
    pub(crate) reset: Option<Input<bool>>,
    pub(crate) at_heating: Contacts,
    pub(crate) at_cooling: Contacts,
}

impl Plugin for HeatPumpStaging {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Saved;

    fn init(cx: &mut Init<'_>, state: Saved) -> Result<Self, Error> {
        let roles = Roles::bind(cx)?;
        let settings = setup::settings(cx, &roles)?;
        let restored = cx.restored() != Restored::Fresh;
        Ok(Self {
            settings,
            roles,
            saved: state,
            shown: Default::default(),
            last_ms: None,
            restored,
        })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        let now_ms = millis(now.monotonic);
        let dt_ms = self.last_ms.map_or(0, |last| now_ms.saturating_sub(last));
        let dt_ms = u32::try_from(dt_ms).unwrap_or(u32::MAX);
        let inputs = self.roles.read(cx, &self.settings, dt_ms);
        if self.last_ms.is_none() && self.restored {
            let pause_ms = now_ms.checked_sub(self.saved.monotonic_ms);
            let swapped = pause_ms.is_some_and(|pause_ms| pause_ms <= SWAP_MS);
            let restart_ms = |index| self.settings.restart_ms(index);
            self.saved.staging.resume(self.settings.indices(), restart_ms, swapped, &inputs);
        }
        self.last_ms = Some(now_ms);
        self.saved.monotonic_ms = now_ms;
        self.saved.staging.step(&self.settings, &inputs, dt_ms);
        self.roles.write(cx, &self.settings, &self.saved.staging)?;
        self.shown.report(cx, &self.settings, &self.saved.staging)
    }

    fn state(&self) -> &Saved {
        &self.saved
    }
}

wellhead_sdk::export!(HeatPumpStaging);

impl Roles {
    fn bind(cx: &mut Init<'_>) -> Result<Self, Error> {
        let mut steps = |suffix: &str| {
            STEP_ROLES.map(|role| {
                let mut name = String::from(role);
                name.push_str(suffix);
                cx.inputs::<bool>(&name)
            })
        };
        let (proofs, requests) = (steps("_proof").map(Contacts::new), steps("_request"));
        let mut pumps = STEP_ROLES.map(|_| Vec::new());
        for (list, role) in pumps.iter_mut().zip(STEP_ROLES) {
            *list = cx.outputs(role)?;
        }
        let unit_running = Contacts::or_power(
            cx.inputs("unit_running"),
            cx.inputs("unit_power"),
            cx.parameter("running_power_min")?,
        );
        let mut contacts = |role: &str| Contacts::new(cx.inputs(role));
        let unit_fault = contacts("unit_fault");
        let (unit_ban, calls) = (contacts("unit_ban"), contacts("call"));
        let (emergency, power) = (contacts("emergency_stop"), contacts("power_ok"));
        let (at_heating, at_cooling) = (contacts("at_heating"), contacts("at_cooling"));
        let mut value = |role: &str| cx.input_optional(role).map(Value::new);
        let (supply, ret) = (value("supply_temp"), value("return_temp"));
        let (flow, setpoint) = (value("flow"), value("supply_setpoint"));
        let mut values =
            |role: &str| cx.inputs(role).into_iter().map(Value::new).collect::<Vec<_>>();
        Ok(Self {
            unit_output: values("unit_output"),
            unit_hours: values("unit_hours"),
            unit_source_leaving: values("unit_source_leaving"),
            unit_request: cx.inputs("unit_request"),
            reset: cx.input_optional("fault_reset"),
            unit_enable: cx.outputs("unit_enable")?,
            unit_setpoint: cx.outputs("unit_setpoint")?,
            cooling_valve: cx.output_optional("cooling_valve")?,
            pumps,
            unit_running,
            unit_fault,
            unit_ban,
            proofs,
            requests,
            supply,
            ret,
            flow,
            setpoint,
            calls,
            emergency,
            power,
            at_heating,
            at_cooling,
        })
    }

    fn read(&mut self, cx: &Tick<'_>, settings: &Settings, dt_ms: u32) -> Inputs {
        let now = cx.now();
        let wall = Wall { utc_ms: now.utc_ms, synced: now.synced, day: now.local.month_day() };
        let mut inputs = Inputs::new(wall);
        let age_ms = settings.interlock_age_ms;
        for list in [
            &mut self.unit_running,
            &mut self.unit_fault,
            &mut self.unit_ban,
            &mut self.calls,
            &mut self.emergency,
            &mut self.power,
            &mut self.at_heating,
            &mut self.at_cooling,
        ]
        .into_iter()
        .chain(&mut self.proofs)
        {
            list.read(cx, age_ms, dt_ms);
        }
        let value = |value: Option<&Value>| value.and_then(|v| v.read(cx, settings.process_age));
        for index in settings.indices() {
            let hold = match self.unit_enable.get(index).map(|output| cx.holder(output)) {
                Some(Holder::Local) => Hold::Local,
                Some(Holder::Operator) => Hold::Operator,
                _ => Hold::Free,
            };
            inputs.units[index] = UnitInputs {
                running: self.unit_running.get(index),
                fault: self.unit_fault.get(index),
                hold,
                banned: self.unit_ban.get(index) == unit::Contact::On,
                output_kw: value(self.unit_output.get(index)),
                source_leaving_c: value(self.unit_source_leaving.get(index)),
                hours: value(self.unit_hours.get(index)),
            };
        }
        // A request holds only while it is believed: who asked and died asks no more.
        let asked = |input: &Input<bool>| cx.read(input).good() == Some(true);
        for (slot, input) in inputs.unit_requests.iter_mut().zip(&self.unit_request) {
            *slot = asked(input);
        }
        for step in 0..STEPS {
            for (pump, proof) in
                inputs.proofs[step].iter_mut().enumerate().take(self.proofs[step].len())
            {
                *proof = self.proofs[step].get(pump);
            }
            for (slot, input) in inputs.requests[step].iter_mut().zip(&self.requests[step]) {
                *slot = asked(input);
            }
        }
        inputs.mains = load::Mains {
            supply_c: value(self.supply.as_ref()),
            return_c: value(self.ret.as_ref()),
            flow_m3h: value(self.flow.as_ref()),
        };
        inputs.setpoint_c = value(self.setpoint.as_ref());
        inputs.calls = self.calls.calling();
        inputs.emergency = self.emergency.get(0);
        inputs.power = self.power.get(0);
        inputs.reset = self.reset.as_ref().is_some_and(asked);
        inputs.at_heating = self.at_heating.get(0);
        inputs.at_cooling = self.at_cooling.get(0);
        inputs
    }

    fn write(
        &self,
        cx: &mut Tick<'_>,
        settings: &Settings,
        staging: &Staging,
    ) -> Result<(), Error> {
        for (step, list) in self.pumps.iter().enumerate() {
            for (pump, output) in list.iter().enumerate() {
                let on = staging.pump(step, pump);
                let why = if on { "needed" } else { "not_needed" };
                cx.write(output, on, why)?;
            }
        }
        if let (Some(valve), Some(mode)) = (&self.cooling_valve, staging.mode()) {
            cx.write(valve, mode == Mode::Cooling, staging.reason.code())?;
        }
        for (index, output) in self.unit_enable.iter().enumerate().take(settings.count) {
            let unit = &staging.units[index];
            if let Some(enable) = unit.enable() {
                cx.write(output, enable, unit.reason.code())?;
            }
            if let (Some(setpoint), Some(plan)) =
                (self.unit_setpoint.get(index), staging.plan_now())
                && unit.serves_load()
                && unit.enable().is_some()
            {
                cx.write(setpoint, plan.setpoint_c, "season")?;
            }
        }
        Ok(())
    }
}
