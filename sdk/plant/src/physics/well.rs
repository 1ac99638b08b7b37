//! Wells: drawdown and rise by Theis, a skin that clogs, sand at starts, a temperature front.
//!
//! s = q/(4πT)·(W(u) + 2S_k), u = r²S/(4Tt). Flows that change are superposed: each change of flow
//! of each well acts from its own moment on, at every well of the field.

use std::f64::consts::PI;

/// Theis's well function W(u) = E1(u), u > 0.
///
/// The series below 1, the continued fraction above; both to double precision.
#[must_use]
pub fn well_function(u: f64) -> f64 {
    if u > 1.0 {
        let tail = (1..80).rev().fold(0.0, |t, n| {
            let n = f64::from(n);
            n / (1.0 + n / (u + t))
        });
        return (-u).exp() / (u + tail);
    }
    let (mut term, mut sum) = (1.0, 0.0);
    for n in 1..30 {
        let n = f64::from(n);
        term *= -u / n;
        sum -= term / n;
    }
    -0.577_215_664_901_532_9 - u.ln() + sum
}
