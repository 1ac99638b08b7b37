//! Looks for meters on a line. Nothing is ever written to one besides the reset of its link and
//! its selection.

use super::link;
use super::master::{Master, Reading};
use super::record::Measure;
use super::telegram::{manufacturer, medium};
use super::{Address, RecordSelector, Secondary};
use crate::Timing;
use std::ops::RangeInclusive;
use std::time::Duration;
use wellhead_driver::{DeviceError, Line, Parity, Raw, SerialMode};
use wellhead_model::Unit;

/// More selections than this mean a line of noise, not of meters.
const SELECTIONS_MAX: u32 = 5000;
const TELEGRAMS_MAX: u8 = 16;
/// What most meters speak, also behind a converter that does not say.
const USUAL: SerialMode =
    SerialMode { baud: 2400, data_bits: 8, parity: Parity::Even, stop_bits: 1 };

/// How to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Search {
    /// By primary address, one after the other.
    Primary(RangeInclusive<u8>),
    /// By secondary address, among those that this one covers ([`Secondary::ANY`] for all): its
    /// wildcard digits of identification one by one, going on where meters collide.
    Secondary(Secondary),
}

/// A meter, or what stood in the way of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// How it was reached, which is how to write it in a site file.
    pub address: Address,
    /// What it says it is; `None` if it said nothing that could be read.
    pub identity: Option<Secondary>,
    /// The maker's three letters.
    pub manufacturer: String,
    /// What it measures.
    pub medium: &'static str,
    /// What it sends.
    pub records: Vec<FoundRecord>,
    /// Why it could not be read, or not only it.
    pub problem: Option<DeviceError>,
}

/// A record that a meter sends.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRecord {
    /// How a point would name it.
    pub record: RecordSelector,
    /// Its value now; `None` if it has none.
    pub value: Option<Raw>,
    /// The value's unit.
    pub unit: Option<Unit>,
}

/// Looks for meters. A primary search takes one response time for each address that nobody has; a
/// secondary one ten for each digit that had to be looked at.
///
/// # Errors
/// If the line can't be reached. What a meter does wrong stands in its [`Found::problem`].
pub async fn scan(
    line: &mut Line,
    search: &Search,
    mode: Option<SerialMode>,
    response_timeout: Duration,
) -> Result<Vec<Found>, DeviceError> {
    // What is asked next is another meter, and a collision has to end first.
    let (pause, late_window) = (Duration::ZERO, Duration::ZERO);
    let timing = Timing { response_timeout, pause, late_window, mode };
    let mut scan = Scan { master: Master { timing }, selections: 0, found: Vec::new() };
    match search {
        Search::Primary(addresses) => {
            for primary in addresses.clone() {
                scan.primary(line, primary).await?;
            }
        }
        Search::Secondary(among) => scan.secondary(line, *among).await?,
    }
    Ok(scan.found)
}

struct Scan {
    master: Master,
    selections: u32,
    found: Vec<Found>,
}

impl Scan {
    async fn primary(&mut self, line: &mut Line, primary: u8) -> Result<(), DeviceError> {
        let reset = line_up(self.master.reset(line, primary).await)?;
        // What is garbled are several meters that acknowledge at once; the data will tell.
        if let Err(DeviceError::NoReply(_)) = reset {
            return Ok(());
        }
        let own = Some(primary);
        let reading = self.master.collect(line, primary, own, None, TELEGRAMS_MAX).await;
        let reading = line_up(reading)?;
        self.settle(line, &reading).await;
        self.found.push(found(Address::Primary(primary), reading));
        Ok(())
    }

    /// Goes through the identifications digit by digit, from the first on, and deeper wherever
    /// more than one meter answers.
    async fn secondary(&mut self, line: &mut Line, among: Secondary) -> Result<(), DeviceError> {
        // Strong meters may drown weak ones, so all are never asked at once if it can be helped.
        let mut open = narrower(among);
        if open.is_empty() {
            open.push(among);
        }
        while let Some(mask) = open.pop() {
            self.selections += 1;
            if self.selections > SELECTIONS_MAX {
                return Err(DeviceError::BadReply("noise; no end of meters is found"));
            }
            if let Err(DeviceError::NoReply(_)) = line_up(self.master.select(line, &mask).await)? {
                continue;
            }
            let to = link::SELECTED;
            let reading = self.master.collect(line, to, None, Some(&mask), TELEGRAMS_MAX).await;
            let reading = line_up(reading)?;
            self.settle(line, &reading).await;
            let narrower = narrower(mask);
            match reading {
                Err(DeviceError::BadReply(_)) if !narrower.is_empty() => open.extend(narrower),
                Ok(reading) => {
                    let own = reading.header.address.unwrap_or(mask);
                    self.found.push(found(Address::Secondary(own), Ok(reading)));
                }
                Err(error) => self.found.push(found(Address::Secondary(mask), Err(error))),
            }
        }
        Ok(())
    }

    /// After a collision, waits until the longest telegram must have ended.
    async fn settle(&self, line: &Line, reading: &Result<Reading, DeviceError>) {
        if let Err(DeviceError::BadReply(_)) = reading {
            let own = self.master.timing.mode;
            let mode = line.mode(own).or(own).unwrap_or(USUAL);
            let longest = mode.character() * u32::try_from(link::FRAME_LEN_MAX).unwrap_or(0);
            tokio::time::sleep(longest).await;
        }
    }
}

/// The ten addresses with one wildcard digit less, the lowest last; none without a wildcard.
fn narrower(mask: Secondary) -> Vec<Secondary> {
    let shifts = (0..8).rev().map(|digit| 4 * digit);
    let Some(shift) = shifts.into_iter().find(|shift| mask.identification >> shift & 0xF == 0xF)
    else {
        return Vec::new();
    };
    let with = |digit: u32| mask.identification & !(0xF << shift) | digit << shift;
    (0..10).rev().map(|digit| Secondary { identification: with(digit), ..mask }).collect()
}

/// Only an unreachable line ends a search.
fn line_up<T>(result: Result<T, DeviceError>) -> Result<Result<T, DeviceError>, DeviceError> {
    match result {
        Err(error @ DeviceError::Unreachable { .. }) => Err(error),
        result => Ok(result),
    }
}

fn found(address: Address, reading: Result<Reading, DeviceError>) -> Found {
    let (identity, records, problem) = match reading {
        Ok(reading) => (reading.header.address, records(&reading), None),
        Err(error) => (None, Vec::new(), Some(error)),
    };
    Found {
        address,
        identity,
        manufacturer: identity.map_or_else(String::new, |i| manufacturer(i.manufacturer)),
        medium: identity.map_or("unknown", |i| medium(i.medium)),
        records,
        problem,
    }
}

fn records(reading: &Reading) -> Vec<FoundRecord> {
    let all = &reading.records;
    let records = all.iter().enumerate().map(|(at, record)| {
        let first = record.name.filter(|name| all[..at].iter().all(|r| r.name != Some(*name)));
        FoundRecord {
            record: match first {
                Some(name) if name.function != super::Function::Error => {
                    RecordSelector::Named(name)
                }
                _ => RecordSelector::Position(u16::try_from(at).unwrap_or(u16::MAX)),
            },
            value: record.value.clone().ok(),
            unit: match record.measure {
                Measure::Unit(unit) => Some(unit),
                _ => None,
            },
        }
    });
    records.collect()
}
