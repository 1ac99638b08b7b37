//! Mistakes in a specification that its texts alone don't show.

use super::held;
use crate::{DeviceAddress, DeviceSpec, Property};
use std::time::Duration;

/// A mistake in a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecProblem {
    /// Which point, by its id; `None` for the device itself.
    pub point: Option<String>,
    /// Which key.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

/// Checks a device's specification.
pub fn check(spec: &DeviceSpec) -> Vec<SpecProblem> {
    let mut problems = Vec::new();
    let mut device = |key, message: String, message_zh: String| {
        problems.push(SpecProblem { point: None, key, message, message_zh });
    };
    if spec.instance > 4_194_302 {
        let message = format!("{} is no device instance; 0 to 4194302 are", spec.instance);
        device(
            "instance",
            message,
            format!("设备实例号应为 0 到 4194302，不能是 {}", spec.instance),
        );
    }
    if let Some(DeviceAddress::Routed { network, mac, .. }) = &spec.address {
        if !(1..=65534).contains(network) {
            let message = format!("{network} is no network number; 1 to 65534 are");
            device("network", message, format!("网络号应为 1 到 65534，不能是 {network}"));
        }
        if !(1..=7).contains(&mac.len()) {
            let message = "an address behind a router has 1 to 7 bytes, as hex digits".into();
            device("mac", message, "路由器后的地址为 1 到 7 个字节，用十六进制书写".into());
        }
    }
    if spec.properties_max == Some(0) {
        let message = "0 reads nothing; 1 reads each property by itself".into();
        device("properties_max", message, "0 什么也读不到；1 表示逐个读取属性".into());
    }
    if !(1..=128).contains(&spec.timing.in_flight_max) {
        let message = "1 to 128 requests can be on their way at once".into();
        device("in_flight_max", message, "同时在途的请求可为 1 到 128 个".into());
    }
    for point in &spec.points {
        let mut problem = |key, message: String, message_zh: String| {
            let point = Some(point.name.clone());
            problems.push(SpecProblem { point, key, message, message_zh });
        };
        if point.priority.is_some_and(|p| !(1..=16).contains(&p)) {
            let message = "priorities are 1 (highest) to 16".into();
            problem("priority", message, "优先级为 1（最高）到 16".into());
        }
        let (object, property) = (point.object, point.property);
        if let Some((why, why_zh)) = held::why_not(object, property) {
            let named = property == Property::PRESENT_VALUE;
            let key = if named { "object" } else { "property" };
            let what = format!("`{property}` of `{object}` can't be a point");
            let what_zh = format!("`{object}` 的 `{property}` 不能作为点位");
            problem(key, format!("{what}: {why}"), format!("{what_zh}：{why_zh}"));
        }
        let Some(cov) = &point.cov else { continue };
        if cov.increment.is_some_and(|i| !i.is_finite() || i <= 0.0) {
            let message = "the smallest change that is notified is more than 0".into();
            problem("increment", message, "通知的最小变化量应大于 0".into());
        }
        // Renewed at half of its time, by a poll.
        let shortest = point.period.saturating_mul(2).max(Duration::from_secs(2));
        if cov.lifetime < shortest {
            let seconds = shortest.as_secs_f64();
            let message =
                format!("a subscription lasts at least two periods of the point, {seconds} s");
            let zh = format!("订阅的有效期至少为该点周期的两倍，即 {seconds} s");
            problem("lifetime", message, zh);
        }
        if cov.check < point.period {
            let message = "the check against lost notifications is no faster than the period \
                           that it stands in for";
            problem("check", message.into(), "防漏通知的核对不应快于它所代替的周期".into());
        }
    }
    problems
}
