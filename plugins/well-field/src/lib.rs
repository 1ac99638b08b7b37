//! Well production and reinjection: produces geothermal water only as fast as the reinjection wells
//! take it back, watches how well they take it, and keeps the ledger.
//!
//! [`Field`] decides from believed readings; the rest of this page binds it to the roles, parameters
//! and published values of `plugin.toml`. Nothing here knows a point, a device or a protocol.

pub mod cascade;
pub mod field;
pub mod injector;
pub mod ledger;
pub mod producer;
pub mod roles;
pub mod settings;
pub mod words;

use field::{Field, Inputs, View};
use roles::Roles;
use settings::Settings;
use wellhead_sdk::prelude::*;
use words::{Reason, Step};

/// More time than this between two calls was not lived through: outputs had lapsed.
const STEP_MAX: Duration = Duration::from_secs(180);
/// How long every filter's pressure must have been low before they count as clean: it falls with the
/// flow too, and rises when another well is washed.
const FILTER_CLEAN_AFTER: Duration = Duration::from_hours(24);

const INJECTIVITY: [&str; settings::WELLS] = [
    "injectivity_1",
    "injectivity_2",
    "injectivity_3",
    "injectivity_4",
    "injectivity_5",
    "injectivity_6",
    "injectivity_7",
    "injectivity_8",
];

impl State for Field {
    const VERSION: u32 = 2;
}

/// The plugin.
pub struct Wells {
    settings: Settings,
    roles: Roles,
    field: Field,
    last: Option<Duration>,
    shown: Option<(Step, Reason)>,
    filter_until: Option<Duration>,
}

impl Plugin for Wells {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Field;

    fn init(cx: &mut Init<'_>, mut field: Field) -> Result<Self, Error> {
        let settings = Settings::read(cx)?;
        field.adopt(&settings);
        let roles = Roles::bind(cx, &settings)?;
        Ok(Self { settings, roles, field, last: None, shown: None, filter_until: None })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        let last = self.last.replace(now.monotonic);
        let dt = last.map_or(Duration::ZERO, |last| now.monotonic.saturating_sub(last));
        let inputs = self.roles.read(cx, &self.settings);
        let view = self.field.tick(&self.settings, &inputs, &now, dt.min(STEP_MAX));
        let stages = self.field.stages();
        self.roles.write(cx, &self.field, stages)?;
        self.tell(cx, &inputs, now.monotonic);
        self.publish(cx, &view, stages)
    }

    fn state(&self) -> &Field {
        &self.field
    }
}

const fn alarm(
    code: &'static str,
    severity: Severity,
    en: &'static str,
    zh: &'static str,
) -> Alarm<'static> {
    Alarm { code, severity, en, zh }
}

const LOST: Alarm = alarm(
    "reinjection_lost",
    Severity::Warning,
    "A reinjection well takes no water or its flow is not known: production is limited to what the others take.",
    "回灌井停用或流量无有效值：开采量已按其余回灌井能力限制。",
);
const LOCKED: Alarm = alarm(
    "locked",
    Severity::Alarm,
    "Production is stopped: see the reason. Check reinjection wells, valves, the seal and the temperature of the water that goes back.",
    "已停止开采，请查看原因并检查回灌井、阀门、密闭装置和回灌水温。",
);
const WASH: Alarm = alarm(
    "injectivity_low",
    Severity::Warning,
    "A reinjection well takes much less than at its test: it wants a back-wash.",
    "回灌能力明显下降，请安排回扬。",
);
const RATIO: Alarm = alarm(
    "ratio_low",
    Severity::Alarm,
    "Less water went back than was produced in the last 24 hours. Look for a leak and check the meters.",
    "近 24 小时回灌率过低，请查漏并核对流量计。",
);
const RATIO_WARN: Alarm = alarm(
    "ratio_warning",
    Severity::Warning,
    "A little less water went back than was produced in the last 24 hours.",
    "近 24 小时回灌率偏低。",
);
const LEVEL: Alarm = alarm(
    "level_floor",
    Severity::Alarm,
    "The water of a production well is too deep: its pump is stopped until it has risen.",
    "开采井动水位过低，水泵已停，待水位恢复。",
);
const SAND: Alarm = alarm(
    "sand",
    Severity::Warning,
    "A production well brings sand. Check its screen and the desander.",
    "开采井含砂量超标，请检查滤水管和除砂器。",
);
const FILTER: Alarm = alarm(
    "filter",
    Severity::Warning,
    "A filter is dirty: clean it before its well is stopped.",
    "过滤器压差高，请及时清洗。",
);

impl Wells {
    fn tell(&mut self, cx: &mut Tick<'_>, inputs: &Inputs, now: Duration) {
        let (field, s) = (&self.field, &self.settings);
        let shown = (field.step, field.reason);
        if self.shown.replace(shown) != Some(shown) {
            info!(cx, "{}: {}", shown.0, shown.1);
        }
        let lost =
            field.wells.iter().zip(&inputs.injectors[..s.injectors.len()]).any(|(own, seen)| {
                (seen.fault || seen.shut || seen.flow_m3h.is_none()) && !own.is_washed()
            });
        cx.alarm(&LOST, lost);
        cx.alarm(&LOCKED, field.step == Step::Locked);
        cx.alarm(&WASH, field.wash_wanted().is_some());
        let ratio = field.ledger.ratio_day(s.flow_min_m3h);
        let below = |limit: f64| ratio.is_some_and(|ratio| ratio < limit);
        cx.alarm(&RATIO, below(s.ratio_alarm));
        cx.alarm(&RATIO_WARN, below(s.ratio_warn) && !below(s.ratio_alarm));
        let (deep, sandy) = field.producers.trouble();
        cx.alarm(&LEVEL, deep);
        cx.alarm(&SAND, sandy);
        let out = inputs.producers.iter().map(|well| well.filter_kpa);
        let mut filters = out.chain(inputs.injectors.iter().map(|well| well.filter_kpa)).flatten();
        if filters.any(|kpa| kpa > s.filter_warn_kpa) {
            self.filter_until = Some(now + FILTER_CLEAN_AFTER);
        }
        cx.alarm(&FILTER, self.filter_until.is_some_and(|until| now < until));
    }

    fn publish(&self, cx: &mut Tick<'_>, view: &View, stages: (bool, bool)) -> Result<(), Error> {
        let (field, s) = (&self.field, &self.settings);
        let ledger = &field.ledger;
        cx.publish("state", field.step)?;
        cx.publish("reason", field.reason)?;
        cx.publish("cap", view.cap)?;
        cx.publish("available", view.available)?;
        cx.publish("setpoint", field.setpoint_m3h)?;
        cx.publish("production", view.out)?;
        cx.publish("reinjection", view.back)?;
        maybe(cx, "heat_power", view.heat_kw)?;
        maybe(cx, "heat_limit", view.heat_limit_kw)?;
        cx.publish("wells", field.producers.running() as i64)?;
        cx.publish("backwash_well", field.wash_wanted().unwrap_or(0) as i64)?;
        let mut low: Option<f64> = None;
        for (at, own) in s.injectors.iter().enumerate() {
            let well = &field.wells[at];
            maybe(cx, INJECTIVITY[at], well.injectivity())?;
            if let Some(part) = well.against_test(own) {
                low = Some(low.map_or(part, |low| low.min(part)));
            }
        }
        maybe(cx, "injectivity_low", low.map(|part| part * 100.0))?;
        cx.publish("heat_pump_request", stages.0)?;
        cx.publish("boiler_request", stages.1)?;
        let estimated = ledger.estimated_m3 > 0.0;
        let quality = if estimated { Quality::Uncertain } else { Quality::Good };
        cx.publish_as("volume_out", ledger.total_m3[ledger::OUT], quality)?;
        cx.publish_as("volume_in", ledger.total_m3[ledger::IN], quality)?;
        cx.publish("volume_estimated", ledger.estimated_m3)?;
        maybe(cx, "ratio_day", ledger.ratio_day(s.flow_min_m3h).map(|ratio| ratio * 100.0))?;
        maybe(cx, "ratio", ledger.ratio().map(|ratio| ratio * 100.0))?;
        // Two meters of the same class, whose errors do not know each other.
        cx.publish("ratio_error", s.meter_error * 100.0 * std::f64::consts::SQRT_2)?;
        cx.publish("tax", ledger.total_m3[ledger::OUT] * s.tax)
    }
}

fn maybe(cx: &mut Tick<'_>, name: &'static str, value: Option<f64>) -> Result<(), Error> {
    match value {
        Some(value) => cx.publish(name, value),
        None => cx.publish_unavailable(name),
    }
}

wellhead_sdk::export!(Wells);
