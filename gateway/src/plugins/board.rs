//! What people see of a plugin: how it is, what it cost, what it said.

use crate::bilingual::Bilingual;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wellhead_model::Timestamp;
use wellhead_plugin_host::{Fault, Level, Logs, Metrics};

/// Lines kept for `wellhead plugin logs`.
const LINES_MAX: usize = 200;

/// How a plugin is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It is being read and compiled.
    Starting,
    /// It runs.
    Running,
    /// It failed and is started again.
    Restarting,
    /// It failed too often, or somebody stopped it.
    Disabled,
    /// It was never started, and why.
    Refused(Bilingual),
}

impl State {
    /// The word for machines.
    pub fn word(&self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Restarting => "restarting",
            State::Disabled => "disabled",
            State::Refused(_) => "refused",
        }
    }
}

/// A line of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub time: Timestamp,
    /// How important.
    pub level: Level,
    /// What.
    pub text: String,
}

#[derive(Debug)]
struct Content {
    state: State,
    metrics: Metrics,
    lines: VecDeque<Said>,
    /// How its last call failed, if it did.
    fault: Option<Bilingual>,
}

impl Content {
    fn keep_all(&mut self, plugin: &str, logs: Logs, time: Timestamp) {
        for line in logs.lines {
            let text = &line.text;
            match line.level {
                Level::Debug => tracing::debug!(plugin, "{text}"),
                Level::Info => tracing::info!(plugin, "{text}"),
                Level::Warn => tracing::warn!(plugin, "{text}"),
                Level::Error => tracing::error!(plugin, "{text}"),
            }
            self.keep(Said { time, level: line.level, text: line.text });
        }
        if logs.dropped > 0 {
            tracing::warn!(plugin, lines = logs.dropped, "Plugin logs too much in one call");
        }
    }

    fn keep(&mut self, line: Said) {
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// See the module.
#[derive(Debug)]
pub struct Board(Mutex<Content>);

impl Board {
    /// Of a plugin in this state.
    pub fn new(state: State) -> Self {
        let (metrics, lines) = (Metrics::default(), VecDeque::new());
        Self(Mutex::new(Content { state, metrics, lines, fault: None }))
    }

    /// How it is and what it cost.
    pub fn look(&self) -> (State, Metrics) {
        let content = self.lock();
        (content.state.clone(), content.metrics)
    }

    /// Why it does not run, or how its last call failed.
    pub fn trouble(&self) -> Option<Bilingual> {
        let content = self.lock();
        match &content.state {
            State::Refused(why) => Some(why.clone()),
            _ => content.fault.clone(),
        }
    }

    /// Its last lines, oldest first.
    pub fn lines(&self) -> Vec<Said> {
        self.lock().lines.iter().cloned().collect()
    }

    pub(super) fn tell(&self, state: State, metrics: Metrics) {
        let mut content = self.lock();
        content.state = state;
        content.metrics = metrics;
    }

    /// Keeps the lines of a call that ended well, here and in the gateway's log.
    pub(super) fn say(&self, plugin: &str, logs: Logs, time: Timestamp) {
        let mut content = self.lock();
        content.fault = None;
        content.keep_all(plugin, logs, time);
    }

    /// Keeps how a call failed, after the lines that it had logged.
    pub(super) fn fail(&self, plugin: &str, fault: Fault, time: Timestamp) {
        let mut content = self.lock();
        let text = Bilingual::new(fault.to_string(), fault.text_zh());
        content.keep_all(plugin, fault.logs, time);
        let told = format!("failed, and nothing of this call was done: {text}");
        content.keep(Said { time, level: Level::Error, text: told });
        content.fault = Some(text);
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
