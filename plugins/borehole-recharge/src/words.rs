//! States and reasons: what is published, logged and written into the audit trail.

wellhead_sdk::words! {
    /// Where the sequence is.
    #[derive(Default)]
    pub enum State {
        /// No window is open.
        #[default]
        Off = "off",
        /// A window is open, and something is waited for.
        Armed = "armed",
        /// Pumps and valves on, flow to be proven.
        Preflow = "preflow",
        /// Heat goes into the ground.
        Run = "run",
        /// Source off, pumps running on.
        Post = "post",
        /// Nothing is missing, or the budget is used.
        Done = "done",
        /// Something is wrong; the reason says what.
        Blocked = "blocked",
        /// The field or the source is wanted elsewhere.
        LoadPreempt = "load_preempt",
        /// An operator or a hand switch decides; only hours are counted.
        Local = "local",
    }
}

wellhead_sdk::words! {
    /// Why.
    #[derive(Default)]
    pub enum Reason {
        /// The calendar has no window today.
        #[default]
        NoWindow = "no_window",
        /// The date can't be believed.
        Clock = "clock",
        /// Pumps start, valves travel.
        Starting = "starting",
        /// All is well.
        Running = "running",
        /// The hours of the open windows are used.
        Budget = "budget",
        /// The ledger is balanced.
        Balanced = "balanced",
        /// The tariff of this hour is not allowed.
        Tariff = "tariff",
        /// No source of the open windows is fitted.
        NoSource = "no_source",
        /// The source is not warm enough.
        GainLow = "gain_low",
        /// Temperature of the source or the field is not known.
        GainUnknown = "gain_unknown",
        /// A cheaper source can take over.
        CheaperSource = "cheaper_source",
        /// The source rests its minimum time, or a pump runs on.
        MinOff = "min_off",
        /// The gateway or the plugin came back.
        Restarted = "restarted",
        /// A hand was taken off; a minute's wait before taking over.
        Returning = "returning",
        /// Flow was not proven, or was lost.
        NoFlow = "no_flow",
        /// The flow is not known.
        FlowUnknown = "flow_unknown",
        /// The temperature into the field is not known.
        EnteringUnknown = "entering_unknown",
        /// The water into the field is too warm.
        EnteringHigh = "entering_high",
        /// The water into the field is too cold.
        EnteringLow = "entering_low",
        /// The field is too warm.
        FieldWarm = "field_warm",
        /// The valve did not reach its end switch, or left it.
        Valve = "valve",
        /// Too little heat for the electricity.
        Inefficient = "inefficient",
        /// No heat goes into the ground.
        NoHeat = "no_heat",
        /// The source reports a fault, or its report can't be believed.
        SourceFault = "source_fault",
        /// An interlock holds the source off.
        Protection = "protection",
        /// Heating, cooling or hot water is called for.
        LoadCall = "load_call",
        /// Whether there is a call is not known.
        LoadUnknown = "load_unknown",
        /// A unit works on this field.
        UnitRunning = "unit_running",
        /// Whether a unit works on this field is not known.
        UnitUnknown = "unit_unknown",
        /// An operator holds an output.
        Operator = "operator",
        /// A device is in local mode.
        LocalMode = "local_mode",
        /// Somebody else holds an output.
        Other = "other",
    }
}

wellhead_sdk::words! {
    /// Price periods of the tariff, 谷平峰尖.
    pub enum Tariff {
        /// 谷
        Valley = "valley",
        /// 平
        Flat = "flat",
        /// 峰
        Peak = "peak",
        /// 尖
        Sharp = "sharp",
    }
}
