//! The template makes a component: built as an integrator would build it, in a folder elsewhere.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

mod common;

/// Largest component we allow a small plugin to be, in bytes.
const SIZE_MAX: usize = 65_000;

/// Copies the template and points its dependency to this crate.
fn copy(template: &Path, to: &Path) -> Result<()> {
    for file in ["Cargo.toml", "plugin.toml", "src/lib.rs", "tests/story.rs"] {
        let text = fs::read_to_string(template.join(file)).context(file)?;
        let text = text.replace("\"../rust\"", &format!("{:?}", env!("CARGO_MANIFEST_DIR")));
        let file = to.join(file);
        fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
        fs::write(file, text)?;
    }
    // With our lock file it is built from what is here, offline.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    fs::copy(lock, to.join("Cargo.lock"))?;
    Ok(())
}

fn cargo(folder: &Path, target: &Path, arguments: &[&str]) -> Result<()> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn template_becomes_a_small_component_that_imports_the_contract_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    copy(&common::sdk().join("template"), folder.path())?;
    // Kept between runs: compiling serde anew each time would be most of the test.
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("template");
    cargo(folder.path(), &target, &["test", "--quiet"])?;
    let build = ["build", "--quiet", "--profile", "plugin", "--target", "wasm32-unknown-unknown"];
    cargo(folder.path(), &target, &build)?;
    let module = fs::read(target.join("wasm32-unknown-unknown/plugin/my_plugin.wasm"))?;
    let component = common::component(&module)?;
    common::imports_the_contract_alone(&component)?;
    println!("The template's component has {} bytes", component.len());
    ensure!(component.len() <= SIZE_MAX, "{} bytes, more than {SIZE_MAX}", component.len());
    Ok(())
}
