//! What is refused before it runs, and what the refusal tells.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use common::*;
use std::time::Duration;
use wellhead_fixtures::Fixture;
use wellhead_plugin_host::*;

fn refusal(package: &Package, grant: &Grant) -> String {
    match Program::prepare(&engine(), &Cache::none(), package, grant) {
        Ok(program) => panic!("not refused: {program:?}"),
        Err(refusal) => refusal.to_string(),
    }
}

fn refused(fixture: Fixture) -> String {
    refusal(&package(fixture), &Grant::all("it"))
}

/// The component of `Idle` under a manifest with `from` replaced by `to`.
fn changed(from: &str, to: &str) -> Package {
    let manifest = Fixture::Idle.manifest();
    assert!(manifest.contains(from), "{from}");
    let component = Fixture::Idle.component();
    Package::unsigned(manifest.replace(from, to), component).unwrap()
}

#[test]
fn a_component_for_another_contract_is_told_what_this_gateway_speaks() {
    assert_eq!(
        refused(Fixture::WrongVersion),
        "the plugin was built for contract 2.0 and this gateway speaks 1.0: update the gateway, or \
         build the plugin with an older SDK"
    );
}

#[test]
fn a_manifest_for_another_contract_is_refused_before_anything_is_compiled() {
    let package = Package::unsigned(
        Fixture::Idle.manifest().replace("contract = \"1.0\"", "contract = \"1.7\""),
        *b"no component at all",
    );
    let told = refusal(&package.unwrap(), &Grant::all("it"));
    assert!(told.contains("contract 1.7 and this gateway speaks 1.0"), "{told}");
}

#[test]
fn an_import_from_outside_the_contract_is_named() {
    let told = refused(Fixture::Wasi);
    assert!(told.starts_with("the component imports `wasi:clocks/wall-clock@0.2.0`"), "{told}");
}

#[test]
fn a_component_that_exports_nothing_is_no_plugin() {
    let told = refused(Fixture::Empty);
    assert!(told.starts_with("the component is no plugin: "), "{told}");
    assert!(told.contains("describe"), "{told}");
}

#[test]
fn a_component_under_another_plugins_manifest_is_refused() {
    let told = refused(Fixture::Impostor);
    assert!(
        told.contains("says it is somebody 0.1.0, its plugin.toml says impostor 0.1.0"),
        "{told}"
    );
    let told = refusal(&changed("\"0.1.0\"", "\"0.1.1\""), &Grant::all("it"));
    assert!(told.contains("says it is idle 0.1.0, its plugin.toml says idle 0.1.1"), "{told}");
}

#[test]
fn asking_for_more_than_the_site_grants_tells_the_line_that_grants_it() {
    let grant = Grant { memory: 1 << 20, ..Grant::all("recharge") };
    assert_eq!(
        refusal(&package(Fixture::Idle), &grant),
        "the plugin asks for 4MiB of memory and the site grants 1MiB; to grant it: \
         [plugin.recharge.grant] memory = \"4MiB\""
    );
    let grant = Grant { deadline: Duration::from_millis(20), ..Grant::all("recharge") };
    assert_eq!(
        refusal(&package(Fixture::Idle), &grant),
        "the plugin asks for calls of 100ms and the site grants 20ms; to grant it: \
         [plugin.recharge.grant] deadline = \"100ms\""
    );
}

#[test]
fn damaged_components_and_manifests_are_refused_with_their_reason() {
    let component = Fixture::Idle.component();
    let manifest = Fixture::Idle.manifest();
    let half = Package::unsigned(&*manifest, &component[..component.len() / 2]).unwrap();
    let told = refusal(&half, &Grant::all("it"));
    assert!(told.starts_with("the component can't be compiled"), "{told}");
    let told = refusal(&changed("[plugin]", "[plugins]"), &Grant::all("it"));
    assert!(told.starts_with("plugin.toml of the package"), "{told}");
}

#[test]
fn a_plugin_whose_init_fails_is_told_in_its_own_words() {
    let program = prepare(Fixture::NoStart).unwrap();
    let fault = Instance::new(&program, &setup(), &mut plant(), at(0.0)).unwrap_err();
    assert_eq!((fault.kind, fault.text.as_str()), (FaultKind::Error, "no sensor"));
}

#[test]
fn a_binding_to_no_role_of_the_plugin_is_told() {
    let program = prepare(Fixture::Idle).unwrap();
    let mut setup = setup();
    setup.bindings[0].role = "chimney".into();
    let fault = Instance::new(&program, &setup, &mut plant(), at(0.0)).unwrap_err();
    assert_eq!(fault.text, "`chimney` is bound, but no role of idle");
}
