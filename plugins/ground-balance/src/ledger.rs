//! The ledger: what went into the ground and out of it, a zone and a day at a time.

use crate::days::{Cover, Days, Energies, YEAR_DAYS};
use crate::ground::{Bores, Nodes};
use crate::settings::Settings;
use crate::units::CrossCheck;
use crate::verdict::{Verdict, rotate};
use crate::zone::{Shown, Zone};
use serde::{Deserialize, Serialize};
use wellhead_sdk::{Civil, Now};

/// What survives a restart besides the closed days.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The day that is open, counted from 1970.
    today: Option<i32>,
    zones: Vec<Zone>,
    open: Vec<Energies>,
    open_cover: Cover,
    season: Option<i32>,
    seasonal: Vec<Energies>,
    check: CrossCheck,
    /// Monitoring bores.
    pub bores: Bores,
    nodes: Nodes,
    resting: Option<u8>,
    /// Meters replaced or registers set since the first start.
    pub meter_swaps: u32,
    /// When it was counted last: by the wall clock, and by the time passed while that is not
    /// synchronised.
    last_utc_ms: Option<i64>,
    /// What was not seen between the life before and this one is known.
    #[serde(skip)]
    awake: bool,
}

/// What a day brings when it turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    SameDay,
    /// A new day: the closed days changed.
    NewDay,
    /// A new day, on which the heating season is over: the year can be judged.
    NewYear,
}

/// Sums of the last twelve months.
#[derive(Debug, Clone, Copy, Default)]
pub struct Year {
    /// All zones together.
    pub field: Energies,
    /// How much of it is known.
    pub cover: Cover,
}

impl Year {
    /// Injected over extracted; none if nothing was extracted.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let extracted = self.field.extracted_kwh;
        (extracted > 0.0).then(|| self.field.injected_kwh / extracted)
    }

    /// Share of the year that is known.
    #[must_use]
    pub fn known(&self) -> f64 {
        (self.cover.known_h / (f64::from(YEAR_DAYS) * 24.0)).min(1.0)
    }
}

impl Ledger {
    /// Takes up the zones of the site.
    pub fn adopt(&mut self, zones: usize) {
        if self.zones.len() != zones {
            self.zones = vec![Zone::default(); zones];
            self.open = vec![Energies::default(); zones];
            self.seasonal = vec![Energies::default(); zones];
            self.resting = None;
        }
    }

    /// The time between the last call of the life before and this life was not seen. How long that
    /// was is known once the clock is synchronised.
    fn wake(&mut self, dt_ms: u64, now: &Now) {
        let last_ms = self.last_utc_ms.map(|ms| ms.saturating_add_unsigned(dt_ms));
        self.last_utc_ms = if now.synced { Some(now.utc_ms) } else { last_ms };
        if !now.synced || std::mem::replace(&mut self.awake, true) {
            return;
        }
        let Some(last_ms) = last_ms else { return };
        let absent_ms = u64::try_from(now.utc_ms.saturating_sub(last_ms)).unwrap_or(0);
        let year_ms = YEAR_DAYS as u64 * 86_400_000;
        self.zones.iter_mut().for_each(|zone| zone.absent(absent_ms.min(year_ms)));
    }

    /// Takes in what every zone shows after `dt_ms`. True if a meter turned out to be another.
    pub fn count(
        &mut self,
        settings: &Settings,
        shown: &[Shown],
        units_kw: Option<f64>,
        dt_ms: u64,
        now: &Now,
    ) -> bool {
        self.wake(dt_ms, now);
        let dt_h = dt_ms as f64 / 3.6e6;
        let share = 1.0 / settings.zones.len() as f64;
        let (mut net_kwh, mut plain, mut swapped) = (0.0, true, false);
        for (i, (zone, shown)) in settings.zones.iter().zip(shown).enumerate() {
            let of_field = zone.length_m / settings.field.length_m;
            let zone_kw = units_kw.map(|kw| kw * of_field);
            let gained = self.zones[i].step(zone, &settings.metering, *shown, zone_kw, dt_ms, now);
            self.open[i] += gained.energies;
            self.seasonal[i] += gained.energies;
            let Cover { known_h, estimated_h, missing_h, bound_kwh } = gained.cover;
            self.open_cover += Cover {
                known_h: known_h * share,
                estimated_h: estimated_h * share,
                missing_h: missing_h * share,
                bound_kwh,
            };
            net_kwh += gained.energies.net_kwh();
            plain &= estimated_h == 0.0 && (known_h - dt_h).abs() < 1e-9;
            swapped |= gained.replaced;
        }
        if let Some(kw) = units_kw.filter(|_| plain) {
            self.check.step(net_kwh, kw, dt_ms, settings.suspect_share, settings.suspect_ms);
        }
        self.meter_swaps += u32::from(swapped);
        swapped
    }

    /// Turns the page if the date says so. A date that can't be believed turns nothing: the open
    /// day goes on.
    pub fn turn(&mut self, settings: &Settings, days: &mut Days, local: &Civil) -> Turn {
        let day = crate::days::day_number(local.year, local.month, local.day);
        let Some(open) = self.today.replace(day).filter(|open| *open != day) else {
            return Turn::SameDay;
        };
        days.close(open, &self.open, std::mem::take(&mut self.open_cover));
        self.open.iter_mut().for_each(|energies| *energies = Energies::default());
        let year = self.year(days);
        let watts = self.w_per_m(settings, &year);
        for _ in 0..(day - open).clamp(0, YEAR_DAYS) {
            self.nodes.day(&settings.field, watts);
        }
        let (_, resting) = self.rotation(settings);
        self.resting = resting.map(|zone| zone as u8);
        self.turn_season(settings, local)
    }

    fn turn_season(&mut self, settings: &Settings, local: &Civil) -> Turn {
        let date = local.month_day();
        // Even numbers are summers, odd ones the winters after them.
        let season = if date < settings.spring_turn {
            local.year * 2 - 1
        } else {
            local.year * 2 + i32::from(date >= settings.autumn_turn)
        };
        let before = self.season.replace(season);
        if before.is_none_or(|before| season <= before) {
            return Turn::NewDay;
        }
        self.seasonal.iter_mut().for_each(|energies| *energies = Energies::default());
        if season % 2 == 0 { Turn::NewYear } else { Turn::NewDay }
    }

    /// Sums of the closed days of the last twelve months.
    #[must_use]
    pub fn year(&self, days: &Days) -> Year {
        let today = self.today.unwrap_or_default();
        let (zones, cover) = days.sums(today, self.zones.len());
        let mut field = Energies::default();
        zones.iter().for_each(|energies| field += *energies);
        Year { field, cover }
    }

    /// The same with the open day and the gaps that are open now.
    #[must_use]
    pub fn live(&self, settings: &Settings, closed: &Year) -> Year {
        let mut year = *closed;
        self.open.iter().for_each(|open| year.field += *open);
        year.cover += self.open_cover;
        year.cover += self.open_gap(settings);
        year
    }

    /// Gaps that are open and too long to be filled; hours are the mean of the zones.
    #[must_use]
    pub fn open_gap(&self, settings: &Settings) -> Cover {
        let mut all = Cover::default();
        for (zone, known) in self.zones.iter().zip(&settings.zones) {
            let gap = zone.open_gap(known, &settings.metering);
            all.missing_h += gap.missing_h / settings.zones.len() as f64;
            all.bound_kwh += gap.bound_kwh;
        }
        all
    }

    /// Energies since the season turned.
    #[must_use]
    pub fn season(&self) -> Energies {
        let mut all = Energies::default();
        self.seasonal.iter().for_each(|energies| all += *energies);
        all
    }

    /// State of the field.
    #[must_use]
    pub fn verdict(&self, settings: &Settings, year: &Year) -> Verdict {
        let suspect = self.check.is_suspect();
        let balance = year.field.balance();
        Verdict::of(balance, settings.limit, year.known(), settings.min_cover, suspect)
    }

    /// Meters and units disagree.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.check.is_suspect()
    }

    /// Deviation of each zone's energy per metre this season, and the zone that should rest.
    #[must_use]
    pub fn rotation(&self, settings: &Settings) -> (Vec<f64>, Option<usize>) {
        let moved = |e: &Energies| e.injected_kwh + e.extracted_kwh;
        let per_metre: Vec<f64> = self
            .seasonal
            .iter()
            .zip(&settings.zones)
            .map(|(energies, zone)| moved(energies) / zone.length_m)
            .collect();
        let resting = self.resting.map(usize::from);
        rotate(&per_metre, resting, settings.rotation_limit)
    }

    /// The zone that should rest if one can.
    #[must_use]
    pub fn resting(&self) -> Option<usize> {
        self.resting.map(usize::from)
    }

    /// Mean heat flow of the last twelve months, W per metre of bore, injection positive.
    fn w_per_m(&self, settings: &Settings, year: &Year) -> f64 {
        let hours = f64::from(YEAR_DAYS) * 24.0;
        year.field.net_kwh() * 1e3 / hours / settings.field.length_m
    }

    /// Mean ground temperature, °C: of the last twelve months by the bores, else as the energies
    /// make it; and whether the bores said it.
    #[must_use]
    pub fn ground_c(&self, settings: &Settings) -> (f64, bool) {
        match self.bores.year_c() {
            Some(measured) => (measured, true),
            None => (self.nodes.ground_c(&settings.field), false),
        }
    }

    /// By how much it will have moved in some years like the last, K.
    #[must_use]
    pub fn change_k(&self, settings: &Settings, year: &Year, years: u32) -> f64 {
        self.nodes.change_k(&settings.field, self.w_per_m(settings, year), years)
    }
}
