//! What other systems may ask of the gateway.

use super::Said;
use crate::config::problem::Problem;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::ServerOnLine { line } => say!(
            "line `{line}` uses this port already", "线路 `{line}` 已经使用此端口";
            "give the line another one, as \"0.0.0.0:47809\": devices answer to the port that asks",
            "请给该线路换一个端口，例如 \"0.0.0.0:47809\"：设备会答复到提问的端口"
        ),
        P::ServerOnMetrics { metrics } => say!(
            "the metrics page listens on this port already, at {metrics}",
            "指标页已经使用此端口：{metrics}";
            "give one of the two another port", "请给其中之一换一个端口"
        ),
        P::NotCommandable { got } => say!(
            "`{got}` holds text or counts, which BACnet cannot command",
            "`{got}` 是文本或计数器，BACnet 无法控制"
        ),
        P::NotAnObject { got } => say!(
            "`{got}` may be commanded, but is not among `points`",
            "`{got}` 允许控制，但不在 `points` 中";
            "add it at the end of `points`", "请把它加到 `points` 末尾"
        ),
        P::SameObjectName { name } => say!(
            "two objects would be named `{name}`", "有两个对象同名：`{name}`";
            "list each point once; where two have one title, use `names = \"id\"`",
            "每个点位只列一次；若标题相同，请使用 `names = \"id\"`"
        ),
        P::BadBind { got } => say!(
            "`{got}` is not an address with a port", "`{got}` 不是带端口的地址";
            "write \"192.168.1.10:1502\", or \"0.0.0.0:1502\" for every network of this machine",
            "写成 \"192.168.1.10:1502\"；要在本机所有网络上监听，写 \"0.0.0.0:1502\""
        ),
        P::CommandsOff => say!(
            "other systems may write here, but the site takes no commands",
            "这里允许其他系统写入，但本站点未开启控制";
            "set `commands = true` in [gateway], or take this out",
            "在 [gateway] 中设置 `commands = true`，或删去此处"
        ),
        P::EmptyMap => say!(
            "this map shows no point", "此寄存器表没有任何点";
            "add [server.modbus.map.\"device/point\"] with its address and type",
            "请添加 [server.modbus.map.\"设备/点位\"]，并写明地址和类型"
        ),
        P::RegisterKind { point, register } => say!(
            "the point holds {point}, which \"{register}\" can't show",
            "该点的类型是 {point}，\"{register}\" 无法表示";
            "states, true and false go into whole numbers and bits, texts into \"text\"",
            "状态和布尔值用整数类型或位，文本用 \"text\""
        ),
        P::RegisterOverlap { at, other, free } => say!(
            "address {at} is taken by `{other}`", "地址 {at} 已被 `{other}` 占用";
            "the next free address is {free}", "下一个空闲地址是 {free}"
        ),
        _ => return None,
    })
}
