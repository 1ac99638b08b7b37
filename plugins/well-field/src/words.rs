//! The plugin's words, as they are published.

use wellhead_sdk::words;

words! {
    /// What the field is doing.
    #[derive(Default)]
    pub enum Step {
        #[default]
        Idle = "idle",
        Ramp = "ramp",
        Run = "run",
        Cutback = "cutback",
        Backwash = "backwash",
        Locked = "locked",
        Local = "local",
    }
}

words! {
    /// Why.
    #[derive(Default)]
    pub enum Reason {
        #[default]
        NoCall = "no_call",
        Stopping = "soft_stop",
        WarmUp = "warm_up",
        Rising = "rising",
        Wanted = "as_wanted",
        AtCap = "at_cap",
        WellLost = "reinjection_well_lost",
        Washing = "back_wash",
        NoReinjection = "no_reinjection",
        ReinjectionClosed = "reinjection_closed",
        NoProduction = "no_production_well",
        NotSealed = "not_sealed",
        InjectedHot = "injected_too_warm",
        Hand = "hand",
        HandReturned = "hand_returned",
    }
}
