//! `wellhead plugin list`, `enable`, `disable` and `logs`: plugins of the running gateway.

use super::Outcome;
use crate::admin::{Answer, PluginView, Request, client::Client};
use crate::bilingual::Bilingual;
use crate::commands::watch::local;
use crate::commands::{Lang, Target};
use clap::Args;

/// Lists the plugins of the running gateway: how each is, and what it costs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin list")]
pub(super) struct List {
    #[command(flatten)]
    target: Target,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Starts a plugin again that failed too often or was stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin enable recharge")]
pub(super) struct Enable {
    /// Its id in the site file
    plugin: String,
    #[command(flatten)]
    target: Target,
}

/// Stops a plugin until it is enabled or the gateway restarts; its outputs are released.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  wellhead plugin disable recharge\n\nTo keep it off, write `enabled = false` in the site file."
)]
pub(super) struct Disable {
    /// Its id in the site file
    plugin: String,
    #[command(flatten)]
    target: Target,
}

/// Shows the last lines that a plugin logged.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin logs recharge")]
pub(super) struct LogLines {
    /// Its id in the site file
    plugin: String,
    #[command(flatten)]
    target: Target,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

async fn ask(target: &Target, request: &Request) -> anyhow::Result<Answer> {
    let answer = Client::connect(&target.socket()?).await?.ask(request).await?;
    match answer {
        Answer::Error { text, text_zh } => Err(Bilingual::new(text, text_zh).into()),
        answer => Ok(answer),
    }
}

impl List {
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let Answer::Plugins(plugins) = ask(&self.target, &Request::Plugins).await? else {
            anyhow::bail!("unexpected answer");
        };
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&plugins)?)?;
            return Ok(Outcome::Done);
        }
        if plugins.is_empty() {
            outln!("{}", lang.pick("this site has no plugins", "本站点没有插件"))?;
        }
        for p in &plugins {
            outln!("{}", line(p, lang))?;
        }
        Ok(Outcome::Done)
    }
}

/// How a plugin is and what it costs, and why it does not run.
pub(in crate::commands) fn line(p: &PluginView, lang: Lang) -> String {
    let state = match (p.state.as_str(), lang) {
        ("starting", Lang::Zh) => "启动中",
        ("running", Lang::Zh) => "运行",
        ("restarting", Lang::Zh) => "重启中",
        ("disabled", Lang::Zh) => "停用",
        ("refused", Lang::Zh) => "被拒绝",
        (state, _) => state,
    };
    let why = match lang {
        Lang::En => &p.why,
        Lang::Zh => &p.why_zh,
    };
    let why = why.as_ref().map_or(String::new(), |w| format!("\n    {w}"));
    let mean = if p.calls == 0 { 0.0 } else { p.cpu_ms * 1000.0 / p.calls as f64 };
    let (calls, faults, kib) = match lang {
        Lang::En => ("calls", "faults", "KiB"),
        Lang::Zh => ("次调用", "次故障", "KiB"),
    };
    format!(
        "{:<20} {:<28} {state:<10} {} {calls}, {mean:.0} µs (max {:.1} ms), {} {faults}, {} {kib}{why}",
        p.plugin,
        p.package,
        p.calls,
        p.cpu_max_ms,
        p.faults,
        p.memory >> 10,
    )
}

impl Enable {
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let id = &self.plugin;
        let before = switch(&self.target, id, true).await?;
        let (en, zh) = match before.as_deref() {
            Some("running") => (format!("{id} runs already"), format!("{id} 已在运行")),
            _ => (
                format!("{id} starts from its saved state; how it goes: wellhead plugin list"),
                format!("{id} 从保存的状态启动；运行情况：wellhead plugin list"),
            ),
        };
        outln!("{}", lang.pick(&en, &zh))?;
        Ok(Outcome::Done)
    }
}

impl Disable {
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let id = &self.plugin;
        let before = switch(&self.target, id, false).await?;
        let (what, what_zh) = match before.as_deref() {
            Some("disabled") => ("was off already", "已处于停用状态"),
            _ => ("is stopped and its outputs are released", "已停止，其输出已释放"),
        };
        let en = format!(
            "{id} {what}; it stays off until `wellhead plugin enable {id}` or a restart of the gateway"
        );
        let zh = format!("{id} {what_zh}；在 `wellhead plugin enable {id}` 或网关重启之前保持停用");
        outln!("{}", lang.pick(&en, &zh))?;
        Ok(Outcome::Done)
    }
}

/// Starts or stops a plugin, and returns how it was before.
async fn switch(target: &Target, plugin: &str, on: bool) -> anyhow::Result<Option<String>> {
    let before = match ask(target, &Request::Plugins).await? {
        Answer::Plugins(all) => all.into_iter().find(|p| p.plugin == plugin).map(|p| p.state),
        _ => None,
    };
    ask(target, &Request::SwitchPlugin { plugin: plugin.to_owned(), on }).await?;
    Ok(before)
}

impl LogLines {
    pub(super) async fn run(self) -> anyhow::Result<Outcome> {
        let request = Request::PluginLines { plugin: self.plugin };
        let Answer::Lines { timezone, lines } = ask(&self.target, &request).await? else {
            anyhow::bail!("unexpected answer");
        };
        if self.json {
            outln!("{}", serde_json::to_string_pretty(&lines)?)?;
            return Ok(Outcome::Done);
        }
        for l in lines {
            outln!("{} {:<5} {}", local(l.time_ms, &timezone), l.level, l.text)?;
        }
        Ok(Outcome::Done)
    }
}
