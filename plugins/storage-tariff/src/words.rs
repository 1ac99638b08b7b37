//! The plugin's words, as they are set and published.

use wellhead_sdk::words;

words! {
    /// What electricity costs.
    #[derive(Default, PartialOrd, Ord)]
    pub enum Kind {
        Valley = "valley",
        #[default]
        Flat = "flat",
        Peak = "peak",
        Sharp = "sharp",
    }
}

words! {
    /// What the store holds.
    pub enum Medium {
        Cold = "cold",
        Heat = "heat",
    }
}

words! {
    /// Kind of store.
    pub enum Kept {
        Water = "water",
        Ice = "ice",
    }
}

words! {
    /// Who serves the load, and what the store does.
    #[derive(Default)]
    pub enum Mode {
        #[default]
        Idle = "idle",
        Charge = "charge",
        Discharge = "discharge",
        UnitOnly = "unit_only",
        UnitAndDischarge = "unit_and_discharge",
        Local = "local",
    }
}

impl Mode {
    /// Whether the store gives.
    pub fn releases(self) -> bool {
        matches!(self, Mode::Discharge | Mode::UnitAndDischarge)
    }

    /// Whether units are wanted.
    pub fn wants_units(self) -> bool {
        matches!(self, Mode::Charge | Mode::UnitOnly | Mode::UnitAndDischarge)
    }
}

words! {
    /// Why the mode is what it is.
    #[derive(Default)]
    pub enum Reason {
        #[default]
        Starting = "starting",
        NoSeason = "no_season",
        SeasonUnproven = "season_unproven",
        Hand = "hand",
        HandReturned = "hand_returned",
        TariffUnknown = "tariff_unknown",
        NoStoreReading = "no_store_reading",
        LevelLow = "level_low",
        NoForecast = "no_forecast",
        Valley = "valley",
        ChargeLater = "charge_later",
        Charged = "charged",
        TooShort = "too_short",
        Mixing = "mixing",
        NoSupplyReading = "no_supply_reading",
        Glycol = "glycol",
        Rest = "rest_after_interlock",
        DemandLimit = "demand_limit",
        NoUnitCapacity = "no_unit_capacity",
        Dear = "dear_hours",
        Kept = "kept_for_dearer_hours",
        Empty = "empty",
        Episode = "shortest_episode",
    }
}
