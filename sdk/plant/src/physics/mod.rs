//! The physics of the room, without a register in sight.
//!
//! Every formula is one of the project's plant model: finite line sources for the bore field,
//! Carnot fractions for the machines, the square and cube laws for pumps. It is a *plausible*
//! plant, calibrated to no measured site. Not in it: groundwater flow, freezing, uneven flow
//! between bores, heat from pumps into the water, refrigerant transients.

pub mod air_source;
pub mod borefield;
pub mod building;
pub mod district;
pub mod field;
pub mod g_function;
pub mod ground;
pub mod heat_pump;
pub mod heat_supply;
pub mod hydraulics;
mod linear;
pub mod meters;
mod relaxation;
pub mod source;
pub mod tank;
pub mod tariff;
pub mod weather;
pub mod well;
pub mod well_field;

/// Kelvin at 0 °C.
pub const KELVIN: f64 = 273.15;

/// Heat carried by water, W per (m³/h · K): ρc = 4.187 MJ/(m³·K) over 3600 s.
pub const WATER_W_PER_M3H_K: f64 = 4.187e6 / 3600.0;

/// A number in [0, 1) that depends on nothing but its arguments (SplitMix64 finaliser).
///
/// The plant has no random generator with a state: what a sensor reads at a step is the same
/// whoever asks, how often, and in which order.
#[must_use]
pub fn unit_hash(seed: u64, stream: u64, step: u64) -> f64 {
    let mut z = seed
        .wrapping_add(stream.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(step.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1u64 << 53) as f64
}

/// A standard normal number from the same source (sum of four uniforms; tails end at ±3.5).
#[must_use]
pub fn normal_hash(seed: u64, stream: u64, step: u64) -> f64 {
    let sum: f64 =
        (0..4).map(|i| unit_hash(seed ^ (i + 1), stream.wrapping_mul(4) + i, step)).sum();
    (sum - 2.0) * 3f64.sqrt()
}
