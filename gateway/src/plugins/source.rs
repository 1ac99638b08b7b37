//! From what the site names to a program that may run: a package that somebody trusted signed, or,
//! in development, what was just built.

use crate::bilingual::Bilingual;
use crate::commands::{built, signer};
use crate::config;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use wellhead_plugin_host::{
    Cache, Engine, EngineError, Grant, KeyError, Origin, Package, Program, Refusal,
};

/// Where programs come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// What runs them; made for the first, since a site without plugins need not carry it.
    engine: Arc<Mutex<Option<Engine>>>,
    /// Their compiled code.
    cache: Cache,
    /// The gateway's data folder, with the keys it trusts.
    data_dir: PathBuf,
    /// Whether packages that nobody trusted signed are run.
    development: bool,
}

/// A program that may run.
#[derive(Debug)]
pub struct Prepared {
    /// The program.
    pub program: Program,
    /// SHA-256 of manifest and component.
    pub build: [u8; 32],
}

/// Why a plugin is not run.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Its file can't be read.
    #[error("{0}")]
    Unreadable(Bilingual),
    /// Nobody trusted has signed it.
    #[error("{0}; during development, `wellhead run --development` runs it all the same")]
    Untrusted(#[from] KeyError),
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No plugin runs on this machine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Trouble {
    /// What [`Display`](std::fmt::Display) says, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            Trouble::Unreadable(why) => why.zh.clone(),
            Trouble::Untrusted(error) => {
                format!("{}；开发期间可用 `wellhead run --development` 照常运行", error.text_zh())
            }
            Trouble::Refused(refusal) => refusal.text_zh(),
            Trouble::Engine(error) => error.text_zh(),
        }
    }
}

impl Sources {
    /// Of a gateway with this data folder.
    ///
    /// # Errors
    /// If others may write where compiled code is kept.
    pub fn open(data_dir: &Path, development: bool) -> anyhow::Result<Self> {
        let cache = Cache::open(data_dir.join("plugin-code"))?;
        Ok(Self { engine: Arc::default(), cache, data_dir: data_dir.to_owned(), development })
    }

    /// For a tool on a laptop, which runs whatever was built and keeps nothing.
    pub fn for_tools(engine: Engine) -> Self {
        let engine = Arc::new(Mutex::new(Some(engine)));
        Self { engine, cache: Cache::none(), data_dir: PathBuf::new(), development: true }
    }

    /// Forgets the compiled code of plugins that are not there any more.
    pub fn tidy(&self) {
        if let Err(error) = self.cache.keep_used() {
            tracing::warn!(%error, "Can't delete the code of plugins that are gone");
        }
    }

    fn engine(&self) -> Result<Engine, EngineError> {
        let mut engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        match &*engine {
            Some(engine) => Ok(engine.clone()),
            None => Ok(engine.insert(Engine::new()?).clone()),
        }
    }

    /// Reads, checks and compiles a plugin.
    ///
    /// # Errors
    /// Why it is not run, in words that say what to do.
    pub fn prepare(&self, plugin: &config::Plugin) -> Result<Prepared, Trouble> {
        let package = open(&plugin.source)?;
        if !self.development {
            signer(&self.data_dir, &package)?;
        }
        let grant = Grant {
            plugin: plugin.id.to_string(),
            memory: plugin.memory,
            deadline: plugin.deadline,
        };
        let program = Program::prepare(&self.engine()?, &self.cache, &package, &grant)?;
        if let Origin::Replaced(why) | Origin::Unkept(why) = program.origin() {
            tracing::warn!(plugin = %plugin.id, why, "Compiled code was not what it should be");
        }
        Ok(Prepared { program, build: package.digest() })
    }
}

/// A package file, or the manifest and the component of a folder.
fn open(source: &Path) -> Result<Package, Trouble> {
    if source.is_dir() {
        built(source).map_err(Trouble::Unreadable)
    } else {
        config::read_package(source).map_err(Trouble::Unreadable)
    }
}
