//! What the registers show, and what requests come to.

use super::request::{Asked, FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, parse};
use super::space::{Space, quality_table};
use super::{EntrySpec, Identity, OnBad, ServerSpec};
use crate::codec::{Exception, identification};
use crate::plan::check_point;
use crate::value::{self, decode, encode};
use crate::{Encoding, Misfit, PlanError, PointSpec, Table, WriteFunction};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wellhead_driver::Outcome;
use wellhead_model::{PointIndex, Quality, Value};

const TABLES: [Table; 4] = [Table::Discrete, Table::Coil, Table::Input, Table::Holding];
/// Characters of each object of the identification; then all of them fit one reply.
const OBJECT_LEN_MAX: usize = 32;

/// The number in a quality register: 0 good, 1 uncertain, 2 stale, 3 bad, 4 manual.
pub fn quality_code(quality: Quality) -> u16 {
    match quality {
        Quality::Good => 0,
        Quality::Uncertain(_) => 1,
        Quality::Stale(_) => 2,
        Quality::Bad(_) => 3,
        Quality::Manual => 4,
    }
}

/// The register map and what it shows. All points are bad until they are [`set`](Self::set).
#[derive(Debug)]
pub struct Image {
    spec: ServerSpec,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    spaces: [Space; 4],
    /// By entry: it has no value.
    bad: Vec<bool>,
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The reply stands in the buffer.
    Ready,
    /// These entries are to be written first, in this order; then [`Image::finish`] makes the
    /// reply.
    Wishes(Vec<(usize, Value)>),
}

impl Image {
    /// Checks a specification.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn new(spec: ServerSpec) -> Result<Self, Vec<PlanError>> {
        let mut errors = Vec::new();
        for entry in &spec.entries {
            check(entry, &mut errors);
        }
        let spaces = TABLES.map(|table| Space::new(table, &spec.entries, &mut errors));
        if !errors.is_empty() {
            return Err(errors);
        }
        let bad = vec![true; spec.entries.len()];
        let image = Self { state: Mutex::new(State { spaces, bad }), spec };
        let unknown = Quality::Bad(wellhead_model::Reason::NotPolled);
        for i in 0..image.spec.entries.len() {
            // Nothing is encoded, so nothing can misfit.
            let _ = image.set(i, None, unknown);
        }
        Ok(image)
    }

    /// What it was made of.
    pub fn spec(&self) -> &ServerSpec {
        &self.spec
    }

    /// Shows a point's value, or that it has none; all its registers change at once.
    ///
    /// # Errors
    /// If the value can't be held by its registers; then it is shown as bad.
    pub fn set(&self, entry: usize, value: Option<&Value>, quality: Quality) -> Result<(), Misfit> {
        let Some(e) = self.spec.entries.get(entry) else { return Ok(()) };
        let words = value.filter(|_| quality.has_value()).map(|v| match e.conversion.raw(v) {
            Ok(raw) => encode(e.encoding, e.order, &raw),
            Err(_) => Err(Misfit::Kind(if e.conversion.states.is_empty() {
                "a number"
            } else {
                "one of its states"
            })),
        });
        let (words, quality, result) = match words {
            Some(Ok(words)) => (words, quality_code(quality), Ok(())),
            Some(Err(misfit)) => (sentinel(e), 3, Err(misfit)),
            None => (sentinel(e), quality_code(quality).max(1), Ok(())),
        };
        let mut state = self.state();
        state.bad[entry] = !(result.is_ok() && value.is_some());
        let keep = e.encoding.mask().map_or(0, |b| !b);
        state.put(e.table, e.address, &words, keep);
        if let Some(address) = e.quality {
            state.put(quality_table(e.table), address, &[quality], 0);
        }
        result
    }

    /// Answers the protocol data unit of a request into `out`, or says what is to be written. Takes
    /// any bytes.
    pub fn answer(&self, pdu: &[u8], out: &mut Vec<u8>) -> Reply {
        let result = parse(pdu).and_then(|asked| match asked {
            Asked::Write { table, address, words } => self.wishes(table, address, &words),
            Asked::Mask { address, and, or } => self.masked(address, and, or),
            Asked::ReadWrite { address, ref words, read } => {
                // First, so that nothing is written whose reply would be an exception.
                self.read(Table::Holding, read.0, read.1, out)?;
                self.wishes(Table::Holding, address, words)
            }
            Asked::Read { .. } | Asked::Identify { .. } => {
                self.finish(pdu, out);
                Ok(Reply::Ready)
            }
        });
        match result {
            // Bits that were written as they are.
            Ok(Reply::Wishes(wishes)) if wishes.is_empty() => self.finish(pdu, out),
            Ok(reply) => return reply,
            Err(exception) => refuse(pdu, exception, out),
        }
        Reply::Ready
    }

    /// The reply to a request whose writes, if any, were carried out.
    pub fn finish(&self, pdu: &[u8], out: &mut Vec<u8>) {
        out.clear();
        let done = match parse(pdu) {
            Ok(Asked::Read { table, address, count }) => self.read(table, address, count, out),
            Ok(Asked::ReadWrite { read, .. }) => self.read(Table::Holding, read.0, read.1, out),
            Ok(Asked::Identify { level, object }) => {
                identify(&self.spec.identity, level, object, out)
            }
            Ok(Asked::Mask { .. }) => {
                out.extend_from_slice(pdu);
                Ok(())
            }
            Ok(Asked::Write { .. }) => {
                out.extend_from_slice(pdu.get(..5).unwrap_or(pdu));
                Ok(())
            }
            Err(exception) => Err(exception),
        };
        match (done, pdu.first()) {
            (Err(exception), _) => refuse(pdu, exception, out),
            (Ok(()), Some(&23)) => out.insert(0, 23),
            (Ok(()), Some(&function @ (1..=4 | 43))) => out.insert(0, function),
            (Ok(()), _) => {}
        }
    }

    fn read(
        &self,
        table: Table,
        address: u16,
        count: u16,
        out: &mut Vec<u8>,
    ) -> Result<(), Exception> {
        let state = self.state();
        let space = state.space(table);
        let cells = space.range(address, count)?;
        let mut entries = cells.iter().flat_map(|c| &c.entries);
        if self.spec.on_bad == OnBad::Exception && entries.any(|&i| state.bad[i]) {
            return Err(FAILURE);
        }
        let words = space.words_of(cells);
        if matches!(table, Table::Input | Table::Holding) {
            out.push((2 * words.len()) as u8);
            out.extend(words.iter().flat_map(|w| w.to_be_bytes()));
        } else {
            out.push(words.len().div_ceil(8) as u8);
            let byte = |bits: &[u16]| {
                bits.iter().rev().fold(0u8, |byte, &bit| byte << 1 | u8::from(bit != 0))
            };
            out.extend(words.chunks(8).map(byte));
        }
        Ok(())
    }

    /// What a write asks of which entries.
    fn wishes(&self, table: Table, address: u16, words: &[u16]) -> Result<Reply, Exception> {
        let state = self.state();
        let space = state.space(table);
        let count = u16::try_from(words.len()).map_err(|_| ILLEGAL_VALUE)?;
        let mut wishes = Vec::new();
        let mut rest = words;
        for cell in space.range(address, count)? {
            let (new, behind) = rest.split_at(usize::from(cell.width).min(rest.len()));
            rest = behind;
            let old = space.words_of(std::slice::from_ref(cell));
            if cell.entries.is_empty() {
                return Err(ILLEGAL_ADDRESS);
            }
            for &i in &cell.entries {
                let e = &self.spec.entries[i];
                // Of a register of bits only those that change are meant.
                if let (Some(mine), [new], [old]) = (e.encoding.mask(), new, old)
                    && (new ^ old) & mine == 0
                {
                    continue;
                }
                if !e.writable {
                    return Err(ILLEGAL_ADDRESS);
                }
                wishes.push((i, wish(e, new)?));
            }
        }
        Ok(Reply::Wishes(wishes))
    }

    fn masked(&self, address: u16, and: u16, or: u16) -> Result<Reply, Exception> {
        let old = {
            let state = self.state();
            let space = state.space(Table::Holding);
            match space.words_of(space.range(address, 1)?) {
                &[old] => old,
                _ => return Err(ILLEGAL_ADDRESS),
            }
        };
        self.wishes(Table::Holding, address, &[(old & and) | (or & !and)])
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn space(&self, table: Table) -> &Space {
        &self.spaces[place(table)]
    }

    /// Puts words into the cell at an address, but leaves the bits in `keep`.
    fn put(&mut self, table: Table, address: u16, words: &[u16], keep: u16) {
        let space = &mut self.spaces[place(table)];
        let Some(at) = space.cell(address).map(|c| c.at) else { return };
        for (shown, word) in space.words.iter_mut().skip(at).zip(words) {
            *shown = *shown & keep | *word & !keep;
        }
    }
}

fn place(table: Table) -> usize {
    match table {
        Table::Discrete => 0,
        Table::Coil => 1,
        Table::Input => 2,
        Table::Holding => 3,
    }
}

/// The value that a master wrote into an entry's registers.
fn wish(e: &EntrySpec, words: &[u16]) -> Result<Value, Exception> {
    let raw = if matches!(e.table, Table::Coil) {
        Some(wellhead_driver::Raw::Bool(words.first() == Some(&1)))
    } else {
        let mut bytes = [0u8; 250];
        for (to, word) in bytes.chunks_exact_mut(2).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        decode(e.encoding, e.order, bytes.get(..2 * words.len()).unwrap_or(&[]))
    };
    match raw.map(|raw| e.conversion.outcome(raw)) {
        Some(Outcome::Good(value)) => Ok(value),
        _ => Err(ILLEGAL_VALUE),
    }
}

/// What stands for "no value". SunSpec information model specification, "unimplemented" values.
fn sentinel(e: &EntrySpec) -> Vec<u16> {
    let width = e.encoding.width();
    let bits = match e.encoding {
        Encoding::Bit(_) | Encoding::Bits(..) => 0,
        Encoding::Text(n) => return vec![0; usize::from(n)],
        Encoding::I16 | Encoding::I32 | Encoding::I64 => 1 << (16 * u32::from(width) - 1),
        Encoding::U16 | Encoding::U32 | Encoding::U64 | Encoding::Bcd(_) => u64::MAX,
        Encoding::F32 => u64::from(f32::NAN.to_bits()),
        Encoding::F64 => f64::NAN.to_bits(),
    };
    value::registers(bits, width, e.order)
}

fn check(e: &EntrySpec, errors: &mut Vec<PlanError>) {
    let point = PointSpec {
        index: PointIndex(0),
        name: e.name.clone(),
        table: e.table,
        address: e.address,
        encoding: e.encoding,
        order: e.order,
        conversion: e.conversion.clone(),
        period: Duration::from_secs(1),
        write: WriteFunction::Auto,
    };
    check_point(&point, 125, errors);
    let mut wrong = |key, message: &str, hint: &str| {
        let point = Some(e.name.clone());
        errors.push(PlanError { point, key, message: message.into(), hint: hint.into() });
    };
    if e.writable && matches!(e.table, Table::Discrete | Table::Input) {
        let hint = "put it into coils or holding registers";
        wrong("writable", "masters can't write in a read-only table", hint);
    }
    if e.writable && e.encoding.width() > 123 {
        wrong("length", "one write takes 123 registers", "shorten the text");
    }
}

/// An exception reply.
pub(super) fn refuse(pdu: &[u8], exception: Exception, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&[pdu.first().unwrap_or(&0) | 0x80, exception.0]);
}

/// V1.1b3, section 6.21: all objects of a level, or one; everything fits one reply.
fn identify(
    identity: &Identity,
    level: u8,
    object: u8,
    out: &mut Vec<u8>,
) -> Result<(), Exception> {
    let objects = [
        (0, &identity.vendor),
        (1, &identity.product),
        (2, &identity.revision),
        (5, &identity.name),
    ];
    let chosen = |&(id, _): &(u8, &String)| match level {
        1 => id <= 2,
        4 => id == object,
        // Extended: there are none, so it is what regular is.
        _ => true,
    };
    let chosen: Vec<_> = objects.into_iter().filter(chosen).collect();
    if chosen.is_empty() {
        return Err(ILLEGAL_ADDRESS);
    }
    // Conformity: regular objects, as a stream or one by one.
    out.extend_from_slice(&[identification::MEI, level, 0x82, 0, 0, chosen.len() as u8]);
    for (id, text) in chosen {
        let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c as u8 } else { b'?' };
        let text: Vec<u8> = text.chars().take(OBJECT_LEN_MAX).map(ascii).collect();
        out.extend_from_slice(&[id, text.len() as u8]);
        out.extend_from_slice(&text);
    }
    Ok(())
}
