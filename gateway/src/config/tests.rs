//! What `check` says about whole files.

mod ports;
mod protocols;
mod report;

use super::*;
use crate::registry::DeviceSpec;
use proptest::prelude::*;
use std::fs;
use wellhead_model::{Class, Shape, Value};

const SITE: &str = r#"
[site]
id = "renze-baihe"
timezone = "Asia/Shanghai"
[gateway]
id = "box1"
[line.field]
tcp = "127.0.0.1:1502"
[device.hp1]
line = "field"
unit = 1
[device.hp1.point.supply_temp]
input = 100
type = "i16"
scale = 0.1
unit = "°C"
no_sensor = [-32768]
[device.hp1.point.setpoint]
holding = 10
type = "u16"
scale = 0.1
unit = "°C"
[device.hp1.point.setpoint.output]
limits = [30, 55]
safe = 40
watchdog = "communication time-out 60 s"
"#;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn loaded(text: &str) -> Result<(Site, Report), Report> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    fs::write(&path, text).unwrap();
    load(&path, &Shipped::default())
}

fn good(text: &str) -> Site {
    let (site, report) = loaded(text).map_err(|r| panic!("{}", r.render(Lang::En))).unwrap();
    assert_eq!(report.render(Lang::En), "");
    site
}

fn modbus(device: &Device) -> &wellhead_modbus::DeviceSpec {
    let DeviceSpec::Modbus(spec) = &device.spec else { panic!("{:?}", device.spec) };
    spec
}

/// All files of a folder with this ending, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    toml_files(folder).unwrap()
}

#[test]
fn a_small_site_becomes_points_lines_and_devices() {
    let site = good(SITE);
    let [setpoint, supply] = &*site.devices[0].points else { panic!() };
    assert_eq!(supply.unit.map(|u| u.symbol()), Some("°C"));
    assert_eq!((supply.class, supply.shape), (Class::Measurement, Shape::Float));
    let output = setpoint.output.as_ref().unwrap();
    assert_eq!(output.safe, Value::float(40.0).unwrap());
    assert_eq!(output.readback_tolerance, 0.05);
    assert_eq!(setpoint.class, Class::Setpoint);
    let device = &site.devices[0];
    assert_eq!(modbus(device).points[1].address, 100);
    assert_eq!(device.watchdogs.len(), 1);
    assert!(!site.gateway.commands, "commands are off unless asked for");
}

#[test]
fn a_device_is_the_same_after_a_reload_unless_it_changed_itself() {
    let more = "[device.a0]\nline = \"field\"\nunit = 9\n[device.a0.point.run]\ncoil = 1\n";
    let (old, new) = (good(SITE), good(&format!("{SITE}{more}")));
    let hp1 = |site: &Site| site.devices.iter().find(|d| d.id.as_str() == "hp1").cloned().unwrap();
    assert_eq!(new.devices.len(), 2);
    assert_eq!(hp1(&old), hp1(&new), "a device before it is no change of its own");
    for (from, to) in [
        ("input = 100", "input = 101"),
        ("limits = [30, 55]", "limits = [30, 50]"),
        ("unit = 1\n", "unit = 2\n"),
        ("communication time-out 60 s", "heartbeat in register 7"),
    ] {
        assert!(SITE.contains(from));
        assert_ne!(hp1(&old), hp1(&good(&SITE.replace(from, to))), "{to}");
    }
}

#[test]
fn a_sites_point_lies_over_its_profiles_and_only_the_site_makes_an_output() {
    let dir = tempfile::tempdir().unwrap();
    let profile = r#"
[profile]
id = "pump"
title = "Pump"
generic = true
[device]
pause = "20ms"
poll = "2s"
[point.speed]
input = 1
type = "u16"
scale = 0.1
unit = "Hz"
[point.reference]
holding = 2
type = "u16"
unit = "Hz"
output = { limits = [0, 50], watchdog = "time-out, parameter 8-03" }
[point.stop]
coil = 3
output = { safe = false, watchdog = "time-out, parameter 8-03" }
"#;
    let site = r#"
[site]
id = "s"
timezone = "UTC"
[gateway]
id = "g"
profiles = ["."]
[line.l]
tcp = "h:502"
[device.p1]
line = "l"
unit = 1
profile = "pump"
poll = "500ms"
[device.p1.point.speed]
holding = 7
title = "Speed of the pump"
[device.p1.point.reference.output]
safe = 30
"#;
    fs::write(dir.path().join("pump.toml"), profile).unwrap();
    let path = dir.path().join("site.conf");
    fs::write(&path, site).unwrap();
    let (site, _) =
        load(&path, &Shipped::default()).map_err(|r| panic!("{}", r.render(Lang::En))).unwrap();
    let device = &site.devices[0];
    assert_eq!(modbus(device).timing.pause, std::time::Duration::from_millis(20));
    let [reference, speed, stop] = modbus(device).points.as_slice() else { panic!() };
    assert_eq!((speed.table, speed.address), (wellhead_modbus::Table::Holding, 7));
    assert_eq!(speed.conversion.scale, 0.1);
    assert_eq!(speed.period, std::time::Duration::from_millis(500));
    let output = |p: &wellhead_modbus::PointSpec| device.points[p.index.0 as usize].output.clone();
    assert_eq!(output(reference).unwrap().limits, Some((0.0, 50.0)));
    assert_eq!(output(stop), None, "the profile alone makes nothing writable");
}

const PLANT: &str = r#"
[device.hp1.point.source]
input = 7
type = "u16"
states = { 0 = "remote", 1 = "panel" }
[device.hp1.point.flow_ok]
discrete = 1
[device.hp1.point.run]
coil = 1
[device.hp1.point.run.output]
safe = false
watchdog = "communication time-out 60 s"
min_on = "15min"
min_off = "10min"
starts_per_hour_max = 4
writes_per_year_max = 5000
local = "hp1/source"
local_when = "panel"
[device.hp1.point.stage2]
coil = 2
[device.hp1.point.stage2.output]
safe = false
watchdog = "communication time-out 60 s"
restart_delay = "1min"
[interlock.flow]
output = ["hp1/run", "hp1/stage2"]
needs = "hp1/flow_ok"
for = "30s"
within = "10s"
title = "Flow"
title_zh = "流量"
[interlock.warm]
output = "hp1/run"
needs = "hp1/supply_temp"
above = 5
"#;

#[test]
fn outputs_come_with_their_rules_local_contacts_and_interlocks() {
    use std::time::Duration;
    use wellhead_control::{Condition, InputId, OutputId};
    let control = good(&format!("{SITE}{PLANT}")).control;
    let names: Vec<_> = control.setup.outputs.iter().map(|o| o.name()).collect();
    assert_eq!(names, ["hp1/run", "hp1/setpoint", "hp1/stage2"]);
    let [run, setpoint, stage2] = &*control.setup.outputs else { panic!() };
    let min = Duration::from_secs(60);
    assert_eq!((run.rules.min_on, run.rules.min_off), (15 * min, 10 * min));
    assert_eq!(run.rules.starts_per_hour_max, Some(4));
    assert_eq!(run.rules.writes_per_year_max, Some(5000));
    let panel = run.rules.local.as_ref().unwrap();
    assert_eq!(panel.when, Condition::Is(Value::Text("panel".into())));
    assert_eq!(setpoint.rules, wellhead_control::Rules::default());
    let restart =
        |o: &wellhead_control::OutputSetup| (o.rules.restart_delay, o.rules.restart_index);
    assert_eq!(restart(run), (3 * min, 0), "a machine waits unless it is told not to");
    assert_eq!(restart(stage2), (min, 1));
    let [flow, warm] = &*control.setup.interlocks else { panic!() };
    assert_eq!((&*flow.id, &*flow.title, &*flow.title_zh), ("flow", "Flow", "流量"));
    assert_eq!(flow.outputs, [OutputId(0), OutputId(2)]);
    assert_eq!((flow.hold, flow.within), (min / 2, min / 6));
    assert_eq!(flow.needs, Condition::Is(Value::Bool(true)));
    assert_eq!((&*warm.title, &warm.needs), ("warm", &Condition::Above(5.0)));
    let place = |i: InputId| control.inputs[i.0 as usize].1;
    let point = |name: &str| {
        let site = good(&format!("{SITE}{PLANT}"));
        let i = site.devices[0].points.iter().position(|p| p.id.as_str() == name);
        wellhead_model::PointIndex(u32::try_from(i.unwrap()).unwrap())
    };
    assert_eq!(place(panel.input), point("source"));
    assert_eq!((place(flow.input), place(warm.input)), (point("flow_ok"), point("supply_temp")));
    assert_eq!(control.setup.inputs, 3);
    assert_eq!(control.outputs[2].1, point("stage2"));
}

#[test]
fn files_of_one_folder_make_one_site() {
    let dir = tempfile::tempdir().unwrap();
    let (head, devices) = SITE.split_once("[device.hp1]\n").unwrap();
    fs::write(dir.path().join("a.toml"), head).unwrap();
    fs::write(dir.path().join("b.toml"), format!("[device.hp1]\n{devices}")).unwrap();
    let (site, _) = load(dir.path(), &Shipped::default())
        .map_err(|r| panic!("{}", r.render(Lang::En)))
        .unwrap();
    assert_eq!(site.devices, good(SITE).devices);
}

#[test]
fn a_plugin_is_bound_to_points_in_its_own_units_and_words() {
    let dir = tempfile::tempdir().unwrap();
    let invalid = repository().join("tests/config/invalid/plugins/setback");
    let plugin = format!(
        r#"
[device.hp1.point.pump]
holding = 11
type = "u16"
states = {{ 0 = "off", 1 = "on" }}
[device.hp1.point.outdoor]
input = 12
type = "i16"
unit = "°F"
[plugin.night]
path = "{}"
[plugin.night.role]
outdoor_temp = "hp1/outdoor"
running = "hp1/pump"
setpoint = "hp1/setpoint"
[plugin.night.parameter]
night = [["22:00", "06:00"]]
"#,
        invalid.display()
    );
    let path = dir.path().join("site.toml");
    let codes = |plugin: &str| -> Vec<String> {
        fs::write(&path, format!("{SITE}{plugin}")).unwrap();
        let (_, report) = load(&path, &Shipped::default()).unwrap();
        report.findings.iter().map(|f| f.problem.code()).collect()
    };
    // It is called once a minute.
    let brief = plugin.replace("[plugin.night]", "[plugin.night]\nttl = \"50s\"");
    assert_eq!(codes(&brief), ["lapses_between_calls", "not_built"]);
    assert_eq!(codes(&plugin), ["not_built"]);
    let (site, _) = load(&path, &Shipped::default()).unwrap();
    let [night] = &site.plugins[..] else { panic!() };
    let said =
        (night.slot.number(), night.ttl.as_secs(), night.memory, night.points[0].id.as_str());
    assert_eq!(said, (14, 180, 2 << 20, "active"));
    let [outdoor, running, setpoint] = &night.bindings[..] else { panic!() };
    let freezing = Value::Int(32);
    assert_eq!(outdoor.fit.to_role(&freezing), Value::float(0.0));
    let on = Value::Text("on".into());
    assert_eq!(running.fit.to_role(&on), Some(Value::Bool(true)));
    assert_eq!(running.fit.to_point(&Value::Bool(true)), Some(on));
    assert!(setpoint.output && !running.output);
}

#[test]
fn each_invalid_file_is_told_what_stands_beside_it() {
    let folder = repository().join("tests/config/invalid");
    let mut cases = files(&folder);
    assert!(cases.len() >= 25, "only {} cases in {}", cases.len(), folder.display());
    cases.push(folder.join("two_files"));
    let mut wrong = Vec::new();
    for case in cases {
        let mut report = match load(&case, &Shipped::default()) {
            Ok((_, report)) => report,
            Err(report) => report,
        };
        for file in &mut report.files {
            let name = Path::new(&file.name).strip_prefix(&folder).unwrap();
            file.name = name.display().to_string();
        }
        let said = format!("{}\n{}", report.render(Lang::En), report.render(Lang::Zh));
        let said = said.replace(&format!("{}/", folder.display()), "");
        let beside = case.with_extension("err");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&beside, &said).unwrap();
        } else if fs::read_to_string(&beside).ok().as_ref() != Some(&said) {
            wrong.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nIf this is as it should be: UPDATE_EXPECT=1 cargo test -p wellhead config",
        wrong.join("\n")
    );
}

/// The variants of [`Problem`], as its source lists them.
fn all_problems() -> Vec<String> {
    let source = include_str!("problem.rs");
    let (_, body) = source.split_once("pub enum Problem {").unwrap();
    let (body, _) = body.split_once("\n}\n").unwrap();
    let name = |line: &str| -> Option<String> {
        let name: String = line.trim().chars().take_while(char::is_ascii_alphanumeric).collect();
        name.starts_with(|c: char| c.is_ascii_uppercase()).then_some(name)
    };
    body.lines()
        .filter(|l| l.starts_with("    ") && !l.starts_with("     "))
        .filter_map(name)
        .collect()
}

#[test]
fn every_mistake_has_a_text_and_an_invalid_file_that_shows_it() {
    let texts = [
        include_str!("messages/devices.rs"),
        include_str!("messages/outputs.rs"),
        include_str!("messages/plugins.rs"),
        include_str!("messages/points.rs"),
        include_str!("messages/server.rs"),
        include_str!("messages/site.rs"),
        include_str!("messages/structure.rs"),
    ]
    .concat();
    let folder = repository().join("tests/config/invalid");
    let mut shown = std::collections::BTreeSet::new();
    for case in files(&folder).into_iter().chain([folder.join("two_files")]) {
        let (Ok((_, report)) | Err(report)) = load(&case, &Shipped::default());
        shown.extend(report.findings.iter().map(|f| format!("{:?}", f.problem)));
    }
    // Shown by tests of their own, or not to be had at all: see the property tests.
    let apart = ["Unreadable", "NotUtf8", "TooLarge", "NoFiles", "Plan", "Unfit"];
    let problems = all_problems();
    assert!(problems.len() > 60, "{problems:?}");
    let mut unseen = Vec::new();
    for name in problems {
        assert!(texts.contains(&format!("P::{name}")), "{name} has no text");
        let seen = shown.iter().any(|s| {
            s.strip_prefix(&name).is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric()))
        });
        if !seen && !apart.contains(&name.as_str()) {
            unseen.push(name);
        }
    }
    assert!(unseen.is_empty(), "no invalid file shows {unseen:?}");
}

#[test]
fn a_file_in_another_encoding_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.toml");
    let said = |bytes: &[u8], lang| {
        fs::write(&path, bytes).unwrap();
        load(&path, &Shipped::default()).unwrap_err().render(lang)
    };
    let text = SITE.replace("id = \"renze-baihe\"", "id = \"renze-baihe\"\ntitle = \"地源热泵站\"");
    let gbk = encoding_rs::GBK.encode(&text).0;
    let english = said(&gbk, Lang::En);
    assert!(english.contains("error: line 4 is not UTF-8 (GBK?)"), "{english}");
    assert!(english.contains("site.toml:4:1\n"), "{english}");
    assert!(english.contains("title = \"地源热泵站\""), "{english}");
    assert!(english.contains("hint: save the file as UTF-8"), "{english}");
    let chinese = said(&gbk, Lang::Zh);
    assert!(chinese.contains("第 4 行不是 UTF-8（可能是 GBK）"), "{chinese}");
    let western = encoding_rs::WINDOWS_1252.encode("[site]\ntitle = \"Wärmepumpe\"\n").0;
    assert!(said(&western, Lang::En).contains("line 2 is not UTF-8 (windows-1252?)"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(said(&wide, Lang::En).contains("(UTF-16LE?)"));
    let marked = [&[0xFF, 0xFE], &*wide].concat();
    assert!(said(&marked, Lang::En).contains("line 1 is not UTF-8 (UTF-16LE?)"));
    let program = said(&[0x7F, b'E', b'L', b'F', 0, 0x1B, 0xFF, 0x80, 0], Lang::En);
    assert!(!program.contains(['\u{1B}', '\0']), "{program:?}");
}

#[test]
fn everything_in_configs_is_free_of_errors_and_warnings() {
    let configs = repository().join("configs");
    let profiles = configs.join("profiles");
    let plugins = repository().join("plugins");
    let shipped =
        Shipped { profiles: vec![profiles.clone()], plugins: vec![plugins], ..Shipped::default() };
    for path in files(&profiles) {
        let report = check_profile(&path).unwrap_or_else(|report| report);
        assert_eq!(report.render(Lang::En), "", "{}", path.display());
    }
    for path in files(&configs.join("sites")) {
        let (Ok((_, mut report)) | Err(mut report)) = load(&path, &shipped);
        // Whether somebody has built the plugins here already is another matter.
        report.findings.retain(|f| f.problem.code() != "not_built");
        assert_eq!(report.render(Lang::En), "", "{}", path.display());
    }
}

#[test]
fn the_json_schemas_are_up_to_date() {
    let folder = repository().join("configs/schema");
    for (name, schema) in [("site", site_schema()), ("profile", profile_schema())] {
        let path = folder.join(format!("{name}.schema.json"));
        let fresh = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &fresh).unwrap();
        }
        let stale = fs::read_to_string(&path).ok().as_ref() != Some(&fresh);
        assert!(
            !stale,
            "{} is stale; renew it: UPDATE_EXPECT=1 cargo test -p wellhead config",
            path.display()
        );
    }
}

#[test]
fn a_machine_gets_the_same_findings_with_their_places() {
    let report = loaded(&SITE.replace("unit = 1\n", "unti = 1\n")).unwrap_err();
    let json = report.json(Lang::En);
    assert_eq!(json["errors"], 2);
    let finding = &json["findings"][1];
    assert_eq!(finding["code"], "unknown_key");
    assert_eq!(finding["key"], "device.hp1.unti");
    assert_eq!((&finding["line"], &finding["column"]), (&11.into(), &1.into()));
    assert_eq!(finding["hint"], "did you mean `unit`?");
}

#[test]
fn a_missing_file_and_an_empty_folder_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let report = load(&dir.path().join("none.toml"), &Shipped::default()).unwrap_err();
    assert_eq!(report.findings[0].problem.code(), "unreadable");
    let report = load(dir.path(), &Shipped::default()).unwrap_err();
    assert_eq!(report.findings[0].problem.code(), "no_files");
    fs::write(dir.path().join("large.toml"), vec![b'#'; 5 << 20]).unwrap();
    let report = load(dir.path(), &Shipped::default()).unwrap_err();
    assert_eq!(report.findings[0].problem.code(), "too_large");
    fs::remove_file(dir.path().join("large.toml")).unwrap();
    fs::write(dir.path().join("latin1.toml"), b"title = \"W\xe4rme\"").unwrap();
    let report = load(dir.path(), &Shipped::default()).unwrap_err();
    assert_eq!(report.findings[0].problem.code(), "not_utf8");
}

#[test]
fn deep_nesting_is_refused_and_does_not_end_the_process() {
    for text in [
        format!("{} = 1", vec!["a"; 200_000].join(".")),
        format!("[{}]", vec!["a"; 200_000].join(" . ")),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
    ] {
        assert!(loaded(&text).is_err());
    }
}

#[test]
fn a_password_that_was_written_anyway_is_not_repeated() {
    for uplink in [
        "url = \"mqtts://h\"\npassword = \"hunter2\"",
        "url = \"mqtts://u:hunter2@h\"",
        "url = \"u:hunter2@h\"",
        "url = \"mqtts://h\"\npassword_file = 3\n\"password\"\t= \"hunter2",
        "password='hunter2",
    ] {
        let report = loaded(&format!("{SITE}[uplink.c]\n{uplink}\n")).unwrap_err();
        for said in [report.render(Lang::En), report.render(Lang::Zh)] {
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(!report.json(Lang::En).to_string().contains("hunter2"));
    }
    let report = loaded(&format!("{SITE}[uplink]\nc = {{ password = \"hunter2\" }}\n"));
    assert!(!report.unwrap_err().render(Lang::En).contains("hunter2"));
}

#[test]
fn a_password_is_never_shown_by_debug_or_kept() {
    let uplink = "[uplink.c]\nurl = \"mqtt://h\"\nusername = \"u\"\npassword_env = \"NAME\"\n";
    let site = good(&format!("{SITE}{uplink}"));
    assert_eq!(site.uplinks[0].password, Some(Secret::Env("NAME".into())));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    fs::write(&file, "secret\n").unwrap();
    let secret = Secret::File(file);
    assert!(!format!("{secret:?}").contains("secret\n"));
    assert_eq!(secret.read().unwrap(), "secret");
    assert!(Secret::Env("WELLHEAD_TEST_NO_SUCH_VARIABLE".into()).read().is_err());
}

/// A valid file with some of its lines damaged, doubled or dropped.
fn damaged() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[ -~]{0,12}",
        Just("=".to_owned()),
        Just("\"".to_owned()),
        Just("[".to_owned()),
        Just("nan".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("1e400".to_owned()),
        Just("{ a = [ 1, { b = 2 } ] }".to_owned()),
        Just("2026-01-01".to_owned()),
        Just("温度\u{0}\u{feff}".to_owned()),
    ];
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), piece, 0..4u8);
    prop::collection::vec(edit, 1..6).prop_map(|edits| {
        let more = "[uplink.c]\nurl = \"mqtt://h:1\"\nwindow = \"1MiB\"\n[cache]\nreserve = \"1MiB\"\n\
            [device.hp1.point.m]\nholding = 3\nbits = [1, 2]\nstates = { 0 = \"a\", 1 = \"b\" }\n\
            [server.modbus]\nbind = \"127.0.0.1:1502\"\nbad = \"exception\"\n\
            [server.modbus.map.\"hp1/setpoint\"]\nholding = 1\ntype = \"u16\"\nquality = 5\n\
            [server.modbus.map.\"hp1/supply_temp\"]\ninput = 2\ntype = \"f32\"\n";
        let mut lines: Vec<String> =
            SITE.lines().chain(more.lines()).map(str::to_owned).collect();
        for (line, at, piece, kind) in edits {
            let line = line.index(lines.len());
            match kind {
                0 => drop(lines.remove(line)),
                1 => lines.insert(line, piece),
                2 => {
                    let key = lines[line].split('=').next().unwrap_or_default().to_owned();
                    lines[line] = format!("{key}= {piece}");
                }
                _ => {
                    let text = lines[line].clone();
                    let cut = at.index(text.chars().count() + 1);
                    let (a, b): (String, String) =
                        (text.chars().take(cut).collect(), text.chars().skip(cut).collect());
                    lines[line] = format!("{a}{piece}{b}");
                }
            }
            if lines.is_empty() {
                lines.push(String::new());
            }
        }
        lines.join("\n")
    })
}

/// Reads text and renders all of the report. Fails if the structure check lets something pass
/// that the types then refuse.
fn survives(text: &str) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("p.toml");
    // The same text as a profile: what is not about points is refused, the rest is checked.
    fs::write(&path, text.replace("device.hp1.point", "point")).unwrap();
    let (Ok(report) | Err(report)) = check_profile(&path);
    let _ = report.render(Lang::Zh);
    if let Err(report) = loaded(text) {
        assert!(report.errors() > 0);
        for finding in &report.findings {
            assert!(!matches!(finding.problem, Problem::Unfit { .. }), "{finding:?} in {text}");
            assert!(!matches!(finding.problem, Problem::Plan { .. }), "{finding:?} in {text}");
        }
        for lang in [Lang::En, Lang::Zh] {
            assert!(!report.render(lang).is_empty());
            let _ = report.json(lang);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_ends_the_process(text in any::<String>()) {
        survives(&text);
    }

    #[test]
    fn no_damage_to_a_file_ends_the_process(text in damaged()) {
        survives(&text);
    }
}
