//! What a device answers to a request, before anything goes wrong with the answer.

use crate::devices::map::{Exception, Kind, Register, Source, Table, WORDS_MAX};
use crate::plant::Plant;
use crate::unit::Unit;

/// An answer, and whether it covers the unit's poll counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Function code and data.
    pub pdu: Vec<u8>,
    /// The count shown, when both registers of the counter are in the answer.
    pub poll: Option<u32>,
}

/// The answer that refuses a request.
#[must_use]
pub fn exception(function: u8, code: u8) -> Vec<u8> {
    vec![function | 0x80, code]
}

/// The addresses a request names: table, first, count. `None` for functions without any.
#[must_use]
pub fn addresses(pdu: &[u8]) -> Option<(Table, u16, u16)> {
    let word = |at: usize| Some(u16::from_be_bytes([*pdu.get(at)?, *pdu.get(at + 1)?]));
    let (table, count) = match *pdu.first()? {
        1 => (Table::Coil, word(3)?),
        2 => (Table::DiscreteInput, word(3)?),
        3 => (Table::HoldingRegister, word(3)?),
        4 => (Table::InputRegister, word(3)?),
        5 => (Table::Coil, 1),
        6 | 22 => (Table::HoldingRegister, 1),
        15 => (Table::Coil, word(3)?),
        16 => (Table::HoldingRegister, word(3)?),
        _ => return None,
    };
    Some((table, word(1)?, count))
}

/// Is this a request that changes something (and may therefore be broadcast)?
#[must_use]
pub fn is_write(pdu: &[u8]) -> bool {
    matches!(pdu.first(), Some(5 | 6 | 15 | 16 | 22))
}

/// Answers a request for one unit.
///
/// # Errors
/// The exception the device gives.
pub fn answer(plant: &mut Plant, unit: &Unit, pdu: &[u8]) -> Result<Answer, Exception> {
    let Some(&function) = pdu.first() else { return Err(Exception::IllegalFunction) };
    let plain = |pdu: Vec<u8>| Ok(Answer { pdu, poll: None });
    match function {
        1 | 2 => {
            exact(pdu, 5)?;
            read_bits(plant, unit, pdu).map(|pdu| Answer { pdu, poll: None })
        }
        3 | 4 => {
            exact(pdu, 5)?;
            read_registers(plant, unit, pdu)
        }
        5 => {
            exact(pdu, 5)?;
            let on = match pdu[3..5] {
                [0xFF, 0] => 1,
                [0, 0] => 0,
                _ => return Err(Exception::IllegalDataValue),
            };
            write(plant, unit, Table::Coil, word(pdu, 1), &[on])?;
            plain(pdu.to_vec())
        }
        6 => {
            exact(pdu, 5)?;
            write(plant, unit, Table::HoldingRegister, word(pdu, 1), &[word(pdu, 3)])?;
            plain(pdu.to_vec())
        }
        15 => {
            let (first, values) = coils(pdu)?;
            write(plant, unit, Table::Coil, first, &values)?;
            plain(pdu[..5].to_vec())
        }
        16 => {
            let (first, values) = registers(pdu)?;
            write(plant, unit, Table::HoldingRegister, first, &values)?;
            plain(pdu[..5].to_vec())
        }
        22 => {
            exact(pdu, 7)?;
            let (first, and, or) = (word(pdu, 1), word(pdu, 3), word(pdu, 5));
            let old = image(plant, unit, Table::HoldingRegister, first, 1)?[0];
            let new = (old & and) | (or & !and);
            write(plant, unit, Table::HoldingRegister, first, &[new])?;
            plain(pdu.to_vec())
        }
        43 => identification(unit, pdu).and_then(plain),
        _ => Err(Exception::IllegalFunction),
    }
}

fn word(pdu: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([pdu[at], pdu[at + 1]])
}

fn exact(pdu: &[u8], length: usize) -> Result<(), Exception> {
    if pdu.len() == length { Ok(()) } else { Err(Exception::IllegalDataValue) }
}

fn read_bits(plant: &Plant, unit: &Unit, pdu: &[u8]) -> Result<Vec<u8>, Exception> {
    let table = if pdu[0] == 1 { Table::Coil } else { Table::DiscreteInput };
    let (first, count) = (word(pdu, 1), word(pdu, 3));
    if !(1..=2000).contains(&count) {
        return Err(Exception::IllegalDataValue);
    }
    let bits = image(plant, unit, table, first, count)?;
    let mut out = vec![pdu[0], count.div_ceil(8) as u8];
    out.extend(bits.chunks(8).map(|byte| {
        byte.iter().enumerate().fold(0u8, |packed, (i, bit)| packed | ((*bit & 1) as u8) << i)
    }));
    Ok(out)
}

fn read_registers(plant: &mut Plant, unit: &Unit, pdu: &[u8]) -> Result<Answer, Exception> {
    let table = if pdu[0] == 3 { Table::HoldingRegister } else { Table::InputRegister };
    let (first, count) = (word(pdu, 1), word(pdu, 3));
    if !(1..=125).contains(&count) {
        return Err(Exception::IllegalDataValue);
    }
    let words = image(plant, unit, table, first, count)?;
    let mut out = Vec::with_capacity(2 + words.len() * 2);
    out.extend([pdu[0], (count * 2) as u8]);
    out.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    let mut poll = None;
    for register in unit.device.model.map.iter().filter(|register| register.table == table) {
        if let (Some(act), true) = (register.on_read, register.overlaps(first, count)) {
            act(plant, unit.device.index);
        }
        if matches!(register.source, Source::PollCounter) && register.within(first, count) {
            poll = Some(unit.next_poll());
        }
    }
    Ok(Answer { pdu: out, poll })
}

/// The words (or bits) of a range; every address must be in the map.
fn image(
    plant: &Plant,
    unit: &Unit,
    table: Table,
    first: u16,
    count: u16,
) -> Result<Vec<u16>, Exception> {
    let mut words = vec![0u16; usize::from(count)];
    let mut known = vec![false; usize::from(count)];
    for register in unit.device.model.map {
        if register.table != table || !register.overlaps(first, count) {
            continue;
        }
        let laid_out = unit.words(plant, register);
        for (offset, word) in laid_out[..usize::from(register.words())].iter().enumerate() {
            let address = usize::from(register.address) + offset;
            let Some(at) = address.checked_sub(usize::from(first)) else { continue };
            if let (Some(slot), Some(seen)) = (words.get_mut(at), known.get_mut(at)) {
                // Bits share a word.
                *slot |= word;
                *seen = true;
            }
        }
    }
    if known.iter().all(|seen| *seen) { Ok(words) } else { Err(Exception::IllegalDataAddress) }
}

fn coils(pdu: &[u8]) -> Result<(u16, Vec<u16>), Exception> {
    let data = pdu.get(6..).ok_or(Exception::IllegalDataValue)?;
    let count = usize::from(word(pdu, 3));
    let bytes = count.div_ceil(8);
    if !(1..=1968).contains(&count) || usize::from(pdu[5]) != bytes || data.len() != bytes {
        return Err(Exception::IllegalDataValue);
    }
    let bit = |i: usize| u16::from(data[i / 8] >> (i % 8) & 1);
    Ok((word(pdu, 1), (0..count).map(bit).collect()))
}

fn registers(pdu: &[u8]) -> Result<(u16, Vec<u16>), Exception> {
    let data = pdu.get(6..).ok_or(Exception::IllegalDataValue)?;
    let count = usize::from(word(pdu, 3));
    if !(1..=123).contains(&count) || usize::from(pdu[5]) != count * 2 || data.len() != count * 2 {
        return Err(Exception::IllegalDataValue);
    }
    let values = data.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    Ok((word(pdu, 1), values.collect()))
}

/// Applies a write: all of it, or none when an address or a value is refused.
fn write(
    plant: &mut Plant,
    unit: &Unit,
    table: Table,
    first: u16,
    values: &[u16],
) -> Result<(), Exception> {
    let count = values.len() as u16;
    let mut covered = 0;
    let mut accepted: Vec<(&Register, f64)> = Vec::new();
    for register in unit.device.model.map {
        if register.table != table || !register.overlaps(first, count) {
            continue;
        }
        let writable = register.write.filter(|_| register.within(first, count));
        if writable.is_none() {
            return Err(Exception::IllegalDataAddress);
        }
        let at = usize::from(register.address - first);
        let value = match register.kind {
            Kind::Bool => Some(f64::from(values[at] & 1)),
            _ => register.value(&values[at..]),
        };
        let value = value.ok_or(Exception::IllegalDataValue)?;
        if !register.admits(value) {
            return Err(Exception::IllegalDataValue);
        }
        covered += register.words();
        accepted.push((register, value));
    }
    if covered != count {
        return Err(Exception::IllegalDataAddress);
    }
    // A device that refuses a value in its present state must not have taken its neighbours.
    let mut trial = (accepted.len() > 1).then(|| plant.clone());
    let target = trial.as_mut().unwrap_or(plant);
    for (register, value) in accepted {
        if let Some(rule) = register.write {
            (rule.set)(target, unit.device.index, value)?;
        }
    }
    if let Some(changed) = trial {
        *plant = changed;
    }
    Ok(())
}

/// Function 43/14: the six regular objects, streamed or one by one.
fn identification(unit: &Unit, pdu: &[u8]) -> Result<Vec<u8>, Exception> {
    let [43, 14, code, object] = *pdu else {
        return Err(if pdu.get(1) == Some(&14) {
            Exception::IllegalDataValue
        } else {
            Exception::IllegalFunction
        });
    };
    let model = unit.device.model;
    let objects = [model.vendor, model.product, model.revision, "", model.kind, unit.device.name];
    let range = match code {
        1 => usize::from(object)..3,
        2 | 3 => usize::from(object)..objects.len(),
        4 if usize::from(object) < objects.len() => usize::from(object)..usize::from(object) + 1,
        4 => return Err(Exception::IllegalDataAddress),
        _ => return Err(Exception::IllegalDataValue),
    };
    // An object outside the asked category starts the stream again (specification, 6.21).
    let range = if range.is_empty() { 0..range.end } else { range };
    let mut out = vec![43, 14, code, 0x82, 0, 0, range.len() as u8];
    for object in range {
        out.extend([object as u8, objects[object].len() as u8]);
        out.extend(objects[object].as_bytes());
    }
    Ok(out)
}

const _: () = assert!(WORDS_MAX >= 8, "the longest text of the maps is eight words");
