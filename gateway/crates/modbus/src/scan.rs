//! What is on a line or behind a host, found out by reading only.
//!
//! Gently: one question at a time, a pause before each, a short wait for the answer. Still, some
//! registers act when they are read (they clear a counter or acknowledge an alarm), so a probe of
//! registers is for the engineer at the device and never part of normal running.

use crate::codec::{Answer, Exception, Request, identification};
use crate::port::Port;
use crate::{DeviceSpec, Framing, Grouping, Table, Timing};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;
use wellhead_driver::{DeviceError, Line, Recovery, SerialMode};

/// Replies that one identification may take; the standard's objects fit two.
const IDENTIFICATION_REPLIES_MAX: usize = 8;
/// Units that hardly any site has: if a host answers for all of them, it answers for every unit.
const UNLIKELY_UNITS: [u8; 2] = [246, 247];
/// Questions in a row without an answer, after which a device is let alone.
const SILENT_MAX: u32 = 3;

/// How to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Framing on the line.
    pub framing: Framing,
    /// Longest wait for each answer.
    pub response_timeout: Duration,
    /// Silence before each question.
    pub pause: Duration,
    /// Speed and parity on a serial line, if not the line's own.
    pub mode: Option<SerialMode>,
}

impl Manners {
    /// What most devices stand: half a second for an answer, a twentieth between questions.
    pub fn gentle(framing: Framing) -> Self {
        let (response_timeout, pause) = (Duration::from_millis(500), Duration::from_millis(50));
        Self { framing, response_timeout, pause, mode: None }
    }

    fn port(&self, unit: u8) -> Port {
        let timing = Timing {
            response_timeout: self.response_timeout,
            pause: self.pause,
            late_window: self.response_timeout,
            ..Timing::default()
        };
        Port::new(&DeviceSpec {
            name: String::new(),
            unit,
            framing: self.framing,
            mode: self.mode,
            timing,
            grouping: Grouping::default(),
            points: Vec::new(),
        })
    }
}

/// A unit that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its address.
    pub unit: u8,
    /// It is a host that answers the same for every unit, so the address does not matter.
    pub every_unit: bool,
    /// What it says it is (function 43/14); empty if it does not.
    pub identity: BTreeMap<u8, String>,
}

/// Looks for units. Each is asked for one holding register: whoever answers, even that it has
/// none, is there. Over TCP a gateway's exceptions 10 and 11 say that nobody is.
///
/// # Errors
/// If the line or host itself can't be reached.
pub async fn units(
    line: &mut Line,
    manners: &Manners,
    units: RangeInclusive<u8>,
    mut each: impl FnMut(&Found),
) -> Result<Vec<Found>, DeviceError> {
    if manners.framing == Framing::Tcp && answers_for_every_unit(line, manners).await? {
        let identity = identity(line, manners, 255).await?;
        let found = Found { unit: 255, every_unit: true, identity };
        each(&found);
        return Ok(vec![found]);
    }
    let mut all = Vec::new();
    for unit in units {
        if !answers(line, manners, unit).await? {
            continue;
        }
        let identity = identity(line, manners, unit).await?;
        let found = Found { unit, every_unit: false, identity };
        each(&found);
        all.push(found);
    }
    Ok(all)
}

async fn answers_for_every_unit(line: &mut Line, manners: &Manners) -> Result<bool, DeviceError> {
    for unit in UNLIKELY_UNITS {
        if !answers(line, manners, unit).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn answers(line: &mut Line, manners: &Manners, unit: u8) -> Result<bool, DeviceError> {
    let question = Request::Read { table: Table::Holding, address: 0, count: 1 };
    match manners.port(unit).ask(line, &question).await {
        Ok(Answer::Exception(Exception(10 | 11))) => Ok(false),
        Ok(_) => Ok(true),
        Err(error) if error.recovery() == Recovery::LineDown => Err(error),
        Err(_) => Ok(false),
    }
}

/// What a unit says it is, by object number (see [`identification`]); empty if it does not say.
/// Bytes that are no UTF-8 are replaced.
///
/// # Errors
/// If the line or host itself can't be reached.
pub async fn identity(
    line: &mut Line,
    manners: &Manners,
    unit: u8,
) -> Result<BTreeMap<u8, String>, DeviceError> {
    let mut objects = BTreeMap::new();
    let mut port = manners.port(unit);
    for level in [2, 1] {
        let mut object = 0;
        for _ in 0..IDENTIFICATION_REPLIES_MAX {
            let reply = port.ask(line, &Request::Identify { level, object }).await;
            let reply = match reply {
                Ok(Answer::Data(data)) => identification::read(data),
                Ok(Answer::Exception(Exception(1))) => return Ok(objects),
                Ok(Answer::Exception(_)) => break,
                Err(error) if error.recovery() == Recovery::LineDown => return Err(error),
                Err(_) => return Ok(objects),
            };
            let Ok(reply) = reply else { break };
            for (id, text) in reply.objects() {
                let text = String::from_utf8_lossy(text);
                objects.insert(id, text.trim_matches(['\0', ' ']).to_owned());
            }
            match reply.next {
                Some(next) if next > object => object = next,
                _ => return Ok(objects),
            }
        }
    }
    Ok(objects)
}

/// Which registers to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// Holding or input registers.
    pub table: Table,
    /// First address.
    pub first: u16,
    /// Last address.
    pub last: u16,
    /// Registers in one read, 1 to 125; where a read is refused it is halved.
    pub at_once: u16,
    /// Most questions of the whole probe.
    pub questions_max: u32,
}

/// Registers in a row that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// First address.
    pub address: u16,
    /// What they held.
    pub words: Vec<u16>,
}

/// What a probe came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registers {
    /// What answered, by address.
    pub blocks: Vec<Block>,
    /// Ranges about which nothing is known: questions ran out, or there was no answer.
    pub unknown: Vec<RangeInclusive<u16>>,
}

/// Looks which registers answer, and what they hold.
///
/// # Errors
/// If the line or host itself can't be reached.
pub async fn registers(
    line: &mut Line,
    manners: &Manners,
    unit: u8,
    probe: &Probe,
) -> Result<Registers, DeviceError> {
    let mut port = manners.port(unit);
    let mut found = Registers::default();
    let mut open = pieces(probe);
    let (mut questions, mut silent) = (0, 0);
    // The lowest address is asked first, so blocks grow at their end.
    while let Some((address, count)) = open.pop() {
        if questions == probe.questions_max || silent == SILENT_MAX {
            put_unknown(&mut found.unknown, address, count);
            continue;
        }
        questions += 1;
        let question = Request::Read { table: probe.table, address, count };
        match port.ask(line, &question).await {
            Ok(Answer::Data(data)) => {
                silent = 0;
                put_block(&mut found.blocks, address, data);
            }
            Ok(Answer::Exception(e)) if e.is_illegal_address() && count > 1 => {
                silent = 0;
                let half = count / 2;
                open.push((address + half, count - half));
                open.push((address, half));
            }
            Ok(Answer::Exception(e)) => {
                silent = 0;
                if !e.is_illegal_address() {
                    put_unknown(&mut found.unknown, address, count);
                }
            }
            Err(error) if error.recovery() == Recovery::LineDown => return Err(error),
            Err(_) => {
                silent += 1;
                put_unknown(&mut found.unknown, address, count);
            }
        }
    }
    Ok(found)
}

/// The reads to begin with, the last first.
fn pieces(probe: &Probe) -> Vec<(u16, u16)> {
    let at_once = probe.at_once.clamp(1, 125);
    let mut pieces = Vec::new();
    let mut next = Some(probe.first);
    while let Some(address) = next.filter(|a| *a <= probe.last) {
        // Of the 65536 addresses there may be as many left as no u16 holds.
        let left = probe.last - address;
        let count = if left >= at_once { at_once } else { left + 1 };
        pieces.push((address, count));
        next = address.checked_add(count);
    }
    pieces.reverse();
    pieces
}

fn put_block(blocks: &mut Vec<Block>, address: u16, data: &[u8]) {
    let words = data.chunks_exact(2).map(|w| u16::from_be_bytes([w[0], w[1]]));
    match blocks.last_mut() {
        Some(last) if usize::from(last.address) + last.words.len() == usize::from(address) => {
            last.words.extend(words);
        }
        _ => blocks.push(Block { address, words: words.collect() }),
    }
}

fn put_unknown(unknown: &mut Vec<RangeInclusive<u16>>, address: u16, count: u16) {
    let end = address + (count - 1);
    match unknown.last_mut() {
        Some(last) if last.end().checked_add(1) == Some(address) => *last = *last.start()..=end,
        _ => unknown.push(address..=end),
    }
}
