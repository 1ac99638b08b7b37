//! The example in C makes a component, if there is a compiler for it.

use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};

mod common;

/// Whether this machine's clang compiles and links for wasm32.
fn has_compiler(out: &Path) -> bool {
    let Ok(mut clang) = Command::new("clang")
        .args(["--target=wasm32-unknown-unknown", "-nostdlib", "-Wl,--no-entry", "-xc", "-", "-o"])
        .arg(out.join("probe.wasm"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
    else {
        return false;
    };
    drop(clang.stdin.take());
    clang.wait().is_ok_and(|status| status.success())
}

#[test]
fn thermostat_in_c_becomes_a_small_component_that_imports_the_contract_alone() -> Result<()> {
    let out = tempfile::tempdir()?;
    if !has_compiler(out.path()) {
        println!("SKIPPED: no clang with wasm-ld here (Debian: apt install clang lld)");
        return Ok(());
    }
    let make = Command::new("make")
        .arg("-C")
        .arg(common::sdk().join("c"))
        .arg(format!("OUT={}", out.path().display()))
        .output()
        .context("make")?;
    ensure!(make.status.success(), "{}", String::from_utf8_lossy(&make.stderr));
    let module = std::fs::read(out.path().join("thermostat.wasm"))?;
    let component = common::component(&module)?;
    common::imports_the_contract_alone(&component)?;
    ensure!(component.len() < 10_000, "{} bytes", component.len());
    Ok(())
}
