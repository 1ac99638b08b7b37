//! The driver over a chip in memory, since a kernel need not offer a simulated one; and over the
//! kernel's `gpio-sim` where there is one.

use super::chip::{Chip, Edge, Lines};
use super::counts::SAVE_EVERY;
use super::driver::{Pins, check};
use super::{Bias, DeviceSpec, Pin, PointSpec};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use wellhead_driver::{Conversion, DeviceError, Outcome, Readback, Readings, Write};
use wellhead_model::{PointIndex, Reason, Value};

const STOP: u32 = 4;
const RELAY: u32 = 17;
const METER: u32 = 27;
/// Edges that the chip in memory keeps, like the kernel dropping the oldest.
const KEPT_MAX: usize = 8;

#[derive(Default)]
struct State {
    gone: bool,
    levels: BTreeMap<u32, bool>,
    numbers: BTreeMap<u32, u32>,
    edges: Vec<Edge>,
    counted: Vec<u32>,
}

/// A chip in memory, and the hand that turns its lines.
#[derive(Clone, Default)]
struct Board {
    state: Arc<Mutex<State>>,
    edge: Arc<Notify>,
}

impl Board {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Turns an input, as the contact would.
    fn turn(&self, line: u32, active: bool) {
        self.with(|s| {
            s.levels.insert(line, active);
            if s.counted.contains(&line) && !active {
                return; // Counters ask for rising edges only.
            }
            let number = s.numbers.entry(line).or_default();
            *number = number.wrapping_add(1);
            let edge = Edge { line, active, number: *number };
            s.edges.push(edge);
            if s.edges.len() > KEPT_MAX {
                s.edges.remove(0);
            }
        });
        self.edge.notify_one();
    }

    fn pulses(&self, line: u32, count: u32) {
        for _ in 0..count {
            self.turn(line, true);
            self.turn(line, false);
        }
    }

    fn level(&self, line: u32) -> Option<bool> {
        self.with(|s| s.levels.get(&line).copied())
    }

    fn lose(&self, gone: bool) {
        self.with(|s| s.gone = gone);
        self.edge.notify_one();
    }
}

impl Chip for Board {
    type Lines = Board;

    fn open(&mut self, spec: &DeviceSpec) -> Result<Board, String> {
        self.with(|s| {
            if s.gone {
                return Err("no such chip".to_owned());
            }
            s.numbers.clear();
            s.edges.clear();
            for point in &spec.points {
                match point.pin {
                    Pin::Relay { safe } => s.levels.insert(point.line, safe),
                    _ => s.levels.insert(point.line, false),
                };
            }
            let counter = |p: &&PointSpec| matches!(p.pin, Pin::Counter { .. });
            s.counted = spec.points.iter().filter(counter).map(|p| p.line).collect();
            Ok(())
        })?;
        Ok(self.clone())
    }
}

impl Lines for Board {
    fn level(&self, line: u32) -> Result<bool, String> {
        self.with(|s| match s.gone {
            true => Err("gone".into()),
            false => s.levels.get(&line).copied().ok_or("no such line".into()),
        })
    }

    fn set(&self, line: u32, active: bool) -> Result<(), String> {
        Lines::level(self, line)?;
        self.with(|s| s.levels.insert(line, active));
        Ok(())
    }

    fn take_edges(&self, out: &mut Vec<Edge>) -> Result<(), String> {
        self.with(|s| out.append(&mut s.edges));
        Ok(())
    }

    async fn edges_wait(&self) -> Result<(), String> {
        loop {
            let (gone, waits) = self.with(|s| (s.gone, !s.edges.is_empty()));
            match (gone, waits) {
                (true, _) => return Err("gone".into()),
                (false, true) => return Ok(()),
                (false, false) => self.edge.notified().await,
            }
        }
    }
}

fn point(index: u32, name: &str, line: u32, pin: Pin) -> PointSpec {
    let conversion = Conversion::default();
    let period = Duration::from_secs(1);
    PointSpec {
        index: PointIndex(index),
        name: name.into(),
        line,
        active_low: false,
        pin,
        conversion,
        period,
    }
}

fn spec(folder: &Path) -> DeviceSpec {
    let (bias, debounce) = (Bias::PullUp, Duration::from_millis(5));
    DeviceSpec {
        name: "contacts".into(),
        chip: "/dev/gpiochip0".into(),
        counts: folder.join("contacts.counts"),
        points: vec![
            point(0, "stop", STOP, Pin::Input { bias, debounce }),
            point(1, "pump", RELAY, Pin::Relay { safe: true }),
            point(2, "meter", METER, Pin::Counter { bias, debounce }),
        ],
    }
}

struct Rig {
    board: Board,
    pins: Pins<Board>,
    folder: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        Self::on(Board::default(), tempfile::tempdir().unwrap())
    }

    fn on(board: Board, folder: tempfile::TempDir) -> Self {
        let pins = Pins::new(spec(folder.path()), board.clone());
        Self { board, pins, folder }
    }

    /// One poll, by index, with the edges told before it.
    fn poll(&mut self) -> Result<Readings, DeviceError> {
        let mut readings = Readings::default();
        self.pins.poll(0, &mut readings).map(|()| readings)
    }

    fn count(&mut self) -> Outcome {
        let readings = self.poll().unwrap();
        readings.outcomes.into_iter().rfind(|(i, _)| i.0 == 2).unwrap().1
    }

    async fn unasked(&mut self) -> Readings {
        let mut readings = Readings::default();
        self.pins.unasked(&mut readings).await;
        readings
    }

    /// What a start after this finds.
    fn again(self) -> Self {
        let Self { board, pins, folder } = self;
        drop(pins);
        Self::on(board, folder)
    }
}

fn told(readings: &Readings, index: u32) -> Vec<Outcome> {
    let of = readings.outcomes.iter().filter(|(i, _)| i.0 == index);
    of.map(|(_, outcome)| outcome.clone()).collect()
}

fn good(value: bool) -> Outcome {
    Outcome::Good(Value::Bool(value))
}

fn pulses(n: i64) -> Outcome {
    Outcome::Good(Value::Int(n))
}

fn set(value: bool) -> Write {
    Write { point: PointIndex(1), value: Value::Bool(value), readback: true }
}

#[tokio::test(start_paused = true)]
async fn an_edge_is_told_at_once_and_the_next_poll_agrees() {
    let mut rig = Rig::new();
    assert_eq!(told(&rig.poll().unwrap(), 0), [good(false)]);
    rig.board.turn(STOP, true);
    assert_eq!(rig.unasked().await.outcomes, [(PointIndex(0), good(true))]);
    assert_eq!(told(&rig.poll().unwrap(), 0), [good(true)]);
}

#[tokio::test(start_paused = true)]
async fn a_contact_that_came_and_went_before_anyone_looked_is_told_both_ways() {
    let mut rig = Rig::new();
    rig.poll().unwrap();
    rig.board.turn(STOP, true);
    rig.board.turn(STOP, false);
    assert_eq!(told(&rig.unasked().await, 0), [good(true), good(false)]);
    rig.board.turn(STOP, true);
    rig.board.turn(STOP, false);
    let poll = rig.poll().unwrap();
    assert_eq!(told(&poll, 0), [good(true), good(false), good(false)], "edges, then the level");
}

#[tokio::test(start_paused = true)]
async fn dropping_the_wait_loses_no_edge() {
    let mut rig = Rig::new();
    rig.poll().unwrap();
    for active in [true, false, true] {
        let waited = tokio::time::timeout(Duration::from_secs(5), rig.unasked()).await;
        assert!(waited.is_err(), "nothing happened yet");
        rig.board.turn(STOP, active);
        assert_eq!(told(&rig.unasked().await, 0), [good(active)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_relay_is_safe_from_opening_follows_writes_and_is_safe_at_the_end() {
    let mut rig = Rig::new();
    assert_eq!(rig.board.level(RELAY), None, "nothing is touched before the first use");
    assert_eq!(told(&rig.poll().unwrap(), 1), [good(true)]);
    assert_eq!(rig.pins.write(&set(false)), Ok(Readback::Read(good(false))));
    assert_eq!(rig.board.level(RELAY), Some(false));
    assert_eq!(told(&rig.poll().unwrap(), 1), [good(false)]);
    drop(rig.pins);
    assert_eq!(rig.board.level(RELAY), Some(true));
}

#[tokio::test(start_paused = true)]
async fn only_a_relay_is_written_and_only_on_or_off() {
    let mut rig = Rig::new();
    let write = |point, value| Write { point: PointIndex(point), value, readback: true };
    for wrong in [
        write(0, Value::Bool(true)),
        write(2, Value::Int(0)),
        write(1, Value::Int(2)),
        write(1, Value::Text("on".into())),
        write(9, Value::Bool(true)),
    ] {
        let refused = rig.pins.write(&wrong);
        assert!(matches!(refused, Err(DeviceError::Unencodable(_))), "{wrong:?}: {refused:?}");
    }
    assert_eq!(rig.board.level(RELAY), None, "the chip was not even opened");
    assert_eq!(rig.pins.write(&write(1, Value::Int(0))), Ok(Readback::Read(good(false))));
}

#[tokio::test(start_paused = true)]
async fn pulses_are_counted_even_those_the_kernel_had_no_room_for() {
    let mut rig = Rig::new();
    assert_eq!(rig.count(), pulses(0));
    rig.board.pulses(METER, 3);
    assert_eq!(rig.count(), pulses(3));
    rig.board.pulses(METER, 10 * u32::try_from(KEPT_MAX).unwrap());
    assert_eq!(rig.count(), pulses(83));
    assert_eq!(rig.count(), pulses(83), "each pulse once");
}

#[tokio::test(start_paused = true)]
async fn a_pulse_alone_wakes_nobody() {
    let mut rig = Rig::new();
    rig.poll().unwrap();
    rig.board.pulses(METER, 5);
    let waited = tokio::time::timeout(Duration::from_secs(1), rig.unasked()).await;
    assert!(waited.is_err(), "{waited:?}");
    assert_eq!(rig.count(), pulses(5), "but none is lost");
}

#[tokio::test(start_paused = true)]
async fn a_count_goes_on_where_it_ended_and_counts_of_other_points_are_kept() {
    let rig = Rig::new();
    let file = rig.folder.path().join("contacts.counts");
    std::fs::write(&file, "wellhead counts 1\nformer 7\nmeter 4294967295\nend 2\n").unwrap();
    let mut rig = rig.again();
    rig.poll().unwrap();
    rig.board.pulses(METER, 2);
    let mut rig = rig.again();
    assert_eq!(rig.count(), pulses(4_294_967_297));
    let kept = std::fs::read_to_string(file).unwrap();
    assert_eq!(kept, "wellhead counts 1\nformer 7\nmeter 4294967297\nend 2\n");
}

/// What a `kill -9` leaves is the file as it is at that moment.
#[tokio::test(start_paused = true)]
async fn a_count_is_in_its_file_within_the_time_promised_and_not_written_more_often() {
    let mut rig = Rig::new();
    rig.poll().unwrap();
    let file = rig.folder.path().join("contacts.counts");
    rig.board.pulses(METER, 5);
    let most = SAVE_EVERY - Duration::from_millis(1);
    assert!(tokio::time::timeout(most, rig.unasked()).await.is_err());
    assert!(!file.exists(), "written before its time");
    assert!(tokio::time::timeout(Duration::from_secs(1), rig.unasked()).await.is_err());
    // The thread that writes lives in real time.
    for _ in 0..10_000 {
        if file.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "wellhead counts 1\nmeter 5\nend 1\n");
    rig.board.pulses(METER, 1);
    assert!(tokio::time::timeout(most, rig.unasked()).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "wellhead counts 1\nmeter 5\nend 1\n");
    // As after kill -9: nothing of the driver runs any more.
    std::mem::forget(rig.pins);
    let mut rig = Rig::on(rig.board, rig.folder);
    assert_eq!(rig.count(), pulses(5), "one pulse of the last minute is missing");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_told_and_a_folder_that_is_none_keeps_the_device_down() {
    let rig = Rig::new();
    let file = rig.folder.path().join("contacts.counts");
    std::fs::write(&file, "meter 5").unwrap();
    let mut rig = rig.again();
    let readings = rig.poll().unwrap();
    let codes: Vec<_> = readings.notices.iter().map(|n| n.code).collect();
    assert_eq!(codes, ["counts_lost"]);
    drop(rig.pins);

    std::fs::remove_file(&file).ok();
    std::fs::create_dir(&file).unwrap();
    let mut rig = Rig::on(rig.board, rig.folder);
    let error = rig.poll().unwrap_err();
    assert!(matches!(error, DeviceError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("contacts.counts"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_chip_that_goes_is_told_at_once_and_taken_again_when_it_is_back() {
    let mut rig = Rig::new();
    rig.poll().unwrap();
    rig.board.pulses(METER, 4);
    rig.pins.write(&set(false)).unwrap();
    assert_eq!(rig.count(), pulses(4));
    rig.board.lose(true);
    let bad = Outcome::Bad(Reason::Unreachable);
    let all: Vec<_> = (0..3).map(|i| (PointIndex(i), bad.clone())).collect();
    assert_eq!(rig.unasked().await.outcomes, all);
    assert!(matches!(rig.poll(), Err(DeviceError::Unreachable { .. })));
    assert!(tokio::time::timeout(Duration::from_secs(9), rig.unasked()).await.is_err());
    rig.board.lose(false);
    assert_eq!(told(&rig.poll().unwrap(), 1), [good(true)], "the relay is safe again");
    rig.board.pulses(METER, 2);
    assert_eq!(rig.count(), pulses(6), "the kernel numbers edges anew, the count goes on");
}

#[test]
fn a_specification_that_can_not_work_is_refused_with_its_setting() {
    let mut spec = spec(Path::new("/nowhere"));
    assert_eq!(check(&spec), []);
    spec.points[1].line = STOP;
    spec.points[2].period = Duration::ZERO;
    let hour = Duration::from_secs(7200);
    spec.points[2].pin = Pin::Counter { bias: Bias::AsIs, debounce: hour };
    let keys: Vec<_> = check(&spec).into_iter().map(|p| (p.point.unwrap(), p.key)).collect();
    let expected = [("pump", "pin"), ("meter", "period"), ("meter", "debounce")];
    assert_eq!(keys, expected.map(|(p, k)| (p.to_owned(), k)));
}
