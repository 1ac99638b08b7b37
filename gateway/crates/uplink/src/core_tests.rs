//! The machine against a model of the world: a broker that receives a prefix of what was sent,
//! answers late or never, refuses; a cache that fails; a clock.

use crate::core::{Core, Notice, Online, Outbound};
use crate::spill::Job;
use bytes::Bytes;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use wellhead_store::{Cache, MemoryCache};

const STREAMS: usize = 2;
const MS: Duration = Duration::from_millis(1);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Broken {
    No,
    /// The disk is full: nothing is written, but read.
    Full,
    /// Nothing works.
    Dead,
}

#[derive(Debug, Clone)]
enum Action {
    Seal(usize),
    Pass(u64),
    Connect(usize),
    /// The connection dies after the broker received this many more of what is under way.
    Cut(usize),
    /// The broker receives and answers this many.
    Answer(usize),
    Refuse(usize),
    Cache(usize),
    CacheBreaks(Broken),
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => (0..STREAMS).prop_map(Action::Seal),
        4 => (1..1500_u64).prop_map(Action::Pass),
        2 => (1..8_usize).prop_map(Action::Connect),
        1 => (0..8_usize).prop_map(Action::Cut),
        6 => (1..6_usize).prop_map(Action::Answer),
        1 => (1..3_usize).prop_map(Action::Refuse),
        6 => (1..4_usize).prop_map(Action::Cache),
        1 => prop_oneof![Just(Broken::No), Just(Broken::Full), Just(Broken::Dead)]
            .prop_map(Action::CacheBreaks),
    ]
}

/// (stream, seq)
type Name = (String, u64);

struct World {
    core: Core,
    cache: MemoryCache,
    broken: Broken,
    jobs: VecDeque<Job>,
    now: Duration,
    wire: VecDeque<Outbound>,
    sealed: Vec<Name>,
    answered: BTreeSet<Name>,
    received: BTreeSet<Name>,
    /// Newest number received for the first time, by (stream, history?).
    newest: BTreeMap<(String, bool), u64>,
    /// Whether order is promised: a refused batch comes behind younger ones, and what memory
    /// holds does not wait for a cache that can't be read.
    ordered: bool,
    gaps: BTreeSet<Name>,
    events: u64,
}

impl World {
    fn new(window: usize) -> Self {
        let mut core = Core::new("r".into(), "1-a".into(), window);
        for s in 0..STREAMS {
            assert_eq!(core.stream(&format!("data/{s}")), s);
        }
        Self {
            core,
            cache: MemoryCache::new(1 << 30),
            broken: Broken::No,
            jobs: VecDeque::new(),
            now: Duration::ZERO,
            wire: VecDeque::new(),
            sealed: Vec::new(),
            answered: BTreeSet::new(),
            received: BTreeSet::new(),
            newest: BTreeMap::new(),
            ordered: true,
            gaps: BTreeSet::new(),
            events: 0,
        }
    }

    fn seal(&mut self, stream: usize) {
        let seq = self.core.streams[stream].seq_next;
        let name = self.core.streams[stream].name.to_string();
        self.sealed.push((name, seq));
        let message = Bytes::from(format!("{{\"seq\":{seq},\"pad\":\"{:>100}\"}}", ""));
        self.core.seal(self.now, stream, 1, 0, message);
    }

    fn pump(&mut self) {
        for notice in self.core.take_notices(self.now) {
            self.events += 1;
            if let Notice::Gap(r) = notice {
                self.gaps.extend((r.first..=r.last).map(|n| (r.stream.to_string(), n)));
            }
        }
        while let Some(out) = self.core.next_send(self.now) {
            let (name, _) = Self::parse(&out);
            assert!(!self.answered.contains(&name), "{name:?} was acknowledged and sent again");
            self.wire.push_back(out);
        }
        while let Some(job) = self.core.next_job(self.now) {
            self.jobs.push_back(job);
        }
    }

    fn parse(out: &Outbound) -> (Name, bool) {
        let json: serde_json::Value = serde_json::from_slice(&out.payload).unwrap();
        let stream = out.topic.strip_prefix("r/").unwrap().to_owned();
        ((stream, json["seq"].as_u64().unwrap()), json["hist"] == true)
    }

    fn receive(&mut self, out: &Outbound) -> Name {
        let (name, history) = Self::parse(out);
        if self.received.insert(name.clone()) && self.ordered {
            let newest = self.newest.entry((name.0.clone(), history)).or_default();
            assert!(*newest < name.1, "{name:?} came after {newest}, history {history}");
            *newest = name.1;
        }
        name
    }

    fn answer(&mut self, refusal: Option<&'static str>) {
        let Some(out) = self.wire.pop_front() else { return };
        if refusal.is_none() {
            let name = self.receive(&out);
            self.answered.insert(name);
        } else {
            self.ordered = false;
        }
        self.core.answered(self.now, out.token, refusal);
        self.pump();
    }

    fn cut(&mut self, received: usize) {
        for out in std::mem::take(&mut self.wire).iter().take(received) {
            self.receive(out);
        }
        self.core.disconnected();
    }

    fn cache_works(&mut self) {
        let Some(job) = self.jobs.pop_front() else { return };
        let text = |e: wellhead_store::CacheError| e.to_string();
        match job {
            Job::Append(entries) => {
                let r = match self.broken {
                    Broken::No => self.cache.append(&entries).map_err(text),
                    Broken::Full | Broken::Dead => Err("broken".to_owned()),
                };
                self.core.appended(self.now, r);
            }
            Job::Read(read) => {
                let r = match self.broken {
                    Broken::No | Broken::Full => self.cache.read(read.after, 400).map_err(text),
                    Broken::Dead => {
                        self.ordered = false;
                        Err("broken".to_owned())
                    }
                };
                let _ = self.core.backlog.read_done(self.now, read.generation, r);
            }
            Job::Remove(ids) => {
                let ok = self.broken == Broken::No && self.cache.remove(&ids).is_ok();
                self.core.backlog.remove_done(self.now, ok);
            }
            Job::Marks(_) | Job::Stats | Job::Close { .. } => unreachable!("not asked by the core"),
        }
        self.pump();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Seal(s) => self.seal(s),
            Action::Pass(ms) => self.now += MS * u32::try_from(ms).unwrap(),
            Action::Connect(quota) => {
                self.cut(0);
                self.core.connected(self.now, Online { quota, packet_max: 10_000 });
            }
            Action::Cut(n) => self.cut(n),
            Action::Answer(n) => (0..n).for_each(|_| self.answer(None)),
            Action::Refuse(n) => (0..n).for_each(|_| self.answer(Some("not_authorized"))),
            Action::Cache(n) => (0..n).for_each(|_| self.cache_works()),
            Action::CacheBreaks(b) => self.broken = b,
        }
        self.pump();
    }

    /// Lets all trouble end and everything arrive.
    fn settle(&mut self) {
        self.act(Action::CacheBreaks(Broken::No));
        // What was refused on the first connection is tried again on the second.
        for _ in 0..2 {
            self.act(Action::Connect(4));
            for round in 0..400 {
                self.act(Action::Pass(300));
                self.act(Action::Cache(10));
                self.act(Action::Answer(10));
                let quiet = self.wire.is_empty() && self.jobs.is_empty();
                if round >= 10 && quiet && self.core.window_bytes() == 0 && !self.core.has_backlog()
                {
                    break;
                }
            }
        }
    }

    fn check_nothing_lost_in_silence(&self) {
        for name in &self.sealed {
            assert!(
                self.answered.contains(name) || self.gaps.contains(name),
                "{name:?} is neither delivered nor told as lost"
            );
        }
        assert_eq!(self.core.window_bytes(), 0, "memory is given back");
        assert_eq!(self.cache.stats().entries, 0, "the cache is empty");
        let c = self.core.counts;
        assert_eq!(c.sealed, self.sealed.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_nothing_is_lost_in_silence_or_reordered(
        actions in proptest::collection::vec(action(), 1..120),
        window in prop_oneof![Just(2000_usize), Just(1 << 20)],
    ) {
        let mut world = World::new(window);
        for a in actions {
            world.act(a);
        }
        world.settle();
        world.check_nothing_lost_in_silence();
    }

    /// The promise of two seconds, with a disk that takes half a second for each commit.
    #[test]
    fn unacknowledged_batches_are_durable_two_seconds_after_sealing(
        gaps in proptest::collection::vec(0..400_u64, 1..60),
        online in any::<bool>(),
    ) {
        let mut world = World::new(1 << 20);
        if online {
            world.act(Action::Connect(5));
        }
        let mut sealed_at: Vec<Duration> = Vec::new();
        let mut commit: Option<Duration> = None;
        let mut due = gaps.iter().scan(0, |t, g| { *t += g; Some(*t) }).peekable();
        let mut ms = 0;
        while due.peek().is_some() || ms < gaps.iter().sum::<u64>() + 3000 {
            world.now = MS * u32::try_from(ms).unwrap();
            while due.next_if(|t| *t == ms).is_some() {
                world.act(Action::Seal(0));
                sealed_at.push(world.now);
            }
            if commit.is_some_and(|start| world.now >= start + 500 * MS) {
                commit = None;
                world.cache_works();
            } else if ms % 100 == 0 {
                world.pump();
            }
            // Reads and removals take their time too, but not the disk's.
            while matches!(world.jobs.front(), Some(Job::Read(_) | Job::Remove(_))) {
                world.cache_works();
            }
            if commit.is_none() && !world.jobs.is_empty() {
                commit = Some(world.now);
            }
            let durable = world.cache.stats().entries;
            let owed = sealed_at.iter().filter(|t| world.now.saturating_sub(**t) >= 2000 * MS);
            prop_assert!(durable >= owed.count() as u64, "at {ms} ms only {durable} durable");
            ms += 1;
        }
    }

    #[test]
    fn nothing_is_written_while_acknowledgements_come_within_a_second(
        delays in proptest::collection::vec(1..950_u64, 1..40),
    ) {
        let mut world = World::new(1 << 20);
        world.act(Action::Connect(64));
        let mut answers: BTreeMap<u64, usize> = BTreeMap::new();
        let mut last = 0;
        for (i, delay) in delays.iter().enumerate() {
            // The broker answers in order.
            last = (i as u64 * 50 + delay).max(last);
            *answers.entry(last).or_default() += 1;
        }
        for ms in 0..=last {
            world.now = MS * u32::try_from(ms).unwrap();
            if ms % 50 == 0 && (ms / 50) < delays.len() as u64 {
                world.act(Action::Seal(0));
            }
            if let Some(n) = answers.get(&ms) {
                world.act(Action::Answer(*n));
            }
            world.pump();
            prop_assert!(!world.jobs.iter().any(|j| matches!(j, Job::Append(_))), "at {ms} ms");
        }
        prop_assert_eq!(world.core.counts.delivered, delays.len() as u64);
    }
}

#[test]
fn live_batches_pass_the_backlog() {
    let mut world = World::new(1 << 20);
    (0..50).for_each(|_| world.act(Action::Seal(0)));
    world.act(Action::Pass(1500));
    world.act(Action::Cache(1));
    assert_eq!(world.cache.stats().entries, 50);
    world.act(Action::Connect(8));
    world.act(Action::Cache(5));
    assert_eq!(world.wire.len(), 6, "history leaves a quarter of the quota to what is live");
    world.act(Action::Seal(0));
    let ((_, seq), history) = World::parse(world.wire.back().unwrap());
    assert_eq!((seq, history), (51, false), "at once, beside the backlog");
}

#[test]
fn a_refused_batch_is_told_and_tried_again_on_the_next_connection() {
    let mut world = World::new(1 << 20);
    world.act(Action::Connect(8));
    world.act(Action::Seal(0));
    world.act(Action::Refuse(1));
    assert_eq!(world.events, 1, "told");
    assert_eq!((world.core.counts.refused, world.core.counts.delivered), (1, 0));
    world.act(Action::Cache(5));
    assert_eq!(world.cache.stats().entries, 1, "kept");
    for _ in 0..10 {
        world.act(Action::Pass(5000));
        world.act(Action::Cache(5));
    }
    assert!(world.wire.is_empty(), "not tried again and again");
    world.act(Action::Connect(8));
    world.act(Action::Cache(5));
    assert_eq!(world.wire.len(), 1);
    world.settle();
    world.check_nothing_lost_in_silence();
}

#[test]
fn refused_batches_get_another_try_on_a_connection_that_lasts() {
    let mut world = World::new(1 << 20);
    world.act(Action::Connect(8));
    world.act(Action::Seal(0));
    world.act(Action::Refuse(1));
    world.act(Action::Cache(5));
    world.act(Action::Pass(599_000));
    world.act(Action::Cache(5));
    assert!(world.wire.is_empty());
    world.act(Action::Pass(2_000));
    world.act(Action::Cache(5));
    assert_eq!(world.wire.len(), 1);
}

#[test]
fn a_message_larger_than_the_broker_takes_is_set_aside_alone() {
    let mut world = World::new(1 << 20);
    world.core.connected(world.now, Online { quota: 8, packet_max: 300 });
    let huge = Bytes::from(format!("{{\"seq\":1,\"pad\":\"{:>500}\"}}", ""));
    world.core.seal(world.now, 0, 1, 0, huge);
    world.act(Action::Seal(0));
    assert_eq!(world.wire.len(), 1, "the next one is not held up");
    assert_eq!(World::parse(&world.wire[0]).0.1, 2);
    assert_eq!(world.core.counts.refused, 1);
}

#[test]
fn without_disk_the_oldest_goes_first_and_the_gap_is_told_when_it_can_be() {
    let mut world = World::new(2000);
    world.act(Action::CacheBreaks(Broken::Full));
    for _ in 0..100 {
        world.act(Action::Seal(0));
        world.act(Action::Pass(100));
        world.act(Action::Cache(1));
    }
    assert!(world.core.window_bytes() <= 2000);
    assert!(world.gaps.is_empty(), "nobody could hear it");
    world.settle();
    assert!(world.gaps.contains(&("data/0".into(), 1)), "the oldest went");
    assert!(!world.gaps.contains(&("data/0".into(), 100)), "the youngest stayed");
    world.check_nothing_lost_in_silence();
}

#[test]
fn a_connection_without_any_answer_is_given_up() {
    let mut world = World::new(1 << 20);
    world.act(Action::Connect(8));
    world.act(Action::Seal(0));
    world.act(Action::Pass(29_000));
    assert!(!world.core.is_stalled(world.now));
    world.act(Action::Pass(2_000));
    assert!(world.core.is_stalled(world.now));
    world.act(Action::Answer(1));
    assert!(!world.core.is_stalled(world.now));
}
