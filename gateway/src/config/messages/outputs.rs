//! Outputs, interlocks and local contacts.

use super::Said;
use crate::config::problem::Problem;
use wellhead_model::WriteRefusal;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    of_outputs(problem).or_else(|| of_interlocks(problem))
}

fn of_outputs(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::OutputReadOnly { table: table @ ("input" | "discrete") } => say!(
            "{table} can't be written", "{table} 不可写"; "only `holding` and `coil` can", "只有 `holding` 和 `coil` 可写"
        ),
        P::OutputReadOnly { table } => say!("{table} can't be written", "{table} 不可写"),
        P::RelayNotOutput => say!(
            "a relay must be an output", "继电器必须是输出";
            "give the point an `output` table with its `safe` state, or say `as = \"input\"`",
            "请为该点写 `output` 表及其 `safe` 状态，或写 `as = \"input\"`"
        ),
        P::WriteWithReadOnly { table } => say!(
            "`write_with` has no meaning for {table}",
            "`write_with` 不适用于 {table}";
            "only `holding` and `coil` can be written",
            "只有 `holding` 和 `coil` 可写"
        ),
        P::LimitsMissing => say!(
            "a numeric output needs `limits`", "数值型输出必须有 `limits`";
            "write `limits = [30, 55]`, in the point's unit", "例如 `limits = [30, 55]`，单位与该点相同"
        ),
        P::LimitsNotTaken => say!(
            "`limits` are for numbers; this output has states or is a bit",
            "`limits` 只适用于数值；此输出是状态或位"; "take it out", "请删去"
        ),
        P::LimitsUnreachable { got, min, max } => say!(
            "{got} can't be written: the register holds {min} to {max}",
            "{got} 无法写入：寄存器只能容纳 {min} 到 {max}"
        ),
        P::SafeMissing => say!(
            "an output needs `safe`, the value written when its writer is gone",
            "输出必须有 `safe`，即写入方离开后写入的值"
        ),
        P::SafeRefused { refusal } => {
            let zh = match refusal {
                WriteRefusal::NotWritable => "该点不可写".to_owned(),
                WriteRefusal::Kind { expected, got } => {
                    format!("该点的类型是 {expected}，而不是 {got}")
                }
                WriteRefusal::UnknownState { got, known } => {
                    format!("`{got}` 不是该点的状态；它有 {known}")
                }
                WriteRefusal::Limits { got, min, max } => {
                    format!("{got} 超出 {min} 到 {max}")
                }
            };
            let message = (
                format!("the safe value would be refused: {refusal}"),
                format!("安全值会被拒绝：{zh}"),
            );
            (message, None)
        }
        P::RestsOn { key } => say!(
            "`{key}` counts from the safe value, and this one is safe when it is on",
            "`{key}` 从安全值算起，而此输出的安全值为“开”";
            "minimum times are for machines whose safe value is off; take it out",
            "最短启停时间只适用于安全值为“关”的设备；请删去"
        ),
        P::RefreshWears { writes, most, hours } => say!(
            "`refresh` writes this output {writes} times in a year of being on; `writes_per_year_max` is {most}, used up after {hours} h on, and from then on only the safe value is written",
            "`refresh` 使此输出在全年开启时写入 {writes} 次；`writes_per_year_max` 为 {most}，开启 {hours} 小时后用尽，此后只写安全值";
            "allow so many writes if the register does not wear out; if it does, take `refresh` out and look for a watchdog that counts reads",
            "若寄存器无写入寿命限制，请放宽次数；否则请删去 `refresh`，改用以读取计时的看门狗"
        ),
        P::NotGivenBack => say!(
            "this output can't be given back to its device",
            "此输出无法交还给设备";
            "`relinquish` is for the present value of BACnet objects, which know priorities; take it out, then `safe` is written",
            "`relinquish` 只适用于带优先级的 BACnet 对象的 present-value；请删去，届时写入 `safe`"
        ),
        P::WrittenTwice { other } => say!(
            "`{other}` is an output to the same place", "输出 `{other}` 写入同一位置";
            "one place has one output: the limits and the safe value of each would not hold for the other",
            "同一位置只能有一个输出：一个输出的限值和安全值对另一个不起作用"
        ),
        P::NoWatchdog => say!(
            "nothing is said to hold this output when the gateway or the line is gone",
            "没有说明网关或线路中断后由什么来保证此输出";
            "name the device's own protection in `watchdog`: \"communication time-out 60 s, parameter 8-03\"",
            "请在 `watchdog` 中写明设备自身的保护，如 \"通信超时 60 s，参数 8-03\""
        ),
        _ => return None,
    })
}

fn of_interlocks(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::UnknownPoint { got, near } => {
            let hint = match near {
                Some(near) => both!("did you mean `{near}`?", "是不是 `{near}`？"),
                None => both!(
                    "write \"device/point\", as in \"ground-pump/flow_ok\"",
                    "写成 \"设备/点位\"，例如 \"ground-pump/flow_ok\""
                ),
            };
            (both!("there is no point `{got}`", "没有点位 `{got}`"), Some(hint))
        }
        P::NotAnOutput { got } => say!(
            "`{got}` is not an output", "`{got}` 不是输出";
            "give the point its `output` table in this site, or take it out here",
            "请在本站点为该点写 `output` 表，或在此删去"
        ),
        P::NoOutputs => say!("it guards no output", "没有任何受保护的输出"),
        P::LooksAtItself { point } => say!(
            "`{point}` would wait for itself", "`{point}` 会等待自身";
            "an interlock looks at another point: a proof of flow, a valve's end switch",
            "联锁应取自其他点位，例如流量开关或阀门限位"
        ),
        P::SeveralConditions => say!(
            "`is`, `above` and `below` exclude each other",
            "`is`、`above` 与 `below` 只能写一个";
            "make two interlocks of it", "请拆成两个联锁"
        ),
        P::ConditionMissing { kind } => say!(
            "a point that holds {kind} needs a condition", "{kind} 类型的点需要条件";
            "give `above` or `below` for a number, `is` for a state",
            "数值写 `above` 或 `below`，状态写 `is`"
        ),
        P::ConditionNotForKind { key, kind } => say!(
            "`{key}` does not fit a point that holds {kind}", "`{key}` 不适用于 {kind} 类型的点";
            "use `is` for bits and states, `above` or `below` for measured numbers",
            "位和状态用 `is`，测量值用 `above` 或 `below`"
        ),
        P::NotAState { got, known } => say!(
            "the point never shows `{got}`", "该点不会出现 `{got}`";
            "it knows: {known}", "可用的有：{known}"
        ),
        P::LocalWhenMissing { kind } => say!(
            "a point that holds {kind} does not say by itself what local is",
            "{kind} 类型的点本身不能说明就地状态";
            "give `local_when`, what it shows when the device is operated by hand",
            "请写 `local_when`，即设备就地操作时的取值"
        ),
        P::WhenWithoutLocal => say!(
            "`local_when` says nothing without `local`",
            "没有 `local` 时 `local_when` 不起作用"
        ),
        _ => return None,
    })
}
