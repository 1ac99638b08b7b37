//! What [`Display`](std::fmt::Display) says of a refusal or a fault, in Chinese, for the people in
//! the plant room; words of the system, of the compiler and of the plugin itself stay.

use crate::cache::CacheError;
use crate::engine::EngineError;
use crate::fault::{Fault, FaultKind};
use crate::key::KeyError;
use crate::package::PackageError;
use crate::program::{Refusal, size};
use wellhead_manifest::CONTRACT;

impl Fault {
    /// What went wrong, in Chinese.
    pub fn text_zh(&self) -> String {
        let kind = match self.kind {
            FaultKind::Error => "插件报错",
            FaultKind::Deadline => "超过时限",
            FaultKind::Memory => "内存超限",
            FaultKind::Stack => "调用栈溢出",
            FaultKind::Oversize => "交出的数据过大",
            FaultKind::Trap => "异常终止",
        };
        format!("{kind}：{}", self.text)
    }
}

impl Refusal {
    /// Why the plugin is not run, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            Refusal::Manifest(problems) => {
                format!("包中的 plugin.toml 有误：{}", problems.in_chinese())
            }
            Refusal::Contract { wanted } => {
                let advice = if *wanted > CONTRACT {
                    "请更新网关，或用较旧的 SDK 构建插件"
                } else {
                    "请用较新的 SDK 重新构建插件"
                };
                format!("插件按接口版本 {wanted} 构建，而本网关为 {CONTRACT}：{advice}")
            }
            Refusal::ContractMismatch { manifest, import } => format!(
                "plugin.toml 写明接口版本 {manifest}，而组件引用 `{import}`：请用接口版本 {manifest} 的 SDK 重新构建"
            ),
            Refusal::Import(import) => format!(
                "组件引用 `{import}`，而插件只能引用 wellhead:plugin/…：插件没有文件、网络和时钟；请用 `wellhead plugin build` 构建"
            ),
            Refusal::Memory { plugin, wanted, granted } => {
                let (wanted, granted) = (size(*wanted), size(*granted));
                format!(
                    "插件要求内存 {wanted}，站点只给 {granted}；若要放行：[plugin.{plugin}.grant] memory = \"{wanted}\""
                )
            }
            Refusal::Deadline { plugin, wanted, granted } => {
                let (wanted, granted) = (wanted.as_millis(), granted.as_millis());
                format!(
                    "插件要求每次调用 {wanted}ms，站点只给 {granted}ms；若要放行：[plugin.{plugin}.grant] deadline = \"{wanted}ms\""
                )
            }
            Refusal::Cache(error) => error.text_zh(),
            Refusal::NotAPlugin(what) => format!("该组件不是插件：{what}"),
            Refusal::Describe(fault) => format!("组件无法说明自己的名称：{}", fault.text_zh()),
            Refusal::OtherPlugin { said, manifest } => format!(
                "组件自称 {said}，而 plugin.toml 写的是 {manifest}：两者不是同一次构建；请重新构建并打包"
            ),
        }
    }
}

impl CacheError {
    /// Why there is no compiled code, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            CacheError::Compile(why) => {
                format!("组件无法编译，已损坏或需要插件所没有的功能：{why}")
            }
            CacheError::Io { path, error } => {
                format!("已编译插件的文件夹 {}：{error}", path.display())
            }
            CacheError::Writable(path) => {
                let path = path.display();
                format!(
                    "他人可写入已编译插件的文件夹 {path}，而其中内容作为网关的一部分运行：chmod 700 {path}"
                )
            }
        }
    }
}

impl EngineError {
    /// Why no plugin runs, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            EngineError::Wasmtime(why) => format!("插件无法在本机运行：{why:#}"),
            EngineError::Thread(error) => format!("无法启动监视插件的线程：{error}"),
        }
    }
}

impl KeyError {
    /// What is wrong with keys or with a signer, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            KeyError::Io { path, error } => format!("{}：{error}", path.display()),
            KeyError::NoKey { path, expected } => {
                format!("{}：没有 `{expected} <64 位十六进制数>` 一行", path.display())
            }
            KeyError::Exposed(path) => {
                let path = path.display();
                format!("{path} 是私钥，而他人可读：chmod 600 {path}；若可能已被读取，请另行生成")
            }
            KeyError::Random => "没有可用于生成密钥的随机数".into(),
            KeyError::Unsigned => "包未签名；用 `wellhead plugin pack` 签名".into(),
            KeyError::Untrusted { signer, folder } => format!(
                "包的签名者为 {signer}，本机不信任该密钥；若确知其主人，用 `wellhead plugin trust` 信任其公钥文件（存于 {}）",
                folder.display()
            ),
        }
    }
}

impl PackageError {
    /// What is wrong with a package, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            PackageError::NoPackage => {
                "这不是插件包（.whp）；用 `wellhead plugin pack` 生成".into()
            }
            PackageError::TextMode => "包在以文本方式传输时损坏；请以二进制方式传输".into(),
            PackageError::Format(format) => {
                format!("包的格式为 {format}，本网关无法读取；请更新网关")
            }
            PackageError::Length { have, expected } => {
                format!("包有 {have} 字节，应为 {expected} 字节；请重新传输")
            }
            PackageError::TooLarge { part, len, max } => {
                format!("{part} 有 {len} 字节，最多读取 {max} 字节")
            }
            PackageError::Signature => "包在签名后被改动；请向制作者重新获取".into(),
            PackageError::Utf8 => "包中的清单不是 UTF-8".into(),
        }
    }
}
