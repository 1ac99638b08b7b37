//! Manifests as plugin authors write them, right and wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::time::Duration;
use wellhead_manifest::*;

const RECHARGE: &str = r#"
[plugin]
name = "borehole-recharge"
version = "0.1.0"
contract = "1.0"
title = "Borehole summer recharge"
title_zh = "地埋井夏季回热"
summary = "Puts summer heat back into the ground."
period = "60s"
on_change = true

[limits]
memory = "2MiB"
deadline = "50ms"

[role.outdoor_temp]
direction = "input"
shape = "float"
unit = "°C"
title = "Outdoor temperature"
title_zh = "室外温度"

[role.unit_enable]
direction = "output"
shape = "bool"
required = false
many = 8

[parameter.windows]
type = "table"
columns = [
  { name = "from", type = "date" },
  { name = "mode", type = "text", words = ["pump", "source"] },
  { name = "budget", type = "duration", range = ["1h", "90d"] },
]
default = [["05-15", "pump", "1080h"]]

[parameter.max_entering]
type = "float"
unit = "°C"
default = 35
range = [10, 45]

[parameter.flow_proof]
type = "duration"
default = "60s"

[parameter.stages]
type = "int"

[value.balance]
shape = "float"
unit = "MWh"
class = "counter"

[value.state]
shape = "text"
"#;

fn recharge() -> Manifest {
    Manifest::parse(RECHARGE).unwrap()
}

fn told(text: &str) -> Vec<String> {
    Manifest::parse(text).unwrap_err().0.iter().map(ToString::to_string).collect()
}

/// A manifest without a mistake, followed by more.
fn with(more: &str) -> String {
    let head = "[plugin]\nname = \"a\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\ntitle = \"A\"\n";
    format!("{head}period = \"1s\"\n{more}")
}

#[test]
fn a_whole_manifest_is_read() {
    let manifest = recharge();
    assert_eq!(manifest.title.zh, "地埋井夏季回热");
    assert_eq!(manifest.summary.zh, manifest.summary.en, "the English stands in");
    assert_eq!((manifest.period, manifest.on_change), (Duration::from_secs(60), true));
    let limits = Limits { memory: 2 << 20, deadline: Duration::from_millis(50) };
    assert_eq!(manifest.limits, limits);
    let outdoor = manifest.role("outdoor_temp").unwrap();
    assert_eq!((outdoor.direction, outdoor.shape), (Direction::Input, Shape::Float));
    assert_eq!((outdoor.unit.as_deref(), outdoor.required, outdoor.many), (Some("°C"), true, 1));
    let enable = manifest.role("unit_enable").unwrap();
    assert_eq!((enable.direction, enable.required, enable.many), (Direction::Output, false, 8));
    assert_eq!(enable.title.en, "unit_enable", "the name stands in");
    assert_eq!(manifest.value("balance").unwrap().class, Class::Counter);
    assert_eq!(manifest.value("state").unwrap().class, Class::Status);
}

#[test]
fn parameters_keep_the_order_of_the_file() {
    let names: Vec<_> = recharge().parameters.into_iter().map(|p| p.name).collect();
    assert_eq!(names, ["windows", "max_entering", "flow_proof", "stages"]);
}

#[test]
fn limits_not_asked_for_are_the_usual_ones() {
    let manifest = Manifest::parse(&with("")).unwrap();
    let limits = Limits { memory: 4 << 20, deadline: Duration::from_millis(100) };
    assert_eq!(manifest.limits, limits);
}

#[test]
fn memory_is_enough_to_start_with() {
    let asks = |memory: &str| with(&format!("[limits]\nmemory = \"{memory}\""));
    assert_eq!(Manifest::parse(&asks("2MiB")).unwrap().limits.memory, 2 << 20);
    let told = told(&asks("2047KiB"));
    assert!(told[0].contains("limits.memory: `2047KiB` is no size"), "{told:?}");
}

#[test]
fn every_mistake_is_told_at_once_in_the_order_of_the_file() {
    let text = r#"[plugin]
name = "Recharge"
version = "1"
contract = "one"
period = "0.5s"
colour = "red"
[limits]
memory = "64MiB"
[role.outdoor]
direction = "in"
shape = "bool"
unit = "°C"
many = 0
[parameter.max]
type = "float"
words = ["a"]
range = [45, 10]
[parameter.low]
type = "float"
default = 3
range = [5, 8]
[value.balance]
"#;
    let expected = [
        "1:2: plugin.title: is missing (add `title = \"what people call it\"`)",
        "2:8: plugin.name: can't be a name (use a-z, 0-9 and `-`, a letter first, at most 40)",
        "3:11: plugin.version: `1` is no version (three numbers as on semver.org: \"0.1.0\")",
        "4:12: plugin.contract: `one` is no contract (write \"1.0\")",
        "5:10: plugin.period: `0.5s` is no period (from \"1s\" to \"1h\")",
        "6:1: plugin.colour: is no key here (here go name, version, contract, title, \
         title_zh, summary, summary_zh, period, on_change)",
        "8:10: limits.memory: `64MiB` is no size a plugin can have (from \"2MiB\", of which \
         a plugin in Rust starts with 1.2, to \"8MiB\")",
        "10:13: role.outdoor.direction: `in` is no choice (choose from input, output)",
        "12:8: role.outdoor.unit: has no meaning here (only \"int\" and \"float\" have one)",
        "13:8: role.outdoor.many: is no such number (to how many points it may be bound: 1 to 256)",
        "16:1: parameter.max.words: is no key here (here go type, unit, range, title, title_zh, \
         default)",
        "17:9: parameter.max.range: is no range (the smallest and the largest value: [10, 45])",
        "20:11: parameter.low.default: 3 is below 5 (from 5 to 8)",
        "22:8: value.balance.shape: is missing (add `shape = \"bool\" or \"int\" or \"float\" or \
         \"text\"`)",
    ];
    assert_eq!(told(text), expected);
}

#[test]
fn every_mistake_is_told_in_chinese_as_well() {
    let text = with(
        "[limits]\nmemory = \"1MiB\"\n[role.a]\ndirection = \"in\"\nshape = \"bool\"\nunit = \"K\"\n\
         [parameter.b]\ntype = \"float\"\nrange = [5, 8]\ndefault = 3\n",
    );
    let problems = Manifest::parse(&text).unwrap_err();
    assert_eq!(problems.0.len(), 4, "{problems}");
    let chinese = problems.in_chinese();
    assert!(chinese.contains("parameter.b.default: 3 低于 5（从 5 到 8）"), "{chinese}");
    for problem in &problems.0 {
        let hint = problem.hint_zh.as_deref().unwrap();
        for text in [problem.message_zh.as_str(), hint] {
            assert!(text.chars().any(|c| c > '\u{2fff}'), "{text}");
        }
    }
}

#[test]
fn broken_syntax_is_told_with_its_place() {
    let told = told("[plugin]\nname = \"a\nversion = \"0.1.0\"\n");
    assert!(told[0].starts_with("2:"), "{told:?}");
    assert_eq!(told.len(), 1, "nothing is guessed of what follows: {told:?}");
}

#[test]
fn an_empty_text_is_told_what_to_start_with() {
    assert_eq!(
        told(""),
        ["1:1: plugin: is missing (start with [plugin], its name, version, contract, title and \
          period)"]
    );
}

#[test]
fn texts_too_large_or_too_deep_are_refused_before_they_are_parsed() {
    assert_eq!(told(&"#".repeat(70_000)), ["1:1: is longer than 64 KiB"]);
    let deep = with(&format!("x = {{ {}a = 1 }}", "a.".repeat(10_000)));
    assert!(told(&deep)[0].contains("parts"), "{:?}", told(&deep));
}

#[test]
fn names_of_roles_and_columns_are_checked() {
    let text = with(
        "[role.\"Out door\"]\ndirection = \"input\"\nshape = \"bool\"\n\
         [parameter.t]\ntype = \"table\"\n\
         columns = [{ name = \"a\", type = \"int\" }, { name = \"a\", type = \"table\" }, 7]\n",
    );
    assert_eq!(
        told(&text),
        [
            "7:7: role.Out door: can't be a name (use a-z, 0-9 and `_`, a letter first, at most \
             40)",
            "12:51: parameter.t.columns[1].name: is there twice",
            "12:63: parameter.t.columns[1].type: `table` is no choice (choose from bool, int, \
             float, text, duration, date, time)",
            "12:74: parameter.t.columns[2]: is no column (write { name = \"from\", type = \
             \"date\" })",
        ]
    );
}

fn given(text: &str) -> toml::Table {
    text.parse().unwrap()
}

#[test]
fn settings_fill_in_defaults_and_turn_durations_into_seconds() {
    let settings = recharge().settings(&given("stages = 2\nflow_proof = \"2min\"")).unwrap();
    let budget = Setting::Float(1080.0 * 3600.0);
    let row = vec![Setting::Text("05-15".into()), Setting::Text("pump".into()), budget];
    let expected = [
        ("windows", Setting::Table(vec![row])),
        ("max_entering", Setting::Float(35.0)),
        ("flow_proof", Setting::Float(120.0)),
        ("stages", Setting::Int(2)),
    ];
    assert_eq!(settings, expected.map(|(name, setting)| (name.to_owned(), setting)));
}

#[test]
fn settings_tell_every_mistake_with_its_row_and_column() {
    let text = "max_entering = 46\nflow_proof = 60\nmin_entering = 3\n\
                windows = [[\"02-30\", \"solar\", \"30min\"], [\"05-15\"], 4]";
    let problems = recharge().settings(&given(text)).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let expected = [
        "min_entering: is no parameter of this plugin (the plugin has windows, max_entering, \
         flow_proof, stages)",
        "windows[0].from: `02-30` is no date (give a month and a day such as \"05-15\")",
        "windows[0].mode: `solar` is no choice (choose from pump, source)",
        "windows[0].budget: 1800 s is below 3600 s (from 3600 to 7776000 s)",
        "windows[1]: has 1 values for 3 columns (give a list of rows [from, mode, budget])",
        "windows[2]: a whole number can't stand here (give a list of rows [from, mode, budget])",
        "max_entering: 46 °C is above 45 °C (from 10 to 45 °C)",
        "flow_proof: a whole number can't stand here (give a text such as \"90s\", \"10min\", \
         \"2h\" or \"1d\")",
        "stages: has no default and must be given (add `stages = …`: a whole number)",
    ];
    assert_eq!(problems, expected);
}

#[test]
fn no_number_that_is_none_becomes_a_setting() {
    for wrong in ["nan", "inf", "-inf"] {
        let text = format!("stages = 1\nmax_entering = {wrong}");
        assert_eq!(recharge().settings(&given(&text)).unwrap_err().len(), 1, "{wrong}");
    }
}

#[test]
fn a_table_without_rows_is_a_setting() {
    let settings = recharge().settings(&given("stages = 1\nwindows = []")).unwrap();
    assert_eq!(settings[0].1, Setting::Table(Vec::new()));
}

#[test]
fn the_manifests_that_are_shown_have_no_mistake() {
    let readme = include_str!("../../README.md");
    // Other blocks show a site; the manifest is the one that says what the plugin is.
    let mut blocks = readme.split("```toml\n").skip(1).filter_map(|b| b.split("```").next());
    let shown = blocks.find(|b| b.contains("[plugin]\n")).unwrap();
    let manifest = Manifest::parse(shown).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(manifest.parameters.len(), 2);
    for text in
        [include_str!("../../template/plugin.toml"), include_str!("../../c/thermostat/plugin.toml")]
    {
        let manifest = Manifest::parse(text).unwrap_or_else(|problems| panic!("{problems}"));
        let values = manifest.values.iter().map(|v| &v.title);
        let titles = manifest.roles.iter().map(|r| &r.title).chain(values);
        for title in titles.chain(manifest.parameters.iter().map(|p| &p.title)) {
            assert_ne!(title.en, title.zh, "{} has no Chinese title", manifest.name);
        }
    }
}

/// This crate knows no units; who does finds the place of a wrong one in the text.
#[test]
fn a_wrong_unit_is_told_with_its_place_whose_ever_unit_it_is() {
    let text = "[plugin]\nname = \"a\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\ntitle = \"A\"\n\
                period = \"60s\"\n[role.r]\ndirection = \"input\"\nshape = \"float\"\n\
                unit = \"furlong\"\n[parameter.p]\ntype = \"int\"\nunit = \"firkin\"\n\
                [value.v]\nshape = \"int\"\nunit = \"K\"\n";
    assert!(Manifest::parse(text).is_ok());
    let wrong = |symbol: &str| {
        (symbol != "K").then(|| wellhead_manifest::Problem {
            place: None,
            key: String::new(),
            message: format!("{symbol}?"),
            message_zh: String::new(),
            hint: None,
            hint_zh: None,
        })
    };
    let told = Manifest::parse_with_units(text, &wrong).unwrap_err().to_string();
    assert_eq!(
        told,
        "plugin.toml:10:8: role.r.unit: furlong?\nplugin.toml:13:8: parameter.p.unit: firkin?"
    );
}
