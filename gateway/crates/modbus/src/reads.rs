//! Which points share a request. The same rule serves the plan and, once a device has refused
//! some addresses, what is left of it.

use crate::{Grouping, Table};
use std::ops::Range;

/// What one request may span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Most registers or bits.
    pub(crate) count_max: u16,
    /// Most unwanted ones in a row.
    pub(crate) gap_max: u16,
}

impl Grouping {
    pub(crate) fn limits(&self, table: Table) -> Limits {
        let count_max = match table {
            Table::Discrete | Table::Coil => self.bits_max,
            Table::Input | Table::Holding => self.registers_max,
        };
        Limits { count_max, gap_max: self.gap_max }
    }
}

/// A point in its group.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// Position in the device's list of points.
    pub(crate) point: usize,
    pub(crate) address: u16,
    pub(crate) width: u16,
    /// The device does not answer requests that join this point to those before it.
    pub(crate) cut: bool,
    /// The device refused it, with this exception.
    pub(crate) refused: Option<u8>,
}

impl Member {
    pub(crate) fn new(point: usize, address: u16, width: u16) -> Self {
        Self { point, address, width, cut: false, refused: None }
    }

    /// One past its last register; addresses go to 65535, so this needs more than 16 bits.
    fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.width)
    }

    pub(crate) fn same_place(&self, other: &Member) -> bool {
        (self.address, self.width) == (other.address, other.width)
    }
}

/// One request, and which members of the group it serves: those in the range that are not
/// refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) address: u16,
    pub(crate) count: u16,
    pub(crate) members: Range<usize>,
    /// What a refusal would mean.
    pub(crate) kind: Kind,
}

/// What is known of a read before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing: if it is refused, any of its registers may be the reason.
    Open,
    /// All its members were answered in smaller reads: if it is refused, then for being one.
    Rejoined,
    /// Its only member was refused some time ago and is tried again.
    Trial,
}

impl Read {
    /// The request that serves just these members.
    pub(crate) fn of(members: &[Member], range: Range<usize>, kind: Kind) -> Read {
        let trial = kind == Kind::Trial;
        let wanted = || members[range.clone()].iter().filter(|m| trial || m.refused.is_none());
        let start = wanted().map(|m| m.address).min().unwrap_or(0);
        let end = wanted().map(Member::end).max().unwrap_or(0);
        let count = (end - u32::from(start).min(end)) as u16;
        Read { address: start, count, members: range, kind }
    }
}

/// The fewest requests that serve all members that are not refused. `members` are sorted by
/// address and width.
///
/// Taking members from the left as long as they fit is the minimum: a request must reach the
/// leftmost member, nothing lies before it, and each one reaches as far as any could.
pub(crate) fn merge(members: &[Member], limits: Limits) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut open: Option<(Range<usize>, u32)> = None;
    for (i, member) in members.iter().enumerate().filter(|(_, m)| m.refused.is_none()) {
        if let Some((range, end)) = &mut open {
            let start = u32::from(members[range.start].address);
            let reach = member.end().max(*end);
            let gap = u32::from(member.address).saturating_sub(*end);
            if reach - start <= u32::from(limits.count_max)
                && gap <= u32::from(limits.gap_max)
                && !members[range.end..=i].iter().any(|m| m.cut)
                && (gap == 0 || !any_refused(members, *end, u32::from(member.address)))
            {
                range.end = i + 1;
                *end = reach;
                continue;
            }
        }
        reads.extend(open.take().map(|(range, _)| Read::of(members, range, Kind::Open)));
        open = Some((i..i + 1, member.end()));
    }
    reads.extend(open.map(|(range, _)| Read::of(members, range, Kind::Open)));
    reads
}

fn any_refused(members: &[Member], from: u32, to: u32) -> bool {
    let overlaps = |m: &Member| u32::from(m.address) < to && from < m.end();
    members.iter().any(|m| m.refused.is_some() && overlaps(m))
}

/// Where to divide a refused read: at the widest gap, since an unwanted register may be the one
/// that is refused, else in the middle. `None` if all its members lie at one place.
pub(crate) fn division(members: &[Member], range: Range<usize>) -> Option<usize> {
    let middle = range.start + range.len() / 2;
    let mut best: Option<(u32, usize)> = None;
    let mut end = 0;
    let mut before: Option<usize> = None;
    for i in range.filter(|&i| members[i].refused.is_none()) {
        if let Some(b) = before
            && !members[b].same_place(&members[i])
        {
            let gap = u32::from(members[i].address).saturating_sub(end);
            let closer = |than: usize| i.abs_diff(middle) < than.abs_diff(middle);
            if best.is_none_or(|(g, at)| gap > g || gap == g && closer(at)) {
                best = Some((gap, i));
            }
        }
        end = end.max(members[i].end());
        before = Some(i);
    }
    best.map(|(_, at)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether these members may share one request. A register counts as wanted if any member of
    /// the whole group wants it.
    fn legal(members: &[Member], chosen: u32, limits: Limits) -> bool {
        let inside = (0..members.len()).filter(|i| chosen >> i & 1 == 1).map(|i| &members[i]);
        let start = inside.clone().map(|m| u32::from(m.address)).min().unwrap();
        let end = inside.map(Member::end).max().unwrap();
        let wanted = |r| members.iter().any(|m| (u32::from(m.address)..m.end()).contains(&r));
        let mut gap = 0;
        for register in start..end {
            gap = if wanted(register) { 0 } else { gap + 1 };
            if gap > u32::from(limits.gap_max) {
                return false;
            }
        }
        end - start <= u32::from(limits.count_max)
    }

    /// The fewest requests, found by trying every way to share them out.
    fn fewest(members: &[Member], limits: Limits) -> usize {
        let all = (1u32 << members.len()) - 1;
        let mut best = vec![usize::MAX; all as usize + 1];
        best[0] = 0;
        for set in 1..=all {
            let mut part = set;
            while part > 0 {
                let rest = best[(set & !part) as usize];
                if rest < best[set as usize].saturating_sub(1) && legal(members, part, limits) {
                    best[set as usize] = rest + 1;
                }
                part = (part - 1) & set;
            }
        }
        best[all as usize]
    }

    fn sorted(places: Vec<(u16, u16)>) -> Vec<Member> {
        let mut members: Vec<_> =
            places.into_iter().enumerate().map(|(i, (a, w))| Member::new(i, a, w)).collect();
        members.sort_by_key(|m| (m.address, m.width));
        members
    }

    proptest! {
        #[test]
        fn reads_are_legal_complete_and_the_fewest(
            places in prop::collection::vec((0u16..14, prop::sample::select(vec![1u16, 2, 4])), 1..8),
            count_max in 4u16..9,
            gap_max in 0u16..4,
        ) {
            let limits = Limits { count_max, gap_max };
            let members = sorted(places);
            let reads = merge(&members, limits);
            let mut served = 0;
            for read in &reads {
                let chosen = read.members.clone().fold(0, |set, i| set | 1 << i);
                prop_assert!(legal(&members, chosen, limits), "{read:?}");
                for member in &members[read.members.clone()] {
                    prop_assert!(member.address >= read.address);
                    prop_assert!(member.end() <= u32::from(read.address) + u32::from(read.count));
                }
                prop_assert_eq!(read.members.start, served);
                served = read.members.end;
            }
            prop_assert_eq!(served, members.len());
            prop_assert_eq!(reads.len(), fewest(&members, limits));
        }
    }

    #[test]
    fn the_last_address_can_be_read() {
        let members = sorted(vec![(65534, 2), (65410, 125)]);
        let reads = merge(&members, Limits { count_max: 125, gap_max: 0 });
        let spans: Vec<_> = reads.iter().map(|r| (r.address, r.count)).collect();
        assert_eq!(spans, [(65410, 125), (65534, 2)], "one value never lies in two reads");
    }

    #[test]
    fn a_refused_register_is_never_spanned() {
        let mut members = sorted(vec![(10, 1), (11, 1), (12, 1), (14, 1)]);
        members[1].refused = Some(2);
        let reads = merge(&members, Limits { count_max: 125, gap_max: 5 });
        let spans: Vec<_> = reads.iter().map(|r| (r.address, r.count)).collect();
        assert_eq!(spans, [(10, 1), (12, 3)]);
    }

    #[test]
    fn unwanted_registers_are_read_only_where_allowed() {
        let members = sorted(vec![(10, 1), (13, 2), (18, 1)]);
        let spans = |gap_max| {
            let reads = merge(&members, Limits { count_max: 125, gap_max });
            reads.iter().map(|r| (r.address, r.count)).collect::<Vec<_>>()
        };
        assert_eq!(spans(0), [(10, 1), (13, 2), (18, 1)]);
        assert_eq!(spans(2), [(10, 5), (18, 1)]);
        assert_eq!(spans(3), [(10, 9)]);
    }

    /// What one value shares with its neighbours was answered with them.
    #[test]
    fn a_refused_value_divides_only_what_lies_across_it() {
        let spans = |places: &[(u16, u16)], refused: (u16, u16)| {
            let mut members = sorted(places.to_vec());
            let is_refused = |m: &&mut Member| (m.address, m.width) == refused;
            members.iter_mut().find(is_refused).unwrap().refused = Some(2);
            let reads = merge(&members, Limits { count_max: 125, gap_max: 5 });
            reads.iter().map(|r| (r.address, r.count)).collect::<Vec<_>>()
        };
        assert_eq!(spans(&[(10, 1), (12, 1), (12, 2)], (12, 2)), [(10, 3)], "begins behind");
        assert_eq!(spans(&[(9, 2), (10, 1), (13, 1)], (10, 1)), [(9, 5)], "ends before");
        assert_eq!(spans(&[(10, 1), (11, 1), (13, 1)], (11, 1)), [(10, 1), (13, 1)]);
        assert_eq!(spans(&[(10, 1), (12, 1), (13, 1)], (12, 1)), [(10, 1), (13, 1)]);
        assert_eq!(spans(&[(10, 2), (11, 1), (12, 1)], (11, 1)), [(10, 3)], "no gap at all");
    }

    #[test]
    fn a_refused_read_is_divided_at_its_widest_gap_else_in_the_middle() {
        let at = |places: &[(u16, u16)]| {
            let members = sorted(places.to_vec());
            division(&members, 0..members.len())
        };
        assert_eq!(at(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]), Some(3));
        assert_eq!(at(&[(0, 1), (2, 1), (3, 1), (6, 1)]), Some(3), "2 wide");
        assert_eq!(at(&[(0, 1), (2, 1), (3, 1), (5, 1), (6, 1), (7, 1)]), Some(3), "both 1 wide");
        assert_eq!(at(&[(0, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1)]), Some(1), "at its end");
        assert_eq!(at(&[(0, 4), (1, 1), (6, 1)]), Some(2), "a gap begins behind all before it");
        assert_eq!(at(&[(7, 2), (7, 2)]), None, "one place");
        assert_eq!(at(&[(7, 1)]), None);
    }

    #[test]
    fn a_part_of_a_group_is_divided_within_itself_and_without_what_is_known_to_be_refused() {
        let mut members = sorted((0..10).map(|a| (a, 1)).collect());
        assert_eq!(division(&members, 4..10), Some(7));
        members[5].refused = Some(2);
        members[6].refused = Some(2);
        assert_eq!(division(&members, 4..8), Some(7), "the gap that they leave");
        assert_eq!(division(&members, 4..7), None, "only one is left");
    }
}
