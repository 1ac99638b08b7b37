//! Points.

use super::Said;
use crate::config::problem::Problem;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::NoAddress => say!(
            "this point has no address", "此点没有地址";
            "give `holding`, `input`, `coil` or `discrete`, counted from 0",
            "请写 `holding`、`input`、`coil` 或 `discrete`，从 0 起算"
        ),
        P::NoObjectType { object } => say!(
            "what {object} holds is not known before it is read", "读取之前无法得知 {object} 的类型";
            "give `type`: \"bool\", \"i32\", \"f64\" or \"text\"",
            "请写 `type`：\"bool\"、\"i32\"、\"f64\" 或 \"text\""
        ),
        P::NoPlace { key, example } => say!(
            "this point does not say what it reads", "此点没有写明读取什么";
            "give `{key} = {example}`", "例如 `{key} = {example}`"
        ),
        P::SeveralAddresses => say!(
            "a point has one address, this one has several",
            "一个点只能有一个地址，此处有多个"
        ),
        P::NoType => say!(
            "this point does not say its `type`", "此点没有写明 `type`";
            "a temperature is mostly \"i16\" with `scale = 0.1`; see the device's manual",
            "温度多为 \"i16\" 加 `scale = 0.1`；请查阅设备手册"
        ),
        P::CountedFromOne { key, got, meant } => say!(
            "{got} looks like a number of the manual; addresses are counted from 0 here",
            "{got} 像是手册中的编号；此处的地址从 0 起算";
            "{got} in the manual is `{key} = {meant}`", "手册中的 {got} 应写作 `{key} = {meant}`"
        ),
        P::BitTableType => say!(
            "coils and discrete inputs hold single bits", "线圈和离散输入只保存单个位";
            "leave `type` out, or say \"bool\"", "删去 `type`，或写 \"bool\""
        ),
        P::BitKey { key } => say!(
            "`{key}` is about registers, and this is a coil or discrete input",
            "`{key}` 只适用于寄存器，而此处是线圈或离散输入"; "take it out", "请删去"
        ),
        P::BitsOrder => say!(
            "the lowest bit comes first", "应先写最低位"; "write `bits = [4, 7]`", "例如 `bits = [4, 7]`"
        ),
        P::BitsAndBit => say!("`bit` and `bits` exclude each other", "`bit` 与 `bits` 只能写一个"),
        P::BitType => say!(
            "`bit` and `bits` take one register apart; leave `type` out (or say \"bool\" with `bit`, \"u16\" with `bits`)",
            "`bit` 与 `bits` 用于拆分一个寄存器；请删去 `type`（或 `bit` 配 \"bool\"，`bits` 配 \"u16\"）"
        ),
        P::LengthMissing { kind } => say!(
            "\"{kind}\" needs `length`, its number of registers",
            "\"{kind}\" 需要 `length`，即寄存器个数"
        ),
        P::LengthNotTaken { kind } => say!(
            "the length of \"{kind}\" is fixed", "\"{kind}\" 的长度是固定的"; "take `length` out", "请删去 `length`"
        ),
        P::LengthTooLong { kind, max } => {
            say!("\"{kind}\" has at most {max} registers", "\"{kind}\" 最多 {max} 个寄存器")
        }
        P::BeyondAddresses { last } => say!(
            "the value would end at address {last}, and the last there is is 65535",
            "该值的末地址为 {last}，而最大地址是 65535"
        ),
        P::TooWideForOneRead { width, most } => say!(
            "the value takes {width} registers, and one read has at most {most}",
            "该值占 {width} 个寄存器，而一次读取最多 {most} 个";
            "a value read in two parts may be torn; raise `registers_max` of the device",
            "分两次读取的值可能不一致；请增大设备的 `registers_max`"
        ),
        P::ScaleZero => say!("a scale of 0 makes every value the same", "系数为 0 会使所有值相同"),
        P::NotForKind { key, kind } => say!(
            "`{key}` has no meaning for a {kind} point", "`{key}` 不适用于 {kind} 类型的点"; "take it out", "请删去"
        ),
        P::RangeOrder => {
            say!("the smaller number comes first, and they differ", "应先写较小的数，且两者不同")
        }
        P::StateCode { got } => say!(
            "the key `{got}` of a state is not a whole number", "状态的键 `{got}` 不是整数";
            "numbers left, names right: states = {{ 0 = \"off\", 1 = \"on\" }}",
            "左边是数字，右边是名称：states = {{ 0 = \"off\", 1 = \"on\" }}"
        ),
        P::StateTwice { name } => say!("two states are called `{name}`", "有两个状态都叫 `{name}`"),
        P::StateImpossible { code, kind } => {
            say!("\"{kind}\" never holds {code}", "\"{kind}\" 不可能出现 {code}")
        }
        P::NoSensorImpossible { got, kind, instead } => (
            both!("\"{kind}\" never holds {got}", "\"{kind}\" 不可能出现 {got}"),
            instead.map(|i| both!("the same bits are {i} there", "同样的位在该类型中是 {i}")),
        ),
        P::RolloverNotCounter => say!(
            "only a counter rolls over", "只有累计量才会翻转"; "say `class = \"counter\"`", "请写 `class = \"counter\"`"
        ),
        P::NotPositive { got } => say!("{got} is not a positive number", "{got} 不是正数"),
        P::ReportOrder => {
            say!("`report_max` is shorter than `report_min`", "`report_max` 短于 `report_min`")
        }
        P::StaleTooSoon { poll } => say!(
            "the point is read every {poll} and would be stale before that",
            "该点每 {poll} 读取一次，在此之前就会变为过期";
            "make `stale_after` at least twice `poll`", "`stale_after` 至少为 `poll` 的两倍"
        ),
        P::NoUnit => say!(
            "nobody can tell what this number is measured in", "无法得知此数值的单位";
            "give `unit`; \"1\" is a plain ratio, \"count\" a number of things",
            "请写 `unit`；\"1\" 表示比值，\"count\" 表示个数"
        ),
        _ => return None,
    })
}
