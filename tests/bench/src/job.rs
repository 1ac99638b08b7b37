//! The three jobs, with what the floor and the best peers needed for them and what we want.

/// What one program needs for one job.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Resident memory, MB (10⁶ bytes).
    pub rss_mb: f64,
    /// CPU seconds in 60 s.
    pub cpu_s: f64,
    /// 99th percentile of the ages, ms.
    pub age_p99_ms: f64,
}

/// So many devices, each with so many registers, each read once a second.
#[derive(Debug)]
pub struct Job {
    /// As typed after `--job`.
    pub name: &'static str,
    /// Devices, one TCP port each.
    pub devices: usize,
    /// Holding registers of each device.
    pub registers: u16,
    /// The best figure of any peer measured, column by column.
    pub best_peer: Figures,
    /// An earlier floor program on an earlier machine; ours should be within 25 % of it.
    pub floor: Figures,
    /// The figures below which a release is not made.
    pub reach: Figures,
    /// Where we want to be.
    pub aim: Figures,
}

const fn figures(rss_mb: f64, cpu_s: f64, age_p99_ms: f64) -> Figures {
    Figures { rss_mb, cpu_s, age_p99_ms }
}

/// First value after the start of the program, to reach, s.
pub const FIRST_VALUE_S: f64 = 0.3;

/// All jobs, smallest first. 500 × 30 is the test plan of a peer.
pub const JOBS: [Job; 3] = [
    Job {
        name: "10x100",
        devices: 10,
        registers: 100,
        best_peer: figures(17.5, 0.85, 10.0),
        floor: figures(2.1, 0.13, 0.0),
        reach: figures(17.0, 0.45, 10.0),
        aim: figures(10.0, 0.2, 5.0),
    },
    Job {
        name: "100x100",
        devices: 100,
        registers: 100,
        best_peer: figures(40.0, 2.9, 15.0),
        floor: figures(2.2, 0.80, 5.0),
        reach: figures(30.0, 1.5, 15.0),
        aim: figures(16.0, 1.2, 10.0),
    },
    Job {
        name: "500x30",
        devices: 500,
        registers: 30,
        best_peer: figures(103.0, 10.7, 35.0),
        floor: figures(2.7, 2.8, 5.0),
        reach: figures(45.0, 5.4, 30.0),
        aim: figures(25.0, 4.2, 15.0),
    },
];

impl Job {
    /// The job of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        JOBS.iter().find(|job| job.name == name)
    }
}
