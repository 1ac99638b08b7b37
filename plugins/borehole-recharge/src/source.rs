//! Where the heat comes from.

/// How many kinds there are.
pub const SOURCES: usize = Source::ALL.len();

wellhead_sdk::words! {
    /// A source of heat, the cheapest first.
    #[derive(PartialOrd, Ord)]
    pub enum Source {
        /// Warm water of the building through an exchanger: circulation pumps only.
        PumpOnly = "pump_only",
        /// Solar collectors.
        Solar = "solar",
        /// Dry cooler, taking heat from the air.
        DryCooler = "dry_cooler",
        /// Cooling tower, taking heat from moist air.
        Tower = "tower",
        /// Air-source heat pumps.
        AirSource = "air_source",
    }
}

impl Source {
    /// Its place in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Is its temperature known before it runs? That of a heat pump is what it makes.
    #[must_use]
    pub fn is_found(self) -> bool {
        self != Self::AirSource
    }
}

/// Wet-bulb temperature, °C, from air temperature in °C and relative humidity in %, at sea level.
///
/// R. Stull, *Wet-Bulb Temperature from Relative Humidity and Air Temperature*, J. Appl. Meteor.
/// Climatol. 50 (2011): within −1.0 and +0.65 K from 5 to 99 % and −20 to 50 °C.
#[must_use]
pub fn wet_bulb_c(air_c: f64, humidity: f64) -> f64 {
    let rh = humidity.clamp(5.0, 99.0);
    air_c * (0.151_977 * (rh + 8.313_659).sqrt()).atan() + (air_c + rh).atan()
        - (rh - 1.676_331).atan()
        + 0.003_918_38 * (rh * rh.sqrt()) * (0.023_101 * rh).atan()
        - 4.686_035
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wet_bulb_of_the_paper() {
        assert!((wet_bulb_c(20.0, 50.0) - 13.7).abs() < 0.05);
        assert!((wet_bulb_c(30.0, 99.0) - 30.0).abs() < 0.5, "saturated air");
    }
}
