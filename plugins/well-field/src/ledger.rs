//! The ledger: cubic metres out of and into the ground, and their ratio.

use crate::settings::WELLS;
use serde::{Deserialize, Serialize};
use wellhead_sdk::help::{Advance, MeterLimits};
use wellhead_sdk::prelude::*;

const HOURS: usize = 24;
const HOUR: Duration = Duration::from_secs(3600);

/// One well's account.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Account {
    meter: EnergyMeter,
    /// Estimated since the meter was read last, m³.
    pending_m3: f64,
}

impl Account {
    /// What is to be added to the total, and to the part of it that is estimated, m³.
    fn enter(
        &mut self,
        meter_m3: Option<f64>,
        flow_m3h: f64,
        most_m3h: f64,
        (now, dt): (&Now, Duration),
    ) -> (f64, f64) {
        let Some(meter_m3) = meter_m3 else {
            let guess = flow_m3h * dt.as_secs_f64() / 3600.0;
            self.pending_m3 += guess;
            return (guess, guess);
        };
        let limits = MeterLimits { rolls_over_at: None, per_hour_max: most_m3h, step: 1.0 };
        let advance = self.meter.update(meter_m3, &limits, now);
        let guessed = std::mem::take(&mut self.pending_m3);
        match advance {
            // The meter went on counting: its word replaces the estimate.
            Advance::By(by) => (by - guessed, -guessed),
            Advance::First | Advance::Replaced => (0.0, 0.0),
        }
    }
}

/// Those of one side.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Accounts(#[serde(with = "wellhead_sdk::help::array")] [Account; WELLS]);

/// Both sides.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ledger {
    accounts: [Accounts; 2],
    /// Produced and reinjected since the beginning, m³.
    pub total_m3: [f64; 2],
    /// Estimated part of both, m³.
    pub estimated_m3: f64,
    #[serde(with = "wellhead_sdk::help::array")]
    hours: [[f32; 2]; HOURS],
    filled: u8,
    open_m3: [f64; 2],
    open_for: Duration,
}

/// Out of the ground.
pub const OUT: usize = 0;
/// Into the ground.
pub const IN: usize = 1;

impl Ledger {
    /// Enters a well's meter, or what its flow is taken to be while the meter is not believed.
    pub fn enter(
        &mut self,
        (side, well): (usize, usize),
        meter_m3: Option<f64>,
        (flow_m3h, most_m3h): (f64, f64),
        at: (&Now, Duration),
    ) {
        let account = &mut self.accounts[side].0[well];
        let (more, guessed) = account.enter(meter_m3, flow_m3h, most_m3h, at);
        self.total_m3[side] += more;
        self.open_m3[side] += more;
        self.estimated_m3 = (self.estimated_m3 + guessed).max(0.0);
    }

    /// Closes an hour of running time of the gateway when it is over.
    pub fn pass(&mut self, dt: Duration) {
        self.open_for += dt;
        if self.open_for < HOUR {
            return;
        }
        self.open_for -= HOUR;
        self.hours.rotate_left(1);
        self.hours[HOURS - 1] = self.open_m3.map(|m3| m3 as f32);
        self.open_m3 = [0.0; 2];
        self.filled = (self.filled + 1).min(HOURS as u8);
    }

    /// Reinjected over produced in the last 24 full hours, once there are so many and a whole
    /// hour's `least_m3` was produced in them.
    pub fn ratio_day(&self, least_m3: f64) -> Option<f64> {
        let sum = |side: usize| self.hours.iter().map(|hour| f64::from(hour[side])).sum::<f64>();
        let enough = usize::from(self.filled) == HOURS && sum(OUT) >= least_m3;
        enough.then(|| sum(IN) / sum(OUT))
    }

    /// Reinjected over produced since the beginning.
    pub fn ratio(&self) -> Option<f64> {
        let [out, back] = self.total_m3;
        (out > 1.0).then(|| back / out)
    }
}
