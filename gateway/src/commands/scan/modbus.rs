//! `wellhead scan modbus`.

use super::found::{Address, Device, Found, Point, text};
use super::stream::Stream;
use super::{Lang, Output, range};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use wellhead_driver::Line;
use wellhead_modbus::scan::{Found as Unit, Manners, Probe, registers, units};
use wellhead_modbus::{Framing, Table};

const BAUD: u32 = 9600;
/// Registers in one read; a map with holes is mostly holes.
const AT_ONCE: u16 = 20;
/// Most questions of one probe: at 50 ms and more each, minutes.
const QUESTIONS_MAX: u32 = 2000;

/// Finds Modbus units and what they say they are, and probes registers if asked to.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wellhead scan modbus --serial /dev/ttyUSB0 --parity none\n  \
    wellhead scan modbus --tcp 192.168.1.20:502 --units 1 --probe holding:0-99 --profile hp.toml\n\n\
    Each unit is asked for one holding register, and for its identification. Some registers of \
    some\ndevices act when they are read, so a probe is for who stands at the device.")]
pub(super) struct Modbus {
    #[command(flatten)]
    stream: Stream,
    /// Framing on TCP; a serial port has RTU
    #[arg(long, default_value = "tcp", conflicts_with = "serial")]
    framing: FramingWord,
    /// Which units are asked for: 5 or 1-20
    #[arg(long, default_value = "1-247", value_parser = range::<u8>)]
    units: (u8, u8),
    /// Look which registers answer: holding:0-99 or input:0-49; may be given several times
    #[arg(long, value_name = "KIND:RANGE", value_parser = probe)]
    probe: Vec<Range>,
    /// Make a profile of what the probe found in one unit
    #[arg(long, value_name = "FILE", requires = "probe")]
    pub(super) profile: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FramingWord {
    Tcp,
    Rtu,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    table: Table,
    first: u16,
    last: u16,
}

fn probe(given: &str) -> Result<Range, String> {
    let wrong = || format!("`{given}` is no range of registers; write holding:0-99 or input:5");
    let (table, place) = given.split_once(':').ok_or_else(wrong)?;
    let table = match table {
        "holding" => Table::Holding,
        "input" => Table::Input,
        _ => return Err(wrong()),
    };
    let (first, last) = range(place).map_err(|_| wrong())?;
    Ok(Range { table, first, last })
}

impl Modbus {
    pub(super) async fn scan(&self, lang: Lang) -> anyhow::Result<Found> {
        let mut line = self.stream.line(BAUD);
        let manners = self.manners();
        let (first, last) = self.units;
        let told = |u: &Unit| errln!("{} {}", lang.pick("found unit", "发现单元"), u.unit);
        let found = units(&mut line, &manners, first..=last, told).await?;
        let mut devices = Vec::new();
        for unit in found {
            devices.push(self.device(&mut line, unit).await?);
        }
        let mut line_keys = self.stream.keys(BAUD);
        if matches!(self.framing, FramingWord::Rtu) {
            line_keys.push(("framing", text("rtu")));
        }
        let unclear = Vec::new();
        Ok(Found { protocol: "modbus", line: "field", line_keys, devices, unclear })
    }

    fn manners(&self) -> Manners {
        let framing = match self.framing {
            FramingWord::Tcp if self.stream.serial.is_none() => Framing::Tcp,
            _ => Framing::Rtu,
        };
        Manners { response_timeout: self.stream.wait, ..Manners::gentle(framing) }
    }

    async fn device(&self, line: &mut Line, found: Unit) -> anyhow::Result<Device> {
        let says = |object| found.identity.get(&object).filter(|t| !t.is_empty());
        // Vendor, product name or code, model, revision.
        let model: Vec<String> = [says(0), says(4).or(says(1)), says(5), says(2)]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let unit = found.unit;
        let mut device = Device {
            place: match found.every_unit {
                true => format!("{}, every unit alike", line.target()),
                false => format!("{}, unit {unit}", line.target()),
            },
            // The name that its user gave it.
            name: says(6).cloned(),
            model: (!model.is_empty()).then(|| model.join(", ")),
            number: format!("unit-{unit}"),
            keys: vec![("unit", toml::Value::Integer(i64::from(unit))), ("poll", text("10s"))],
            ..Device::default()
        };
        let mut unknown = Vec::new();
        for range in &self.probe {
            let Range { table, first, last } = *range;
            let probe =
                Probe { table, first, last, at_once: AT_ONCE, questions_max: QUESTIONS_MAX };
            let found = registers(line, &self.manners(), unit, &probe).await?;
            let key = if table == Table::Holding { "holding" } else { "input" };
            for block in found.blocks {
                let places = (block.address..=u16::MAX).zip(block.words);
                device.points.extend(places.map(|(place, word)| register(key, place, word)));
            }
            let open = found.unknown.iter();
            unknown.extend(open.map(|r| format!("{key} {} to {}", r.start(), r.end())));
        }
        if !unknown.is_empty() {
            device.problem = Some(format!("nothing is known of {}", unknown.join(", ")));
        }
        if self.probe.is_empty() {
            device.hints.push("Probe its registers, or name its profile.".into());
        }
        Ok(device)
    }
}

fn register(key: &'static str, place: u16, word: u16) -> Point {
    let mut hints = Vec::new();
    let signed = word.cast_signed();
    if signed < 0 {
        hints.push(format!("as an i16 {signed}"));
    }
    Point {
        key,
        address: Address::Register(place),
        number: format!("{key}_{place}"),
        value: Some(Ok(json!(word))),
        keys: vec![("type", text("u16"))],
        hints,
        ..Point::default()
    }
}
