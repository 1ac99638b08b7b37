//! A real mosquitto, a foreign subscriber, and a wire that can be cut.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code outside of #[test] functions")]

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wellhead_model::*;
use wellhead_store::Cache;
use wellhead_uplink::*;

pub const GUARD: Duration = Duration::from_secs(60);
pub const ROOT: &str = "wellhead/v1/site/gw";

/// Waits until `f` says something. The guard is against hanging only.
#[track_caller]
pub fn eventually<T>(what: &str, f: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let mut f = f;
    async move {
        let end = tokio::time::Instant::now() + GUARD;
        loop {
            if let Some(t) = f().await {
                return t;
            }
            assert!(tokio::time::Instant::now() < end, "never happened: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn command(name: &str) -> process::Command {
    let path = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .map(|d| Path::new(d).join(name))
        .into_iter()
        .find(|p| p.exists())
        .unwrap_or_else(|| panic!("{name} is missing: apt install mosquitto mosquitto-clients"));
    process::Command::new(path)
}

pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub struct Broker {
    pub port: u16,
    pub dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Broker {
    /// An open broker.
    pub fn open() -> Self {
        Self::with(|_| "allow_anonymous true\n".into())
    }

    /// A broker with the settings that `settings` writes for its directory.
    pub fn with(settings: impl FnOnce(&Path) -> String) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // mosquitto drops root for its own user, who must be able to read its files.
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let settings = settings(dir.path());
        let text = format!("listener {port} 127.0.0.1\npersistence false\n{settings}");
        std::fs::write(dir.path().join("mosquitto.conf"), text).unwrap();
        let mut broker = Self { port, dir, child: None };
        broker.start();
        broker
    }

    pub fn start(&mut self) {
        let child = command("mosquitto")
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stderr(std::fs::File::create(self.dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = std::time::Duration::from_secs(20);
        let mut waited = Duration::ZERO;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                waited < end,
                "{}",
                std::fs::read_to_string(self.dir.path().join("log")).unwrap()
            );
            std::thread::sleep(Duration::from_millis(20));
            waited += Duration::from_millis(20);
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Debug, Clone)]
pub struct Message {
    pub topic: String,
    pub retain: bool,
    pub payload: Json,
    pub correlation: Option<String>,
}

/// mosquitto_sub, listening to everything under the root.
pub struct Subscriber {
    child: Child,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Subscriber {
    pub async fn new(port: u16, more: &[&str]) -> Self {
        let mut child = command("mosquitto_sub")
            .args(["-V", "5", "-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"])
            .args(["-t", "wellhead/#", "-t", "probe", "-t", "answers/#", "-F", "%j"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let m: Json = serde_json::from_str(&line).unwrap();
                let payload = match &m["payload"] {
                    Json::String(s) => serde_json::from_str(s).unwrap_or(Json::String(s.clone())),
                    other => other.clone(),
                };
                into.lock().unwrap().push(Message {
                    topic: m["topic"].as_str().unwrap().into(),
                    retain: m["retain"].as_i64() == Some(1),
                    payload,
                    correlation: m["properties"]["correlation-data"].as_str().map(Into::into),
                });
            }
        });
        let s = Self { child, seen };
        s.settle(port, more).await;
        s
    }

    /// Publishes probes until one comes back: from then on nothing is missed.
    pub async fn settle(&self, port: u16, more: &[&str]) {
        let before = self.count("probe");
        let more: Vec<String> = more.iter().map(|s| (*s).to_owned()).collect();
        eventually("the subscriber hears a probe", async || {
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            publish(port, &more, "probe", "1", &[]);
            tokio::time::sleep(Duration::from_millis(50)).await;
            (self.count("probe") > before).then_some(())
        })
        .await;
    }

    fn count(&self, topic: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|m| m.topic == topic).count()
    }

    /// What came on `{root}/{rest}`, in order.
    pub fn on(&self, rest: &str) -> Vec<Message> {
        let topic = format!("{ROOT}/{rest}");
        self.seen.lock().unwrap().iter().filter(|m| m.topic == topic).cloned().collect()
    }

    pub fn all(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }

    /// (history?, seq) of each data message of hp1, in order of arrival.
    pub fn seqs(&self) -> Vec<(bool, u64)> {
        seqs(&self.on("data/hp1"))
    }
}

pub fn seqs(messages: &[Message]) -> Vec<(bool, u64)> {
    let of = |m: &Message| (m.payload["hist"] == true, m.payload["seq"].as_u64().unwrap());
    messages.iter().map(of).collect()
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// mosquitto_pub.
pub fn publish(port: u16, login: &[&str], topic: &str, payload: &str, more: &[&str]) {
    let ok = command("mosquitto_pub")
        .args(["-V", "5", "-h", "127.0.0.1", "-p", &port.to_string(), "-q", "1"])
        .args(["-t", topic, "-m", payload])
        .args(login)
        .args(more)
        .status()
        .unwrap();
    let _ = ok;
}

pub fn points(n: usize) -> Arc<[Point]> {
    (0..n)
        .map(|i| Point {
            device: DeviceId::new("hp1").unwrap(),
            id: PointId::new(&format!("p{i}")).unwrap(),
            title: "Supply temperature".into(),
            title_zh: "供水温度".into(),
            unit: Some(Unit::parse("degC").unwrap()),
            class: Class::Measurement,
            shape: Shape::Float,
            states: Arc::from([]),
            range: Some((-50.0, 150.0)),
            rollover: None,
            period: Duration::from_secs(1),
            reporting: Reporting {
                deadband: None,
                interval_min: Duration::ZERO,
                interval_max: Duration::from_secs(60),
                stale_after: Duration::from_secs(30),
            },
            output: None,
        })
        .collect()
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp(1_763_750_000_000)))
}

pub fn now() -> Now {
    clock().now()
}

pub fn samples(n: u32) -> Vec<Sample> {
    let t = Timestamp(1_763_750_000_123);
    (0..n)
        .map(|i| Sample::good(PointIndex(i), t, Value::float(f64::from(i) + 0.5).unwrap()))
        .collect()
}

pub fn config(port: u16) -> UplinkConfig {
    UplinkConfig::new("127.0.0.1", port, "site", "gw", "main")
}

pub struct Running {
    pub handle: UplinkHandle,
    pub incoming: tokio::sync::mpsc::Receiver<Incoming>,
    pub task: tokio::task::JoinHandle<()>,
    pub hp1: Stream,
}

pub fn start(config: UplinkConfig, cache: Box<dyn Cache>, boot: &str) -> Running {
    start_as(config, cache, &Boot { id: boot.into(), ..Boot::default() })
}

pub fn start_as(config: UplinkConfig, cache: Box<dyn Cache>, boot: &Boot) -> Running {
    let (handle, incoming, task) = Uplink::start(config, cache, clock(), boot).unwrap();
    let device = DeviceId::new("hp1").unwrap();
    handle.set_device(&device, Some(&points(200)));
    let hp1 = handle.stream(&device, &points(200));
    Running { handle, incoming, task, hp1 }
}

impl Running {
    pub fn publish(&self) {
        self.handle.publish(self.hp1, &samples(3), now()).unwrap();
    }

    pub async fn stop(self) {
        self.handle.shutdown(Duration::from_secs(5));
        self.task.await.unwrap();
    }
}

pub fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

pub fn readable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
}

fn run(command: &mut process::Command) {
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

pub fn passwd(path: &Path, user: &str, password: &str) {
    run(command("mosquitto_passwd").args(["-b", "-c"]).arg(path).args([user, password]));
    readable(path);
}

/// An authority with a server's and a client's certificate, and another authority.
pub fn make_pki(dir: &Path) {
    let openssl = |args: &[&str]| run(command("openssl").current_dir(dir).args(args));
    let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    for ca in ["ca", "other"] {
        let out =
            ["-keyout", &format!("{ca}.key"), "-out", &format!("{ca}.pem")].map(str::to_owned);
        let out: Vec<&str> = out.iter().map(String::as_str).collect();
        let subject = format!("/CN={ca}");
        let fixed = ["req", "-x509", "-days", "2", "-subj", &subject];
        openssl(&[&fixed[..], &new, &out].concat());
    }
    std::fs::write(dir.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
    for (name, subject) in [("server", "/CN=localhost"), ("client", "/CN=gw")] {
        let (key, csr, pem) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        openssl(&[&["req", "-subj", subject, "-keyout", &key, "-out", &csr][..], &new].concat());
        openssl(&[
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "ext",
            "-out",
            &pem,
        ]);
    }
}

/// A TCP relay that can be cut: connections end at once and new ones are closed again.
pub struct Wire {
    pub port: u16,
    up: tokio::sync::watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Wire {
    pub async fn to(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (up, mut is_up) = tokio::sync::watch::channel(true);
        let task = tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                if !*is_up.borrow_and_update() {
                    continue;
                }
                let mut is_up = is_up.clone();
                tokio::spawn(async move {
                    let Ok(mut far) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await
                    else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_up.wait_for(|up| !*up) => {}
                    }
                });
            }
        });
        Self { port: own, up, task }
    }

    pub fn cut(&self) {
        self.up.send_replace(false);
    }

    pub fn restore(&self) {
        self.up.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Accepts connections and never acknowledges a publish.
pub struct MuteBroker {
    pub port: u16,
    task: tokio::task::JoinHandle<()>,
}

impl MuteBroker {
    pub async fn start() -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    // CONNACK: success, no session, no properties (MQTT 5 section 3.2).
                    socket.write_all(&[0x20, 3, 0, 0, 0]).await.unwrap();
                    let mut sink = [0; 4096];
                    while socket.read(&mut sink).await.is_ok_and(|n| n > 0) {}
                });
            }
        });
        Self { port, task }
    }
}

impl Drop for MuteBroker {
    fn drop(&mut self) {
        self.task.abort();
    }
}
