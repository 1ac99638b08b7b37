//! A register map: one table a device model, from which the device answers, the listing is printed
//! and tests know what to expect.

use serde::Serialize;

use crate::plant::Plant;

/// Modbus exceptions a device of this room gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exception {
    /// 1: the function is not known.
    IllegalFunction = 1,
    /// 2: an address is not in the map, or not writable.
    IllegalDataAddress = 2,
    /// 3: a count or value is out of range.
    IllegalDataValue = 3,
    /// 4: the device cannot do this in its present state.
    DeviceFailure = 4,
    /// 6: the device is busy with a programme of its own.
    DeviceBusy = 6,
}

/// The four tables of Modbus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Read and write bits (functions 1, 5, 15).
    Coil,
    /// Read-only bits (function 2).
    DiscreteInput,
    /// Read-only registers (function 4).
    InputRegister,
    /// Read and write registers (functions 3, 6, 16, 22).
    HoldingRegister,
}

/// How a value lies in its registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum Kind {
    /// A coil or discrete input.
    Bool,
    /// One bit of a word; 0 is the least significant.
    Bit {
        /// Which.
        bit: u8,
    },
    /// 16 bits, signed.
    I16,
    /// 16 bits.
    U16,
    /// 32 bits, signed.
    I32,
    /// 32 bits.
    U32,
    /// 64 bits.
    U64,
    /// IEEE 754 single.
    F32,
    /// Decimal digits, four a word.
    Bcd {
        /// Length.
        words: u8,
    },
    /// ASCII, two characters a word, padded with NUL.
    Text {
        /// Length.
        words: u8,
    },
}

/// Order of the words of a value longer than one; bytes within a word are always high first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Most significant word first (ABCD).
    HighFirst,
    /// Least significant word first (CDAB).
    LowFirst,
}

/// The longest value, words.
pub const WORDS_MAX: usize = 16;

/// Reads a quantity of the plant for the device of an index.
pub type Get = fn(&Plant, usize) -> f64;
/// Applies a written value to the plant for the device of an index.
pub type Set = fn(&mut Plant, usize, f64) -> Result<(), Exception>;

/// Where a value comes from. The number is the device's index among its kind.
#[derive(Clone, Copy)]
pub enum Source {
    /// A quantity of the plant; NaN when the sensor is not fitted.
    Number(Get),
    /// A fixed text.
    Text(&'static str),
    /// The unit's own count of answered reads.
    PollCounter,
}

/// What a write does, and what it may be.
#[derive(Clone, Copy)]
pub struct Write {
    /// Applies the value.
    pub set: Set,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

/// One entry of a map.
#[derive(Clone, Copy)]
pub struct Register {
    /// Table.
    pub table: Table,
    /// Address on the wire, counted from 0.
    pub address: u16,
    /// Layout.
    pub kind: Kind,
    /// Word order.
    pub order: Order,
    /// Value = raw × scale + offset.
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Unit of the value; empty when it has none.
    pub unit: &'static str,
    /// Name, unique within the device.
    pub name: &'static str,
    /// Raw value that means "no sensor".
    pub missing: Option<u64>,
    /// A counter starts again at 0 when it would reach this raw value.
    pub rollover: Option<u64>,
    /// Standard deviation of the reading, in the value's unit.
    pub noise: f64,
    /// Names of the numbers of a state.
    pub states: &'static [(u16, &'static str)],
    /// Where it comes from.
    pub source: Source,
    /// What writing does.
    pub write: Option<Write>,
    /// What reading does.
    pub on_read: Option<fn(&mut Plant, usize)>,
    /// A remark for people.
    pub note: &'static str,
}

const fn register(table: Table, address: u16, kind: Kind, name: &'static str) -> Register {
    Register {
        table,
        address,
        kind,
        order: Order::HighFirst,
        scale: 1.0,
        offset: 0.0,
        unit: "",
        name,
        missing: None,
        rollover: None,
        noise: 0.0,
        states: &[],
        source: Source::Text(""),
        write: None,
        on_read: None,
        note: "",
    }
}

/// An input register.
pub const fn input(address: u16, kind: Kind, name: &'static str) -> Register {
    register(Table::InputRegister, address, kind, name)
}

/// A holding register.
pub const fn holding(address: u16, kind: Kind, name: &'static str) -> Register {
    register(Table::HoldingRegister, address, kind, name)
}

/// A coil.
pub const fn coil(address: u16, name: &'static str) -> Register {
    register(Table::Coil, address, Kind::Bool, name)
}

/// A discrete input.
pub const fn discrete(address: u16, name: &'static str) -> Register {
    register(Table::DiscreteInput, address, Kind::Bool, name)
}

/// The count of answered reads that every unit keeps at input register 0.
pub const POLL_COUNTER: Register = Register {
    source: Source::PollCounter,
    note: "one more on each answered read that covers both of its registers",
    ..input(0, Kind::U32, "poll_counter")
};

impl Register {
    /// Scale and unit.
    pub const fn scaled(mut self, scale: f64, unit: &'static str) -> Self {
        self.scale = scale;
        self.unit = unit;
        self
    }

    /// Offset added after scaling.
    pub const fn offset(mut self, offset: f64) -> Self {
        self.offset = offset;
        self
    }

    /// Least significant word first.
    pub const fn low_first(mut self) -> Self {
        self.order = Order::LowFirst;
        self
    }

    /// Raw value meaning "no sensor".
    pub const fn missing(mut self, raw: u64) -> Self {
        self.missing = Some(raw);
        self
    }

    /// Raw value at which a counter starts again.
    pub const fn rollover(mut self, raw: u64) -> Self {
        self.rollover = Some(raw);
        self
    }

    /// Standard deviation of the reading.
    pub const fn noise(mut self, sigma: f64) -> Self {
        self.noise = sigma;
        self
    }

    /// Names of states.
    pub const fn states(mut self, states: &'static [(u16, &'static str)]) -> Self {
        self.states = states;
        self
    }

    /// Where it comes from.
    pub const fn read(mut self, read: Get) -> Self {
        self.source = Source::Number(read);
        self
    }

    /// A fixed text.
    pub const fn text(mut self, text: &'static str) -> Self {
        self.source = Source::Text(text);
        self
    }

    /// Writable within limits.
    pub const fn write(mut self, min: f64, max: f64, set: Set) -> Self {
        self.write = Some(Write { set, min, max });
        self
    }

    /// Reading it acts.
    pub const fn on_read(mut self, act: fn(&mut Plant, usize)) -> Self {
        self.on_read = Some(act);
        self
    }

    /// A remark.
    pub const fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    /// Registers (or bits) it takes.
    #[must_use]
    pub const fn words(&self) -> u16 {
        match self.kind {
            Kind::Bool | Kind::Bit { .. } | Kind::I16 | Kind::U16 => 1,
            Kind::I32 | Kind::U32 | Kind::F32 => 2,
            Kind::U64 => 4,
            Kind::Bcd { words } | Kind::Text { words } => words as u16,
        }
    }

    /// Does it lie, at least partly, in `count` registers from `first`?
    #[must_use]
    pub fn overlaps(&self, first: u16, count: u16) -> bool {
        let (a, b) = (u32::from(self.address), u32::from(self.address) + u32::from(self.words()));
        let (c, d) = (u32::from(first), u32::from(first) + u32::from(count));
        a < d && c < b
    }

    /// Does it lie wholly in `count` registers from `first`?
    #[must_use]
    pub fn within(&self, first: u16, count: u16) -> bool {
        first <= self.address
            && u32::from(self.address) + u32::from(self.words())
                <= u32::from(first) + u32::from(count)
    }

    /// The integer that stands for a value, before it is laid out; NaN is the missing value.
    #[must_use]
    pub fn raw(&self, value: f64) -> u64 {
        match self.kind {
            Kind::F32 => u64::from((value as f32).to_bits()),
            _ if value.is_nan() => self.missing.unwrap_or(0),
            Kind::I16 => u64::from(self.count(value) as u16),
            Kind::I32 => u64::from(self.count(value) as u32),
            _ => self.count(value) as u64,
        }
    }

    /// How many of the register's steps a value is, within its width; counters go round.
    fn count(&self, value: f64) -> i64 {
        let steps = (value - self.offset) / self.scale;
        // To the nearest, for which `f64::round` takes some thirty instructions where the processor
        // may be an old one; this is asked for every point at every step. Exact below 2^52.
        let count = (steps + 0.5f64.copysign(steps)) as i64;
        match self.kind {
            Kind::I16 => count.clamp(i16::MIN.into(), i16::MAX.into()),
            Kind::I32 => count.clamp(i32::MIN.into(), i32::MAX.into()),
            Kind::U16 => count.clamp(0, u16::MAX.into()),
            Kind::Bool | Kind::Bit { .. } => i64::from(count != 0),
            _ => (count.max(0) as u64 % self.rollover.unwrap_or(self.wrap())) as i64,
        }
    }

    fn wrap(&self) -> u64 {
        match self.kind {
            Kind::U32 => 1 << 32,
            Kind::Bcd { words } => 10u64.pow(u32::from(words) * 4),
            _ => u64::MAX,
        }
    }

    /// A value as a reader of the register gets it: in its steps, within its width, gone round.
    /// The same as laying out and reading back, without the words.
    #[must_use]
    pub fn shown(&self, value: f64) -> f64 {
        match self.kind {
            Kind::F32 => f64::from(value as f32) * self.scale + self.offset,
            _ if value.is_nan() => value,
            _ => self.count(value) as f64 * self.scale + self.offset,
        }
    }

    /// May this value be written? Half a count of slack: 55.0 °C arrives as 550 × 0.1.
    #[must_use]
    pub fn admits(&self, value: f64) -> bool {
        let slack = self.scale.abs() / 2.0;
        self.write.is_some_and(|rule| (rule.min - slack..=rule.max + slack).contains(&value))
    }

    /// Lays a raw integer out in words. A bit lands at its place in the word.
    #[must_use]
    pub fn layout(&self, raw: u64) -> [u16; WORDS_MAX] {
        let mut words = [0; WORDS_MAX];
        match (self.kind, self.source) {
            (Kind::Text { .. }, Source::Text(text)) => {
                for (word, pair) in words.iter_mut().zip(text.as_bytes().chunks(2)) {
                    *word = u16::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u16::from(*low));
                }
            }
            (Kind::Bit { bit }, _) => words[0] = ((raw & 1) as u16) << bit,
            (Kind::Bcd { words: length }, _) => {
                let mut digits = raw;
                for word in words[..usize::from(length)].iter_mut().rev() {
                    *word = (0..4).fold(0, |packed, place| {
                        let digit = (digits % 10) as u16;
                        digits /= 10;
                        packed | digit << (place * 4)
                    });
                }
            }
            _ => {
                let length = usize::from(self.words());
                for (place, word) in words[..length].iter_mut().rev().enumerate() {
                    *word = (raw >> (16 * place)) as u16;
                }
                if self.order == Order::LowFirst {
                    words[..length].reverse();
                }
            }
        }
        words
    }

    /// The value of numeric words as a master would read them; `None` is "no sensor".
    #[must_use]
    pub fn value(&self, words: &[u16]) -> Option<f64> {
        let words = words.get(..usize::from(self.words()))?;
        let mut raw = 0u64;
        for place in 0..words.len().min(4) {
            let at = if self.order == Order::LowFirst { words.len() - 1 - place } else { place };
            raw = raw << 16 | u64::from(words[at]);
        }
        if self.missing == Some(raw) {
            return None;
        }
        let number = match self.kind {
            Kind::I16 => f64::from(raw as u16 as i16),
            Kind::I32 => f64::from(raw as u32 as i32),
            Kind::F32 => f64::from(f32::from_bits(raw as u32)),
            Kind::Bit { bit } => f64::from(raw as u16 >> bit & 1),
            Kind::Bcd { .. } => (0..words.len() * 4)
                .rev()
                .fold(0.0, |n, place| n * 10.0 + f64::from((raw >> (4 * place) & 0xF) as u16)),
            Kind::Text { .. } => return None,
            _ => raw as f64,
        };
        (!number.is_nan()).then_some(number * self.scale + self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(register: &Register, value: f64) -> Vec<u16> {
        let words = register.layout(register.raw(value));
        words[..usize::from(register.words())].to_vec()
    }

    #[test]
    fn layouts_are_those_of_the_field() {
        let check = |register: Register, value: f64, expected: &[u16]| {
            assert_eq!(words(&register, value), expected, "{}", register.name);
        };
        check(input(0, Kind::I16, "minus").scaled(0.1, "°C"), -2.3, &[0xFFE9]);
        check(input(0, Kind::U32, "high"), 65_538.0, &[1, 2]);
        check(input(0, Kind::U32, "low").low_first(), 65_538.0, &[2, 1]);
        check(input(0, Kind::F32, "float"), 1.0, &[0x3F80, 0]);
        check(input(0, Kind::F32, "float, low first").low_first(), 1.0, &[0, 0x3F80]);
        check(input(0, Kind::U64, "wide"), 4_294_967_296.0, &[0, 1, 0, 0]);
        check(input(0, Kind::Bcd { words: 2 }, "digits"), 20_260_701.0, &[0x2026, 0x0701]);
        check(input(0, Kind::Text { words: 2 }, "text").text("GHP"), 0.0, &[0x4748, 0x5000]);
        check(input(0, Kind::Bit { bit: 3 }, "bit"), 1.0, &[8]);
        check(input(0, Kind::I16, "absent").missing(0x8000), f64::NAN, &[0x8000]);
        check(input(0, Kind::U16, "offset").scaled(0.1, "°C").offset(-40.0), 21.5, &[615]);
    }

    #[test]
    fn counter_rolls_over_at_its_digits() {
        let counter = input(0, Kind::U32, "energy").rollover(100_000_000);
        assert_eq!(counter.raw(99_999_999.0), 99_999_999);
        assert_eq!(counter.raw(100_000_003.0), 3);
    }

    proptest! {
        #[test]
        fn what_is_laid_out_reads_back(number in -30_000.0..30_000.0f64, low_first: bool) {
            for kind in [Kind::I16, Kind::I32, Kind::F32, Kind::U32, Kind::U64, Kind::Bcd { words: 2 }] {
                let mut register = input(0, kind, "any");
                if low_first && !matches!(kind, Kind::Bcd { .. }) {
                    register = register.low_first();
                }
                let signed = matches!(kind, Kind::I16 | Kind::I32 | Kind::F32);
                let value = if signed { number.round() } else { number.round().abs() };
                prop_assert_eq!(register.value(&words(&register, value)), Some(value));
            }
        }
    }
}
