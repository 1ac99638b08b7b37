//! The integrator's desk: the SDK's template, as `wellhead plugin new` copies it, in two versions.

use crate::{program, repository};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Runs `wellhead plugin …` and returns what it printed.
#[track_caller]
pub fn plugin(folder: &Path, arguments: &[&str], code: i32) -> String {
    let mut command = Command::new(program("wellhead"));
    command.arg("plugin").args(arguments).current_dir(folder).env("LANG", "C");
    // One target folder for every plugin of these tests: the SDK is compiled once.
    command.env("CARGO_TARGET_DIR", program("wellhead").with_file_name("tests-of-plugins"));
    command.env("WELLHEAD_SDK", repository().join("sdk/rust"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "wellhead plugin {arguments:?}: {text}");
    text
}

/// The integrator's desk: a plugin in two versions, packed and signed.
pub struct Workshop {
    /// The desk; the plugin is in `frost-guard`, the key `company` beside it.
    pub dir: tempfile::TempDir,
}

impl Workshop {
    /// Made once; the tests share it and change nothing in it.
    pub fn shared() -> &'static Workshop {
        static SHOP: OnceLock<Workshop> = OnceLock::new();
        SHOP.get_or_init(Workshop::make)
    }

    fn make() -> Workshop {
        let dir = tempfile::tempdir().unwrap();
        let told = plugin(dir.path(), &["new", "frost-guard"], 0);
        assert!(told.contains("wellhead plugin test"), "{told}");
        let folder = dir.path().join("frost-guard");
        plugin(&folder, &["test"], 0);
        plugin(&folder, &["build"], 0);
        let told = plugin(&folder, &["inspect"], 0);
        assert!(told.contains("frost-guard 0.1.0") && told.contains("not signed"), "{told}");
        assert!(told.contains("reads  outdoor_temp: float °C"), "{told}");
        plugin(dir.path(), &["key", "company"], 0);
        plugin(&folder, &["pack", "--key", "../company"], 0);
        let shop = Workshop { dir };
        let told = plugin(&folder, &["inspect", &shop.package("0.1.0").display().to_string()], 0);
        assert!(
            told.contains("takes  on_below: float °C = 3 (-5 to 10) Pump runs below"),
            "{told}"
        );
        assert!(told.contains("\nsigned by "), "{told}");
        shop.edit("plugin.toml", "version = \"0.1.0\"", "version = \"0.2.0\"\non_change = true");
        shop.edit("plugin.toml", "period = \"60s\"", "period = \"1h\"");
        shop.edit(
            "src/lib.rs",
            "let outdoor = cx.read(&self.outdoor).good();",
            "let outdoor = cx.read(&self.outdoor).good();\n        \
             assert!(outdoor.is_none_or(|t| t < 60.0), \"too hot\");\n        \
             if outdoor.is_none() {\n            \
             warn!(cx, \"no outdoor temperature, the pump runs\");\n        }",
        );
        shop.edit(
            "src/lib.rs",
            "fn state(&self)",
            "fn on_change(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {\n        \
             self.tick(cx)\n    }\n\n    fn state(&self)",
        );
        let told = plugin(&folder, &["pack", "--key", "../company"], 1);
        assert!(told.contains("changed after the component was built"), "{told}");
        plugin(&folder, &["build"], 0);
        plugin(&folder, &["pack", "--key", "../company"], 0);
        shop
    }

    fn edit(&self, file: &str, old: &str, new: &str) {
        let path = self.dir.path().join("frost-guard").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{file} has no `{old}`");
        std::fs::write(&path, text.replace(old, new)).unwrap();
    }

    /// The packed plugin.
    pub fn package(&self, version: &str) -> PathBuf {
        self.dir.path().join(format!("frost-guard/build/frost-guard-{version}.whp"))
    }

    /// The public key to trust.
    pub fn key(&self) -> PathBuf {
        self.dir.path().join("company.pub")
    }
}
