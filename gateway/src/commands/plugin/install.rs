//! `wellhead plugin install`, `trust` and `list`: what the box has, and whom it believes.

use super::{Lang, Outcome, Packed, pack};
use crate::bilingual::Bilingual;
use crate::commands::{Target, shipped};
use crate::{config, files};
use anyhow::{Context, bail};
use clap::Args;
use std::path::{Path, PathBuf};
use wellhead_manifest::Manifest;
use wellhead_plugin_host::{KeyError, Package, PublicKey, TrustStore};

/// Installs a package that a trusted key signed.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  wellhead plugin install night-setback-0.1.0.whp\n\nIt runs where the site's [plugin.…] says so, from the next reload on."
)]
pub(super) struct Install {
    /// The package file
    package: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Lets the box run what a key signs.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin trust my-company.pub")]
pub(super) struct Trust {
    /// The public key's file, NAME.pub
    key: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// The folder of installed packages.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("plugins")
}

/// Who signed a package, if the box believes that key.
pub fn signer(data_dir: &Path, package: &Package) -> Result<String, KeyError> {
    let own = TrustStore::open(config::trusted_keys(data_dir))?;
    for dir in shipped().trusted_keys {
        if let Ok(name) = TrustStore::open(dir)?.signer(package) {
            return Ok(name.to_owned());
        }
    }
    own.signer(package).map(str::to_owned)
}

impl Install {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let data_dir = self.target.data_dir()?;
        let packed = Packed::open(&self.package)?;
        let signer = signer(&data_dir, &packed.package)?;
        let program = pack::check(&packed.package)?;
        let (name, version) = (&program.manifest().name, &program.manifest().version);
        let dir = folder(&data_dir);
        std::fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        let path = dir.join(format!("{name}.whp"));
        let before = Packed::open(&path).ok();
        let bytes = std::fs::read(&self.package)?;
        files::replace(&path, &bytes).with_context(|| format!("can't write {}", path.display()))?;
        let signed = lang.pick("signed by", "签名者");
        let before = before.and_then(|p| Manifest::parse(p.package.manifest()).ok());
        match before.map(|m| m.version) {
            Some(old) => {
                let instead = lang.pick("in place of", "替换");
                outln!("{name} {version} {instead} {old}, {signed} {signer}")?;
            }
            None => outln!("{name} {version}, {signed} {signer}")?,
        }
        let from = lang.pick("it runs from the next reload on", "自下次重新加载起运行");
        outln!("{from}: systemctl reload wellhead")?;
        Ok(Outcome::Done)
    }
}

impl Trust {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let data_dir = self.target.data_dir()?;
        let key = PublicKey::load(&self.key)?;
        let dir = config::trusted_keys(&data_dir);
        std::fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        let Some(name) = self.key.file_name() else { bail!("{} is no file", self.key.display()) };
        let path = dir.join(name);
        if let Ok(other) = PublicKey::load(&path)
            && other != key
        {
            bail!(Bilingual::new(
                format!(
                    "{} holds another key; take it away first if that is meant",
                    path.display()
                ),
                format!("{} 已存有另一密钥；若确要替换，请先移走", path.display()),
            ));
        }
        files::replace(&path, key.file_text().as_bytes())
            .with_context(|| format!("can't write {}", path.display()))?;
        match lang {
            Lang::En => outln!("{}: what {key} signs may be installed", path.display())?,
            Lang::Zh => outln!("{}：可安装由 {key} 签名的插件", path.display())?,
        }
        Ok(Outcome::Done)
    }
}
