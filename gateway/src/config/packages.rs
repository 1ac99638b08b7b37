//! Where plugins are found: installed packages, those that came with the program, and folders of
//! plugins under development.

use super::problem::Lang;
use super::structure::unknown_unit;
use crate::bilingual::{Bilingual, system};
use std::path::{Path, PathBuf};
use wellhead_manifest::{Manifest, Problems};
use wellhead_plugin_host::{PACKAGE_LEN_MAX, Package};

/// Folders in which a plugin is looked for by its name.
#[derive(Debug, Clone, Default)]
pub struct Packages {
    dirs: Vec<PathBuf>,
}

impl Packages {
    /// Looked for in the order of `dirs`.
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs }
    }

    /// The package file `{name}.whp`, or the folder `{name}` with a manifest in it.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        let forms = |d: &PathBuf| [d.join(format!("{name}.whp")), d.join(name)];
        self.dirs.iter().flat_map(forms).find(|p| is_plugin(p))
    }

    /// The names there are.
    pub(super) fn names(&self) -> Vec<String> {
        let entries = self.dirs.iter().filter_map(|d| std::fs::read_dir(d).ok()).flatten();
        let paths = entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| is_plugin(p));
        paths.filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())).collect()
    }

    /// Where was searched, for people.
    pub(super) fn searched(&self) -> String {
        self.dirs.iter().map(|d| d.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn is_plugin(path: &Path) -> bool {
    match path.extension() {
        Some(e) if e == "whp" => path.is_file(),
        _ => path.join("plugin.toml").is_file(),
    }
}

/// What the plugin at `source`, a package file or a folder, says of itself.
///
/// # Errors
/// What is wrong with it, in English and in Chinese, as far as it is our own to say.
pub(super) fn manifest(source: &Path) -> Result<Manifest, (String, String)> {
    let text = if source.is_file() {
        read_package(source).map_err(|Bilingual { en, zh }| (en, zh))?.manifest().to_owned()
    } else {
        let file = source.join("plugin.toml");
        std::fs::read_to_string(&file).map_err(|e| {
            let file = file.display();
            (format!("can't read {file}: {e}"), format!("无法读取 {file}：{}", system(&e)))
        })?
    };
    Manifest::parse(&text).map_err(|problems| (problems.to_string(), problems.in_chinese()))
}

/// A manifest as its author writes it, who hears of units that this gateway does not know. One that
/// is installed may well have such: what is bound to a point is judged there.
///
/// # Errors
/// Every mistake.
pub fn own_manifest(text: &str) -> Result<Manifest, Problems> {
    Manifest::parse_with_units(text, &|symbol| {
        let unknown = unknown_unit(symbol)?;
        let (en, zh) = (unknown.words(Lang::En), unknown.words(Lang::Zh));
        Some(wellhead_manifest::Problem {
            place: None,
            key: String::new(),
            message: en.message,
            message_zh: zh.message,
            hint: en.hint,
            hint_zh: zh.hint,
        })
    })
}

/// Where a plugin under development has its component once it is built.
pub fn component(folder: &Path, name: &str) -> PathBuf {
    folder.join("build").join(format!("{name}.wasm"))
}

/// Reads a package file, however large the file is that somebody took for one.
///
/// # Errors
/// What is wrong with which file, for people.
pub fn read_package(path: &Path) -> Result<Package, Bilingual> {
    use std::io::Read;
    let file = path.display();
    let unreadable = |e: std::io::Error| {
        Bilingual::caused(format!("can't read {file}"), format!("无法读取 {file}"), &e)
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    opened.take(PACKAGE_LEN_MAX as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > PACKAGE_LEN_MAX {
        return Err(Bilingual::new(
            format!("{} is larger than any package", path.display()),
            format!("{} 超过插件包的最大长度", path.display()),
        ));
    }
    Package::read(&bytes).map_err(|e| {
        let file = path.display();
        Bilingual::new(format!("{file}: {e}"), format!("{file}：{}", e.text_zh()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_package_tells_its_manifest_as_a_folder_does() {
        let dir = tempfile::tempdir().unwrap();
        let text = wellhead_fixtures::Fixture::Count.manifest();
        let component = wellhead_fixtures::Fixture::Count.component().to_vec();
        let key = wellhead_plugin_host::SigningKey::generate().unwrap();
        let bytes = Package::unsigned(text.clone(), component).unwrap().sign(&key);
        std::fs::write(dir.path().join("count.whp"), &bytes).unwrap();
        let packages = Packages::new(vec![dir.path().to_owned()]);
        let found = packages.find("count").unwrap();
        assert_eq!(manifest(&found).unwrap(), Manifest::parse(&text).unwrap());
        std::fs::write(&found, &bytes[..bytes.len() / 2]).unwrap();
        assert!(manifest(&found).unwrap_err().0.contains("count.whp"));
    }
}
