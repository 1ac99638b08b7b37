//! A Modbus device as a [`Driver`].

use crate::codec::{Answer, Request};
use crate::known::{Finding, Known};
use crate::plan::Plan;
use crate::port::Port;
use crate::reads::Kind;
use crate::value::{self, Misfit};
use crate::{DeviceSpec, Encoding, PointSpec, Table, WriteFunction};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use wellhead_driver::{
    Conversion, DeviceError, Driver, Group, Line, Notice, Outcome, Raw, Readback, Readings, Write,
};
use wellhead_model::{PointIndex, Reason, Value};

/// A refused address is tried again this often: a module may have been plugged in meanwhile.
const RETRY_AFTER: Duration = Duration::from_secs(3600);

/// One device: its groups, how it is spoken to, and what it refused.
///
/// A read that the device refuses as an illegal address (exception 2, or 3, which some devices
/// use for a range they don't have) is divided until each refused address stands alone, within
/// the same poll. From then on it is left out, its points are bad, and everything else is read as
/// before. It is tried again once an hour. A device that refuses many addresses is searched over
/// several polls, 24 extra requests in each; until then points beside them may be bad too.
#[derive(Debug)]
pub struct ModbusDriver {
    device: DeviceSpec,
    /// Positions in `device.points` by index, sorted.
    by_index: Vec<(PointIndex, usize)>,
    /// The last text of each text point.
    texts: Vec<Option<Arc<str>>>,
    groups: Vec<Group>,
    known: Vec<(Table, Known)>,
    port: Port,
}

impl ModbusDriver {
    /// A driver for a planned device.
    pub fn new(plan: Plan) -> Self {
        let Plan { device, groups, members, .. } = plan;
        let indices = device.points.iter().enumerate().map(|(i, p)| (p.index, i));
        let mut by_index: Vec<_> = indices.collect();
        by_index.sort_unstable();
        let known = groups.iter().zip(members).map(|(group, (table, members))| {
            let polls = RETRY_AFTER.as_nanos() / group.period.as_nanos().max(1);
            let polls = u32::try_from(polls).unwrap_or(u32::MAX);
            (table, Known::new(members, device.grouping.limits(table), polls))
        });
        let known = known.collect();
        let texts = vec![None; device.points.len()];
        let port = Port::new(&device);
        Self { device, by_index, texts, groups, known, port }
    }

    async fn read_group(
        &mut self,
        line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let Self { device, texts, known, port, .. } = self;
        let Some((table, known)) = known.get_mut(group) else { return Ok(()) };
        let table = *table;
        known.begin();
        while let Some(read) = known.next() {
            let (address, count) = (read.address, read.count);
            let finding = match port.ask(line, &Request::Read { table, address, count }).await? {
                Answer::Data(data) => {
                    out.outcomes.reserve(read.members.len());
                    for member in known.served_by(&read) {
                        let point = &device.points[member.point];
                        let outcome = outcome(point, address, data, &mut texts[member.point]);
                        out.outcomes.push((point.index, outcome));
                    }
                    known.answered()
                }
                // What a trial meets must not cost the others their poll.
                Answer::Exception(e) if e.is_illegal_address() || read.kind == Kind::Trial => {
                    known.refused(e.0)
                }
                Answer::Exception(e) => return Err(e.error(port.response_timeout)),
            };
            out.notices.extend(finding.map(|f| notice(device, table, known, f)));
        }
        known.finish();
        out.outcomes.extend(known.unserved().map(|(member, code)| {
            let reason = if code == 2 { Reason::IllegalAddress } else { Reason::Refused(code) };
            (device.points[member.point].index, Outcome::Bad(reason))
        }));
        Ok(())
    }

    fn point(&self, index: PointIndex) -> Result<usize, DeviceError> {
        match self.by_index.binary_search_by_key(&index, |&(i, _)| i) {
            Ok(at) => Ok(self.by_index[at].1),
            Err(_) => Err(DeviceError::Unencodable(format!(
                "`{}` has no point number {}",
                self.device.name, index.0
            ))),
        }
    }
}

impl Driver for ModbusDriver {
    fn groups(&self) -> &[Group] {
        &self.groups
    }

    async fn poll(
        &mut self,
        line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let before = out.outcomes.len();
        let result = self.read_group(line, group, out).await;
        if result.is_err() {
            out.outcomes.truncate(before);
        }
        result
    }

    /// Writes with the function that the point names. What is read back may be bad although the
    /// write was acknowledged; then the outcome says so.
    async fn write(&mut self, line: &mut Line, write: &Write) -> Result<Readback, DeviceError> {
        let at = self.point(write.point)?;
        let point = &self.device.points[at];
        let words = words(&self.device.name, point, &write.value)?;
        let request = write_request(point, &words);
        if self.device.unit == 0 {
            self.port.send_only(line, &request).await?;
            return Ok(Readback::Sent);
        }
        if let Answer::Exception(e) = self.port.ask(line, &request).await? {
            return Err(e.error(self.port.response_timeout));
        }
        if !write.readback {
            return Ok(Readback::Acknowledged);
        }
        let (table, address, count) = (point.table, point.address, point.encoding.width());
        let read = Request::Read { table, address, count };
        Ok(Readback::Read(match self.port.ask(line, &read).await {
            Ok(Answer::Data(data)) => outcome(point, address, data, &mut self.texts[at]),
            Ok(Answer::Exception(e)) => Outcome::Bad(e.error(self.port.response_timeout).reason()),
            Err(error) => Outcome::Bad(error.reason()),
        }))
    }
}

/// A point's value out of the data of a read that begins at `first`.
fn outcome(point: &PointSpec, first: u16, data: &[u8], text: &mut Option<Arc<str>>) -> Outcome {
    let at = usize::from(point.address - first);
    let raw = match point.table {
        Table::Coil | Table::Discrete => {
            data.get(at / 8).map(|byte| Raw::Bool(byte >> (at % 8) & 1 == 1))
        }
        Table::Input | Table::Holding => {
            let end = at + usize::from(point.encoding.width());
            data.get(2 * at..2 * end).and_then(|registers| match point.encoding {
                Encoding::Text(_) => {
                    *text = value::text(registers, point.order, text.as_ref());
                    text.clone().map(Raw::Text)
                }
                encoding => value::decode(encoding, point.order, registers),
            })
        }
    };
    match raw {
        Some(raw) => point.conversion.outcome(raw),
        None => Outcome::Bad(Reason::Undecodable),
    }
}

/// The registers to write; for a coil one word, 0 or 1.
fn words(device: &str, point: &PointSpec, value: &Value) -> Result<Vec<u16>, DeviceError> {
    let name = &point.name;
    let fail = |why: String| Err(DeviceError::Unencodable(format!("{device}: `{name}` {why}")));
    if matches!(point.table, Table::Discrete | Table::Input) {
        return fail("lies in a read-only table".into());
    }
    let raw = point.conversion.raw(value)?;
    match value::encode(point.encoding, point.order, &raw) {
        Ok(words) if words.len() > crate::codec::WRITE_REGISTERS_MAX => {
            fail(format!("has {} registers, one write takes 123", words.len()))
        }
        Ok(words) => Ok(words),
        Err(Misfit::Range(min, max)) => {
            // By way of the reading's own rule, so that the ends are decimals and not sums.
            let c = &point.conversion;
            let c = Conversion { scale: c.scale, offset: c.offset, ..Conversion::default() };
            let [min, max] = [min, max].map(|end| match c.outcome(Raw::Float(end)) {
                Outcome::Good(value) => value.to_string(),
                _ => end.to_string(),
            });
            let (low, high) = if c.scale < 0.0 { (max, min) } else { (min, max) };
            fail(format!("can't take {value}: its registers hold {low} to {high}"))
        }
        Err(Misfit::TextLength(max)) => fail(format!("takes {max} bytes of text without NUL")),
        Err(Misfit::Kind(kind)) => fail(format!("takes {kind}")),
    }
}

/// Bits of a register go by function 22 always: reading, changing and writing back the register
/// would undo what another master wrote in between.
fn write_request<'a>(point: &PointSpec, words: &'a [u16]) -> Request<'a> {
    let address = point.address;
    let first = words.first().copied().unwrap_or(0);
    let multiple = point.write == WriteFunction::Multiple;
    let mask = |bits: u16| Request::MaskWrite { address, and: !bits, or: first };
    match (point.table, point.encoding) {
        (Table::Coil | Table::Discrete, _) if multiple => {
            Request::WriteCoils { address, on: first != 0 }
        }
        (Table::Coil | Table::Discrete, _) => Request::WriteCoil { address, on: first != 0 },
        (_, Encoding::Bit(bit)) => mask(1 << bit.unwrap_or(0).min(15)),
        (_, Encoding::Bits(low, n)) => mask((value::ones(n) << low.min(15)) as u16),
        _ if multiple || words.len() > 1 => Request::WriteRegisters { address, values: words },
        _ => Request::WriteRegister { address, value: first },
    }
}

fn notice(device: &DeviceSpec, table: Table, known: &Known, finding: Finding) -> Notice {
    let of = |range: Range<usize>| {
        let members = &known.members()[range];
        let names: Vec<_> =
            members.iter().map(|m| format!("`{}`", device.points[m.point].name)).collect();
        let what = match table {
            Table::Coil => "coil",
            Table::Discrete => "discrete input",
            Table::Input => "input register",
            Table::Holding => "holding register",
        };
        let address = members.first().map_or(0, |m| m.address);
        format!("{}: {what} {address} of {}", device.name, names.join(", "))
    };
    match finding {
        Finding::Refused(range) => {
            let code = known.members()[range.start].refused.unwrap_or(2);
            let text = format!(
                "{} was refused (exception {code}); it is left out and tried again in an hour",
                of(range)
            );
            Notice { code: "illegal_address", text }
        }
        Finding::AnswersAgain(range) => {
            Notice { code: "address_answers", text: format!("{} is answered now", of(range)) }
        }
    }
}
