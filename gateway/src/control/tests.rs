use super::*;
use crate::hub::Outlet;
use poll::Request as LineRequest;
use serde_json::json;
use std::sync::atomic::AtomicU32;
use wellhead_control::{Rules, Setup};
use wellhead_model::{
    Class, ManualClock, Now, Output as OutputRules, PointId, Reporting, Sample, Shape,
};

const S: Duration = Duration::from_secs(1);

/// Keeps the audit trail, and what is told of the ledger.
struct Trail(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<&'static str>>>);

impl Outlet for Trail {
    fn samples(&self, _: &DeviceId, _: &[Point], _: &[Sample], _: Now) {}
    fn event(&self, event: &Event, _: Now) {
        if event.kind == "audit" {
            lock(&self.0).push(event.text.clone());
        }
        if event.kind.starts_with("ledger") {
            lock(&self.1).push(event.kind);
        }
    }
    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}
}

/// One device with one setpoint, 30 to 55 °C, safe at 40.
struct Bench {
    clock: Arc<ManualClock>,
    control: Arc<Control>,
    hub: Arc<Hub>,
    trail: Arc<Mutex<Vec<String>>>,
    ledger: Arc<Mutex<Vec<&'static str>>>,
    plant: Arc<Plant>,
    dir: tempfile::TempDir,
}

#[derive(Default)]
struct Plant {
    written: Mutex<Vec<f64>>,
    silent: AtomicBool,
    /// Silent only when this is written.
    refuses: Mutex<Option<f64>>,
    stuck: AtomicBool,
    /// Answers after three seconds.
    slow: AtomicBool,
    requests: AtomicU32,
}

impl Plant {
    fn written(&self) -> Vec<f64> {
        lock(&self.written).clone()
    }

    fn serve(&self, w: &Write) -> Result<Readback, DeviceError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let refused = w.value.as_f64().is_some_and(|v| *lock(&self.refuses) == Some(v));
        if refused || self.silent.load(Ordering::Relaxed) {
            return Err(DeviceError::NoReply(S));
        }
        if !self.stuck.load(Ordering::Relaxed) {
            lock(&self.written).push(w.value.as_f64().unwrap());
        }
        let shows = lock(&self.written).last().copied().unwrap_or(0.0);
        Ok(Readback::Read(Outcome::Good(Value::float(shows).unwrap())))
    }
}

fn setpoint(rules: impl FnOnce(&mut OutputRules)) -> Point {
    let mut output = OutputRules {
        limits: Some((30.0, 55.0)),
        rate_max: None,
        interval_min: Duration::ZERO,
        safe: Value::float(40.0).unwrap(),
        readback_tolerance: 0.05,
        readback: true,
        relinquish: false,
    };
    rules(&mut output);
    Point {
        device: DeviceId::new("hp1").unwrap(),
        id: PointId::new("setpoint").unwrap(),
        title: "".into(),
        title_zh: "".into(),
        unit: None,
        class: Class::Setpoint,
        shape: Shape::Float,
        states: Arc::from([]),
        range: None,
        rollover: None,
        period: S,
        reporting: Reporting {
            deadband: None,
            interval_min: Duration::ZERO,
            interval_max: 60 * S,
            stale_after: 60 * S,
        },
        output: Some(output),
    }
}

fn contact() -> Point {
    Point {
        id: PointId::new("flow_ok").unwrap(),
        class: Class::Status,
        shape: Shape::Bool,
        output: None,
        ..setpoint(|_| {})
    }
}

fn outputs(point: Point, guarded: bool) -> Outputs {
    let device = point.device.clone();
    let lock = wellhead_control::Interlock {
        id: "flow".into(),
        title: "Flow".into(),
        title_zh: "流量".into(),
        outputs: vec![OutputId(0)],
        input: InputId(0),
        needs: wellhead_control::Condition::Is(Value::Bool(true)),
        hold: Duration::ZERO,
        within: Duration::ZERO,
    };
    Outputs {
        setup: Setup {
            outputs: vec![OutputSetup { point, rules: Rules::default() }],
            inputs: 1,
            interlocks: if guarded { vec![lock] } else { Vec::new() },
        },
        outputs: vec![(device.clone(), PointIndex(0))],
        inputs: vec![(device, PointIndex(1))],
    }
}

impl Bench {
    fn new(rules: impl FnOnce(&mut OutputRules)) -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), Arc::default(), false, rules)
    }

    /// The setpoint may leave its safe value only while the contact is closed.
    fn guarded() -> Self {
        Self::in_dir(tempfile::tempdir().unwrap(), Arc::default(), true, |_| {})
    }

    fn in_dir(
        dir: tempfile::TempDir,
        plant: Arc<Plant>,
        guarded: bool,
        rules: impl FnOnce(&mut OutputRules),
    ) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
        let (trail, told) = (Arc::default(), Arc::default());
        let outlet = Trail(Arc::clone(&trail), Arc::clone(&told));
        let wake = Wake::default();
        let outlets: Vec<Box<dyn Outlet>> = vec![Box::new(outlet), Box::new(wake.clone())];
        let hub = Arc::new(Hub::new(clock.clone(), outlets));
        let device = DeviceId::new("hp1").unwrap();
        let point = setpoint(rules);
        hub.set_device(&device, Arc::from([point.clone(), contact()]));
        let (ledger, _) = Ledger::open(dir.path().join("outputs.json"));
        let outputs = outputs(point, guarded);
        let control = Control::new(Arc::clone(&hub), clock.clone(), ledger, true, &outputs, wake);
        let (line, mut requests) = mpsc::channel(4);
        control.route(&device, Some(line));
        control.start();
        let serving = Arc::clone(&plant);
        tokio::spawn(async move {
            while let Some(LineRequest::Write(_, w, reply)) = requests.recv().await {
                if serving.slow.load(Ordering::Relaxed) {
                    tokio::time::sleep(3 * S).await;
                }
                let _ = reply.send(serving.serve(&w));
            }
        });
        Self { clock, control, hub, trail, ledger: told, plant, dir }
    }

    /// The gateway dies and starts again on the same folder, at the same plant.
    fn restart(self) -> Self {
        let Self { dir, plant, .. } = self;
        Self::in_dir(dir, plant, false, |_| {})
    }

    async fn write(&self, id: &str, value: f64) -> Result<Done, &'static str> {
        self.ask(&self.command(id, value), false).await
    }

    fn command(&self, id: &str, value: f64) -> Command {
        Command {
            id: id.into(),
            source: "test".into(),
            point: "hp1/setpoint".into(),
            value: Value::float(value).unwrap(),
            expires: Timestamp(self.clock.now().utc.0 + 10_000),
            hold: 60 * S,
            slot: Slot::REMOTE,
        }
    }

    fn contact(&self, closed: bool) {
        let outcome = Outcome::Good(Value::Bool(closed));
        self.hub.read_back(&DeviceId::new("hp1").unwrap(), PointIndex(1), &outcome);
    }

    fn plugin(&self, value: Option<f64>) -> Result<(), &'static str> {
        let value = value.and_then(Value::float);
        let (ttl, slot) = (180 * S, Slot::PLUGIN);
        self.control
            .request("plugin:p", slot, "hp1/setpoint", value.as_ref(), ttl, "why", false)
            .map_err(|e| e.code())
    }

    async fn ask(&self, c: &Command, retained: bool) -> Result<Done, &'static str> {
        self.control.command(c, retained).await.map_err(|e| e.code())
    }

    /// Lets time pass on all clocks.
    async fn pass(&self, d: Duration) {
        self.clock.advance(d);
        tokio::time::sleep(d).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_written_value_is_read_back_and_falls_back_to_safe_when_its_time_ends() {
    let b = Bench::new(|_| {});
    let done = b.write("a", 45.0).await.unwrap();
    assert_eq!(done.shows, Value::float(45.0));
    b.pass(59 * S).await;
    assert_eq!(b.plant.written(), [45.0]);
    b.pass(2 * S).await;
    assert_eq!(b.plant.written(), [45.0, 40.0]);
    let trail = lock(&b.trail).clone();
    let told =
        ["test wrote 45 to hp1/setpoint", "hp1/setpoint is back at its safe value 40: hold ended"];
    assert_eq!(trail, told);
}

#[tokio::test(start_paused = true)]
async fn a_newer_command_takes_over_the_hold_of_an_older() {
    let b = Bench::new(|_| {});
    b.write("a", 45.0).await.unwrap();
    b.pass(50 * S).await;
    b.write("b", 50.0).await.unwrap();
    b.pass(50 * S).await;
    assert_eq!(b.plant.written(), [45.0, 50.0]);
    b.pass(11 * S).await;
    assert_eq!(b.plant.written(), [45.0, 50.0, 40.0]);
}

#[tokio::test(start_paused = true)]
async fn a_command_runs_once_however_often_it_comes_and_across_a_restart() {
    let b = Bench::new(|_| {});
    b.write("a", 45.0).await.unwrap();
    assert_eq!(b.write("a", 45.0).await, Err("duplicate"));
    let b = b.restart();
    assert_eq!(b.write("a", 45.0).await, Err("duplicate"));
    assert_eq!(b.plant.written(), [45.0]);
}

#[tokio::test(start_paused = true)]
async fn a_command_delivered_again_is_answered_with_what_it_came_to_at_first() {
    let b = Bench::new(|_| {});
    let (good, bad) = (b.command("good", 45.0), b.command("bad", 50.0));
    *lock(&b.plant.refuses) = Some(50.0);
    let ask = async |b: &Bench, c: &Command| {
        let result = b.control.command(c, false).await;
        reply(Some(&c.id), &result, b.clock.now().utc)
    };
    let first = [ask(&b, &good).await, ask(&b, &bad).await];
    // What is refused for another reason meanwhile is not what it came to.
    assert_eq!(b.ask(&good, true).await, Err("retained"));
    let again = [ask(&b, &good).await, ask(&b, &bad).await];
    b.pass(3600 * S).await;
    let b = b.restart();
    let later = [ask(&b, &good).await, ask(&b, &bad).await];
    for mut seen in [again, later] {
        assert!(seen.iter_mut().all(|r| r["duplicate"].take() == true), "{seen:?}");
        seen.iter_mut().for_each(|r| drop(r.as_object_mut().unwrap().remove("duplicate")));
        assert_eq!(seen, first);
    }
    assert_eq!((&first[0]["ok"], &first[1]["code"]), (&json!(true), &json!("no_reply")));
    let other = ask(&b, &b.command("good", 46.0)).await;
    assert_eq!(other["code"], "id_reused", "another command with its id ran never: {other}");
    assert_eq!(b.plant.written(), [45.0, 40.0]);
}

#[tokio::test(start_paused = true)]
async fn two_copies_at_the_same_moment_run_once() {
    let b = Bench::new(|_| {});
    let (x, y) = tokio::join!(b.write("a", 45.0), b.write("a", 45.0));
    assert!(x.is_ok() && y == Err("duplicate"), "{x:?} {y:?}");
}

#[tokio::test(start_paused = true)]
async fn retained_expired_and_far_dated_commands_are_refused() {
    let b = Bench::new(|_| {});
    let c = b.command("a", 45.0);
    assert_eq!(b.ask(&c, true).await, Err("retained"));
    b.pass(11 * S).await;
    assert_eq!(b.ask(&c, false).await, Err("expired"));
    let far = Command { expires: Timestamp(i64::MAX), ..b.command("b", 45.0) };
    assert_eq!(b.ask(&far, false).await, Err("expiry_too_far"));
    let long = Command { hold: HOLD_MAX + S, ..b.command("c", 45.0) };
    assert_eq!(b.ask(&long, false).await, Err("hold_too_long"));
    assert_eq!(b.plant.requests.load(Ordering::Relaxed), 0);
    assert_eq!(lock(&b.trail).len(), 4, "each refusal is audited");
}

#[tokio::test(start_paused = true)]
async fn an_expiry_in_seconds_is_told_as_such() {
    let b = Bench::new(|_| {});
    b.clock.step_wall(Timestamp(1_763_750_000_000));
    let c = Command { expires: Timestamp(1_763_750_060), ..b.command("a", 45.0) };
    let refused = b.control.command(&c, false).await.unwrap_err();
    assert!(refused.to_string().ends_with("is it seconds?"), "{refused}");
    assert!(refused.text_zh().ends_with("是否写成了秒？"), "{}", refused.text_zh());
    let c = Command { expires: Timestamp(1_763_749_000_000), ..b.command("b", 45.0) };
    let refused = b.control.command(&c, false).await.unwrap_err();
    assert!(refused.to_string().ends_with("ms ago"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn limits_kind_and_name_are_checked_before_the_line_hears_of_it() {
    let b = Bench::new(|_| {});
    assert_eq!(b.write("a", 55.1).await, Err("value"));
    let text = Command { value: Value::Text("hot".into()), ..b.command("b", 0.0) };
    assert_eq!(b.ask(&text, false).await, Err("value"));
    for point in ["hp1/nothing", "hp9/setpoint", "setpoint", ""] {
        let c = Command { point: point.into(), ..b.command("c", 45.0) };
        assert_eq!(b.ask(&c, false).await, Err("unknown_point"), "{point}");
    }
    assert_eq!(b.plant.requests.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_step_faster_than_the_rate_and_a_write_too_soon_are_refused() {
    let b = Bench::new(|o| o.rate_max = Some(0.1));
    b.write("a", 45.0).await.unwrap();
    b.pass(10 * S).await;
    assert_eq!(b.write("b", 47.0).await, Err("too_fast"));
    b.write("c", 46.0).await.unwrap();
    let b = Bench::new(|o| o.interval_min = 5 * S);
    b.write("a", 45.0).await.unwrap();
    b.pass(4 * S).await;
    assert_eq!(b.write("b", 45.0).await, Err("too_soon"));
    b.pass(S).await;
    b.write("c", 45.0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_device_that_shows_another_value_is_a_mismatch_and_is_still_brought_to_safe() {
    let b = Bench::new(|_| {});
    b.plant.stuck.store(true, Ordering::Relaxed);
    assert_eq!(b.write("a", 45.0).await, Err("mismatch"));
    b.plant.stuck.store(false, Ordering::Relaxed);
    // At once, not when its hold would have ended: its sender knows that it failed.
    b.pass(S).await;
    assert_eq!(b.plant.written(), [40.0]);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_gives_back_the_one_it_displaced_for_the_rest_of_its_hold() {
    let b = Bench::new(|_| {});
    b.write("a", 44.0).await.unwrap();
    b.pass(10 * S).await;
    b.plant.silent.store(true, Ordering::Relaxed);
    assert_eq!(b.write("b", 46.0).await, Err("no_reply"));
    b.pass(12 * S).await;
    b.plant.silent.store(false, Ordering::Relaxed);
    b.pass(30 * S).await;
    assert_eq!(b.plant.written(), [44.0, 44.0], "tried again within its minute: it may be at 46");
    assert_eq!(b.control.holder("hp1/setpoint").unwrap(), held_by(Slot::REMOTE, "test"));
    b.pass(9 * S).await;
    assert_eq!(b.plant.written(), [44.0, 44.0, 40.0], "61 s after it was written");
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_commands_is_refused_without_a_trace_where_the_line_has_no_room() {
    let b = Bench::new(|_| {});
    // One more than fits into the bench's line.
    let (a, c, d, e, full) = tokio::join!(
        b.write("a", 41.0),
        b.write("b", 42.0),
        b.write("c", 43.0),
        b.write("d", 44.0),
        b.write("e", 45.0)
    );
    assert!([a, c, d, e].iter().all(Result::is_ok));
    assert_eq!(full, Err("busy"));
    b.pass(20 * S).await;
    assert_eq!(b.plant.written(), [41.0, 42.0, 43.0, 44.0]);
    assert!(b.hub.alarms().is_empty());
    assert_eq!(lock(&b.trail).len(), 5, "each command's own, nothing else");
    b.write("e", 45.0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_late_leaves_a_newer_one_alone() {
    let b = Bench::new(|_| {});
    *lock(&b.plant.refuses) = Some(44.0);
    let (first, second) = tokio::join!(b.write("a", 44.0), b.write("b", 46.0));
    assert_eq!((first, second.is_ok()), (Err("no_reply"), true));
    b.pass(S).await;
    assert_eq!(b.plant.written(), [46.0]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_device_is_brought_to_safe_as_soon_as_it_answers() {
    let b = Bench::new(|_| {});
    b.write("a", 45.0).await.unwrap();
    b.plant.silent.store(true, Ordering::Relaxed);
    b.pass(120 * S).await;
    assert_eq!(b.plant.written(), [45.0]);
    b.plant.silent.store(false, Ordering::Relaxed);
    b.pass(6 * S).await;
    assert_eq!(b.plant.written(), [45.0, 40.0]);
    let told = lock(&b.trail).len();
    assert_eq!(told, 3, "written, not safe yet, safe: not once an attempt");
}

#[tokio::test(start_paused = true)]
async fn a_restarted_gateway_writes_the_safe_value_before_it_takes_commands() {
    let b = Bench::new(|_| {});
    b.write("a", 50.0).await.unwrap();
    b.plant.silent.store(true, Ordering::Relaxed);
    let b = b.restart();
    tokio::task::yield_now().await;
    assert_eq!(b.write("b", 45.0).await, Err("restoring"));
    b.plant.silent.store(false, Ordering::Relaxed);
    b.pass(6 * S).await;
    assert_eq!(b.plant.written(), [50.0, 40.0]);
    b.write("c", 45.0).await.unwrap();
    let b = b.restart();
    assert_eq!(b.plant.written(), [50.0, 40.0, 45.0]);
    b.pass(6 * S).await;
    assert_eq!(b.plant.written(), [50.0, 40.0, 45.0, 40.0]);
}

#[tokio::test(start_paused = true)]
async fn commands_are_off_unless_the_site_says_otherwise() {
    let b = Bench::new(|_| {});
    let (ledger, _) = Ledger::open(b.dir.path().join("other.json"));
    let point = setpoint(|_| {});
    let hub = Arc::clone(&b.hub);
    let (clock, none) = (b.clock.clone(), outputs(point, false));
    let off = Control::new(hub, clock, ledger, false, &none, Wake::default());
    let refused = off.command(&b.command("a", 45.0), false).await;
    assert_eq!(refused, Err(Refusal::Disabled));
    let refused = off.release("test", "hp1/setpoint", Slot::OPERATOR);
    assert_eq!(refused, Err(Refusal::Disabled));
}

#[tokio::test(start_paused = true)]
async fn when_a_commands_hold_ends_the_plugins_value_returns() {
    let b = Bench::new(|_| {});
    b.plugin(Some(50.0)).unwrap();
    b.pass(S).await;
    b.write("a", 45.0).await.unwrap();
    assert_eq!(b.control.holder("hp1/setpoint").unwrap(), held_by(Slot::REMOTE, "test"));
    b.plugin(Some(50.0)).unwrap();
    b.pass(61 * S).await;
    assert_eq!(b.plant.written(), [50.0, 45.0, 50.0]);
    b.control.release_source("plugin:p", "plugin stopped");
    b.pass(S).await;
    assert_eq!(b.plant.written(), [50.0, 45.0, 50.0, 40.0]);
    assert_eq!(b.control.holder("hp1/setpoint"), Some(Holder::Nobody));
    assert_eq!(b.control.holder("hp1/flow_ok"), None);
    let last = lock(&b.trail).last().cloned();
    assert_eq!(last.as_deref(), Some("hp1/setpoint is back at its safe value 40: plugin stopped"));
}

fn held_by(slot: Slot, source: &str) -> Holder {
    Holder::Writer { slot, source: source.into() }
}

#[tokio::test(start_paused = true)]
async fn an_operator_gives_his_slot_back_before_its_time() {
    let b = Bench::new(|_| {});
    b.plugin(Some(50.0)).unwrap();
    let operator = Command { slot: Slot::OPERATOR, ..b.command("a", 45.0) };
    b.ask(&operator, false).await.unwrap();
    assert_eq!(b.write("b", 48.0).await, Err("overridden"));
    b.control.release("box:me", "hp1/setpoint", Slot::OPERATOR).unwrap();
    b.pass(S).await;
    assert_eq!(b.plant.written().last(), Some(&50.0));
}

#[tokio::test(start_paused = true)]
async fn an_interlock_in_the_plant_stops_what_a_command_holds_and_raises_an_alarm() {
    let b = Bench::guarded();
    assert_eq!(b.write("a", 45.0).await, Err("interlock"));
    b.contact(true);
    b.write("b", 45.0).await.unwrap();
    b.contact(false);
    b.pass(Duration::from_millis(10)).await;
    assert_eq!(b.plant.written(), [45.0, 40.0]);
    assert_eq!(b.control.holder("hp1/setpoint"), Some(Holder::Interlock("flow".into())));
    let ids = |b: &Bench| b.hub.alarms().into_iter().map(|(a, _)| a.id).collect::<Vec<_>>();
    assert_eq!(ids(&b), ["interlock.flow"]);
    b.contact(true);
    b.pass(Duration::from_millis(10)).await;
    assert_eq!(b.plant.written(), [45.0, 40.0, 45.0], "its hold is not over");
    assert_eq!(ids(&b), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_reload_ends_the_alarm_of_an_interlock_when_it_is_gone_and_not_before() {
    let b = Bench::guarded();
    b.contact(true);
    b.write("a", 45.0).await.unwrap();
    b.contact(false);
    b.pass(Duration::from_millis(10)).await;
    for (guarded, alarms) in [(true, 1), (false, 0)] {
        b.control.apply(&outputs(setpoint(|_| {}), guarded));
        b.pass(Duration::from_millis(10)).await;
        assert_eq!(b.hub.alarms().len(), alarms);
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_shows_another_value_later_is_told_and_written_again() {
    let b = Bench::new(|_| {});
    b.plugin(Some(50.0)).unwrap();
    b.pass(S).await;
    let shows = Outcome::Good(Value::float(33.0).unwrap());
    b.hub.read_back(&DeviceId::new("hp1").unwrap(), PointIndex(0), &shows);
    b.pass(Duration::from_millis(10)).await;
    b.pass(6 * S).await;
    assert_eq!(b.plant.written(), [50.0, 50.0]);
    let trail = lock(&b.trail).clone();
    let told = "hp1/setpoint shows 33 instead of 50: changed by hand, or power-cycled";
    assert!(trail.iter().any(|t| t == told), "{trail:?}");
}

/// The setpoint's table with another output before it.
fn moved(other: Point) -> Outputs {
    let mut moved = outputs(setpoint(|_| {}), false);
    let other = Point { device: DeviceId::new("hp0").unwrap(), ..other };
    moved.outputs.insert(0, (other.device.clone(), PointIndex(0)));
    moved.setup.outputs.insert(0, OutputSetup { point: other, rules: Rules::default() });
    moved
}

#[tokio::test(start_paused = true)]
async fn what_a_device_shows_after_a_reload_moved_its_output_is_judged_by_that_output() {
    let b = Bench::new(|_| {});
    b.plant.stuck.store(true, Ordering::Relaxed);
    b.plant.slow.store(true, Ordering::Relaxed);
    let (control, command) = (Arc::clone(&b.control), b.command("a", 45.0));
    let asked = tokio::spawn(async move { control.command(&command, false).await });
    b.pass(S).await;
    b.control.apply(&moved(setpoint(|o| o.readback_tolerance = 100.0)));
    b.pass(15 * S).await;
    assert_eq!(asked.await.unwrap().unwrap_err().code(), "mismatch");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_after_a_reload_moved_its_output_does_not_come_true_later() {
    let b = Bench::new(|_| {});
    b.plant.silent.store(true, Ordering::Relaxed);
    b.plant.slow.store(true, Ordering::Relaxed);
    let (control, command) = (Arc::clone(&b.control), b.command("a", 45.0));
    let asked = tokio::spawn(async move { control.command(&command, false).await });
    b.pass(S).await;
    b.control.apply(&moved(setpoint(|_| {})));
    b.pass(15 * S).await;
    asked.await.unwrap().unwrap_err();
    b.plant.silent.store(false, Ordering::Relaxed);
    b.pass(30 * S).await;
    assert!(!b.plant.written().contains(&45.0), "{:?}", b.plant.written());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_a_reload_changes_what_places_mean() {
    let b = Bench::new(|_| {});
    b.control.hold_writes();
    b.plugin(Some(50.0)).unwrap();
    assert_eq!(b.write("a", 45.0).await, Err("busy"));
    b.pass(10 * S).await;
    assert_eq!(b.plant.written(), [0.0; 0]);
    b.control.apply(&outputs(setpoint(|_| {}), false));
    b.pass(10 * S).await;
    assert_eq!(b.plant.written(), [50.0]);
}

#[tokio::test(start_paused = true)]
async fn without_a_ledger_nothing_leaves_its_safe_value() {
    let b = Bench::new(|_| {});
    std::fs::remove_dir_all(b.dir.path()).unwrap();
    assert_eq!(b.write("a", 45.0).await, Err("ledger"));
    b.plugin(Some(50.0)).unwrap();
    b.pass(S).await;
    assert!(!b.plant.written().iter().any(|v| *v != 40.0), "{:?}", b.plant.written());
}

#[tokio::test(start_paused = true)]
async fn without_a_ledger_a_command_to_safe_is_carried_out_and_the_output_not_forgotten() {
    let b = Bench::new(|_| {});
    b.write("a", 45.0).await.unwrap();
    std::fs::remove_dir_all(b.dir.path()).unwrap();
    // The way to safe is tried until the device takes it, also after a failure beside a command.
    b.plant.silent.store(true, Ordering::Relaxed);
    assert_eq!(b.write("b", 40.0).await, Err("no_reply"));
    b.plant.silent.store(false, Ordering::Relaxed);
    b.pass(600 * S).await;
    assert_eq!(b.plant.written().last(), Some(&40.0), "{:?}", b.plant.written());
    b.write("c", 40.0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cant_be_written_is_told_once_and_so_is_that_it_can_again() {
    let b = Bench::new(|_| {});
    std::fs::remove_dir_all(b.dir.path()).unwrap();
    b.plugin(Some(50.0)).unwrap();
    for _ in 0..20 {
        b.pass(S).await;
    }
    let told = || lock(&b.ledger).clone();
    assert_eq!(told(), ["ledger_failed"]);
    std::fs::create_dir_all(b.dir.path()).unwrap();
    b.pass(S).await;
    assert_eq!(told(), ["ledger_failed", "ledger_recovered"]);
    b.pass(60 * S).await;
    assert!(b.plant.written().contains(&50.0), "the plugin's wish is tried again");
    assert_eq!(told().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn shadow_wishes_and_impossible_ones_never_reach_the_line() {
    let b = Bench::new(|_| {});
    let v = Value::float(50.0).unwrap();
    let ask = |point, v| b.control.request("p", Slot::PLUGIN, point, Some(v), 60 * S, "why", true);
    ask("hp1/setpoint", &v).unwrap();
    assert_eq!(ask("hp1/flow_ok", &v).map_err(|e| e.code()), Err("value"));
    assert_eq!(ask("hp1/nothing", &v).map_err(|e| e.code()), Err("unknown_point"));
    assert_eq!(b.plugin(Some(99.0)), Err("value"));
    b.pass(S).await;
    assert_eq!(b.plant.requests.load(Ordering::Relaxed), 0);
    let trail = lock(&b.trail).clone();
    assert_eq!(trail[0], "p would write 50 to hp1/setpoint: why");
}

#[test]
fn values_survive_json_and_back() {
    for v in [Value::Bool(true), Value::Int(-5), Value::float(44.1).unwrap()] {
        assert_eq!(from_json(&to_json(&v)), Some(v));
    }
    assert_eq!(to_json(&Value::Int((1 << 53) + 1)), json!("9007199254740993"));
    assert_eq!(from_json(&json!(null)), None);
    assert_eq!(from_json(&json!([1])), None);
}
