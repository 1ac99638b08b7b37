//! What every [`Cache`] must do, checked against a model. For tests: panics on a violation.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite, behind its own feature")]

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proptest::prelude::*;

use crate::{Cache, Entry, EntryId, Gap, Mark};

/// One thing a user of a cache does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Seals so many entries of so many bytes each and appends them.
    Append {
        /// Which stream each goes to, and the length of its payload.
        entries: Vec<(u8, usize)>,
    },
    /// Reads after the `skip`-th entry held.
    Read {
        /// Entries to skip.
        skip: usize,
        /// Bytes asked for.
        bytes_max: usize,
    },
    /// Removes the entries at these places among those held.
    Remove {
        /// Places; those beyond the end mean nothing.
        places: Vec<usize>,
    },
    /// Removes all that is held.
    Drain,
    /// Makes removals durable.
    Sync,
    /// Notes the delivery of one more entry of a stream that was never appended.
    Deliver {
        /// The stream.
        stream: u8,
    },
    /// Closes, or just syncs, and opens again as the next boot.
    Reopen {
        /// Whether the stop was clean.
        clean: bool,
    },
}

/// Lists of actions, with payloads up to `payload_max` bytes.
pub fn actions(payload_max: usize) -> impl Strategy<Value = Vec<Action>> {
    let append = prop::collection::vec((0..4u8, 0..=payload_max), 0..12)
        .prop_map(|entries| Action::Append { entries });
    let read = (0..40usize, prop_oneof![Just(0), 1..100_000usize])
        .prop_map(|(skip, bytes_max)| Action::Read { skip, bytes_max });
    let remove =
        prop::collection::vec(0..30usize, 0..20).prop_map(|places| Action::Remove { places });
    let action = prop_oneof![
        6 => append,
        4 => read,
        4 => remove,
        1 => Just(Action::Drain),
        2 => Just(Action::Sync),
        1 => (0..4u8).prop_map(|stream| Action::Deliver { stream }),
        1 => any::<bool>().prop_map(|clean| Action::Reopen { clean }),
    ];
    prop::collection::vec(action, 1..40)
}

/// What a correct cache holds.
#[derive(Debug, Default)]
struct Model {
    held: BTreeMap<EntryId, Entry>,
    marks: BTreeMap<(String, String), u64>,
    next_seq: BTreeMap<u8, u64>,
    boot: u64,
    /// Every payload byte so far, so that no two are alike.
    sealed: u64,
}

impl Model {
    fn boot_id(&self) -> String {
        format!("{}-00000000", self.boot)
    }

    fn seal(&mut self, stream: u8, len: usize) -> Entry {
        let seq = self.next_seq.entry(stream).or_insert(1);
        let sealed = self.sealed;
        self.sealed += 1;
        let mut rng = fastrand::Rng::with_seed(sealed);
        let payload: Vec<u8> = (0..len).map(|_| rng.u8(..)).collect();
        *seq += 1;
        Entry {
            stream: format!("data/d{stream}").into(),
            seq: *seq - 1,
            samples: 1 + (sealed % 7) as u32,
            time_ms: 1_700_000_000_000 - sealed as i64, // a wall clock may well run back
            payload: payload.into(),
            boot: self.boot_id().into(),
        }
    }

    fn raise(&mut self, boot: &str, stream: &str, seq: u64) {
        let mark = self.marks.entry((boot.into(), stream.into())).or_insert(seq);
        *mark = seq.max(*mark);
    }

    fn remove(&mut self, id: EntryId) {
        self.held.remove(&id);
    }
}

/// Drives `cache` through `actions` and compares every answer with the model. `reopen` takes the
/// closed cache and opens its successor; it returns `None` for a cache that survives nothing.
pub fn check<C: Cache>(
    mut cache: C,
    actions: &[Action],
    reopen: impl Fn(C) -> Option<C>,
) -> Result<(), TestCaseError> {
    let mut model = Model { boot: 1, ..Model::default() };
    for action in actions {
        match action {
            Action::Append { entries } => {
                let entries: Vec<Entry> =
                    entries.iter().map(|(stream, len)| model.seal(*stream, *len)).collect();
                append(&mut cache, &mut model, &entries)?;
            }
            Action::Read { skip, bytes_max } => {
                let after = model.held.keys().nth(*skip).copied();
                check_read(&mut cache, &model, after, *bytes_max)?;
            }
            Action::Remove { places } => {
                let held: Vec<EntryId> = model.held.keys().copied().collect();
                let ids: Vec<_> = places.iter().filter_map(|p| held.get(*p).copied()).collect();
                cache.remove(&ids).unwrap();
                ids.iter().for_each(|id| model.remove(*id));
            }
            Action::Drain => {
                let ids: Vec<EntryId> = model.held.keys().copied().collect();
                cache.remove(&ids).unwrap();
                model.held.clear();
            }
            Action::Sync => cache.sync().unwrap(),
            Action::Deliver { stream } => {
                let e = model.seal(*stream, 0);
                model.raise(&e.boot, &e.stream, e.seq);
                cache.note_delivered(&[Mark { stream: e.stream, boot: e.boot, seq: e.seq }]);
            }
            Action::Reopen { clean } => {
                // Not closing is what a crash right after a sync leaves.
                if *clean {
                    cache.close(true).unwrap()
                } else {
                    cache.sync().unwrap()
                }
                let Some(next) = reopen(cache) else { return Ok(()) };
                cache = next;
                take_back(&mut cache, &mut model)?;
                model.boot += 1;
                model.next_seq.clear();
            }
        }
        check_read(&mut cache, &model, None, usize::MAX)?;
        check_sums(&cache, &model)?;
    }
    Ok(())
}

fn append<C: Cache>(c: &mut C, model: &mut Model, entries: &[Entry]) -> Result<(), TestCaseError> {
    let newest = model.held.keys().next_back().copied();
    let appended = c.append(entries).unwrap();
    prop_assert_eq!(appended.ids.len(), entries.len());
    prop_assert!(
        appended.ids.is_sorted() && appended.ids.first().copied() > newest || entries.is_empty()
    );
    for (id, e) in appended.ids.iter().zip(entries) {
        model.raise(&e.boot, &e.stream, e.seq);
        model.held.insert(*id, e.clone());
    }
    drop_gaps(model, &appended.gaps)
}

/// Takes what a gap names out of the model; it must be the oldest, all of it, and well counted.
fn drop_gaps(model: &mut Model, gaps: &[Gap]) -> Result<(), TestCaseError> {
    let mut dropped = BTreeSet::new();
    for gap in gaps {
        let mine = |e: &Entry| {
            e.boot == gap.boot && e.stream == gap.stream && (gap.first..=gap.last).contains(&e.seq)
        };
        let ids: Vec<EntryId> =
            model.held.iter().filter(|(_, e)| mine(e)).map(|(id, _)| *id).collect();
        let samples: u64 = ids.iter().map(|id| u64::from(model.held[id].samples)).sum();
        prop_assert_eq!(ids.len() as u64, gap.last - gap.first + 1, "a gap names what was held");
        prop_assert_eq!(samples, gap.samples);
        dropped.extend(ids);
    }
    let count = dropped.len();
    prop_assert!(dropped.iter().eq(model.held.keys().take(count)), "the oldest go first");
    dropped.iter().for_each(|id| model.remove(*id));
    Ok(())
}

fn check_read<C: Cache>(
    c: &mut C,
    model: &Model,
    after: Option<EntryId>,
    bytes_max: usize,
) -> Result<(), TestCaseError> {
    let read = c.read(after, bytes_max).unwrap();
    let expected = model.held.iter().filter(|(id, _)| Some(**id) > after);
    let expected: Vec<_> = expected.map(|(id, e)| (*id, e.clone())).collect();
    prop_assert_eq!(read.is_empty(), expected.is_empty());
    prop_assert!(read.iter().eq(expected.iter().take(read.len())), "oldest first, nothing between");
    let bytes: usize = read.iter().map(|(_, e)| e.payload.len()).sum();
    prop_assert!(bytes <= bytes_max || read.len() == 1);
    if let Some((_, next)) = expected.get(read.len()) {
        prop_assert!(bytes.saturating_add(next.payload.len()) > bytes_max, "as much as was asked");
    }
    Ok(())
}

fn check_sums<C: Cache>(c: &C, model: &Model) -> Result<(), TestCaseError> {
    let stats = c.stats();
    prop_assert_eq!(stats.entries, model.held.len() as u64);
    prop_assert_eq!(stats.samples, model.held.values().map(|e| u64::from(e.samples)).sum::<u64>());
    let marks: BTreeMap<(String, String), u64> =
        c.marks().iter().map(|m| ((m.boot.to_string(), m.stream.to_string()), m.seq)).collect();
    let kept = model.marks.iter().filter(|((boot, _), _)| {
        let n: u64 = boot.split('-').next().unwrap().parse().unwrap();
        n + 8
            > model
                .marks
                .keys()
                .map(|(b, _)| b.split('-').next().unwrap().parse().unwrap())
                .max()
                .unwrap_or(0)
    });
    for (name, seq) in kept {
        prop_assert_eq!(marks.get(name), Some(seq), "mark of {:?}", name);
    }
    Ok(())
}

/// After a reopening all that was held must be there; ids may change, and removed entries of a
/// partly removed block may be back.
fn take_back<C: Cache>(c: &mut C, model: &mut Model) -> Result<(), TestCaseError> {
    let read = c.read(None, usize::MAX).unwrap();
    let wanted: Vec<&Entry> = model.held.values().collect();
    let mut found = read.iter().map(|(_, e)| e).filter(|e| wanted.contains(e));
    prop_assert!(wanted.iter().all(|w| found.next() == Some(w)), "all held is back, in order");
    model.held = read.into_iter().collect();
    Ok(())
}

/// An entry for tests elsewhere: `seq` of `stream`, with a payload of `len` bytes.
pub fn entry(boot: &str, stream: &str, seq: u64, len: usize) -> Entry {
    let mut rng = fastrand::Rng::with_seed(seq);
    let payload: Vec<u8> = (0..len).map(|_| b"0123456789.,:{}"[rng.usize(..15)]).collect();
    let (stream, boot) = (stream.into(), boot.into());
    Entry { stream, boot, seq, samples: 1, time_ms: seq as i64, payload: Bytes::from(payload) }
}
