//! When a plugin that failed is started again, and when not any more.

use std::collections::VecDeque;
use std::time::Duration;
use wellhead_model::Mono;

/// Wait before the first restart; each further one waits twice as long.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// With so many faults in [`WINDOW`] a plugin is given up until a person starts it. The longest
/// wait before that is 256 s, all waits together eight and a half minutes: enough to outlive a
/// device that sent nonsense while it restarted.
const FAULTS_MAX: usize = 10;

/// How long a fault counts. One that long ago is forgiven.
const WINDOW: Duration = Duration::from_secs(3600);

/// What a plugin is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It runs, or is to be started at once.
    Running,
    /// It failed and is started again at this time.
    Waiting(Mono),
    /// It failed too often, and only [`Lifecycle::enable`] helps.
    Disabled,
}

/// Follows one plugin through its faults. It knows nothing of wasm.
#[derive(Debug, Clone)]
pub struct Lifecycle {
    phase: Phase,
    /// The last faults, oldest first; at most [`FAULTS_MAX`].
    faults: VecDeque<Mono>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { phase: Phase::Running, faults: VecDeque::with_capacity(FAULTS_MAX) }
    }
}

impl Lifecycle {
    /// What it is at.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Its instance was lost. Says what comes next.
    pub fn fault(&mut self, now: Mono) -> Phase {
        self.faults.retain(|f| now.since(*f) < WINDOW);
        self.faults.push_back(now);
        self.phase = if self.faults.len() >= FAULTS_MAX {
            Phase::Disabled
        } else {
            let doublings = u32::try_from(self.faults.len() - 1).unwrap_or(u32::MAX);
            Phase::Waiting(now + BACKOFF_MIN.saturating_mul(2u32.saturating_pow(doublings)))
        };
        self.phase
    }

    /// Whether it may be called now; ends a wait that is over.
    pub fn may_run(&mut self, now: Mono) -> bool {
        if matches!(self.phase, Phase::Waiting(until) if now >= until) {
            self.phase = Phase::Running;
        }
        self.phase == Phase::Running
    }

    /// A person stops it.
    pub fn disable(&mut self) {
        self.phase = Phase::Disabled;
    }

    /// A person starts it again, or it is another version now: what was is forgotten.
    pub fn enable(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    #[test]
    fn waits_twice_as_long_after_each_fault_and_gives_up_at_the_tenth() {
        let mut l = Lifecycle::default();
        let mut now = at(100);
        for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
            let until = now + Duration::from_secs(wait);
            assert_eq!(l.fault(now), Phase::Waiting(until));
            assert!(!l.may_run(Mono(until.0 - Duration::from_millis(1))));
            assert!(l.may_run(until));
            now = until;
        }
        assert_eq!(l.fault(now), Phase::Disabled);
        assert!(!l.may_run(at(1_000_000)));
    }

    #[test]
    fn starts_afresh_once_a_person_enables_it() {
        let mut l = Lifecycle::default();
        for _ in 0..FAULTS_MAX {
            l.fault(at(0));
        }
        l.enable();
        assert!(l.may_run(at(1)));
        assert_eq!(l.fault(at(1)), Phase::Waiting(at(2)));
    }

    #[test]
    fn a_fault_now_and_then_never_disables() {
        let mut l = Lifecycle::default();
        for n in 0..1000 {
            let now = at(n * 1000);
            assert!(l.may_run(now));
            assert!(matches!(l.fault(now), Phase::Waiting(_)));
        }
    }
}
