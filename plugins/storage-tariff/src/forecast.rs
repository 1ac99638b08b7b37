//! What the load will be: the hours of the past week, scaled to a forecast if there is one.

use serde::{Deserialize, Serialize};
use wellhead_sdk::prelude::*;

/// An hour counts as seen once its load was believed for so long.
const SEEN: Duration = Duration::from_secs(30 * 60);

/// Mean load of every hour of the last seven days, kW.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct History {
    #[serde(with = "wellhead_sdk::help::array")]
    days: [Day; 7],
    current: Option<Hour>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Day(#[serde(with = "wellhead_sdk::help::array")] [Option<f32>; 24]);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Hour {
    weekday: u8,
    hour: u8,
    offset: i32,
    kwh: f64,
    seen: Duration,
}

impl Hour {
    fn is(&self, local: &Civil) -> bool {
        (self.weekday, self.hour, self.offset) == (local.weekday, local.hour, local.utc_offset)
    }
}

impl History {
    /// Takes in the load of the last `dt`. Of an hour that comes twice the second counts.
    pub fn record(&mut self, local: &Civil, load_kw: Option<f64>, dt: Duration) {
        let mut hour = match self.current {
            Some(hour) if hour.is(local) => hour,
            before => {
                if let Some(before) = before {
                    self.keep(&before);
                }
                let (weekday, hour, offset) = (local.weekday, local.hour, local.utc_offset);
                Hour { weekday, hour, offset, kwh: 0.0, seen: Duration::ZERO }
            }
        };
        if let Some(load_kw) = load_kw {
            hour.kwh += load_kw * dt.as_secs_f64() / 3600.0;
            hour.seen += dt;
        }
        self.current = Some(hour);
    }

    fn keep(&mut self, hour: &Hour) {
        if hour.seen < SEEN {
            return;
        }
        let mean = hour.kwh / (hour.seen.as_secs_f64() / 3600.0);
        let day = usize::from(hour.weekday.clamp(1, 7) - 1);
        if let Some(slot) = self.days[day].0.get_mut(usize::from(hour.hour)) {
            *slot = Some(mean as f32);
        }
    }

    /// The load of a coming hour, kW: that of the same weekday last week, else of the latest day
    /// before it that is known; none before the first day is over.
    pub fn expect(&self, local: &Civil) -> Option<f64> {
        let day = usize::from(local.weekday.clamp(1, 7) - 1);
        let hour = usize::from(local.hour);
        // From the day itself, seven days ago, backwards through yesterday.
        let known = |back: usize| self.days[(day + 7 - back) % 7].0.get(hour).copied().flatten();
        (0..7).find_map(known).map(f64::from)
    }
}
