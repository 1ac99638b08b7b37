//! What goes wrong in a plant room, and what the gateway makes of it.

use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";

fn head(broker: u16, more: &str) -> String {
    format!(
        "[site]\nid = \"test\"\ntimezone = \"Asia/Shanghai\"\n\
         [gateway]\nid = \"box\"\ndata_dir = \"data\"\n{more}\n\
         [uplink.cloud]\nurl = \"mqtt://127.0.0.1:{broker}\"\n"
    )
}

/// One device that reads one register each 100 ms and sends every reading.
fn device(id: &str, port: u16, register: u16) -> String {
    format!(
        "[line.{id}]\ntcp = \"127.0.0.1:{port}\"\n\
         [device.{id}]\nline = \"{id}\"\nunit = 1\npoll = \"100ms\"\nreport = \"every\"\n\
         backoff_first = \"300ms\"\nbackoff_max = \"1s\"\n\
         [device.{id}.point.value]\nholding = {register}\ntype = \"u16\"\nunit = \"count\"\n"
    )
}

fn events(p: &Platform, kind: &str) -> Vec<Json> {
    let all = p.messages();
    let bodies = all.iter().filter(|m| m["topic"] == format!("{ROOT}/event")).map(payload);
    let events = bodies.flat_map(|b| b["events"].as_array().cloned().unwrap_or_default());
    events.filter(|e| e["kind"] == kind).collect()
}

fn await_event(p: &Platform, kind: &str) -> Json {
    eventually(&format!("the event {kind}"), || events(p, kind).pop())
}

fn all_samples(p: &Platform) -> Vec<WireSample> {
    p.messages().iter().flat_map(samples).collect()
}

fn await_samples(p: &Platform, what: &str, more: usize, fits: impl Fn(&WireSample) -> bool) {
    let had = all_samples(p).iter().filter(|s| fits(s)).count();
    eventually(what, || {
        (all_samples(p).iter().filter(|s| fits(s)).count() >= had + more).then_some(())
    });
}

#[test]
fn a_wrong_configuration_tells_every_mistake_and_starts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = head(1, "colour = \"green\"") + &device("hp1", 1, 0).replace("u16", "u61");
    let mut gateway = Gateway::start(dir.path(), &wrong);
    assert_eq!(gateway.process().wait().code(), Some(2));
    let told = gateway.process().wait_for("2 errors");
    assert!(told.contains("2 errors"));
    let text = gateway.process().lines().join("\n");
    assert!(
        text.contains("gateway.colour") && text.contains("device.hp1.point.value.type"),
        "{text}"
    );
    assert!(!dir.path().join("data").exists(), "nothing was started");
}

#[test]
fn a_stop_drains_and_says_so_and_the_next_start_knows_it_was_clean() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let platform = Platform::connect(broker.port, ROOT);
    let site = head(broker.port, "") + &device("hp1", modbus.port, 0);
    let mut gateway = Gateway::start(dir.path(), &site);
    await_samples(&platform, "samples", 3, |s| s.quality == "good");
    gateway.process().signal("TERM");
    assert!(gateway.process().wait().success());
    let status = eventually("status offline", || {
        let all = platform.messages();
        let last = all.iter().rfind(|m| m["topic"] == format!("{ROOT}/status")).map(payload)?;
        (last["state"] == "offline").then_some(last)
    });
    assert_eq!(status["reason"], "stopped");
    let last = all_samples(&platform).last().unwrap().clone();
    let _gateway = Gateway::start(dir.path(), &site);
    let restart = eventually("a restart event about the run before", || {
        events(&platform, "restart").into_iter().find(|e| e["before"] == last.boot.as_str())
    });
    assert_eq!(restart["clean"], true, "{restart}");
    assert_eq!(restart["last"]["data/hp1"], json!(last.seq), "{restart}");
    let boot = |b: &str| b.split('-').next().and_then(|n| n.parse::<u64>().ok()).unwrap();
    await_samples(&platform, "samples of the new run", 1, |s| {
        boot(&s.boot) == boot(&last.boot) + 1
    });
}

#[test]
fn a_changed_configuration_is_taken_device_by_device_and_a_bad_one_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let platform = Platform::connect(broker.port, ROOT);
    let one = head(broker.port, "") + &device("hp1", modbus.port, 0);
    let mut gateway = Gateway::start(dir.path(), &one);
    await_samples(&platform, "samples of hp1", 2, |s| s.device == "hp1");
    let path = dir.path().join("site.toml");
    let two = format!("{one}{}", device("hp2", modbus.port, 1));
    std::fs::write(&path, &two).unwrap();
    gateway.process().signal("HUP");
    let taken = await_event(&platform, "config_reloaded");
    assert_eq!((&taken["added"], &taken["changed"]), (&json!(["hp2"]), &json!([])));
    await_samples(&platform, "samples of hp2", 2, |s| s.device == "hp2" && s.quality == "good");
    std::fs::write(&path, two.replace("u16", "u61")).unwrap();
    gateway.process().signal("HUP");
    await_event(&platform, "config_refused");
    await_samples(&platform, "hp2 goes on", 3, |s| s.device == "hp2" && s.quality == "good");
    std::fs::write(&path, two.replace("[gateway]", "[cache]\nsize_max = \"99MiB\"\n[gateway]"))
        .unwrap();
    gateway.process().signal("HUP");
    eventually("it says what takes a restart", || {
        let told = "[cache] changed, which takes a restart";
        events(&platform, "config_refused").iter().any(|e| e["text"] == told).then_some(())
    });
    std::fs::write(&path, &one).unwrap();
    gateway.process().signal("HUP");
    eventually("hp2 is gone", || {
        let gone = |e: &Json| e["removed"] == json!(["hp2"]);
        events(&platform, "config_reloaded").iter().any(gone).then_some(())
    });
    let seqs: Vec<u64> =
        all_samples(&platform).iter().filter(|s| s.device == "hp1").map(|s| s.seq).collect();
    let unbroken: Vec<u64> = (seqs[0]..seqs[0] + seqs.len() as u64).collect();
    assert_eq!(seqs, unbroken, "hp1 never noticed");
}

#[test]
fn the_catalog_of_a_device_removed_while_the_gateway_was_off_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let platform = Platform::connect(broker.port, ROOT);
    let one = head(broker.port, "") + &device("hp1", modbus.port, 0);
    let two = format!("{one}{}", device("hp2", modbus.port, 1));
    let mut gateway = Gateway::start(dir.path(), &two);
    await_samples(&platform, "samples of hp2", 2, |s| s.device == "hp2");
    gateway.process().signal("TERM");
    assert!(gateway.process().wait().success());
    let catalogs = |device: &str| -> Vec<Json> {
        let topic = format!("{ROOT}/catalog/{device}");
        platform.messages().iter().filter(|m| m["topic"] == topic).map(payload).collect()
    };
    assert!(catalogs("hp2").iter().all(Json::is_object), "{:?}", catalogs("hp2"));
    let _gateway = Gateway::start(dir.path(), &one);
    eventually("an empty catalog of hp2", || {
        catalogs("hp2").iter().any(Json::is_null).then_some(())
    });
    assert!(catalogs("hp1").iter().all(Json::is_object), "that of hp1 stays");
}

#[test]
fn an_outage_is_kept_on_disk_and_delivered_as_history_behind_what_is_live() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path());
    let mut modbus = ModbusServer::tcp();
    let site = head(broker.port, "") + &device("hp1", modbus.port, 0);
    let mut gateway = Gateway::start(dir.path(), &site);
    gateway.process().wait_for("Connected");
    broker.stop();
    for value in 0..40 {
        modbus.set(0, value);
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let held = eventually("something is held on disk", || {
        let (text, code) = gateway.ask(&["cache", "--json"]);
        assert_eq!(code, 0, "{text}");
        let all: Json = serde_json::from_str(&text).unwrap();
        all[0]["cache"]["batches"].as_u64().filter(|n| *n > 20)
    });
    assert!(held > 20);
    let platform = gateway.behind(&mut broker, ROOT);
    let seen = |value: u64| {
        let all = all_samples(&platform);
        all.into_iter().find(|s| s.value == json!(value) && s.hist)
    };
    eventually("values of the outage arrive as history", || seen(20));
    await_samples(&platform, "live values go on", 1, |s| !s.hist);
    eventually("the cache is empty again", || {
        let all: Json = serde_json::from_str(&gateway.ask(&["cache", "--json"]).0).ok()?;
        (all[0]["cache"]["batches"] == 0).then_some(())
    });
    let hist: Vec<u64> = all_samples(&platform).iter().filter(|s| s.hist).map(|s| s.seq).collect();
    let mut sorted = hist.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(hist, sorted, "history is in order and comes once");
}

#[test]
fn a_damaged_cache_is_set_aside_and_told_and_the_program_starts() {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path());
    let modbus = ModbusServer::tcp();
    let site = head(broker.port, "") + &device("hp1", modbus.port, 0);
    broker.stop();
    let mut gateway = Gateway::start(dir.path(), &site);
    eventually("something is held on disk", || {
        let all: Json = serde_json::from_str(&gateway.ask(&["cache", "--json"]).0).ok()?;
        all[0]["cache"]["batches"].as_u64().filter(|n| *n > 20)
    });
    gateway.process().kill();
    let mut damaged = 0;
    for path in files(&dir.path().join("data/cache")) {
        let mut bytes = std::fs::read(&path).unwrap();
        for byte in bytes.iter_mut() {
            *byte = byte.wrapping_add(0x55);
        }
        damaged += bytes.len();
        std::fs::write(&path, bytes).unwrap();
    }
    assert!(damaged > 1000);
    broker.restart();
    let platform = Platform::connect(broker.port, ROOT);
    let _gateway = Gateway::start(dir.path(), &site);
    await_samples(&platform, "live values", 3, |s| s.quality == "good" && !s.hist);
    let told = await_event(&platform, "cache_quarantined");
    assert!(told["path"].as_str().is_some_and(|p| Path::new(p).exists()), "{told}");
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        match entry.is_dir() {
            true => found.extend(files(&entry)),
            false if entry.file_name().is_some_and(|n| n != "lock" && n != "reserve") => {
                found.push(entry)
            }
            false => {}
        }
    }
    found
}

#[test]
fn a_serial_port_that_is_not_there_yet_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let platform = Platform::connect(broker.port, ROOT);
    let port = dir.path().join("ttyB");
    let mut site = head(broker.port, "");
    let _ = write!(
        site,
        "[line.field]\nserial = \"{}\"\nbaud = 19200\nparity = \"none\"\n\
         [device.hp1]\nline = \"field\"\nunit = 1\npoll = \"200ms\"\nbackoff_first = \"300ms\"\n\
         backoff_max = \"1s\"\n\
         [device.hp1.point.value]\nholding = 0\ntype = \"u16\"\nunit = \"count\"\n",
        port.display()
    );
    let mut gateway = Gateway::start(dir.path(), &site);
    let told = gateway.process().wait_for("Device does not answer");
    assert!(told.contains("ttyB"), "{told}");
    let cable = SerialPair::new(dir.path());
    let _device = ModbusServer::serial(&cable.a, 1);
    await_samples(&platform, "the value", 1, |s| s.value == json!(453));
}

#[test]
fn a_second_gateway_on_the_same_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let site = head(broker.port, "") + &device("hp1", free_port(), 0);
    let mut first = Gateway::start(dir.path(), &site);
    first.process().wait_for("Running");
    let mut second = Gateway::start(dir.path(), &site);
    assert_eq!(second.process().wait().code(), Some(1));
    let told = second.process().wait_for("in use");
    assert!(told.contains("running already"), "{told}");
}

#[test]
fn a_password_never_shows_in_the_log_and_opens_the_broker() {
    let dir = tempfile::tempdir().unwrap();
    let users = dir.path().join("users");
    let made = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .args([users.as_os_str(), "gateway".as_ref(), "s3cret-of-the-test".as_ref()])
        .status();
    assert!(made.unwrap().success());
    let settings = format!("allow_anonymous false\npassword_file {}\n", users.display());
    let broker = Broker::with(dir.path(), &settings);
    let modbus = ModbusServer::tcp();
    let login = ["--user", "gateway", "--password", "s3cret-of-the-test"];
    let platform = Platform::with(broker.port, ROOT, &login);
    std::fs::write(dir.path().join("password"), "s3cret-of-the-test\n").unwrap();
    let site = head(broker.port, "log = \"trace\"")
        + "username = \"gateway\"\npassword_file = \"password\"\n"
        + &device("hp1", modbus.port, 0);
    let mut gateway = Gateway::start(dir.path(), &site);
    await_samples(&platform, "values", 3, |s| s.quality == "good");
    let log = gateway.process().lines().join("\n");
    assert!(log.contains("Connected"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn prometheus_sees_a_device_go_and_come() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let mut modbus = ModbusServer::tcp();
    let port = free_port();
    let site = head(broker.port, &format!("metrics = \"127.0.0.1:{port}\""))
        + &device("hp1", modbus.port, 0);
    let _gateway = Gateway::start(dir.path(), &site);
    let page = || {
        let output = Command::new("curl")
            .args(["-s", &format!("http://127.0.0.1:{port}/metrics")])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let line = |text: &str| {
        eventually(text, || page().lines().any(|l| l == text).then_some(()));
    };
    line("wellhead_device_up{device=\"hp1\"} 1");
    line("wellhead_uplink_connected{uplink=\"cloud\"} 1");
    line("wellhead_device_points{device=\"hp1\",quality=\"good\"} 1");
    modbus.process().kill();
    line("wellhead_device_up{device=\"hp1\"} 0");
    line("wellhead_device_points{device=\"hp1\",quality=\"bad\"} 1");
    let _modbus = ModbusServer::tcp_at(modbus.port);
    line("wellhead_device_up{device=\"hp1\"} 1");
}

#[test]
fn systemd_is_told_of_readiness_life_reload_and_stop() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let broker = Broker::start(dir.path());
    let site = dir.path().join("site.toml");
    std::fs::write(&site, head(broker.port, "") + &device("hp1", free_port(), 0)).unwrap();
    let mut command = Command::new(program("wellhead"));
    command.arg("run").arg(&site);
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "3000000");
    let mut gateway = Child::start("wellhead", command);
    let wait_for = |word: &str| {
        let mut buf = [0; 512];
        loop {
            let n = socket.recv(&mut buf).unwrap_or_else(|e| panic!("{word} never came: {e}"));
            if String::from_utf8_lossy(&buf[..n]).lines().any(|l| l == word) {
                return;
            }
        }
    };
    wait_for("READY=1");
    wait_for("WATCHDOG=1");
    wait_for("WATCHDOG=1");
    gateway.signal("HUP");
    wait_for("RELOADING=1");
    wait_for("READY=1");
    gateway.signal("TERM");
    wait_for("STOPPING=1");
    assert!(gateway.wait().success());
}

/// Everybody is away: the broker, and a device that takes the connection and never answers.
#[test]
fn a_stop_ends_though_nobody_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = mute.local_addr().unwrap().port();
    let mut gateway =
        Gateway::start(dir.path(), &(head(free_port(), "") + &device("hp1", port, 0)));
    gateway.process().wait_for("Device does not answer");
    gateway.process().signal("TERM");
    assert!(gateway.process().wait().success());
    let log = gateway.process().lines();
    assert!(log.iter().any(|l| l.contains("Stopped")), "{log:?}");
}
