//! The plan: how much to release in which quarter of an hour, and so how much to charge.
//!
//! The plan looks at the time up to the beginning of the next valley, or, within a valley, up to
//! the one after. It keeps no memory: it is made anew every quarter of an hour from the energy that
//! is there and the load that is still expected, so that errors of either correct themselves.

use crate::words::Kind;

/// Quarters ahead: a day and a half, to see past a night and the day behind it.
pub const SLOTS: usize = 144;
const SLOT_H: f64 = 0.25;

/// A quarter of an hour to come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Slot {
    /// What electricity costs.
    pub kind: Kind,
    /// What the load will be, kW; none if nothing is known.
    pub load_kw: Option<f64>,
}

/// What the plan must know of the store, the units and the cycle that runs.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Energy above the reserve now, kWh.
    pub above_reserve_kwh: f64,
    /// Energy of the store between reserve and full, kWh.
    pub usable_kwh: f64,
    /// Energy of the reserve itself, kWh.
    pub reserve_kwh: f64,
    /// Most that goes in, kW.
    pub charge_kw: f64,
    /// Most that comes out, kW.
    pub release_kw: f64,
    /// What units can give, kW.
    pub unit_kw: f64,
    /// Prices of valley, flat, peak, sharp.
    pub prices: [f64; 4],
    /// Share of the load that the store may cover, 0–1.
    pub share: f64,
    /// Load since the valley began, kWh.
    pub cycle_load_kwh: f64,
    /// Released since the valley began, kWh.
    pub cycle_released_kwh: f64,
    /// Lost in a day, 0–1.
    pub loss: f64,
}

/// What is to be done in this quarter.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Plan {
    /// Something is known of the load.
    pub known: bool,
    /// In a valley: energy to fill the store to, kWh.
    pub target_kwh: f64,
    /// In a valley: quarters until it ends.
    pub valley_left: usize,
    /// In a valley: charging begins so many quarters before its end.
    pub charge_quarters: usize,
    /// Outside: release in this quarter, kW.
    pub release_kw: f64,
    /// For how many quarters from now on the plan releases without a break.
    pub release_quarters: usize,
}

impl Plan {
    /// Makes the plan; `slots[0]` is the present quarter.
    pub fn make(slots: &[Slot; SLOTS], bounds: &Bounds) -> Self {
        let is_valley = |slot: &Slot| slot.kind == Kind::Valley;
        let valley = slots.iter().take_while(|slot| is_valley(slot)).count();
        let priced = slots[valley..].iter().take_while(|slot| !is_valley(slot)).count();
        let day = &slots[valley..valley + priced];
        let known = day.iter().any(|slot| slot.load_kw.is_some());
        let expected: f64 =
            slots[..valley + priced].iter().filter_map(|slot| slot.load_kw).sum::<f64>() * SLOT_H;
        let shared = bounds.share * (bounds.cycle_load_kwh + expected) - bounds.cycle_released_kwh;
        let mut release = [0.0; SLOTS];
        if valley == 0 {
            let budget = bounds.above_reserve_kwh.min(shared).max(0.0);
            share_out(day, bounds, budget, &mut release);
            let quarters = release.iter().take_while(|kw| **kw > 0.0).count();
            return Self {
                known,
                release_kw: release[0],
                release_quarters: quarters,
                ..Self::default()
            };
        }
        let budget = bounds.usable_kwh.min(shared).max(0.0);
        let planned = share_out(day, bounds, budget, &mut release);
        // What stands in the store loses a little before it is used, on the mean over half a day.
        let lossy = planned / (1.0 - bounds.loss / 2.0);
        let target_kwh = bounds.reserve_kwh + lossy.min(bounds.usable_kwh);
        let need = target_kwh - bounds.reserve_kwh - bounds.above_reserve_kwh;
        Self {
            known,
            target_kwh,
            valley_left: valley,
            charge_quarters: charge_quarters(&slots[..valley], bounds, need),
            ..Self::default()
        }
    }
}

/// Quarters before the valley's end in which so much can be charged beside the load.
fn charge_quarters(valley: &[Slot], bounds: &Bounds, need_kwh: f64) -> usize {
    let mut left = need_kwh;
    let mut quarters = 0;
    for slot in valley.iter().rev() {
        if left <= 0.0 {
            break;
        }
        let spare = bounds.unit_kw - slot.load_kw.unwrap_or(0.0);
        left -= spare.max(0.0).min(bounds.charge_kw) * SLOT_H;
        quarters += 1;
    }
    quarters
}

/// Shares a budget out over quarters: first what units can't give, then the peaks in proportion
/// to their price, then the flat hours. Returns what was shared out, kWh; `release` is in kW.
fn share_out(day: &[Slot], bounds: &Bounds, budget_kwh: f64, release: &mut [f64]) -> f64 {
    let mut left = budget_kwh / SLOT_H;
    let cap = |slot: &Slot| slot.load_kw.unwrap_or(0.0).max(0.0).min(bounds.release_kw);
    for (slot, kw) in day.iter().zip(release.iter_mut()) {
        let missing = slot.load_kw.unwrap_or(0.0) - bounds.unit_kw;
        *kw = missing.max(0.0).min(cap(slot)).min(left);
        left -= *kw;
    }
    for group in [&[Kind::Peak, Kind::Sharp][..], &[Kind::Flat][..]] {
        // Each round gives every open quarter its part; those that are full leave the next round.
        for _ in 0..16 {
            let open = |slot: &Slot, kw: f64| group.contains(&slot.kind) && kw < cap(slot) - 1e-6;
            let weights: f64 = day
                .iter()
                .zip(release.iter())
                .filter(|(slot, kw)| open(slot, **kw))
                .map(|(slot, _)| bounds.prices[slot.kind as usize])
                .sum();
            if left <= 1e-6 || weights <= 0.0 {
                break;
            }
            let part = left / weights;
            for (slot, kw) in day.iter().zip(release.iter_mut()) {
                if open(slot, *kw) {
                    let more = (part * bounds.prices[slot.kind as usize]).min(cap(slot) - *kw);
                    *kw += more;
                    left -= more;
                }
            }
        }
    }
    budget_kwh - left.max(0.0) * SLOT_H
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        above_reserve_kwh: 8000.0,
        usable_kwh: 20_000.0,
        reserve_kwh: 2000.0,
        charge_kw: 4000.0,
        release_kw: 3000.0,
        unit_kw: 9000.0,
        prices: [0.3, 0.6, 1.0, 1.25],
        share: 1.0,
        cycle_load_kwh: 0.0,
        cycle_released_kwh: 0.0,
        loss: 0.01,
    };

    fn day(kinds: &[(usize, Kind)]) -> [Slot; SLOTS] {
        let mut slots = [Slot { kind: Kind::Valley, load_kw: Some(2000.0) }; SLOTS];
        let mut at = 0;
        for (count, kind) in kinds {
            slots[at..at + count].fill(Slot { kind: *kind, load_kw: Some(2000.0) });
            at += count;
        }
        slots
    }

    #[test]
    fn peaks_come_first_in_proportion_to_their_price() {
        let slots = day(&[(8, Kind::Flat), (8, Kind::Peak), (8, Kind::Sharp)]);
        let mut release = [0.0; SLOTS];
        let shared = share_out(&slots[..24], &BOUNDS, 4500.0, &mut release);
        assert!((shared - 4500.0).abs() < 1e-6);
        assert_eq!(release[0], 0.0);
        assert!((release[8] - 1000.0).abs() < 1e-6 && (release[16] - 1250.0).abs() < 1e-6);
        // Enough for all peaks: the rest goes to the flat hours.
        let mut release = [0.0; SLOTS];
        share_out(&slots[..24], &BOUNDS, 9000.0, &mut release);
        assert!((release[8] - 2000.0).abs() < 1e-6 && (release[16] - 2000.0).abs() < 1e-6);
        assert!((release[0] - 500.0).abs() < 1e-6);
    }

    #[test]
    fn only_what_will_be_released_is_charged() {
        let slots = day(&[(32, Kind::Valley), (16, Kind::Peak), (8, Kind::Flat)]);
        let plan = Plan::make(&slots, &BOUNDS);
        // 6 h at 2000 kW.
        let wanted = 2000.0 + 12_000.0 / 0.995;
        assert!((plan.target_kwh - wanted).abs() < 1e-6, "{plan:?}");
        assert_eq!(plan.valley_left, 32);
        // 4060 kWh are missing, at 4000 kW.
        assert_eq!(plan.charge_quarters, 5);
    }

    #[test]
    fn what_units_cannot_give_comes_before_every_price() {
        let mut slots = day(&[(4, Kind::Flat), (8, Kind::Peak)]);
        slots[0].load_kw = Some(10_500.0);
        let plan = Plan::make(&slots, &Bounds { above_reserve_kwh: 375.0, ..BOUNDS });
        assert!((plan.release_kw - 1500.0).abs() < 1e-6, "{plan:?}");
    }
}
