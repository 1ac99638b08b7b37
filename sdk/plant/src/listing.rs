//! The register maps, printed.

use serde::Serialize;

use crate::devices::Device;
use crate::devices::map::{Kind, Order, Register, Source, Table};
use crate::presets::Preset;

/// One point of the listing.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Name of the device in the room.
    pub device: &'static str,
    /// Its kind.
    pub device_kind: &'static str,
    /// Unit id.
    pub unit: u8,
    /// Name of the point.
    pub name: &'static str,
    /// Table.
    pub table: Table,
    /// Address, counted from 0.
    pub address: u16,
    /// Registers (or bits) it takes.
    pub words: u16,
    /// `type`, with `bit` or `words` where it needs one.
    #[serde(flatten)]
    pub kind: Kind,
    /// Word order.
    pub order: Order,
    /// Value = raw × scale + offset.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Unit of the value.
    pub value_unit: &'static str,
    /// Raw value that means "no sensor".
    pub missing: Option<u64>,
    /// Raw value at which a counter starts again at 0.
    pub rollover: Option<u64>,
    /// May it be written?
    pub writable: bool,
    /// Least value that may be written.
    pub min: Option<f64>,
    /// Greatest value that may be written.
    pub max: Option<f64>,
    /// Names of states.
    #[serde(rename = "enum", skip_serializing_if = "<[_]>::is_empty")]
    pub states: &'static [(u16, &'static str)],
    /// Fixed text it shows.
    pub text: Option<&'static str>,
    /// Reading it changes something.
    pub read_acts: bool,
    /// A remark.
    pub note: &'static str,
}

fn row(device: &Device, register: &Register) -> Row {
    Row {
        device: device.name,
        device_kind: device.model.kind,
        unit: device.unit,
        name: register.name,
        table: register.table,
        address: register.address,
        words: register.words(),
        kind: register.kind,
        order: register.order,
        scale: register.scale,
        offset: register.offset,
        value_unit: register.unit,
        missing: register.missing,
        rollover: register.rollover,
        writable: register.write.is_some(),
        min: register.write.map(|write| write.min),
        max: register.write.map(|write| write.max),
        states: register.states,
        text: match register.source {
            Source::Text(text) => Some(text),
            _ => None,
        },
        read_acts: register.on_read.is_some(),
        note: register.note,
    }
}

/// Every point of every unit of a room.
pub fn rows(preset: Preset) -> impl Iterator<Item = Row> {
    preset
        .devices()
        .iter()
        .flat_map(|device| device.model.map.iter().map(|register| row(device, register)))
}

/// The listing as a JSON array.
///
/// # Errors
/// None that the maps could cause.
pub fn json(preset: Preset) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(&rows(preset).collect::<Vec<_>>())? + "\n")
}

/// The listing for people.
#[must_use]
pub fn table(preset: Preset) -> String {
    let mut out = String::new();
    let mut last = "";
    for row in rows(preset) {
        if row.device != last {
            last = row.device;
            out += &format!("\nunit {} {} ({})\n", row.unit, row.device, row.device_kind);
        }
        let table = match row.table {
            Table::Coil => "coil",
            Table::DiscreteInput => "discrete",
            Table::InputRegister => "input",
            Table::HoldingRegister => "holding",
        };
        let kind = match row.kind {
            Kind::Bit { bit } => format!("bit {bit}"),
            other => {
                format!("{other:?}").to_lowercase().replace(" { words: ", "[").replace(" }", "]")
            }
        };
        let low = if row.order == Order::LowFirst { " low word first" } else { "" };
        let write = if row.writable { "rw" } else { "r" };
        let scale = if row.scale == 1.0 { String::new() } else { format!(" ×{}", row.scale) };
        out += &format!(
            "  {table:<8} {:>5} {kind:<8} {write:<2} {}{scale} {}{low}  {}\n",
            row.address, row.name, row.value_unit, row.note
        );
    }
    out
}
