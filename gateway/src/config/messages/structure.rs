//! Files, syntax and structure.

use super::{Said, near_or_known};
use crate::config::problem::Problem;
use wellhead_model::IdError;

pub(super) fn said(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::Unreadable { file, error } => {
            say!("can't read {file}: {error}", "无法读取 {file}：{error}")
        }
        P::NotUtf8 { line, encoding } => say!(
            "line {line} is not UTF-8 ({encoding}?)", "第 {line} 行不是 UTF-8（可能是 {encoding}）";
            "save the file as UTF-8", "请将文件另存为 UTF-8 编码"
        ),
        P::TooLarge { file, limit } => {
            say!("{file} is larger than {limit}", "{file} 超过 {limit}")
        }
        P::NoFiles { folder } => say!("no *.toml in {folder}", "{folder} 中没有 *.toml 文件"),
        P::Syntax { message } => say!("not TOML: {message}", "不符合 TOML 语法：{message}"),
        P::LookAlike { got, meant: ' ' } => {
            let code = format!("U+{:04X}", u32::from(*got));
            say!("this space ({code}) is none that TOML knows", "此空格（{code}）不是半角空格";
                "type a plain space", "请输入半角空格")
        }
        P::LookAlike { got, meant } => say!(
            "full-width or typographic `{got}`", "全角或排版符号 `{got}`";
            "type `{meant}`", "请输入半角 `{meant}`"
        ),
        P::GivenTwice { key, first } => say!(
            "`{key}` is given twice, first in {first}",
            "`{key}` 重复出现，首次出现在 {first}";
            "each device, line and uplink stands in one file",
            "每个设备、线路和上行只能写在一个文件里"
        ),
        P::UnknownKey { key, near, known } => (
            both!("there is no key `{key}` here", "此处没有键 `{key}`"),
            Some(near_or_known(near, known)),
        ),
        P::PasswordInFile => say!(
            "a password never stands in the configuration", "配置文件中不得出现密码";
            "put it in a file and give `password_file`, or name an environment variable with `password_env`",
            "把密码放进单独的文件并写 `password_file`，或用 `password_env` 指定环境变量"
        ),
        P::Missing { key } if key == "ca" => say!(
            "`{key}` is missing", "缺少 `{key}`";
            "name the PEM file of the authority that signed the broker's certificate",
            "请指定签发服务器证书的机构的 PEM 文件"
        ),
        P::Missing { key } => say!("`{key}` is missing", "缺少 `{key}`"),
        P::WrongType { expected, got, instead } => {
            let ((want, want_zh), (is, is_zh)) = (expected.words(), got.words());
            let hint = instead.as_ref().map(|i| both!("write {i}", "应写成 {i}"));
            (both!("this must be {want}, not {is}", "此处应为{want_zh}，而不是{is_zh}"), hint)
        }
        P::UnknownWord { got, near, known } => (
            both!("`{got}` is not one of: {known}", "`{got}` 不在可选值之中：{known}"),
            near.as_ref().map(|n| both!("did you mean `{n}`?", "是不是 `{n}`？")),
        ),
        P::OutOfRange { got, min: Some(min), max: Some(max) } => {
            say!("{got} is outside {min} to {max}", "{got} 超出范围 {min} 到 {max}")
        }
        P::OutOfRange { got, min, max } => match (min, max) {
            (Some(m), _) => say!("{got} is less than {m}", "{got} 小于 {m}"),
            (_, Some(m)) => say!("{got} is more than {m}", "{got} 大于 {m}"),
            _ => say!("{got} is out of range", "{got} 超出范围"),
        },
        P::OutOfTextRange { got, min, max } => {
            say!("{got} is outside {min} to {max}", "{got} 超出范围 {min} 到 {max}")
        }
        P::NotAbove { got, limit } => say!("{got} is not above {limit}", "{got} 必须大于 {limit}"),
        P::NotFinite => say!("this must be a finite number", "此处必须是有限的数"),
        P::NumberTooLong { got } => {
            say!("{got} is more than a whole number holds here", "{got} 超出整数的范围")
        }
        P::Empty => say!(
            "this must not be empty", "此处不能为空";
            "give it, or take the key out", "请填写，或删去此键"
        ),
        P::ListLength { expected, got } => say!(
            "this list has {expected} entries, not {got}",
            "此列表应有 {expected} 项，而不是 {got} 项"
        ),
        P::BadDuration { got } => say!(
            "`{got}` is not a duration", "`{got}` 不是时长";
            "write a number and its unit: \"500ms\", \"1s\", \"5min\", \"1h\", \"2d\"",
            "写成数字加单位：\"500ms\"、\"1s\"、\"5min\"、\"1h\"、\"2d\""
        ),
        P::BadSize { got } => say!(
            "`{got}` is not a size", "`{got}` 不是容量";
            "write a number and its unit: \"64KiB\", \"512MiB\", \"2GiB\"",
            "写成数字加单位：\"64KiB\"、\"512MiB\"、\"2GiB\""
        ),
        P::BadId { error } => {
            let zh = match error {
                IdError::Empty => "标识不能为空".to_owned(),
                IdError::TooLong(n) => format!("标识最多 64 个字符，此处有 {n} 个"),
                IdError::Character(c) => {
                    format!("标识中不能有 `{c}`；只用 a-z、0-9、`_`、`-` 和 `.`")
                }
            };
            let hint = both!(
                "an id stands in topics; texts for people go to `title` and `title_zh`",
                "标识会出现在主题中；给人看的名称请写在 `title` 和 `title_zh`"
            );
            ((error.to_string(), zh), Some(hint))
        }
        P::UnknownUnit { got, near, known } => (
            both!("`{got}` is not a known unit", "未知的单位 `{got}`"),
            Some(near_or_known(near, known)),
        ),
        _ => return None,
    })
}
