//! What whoever writes a plugin meets at the desk, before any plant does.

use std::process::Command;
use wellhead_tests::*;

#[test]
fn a_new_plugin_is_called_what_its_author_called_it() {
    let dir = tempfile::tempdir().unwrap();
    plugin(dir.path(), &["new", "night-setback"], 0);
    let read = |file| std::fs::read_to_string(dir.path().join("night-setback").join(file)).unwrap();
    let manifest = read("plugin.toml");
    assert!(manifest.contains("name = \"night-setback\""), "{manifest}");
    assert!(manifest.contains("\ntitle = \"Night setback\"\n"), "{manifest}");
    assert!(read("README.md").starts_with("# Night setback\n"));
    for file in ["Cargo.toml", "plugin.toml", "README.md", "src/lib.rs", "tests/story.rs"] {
        let text = read(file).to_lowercase();
        for another in ["frost guard", "frost-guard", "防冻保护", "my plugin", "my-plugin"] {
            assert!(!text.contains(another), "{file} has `{another}`: {text}");
        }
    }
}

#[test]
fn a_unit_that_no_gateway_knows_is_told_before_anything_is_built() {
    let dir = tempfile::tempdir().unwrap();
    plugin(dir.path(), &["new", "night-setback"], 0);
    plugin(dir.path(), &["key", "company"], 0);
    let manifest = dir.path().join("night-setback/plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let line = 1 + text.lines().position(|l| l == "[role.outdoor_temp]").unwrap() + 3;
    std::fs::write(&manifest, text.replacen("\"°C\"", "\"KWH\"", 1)).unwrap();
    for arguments in [&["build"][..], &["inspect"], &["pack", "--key", "../company"]] {
        let told = plugin(&dir.path().join("night-setback"), arguments, 1);
        let at = format!("plugin.toml:{line}:8: role.outdoor_temp.unit: `KWH` is not a known unit");
        assert!(told.contains(&at) && told.contains("did you mean `kWh`?"), "{told}");
        let told =
            plugin(&dir.path().join("night-setback"), &[arguments, &["--lang", "zh"]].concat(), 1);
        assert!(told.contains("未知的单位 `KWH`（是不是 `kWh`？）"), "{told}");
    }
}

/// The site that the SDK's README shows whole. It stands beside the plugin's folder there.
fn desk() -> String {
    let text = std::fs::read_to_string(repository().join("sdk/README.md")).unwrap();
    let mut blocks = text.split("```toml\n").filter_map(|t| t.split("```").next());
    let shown = blocks.find(|block| block.starts_with("[site]")).unwrap();
    let folder = Workshop::shared().dir.path().join("frost-guard");
    assert!(shown.contains("path = \"frost-guard\""), "{shown}");
    shown.replace("path = \"frost-guard\"", &format!("path = {folder:?}"))
}

#[test]
fn inspect_tells_who_signed_and_whether_the_sites_gateway_believes_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("site.toml"), desk()).unwrap();
    let shop = Workshop::shared();
    let (package, key) = (shop.package("0.1.0").display().to_string(), shop.key());
    let text = std::fs::read_to_string(&key).unwrap();
    let digits = text.split_whitespace().last().unwrap();
    let inspect = |more: &[&str], code| {
        plugin(dir.path(), &[&["inspect", &package][..], more].concat(), code)
    };
    let told = inspect(&[], 0);
    assert!(told.contains(&format!("\nsigned by {digits}\n")), "{told}");
    let site = ["--site", "site.toml"];
    let told = inspect(&site, 1);
    let not = format!("\nsigned by {digits}, which this gateway does not trust; ");
    assert!(told.contains(&not), "{told}");
    plugin(dir.path(), &[&["trust", &key.display().to_string()], &site[..]].concat(), 0);
    let told = inspect(&site, 0);
    assert!(told.contains(&format!("\nsigned by company ({digits}), trusted\n")), "{told}");
}

#[test]
fn the_site_in_the_sdks_readme_is_good_and_can_be_simulated() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("site.toml"), desk()).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(program("wellhead"));
        let output = command.args(arguments).current_dir(&dir).env("LANG", "C").output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        // The workshop's second version is called once an hour, which `check` is right to warn of.
        let expected = |line: &str| line.contains("what it writes lapses after 15min");
        let warned = text.lines().any(|line| line.starts_with("warning") && !expected(line));
        assert!(output.status.success() && !warned, "{arguments:?}: {text}");
        text
    };
    assert!(run(&["check", "site.toml"]).contains("plugins: 1 (frost in slot 14)"));
    let days = ["--start", "2026-12-15T00:00", "--days", "2", "--compare", "frost"];
    let told = run(&[&["simulate", "site.toml"][..], &days].concat());
    let rows: Vec<Vec<&str>> = told.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["as", "configured", "without", "frost"]);
    assert!(rows.contains(&vec!["frost/mode", "frost", "-"]), "{told}");
    let told = run(&["simulate", "site.toml", "--start", "2026-12-15T00:00", "--days", "2"]);
    assert!(told.contains("\nfrost/mode = frost\n"), "{told}");
}

/// The thermometer counts as broken above 2 °C, which a December day in Renze crosses.
#[test]
fn a_simulation_tells_what_the_points_showed_and_when_and_why_things_happened() {
    let dir = tempfile::tempdir().unwrap();
    let broken = "[device.weather.point.outdoor_temperature]\nrange = [-50, 2]\n";
    std::fs::write(dir.path().join("site.toml"), format!("{}{broken}", desk())).unwrap();
    let simulate = |more: &[&str]| {
        let mut command = Command::new(program("wellhead"));
        command.args(["simulate", "site.toml", "--start", "2026-12-15T00:00", "--days", "3"]);
        let output = command.args(more).current_dir(&dir).env("LANG", "C").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    simulate(&["--csv", "rows.csv", "--every", "10min", "--log", "log"]);
    let read = |file| std::fs::read_to_string(dir.path().join(file)).unwrap();
    let rows = read("rows.csv");
    let heading: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    let column = |name: &str| {
        let at: Vec<_> = (0..heading.len()).filter(|i| heading[*i] == name).collect();
        assert_eq!(at.len(), 1, "{name} in {heading:?}");
        at[0]
    };
    let time = column("time");
    let (outdoor, run) = (column("weather/outdoor_temperature [°C]"), column("drive/run"));
    let rows: Vec<Vec<&str>> = rows.lines().skip(1).map(|r| r.split(',').collect()).collect();
    assert_eq!(rows.len(), 3 * 24 * 6);
    let warm = |row: &&Vec<&str>| row[column("outdoor [°C]")].parse::<f64>().unwrap() > 2.5;
    assert!(rows.iter().filter(warm).count() > 0);
    assert!(rows.iter().filter(warm).all(|row| row[outdoor].is_empty()), "{rows:?}");
    assert!(rows.iter().any(|row| row[outdoor].parse().is_ok_and(|t: f64| t <= 2.0)));
    // This version is called once an hour, and what it wrote holds for a quarter.
    assert_eq!([rows[0][run], rows[2][run]], ["\"on\"", "\"off\""]);

    let log = read("log");
    let at = |what: &str| {
        let line = log.lines().find(|line| line.contains(what));
        line.unwrap_or_else(|| panic!("{what}: {log}")).split_once(' ').unwrap().0
    };
    // The same times as in the rows, which are those of the plant.
    assert_eq!([rows[0][time], rows[5][time]], ["2026-12-15T00:10:00", "2026-12-15T01:00:00"]);
    let wrote = at(" output: frost wrote on to drive/run: ");
    assert!(("2026-12-15T00:00:00"..rows[0][time]).contains(&wrote), "{log}");
    let let_go = at(" output: frost lets drive/run go: ");
    assert!((rows[0][time]..rows[1][time]).contains(&let_go), "{log}");
    let raised = at(" alarm frost.no_outdoor_temp: No outdoor temperature: ");
    assert!(at(" over frost.no_outdoor_temp") > raised, "{log}");
    assert!(at(" frost warn: no outdoor temperature, the pump runs") == raised, "{log}");

    assert!(simulate(&["--log", "-"]).starts_with(&log), "the same, then the sums");
    let told = simulate(&["--log", "zh", "--lang", "zh"]);
    let log = read("zh");
    assert!(log.contains(" 报警 frost.no_outdoor_temp：室外温度无有效值"), "{told}");
    assert!(log.contains(" 输出：frost 将 drive/run 写为 on："), "{log}");
}
