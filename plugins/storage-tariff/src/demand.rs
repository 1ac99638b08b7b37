//! The demand limit: no fifteen minutes may draw more electricity than allowed in the mean.

use serde::{Deserialize, Serialize};
use wellhead_sdk::prelude::*;

const MINUTES: usize = 15;

/// The last fourteen minutes of the site's electric power, and what they leave to the next one.
///
/// The window slides, so that it does not matter when the meter's own windows begin.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Demand {
    #[serde(with = "wellhead_sdk::help::array")]
    minutes_kw: [f32; MINUTES - 1],
    at: u8,
    since: Duration,
}

impl Demand {
    /// Takes in the power and returns what the site may draw until the next call, kW; `limit_kw`
    /// with its margin taken off. A power that is not believed counts as the limit itself.
    pub fn update(&mut self, site_kw: Option<f64>, limit_kw: f64, dt: Duration) -> f64 {
        self.since += dt;
        // A late call fills the minutes that it missed.
        while self.since >= Duration::from_secs(60) {
            self.since -= Duration::from_secs(60);
            if let Some(slot) = self.minutes_kw.get_mut(usize::from(self.at)) {
                *slot = site_kw.unwrap_or(limit_kw) as f32;
            }
            self.at = (self.at + 1) % (MINUTES as u8 - 1);
        }
        let drawn: f64 = self.minutes_kw.iter().map(|kw| f64::from(*kw)).sum();
        // What earlier minutes did not use is not given out: the next window would lack it.
        (MINUTES as f64 * limit_kw - drawn).max(0.0).min(limit_kw)
    }
}
