use super::*;
use crate::hub::Outlet;
use std::sync::Mutex;
use tokio::time::Instant;
use wellhead_driver::{Driver, Group, Outcome};
use wellhead_model::{
    Class, Clock, Now, Point, PointId, PointIndex, Reporting, Sample, Shape, Timestamp, Value,
};

const S: Duration = Duration::from_secs(1);

/// The paused time of tests.
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Now {
        Now { utc: Timestamp(0), mono: Mono(self.0.elapsed()), synced: true }
    }
}

/// What was sent on, and when.
type Heard = Arc<Mutex<Vec<(u64, String)>>>;

struct Ear(Instant, Heard);

impl Outlet for Ear {
    fn samples(&self, _: &DeviceId, _: &[Point], samples: &[Sample], _: Now) {
        let at = self.0.elapsed().as_secs();
        let text = |s: &Sample| s.value().map_or("-".to_owned(), ToString::to_string);
        self.1.lock().unwrap().extend(samples.iter().map(|s| (at, text(s))));
    }
    fn event(&self, event: &Event, _: Now) {
        self.1.lock().unwrap().push((self.0.elapsed().as_secs(), event.kind.to_owned()));
    }
    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}
}

/// Shows 0 when it is asked, and says by itself what comes through the channel.
struct Speaker {
    groups: Vec<Group>,
    says: mpsc::Receiver<i64>,
}

impl Driver for Speaker {
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    async fn poll(
        &mut self,
        _: &mut Line,
        _: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        out.outcomes.push((PointIndex(0), Outcome::Good(Value::Int(0))));
        Ok(())
    }
    async fn write(&mut self, _: &mut Line, w: &Write) -> Result<Readback, DeviceError> {
        Ok(Readback::Read(Outcome::Good(w.value.clone())))
    }
    async fn unasked(&mut self, out: &mut Readings) {
        match self.says.recv().await {
            Some(n) => out.outcomes.push((PointIndex(0), Outcome::Good(Value::Int(n)))),
            None => std::future::pending().await,
        }
    }
}

/// Answers no poll while it is dead; a write always finds it alive again.
struct Mortal {
    groups: Vec<Group>,
    dead: bool,
}

impl Driver for Mortal {
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    async fn poll(
        &mut self,
        _: &mut Line,
        _: usize,
        out: &mut Readings,
    ) -> Result<(), DeviceError> {
        if self.dead {
            return Err(DeviceError::NoReply(S));
        }
        out.outcomes.push((PointIndex(0), Outcome::Good(Value::Int(0))));
        Ok(())
    }
    async fn write(&mut self, _: &mut Line, w: &Write) -> Result<Readback, DeviceError> {
        self.dead = false;
        Ok(Readback::Read(Outcome::Good(w.value.clone())))
    }
}

struct Bench {
    say: mpsc::Sender<i64>,
    ask: mpsc::Sender<Request>,
    heard: Heard,
    device: DeviceId,
    task: tokio::task::JoinHandle<()>,
}

fn groups() -> Vec<Group> {
    vec![Group { period: 10 * S, points: vec![PointIndex(0)] }]
}

fn bench(line: Line) -> Bench {
    let (say, says) = mpsc::channel(8);
    bench_with(line, say, Box::new(Speaker { groups: groups(), says }))
}

fn bench_with(line: Line, say: mpsc::Sender<i64>, driver: Box<dyn AnyDriver>) -> Bench {
    let (hub, heard) = hub();
    let station = station("door", driver, &hub);
    let device = station.device.clone();
    let (ask, requests) = mpsc::channel(8);
    let task = tokio::spawn(run(line, vec![station], hub, requests));
    Bench { say, ask, heard, device, task }
}

fn hub() -> (Arc<Hub>, Heard) {
    let (start, heard) = (Instant::now(), Heard::default());
    let ear = Box::new(Ear(start, Arc::clone(&heard)));
    (Arc::new(Hub::new(Arc::new(Paused(start)), vec![ear])), heard)
}

/// A device of one point, known to the hub.
fn station(name: &str, driver: Box<dyn AnyDriver>, hub: &Hub) -> Station {
    let device = DeviceId::new(name).unwrap();
    let reporting = Reporting {
        deadband: None,
        interval_min: Duration::ZERO,
        interval_max: 60 * S,
        stale_after: 60 * S,
    };
    let point = Point {
        device: device.clone(),
        id: PointId::new("open").unwrap(),
        title: "".into(),
        title_zh: "".into(),
        unit: None,
        class: Class::Status,
        shape: Shape::Int,
        states: Arc::from([]),
        range: None,
        rollover: None,
        period: 10 * S,
        reporting,
        output: None,
    };
    hub.set_device(&device, Arc::from([point]));
    Station {
        device,
        driver,
        backoff: Backoff { first: 60 * S, max: 60 * S, attempts: 1 },
        start: Mono(Duration::ZERO),
        again: Duration::ZERO,
    }
}

impl Bench {
    fn heard(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn said(what: &[(u64, i64)]) -> Vec<(u64, String)> {
    what.iter().map(|(at, n)| (*at, n.to_string())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_device_of_its_own_is_heard_between_polls_and_keeps_its_period() {
    let b = bench(Line::none());
    for n in 1..=3 {
        tokio::time::sleep(3 * S).await;
        b.say.send(n).await.unwrap();
    }
    tokio::time::sleep(2 * S).await;
    b.say.send(4).await.unwrap();
    b.say.send(5).await.unwrap();
    tokio::time::sleep(S).await;
    let all = [(0, 0), (3, 1), (6, 2), (9, 3), (10, 0), (11, 4), (11, 5)];
    assert_eq!(b.heard(), said(&all));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_speaks_without_end_is_still_polled_written_to_and_stopped() {
    let b = bench(Line::none());
    let say = b.say.clone();
    // Always something to say: nothing else gets a turn by chance.
    let flood = tokio::spawn(async move {
        let mut n = 0;
        while say.send(n).await.is_ok() {
            n += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(21 * S).await;
    let zero = "0".to_owned();
    let polls = b.heard().into_iter().filter(|(at, v)| *v == zero && *at > 0).map(|(at, _)| at);
    assert_eq!(polls.collect::<Vec<_>>(), [10, 20]);
    let (reply, answer) = oneshot::channel();
    let write = Write { point: PointIndex(0), value: Value::Int(7), readback: true };
    b.ask.send(Request::Write(b.device.clone(), write, reply)).await.unwrap();
    let shown = Ok(Readback::Read(Outcome::Good(Value::Int(7))));
    assert_eq!(answer.await.unwrap(), shown);
    drop(b.ask);
    b.task.await.unwrap();
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn on_a_shared_line_nobody_is_listened_to() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let b = bench(Line::over(ours));
    b.say.send(1).await.unwrap();
    tokio::time::sleep(11 * S).await;
    assert_eq!(b.heard(), said(&[(0, 0), (10, 0)]));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_a_device_answers_ends_its_outage() {
    let driver = Box::new(Mortal { groups: groups(), dead: true });
    let b = bench_with(Line::none(), mpsc::channel(1).0, driver);
    tokio::time::sleep(5 * S).await;
    assert!(b.heard().iter().any(|(at, what)| (*at, &**what) == (0, "device_down")));
    let (reply, answer) = oneshot::channel();
    let write = Write { point: PointIndex(0), value: Value::Int(7), readback: true };
    b.ask.send(Request::Write(b.device.clone(), write, reply)).await.unwrap();
    answer.await.unwrap().unwrap();
    tokio::time::sleep(S).await;
    let texts = [(5, "7"), (5, "device_up"), (5, "0")].map(|(at, what)| (at, what.to_owned()));
    assert_eq!(b.heard(), texts);
}

/// Answers nothing, and lets everybody wait for two seconds to find that out.
struct Silent {
    groups: Vec<Group>,
    written: Arc<Mutex<Vec<i64>>>,
}

impl Driver for Silent {
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    async fn poll(&mut self, _: &mut Line, _: usize, _: &mut Readings) -> Result<(), DeviceError> {
        tokio::time::sleep(2 * S).await;
        Err(DeviceError::NoReply(2 * S))
    }
    async fn write(&mut self, _: &mut Line, w: &Write) -> Result<Readback, DeviceError> {
        let Value::Int(n) = w.value else { panic!("{w:?}") };
        if n < 0 {
            return Err(DeviceError::Unencodable(n.to_string()));
        }
        self.written.lock().unwrap().push(n);
        tokio::time::sleep(2 * S).await;
        Err(DeviceError::NoReply(2 * S))
    }
}

/// A silent device with a slow poll of its own, and a neighbour that is polled every second.
fn crowded(silent_start: Duration) -> (Heard, Arc<Mutex<Vec<i64>>>, mpsc::Sender<Request>) {
    let (hub, heard) = hub();
    let written = Arc::default();
    let silent = Silent { groups: groups(), written: Arc::clone(&written) };
    let mut silent = station("silent", Box::new(silent), &hub);
    silent.start = Mono(silent_start);
    let second = vec![Group { period: S, points: vec![PointIndex(0)] }];
    let (_, says) = mpsc::channel(1);
    let neighbour = station("door", Box::new(Speaker { groups: second, says }), &hub);
    let (ours, theirs) = tokio::io::duplex(64);
    std::mem::forget(theirs);
    let (ask, requests) = mpsc::channel(REQUESTS_MAX);
    tokio::spawn(run(Line::over(ours), vec![silent, neighbour], hub, requests));
    (heard, written, ask)
}

fn write_to_silent(n: i64) -> (Request, oneshot::Receiver<Result<Readback, DeviceError>>) {
    let (reply, answer) = oneshot::channel();
    let write = Write { point: PointIndex(0), value: Value::Int(n), readback: false };
    (Request::Write(DeviceId::new("silent").unwrap(), write, reply), answer)
}

#[tokio::test(start_paused = true)]
async fn writes_that_a_device_leaves_unanswered_let_its_neighbours_be_polled_between_them() {
    // It is first polled in an hour, so that nobody knows yet that it is dead.
    let (heard, written, ask) = crowded(3600 * S);
    let mut answers = Vec::new();
    for n in 0..10 {
        let (request, answer) = write_to_silent(n);
        ask.send(request).await.unwrap();
        answers.push(answer);
    }
    tokio::time::sleep(21 * S).await;
    assert_eq!(*written.lock().unwrap(), (0..10).collect::<Vec<_>>());
    let polls = heard.lock().unwrap().iter().filter(|(at, v)| *at <= 20 && v == "0").count();
    assert!(polls >= 10, "{polls} polls of the neighbour beside ten writes");
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_down_is_written_to_once_until_its_next_poll() {
    let (_, written, ask) = crowded(Duration::ZERO);
    tokio::time::sleep(5 * S).await;
    // What could not even be sent says nothing of the device.
    let (request, answer) = write_to_silent(-1);
    ask.send(request).await.unwrap();
    assert_eq!(answer.await.unwrap(), Err(DeviceError::Unencodable("-1".into())));
    for n in 0..10 {
        let (request, answer) = write_to_silent(n);
        ask.send(request).await.unwrap();
        assert_eq!(answer.await.unwrap(), Err(DeviceError::NoReply(2 * S)));
    }
    assert_eq!(*written.lock().unwrap(), [0]);
    // After its backoff of a minute it was polled, and may be tried again.
    tokio::time::sleep(65 * S).await;
    let (request, answer) = write_to_silent(10);
    ask.send(request).await.unwrap();
    answer.await.unwrap().unwrap_err();
    assert_eq!(*written.lock().unwrap(), [0, 10]);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_asker_gave_up_is_never_sent() {
    let (_, written, ask) = crowded(3600 * S);
    let (first, _answer) = write_to_silent(0);
    ask.send(first).await.unwrap();
    let (second, gone) = write_to_silent(1);
    ask.send(second).await.unwrap();
    drop(gone);
    tokio::time::sleep(10 * S).await;
    assert_eq!(*written.lock().unwrap(), [0]);
}

#[test]
fn only_a_device_that_said_nothing_is_told_not_to_answer() {
    let id = DeviceId::new("meter").unwrap();
    let away = DeviceError::Unreachable { target: "/dev/ttyS0".into(), error: "gone".into() };
    for (error, en, zh) in [
        (
            DeviceError::NoReply(S),
            "meter does not answer: no reply within 1000 ms",
            "meter 不应答：1000 ms 内无应答",
        ),
        (
            DeviceError::BadReply("an encrypted telegram"),
            "meter gives no answer that can be used: an encrypted telegram",
            "meter 有应答，但无法使用：an encrypted telegram",
        ),
        (away, "meter: can't reach /dev/ttyS0: gone", "meter：无法连接 /dev/ttyS0：gone"),
    ] {
        assert_eq!(down(&id, &error), (en.to_owned(), zh.to_owned()));
    }
}
