//! Slow responses as sums of relaxations, R0 + Σ R (1 − e^(−t/τ)), which a plant can step.

/// Which τ are offered to a fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ladder {
    /// Shortest, s.
    pub(crate) shortest_s: f64,
    /// Each further one is so many times longer.
    pub(crate) ratio: f64,
    /// How many.
    pub(crate) count: usize,
}

const SWEEPS: usize = 20_000;

/// R0 and an R for each τ that follow the points (time, value) with the least relative error:
/// least squares without negative values, one unknown at a time. Values must be above nought.
pub(crate) fn fit(points: &[(f64, f64)], ladder: Ladder) -> (f64, Vec<(f64, f64)>) {
    let taus: Vec<f64> =
        (0..ladder.count).map(|i| ladder.shortest_s * ladder.ratio.powi(i as i32)).collect();
    let unknowns = taus.len() + 1;
    let mut normal = vec![0.0; unknowns * unknowns];
    let mut right = vec![0.0; unknowns];
    for (time, value) in points {
        let mut row = vec![1.0 / value];
        row.extend(taus.iter().map(|tau| -(-time / tau).exp_m1() / value));
        for (i, a) in row.iter().enumerate() {
            right[i] += a;
            for (j, b) in row.iter().enumerate() {
                normal[i * unknowns + j] += a * b;
            }
        }
    }
    let mut found = vec![0.0f64; unknowns];
    for _ in 0..SWEEPS {
        for i in 0..unknowns {
            let row = &normal[i * unknowns..(i + 1) * unknowns];
            let rest: f64 = row.iter().zip(&found).map(|(a, x)| a * x).sum();
            found[i] = (found[i] + (right[i] - rest) / row[i]).max(0.0);
        }
    }
    (found[0], taus.into_iter().zip(found[1..].iter().copied()).collect())
}
