//! What happened in a run, one line each, with the plant's local time: what plugins logged, why an
//! output moved, which alarms came and went, what failed. Lines are written as they come.
//!
//! ```text
//! 2026-12-15T01:11:00 frost info: it freezes: 2.6 °C
//! 2026-12-15T01:11:00 output: frost wrote true to drive/run: it freezes
//! 2026-12-15T04:20:00 alarm frost.no_outdoor_temp: The outdoor temperature is not known
//! 2026-12-15T04:31:00 over frost.no_outdoor_temp
//! 2026-12-15T05:00:00 frost failed: trap: unreachable
//! ```

use super::Sim;
use crate::config::Lang;
use crate::control::told;
use anyhow::Context;
use std::fmt::{Arguments, Display};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;
use wellhead_control::{Control, Entry};
use wellhead_plant::plant::Plant;
use wellhead_plugin_host::{Level, Logs, Outcome};

/// Writes the lines.
pub struct Journal {
    to: BufWriter<Box<dyn Write + Send>>,
    lang: Lang,
    /// The first write that failed; told at the end, because what happens does not wait for it.
    failed: Option<std::io::Error>,
}

impl Journal {
    /// Begins a file; `-` is standard output.
    ///
    /// # Errors
    /// If the file can't be made.
    pub fn create(path: &Path, lang: Lang) -> anyhow::Result<Self> {
        let to: Box<dyn Write + Send> = if path == "-" {
            Box::new(std::io::stdout())
        } else {
            let file = std::fs::File::create(path);
            Box::new(file.with_context(|| format!("can't write {}", path.display()))?)
        };
        Ok(Self { to: BufWriter::new(to), lang, failed: None })
    }

    /// What a plugin logged in a call, and how the call failed.
    pub(super) fn call(&mut self, plant: &Plant, plugin: impl Display, outcome: &Outcome) {
        let logs = match outcome {
            Outcome::Done(effects) => &effects.logs,
            Outcome::Failed(fault, _) => &fault.logs,
            Outcome::Idle => return,
        };
        let Logs { lines, dropped } = logs;
        for line in lines {
            let level = match line.level {
                Level::Debug => "debug",
                Level::Info => "info",
                Level::Warn => "warn",
                Level::Error => "error",
            };
            self.line(plant, format_args!("{plugin} {level}: {}", line.text));
        }
        if *dropped > 0 {
            self.line(plant, format_args!("{plugin} warn: {dropped} more lines in one call"));
        }
        if let Outcome::Failed(fault, _) = outcome {
            match self.lang {
                Lang::En => self.line(plant, format_args!("{plugin} failed: {fault}")),
                Lang::Zh => self.line(plant, format_args!("{plugin} 故障：{}", fault.text_zh())),
            }
        }
    }

    /// What Control decided about an output.
    pub(super) fn decision(&mut self, plant: &Plant, control: &Control, entry: &Entry) {
        let point = told::name(control, entry.output);
        let told = told::sentence(control, entry, &point);
        let output = self.lang.pick("output: ", "输出：");
        self.line(plant, format_args!("{output}{}", told.pick(self.lang)));
    }

    /// An alarm came, with its text in English and in Chinese.
    pub(super) fn raised(&mut self, plant: &Plant, alarm: &str, text: &[String; 2]) {
        let [en, zh] = text;
        match self.lang {
            Lang::En => self.line(plant, format_args!("alarm {alarm}: {en}")),
            Lang::Zh => self.line(plant, format_args!("报警 {alarm}：{zh}")),
        }
    }

    /// An alarm is over.
    pub(super) fn cleared(&mut self, plant: &Plant, alarm: &str) {
        let over = self.lang.pick("over", "报警解除");
        self.line(plant, format_args!("{over} {alarm}"));
    }

    fn line(&mut self, plant: &Plant, text: Arguments<'_>) {
        if self.failed.is_none() {
            self.failed = writeln!(self.to, "{} {text}", plant.now()).err();
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        let result = match self.failed.take() {
            Some(error) => Err(error),
            None => self.to.flush(),
        };
        match result {
            // Whoever reads only the beginning has what he wants.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result.context("can't write the log"),
        }
    }
}

impl Sim {
    /// Tells from now on what happens.
    pub fn tell(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Ends the record and the journal, if there are.
    ///
    /// # Errors
    /// If one of them can't be written.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        self.recorder.take().map_or(Ok(()), super::Recorder::finish)?;
        self.journal.take().map_or(Ok(()), Journal::finish)
    }
}
