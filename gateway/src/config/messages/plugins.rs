//! Plugins.

use super::{Said, near_or_known};
use crate::config::problem::Problem;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    of_packages(problem).or_else(|| of_roles(problem))
}

fn of_packages(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::NoPackage => say!(
            "which plugin this is stands nowhere", "没有写明是哪个插件";
            "give `package`, the name of an installed plugin, or `path`, the folder of one under development",
            "写 `package`（已安装插件的名称）或 `path`（开发中插件的文件夹）"
        ),
        P::PackageAndPath => {
            say!("give `package` or `path`, not both", "`package` 和 `path` 只能写一个")
        }
        P::UnknownPackage { got, near, searched } => (
            both!(
                "there is no plugin `{got}`; searched: {searched}",
                "没有插件 `{got}`；查找位置：{searched}"
            ),
            Some(match near {
                Some(near) => both!("did you mean `{near}`?", "是不是 `{near}`？"),
                None => both!(
                    "install it with `wellhead plugin install FILE.whp`",
                    "用 `wellhead plugin install 文件.whp` 安装"
                ),
            }),
        ),
        P::BadPackage { got, error, error_zh } => {
            say!("{got} can't be used: {error}", "{got} 无法使用：{error_zh}")
        }
        P::NotBuilt { folder, file } => say!(
            "the plugin is not built and will not run: there is no {file}",
            "插件尚未构建，无法运行：没有 {file}";
            "build it: wellhead plugin build {folder}", "请先构建：wellhead plugin build {folder}"
        ),
        P::LapsesBetweenCalls { ttl, period } => say!(
            "what it writes lapses after {ttl}, and it is called every {period}: its outputs fall back to safe in between",
            "其写入值在 {ttl} 后失效，而每 {period} 才调用一次：其间输出回到安全值";
            "a value may hold for 15min at most: give the plugin a shorter `period`, or a longer `ttl` within that",
            "写入值最多保持 15min：请缩短插件的 `period`，或在此范围内加长 `ttl`"
        ),
        P::PluginNamedAsDevice => say!(
            "a device has this id already", "已有设备使用此标识";
            "what a plugin publishes stands under its id like the points of a device; choose another",
            "插件发布的值以其标识为设备名；请换一个标识"
        ),
        P::SlotNotForPlugins { got } => say!(
            "slot {got} is not for plugins", "优先级 {got} 不供插件使用";
            "1 and 2 are for safety, 6 for minimum times, 8 for operators; take 14, or 5 for protection",
            "1、2 用于安全，6 用于最短运行/停机时间，8 用于操作员；一般用 14，保护类用 5"
        ),
        P::ParameterWrong { key, message, hint } => {
            let (en, zh) = &**message;
            (both!("parameter `{key}`: {en}", "参数 `{key}`：{zh}"), Option::clone(hint))
        }
        P::GrantTooSmall { what, asks } => say!(
            "the plugin asks for more {what} than this grants: {asks}",
            "插件要求的 {what}（{asks}）多于此处所给";
            "grant it with `{what} = \"{asks}\"`, or do not run this plugin",
            "写 `{what} = \"{asks}\"` 放行，或不运行此插件"
        ),
        _ => return None,
    })
}

fn of_roles(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::UnknownRole { got, near, known } => (
            both!("the plugin has no role `{got}`", "插件没有角色 `{got}`"),
            Some(near_or_known(near, known)),
        ),
        P::RoleMissing { role, title, title_zh } => say!(
            "the plugin needs a point for its role `{role}` ({title})",
            "插件的角色 `{role}`（{title_zh}）必须绑定点位";
            "add `{role} = \"device/point\"` to its roles",
            "在其角色中加上 `{role} = \"设备/点位\"`"
        ),
        P::RoleTooMany { role, most, got } => say!(
            "the role `{role}` takes {most} points at most, not {got}",
            "角色 `{role}` 最多绑定 {most} 个点位，而不是 {got} 个"
        ),
        P::BadPointName { got } => say!(
            "`{got}` is not the name of a point", "`{got}` 不是点位名";
            "write device and point: \"heat-pump-1/leaving_temp\"",
            "写成 设备/点位：\"heat-pump-1/leaving_temp\""
        ),
        P::OwnValue { got } => {
            say!("`{got}` is published by this very plugin", "`{got}` 由此插件自己发布")
        }
        P::RoleShape { point, got, role, wants } => say!(
            "{point} is {got}, the role `{role}` wants {wants}",
            "{point} 的类型是 {got}，角色 `{role}` 要求 {wants}"
        ),
        P::RoleUnit { point, got, role, wants } => say!(
            "{point} is in {got}, which does not convert to the {wants} of the role `{role}`",
            "{point} 的单位 {got} 无法换算为角色 `{role}` 的 {wants}"
        ),
        P::RoleUnitMissing { point, role, wants } => say!(
            "{point} has no unit here, and the role `{role}` wants {wants}",
            "{point} 没有单位，而角色 `{role}` 要求 {wants}";
            "give the point its `unit`; what its device tells at run time comes too late",
            "请为该点写 `unit`；设备运行时报告的单位来得太晚"
        ),
        P::RoleReadOnly { point } => say!(
            "the plugin wants to write {point}, which is no output", "插件要写 {point}，但它不是输出";
            "give the point an [….output] table in this site if it may be written",
            "若允许写入，请在本站点中为该点位写 [….output] 表"
        ),
        P::OutputTaken { point, other } => say!(
            "{point} is written by {other} already", "{point} 已由 {other} 写入";
            "an output has one master; let one plugin ask the other by what it publishes",
            "一个输出只能有一个主控；让一个插件通过其发布的值向另一个提出请求"
        ),
        _ => return None,
    })
}
