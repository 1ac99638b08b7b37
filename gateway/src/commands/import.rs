//! `wellhead import`: a vendor's register map becomes a device profile.

use super::{Lang, Outcome};
use crate::config;
use crate::import::{Column, Head, Imported, Numbering, Settings, Sheet, import, parse_columns};
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::io::Read;
use std::path::{Path, PathBuf};
use wellhead_modbus::Table;

/// Largest map that is read, in bytes.
const FILE_LEN_MAX: u64 = 16 << 20;

/// Makes a device profile of a register map as vendors send it (CSV), and tells every line that it
/// could not understand.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wellhead import map.csv\n  wellhead import map.csv --columns address=Addr,name=Point --type u16 --id acme-hp\n\nEnds with 0 if every line was understood, 1 if not, 2 if nothing was written."
)]
pub(super) struct Import {
    /// The map: CSV with commas, semicolons or tabs, in UTF-8, UTF-16, GBK or a named encoding
    map: PathBuf,
    /// Which column is what, where the headers don't tell: address=Addr,name=Point,…
    #[arg(long, value_name = "COLUMN=HEADER,…", value_parser = columns)]
    columns: Option<Columns>,
    /// What plain decimal addresses count from; found out by default
    #[arg(long)]
    numbering: Option<Numbering>,
    /// The kind of register where a row names none
    #[arg(long, value_name = "KIND")]
    table: Option<TableWord>,
    /// The type where a row names none: i16, u32, f32, …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// The order of bytes where a row names none: abcd, cdab, badc or dcba
    #[arg(long, value_parser = ["abcd", "cdab", "badc", "dcba"])]
    order: Option<String>,
    /// The encoding of the file; found out by default
    #[arg(long)]
    encoding: Option<String>,
    /// What separates cells; found out by default
    #[arg(long)]
    delimiter: Option<char>,
    /// The profile's id; by default from the name of the map
    #[arg(long)]
    id: Option<String>,
    /// The profile's title; by default its id
    #[arg(long)]
    title: Option<String>,
    /// Who makes the device
    #[arg(long)]
    vendor: Option<String>,
    /// The folder that the profile is written into
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Write over a profile that is there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone)]
struct Columns(Vec<(Column, String)>);

fn columns(text: &str) -> Result<Columns, String> {
    parse_columns(text).map(Columns)
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TableWord {
    Holding,
    Input,
    Coil,
    Discrete,
}

impl Import {
    /// Reads the map and writes the profile; touches nothing else.
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let head = self.head();
        if let Err(error) = wellhead_model::DeviceId::new(&head.id) {
            let other = lang.pick("give another with --id", "请用 --id 另给一个");
            errln!("{}: {error}; {other}", head.id);
            return Ok(Outcome::Wrong);
        }
        let path = self.folder.join(format!("{}.toml", head.id));
        if path.exists() && !self.force {
            let there =
                lang.pick("is there already; --force writes over it", "已存在；加 --force 可覆盖");
            errln!("{} {there}", path.display());
            return Ok(Outcome::Wrong);
        }
        let bytes = read(&self.map)?;
        let sheet = match Sheet::read(&bytes, self.encoding.as_deref(), self.delimiter) {
            Ok(sheet) => sheet,
            Err(error) => {
                errln!("{}: {}", self.map.display(), error.said().pick(lang));
                return Ok(Outcome::Wrong);
            }
        };
        let imported = match import(&sheet, &head, &self.settings()) {
            Ok(imported) if imported.points > 0 => imported,
            Ok(imported) => {
                tell(&self.map, &sheet, &imported, lang);
                return Ok(Outcome::Wrong);
            }
            Err(why) => {
                errln!("{}: {}", self.map.display(), why.pick(lang));
                return Ok(Outcome::Wrong);
            }
        };
        std::fs::write(&path, &imported.toml)
            .with_context(|| format!("can't write {}", path.display()))?;
        let lost = tell(&self.map, &sheet, &imported, lang);
        let (good, report) = match config::check_profile(&path) {
            Ok(report) => (true, report),
            Err(report) => (false, report),
        };
        err!("{}", report.render(lang));
        outln!("{}", path.display())?;
        Ok(if good && lost == 0 { Outcome::Done } else { Outcome::Refused })
    }

    fn head(&self) -> Head {
        let document = self.map.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = self.map.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let stem: String = stem.chars().map(plain).collect();
        let words: Vec<&str> = stem.split('-').filter(|w| !w.is_empty()).collect();
        let id = self.id.clone().unwrap_or_else(|| words.join("-"));
        let title = self.title.clone().unwrap_or_else(|| id.clone());
        Head { id, title, vendor: self.vendor.clone(), document }
    }

    fn settings(&self) -> Settings {
        Settings {
            columns: self.columns.clone().map_or_else(Vec::new, |c| c.0),
            numbering: self.numbering,
            table: self.table.map(|t| match t {
                TableWord::Holding => Table::Holding,
                TableWord::Input => Table::Input,
                TableWord::Coil => Table::Coil,
                TableWord::Discrete => Table::Discrete,
            }),
            kind: self.kind.clone(),
            order: self.order.clone(),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file =
        std::fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
    file.take(FILE_LEN_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("can't read {}", path.display()))?;
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_LEN_MAX,
        "{} has more than {} MiB; no register map is that long",
        path.display(),
        FILE_LEN_MAX >> 20
    );
    Ok(bytes)
}

/// Says how the file was read and what was met; how many rows are lost.
fn tell(map: &Path, sheet: &Sheet, imported: &Imported, lang: Lang) -> usize {
    for remark in &imported.remarks {
        let what = match remark.lost {
            true => lang.pick("left out: ", "未导入："),
            false => "",
        };
        errln!("{}:{}: {what}{}", map.display(), remark.line, remark.text.pick(lang));
    }
    let lost = imported.remarks.iter().filter(|r| r.lost).count();
    let delimiter = match sheet.delimiter {
        '\t' => "tab".to_owned(),
        other => format!("`{other}`"),
    };
    let numbering = match imported.numbering {
        Numbering::Zero => lang.pick("plain addresses count from 0", "十进制地址从 0 起"),
        Numbering::One => lang.pick("plain addresses count from 1", "十进制地址从 1 起"),
        Numbering::Traditional => {
            lang.pick("40001 is the first holding register", "40001 为首个保持寄存器")
        }
    };
    let points = imported.points;
    match lang {
        Lang::En => errln!(
            "{points} points, {lost} rows left out. Read as {}, cells apart by {delimiter}; {numbering}",
            sheet.encoding
        ),
        Lang::Zh => errln!(
            "点位 {points}，未导入 {lost} 行。编码 {}，分隔符 {delimiter}；{numbering}",
            sheet.encoding
        ),
    }
    lost
}
