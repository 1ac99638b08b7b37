//! The generated bindings that are checked in are those of the contract. To renew them:
//! `UPDATE_EXPECT=1 cargo test -p wellhead-sdk --test bindings`

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn generate(mut generator: impl AsMut<dyn WorldGenerator>) -> Result<Files> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(sdk().join("wit/since-v1.0"))?;
    let world = resolve.select_world(&[package], Some("plugin"))?;
    let mut files = Files::default();
    generator.as_mut().generate(&mut resolve, world, &mut files)?;
    Ok(files)
}

/// Compares with what is checked in, or renews it.
fn compare(path: &Path, generated: &[u8]) -> Result<()> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return std::fs::write(path, generated).context(path.display().to_string());
    }
    let checked_in = std::fs::read(path).with_context(|| path.display().to_string())?;
    anyhow::ensure!(
        checked_in == generated,
        "{} is stale; renew it: UPDATE_EXPECT=1 cargo test -p wellhead-sdk --test bindings",
        path.display()
    );
    Ok(())
}

#[test]
fn rust_bindings_are_those_of_the_contract() -> Result<()> {
    let options = wit_bindgen_rust::Opts {
        format: true,
        pub_export_macro: true,
        runtime_path: Some("wit_bindgen::rt".to_owned()),
        default_bindings_module: Some("$crate::bindings".to_owned()),
        ..Default::default()
    };
    let generator: Box<dyn WorldGenerator> = Box::new(options.build());
    let files = generate(generator)?;
    let (name, text) = files.iter().next().context("nothing was generated")?;
    assert_eq!((name, files.iter().count()), ("plugin.rs", 1));
    compare(&sdk().join("rust/src/bindings.rs"), text)
}

#[test]
fn c_bindings_are_those_of_the_contract() -> Result<()> {
    let files = generate(wit_bindgen_c::Opts::default().build())?;
    let names: Vec<_> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["plugin.c", "plugin.h", "plugin_component_type.o"]);
    files.iter().try_for_each(|(name, text)| compare(&sdk().join("c/bindings").join(name), text))
}
