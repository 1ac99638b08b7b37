//! Numbers in texts for people.

use std::fmt;

/// A number with a fixed count of decimals, for reasons, alarms and lines of the log:
/// `format!("{} °C outdoors", fixed(t, 1))`.
///
/// Rust's own `{t:.1}` does the same, exactly for every float there is, and adds 19 kB to a
/// component for that; this adds half of one.
pub fn fixed(number: f64, decimals: u8) -> Fixed {
    Fixed { number, decimals: decimals.min(9) }
}

/// What [`fixed`] makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixed {
    number: f64,
    decimals: u8,
}

/// Beyond this a float no longer holds every whole number.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_u64.pow(u32::from(self.decimals));
        let scaled = (self.number.abs() * scale as f64).round();
        if scaled.is_nan() {
            return f.write_str("no number");
        }
        let sign = if self.number < 0.0 && scaled > 0.0 { "-" } else { "" };
        if scaled > WHOLE_MAX {
            return write!(f, "{sign}very large");
        }
        let scaled = scaled as u64;
        write!(f, "{sign}{}", scaled / scale)?;
        if self.decimals == 0 {
            return Ok(());
        }
        write!(f, ".{:0width$}", scaled % scale, width = usize::from(self.decimals))
    }
}
