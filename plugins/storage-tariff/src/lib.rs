//! Storage on tariff: fills a tank of water or an ice store in the valley, with as much as the dear
//! hours will take, and empties it then.
//!
//! [`Brain`] chooses the mode from believed readings; [`plan`] says how much when. The rest of this
//! page binds them to the roles, parameters and published values of `plugin.toml`. Nothing here
//! knows a point, a device or a protocol.

pub mod actuators;
pub mod brain;
pub mod cycle;
pub mod demand;
pub mod forecast;
pub mod plan;
pub mod roles;
pub mod settings;
pub mod store;
pub mod tariff;
pub mod words;

use brain::Brain;
use brain::View;
use roles::{Asked, Roles};
use settings::Settings;
use wellhead_sdk::prelude::*;
use words::{Mode, Reason};

/// More time than this between two calls was not lived through: outputs had lapsed.
const STEP_MAX: Duration = Duration::from_secs(180);

impl State for Brain {
    const VERSION: u32 = 1;
}

/// The plugin.
pub struct Storage {
    settings: Settings,
    roles: Roles,
    brain: Brain,
    last: Option<Duration>,
    shown: Option<(Mode, Reason)>,
}

impl Plugin for Storage {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Brain;

    fn init(cx: &mut Init<'_>, brain: Brain) -> Result<Self, Error> {
        let settings = Settings::read(cx)?;
        let roles = Roles::bind(cx, &settings)?;
        Ok(Self { settings, roles, brain, last: None, shown: None })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        let last = self.last.replace(now.monotonic);
        let dt = last.map_or(Duration::ZERO, |last| now.monotonic.saturating_sub(last));
        let inputs = self.roles.read(cx, &self.settings);
        let view = self.brain.step(&self.settings, &*cx, &inputs, dt.min(STEP_MAX));
        let asked = Asked::of(&self.brain, &self.settings, &view, &now);
        self.roles.write(cx, &self.settings, &self.brain, &asked)?;
        self.tell(cx, &view);
        self.publish(cx, &view, &asked)
    }

    fn state(&self) -> &Brain {
        &self.brain
    }
}

const NO_STORE: Alarm = Alarm {
    code: "no_store_reading",
    severity: Severity::Warning,
    en: "The energy in the store is unknown: it is neither filled nor emptied. Check the temperature string and the heat meter.",
    zh: "蓄能量未知：停止蓄能和释能，请检查温度测点和热量表。",
};
const LEVEL: Alarm = Alarm {
    code: "level_low",
    severity: Severity::Alarm,
    en: "The tank's water level is low or unknown: its pumps are stopped. Find the leak and fill up.",
    zh: "水罐液位低或无有效值：水泵已停，请查漏并补水。",
};
const MIXING: Alarm = Alarm {
    code: "charge_stopped",
    severity: Severity::Warning,
    en: "Charging was stopped: the water from the units is no better than that of the tank, or is not known. Check units and sensors.",
    zh: "蓄能已停止：机组供水温度不足或无有效值，请检查机组和传感器。",
};
const GLYCOL: Alarm = Alarm {
    code: "glycol",
    severity: Severity::Alarm,
    en: "Ice is not made: glycol too cold, too thin or unknown.",
    zh: "停止制冰：乙二醇温度过低、浓度不符或无有效值。",
};
const TARIFF: Alarm = Alarm {
    code: "tariff_disagrees",
    severity: Severity::Notice,
    en: "The meter shows another price period than the table: the dearer one counts. Correct the table or the meter's clock.",
    zh: "电表时段与时段表不一致，按较贵时段执行，请核对时段表或电表时钟。",
};
const UNKNOWN: Alarm = Alarm {
    code: "tariff_unknown",
    severity: Severity::Warning,
    en: "Price period or clock unknown for longer than it may stand: the store rests. Check the meter and the clock.",
    zh: "电价时段或时钟长时间未知：蓄能系统停用，请检查电表和时钟。",
};
const CLOSURE: Alarm = Alarm {
    code: "closure",
    severity: Severity::Warning,
    en: "The last cycle released much more or less than it charged. Check the forecast, the tank's loss and the meters.",
    zh: "上周期释能量与蓄能量偏差过大，请检查负荷预测、罐体散热和计量。",
};
const VALVE: Alarm = Alarm {
    code: "valve",
    severity: Severity::Alarm,
    en: "A valve of the store does not reach its position: its pump waits. Check the valve and its end switches.",
    zh: "蓄能系统阀门未到位，水泵等待，请检查阀门及限位开关。",
};

impl Storage {
    fn tell(&mut self, cx: &mut Tick<'_>, view: &View) {
        let (mode, reason) = (self.brain.mode(), self.brain.reason);
        if self.shown.replace((mode, reason)) != Some((mode, reason)) {
            info!(cx, "{mode}: {reason}");
        }
        let is = |wanted: &[Reason]| wanted.contains(&reason);
        cx.alarm(&NO_STORE, is(&[Reason::NoStoreReading]));
        cx.alarm(&LEVEL, is(&[Reason::LevelLow]));
        cx.alarm(&MIXING, is(&[Reason::Mixing, Reason::NoSupplyReading, Reason::Rest]));
        cx.alarm(&GLYCOL, is(&[Reason::Glycol]));
        cx.alarm(&UNKNOWN, is(&[Reason::TariffUnknown]));
        cx.alarm(&TARIFF, self.brain.tariff_disputed());
        cx.alarm(&VALVE, self.brain.actuators.stuck(&self.settings));
        let closure = self.brain.books.closure;
        let open = closure.is_some_and(|part| part.abs() > self.settings.closure_max);
        cx.alarm(&CLOSURE, open && view.stored.is_some());
    }

    fn publish(&self, cx: &mut Tick<'_>, view: &View, asked: &Asked) -> Result<(), Error> {
        let (brain, books) = (&self.brain, &self.brain.books);
        cx.publish("mode", brain.mode())?;
        cx.publish("reason", brain.reason)?;
        cx.publish("tariff", view.kind)?;
        let mwh = |kwh: f64| kwh / 1e3;
        let sure = view.stored.is_some_and(|stored| stored.sure);
        let soc = view.stored.zip(view.capacity_kwh).map(|(stored, full)| stored.kwh / full);
        maybe(cx, "soc", soc.map(|soc| soc * 100.0), sure)?;
        maybe(cx, "energy", view.stored.map(|stored| mwh(stored.kwh)), sure)?;
        maybe(cx, "capacity", view.capacity_kwh.map(mwh), true)?;
        maybe(cx, "target", brain.target_kwh().map(mwh), true)?;
        maybe(cx, "release_rate", Some(brain.rate_kw), view.load_sure)?;
        cx.publish("unit_request", asked.units)?;
        maybe(cx, "unit_setpoint", asked.setpoint_c, true)?;
        maybe(cx, "unit_power_limit", view.unit_allow_kw, true)?;
        cx.publish("cycle_charged", mwh(books.charged_kwh))?;
        cx.publish("cycle_released", mwh(books.released_kwh))?;
        maybe(cx, "closure", books.closure.map(|part| part * 100.0), true)?;
        maybe(cx, "share", books.share.map(|part| part * 100.0), true)?;
        cx.publish("charged_total", mwh(books.charged_total_kwh))?;
        cx.publish("released_total", mwh(books.released_total_kwh))
    }
}

fn maybe(
    cx: &mut Tick<'_>,
    name: &'static str,
    value: Option<f64>,
    sure: bool,
) -> Result<(), Error> {
    match value {
        Some(value) if sure => cx.publish(name, value),
        Some(value) => cx.publish_as(name, value, Quality::Uncertain),
        None => cx.publish_unavailable(name),
    }
}

wellhead_sdk::export!(Storage);
