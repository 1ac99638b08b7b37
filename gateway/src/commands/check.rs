//! `wellhead check`: everything that is wrong with a configuration, at once.

use super::{Lang, Outcome, shipped};
use crate::config;
use crate::config::Protocol;
use crate::registry::LineSetup;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use wellhead_driver::LineConfig;

/// Checks a site file, a folder of them or a profile, and tells every mistake at once.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  wellhead check site.toml\n\nEnds with 0 if the site can run, 2 if not."
)]
pub(super) struct Check {
    /// The site file, or a folder of *.toml
    #[arg(required_unless_present = "schema")]
    path: Option<PathBuf>,
    /// Check a device profile by itself
    #[arg(long)]
    profile: bool,
    /// End with 2 on warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema for editors instead
    #[arg(long, value_name = "WHICH")]
    schema: Option<Which>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Site,
    Profile,
}

impl Check {
    /// Reads files only; starts nothing.
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        if let Some(which) = self.schema {
            let schema = match which {
                Which::Site => config::site_schema(),
                Which::Profile => config::profile_schema(),
            };
            outln!("{}", serde_json::to_string_pretty(&schema)?)?;
            return Ok(Outcome::Done);
        }
        let path = self.path.unwrap_or_default();
        let (summary, report) = if self.profile {
            match config::check_profile(&path) {
                Ok(report) => (Some(lang.pick("profile is good", "配置模板正确").into()), report),
                Err(report) => (None, report),
            }
        } else {
            match config::load(&path, &shipped()) {
                Ok((site, report)) => (Some(summary(&site, lang)), report),
                Err(report) => (None, report),
            }
        };
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&report.json(lang))?)?;
        } else {
            err!("{}", report.render(lang));
        }
        let wrong = summary.is_none() || (self.deny_warnings && report.warnings() > 0);
        if let (Some(summary), false) = (summary, self.json) {
            outln!("{summary}")?;
        }
        Ok(if wrong { Outcome::Wrong } else { Outcome::Done })
    }
}

fn summary(site: &config::Site, lang: Lang) -> String {
    let reads = reads(site, lang);
    let points: usize = site.devices.iter().map(|d| d.points.len()).sum();
    let (lines, devices) = (site.lines.len(), site.devices.len());
    let plugins = plugins(&site.plugins, lang);
    match lang {
        Lang::En => format!(
            "{}/{}: good. Lines: {lines}, devices: {devices}, points: {points}, plugins: {plugins}{reads}",
            site.id, site.gateway.id
        ),
        Lang::Zh => format!(
            "{}/{}：配置正确。线路 {lines}，设备 {devices}，点位 {points}，插件 {plugins}{reads}",
            site.id, site.gateway.id
        ),
    }
}

/// How many there are, and what each may do: `2 (recharge in slot 14, balance off)`.
fn plugins(plugins: &[config::Plugin], lang: Lang) -> String {
    let one = |p: &config::Plugin| {
        let slot = p.slot.number();
        let how = match (p.enabled, p.shadow) {
            (false, _) => lang.pick(" off", " 停用").to_owned(),
            (true, true) => lang.pick(" in shadow mode", " 影子模式").to_owned(),
            (true, false) => match lang {
                Lang::En => format!(" in slot {slot}"),
                Lang::Zh => format!(" 优先级 {slot}"),
            },
        };
        format!("{}{how}", p.id)
    };
    let all: Vec<String> = plugins.iter().map(one).collect();
    match (all.len(), lang) {
        (0, _) => "0".to_owned(),
        (n, Lang::En) => format!("{n} ({})", all.join(", ")),
        (n, Lang::Zh) => format!("{n}（{}）", all.join("、")),
    }
}

/// What a cycle reads on each bus, where everything is due at once, and how busy each serial line
/// is.
fn reads(site: &config::Site, lang: Lang) -> String {
    let mut text = String::new();
    let (comma, colon) = (lang.pick(", ", "，"), lang.pick(": ", " "));
    for (protocol, name, en, zh) in COUNTED {
        let of = site.devices.iter().filter(|d| d.spec.protocol() == protocol);
        let count: usize = of.flat_map(|d| d.spec.demand()).map(|d| d.requests).sum();
        if count > 0 {
            text += &format!("{comma}{name} {}{colon}{count}", lang.pick(en, zh));
        }
    }
    for (i, line) in site.lines.iter().enumerate() {
        let LineSetup::Stream(LineConfig::Serial(port)) = &line.setup else { continue };
        let on_it = site.devices.iter().filter(|d| d.line == i);
        let share: f64 = on_it.map(|d| d.spec.share(port.mode)).sum();
        text += &match lang {
            Lang::En => {
                format!("\nLine {}: busy {:.0} % of the time at least", line.id, share * 100.0)
            }
            Lang::Zh => format!("\n线路 {}：至少 {:.0} % 的时间在通信", line.id, share * 100.0),
        };
    }
    text
}

/// What is counted on which bus.
const COUNTED: [(Protocol, &str, &str, &str); 9] = [
    (Protocol::Modbus, "Modbus", "requests", "请求"),
    (Protocol::Mbus, "M-Bus", "requests", "请求"),
    (Protocol::Cjt188, "CJ/T 188", "requests", "请求"),
    (Protocol::Dlt645, "DL/T 645", "requests", "请求"),
    (Protocol::Bacnet, "BACnet", "properties", "属性"),
    (Protocol::Onewire, "1-Wire", "sensors", "传感器"),
    (Protocol::Hwmon, "hwmon", "channels", "通道"),
    (Protocol::Iio, "IIO", "channels", "通道"),
    (Protocol::Gpio, "GPIO", "lines", "线"),
];
