//! Borehole summer recharge: brings heat from air, sun or the building into the bore field, by
//! calendar, hour budget and thermal balance.
//!
//! [`machine`] is the sequence, [`plan`] what it still has to bring; both are pure. [`roles`] is
//! where readings come from and decisions go. None of it knows a point, a device or a protocol.

pub mod calendar;
mod conditions;
pub mod counters;
pub mod inputs;
pub mod machine;
pub mod plan;
mod roles;
pub mod settings;
pub mod source;
pub mod words;

use inputs::Inputs;
use machine::Machine;
use roles::Roles;
use settings::Settings;
use source::Source;
use wellhead_sdk::prelude::*;
use words::{Reason, State as Step};

/// More time than this between two calls was not spent running: the outputs had lapsed.
const STEP_MAX: Duration = Duration::from_secs(180);

/// The plugin.
pub struct Recharge {
    settings: Settings,
    roles: Roles,
    machine: Machine,
    last: Option<Duration>,
    shown: Option<(Step, Reason)>,
    alarm: Option<Reason>,
}

impl State for Machine {
    const VERSION: u32 = 1;
}

impl Plugin for Recharge {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Machine;

    fn init(cx: &mut Init<'_>, mut machine: Machine) -> Result<Self, Error> {
        let settings = Settings::read(cx)?;
        let roles = Roles::bind(cx)?;
        machine.adopt(&settings.plan);
        Ok(Self { settings, roles, machine, last: None, shown: None, alarm: None })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        if self.last.is_none() {
            self.machine.resume(|source| self.roles.stand(cx, source));
            Reason::ALL.iter().for_each(|reason| roles::alarm(cx, *reason, false));
        }
        let passed = self.last.map_or(Duration::ZERO, |last| now.monotonic.saturating_sub(last));
        let dt_ms = millis(passed.min(STEP_MAX));
        let inputs = self.roles.read(cx, &self.settings, dt_ms);
        let wanted = self.machine.step(&self.settings, &inputs);
        self.roles.apply(cx, &wanted, self.machine.reason)?;
        self.tell(cx)?;
        self.publish(cx, &inputs)?;
        self.last = Some(now.monotonic);
        Ok(())
    }

    fn on_change(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        self.tick(cx)
    }

    fn state(&self) -> &Machine {
        &self.machine
    }
}

impl Recharge {
    /// Logs a change once, and keeps one alarm up while something is wrong.
    fn tell(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let (state, reason) = (self.machine.state, self.machine.reason);
        if self.shown.replace((state, reason)) == Some((state, reason)) {
            return Ok(());
        }
        info!(cx, "{state}: {reason}");
        let alarm = Some(reason).filter(|reason| roles::has_alarm(*reason));
        if let Some(old) = self.alarm.filter(|old| Some(*old) != alarm) {
            roles::alarm(cx, old, false);
        }
        if let Some(new) = alarm {
            roles::alarm(cx, new, true);
        }
        self.alarm = alarm;
        Ok(())
    }

    fn publish(&self, cx: &mut Tick<'_>, inputs: &Inputs) -> Result<(), Error> {
        let machine = &self.machine;
        cx.publish("state", machine.state)?;
        cx.publish("reason", machine.reason)?;
        cx.publish("source", machine.source().map_or("none", Source::word))?;
        let pumping = machine.source() == Some(Source::PumpOnly) && machine.is_on();
        cx.publish("ground_pump_wanted", machine.source().is_some())?;
        cx.publish("load_pump_wanted", pumping)?;
        let air_source = machine.source() == Some(Source::AirSource) && machine.is_on();
        cx.publish("air_source_wanted", air_source)?;
        let (field_c, inferred) = machine.field_c(&self.settings, inputs).unzip();
        let field = if inferred == Some(true) { Quality::Uncertain } else { Quality::Good };
        let counters = &machine.counters;
        let good = Quality::Good;
        let values = [
            ("heat_power", inputs.heat_kw(), good),
            ("asked_power", machine.asked_kw(), good),
            ("performance", inputs.performance(), good),
            ("field_temp", field_c, field),
            ("season_heat", Some(counters.heat_kwh / 1e3), good),
            ("season_electricity", Some(counters.electric_kwh / 1e3), good),
            ("hours_left", Some(machine.hours_left(&self.settings)), good),
        ];
        let hours = |(source, name)| (name, Some(counters.hours(source)), good);
        let hours = Source::ALL.iter().copied().zip(roles::HOURS).map(hours);
        for (name, value, quality) in values.into_iter().chain(hours) {
            match value {
                Some(value) => cx.publish_as(name, value, quality)?,
                None => cx.publish_unavailable(name)?,
            }
        }
        Ok(())
    }
}

wellhead_sdk::export!(Recharge);
