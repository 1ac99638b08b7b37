//! Values that TOML has no type for: durations, sizes, dates, versions. Each is a text with a unit,
//! so that nobody has to know whether a number meant seconds or milliseconds.

use std::fmt;
use std::time::Duration;

/// A version of the contract between gateway and plugin. A plugin runs where the major number is
/// the same and the minor number is not higher than the gateway's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contract {
    /// Raised when something a plugin relied on changed.
    pub major: u16,
    /// Raised when something was added.
    pub minor: u16,
}

impl Contract {
    /// Reads `1.0`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Contract { major: digits(major)?.parse().ok()?, minor: digits(minor)?.parse().ok()? })
    }

    /// Whether a gateway that speaks this contract can run a plugin written for `wanted`.
    pub fn serves(self, wanted: Contract) -> bool {
        self.major == wanted.major && self.minor >= wanted.minor
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then_some(text)
}

/// A number and the unit behind it.
fn split(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim()))
}

/// Reads `500ms`, `1s`, `1.5s`, `5min`, `1h`, `2d`, as every configuration file of Wellhead does.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    let nanos = (number * seconds * 1e9).round();
    (0.0..=1e18).contains(&nanos).then(|| Duration::from_nanos(nanos as u64))
}

/// Reads `512MiB`, `16KiB`, `1GiB`, `1000B` into bytes. Powers of 1000 (`MB`) as well.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let factor = match unit {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = (number * factor).round();
    (0.0..=1e15).contains(&bytes).then_some(bytes as u64)
}

/// Whether a text is a day of the year, `05-15`. 29 February is one.
pub(crate) fn is_date(text: &str) -> bool {
    let Some((month, day)) = two_digits(text, '-') else { return false };
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Whether a text is a time of day, `23:00`, or `24:00` as the end of one.
pub(crate) fn is_time(text: &str) -> bool {
    matches!(two_digits(text, ':'), Some((0..=23, 0..=59) | (24, 0)))
}

fn two_digits(text: &str, between: char) -> Option<(u8, u8)> {
    let (a, b) = text.split_once(between)?;
    let number = |t: &str| digits(t).filter(|t| t.len() == 2)?.parse().ok();
    Some((number(a)?, number(b)?))
}

/// Whether a text is a version by semver.org: `1.2.3`, `1.2.3-rc.1`, `1.2.3+build`.
pub(crate) fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(t, b)| (t, Some(b)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(t, p)| (t, Some(p)));
    let number = |t: &str| {
        digits(t).is_some_and(|t| t.parse::<u64>().is_ok() && (t == "0" || !t.starts_with('0')))
    };
    let word = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|p| p.split('.').all(|w| word(w) && (digits(w).is_none() || number(w))))
        && build.is_none_or(|b| b.split('.').all(word))
}

/// Longest name of a plugin, role, parameter or value.
const NAME_LEN_MAX: usize = 40;

/// Whether a text can be a name; `joint` is what joins its words.
pub(crate) fn is_name(text: &str, joint: char) -> bool {
    text.len() <= NAME_LEN_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_need_their_unit() {
        assert_eq!(duration("1.5min"), Some(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        for wrong in
            ["", "5", "5 m", "s", "-5s", "five s", "1e3s", "999999999d", "1..5s", "1.2.3s", "٣s"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
        assert_eq!(duration("1.5 s"), Some(Duration::from_millis(1500)));
        assert_eq!(size("4MiB"), Some(4 << 20));
        assert_eq!(size("1MB"), Some(1_000_000));
        for wrong in ["4", "1M", "-1B", "4TB", "9999999999999999MiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_real_days_and_times_are_read() {
        for date in ["01-01", "02-29", "04-30", "12-31"] {
            assert!(is_date(date), "{date}");
        }
        for wrong in ["", "1-1", "02-30", "04-31", "13-01", "00-10", "05-00", "05/15", "05-015"] {
            assert!(!is_date(wrong), "{wrong}");
        }
        for time in ["00:00", "23:59", "24:00"] {
            assert!(is_time(time), "{time}");
        }
        for wrong in ["", "7:00", "24:01", "12:60", "+1:00", "12.00"] {
            assert!(!is_time(wrong), "{wrong}");
        }
    }

    #[test]
    fn versions_are_those_of_semver() {
        for version in ["0.1.0", "1.2.3-rc.1", "1.0.0-alpha+001", "10.20.30"] {
            assert!(is_version(version), "{version}");
        }
        for wrong in ["", "1", "1.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "v1.0.0", "1.0.x"] {
            assert!(!is_version(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_contract_serves_its_own_and_lower_minors() {
        let contract = Contract::parse("1.2").unwrap();
        assert_eq!(contract.to_string(), "1.2");
        for (wanted, served) in [("1.2", true), ("1.0", true), ("1.3", false), ("2.0", false)] {
            assert_eq!(contract.serves(Contract::parse(wanted).unwrap()), served, "{wanted}");
        }
        for wrong in ["1", "1.", "+1.0", "1.0.0", "one"] {
            assert_eq!(Contract::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_short_lower_case_words() {
        assert!(is_name("borehole-recharge", '-') && is_name("max_entering2", '_'));
        for wrong in ["", "Recharge", "2nd", "a b", "snake_case", "é", &"x".repeat(41)] {
            assert!(!is_name(wrong, '-'), "{wrong}");
        }
    }
}
