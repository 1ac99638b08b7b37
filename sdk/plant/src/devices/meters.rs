//! Register maps of the meters: floats, and energy in the widths meters are sold with.

use super::Model;
use super::map::{Kind, POLL_COUNTER, Register, input};
use crate::physics::meters::POWER_FACTOR;

const PHASE_VOLTS: f64 = 230.0;

const HEAT_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::F32, "flow").scaled(1.0, "m³/h").read(|p, i| p.heat_meters[i].flow_m3h),
    input(4, Kind::F32, "supply_temperature")
        .scaled(1.0, "°C")
        .noise(0.02)
        .read(|p, i| p.heat_meters[i].supply_c),
    input(6, Kind::F32, "return_temperature")
        .scaled(1.0, "°C")
        .noise(0.02)
        .read(|p, i| p.heat_meters[i].return_c),
    input(8, Kind::F32, "power").scaled(1.0, "kW").read(|p, i| p.heat_meters[i].power_w / 1e3),
    input(10, Kind::U32, "energy")
        .scaled(1.0, "kWh")
        .low_first()
        .rollover(100_000_000)
        .read(|p, i| (p.heat_meters[i].positive_j / 3.6e6).floor())
        .note("supply warmer than return; eight digits"),
    input(12, Kind::U32, "energy_reverse")
        .scaled(1.0, "kWh")
        .low_first()
        .rollover(100_000_000)
        .read(|p, i| (p.heat_meters[i].negative_j / 3.6e6).floor())
        .note("supply colder than return; eight digits"),
    input(14, Kind::U32, "volume")
        .scaled(0.1, "m³")
        .low_first()
        .read(|p, i| p.heat_meters[i].volume_m3),
    input(16, Kind::F32, "pressure")
        .scaled(1.0, "kPa")
        .read(|_, _| f64::NAN)
        .note("no transducer fitted: always NaN"),
    input(18, Kind::Bcd { words: 2 }, "serial_number").read(|_, i| 41_002_210.0 + i as f64),
];

const POWER_MAP: &[Register] = &[
    POLL_COUNTER,
    input(2, Kind::F32, "voltage_l1")
        .scaled(1.0, "V")
        .low_first()
        .noise(0.8)
        .read(|_, _| PHASE_VOLTS),
    input(4, Kind::F32, "voltage_l2")
        .scaled(1.0, "V")
        .low_first()
        .noise(0.8)
        .read(|_, _| PHASE_VOLTS),
    input(6, Kind::F32, "voltage_l3")
        .scaled(1.0, "V")
        .low_first()
        .noise(0.8)
        .read(|_, _| PHASE_VOLTS),
    input(8, Kind::F32, "current")
        .scaled(1.0, "A")
        .low_first()
        .read(|p, i| p.power_meters[i].power_w / (3.0 * PHASE_VOLTS * POWER_FACTOR)),
    input(10, Kind::F32, "power")
        .scaled(1.0, "kW")
        .low_first()
        .read(|p, i| p.power_meters[i].power_w / 1e3),
    input(12, Kind::F32, "power_factor").low_first().read(|_, _| POWER_FACTOR),
    input(14, Kind::F32, "frequency").scaled(1.0, "Hz").low_first().noise(0.01).read(|_, _| 50.0),
    input(16, Kind::U64, "energy")
        .scaled(1.0, "Wh")
        .read(|p, i| (p.power_meters[i].energy_j / 3600.0).floor()),
    input(40, Kind::U32, "peak_power")
        .scaled(1.0, "W")
        .read(|p, i| p.power_meters[i].peak_w)
        .on_read(|p, i| p.power_meters[i].peak_w = 0.0)
        .note("reading clears it"),
];

/// Heat meter. Supply is the pipe to the field (ground) or to the building (load): extraction from
/// the ground therefore counts as `energy_reverse` on the ground side.
pub static HEAT_METER: Model = Model {
    kind: "heat_meter",
    vendor: "Wellhead Plant",
    product: "HM-150",
    revision: "3.2",
    map: HEAT_MAP,
};

/// Electricity meter.
pub static POWER_METER: Model = Model {
    kind: "power_meter",
    vendor: "Wellhead Plant",
    product: "PM-3P",
    revision: "1.1",
    map: POWER_MAP,
};
