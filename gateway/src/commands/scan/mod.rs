//! `wellhead scan`: what is on a line, found out by reading only.

mod bacnet;
mod found;
mod kernel;
mod meters;
mod modbus;
mod site;
mod stream;
mod table;

use super::{Lang, Outcome, shipped};
use crate::config;
use anyhow::Context;
use clap::{Args, Subcommand};
use found::Found;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Finds what is on a line, shows it, and makes a site file of it to edit. Never writes to a
/// device.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  wellhead scan bacnet --write site.toml\n  \
    wellhead scan modbus --tcp 192.168.1.20:502 --probe holding:0-99 --write site.toml\n  \
    wellhead scan mbus --serial /dev/ttyUSB0\n  wellhead scan onewire --json\n\n\
    A scan asks for its port alone: stop the gateway that uses it.\n\
    Ends with 0 if something was found and all of it was understood, with 1 if nothing answered, \
    something\nstayed unclear or the port is in use, with 2 if the arguments are wrong.")]
pub(super) struct Scan {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Bacnet(bacnet::Bacnet),
    Modbus(modbus::Modbus),
    Mbus(meters::Mbus),
    Dlt645(meters::Dlt645),
    Cjt188(meters::Cjt188),
    Onewire(kernel::Onewire),
}

/// What becomes of what was found.
#[derive(Debug, Args)]
struct Output {
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Make a site file of it; a file that is there is never written over
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// The broker in that site file
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883")]
    uplink: String,
}

impl Scan {
    /// Asks, shows, and writes the file that was asked for.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let (output, profile) = match &self.what {
            What::Bacnet(c) => (&c.output, None),
            What::Modbus(c) => (&c.output, c.profile.clone()),
            What::Mbus(c) => (&c.output, None),
            What::Dlt645(c) => (&c.output, None),
            What::Cjt188(c) => (&c.output, None),
            What::Onewire(c) => (&c.output, None),
        };
        for path in output.write.iter().chain(&profile) {
            if path.exists() {
                errln!("{}: {}", path.display(), lang.pick(THERE_EN, THERE_ZH));
                return Ok(Outcome::Wrong);
            }
            if let Err(error) = can_be_written(path) {
                errln!("{}: {}: {error}", path.display(), lang.pick(NOWHERE_EN, NOWHERE_ZH));
                return Ok(Outcome::Wrong);
            }
        }
        if let Some(path) = &profile
            && let Err(error) = profile_id(path)
        {
            errln!("{error:#}");
            return Ok(Outcome::Wrong);
        }
        let found = match &self.what {
            What::Bacnet(c) => c.scan(lang).await?,
            What::Modbus(c) => c.scan(lang).await?,
            What::Mbus(c) => c.scan(lang).await?,
            What::Dlt645(c) => c.scan(lang).await?,
            What::Cjt188(c) => c.scan(lang).await?,
            What::Onewire(c) => c.scan()?,
        };
        if output.json {
            outln!("{}", serde_json::to_string_pretty(&found.json())?)?;
        } else {
            out!("{}", table::table(&found, lang))?;
        }
        let mut good = found.is_whole();
        if let Some(path) = &output.write {
            good &= write_site(path, &found, output, lang)?;
        }
        if let Some(path) = &profile {
            good &= write_profile(path, &found, lang)?;
        }
        Ok(if good { Outcome::Done } else { Outcome::Refused })
    }
}

const THERE_EN: &str = "is there already, and a scan writes over nothing";
const THERE_ZH: &str = "已存在，扫描不会覆盖任何文件";
const NOWHERE_EN: &str = "can't be written there";
const NOWHERE_ZH: &str = "无法写入";

/// Tried before the scan, which may take hours. Nothing stays of it: a scan that is broken off
/// leaves no file that would be in the next one's way.
fn can_be_written(path: &Path) -> std::io::Result<()> {
    std::fs::File::create_new(path)?;
    std::fs::remove_file(path)
}

/// Whether the file came to be and is good.
fn write_site(path: &Path, found: &Found, output: &Output, lang: Lang) -> anyhow::Result<bool> {
    if !found.devices.iter().any(found::Device::is_readable) {
        errln!("{}: {}", path.display(), lang.pick("nothing to write", "没有可写入的内容"));
        return Ok(false);
    }
    let place = site::Place { uplink: output.uplink.clone() };
    create(path, &site::site(found, &place))?;
    let (good, report) = match config::load(path, &shipped()) {
        Ok((_, report)) => (true, report),
        Err(report) => (false, report),
    };
    tell(path, good, &report, lang);
    Ok(good)
}

fn write_profile(path: &Path, found: &Found, lang: Lang) -> anyhow::Result<bool> {
    let [device] = &found.devices[..] else {
        let why = lang.pick(
            "a profile is of one device; name its unit with --units",
            "配置模板只描述一台设备；请用 --units 指定单元",
        );
        errln!("{}: {why}", path.display());
        return Ok(false);
    };
    if !device.is_readable() {
        errln!("{}: {}", path.display(), lang.pick("nothing to write", "没有可写入的内容"));
        return Ok(false);
    }
    create(path, &site::profile(&profile_id(path)?, device))?;
    let (good, report) = match config::check_profile(path) {
        Ok(report) => (true, report),
        Err(report) => (false, report),
    };
    tell(path, good, &report, lang);
    Ok(good)
}

/// A profile is called like its file.
fn profile_id(path: &Path) -> anyhow::Result<String> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    wellhead_model::DeviceId::new(&stem)
        .with_context(|| format!("{}: a profile's file is called like its id", path.display()))?;
    anyhow::ensure!(
        path.extension().is_some_and(|e| e == "toml"),
        "{}: a profile's file ends in .toml",
        path.display()
    );
    Ok(stem)
}

fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    // Also where it came to be while the scan ran.
    let file = std::fs::File::create_new(path);
    let mut file = file.with_context(|| format!("can't write {}", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

fn tell(path: &Path, good: bool, report: &config::Report, lang: Lang) {
    if !good {
        err!("{}", report.render(lang));
    }
    let (path, warnings) = (path.display(), report.warnings());
    match lang {
        Lang::En => {
            errln!("Written to {path}. See `wellhead check` on it; warnings: {warnings}");
        }
        Lang::Zh => errln!("已写入 {path}。请用 `wellhead check` 查看；警告 {warnings} 个"),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    config::duration(text)
        .filter(|d| !d.is_zero())
        .ok_or_else(|| format!("`{text}` is no duration; write 500ms or 3s"))
}

/// `5`, or `1-20`.
fn range<T: std::str::FromStr + PartialOrd + Copy>(text: &str) -> Result<(T, T), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("`{text}` is no range; write 5 or 1-20")),
    }
}
