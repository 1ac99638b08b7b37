use super::*;
use wellhead_model::{Class, ManualClock, PointId, Quality, Reporting, Shape, Timestamp};

/// Keeps what the hub sends on, as short texts.
#[derive(Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Outlet for Seen {
    fn samples(&self, device: &DeviceId, points: &[Point], samples: &[Sample], _: Now) {
        for s in samples {
            let name = &points[s.point().0 as usize].id;
            let value = s.value().map_or("-".into(), ToString::to_string);
            let why = s.quality().reason().map_or(String::new(), |r| format!(" {r}"));
            let line =
                format!("{device}/{name} {value} {}{why} @{}", s.quality().word(), s.time().0);
            self.0.lock().unwrap().push(line);
        }
    }
    fn event(&self, event: &Event, _: Now) {
        self.0.lock().unwrap().push(format!("event {} {}", event.kind, event.text));
    }
    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}
    fn alarm(&self, id: &str, alarm: Option<&Alarm>, since: Now) {
        let text = alarm.map_or("over", |a| &a.text);
        self.0.lock().unwrap().push(format!("alarm {id} {text} @{}", since.utc.0));
    }
}

fn alarm(text: &str) -> Alarm {
    Alarm {
        id: "control.hp1".into(),
        severity: Severity::Warning,
        source: "control".into(),
        point: None,
        text: text.into(),
        text_zh: text.into(),
    }
}

#[test]
fn an_alarm_is_told_when_it_comes_changes_and_goes_and_keeps_its_beginning() {
    let b = Bench::new(|_| {});
    b.seen.lock().unwrap().clear();
    let at = b.clock.now().utc.0;
    b.hub.raise(alarm("hot"));
    b.clock.advance(S);
    b.hub.raise(alarm("hot"));
    b.hub.raise(alarm("hotter"));
    assert_eq!(b.hub.alarms().len(), 1);
    b.hub.clear("control.hp1");
    b.hub.clear("control.hp1");
    assert_eq!(b.hub.alarms(), []);
    let told = [
        format!("alarm control.hp1 hot @{at}"),
        "event alarm_raised hot".into(),
        format!("alarm control.hp1 hotter @{at}"),
        "event alarm_raised hotter".into(),
        format!("alarm control.hp1 over @{}", at + 1000),
        "event alarm_cleared over after 1 s: hotter".into(),
    ];
    assert_eq!(*b.seen.lock().unwrap(), told);
}

#[test]
fn a_reading_repeated_within_one_millisecond_goes_once_and_a_change_goes_in_order() {
    let b = Bench::new(|p| p.reporting.deadband = None);
    let tell = |values: &[f64]| {
        let outcome = |v: &f64| (PointIndex(0), Outcome::Good(Value::float(*v).unwrap()));
        let outcomes = values.iter().map(outcome).collect();
        let mut readings = Readings { outcomes, ..Readings::default() };
        b.hub.said(&b.device, &mut readings);
        b.sent()
    };
    // An edge, and the level that the poll beside it found.
    assert_eq!(tell(&[1.0, 1.0]), ["hp1/t 1 good @0"]);
    b.clock.advance(S);
    let bounced = ["hp1/t 0 good @1000", "hp1/t 1 good @1000", "hp1/t 0 good @1000"];
    assert_eq!(tell(&[0.0, 1.0, 0.0]), bounced);
}

#[test]
fn what_an_earlier_run_left_active_is_taken_back_unless_it_is_raised_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alarms.json");
    let hub = |file: AlarmFile, seen: &Arc<Mutex<Vec<String>>>| {
        let outlets: Vec<Box<dyn Outlet>> = vec![Box::new(file), Box::new(Seen(seen.clone()))];
        Hub::new(Arc::new(ManualClock::new(Timestamp(0))), outlets)
    };
    let seen = Arc::default();
    let (file, left) = AlarmFile::open(path.clone());
    assert!(left.is_empty());
    let first = hub(file, &seen);
    first.raise(alarm("hot"));
    first.raise(Alarm { id: "plugin.p.low".into(), ..alarm("low") });
    first.raise(Alarm { id: "plugin.p.over".into(), ..alarm("over") });
    first.clear("plugin.p.over");
    drop(first);
    let (file, left) = AlarmFile::open(path.clone());
    assert_eq!(left.iter().collect::<Vec<_>>(), ["control.hp1", "plugin.p.low"]);
    let second = hub(file, &seen);
    second.raise(alarm("hot"));
    seen.lock().unwrap().clear();
    second.forget_alarms(left);
    assert_eq!(*seen.lock().unwrap(), ["alarm plugin.p.low over @0"]);
    let (_, left) = AlarmFile::open(path);
    assert_eq!(left.into_iter().collect::<Vec<_>>(), ["control.hp1"]);
}

struct Bench {
    clock: Arc<ManualClock>,
    hub: Hub,
    seen: Arc<Mutex<Vec<String>>>,
    device: DeviceId,
}

const S: Duration = Duration::from_secs(1);

fn point(change: impl FnOnce(&mut Point)) -> Point {
    let mut p = Point {
        device: DeviceId::new("hp1").unwrap(),
        id: PointId::new("t").unwrap(),
        title: "".into(),
        title_zh: "".into(),
        unit: None,
        class: Class::Measurement,
        shape: Shape::Float,
        states: Arc::from([]),
        range: None,
        rollover: None,
        period: S,
        reporting: Reporting {
            deadband: Some(0.5),
            interval_min: Duration::ZERO,
            interval_max: 60 * S,
            stale_after: 10 * S,
        },
        output: None,
    };
    change(&mut p);
    p
}

impl Bench {
    fn new(change: impl FnOnce(&mut Point)) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let seen = Arc::default();
        let hub = Hub::new(clock.clone(), vec![Box::new(Seen(Arc::clone(&seen)))]);
        let device = DeviceId::new("hp1").unwrap();
        hub.set_device(&device, Arc::from([point(change)]));
        Self { clock, hub, seen, device }
    }

    fn read(&self, outcome: Outcome) -> Vec<String> {
        let outcomes = vec![(PointIndex(0), outcome)];
        let mut readings = Readings { outcomes, ..Readings::default() };
        self.hub.polled(&self.device, &mut readings, Duration::ZERO, self.hub.clock().now());
        self.sent()
    }

    fn good(&self, v: f64) -> Vec<String> {
        self.read(Outcome::Good(Value::float(v).unwrap()))
    }

    /// Lets a second pass and ticks.
    fn second(&self) -> Vec<String> {
        self.clock.advance(S);
        self.hub.tick();
        self.sent()
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn small_changes_wait_for_the_deadband_and_a_stable_value_for_the_interval() {
    let b = Bench::new(|_| {});
    assert_eq!(b.good(20.0), ["hp1/t 20 good @0"]);
    b.clock.advance(S);
    assert_eq!(b.good(20.4), NOTHING);
    b.clock.advance(S);
    assert_eq!(b.good(20.5), ["hp1/t 20.5 good @2000"]);
    b.clock.advance(59 * S);
    assert_eq!(b.good(20.5), NOTHING);
    b.clock.advance(S);
    assert_eq!(b.good(20.5), ["hp1/t 20.5 good @62000"], "stable is not dead");
}

#[test]
fn a_change_too_soon_is_sent_when_the_least_interval_has_passed() {
    let b = Bench::new(|p| p.reporting.interval_min = 5 * S);
    b.good(20.0);
    b.clock.advance(S);
    assert_eq!(b.good(25.0), NOTHING);
    b.clock.advance(4 * S);
    assert_eq!(b.good(25.0), ["hp1/t 25 good @5000"]);
}

#[test]
fn a_change_of_quality_is_sent_at_once_and_without_a_value() {
    let b = Bench::new(|p| p.reporting.interval_min = 5 * S);
    b.good(20.0);
    b.clock.advance(S);
    let bad = b.read(Outcome::Bad(Reason::NoSensor));
    assert_eq!(bad, ["hp1/t - bad no_sensor @1000"]);
    b.clock.advance(S);
    assert_eq!(b.good(20.0), ["hp1/t 20 good @2000"]);
}

#[test]
fn without_a_deadband_every_reading_is_sent() {
    let b = Bench::new(|p| p.reporting.deadband = None);
    b.good(20.0);
    b.clock.advance(S);
    assert_eq!(b.good(20.0), ["hp1/t 20 good @1000"]);
}

#[test]
fn staleness_counts_from_the_last_good_reading_and_is_told_once() {
    let b = Bench::new(|_| {});
    b.good(20.0);
    b.clock.advance(5 * S);
    assert_eq!(b.good(20.1), NOTHING, "inside the deadband, but a good reading");
    for _ in 0..10 {
        assert_eq!(b.second(), NOTHING);
    }
    assert_eq!(b.second(), ["hp1/t - stale aged @16000"]);
    assert_eq!(b.second(), NOTHING);
    assert_eq!(b.good(20.1), ["hp1/t 20.1 good @17000"]);
}

#[test]
fn a_doubtful_reading_is_stale_at_once_if_the_last_good_one_is_too_old() {
    let b = Bench::new(|_| {});
    b.good(20.0);
    b.read(Outcome::Bad(Reason::NoReply));
    for _ in 0..15 {
        assert_eq!(b.second(), NOTHING, "bad says more than stale");
    }
    b.read(Outcome::Uncertain(Value::Int(9), Reason::UnknownState));
    assert_eq!(b.second(), ["hp1/t - stale aged @16000"]);
    assert_eq!(b.second(), NOTHING);
}

#[test]
fn each_point_grows_stale_at_its_own_time() {
    let b = Bench::new(|_| {});
    let named = |name: &str, stale_after| {
        point(|p| {
            p.id = PointId::new(name).unwrap();
            p.reporting.stale_after = stale_after;
        })
    };
    b.hub.set_device(&b.device, Arc::from([named("slow", 6 * S), named("quick", 2 * S)]));
    let sent: Vec<_> = (0..10).flat_map(|_| b.second()).collect();
    assert_eq!(sent, ["hp1/quick - bad not_polled @3000", "hp1/slow - bad not_polled @7000"]);
}

#[test]
fn a_point_never_read_says_so_instead_of_showing_nothing() {
    let b = Bench::new(|_| {});
    for _ in 0..10 {
        assert_eq!(b.second(), NOTHING);
    }
    assert_eq!(b.second(), ["hp1/t - bad not_polled @11000"]);
}

#[test]
fn a_silent_device_marks_all_its_points_and_repeats_it_only_at_the_longest_interval() {
    let b = Bench::new(|_| {});
    b.good(20.0);
    let silent = DeviceError::NoReply(S);
    b.hub.failed(&b.device, None, &silent);
    assert_eq!(b.sent(), ["hp1/t - bad no_reply @0"]);
    b.clock.advance(30 * S);
    b.hub.failed(&b.device, None, &silent);
    assert_eq!(b.sent(), NOTHING);
    b.clock.advance(30 * S);
    b.hub.failed(&b.device, None, &silent);
    assert_eq!(b.sent(), ["hp1/t - bad no_reply @60000"]);
}

#[test]
fn what_cannot_be_is_bad_and_carries_no_value() {
    let b = Bench::new(|p| p.range = Some((-30.0, 120.0)));
    assert_eq!(b.good(6553.5), ["hp1/t - bad out_of_range @0"]);
}

#[test]
fn a_counter_that_rolls_over_is_told_from_one_that_was_reset() {
    let counter = |p: &mut Point| {
        p.class = Class::Counter;
        p.rollover = Some(1_000_000.0);
    };
    let b = Bench::new(counter);
    b.good(999_990.0);
    b.read(Outcome::Bad(Reason::NoReply));
    let turn = b.good(15.0);
    assert_eq!(turn[1], "event counter_rolled_over hp1/t rolled over: 999990 to 15");
    let b = Bench::new(counter);
    b.good(5000.0);
    let turn = b.good(0.0);
    assert!(turn[1].starts_with("event counter_reset hp1/t went backwards"), "{turn:?}");
}

#[test]
fn a_wall_clock_step_reorders_nothing_and_is_told() {
    let b = Bench::new(|_| {});
    b.hub.tick();
    b.good(20.0);
    b.clock.step_wall(Timestamp(-1_000_000));
    assert_eq!(b.good(21.0), ["hp1/t 21 good @-1000000"]);
    b.hub.tick();
    assert_eq!(b.sent(), ["event clock_step The wall clock was set by -1000.0 s"]);
    assert_eq!(b.second(), NOTHING, "no age is measured on the wall clock");
}

#[test]
fn an_unsynchronised_clock_is_told_once_each_way() {
    let b = Bench::new(|_| {});
    b.clock.set_synced(false);
    assert_eq!(b.second(), ["event clock_unsynced The wall clock is not synchronised"]);
    assert_eq!(b.second(), NOTHING);
    b.clock.set_synced(true);
    assert_eq!(b.second(), ["event clock_synced The wall clock is synchronised"]);
}

#[test]
fn the_latest_keeps_its_age_across_bad_readings() {
    let b = Bench::new(|_| {});
    b.good(20.0);
    b.clock.advance(3 * S);
    b.read(Outcome::Bad(Reason::BadReply));
    let latest = b.hub.latest(&b.device, PointIndex(0)).unwrap();
    assert_eq!(latest.quality, Quality::Bad(Reason::BadReply));
    assert_eq!(latest.value, None);
    assert_eq!(latest.age, Some(3 * S));
}

#[test]
fn what_is_set_by_hand_at_the_device_stays_fresh_as_long_as_it_is_read() {
    let value = || Value::float(20.0).unwrap();
    for (outcome, said) in [
        (Outcome::Manual(value()), "hp1/t 20 manual @0"),
        (Outcome::Uncertain(value(), Reason::OutOfService), "hp1/t 20 uncertain out_of_service @0"),
    ] {
        let b = Bench::new(|_| {});
        assert_eq!(b.read(outcome.clone()), [said]);
        for _ in 0..15 {
            assert_eq!(b.read(outcome.clone()), NOTHING);
            assert_eq!(b.second(), NOTHING);
        }
        for _ in 0..9 {
            assert_eq!(b.second(), NOTHING);
        }
        assert_eq!(b.second(), ["hp1/t - stale aged @25000"], "and no longer");
    }
}

/// Keeps the unit of each point of each catalog.
struct Catalogs(Arc<Mutex<Vec<Vec<Option<&'static str>>>>>);

impl Outlet for Catalogs {
    fn samples(&self, _: &DeviceId, _: &[Point], _: &[Sample], _: Now) {}
    fn event(&self, _: &Event, _: Now) {}
    fn catalog(&self, _: &DeviceId, points: Option<&[Point]>) {
        let units = points.into_iter().flatten().map(|p| p.unit.map(|u| u.symbol())).collect();
        self.0.lock().unwrap().push(units);
    }
}

#[test]
fn a_unit_that_the_device_tells_is_published_once() {
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let seen: Arc<Mutex<Vec<_>>> = Arc::default();
    let hub = Hub::new(clock, vec![Box::new(Catalogs(Arc::clone(&seen)))]);
    let device = DeviceId::new("hp1").unwrap();
    let other = point(|p| p.id = PointId::new("u").unwrap());
    hub.set_device(&device, Arc::from([point(|_| {}), other]));
    let kelvin = wellhead_model::Unit::parse("K").unwrap();
    let tell = |index| {
        let units = vec![(PointIndex(index), kelvin)];
        let mut readings = Readings { units, ..Readings::default() };
        hub.said(&device, &mut readings);
        assert!(readings.units.is_empty());
        std::mem::take(&mut *seen.lock().unwrap())
    };
    assert_eq!(tell(1), [vec![None, None], vec![None, Some("K")]]);
    assert!(tell(1).is_empty(), "nothing new");
    assert!(tell(7).is_empty(), "there is no such point");
    assert_eq!(hub.latest(&device, PointIndex(1)).unwrap().point.unit, Some(kelvin));
    assert!(!hub.snapshot()[0].1.is_up(), "it is no answer to a poll");
}
