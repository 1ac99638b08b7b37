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
        self.run_in("en", map, arguments)
    }

    fn run_in(&self, lang: &str, map: &Path, arguments: &[&str]) -> (String, i32) {
        let output = Command::new(env!("CARGO_BIN_EXE_wellhead"))
            .args(["--lang", lang, "import"])
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

/// Writes a map and imports it; what was said, the exit code, and the points.
fn imported(text: &str, arguments: &[&str]) -> (String, i32, toml::Table) {
    let import = Import::new();
    let map = import.folder.path().join("map.csv");
    std::fs::write(&map, text).unwrap();
    let (said, code) = import.run(&map, arguments);
    let points = match import.folder.path().join("map.toml").exists() {
        true => import.profile("map")["point"].as_table().unwrap().clone(),
        false => toml::Table::new(),
    };
    (said, code, points)
}

#[test]
fn columns_that_are_not_used_are_told() {
    let map = "No,Address,Name,Type,Group,Update rate\n1,40001,Supply,int16,a,1 s\n";
    let (said, code, _) = imported(map, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("map.csv:1: columns that are not used: `No`, `Group`, `Update rate`\n"));
    let (said, ..) = imported("Address,Name,Type\n40001,Supply,int16\n", &[]);
    assert!(!said.contains("not used"), "{said}");
}

#[test]
fn registers_and_names_that_come_twice_are_told_and_kept() {
    let map = "Address,Name,Type\n40001,Supply,int16\n40002,Return,int16\n40001,Flow,uint16\n\
               40003,Return,int16\n40004.1,Fault,bool\n40004.2,Alarm,bool\n40004.1,Trip,bool\n";
    let (said, code, points) = imported(map, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("map.csv:4: holding 0 is `Supply` of line 2 already"), "{said}");
    let name = "map.csv:5: `Return` is the name of line 3 too; this one becomes `return_2`";
    assert!(said.contains(name), "{said}");
    assert!(said.contains("map.csv:8: holding 3.1 is `Fault` of line 6 already"), "{said}");
    assert!(!said.contains("map.csv:7:"), "another bit of one register is another point: {said}");
    assert_eq!(points.len(), 7);
}

#[test]
fn a_header_of_two_lines_is_read_as_one() {
    let map = "Register,,Value,,\nAddress,Name,Type,Unit,Factor\n40001,Supply,int16,°C,0.1\n";
    let (said, code, points) = imported(map, &[]);
    assert_eq!((code, points.len()), (0, 1), "{said}");
    // What each column is stands half in the first line, half in the second.
    let map = "Modbus,Parameter,Data,Eng.,Scale\nAddress,Name,Type,Unit,Factor\n\
               40001,Supply,int16,°C,0.1\n";
    let (said, code, points) = imported(map, &[]);
    assert_eq!((code, points.len()), (0, 1), "{said}");
    let map = "Register,,,R/W,Unit\n(dec),Parameter Name,Data Type,,\n40001,Supply,int16,R,°C\n\
               40002,Setpoint,int16,RW,°C\n";
    let (said, code, points) = imported(map, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("map.csv:2: taken for the header together with the line above"),
        "{said}"
    );
    let expected = table("title = 'Supply'\nholding = 0\ntype = 'i16'\nunit = '°C'");
    assert_eq!(points["supply"].as_table(), Some(&expected));
    assert_eq!(points.len(), 2);
    // The first line of data is never taken for a header.
    let map = "Address,Name,Type,\n40001,Supply,int16,unit\n40002,Return,int16,\n";
    let (said, code, points) = imported(map, &[]);
    assert_eq!((code, points.len()), (0, 2), "{said}");
}

#[test]
fn addresses_that_may_be_meant_in_two_ways_are_left_out_and_told() {
    let map = "Address,Name,Type\n0,Supply,int16\n12,Return,int16\n40001,Flow,int16\n";
    let (said, code, points) = imported(map, &["--table", "holding"]);
    assert_eq!((code, left_out(&said), points.len()), (1, vec![4], 2), "{said}");
    assert!(said.contains("map.csv:4: left out: `40001` beside addresses that count plainly"));
    let (said, code, points) = imported(map, &["--table", "holding", "--numbering", "zero"]);
    assert_eq!((code, points.len()), (0, 3), "{said}");
    assert_eq!(points["flow"]["holding"].as_integer(), Some(40001));
    // Where all of them can be traditional, all of them are.
    let (said, code, points) = imported("Address,Name,Type\n40001,Flow,int16\n", &[]);
    assert_eq!((code, points["flow"]["holding"].as_integer()), (0, Some(0)), "{said}");
}

#[test]
fn reasons_are_told_in_chinese_to_who_asks_for_it() {
    let import = Import::new();
    let map = import.folder.path().join("map.csv");
    let text = "地址,名称,数据类型,系数,备注,型号\n40001,供水温度,int16,0.1,,x\n\
                abc,回水温度,int16,0.1,,x\n40003,流量,奇怪,0.1,,x\n40004,功率,int16,十分之一,,x\n\
                40001,压力,int16,0.1,,x\n40006,,int16,0.1,,x\n";
    std::fs::write(&map, text).unwrap();
    let (said, code) = import.run_in("zh", &map, &[]);
    assert_eq!(code, 1, "{said}");
    for words in [
        ":1: 未使用的列：`型号`",
        ":3: 未导入：`abc` 不是地址",
        ":4: 未导入：`奇怪` 不是数据类型",
        ":5: 未导入：`十分之一` 不是系数",
        ":6: holding 0 在第 2 行已是 `供水温度`",
        ":7: 未导入：没有名称",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    std::fs::write(&map, "您好，附件为点表。\n谢谢\n").unwrap();
    let (said, code) = import.run_in("zh", &map, &["--id", "letter"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("请用 --columns"), "{said}");
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
