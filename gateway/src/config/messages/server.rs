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
        P::CommandsOff => say!(
            "points are listed for commands, but the site takes none",
            "列出了可控制的点位，但本站点未开启控制";
            "set `commands = true` in [gateway], or take the list out",
            "在 [gateway] 中设置 `commands = true`，或删去此列表"
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
        _ => return None,
    })
}
