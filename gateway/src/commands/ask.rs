//! `wellhead read`, `write` and `cache`: one question to the running box.

use super::watch::{local, quality, shown_unit, trouble};
use super::{Lang, Outcome, Target, age_text};
use crate::admin::{Answer, PointView, Request, Snapshot, client::Client};
use crate::bilingual::Bilingual;
use anyhow::Context;
use clap::Args;
use serde::Serialize;
use std::time::Duration;

/// Prints the latest value of one point.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead read hp1/supply_temp")]
pub(super) struct Read {
    #[command(flatten)]
    target: Target,
    /// The point: device/point
    point: String,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Writes a value to an output, through the same checks as any command.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead write hp1/heating_setpoint 45 --hold 10min\n\n\
                  When the hold ends, what the next slot wants returns, or the safe value.\n  \
                  wellhead write --release hp1/heating_setpoint")]
pub(super) struct Write {
    #[command(flatten)]
    target: Target,
    /// The point: device/point
    point: String,
    /// A number, true, false, or the name of a state
    #[arg(allow_negative_numbers = true, required_unless_present = "release")]
    value: Option<String>,
    /// Give the slot back instead
    #[arg(long, conflicts_with_all = ["value", "hold"])]
    release: bool,
    /// Priority: 1 is manual life safety, past every minimum time; 8 the operator; 16 the last
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=16))]
    slot: u64,
    /// How long it holds: 30s, 10min, 2h
    #[arg(long, default_value = "10min", value_parser = hold)]
    hold: Duration,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

/// Shows what the offline cache holds, since when, and how long it will last.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead cache --site site.toml")]
pub(super) struct Cache {
    #[command(flatten)]
    target: Target,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

fn hold(text: &str) -> Result<Duration, String> {
    match crate::config::duration(text) {
        Some(hold) if hold.is_zero() => {
            Err("a value is held for more than no time; to give a slot back there is --release"
                .into())
        }
        Some(hold) => Ok(hold),
        None => Err(format!("`{text}` is no duration; write 30s, 10min or 2h")),
    }
}

/// A point with the device that it is of.
#[derive(Serialize)]
struct Named<'a> {
    device: &'a str,
    #[serde(flatten)]
    of: &'a PointView,
}

async fn snapshot(client: &mut Client) -> anyhow::Result<Snapshot> {
    match client.ask(&Request::Snapshot).await? {
        Answer::Snapshot(s) => Ok(s),
        other => anyhow::bail!("unexpected answer: {other:?}"),
    }
}

impl Read {
    /// Ends with [`Outcome::Refused`] if the point has no value.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let mut client = Client::connect(&self.target.socket()?).await?;
        let s = snapshot(&mut client).await?;
        let found = s.devices.iter().find_map(|d| {
            let name = self.point.strip_prefix(&d.device)?.strip_prefix('/')?;
            Some((&*d.device, d.points.iter().find(|p| p.point == name)?))
        });
        let Some((device, p)) = found else {
            let device = self.point.split('/').next().unwrap_or_default();
            let there = s.devices.iter().any(|d| d.device == device);
            let device = if there { format!(" {device}") } else { String::new() };
            anyhow::bail!(
                "{} `{}`; {}: `wellhead watch{device}`",
                lang.pick("there is no point", "没有这个点位"),
                self.point,
                lang.pick("those there are", "现有点位"),
            );
        };
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&Named { device, of: p })?)?;
        } else {
            let value = p.value.as_ref().map_or("–".into(), |v| match v {
                serde_json::Value::String(s) => s.clone(),
                v => v.to_string(),
            });
            let unit = shown_unit(p);
            let gap = if unit.is_empty() { "" } else { " " };
            let at = p.time_ms.map_or("–".into(), |t| local(t, &s.timezone));
            outln!("{value}{gap}{unit}  {}  {at}", quality(p, lang))?;
        }
        if p.value.is_none()
            && let Answer::Plugins(plugins) = client.ask(&Request::Plugins).await?
            && let Some(plugin) = plugins.iter().find(|plugin| plugin.plugin == device)
        {
            errln!("{}", super::plugin::line(plugin, lang));
        }
        Ok(if p.value.is_some() { Outcome::Done } else { Outcome::Refused })
    }
}

impl Write {
    /// Ends with [`Outcome::Refused`] if the value did not get there.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let mut client = Client::connect(&self.target.socket()?).await?;
        let sudo_user = std::env::var("SUDO_USER").ok();
        let (point, slot) = (self.point, self.slot);
        let request = match self.value {
            None => Request::Release { point, sudo_user, slot },
            Some(text) => {
                let plain = serde_json::from_str(&text).ok();
                let value = plain
                    .filter(|v: &serde_json::Value| v.is_number() || v.is_boolean())
                    .unwrap_or_else(|| text.into());
                Request::Write { point, value, hold_s: self.hold.as_secs_f64(), sudo_user, slot }
            }
        };
        let reply = match client.ask(&request).await? {
            Answer::Reply(reply) => reply,
            Answer::Error { text, text_zh } => return Err(Bilingual::new(text, text_zh).into()),
            other => anyhow::bail!("unexpected answer: {other:?}"),
        };
        let ok = reply["ok"].as_bool().context("the reply has no `ok`")?;
        let sentence = lang.pick("text", "text_zh");
        match (self.json, ok) {
            (true, _) => outln!("{reply}")?,
            (false, true) if self.release => outln!("{}", text(&reply[sentence]))?,
            (false, true) => {
                let (wrote, shows) = (lang.pick("wrote", "已写入"), lang.pick("shows", "设备显示"));
                outln!(
                    "{wrote} {}, {shows} {}",
                    plain(&reply["value"]),
                    plain(&reply["readback"])
                )?;
            }
            (false, false) => {
                errln!("{}: {}", lang.pick("not written", "未写入"), text(&reply[sentence]));
            }
        }
        Ok(if ok { Outcome::Done } else { Outcome::Refused })
    }
}

/// A value without the quotes that JSON puts around text.
fn plain(v: &serde_json::Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
}

fn text(v: &serde_json::Value) -> &str {
    v.as_str().unwrap_or("?")
}

fn state_word(lang: Lang, state: &str) -> &str {
    match (lang, state) {
        (Lang::Zh, "live") => "正常",
        (Lang::Zh, "spilling") => "写入缓存",
        (Lang::Zh, "catching_up") => "补传中",
        (Lang::Zh, "draining") => "正在停止",
        _ => state,
    }
}

impl Cache {
    /// Prints one block an uplink.
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let mut client = Client::connect(&self.target.socket()?).await?;
        let s = snapshot(&mut client).await?;
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&s.uplinks)?)?;
            return Ok(Outcome::Done);
        }
        for u in &s.uplinks {
            let c = &u.cache;
            outln!("{}: {}", u.uplink, state_word(lang, &u.state))?;
            if let Some(trouble) = trouble(u, lang) {
                outln!("  {}: {trouble}", lang.pick("broker", "服务器"))?;
            }
            outln!(
                "  {}: {} / {}",
                lang.pick("held (samples / batches)", "缓存（样本 / 批）"),
                c.samples,
                c.batches
            )?;
            let since = c.oldest_ms.map_or("–".into(), |t| {
                let ago = u64::try_from(s.time_ms.saturating_sub(t)).unwrap_or(0);
                format!("{} ({})", local(t, &s.timezone), age_text(ago))
            });
            outln!("  {}: {since}", lang.pick("since", "最早"))?;
            let mib = |b: u64| b as f64 / (1024.0 * 1024.0);
            outln!(
                "  {}: {:.1} / {:.1} MiB",
                lang.pick("disk used / allowed", "磁盘占用 / 上限"),
                mib(c.bytes),
                mib(c.bytes_max)
            )?;
            let hours = c
                .hours_left
                .map_or(lang.pick("not known yet", "尚未知").into(), |h| format!("{h:.1} h"));
            outln!("  {}: {hours}", lang.pick("room for an outage of", "可再缓存断网时长"))?;
            if let Some(error) = &c.error {
                outln!("  {}: {error}", lang.pick("trouble", "故障"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_of_no_time_is_refused() {
        assert_eq!(hold("10min"), Ok(Duration::from_secs(600)));
        for text in ["0s", "0min", "10", "soon"] {
            assert!(hold(text).is_err(), "{text}");
        }
    }
}
