//! Names of properties, as a person writes them.

use crate::{Property, SpecError};
use std::fmt;
use std::str::FromStr;

/// Properties that a point may read, with the standard's names (clause 21).
const NAMES: [(u32, &str); 38] = [
    (12, "application-software-version"),
    (15, "change-of-state-count"),
    (21, "controlled-variable-value"),
    (22, "cov-increment"),
    (25, "deadband"),
    (26, "derivative-constant"),
    (28, "description"),
    (32, "effective-period"),
    (33, "elapsed-active-time"),
    (36, "event-state"),
    (40, "feedback-value"),
    (44, "firmware-revision"),
    (45, "high-limit"),
    (49, "integral-constant"),
    (56, "local-date"),
    (57, "local-time"),
    (58, "location"),
    (59, "low-limit"),
    (65, "max-pres-value"),
    (69, "min-pres-value"),
    (70, "model-name"),
    (74, "number-of-states"),
    (77, "object-name"),
    (81, "out-of-service"),
    (84, "polarity"),
    (85, "present-value"),
    (87, "priority-array"),
    (93, "proportional-constant"),
    (103, "reliability"),
    (104, "relinquish-default"),
    (106, "resolution"),
    (108, "setpoint"),
    (110, "state-text"),
    (111, "status-flags"),
    (112, "system-status"),
    (117, "units"),
    (121, "vendor-name"),
    (174, "schedule-default"),
];

/// Largest property number (22 bits).
const NUMBER_MAX: u32 = (1 << 22) - 1;

impl Property {
    /// Whether the list of names has it: of those only the priority array and the names of states
    /// are arrays.
    pub(crate) fn is_named(self) -> bool {
        NAMES.iter().any(|(id, _)| *id == self.id)
    }
}

impl FromStr for Property {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let wrong = || {
            SpecError(format!(
                "`{text}` is no property: give a name, such as `present-value`, or its number, and \
                 of an array the element: `priority-array[8]`"
            ))
        };
        let (name, index) = match text.strip_suffix(']') {
            Some(rest) => {
                let (name, index) = rest.split_once('[').ok_or_else(wrong)?;
                (name, Some(index.parse().map_err(|_| wrong())?))
            }
            None => (text, None),
        };
        let id = match NAMES.iter().find(|(_, known)| *known == name) {
            Some((id, _)) => *id,
            None => name.parse().ok().filter(|id| *id <= NUMBER_MAX).ok_or_else(wrong)?,
        };
        Ok(Self { id, index })
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(id, _)| *id == self.id) {
            Some((_, name)) => f.write_str(name)?,
            None => write!(f, "{}", self.id)?,
        }
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_a_name_or_a_number_and_perhaps_an_element() {
        let property = |text: &str| text.parse::<Property>().unwrap();
        assert_eq!(property("present-value"), Property::PRESENT_VALUE);
        assert_eq!(property("85"), Property::PRESENT_VALUE);
        assert_eq!(property("priority-array[8]"), Property { id: 87, index: Some(8) });
        assert_eq!(property("5001[0]"), Property { id: 5001, index: Some(0) });
        for (id, name) in NAMES {
            assert_eq!(property(name), Property { id, index: None });
        }
        for text in ["present-value", "priority-array[8]", "5001[0]", "5001"] {
            assert_eq!(property(text).to_string(), text);
        }
        for wrong in ["", "presentvalue", "85[", "[3]", "85[x]", "4194304", "priority-array[8"] {
            assert!(wrong.parse::<Property>().is_err(), "{wrong}");
        }
    }
}
