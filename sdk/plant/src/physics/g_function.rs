//! The thermal response of a bore field: its g-function, by finite line sources.
//!
//! g(t) = 2πk·ΔT_wall(t)/q' for a constant mean extraction q' per metre. Every bore is cut into
//! segments, each a finite line source with its image above the surface (Claesson and Javed 2011,
//! the form for two segments by Cimmino and Bernier 2014):
//!
//! h_ij(t) = 1/(2L_i) ∫_{1/√(4αt)}^∞ e^{−d²s²}/s² · (ierf of the ends, real and mirrored) ds.
//!
//! The wall of all segments of all bores has one temperature; how the heat divides among them
//! follows from it, at each time, with the whole history of the division superposed. Bores that
//! feel their neighbours alike share one division (the "equivalent boreholes" of Prieto and
//! Cimmino 2021).
//!
//! What makes it cheap: all integrals share their integrand's nodes in ln s, and the integral for
//! a later time is that for an earlier one and a little more. So the distances of all pairs of
//! bores enter as a sum of exponentials per node, once.

use std::collections::HashMap;
use std::f64::consts::PI;

use super::borefield::Borefield;
use super::linear::solve;

/// Lengths of a bore's segments; short towards the ends, where the extraction changes.
const SEGMENTS: [f64; 6] = [0.03, 0.12, 0.35, 0.35, 0.12, 0.03];
const CUTS: usize = SEGMENTS.len();
/// Most groups of bores that share one division of the heat.
const GROUPS_MAX: usize = 8;
/// ln of the ratio of two consecutive times.
const STEP: f64 = 0.2;
const FIRST_S: f64 = 1800.0;
/// Fifty years.
const LAST_S: f64 = 50.0 * 365.0 * 86_400.0;
/// Times before the first at which h is known too, for the short steps at the beginning.
const LEAD: usize = 12;
/// Gauss–Legendre, three points on [0, 1].
const GAUSS: [(f64, f64); 3] = [
    (0.112_701_665_379_258_3, 5.0 / 18.0),
    (0.5, 8.0 / 18.0),
    (0.887_298_334_620_741_7, 5.0 / 18.0),
];

/// A g-function, known at times of equal ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct GFunction {
    /// Times, s.
    pub times_s: Vec<f64>,
    /// g at these times.
    pub g: Vec<f64>,
}

impl GFunction {
    /// Of a field in ground of a diffusivity, m²/s, from half an hour to fifty years.
    #[must_use]
    pub fn of(field: &Borefield, diffusivity: f64) -> Self {
        let groups = Groups::of(field, diffusivity);
        let responses = Responses::of(field, diffusivity, &groups);
        let times_s = responses.times_s[LEAD..].to_vec();
        let g = superpose(&responses, &groups, field.bores());
        Self { times_s, g }
    }

    /// g at a time within the range, linear in ln t.
    #[must_use]
    pub fn at(&self, time_s: f64) -> f64 {
        let (at, share) = place(&self.times_s, time_s);
        self.g[at] + share * (self.g[at + 1] - self.g[at])
    }
}

/// Between which times a time lies, and how far along in ln t.
fn place(times_s: &[f64], time_s: f64) -> (usize, f64) {
    let steps = ((time_s / times_s[0]).ln() / STEP).max(0.0);
    let at = (steps as usize).min(times_s.len() - 2);
    (at, steps - at as f64)
}

/// Integral of the error function, without its constant at 0.
fn ierf(x: f64) -> f64 {
    let x = x.abs();
    x * libm::erf(x) + (-x * x).exp_m1() / PI.sqrt()
}

/// Bores that share one division of the heat, and how often which distance lies between groups.
struct Groups {
    /// Bores in each group.
    sizes: Vec<usize>,
    /// Distances that occur, m.
    distances_m: Vec<f64>,
    /// For receiving group × giving group: how often each distance occurs.
    counts: Vec<Vec<(usize, f64)>>,
}

impl Groups {
    fn of(field: &Borefield, diffusivity: f64) -> Self {
        let bores = field.bores();
        let mut index: HashMap<u32, usize> = HashMap::new();
        let mut distances_m = Vec::new();
        let mut between = vec![0usize; bores * bores];
        for (i, a) in field.at_m.iter().enumerate() {
            for (j, b) in field.at_m.iter().enumerate().skip(i) {
                let metres = (a[0] - b[0]).hypot(a[1] - b[1]).max(field.radius_m);
                // To the millimetre: fields laid out on a grid have few distinct distances.
                let known = *index.entry((metres * 1e3).round() as u32).or_insert_with(|| {
                    distances_m.push(metres);
                    distances_m.len() - 1
                });
                between[i * bores + j] = known;
                between[j * bores + i] = known;
            }
        }
        // How crowded a bore stands: the late response at its wall when all extract alike.
        let late_s = 20.0 * 365.0 * 86_400.0;
        let depth = field.depth_m;
        let near = 1.0 / (4.0 * diffusivity * late_s).sqrt();
        let far = 6.0 / field.radius_m;
        let felt: Vec<f64> =
            distances_m.iter().map(|d| whole_bore_response(*d, depth, near, far)).collect();
        let crowding: Vec<f64> = (0..bores)
            .map(|i| between[i * bores..(i + 1) * bores].iter().map(|d| felt[*d]).sum())
            .collect();
        let least = crowding.iter().copied().fold(f64::INFINITY, f64::min);
        let most = crowding.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let width = ((most - least) / GROUPS_MAX as f64).max(1e-6 * most);
        let class = |c: f64| (((c - least) / width) as usize).min(GROUPS_MAX - 1);
        let mut sizes = [0usize; GROUPS_MAX];
        crowding.iter().for_each(|c| sizes[class(*c)] += 1);
        // Numbers of the groups that have bores.
        let mut number = [0usize; GROUPS_MAX];
        for group in 1..GROUPS_MAX {
            number[group] = number[group - 1] + usize::from(sizes[group - 1] > 0);
        }
        let sizes: Vec<usize> = sizes.into_iter().filter(|size| *size > 0).collect();
        let mut counts = vec![vec![0.0; distances_m.len()]; sizes.len() * sizes.len()];
        for i in 0..bores {
            for j in 0..bores {
                let (a, b) = (number[class(crowding[i])], number[class(crowding[j])]);
                counts[a * sizes.len() + b][between[i * bores + j]] += 1.0;
            }
        }
        let sparse =
            |all: Vec<f64>| all.into_iter().enumerate().filter(|(_, count)| *count > 0.0).collect();
        Self { sizes, distances_m, counts: counts.into_iter().map(sparse).collect() }
    }
}

/// Mean response of a whole bore to another at a distance, without the surface; only compared.
fn whole_bore_response(distance_m: f64, depth_m: f64, from: f64, to: f64) -> f64 {
    let pieces = 60;
    let width = (to / from).ln() / f64::from(pieces);
    (0..pieces)
        .map(|piece| {
            let s = from * ((f64::from(piece) + 0.5) * width).exp();
            (-(distance_m * s).powi(2)).exp() * ierf(depth_m * s) / (depth_m * s) * width
        })
        .sum()
}

/// h of all pairs of segments, at all times.
struct Responses {
    times_s: Vec<f64>,
    /// One matrix a time: receiving segment × giving segment (a segment of a group).
    h: Vec<Vec<f64>>,
    /// Segments in all.
    size: usize,
}

impl Responses {
    fn of(field: &Borefield, diffusivity: f64, groups: &Groups) -> Self {
        let kinds = groups.sizes.len();
        let size = kinds * CUTS;
        let count = ((LAST_S / FIRST_S).ln() / STEP).ceil() as usize + 1 + LEAD;
        let times_s: Vec<f64> =
            (0..count).map(|i| FIRST_S * ((i as f64 - LEAD as f64) * STEP).exp()).collect();
        let mut sum = vec![0.0; size * size];
        let mut h = Vec::with_capacity(count);
        // Beyond this the integrand is nothing, even at the bore's own wall.
        let mut s = 6.0 / field.radius_m;
        for time in &times_s {
            let lower = 1.0 / (4.0 * diffusivity * time).sqrt();
            let panels = ((s / lower).ln() / (STEP / 2.0)).ceil().max(0.0);
            let width = (s / lower).ln() / panels.max(1.0);
            for _ in 0..panels as usize {
                for (at, weight) in GAUSS {
                    add_node(field, groups, s * (-at * width).exp(), weight * width, &mut sum);
                }
                s *= (-width).exp();
            }
            h.push(sum.clone());
        }
        Self { times_s, h, size }
    }

    /// h after an elapsed time, times the extraction of every segment, added to `out`.
    fn add(&self, elapsed_s: f64, factor: f64, extraction: &[f64], out: &mut [f64]) {
        let (at, share) = place(&self.times_s, elapsed_s);
        let (early, late) = (&self.h[at], &self.h[at + 1]);
        for (i, out) in out.iter_mut().enumerate() {
            let row = i * self.size..(i + 1) * self.size;
            let pairs = early[row.clone()].iter().zip(&late[row]).zip(extraction);
            *out += factor * pairs.map(|((e, l), q)| (e + share * (l - e)) * q).sum::<f64>();
        }
    }
}

/// Adds the integrands at one node to the integrals of all pairs of segments.
fn add_node(field: &Borefield, groups: &Groups, s: f64, weight: f64, sum: &mut [f64]) {
    let kinds = groups.sizes.len();
    let size = kinds * CUTS;
    let mut ends = [field.buried_m; CUTS + 1];
    for (i, ratio) in SEGMENTS.iter().enumerate() {
        ends[i + 1] = ends[i] + ratio * field.depth_m;
    }
    let between: Vec<Vec<f64>> =
        ends.map(|a| ends.map(|b| ierf((a - b) * s) + ierf((a + b) * s)).to_vec()).to_vec();
    let near: Vec<f64> = groups.distances_m.iter().map(|d| (-(d * s).powi(2)).exp()).collect();
    for a in 0..kinds {
        for b in 0..kinds {
            let pairs: f64 =
                groups.counts[a * kinds + b].iter().map(|(d, count)| near[*d] * count).sum();
            let pairs = pairs / groups.sizes[a] as f64;
            for i in 0..CUTS {
                for j in 0..CUTS {
                    let length = ends[i + 1] - ends[i];
                    let shape = between[i + 1][j] - between[i][j] + between[i][j + 1]
                        - between[i + 1][j + 1];
                    sum[(a * CUTS + i) * size + b * CUTS + j] +=
                        weight * pairs * shape / (2.0 * length * s);
                }
            }
        }
    }
}

/// Divides a constant total extraction so that all walls have one temperature, time after time.
fn superpose(responses: &Responses, groups: &Groups, bores: usize) -> Vec<f64> {
    let size = responses.size;
    let share = |i: usize| groups.sizes[i / CUTS] as f64 / bores as f64 * SEGMENTS[i % CUTS];
    let times = &responses.times_s[LEAD..];
    let mut divisions: Vec<Vec<f64>> = Vec::with_capacity(times.len());
    let mut g = Vec::with_capacity(times.len());
    for (k, now) in times.iter().enumerate() {
        let begin = |p: usize| if p == 0 { 0.0 } else { times[p - 1] };
        let mut history = vec![0.0; size];
        for (p, division) in divisions.iter().enumerate() {
            responses.add(now - begin(p), 1.0, division, &mut history);
            responses.add(now - times[p], -1.0, division, &mut history);
        }
        // Unknown: the extraction of every segment, and the wall temperature they share.
        let (at, along) = place(&responses.times_s, now - begin(k));
        let (early, late) = (&responses.h[at], &responses.h[at + 1]);
        let width = size + 1;
        let mut matrix = vec![0.0; width * width];
        let mut right = vec![0.0; width];
        for i in 0..size {
            for j in 0..size {
                let (e, l) = (early[i * size + j], late[i * size + j]);
                matrix[i * width + j] = e + along * (l - e);
            }
            matrix[i * width + size] = -1.0;
            matrix[size * width + i] = share(i);
            right[i] = -history[i];
        }
        right[size] = 1.0;
        solve(&mut matrix, &mut right);
        g.push(right[size]);
        right.truncate(size);
        divisions.push(right);
    }
    g
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 86_400.0;

    #[test]
    fn fields_of_the_model_follow_the_published_table() {
        let days = [1.0, 7.0, 30.0, 90.0, 120.0, 365.0, 730.0, 1825.0, 3650.0, 7300.0, 10_950.0];
        for (columns, rows, depth, expected) in [
            (
                1,
                1,
                100.0,
                [1.776, 2.736, 3.452, 3.984, 4.121, 4.639, 4.946, 5.323, 5.578, 5.795, 5.900],
            ),
            (
                1,
                1,
                150.0,
                [1.777, 2.739, 3.459, 3.997, 4.136, 4.667, 4.987, 5.391, 5.674, 5.932, 6.067],
            ),
            (
                2,
                2,
                100.0,
                [1.776, 2.736, 3.480, 4.324, 4.632, 6.122, 7.178, 8.551, 9.490, 10.287, 10.670],
            ),
            (
                5,
                5,
                100.0,
                [1.776, 2.736, 3.497, 4.582, 5.062, 8.133, 11.258, 16.519, 20.691, 24.378, 26.142],
            ),
            (
                10,
                10,
                100.0,
                [1.776, 2.736, 3.503, 4.679, 5.227, 9.101, 13.686, 22.872, 31.650, 40.299, 44.619],
            ),
            (
                8,
                19,
                150.0,
                [1.777, 2.739, 3.511, 4.712, 5.277, 9.409, 14.562, 25.809, 37.737, 50.984, 58.538],
            ),
            (
                16,
                41,
                80.0,
                [1.775, 2.733, 3.501, 4.719, 5.302, 9.644, 15.209, 27.530, 40.491, 53.703, 60.199],
            ),
            (
                16,
                34,
                80.0,
                [1.775, 2.733, 3.501, 4.717, 5.298, 9.617, 15.131, 27.265, 39.918, 52.713, 58.971],
            ),
            (
                38,
                40,
                100.0,
                [1.776, 2.736, 3.508, 4.754, 5.356, 9.967, 16.125, 30.747, 47.734, 67.204, 78.089],
            ),
        ] {
            let g = GFunction::of(&Borefield::rectangle(columns, rows, 5.0, depth), 1e-6);
            let errors: Vec<f64> = days
                .iter()
                .zip(expected)
                .map(|(d, g_ref)| 100.0 * (g.at(d * DAY) / g_ref - 1.0))
                .collect();
            assert!(
                errors.iter().all(|e| e.abs() < 3.0),
                "{columns}×{rows} {depth} m: {errors:.2?} %"
            );
        }
    }
}
