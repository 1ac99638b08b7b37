//! What is wrong right now, whoever found it out.

use super::{Event, Hub};
use crate::files;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use wellhead_model::{DeviceId, Now, Point, Sample};

pub use wellhead_uplink::{Alarm, Severity};

/// Alarms that may be active at once; more than a person could ever look at.
const ALARMS_MAX: usize = 1000;

impl Hub {
    /// Raises an alarm, or changes what an active one says. Told to all outlets, and by an event.
    pub fn raise(&self, alarm: Alarm) {
        let now = self.clock.now();
        {
            let mut state = self.lock();
            let known = state.alarms.get(&alarm.id);
            if known.is_some_and(|(known, _)| *known == alarm) {
                return;
            }
            if known.is_none() && state.alarms.len() >= ALARMS_MAX {
                tracing::error!(alarm = alarm.id, "Too many alarms; this one is only logged");
                return;
            }
            let since = known.map_or(now, |(_, since)| *since);
            state.alarms.insert(alarm.id.clone(), (alarm.clone(), since));
            for outlet in &self.outlets {
                outlet.alarm(&alarm.id, Some(&alarm), since);
            }
        }
        tracing::warn!(alarm = alarm.id, text = alarm.text, "Alarm");
        self.event(told("alarm_raised", &alarm, &alarm.text, &alarm.text_zh));
    }

    /// Ends an alarm; nothing happens if it is not active.
    pub fn clear(&self, id: &str) {
        let now = self.clock.now();
        let (alarm, since) = {
            let mut state = self.lock();
            let Some(known) = state.alarms.remove(id) else { return };
            for outlet in &self.outlets {
                outlet.alarm(id, None, now);
            }
            known
        };
        let stood = now.mono.since(since.mono);
        tracing::info!(alarm = id, ?stood, "Alarm is over");
        // What was wrong is told as over: a screen that shows texts alone must not show it as new.
        let (en, zh) = words(stood);
        let text = format!("over after {en}: {}", alarm.text);
        let text_zh = format!("已解除，历时 {zh}：{}", alarm.text_zh);
        self.event(told("alarm_cleared", &alarm, &text, &text_zh).with("stood_s", stood.as_secs()));
    }

    /// Takes back what an earlier run left with the brokers and nobody raised again.
    pub fn forget_alarms(&self, ids: impl IntoIterator<Item = String>) {
        let now = self.clock.now();
        let state = self.lock();
        for id in ids {
            if !state.alarms.contains_key(&id) {
                self.outlets.iter().for_each(|outlet| outlet.alarm(&id, None, now));
            }
        }
    }

    /// All active alarms, and since when, in the order of their ids.
    pub fn alarms(&self) -> Vec<(Alarm, Now)> {
        self.lock().alarms.values().cloned().collect()
    }
}

/// A duration as people say it, in English and Chinese.
fn words(d: Duration) -> (String, String) {
    let s = d.as_secs();
    let (n, en, zh) = match s {
        0..120 => (s, "s", "秒"),
        120..7200 => (s / 60, "min", "分钟"),
        7200..172_800 => (s / 3600, "h", "小时"),
        _ => (s / 86_400, "d", "天"),
    };
    (format!("{n} {en}"), format!("{n} {zh}"))
}

fn told(kind: &'static str, alarm: &Alarm, text: &str, text_zh: &str) -> Event {
    let event = Event::new(kind, text)
        .with("alarm", &*alarm.id)
        .with("severity", alarm.severity.word())
        .with("source", &*alarm.source)
        .zh(text_zh);
    match &alarm.point {
        Some(point) => event.with("point", &**point),
        None => event,
    }
}

/// Keeps on disk which alarms are active, so that the next run can take them back.
pub struct AlarmFile {
    path: PathBuf,
    active: Mutex<BTreeSet<String>>,
}

impl AlarmFile {
    /// Opens the file, and returns the ids that the run before left in it.
    pub fn open(path: PathBuf) -> (Self, BTreeSet<String>) {
        // A missing or damaged one costs an alarm that looks active until it comes again.
        let left = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice(&b).ok());
        let left: BTreeSet<String> = left.unwrap_or_default();
        (Self { path, active: Mutex::new(left.clone()) }, left)
    }
}

impl super::Outlet for AlarmFile {
    fn samples(&self, _: &DeviceId, _: &[Point], _: &[Sample], _: Now) {}
    fn event(&self, _: &Event, _: Now) {}
    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}

    fn alarm(&self, id: &str, alarm: Option<&Alarm>, _: Now) {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = match alarm {
            Some(_) => active.insert(id.to_owned()),
            None => active.remove(id),
        };
        let saved = serde_json::to_vec(&*active).map_err(std::io::Error::other);
        let saved =
            saved.and_then(|b| if changed { files::replace(&self.path, &b) } else { Ok(()) });
        if let Err(error) = saved {
            tracing::warn!(%error, "Can't keep which alarms are active");
        }
    }
}
