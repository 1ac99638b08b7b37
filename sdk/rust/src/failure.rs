//! Why a plugin's call failed. No message prints a float: that alone would add 9 kB to a component.

/// Why a plugin's call failed. The gateway shows it in the plugin's log, `wellhead plugin
/// list` and an event, and if it is `init` that fails, in an alarm. A plugin
/// makes its own of a text: `return Err("bind heat_call or wanted_flow".into())`.
///
/// In a box, because every `?` moves it: four bytes instead of thirty-two make a component some
/// kilobytes smaller.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Kind>);

/// What the SDK itself has to say, and what plugins have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Kind {
    /// A role that the code needs and the site has not bound, or the manifest does not have.
    #[error("no point is bound to the role `{0}`")]
    Unbound(String),
    /// A role that is written without being an output.
    #[error("the role `{0}` is no output")]
    NotWritable(String),
    /// A role that the code reads or writes as something it is not.
    #[cfg(feature = "mock")]
    #[error("the role `{role}` is {shape} by the manifest, and the code takes it as {taken}")]
    RoleType {
        /// The role.
        role: String,
        /// What the manifest says.
        shape: &'static str,
        /// What would fit the type that the code gives it.
        taken: &'static str,
    },
    /// A parameter that the manifest does not have.
    #[error("no parameter `{0}` in the manifest")]
    NoParameter(String),
    /// A parameter that the code reads as something it is not.
    #[error("the parameter `{name}` is no {wanted}, it is {found}")]
    ParameterType {
        /// The parameter, with row and column in a table.
        name: String,
        /// What the code reads it as.
        wanted: &'static str,
        /// What the site or the manifest gives.
        found: &'static str,
    },
    /// A number that is none, or is infinite, on its way to an output or a published value.
    #[error("a number that is none, or is infinite, can't be written")]
    NotFinite,
    /// The gateway refused.
    #[error("{0}")]
    Refused(String),
    /// Whatever the plugin has to say.
    #[error("{0}")]
    Plugin(String),
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error(Box::new(kind))
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Kind::Plugin(text).into()
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Kind::Plugin(text.to_owned()).into()
    }
}
