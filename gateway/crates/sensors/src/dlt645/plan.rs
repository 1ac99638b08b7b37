//! Which requests a group of points takes.

use super::codec::frame_len;
use super::items::{block, is_block};
use super::{DeviceSpec, Edition, Register};
use wellhead_driver::{Demand, Group};

/// A value to take out of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Position in the device's points.
    pub(crate) point: usize,
    /// Its form; `position` is the one in the reply.
    pub(crate) register: Register,
}

/// One identifier to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) id: u32,
    pub(crate) members: Vec<Member>,
    /// The same values one by one, for a meter without this block; empty for what was configured.
    pub(crate) singly: Vec<Read>,
    /// Whether it was refused the last time, so that it is told once.
    pub(crate) refused: bool,
}

impl Read {
    fn one(point: usize, register: Register) -> Self {
        let members = vec![Member { point, register }];
        Self { id: register.id, members, singly: Vec::new(), refused: false }
    }

    /// Bytes of the reply's data behind the identifier, as far as they can be known.
    pub(crate) fn data_len(&self, edition: Edition) -> Option<usize> {
        if is_block(edition, self.id) {
            return None;
        }
        let member = self.members.first()?;
        Some(usize::from(member.register.bytes) + usize::from(member.register.tail))
    }
}

/// Points by period, and the reads of each group.
pub(crate) fn plan(spec: &DeviceSpec) -> (Vec<Group>, Vec<Vec<Read>>) {
    let (groups, members) = crate::by_period(spec.points.iter().map(|p| (p.index, p.period)));
    let mut reads = vec![Vec::new(); groups.len()];
    for (reads, members) in reads.iter_mut().zip(&members) {
        for &at in members.iter() {
            if let Some(register) = spec.points[at].item.register(spec.edition) {
                add(reads, Read::one(at, register));
            }
        }
    }
    if spec.blocks {
        for group in &mut reads {
            *group = into_blocks(spec.edition, std::mem::take(group));
        }
    }
    (groups, reads)
}

/// What reading a device asks of its line. Of a block at least its first value is told.
pub fn demand(spec: &DeviceSpec) -> Vec<Demand> {
    let (groups, reads) = plan(spec);
    let characters = |read: &Read| {
        let id = if spec.edition == Edition::Y2007 { 4 } else { 2 };
        let least = read.members.iter().map(|m| usize::from(m.register.bytes)).sum();
        let data = read.data_len(spec.edition).unwrap_or(least);
        usize::from(spec.preamble) + frame_len(id) + frame_len(id + data)
    };
    let of = |(group, reads): (&Group, &Vec<Read>)| Demand {
        period: group.period,
        requests: reads.len(),
        characters: reads.iter().map(characters).sum(),
    };
    groups.iter().zip(&reads).map(of).collect()
}

/// Points of one identifier share its read.
fn add(reads: &mut Vec<Read>, read: Read) {
    match reads.iter_mut().find(|r| r.id == read.id) {
        Some(same) => same.members.extend(read.members),
        None => reads.push(read),
    }
}

/// Reads of one block become one, where there are two or more.
fn into_blocks(edition: Edition, reads: Vec<Read>) -> Vec<Read> {
    let mut merged: Vec<Read> = Vec::new();
    for read in reads {
        let place = read.members.first().and_then(|m| block(edition, &m.register));
        let Some((id, position)) = place else {
            merged.push(read);
            continue;
        };
        let members = read.members.iter();
        let members =
            members.map(|m| Member { register: Register { position, ..m.register }, ..*m });
        let members = members.collect();
        match merged.iter_mut().find(|r| r.id == id && !r.singly.is_empty()) {
            Some(block) => {
                block.members.extend::<Vec<_>>(members);
                block.singly.push(read);
            }
            None => merged.push(Read { id, members, singly: vec![read], refused: false }),
        }
    }
    let unmerge =
        |mut read: Read| if read.singly.len() == 1 { read.singly.remove(0) } else { read };
    merged.into_iter().map(unmerge).collect()
}
