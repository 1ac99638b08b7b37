//! From what a device is to what will be asked of it. Pure.

use crate::reads::{Member, merge};
use crate::value::decimal;
use crate::{DeviceSpec, Encoding, Framing, PointSpec, Table, WriteFunction};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use wellhead_driver::{Demand, Group};

/// One thing wrong with a device's specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanError {
    /// The point's id; `None` for a setting of the device.
    pub point: Option<String>,
    /// The setting: `unit`, `registers_max`, `bits_max`, `response_timeout`, `address`, `type`,
    /// `bit`, `length`, `period`, `write`, `scale` or `offset`.
    pub key: &'static str,
    /// What is wrong, with the value.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(point) = &self.point {
            write!(f, "`{point}`: ")?;
        }
        write!(f, "{}: {} ({})", self.key, self.message, self.hint)
    }
}

/// One read as planned, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedRead {
    /// Address space.
    pub table: Table,
    /// First register or bit.
    pub address: u16,
    /// How many.
    pub count: u16,
    /// How many points it serves.
    pub points: usize,
    /// How often.
    pub period: Duration,
}

/// A device that was checked, and its reads. Built by [`plan`] only.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) device: DeviceSpec,
    /// Each is one request, as long as the device answers it.
    pub(crate) groups: Vec<Group>,
    /// The same groups, as the driver sees them.
    pub(crate) members: Vec<(Table, Vec<Member>)>,
    requests: Vec<PlannedRead>,
}

impl Plan {
    /// The reads, in the order of the driver's groups: one request each.
    pub fn requests(&self) -> &[PlannedRead] {
        &self.requests
    }

    /// What the reads ask of the line.
    pub fn demand(&self) -> impl Iterator<Item = Demand> {
        self.requests.iter().map(|read| {
            let count = usize::from(read.count);
            let data = match read.table {
                Table::Coil | Table::Discrete => count.div_ceil(8),
                Table::Holding | Table::Input => 2 * count,
            };
            // In RTU the request is 8 characters and the reply 5 beside its data, and each is
            // preceded by a silence of three and a half.
            Demand { period: read.period, requests: 1, characters: 8 + 5 + data + 7 }
        })
    }

    /// The device it was made for.
    pub fn device(&self) -> &DeviceSpec {
        &self.device
    }
}

/// Checks a device and merges the points of one table and period into the fewest requests: none
/// longer than the device takes, none across more unwanted registers than it allows, and no value
/// in two requests.
///
/// # Errors
/// Everything that is wrong, at once.
pub fn plan(mut device: DeviceSpec) -> Result<Plan, Vec<PlanError>> {
    let mut errors = Vec::new();
    check_device(&device, &mut errors);
    for point in &device.points {
        check_point(point, device.grouping.registers_max, &mut errors);
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    for point in &mut device.points {
        if point.encoding == Encoding::F32 {
            // A sentinel must be what its 32 bits are read as.
            for sentinel in &mut point.conversion.no_sensor {
                *sentinel = decimal(*sentinel as f32);
            }
        }
    }
    let mut alike: BTreeMap<(Duration, Table), Vec<Member>> = BTreeMap::new();
    if device.unit != 0 {
        for (i, point) in device.points.iter().enumerate() {
            let member = Member::new(i, point.address, point.encoding.width());
            alike.entry((point.period, point.table)).or_default().push(member);
        }
    }
    let (mut groups, mut members, mut requests) = (Vec::new(), Vec::new(), Vec::new());
    for ((period, table), mut all) in alike {
        all.sort_by_key(|m| (m.address, m.width));
        for read in merge(&all, device.grouping.limits(table)) {
            let chosen = all[read.members.clone()].to_vec();
            let points = chosen.iter().map(|m| device.points[m.point].index).collect();
            let (address, count) = (read.address, read.count);
            requests.push(PlannedRead { table, address, count, points: chosen.len(), period });
            groups.push(Group { period, points });
            members.push((table, chosen));
        }
    }
    Ok(Plan { device, groups, members, requests })
}

fn check_device(d: &DeviceSpec, errors: &mut Vec<PlanError>) {
    let mut wrong = |key, message, hint: &str| {
        errors.push(PlanError { point: None, key, message, hint: hint.into() });
    };
    match (d.unit, d.framing) {
        (248..=254, _) => {
            let hint = "units are 1 to 247; 0 is broadcast, 255 a TCP device without units";
            wrong("unit", format!("{} is reserved", d.unit), hint);
        }
        (255, Framing::Rtu) => {
            let hint = "on a serial line units are 1 to 247";
            wrong("unit", "255 is for Modbus TCP only".into(), hint);
        }
        _ => {}
    }
    let g = &d.grouping;
    if !(1..=125).contains(&g.registers_max) {
        let message = format!("{} registers in one read", g.registers_max);
        wrong("registers_max", message, "the protocol allows 1 to 125");
    }
    if !(1..=2000).contains(&g.bits_max) {
        let message = format!("{} bits in one read", g.bits_max);
        wrong("bits_max", message, "the protocol allows 1 to 2000");
    }
    if d.timing.response_timeout.is_zero() {
        wrong("response_timeout", "no time to answer".into(), "1 s fits most devices");
    }
}

/// Checks a point by itself; `most` is how many registers one read of its device takes.
pub(crate) fn check_point(p: &PointSpec, most: u16, errors: &mut Vec<PlanError>) {
    let mut wrong = |key, message: String, hint: &str| {
        let point = Some(p.name.clone());
        errors.push(PlanError { point, key, message, hint: hint.into() });
    };
    let registers = matches!(p.table, Table::Input | Table::Holding);
    match p.encoding {
        Encoding::Bit(None) if registers => {
            wrong("bit", "a register has 16 bits".into(), "say which one, 0 to 15");
        }
        Encoding::Bit(Some(bit)) if !registers => {
            let message = format!("bit {bit} of something that is a single bit");
            wrong("bit", message, "leave `bit` out for coils and discrete inputs");
        }
        Encoding::Bit(Some(bit)) if bit > 15 => {
            wrong("bit", format!("a register has no bit {bit}"), "bits are 0 to 15, 0 the lowest");
        }
        Encoding::Bits(low, n) if n == 0 || u16::from(low) + u16::from(n) > 16 => {
            let message = format!("{n} bits from bit {low} do not lie in one register");
            wrong("bit", message, "the lowest bit and the number of bits add up to 16 at most");
        }
        Encoding::Bcd(n) if !(1..=4).contains(&n) => {
            wrong("length", format!("BCD of {n} registers"), "1 to 4 registers, 4 digits each");
        }
        Encoding::Text(n) if !(1..=125).contains(&n) => {
            let hint = "1 to 125 registers, 2 characters each";
            wrong("length", format!("text of {n} registers"), hint);
        }
        _ => {}
    }
    if !registers && !matches!(p.encoding, Encoding::Bit(_)) {
        let hint = "coils and discrete inputs hold single bits";
        wrong("type", "a number or text in a table of bits".into(), hint);
    }
    let width = p.encoding.width();
    if usize::from(p.address) + usize::from(width) > 0x1_0000 {
        let last = usize::from(p.address) + usize::from(width) - 1;
        let message = format!("{} and its {width} registers end at {last}", p.address);
        wrong("address", message, "the last address is 65535, counted from 0");
    }
    if registers && (1..=125).contains(&most) && width > most {
        let message = format!("its {width} registers don't fit one read of {most}");
        wrong("registers_max", message, "a value read in two parts may be torn; raise the limit");
    }
    if p.period.is_zero() {
        wrong("period", "0 would never stop reading".into(), "1 s is usual for a plant");
    }
    if p.write != WriteFunction::Auto && matches!(p.table, Table::Discrete | Table::Input) {
        let hint = "only coils and holding registers can be written";
        wrong("write", "a write function for a read-only table".into(), hint);
    }
    if p.conversion.scale == 0.0 || !p.conversion.scale.is_finite() {
        let message = format!("{} makes every reading the same", p.conversion.scale);
        wrong("scale", message, "value = raw × scale + offset; leave it out for 1");
    }
    if !p.conversion.offset.is_finite() {
        wrong("offset", format!("{} is no number", p.conversion.offset), "leave it out for 0");
    }
}
