//! What electricity costs when: a table of the calendar.

use crate::words::{Kind, Medium};
use wellhead_sdk::help::DateWindow;
use wellhead_sdk::prelude::*;

/// The plan goes by quarters of an hour; so must the tariff.
pub const QUARTER_MINUTES: u16 = 15;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    dates: DateWindow,
    from: u16,
    to: u16,
    kind: Kind,
}

/// Price periods by local date and time; the first row that fits counts, and none means flat.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// Checks and takes the rows of the parameter.
    pub fn new(rows: Vec<(MonthDay, MonthDay, TimeOfDay, TimeOfDay, Kind)>) -> Result<Self, Error> {
        let row = |(from, to, start, end, kind): (_, _, TimeOfDay, TimeOfDay, _)| {
            let (start, end) = (start.minutes(), end.minutes());
            if start % QUARTER_MINUTES != 0 || end % QUARTER_MINUTES != 0 {
                return Err(Error::from("tariff: times must be full quarters of an hour"));
            }
            Ok(Row { dates: DateWindow { from, to }, from: start, to: end, kind })
        };
        rows.into_iter().map(row).collect::<Result<_, _>>().map(Self)
    }

    /// The period at a local time. A row that runs over midnight counts on each of its dates both
    /// from its beginning to midnight and from midnight to its end: tariffs change with the date.
    pub fn at(&self, local: &Civil) -> Kind {
        let minute = local.time_of_day().minutes();
        let fits = |row: &&Row| {
            let inside = if row.from < row.to {
                (row.from..row.to).contains(&minute)
            } else {
                minute >= row.from || minute < row.to
            };
            inside && row.dates.contains(local)
        };
        self.0.iter().find(fits).map_or(Kind::Flat, |row| row.kind)
    }
}

/// What the store holds in a part of the year, and between which temperatures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Season {
    /// When.
    pub dates: DateWindow,
    /// Cold or heat.
    pub medium: Medium,
    /// Temperature of the full store, °C.
    pub full_c: f64,
    /// Design return: temperature at which it is empty, °C.
    pub empty_c: f64,
    /// Leaving temperature of the units while charging, °C.
    pub charge_setpoint_c: f64,
    /// Leaving temperature of the units otherwise, °C.
    pub setpoint_c: f64,
}

impl Season {
    /// Checks and takes the rows of the parameter.
    pub fn table(
        rows: Vec<(MonthDay, MonthDay, Medium, f64, f64, f64, f64)>,
    ) -> Result<Vec<Self>, Error> {
        let season = |(from, to, medium, full_c, empty_c, charge_setpoint_c, setpoint_c)| {
            let usable = match medium {
                Medium::Cold => empty_c - full_c,
                Medium::Heat => full_c - empty_c,
            };
            if usable < 0.5 {
                return Err(Error::from(
                    "seasons: a full store of cold must be colder than an empty one, and one of heat warmer",
                ));
            }
            let dates = DateWindow { from, to };
            Ok(Season { dates, medium, full_c, empty_c, charge_setpoint_c, setpoint_c })
        };
        rows.into_iter().map(season).collect()
    }

    /// +1 for heat, −1 for cold: what turns heat into what the store is for.
    pub fn sign(&self) -> f64 {
        match self.medium {
            Medium::Cold => -1.0,
            Medium::Heat => 1.0,
        }
    }
}
