//! `wellhead check`: everything that is wrong with a configuration, at once.

use super::{Lang, Outcome, shipped};
use crate::config;
use crate::registry::DeviceSpec;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

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
            println!("{}", serde_json::to_string_pretty(&schema)?);
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
                Ok((site, report)) => (Some(summary(&site, lang)?), report),
                Err(report) => (None, report),
            }
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report.json(lang))?);
        } else {
            eprint!("{}", report.render(lang));
        }
        let wrong = summary.is_none() || (self.deny_warnings && report.warnings() > 0);
        if let (Some(summary), false) = (summary, self.json) {
            println!("{summary}");
        }
        Ok(if wrong { Outcome::Wrong } else { Outcome::Done })
    }
}

fn summary(site: &config::Site, lang: Lang) -> anyhow::Result<String> {
    let mut requests = 0;
    for device in &site.devices {
        if let DeviceSpec::Modbus(spec) = &device.spec {
            let plan = wellhead_modbus::plan(spec.clone());
            let plan = plan.map_err(|e| anyhow::anyhow!("device {}: {e:?}", device.id))?;
            requests += plan.requests().len();
        }
    }
    let points: usize = site.devices.iter().map(|d| d.points.len()).sum();
    let (lines, devices) = (site.lines.len(), site.devices.len());
    let plugins = plugins(&site.plugins, lang);
    Ok(match lang {
        Lang::En => format!(
            "{}/{}: good. Lines: {lines}, devices: {devices}, points: {points}, Modbus requests: {requests}, plugins: {plugins}",
            site.id, site.gateway.id
        ),
        Lang::Zh => format!(
            "{}/{}：配置正确。线路 {lines}，设备 {devices}，点位 {points}，Modbus 读取请求 {requests}，插件 {plugins}",
            site.id, site.gateway.id
        ),
    })
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
