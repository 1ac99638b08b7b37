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

    /// Enters what went in while the store was filled: negative where water that was no better
    /// than the store's took some out.
    pub fn charge(&mut self, kwh: f64) {
        self.charged_kwh += kwh;
        self.total(kwh);
    }

    /// Enters what came out while the store was emptied: negative where the load's return was so
    /// good that it filled the store.
    pub fn release(&mut self, kwh: f64) {
        self.released_kwh += kwh;
        self.total(-kwh);
    }

    /// The totals are counters, each of its own direction whichever side ran.
    fn total(&mut self, into_kwh: f64) {
        self.charged_total_kwh += into_kwh.max(0.0);
        self.released_total_kwh += (-into_kwh).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_idle_release_puts_back_is_no_release() {
        let mut books = Books::default();
        books.charge(10.0);
        books.release(6.0);
        books.release(-2.0);
        assert_eq!((books.charged_kwh, books.released_kwh), (10.0, 4.0));
        assert_eq!((books.charged_total_kwh, books.released_total_kwh), (12.0, 6.0));
    }
}
