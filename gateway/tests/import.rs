//! Register maps as three vendors would send them, through `wellhead import` to a profile that
//! `wellhead check` takes. The maps are invented; their manners are not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

struct Import {
    folder: tempfile::TempDir,
}

impl Import {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn map(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/maps").join(name)
    }

    /// Runs the command; what it said to people, and its exit code.
    fn run(&self, map: &Path, arguments: &[&str]) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_wellhead"))
            .args(["--lang", "en", "import"])
            .arg(map)
            .args(arguments)
            .arg("--folder")
            .arg(self.folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (text, output.status.code().unwrap())
    }

    fn profile(&self, id: &str) -> toml::Table {
        let path = self.folder.path().join(format!("{id}.toml"));
        std::fs::read_to_string(path).unwrap().parse().unwrap()
    }
}

fn point(profile: &toml::Table, id: &str) -> toml::Table {
    let points = profile["point"].as_table().unwrap();
    let point = points
        .get(id)
        .unwrap_or_else(|| panic!("no {id} among {:?}", points.keys().collect::<Vec<_>>()));
    point.as_table().unwrap().clone()
}

fn table(text: &str) -> toml::Table {
    text.parse().unwrap()
}

/// The lines that were left out, of what the command said.
fn left_out(said: &str) -> Vec<u64> {
    let lines = said.lines().filter(|l| l.contains(": left out: "));
    lines.map(|l| l.split(':').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn a_western_map_with_semicolons_decimal_commas_and_titles() {
    let import = Import::new();
    let (said, code) = import.run(&Import::map("pac-6200.csv"), &["--table", "holding"]);
    assert_eq!(code, 1, "some lines were not understood: {said}");
    assert!(said.contains("Read as windows-1252, cells apart by `;`"), "{said}");
    assert_eq!(left_out(&said), [15], "{said}");
    assert!(said.contains(":15: left out: `ENUM` is no type"), "{said}");
    assert!(said.contains(":19: unit `lx` is not known"), "{said}");
    let profile = import.profile("pac-6200");
    let expected =
        table("title = 'Voltage L1-N'\nholding = 0\ntype = 'u32'\nscale = 0.01\nunit = 'V'");
    assert_eq!(point(&profile, "voltage_l1_n"), expected);
    let expected =
        table("title = 'Water temperature'\nholding = 27\ntype = 'i16'\nscale = 0.1\nunit = '°C'");
    assert_eq!(point(&profile, "water_temperature"), expected);
    let expected = table(
        "title = 'Active energy import'\nholding = 256\ntype = 'f32'\norder = 'cdab'\nunit = 'kWh'",
    );
    assert_eq!(point(&profile, "active_energy_import"), expected);
    let expected = table("title = 'Serial number'\nholding = 272\ntype = 'text'\nlength = 8");
    assert_eq!(point(&profile, "serial_number"), expected);
    assert_eq!(profile["point"].as_table().unwrap().len(), 11);
}

#[test]
fn a_chinese_map_in_gbk_with_traditional_addresses() {
    let import = Import::new();
    let (said, code) = import.run(&Import::map("screw-heat-pump-gbk.csv"), &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Read as GBK"), "{said}");
    assert!(said.contains("40001 is the first holding register"), "{said}");
    assert_eq!(left_out(&said), [14, 15, 16], "{said}");
    let profile = import.profile("screw-heat-pump-gbk");
    let expected =
        table("title_zh = '冷冻水出水温度'\nholding = 0\ntype = 'i16'\nscale = 0.1\nunit = '°C'");
    assert_eq!(point(&profile, "holding_0"), expected);
    let expected = table("title_zh = '冷却水流量'\nholding = 2\ntype = 'f32'\nunit = 'm³/h'");
    assert_eq!(point(&profile, "holding_2"), expected);
    let expected = table("title_zh = '机组运行小时数'\nholding = 4\ntype = 'u32'\nunit = 'h'");
    assert_eq!(point(&profile, "holding_4"), expected);
    let expected = table("title_zh = '故障总信号'\nholding = 19\nbit = 1");
    assert_eq!(point(&profile, "holding_19_1"), expected);
    assert_eq!(point(&profile, "coil_0"), table("title_zh = '远程启停'\ncoil = 0"));
    let expected = table("title = 'COP'\nholding = 10\ntype = 'u16'\nscale = 0.01");
    assert_eq!(point(&profile, "cop"), expected);
    let text = std::fs::read_to_string(import.folder.path().join("screw-heat-pump-gbk.toml"));
    assert!(text.unwrap().contains("# Line 12: may be written"), "what may be written is noted");
}

#[test]
fn a_tabbed_map_with_plain_addresses_from_one() {
    let import = Import::new();
    let arguments = ["--table", "holding", "--numbering", "one", "--id", "acme-drive"];
    let (said, code) = import.run(&Import::map("drive.tsv"), &arguments);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Read as UTF-8, cells apart by tab"), "{said}");
    assert_eq!(left_out(&said), [12], "{said}");
    let profile = import.profile("acme-drive");
    assert_eq!(
        point(&profile, "control_word"),
        table(
            "title = 'Control word'\nholding = 0\ntype = 'u16'\nstates = { 1 = 'run', 2 = 'stop' }"
        )
    );
    let expected = table(
        "title = 'Frequency reference'\nholding = 1\ntype = 'u16'\nscale = 0.01\nunit = 'Hz'",
    );
    assert_eq!(point(&profile, "frequency_reference"), expected);
    let expected =
        table("title = 'Output current'\nholding = 101\ntype = 'u16'\nscale = 0.1\nunit = 'A'");
    assert_eq!(point(&profile, "output_current"), expected);
    assert_eq!(point(&profile, "energy")["holding"].as_integer(), Some(104));
    assert_eq!(point(&profile, "energy_106")["holding"].as_integer(), Some(106), "a name twice");
}

#[test]
fn a_map_of_which_every_line_is_understood_ends_well_and_is_not_written_twice() {
    let import = Import::new();
    let map = import.folder.path().join("Small Map.csv");
    std::fs::write(&map, "Where,What,How\n40001,Supply,int16\n40002,Return,int16\n").unwrap();
    let columns = ["--columns", "address=Where,name=What,type=How"];
    let (said, code) = import.run(&map, &columns);
    assert_eq!((code, left_out(&said)), (0, vec![]), "{said}");
    assert_eq!(point(&import.profile("small-map"), "supply")["holding"].as_integer(), Some(0));
    let (said, code) = import.run(&map, &columns);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--force"), "{said}");
    let forced: Vec<_> = columns.into_iter().chain(["--force"]).collect();
    assert_eq!(import.run(&map, &forced).1, 0);
}

#[test]
fn what_is_no_map_is_refused_and_nothing_is_written() {
    let import = Import::new();
    let map = import.folder.path().join("letter.csv");
    std::fs::write(&map, "Dear customer,\nplease find attached our map.\n").unwrap();
    let (said, code) = import.run(&map, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("name the columns with --columns"), "{said}");
    assert!(!import.folder.path().join("letter.toml").exists());
}
