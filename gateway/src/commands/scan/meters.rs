//! `wellhead scan mbus`, `dlt645` and `cjt188`: meters on a shared line.

use super::found::{Address, Device, Found, Keys, Point, text};
use super::stream::Stream;
use super::{Lang, Output, range};
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};
use std::time::Duration;
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Raw, Readings};
use wellhead_model::{PointIndex, Unit};
use wellhead_sensors::cjt188::{self, IdentifierOrder, MeterKind, UnitPosition};
use wellhead_sensors::dlt645::{self, Edition, Item};
use wellhead_sensors::{Timing, mbus};

const BAUD: u32 = 2400;
/// Most questions of a search of a DL/T 645 line. One that finds nothing but noise ends there.
const QUESTIONS_MAX: u32 = 2000;
/// Values that most electricity meters have.
const ITEMS: [&str; 12] = [
    "energy",
    "energy_reverse",
    "power",
    "reactive_power",
    "power_factor",
    "voltage_a",
    "voltage_b",
    "voltage_c",
    "current_a",
    "current_b",
    "current_c",
    "frequency",
];
/// What is there gets this long for each of its values; only who is not there costs a search time.
const VALUE_WAIT: Duration = Duration::from_secs(3);
/// Leading bytes of requests, which wake a meter up.
const PREAMBLE: u8 = 4;

/// Finds M-Bus meters and reads what they send.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wellhead scan mbus --serial /dev/ttyUSB0\n  \
    wellhead scan mbus --tcp 10.0.0.5:10001 --primary 1-20 --write site.toml\n\n\
    Meters are looked for by secondary address, which finds those that share a primary one; very \
    old\nones have only the latter.")]
pub(super) struct Mbus {
    #[command(flatten)]
    stream: Stream,
    /// Look by primary address instead: 5 or 1-250
    #[arg(long, value_name = "RANGE", value_parser = range::<u8>)]
    primary: Option<(u8, u8)>,
    /// Only among these secondary addresses; F stands for any digit
    #[arg(long, value_name = "DIGITS", value_parser = secondary, conflicts_with = "primary")]
    secondary: Option<mbus::Secondary>,
    #[command(flatten)]
    pub(super) output: Output,
}

fn secondary(text: &str) -> Result<mbus::Secondary, String> {
    match text.parse() {
        Ok(mbus::Address::Secondary(address)) => Ok(address),
        _ => Err(format!("`{text}` is no secondary address; write 2105FFFF, or 16 digits")),
    }
}

impl Mbus {
    pub(super) async fn scan(&self, lang: Lang) -> anyhow::Result<Found> {
        let wait = self.stream.wait;
        match (self.primary, lang) {
            (Some((first, last)), Lang::En) => {
                errln!("asking addresses {first} to {last}; one without a meter takes {wait:?}");
            }
            (Some((first, last)), Lang::Zh) => {
                errln!("正在询问地址 {first} 至 {last}；无表的地址各需 {wait:?}");
            }
            (None, Lang::En) => errln!(
                "looking for secondary addresses: ten questions of {wait:?}, and ten more wherever \
                 several meters answer"
            ),
            (None, Lang::Zh) => {
                errln!("正在查找二级地址：十次询问，每次 {wait:?}；多表同时应答时再各问十次");
            }
        }
        let search = match (self.primary, self.secondary) {
            (Some((first, last)), _) => mbus::Search::Primary(first..=last.min(250)),
            (None, among) => mbus::Search::Secondary(among.unwrap_or(mbus::Secondary::ANY)),
        };
        let mut line = self.stream.line(BAUD);
        let found = mbus::scan(&mut line, &search, None, self.stream.wait).await?;
        let devices = found.into_iter().map(mbus_device).collect();
        let line_keys = self.stream.keys(BAUD);
        Ok(Found { protocol: "mbus", line: "meters", line_keys, devices, unclear: Vec::new() })
    }
}

fn mbus_device(found: mbus::Found) -> Device {
    let model = format!("{} {}", found.manufacturer, found.medium);
    let identification = found.identity.map(|i| format!("{:08X}", i.identification));
    let number = identification.unwrap_or_else(|| found.address.to_string());
    Device {
        place: format!("address {}", found.address),
        model: Some(model.trim().to_owned()),
        number: format!("meter-{}", number.to_lowercase()),
        keys: vec![("protocol", text("mbus")), ("address", text(found.address))],
        problem: found.problem.map(|p| p.to_string()),
        points: found.records.into_iter().map(record).collect(),
        ..Device::default()
    }
}

fn record(found: mbus::FoundRecord) -> Point {
    let fits = match (&found.value, found.record.form()) {
        (Some(Raw::Text(_)), form) => form == mbus::Form::Text,
        (Some(_), form) => form != mbus::Form::Text,
        (None, _) => false,
    };
    let unit = found.unit.filter(|_| found.record.form() == mbus::Form::Number);
    let mut keys: Keys = unit.map(|u| ("unit", text(u.symbol()))).into_iter().collect();
    if found.record.form() == mbus::Form::Whole {
        // Serial numbers and flags are measured in nothing.
        keys.push(("class", text("status")));
    }
    Point {
        key: "record",
        number: found.record.to_string(),
        address: Address::Text(found.record.to_string()),
        value: found.value.as_ref().map(|v| Ok(json_raw(v))),
        unit: unit.map(|u| u.symbol().to_owned()),
        keys,
        unread: !fits,
        ..Point::default()
    }
}

fn json_raw(raw: &Raw) -> Json {
    match raw {
        Raw::Bool(b) => json!(b),
        Raw::Int(i) => json!(i),
        Raw::UInt(u) => json!(u),
        Raw::Float(f) => json!(f),
        Raw::Text(t) => json!(&**t),
    }
}

/// Finds DL/T 645 electricity meters and reads their usual values.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead scan dlt645 --serial /dev/ttyUSB0 --write site.toml")]
pub(super) struct Dlt645 {
    #[command(flatten)]
    stream: Stream,
    /// Edition of the standard that is spoken; both, one after the other, if not given
    #[arg(long)]
    edition: Option<EditionWord>,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EditionWord {
    #[value(name = "1997")]
    Y1997,
    #[value(name = "2007")]
    Y2007,
}

fn timing(wait: Duration) -> Timing {
    Timing { response_timeout: wait, pause: Duration::ZERO, late_window: wait, mode: None }
}

impl Dlt645 {
    pub(super) async fn scan(&self, lang: Lang) -> anyhow::Result<Found> {
        let mut line = self.stream.line(BAUD);
        let settings = dlt645::Scan {
            editions: match self.edition {
                None => vec![Edition::Y2007, Edition::Y1997],
                Some(EditionWord::Y2007) => vec![Edition::Y2007],
                Some(EditionWord::Y1997) => vec![Edition::Y1997],
            },
            preamble: PREAMBLE,
            timing: timing(self.stream.wait),
            questions_max: QUESTIONS_MAX,
        };
        let wait = self.stream.wait;
        match lang {
            Lang::En => errln!(
                "asking all meters at once, {wait:?} a question; two meters of the same digits take \
                 a hundred questions more, {QUESTIONS_MAX} at most"
            ),
            Lang::Zh => errln!(
                "正在同时询问所有电能表，每次 {wait:?}；应答冲突时每处再问一百次，最多 \
                 {QUESTIONS_MAX} 次"
            ),
        }
        let told = |progress: dlt645::Progress<'_>| match (progress, lang) {
            (dlt645::Progress::Meter(f), Lang::En) => errln!("found meter {}", f.address),
            (dlt645::Progress::Meter(f), Lang::Zh) => errln!("发现电能表 {}", f.address),
            (dlt645::Progress::Several(a), Lang::En) => {
                errln!("several answer to {a} (A: any digit); going through the next two digits");
            }
            (dlt645::Progress::Several(a), Lang::Zh) => {
                errln!("{a}（A 为任意数字）有多表应答；正在逐一询问其后两位");
            }
        };
        let report = dlt645::scan(&mut line, &settings, told).await?;
        let mut devices: Vec<Device> = Vec::new();
        for found in report.found {
            devices.push(self.meter(&mut line, &found).await?);
        }
        let unclear = report.unclear.iter().map(|a| match lang {
            Lang::En => format!(
                "something answers for {a} (A: any digit): noise, or two meters of one address"
            ),
            Lang::Zh => format!("{a}（A 为任意数字）有应答但无法识别：干扰，或两表同址"),
        });
        let (unclear, line_keys) = (unclear.collect(), self.stream.keys(BAUD));
        Ok(Found { protocol: "dlt645", line: "meters", line_keys, devices, unclear })
    }

    async fn meter(&self, line: &mut Line, found: &dlt645::Found) -> anyhow::Result<Device> {
        let items = ITEMS.iter().filter_map(|i| i.parse::<Item>().ok());
        let items: Vec<Item> = items.filter(|i| i.register(found.edition).is_some()).collect();
        let point = |(n, item): (usize, &Item)| dlt645::PointSpec {
            index: index(n),
            name: item.to_string(),
            item: *item,
            unit: None,
            conversion: Conversion::default(),
            period: PERIOD,
        };
        let mut driver = dlt645::Dlt645Driver::new(dlt645::DeviceSpec {
            name: String::new(),
            address: found.address,
            edition: found.edition,
            preamble: PREAMBLE,
            // A refused block would be asked for again value by value.
            blocks: false,
            timing: timing(self.stream.wait.max(VALUE_WAIT)),
            points: items.iter().enumerate().map(point).collect(),
        });
        let mut device = Device {
            place: format!("address {}", found.address),
            number: format!("meter-{}", found.address),
            keys: vec![("protocol", text("dlt645")), ("address", text(found.address))],
            ..Device::default()
        };
        if found.edition == Edition::Y1997 {
            device.keys.push(("edition", text("1997")));
        }
        let (values, problem) = read(&mut driver, line).await?;
        device.problem = problem;
        for (n, value, _) in values {
            let Some(item) = items.get(n) else { continue };
            device.points.push(Point {
                key: "item",
                address: Address::Text(item.to_string()),
                number: item.to_string(),
                value: Some(Ok(value)),
                unit: item.unit().map(|u| u.symbol().to_owned()),
                ..Point::default()
            });
        }
        Ok(device)
    }
}

/// Finds the CJ/T 188 meter of a line, which must be the only one, and reads it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead scan cjt188 --serial /dev/ttyUSB0\n\n\
    The standard has no search among several meters: their answers collide. Connect one at a \
    time.")]
pub(super) struct Cjt188 {
    #[command(flatten)]
    stream: Stream,
    #[command(flatten)]
    pub(super) output: Output,
}

const FIELDS: [&str; 10] = [
    "heat",
    "settled_heat",
    "power",
    "flow",
    "volume",
    "settled_volume",
    "supply_temperature",
    "return_temperature",
    "hours",
    "status",
];

impl Cjt188 {
    pub(super) async fn scan(&self, lang: Lang) -> anyhow::Result<Found> {
        let wait = self.stream.wait;
        match lang {
            Lang::En => errln!("asking for the line's only meter, twice {wait:?}"),
            Lang::Zh => errln!("正在询问线路上唯一的表，两次，每次 {wait:?}"),
        }
        let mut line = self.stream.line(BAUD);
        let (mut devices, mut unclear) = (Vec::new(), Vec::new());
        for order in [IdentifierOrder::LowFirst, IdentifierOrder::HighFirst] {
            let asked = cjt188::find_address(&mut line, order, timing(self.stream.wait)).await;
            match asked {
                Ok((address, code)) => {
                    unclear.clear();
                    devices.push(self.meter(&mut line, order, address, code).await?);
                    break;
                }
                Err(error @ DeviceError::Unreachable { .. }) => return Err(error.into()),
                Err(DeviceError::NoReply(_)) => {}
                Err(error) => {
                    unclear = vec![match lang {
                        Lang::En => {
                            format!("{error}: noise, or several meters; connect one at a time")
                        }
                        Lang::Zh => format!("{error}：干扰，或有多块表；请逐块连接"),
                    }];
                }
            }
        }
        let line_keys = self.stream.keys(BAUD);
        Ok(Found { protocol: "cjt188", line: "meters", line_keys, devices, unclear })
    }

    async fn meter(
        &self,
        line: &mut Line,
        order: IdentifierOrder,
        address: cjt188::Address,
        code: u8,
    ) -> anyhow::Result<Device> {
        let mut device = Device {
            place: format!("address {address}, type {code:02X}"),
            number: format!("meter-{address}"),
            keys: vec![("protocol", text("cjt188")), ("address", text(address))],
            ..Device::default()
        };
        let Ok(kind) = format!("{code:02x}").parse::<MeterKind>() else {
            device.problem = Some(format!("type {code:02X} is no type of the standard"));
            return Ok(device);
        };
        device.model = Some(kind.to_string());
        device.keys.push(("meter", text(kind)));
        if order == IdentifierOrder::HighFirst {
            device.keys.push(("identifier", text("high-first")));
        }
        let fields = FIELDS.iter().filter_map(|f| f.parse::<cjt188::Field>().ok());
        let fields: Vec<cjt188::Field> = fields.filter(|f| f.told_by(kind)).collect();
        for unit_position in [UnitPosition::AfterValue, UnitPosition::BeforeValue] {
            let point = |(n, field): (usize, &cjt188::Field)| cjt188::PointSpec {
                index: index(n),
                name: field.to_string(),
                field: *field,
                unit: None,
                conversion: Conversion::default(),
                period: PERIOD,
            };
            let mut driver = cjt188::Cjt188Driver::new(cjt188::DeviceSpec {
                name: String::new(),
                kind,
                address,
                identifier_order: order,
                unit_position,
                preamble: PREAMBLE,
                timing: timing(self.stream.wait.max(VALUE_WAIT)),
                points: fields.iter().enumerate().map(point).collect(),
            });
            let (values, problem) = read(&mut driver, line).await?;
            device.problem = problem;
            // With the units in the wrong place hardly anything makes sense.
            if values.len() * 2 <= fields.len() {
                continue;
            }
            if unit_position == UnitPosition::BeforeValue {
                device.keys.push(("unit_position", text("before")));
            }
            for (n, value, unit) in values {
                let Some(field) = fields.get(n) else { continue };
                device.points.push(Point {
                    key: "field",
                    address: Address::Text(field.to_string()),
                    number: field.to_string(),
                    value: Some(Ok(value)),
                    unit: unit.map(|u| u.symbol().to_owned()),
                    keys: unit.map(|u| ("unit", text(u.symbol()))).into_iter().collect(),
                    ..Point::default()
                });
            }
            break;
        }
        Ok(device)
    }
}

/// All of them are one group.
const PERIOD: Duration = Duration::from_secs(60);

fn index(n: usize) -> PointIndex {
    PointIndex(u32::try_from(n).unwrap_or(u32::MAX))
}

/// A value, its place in the list, and the unit that the meter told.
type Read = (usize, Json, Option<Unit>);

/// Polls once: what has a value, and what kept the others from it.
async fn read(
    driver: &mut impl Driver,
    line: &mut Line,
) -> anyhow::Result<(Vec<Read>, Option<String>)> {
    let mut out = Readings::default();
    let problem = match driver.poll(line, 0, &mut out).await {
        Ok(()) => None,
        Err(error @ DeviceError::Unreachable { .. }) => return Err(error.into()),
        Err(error) => Some(error.to_string()),
    };
    let mut values = Vec::new();
    for (point, outcome) in &out.outcomes {
        let (Outcome::Good(value) | Outcome::Uncertain(value, _) | Outcome::Manual(value)) =
            outcome
        else {
            continue;
        };
        let unit = out.units.iter().find(|(p, _)| p == point).map(|(_, u)| *u);
        let json = match value {
            wellhead_model::Value::Bool(b) => json!(b),
            wellhead_model::Value::Int(i) => json!(i),
            wellhead_model::Value::UInt(u) => json!(u),
            wellhead_model::Value::Float(f) => json!(f.get()),
            other => json!(other.to_string()),
        };
        values.push((point.0 as usize, json, unit));
    }
    values.sort_by_key(|(n, ..)| *n);
    Ok((values, problem))
}
