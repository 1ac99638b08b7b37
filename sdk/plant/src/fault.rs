//! What can be made to go wrong, in the words of the trade.

use clap::Subcommand;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::time::Instant;

use crate::building;
use crate::onewire::{DEPTHS_M, Probe};
use crate::presets::Preset;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Subcommand)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// No reply at all.
    Silent,
    /// Every reply comes this much later.
    Delay {
        /// Milliseconds.
        #[arg(long)]
        ms: u64,
    },
    /// Each reply is held until the next request has come, and is sent then, before its turn: what
    /// a master meets that has timed out and asked again.
    Late,
    /// Each reply carries the data of the reply before it, under the present header: a converter
    /// whose buffer is one behind.
    Previous,
    /// Random bytes instead of a reply.
    Garbage,
    /// A wrong check sum; on Modbus TCP, which has none, a wrong protocol identifier.
    BadCrc,
    /// The frame stops before its end.
    Short,
    /// The reply names another unit.
    ForeignUnit,
    /// The reply names another transaction (Modbus TCP only).
    ForeignTransaction,
    /// Every reply is sent twice.
    Duplicate,
    /// Every request is answered with this exception.
    Exception {
        /// Exception code, e.g. 6 for busy.
        #[arg(long)]
        code: u8,
    },
    /// Requests touching these addresses are answered with exception 2.
    IllegalAddress {
        /// First address.
        #[arg(long)]
        from: u16,
        /// Last address.
        #[arg(long)]
        to: u16,
    },
    /// All connections are cut, now and once.
    Cut,
    /// Connections are cut and the port is closed.
    Refuse,
    /// A sensor shows the value it has now, for ever.
    Stuck {
        /// Name of the point in the map.
        #[arg(long)]
        point: String,
    },
    /// A sensor drifts from now on.
    Drift {
        /// Name of the point in the map.
        #[arg(long)]
        point: String,
        /// Kelvin (or units of the point) a day of simulated time.
        #[arg(long, allow_negative_numbers = true)]
        per_day: f64,
    },
    /// A broken wire: the point shows its "no sensor" value.
    Sentinel {
        /// Name of the point in the map.
        #[arg(long)]
        point: String,
    },
    /// A wrong scale.
    Scale {
        /// Name of the point in the map.
        #[arg(long)]
        point: String,
        /// Shown value = true value × factor.
        #[arg(long, default_value_t = 10.0)]
        factor: f64,
    },
    /// The mains fail: everything stops; what was remote has lost its orders.
    PowerBlip {
        /// Simulated seconds without power.
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
    },
    /// A heat pump's compressor protection, or a pump's drive, trips.
    Trip {
        /// Simulated seconds until a heat pump resets itself; 0 waits for a reset.
        #[arg(long, default_value_t = 1800.0)]
        retry_s: f64,
    },
    /// The valves of a module, or a well's valve, no longer move.
    ValveStuck,
    /// A heat meter is replaced by another, which counts from nought.
    MeterSwap,
    /// Water leaves the pipe between production and reinjection meters.
    Leak {
        /// How much, m³/h.
        #[arg(long, default_value_t = 42.0)]
        m3h: f64,
    },
    /// A reinjection well clogs at one blow.
    Clog {
        /// Skin added.
        #[arg(long, default_value_t = 3.0)]
        skin: f64,
    },
    /// A well falls out.
    WellLost,
    /// The river falls.
    RiverDrop {
        /// By how many metres.
        #[arg(long, default_value_t = 1.5)]
        metres: f64,
    },
    /// A pump's flow switch shows no flow, whatever flows.
    ProofLost,
    /// The switch at a device stands on local: it follows its panel and refuses orders.
    Local,
    /// A probe of the 1-Wire string does not measure.
    Probe {
        /// Which, by its depth in metres.
        #[arg(long)]
        depth: u16,
        /// What it shows instead.
        #[arg(long)]
        shows: Probe,
    },
    /// A BACnet controller says its object is at fault.
    Unreliable {
        /// Name of the point.
        #[arg(long)]
        point: String,
        /// BACnet's Reliability: 1 no sensor, 2 over range, 4 open loop, 5 shorted, 7 other.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u8).range(1..=7))]
        reliability: u8,
    },
    /// A BACnet controller's object is taken out of service: it keeps the value it has.
    OutOfService {
        /// Name of the point.
        #[arg(long)]
        point: String,
    },
}

impl Fault {
    /// The point a sensor fault is about.
    #[must_use]
    pub fn point(&self) -> Option<&str> {
        match self {
            Self::Stuck { point }
            | Self::Drift { point, .. }
            | Self::Sentinel { point }
            | Self::Scale { point, .. }
            | Self::Unreliable { point, .. }
            | Self::OutOfService { point } => Some(point),
            _ => None,
        }
    }
}

/// A line of the plant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Modbus TCP.
    Tcp,
    /// RTU on the pseudo-terminal.
    Rtu,
    /// RTU frames over TCP.
    RtuTcp,
    /// M-Bus and CJ/T 188 on the pseudo-terminal of the meters.
    Mbus,
    /// M-Bus and CJ/T 188 over TCP.
    MbusTcp,
    /// DL/T 645 on the pseudo-terminal of the electricity meters.
    Dlt645,
}

impl Line {
    /// Whether masters come to it over TCP.
    #[must_use]
    pub fn has_connections(self) -> bool {
        matches!(self, Self::Tcp | Self::RtuTcp | Self::MbusTcp)
    }
}

/// Whom a fault concerns; with neither, every unit on every line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// One unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u8>,
    /// One line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<Line>,
}

impl Scope {
    /// One unit, whichever line it is asked on.
    #[must_use]
    pub fn unit(unit: u8) -> Self {
        Self { unit: Some(unit), line: None }
    }

    /// Every unit on one line.
    #[must_use]
    pub fn line(line: Line) -> Self {
        Self { unit: None, line: Some(line) }
    }

    pub(crate) fn covers(&self, unit: u8, line: Line) -> bool {
        self.unit.is_none_or(|u| u == unit) && self.line.is_none_or(|l| l == line)
    }
}

/// A fault at work.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveFault {
    /// Number by which it is cleared.
    pub id: u64,
    /// Whom it concerns.
    pub scope: Scope,
    /// What it is.
    pub fault: Fault,
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// Requests that it befell, or of a controller of the building frames; a fault of a sensor or
    /// probe is not counted.
    pub met: u64,
    /// What the sensor showed when it began, and the simulated time, for sensor faults.
    pub(crate) onset: (f64, f64),
}

/// Why a fault cannot be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FaultError {
    /// The fault needs a unit.
    #[error("this fault needs a unit, e.g. --unit 1")]
    NeedsUnit,
    /// There is no such unit.
    #[error("no unit {0}; the units are {1}")]
    NoSuchUnit(u8, String),
    /// There is no such point.
    #[error("unit {unit} has no numeric point \"{point}\"; `wellhead-plant map` lists its points")]
    NoSuchPoint {
        /// Unit.
        unit: u8,
        /// Point.
        point: String,
    },
    /// The fault cannot befall the unit.
    #[error("this cannot befall unit {unit}; it concerns {kinds}: `wellhead-plant map` names them")]
    NotAt {
        /// Unit.
        unit: u8,
        /// Kinds of devices it concerns.
        kinds: String,
    },
    /// The point has no "no sensor" value.
    #[error("point \"{0}\" has no \"no sensor\" value in the map")]
    NoSentinel(String),
    /// A connection fault needs a line made of connections.
    #[error(
        "{0} concerns connections: give --line tcp, rtu-tcp or mbus-tcp, or neither unit nor line"
    )]
    NeedsConnections(&'static str),
    /// No probe hangs there.
    #[error("there is no probe at {0} m: they hang at 1 and 2 m, and every 5 m down to 150 m")]
    NoProbe(u16),
    /// The line speaks another protocol.
    #[error("this is a fault of Modbus: give --line tcp, rtu or rtu-tcp, or no line")]
    OnlyModbus,
    /// The line has no transaction ids.
    #[error("RTU frames carry no transaction id")]
    NoTransactions,
    /// A BACnet controller cannot have the fault.
    #[error(
        "unit {0} is a BACnet controller: it can be silent, delay, short, garbage, duplicate, and \
         its points stuck, drift, scale, unreliable, out-of-service, on no line in particular"
    )]
    NotAtController(u8),
    /// Only a BACnet controller can have the fault.
    #[error("this befalls only objects of the building's BACnet controllers, e.g. --unit 101")]
    OnlyAtController,
}

impl Fault {
    /// Checks that the fault makes sense for its scope.
    ///
    /// # Errors
    /// Says what is wrong and what to give instead.
    pub fn check(&self, preset: Preset, scope: Scope) -> Result<(), FaultError> {
        if let Some(unit) = scope.unit
            && building::controllers(preset).iter().any(|controller| controller.unit == unit)
        {
            return self.check_controller(preset, scope, unit);
        }
        if matches!(self, Self::Unreliable { .. } | Self::OutOfService { .. }) {
            return Err(FaultError::OnlyAtController);
        }
        if let Some(unit) = scope.unit
            && !preset.devices().iter().any(|device| device.unit == unit)
        {
            let units: Vec<String> = preset.devices().iter().map(|d| d.unit.to_string()).collect();
            return Err(FaultError::NoSuchUnit(unit, units.join(", ")));
        }
        match self {
            Self::Cut | Self::Refuse => {
                let name = if *self == Self::Cut { "cut" } else { "refuse" };
                if scope.unit.is_some() || scope.line.is_some_and(|line| !line.has_connections()) {
                    return Err(FaultError::NeedsConnections(name));
                }
            }
            Self::ForeignTransaction if matches!(scope.line, Some(Line::Rtu | Line::RtuTcp)) => {
                return Err(FaultError::NoTransactions);
            }
            Self::Probe { depth, .. } if !DEPTHS_M.contains(depth) => {
                return Err(FaultError::NoProbe(*depth));
            }
            Self::Exception { .. } | Self::IllegalAddress { .. } | Self::ForeignTransaction
                if matches!(scope.line, Some(Line::Mbus | Line::MbusTcp | Line::Dlt645)) =>
            {
                return Err(FaultError::OnlyModbus);
            }
            _ => {}
        }
        if let Some(kinds @ [_, ..]) = self.befalls() {
            self.victim(preset.devices(), kinds, scope.unit)?;
        }
        let Some(point) = self.point() else { return Ok(()) };
        let unit = scope.unit.ok_or(FaultError::NeedsUnit)?;
        let register = crate::unit::find(preset, unit, point)
            .ok_or_else(|| FaultError::NoSuchPoint { unit, point: point.to_owned() })?;
        let float = register.kind == crate::devices::map::Kind::F32;
        if matches!(self, Self::Sentinel { .. }) && register.missing.is_none() && !float {
            return Err(FaultError::NoSentinel(point.to_owned()));
        }
        Ok(())
    }

    fn check_controller(&self, preset: Preset, scope: Scope, unit: u8) -> Result<(), FaultError> {
        let can = match self {
            Self::Silent
            | Self::Delay { .. }
            | Self::Short
            | Self::Garbage
            | Self::Duplicate
            | Self::Stuck { .. }
            | Self::Drift { .. }
            | Self::Scale { .. }
            | Self::Unreliable { .. }
            | Self::OutOfService { .. } => scope.line.is_none(),
            _ => false,
        };
        if !can {
            return Err(FaultError::NotAtController(unit));
        }
        match self.point() {
            Some(point) if building::find(preset, unit, point).is_none() => {
                Err(FaultError::NoSuchPoint { unit, point: point.to_owned() })
            }
            _ => Ok(()),
        }
    }
}
