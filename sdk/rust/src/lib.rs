//! Write plugins for the Wellhead gateway.
//!
//! This crate must never know the gateway. It knows the contract (`sdk/wit`), and behind the
//! feature `mock` a stand-in for the gateway that runs a plugin in plain `cargo test`.

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[rustfmt::skip]
#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all, reason = "generated code")]
pub mod bindings;
mod context;
mod failure;
pub mod help;
#[doc(hidden)]
pub mod host;
#[doc(hidden)]
pub mod instance;
#[doc(hidden)]
pub mod manifest;
#[cfg(feature = "mock")]
pub mod mock;
mod parameter;
mod state;
mod time;
mod value;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use context::{Alarm, Init, Input, Output, Reading, Severity, Tick};
pub use failure::Error;
pub use host::{Holder, Level};
pub use parameter::{Cell, Row};
pub use serde;
pub use state::{Older, Restored, State};
pub use time::{Civil, Clock, MonthDay, Now, TimeOfDay};
pub use value::{PointValue, Quality, Value};

/// What a plugin's source file wants to name.
pub mod prelude {
    pub use crate::help::{
        Advance, ClockWatch, DailyWindow, DateWindow, EnergyMeter, HourCounter, Hysteresis,
        Machine, MeterLimits, MinTime, OffDelay, OnDelay, PowerIntegrator, Span, fixed,
    };
    pub use crate::{
        Alarm, Civil, Clock, Error, Holder, Init, Input, MonthDay, Now, Output, Plugin, Quality,
        Reading, Restored, Severity, State, Tick, TimeOfDay, Value,
    };
    pub use crate::{debug, error, info, warn, words};
    pub use serde::{Deserialize, Serialize};
    pub use std::time::Duration;
}

/// A plugin: what the gateway calls once a period.
///
/// Everything it may touch comes with the context it is handed. A value of this type lives as long
/// as the gateway runs the plugin; what must outlive that stands in [`Plugin::State`].
pub trait Plugin: Sized {
    /// The text of the manifest: `include_str!("../plugin.toml")`.
    const MANIFEST: &'static str;

    /// What survives a restart, an update and a power cut; `()` for nothing.
    type State: State;

    /// Looks up roles and reads parameters. `state` is what was saved last, or the default.
    fn init(cx: &mut Init<'_>, state: Self::State) -> Result<Self, Error>;

    /// Called once a period. What it wrote, published and raised takes effect if it returns `Ok`,
    /// and not at all otherwise. Outputs must be written in every call, or they fall back to their
    /// safe value once their time to live is over.
    fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error>;

    /// Called when points changed, if the manifest says `on_change = true`. What takes effect is
    /// as for [`Plugin::tick`]. [`Tick::changed`] says which inputs did.
    fn on_change(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
        let _ = cx;
        Ok(())
    }

    /// What is to be saved. The gateway asks now and then, and before it stops the plugin.
    fn state(&self) -> &Self::State;
}

/// Makes a plugin the one of this crate: `wellhead_sdk::export!(NightSetback);`
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        const _: () = {
            const NAME: &str =
                $crate::manifest::plugin_key(<$plugin as $crate::Plugin>::MANIFEST, "name");
            const VERSION: &str =
                $crate::manifest::plugin_key(<$plugin as $crate::Plugin>::MANIFEST, "version");

            #[cfg(not(target_arch = "wasm32"))]
            const _: (&str, &str) = (NAME, VERSION);

            #[cfg(target_arch = "wasm32")]
            $crate::__export_component!($plugin, NAME, VERSION);
        };
    };
}
