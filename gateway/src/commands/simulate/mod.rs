//! `wellhead simulate`: a year of the site in under a minute.

mod told;

use super::{Lang, Outcome, shipped};
use crate::bilingual::Bilingual;
use crate::config::{self, Site};
use crate::plugins::{self, Sources};
use crate::simulate::{Csv, Journal, Recorder, Replay, Sim, Totals, channels, plots};
use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::DateTime;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wellhead_model::{Mono, Now, Timestamp};
use wellhead_plant::ground_load::GroundLoad;
use wellhead_plant::plant::{Config, Plant};
use wellhead_plant::presets::Preset;
use wellhead_plugin_host::{Engine, Plugin, Program};

/// Runs the site's plugins and control against the simulated plant, in virtual time.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wellhead simulate configs/sites/renze-baihe.toml --years 10\n  wellhead simulate site.toml --compare recharge --svg plots\n  wellhead simulate site.toml --start 2026-07-14T00:00 --days 1 --every 1min --csv day.csv --log -"
)]
pub(super) struct Simulate {
    /// The site file, or a folder of *.toml
    site: PathBuf,
    /// Which plant room; by default the one that the site says in [simulation]
    #[arg(long, value_enum)]
    room: Option<Preset>,
    /// The plant's local time at the start
    #[arg(long, default_value = "2026-04-01T00:00")]
    start: DateTime,
    /// How many years of 365 days
    #[arg(long, conflicts_with = "days")]
    years: Option<f64>,
    /// How many days; by default a year
    #[arg(long)]
    days: Option<f64>,
    /// Length of a step in seconds of the plant
    #[arg(long, default_value_t = 60.0, value_parser = step)]
    step: f64,
    /// Seed of every random number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leave this plugin out; may be given several times
    #[arg(long, value_name = "ID")]
    without: Vec<String>,
    /// Load the ground alone as this table says, machines and plugins at rest: lines of
    /// `12-11,25,694.9` for 694.9 kW taken in the 25 days from 11 December of every year
    #[arg(long, value_name = "FILE", conflicts_with_all = ["compare", "record", "replay"])]
    ground_load: Option<PathBuf>,
    /// Run a second time without this plugin, or with another build of it, ID=FOLDER or ID=FILE,
    /// and show both side by side; --csv and --log tell of the site as it is
    #[arg(long, value_name = "ID[=PATH]", conflicts_with_all = ["record", "replay"])]
    compare: Option<String>,
    /// Write rows for a spreadsheet: what the plant does, what the plugins' points show, what they
    /// publish
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    csv: Option<PathBuf>,
    /// Length of time between two rows: 1h, 10min
    #[arg(long, default_value = "1h", value_parser = duration)]
    every: Duration,
    /// Write what happens and when: lines that plugins log, why outputs move, alarms, failures;
    /// `-` for the terminal
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    log: Option<PathBuf>,
    /// Draw plots of daily means into this folder
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Record every call of every plugin
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    record: Option<PathBuf>,
    /// Call the plugins as recorded, and tell the first that asks for something else
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Print the sums as JSON
    #[arg(long)]
    json: bool,
}

fn step(text: &str) -> Result<f64, String> {
    let step = text.parse().ok().filter(|s| (1.0..=60.0).contains(s));
    step.ok_or_else(|| "1 to 60 seconds".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    config::duration(text).ok_or_else(|| format!("`{text}` is no duration; write 1h or 10min"))
}

struct Run {
    name: Bilingual,
    sim: Sim,
    totals: Totals,
}

impl Simulate {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let site = match config::load(&self.site, &shipped()) {
            Ok((site, _)) => site,
            Err(report) => {
                err!("{}", report.render(lang));
                return Ok(Outcome::Wrong);
            }
        };
        if self.json && self.log.as_deref().is_some_and(|path| path == "-") {
            bail!(Bilingual::new(
                "--json and --log - both want standard output; write the log to a file",
                "--json 与 --log - 都要写标准输出；请把日志写入文件",
            ));
        }
        for id in &self.without {
            known(&site, id)?;
        }
        let engine = Engine::for_tools()?;
        let programs = self.programs(&site, &engine)?;
        if let Some(path) = &self.replay {
            return self.replay(&site, programs, path, lang);
        }
        let runs = match &self.compare {
            None => vec![self.one(&site, programs, Bilingual::new("", ""), Some(lang))?],
            Some(what) => self.both(&site, &engine, programs, what, lang)?,
        };
        out!("{}", self.tell(&runs, lang)?)?;
        let failed = runs.iter().any(|run| !run.sim.incidents.faults.is_empty());
        Ok(if failed { Outcome::Refused } else { Outcome::Done })
    }

    /// The plugins of the site, none for those left out.
    fn programs(&self, site: &Site, engine: &Engine) -> anyhow::Result<Vec<Option<Program>>> {
        let sources = Sources::for_tools(engine.clone());
        let one = |p: &config::Plugin| {
            let left_out = self.without.iter().any(|id| id == p.id.as_str());
            if !p.enabled || left_out || self.ground_load.is_some() {
                return Ok(None);
            }
            let prepared = sources.prepare(p).map_err(|trouble| {
                Bilingual::new(
                    format!("plugin {}: {trouble}", p.id),
                    format!("插件 {}：{}", p.id, trouble.text_zh()),
                )
            })?;
            Ok(Some(prepared.program))
        };
        site.plugins.iter().map(one).collect()
    }

    fn both(
        &self,
        site: &Site,
        engine: &Engine,
        programs: Vec<Option<Program>>,
        what: &str,
        lang: Lang,
    ) -> anyhow::Result<Vec<Run>> {
        let (id, path) = match what.split_once('=') {
            Some((id, path)) => (id, Some(path)),
            None => (what, None),
        };
        let at = known(site, id)?;
        let mut others = programs.clone();
        let name = match path {
            None => {
                others[at] = None;
                Bilingual::new(format!("without {id}"), format!("不用 {id}"))
            }
            Some(path) => {
                let other = config::Plugin { source: path.into(), ..site.plugins[at].clone() };
                let prepared = Sources::for_tools(engine.clone()).prepare(&other)?;
                let m = prepared.program.manifest().clone();
                others[at] = Some(prepared.program);
                let build = format!("{} {} ({path})", m.name, m.version);
                Bilingual::new(build.clone(), build)
            }
        };
        let (first, second) = std::thread::scope(|scope| {
            let second = scope.spawn(|| self.one(site, others, name, None));
            let configured = Bilingual::new("as configured", "按现有配置");
            let first = self.one(site, programs, configured, Some(lang));
            (first, second.join())
        });
        let second = second.map_err(|_| anyhow::anyhow!("the second run panicked"))?;
        Ok(vec![first?, second?])
    }

    /// One run, which writes what files are asked for if it has a language for them.
    fn one(
        &self,
        site: &Site,
        programs: Vec<Option<Program>>,
        name: Bilingual,
        files: Option<Lang>,
    ) -> anyhow::Result<Run> {
        let named = site.simulation.map(|room| match room {
            config::Room::Renze => Preset::Renze,
            config::Room::Changshu => Preset::Changshu,
            config::Room::Yanqing => Preset::Yanqing,
        });
        let preset = self.room.or(named).ok_or_else(|| {
            Bilingual::new(
                "which plant room? Give --room, or `[simulation] room = \"renze\"` in the site file",
                "选用哪个机房？请给出 --room，或在站点文件中写 `[simulation] room = \"renze\"`",
            )
        })?;
        let ground_load = self.ground_load.as_deref().map(ground_load).transpose()?;
        let config = Config { preset, start: self.start, ground_load, ..Config::default() };
        let plant = Plant::new(config, self.seed);
        let begin = self.start.in_tz(&site.timezone)?.timestamp().as_millisecond();
        let recorder = self.record.as_deref().map(Recorder::create).transpose()?;
        let mut sim = Sim::new(site, programs, plant, Timestamp(begin), recorder)?;
        let channels = channels(&sim.plant);
        let mut csv = None;
        if let Some(lang) = files {
            let create = |path| Csv::create(path, &sim, channels.clone());
            csv = self.csv.as_deref().map(create).transpose()?;
            if let Some(path) = &self.log {
                sim.tell(Journal::create(path, lang)?);
            }
        }
        let mut totals = Totals::new(channels);
        let days = self.days.or(self.years.map(|y| y * 365.0)).unwrap_or(365.0);
        let steps = (days * 86_400.0 / self.step).round() as u64;
        let row_every = ((self.every.as_secs_f64() / self.step).round() as u64).max(1);
        for n in 1..=steps {
            sim.advance(self.step)?;
            totals.add(&sim, self.step / 3600.0);
            if let Some(csv) = csv.as_mut().filter(|_| n.is_multiple_of(row_every)) {
                csv.row(&mut sim)?;
            }
        }
        if let Some(csv) = csv {
            csv.finish()?;
        }
        sim.finish()?;
        Ok(Run { name, sim, totals })
    }

    /// What is printed; draws plots as well.
    fn tell(&self, runs: &[Run], lang: Lang) -> anyhow::Result<String> {
        let mut out = String::new();
        if self.json {
            let all: Vec<_> = runs.iter().map(told::json).collect();
            out += &serde_json::to_string_pretty(&all)?;
            out.push('\n');
        } else {
            match runs {
                [a, b] => out += &told::side_by_side(a, b, lang),
                runs => runs.iter().for_each(|run| out += &told::alone(run, lang)),
            }
        }
        if let Some(folder) = &self.svg {
            let drawn: Vec<_> = runs.iter().map(|r| (r.name.pick(lang), &r.totals)).collect();
            for file in plots(folder, &drawn, lang)? {
                errln!("{}", file.display());
            }
        }
        Ok(out)
    }

    fn replay(
        &self,
        site: &Site,
        programs: Vec<Option<Program>>,
        path: &Path,
        lang: Lang,
    ) -> anyhow::Result<Outcome> {
        let begin = self.start.in_tz(&site.timezone)?.timestamp().as_millisecond();
        let now = Now { utc: Timestamp(begin), mono: Mono(Duration::ZERO), synced: true };
        let zone = jiff::tz::TimeZone::get(&site.timezone)?;
        let mut called = Vec::new();
        for (setup, program) in site.plugins.iter().zip(programs) {
            let Some(program) = program else { continue };
            let plugin = Plugin::new(program, plugins::setup(setup, &zone), now);
            called.push((setup.id.to_string(), plugin));
        }
        let calls = Replay::open(path)?.run(&mut called)?;
        match lang {
            Lang::En => outln!("{calls} calls, every one as recorded")?,
            Lang::Zh => outln!("共 {calls} 次调用，均与记录一致")?,
        }
        Ok(Outcome::Done)
    }
}

fn ground_load(path: &Path) -> anyhow::Result<GroundLoad> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    GroundLoad::parse(&text).with_context(|| path.display().to_string())
}

fn known(site: &Site, id: &str) -> anyhow::Result<usize> {
    match site.plugins.iter().position(|p| p.id.as_str() == id) {
        Some(at) => Ok(at),
        None => {
            let ids: Vec<_> = site.plugins.iter().map(|p| p.id.as_str()).collect();
            bail!(Bilingual::new(
                format!("the site has no plugin `{id}`; it has: {}", ids.join(", ")),
                format!("站点没有插件 `{id}`；已有：{}", ids.join("、")),
            ))
        }
    }
}
