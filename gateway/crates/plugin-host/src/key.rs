//! Keys: who made a package, and whom a box believes.
//!
//! A public key is a file `<name>.pub` with a line `wellhead-public-key-1 <64 hex digits>`; a secret
//! one has `wellhead-secret-key-1 <64 hex digits>` and is readable by its owner alone. Lines that
//! begin with `#` are for people. Keys are ed25519 (RFC 8032); the secret is its 32-byte seed.

use crate::package::Package;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const PUBLIC: &str = "wellhead-public-key-1";
const SECRET: &str = "wellhead-secret-key-1";

/// No key file is longer, in bytes.
const FILE_LEN_MAX: u64 = 4096;

/// What is wrong with keys, or with a package's signer.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or folder of keys.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is something else in the file.
    #[error("{}: no line `{expected} <64 hex digits>`", path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
        /// The word that such a line begins with.
        expected: &'static str,
    },
    /// Others can read the secret.
    #[error(
        "{0} is a secret that others can read: chmod 600 {0}; if they may have read it, make another"
    )]
    Exposed(PathBuf),
    /// The system gives no random numbers.
    #[error("no random numbers for a key")]
    Random,
    /// A package carries no signature.
    #[error("the package is not signed; `wellhead plugin pack` signs it")]
    Unsigned,
    /// A package's signer is not in the trust store.
    #[error(
        "the package is signed by {signer}, and this box does not trust that key; if you know it, \
         `wellhead plugin trust` its file, or put `{PUBLIC} {signer}` into {}", .folder.join("<name>.pub").display()
    )]
    Untrusted {
        /// Who signed.
        signer: PublicKey,
        /// Where trusted keys are.
        folder: PathBuf,
    },
}

/// Checks signatures. Shown as 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(pub(crate) [u8; 32]);

impl PublicKey {
    /// Reads a `.pub` file.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        key_in(&read(path)?, PUBLIC)
            .map(Self)
            .ok_or_else(|| KeyError::NoKey { path: path.into(), expected: PUBLIC })
    }

    /// What a `.pub` file contains.
    pub fn file_text(&self) -> String {
        format!("{PUBLIC} {self}\n")
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// Signs packages. Never shown.
pub struct SigningKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

impl SigningKey {
    /// A new one.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::Random)?;
        Self::from_seed(seed).ok_or(KeyError::Random)
    }

    fn from_seed(seed: [u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        Some(Self { seed, pair })
    }

    /// Reads a secret key's file, and refuses one that others can read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let io = |error| KeyError::Io { path: path.into(), error };
        let mode = std::fs::metadata(path).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed(path.into()));
        }
        key_in(&read(path)?, SECRET)
            .and_then(Self::from_seed)
            .ok_or_else(|| KeyError::NoKey { path: path.into(), expected: SECRET })
    }

    /// Writes it into a new file that only its owner can read.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let io = |error| KeyError::Io { path: path.into(), error };
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(io)?;
        let text = format!(
            "# Signs Wellhead plugins as {}. Keep it to yourself.\n{SECRET} {}\n",
            self.public(),
            hex(&self.seed)
        );
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)
    }

    /// What others check its signatures with.
    pub fn public(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(key)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }
}

/// The keys a box believes: every `.pub` file of a folder.
#[derive(Debug, Clone)]
pub struct TrustStore {
    folder: PathBuf,
    keys: Vec<(String, PublicKey)>,
}

impl TrustStore {
    /// Reads a folder. One that doesn't exist is empty; a `.pub` file without a key is an error,
    /// since somebody believes that it works.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, KeyError> {
        let folder = folder.into();
        let io = |error| KeyError::Io { path: folder.clone(), error };
        let mut keys = Vec::new();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => Some(entries),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(io(e)),
        };
        for entry in entries.into_iter().flatten() {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|e| e == "pub") {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                keys.push((name, PublicKey::load(&path)?));
            }
        }
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self { folder, keys })
    }

    /// The name of the key that signed a package, if it is one of these.
    pub fn signer(&self, package: &Package) -> Result<&str, KeyError> {
        let signer = *package.signer().ok_or(KeyError::Unsigned)?;
        match self.keys.iter().find(|(_, key)| *key == signer) {
            Some((name, _)) => Ok(name),
            None => Err(KeyError::Untrusted { signer, folder: self.folder.clone() }),
        }
    }
}

fn read(path: &Path) -> Result<String, KeyError> {
    let io = |error| KeyError::Io { path: path.into(), error };
    if std::fs::metadata(path).map_err(io)?.len() > FILE_LEN_MAX {
        return Err(KeyError::NoKey { path: path.into(), expected: PUBLIC });
    }
    std::fs::read_to_string(path).map_err(io)
}

fn key_in(text: &str, word: &str) -> Option<[u8; 32]> {
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let (first, digits) = lines.next()?.split_once(char::is_whitespace)?;
    (first == word && lines.next().is_none()).then(|| from_hex(digits.trim()))?
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        // Writing into a String can't fail.
        let _ = write!(out, "{b:02x}");
    }
    out
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}
