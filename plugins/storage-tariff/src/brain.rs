//! Chooses the mode: plan, tariff, interlocks and limits together.

use crate::actuators::{Actuators, Proof, Wanted};
use crate::cycle::Books;
use crate::demand::Demand;
use crate::forecast::History;
use crate::plan::{Bounds, Plan, SLOTS, Slot};
use crate::settings::Settings;
use crate::store::{Readings, Store, Stored};
use crate::tariff::Season;
use crate::words::{Kept, Kind, Medium, Mode, Reason};
use serde::{Deserialize, Serialize};
use wellhead_sdk::help::ClockWatch;
use wellhead_sdk::prelude::*;

const QUARTER_MS: i64 = 900_000;
/// Clocks of two devices never turn at the same second.
const TARIFF_DIFFERS: Duration = Duration::from_secs(900);

/// A reading that a site may leave out: not there, or there and perhaps not believed.
pub type Optional<T> = Option<Option<T>>;

/// What is read in a tick. Values are believed ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inputs {
    /// Load, kW.
    pub load_kw: Option<f64>,
    /// Load of the next 24 hours, kWh.
    pub forecast_kwh: Option<f64>,
    /// Water from the units, °C.
    pub supply_c: Option<f64>,
    /// Water that leaves the tank while charging, °C.
    pub return_c: Option<f64>,
    /// The store.
    pub store: Readings,
    /// Water level, %.
    pub level_pct: Optional<f64>,
    /// Glycol, °C.
    pub glycol_c: Optional<f64>,
    /// Its concentration.
    pub glycol_ok: Optional<bool>,
    /// Turned to cooling.
    pub cooling: Optional<bool>,
    /// Price period by the meter.
    pub tariff: Optional<Kind>,
    /// Electric power of the site, kW.
    pub site_kw: Option<f64>,
    /// Electric power of the units, kW.
    pub unit_kw: Option<f64>,
    /// End switches of charge and discharge valve.
    pub proofs: [Proof; 2],
    /// A hand holds one of the outputs.
    pub hand: bool,
}

/// What is known of this tick beyond its inputs.
#[derive(Debug, Clone, Copy, Default)]
pub struct View {
    /// Period that counts.
    pub kind: Kind,
    /// The store, if known.
    pub stored: Option<Stored>,
    /// Energy of the full store, kWh.
    pub capacity_kwh: Option<f64>,
    /// Electric power left to the units, kW.
    pub unit_allow_kw: Option<f64>,
    /// Load, measured or expected, kW.
    pub load_kw: f64,
    /// The load is measured.
    pub load_sure: bool,
}

#[derive(Debug, Clone, Copy)]
struct Wish(Mode, Reason, f64);

/// Everything that survives a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Brain {
    mode: Mode,
    episode: Duration,
    /// Why.
    pub reason: Reason,
    /// Release now, kW.
    pub rate_kw: f64,
    /// Valves and pumps.
    pub actuators: Actuators,
    /// The cycle's books.
    pub books: Books,
    /// The meter's tariff is another than the table's.
    pub tariff_differs: Duration,
    store: Store,
    history: History,
    watch: ClockWatch,
    demand: Demand,
    rest: Duration,
    hand: Duration,
    on_hand: bool,
    tariff_blind: Duration,
    kind: Kind,
    medium: Option<Medium>,
    charging_for: Duration,
    #[serde(skip)]
    plan: Option<(i64, Plan)>,
    #[serde(skip)]
    before_kwh: Option<f64>,
}

impl Brain {
    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Energy that a valley fills the store to, kWh.
    pub fn target_kwh(&self) -> Option<f64> {
        self.plan.as_ref().map(|(_, plan)| plan.target_kwh).filter(|kwh| *kwh > 0.0)
    }

    /// One tick.
    pub fn step(&mut self, s: &Settings, clock: &impl Clock, inp: &Inputs, dt: Duration) -> View {
        let now = clock.now();
        let doubt = self.watch.update(&now);
        self.episode += dt;
        let season = s.season(&now.local).copied();
        if self.medium != season.map(|season| season.medium) {
            self.medium = season.map(|season| season.medium);
            self.store.reset();
            self.plan = None;
        }
        let (kind, known) = self.price(s, inp, &now, doubt, dt);
        let stored = season.and_then(|season| self.store.update(s, &season, &inp.store, dt));
        let expected = self.history.expect(&now.local);
        let view = View {
            kind,
            stored,
            capacity_kwh: season.map(|season| s.capacity_kwh(&season)),
            unit_allow_kw: self.allow(s, inp, dt),
            load_kw: inp.load_kw.or(expected).unwrap_or(0.0).max(0.0),
            load_sure: inp.load_kw.is_some(),
        };
        self.account(inp, season.as_ref(), &view, dt);
        if doubt.is_none() {
            self.books.turn(kind);
            self.history.record(&now.local, inp.load_kw, dt);
        }
        self.rest = self.rest.saturating_sub(dt);
        // The wait begins with the first call that sees the hand gone.
        let was = std::mem::replace(&mut self.on_hand, inp.hand);
        self.hand = match inp.hand || was {
            true => s.remote_return,
            false => self.hand.saturating_sub(dt),
        };

        let held = known && doubt.is_some();
        let wish = match (&season, &stored) {
            _ if inp.hand => Wish(Mode::Local, Reason::Hand, 0.0),
            _ if self.hand > Duration::ZERO => Wish(Mode::Local, Reason::HandReturned, 0.0),
            (None, _) => self.units(s, &view, Reason::NoSeason),
            (Some(season), _) if !turned(season, inp) => {
                self.units(s, &view, Reason::SeasonUnproven)
            }
            (Some(_), None) => self.units(s, &view, Reason::NoStoreReading),
            _ if !known => self.units(s, &view, Reason::TariffUnknown),
            (Some(season), Some(stored)) => {
                self.refresh(s, clock, inp, season, stored);
                let wish = if held {
                    Wish(self.mode, self.reason, self.rate_kw)
                } else {
                    self.planned(s, &view, &now, stored)
                };
                self.guard(s, inp, &view, season, wish)
            }
        };
        self.go(wish);
        self.drive(s, inp, dt);
        view
    }

    /// The period that counts, and whether it may be gone by.
    fn price(
        &mut self,
        s: &Settings,
        inp: &Inputs,
        now: &Now,
        doubt: Option<Duration>,
        dt: Duration,
    ) -> (Kind, bool) {
        if let Some(doubt) = doubt {
            let held = doubt <= s.tariff_hold;
            return if held { (self.kind, true) } else { (Kind::Flat, false) };
        }
        let table = s.tariff.at(&now.local);
        self.tariff_blind = match inp.tariff {
            Some(None) => self.tariff_blind + dt,
            _ => Duration::ZERO,
        };
        let differs = matches!(inp.tariff, Some(Some(kind)) if kind != table);
        self.tariff_differs = if differs { self.tariff_differs + dt } else { Duration::ZERO };
        if self.tariff_blind > s.tariff_hold {
            return (Kind::Flat, false);
        }
        // Of two opinions the dearer one costs less to follow in error.
        self.kind = inp.tariff.flatten().map_or(table, |kind| kind.max(table));
        (self.kind, true)
    }

    /// Whether meter and table have disagreed for longer than two clocks can.
    pub fn tariff_disputed(&self) -> bool {
        self.tariff_differs > TARIFF_DIFFERS
    }

    /// Electric power that the demand limit leaves to the units.
    fn allow(&mut self, s: &Settings, inp: &Inputs, dt: Duration) -> Option<f64> {
        let limit = s.demand_kw?;
        let site = self.demand.update(inp.site_kw, limit, dt);
        // Without a meter of the units what they draw is taken for the site's own: nothing is left
        // for a charge that the site's meter does not show.
        let others = match (inp.site_kw, inp.unit_kw) {
            (Some(site_kw), Some(unit_kw)) => (site_kw - unit_kw).max(0.0),
            (Some(site_kw), None) => site_kw - self.mode_kwe(s),
            (None, _) => return Some(0.0),
        };
        Some((site - others.max(0.0)).max(0.0))
    }

    /// What a charge draws by the book.
    fn mode_kwe(&self, s: &Settings) -> f64 {
        if self.actuators.runs(Wanted::Charge) { s.charge_kw / s.unit_cop } else { 0.0 }
    }

    fn account(&mut self, inp: &Inputs, season: Option<&Season>, view: &View, dt: Duration) {
        let hours = dt.as_secs_f64() / 3600.0;
        let now_kwh = view.stored.map(|stored| stored.kwh);
        let change = now_kwh.zip(self.before_kwh).map(|(now, before)| now - before);
        self.before_kwh = now_kwh;
        let metered = inp.store.heat_kw.zip(season).map(|(kw, season)| kw * season.sign() * hours);
        let into = metered.or(change).unwrap_or(0.0);
        self.books.load_kwh += view.load_kw * hours;
        // A side that does not run neither fills nor empties: that is loss, or noise.
        if self.actuators.runs(Wanted::Charge) {
            self.books.charge(into);
        } else if self.actuators.runs(Wanted::Discharge) {
            self.books.release(-into);
        }
    }

    /// Load by the units alone.
    fn units(&self, s: &Settings, view: &View, reason: Reason) -> Wish {
        Wish(base(s, view), reason, 0.0)
    }

    /// Makes the plan anew at every quarter of an hour.
    fn refresh(
        &mut self,
        s: &Settings,
        clock: &impl Clock,
        inp: &Inputs,
        season: &Season,
        stored: &Stored,
    ) {
        let quarter = clock.now().utc_ms.div_euclid(QUARTER_MS);
        if self.plan.is_some_and(|(made, _)| made == quarter) {
            return;
        }
        let mut slots = [Slot::default(); SLOTS];
        for (slot, at) in slots.iter_mut().zip(quarter..) {
            let local = clock.civil_at(at * QUARTER_MS);
            *slot = Slot { kind: s.tariff.at(&local), load_kw: self.history.expect(&local) };
        }
        scale(&mut slots, inp.forecast_kwh);
        let capacity = s.capacity_kwh(season);
        let bounds = Bounds {
            above_reserve_kwh: stored.kwh - s.reserve * capacity,
            usable_kwh: (s.soc_max - s.reserve) * capacity,
            reserve_kwh: s.reserve * capacity,
            charge_kw: s.charge_kw,
            release_kw: s.release_kw,
            unit_kw: s.unit_kw,
            prices: s.prices,
            share: s.share,
            cycle_load_kwh: self.books.load_kwh,
            cycle_released_kwh: self.books.released_kwh,
            loss: s.loss,
        };
        self.plan = Some((quarter, Plan::make(&slots, &bounds)));
    }

    fn planned(&self, s: &Settings, view: &View, now: &Now, stored: &Stored) -> Wish {
        let Some((quarter, plan)) = &self.plan else {
            return self.units(s, view, Reason::NoForecast);
        };
        let capacity = view.capacity_kwh.unwrap_or(0.0);
        if view.kind == Kind::Valley && plan.valley_left > 0 {
            let end_ms = (quarter + plan.valley_left as i64) * QUARTER_MS;
            let left = u64::try_from(end_ms - now.utc_ms).unwrap_or(0);
            let left = Duration::from_millis(left);
            return self.valley(s, view, plan, stored, (left, capacity));
        }
        self.release(s, view, plan, stored, capacity)
    }

    fn valley(
        &self,
        s: &Settings,
        view: &View,
        plan: &Plan,
        stored: &Stored,
        (left, capacity): (Duration, f64),
    ) -> Wish {
        let units = |reason| self.units(s, view, reason);
        let chargeable = left.saturating_sub(s.valley_margin);
        let full = s.soc_max * capacity;
        let need = plan.target_kwh.min(full) - stored.kwh;
        let charge = |reason| Wish(Mode::Charge, reason, 0.0);
        if self.mode == Mode::Charge {
            return match need > 0.0 {
                _ if chargeable.is_zero() => units(Reason::Charged),
                true => charge(Reason::Valley),
                false if self.episode < s.episode_min && stored.kwh < full => {
                    charge(Reason::Episode)
                }
                false => units(Reason::Charged),
            };
        }
        if !plan.known {
            return units(Reason::NoForecast);
        }
        let episode_h = s.episode_min.as_secs_f64() / 3600.0;
        let quarters = Duration::from_millis(QUARTER_MS.unsigned_abs());
        let due = left <= quarters * plan.charge_quarters as u32 + s.charge_lead;
        match () {
            () if need <= 0.0 => units(Reason::Charged),
            () if need < s.charge_kw * episode_h || chargeable < s.episode_min => {
                units(Reason::TooShort)
            }
            () if !due => units(Reason::ChargeLater),
            () if self.rest > Duration::ZERO => units(Reason::Rest),
            () => charge(Reason::Valley),
        }
    }

    fn release(
        &self,
        s: &Settings,
        view: &View,
        plan: &Plan,
        stored: &Stored,
        capacity: f64,
    ) -> Wish {
        let load = view.load_kw;
        let above = stored.kwh - s.reserve * capacity;
        let hard = stored.kwh - s.soc_min * capacity;
        let demand = view.unit_allow_kw.map_or(0.0, |kw| load - kw * s.unit_cop);
        let capacity_gap = load - s.unit_kw;
        let forced = demand.max(capacity_gap).max(0.0).min(s.release_kw);
        let mut rate = plan.release_kw.min(load).min(s.release_kw);
        let releasing = self.mode.releases();
        if rate <= 0.0 && releasing && self.episode < s.episode_min {
            rate = self.rate_kw.min(load);
        }
        if above <= 0.0 {
            rate = 0.0;
        }
        if forced > rate && hard > 0.0 {
            let reason =
                if demand >= capacity_gap { Reason::DemandLimit } else { Reason::NoUnitCapacity };
            return Wish(released(forced, load), reason, forced);
        }
        if load <= s.load_min_kw || rate <= 0.0 {
            let reason = match above > 0.0 {
                _ if !plan.known => Reason::NoForecast,
                true => Reason::Kept,
                false => Reason::Empty,
            };
            return self.units(s, view, reason);
        }
        let lasts = above / rate * 3600.0;
        let planned = plan.release_quarters as u64 * 900;
        let episode = s.episode_min.as_secs();
        if !releasing && (lasts < episode as f64 || planned < episode) {
            return self.units(s, view, Reason::TooShort);
        }
        Wish(released(rate, load), Reason::Dear, rate)
    }

    /// What stands against the wish, whatever the plan says.
    fn guard(
        &mut self,
        s: &Settings,
        inp: &Inputs,
        view: &View,
        season: &Season,
        wish: Wish,
    ) -> Wish {
        let Wish(mode, ..) = wish;
        let moves = mode == Mode::Charge || mode.releases();
        if moves && matches!(inp.level_pct, Some(level) if level.is_none_or(|l| l < s.level_min)) {
            return self.units(s, view, Reason::LevelLow);
        }
        if mode.releases() && self.spent(s, inp, season) {
            return self.units(s, view, Reason::Empty);
        }
        if mode != Mode::Charge {
            return wish;
        }
        let stop = self.charge_forbidden(s, inp, season, view);
        let Some(reason) = stop else { return wish };
        if self.mode == Mode::Charge {
            self.rest = s.retry_after;
        }
        self.units(s, view, reason)
    }

    /// The water that leaves the tank is as good as that of an empty one.
    fn spent(&self, s: &Settings, inp: &Inputs, season: &Season) -> bool {
        let outlet = inp.store.end_c(season.medium == Medium::Heat);
        let better = |c: f64| season.sign() * (c - season.empty_c);
        s.kept == Kept::Water && outlet.is_some_and(|c| better(c) < s.approach_k)
    }

    fn charge_forbidden(
        &self,
        s: &Settings,
        inp: &Inputs,
        season: &Season,
        view: &View,
    ) -> Option<Reason> {
        if inp.glycol_ok.is_some_and(|ok| ok != Some(true))
            || inp.glycol_c.is_some_and(|c| c.is_none_or(|c| c < s.glycol_min_c))
        {
            return Some(Reason::Glycol);
        }
        let charging = self.mode == Mode::Charge;
        if let Some(allow_kw) = view.unit_allow_kw {
            let more = if charging { 0.0 } else { s.charge_kw };
            if allow_kw < (view.load_kw + more) / s.unit_cop {
                return Some(Reason::DemandLimit);
            }
        }
        if s.kept == Kept::Ice || !charging || self.charging_for < s.settle {
            return None;
        }
        let back = inp.return_c.or(inp.store.end_c(season.medium == Medium::Cold));
        match inp.supply_c.zip(back) {
            None => Some(Reason::NoSupplyReading),
            Some((supply, back)) if season.sign() * (supply - back) < s.mixing_k => {
                Some(Reason::Mixing)
            }
            Some(_) => None,
        }
    }

    fn go(&mut self, Wish(mode, reason, rate_kw): Wish) {
        let was = std::mem::replace(&mut self.mode, mode);
        // Both ways of releasing are one episode.
        if was != mode && !(was.releases() && mode.releases()) {
            self.episode = Duration::ZERO;
        }
        (self.reason, self.rate_kw) = (reason, rate_kw);
    }

    fn drive(&mut self, s: &Settings, inp: &Inputs, dt: Duration) {
        let wanted = match self.mode {
            Mode::Charge => Wanted::Charge,
            mode if mode.releases() => Wanted::Discharge,
            _ => Wanted::None,
        };
        self.actuators.step(s, wanted, &inp.proofs, dt);
        let charges = self.actuators.runs(Wanted::Charge);
        self.charging_for = if charges { self.charging_for + dt } else { Duration::ZERO };
    }
}

fn base(s: &Settings, view: &View) -> Mode {
    if view.load_kw > s.load_min_kw { Mode::UnitOnly } else { Mode::Idle }
}

/// Whether the plant is turned to what the season stores, as far as the site shows it.
fn turned(season: &Season, inp: &Inputs) -> bool {
    let cooling = season.medium == Medium::Cold;
    inp.cooling.is_none_or(|contact| contact == Some(cooling))
}

/// The store alone, if it gives nearly all of the load.
fn released(rate_kw: f64, load_kw: f64) -> Mode {
    if rate_kw >= 0.97 * load_kw { Mode::Discharge } else { Mode::UnitAndDischarge }
}

/// Brings the sum of the next day to a forecast: in the shape of the history once that knows every
/// hour, evenly before.
fn scale(slots: &mut [Slot; SLOTS], forecast_kwh: Option<f64>) {
    const DAY: usize = 96;
    let Some(forecast_kwh) = forecast_kwh else { return };
    let day = &slots[..DAY];
    let expected: f64 = day.iter().filter_map(|slot| slot.load_kw).sum::<f64>() / 4.0;
    if expected > 1.0 && day.iter().all(|slot| slot.load_kw.is_some()) {
        let factor = forecast_kwh / expected;
        slots.iter_mut().for_each(|slot| slot.load_kw = slot.load_kw.map(|kw| kw * factor));
    } else {
        slots.iter_mut().for_each(|slot| slot.load_kw = Some(forecast_kwh / 24.0));
    }
}
