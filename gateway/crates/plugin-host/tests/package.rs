//! Packages, keys and the cache against hostile and unlucky bytes.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use wellhead_fixtures::Fixture;
use wellhead_plugin_host::package::COMPONENT_LEN_MAX;
use wellhead_plugin_host::*;

fn small() -> Package {
    Package::unsigned("[plugin]\n", *b"\0asm and so on").unwrap()
}

#[test]
fn what_was_packed_and_signed_is_what_is_read() {
    let key = SigningKey::generate().unwrap();
    let package = package(Fixture::Idle);
    let read = Package::read(&package.sign(&key)).unwrap();
    assert_eq!(read.manifest(), package.manifest());
    assert_eq!(read.component(), package.component());
    assert_eq!(read.signer(), Some(&key.public()));
}

#[test]
fn a_signature_of_one_key_is_none_of_another() {
    let mut bytes = small().sign(&SigningKey::generate().unwrap());
    let other = small().sign(&SigningKey::generate().unwrap());
    bytes[20..52].copy_from_slice(&other[20..52]);
    assert_eq!(Package::read(&bytes), Err(PackageError::Signature));
}

#[test]
fn what_is_too_large_is_refused_by_its_header_alone() {
    let mut bytes = small().sign(&SigningKey::generate().unwrap());
    bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    let max = COMPONENT_LEN_MAX;
    assert_eq!(
        Package::read(&bytes),
        Err(PackageError::TooLarge { part: "component", len: u32::MAX as usize, max })
    );
    assert!(Package::unsigned("", vec![0; max + 1]).is_err());
}

#[test]
fn other_files_other_formats_and_text_transfers_are_told_apart() {
    let bytes = small().sign(&SigningKey::generate().unwrap());
    assert_eq!(Package::read(b"PK\x03\x04"), Err(PackageError::NoPackage));
    let mut later = bytes.clone();
    later[8] = 2;
    assert_eq!(Package::read(&later), Err(PackageError::Format(2)));
    let unix: Vec<u8> = bytes.iter().copied().filter(|b| *b != b'\r').collect();
    assert_eq!(Package::read(&unix), Err(PackageError::TextMode));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Package::read(&bytes);
        // The same behind a header that is right.
        let framed = [b"\x89WHP\r\n\x1a\n\x01\0\0\0", &bytes[..]].concat();
        prop_assert!(Package::read(&framed).is_err());
    }

    #[test]
    fn no_changed_or_missing_byte_goes_unnoticed(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let bytes = small().sign(&SigningKey::generate().unwrap());
        let at = at.index(bytes.len());
        prop_assert!(Package::read(&bytes[..at]).is_err());
        let mut changed = bytes.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(Package::read(&changed).is_err());
        let mut longer = bytes;
        longer.push(0);
        prop_assert!(Package::read(&longer).is_err());
    }
}

#[test]
fn only_packages_of_trusted_keys_are_accepted_and_others_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate().unwrap();
    let package = Package::read(&small().sign(&key)).unwrap();
    let empty = TrustStore::open(folder.path().join("none")).unwrap();
    let told = empty.signer(&package).unwrap_err().to_string();
    assert!(told.contains(&format!("put `wellhead-public-key-1 {}` into", key.public())), "{told}");

    std::fs::write(folder.path().join("acme.pub"), key.public().file_text()).unwrap();
    let store = TrustStore::open(folder.path()).unwrap();
    assert_eq!(store.signer(&package).unwrap(), "acme");
    let unsigned = store.signer(&small()).unwrap_err();
    assert!(matches!(unsigned, KeyError::Unsigned));
    let other = Package::read(&small().sign(&SigningKey::generate().unwrap())).unwrap();
    assert!(matches!(store.signer(&other), Err(KeyError::Untrusted { .. })));

    std::fs::write(folder.path().join("broken.pub"), "ssh-ed25519 AAAA").unwrap();
    let told = TrustStore::open(folder.path()).unwrap_err().to_string();
    assert!(told.contains("broken.pub"), "{told}");
}

#[test]
fn a_secret_key_is_written_for_its_owner_alone_and_refused_if_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    let key = SigningKey::generate().unwrap();
    key.save(&path).unwrap();
    assert_eq!(SigningKey::load(&path).unwrap().public(), key.public());
    assert!(key.save(&path).is_err(), "an existing key is not overwritten");
    let mode = |m| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(m)).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    mode(0o640);
    assert!(matches!(SigningKey::load(&path), Err(KeyError::Exposed(_))));
    mode(0o600);
    assert!(!format!("{key:?}").contains(&std::fs::read_to_string(&path).unwrap()[100..130]));
}

fn origin(cache: &Cache) -> Origin {
    let program =
        Program::prepare(&engine(), cache, &package(Fixture::Count), &Grant::all("it")).unwrap();
    // Whatever the origin, it must run.
    let mut it = Instance::new(&program, &setup(), &mut plant(), at(0.0)).unwrap().0;
    assert_eq!(written(&it.tick(&mut plant(), at(1.0)).unwrap()), [(PUMP, Some(1.0))]);
    program.origin().clone()
}

fn only_file(folder: &std::path::Path) -> std::path::PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

#[test]
fn compiled_code_is_kept_and_a_tampered_or_cut_file_is_compiled_again_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("code");
    let cache = Cache::open(&folder).unwrap();
    assert_eq!(origin(&cache), Origin::Compiled);
    assert_eq!(origin(&cache), Origin::Cached);
    let path = only_file(&folder);
    let good = std::fs::read(&path).unwrap();
    let tampered = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = good[..good.len() / 2].to_vec();
    for bad in [tampered(0), tampered(20), tampered(good.len() / 2), cut, Vec::new()] {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(origin(&cache), Origin::Replaced(_)));
        assert_eq!(origin(&cache), Origin::Cached);
    }
}

#[test]
fn code_of_another_component_under_this_ones_name_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    assert_eq!(origin(&cache), Origin::Compiled);
    let path = only_file(folder.path());
    let elsewhere = tempfile::tempdir().unwrap();
    let other = Cache::open(elsewhere.path()).unwrap();
    Program::prepare(&engine(), &other, &package(Fixture::CountTens), &Grant::all("it")).unwrap();
    std::fs::copy(only_file(elsewhere.path()), &path).unwrap();
    assert!(matches!(origin(&cache), Origin::Replaced(_)));
}

#[test]
fn a_folder_that_others_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let told = Cache::open(folder.path()).unwrap_err().to_string();
    assert!(told.contains("chmod 700"), "{told}");
}

#[test]
fn code_of_plugins_that_are_gone_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    origin(&cache);
    cache.keep_used().unwrap();
    assert_eq!(origin(&cache), Origin::Cached);
    // The next run of a gateway that has it no more.
    Cache::open(folder.path()).unwrap().keep_used().unwrap();
    assert_eq!(origin(&cache), Origin::Compiled);
}
