//! A plugin's whole path with real parts: from an empty folder to an output of the plant, and what
//! becomes of that output when the plugin, its package or the gateway fails.
//!
//! The plugin is the SDK's template, as `wellhead plugin new` copies it. Where a test needs one that
//! fails, or one that wants to hear of changes at once, its source is edited as an integrator would.

use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::process::Command;
use wellhead_tests::*;

const ROOT: &str = "wellhead/v1/test/box";
/// A minute of plant time each second; what is waited for here has minutes.
const FAST: [&str; 4] = ["--speed", "60", "--start", "2026-12-15T06:00"];

/// A plant room with a pump drive, a thermometer whose register the test sets, and a gateway.
struct Bench {
    dir: tempfile::TempDir,
    broker: Broker,
    platform: Platform,
    thermometer: ModbusServer,
    _plant: Child,
    control: String,
    metrics: u16,
    line: String,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path());
        let platform = Platform::connect(broker.port, ROOT);
        let mut command = Command::new(program("wellhead-plant"));
        command.args(["run", "--modbus-tcp", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        command.args(FAST);
        let mut plant = Child::start("plant", command);
        let at = |line: String| line.split(' ').next_back().unwrap_or_default().to_owned();
        let control = at(plant.wait_for("listening control"));
        let line = at(plant.wait_for("listening modbus-tcp"));
        let thermometer = ModbusServer::tcp();
        let mut bench = Self {
            metrics: free_port(),
            dir,
            platform,
            thermometer,
            _plant: plant,
            control,
            line,
            broker,
        };
        bench.outdoors(9.0);
        bench.write_site(SIGNED);
        bench
    }

    fn outdoors(&mut self, celsius: f64) {
        self.thermometer.set(0, (celsius * 10.0) as u16);
    }

    fn site(&self) -> PathBuf {
        self.dir.path().join("site.toml")
    }

    /// The site with these tables of plugins.
    fn write_site(&self, plugins: &str) {
        let text = format!(
            "[site]\nid = \"test\"\ntimezone = \"Asia/Shanghai\"\n\
             [gateway]\nid = \"box\"\ndata_dir = \"data\"\ncommands = true\nmetrics = \"127.0.0.1:{}\"\n\
             [uplink.cloud]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             [line.roof]\ntcp = \"127.0.0.1:{}\"\n\
             [device.roof]\nline = \"roof\"\nunit = 1\npoll = \"200ms\"\n\
             [device.roof.point.outdoor]\nholding = 0\ntype = \"i16\"\nscale = 0.1\nunit = \"°C\"\n\
             [line.field]\ntcp = \"{}\"\n\
             [device.drive]\nline = \"field\"\nunit = 11\npoll = \"200ms\"\n\
             [device.drive.point.lost]\ninput = 2\nbit = 10\n\
             [device.drive.point.run]\nholding = 0\ntype = \"u16\"\nclass = \"setpoint\"\n\
             states = {{ 0 = \"off\", 1 = \"on\" }}\n\
             [device.drive.point.run.output]\nsafe = \"off\"\nwatchdog = \"panel settings\"\n\
             {plugins}",
            self.metrics, self.broker.port, self.thermometer.port, self.line
        );
        std::fs::write(self.site(), text).unwrap();
    }

    fn trust_and_install(&self, version: &str) {
        let shop = Workshop::shared();
        let key = shop.key().display().to_string();
        self.wellhead(&["trust", &key]);
        self.install(version);
    }

    fn install(&self, version: &str) -> String {
        let package = Workshop::shared().package(version).display().to_string();
        self.wellhead(&["install", &package])
    }

    #[track_caller]
    fn wellhead(&self, arguments: &[&str]) -> String {
        let site = self.site().display().to_string();
        plugin(self.dir.path(), &[arguments, &["--site", &site]].concat(), 0)
    }

    /// What `wellhead read` says of a point without a value.
    fn read(&self, point: &str) -> String {
        let mut command = Command::new(program("wellhead"));
        command.args(["read", point, "--site"]).arg(self.site()).env("LANG", "C");
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn start(&self) -> Gateway {
        let mut gateway = Gateway::start_with(&self.site(), &FAST);
        gateway.process().wait_for("Running");
        gateway
    }

    /// What a point of the drive shows in the plant itself.
    fn drive(&self, point: &str) -> Json {
        let mut command = Command::new(program("wellhead-plant"));
        command.args(["value", "--control", &self.control, "11", point]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice::<Json>(&output.stdout).unwrap()["value"].clone()
    }

    #[track_caller]
    fn await_drive(&self, point: &str, on: bool) {
        let wanted = json!(f64::from(u8::from(on)));
        eventually(&format!("the drive's {point} is {on}"), || {
            (self.drive(point) == wanted).then_some(())
        });
    }

    /// At its start the plant runs the pump by itself; so that nothing is mistaken for
    /// the plugin's doing, it goes off by the plugin and then on by the plugin.
    #[track_caller]
    fn it_freezes(&mut self) {
        self.await_drive("run", false);
        self.outdoors(2.0);
        self.await_drive("run", true);
    }

    fn list(&self) -> Json {
        serde_json::from_str(&self.wellhead(&["list", "--json"])).unwrap()
    }

    #[track_caller]
    fn await_state(&self, state: &str) -> Json {
        eventually(&format!("the plugin is {state}: {}", self.list()), || {
            let all = self.list();
            (all[0]["state"] == state).then(|| all[0].clone())
        })
    }

    fn events(&self) -> Vec<Json> {
        let all = self.platform.messages();
        let bodies = all.iter().filter(|m| m["topic"] == format!("{ROOT}/event")).map(payload);
        bodies.flat_map(|b| b["events"].as_array().cloned().unwrap_or_default()).collect()
    }

    #[track_caller]
    fn await_event(&self, what: &str, fits: impl Fn(&Json) -> bool) -> Json {
        eventually(&format!("the event {what}: {:#?}", self.events()), || {
            self.events().into_iter().find(|e| fits(e))
        })
    }

    /// Every state that an alarm went through, `Null` for clear.
    fn alarms(&self, id: &str) -> Vec<Json> {
        let all = self.platform.messages();
        all.iter().filter(|m| m["topic"] == format!("{ROOT}/alarm/{id}")).map(payload).collect()
    }

    #[track_caller]
    fn await_alarm(&self, id: &str, fits: impl Fn(&Json) -> bool) -> Json {
        eventually(&format!("the alarm {id}: {:?}", self.alarms(id)), || {
            self.alarms(id).pop().filter(|a| fits(a))
        })
    }

    #[track_caller]
    fn await_value(&self, point: &str, fits: impl Fn(&Json) -> bool) -> Json {
        eventually(&format!("frost/{point} is as wanted"), || {
            let all = self.platform.messages();
            let mut seen = all.iter().flat_map(samples);
            let last = seen.rfind(|s| s.device == "frost" && s.point == point)?;
            fits(&last.value).then_some(last.value)
        })
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.metrics);
        let output = Command::new("curl").args(["-s", &url]).output().unwrap();
        let page = String::from_utf8(output.stdout).unwrap();
        let line = page.lines().find_map(|l| l.strip_prefix(&format!("{name} ")))?;
        line.parse().ok()
    }
}

/// A thermometer that stays cold, and an output that nobody else needs.
const SPARE: &str = "[device.roof.point.cold]\nholding = 1\ntype = \"i16\"\nscale = 0.1\n\
    unit = \"°C\"\n[device.roof.point.spare]\nholding = 31\ntype = \"u16\"\n\
    class = \"setpoint\"\nstates = { 0 = \"off\", 1 = \"on\" }\n\
    [device.roof.point.spare.output]\nsafe = \"off\"\nwatchdog = \"none\"\n";
/// How long the drive waits for a write before it goes by its panel.
const WATCHDOG: &str = "[device.drive.point.watchdog_time]\nholding = 5\ntype = \"u16\"\n\
    unit = \"s\"\nclass = \"setpoint\"\n[device.drive.point.watchdog_time.output]\n\
    limits = [10, 300]\nsafe = 10\nwatchdog = \"none\"\n";
const SIGNED: &str = "[plugin.frost]\npackage = \"frost-guard\"\n\
    role = { outdoor_temp = \"roof/outdoor\", pump = \"drive/run\" }\n";

/// The whole path, and an exchange while it runs: the hours counted go on.
#[test]
fn a_plugin_goes_from_an_empty_folder_to_the_plant_and_is_exchanged_with_its_state() {
    let mut bench = Bench::new();
    bench.trust_and_install("0.1.0");
    let mut gateway = bench.start();
    bench.await_state("running");
    bench.it_freezes();
    bench.await_value("mode", |v| v == "frost");
    let catalog = eventually("the plugin's points are told as a device's", || {
        let all = bench.platform.messages();
        all.iter().find(|m| m["topic"] == format!("{ROOT}/catalog/frost")).map(payload)
    });
    let hours = catalog["points"].as_array().unwrap().iter().find(|p| p["id"] == "run_hours");
    assert_eq!(hours.unwrap()["unit"], "h", "{catalog}");
    let hours = bench.await_value("run_hours", |v| v.as_f64().is_some_and(|h| h > 0.05));

    assert!(bench.alarms("frost.no_outdoor_temp").is_empty(), "no alarm before the first poll");
    let told = bench.wellhead(&["disable", "frost"]);
    assert!(told.starts_with("frost is stopped and its outputs are released; "), "{told}");
    bench.await_state("disabled");
    bench.await_drive("run", false);
    let told = bench.wellhead(&["disable", "frost"]);
    assert!(told.starts_with("frost was off already; "), "{told}");
    let told = bench.read("frost/mode");
    assert!(told.contains("bad: not_computed") && told.contains(" disabled "), "{told}");
    let told = bench.wellhead(&["enable", "frost"]);
    assert!(told.starts_with("frost starts from its saved state; "), "{told}");
    bench.await_state("running");
    assert_eq!(bench.wellhead(&["enable", "frost"]), "frost runs already\n");
    bench.await_drive("run", true);

    let told = bench.install("0.2.0");
    assert!(told.contains("0.2.0 in place of 0.1.0"), "{told}");
    let before = bench.events().len();
    gateway.process().signal("HUP");
    let exchanged = bench.await_event("of the exchange", |e| e["kind"] == "plugin_exchanged");
    assert!(exchanged["text"].as_str().unwrap().contains("0.2.0"), "{exchanged}");
    assert_eq!(bench.list()[0]["package"], "frost-guard 0.2.0");
    bench.await_value("run_hours", |v| v.as_f64() >= hours.as_f64());
    let hours = |s: &WireSample| s.device == "frost" && s.point == "run_hours";
    let all = bench.platform.messages();
    let counted: Vec<f64> =
        all.iter().flat_map(samples).filter(hours).filter_map(|s| s.value.as_f64()).collect();
    assert!(counted.is_sorted(), "the count never went back: {counted:?}");
    let moved: Vec<Json> = bench.events().split_off(before);
    let moved: Vec<&Json> = moved.iter().filter(|e| e["point"] == "drive/run").collect();
    assert!(moved.is_empty(), "an exchange stops no machine: {moved:#?}");

    gateway.process().signal("TERM");
    assert!(gateway.process().wait().success());
    bench.await_drive("run", false);
}

/// C5.
#[test]
fn c5_a_plugin_that_traps_releases_its_output_and_is_given_up_after_repeated_faults() {
    let mut bench = Bench::new();
    bench.trust_and_install("0.2.0");
    let neighbour = SIGNED.replace("frost]", "neighbour]").replace("outdoor\"", "cold\"");
    let neighbour = neighbour.replace("drive/run", "roof/spare");
    bench.write_site(&format!("{SPARE}{SIGNED}{neighbour}"));
    let _gateway = bench.start();
    bench.it_freezes();
    bench.outdoors(70.0);
    let raised = bench.await_alarm("frost.plugin", |a| a["severity"] == "alarm");
    let text = raised["text"].as_str().unwrap();
    assert!(text.contains("unreachable") && text.contains("its outputs are released"), "{text}");
    assert!(!text.contains("backtrace"), "addresses tell people nothing: {text}");
    bench.await_drive("run", false);
    let released = bench.await_event("of the release", |e| {
        e["kind"] == "audit" && e["point"] == "drive/run" && e["code"] == "released"
    });
    assert_eq!(
        (&released["source"], &released["why"]),
        (&json!("frost"), &json!("the plugin failed"))
    );
    let given_up = bench.await_alarm("frost.plugin", |a| {
        a["text"].as_str().is_some_and(|t| t.contains("until somebody enables it"))
    });
    assert_eq!(given_up["severity"], "alarm");
    bench.await_state("disabled");
    let logs = bench.wellhead(&["logs", "frost"]);
    assert!(logs.contains("error Panic at src/lib.rs:") && logs.contains(": too hot"), "{logs}");
    assert!(logs.contains("error failed, and nothing of this call was done: "), "{logs}");
    assert!(bench.list()[0]["why"].as_str().is_some_and(|w| w.contains("unreachable")));
    let never_clear = bench.alarms("frost.plugin").iter().all(|a| !a.is_null());
    assert!(never_clear, "a start is no recovery: {:?}", bench.alarms("frost.plugin"));
    assert_eq!(bench.metric("wellhead_plugin_faults_total{plugin=\"frost\"}"), Some(10.0));
    assert_eq!(bench.metric("wellhead_plugin_starts_total{plugin=\"frost\"}"), Some(10.0));
    assert_eq!(bench.metric("wellhead_plugin_up{plugin=\"frost\"}"), Some(0.0));
    assert_eq!(bench.metric("wellhead_plugin_memory_bytes{plugin=\"frost\"}"), Some(0.0));
    assert_eq!(bench.metric("wellhead_plugin_up{plugin=\"neighbour\"}"), Some(1.0));
    assert_eq!(bench.metric("wellhead_plugin_faults_total{plugin=\"neighbour\"}"), Some(0.0));
    let spent = bench.metric("wellhead_plugin_cpu_seconds_total{plugin=\"neighbour\"}");
    assert!(spent.is_some_and(|s| s > 0.0), "{spent:?}");

    bench.outdoors(2.0);
    bench.wellhead(&["enable", "frost"]);
    bench.await_drive("run", true);
    bench.await_state("running");
    bench.await_alarm("frost.plugin", Json::is_null);
}

#[test]
fn a_killed_gateway_leaves_the_pump_to_its_watchdog_and_begins_with_the_safe_value() {
    let mut bench = Bench::new();
    bench.trust_and_install("0.1.0");
    bench.write_site(&format!("{WATCHDOG}{SIGNED}"));
    let mut gateway = bench.start();
    bench.it_freezes();
    let (text, code) = gateway.ask(&["write", "drive/watchdog_time", "10"]);
    assert_eq!(code, 0, "{text}");
    // Counted from this write on: while nothing changes the gateway writes nothing, and what feeds
    // a watchdog is a matter of the site.
    bench.await_drive("communication_lost", false);
    gateway.process().kill();
    bench.await_drive("communication_lost", true);
    let before = bench.events().len();
    let _gateway = bench.start();
    let writes = eventually("the pump is written twice again", || {
        let fits = |e: &Json| e["point"] == "drive/run" && e["code"] == "written";
        let writes: Vec<Json> = bench.events().into_iter().skip(before).filter(fits).collect();
        (writes.len() >= 2).then_some(writes)
    });
    let told = |e: &Json| (e["source"].clone(), e["new"].clone());
    assert_eq!(told(&writes[0]), (json!("control"), json!("off")), "{writes:#?}");
    assert_eq!(told(&writes[1]), (json!("frost"), json!("on")), "{writes:#?}");
    bench.await_drive("run", true);
}

#[test]
fn a_package_that_nobody_trusted_signed_is_refused_with_an_alarm_and_runs_for_development() {
    let mut bench = Bench::new();
    let folder = bench.dir.path().join("data/plugins");
    std::fs::create_dir_all(&folder).unwrap();
    let package = Workshop::shared().package("0.1.0");
    std::fs::copy(&package, folder.join("frost-guard.whp")).unwrap();
    let site = bench.site().display().to_string();
    let told =
        plugin(bench.dir.path(), &["install", &package.display().to_string(), "--site", &site], 1);
    assert!(told.contains("does not trust that key"), "{told}");
    let mut gateway = bench.start();
    let alarm = bench.await_alarm("frost.refused", |a| a["severity"] == "alarm");
    assert!(alarm["text"].as_str().unwrap().contains("does not trust that key"), "{alarm}");
    assert!(alarm["text_zh"].as_str().unwrap().contains("不信任该密钥"), "{alarm}");
    let refused = bench.await_state("refused");
    assert!(refused["why"].as_str().unwrap().contains("--development"), "{refused}");
    assert!(refused["why_zh"].as_str().unwrap().contains("不信任该密钥"), "{refused}");
    let told = plugin(bench.dir.path(), &["enable", "frost", "--site", &site], 1);
    assert!(told.contains("does not run") && told.contains("does not trust that key"), "{told}");
    let told = bench.read("frost/mode");
    assert!(told.contains("bad: not_computed") && told.contains(" refused "), "{told}");
    assert!(told.contains("does not trust that key"), "{told}");
    gateway.process().signal("TERM");
    gateway.process().wait();
    let built = Workshop::shared().dir.path().join("frost-guard");
    let unsigned = SIGNED.replace("package = \"frost-guard\"", &format!("path = {built:?}"));
    bench.write_site(&unsigned);
    let mut gateway = bench.start();
    let alarm = bench.await_alarm("frost.refused", |a| {
        a["text"].as_str().is_some_and(|t| t.contains("not signed"))
    });
    assert!(alarm["text"].as_str().unwrap().contains("does not run"), "{alarm}");
    gateway.process().signal("TERM");
    gateway.process().wait();
    let _gateway = Gateway::start_with(&bench.site(), &[&FAST[..], &["--development"]].concat());
    bench.it_freezes();
    bench.await_alarm("frost.refused", Json::is_null);
}

#[test]
fn a_reload_starts_nothing_that_somebody_stopped_and_stops_what_nobody_trusts_any_more() {
    let mut bench = Bench::new();
    bench.trust_and_install("0.1.0");
    let mut gateway = bench.start();
    bench.it_freezes();
    bench.wellhead(&["disable", "frost"]);
    bench.await_drive("run", false);
    bench.write_site(&format!("{SIGNED}parameter = {{ on_below = 4 }}\n"));
    gateway.process().signal("HUP");
    bench.await_event("of the exchange", |e| e["kind"] == "plugin_exchanged");
    assert_eq!(bench.await_state("disabled")["plugin"], "frost");
    assert_eq!(bench.drive("run"), json!(0.0));
    bench.wellhead(&["enable", "frost"]);
    bench.await_drive("run", true);

    std::fs::remove_dir_all(bench.dir.path().join("data/trusted-keys")).unwrap();
    gateway.process().signal("HUP");
    let refused = bench.await_state("refused");
    assert!(refused["why"].as_str().unwrap().contains("does not trust that key"), "{refused}");
    bench.await_drive("run", false);
    bench.await_alarm("frost.refused", |a| a["severity"] == "alarm");
}

#[test]
fn h6_two_plugins_on_one_output_a_missing_role_and_a_unit_that_does_not_convert_are_refused() {
    let bench = Bench::new();
    bench.trust_and_install("0.1.0");
    let check = |plugins: &str, code: i32| {
        bench.write_site(plugins);
        let mut command = Command::new(program("wellhead"));
        let output = command.arg("check").arg(bench.site()).env("LANG", "C").output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    };
    let told = check(SIGNED, 0);
    assert!(told.contains("plugins: 1 (frost in slot 14)"), "{told}");
    let told = check(&SIGNED.replace("role =", "shadow = true\nrole ="), 0);
    assert!(told.contains("plugins: 1 (frost in shadow mode)"), "{told}");
    let told = check(&format!("{SIGNED}{}", SIGNED.replace("frost]", "second]")), 2);
    assert!(told.contains("drive/run") && told.contains("plugin.second.role.pump"), "{told}");
    let told = check(&SIGNED.replace("outdoor_temp = \"roof/outdoor\", ", ""), 2);
    assert!(told.contains("outdoor_temp"), "{told}");
    let hours = format!("{WATCHDOG}{}", SIGNED.replace("roof/outdoor", "drive/watchdog_time"));
    let told = check(&hours, 2);
    assert!(told.contains("°C") && told.contains("plugin.frost.role.outdoor_temp"), "{told}");
}

/// At the pace of the wall clock, with an hour between regular calls: a changed input is the only
/// reason to be called again.
#[test]
fn a_changed_input_reaches_a_plugin_that_asked_for_it_without_waiting_for_its_period() {
    let mut bench = Bench::new();
    bench.trust_and_install("0.2.0");
    let _gateway = Gateway::start_on(&bench.site());
    bench.await_value("mode", |v| v == "idle");
    bench.it_freezes();
    bench.await_value("mode", |v| v == "frost");
}
