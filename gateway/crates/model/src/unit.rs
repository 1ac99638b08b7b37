//! Units of measurement, as a closed table.
//!
//! Closed, because a unit that the gateway can't name it can't convert, and a platform would have
//! to guess. Symbols follow SI and what heat meters print; `Nm3`-style commercial units are left
//! out on purpose.

use std::fmt;

/// What kind of quantity a unit measures; units of one dimension convert into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum Dimension {
    Temperature,
    TemperatureDifference,
    Power,
    ApparentPower,
    ReactivePower,
    Energy,
    ReactiveEnergy,
    VolumeFlow,
    MassFlow,
    Volume,
    Mass,
    Pressure,
    Length,
    Time,
    Frequency,
    RotationalSpeed,
    Current,
    Voltage,
    Ratio,
    Conductivity,
    Density,
    Irradiance,
    Speed,
    Count,
}

/// A unit from the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unit(usize);

/// A text that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a known unit")]
pub struct UnitError(pub String);

use Dimension as D;

/// Symbol, dimension, and how it converts: base = value × factor + offset. The base of each
/// dimension is the entry with factor 1 and offset 0.
const TABLE: &[(&str, Dimension, f64, f64)] = &[
    ("°C", D::Temperature, 1.0, 0.0),
    ("K", D::TemperatureDifference, 1.0, 0.0),
    ("°F", D::Temperature, 5.0 / 9.0, -160.0 / 9.0),
    ("W", D::Power, 1.0, 0.0),
    ("kW", D::Power, 1e3, 0.0),
    ("MW", D::Power, 1e6, 0.0),
    ("VA", D::ApparentPower, 1.0, 0.0),
    ("kVA", D::ApparentPower, 1e3, 0.0),
    ("var", D::ReactivePower, 1.0, 0.0),
    ("kvar", D::ReactivePower, 1e3, 0.0),
    ("J", D::Energy, 1.0, 0.0),
    ("kJ", D::Energy, 1e3, 0.0),
    ("MJ", D::Energy, 1e6, 0.0),
    ("GJ", D::Energy, 1e9, 0.0),
    ("Wh", D::Energy, 3.6e3, 0.0),
    ("kWh", D::Energy, 3.6e6, 0.0),
    ("MWh", D::Energy, 3.6e9, 0.0),
    ("kvarh", D::ReactiveEnergy, 1.0, 0.0),
    ("m³/h", D::VolumeFlow, 1.0, 0.0),
    ("L/s", D::VolumeFlow, 3.6, 0.0),
    ("L/min", D::VolumeFlow, 0.06, 0.0),
    ("L/h", D::VolumeFlow, 1e-3, 0.0),
    ("kg/s", D::MassFlow, 1.0, 0.0),
    ("kg/h", D::MassFlow, 1.0 / 3600.0, 0.0),
    ("t/h", D::MassFlow, 1000.0 / 3600.0, 0.0),
    ("m³", D::Volume, 1.0, 0.0),
    ("L", D::Volume, 1e-3, 0.0),
    ("kg", D::Mass, 1.0, 0.0),
    ("t", D::Mass, 1e3, 0.0),
    ("Pa", D::Pressure, 1.0, 0.0),
    ("kPa", D::Pressure, 1e3, 0.0),
    ("MPa", D::Pressure, 1e6, 0.0),
    ("bar", D::Pressure, 1e5, 0.0),
    ("mbar", D::Pressure, 1e2, 0.0),
    ("m", D::Length, 1.0, 0.0),
    ("mm", D::Length, 1e-3, 0.0),
    ("s", D::Time, 1.0, 0.0),
    ("ms", D::Time, 1e-3, 0.0),
    ("min", D::Time, 60.0, 0.0),
    ("h", D::Time, 3600.0, 0.0),
    ("d", D::Time, 86400.0, 0.0),
    ("Hz", D::Frequency, 1.0, 0.0),
    ("rpm", D::RotationalSpeed, 1.0, 0.0),
    ("A", D::Current, 1.0, 0.0),
    ("mA", D::Current, 1e-3, 0.0),
    ("V", D::Voltage, 1.0, 0.0),
    ("mV", D::Voltage, 1e-3, 0.0),
    ("kV", D::Voltage, 1e3, 0.0),
    ("1", D::Ratio, 1.0, 0.0),
    ("%", D::Ratio, 1e-2, 0.0),
    ("µS/cm", D::Conductivity, 1.0, 0.0),
    ("kg/m³", D::Density, 1.0, 0.0),
    ("W/m²", D::Irradiance, 1.0, 0.0),
    ("m/s", D::Speed, 1.0, 0.0),
    ("count", D::Count, 1.0, 0.0),
];

/// Spellings met in the field, and what they mean.
const SPELLINGS: &[(&str, &str)] = &[
    ("degC", "°C"),
    ("C", "°C"),
    ("℃", "°C"),
    ("degF", "°F"),
    ("m3/h", "m³/h"),
    ("m3", "m³"),
    ("l/s", "L/s"),
    ("l/h", "L/h"),
    ("l/min", "L/min"),
    ("l", "L"),
    ("kWH", "kWh"),
    ("KWh", "kWh"),
    ("KW", "kW"),
    ("kPA", "kPa"),
    ("Kpa", "kPa"),
    ("r/min", "rpm"),
    ("uS/cm", "µS/cm"),
    ("kg/m3", "kg/m³"),
    ("W/m2", "W/m²"),
    ("pct", "%"),
    ("kVar", "kvar"),
    ("kVarh", "kvarh"),
];

impl Unit {
    /// Finds a unit by its symbol or a usual spelling of it (`degC`, `m3/h`).
    pub fn parse(text: &str) -> Result<Unit, UnitError> {
        let symbol = SPELLINGS.iter().find(|(s, _)| *s == text).map_or(text, |(_, u)| *u);
        TABLE
            .iter()
            .position(|(s, ..)| *s == symbol)
            .map(Unit)
            .ok_or_else(|| UnitError(text.to_owned()))
    }

    /// Every symbol in the table.
    pub fn symbols() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|(s, ..)| *s)
    }

    /// The symbol: `°C`, `kWh`, `m³/h`.
    pub fn symbol(self) -> &'static str {
        TABLE[self.0].0
    }

    /// What it measures.
    pub fn dimension(self) -> Dimension {
        TABLE[self.0].1
    }

    /// `value` of this unit expressed in `to`; `None` between different dimensions.
    pub fn convert(self, value: f64, to: Unit) -> Option<f64> {
        if self == to {
            return Some(value);
        }
        let (a, b) = (TABLE[self.0], TABLE[to.0]);
        (a.1 == b.1).then(|| (value * a.2 + a.3 - b.3) / b.2)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(s: &str) -> Unit {
        Unit::parse(s).unwrap()
    }

    #[test]
    fn usual_spellings_are_understood_and_written_one_way() {
        assert_eq!(unit("degC").symbol(), "°C");
        assert_eq!(unit("m3/h"), unit("m³/h"));
        assert_eq!(Unit::parse("furlong"), Err(UnitError("furlong".into())));
    }

    #[test]
    fn units_convert_within_a_dimension_only() {
        let close = |a: Option<f64>, b: f64| assert!((a.unwrap() - b).abs() < 1e-9, "{a:?} {b}");
        close(unit("°F").convert(212.0, unit("°C")), 100.0);
        close(unit("°C").convert(100.0, unit("°F")), 212.0);
        close(unit("GJ").convert(1.0, unit("kWh")), 277.777_777_777_777_8);
        close(unit("L/s").convert(1.0, unit("m³/h")), 3.6);
        close(unit("t/h").convert(3.6, unit("kg/s")), 1.0);
        assert_eq!(unit("kW").convert(1.0, unit("kWh")), None);
        assert_eq!(unit("K").convert(1.0, unit("°C")), None, "a difference is no temperature");
    }

    #[test]
    fn every_spelling_leads_to_the_table() {
        for (s, _) in SPELLINGS {
            assert!(Unit::parse(s).is_ok(), "{s}");
        }
    }

    #[test]
    fn every_symbol_stands_for_itself_alone() {
        for symbol in Unit::symbols() {
            let unit = unit(symbol);
            assert_eq!(
                (unit.symbol(), unit.to_string().as_str()),
                (symbol, symbol),
                "first of two?"
            );
            assert_eq!(unit.convert(7.25, unit), Some(7.25));
        }
        assert_eq!(unit("kWh").dimension(), unit("GJ").dimension());
        assert_ne!(unit("K").dimension(), unit("°C").dimension());
    }
}
