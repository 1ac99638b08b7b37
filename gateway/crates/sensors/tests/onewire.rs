//! 1-Wire sensors under a fake root, laid out and behaving as the kernel's files do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Readings, Recovery};
use wellhead_model::{PointIndex, Reason, Unit, Value};
use wellhead_sensors::onewire::{
    DeviceSpec, Found, OneWireDriver, PointSpec, Rom, check, scan, text,
};

/// Far longer than anything takes; only keeps a failing test from hanging.
const GUARD: Duration = Duration::from_secs(60);
const MASTER: &str = "w1_bus_master1";

fn rom(n: usize) -> Rom {
    format!("28-0316a27900{n:02x}").parse().unwrap()
}

/// A folder of 1-Wire devices with one bus.
struct Tree {
    dir: TempDir,
}

impl Tree {
    fn new(sensors: usize) -> Self {
        let tree = Self { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(tree.bus()).unwrap();
        (0..sensors).for_each(|n| tree.put(rom(n), "temperature", "12345\n"));
        tree.list(sensors);
        tree
    }

    fn root(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    fn bus(&self) -> PathBuf {
        self.dir.path().join(MASTER)
    }

    fn list(&self, sensors: usize) {
        let mut lines: String = (0..sensors).map(|n| format!("{}\n", rom(n))).collect();
        if lines.is_empty() {
            lines = "not found.\n".into();
        }
        fs::write(self.bus().join("w1_master_slaves"), lines).unwrap();
    }

    fn file(&self, rom: Rom, file: &str) -> PathBuf {
        self.dir.path().join(rom.to_string()).join(file)
    }

    fn put(&self, rom: Rom, file: &str, text: &str) {
        fs::create_dir_all(self.dir.path().join(rom.to_string())).unwrap();
        fs::write(self.file(rom, file), text).unwrap();
    }

    /// A file whose reader waits until somebody writes.
    fn pipe(&self, rom: Rom, file: &str) -> PathBuf {
        let path = self.file(rom, file);
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    fn spec(&self, sensors: usize) -> DeviceSpec {
        let point = |n| PointSpec {
            index: PointIndex(n as u32),
            name: format!("t{n}"),
            rom: rom(n),
            unit: None,
            conversion: Conversion::default(),
            period: Duration::from_secs(10),
        };
        DeviceSpec {
            name: "bore-7".into(),
            root: self.root(),
            master: Some(MASTER.into()),
            believe_85: false,
            points: (0..sensors).map(point).collect(),
        }
    }
}

async fn poll(driver: &mut OneWireDriver) -> Result<Readings, DeviceError> {
    let mut out = Readings::default();
    let mut line = Line::none();
    let polled = driver.poll(&mut line, 0, &mut out);
    tokio::time::timeout(GUARD, polled).await.unwrap()?;
    Ok(out)
}

fn outcomes(out: Readings) -> Vec<Outcome> {
    out.outcomes.into_iter().map(|(_, o)| o).collect()
}

fn good(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

/// A kernel with parallel conversion: until `trigger` is written the sensors' files are empty, as
/// they are while a sensor converts; then all hold a value, until the next trigger.
struct Kernel {
    triggers: Arc<AtomicUsize>,
    end: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Kernel {
    fn start(tree: &Tree, sensors: usize) -> Self {
        let bulk = tree.bus().join("therm_bulk_read");
        fs::write(&bulk, "0\n").unwrap();
        let files: Vec<PathBuf> = (0..sensors).map(|n| tree.file(rom(n), "temperature")).collect();
        files.iter().for_each(|f| fs::write(f, "").unwrap());
        let (triggers, end) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (triggers.clone(), end.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                if fs::read_to_string(&bulk).unwrap().contains("trigger") {
                    fs::write(&bulk, "-1\n").unwrap();
                    let sweep = count.fetch_add(1, Ordering::Relaxed) + 1;
                    std::thread::sleep(Duration::from_millis(30));
                    for (n, file) in files.iter().enumerate() {
                        fs::write(file, format!("{}\n", 1000 * n + 125 * sweep)).unwrap();
                    }
                    fs::write(&bulk, "1\n").unwrap();
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { triggers, end, thread: Some(thread) }
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

#[tokio::test]
async fn a_string_of_32_sensors_converts_once_a_sweep() {
    let tree = Tree::new(32);
    let kernel = Kernel::start(&tree, 32);
    let mut driver = OneWireDriver::new(tree.spec(32));
    for sweep in 1..=3u32 {
        let got = outcomes(poll(&mut driver).await.unwrap());
        let expected = |n: u32| good(f64::from(1000 * n + 125 * sweep) / 1000.0);
        assert_eq!(got, (0..32).map(expected).collect::<Vec<_>>());
        assert_eq!(kernel.triggers.load(Ordering::Relaxed), sweep as usize);
    }
}

#[tokio::test]
async fn a_kernel_without_parallel_conversion_is_read_one_by_one() {
    let tree = Tree::new(2);
    fs::remove_file(tree.file(rom(1), "temperature")).unwrap();
    let old = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n";
    tree.put(rom(1), "w1_slave", old);
    let out = poll(&mut OneWireDriver::new(tree.spec(2))).await.unwrap();
    let units: Vec<_> = out.units.iter().map(|(_, u)| u.symbol()).collect();
    assert_eq!(units, ["°C", "°C"]);
    assert_eq!(outcomes(out), [good(12.345), good(23.125)]);
}

#[tokio::test]
async fn what_a_sensor_shows_without_having_measured_is_bad_and_its_neighbours_stay_good() {
    let slave =
        |crc: &str, t: &str| format!("50 05 4b 46 7f ff 0c 10 1c : crc=1c {crc}\n50 05 t={t}\n");
    let nought = "00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n";
    let cases = [
        ("temperature", "85000\n".into(), Reason::BadReply),
        ("temperature", "-127000\n".into(), Reason::NoSensor),
        ("temperature", "127937\n".into(), Reason::OutOfRange),
        ("temperature", "-55001\n".into(), Reason::OutOfRange),
        ("temperature", "\n".into(), Reason::NoReply),
        ("temperature", "twelve\n".into(), Reason::Undecodable),
        ("w1_slave", slave("NO", "23125"), Reason::BadReply),
        ("w1_slave", slave("YES", "85000"), Reason::BadReply),
        ("w1_slave", slave("YES", "2312x"), Reason::Undecodable),
        ("w1_slave", slave("MAYBE", "23125"), Reason::Undecodable),
        ("w1_slave", nought.into(), Reason::BadReply),
        ("w1_slave", String::new(), Reason::Undecodable),
    ];
    for (file, content, reason) in cases {
        let tree = Tree::new(2);
        fs::remove_file(tree.file(rom(0), "temperature")).unwrap();
        tree.put(rom(0), file, &content);
        let got = outcomes(poll(&mut OneWireDriver::new(tree.spec(2))).await.unwrap());
        assert_eq!(got, [Outcome::Bad(reason), good(12.345)], "{content}");
    }
    let tree = Tree::new(1);
    tree.put(rom(0), "temperature", "85000\n");
    let spec = DeviceSpec { believe_85: true, ..tree.spec(1) };
    assert_eq!(outcomes(poll(&mut OneWireDriver::new(spec)).await.unwrap()), [good(85.0)]);
}

#[tokio::test]
async fn a_sensor_that_vanishes_is_bad_until_it_is_back() {
    let tree = Tree::new(3);
    let mut driver = OneWireDriver::new(tree.spec(3));
    assert_eq!(outcomes(poll(&mut driver).await.unwrap()), vec![good(12.345); 3]);
    fs::remove_dir_all(tree.root().join(rom(1).to_string())).unwrap();
    let got = outcomes(poll(&mut driver).await.unwrap());
    assert_eq!(got, [good(12.345), Outcome::Bad(Reason::NoSensor), good(12.345)]);
    tree.put(rom(1), "temperature", "9000\n");
    let got = outcomes(poll(&mut driver).await.unwrap());
    assert_eq!(got, [good(12.345), good(9.0), good(12.345)]);
    fs::rename(tree.bus(), tree.root().join("elsewhere")).unwrap();
    let error = poll(&mut driver).await.unwrap_err();
    assert_eq!(error.recovery(), Recovery::LineDown, "{error}");
}

#[tokio::test]
async fn an_unknown_sensor_is_told_once() {
    let tree = Tree::new(3);
    let mut driver = OneWireDriver::new(tree.spec(2));
    let out = poll(&mut driver).await.unwrap();
    assert_eq!(out.notices.len(), 1);
    assert_eq!(out.notices[0].code, "unknown_sensor");
    assert!(out.notices[0].text.contains(&rom(2).to_string()), "{:?}", out.notices);
    tree.list(4);
    let out = poll(&mut driver).await.unwrap();
    assert_eq!(out.notices.len(), 1, "only the one that is new");
    assert!(out.notices[0].text.contains(&rom(3).to_string()));
    assert_eq!(poll(&mut driver).await.unwrap().notices, []);
}

#[tokio::test]
async fn a_slow_bus_does_not_hold_up_the_program() {
    let tree = Tree::new(1);
    let pipe = tree.pipe(rom(0), "temperature");
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let sensor = std::thread::spawn(move || {
        let others_ran = gate.recv_timeout(GUARD).is_ok();
        fs::write(pipe, "9875\n").unwrap();
        others_ran
    });
    let mut driver = OneWireDriver::new(tree.spec(1));
    let others = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        open.send(()).unwrap();
    };
    let (out, ()) = tokio::join!(poll(&mut driver), others);
    assert_eq!(outcomes(out.unwrap()), [good(9.875)]);
    assert!(sensor.join().unwrap(), "nothing else ran while the sensor was read");
}

#[tokio::test]
async fn what_an_abandoned_poll_read_is_not_taken_for_new() {
    let tree = Tree::new(1);
    let pipe = tree.pipe(rom(0), "temperature");
    let mut driver = OneWireDriver::new(tree.spec(1));
    let (mut line, mut out) = (Line::none(), Readings::default());
    let polled = driver.poll(&mut line, 0, &mut out);
    assert!(tokio::time::timeout(Duration::from_millis(20), polled).await.is_err());
    std::thread::spawn(move || {
        // Opens when the reading of the first poll does; the second finds the new value.
        let mut first = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
        fs::remove_file(&pipe).unwrap();
        fs::write(&pipe, "20000\n").unwrap();
        std::io::Write::write_all(&mut first, b"10000\n").unwrap();
    });
    assert_eq!(outcomes(poll(&mut driver).await.unwrap()), [good(20.0)]);
}

#[test]
fn a_scan_lists_every_sensor_of_every_bus() {
    let tree = Tree::new(2);
    tree.put(rom(1), "temperature", "85000\n");
    let second = tree.root().join("w1_bus_master2");
    fs::create_dir(&second).unwrap();
    fs::write(second.join("w1_master_slaves"), "01-00000012ab34\nnonsense\n").unwrap();
    let found = scan(&tree.root()).unwrap();
    let of = |master: &str, rom: Rom, celsius| Found { master: master.into(), rom, celsius };
    assert_eq!(
        found,
        [
            of(MASTER, rom(0), Ok(12.345)),
            of(MASTER, rom(1), Err(Reason::BadReply)),
            of("w1_bus_master2", "01-00000012ab34".parse().unwrap(), Err(Reason::IllegalAddress)),
        ]
    );
    assert!(scan(Path::new("/nowhere/w1/devices")).is_err());
    tree.list(0);
    assert_eq!(scan(&tree.root()).unwrap().len(), 1, "`not found.` is no sensor");
}

#[test]
fn a_wrong_specification_says_where() {
    let tree = Tree::new(0);
    let mut spec = tree.spec(3);
    assert_eq!(check(&spec), []);
    spec.master = Some("../master".into());
    spec.points[0].unit = Some(Unit::parse("kW").unwrap());
    spec.points[1].rom = "01-00000012ab34".parse().unwrap();
    spec.points[2].rom = rom(0);
    let found: Vec<_> = check(&spec).into_iter().map(|p| (p.point, p.key)).collect();
    let of = |point: &str, key| (Some(point.to_owned()), key);
    assert_eq!(found, [(None, "master"), of("t0", "unit"), of("t1", "sensor"), of("t2", "sensor")]);
}

proptest! {
    #[test]
    fn addresses_read_back_and_other_texts_are_refused(
        family in any::<u8>(), serial in 0u64..1 << 48, text in "[0-9a-fx-]{0,16}",
    ) {
        let rom = Rom { family, serial };
        prop_assert_eq!(rom.to_string().parse(), Ok(rom));
        if let Ok(rom) = text.parse::<Rom>() {
            prop_assert_eq!(rom.to_string(), text);
        }
    }

    #[test]
    fn any_text_is_a_temperature_that_stands_in_it_or_none(
        text in "[0-9a-f :=\nYESNOcrt-]{0,80}", thousandths in any::<i32>(),
    ) {
        for read in [text::temperature(&text), text::w1_slave(&text)].into_iter().flatten() {
            prop_assert!(text.contains(&read.to_string()) || text.contains('0'), "{read}");
        }
        prop_assert_eq!(text::temperature(&format!("{thousandths}\n")), Ok(thousandths));
        if let Ok(t) = text::believable(thousandths, false) {
            prop_assert!(t == thousandths && (-55_000..=125_000).contains(&t) && t != 85_000);
        }
        let _ = text::slaves(&text).count();
    }

    #[test]
    fn a_whole_file_with_a_right_checksum_gives_its_value_and_a_wrong_one_none(
        raw in -880i32..=2000, yes in any::<bool>(),
    ) {
        let value = raw * 1000 / 16;
        let verdict = if yes { "YES" } else { "NO" };
        let text = format!("72 01 4b 46 : crc=57 {verdict}\n72 01 4b 46 t={value}\n");
        prop_assert_eq!(text::w1_slave(&text), if yes { Ok(value) } else { Err(Reason::BadReply) });
    }
}
