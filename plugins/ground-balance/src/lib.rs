//! Soil thermal balance: what goes into the bore field and out of it, how far the year is out of
//! balance, where the ground temperature is heading, and what to do.
//!
//! It writes no output. [`zone`] makes energies out of meters, [`days`] keeps twelve months of
//! them, [`ledger`] holds both together, [`ground`] follows the temperature, [`verdict`] judges.
//! None of it knows a point, a device or a protocol.

pub mod days;
pub mod ground;
pub mod ledger;
mod roles;
pub mod settings;
pub mod units;
pub mod verdict;
pub mod zone;

use days::Days;
use ledger::{Ledger, Turn, Year};
use roles::{Readings, Roles};
use settings::{Settings, ZONES_MAX};
use verdict::Verdict;
use wellhead_sdk::help::{ClockWatch, fixed};
use wellhead_sdk::prelude::*;

/// Where the closed days are kept. They change once a day; the saved state, every minute.
const DAYS: &str = "days";

const BIAS: [&str; ZONES_MAX] = [
    "zone_1_bias",
    "zone_2_bias",
    "zone_3_bias",
    "zone_4_bias",
    "zone_5_bias",
    "zone_6_bias",
    "zone_7_bias",
    "zone_8_bias",
];

/// The plugin.
pub struct GroundBalance {
    settings: Settings,
    roles: Roles,
    ledger: Ledger,
    days: Days,
    /// What changes once a day: sums of the closed days, the ground, its trend and forecasts.
    year: Year,
    ground: (f64, bool),
    trend: Option<f64>,
    change_k: [f64; 2],
    clock: ClockWatch,
    last: Option<Duration>,
    shown: Option<Verdict>,
    note: String,
    /// It stands as it is: a long text, which is not worth comparing every minute.
    note_stands: bool,
}

impl State for Ledger {
    const VERSION: u32 = 1;
}

impl Plugin for GroundBalance {
    const MANIFEST: &'static str = include_str!("../plugin.toml");
    type State = Ledger;

    fn init(cx: &mut Init<'_>, mut ledger: Ledger) -> Result<Self, Error> {
        let settings = Settings::read(cx)?;
        let roles = Roles::bind(cx, settings.zones.len())?;
        ledger.adopt(settings.zones.len());
        Ok(Self {
            settings,
            roles,
            ledger,
            days: Days::default(),
            year: Year::default(),
            ground: (0.0, false),
            trend: None,
            change_k: [0.0; 2],
            clock: ClockWatch::default(),
            last: None,
            shown: None,
            note: String::new(),
            note_stands: false,
        })
    }

    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let now = cx.now();
        if self.last.is_none() {
            self.restore(cx)?;
        }
        let passed = self.last.map_or(Duration::ZERO, |last| now.monotonic.saturating_sub(last));
        let dt_ms = millis(passed);
        let read = self.roles.read(cx, &self.settings);
        if self.ledger.count(&self.settings, &read.zones, read.units_kw, dt_ms, &now) {
            warn!(cx, "A heat meter was replaced or its register set; counting goes on from it");
        }
        if self.clock.update(&now).is_none() {
            self.date(cx, &now.local, &read)?;
        }
        self.last = Some(now.monotonic);
        self.publish(cx, &read)?;
        self.note_stands = true;
        Ok(())
    }

    fn state(&self) -> &Ledger {
        &self.ledger
    }
}

impl GroundBalance {
    fn restore(&mut self, cx: &Tick<'_>) -> Result<(), Error> {
        if let Some(bytes) = cx.kv_get(DAYS) {
            match Days::from_bytes(&bytes) {
                Some(days) => self.days = days,
                None => error!(cx, "The kept days can't be read; the ledger starts anew"),
            }
        }
        self.note = cx.kv_get("note").and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
        self.sum();
        Ok(())
    }

    fn sum(&mut self) {
        self.year = self.ledger.year(&self.days);
        self.ground = self.ledger.ground_c(&self.settings);
        self.trend = self.ledger.bores.trend(self.settings.trend_years);
        let change = |years| self.ledger.change_k(&self.settings, &self.year, years);
        self.change_k = [change(1), change(10)];
    }

    /// What goes by the date.
    fn date(&mut self, cx: &mut Tick<'_>, local: &Civil, read: &Readings) -> Result<(), Error> {
        if let Some(bores_c) = read.bores_c {
            self.ledger.bores.read(local.year * 12 + i32::from(local.month) - 1, bores_c);
        }
        let turn = self.ledger.turn(&self.settings, &mut self.days, local);
        if turn == Turn::SameDay {
            return Ok(());
        }
        self.sum();
        if turn == Turn::NewYear {
            self.note = self.note_of_the_year(local.year);
            self.note_stands = false;
            info!(cx, "{}", self.note);
            cx.kv_set("note", self.note.as_bytes())?;
        }
        cx.kv_set(DAYS, &self.days.to_bytes())
    }

    /// What the year's strategy can be decided from.
    fn note_of_the_year(&self, year: i32) -> String {
        let ledger = &self.ledger;
        let verdict = ledger.verdict(&self.settings, &self.year);
        let field = self.year.field;
        let mwh = |kwh: f64| fixed(kwh / 1e3, 1);
        let trend = self.trend.map_or("unknown".to_owned(), |k| format!("{} K/a", fixed(k, 2)));
        format!(
            "Year to {year}: {} MWh in, {} MWh out, balance {} %, known {} % of the time, ground trend {trend}; {verdict}, advice {}",
            mwh(field.injected_kwh),
            mwh(field.extracted_kwh),
            fixed(field.balance() * 100.0, 1),
            fixed(self.year.known() * 100.0, 0),
            verdict.advice(self.settings.means),
        )
    }

    fn publish(&mut self, cx: &mut Tick<'_>, read: &Readings) -> Result<(), Error> {
        let settings = &self.settings;
        let year = self.ledger.live(settings, &self.year);
        let verdict = self.ledger.verdict(settings, &year);
        let advice = verdict.advice(settings.means);
        // Believed only when nearly all of the year is known and the meters are.
        let bound = year.cover.bound_kwh > settings.limit * year.field.extracted_kwh;
        let doubtful = matches!(verdict, Verdict::Learning | Verdict::MeterSuspect) || bound;
        let quality = if doubtful { Quality::Uncertain } else { Quality::Good };
        cx.publish("state", verdict)?;
        cx.publish("advice", advice)?;
        if !self.note_stands {
            cx.publish("note", self.note.clone())?;
        }
        cx.publish("meter_swaps", i64::from(self.ledger.meter_swaps))?;
        cx.publish("rest_zone", self.ledger.resting().map_or(0, |zone| zone as i64 + 1))?;
        let season = self.ledger.season();
        let good = Quality::Good;
        let (power_kw, power) = match (read.ground_kw, read.units_kw) {
            (Some(kw), _) => (Some(kw), good),
            (None, by_units) => (by_units, Quality::Uncertain),
        };
        let per_metre = power_kw.map(|kw| -kw * 1e3 / settings.field.length_m);
        let (ground_c, measured) = self.ground;
        let ground = if measured { good } else { Quality::Uncertain };
        let values = [
            ("ratio", year.ratio(), quality),
            ("balance", Some(year.field.balance() * 100.0), quality),
            ("injected", Some(year.field.injected_kwh / 1e3), quality),
            ("extracted", Some(year.field.extracted_kwh / 1e3), quality),
            ("season_injected", Some(season.injected_kwh / 1e3), good),
            ("season_extracted", Some(season.extracted_kwh / 1e3), good),
            ("cover", Some(year.known() * 100.0), good),
            ("estimated_hours", Some(year.cover.estimated_h), good),
            ("missing_hours", Some(year.cover.missing_h), good),
            ("missing_bound", Some(year.cover.bound_kwh / 1e3), good),
            ("ground_power", power_kw, power),
            ("extraction_w_per_m", per_metre, power),
            ("ground_temp", Some(ground_c), ground),
            ("trend_k_per_year", self.trend, good),
            // A model's word, never more than uncertain.
            ("forecast_1y", Some(ground_c + self.change_k[0]), Quality::Uncertain),
            ("forecast_10y", Some(ground_c + self.change_k[1]), Quality::Uncertain),
        ];
        let (bias, _) = self.ledger.rotation(settings);
        let bias = BIAS.into_iter().zip(bias).map(|(name, bias)| (name, Some(bias * 100.0), good));
        for (name, value, quality) in values.into_iter().chain(bias) {
            match value {
                Some(value) => cx.publish_as(name, value, quality)?,
                None => cx.publish_unavailable(name)?,
            }
        }
        if self.shown.replace(verdict) != Some(verdict) {
            info!(cx, "{verdict}: advice {advice}");
        }
        self.alarm(cx, &year, verdict);
        Ok(())
    }

    fn alarm(&self, cx: &mut Tick<'_>, year: &Year, verdict: Verdict) {
        let settings = &self.settings;
        let off = year.field.balance().abs();
        let drifts = matches!(verdict, Verdict::DriftCold | Verdict::DriftHot);
        let (en, zh) = match verdict {
            Verdict::DriftHot => (
                "The ground is heated up: far more heat was rejected than extracted in twelve months. Follow the advice.",
                "土壤持续升温：近十二个月排热量远大于取热量，请按建议调整。",
            ),
            _ => (
                "The ground is cooled down: far more heat was extracted than returned in twelve months. Follow the advice.",
                "土壤持续降温：近十二个月取热量远大于回热量，请按建议调整。",
            ),
        };
        let severity = if off >= settings.alarm { Severity::Alarm } else { Severity::Warning };
        cx.alarm(&Alarm { code: "balance", severity, en, zh }, drifts && off >= settings.warn);
        cx.alarm(&METER, self.ledger.is_suspect());
        cx.alarm(&MISSING, self.ledger.open_gap(settings).missing_h > 0.0);
        cx.alarm(&TREND, self.trend.is_some_and(|trend| trend.abs() >= settings.trend_alarm));
    }
}

const METER: Alarm = Alarm {
    code: "meter_suspect",
    severity: Severity::Warning,
    en: "Heat meters and heat pumps disagree on the heat of the ground. Check sensors, flow and scaling.",
    zh: "热量表与机组数据不一致，请检查温度、流量传感器及量程。",
};

const MISSING: Alarm = Alarm {
    code: "missing_data",
    severity: Severity::Notice,
    en: "The heat of the ground has not been metered for hours; the ledger tells the gap and its bound.",
    zh: "地埋侧热量数据长时间缺失；台账已标注缺失时段及上限。",
};

const TREND: Alarm = Alarm {
    code: "ground_trend",
    severity: Severity::Warning,
    en: "The ground temperature moves from year to year. Compare with the balance and adapt the strategy.",
    zh: "地温逐年变化超限，请对照热平衡台账调整运行策略。",
};

wellhead_sdk::export!(GroundBalance);
