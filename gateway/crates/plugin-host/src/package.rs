//! A plugin in one signed file, `<name>-<version>.whp`.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `89 57 48 50 0D 0A 1A 0A`: as in PNG, shows a transfer as text |
//! | 8 | 4 | version of this format, 1 |
//! | 12 | 4 | length of the manifest, at most 64 KiB |
//! | 16 | 4 | length of the component, at most 4 MiB |
//! | 20 | 32 | ed25519 public key of who signed |
//! | 52 | 64 | signature |
//! | 116 | | manifest (`plugin.toml`, UTF-8), then component (portable wasm) |
//!
//! Numbers are little-endian and the file ends with the component. Signed is
//! `wellhead plugin package 1\n` followed by the SHA-256 of: length of the manifest as 8 bytes,
//! manifest, length of the component as 8 bytes, component. So a signature stands for one manifest
//! with one component, and for nothing else that a key may ever sign.
//!
//! A package that can be read is undamaged and signed by the key it names; whether that key is
//! trusted is asked of a [`TrustStore`](crate::TrustStore).

use crate::key::{PublicKey, SigningKey};
use ring::digest::{Context, Digest, SHA256};

const MAGIC: [u8; 8] = *b"\x89WHP\r\n\x1a\n";
const FORMAT: u32 = 1;
const DOMAIN: &[u8] = b"wellhead plugin package 1\n";
const KEY_LEN: usize = 32;
const SIGNATURE_LEN: usize = 64;
const HEADER_LEN: usize = 8 + 3 * 4 + KEY_LEN + SIGNATURE_LEN;

/// Longest manifest, in bytes.
pub const MANIFEST_LEN_MAX: usize = 64 << 10;

/// Longest component, in bytes.
pub const COMPONENT_LEN_MAX: usize = 4 << 20;

/// Longest package file, in bytes: what a reader needs to take in at most.
pub const PACKAGE_LEN_MAX: usize = HEADER_LEN + MANIFEST_LEN_MAX + COMPONENT_LEN_MAX;

/// Why a package is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// It begins otherwise.
    #[error("this is no plugin package (.whp); make one with `wellhead plugin pack`")]
    NoPackage,
    /// Line ends or high bits were changed on the way.
    #[error("the package was damaged by a transfer in text mode; transfer it as binary")]
    TextMode,
    /// A later gateway made it.
    #[error("the package has format {0} and this gateway reads {FORMAT}; update the gateway")]
    Format(u32),
    /// It is shorter or longer than its header says.
    #[error("the package has {have} bytes and should have {expected}; transfer it again")]
    Length {
        /// What there is.
        have: usize,
        /// What its header says.
        expected: usize,
    },
    /// A part is longer than any plugin needs.
    #[error("the {part} has {len} bytes, and at most {max} are read")]
    TooLarge {
        /// Manifest or component.
        part: &'static str,
        /// Its length.
        len: usize,
        /// The most.
        max: usize,
    },
    /// Content, key and signature don't belong together.
    #[error("the package was changed after it was signed; fetch it again from whoever made it")]
    Signature,
    /// The manifest is no text.
    #[error("the manifest in the package is not UTF-8")]
    Utf8,
}

/// A manifest with its component, and who signed them.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    manifest: String,
    component: Vec<u8>,
    signer: Option<PublicKey>,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package")
            .field("component_len", &self.component.len())
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

impl Package {
    /// What was just built and nobody has signed: for development only.
    pub fn unsigned(
        manifest: impl Into<String>,
        component: impl Into<Vec<u8>>,
    ) -> Result<Self, PackageError> {
        let (manifest, component) = (manifest.into(), component.into());
        bounded("manifest", manifest.len(), MANIFEST_LEN_MAX)?;
        bounded("component", component.len(), COMPONENT_LEN_MAX)?;
        Ok(Self { manifest, component, signer: None })
    }

    /// Reads a file's bytes, which may come from anybody.
    pub fn read(bytes: &[u8]) -> Result<Self, PackageError> {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            let text_mode = bytes.get(1..4) == Some(b"WHP");
            return Err(if text_mode { PackageError::TextMode } else { PackageError::NoPackage });
        };
        let short = PackageError::Length { have: bytes.len(), expected: HEADER_LEN };
        let (format, rest) = rest.split_first_chunk().ok_or_else(|| short.clone())?;
        let format = u32::from_le_bytes(*format);
        if format != FORMAT {
            return Err(PackageError::Format(format));
        }
        let (manifest_len, rest) = rest.split_first_chunk().ok_or_else(|| short.clone())?;
        let (component_len, rest) = rest.split_first_chunk().ok_or_else(|| short.clone())?;
        let (key, rest) = rest.split_first_chunk::<KEY_LEN>().ok_or_else(|| short.clone())?;
        let (signature, rest) = rest.split_first_chunk::<SIGNATURE_LEN>().ok_or(short)?;
        let manifest_len = u32::from_le_bytes(*manifest_len) as usize;
        let component_len = u32::from_le_bytes(*component_len) as usize;
        bounded("manifest", manifest_len, MANIFEST_LEN_MAX)?;
        bounded("component", component_len, COMPONENT_LEN_MAX)?;
        if rest.len() != manifest_len + component_len {
            let expected = HEADER_LEN + manifest_len + component_len;
            return Err(PackageError::Length { have: bytes.len(), expected });
        }
        let (manifest, component) = rest.split_at(manifest_len);
        let signer = PublicKey(*key);
        if !signer.verifies(&message(manifest, component), signature) {
            return Err(PackageError::Signature);
        }
        let manifest = std::str::from_utf8(manifest).map_err(|_| PackageError::Utf8)?;
        Ok(Self { manifest: manifest.into(), component: component.into(), signer: Some(signer) })
    }

    /// The bytes of a package file with these contents, signed by `key`.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        let (manifest, component) = (self.manifest.as_bytes(), &self.component[..]);
        // Both lengths were checked when the package was made.
        let len = |part: &[u8]| u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes();
        let signature = key.sign(&message(manifest, component));
        [
            &MAGIC[..],
            &FORMAT.to_le_bytes(),
            &len(manifest),
            &len(component),
            &key.public().0,
            &signature,
            manifest,
            component,
        ]
        .concat()
    }

    /// SHA-256 over manifest and component: the same build has the same, whoever signed it.
    pub fn digest(&self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hash(self.manifest.as_bytes(), &self.component).as_ref());
        out
    }

    /// Text of `plugin.toml`.
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The component, portable wasm.
    pub fn component(&self) -> &[u8] {
        &self.component
    }

    /// Whose signature it carries; none if it never was a file.
    pub fn signer(&self) -> Option<&PublicKey> {
        self.signer.as_ref()
    }
}

fn bounded(part: &'static str, len: usize, max: usize) -> Result<(), PackageError> {
    if len > max { Err(PackageError::TooLarge { part, len, max }) } else { Ok(()) }
}

fn message(manifest: &[u8], component: &[u8]) -> Vec<u8> {
    [DOMAIN, hash(manifest, component).as_ref()].concat()
}

fn hash(manifest: &[u8], component: &[u8]) -> Digest {
    let mut hash = Context::new(&SHA256);
    for part in [manifest, component] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finish()
}
