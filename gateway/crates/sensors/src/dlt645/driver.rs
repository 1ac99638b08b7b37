//! A DL/T 645 meter as a [`Driver`].

use super::codec::{Answer, Ask, Request, frame_len, plain};
use super::plan::{Member, Read, plan};
use super::value::{self, NoNumber};
use super::{Address, DeviceSpec, Edition};
use crate::{Timing, own_unit};
use std::time::Duration;
use wellhead_driver::{
    DeviceError, Driver, Exchange, Group, Line, Notice, Outcome, Readback, Readings, Write,
};
use wellhead_model::Reason;

/// Most frames of one answer; a meter with more does not end. 64 tariffs with the time of each
/// demand take three.
const FRAMES_MAX: u8 = 16;
/// The refusal's bit for "no such data" (DL/T 645-2007, table 14).
const NO_SUCH_DATA: u8 = 0x02;

/// One meter. It is only read; what it refuses is bad and asked again with the next poll.
#[derive(Debug)]
pub struct Dlt645Driver {
    spec: DeviceSpec,
    groups: Vec<Group>,
    reads: Vec<Vec<Read>>,
    /// Whether units were told.
    told_units: bool,
    request: Vec<u8>,
    /// The answer of all its frames, without the offset.
    data: Vec<u8>,
}

impl Dlt645Driver {
    /// A driver for a specification that [`super::check`] finds nothing wrong with. A point whose
    /// item its edition does not have stays bad.
    pub fn new(spec: DeviceSpec) -> Self {
        let (groups, reads) = plan(&spec);
        Self { spec, groups, reads, told_units: false, request: Vec::new(), data: Vec::new() }
    }

    async fn read_group(
        &mut self,
        line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        let mut at = 0;
        while let Some(read) = self.reads.get(group).and_then(|reads| reads.get(at)) {
            let (id, data_len) = (read.id, read.data_len(self.spec.edition));
            let refused = self.read(line, id, data_len).await?;
            let Some(read) = self.reads.get_mut(group).and_then(|reads| reads.get_mut(at)) else {
                break;
            };
            if let Some(code) = refused
                && !read.singly.is_empty()
            {
                // Not every meter has this block; its values follow one by one, from now on.
                let text = format!(
                    "{}: block {:0w$X} was refused (code {code}); its values are read one by one",
                    self.spec.name,
                    read.id,
                    w = digits(self.spec.edition)
                );
                out.notices.push(Notice { code: "block_refused", text });
                let singly = std::mem::take(&mut read.singly);
                self.reads[group].splice(at..=at, singly);
                continue;
            }
            self.take(group, at, refused, out);
            at += 1;
        }
        for point in
            self.spec.points.iter().filter(|p| self.groups[group].points.contains(&p.index))
        {
            if point.item.register(self.spec.edition).is_none() {
                out.outcomes.push((point.index, Outcome::Bad(Reason::IllegalAddress)));
            }
        }
        Ok(())
    }

    /// Puts the outcomes of an answered read into `out`.
    fn take(&mut self, group: usize, at: usize, refused: Option<u8>, out: &mut Readings) {
        let Self { spec, reads, data, .. } = self;
        let read = &mut reads[group][at];
        if read.refused != refused.is_some() {
            read.refused = refused.is_some();
            out.notices.push(notice(spec, read, refused));
        }
        for member in &read.members {
            let point = &spec.points[member.point];
            let outcome = match refused {
                Some(code) if code & NO_SUCH_DATA != 0 => Outcome::Bad(Reason::IllegalAddress),
                Some(code) => Outcome::Bad(Reason::Refused(code)),
                None => outcome(spec, member, read.data_len(spec.edition), data),
            };
            out.outcomes.push((point.index, outcome));
        }
    }

    /// Reads one identifier with all its frames into `data`; `Some` is the code of a refusal.
    async fn read(
        &mut self,
        line: &mut Line,
        id: u32,
        data_len: Option<usize>,
    ) -> Result<Option<u8>, DeviceError> {
        self.data.clear();
        let mut ask = Ask::Read(id);
        for sequence in 1..=FRAMES_MAX {
            let request = Request { edition: self.spec.edition, address: self.spec.address, ask };
            request.put(self.spec.preamble, &mut self.request);
            // Four bytes of identifier and the most of a block, where the length is not known.
            let data_len = 4 + data_len.unwrap_or(196);
            let (timing, address) = (&self.spec.timing, self.spec.address);
            let x = exchange(timing, address, line, self.request.len(), data_len);
            let reply = line.exchange(&x, &self.request, |bytes| request.step(bytes)).await?;
            match request.answer(reply) {
                Some(Answer::Data { data, more, .. }) => {
                    self.data.extend(plain(data));
                    if !more {
                        return Ok(None);
                    }
                }
                Some(Answer::Refused(code)) if sequence == 1 => return Ok(Some(code)),
                // Half an answer is none.
                Some(Answer::Refused(_)) => {
                    return Err(DeviceError::BadReply("the rest of an answer was refused"));
                }
                None => return Err(DeviceError::BadReply("not an answer to the request")),
            }
            ask = Ask::Follow(id, sequence);
        }
        Err(DeviceError::BadReply("an answer without end"))
    }
}

impl Driver for Dlt645Driver {
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
        } else if !std::mem::replace(&mut self.told_units, true) {
            let points = self.spec.points.iter().filter(|p| p.unit.is_none());
            out.units.extend(points.filter_map(|p| Some((p.index, p.item.unit()?))));
        }
        result
    }

    async fn write(&mut self, _: &mut Line, _: &Write) -> Result<Readback, DeviceError> {
        Err(DeviceError::Unencodable(format!("{}: a meter is only read", self.spec.name)))
    }
}

/// The settings of an exchange with so many bytes of request, and of data in the reply.
pub(super) fn exchange(
    timing: &Timing,
    address: Address,
    line: &Line,
    request_len: usize,
    data_len: usize,
) -> Exchange {
    // The meter's own time; that of the bytes on a slow wire comes on top.
    let characters = u32::try_from(request_len + 4 + frame_len(data_len)).unwrap_or(u32::MAX);
    let mode = line.mode(timing.mode);
    let on_wire = mode.map_or(Duration::ZERO, |m| m.character().saturating_mul(characters));
    Exchange {
        station: address.0.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)),
        response_timeout: timing.response_timeout + on_wire,
        pause: timing.pause,
        late_window: timing.late_window,
        mode: timing.mode,
    }
}

/// A point's value out of the whole data of an answer.
fn outcome(spec: &DeviceSpec, member: &Member, len: Option<usize>, data: &[u8]) -> Outcome {
    let point = &spec.points[member.point];
    let bytes = usize::from(member.register.bytes);
    let stride = bytes + usize::from(member.register.tail);
    let fits = match len {
        Some(len) => data.len() == len,
        // Blocks of 1997 may end with AA.
        None => {
            data.len().is_multiple_of(stride)
                || (spec.edition == Edition::Y1997
                    && data.len() % stride == 1
                    && data.last() == Some(&0xAA))
        }
    };
    let at = stride * usize::from(member.register.position);
    let Some(bytes) = data.get(at..at + bytes).filter(|_| fits) else {
        return Outcome::Bad(if fits { Reason::IllegalAddress } else { Reason::Undecodable });
    };
    match value::decode(&member.register, bytes) {
        Ok(raw) => own_unit::outcome(&point.conversion, raw, point.item.unit(), point.unit),
        Err(NoNumber::Absent) => Outcome::Bad(Reason::NoSensor),
        Err(NoNumber::Garbled) => Outcome::Bad(Reason::Undecodable),
    }
}

fn digits(edition: Edition) -> usize {
    match edition {
        Edition::Y2007 => 8,
        Edition::Y1997 => 4,
    }
}

fn notice(spec: &DeviceSpec, read: &Read, refused: Option<u8>) -> Notice {
    let names: Vec<_> =
        read.members.iter().map(|m| format!("`{}`", spec.points[m.point].name)).collect();
    let what = format!(
        "{}: item {:0w$X} of {}",
        spec.name,
        read.id,
        names.join(", "),
        w = digits(spec.edition)
    );
    match refused {
        Some(code) => Notice {
            code: "illegal_address",
            text: format!("{what} was refused (code {code}); it is asked again with each poll"),
        },
        None => Notice { code: "address_answers", text: format!("{what} is answered now") },
    }
}
