//! From the unit in which a sensor speaks to the one that the configuration asks for.

use wellhead_driver::{Conversion, Outcome, Raw};
use wellhead_model::{Reason, Unit};

/// A value in its `own` unit, brought into the `wanted` one, then converted as configured.
pub(crate) fn outcome(
    conversion: &Conversion,
    raw: Raw,
    own: Option<Unit>,
    wanted: Option<Unit>,
) -> Outcome {
    let (Some(own), Some(wanted)) = (own, wanted) else { return conversion.outcome(raw) };
    if own == wanted {
        return conversion.outcome(raw);
    }
    #[expect(clippy::cast_precision_loss, reason = "a value in another unit is a float")]
    let number = match raw {
        Raw::Int(i) => i as f64,
        Raw::UInt(u) => u as f64,
        Raw::Float(f) => f,
        Raw::Bool(_) | Raw::Text(_) => return Outcome::Bad(Reason::Undecodable),
    };
    match own.convert(number, wanted) {
        Some(number) => conversion.outcome(Raw::Float(number)),
        None => Outcome::Bad(Reason::Undecodable),
    }
}
