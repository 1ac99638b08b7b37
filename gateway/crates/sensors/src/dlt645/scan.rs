//! Which meters are on a line. Nothing is written to any of them.

use super::codec::{Answer, Ask, Request, plain};
use super::driver::exchange;
use super::{Address, Edition, Item, value};
use crate::Timing;
use wellhead_driver::{DeviceError, Line, Raw, Step};

/// How to look.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Which editions to speak, one after the other.
    pub editions: Vec<Edition>,
    /// Leading 0xFE bytes of a request.
    pub preamble: u8,
    /// Manners. Every question waits the whole response time, since several meters may answer it.
    pub timing: Timing,
    /// Most questions of the whole search.
    pub questions_max: u32,
}

/// A meter that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its address.
    pub address: Address,
    /// The edition it answered in.
    pub edition: Edition,
    /// Its active energy, kWh, if it told it.
    pub energy_kwh: Option<f64>,
}

/// What a search tells while it goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress<'a> {
    /// A meter answered.
    Meter(&'a Found),
    /// Several answer to this address at once; the next two of its digits are gone through, which
    /// is a hundred questions.
    Several(Address),
}

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Every meter that could be told apart.
    pub found: Vec<Found>,
    /// Addresses (with wildcards) at which something answered that could not be understood: noise,
    /// two meters of one address, or a search that reached its most questions.
    pub unclear: Vec<Address>,
}

/// Looks for the meters of a line: asks all of them at once, and where answers collide, for the
/// last two digits, then the last four, and so on (abbreviated addressing, DL/T 645-2007, 5.2.3).
///
/// # Errors
/// When the line itself can't be reached.
pub async fn scan(
    line: &mut Line,
    settings: &Scan,
    mut each: impl FnMut(Progress<'_>),
) -> Result<Report, DeviceError> {
    let mut search = Search { line, settings, report: Report::default(), questions: 0 };
    for edition in &settings.editions {
        search.edition(*edition, &mut each).await?;
    }
    Ok(search.report)
}

struct Search<'a> {
    line: &'a mut Line,
    settings: &'a Scan,
    report: Report,
    questions: u32,
}

impl Search<'_> {
    async fn edition(
        &mut self,
        edition: Edition,
        each: &mut impl FnMut(Progress<'_>),
    ) -> Result<(), DeviceError> {
        let mut collided = false;
        if edition == Edition::Y2007 {
            // Some meters tell their address only when asked for just that.
            collided = self.ask(edition, Address::ANY, Ask::Address, each).await?;
        }
        // The addresses still to be asked; the longest first, so that the list stays short.
        let mut open = vec![(Address::ANY, 0)];
        while let Some((address, digits)) = open.pop() {
            let force = digits == 0 && collided;
            if !self.ask(edition, address, energy(edition), each).await? && !force {
                continue;
            }
            if digits == address.0.len() || self.questions >= self.settings.questions_max {
                self.report.unclear.push(address);
                continue;
            }
            each(Progress::Several(address));
            let place = address.0.len() - 1 - digits;
            open.extend((0..100u8).rev().map(|n| {
                let mut deeper = address;
                deeper.0[place] = ((n / 10) << 4) | (n % 10);
                (deeper, digits + 1)
            }));
        }
        Ok(())
    }

    /// Asks, listens the whole time, keeps who answered. Returns whether there was more than could
    /// be understood.
    async fn ask(
        &mut self,
        edition: Edition,
        address: Address,
        ask: Ask,
        each: &mut impl FnMut(Progress<'_>),
    ) -> Result<bool, DeviceError> {
        if self.questions >= self.settings.questions_max {
            return Ok(true);
        }
        self.questions += 1;
        let request = Request { edition, address, ask };
        let mut bytes = Vec::new();
        request.put(self.settings.preamble, &mut bytes);
        let mut x = exchange(&self.settings.timing, address, self.line, bytes.len(), 8);
        // The whole time is waited anyway.
        x.late_window = std::time::Duration::ZERO;
        let (mut noise, mut unfinished) = (false, false);
        let mut heard: Vec<Found> = Vec::new();
        let framing = |bytes: &[u8]| {
            let step = request.step(bytes);
            unfinished = step == Step::Need;
            match step {
                Step::Reply(len) => {
                    if let Some(Answer::Data { from, data, .. }) = request.answer(&bytes[..len])
                        && !from.has_wildcard()
                    {
                        heard.push(Found { address: from, edition, energy_kwh: kwh(ask, data) });
                    }
                    // More may come.
                    Step::Skip(len)
                }
                // A byte that belongs to no frame; but 0xFE stands before any frame, and what is
                // passed over as a whole is our own request echoed.
                Step::Skip(1) => {
                    noise |= bytes.first() != Some(&0xFE);
                    Step::Skip(1)
                }
                other => other,
            }
        };
        match self.line.exchange(&x, &bytes, framing).await {
            Ok(_) | Err(DeviceError::NoReply(_) | DeviceError::BadReply(_)) => {}
            Err(error) => return Err(error),
        }
        let unclear = noise || unfinished;
        for meter in heard {
            match self.report.found.iter_mut().find(|f| f.address == meter.address) {
                Some(known) => known.energy_kwh = known.energy_kwh.or(meter.energy_kwh),
                None => {
                    each(Progress::Meter(&meter));
                    self.report.found.push(meter);
                }
            }
        }
        Ok(unclear)
    }
}

fn energy(edition: Edition) -> Ask {
    Ask::Read(match edition {
        Edition::Y2007 => 0x0001_0000,
        Edition::Y1997 => 0x9010,
    })
}

fn kwh(ask: Ask, data: &[u8]) -> Option<f64> {
    let Ask::Read(_) = ask else { return None };
    let register = "energy".parse::<Item>().ok()?.register(Edition::Y2007)?;
    let bytes: Vec<u8> = plain(data).collect();
    match value::decode(&register, &bytes) {
        Ok(Raw::Float(kwh)) => Some(kwh),
        _ => None,
    }
}
