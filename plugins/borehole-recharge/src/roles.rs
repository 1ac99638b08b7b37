//! Where readings come from and decisions go.

use crate::inputs::{Held, Input as Known, Inputs, SourceInputs};
use crate::machine::Wanted;
use crate::settings::Settings;
use crate::source::{SOURCES, Source, wet_bulb_c};
use crate::words::{Reason, Tariff};
use wellhead_sdk::PointValue;
use wellhead_sdk::prelude::*;

/// Names of the published hours, in the order of [`Source::ALL`].
pub(crate) const HOURS: [&str; SOURCES] =
    ["hours_pump_only", "hours_solar", "hours_dry_cooler", "hours_tower", "hours_air_source"];

/// Roles of one source: release, pump, valve, end switch, fault.
const NAMES: [[&str; 5]; SOURCES] = [
    [
        "pump_only_enable",
        "pump_only_pump",
        "pump_only_valve",
        "pump_only_valve_proof",
        "pump_only_fault",
    ],
    ["solar_enable", "solar_pump", "solar_valve", "solar_valve_proof", "solar_fault"],
    [
        "dry_cooler_enable",
        "dry_cooler_pump",
        "dry_cooler_valve",
        "dry_cooler_valve_proof",
        "dry_cooler_fault",
    ],
    ["tower_enable", "tower_pump", "tower_valve", "tower_valve_proof", "tower_fault"],
    [
        "air_source_enable",
        "air_source_pump",
        "air_source_valve",
        "air_source_valve_proof",
        "air_source_fault",
    ],
];

/// Outputs of one role, and whether something was asked of them since they were given back.
struct Actuator<T> {
    outputs: Vec<Output<T>>,
    asked: bool,
}

impl<T: PointValue + Copy> Actuator<T> {
    fn bind(cx: &Init<'_>, role: &str) -> Result<Self, Error> {
        // What an earlier life may have asked is given back in the first call.
        Ok(Self { outputs: cx.outputs(role)?, asked: true })
    }

    #[inline]
    fn set(&mut self, cx: &mut Tick<'_>, wanted: Option<T>, reason: Reason) -> Result<(), Error> {
        if self.outputs.is_empty() {
            return Ok(());
        }
        self.set_each(cx, wanted, reason)
    }

    #[inline(never)]
    fn set_each(
        &mut self,
        cx: &mut Tick<'_>,
        wanted: Option<T>,
        reason: Reason,
    ) -> Result<(), Error> {
        let before = std::mem::replace(&mut self.asked, wanted.is_some());
        for output in &self.outputs {
            match wanted {
                Some(value) => cx.write(output, value, reason)?,
                None if before => cx.relinquish(output, reason)?,
                None => {}
            }
        }
        Ok(())
    }

    fn held(&self, cx: &Tick<'_>) -> Held {
        let held = |output| match cx.holder(output) {
            Holder::Nobody | Holder::ThisPlugin => Held::Free,
            Holder::Protection(_) => Held::Protection,
            Holder::Other(_) => Held::Other,
            Holder::Operator => Held::Operator,
            Holder::Local => Held::Local,
        };
        self.outputs.iter().map(held).max().unwrap_or_default()
    }

    fn is_ours(&self, cx: &Tick<'_>) -> bool {
        self.outputs.iter().all(|output| cx.holder(output) == Holder::ThisPlugin)
    }
}

struct SourceRoles {
    enable: Actuator<bool>,
    pump: Actuator<bool>,
    valve: Actuator<bool>,
    valve_proof: Option<Input<bool>>,
    fault: Option<Input<bool>>,
    temp: Option<Input<f64>>,
}

impl SourceRoles {
    fn fitted(&self) -> bool {
        [&self.enable, &self.pump, &self.valve].iter().any(|a| !a.outputs.is_empty())
    }
}

/// All roles.
pub(crate) struct Roles {
    flow: Input<f64>,
    flow_switch: Option<Input<bool>>,
    entering: Input<f64>,
    leaving: Input<f64>,
    field: Vec<Input<f64>>,
    unit_running: Vec<Input<bool>>,
    load_call: Vec<Input<bool>>,
    electric: Vec<Input<f64>>,
    ledger_ratio: Option<Input<f64>>,
    ledger_extracted: Option<Input<f64>>,
    tariff: Option<Input<Tariff>>,
    outdoor: Option<Input<f64>>,
    humidity: Option<Input<f64>>,
    sources: [SourceRoles; SOURCES],
    ground_pump: Actuator<bool>,
    ground_speed: Actuator<f64>,
    setpoint: Actuator<f64>,
}

fn optional<T: PointValue>(cx: &Tick<'_>, input: &Option<Input<T>>, oldest: Duration) -> Known<T> {
    match input {
        None => Known::Absent,
        Some(input) => cx.read(input).fresh(oldest).map_or(Known::Unknown, Known::Known),
    }
}

/// Yes if one says yes; unknown if none does and one is not believed.
fn any(cx: &Tick<'_>, inputs: &[Input<bool>], oldest: Duration) -> Known<bool> {
    let mut all = if inputs.is_empty() { Known::Absent } else { Known::Known(false) };
    for input in inputs {
        match cx.read(input).fresh(oldest) {
            Some(true) => return Known::Known(true),
            Some(false) => {}
            None => all = Known::Unknown,
        }
    }
    all
}

/// Mean of those that are believed, if they are at least half.
fn mean(cx: &Tick<'_>, inputs: &[Input<f64>], oldest: Duration) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in inputs.iter().filter_map(|input| cx.read(input).fresh(oldest)) {
        sum += value;
        count += 1;
    }
    (count > 0 && count * 2 >= inputs.len()).then(|| sum / count as f64)
}

/// Sum of all, if all are believed.
fn total(cx: &Tick<'_>, inputs: &[Input<f64>], oldest: Duration) -> Option<f64> {
    let all: Option<f64> = inputs.iter().map(|input| cx.read(input).fresh(oldest)).sum();
    all.filter(|_| !inputs.is_empty())
}

impl Roles {
    /// Looks all roles up.
    pub(crate) fn bind(cx: &mut Init<'_>) -> Result<Self, Error> {
        let mut source = |source: Source| -> Result<SourceRoles, Error> {
            let [enable, pump, valve, valve_proof, fault] = NAMES[source.index()];
            Ok(SourceRoles {
                enable: Actuator::bind(cx, enable)?,
                pump: Actuator::bind(cx, pump)?,
                valve: Actuator::bind(cx, valve)?,
                valve_proof: cx.input_optional(valve_proof),
                fault: cx.input_optional(fault),
                temp: match source {
                    Source::PumpOnly => cx.input_optional("pump_only_temp"),
                    Source::Solar => cx.input_optional("solar_temp"),
                    Source::AirSource => cx.input_optional("air_source_temp"),
                    Source::DryCooler | Source::Tower => None,
                },
            })
        };
        let sources = [
            source(Source::PumpOnly)?,
            source(Source::Solar)?,
            source(Source::DryCooler)?,
            source(Source::Tower)?,
            source(Source::AirSource)?,
        ];
        Ok(Self {
            flow: cx.input("flow")?,
            flow_switch: cx.input_optional("flow_switch"),
            entering: cx.input("entering_temp")?,
            leaving: cx.input("return_temp")?,
            field: cx.inputs("field_temp"),
            unit_running: cx.inputs("unit_running"),
            load_call: cx.inputs("load_call"),
            electric: cx.inputs("electric_power"),
            ledger_ratio: cx.input_optional("ledger_ratio"),
            ledger_extracted: cx.input_optional("ledger_extracted"),
            tariff: cx.input_optional("tariff"),
            outdoor: cx.input_optional("outdoor_temp"),
            humidity: cx.input_optional("humidity"),
            sources,
            ground_pump: Actuator::bind(cx, "ground_pump")?,
            ground_speed: Actuator::bind(cx, "ground_speed")?,
            setpoint: Actuator::bind(cx, "recharge_setpoint")?,
        })
    }

    /// Reads everything; what is not believed or too old does not get through.
    pub(crate) fn read(&self, cx: &Tick<'_>, settings: &Settings, dt_ms: u64) -> Inputs {
        let (lock, process, slow) =
            (settings.age_interlock, settings.age_process, settings.age_slow);
        let outdoor = optional(cx, &self.outdoor, process).known();
        let humidity = optional(cx, &self.humidity, process).known();
        let mut sources = [SourceInputs::default(); SOURCES];
        for ((seen, roles), source) in sources.iter_mut().zip(&self.sources).zip(Source::ALL) {
            if !roles.fitted() {
                continue;
            }
            *seen = SourceInputs {
                fitted: true,
                fault: optional(cx, &roles.fault, lock),
                valve_proof: optional(cx, &roles.valve_proof, lock),
                temp_c: match source {
                    Source::DryCooler => outdoor,
                    Source::Tower => outdoor.zip(humidity).map(|(t, rh)| wet_bulb_c(t, rh)),
                    _ => optional(cx, &roles.temp, process).known(),
                },
                held: roles.enable.held(cx).max(roles.pump.held(cx)).max(roles.valve.held(cx)),
            };
        }
        Inputs {
            dt_ms,
            now: cx.now(),
            flow_m3h: cx.read(&self.flow).fresh(lock).map_or(Known::Unknown, Known::Known),
            flow_switch: optional(cx, &self.flow_switch, lock),
            entering_c: cx.read(&self.entering).fresh(process),
            return_c: cx.read(&self.leaving).fresh(process),
            field_c: mean(cx, &self.field, slow),
            electric_kw: total(cx, &self.electric, process),
            heat_capacity: settings.heat_capacity,
            ledger_ratio: optional(cx, &self.ledger_ratio, slow).known(),
            ledger_extracted_kwh: optional(cx, &self.ledger_extracted, slow)
                .known()
                .map(|mwh| mwh * 1e3),
            tariff: optional(cx, &self.tariff, slow),
            load_call: any(cx, &self.load_call, lock),
            unit_running: any(cx, &self.unit_running, lock),
            ground_pump_held: self.ground_pump.held(cx),
            sources,
        }
    }

    /// Do the outputs of a source still stand as this plugin asked?
    pub(crate) fn stand(&self, cx: &Tick<'_>, source: Source) -> bool {
        let roles = &self.sources[source.index()];
        [&roles.enable, &roles.pump, &roles.valve, &self.ground_pump].iter().all(|a| a.is_ours(cx))
    }

    /// Writes what is wanted and gives the rest back.
    pub(crate) fn apply(
        &mut self,
        cx: &mut Tick<'_>,
        wanted: &Wanted,
        reason: Reason,
    ) -> Result<(), Error> {
        self.ground_pump.set(cx, wanted.ground_pump, reason)?;
        self.ground_speed.set(cx, wanted.speed_hz, reason)?;
        self.setpoint.set(cx, wanted.setpoint_c, reason)?;
        for (roles, source) in self.sources.iter_mut().zip(Source::ALL) {
            let ours = wanted.source == Some(*source);
            roles.enable.set(cx, wanted.enable.filter(|_| ours), reason)?;
            roles.pump.set(cx, wanted.pump.filter(|_| ours), reason)?;
            roles.valve.set(cx, wanted.valve.filter(|_| ours), reason)?;
        }
        Ok(())
    }
}

/// Is it something a person should look at?
pub(crate) fn has_alarm(reason: Reason) -> bool {
    text(reason).is_some()
}

/// Raises or clears the alarm of a reason that has one.
pub(crate) fn alarm(cx: &mut Tick<'_>, reason: Reason, on: bool) {
    let Some((severity, en, zh)) = text(reason) else { return };
    cx.alarm(&Alarm { code: reason.word(), severity, en, zh }, on);
}

fn text(reason: Reason) -> Option<(Severity, &'static str, &'static str)> {
    use Severity::{Notice, Warning};
    Some(match reason {
        Reason::NoFlow => (
            Warning,
            "Recharge stopped: no flow in the ground loop. Check pump, valves and filter.",
            "回热停止：地埋侧无流量。请检查水泵、阀门和过滤器。",
        ),
        Reason::FlowUnknown => (
            Warning,
            "Recharge stopped: the flow of the ground loop is not known. Check the meter and its line.",
            "回热停止：地埋侧流量未知。请检查流量计及通信。",
        ),
        Reason::EnteringUnknown => (
            Warning,
            "Recharge stopped: the temperature into the field is not known. Check the sensor.",
            "回热停止：进井水温未知。请检查传感器。",
        ),
        Reason::EnteringHigh => (
            Warning,
            "Recharge stopped: the water into the field is too warm.",
            "回热停止：进井水温过高。",
        ),
        Reason::EnteringLow => (
            Warning,
            "Recharge stopped: the water into the field is too cold.",
            "回热停止：进井水温过低。",
        ),
        Reason::Valve => (
            Warning,
            "Recharge stopped: the valve is not where it should be. Check drive and end switch.",
            "回热停止：阀位不正确。请检查执行器和限位开关。",
        ),
        Reason::Inefficient => (
            Notice,
            "Recharge stopped: too little heat for the electricity. Tried again later.",
            "回热停止：能效过低，稍后重试。",
        ),
        Reason::NoHeat => (
            Warning,
            "Recharge stopped: no heat reaches the ground although the source is on.",
            "回热停止：热源已开但无热量进入地下。",
        ),
        Reason::SourceFault => (
            Warning,
            "Recharge stopped: the source reports a fault, or does not report.",
            "回热停止：热源故障或无状态反馈。",
        ),
        Reason::Protection => (
            Notice,
            "Recharge stopped: an interlock holds the source off.",
            "回热停止：联锁阻止热源运行。",
        ),
        Reason::UnitUnknown => (
            Notice,
            "Recharge waits: whether a ground-source unit runs is not known.",
            "回热等待：地源机组状态未知。",
        ),
        Reason::LoadUnknown => (
            Notice,
            "Recharge waits: whether there is a call for heat or cold is not known.",
            "回热等待：负荷需求未知。",
        ),
        _ => return None,
    })
}
