//! Site, gateway, uplinks and lines.

use super::Said;
use crate::config::problem::{Problem, UrlFault};

pub(super) fn said(problem: &Problem) -> Option<Said> {
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
            "give `serial = \"/dev/serial/by-id/…\"`, `tcp = \"192.168.1.20:502\"`, `bacnet = \"0.0.0.0:47808\"`, `sysfs = \"/sys\"` or `gpio = \"/dev/gpiochip0\"`",
            "请写 `serial = \"/dev/serial/by-id/…\"`、`tcp = \"192.168.1.20:502\"`、`bacnet = \"0.0.0.0:47808\"`、`sysfs = \"/sys\"` 或 `gpio = \"/dev/gpiochip0\"`"
        ),
        P::TwoPorts { first, second } => say!(
            "`{first}` and `{second}` exclude each other", "`{first}` 与 `{second}` 只能写一个";
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
        P::BadBacnetAddress { got } => say!(
            "`{got}` is not an IPv4 address with a port", "`{got}` 不是带端口的 IPv4 地址";
            "write \"0.0.0.0:47808\"; 47808 is the port of BACnet",
            "例如 \"0.0.0.0:47808\"；47808 是 BACnet 的端口"
        ),
        P::BadMac { got } => say!(
            "`{got}` is not an address of 1 to 7 bytes in hex", "`{got}` 不是 1 到 7 字节的十六进制地址";
            "an MS/TP station 10 is \"0a\"", "例如 MS/TP 站号 10 写作 \"0a\""
        ),
        P::BadBroadcast { got } => say!(
            "`{got}` is not an IPv4 address", "`{got}` 不是 IPv4 地址";
            "write the network's broadcast address: \"192.168.1.255\"",
            "请写该网络的广播地址，例如 \"192.168.1.255\""
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
        P::LineTooSlow { percent } => say!(
            "what its devices are asked takes at least {percent} % of the time there is",
            "读取其设备所需的时间至少是可用时间的 {percent} %";
            "raise `poll` of devices or points, or `baud`; else polls are skipped",
            "请加长设备或点的 `poll`，或提高 `baud`；否则会跳过一些读取"
        ),
        _ => return None,
    })
}
