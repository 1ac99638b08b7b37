//! Engineering units (clause 21, BACnetEngineeringUnits).

use bacnet_rs::object::EngineeringUnits;
use wellhead_model::Unit;

/// Units that the gateway knows too. Kelvin (63) is left out: it stands for temperatures and for
/// differences alike, and the two convert differently.
const UNITS: [(u32, &str); 52] = [
    (2, "mA"),
    (3, "A"),
    (5, "V"),
    (6, "kV"),
    (8, "VA"),
    (9, "kVA"),
    (11, "var"),
    (12, "kvar"),
    (15, "1"),
    (16, "J"),
    (17, "kJ"),
    (18, "Wh"),
    (19, "kWh"),
    (27, "Hz"),
    (29, "%"),
    (30, "mm"),
    (31, "m"),
    (35, "W/m²"),
    (39, "kg"),
    (42, "kg/s"),
    (44, "kg/h"),
    (47, "W"),
    (48, "kW"),
    (49, "MW"),
    (53, "Pa"),
    (54, "kPa"),
    (55, "bar"),
    (62, "°C"),
    (64, "°F"),
    (70, "d"),
    (71, "h"),
    (72, "min"),
    (73, "s"),
    (74, "m/s"),
    (80, "m³"),
    (82, "L"),
    (87, "L/s"),
    (88, "L/min"),
    (98, "%"),
    (104, "rpm"),
    (121, "K"),
    (124, "mV"),
    (126, "MJ"),
    (133, "mbar"),
    (134, "mbar"),
    (135, "m³/h"),
    (136, "L/h"),
    (146, "MWh"),
    (159, "ms"),
    (186, "kg/m³"),
    (204, "kvarh"),
    (47925, "GJ"),
];

/// The gateway's unit for a number; `None` for one that it has no name for.
pub fn unit(number: u32) -> Option<Unit> {
    let (_, symbol) = UNITS.iter().find(|(n, _)| *n == number)?;
    Unit::parse(symbol).ok()
}

/// The number for a unit of the gateway's, where the standard has one.
pub fn unit_number(unit: Unit) -> Option<u32> {
    // Percent is 98; 29 is percent of relative humidity.
    let number = |n: &u32| *n != 29 && *n != 133;
    UNITS.iter().find(|(n, symbol)| *symbol == unit.symbol() && number(n)).map(|(n, _)| *n)
}

/// The standard's name for a number: `degrees-celsius`.
pub fn unit_name(number: u32) -> String {
    EngineeringUnits::from(number).bacnet_name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_known_both_ways_and_agree_with_the_standards_names() {
        for (n, symbol) in UNITS {
            let ours = unit(n).unwrap_or_else(|| panic!("{symbol} is no unit of the gateway's"));
            let there = unit_number(ours).and_then(unit);
            assert_eq!(there, Some(ours), "{symbol}");
            assert!(!unit_name(n).starts_with(['R', 'C']), "{n}: {}", unit_name(n));
        }
        assert_eq!(unit_name(62), "degrees-celsius");
        assert_eq!(unit_number(Unit::parse("%").unwrap()), Some(98));
        assert_eq!(unit(63), None, "a temperature or a difference?");
        assert_eq!(unit(95), None);
    }
}
