//! Books of a cycle, from the beginning of one valley to that of the next.

use crate::words::Kind;
use serde::{Deserialize, Serialize};

/// What was charged, released and drawn; kWh.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Books {
    /// Charged since the valley began.
    pub charged_kwh: f64,
    /// Released since then.
    pub released_kwh: f64,
    /// Drawn by the load since then.
    pub load_kwh: f64,
    /// Charged altogether.
    pub charged_total_kwh: f64,
    /// Released altogether.
    pub released_total_kwh: f64,
    /// Release less charge over charge, of the last cycle that charged at all.
    pub closure: Option<f64>,
    /// Share of the load that came from the store, of the last cycle with load.
    pub share: Option<f64>,
    valley: bool,
}

impl Books {
    /// Closes the cycle when a valley begins.
    pub fn turn(&mut self, kind: Kind) {
        let valley = kind == Kind::Valley;
        if valley && !std::mem::replace(&mut self.valley, valley) {
            let over = |part: f64, whole: f64| (whole > 1.0).then(|| part / whole);
            self.closure = over(self.released_kwh - self.charged_kwh, self.charged_kwh);
            self.share = over(self.released_kwh, self.load_kwh);
            (self.charged_kwh, self.released_kwh, self.load_kwh) = (0.0, 0.0, 0.0);
        }
        self.valley = valley;
    }

    /// Enters what went in (positive) or came out of the store, and the load.
    pub fn enter(&mut self, into_kwh: f64, load_kwh: f64) {
        self.load_kwh += load_kwh;
        if into_kwh > 0.0 {
            self.charged_kwh += into_kwh;
            self.charged_total_kwh += into_kwh;
        } else {
            self.released_kwh -= into_kwh;
            self.released_total_kwh -= into_kwh;
        }
    }
}
