//! Meters on a shared line: M-Bus, DL/T 645, CJ/T 188. Their values are only read.

use super::{Form, Half, Reader};
use crate::config::file::{DeviceTable, EditionWord, IdentifierWord, PointTable, UnitPositionWord};
use crate::config::report::Findings;
use crate::config::resolve::At;
use crate::config::resolve::line::LineFound;
use wellhead_model::Shape;
use wellhead_sensors::{Timing, cjt188, dlt645, mbus};

fn timing(t: &DeviceTable, line: &LineFound, reader: &mut Reader<'_, '_>) -> Timing {
    let manners = super::timing(t);
    Timing {
        response_timeout: manners.response_timeout,
        pause: manners.pause,
        late_window: manners.late_window,
        mode: reader.mode(t, line),
    }
}

pub(super) fn dlt645(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<dlt645::DeviceSpec> {
    let address = reader.needs("address", t.address.as_deref());
    let address = reader.text("address", address);
    let edition = match t.edition {
        None | Some(EditionWord::Y2007) => dlt645::Edition::Y2007,
        Some(EditionWord::Y1997) => dlt645::Edition::Y1997,
    };
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let text = t.item.as_deref();
        let item: dlt645::Item = super::address("item", "\"energy\"", text, at, findings)?;
        let whole = item.register(edition).is_some_and(|r| r.decimals == 0);
        let shape = if whole && item.unit().is_none() { Shape::Int } else { Shape::Float };
        let form = Form { unit: item.unit(), read_only: Some("`item`"), ..Form::of(shape) };
        Some((form, item))
    };
    let point = |item, half: Half| dlt645::PointSpec {
        index: half.index,
        name: half.name,
        item,
        unit: half.unit,
        conversion: half.conversion,
        period: half.period,
    };
    let timing = timing(t, line, reader);
    let points = reader.points(place, point);
    Some(dlt645::DeviceSpec {
        name: reader.name(),
        address: address?,
        edition,
        preamble: t.preamble.unwrap_or(4),
        blocks: t.blocks.unwrap_or(true),
        timing,
        points,
    })
}

/// Quantities of M-Bus that are no measurements: texts, and whole numbers.
const TEXTS: [&str; 5] = ["date", "date_time", "customer_location", "model", "identification"];
const WHOLE: [&str; 10] = [
    "fabrication_number",
    "bus_address",
    "customer",
    "parameter_set",
    "reset_counter",
    "cumulation_counter",
    "error_flags",
    "error_mask",
    "digital_input",
    "digital_output",
];

pub(super) fn mbus(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<mbus::DeviceSpec> {
    let address = reader.needs("address", t.address.as_deref());
    let address = reader.text("address", address);
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let text = t.record.as_deref();
        let record: mbus::RecordSelector =
            super::address("record", "\"energy\"", text, at, findings)?;
        let shape = match &record {
            mbus::RecordSelector::Named(name) if TEXTS.contains(&name.quantity) => Shape::Text,
            mbus::RecordSelector::Named(name) if WHOLE.contains(&name.quantity) => Shape::Int,
            _ => Shape::Float,
        };
        let tells_unit = shape == Shape::Float;
        Some((Form { read_only: Some("`record`"), tells_unit, ..Form::of(shape) }, record))
    };
    let point = |record, half: Half| mbus::PointSpec {
        index: half.index,
        name: half.name,
        record,
        unit: half.unit,
        conversion: half.conversion,
        period: half.period,
    };
    let timing = timing(t, line, reader);
    let points = reader.points(place, point);
    Some(mbus::DeviceSpec {
        name: reader.name(),
        address: address?,
        timing,
        telegrams_max: t.telegrams_max.unwrap_or(16),
        points,
    })
}

pub(super) fn cjt188(
    t: &DeviceTable,
    line: &LineFound,
    reader: &mut Reader<'_, '_>,
) -> Option<cjt188::DeviceSpec> {
    let address = reader.needs("address", t.address.as_deref());
    let address = reader.text("address", address);
    let kind = reader.needs("meter", t.meter.as_deref());
    let kind = reader.text("meter", kind);
    let place = |t: &PointTable, at: &At<'_>, findings: &mut Findings| {
        let text = t.field.as_deref();
        let field: cjt188::Field = super::address("field", "\"heat\"", text, at, findings)?;
        let shape = match field {
            cjt188::Field::Time => Shape::Text,
            cjt188::Field::Status => Shape::Int,
            _ => Shape::Float,
        };
        let tells_unit = field.dimension().is_some();
        Some((Form { read_only: Some("`field`"), tells_unit, ..Form::of(shape) }, field))
    };
    let point = |field, half: Half| cjt188::PointSpec {
        index: half.index,
        name: half.name,
        field,
        unit: half.unit,
        conversion: half.conversion,
        period: half.period,
    };
    let timing = timing(t, line, reader);
    let points = reader.points(place, point);
    Some(cjt188::DeviceSpec {
        name: reader.name(),
        kind: kind?,
        address: address?,
        identifier_order: match t.identifier {
            None | Some(IdentifierWord::LowFirst) => cjt188::IdentifierOrder::LowFirst,
            Some(IdentifierWord::HighFirst) => cjt188::IdentifierOrder::HighFirst,
        },
        unit_position: match t.unit_position {
            None | Some(UnitPositionWord::After) => cjt188::UnitPosition::AfterValue,
            Some(UnitPositionWord::Before) => cjt188::UnitPosition::BeforeValue,
        },
        preamble: t.preamble.unwrap_or(4),
        timing,
        points,
    })
}
