//! Where plugins are found: installed packages, those that came with the program, and folders of
//! plugins under development.

use std::path::{Path, PathBuf};
use wellhead_manifest::Manifest;

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

/// What the plugin at `source` says of itself.
pub(super) fn manifest(source: &Path) -> Result<Manifest, String> {
    if source.is_file() {
        let package = crate::commands::read_package(source).map_err(|e| format!("{e:#}"))?;
        return Manifest::parse(package.manifest()).map_err(|e| e.to_string());
    }
    let file = source.join("plugin.toml");
    let text = std::fs::read_to_string(&file)
        .map_err(|e| format!("can't read {}: {e}", file.display()))?;
    Manifest::parse(&text).map_err(|e| e.to_string())
}
