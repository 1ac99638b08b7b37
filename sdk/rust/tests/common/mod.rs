//! What the tests of components share.

use anyhow::{Result, bail, ensure};
use std::path::{Path, PathBuf};
use wit_bindgen_core::wit_parser::WorldItem;
use wit_component::{ComponentEncoder, DecodedWasm, decode};

/// The folder of the SDK.
pub(crate) fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Makes a component of a core module that carries the contract's types.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(module)?.validate(true).encode()
}

/// No WASI, nothing but the contract: what the manifest grants is all there is.
pub(crate) fn imports_the_contract_alone(component: &[u8]) -> Result<()> {
    let DecodedWasm::Component(resolve, world) = decode(component)? else {
        bail!("this is no component")
    };
    let world = &resolve.worlds[world];
    for (key, item) in &world.imports {
        let name = resolve.name_world_key(key);
        // The world's own types are listed with its imports; there is nothing to call in them.
        let is_type = matches!(item, WorldItem::Type { .. });
        ensure!(is_type || name.starts_with("wellhead:plugin/"), "imports {name}");
    }
    let exports: Vec<_> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    assert_eq!(exports, ["describe", "init", "tick", "on-change", "save"]);
    Ok(())
}
