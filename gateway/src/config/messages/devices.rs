//! Devices.

use super::{Said, near_or_known};
use crate::config::problem::Problem;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::UnknownLine { got, near, known } => (
            both!("there is no line `{got}`", "没有线路 `{got}`"),
            Some(near_or_known(near, known)),
        ),
        P::UnknownProfile { got, near, searched } => (
            both!("there is no profile `{got}`", "没有设备模板 `{got}`"),
            Some(match near {
                Some(n) => both!("did you mean `{n}`?", "是不是 `{n}`？"),
                None if searched.is_empty() => both!(
                    "name the folder of your profiles in `gateway.profiles`",
                    "请在 `gateway.profiles` 中指定模板文件夹"
                ),
                None => both!("searched: {searched}", "已查找：{searched}"),
            }),
        ),
        P::ProfileName { got, file } => say!(
            "the profile calls itself `{got}`, but is found as `{file}`",
            "模板自称 `{got}`，文件名却是 `{file}`";
            "give file and profile the same name", "文件名与模板标识应一致"
        ),
        P::ProfileUnsourced { keys } => say!(
            "the profile does not say its {keys}",
            "模板没有写明 {keys}";
            "name what the register map was taken from, or say `generic = true`",
            "请写明寄存器表的出处；若为通用模板请写 `generic = true`"
        ),
        P::SameUnit { unit, other } => say!(
            "device `{other}` on the same line has unit {unit} already",
            "同一线路上的设备 `{other}` 已使用单元号 {unit}";
            "set another address on the device, or put it on another line",
            "请在设备上改地址，或换一条线路"
        ),
        P::UnitOnLine { unit } => say!(
            "there is no unit {unit} on this line",
            "此线路上没有单元号 {unit}";
            "units are 1 to 247; 0 is broadcast, and 255 a Modbus TCP device without units",
            "单元号为 1 到 247；0 为广播，255 用于不分单元号的 Modbus TCP 设备"
        ),
        P::UnitOfAll => say!(
            "unit 0 is broadcast, which nobody answers: nothing of this device would be read",
            "单元号 0 为广播，没有设备应答：此设备的任何点都不会被读取";
            "give the unit that is set on the device, 1 to 247; a Modbus TCP device without units is 255, some want 1",
            "请写设备上设定的单元号 1 到 247；不分单元号的 Modbus TCP 设备用 255，有的用 1"
        ),
        P::SameStation { key, got, other } => say!(
            "device `{other}` on the same line has `{key}` {got} already",
            "同一线路上的设备 `{other}` 已使用 `{key}` {got}";
            "give each its own, or put it on another line",
            "请使用不同的值，或换一条线路"
        ),
        P::SameStationElsewhere { key, got, other } => say!(
            "device `{other}` has `{key}` {got} at the same address, through another line",
            "设备 `{other}` 经另一条线路在同一地址使用 `{key}` {got}";
            "it is one device in the field: make it one here too",
            "它们在现场是同一台设备：请合并为一个"
        ),
        P::ProtocolOnLine { line, got, known } => say!(
            "a {line} line does not carry {got}", "{line} 线路不支持 {got}";
            "it carries: {known}", "可用的有：{known}"
        ),
        P::ProtocolMissing { known } => say!(
            "what this device speaks is not said", "没有写明此设备的协议";
            "give `protocol`, one of: {known}", "请写 `protocol`，可选：{known}"
        ),
        P::KeyOfOtherProtocol { key, protocol, of } => say!(
            "`{key}` says nothing about a device of {protocol}",
            "`{key}` 不适用于 {protocol} 设备";
            "it belongs to {of}; take it out, or give the device its `protocol`",
            "它属于 {of}；请删去，或为设备写明 `protocol`"
        ),
        P::BadText { key, got, message } => {
            ((message.clone(), format!("`{key}` 无法识别 `{got}`：{message}")), None)
        }
        P::Refused { message, message_zh } => ((message.clone(), message_zh.clone()), None),
        P::NoPoints => say!(
            "this device has no points", "此设备没有任何点";
            "name a `profile`, or add a [device.….point.…]",
            "请指定 `profile`，或添加 [device.….point.…]"
        ),
        P::NoSuchPoint { got, near } => (
            both!("the device has no point `{got}`", "设备没有点 `{got}`"),
            near.as_ref().map(|n| both!("did you mean `{n}`?", "是不是 `{n}`？")),
        ),
        P::BackoffOrder => say!(
            "`backoff_max` is shorter than `backoff_first`",
            "`backoff_max` 短于 `backoff_first`"
        ),
        P::Plan { message, hint } => {
            say!("{message}", "Modbus 规划：{message}"; "{hint}", "{hint}")
        }
        P::Unfit { message } => say!("this can't be read: {message}", "无法识别：{message}"),
        _ => return None,
    })
}
