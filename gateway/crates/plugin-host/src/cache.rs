//! Compiled code, kept between starts.
//!
//! Compiling takes a Pi a second for each plugin, loading takes it a millisecond. But compiled code
//! is run as it is, outside every fence: whoever can write this folder owns the gateway. So the
//! folder must be writable by its owner alone; only portable components are ever shipped; and a
//! file is loaded only if it holds the hash of its own content and of everything that decided what
//! the content is. A damaged file is compiled again and told.
//!
//! A file is `WHCODE1\n`, 32 bytes SHA-256 over the key and the code, and the code. Its name is the
//! key: SHA-256 over the component and over wasmtime's version, configuration, target and CPU
//! features, in hexadecimal.

use crate::engine::Engine;
use ring::digest::{Context, SHA256};
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::component::Component;

const MAGIC: &[u8; 8] = b"WHCODE1\n";
const HASH_LEN: usize = 32;
const HEADER_LEN: usize = MAGIC.len() + HASH_LEN;

/// Compiled code is up to ten times the size of wasm, and a component has at most 4 MiB.
const FILE_LEN_MAX: u64 = 64 << 20;

/// Why a component is not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It is damaged, or uses what this gateway doesn't support.
    #[error("the component can't be compiled, it is damaged or needs what plugins don't have: {0}")]
    Compile(String),
    /// The folder can't be made or read.
    #[error("folder of compiled plugins {}: {error}", path.display())]
    Io {
        /// Which folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Somebody else could put code there.
    #[error(
        "others may write into the folder of compiled plugins {0}, and what lies there runs as part \
         of the gateway: chmod 700 {0}"
    )]
    Writable(PathBuf),
}

/// Where compiled code came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It was in the cache.
    Cached,
    /// It was compiled now.
    Compiled,
    /// It was compiled although the cache has a file: that one is not what it should be.
    Replaced(String),
    /// It was compiled, and could not be kept.
    Unkept(String),
}

/// A folder of compiled code, or none. A clone is the same.
#[derive(Debug, Clone)]
pub struct Cache(Option<Arc<Folder>>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Names of what this program had use for.
    used: Mutex<BTreeSet<String>>,
}

impl Cache {
    /// Keeps nothing: for tools.
    pub fn none() -> Self {
        Self(None)
    }

    /// Makes the folder if it doesn't exist, and refuses one that others may write.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let path = folder.into();
        let io = |error| CacheError::Io { path: path.clone(), error };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(io)?;
        let mode = std::fs::metadata(&path).map_err(io)?.permissions().mode();
        if mode & 0o022 != 0 {
            return Err(CacheError::Writable(path));
        }
        Ok(Self(Some(Arc::new(Folder { path, used: Mutex::default() }))))
    }

    /// Deletes the code of every component that nobody asked for since this was opened: of
    /// plugins that were taken out or replaced.
    pub fn keep_used(&self) -> Result<(), CacheError> {
        let Some(folder) = &self.0 else { return Ok(()) };
        let used = folder.used.lock().unwrap_or_else(PoisonError::into_inner);
        let io = |error| CacheError::Io { path: folder.path.clone(), error };
        for entry in std::fs::read_dir(&folder.path).map_err(io)? {
            let entry = entry.map_err(io)?;
            if !used.iter().any(|name| entry.file_name() == name.as_str()) {
                std::fs::remove_file(entry.path()).map_err(io)?;
            }
        }
        Ok(())
    }

    pub(crate) fn component(
        &self,
        engine: &Engine,
        bytes: &[u8],
    ) -> Result<(Component, Origin), CacheError> {
        let compile = || {
            Component::from_binary(engine.wasmtime(), bytes)
                .map_err(|e| CacheError::Compile(format!("{e:#}")))
        };
        let Some(folder) = &self.0 else { return Ok((compile()?, Origin::Compiled)) };
        let key = key(engine, bytes);
        let path = folder.path.join(name(&key));
        folder.used.lock().unwrap_or_else(PoisonError::into_inner).insert(name(&key));
        let why = match load(engine, &path, &key) {
            Ok(Some(component)) => return Ok((component, Origin::Cached)),
            Ok(None) => None,
            Err(why) => Some(why),
        };
        let component = compile()?;
        let code = component.serialize().map_err(|e| CacheError::Compile(format!("{e:#}")))?;
        let origin = match (store(&path, &key, &code), why) {
            (Err(e), _) => Origin::Unkept(format!("{}: {e}", path.display())),
            (Ok(()), Some(why)) => Origin::Replaced(format!("{}: {why}", path.display())),
            (Ok(()), None) => Origin::Compiled,
        };
        Ok((component, origin))
    }
}

type Key = [u8; HASH_LEN];

/// Everything that decides what compiled code is.
fn key(engine: &Engine, component: &[u8]) -> Key {
    struct Sha(Context);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0 // nobody asks: the digest is taken instead
        }
    }
    let mut sha = Sha(Context::new(&SHA256));
    sha.write(&(component.len() as u64).to_le_bytes());
    sha.write(component);
    engine.wasmtime().precompile_compatibility_hash().hash(&mut sha);
    digest(sha.0)
}

fn digest(context: Context) -> [u8; HASH_LEN] {
    let mut out = [0; HASH_LEN];
    out.copy_from_slice(context.finish().as_ref());
    out
}

fn name(key: &Key) -> String {
    crate::key::hex(key)
}

fn seal(key: &Key, code: &[u8]) -> [u8; HASH_LEN] {
    let mut context = Context::new(&SHA256);
    context.update(MAGIC);
    context.update(key);
    context.update(code);
    digest(context)
}

/// The code of a file; none if there is no file, or why it can't be trusted.
fn load(engine: &Engine, path: &Path, key: &Key) -> Result<Option<Component>, String> {
    let len = match std::fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    if len > FILE_LEN_MAX {
        return Err(format!("{len} bytes are no compiled plugin"));
    }
    let file = std::fs::read(path).map_err(|e| e.to_string())?;
    let (header, code) = file.split_at_checked(HEADER_LEN).ok_or("it is cut short")?;
    let hash = header.strip_prefix(MAGIC).ok_or("it is no compiled plugin")?;
    if hash != seal(key, code) {
        return Err("its content is not what was written".into());
    }
    #[expect(unsafe_code, reason = "loading compiled code is what the cache is for")]
    // SAFETY: `code` must be what `Component::serialize` returned. The folder is writable by this
    // program's user alone, who can as well change the program; and what chance or a disk did to
    // the file since `store` wrote it shows in the hash just compared, over content and key.
    // Wasmtime itself refuses code of another version, configuration or CPU.
    let component = unsafe { Component::deserialize(engine.wasmtime(), code) };
    component.map(Some).map_err(|e| format!("{e:#}"))
}

/// Writes the whole file or none: a name appears only when its content is on disk.
fn store(path: &Path, key: &Key, code: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(MAGIC)?;
    file.write_all(&seal(key, code))?;
    file.write_all(code)?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}
