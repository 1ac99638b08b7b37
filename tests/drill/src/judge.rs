//! Holds what arrived against what the plant answered and what the gateway promises:
//!
//! - a broker that is away loses nothing; a kill or a power cut loses at most the answers of the
//!   last 2 s before it, and those that came while the gateway was not running;
//! - every number that is missing is told: behind the last safe number of a `restart`, or in a
//!   `gap`; no number up to a safe one is missing;
//! - live messages and the backlog are each in order on first delivery, and live ones pass the
//!   backlog;
//! - a repeat is the same message again, and no count comes under two numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::message::{Delivery, Told};

/// What a kill may cost, ms before it.
pub const WINDOW_MS: u64 = 2000;
/// How far back a standstill of the machine before a kill may have kept answers from the disk, ms.
const STANDSTILL_MS: u64 = 10_000;
/// Faults of one kind that are printed with their particulars.
const PARTICULARS_MAX: usize = 4;

/// A count the plant gave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The count.
    pub count: u32,
    /// When, ms since 1970 UTC.
    pub wall_ms: u64,
}

/// An end of the gateway that it did not see coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// When, ms since 1970 UTC.
    pub at_ms: u64,
    /// When it was started again, ms since 1970 UTC.
    pub back_ms: u64,
    /// Whether the machine kept its side: neither disk nor scheduler stood still for more than
    /// half a second before the kill. Without that nothing is promised.
    pub fair: bool,
}

/// All that a verdict rests on.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What the plant gave out, by stream.
    pub answered: BTreeMap<String, Vec<Answer>>,
    /// What arrived, in order of arrival.
    pub deliveries: Vec<Delivery>,
    /// Kills and power cuts, in order.
    pub kills: Vec<Kill>,
    /// Returns of the broker after which a backlog is owed, ms since 1970 UTC.
    pub returns_ms: Vec<u64>,
}

/// What became of one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// `data/{device}`, or `event`.
    pub stream: String,
    /// Counts given out.
    pub answered: usize,
    /// Of these, arrived.
    pub delivered: usize,
    /// Different messages that came.
    pub messages: usize,
    /// Of these, first as backlog.
    pub backlog: usize,
    /// Lost within the window of a kill.
    pub lost_allowed: usize,
    /// Lost before a kill of which nothing is promised, see [`Kill::fair`].
    pub lost_unjudged: usize,
    /// Lost against the promise.
    pub lost: usize,
    /// Messages that came again.
    pub repeated: usize,
    /// Messages that first came after a younger one of their kind.
    pub misordered: usize,
}

/// The outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// By stream.
    pub rows: Vec<Row>,
    /// Everything against the promise; empty when it was kept.
    pub faults: Vec<String>,
    /// Worth knowing, no fault.
    pub remarks: Vec<String>,
}

/// Judges.
#[must_use]
pub fn judge(evidence: &Evidence) -> Judgement {
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    let streams: BTreeSet<&str> = evidence
        .answered
        .keys()
        .chain(evidence.deliveries.iter().map(|d| &d.stream))
        .map(String::as_str)
        .collect();
    for stream in streams {
        let arrived: Vec<&Delivery> =
            evidence.deliveries.iter().filter(|d| d.stream == stream).collect();
        let mut row = Row { stream: stream.to_owned(), ..Row::default() };
        deliveries(&mut row, &arrived, &mut faults);
        let answered = evidence.answered.get(stream).map_or(&[][..], Vec::as_slice);
        counts(&mut row, &arrived, answered, &evidence.kills, &mut faults);
        rows.push(row);
    }
    numbers(&evidence.deliveries, &mut faults);
    let mut remarks = Vec::new();
    for at_ms in &evidence.returns_ms {
        live_passes(&evidence.deliveries, *at_ms, &mut faults, &mut remarks);
    }
    let unfair = evidence.kills.iter().filter(|k| !k.fair).count();
    if unfair > 0 {
        let all = evidence.kills.len();
        remarks.push(format!(
            "{unfair} of {all} kills not judged: the machine or its disk stood still before them"
        ));
    }
    Judgement { rows, faults, remarks }
}

/// Adds the particulars of one kind of fault, shortened.
fn blame(faults: &mut Vec<String>, what: &str, particulars: &[String]) {
    if particulars.is_empty() {
        return;
    }
    let shown = particulars.iter().take(PARTICULARS_MAX).cloned().collect::<Vec<_>>().join("; ");
    let more = if particulars.len() > PARTICULARS_MAX { "; …" } else { "" };
    faults.push(format!("{} {what}: {shown}{more}", particulars.len()));
}

/// Age of a number: the counter of its boot, then the number.
fn age(boot: &str, seq: u64) -> (u64, u64) {
    let counter = boot.split('-').next().and_then(|c| c.parse().ok()).unwrap_or(0);
    (counter, seq)
}

/// Repeats and order of one stream.
fn deliveries(row: &mut Row, arrived: &[&Delivery], faults: &mut Vec<String>) {
    let mut known: HashMap<(&str, u64), u64> = HashMap::new();
    let mut latest = [(0, 0); 2]; // live, backlog
    let (mut reused, mut misordered) = (Vec::new(), Vec::new());
    for d in arrived {
        let name = format!("{} {} {}", row.stream, d.boot, d.seq);
        if let Some(content) = known.get(&(d.boot.as_str(), d.seq)) {
            row.repeated += 1;
            if *content != d.content {
                reused.push(name);
            }
            continue;
        }
        known.insert((&d.boot, d.seq), d.content);
        row.messages += 1;
        row.backlog += usize::from(d.hist);
        let (latest, age) = (&mut latest[usize::from(d.hist)], age(&d.boot, d.seq));
        if age < *latest {
            row.misordered += 1;
            misordered.push(format!("{name} after {}-… {}", latest.0, latest.1));
        }
        *latest = age.max(*latest);
    }
    blame(faults, "numbers used for two messages", &reused);
    blame(faults, "messages out of order", &misordered);
}

/// Counts of one stream: which never came, and whether they were allowed to.
fn counts(
    row: &mut Row,
    arrived: &[&Delivery],
    answered: &[Answer],
    kills: &[Kill],
    faults: &mut Vec<String>,
) {
    let mut carrier: HashMap<u32, (&str, u64)> = HashMap::new();
    let (mut doubled, mut lost) = (Vec::new(), Vec::new());
    for d in arrived {
        for count in &d.counts {
            let id = (d.boot.as_str(), d.seq);
            if *carrier.entry(*count).or_insert(id) != id {
                doubled.push(format!("{} {count}", row.stream));
            }
        }
    }
    let given: BTreeSet<u32> = answered.iter().map(|a| a.count).collect();
    let mut invented: Vec<&u32> = carrier.keys().filter(|c| !given.contains(c)).collect();
    invented.sort_unstable();
    let invented: Vec<String> =
        invented.iter().map(|count| format!("{} {count}", row.stream)).collect();
    row.answered = answered.len();
    for answer in answered {
        if carrier.contains_key(&answer.count) {
            row.delivered += 1;
            continue;
        }
        match allowance(*answer, kills) {
            Allowance::Window => row.lost_allowed += 1,
            Allowance::Unjudged => row.lost_unjudged += 1,
            Allowance::None { next_kill_s } => {
                row.lost += 1;
                let before = next_kill_s
                    .map_or_else(String::new, |s| format!(", {s:.1} s before the next kill"));
                lost.push(format!("{} {}{before}", row.stream, answer.count));
            }
        }
    }
    blame(faults, "answers lost", &lost);
    blame(faults, "counts under two numbers", &doubled);
    blame(faults, "counts that the plant never gave", &invented);
}

enum Allowance {
    Window,
    Unjudged,
    None { next_kill_s: Option<f64> },
}

fn allowance(answer: Answer, kills: &[Kill]) -> Allowance {
    let t = answer.wall_ms;
    if kills.iter().any(|k| (k.at_ms.saturating_sub(WINDOW_MS)..=k.back_ms).contains(&t)) {
        return Allowance::Window;
    }
    match kills.iter().find(|k| t <= k.at_ms) {
        Some(next) if !next.fair && next.at_ms - t <= STANDSTILL_MS => Allowance::Unjudged,
        next => Allowance::None { next_kill_s: next.map(|k| (k.at_ms - t) as f64 / 1000.0) },
    }
}

/// Numbers by stream and boot, over everything that arrived: is each missing one told?
fn numbers(deliveries: &[Delivery], faults: &mut Vec<String>) {
    let mut seen: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
    let mut safe: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    let mut gaps: Vec<(&str, &str, u64, u64)> = Vec::new();
    let mut starts_told: BTreeSet<&str> = BTreeSet::new();
    for d in deliveries {
        seen.entry((&d.stream, &d.boot)).or_default().insert(d.seq);
        for told in &d.told {
            match told {
                Told::Restart { before, last } => {
                    starts_told.insert(&d.boot);
                    let Some(before) = before else { continue };
                    ended.insert(before);
                    for (stream, seq) in last {
                        let safe = safe.entry((stream, before)).or_default();
                        *safe = (*safe).max(*seq);
                    }
                }
                Told::Gap { stream, boot, first, last } => gaps.push((stream, boot, *first, *last)),
            }
        }
    }
    let all: BTreeSet<(&str, &str)> = seen.keys().chain(safe.keys()).copied().collect();
    let (none, mut broken, mut untold) = (BTreeSet::new(), Vec::new(), Vec::new());
    for (stream, boot) in all {
        let seen = seen.get(&(stream, boot)).unwrap_or(&none);
        let safe = safe.get(&(stream, boot)).copied().unwrap_or(0);
        for n in 1..=safe.max(seen.last().copied().unwrap_or(0)) {
            let in_gap = gaps
                .iter()
                .any(|(s, b, f, l)| (*s, *b) == (stream, boot) && (*f..=*l).contains(&n));
            if seen.contains(&n) || in_gap {
                continue;
            }
            if n <= safe {
                broken.push(format!("{stream} {boot} {n}, safe up to {safe}"));
            } else if !ended.contains(boot) {
                untold.push(format!("{stream} {boot} {n}"));
            }
        }
    }
    blame(faults, "numbers told safe never came", &broken);
    blame(faults, "missing numbers not told", &untold);
    let boots: BTreeSet<&str> = deliveries.iter().map(|d| d.boot.as_str()).collect();
    let newest = boots.iter().max_by_key(|boot| age(boot, 0));
    if let Some(newest) = newest.filter(|boot| !starts_told.contains(**boot)) {
        faults.push(format!("the start of run {newest} was not told"));
    }
}

/// After the broker is back, is something live delivered before the backlog is through?
fn live_passes(
    deliveries: &[Delivery],
    at_ms: u64,
    faults: &mut Vec<String>,
    remarks: &mut Vec<String>,
) {
    let after: Vec<&Delivery> =
        deliveries.iter().filter(|d| d.at_ms >= at_ms && !d.counts.is_empty()).collect();
    let Some(end) = after.iter().rposition(|d| d.hist) else {
        faults.push("the broker came back and no backlog came".into());
        return;
    };
    let live = after[..end].iter().filter(|d| !d.hist).count();
    if live == 0 {
        faults.push(format!("{} messages of backlog came before anything live", end + 1));
    } else {
        let backlog = end + 1 - live;
        remarks.push(format!("{live} live messages passed a backlog of {backlog}"));
    }
}

#[cfg(test)]
mod tests;
