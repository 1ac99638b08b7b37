//! `wellhead plugin key`, `pack` and `inspect`: from a component to one signed file, and what is in
//! it.

use super::describe::describe;
use super::{Folder, Lang, Outcome, Packed, signer};
use crate::bilingual::Bilingual;
use crate::commands::{SITE, Target};
use crate::config;
use anyhow::{Context, bail};
use clap::Args;
use std::path::PathBuf;
use wellhead_manifest::Manifest;
use wellhead_plugin_host::{Cache, Engine, Grant, KeyError, Package, Program, SigningKey};

/// Makes a key to sign packages with: FILE, to keep, and FILE.pub, to give away.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin key ~/my-company")]
pub(super) struct Key {
    /// Where to write the secret key; it must not exist
    file: PathBuf,
}

/// Makes one signed file of manifest and component: build/NAME-VERSION.whp.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin pack --key ~/my-company")]
pub(super) struct Pack {
    /// The plugin's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The secret key to sign with, as `wellhead plugin key` made it
    #[arg(long, env = "WELLHEAD_KEY")]
    key: PathBuf,
    /// Where to write the package
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Shows what a package or a built plugin is, who signed it, and whether a gateway would run it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  wellhead plugin inspect night-setback-0.1.0.whp")]
pub(super) struct Inspect {
    /// A package file, or a plugin's folder
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// The site file of the gateway that is to trust the signer; by default that of this box, if it
    /// is one
    #[arg(long, env = "WELLHEAD_SITE")]
    site: Option<PathBuf>,
}

impl Key {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let key = SigningKey::generate()?;
        let public = self.file.with_added_extension("pub");
        if public.exists() {
            bail!(Bilingual::new(
                format!("{} is there already; nothing was written", public.display()),
                format!("{} 已存在；未写入任何内容", public.display()),
            ));
        }
        key.save(&self.file)?;
        std::fs::write(&public, key.public().file_text())
            .with_context(|| format!("can't write {}", public.display()))?;
        let secret = lang.pick("keep it to yourself", "请自己保管，不可外传");
        let open =
            lang.pick("boxes that have it run what you sign", "持有它的网关运行你所签名的插件");
        outln!("{}: {secret}", self.file.display())?;
        outln!("{}: {open}", public.display())?;
        outln!("  wellhead plugin trust {}", public.display())?;
        Ok(Outcome::Done)
    }
}

impl Pack {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let folder = Folder::open(&self.folder)?;
        let packed = Packed::of_folder(&folder)?;
        if let Some(changed) = folder.changed_since_build()? {
            let anew = lang.pick(
                "was changed after the component was built; `wellhead plugin build` makes it anew",
                "在组件构建之后被修改；请重新运行 `wellhead plugin build`",
            );
            bail!("{} {anew}", changed.display());
        }
        // What a gateway would refuse is not worth signing.
        check(&packed.package)?;
        if !self.key.exists() {
            let file = self.key.display();
            let make = lang.pick("there is no such key; make one:", "没有此密钥；请先生成：");
            bail!("{file}: {make} wellhead plugin key {file}");
        }
        let key = SigningKey::load(&self.key)?;
        let name = format!("{}-{}.whp", folder.manifest.name, folder.manifest.version);
        let out = self.out.unwrap_or_else(|| folder.path.join("build").join(name));
        let bytes = packed.package.sign(&key);
        std::fs::write(&out, &bytes).with_context(|| format!("can't write {}", out.display()))?;
        let size = bytes.len() as f64 / 1000.0;
        let signed = lang.pick("signed by", "签名者");
        outln!("{}: {size:.1} kB, {signed} {}", out.display(), key.public())?;
        Ok(Outcome::Done)
    }
}

impl Inspect {
    pub(super) fn run(self, lang: Lang) -> anyhow::Result<Outcome> {
        let packed = Packed::open(&self.plugin)?;
        let manifest = Manifest::parse(packed.package.manifest())?;
        out!("{}", describe(&manifest, lang))?;
        let trusted = self.tell_signer(&packed.package, lang)?;
        if let Err(problems) = config::own_manifest(packed.package.manifest()) {
            outln!("{}", lang.pick(&problems.to_string(), &problems.in_chinese()))?;
            return Ok(Outcome::Refused);
        }
        match check(&packed.package) {
            Ok(program) => {
                let size = packed.package.component().len() as f64 / 1000.0;
                let (what, with) =
                    (lang.pick("component", "组件"), lang.pick("built with", "构建工具"));
                outln!("{what}: {size:.1} kB, {with} {}", program.built_with())?;
                Ok(if trusted { Outcome::Done } else { Outcome::Refused })
            }
            Err(refusal) => {
                outln!("{}: {refusal:#}", lang.pick("would not run", "无法运行"))?;
                Ok(Outcome::Refused)
            }
        }
    }
}

impl Inspect {
    /// Tells who signed, and whether the gateway in question takes that; if none is in question,
    /// any would.
    fn tell_signer(&self, package: &Package, lang: Lang) -> anyhow::Result<bool> {
        let Some(key) = package.signer() else {
            outln!(
                "{}",
                lang.pick(
                    "not signed: runs only with `wellhead run --development`",
                    "未签名：只能用 `wellhead run --development` 运行",
                )
            )?;
            return Ok(true);
        };
        let signed = lang.pick("signed by", "签名者");
        let of_this_box = || Some(PathBuf::from(SITE)).filter(|site| site.exists());
        let Some(site) = self.site.clone().or_else(of_this_box) else {
            outln!("{signed} {key}")?;
            return Ok(true);
        };
        match signer(&Target::of(site).data_dir()?, package) {
            Ok(name) => outln!("{signed} {name} ({key}), {}", lang.pick("trusted", "受信任"))?,
            Err(KeyError::Untrusted { .. }) => {
                let (not, trust) = (
                    lang.pick("which this gateway does not trust", "此网关不信任该密钥"),
                    lang.pick("if you know whose it is", "若确知其主人"),
                );
                outln!("{signed} {key}, {not}; {trust}: wellhead plugin trust NAME.pub")?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }
}

/// Every check that a gateway makes before the first call.
pub(super) fn check(package: &Package) -> anyhow::Result<Program> {
    let engine = Engine::new()?;
    Ok(Program::prepare(&engine, &Cache::none(), package, &Grant::all("ID"))?)
}
