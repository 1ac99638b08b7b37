//! What a point can't hold, by the standard's own datatypes (clauses 12 and 21).

use crate::wire::service::property as p;
use crate::{ObjectId, Property};

/// Why a property gives no value to a point, in English and in Chinese. `None` where it does, or
/// where only the device knows.
pub(super) fn why_not(
    object: ObjectId,
    property: Property,
) -> Option<(&'static str, &'static str)> {
    const BITS: (&str, &str) =
        ("it is a bit string, which a point can't hold", "它是位串，点位无法表示");
    const DATE: (&str, &str) = ("it is a date, which a point can't hold", "它是日期，点位无法表示");
    const TIME: (&str, &str) = ("it is a time, which a point can't hold", "它是时刻，点位无法表示");
    const OCTETS: (&str, &str) =
        ("it is an octet string, which a point can't hold", "它是八位组串，点位无法表示");
    const LIST: (&str, &str) = ("it is a list, which a point can't hold", "它是列表，点位无法表示");
    const NAME: (&str, &str) =
        ("it names an object, which a point can't hold", "它指向一个对象，点位无法表示");
    const ARRAY: (&str, &str) =
        ("it is an array; give the element, as in `[8]`", "它是数组；请给出元素，例如 `[8]`");
    const SINGLE: (&str, &str) =
        ("it is no array; leave the `[…]` out", "它不是数组；请删去 `[…]`");
    const NONE: (&str, &str) =
        ("objects of this type have no present-value", "此类对象没有 present-value");
    if property.id == p::PRESENT_VALUE {
        return match (object.kind.0, property.index) {
            (8..=10 | 15 | 16 | 18 | 20 | 25 | 27 | 29, _) => Some(NONE),
            (11, _) => Some(LIST),
            (39, _) => Some(BITS),
            (41 | 42, _) => Some(DATE),
            (43 | 44 | 49 | 50, _) => Some(TIME),
            (47, _) => Some(OCTETS),
            // Of a group each member, of a vendor's own type who knows.
            (26 | 128.., _) | (_, None) => None,
            (_, Some(_)) => Some(SINGLE),
        };
    }
    match (property.id, property.index) {
        // The length of an array, and elements that are numbers or texts.
        (p::OBJECT_LIST | p::PRIORITY_ARRAY | p::STATE_TEXT | PROPERTY_LIST, Some(0))
        | (p::PRIORITY_ARRAY | p::STATE_TEXT | PROPERTY_LIST, Some(_)) => None,
        (p::PRIORITY_ARRAY | p::STATE_TEXT | PROPERTY_LIST, None) => Some(ARRAY),
        (p::OBJECT_IDENTIFIER, _) | (p::OBJECT_LIST, Some(_)) => Some(NAME),
        // Bindings, references, schedules, recipients, records, subscriptions.
        (p::OBJECT_LIST | 19 | 30 | 53 | 54 | 60 | 102 | 109 | 131 | 152, _) => Some(LIST),
        (38 | 123, None) => Some(LIST),
        // Acknowledged transitions, event and limit enabling, what a device supports.
        (0 | 35 | 52 | 96 | 97 | p::STATUS_FLAGS, _) => Some(BITS),
        // A period of dates; the local date.
        (32 | 56, _) => Some(DATE),
        // Of changes, resets and records; the local time.
        (16 | 57 | 114 | 115 | 142 | 143, _) => Some(TIME),
        (130, None) => Some(TIME),
        (id, Some(_)) if Property { id, index: None }.is_named() => Some(SINGLE),
        _ => None,
    }
}

const PROPERTY_LIST: u32 = 371;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(object: &str, property: &str) -> Option<&'static str> {
        why_not(object.parse().unwrap(), property.parse().unwrap()).map(|(en, _)| en)
    }

    #[test]
    fn what_the_standard_says_is_no_single_value_is_told() {
        for (object, property, why) in [
            ("analog-input:1", "status-flags", "bit string"),
            ("device:1", "local-date", "a date"),
            ("device:1", "local-time", "a time"),
            ("schedule:1", "effective-period", "a date"),
            ("analog-output:1", "priority-array", "an array"),
            ("multi-state-input:1", "state-text", "an array"),
            ("device:1", "76", "a list"),
            ("device:1", "76[1]", "an object"),
            ("analog-input:1", "present-value[1]", "no array"),
            ("analog-input:1", "units[1]", "no array"),
            ("device:1", "present-value", "no present-value"),
            ("trend-log:1", "present-value", "no present-value"),
            ("42:1", "present-value", "a date"),
            ("39:1", "present-value", "bit string"),
        ] {
            let told = told(object, property);
            assert!(told.is_some_and(|t| t.contains(why)), "{object} {property}: {told:?}");
        }
    }

    #[test]
    fn what_may_be_a_value_is_left_to_the_device() {
        for (object, property) in [
            ("analog-input:1", "present-value"),
            ("calendar:1", "present-value"),
            ("schedule:1", "present-value"),
            ("loop:1", "present-value"),
            ("analog-output:1", "priority-array[8]"),
            ("analog-output:1", "priority-array[0]"),
            ("multi-state-input:1", "state-text[1]"),
            ("device:1", "76[0]"),
            ("analog-input:1", "high-limit"),
            ("device:1", "firmware-revision"),
            ("150:1", "present-value"),
            ("150:1", "present-value[3]"),
            ("analog-input:1", "5001"),
            ("analog-input:1", "5001[2]"),
        ] {
            assert_eq!(told(object, property), None, "{object} {property}");
        }
    }
}
