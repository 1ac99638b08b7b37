//! `wellhead plugin`: from an empty folder to a plugin at work on the box.

mod build;
mod describe;
mod install;
mod live;
mod make;
mod pack;
mod slim;

pub use install::signer;
pub(super) use live::line;

use super::{Lang, Outcome};
use crate::bilingual::Bilingual;
use crate::config;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use wellhead_manifest::Manifest;
use wellhead_plugin_host::Package;

/// Write, try, pack and install plugins.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  wellhead plugin new night-setback\n  cd night-setback\n  wellhead plugin test\n  wellhead plugin build"
)]
pub(super) struct Plugin {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    New(make::New),
    Build(build::Build),
    Test(build::Test),
    Key(pack::Key),
    Pack(pack::Pack),
    Inspect(pack::Inspect),
    Install(install::Install),
    Trust(install::Trust),
    List(live::List),
    Enable(live::Enable),
    Disable(live::Disable),
    Logs(live::LogLines),
}

impl Plugin {
    pub(super) async fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        match self.action {
            Action::New(c) => c.run(lang),
            Action::Build(c) => c.run(lang),
            Action::Test(c) => c.run(),
            Action::Key(c) => c.run(lang),
            Action::Pack(c) => c.run(lang),
            Action::Inspect(c) => c.run(lang),
            Action::Install(c) => c.run(lang),
            Action::Trust(c) => c.run(lang),
            Action::List(c) => c.run(lang).await,
            Action::Enable(c) => c.run(lang).await,
            Action::Disable(c) => c.run(lang).await,
            Action::Logs(c) => c.run().await,
        }
    }
}

/// The folder of a plugin under development, and what its manifest says.
struct Folder {
    path: PathBuf,
    manifest: Manifest,
}

impl Folder {
    fn open(path: &Path) -> Result<Self, Bilingual> {
        let file = path.join("plugin.toml");
        let text = std::fs::read_to_string(&file).map_err(|e| {
            let (path, file) = (path.display(), file.display());
            let en = format!("{path} is no plugin's folder: can't read {file}");
            Bilingual::caused(en, format!("{path} 不是插件的文件夹：无法读取 {file}"), &e)
        })?;
        let manifest = config::own_manifest(&text).map_err(|problems| {
            let file = file.display();
            let zh = format!("{file}\n{}", problems.in_chinese());
            Bilingual::new(format!("{file}\n{problems}"), zh)
        })?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// What it is built from that was changed since, if anything was.
    fn changed_since_build(&self) -> anyhow::Result<Option<PathBuf>> {
        let built = self.component().metadata()?.modified()?;
        let mut open: Vec<PathBuf> =
            ["plugin.toml", "Cargo.toml", "src"].map(|name| self.path.join(name)).into();
        while let Some(path) = open.pop() {
            // What is not there, as a Cargo.toml beside a plugin in C, was not changed.
            let Ok(about) = path.metadata() else { continue };
            if about.is_dir() {
                for item in path.read_dir()? {
                    open.push(item?.path());
                }
            } else if about.modified()? > built {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Where `build` puts the component, and where the gateway looks for it.
    fn component(&self) -> PathBuf {
        config::component(&self.path, &self.manifest.name)
    }
}

/// A plugin to look into or to carry on: a package file, or what was built in a folder.
struct Packed {
    package: Package,
}

impl Packed {
    fn open(path: &Path) -> Result<Self, Bilingual> {
        if path.is_dir() {
            return Self::of_folder(&Folder::open(path)?);
        }
        Ok(Self { package: config::read_package(path)? })
    }

    fn of_folder(folder: &Folder) -> Result<Self, Bilingual> {
        let unread = |file: PathBuf| {
            move |e: std::io::Error| {
                let file = file.display();
                let en = format!("can't read {file}; `wellhead plugin build` makes it");
                let zh = format!("无法读取 {file}；用 `wellhead plugin build` 构建");
                Bilingual::caused(en, zh, &e)
            }
        };
        let file = folder.component();
        let component = std::fs::read(&file).map_err(unread(file))?;
        let file = folder.path.join("plugin.toml");
        let manifest = std::fs::read_to_string(&file).map_err(unread(file))?;
        let package = Package::unsigned(manifest, component)
            .map_err(|e| Bilingual::new(e.to_string(), e.text_zh()))?;
        Ok(Self { package })
    }
}

/// What was built in a plugin's folder, signed by nobody.
///
/// # Errors
/// What is missing, and how to make it.
pub fn built(folder: &Path) -> Result<Package, Bilingual> {
    Ok(Packed::of_folder(&Folder::open(folder)?)?.package)
}
