//! What is wrong right now, whoever found it out.

use super::{Event, Hub};
use crate::files;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
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
        self.event(told("alarm_raised", &alarm));
    }

    /// Ends an alarm; nothing happens if it is not active.
    pub fn clear(&self, id: &str) {
        let now = self.clock.now();
        let alarm = {
            let mut state = self.lock();
            let Some((alarm, _)) = state.alarms.remove(id) else { return };
            for outlet in &self.outlets {
                outlet.alarm(id, None, now);
            }
            alarm
        };
        tracing::info!(alarm = id, "Alarm is over");
        self.event(told("alarm_cleared", &alarm));
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

fn told(kind: &'static str, alarm: &Alarm) -> Event {
    let event = Event::new(kind, &*alarm.text)
        .with("alarm", &*alarm.id)
        .with("severity", alarm.severity.word())
        .with("source", &*alarm.source)
        .with("text_zh", &*alarm.text_zh);
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
