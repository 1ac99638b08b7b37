//! The checks between a package and its first call.

use crate::bindings::PluginPre;
use crate::cache::{Cache, CacheError, Origin};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::instance::Instance;
use crate::package::Package;
use crate::sandbox::Sandbox;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Component, HasSelf, Linker};
use wellhead_manifest::{CONTRACT, Contract, DEADLINE_MAX, MEMORY_MAX, Manifest, Problems};

/// Namespace of everything a plugin may import.
const CONTRACT_PACKAGE: &str = "wellhead:plugin/";

/// What the site lets a plugin ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Name of the plugin's table in the site's file, for the line that would grant more.
    pub plugin: String,
    /// Most memory in bytes.
    pub memory: u64,
    /// Longest time one call may take.
    pub deadline: Duration,
}

impl Grant {
    /// What a site grants that says nothing: the most a manifest may ask for.
    pub fn all(plugin: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), memory: MEMORY_MAX, deadline: DEADLINE_MAX }
    }
}

/// Why a plugin is not run. Nothing of it has been, except for `describe` in the last two.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The manifest is no manifest.
    #[error("plugin.toml of the package: {0}")]
    Manifest(#[from] Problems),
    /// It was made for a contract that this gateway doesn't speak.
    #[error(
        "the plugin was built for contract {wanted} and this gateway speaks {CONTRACT}: {}",
        advice(*.wanted)
    )]
    Contract {
        /// What it was built for.
        wanted: Contract,
    },
    /// The component is for another contract than its manifest says.
    #[error(
        "plugin.toml says contract {manifest}, the component imports `{import}`: build it again \
         with an SDK for contract {manifest}"
    )]
    ContractMismatch {
        /// By the manifest.
        manifest: Contract,
        /// By the component.
        import: String,
    },
    /// It wants something from outside the contract.
    #[error(
        "the component imports `{0}`, and a plugin may import wellhead:plugin/… only: it has no \
         files, network or clock; build it for wasm32-unknown-unknown with `wellhead plugin build`"
    )]
    Import(String),
    /// It asks for more memory than the site grants.
    #[error(
        "the plugin asks for {} of memory and the site grants {}; to grant it: \
         [plugin.{plugin}.grant] memory = \"{}\"",
        size(*.wanted), size(*.granted), size(*.wanted)
    )]
    Memory {
        /// Name in the site's file.
        plugin: String,
        /// By the manifest, in bytes.
        wanted: u64,
        /// By the site, in bytes.
        granted: u64,
    },
    /// It asks for longer calls than the site grants.
    #[error(
        "the plugin asks for calls of {}ms and the site grants {}ms; to grant it: \
         [plugin.{plugin}.grant] deadline = \"{}ms\"",
        wanted.as_millis(), granted.as_millis(), wanted.as_millis()
    )]
    Deadline {
        /// Name in the site's file.
        plugin: String,
        /// By the manifest.
        wanted: Duration,
        /// By the site.
        granted: Duration,
    },
    /// It can't be compiled, or the result can't be kept.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// It lacks something that a plugin has, or has it with other types.
    #[error("the component is no plugin: {0}")]
    NotAPlugin(String),
    /// It failed when asked for its name.
    #[error("the component can't say what it is: {0}")]
    Describe(#[source] Fault),
    /// Component and manifest are of different plugins.
    #[error(
        "the component says it is {said}, its plugin.toml says {manifest}: one of the two is of \
         another build; build and pack it again"
    )]
    OtherPlugin {
        /// By the component.
        said: String,
        /// By the manifest.
        manifest: String,
    },
}

pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        b if b % (1 << 20) == 0 => format!("{}MiB", b >> 20),
        b if b % (1 << 10) == 0 => format!("{}KiB", b >> 10),
        b => format!("{b}B"),
    }
}

fn advice(wanted: Contract) -> &'static str {
    if wanted > CONTRACT {
        "update the gateway, or build the plugin with an older SDK"
    } else {
        "build the plugin again with a newer SDK"
    }
}

/// A plugin that passed every check, ready to be instantiated. A clone shares the code.
#[derive(Clone)]
pub struct Program {
    pub(crate) engine: Engine,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) pre: PluginPre<Sandbox>,
    origin: Origin,
    built_with: String,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("plugin", &self.manifest.name).finish_non_exhaustive()
    }
}

impl Program {
    /// Checks a package against what the site grants and compiles it, or takes the compiled code
    /// from the cache. Who signed the package is not asked here: see
    /// [`TrustStore::signer`](crate::TrustStore::signer).
    pub fn prepare(
        engine: &Engine,
        cache: &Cache,
        package: &Package,
        grant: &Grant,
    ) -> Result<Self, Refusal> {
        let manifest = Manifest::parse(package.manifest())?;
        if !CONTRACT.serves(manifest.contract) {
            return Err(Refusal::Contract { wanted: manifest.contract });
        }
        granted(&manifest, grant)?;
        let (component, origin) = cache.component(engine, package.component())?;
        imports(engine, &component, manifest.contract)?;
        let pre = pre(engine, &component)?;
        let manifest = Arc::new(manifest);
        let program =
            Self { engine: engine.clone(), manifest, pre, origin, built_with: String::new() };
        program.described()
    }

    /// What the plugin is, by its package.
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Where the compiled code came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it was built with, by its own words.
    pub fn built_with(&self) -> &str {
        &self.built_with
    }

    fn described(mut self) -> Result<Self, Refusal> {
        let says = Instance::describe(&self).map_err(Refusal::Describe)?;
        let manifest = format!("{} {}", self.manifest.name, self.manifest.version);
        let said = format!("{} {}", says.name, says.version);
        if said != manifest {
            let said = crate::effects::one_line(said, 100);
            return Err(Refusal::OtherPlugin { said, manifest });
        }
        self.built_with = crate::effects::one_line(says.built_with, 100);
        Ok(self)
    }
}

fn granted(manifest: &Manifest, grant: &Grant) -> Result<(), Refusal> {
    let (asked, plugin) = (manifest.limits, grant.plugin.clone());
    if asked.memory > grant.memory {
        return Err(Refusal::Memory { plugin, wanted: asked.memory, granted: grant.memory });
    }
    if asked.deadline > grant.deadline {
        return Err(Refusal::Deadline { plugin, wanted: asked.deadline, granted: grant.deadline });
    }
    Ok(())
}

/// Only the contract's interfaces, and of a version that both this gateway and the manifest know.
fn imports(engine: &Engine, component: &Component, manifest: Contract) -> Result<(), Refusal> {
    for (import, _) in component.component_type().imports(engine.wasmtime()) {
        let Some((_, version)) =
            import.strip_prefix(CONTRACT_PACKAGE).and_then(|name| name.split_once('@'))
        else {
            return Err(Refusal::Import(import.to_owned()));
        };
        let Some(wanted) = contract(version) else {
            return Err(Refusal::Import(import.to_owned()));
        };
        if !CONTRACT.serves(wanted) {
            return Err(Refusal::Contract { wanted });
        }
        if !manifest.serves(wanted) {
            return Err(Refusal::ContractMismatch { manifest, import: import.to_owned() });
        }
    }
    Ok(())
}

/// Reads `1.0.0`.
fn contract(version: &str) -> Option<Contract> {
    let mut parts = version.split('.').map(|p| p.parse().ok());
    Some(Contract { major: parts.next()??, minor: parts.next()?? })
}

fn pre(engine: &Engine, component: &Component) -> Result<PluginPre<Sandbox>, Refusal> {
    let not_a_plugin = |e: wasmtime::Error| Refusal::NotAPlugin(format!("{e:#}"));
    let mut linker = Linker::new(engine.wasmtime());
    crate::bindings::Plugin::add_to_linker::<_, HasSelf<_>>(&mut linker, |sandbox| sandbox)
        .map_err(not_a_plugin)?;
    let pre = linker.instantiate_pre(component).map_err(not_a_plugin)?;
    PluginPre::new(pre).map_err(not_a_plugin)
}
