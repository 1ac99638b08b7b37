//! A GPIO chip as a [`Driver`].

use super::chip::{Chip, Edge, Kernel, Lines};
use super::counts::{self, Counts, Found, Keeper, SAVE_EVERY};
use super::{DeviceSpec, Pin, PointSpec};
use crate::SpecProblem;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use wellhead_driver::{
    DeviceError, Driver, Group, Line, Notice, Outcome, Raw, Readback, Readings, Write,
};
use wellhead_model::PointIndex;

/// Lines that the kernel hands out in one request.
const LINES_MAX: usize = 64;
/// Longest debounce that the kernel can be asked for.
const DEBOUNCE_MAX: Duration = Duration::from_micros(u32::MAX as u64);

/// What is wrong with a specification; empty if nothing.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    if spec.points.len() > LINES_MAX {
        let count = spec.points.len();
        let message = format!("{count} lines; the kernel gives {LINES_MAX} at once");
        let zh = format!("{count} 条线；内核一次最多给 {LINES_MAX} 条");
        problems.push(SpecProblem::new(None, "points", message, zh));
    }
    let mut taken = BTreeMap::new();
    for point in &spec.points {
        let mut wrong = |key, message, zh| {
            problems.push(SpecProblem::new(Some(&point.name), key, message, zh));
        };
        if let Some(other) = taken.insert(point.line, &point.name) {
            let message = format!("line {} is `{other}` already", point.line);
            wrong("pin", message, format!("线 {} 已是 `{other}`", point.line));
        }
        if point.period.is_zero() {
            let message = "it would be read without a pause".into();
            wrong("period", message, "会不停顿地读取".into());
        }
        if let Pin::Input { debounce, .. } | Pin::Counter { debounce, .. } = point.pin
            && debounce > DEBOUNCE_MAX
        {
            let message = "the kernel waits 71 minutes at most".into();
            wrong("debounce", message, "内核最多等待 71 分钟".into());
        }
    }
    problems
}

/// The lines of one chip that are ours.
pub struct GpioDriver {
    pins: Pins<Kernel>,
}

impl GpioDriver {
    /// A driver that takes its lines with the first poll or write.
    pub fn new(spec: DeviceSpec) -> Self {
        Self { pins: Pins::new(spec, Kernel) }
    }
}

impl Driver for GpioDriver {
    fn groups(&self) -> &[Group] {
        &self.pins.groups
    }

    async fn poll(
        &mut self,
        _line: &mut Line,
        group: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        self.pins.poll(group, out)
    }

    async fn write(&mut self, _line: &mut Line, write: &Write) -> Result<Readback, DeviceError> {
        self.pins.write(write)
    }

    async fn unasked(&mut self, out: &mut Readings) {
        self.pins.unasked(out).await;
    }
}

/// A counter while it counts.
#[derive(Debug)]
struct Counter {
    /// Its place in the specification.
    point: usize,
    count: u64,
    /// Number of the last edge that was counted.
    last: u32,
}

/// The driver over any chip.
pub(super) struct Pins<C: Chip> {
    spec: DeviceSpec,
    groups: Vec<Group>,
    chip: C,
    lines: Option<C::Lines>,
    counters: Vec<Counter>,
    /// All that the file holds, other points' counts too.
    file: Option<Counts>,
    keeper: Option<Keeper>,
    /// When counts were handed over for writing; set by the first pulse after that.
    save_at: Option<Instant>,
    /// Counts can't be written at present.
    unsaved: bool,
    /// Edges that were taken and not yet told. Reused.
    edges: Vec<Edge>,
    /// What the next poll tells.
    notices: Vec<Notice>,
}

impl<C: Chip> Pins<C> {
    pub(super) fn new(spec: DeviceSpec, chip: C) -> Self {
        let mut periods: BTreeMap<Duration, Vec<PointIndex>> = BTreeMap::new();
        for point in &spec.points {
            periods.entry(point.period).or_default().push(point.index);
        }
        let groups = periods.into_iter().map(|(period, points)| Group { period, points }).collect();
        Self {
            spec,
            groups,
            chip,
            lines: None,
            counters: Vec::new(),
            file: None,
            keeper: None,
            save_at: None,
            unsaved: false,
            edges: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Takes the lines if they are not ours yet, and reads the counts before the first pulse.
    fn open(&mut self) -> Result<(), DeviceError> {
        if self.lines.is_some() {
            return Ok(());
        }
        let lines = self.chip.open(&self.spec).map_err(|error| self.unreachable(error))?;
        if self.file.is_none() && self.counted().next().is_some() {
            self.load().map_err(|error| DeviceError::Unreachable {
                target: self.spec.counts.display().to_string(),
                error: error.to_string(),
            })?;
        }
        for counter in &mut self.counters {
            counter.last = 0;
        }
        self.lines = Some(lines);
        Ok(())
    }

    fn counted(&self) -> impl Iterator<Item = (usize, &PointSpec)> {
        let points = self.spec.points.iter().enumerate();
        points.filter(|(_, p)| matches!(p.pin, Pin::Counter { .. }))
    }

    fn load(&mut self) -> std::io::Result<()> {
        let path = &self.spec.counts;
        let counts = match counts::load(path)? {
            Found::Counts(counts) => counts,
            Found::Damaged(aside) => {
                let text = format!(
                    "{}: {} was damaged and is now {}; counting starts from 0",
                    self.spec.name,
                    path.display(),
                    aside.display()
                );
                self.notices.push(Notice { code: "counts_lost", text });
                Counts::new()
            }
        };
        let counter = |(i, p): (usize, &PointSpec)| Counter {
            point: i,
            count: counts.get(&p.name).copied().unwrap_or(0),
            last: 0,
        };
        self.counters = self.counted().map(counter).collect();
        self.keeper = Some(Keeper::start(path.clone())?);
        self.file = Some(counts);
        Ok(())
    }

    fn unreachable(&self, error: String) -> DeviceError {
        DeviceError::Unreachable { target: self.spec.chip.display().to_string(), error }
    }

    /// Lets go of a chip that failed; the next poll takes it again.
    fn lost(&mut self, error: String) -> DeviceError {
        self.lines = None;
        self.edges.clear();
        self.unreachable(error)
    }

    /// Takes the edges that wait: pulses are counted, edges of contacts stay in `edges`.
    fn take_edges(&mut self) -> Result<(), String> {
        let Some(lines) = &self.lines else { return Ok(()) };
        let old = self.edges.len();
        lines.take_edges(&mut self.edges)?;
        let mut pulses = 0;
        for edge in self.edges.get(old..).unwrap_or_default() {
            let of = |c: &&mut Counter| self.spec.points[c.point].line == edge.line;
            if let Some(counter) = self.counters.iter_mut().find(of) {
                // By its number: edges that the kernel had no room to keep are counted too.
                let new = u64::from(edge.number.wrapping_sub(counter.last));
                counter.count = counter.count.saturating_add(new);
                counter.last = edge.number;
                pulses += new;
            }
        }
        let counters = &self.counters;
        let points = &self.spec.points;
        self.edges.retain(|e| counters.iter().all(|c| points[c.point].line != e.line));
        if pulses > 0 && self.save_at.is_none() {
            self.save_at = Some(Instant::now() + SAVE_EVERY);
        }
        Ok(())
    }

    /// Tells the edges that were taken.
    fn tell_edges(&mut self, out: &mut Readings) {
        for edge in self.edges.drain(..) {
            if let Some(point) = self.spec.points.iter().find(|p| p.line == edge.line) {
                let outcome = point.conversion.outcome(Raw::Bool(edge.active));
                out.outcomes.push((point.index, outcome));
            }
        }
    }

    /// Hands the counts over for writing once their time has come, and tells what came of it.
    fn save(&mut self, now: bool, notices: &mut Vec<Notice>) {
        let due = self.save_at.is_some_and(|at| now || at <= Instant::now());
        if let (true, Some(keeper), Some(file)) = (due, &self.keeper, &mut self.file) {
            for counter in &self.counters {
                file.insert(self.spec.points[counter.point].name.clone(), counter.count);
            }
            keeper.keep(file.clone());
            self.save_at = None;
        }
        let Some(keeper) = &self.keeper else { return };
        for result in keeper.results() {
            let (code, text) = match (result, self.unsaved) {
                (Ok(()), false) => continue,
                (Err(error), was) => {
                    self.save_at = Some(Instant::now() + SAVE_EVERY);
                    if was {
                        continue;
                    }
                    ("counts_not_kept", format!("can't be written: {error}"))
                }
                (Ok(()), true) => ("counts_kept", "is written again".into()),
            };
            self.unsaved = code == "counts_not_kept";
            let text = format!("{}: {} {text}", self.spec.name, self.spec.counts.display());
            notices.push(Notice { code, text });
        }
    }

    /// What a point reads now.
    fn read(&self, at: usize) -> Result<Outcome, String> {
        let point = &self.spec.points[at];
        if let Some(counter) = self.counters.iter().find(|c| c.point == at) {
            return Ok(point.conversion.outcome(Raw::UInt(counter.count)));
        }
        match &self.lines {
            Some(lines) => Ok(point.conversion.outcome(Raw::Bool(lines.level(point.line)?))),
            None => Err("not open".into()),
        }
    }

    fn position(&self, index: PointIndex) -> Option<usize> {
        self.spec.points.iter().position(|p| p.index == index)
    }

    fn read_group(&mut self, group: usize, out: &mut Readings) -> Result<(), String> {
        // Before the levels, so that an edge is never told after what it led to.
        self.take_edges()?;
        self.tell_edges(out);
        let Some(group) = self.groups.get(group) else { return Ok(()) };
        for index in &group.points {
            let Some(at) = self.position(*index) else { continue };
            out.outcomes.push((*index, self.read(at)?));
        }
        Ok(())
    }
}

impl<C: Chip> Pins<C> {
    pub(super) fn poll(&mut self, group: usize, out: &mut Readings) -> Result<(), DeviceError> {
        self.open()?;
        out.notices.append(&mut self.notices);
        let before = out.outcomes.len();
        if let Err(error) = self.read_group(group, out) {
            out.outcomes.truncate(before);
            return Err(self.lost(error));
        }
        self.save(false, &mut out.notices);
        Ok(())
    }

    pub(super) fn write(&mut self, write: &Write) -> Result<Readback, DeviceError> {
        let fail = |why: String| Err(DeviceError::Unencodable(why));
        let Some(at) = self.position(write.point) else {
            return fail(format!("`{}` has no point number {}", self.spec.name, write.point.0));
        };
        let point = &self.spec.points[at];
        if !matches!(point.pin, Pin::Relay { .. }) {
            return fail(format!("{}: `{}` is no relay", self.spec.name, point.name));
        }
        let on = match point.conversion.raw(&write.value)? {
            Raw::Bool(on) => on,
            Raw::Int(i @ (0 | 1)) => i == 1,
            Raw::UInt(u @ (0 | 1)) => u == 1,
            other => {
                let name = &point.name;
                return fail(format!("{}: `{name}` is on or off, not {other:?}", self.spec.name));
            }
        };
        let (line, conversion) = (point.line, point.conversion.clone());
        self.open()?;
        let Some(lines) = &self.lines else { return Err(self.unreachable("not open".into())) };
        let shown = lines.set(line, on).and_then(|()| lines.level(line));
        match shown {
            Err(error) => Err(self.lost(error)),
            Ok(_) if !write.readback => Ok(Readback::Acknowledged),
            Ok(level) => Ok(Readback::Read(conversion.outcome(Raw::Bool(level)))),
        }
    }

    pub(super) async fn unasked(&mut self, out: &mut Readings) {
        loop {
            // Nothing is taken before the wait is over, and nothing is awaited once it is.
            let taken = match wait(self.lines.as_ref(), self.save_at).await {
                Ok(()) => self.take_edges(),
                Err(error) => Err(error),
            };
            self.tell_edges(out);
            self.save(false, &mut out.notices);
            if let Err(error) = taken {
                let reason = self.lost(error).reason();
                let all = self.spec.points.iter().map(|p| (p.index, Outcome::Bad(reason)));
                out.outcomes.extend(all);
            }
            if !out.outcomes.is_empty() || !out.notices.is_empty() {
                return;
            }
        }
    }
}

/// Waits for an edge, or until counts are to be saved; for neither if nothing is open. Apart from
/// the rest, so that a task may wait with the driver that nobody else looks into.
async fn wait(lines: Option<&impl Lines>, save_at: Option<Instant>) -> Result<(), String> {
    let Some(lines) = lines else { return std::future::pending().await };
    match save_at {
        None => lines.edges_wait().await,
        Some(at) => tokio::select! {
            waited = lines.edges_wait() => waited,
            () = sleep_until(at) => Ok(()),
        },
    }
}

impl<C: Chip> Drop for Pins<C> {
    /// Relays go to their safe state, then the counts are written, then the lines are given back:
    /// who opens them next reads counts that are complete.
    fn drop(&mut self) {
        if let Err(error) = self.take_edges() {
            tracing::warn!(device = self.spec.name, error, "Last pulses were not counted");
        }
        self.save(true, &mut Vec::new());
        for point in &self.spec.points {
            if let (Pin::Relay { safe }, Some(lines)) = (point.pin.clone(), &self.lines)
                && let Err(error) = lines.set(point.line, safe)
            {
                let point = &point.name;
                tracing::error!(device = self.spec.name, point, error, "Relay not made safe");
            }
        }
        self.keeper = None;
    }
}
