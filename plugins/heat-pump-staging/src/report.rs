//! What is published, logged and alarmed.

use wellhead_sdk::prelude::*;

use crate::reason::Reason;
use crate::settings::{Settings, UNITS};
use crate::staging::Staging;
use crate::unit::{Hold, Phase, Unit};

/// Names of what is published of each unit, and the codes of its alarm.
const UNIT_VALUES: [[&str; 4]; UNITS] = [
    ["unit_1_state", "unit_1_reason", "unit_1_hours", "unit_1"],
    ["unit_2_state", "unit_2_reason", "unit_2_hours", "unit_2"],
    ["unit_3_state", "unit_3_reason", "unit_3_hours", "unit_3"],
    ["unit_4_state", "unit_4_reason", "unit_4_hours", "unit_4"],
    ["unit_5_state", "unit_5_reason", "unit_5_hours", "unit_5"],
    ["unit_6_state", "unit_6_reason", "unit_6_hours", "unit_6"],
    ["unit_7_state", "unit_7_reason", "unit_7_hours", "unit_7"],
    ["unit_8_state", "unit_8_reason", "unit_8_hours", "unit_8"],
];

/// What was told last, so that only changes are told.
#[derive(Default)]
pub(crate) struct Shown {
    unit_states: [&'static str; UNITS],
    unit_alarms: [Option<Reason>; UNITS],
    state: &'static str,
    alarm: Option<Reason>,
    calendar_lost: bool,
    told: bool,
}

impl Shown {
    pub(crate) fn report(
        &mut self,
        cx: &mut Tick<'_>,
        settings: &Settings,
        staging: &Staging,
    ) -> Result<(), Error> {
        self.report_plant(cx, settings, staging)?;
        for index in settings.indices() {
            self.report_unit(cx, settings, index, &staging.units[index])?;
        }
        self.told = true;
        Ok(())
    }

    fn report_plant(
        &mut self,
        cx: &mut Tick<'_>,
        settings: &Settings,
        staging: &Staging,
    ) -> Result<(), Error> {
        let state = staging.state(settings);
        if state != self.state {
            info!(cx, "{state}: {}", staging.reason.text());
            self.state = state;
        }
        cx.publish("state", state)?;
        cx.publish("reason", staging.reason.code())?;
        cx.publish("load_call", staging.plan_now().is_some())?;
        let quality =
            if staging.ladder().code() == "L0" { Quality::Good } else { Quality::Uncertain };
        match staging.load_kw() {
            Some(load_kw) => cx.publish_as("load", load_kw, quality)?,
            None => cx.publish_unavailable("load")?,
        }
        cx.publish("capacity", staging.capacity_kw(settings))?;
        let running = settings.indices().filter(|index| staging.units[*index].runs()).count();
        cx.publish("running", i64::try_from(running).unwrap_or(i64::MAX))?;
        cx.publish("ladder", staging.ladder().code())?;
        let complaint = staging.complaint(settings);
        if !self.told || complaint != self.alarm {
            alarm(cx, "plant", "", "", complaint, Severity::Alarm);
            self.alarm = complaint;
        }
        let lost = staging.calendar_lost();
        if !self.told || lost != self.calendar_lost {
            let alarm = Alarm {
                code: "calendar",
                severity: Severity::Warning,
                en: "The clock is not synchronised; the season stays what it was",
                zh: "时钟未同步，供能季保持不变",
            };
            cx.alarm(&alarm, lost);
            self.calendar_lost = lost;
        }
        Ok(())
    }

    fn report_unit(
        &mut self,
        cx: &mut Tick<'_>,
        settings: &Settings,
        index: usize,
        unit: &Unit,
    ) -> Result<(), Error> {
        let [state_name, reason_name, hours_name, code] = UNIT_VALUES[index];
        let state = unit.state();
        let reason = unit.fault.unwrap_or(unit.reason);
        let number = index + 1;
        if state != self.unit_states[index] {
            info!(cx, "Unit {number} {state}: {}", reason.text());
            self.unit_states[index] = state;
        }
        cx.publish(state_name, state)?;
        cx.publish(reason_name, reason.code())?;
        cx.publish(hours_name, unit.hours_ms as f64 / 3.6e6)?;
        let complaint = unit.complaint(settings);
        if !self.told || complaint != self.unit_alarms[index] {
            let (en, zh) = (format!("Unit {number}: "), format!("{number}# 机组："));
            alarm(cx, code, &en, &zh, complaint, Severity::Alarm);
            self.unit_alarms[index] = complaint;
        }
        Ok(())
    }
}

fn alarm(
    cx: &mut Tick<'_>,
    code: &str,
    en: &str,
    zh: &str,
    complaint: Option<Reason>,
    severity: Severity,
) {
    let reason = complaint.unwrap_or_default();
    let (en, zh) = ([en, reason.text()].concat(), [zh, reason.text_zh()].concat());
    cx.alarm(&Alarm { code, severity, en: &en, zh: &zh }, complaint.is_some());
}

impl Unit {
    /// Its state in a word.
    pub(crate) fn state(&self) -> &'static str {
        match self.phase {
            _ if self.input().hold != Hold::Free => "local",
            Phase::Off if self.lost() => "lost",
            Phase::Off if self.fault.is_some() => "fault",
            Phase::Off if self.input().banned => "banned",
            Phase::Off => "off",
            Phase::Pre(0) => "pre_1",
            Phase::Pre(1) => "pre_2",
            Phase::Pre(2) => "pre_3",
            Phase::Pre(_) => "pre_4",
            Phase::Starting => "starting",
            Phase::Run => "run",
            Phase::Stopping => "stopping_5",
            Phase::RunOn => "run_on",
            Phase::Withdraw(3) => "stopping_4",
            Phase::Withdraw(2) => "stopping_3",
            Phase::Withdraw(1) => "stopping_2",
            Phase::Withdraw(_) => "stopping_1",
        }
    }

    /// What a person has to look at.
    pub(crate) fn complaint(&self, settings: &Settings) -> Option<Reason> {
        if self.fault.is_some() {
            self.fault
        } else if self.lost() {
            Some(Reason::Lost)
        } else if self.unbidden_ms() > settings.unit_proof_ms {
            Some(Reason::DoesNotStop)
        } else if self.cold() {
            Some(Reason::SourceCold)
        } else {
            None
        }
    }
}

impl Staging {
    /// The plant's state in a word.
    pub(crate) fn state(&self, settings: &Settings) -> &'static str {
        use crate::season::Mode;
        match (self.reason, self.plan_now()) {
            (_, Some(plan)) if plan.season.mode == Mode::Heating => "heating",
            (_, Some(_)) => "cooling",
            (Reason::EmergencyStop, None) => "emergency_stop",
            (Reason::PowerLost, None) => "power_lost",
            _ if settings.indices().any(|index| self.units[index].phase != Phase::Off) => {
                "stopping"
            }
            (Reason::Changeover, None) => "changeover",
            _ => "off",
        }
    }
}
