//! `wellhead plugin new`: a folder that builds, tests and runs as it stands.

use super::{Lang, Outcome};
use crate::bilingual::Bilingual;
use crate::commands::shipped_below;
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};

/// The files of `sdk/template`, carried along so that a laptop needs no copy of the repository.
const TEMPLATE: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("../../../../sdk/template/Cargo.toml")),
    ("plugin.toml", include_str!("../../../../sdk/template/plugin.toml")),
    ("README.md", include_str!("../../../../sdk/template/README.md")),
    ("src/lib.rs", include_str!("../../../../sdk/template/src/lib.rs")),
    ("tests/story.rs", include_str!("../../../../sdk/template/tests/story.rs")),
];

/// What the template calls itself; replaced by the new plugin's name.
const TEMPLATE_NAME: &str = "my-plugin";
const TEMPLATE_CRATE: &str = "my_plugin";
const TEMPLATE_TITLE: &str = "My plugin";
/// Where the template finds the SDK; replaced by where it is for the new plugin.
const TEMPLATE_SDK: &str = "../rust";

/// Starts a new plugin: a folder with a manifest, code and tests that work as they stand.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin new night-setback")]
pub(super) struct New {
    /// The plugin's name: a-z, 0-9 and `-`, a letter first
    name: String,
    /// Where to put it; by default a folder of its name here
    #[arg(long, value_name = "DIR")]
    at: Option<PathBuf>,
    /// The folder of the SDK for Rust; by default the one that came with this program
    #[arg(long, env = "WELLHEAD_SDK", value_name = "DIR")]
    sdk: Option<PathBuf>,
}

impl New {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let fits = self.name.len() <= 40
            && self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && self.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !fits {
            let name = &self.name;
            bail!(Bilingual::new(
                format!(
                    "`{name}` can't be a name: use a-z, 0-9 and `-`, a letter first, at most 40"
                ),
                format!("`{name}` 不能作名称：只用 a-z、0-9 和 `-`，以字母开头，最多 40 个字符"),
            ));
        }
        let sdk = match self.sdk.or_else(shipped_sdk) {
            Some(sdk) if sdk.join("Cargo.toml").is_file() => sdk.canonicalize()?,
            Some(sdk) => bail!(Bilingual::new(
                format!("{} is not the SDK's folder: it has no Cargo.toml", sdk.display()),
                format!("{} 不是 SDK 的文件夹：没有 Cargo.toml", sdk.display()),
            )),
            None => bail!(Bilingual::new(
                "the SDK did not come with this program; name its folder with --sdk",
                "本程序未附带 SDK；请用 --sdk 指定其文件夹",
            )),
        };
        let folder = self.at.unwrap_or_else(|| PathBuf::from(&self.name));
        if folder.exists() {
            bail!(Bilingual::new(
                format!("{} is there already; nothing was written", folder.display()),
                format!("{} 已存在；未写入任何内容", folder.display()),
            ));
        }
        for (file, text) in TEMPLATE {
            let path = folder.join(file);
            let parent = path.parent().unwrap_or(Path::new(""));
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&path, fill(text, &self.name, &sdk)))
                .with_context(|| format!("can't write {}", path.display()))?;
        }
        let ignored = folder.join(".gitignore");
        std::fs::write(&ignored, "/target\n/build\n")
            .with_context(|| format!("can't write {}", ignored.display()))?;
        let done = lang.pick("a plugin that works as it stands. Next", "可直接运行的插件。接着");
        outln!("{}: {done}:", folder.display())?;
        outln!("  cd {}", folder.display())?;
        let test = lang.pick("its tests, on this machine", "在本机运行其测试");
        outln!("  wellhead plugin test     # {test}")?;
        let build = lang.pick("the component the gateway runs", "网关运行的组件");
        outln!("  wellhead plugin build    # {build}")?;
        Ok(Outcome::Done)
    }
}

fn fill(text: &str, name: &str, sdk: &Path) -> String {
    text.replace(TEMPLATE_NAME, name)
        .replace(TEMPLATE_CRATE, &name.replace('-', "_"))
        .replace(TEMPLATE_TITLE, &title(name))
        .replace(TEMPLATE_SDK, &sdk.display().to_string())
}

/// `Night setback` for `night-setback`.
fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => words,
    }
}

/// The SDK that came with the program.
fn shipped_sdk() -> Option<PathBuf> {
    shipped_below()
        .iter()
        .flat_map(|a| ["share/wellhead/sdk/rust", "sdk/rust"].map(|p| a.join(p)))
        .find(|p| p.join("Cargo.toml").is_file())
}
