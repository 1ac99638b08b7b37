//! Which units the load wants: how many, and which of them by run hours.

use crate::load::{Ladder, Running, Verdict, judge};
use crate::reason::Reason;
use crate::settings::Settings;
use crate::staging::{Inputs, Plan, Staging};
use crate::unit::{Phase, Unit};

impl Staging {
    /// Adjusts who is wanted.
    pub(crate) fn choose(&mut self, settings: &Settings, inputs: &Inputs, dt_ms: u32) {
        self.stranded = false;
        let Some(plan) = self.plan else {
            self.units.iter_mut().for_each(|unit| unit.want(false, self.reason));
            self.fresh = true;
            self.still();
            return;
        };
        self.drop_unfit(settings, &plan);
        let wanted = self.wanted(settings);
        if self.fresh && wanted == 0 {
            self.still();
            self.add(settings, &plan, Reason::CallBegan);
            return;
        }
        if settings.indices().any(|index| {
            let unit = &self.units[index];
            unit.wanted && unit.phase != Phase::Run
        }) {
            // One change at a time, and none while a unit is still on its way.
            self.still();
            return;
        }
        match (self.load_kw, self.ladder) {
            (Some(load_kw), _) => self.follow_load(settings, inputs, &plan, load_kw, dt_ms),
            (None, Ladder::Contacts) => {
                self.still();
                match wanted.cmp(&plan.calls.min(settings.count)) {
                    core::cmp::Ordering::Less => self.add(settings, &plan, Reason::Contacts),
                    core::cmp::Ordering::Equal => {}
                    core::cmp::Ordering::Greater => {
                        self.remove(settings, &plan, Reason::Contacts);
                    }
                }
            }
            (None, _) => self.still(),
        }
    }

    fn still(&mut self) {
        (self.up_ms, self.down_ms) = (0, 0);
    }

    fn wanted(&self, settings: &Settings) -> usize {
        settings.indices().filter(|index| self.units[*index].wanted).count()
    }

    /// Lets go of units that the season does not use or that cannot be used, and finds others.
    fn drop_unfit(&mut self, settings: &Settings, plan: &Plan) {
        if self.row != self.calendar.row() {
            self.row = self.calendar.row();
            self.still();
        }
        let (mut dropped, mut to_replace) = (false, 0);
        for index in settings.indices() {
            let ranked = plan.season.rank(settings.units[index].kind).is_some();
            let unit = &mut self.units[index];
            if !unit.wanted {
                // Came back from local mode running: taken over as it is.
                unit.wanted = unit.serves_load()
                    && ranked
                    && unit.unavailable().is_none()
                    && matches!(unit.reason, Reason::RemoteReturn);
            } else if !ranked {
                unit.want(false, Reason::OtherKind);
                dropped = true;
            } else if let Some(why) = unit.unavailable() {
                unit.want(false, why);
                dropped = true;
                to_replace += 1;
            }
        }
        for _ in 0..to_replace {
            self.add(settings, plan, Reason::Replaces);
        }
        // The first of the others need not wait for the load to be judged again.
        self.fresh |= dropped && self.wanted(settings) == 0;
    }

    fn follow_load(
        &mut self,
        settings: &Settings,
        inputs: &Inputs,
        plan: &Plan,
        load_kw: f64,
        dt_ms: u32,
    ) {
        let error_k = inputs.mains.error_k(plan.season.mode, plan.setpoint_c);
        let rated = |index: Option<usize>| index.map_or(0.0, |i| settings.units[i].capacity_kw);
        let floor = |index: usize| settings.units[index].floor * settings.units[index].capacity_kw;
        let serving = settings.indices().filter(|index| self.units[*index].serves_load());
        let running = Running {
            wanted: self.wanted(settings),
            capacity_kw: self.capacity_kw(settings),
            floor_kw: serving.fold(0.0, |sum, index| sum + floor(index)),
            next_off_kw: rated(self.next_off(settings, plan)),
            next_on_floor_kw: self.next_on(settings, plan).map_or(f64::INFINITY, floor),
        };
        let verdict = judge(settings, load_kw, error_k, &running);
        let (up, down) = match verdict {
            Verdict::More | Verdict::MoreForSetpoint => (true, false),
            Verdict::Less | Verdict::LessForFloor => (false, true),
            Verdict::Same => (false, false),
        };
        self.up_ms = if up { self.up_ms.saturating_add(dt_ms) } else { 0 };
        self.down_ms = if down { self.down_ms.saturating_add(dt_ms) } else { 0 };
        if self.up_ms >= settings.up_ms {
            let missed = verdict == Verdict::MoreForSetpoint;
            let why = if missed { Reason::SetpointMissed } else { Reason::LoadHigh };
            self.add(settings, plan, why);
        } else if self.down_ms >= settings.down_ms {
            let floor = verdict == Verdict::LessForFloor;
            let why = if floor { Reason::BelowFloor } else { Reason::LoadLow };
            self.remove(settings, plan, why);
        }
    }

    fn add(&mut self, settings: &Settings, plan: &Plan, why: Reason) {
        if let Some(index) = self.next_on(settings, plan) {
            self.units[index].want(true, why);
            self.reason = why;
            self.fresh = false;
            self.still();
        } else {
            self.stranded = !self.any_in_reserve(settings, plan);
        }
    }

    fn remove(&mut self, settings: &Settings, plan: &Plan, why: Reason) {
        if let Some(index) = self.next_off(settings, plan)
            && self.units[index].ran_enough(settings)
        {
            self.units[index].want(false, why);
            self.reason = why;
            self.still();
        }
    }

    fn any_in_reserve(&self, settings: &Settings, plan: &Plan) -> bool {
        settings.indices().any(|index| {
            let unit = &self.units[index];
            unit.unavailable().is_none() && plan.season.rank(settings.units[index].kind).is_some()
        })
    }

    /// The unit that would come next: of the kind whose turn it is the one with the fewest hours.
    /// One that runs for another plugin comes last of its kind, and a kind that only has to wait
    /// for its pause is not passed over.
    pub(crate) fn next_on(&self, settings: &Settings, plan: &Plan) -> Option<usize> {
        let reserve = settings.indices().filter_map(|index| {
            let unit = &self.units[index];
            let rank = plan.season.rank(settings.units[index].kind)?;
            let free = !unit.wanted && unit.unavailable().is_none();
            free.then_some((rank, unit.is_on(), unit.hours_ms, index))
        });
        let turn = reserve.clone().map(|(rank, ..)| rank).min()?;
        reserve
            .filter(|(rank, lent, _, index)| {
                *rank == turn && (*lent || self.units[*index].ready(settings))
            })
            .min()
            .map(|(.., index)| index)
    }

    /// The unit that would go next: of the kind that came last the one that started last, or, when
    /// run hours have drifted apart, the one with the most hours.
    pub(crate) fn next_off(&self, settings: &Settings, plan: &Plan) -> Option<usize> {
        let on = settings.indices().filter_map(|index| {
            let unit = &self.units[index];
            let rank = plan.season.rank(settings.units[index].kind)?;
            (unit.wanted && unit.phase == Phase::Run).then_some((rank, index))
        });
        let last = on.clone().map(|(rank, _)| rank).max()?;
        let on = on.filter(|(rank, _)| *rank == last).map(|(_, index)| index);
        let most = on.clone().max_by_key(|index| (self.units[*index].hours_ms, *index))?;
        let fewest = settings
            .indices()
            .filter(|index| Unit::equal(&settings.units[*index], &settings.units[most]))
            .filter(|index| self.units[*index].unavailable().is_none())
            .map(|index| self.units[index].hours_ms)
            .min()?;
        if self.units[most].hours_ms.saturating_sub(fewest) > settings.rotation_spread_ms {
            return Some(most);
        }
        on.min_by_key(|index| (self.units[*index].since_run_ms(), *index))
    }
}
