//! The texts of `wellhead check`: for each mistake the English and the Chinese message, and a
//! hint in both where there is something to advise.

use super::problem::{Lang, Problem, UrlFault, Words};
use wellhead_model::{IdError, WriteRefusal};

type Pair = (String, String);
type Said = (Pair, Option<Pair>);

/// A text in both languages.
macro_rules! both {
    ($en:literal, $zh:literal) => {
        (format!($en), format!($zh))
    };
}

/// A message, and perhaps a hint, each in both languages.
macro_rules! say {
    ($en:literal, $zh:literal) => {
        (both!($en, $zh), None)
    };
    ($en:literal, $zh:literal; $hint_en:literal, $hint_zh:literal) => {
        (both!($en, $zh), Some(both!($hint_en, $hint_zh)))
    };
}

pub(super) fn words(problem: &Problem, lang: Lang) -> Words {
    let (message, hint) = said(problem);
    let choose = |(en, zh): Pair| if lang == Lang::En { en } else { zh };
    Words { message: choose(message), hint: hint.map(choose) }
}

fn near_or_known(near: &Option<String>, known: &str) -> Pair {
    match near {
        Some(near) => both!("did you mean `{near}`?", "是不是 `{near}`？"),
        None if known.is_empty() => both!("there is none yet", "目前一个也没有"),
        None => both!("there are: {known}", "可用的有：{known}"),
    }
}

fn said(problem: &Problem) -> Said {
    of_structure(problem)
        .or_else(|| of_site(problem))
        .or_else(|| of_devices(problem))
        .or_else(|| of_points(problem))
        .or_else(|| of_outputs(problem))
        .or_else(|| of_plugins(problem))
        .or_else(|| of_interlocks(problem))
        // A test shows that every problem has its text above.
        .unwrap_or_else(|| ((problem.code(), problem.code()), None))
}

fn of_structure(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::Unreadable { file, error } => {
            say!("can't read {file}: {error}", "无法读取 {file}：{error}")
        }
        P::TooLarge { file, limit } => {
            say!("{file} is larger than {limit}", "{file} 超过 {limit}")
        }
        P::NoFiles { folder } => say!("no *.toml in {folder}", "{folder} 中没有 *.toml 文件"),
        P::Syntax { message } => say!("not TOML: {message}", "不符合 TOML 语法：{message}"),
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

fn of_site(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::BadTimezone { got } => say!(
            "`{got}` is not the name of a time zone", "`{got}` 不是时区名称";
            "names are those of the IANA database: \"Asia/Shanghai\", \"Europe/Berlin\", \"UTC\"",
            "使用 IANA 数据库中的名称：\"Asia/Shanghai\"、\"Europe/Berlin\"、\"UTC\""
        ),
        P::BadMetricsAddress { got } => say!(
            "`{got}` is not an address with a port", "`{got}` 不是带端口的地址";
            "write \"127.0.0.1:9464\", or leave `metrics` out to have none",
            "写成 \"127.0.0.1:9464\"；不需要时删去 `metrics`"
        ),
        P::MetricsNotLocal { got } => say!(
            "metrics are for this machine only, and {got} can be reached from others",
            "指标页只限本机访问，而 {got} 可被其他机器访问";
            "use 127.0.0.1 or [::1]; to collect from elsewhere put an agent on this machine",
            "使用 127.0.0.1 或 [::1]；如需远程采集，请在本机运行采集代理"
        ),
        P::BadUrl { got, why } => {
            let (en, zh) = match why {
                UrlFault::Scheme => (
                    "it starts with neither mqtt:// nor mqtts://",
                    "必须以 mqtt:// 或 mqtts:// 开头",
                ),
                UrlFault::Host => ("it names no host", "没有主机名"),
                UrlFault::Port => {
                    ("its port is no number from 1 to 65535", "端口应为 1 到 65535 的整数")
                }
                UrlFault::Path => ("nothing may follow the port", "端口之后不能再有内容"),
            };
            say!("`{got}` is not the address of a broker: {en}", "`{got}` 不是有效的服务器地址：{zh}";
                "write \"mqtts://broker.example:8883\"", "例如 \"mqtts://broker.example:8883\"")
        }
        P::UrlWithPassword => say!(
            "the address must not hold a user name or password", "地址中不得包含用户名或密码";
            "use `username` and `password_file` or `password_env`",
            "请使用 `username` 和 `password_file` 或 `password_env`"
        ),
        P::TwoPasswords => say!(
            "`password_file` and `password_env` exclude each other",
            "`password_file` 与 `password_env` 只能写一个"
        ),
        P::PasswordWithoutUser => {
            say!("there is a password, but no `username`", "有密码却没有 `username`")
        }
        P::TlsKeyWithoutTls { key } => say!(
            "`{key}` has no effect without TLS", "未启用 TLS 时 `{key}` 不起作用";
            "make the address mqtts://…, or take `{key}` out",
            "把地址改为 mqtts://…，或删去 `{key}`"
        ),
        P::CertificateWithoutKey => say!(
            "`client_cert` and `client_key` go together",
            "`client_cert` 与 `client_key` 必须同时给出"
        ),
        P::ReserveTooLarge => {
            say!("the reserve leaves no room in `size_max`", "`reserve` 占满了 `size_max`")
        }
        P::NoDevices => say!("there are no devices", "没有任何设备";
            "add a [device.…]", "请添加 [device.…]"),
        P::NoPort => say!(
            "this line leads nowhere", "此线路没有端口";
            "give `serial = \"/dev/serial/by-id/…\"` or `tcp = \"192.168.1.20:502\"`",
            "请写 `serial = \"/dev/serial/by-id/…\"` 或 `tcp = \"192.168.1.20:502\"`"
        ),
        P::TwoPorts => say!(
            "`serial` and `tcp` exclude each other", "`serial` 与 `tcp` 只能写一个";
            "make two lines of it", "请拆成两条线路"
        ),
        P::KeyOfOtherPort { key, port } => say!(
            "`{key}` says nothing about a {port} line", "`{key}` 不适用于 {port} 线路";
            "take it out", "请删去"
        ),
        P::BadTcpAddress { got } => say!(
            "`{got}` is not a host with a port", "`{got}` 不是带端口的主机";
            "write \"192.168.1.20:502\"; an IPv6 address stands in []: \"[fd00::20]:502\"",
            "例如 \"192.168.1.20:502\"；IPv6 地址写在 [] 中：\"[fd00::20]:502\""
        ),
        P::SamePort { other } => say!(
            "line `{other}` uses this port already", "线路 `{other}` 已经使用此端口";
            "put all devices of one port on one line: only one may talk at a time",
            "同一端口上的设备应放在同一条线路：同一时刻只能有一个主站通信"
        ),
        P::SameAddress { other } => say!(
            "line `{other}` leads to the same address",
            "线路 `{other}` 指向同一地址";
            "devices there can share one line, and one session: many gateways allow few sessions",
            "那里的设备可以共用一条线路和一个会话：许多网关只允许少量会话"
        ),
        P::LineUnused { line } => say!("no device is on line `{line}`", "线路 `{line}` 上没有设备"),
        _ => return None,
    })
}

fn of_devices(problem: &Problem) -> Option<Said> {
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

fn of_points(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::NoAddress => say!(
            "this point has no address", "此点没有地址";
            "give `holding`, `input`, `coil` or `discrete`, counted from 0",
            "请写 `holding`、`input`、`coil` 或 `discrete`，从 0 起算"
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

fn of_plugins(problem: &Problem) -> Option<Said> {
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
        P::BadPackage { got, error } => {
            say!("{got} can't be used: {error}", "{got} 无法使用：{error}")
        }
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
        P::ParameterWrong { problem, hint } => (
            both!("parameter {problem}", "参数 {problem}"),
            hint.as_ref().map(|h| (h.clone(), h.clone())),
        ),
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

fn of_outputs(problem: &Problem) -> Option<Said> {
    use Problem as P;
    Some(match problem {
        P::OutputReadOnly { table } => say!(
            "{table} can't be written", "{table} 不可写"; "only `holding` and `coil` can", "只有 `holding` 和 `coil` 可写"
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
