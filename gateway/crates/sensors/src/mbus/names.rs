//! What records are called here, by the codes of EN 13757-3.

use m_bus_application_layer::value_information::ValueLabel as L;
use wellhead_model::Dimension as D;

/// What a meter can measure or tell.
#[derive(Debug)]
pub(super) struct Quantity {
    pub(super) label: L,
    pub(super) name: &'static str,
    /// What its unit measures, where that is fixed.
    pub(super) dimension: Option<D>,
    /// Bits, not a number: read without a sign.
    pub(super) bits: bool,
}

const fn number(label: L, name: &'static str, dimension: D) -> Quantity {
    Quantity { label, name, dimension: Some(dimension), bits: false }
}

const fn other(label: L, name: &'static str) -> Quantity {
    Quantity { label, name, dimension: None, bits: false }
}

const fn bits(label: L, name: &'static str) -> Quantity {
    Quantity { label, name, dimension: None, bits: true }
}

pub(super) const QUANTITIES: &[Quantity] = &[
    number(L::Energy, "energy", D::Energy),
    number(L::Volume, "volume", D::Volume),
    number(L::Mass, "mass", D::Mass),
    number(L::Power, "power", D::Power),
    number(L::VolumeFlow, "flow", D::VolumeFlow),
    number(L::MassFlow, "mass_flow", D::MassFlow),
    number(L::FlowTemperature, "supply_temperature", D::Temperature),
    number(L::ReturnTemperature, "return_temperature", D::Temperature),
    number(L::TemperatureDifference, "temperature_difference", D::TemperatureDifference),
    number(L::ExternalTemperature, "external_temperature", D::Temperature),
    number(L::ColdWarmTemperatureLimit, "temperature_limit", D::Temperature),
    number(L::Pressure, "pressure", D::Pressure),
    number(L::OnTime, "on_time", D::Time),
    number(L::OperatingTime, "operating_time", D::Time),
    number(L::AveragingDuration, "averaging_duration", D::Time),
    number(L::ActualityDuration, "actuality_duration", D::Time),
    number(L::Voltage, "voltage", D::Voltage),
    number(L::Current, "current", D::Current),
    number(L::Frequency, "frequency", D::Frequency),
    number(L::ReactiveEnergy, "reactive_energy", D::ReactiveEnergy),
    number(L::ReactivePower, "reactive_power", D::ReactivePower),
    number(L::ApparentPower, "apparent_power", D::ApparentPower),
    number(L::RelativeHumidity, "humidity", D::Ratio),
    other(L::ApparentEnergy, "apparent_energy"),
    other(L::CoefficientOfPerformance, "cop"),
    other(L::DimensionlessHCA, "heat_cost"),
    other(L::Dimensionless, "dimensionless"),
    other(L::Date, "date"),
    other(L::DateTime, "date_time"),
    other(L::FabricationNumber, "fabrication_number"),
    other(L::EnhancedIdentification, "identification"),
    other(L::Address, "bus_address"),
    other(L::Customer, "customer"),
    other(L::CustomerLocation, "customer_location"),
    other(L::ParameterSetIdentification, "parameter_set"),
    other(L::ModelOrVersion, "model"),
    other(L::HardwareVersion, "hardware_version"),
    other(L::MetrologyFirmwareVersion, "firmware_version"),
    other(L::OtherSoftwareVersion, "software_version"),
    other(L::ResetCounter, "reset_counter"),
    other(L::CumulationCounter, "cumulation_counter"),
    other(L::RemainingBatteryLifeTime, "battery_life"),
    bits(L::ErrorFlags, "error_flags"),
    bits(L::ErrorMask, "error_mask"),
    bits(L::DigitalInput, "digital_input"),
    bits(L::DigitalOutput, "digital_output"),
];

/// Quantities that are words, even where a meter makes them of digits.
pub(super) const TEXTS: &[&str] =
    &["date", "date_time", "customer_location", "model", "identification"];

/// Quantities that are whole numbers by their nature.
pub(super) const WHOLE: &[&str] = &[
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

/// Extensions of a code that a point may ask for, by number; those behind the prefix FC have 0x100
/// added.
pub(super) const QUALIFIERS: &[(u16, &str)] = &[
    (0x12, "average"),
    (0x3A, "uncorrected"),
    (0x3B, "positive"),
    (0x3C, "negative"),
    (0x3E, "base_conditions"),
    (0x40, "lower_limit"),
    (0x48, "upper_limit"),
    (0x7E, "future"),
    (0x101, "l1"),
    (0x102, "l2"),
    (0x103, "l3"),
    (0x104, "neutral"),
    (0x105, "l1_l2"),
    (0x106, "l2_l3"),
    (0x107, "l3_l1"),
];

/// What the code of a medium means.
pub fn medium(code: u8) -> &'static str {
    match code {
        0x00 => "other",
        0x01 => "oil",
        0x02 => "electricity",
        0x03 => "gas",
        0x04 => "heat (volume measured in the return)",
        0x05 => "steam",
        0x06 => "warm water",
        0x07 => "water",
        0x08 => "heat cost allocator",
        0x09 => "compressed air",
        0x0A => "cold (volume measured in the return)",
        0x0B => "cold (volume measured in the supply)",
        0x0C => "heat (volume measured in the supply)",
        0x0D => "heat and cold",
        0x0E => "bus, system",
        0x15 => "hot water",
        0x16 => "cold water",
        0x17 => "hot and cold water",
        0x18 => "pressure",
        0x19 => "analogue to digital converter",
        _ => "unknown",
    }
}
