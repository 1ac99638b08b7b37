//! How far a sample can be trusted, and why not further.

use std::fmt;

/// Why a value is missing or doubtful. [`Reason::code`] is what stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No poll has ended yet since the start.
    NotPolled,
    /// The port, socket or network to the device can't be opened.
    Unreachable,
    /// The device was asked and did not answer in time.
    NoReply,
    /// An answer came that can't belong to the question, or failed its check.
    BadReply,
    /// The device refused: it has no such address.
    IllegalAddress,
    /// The device refused for another reason; the number is its own code.
    Refused(u8),
    /// The device reports itself busy or failed (Modbus exceptions 4, 5, 6, 8 and 10).
    DeviceFailure(u8),
    /// The device says that its own sensor or object is at fault; the number is its own code
    /// (BACnet reliability; 0 if it gives none).
    Faulty(u8),
    /// The value that this device sends when no sensor is connected.
    NoSensor,
    /// Not a number, or infinite.
    NotANumber,
    /// Outside the limits configured as physically possible.
    OutOfRange,
    /// Digits that are no digits, text that is no text.
    Undecodable,
    /// A state number that the profile has no name for.
    UnknownState,
    /// No good read for longer than the point's `stale_after`.
    Aged,
    /// The device says that the value is not its own measurement.
    OutOfService,
    /// Computed from what is left of its inputs, not from all of them.
    Estimated,
    /// What computes it has no value for now.
    NotComputed,
}

impl Reason {
    /// Short text for messages and metrics; the set only ever grows.
    pub fn code(self) -> &'static str {
        match self {
            Reason::NotPolled => "not_polled",
            Reason::Unreachable => "unreachable",
            Reason::NoReply => "no_reply",
            Reason::BadReply => "bad_reply",
            Reason::IllegalAddress => "illegal_address",
            Reason::Refused(_) => "refused",
            Reason::DeviceFailure(_) => "device_failure",
            Reason::Faulty(_) => "faulty",
            Reason::NoSensor => "no_sensor",
            Reason::NotANumber => "not_a_number",
            Reason::OutOfRange => "out_of_range",
            Reason::Undecodable => "undecodable",
            Reason::UnknownState => "unknown_state",
            Reason::Aged => "aged",
            Reason::OutOfService => "out_of_service",
            Reason::Estimated => "estimated",
            Reason::NotComputed => "not_computed",
        }
    }
}

impl Reason {
    /// The device's own number, with the reasons that have one.
    pub fn number(self) -> Option<u8> {
        match self {
            Reason::Refused(c) | Reason::DeviceFailure(c) | Reason::Faulty(c) => Some(c),
            _ => None,
        }
    }

    /// What [`Display`](fmt::Display) says, in Chinese, for people.
    pub fn text_zh(self) -> String {
        let text = match self {
            Reason::NotPolled => "尚未读取",
            Reason::Unreachable => "无法连接",
            Reason::NoReply => "无应答",
            Reason::BadReply => "应答错误",
            Reason::IllegalAddress => "地址不存在",
            Reason::Refused(_) => "设备拒绝",
            Reason::DeviceFailure(_) => "设备故障",
            Reason::Faulty(_) => "设备自报故障",
            Reason::NoSensor => "未接传感器",
            Reason::NotANumber => "非数值",
            Reason::OutOfRange => "超出范围",
            Reason::Undecodable => "无法解码",
            Reason::UnknownState => "未知状态",
            Reason::Aged => "数据过期",
            Reason::OutOfService => "退出服务",
            Reason::Estimated => "估算",
            Reason::NotComputed => "未计算",
        };
        match self.number() {
            Some(number) => format!("{text}（{number}）"),
            None => text.to_owned(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => write!(f, "{} ({number})", self.code()),
            None => f.write_str(self.code()),
        }
    }
}

/// How good a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// Read from the device just now and believed.
    Good,
    /// Has a value, with a caveat.
    Uncertain(Reason),
    /// Had a value once; the last good read is too long ago.
    Stale(Reason),
    /// No value.
    Bad(Reason),
    /// Set by hand in place of the device's, by an operator or at the device itself.
    Manual,
}

impl Quality {
    /// The word on the wire: `good`, `uncertain`, `stale`, `bad` or `manual`.
    pub fn word(self) -> &'static str {
        match self {
            Quality::Good => "good",
            Quality::Uncertain(_) => "uncertain",
            Quality::Stale(_) => "stale",
            Quality::Bad(_) => "bad",
            Quality::Manual => "manual",
        }
    }

    /// Why it is not simply good.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Quality::Good | Quality::Manual => None,
            Quality::Uncertain(r) | Quality::Stale(r) | Quality::Bad(r) => Some(r),
        }
    }

    /// Whether a sample of this quality carries a value.
    pub fn has_value(self) -> bool {
        matches!(self, Quality::Good | Quality::Uncertain(_) | Quality::Manual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Subscribers and alarm rules match these words: changing one breaks them in silence.
    #[test]
    fn the_words_on_the_wire_stay_what_they_are() {
        let reasons = [
            (Reason::NotPolled, "not_polled"),
            (Reason::Unreachable, "unreachable"),
            (Reason::NoReply, "no_reply"),
            (Reason::BadReply, "bad_reply"),
            (Reason::IllegalAddress, "illegal_address"),
            (Reason::Refused(7), "refused (7)"),
            (Reason::DeviceFailure(4), "device_failure (4)"),
            (Reason::Faulty(12), "faulty (12)"),
            (Reason::NoSensor, "no_sensor"),
            (Reason::NotANumber, "not_a_number"),
            (Reason::OutOfRange, "out_of_range"),
            (Reason::Undecodable, "undecodable"),
            (Reason::UnknownState, "unknown_state"),
            (Reason::Aged, "aged"),
            (Reason::OutOfService, "out_of_service"),
            (Reason::Estimated, "estimated"),
            (Reason::NotComputed, "not_computed"),
        ];
        let mut in_chinese = std::collections::BTreeSet::new();
        for (reason, text) in reasons {
            assert_eq!(reason.to_string(), text);
            assert_eq!(text.split(' ').next(), Some(reason.code()));
            // People who read Chinese must be able to tell them apart as well.
            let zh = reason.text_zh();
            let number = reason.number().map(|n| format!("（{n}）")).unwrap_or_default();
            assert!(zh.ends_with(&number) && !zh.is_ascii(), "{zh}");
            assert!(in_chinese.insert(zh), "{text} has the words of another");
        }
    }

    #[test]
    fn only_what_is_not_simply_good_has_a_reason_and_only_some_a_value() {
        let because = Reason::NoReply;
        for (quality, word, reason, value) in [
            (Quality::Good, "good", None, true),
            (Quality::Uncertain(because), "uncertain", Some(because), true),
            (Quality::Stale(because), "stale", Some(because), false),
            (Quality::Bad(because), "bad", Some(because), false),
            (Quality::Manual, "manual", None, true),
        ] {
            let said = (quality.word(), quality.reason(), quality.has_value());
            assert_eq!(said, (word, reason, value));
        }
    }
}
