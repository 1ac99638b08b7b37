//! Whose turn it is on a line. Pure: time comes in as an argument, nothing is awaited.

use std::time::Duration;
use wellhead_model::Mono;

/// How long a device that does not talk is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure; doubles with each further one.
    pub first: Duration,
    /// Never longer than this.
    pub max: Duration,
    /// Failures in a row before the device counts as down: the retries, and one.
    pub attempts: u32,
}

impl Backoff {
    fn delay(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(self.attempts).min(16);
        self.first.saturating_mul(1 << doublings).min(self.max)
    }
}

#[derive(Debug, Clone)]
struct GroupSchedule {
    period: Duration,
    due: Mono,
}

/// The timetable of one device.
#[derive(Debug, Clone)]
pub struct DeviceSchedule {
    groups: Vec<GroupSchedule>,
    backoff: Backoff,
    failures: u32,
    /// The device is not asked before this.
    not_before: Mono,
}

impl DeviceSchedule {
    /// `periods` of its groups; the first polls are due at `start`.
    pub fn new(periods: &[Duration], start: Mono, backoff: Backoff) -> Self {
        let groups = periods.iter().map(|&period| GroupSchedule { period, due: start }).collect();
        Self { groups, backoff, failures: 0, not_before: start }
    }

    fn earliest(&self) -> Option<(usize, Mono)> {
        let (group, due) =
            self.groups.iter().enumerate().map(|(i, g)| (i, g.due)).min_by_key(|&(i, d)| (d, i))?;
        Some((group, due.max(self.not_before)))
    }
}

/// What a line does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask this device for this group.
    Poll {
        /// Position of the device on the line.
        device: usize,
        /// Its group.
        group: usize,
    },
    /// Nothing is due before this time.
    Wait(Mono),
    /// There is nothing to poll on this line at all.
    Idle,
}

/// The timetable of one line: fair between devices, whatever their number of groups.
#[derive(Debug, Default)]
pub struct Schedule {
    devices: Vec<DeviceSchedule>,
    /// Who was served last; the search starts behind it.
    last: usize,
    /// Polls that were skipped because the line could not keep up.
    overruns: u64,
}

impl Schedule {
    /// A timetable for these devices, in this order.
    pub fn new(devices: Vec<DeviceSchedule>) -> Self {
        let last = devices.len().saturating_sub(1);
        Self { devices, last, overruns: 0 }
    }

    /// Adds a device behind the others.
    pub fn push(&mut self, device: DeviceSchedule) {
        self.devices.push(device);
    }

    /// Removes a device; those behind it move up by one, each with its due times and its backoff.
    pub fn remove(&mut self, device: usize) {
        self.devices.remove(device);
        if self.last >= device {
            self.last = self.last.saturating_sub(1);
        }
    }

    /// Whose turn it is at `now`. Calling it changes nothing but whose turn is next.
    pub fn next(&mut self, now: Mono) -> Next {
        let n = self.devices.len();
        let mut wake: Option<Mono> = None;
        for step in 1..=n {
            let device = (self.last + step) % n;
            let Some((group, due)) = self.devices[device].earliest() else { continue };
            if due <= now {
                self.last = device;
                return Next::Poll { device, group };
            }
            wake = Some(wake.map_or(due, |w| w.min(due)));
        }
        wake.map_or(Next::Idle, Next::Wait)
    }

    /// The device answered (if only to refuse). If it was down, all its groups are due now: each of
    /// their points was told bad, and a period may be an hour. Returns how many failures this ended.
    pub fn answered(&mut self, device: usize, group: usize, now: Mono) -> u32 {
        let was_down = self.is_down(device);
        self.advance(device, group, now);
        let d = &mut self.devices[device];
        if was_down {
            let others = d.groups.iter_mut().enumerate().filter(|(i, _)| *i != group);
            others.for_each(|(_, g)| g.due = g.due.min(now));
        }
        std::mem::take(&mut d.failures)
    }

    /// The device answered something else than a poll, a write for example. If it was down, all its
    /// groups are due now and it is left alone no longer. Returns how many failures this ended.
    pub fn talked(&mut self, device: usize, now: Mono) -> u32 {
        let was_down = self.is_down(device);
        let d = &mut self.devices[device];
        if was_down {
            d.not_before = now;
            d.groups.iter_mut().for_each(|g| g.due = g.due.min(now));
        }
        std::mem::take(&mut d.failures)
    }

    /// The device did not talk. Within its attempts the group is asked again as soon as `again`
    /// has passed; after that the whole device backs off. Returns the failures in a row.
    pub fn failed(&mut self, device: usize, group: usize, now: Mono, again: Duration) -> u32 {
        let d = &mut self.devices[device];
        d.failures = d.failures.saturating_add(1);
        let failures = d.failures;
        if failures < d.backoff.attempts {
            d.not_before = now + again;
        } else {
            d.not_before = now + d.backoff.delay(failures).max(again);
            self.advance(device, group, now);
        }
        failures
    }

    /// Whether the device is past its attempts, and backing off.
    pub fn is_down(&self, device: usize) -> bool {
        let d = &self.devices[device];
        d.failures >= d.backoff.attempts
    }

    /// Polls skipped so far because the line could not keep up.
    pub fn overruns(&self) -> u64 {
        self.overruns
    }

    fn advance(&mut self, device: usize, group: usize, now: Mono) {
        let down = self.is_down(device);
        let g = &mut self.devices[device].groups[group];
        let behind = now.since(g.due);
        // Keep the phase: a poll that ran late does not push all later ones, and polls that were
        // missed are not caught up with.
        let missed = behind.as_nanos() / g.period.as_nanos().max(1);
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        if missed > 0 && !down {
            self.overruns += u64::from(missed);
        }
        g.due = g.due + g.period.saturating_mul(missed.saturating_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(2), max: Duration::from_secs(10), attempts: 2 };

    fn at(ms: u64) -> Mono {
        Mono(Duration::from_millis(ms))
    }

    fn line(devices: &[&[Duration]]) -> Schedule {
        let start = at(0);
        Schedule::new(devices.iter().map(|p| DeviceSchedule::new(p, start, BACKOFF)).collect())
    }

    #[test]
    fn units_take_turns_however_many_groups_they_have() {
        let mut s = line(&[&[S, S, S], &[S], &[S]]);
        let mut turns = Vec::new();
        for _ in 0..5 {
            let Next::Poll { device, group } = s.next(at(0)) else { panic!() };
            s.answered(device, group, at(0));
            turns.push((device, group));
        }
        assert_eq!(turns, [(0, 0), (1, 0), (2, 0), (0, 1), (0, 2)]);
        assert_eq!(s.next(at(0)), Next::Wait(at(1000)));
    }

    #[test]
    fn a_dead_unit_costs_one_attempt_per_backoff_and_its_neighbour_keeps_its_period() {
        let mut s = line(&[&[S, S], &[S]]);
        let timeout = Duration::from_millis(400);
        let (mut dead, mut alive) = (Vec::new(), Vec::new());
        let mut now = at(0);
        while now < at(40_000) {
            match s.next(now) {
                Next::Poll { device: 0, group } => {
                    dead.push(now.0.as_millis());
                    now = now + timeout;
                    s.failed(0, group, now, Duration::ZERO);
                }
                Next::Poll { device, group } => {
                    alive.push(now.0.as_millis());
                    s.answered(device, group, now);
                }
                Next::Wait(until) => now = until,
                Next::Idle => panic!(),
            }
        }
        // Two attempts at once, then 2, 4, 8, 10, 10 s apart.
        assert_eq!(dead, [0, 400, 2800, 7200, 15_600, 26_000, 36_400]);
        assert_eq!(alive.len(), 40, "{alive:?}");
        assert_eq!(s.overruns(), 0);
    }

    #[test]
    fn the_first_answer_after_an_outage_ends_the_backoff() {
        let mut s = line(&[&[S, S]]);
        for _ in 0..6 {
            s.failed(0, 0, at(0), Duration::ZERO);
        }
        assert!(s.is_down(0));
        assert_eq!(s.next(at(9_999)), Next::Wait(at(10_000)));
        let Next::Poll { device: 0, group } = s.next(at(10_000)) else { panic!() };
        assert_eq!(s.answered(0, group, at(10_000)), 6);
        assert!(!s.is_down(0));
        assert!(matches!(s.next(at(10_000)), Next::Poll { .. }), "the other group follows at once");
    }

    #[test]
    fn a_device_that_is_back_is_asked_for_all_its_groups_however_long_their_periods() {
        let hour = 3600 * S;
        let mut s = line(&[&[S, hour]]);
        s.answered(0, 0, at(0));
        s.answered(0, 1, at(0));
        s.failed(0, 0, at(1000), Duration::ZERO);
        s.failed(0, 0, at(1000), Duration::ZERO);
        assert!(s.is_down(0));
        assert_eq!(s.next(at(3000)), Next::Poll { device: 0, group: 0 });
        s.answered(0, 0, at(3000));
        assert_eq!(s.next(at(3000)), Next::Poll { device: 0, group: 1 });
        s.answered(0, 1, at(3000));
        assert_eq!(s.next(at(3000)), Next::Wait(at(4000)));
        assert_eq!(s.overruns(), 0);
        // An answer that ends no outage moves nothing.
        s.answered(0, 0, at(4000));
        assert_eq!(s.next(at(4000)), Next::Wait(at(5000)));
    }

    #[test]
    fn an_answer_to_a_write_ends_the_backoff_and_makes_all_groups_due() {
        let mut s = line(&[&[S, 3600 * S]]);
        for _ in 0..6 {
            s.failed(0, 0, at(0), Duration::ZERO);
        }
        assert_eq!(s.next(at(500)), Next::Wait(at(10_000)));
        assert_eq!(s.talked(0, at(500)), 6);
        assert!(!s.is_down(0));
        let Next::Poll { device: 0, group: first } = s.next(at(500)) else { panic!() };
        s.answered(0, first, at(500));
        assert_eq!(s.next(at(500)), Next::Poll { device: 0, group: 1 - first });
        s.answered(0, 1 - first, at(500));
        // One that ends no outage moves nothing.
        let next = s.next(at(500));
        assert!(matches!(next, Next::Wait(_)), "{next:?}");
        assert_eq!(s.talked(0, at(600)), 0);
        assert_eq!(s.next(at(600)), next);
    }

    #[test]
    fn a_line_that_cannot_keep_up_skips_and_counts_instead_of_queueing() {
        let mut s = line(&[&[S]]);
        assert_eq!(s.next(at(0)), Next::Poll { device: 0, group: 0 });
        s.answered(0, 0, at(3500));
        assert_eq!(s.overruns(), 3);
        assert_eq!(s.next(at(3500)), Next::Wait(at(4000)));
    }
}
