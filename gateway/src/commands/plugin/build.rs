//! `wellhead plugin build` and `test`: cargo does the work; the core module it makes becomes a
//! component.

use super::slim::slim;
use super::{Folder, Lang, Outcome};
use crate::bilingual::Bilingual;
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "wasm32-unknown-unknown";
/// Larger than this a component says that something heavy was linked in. Not refused.
const SIZE_EXPECTED: u64 = 100_000;

/// Builds the component that the gateway runs: build/NAME.wasm.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin build")]
pub(super) struct Build {
    /// The plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Runs the plugin's tests on this machine.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin test")]
pub(super) struct Test {
    /// The plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<Outcome> {
        let folder = Folder::open(&self.folder)?;
        let status = cargo(&folder.path).arg("test").status().map_err(no_cargo)?;
        Ok(if status.success() { Outcome::Done } else { Outcome::Refused })
    }
}

impl Build {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let folder = Folder::open(&self.folder)?;
        let module = core_module(&folder, lang)?;
        let bytes = std::fs::read(&module)
            .with_context(|| format!("can't read what was built, {}", module.display()))?;
        let component = wit_component::ComponentEncoder::default()
            .validate(true)
            .module(&bytes)
            .and_then(|mut encoder| encoder.encode())
            .with_context(|| {
                format!(
                    "{} does not make a component; does src/lib.rs end with `wellhead_sdk::export!`?",
                    module.display()
                )
            })?;
        let component = slim(&component).context("the component can't be read back")?;
        let path = folder.component();
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
            .and_then(|()| std::fs::write(&path, &component))
            .with_context(|| format!("can't write {}", path.display()))?;
        let size = component.len() as u64;
        outln!("{}: {:.1} kB", path.display(), size as f64 / 1000.0)?;
        if size > SIZE_EXPECTED {
            outln!(
                "{}",
                lang.pick(
                    "that is much for a plugin; format! of floats and big tables are the usual cause",
                    "对插件而言偏大；通常是对浮点数使用 format! 或有大表所致",
                )
            )?;
        }
        Ok(Outcome::Done)
    }
}

fn no_cargo(error: std::io::Error) -> Bilingual {
    Bilingual::caused(
        "can't start cargo; install Rust from your distribution or with rustup, then try again",
        "无法启动 cargo；请通过系统发行版或 rustup 安装 Rust 后重试",
        &error,
    )
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(folder);
    command
}

/// What is needed to compile for wasm, as this machine has it.
enum Toolchain {
    /// The target is installed.
    Ready,
    /// It is not, but the standard library's source is there to build it from.
    FromSource,
}

impl Toolchain {
    /// Asks the compiler that cargo would use in this folder.
    fn find(folder: &Path) -> anyhow::Result<Self> {
        let asked = |what: &[&str]| -> anyhow::Result<PathBuf> {
            let output = Command::new("rustc").current_dir(folder).args(what).output();
            let output = output.map_err(no_cargo)?;
            Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
        };
        if asked(&["--print", "target-libdir", "--target", TARGET])?.is_dir() {
            return Ok(Self::Ready);
        }
        let sysroot = asked(&["--print", "sysroot"])?;
        if sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").is_file() {
            return Ok(Self::FromSource);
        }
        let ways = format!(
            "\n  rustup target add {TARGET}\n  \
             apt install rustc-web cargo-web rust-web-src lld   (Debian, without rustup)"
        );
        bail!(Bilingual::new(
            format!(
                "the Rust compiler here can't build for {TARGET}. Install one of these and try \
                 again:{ways}"
            ),
            format!("此处的 Rust 编译器不能为 {TARGET} 构建。请安装下列之一后重试：{ways}"),
        ));
    }
}

/// Compiles the plugin and finds the module.
fn core_module(folder: &Folder, lang: Lang) -> anyhow::Result<PathBuf> {
    let toolchain = Toolchain::find(&folder.path)?;
    let mut build = cargo(&folder.path);
    build.args(["build", "--lib", "--profile", "plugin", "--target", TARGET]);
    build.args(["--message-format", "json-render-diagnostics"]);
    if let Toolchain::FromSource = toolchain {
        match lang {
            Lang::En => outln!("building the standard library for {TARGET} from source, once")?,
            Lang::Zh => outln!("首次须从源码为 {TARGET} 构建标准库")?,
        }
        build.env("RUSTC_BOOTSTRAP", "1").arg("-Zbuild-std=std,panic_abort");
    }
    let output = build.stderr(std::process::Stdio::inherit()).output().map_err(no_cargo)?;
    if !output.status.success() {
        let path = folder.path.display();
        bail!(Bilingual::new(
            format!("cargo could not build {path}"),
            format!("cargo 未能构建 {path}"),
        ));
    }
    let name = folder.manifest.name.replace('-', "_");
    artifact(&output.stdout, &name).with_context(|| {
        format!(
            "cargo built no {name}.wasm; Cargo.toml needs the package name `{}` and \
             crate-type = [\"cdylib\", \"rlib\"]",
            folder.manifest.name
        )
    })
}

/// The module among cargo's messages, one JSON object a line.
fn artifact(messages: &[u8], name: &str) -> Option<PathBuf> {
    let wanted = format!("{name}.wasm");
    let mut found = None;
    for line in messages.split(|b| *b == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let files = message.get("filenames").and_then(serde_json::Value::as_array);
        for file in files.into_iter().flatten().filter_map(serde_json::Value::as_str) {
            let path = Path::new(file);
            if path.file_name().is_some_and(|f| *f == *wanted) {
                found = Some(path.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_found_among_cargos_messages() {
        let messages = br#"{"reason":"compiler-artifact","filenames":["/t/deps/libx.rlib"]}
not json
{"reason":"compiler-artifact","filenames":["/t/release/night_setback.wasm","/t/release/libn.rlib"]}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(
            artifact(messages, "night_setback"),
            Some("/t/release/night_setback.wasm".into())
        );
        assert_eq!(artifact(messages, "setback"), None);
    }
}
