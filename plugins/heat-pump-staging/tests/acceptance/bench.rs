//! A plant room for tests: pumps and valves that prove themselves, machines that take a while to
//! start, and a log of every command. It stands outside the plugin and knows only its roles.

use std::collections::BTreeSet;
use std::time::Duration;

use heat_pump_staging::HeatPumpStaging;
use wellhead_sdk::Holder;
use wellhead_sdk::mock::{Builder, Host};

/// The steps of 1.16, and the unit last.
pub(crate) const ORDER: [&str; 5] =
    ["source_pump", "load_secondary_pump", "load_primary_pump", "ground_loop", "unit_enable"];

const PROOFS: [&str; 4] = [
    "source_pump_proof",
    "load_secondary_pump_proof",
    "load_primary_pump_proof",
    "ground_loop_proof",
];

pub(crate) const TICK: Duration = Duration::from_secs(5);

/// kWh that a cubic metre of water carries a kelvin; written out anew, not taken from the plugin.
pub(crate) const WATER: f64 = 1.163_055_6;

/// A command that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: Duration,
    pub(crate) role: &'static str,
    pub(crate) index: u32,
    pub(crate) on: bool,
}

/// One machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Machine {
    pub(crate) running: bool,
    enabled_for: Duration,
}

/// What is installed.
pub(crate) struct Layout {
    pub(crate) units: u32,
    /// Running contacts, one a unit unless the test says otherwise.
    pub(crate) contacts: u32,
    /// Pumps or valves of each step.
    pub(crate) pumps: [u32; 4],
}

pub(crate) struct Bench {
    pub(crate) host: Host<HeatPumpStaging>,
    pub(crate) layout: Layout,
    pub(crate) machines: Vec<Machine>,
    pub(crate) log: Vec<Change>,
    /// Proofs that never come: role and index.
    pub(crate) withheld: BTreeSet<(&'static str, u32)>,
    /// Units that do not answer.
    pub(crate) silent: BTreeSet<u32>,
    /// Units that a person switched on at their panels.
    pub(crate) by_hand: BTreeSet<u32>,
    /// Time since the bench began; goes on when the gateway is off.
    pub(crate) clock: Duration,
    /// Commands of each step as they were seen last, and proofs as they were set last.
    shown: [Vec<bool>; 5],
    proofs: [Vec<Option<bool>>; 5],
}

/// One unit with everything it can have.
pub(crate) const ONE: &str = r#"
units = [["ground", 456, 40, 1, 1, 1, 1, 0]]
seasons = [["01-01", "12-31", "heating", "ground", "none", 44]]
"#;

/// Three alike on shared pumps.
pub(crate) const THREE: &str = r#"
units = [
  ["ground", 456, 40, 1, 1, 1, 1, 0],
  ["ground", 456, 40, 1, 1, 1, 1, 0],
  ["ground", 456, 40, 1, 1, 1, 1, 0],
]
seasons = [["01-01", "12-31", "heating", "ground", "none", 44]]
"#;

pub(crate) fn one() -> Bench {
    Bench::new(1, [1, 1, 1, 1], ONE, |builder| builder)
}

pub(crate) fn three() -> Bench {
    Bench::new(3, [1, 1, 1, 1], THREE, |builder| builder)
}

/// Puts a value into a list that grows as needed, and tells whether it was another before.
fn replace(list: &mut Vec<Option<bool>>, index: u32, value: Option<bool>) -> bool {
    let index = index as usize;
    let known = list.len() > index;
    if !known {
        list.resize(index + 1, None);
    }
    let before = std::mem::replace(&mut list[index], value);
    !known || before != value
}

impl Bench {
    pub(crate) fn new(
        units: u32,
        pumps: [u32; 4],
        parameters: &str,
        more: impl FnOnce(Builder<HeatPumpStaging>) -> Builder<HeatPumpStaging>,
    ) -> Self {
        Self::of(Layout { units, contacts: units, pumps }, parameters, more)
    }

    pub(crate) fn of(
        layout: Layout,
        parameters: &str,
        more: impl FnOnce(Builder<HeatPumpStaging>) -> Builder<HeatPumpStaging>,
    ) -> Self {
        let Layout { units, contacts, pumps } = layout;
        let mut builder = Host::<HeatPumpStaging>::install().parameters(parameters);
        for (role, points) in ORDER.iter().zip(pumps) {
            builder = builder.bind(role, points).bind(&format!("{role}_proof"), points);
        }
        for role in ["unit_enable", "unit_fault"] {
            builder = builder.bind(role, units);
        }
        builder = builder.bind("unit_running", contacts);
        for role in ["supply_temp", "return_temp", "flow", "call"] {
            builder = builder.bind(role, 1);
        }
        let host = more(builder).start().unwrap();
        let mut bench = Self {
            host,
            layout,
            machines: vec![Machine::default(); units as usize],
            log: Vec::new(),
            withheld: BTreeSet::new(),
            silent: BTreeSet::new(),
            by_hand: BTreeSet::new(),
            clock: Duration::ZERO,
            shown: Default::default(),
            proofs: Default::default(),
        };
        for unit in 0..units {
            bench.host.set(("unit_fault", unit), false);
        }
        bench.host.set("call", true);
        bench.mains(0.0, 44.0);
        bench.prove();
        bench
    }

    /// What the mains' meters show.
    pub(crate) fn mains(&mut self, load_kw: f64, supply_c: f64) {
        let flow = 400.0;
        self.host.set("supply_temp", supply_c);
        self.host.set("return_temp", supply_c - load_kw / (flow * WATER));
        self.host.set("flow", flow);
    }

    pub(crate) fn on(&self, role: &str, index: u32) -> bool {
        self.host.output::<bool>((role, index)).unwrap_or(false)
    }

    pub(crate) fn runs(&self, unit: u32) -> bool {
        self.machines[unit as usize].running
    }

    pub(crate) fn running(&self) -> usize {
        self.machines.iter().filter(|machine| machine.running).count()
    }

    pub(crate) fn state(&self, unit: u32) -> String {
        self.host.published(&format!("unit_{}_state", unit + 1)).unwrap_or_default()
    }

    pub(crate) fn hours(&self, unit: u32) -> f64 {
        self.host.published(&format!("unit_{}_hours", unit + 1)).unwrap_or_default()
    }

    /// One tick, then the plant follows.
    pub(crate) fn step(&mut self) {
        self.host.tick();
        self.clock += TICK;
        self.note();
        for unit in 0..self.layout.units {
            let enabled = self.shown(4, unit) || self.by_hand.contains(&unit);
            let withheld = self.withheld.contains(&(ORDER[4], unit));
            let machine = &mut self.machines[unit as usize];
            machine.enabled_for = if enabled { machine.enabled_for + TICK } else { Duration::ZERO };
            machine.running = enabled && !withheld && machine.enabled_for >= 4 * TICK;
        }
        self.prove();
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.clock + time;
        while self.clock < end {
            self.step();
        }
    }

    pub(crate) fn minutes(&mut self, minutes: u64) {
        self.run(Duration::from_secs(60 * minutes));
    }

    /// Runs until something is so; fails the test when it does not come about within three days.
    pub(crate) fn until(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let end = self.clock + Duration::from_secs(3 * 86_400);
        while !so(self) {
            assert!(self.clock < end, "never: {what}");
            self.step();
        }
    }

    /// Sets what proofs show, where it changed: the mock is asked a million times over a season.
    fn prove(&mut self) {
        for step in 0..4 {
            for index in 0..self.layout.pumps[step] {
                let withheld = self.withheld.contains(&(ORDER[step], index));
                let proven = Some(self.shown(step, index) && !withheld);
                if replace(&mut self.proofs[step], index, proven) {
                    self.host.set((PROOFS[step], index), proven == Some(true));
                }
            }
        }
        for unit in 0..self.layout.contacts {
            let running = self.machines[unit as usize].running;
            let running = (!self.silent.contains(&unit)).then_some(running);
            if replace(&mut self.proofs[4], unit, running) {
                match running {
                    Some(running) => self.host.set(("unit_running", unit), running),
                    None => self.host.set_stale(("unit_running", unit)),
                }
            }
        }
    }

    fn shown(&self, step: usize, index: u32) -> bool {
        self.shown[step].get(index as usize) == Some(&true)
    }

    /// Reads every command and logs those that changed.
    fn note(&mut self) {
        for (step, role) in ORDER.iter().enumerate() {
            let points = self.layout.pumps.get(step).copied().unwrap_or(self.layout.units);
            for index in 0..points {
                let on = self.on(role, index);
                if self.shown(step, index) != on {
                    self.log.push(Change { at: self.clock, role, index, on });
                }
                self.shown[step].resize(points as usize, false);
                self.shown[step][index as usize] = on;
            }
        }
    }

    /// Roles in the order in which they were commanded on, or off.
    pub(crate) fn order(&self, on: bool) -> Vec<&'static str> {
        self.log.iter().filter(|change| change.on == on).map(|change| change.role).collect()
    }

    /// When a unit was enabled, or no longer.
    pub(crate) fn enables(&self, on: bool) -> Vec<(Duration, u32)> {
        let changes = self.log.iter().filter(|c| c.role == "unit_enable" && c.on == on);
        changes.map(|change| (change.at, change.index)).collect()
    }

    pub(crate) fn hold(&mut self, unit: u32, holder: impl Into<Option<Holder>>) {
        self.host.hold(("unit_enable", unit), holder);
    }

    /// The gateway loses power for a time; the machines stop with it.
    pub(crate) fn cut_power(&mut self, off: Duration) {
        self.host.kill(off);
        self.clock += off;
        self.machines.fill(Machine::default());
        self.note();
        self.prove();
    }
}
