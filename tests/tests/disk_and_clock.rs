//! A full disk, and a wall clock that is set by a year.

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

fn site(broker: u16, data: &Path, modbus: u16) -> String {
    format!(
        "[site]\nid = \"test\"\ntimezone = \"Asia/Shanghai\"\n\
         [gateway]\nid = \"box\"\ndata_dir = \"{}\"\n\
         [cache]\nsize_max = \"32MiB\"\nreserve = \"1MiB\"\n\
         [uplink.cloud]\nurl = \"mqtt://127.0.0.1:{broker}\"\n\
         [line.field]\ntcp = \"127.0.0.1:{modbus}\"\n\
         [device.hp1]\nline = \"field\"\nunit = 1\npoll = \"50ms\"\nreport = \"every\"\n\
         [device.hp1.point.value]\nholding = 0\ntype = \"u16\"\nunit = \"count\"\n",
        data.display()
    )
}

fn all_samples(p: &Platform) -> Vec<WireSample> {
    p.messages().iter().flat_map(samples).collect()
}

fn cache(gateway: &Gateway) -> Json {
    let (text, _) = gateway.ask(&["cache", "--json"]);
    let all: Json = serde_json::from_str(&text).unwrap_or_default();
    all[0]["cache"].clone()
}

fn held(gateway: &Gateway) -> u64 {
    cache(gateway)["batches"].as_u64().unwrap_or_default()
}

/// Numbers that came, and those that gap events told, leave no hole.
fn accounted(p: &Platform) -> Result<(), String> {
    let mut numbers: Vec<u64> = all_samples(p).iter().map(|s| s.seq).collect();
    let bodies: Vec<Json> = p.messages().iter().map(payload).collect();
    let told = bodies.iter().flat_map(|b| b["events"].as_array().cloned().unwrap_or_default());
    for gap in told.filter(|e| e["kind"] == "gap" && e["stream"] == "data/hp1") {
        let (first, last) = (gap["first"].as_u64().unwrap(), gap["last"].as_u64().unwrap());
        numbers.extend(first..=last);
    }
    numbers.sort_unstable();
    numbers.dedup();
    let (first, last) = (numbers[0], numbers[numbers.len() - 1]);
    match numbers.len() as u64 == last - first + 1 {
        true => Ok(()),
        false => Err(format!("{first} to {last}: {numbers:?}")),
    }
}

/// A small filesystem of its own; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` without the right to mount.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(at)
            .status()
            .is_ok_and(|s| s.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_costs_only_the_oldest_and_all_is_well_again_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("SKIPPED: mounting a small disk needs root");
        return;
    };
    let mut broker = Broker::start(dir.path());
    let mut modbus = ModbusServer::tcp();
    let mut gateway =
        Gateway::start(dir.path(), &site(broker.port, &disk.0.join("data"), modbus.port));
    gateway.process().wait_for("Connected");
    broker.stop();
    eventually("the outage is kept on disk", || (held(&gateway) > 20).then_some(()));
    let filler = disk.0.join("filler");
    eventually("the cache says that it can't write", || {
        fill(&filler); // also what the cache gives up of its own
        let said = |l: &String| l.contains("Cache not written");
        gateway.process().lines().iter().any(said).then_some(())
    });
    eventually("`wellhead cache` says so too", || {
        cache(&gateway)["error"].is_string().then_some(())
    });
    modbus.set(0, 777);
    std::thread::sleep(std::time::Duration::from_secs(3));
    let platform = gateway.behind(&mut broker, ROOT);
    eventually("publishing goes on with the disk full", || {
        let live = |s: &WireSample| !s.hist && s.value == json!(777);
        (all_samples(&platform).iter().filter(|s| live(s)).count() > 20).then_some(())
    });
    std::fs::remove_file(&filler).unwrap();
    // What a broker acknowledged and had not passed on goes with it, so nothing may be under way.
    eventually("the backlog is through", || (held(&gateway) == 0).then_some(()));
    eventually("no number of the first outage is missing untold", || accounted(&platform).ok());
    broker.stop();
    let before = held(&gateway);
    eventually("a new outage is kept on disk again", || {
        (held(&gateway) > before + 20).then_some(())
    });
    // The broker forgot its subscribers; this one sees the rest.
    let rest = gateway.behind(&mut broker, ROOT);
    eventually("the cache is empty", || (held(&gateway) == 0).then_some(()));
    assert!(cache(&gateway)["error"].is_null(), "nothing is wrong any more");
    eventually("no number is missing untold", || accounted(&rest).ok());
    drop(gateway);
}

#[test]
fn a_disk_that_is_full_at_the_start_is_told_wherever_one_looks() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("SKIPPED: mounting a small disk needs root");
        return;
    };
    fill(&disk.0.join("filler"));
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let platform = Platform::connect(broker.port, ROOT);
    let mut gateway =
        Gateway::start(dir.path(), &site(broker.port, &disk.0.join("data"), modbus.port));
    gateway.process().wait_for("Connected");
    eventually("`wellhead cache --json` says so", || {
        cache(&gateway)["error"].as_str().filter(|e| e.starts_with("memory only: ")).map(drop)
    });
    assert!(cache(&gateway)["hours_left"].is_null());
    let (text, _) = gateway.ask(&["cache"]);
    assert!(text.contains("memory only: "), "{text}");
    let health = eventually("health", || {
        let health = |m: &&Json| m["topic"].as_str().is_some_and(|t| t.ends_with("/health"));
        platform.messages().iter().find(health).map(payload)
    });
    assert_eq!(health["cache"]["failed"], true, "{health}");
    assert!(health["cache"]["hours_left"].is_null(), "{health}");
    eventually("an event", || {
        let bodies: Vec<Json> = platform.messages().iter().map(payload).collect();
        let mut events =
            bodies.iter().flat_map(|b| b["events"].as_array().cloned().unwrap_or_default());
        events.any(|e| e["kind"] == "cache_failed").then_some(())
    });
}

#[test]
fn a_disk_that_others_fill_while_all_is_well_is_no_room_for_an_outage() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&dir.path().join("disk")) else {
        println!("SKIPPED: mounting a small disk needs root");
        return;
    };
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let mut gateway =
        Gateway::start(dir.path(), &site(broker.port, &disk.0.join("data"), modbus.port));
    gateway.process().wait_for("Connected");
    let hours = || cache(&gateway)["hours_left"].as_f64();
    eventually("room for an outage", || hours().filter(|h| *h > 0.5));
    fill(&disk.0.join("filler"));
    eventually("none is promised", || hours().filter(|h| *h == 0.0));
    std::fs::remove_file(disk.0.join("filler")).unwrap();
    eventually("there is room again", || hours().filter(|h| *h > 0.5));
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = std::fs::File::options().create(true).append(true).open(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

#[test]
fn a_wall_clock_set_by_a_year_either_way_loses_and_reorders_nothing() {
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    if !Path::new(library).exists() {
        println!("SKIPPED: {library} is missing (tests/setup.sh test installs it on amd64)");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let platform = Platform::connect(broker.port, ROOT);
    let path = dir.path().join("site.toml");
    std::fs::write(&path, site(broker.port, &dir.path().join("data"), modbus.port)).unwrap();
    let dial = dir.path().join("faketime");
    // Replaced whole: the gateway must never read half a setting.
    let set = |text: &str| {
        std::fs::write(dir.path().join("faketime.new"), text).unwrap();
        std::fs::rename(dir.path().join("faketime.new"), &dial).unwrap();
    };
    set("+0d");
    let mut command = Command::new(program("wellhead"));
    command
        .arg("run")
        .arg(&path)
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &dial)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let _gateway = Child::start("wellhead", command);
    let mut at = 0;
    let mut more = |what: &str| {
        eventually(what, || (all_samples(&platform).len() > at + 20).then_some(()));
        at = all_samples(&platform).len();
    };
    more("samples");
    for (offset, what) in
        [("+365d", "a year ahead"), ("-365d", "a year back"), ("+0d", "right again")]
    {
        set(offset);
        more(what);
    }
    let steps = || {
        let bodies: Vec<Json> = platform.messages().iter().map(payload).collect();
        let events =
            bodies.iter().flat_map(|b| b["events"].as_array().cloned().unwrap_or_default());
        events.filter(|e| e["kind"] == "clock_step").count()
    };
    eventually("each step is told", || (steps() == 3).then_some(()));
    let all = all_samples(&platform);
    let seqs: Vec<u64> = all.iter().map(|s| s.seq).collect();
    let unbroken: Vec<u64> = (seqs[0]..seqs[0] + seqs.len() as u64).collect();
    assert_eq!(seqs, unbroken, "in order, none lost, none twice");
    const YEAR_MS: i64 = 365 * 86_400_000;
    let spread = all.iter().map(|s| s.t).max().unwrap() - all.iter().map(|s| s.t).min().unwrap();
    assert!(spread > 2 * YEAR_MS - 1000, "the wall clock really moved: {spread}");
    assert!(all.iter().all(|s| s.quality == "good"), "no age is measured on the wall clock");
}
