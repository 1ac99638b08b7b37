//! The commands, one module each. `main` only picks one.

#[macro_use]
mod print;

mod ask;
mod check;
mod import;
mod plugin;
mod run;
mod scan;
mod simulate;
mod watch;
mod zh;

use crate::admin::client::ClientError;
use crate::bilingual::Bilingual;
pub use crate::config::Lang;
use crate::config::Shipped;
use crate::plugins::Trouble;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
pub use plugin::{built, signer};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wellhead_plugin_host::{EngineError, KeyError, PackageError, Refusal};

/// Edge gateway for ground-source and geothermal plant rooms.
#[derive(Debug, Parser)]
#[command(
    name = "wellhead",
    version,
    after_help = "Start here:\n  wellhead check site.toml\n  wellhead run site.toml"
)]
pub struct Cli {
    /// Language of what people read: en or zh; by default that of the environment
    #[arg(long, global = true, value_parser = language)]
    lang: Option<Lang>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Check(check::Check),
    Import(import::Import),
    Scan(scan::Scan),
    Watch(watch::Watch),
    Read(ask::Read),
    Write(ask::Write),
    Cache(ask::Cache),
    Plugin(plugin::Plugin),
    Simulate(simulate::Simulate),
}

/// How a command ended, as its exit code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done.
    Done,
    /// 1: understood, but it could not be done.
    Refused,
    /// 2: the configuration or the arguments are wrong; nothing was started.
    Wrong,
}

impl From<Outcome> for ExitCode {
    fn from(o: Outcome) -> Self {
        match o {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::Refused => ExitCode::from(1),
            Outcome::Wrong => ExitCode::from(2),
        }
    }
}

impl Cli {
    /// Reads this process' arguments.
    ///
    /// # Errors
    /// How to end: help was asked for and given, or the arguments are wrong, which was told.
    pub fn of_arguments() -> Result<Self, Outcome> {
        let lang = Lang::of_arguments(std::env::args_os());
        let command = match lang {
            Lang::En => Self::command(),
            Lang::Zh => zh::command(Self::command()),
        };
        let parsed = command.try_get_matches().and_then(|m| Self::from_arg_matches(&m));
        parsed.map_err(|e| match (lang, zh::error(&e)) {
            (Lang::Zh, Some(text)) => {
                errln!("{text}");
                Outcome::Wrong
            }
            _ => {
                let told = e.print();
                if e.use_stderr() || told.is_err() { Outcome::Wrong } else { Outcome::Done }
            }
        })
    }

    /// Runs the command that was asked for; an error is told on standard error.
    pub async fn run(self) -> Outcome {
        let lang = self.lang.unwrap_or_else(Lang::of_environment);
        self.dispatch(lang).await.unwrap_or_else(|error| refused(&error, lang))
    }

    async fn dispatch(self, lang: Lang) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Run(c) => c.run(lang).await,
            Command::Check(c) => c.run(lang),
            Command::Import(c) => c.run(lang),
            Command::Scan(c) => c.run(lang).await,
            Command::Watch(c) => c.run(lang).await.map(|()| Outcome::Done),
            Command::Read(c) => c.run(lang).await,
            Command::Write(c) => c.run(lang).await,
            Command::Cache(c) => c.run(lang).await,
            Command::Plugin(c) => c.run(lang).await,
            Command::Simulate(c) => c.run(lang),
        }
    }
}

/// Tells why it could not be done.
pub fn refused(error: &anyhow::Error, lang: Lang) -> Outcome {
    match chinese(error).filter(|_| lang == Lang::Zh) {
        Some(text) => errln!("wellhead: {text}"),
        None => errln!("wellhead: {error:#}"),
    }
    Outcome::Refused
}

/// The error and its causes in Chinese, as far as they are our own words; none if nothing is.
fn chinese(error: &anyhow::Error) -> Option<String> {
    let told: Vec<_> = error.chain().map(link_in_chinese).collect();
    if told.iter().all(Option::is_none) {
        return None;
    }
    let links = error.chain().zip(told).map(|(link, zh)| zh.unwrap_or_else(|| link.to_string()));
    Some(links.collect::<Vec<_>>().join("："))
}

fn link_in_chinese(link: &(dyn std::error::Error + 'static)) -> Option<String> {
    let both = link.downcast_ref::<Bilingual>().map(|b| b.zh.clone());
    both.or_else(|| Some(link.downcast_ref::<ClientError>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<NoGateway>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<Trouble>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<KeyError>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<PackageError>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<Refusal>()?.text_zh()))
        .or_else(|| Some(link.downcast_ref::<EngineError>()?.text_zh()))
}

/// Why it is not known where the gateway is.
#[derive(Debug, thiserror::Error)]
enum NoGateway {
    #[error(
        "there is no {0}; name your site file with --site, or the gateway's socket with --socket"
    )]
    NoSite(String),
    #[error(
        "{0} names no data folder: see `wellhead check {0}`, or name the gateway's socket with --socket"
    )]
    NoDataDir(String),
}

impl NoGateway {
    fn text_zh(&self) -> String {
        match self {
            NoGateway::NoSite(site) => {
                format!("没有 {site}；请用 --site 指定站点文件，或用 --socket 指定网关的套接字")
            }
            NoGateway::NoDataDir(site) => format!(
                "{site} 没有写明数据文件夹：请看 `wellhead check {site}`，或用 --socket 指定网关的套接字"
            ),
        }
    }
}

fn language(text: &str) -> Result<Lang, String> {
    match text {
        "en" => Ok(Lang::En),
        "zh" => Ok(Lang::Zh),
        other => Err(format!("there is `en` and `zh`, not `{other}`")),
    }
}

/// The site file of a gateway as its package installs it.
const SITE: &str = "/etc/wellhead/site.toml";

/// Which running gateway is meant.
#[derive(Debug, Args)]
pub struct Target {
    /// The site file of the running gateway, to find its data folder
    #[arg(long, env = "WELLHEAD_SITE", default_value = SITE)]
    site: PathBuf,
    /// The gateway's socket itself
    #[arg(long, env = "WELLHEAD_SOCKET")]
    socket: Option<PathBuf>,
}

impl Target {
    /// The gateway of a site file.
    fn of(site: PathBuf) -> Self {
        Self { site, socket: None }
    }

    /// The gateway's data folder, as far as the site file says it: a site that is not whole yet
    /// must keep nobody from installing what it lacks, nor from the gateway that runs.
    fn data_dir(&self) -> Result<PathBuf, NoGateway> {
        let site = || self.site.display().to_string();
        if !self.site.exists() {
            return Err(NoGateway::NoSite(site()));
        }
        crate::config::data_dir(&self.site).ok_or_else(|| NoGateway::NoDataDir(site()))
    }

    fn socket(&self) -> Result<PathBuf, NoGateway> {
        if let Some(path) = &self.socket {
            return Ok(path.clone());
        }
        Ok(crate::admin::socket_path(&self.data_dir()?))
    }
}

/// Where profiles and plugins that came with the program are.
fn shipped() -> Shipped {
    let above = shipped_below();
    let among = |places: [&str; 2]| {
        above.iter().flat_map(|a| places.map(|p| a.join(p))).filter(|p| p.is_dir()).collect()
    };
    Shipped {
        profiles: among(["share/wellhead/profiles", "configs/profiles"]),
        plugins: among(["share/wellhead/plugins", "plugins"]),
        trusted_keys: among(["share/wellhead/trusted-keys", "etc/wellhead/trusted-keys"]),
    }
}

/// The folders that may hold what came with the program: those above it, as installed
/// (`/usr/bin/wellhead`, `/usr/share/wellhead`) or in the repository that it was built in. Always
/// of its own version, since nothing else counts.
fn shipped_below() -> Vec<PathBuf> {
    program().ancestors().skip(1).take(4).map(Path::to_owned).collect()
}

/// Where the program lies.
#[cfg(not(debug_assertions))]
fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_default()
}

/// A debug build runs where its source is, as if it lay there: cargo may have been told to put it
/// anywhere.
#[cfg(debug_assertions)]
fn program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target").join("debug/wellhead")
}

/// `350 ms`, `1.5 s`, `12 min`, `3.2 h`, `5 d`.
fn age_text(ms: u64) -> String {
    let s = ms as f64 / 1000.0;
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{s:.1} s"),
        60_000..3_600_000 => format!("{:.0} min", s / 60.0),
        3_600_000..172_800_000 => format!("{:.1} h", s / 3600.0),
        _ => format!("{:.0} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_question_from_the_gateway_is_told_in_chinese_too() {
        let site = PathBuf::from("/nowhere/site.toml");
        let error = Target { site, socket: None }.socket().unwrap_err();
        let told = chinese(&error.into()).unwrap();
        assert!(told.starts_with("没有 /nowhere/site.toml"), "{told}");
        let error = std::io::Error::other("gone");
        let error = anyhow::Error::from(ClientError::Connect { path: "a.sock".into(), error });
        assert!(chinese(&error).unwrap().contains("a.sock"));
        assert!(chinese(&anyhow::anyhow!("something else")).is_none());
    }

    #[test]
    fn every_link_of_an_error_that_has_chinese_is_told_in_it() {
        let both = Bilingual::caused(
            "can't read a.whp",
            "无法读取 a.whp",
            &std::io::ErrorKind::NotFound.into(),
        );
        assert_eq!(both.to_string(), "can't read a.whp: entity not found");
        let error = anyhow::Error::from(both).context("plugin frost");
        assert_eq!(chinese(&error).unwrap(), "plugin frost：无法读取 a.whp：没有该文件或文件夹");
        let refused = PackageError::Length { have: 1, expected: 2 };
        let error = anyhow::Error::from(refused);
        assert_eq!(chinese(&error).unwrap(), "包有 1 字节，应为 2 字节；请重新传输");
    }

    #[test]
    fn a_broken_site_file_still_says_where_the_gateway_is() {
        let dir = tempfile::tempdir().unwrap();
        let site = dir.path().join("site.toml");
        for broken in [
            "[gateway]\nid = \"box\"\ndata_dir = \"d\"\n[device.x]\nnonsense = 1\n",
            "[gateway]\ndata_dir = \"d\"\n[device.x\npoll = = 1\n",
        ] {
            std::fs::write(&site, broken).unwrap();
            let target = Target { site: site.clone(), socket: None };
            assert_eq!(target.socket().unwrap(), dir.path().join("d/wellhead.sock"), "{broken}");
        }
    }
}
