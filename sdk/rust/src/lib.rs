//! Write plugins for the Wellhead gateway: logic that couples the points of a plant, runs in a
//! sandbox, and may touch nothing but the points its site has bound to its roles.
//!
//! A plugin is a type that implements [`Plugin`], a `plugin.toml` that says which roles it plays,
//! which parameters it has and what it publishes, and one line, [`export!`]. The gateway calls
//! [`Plugin::tick`] once a period:
//!
//! ```
//! use wellhead_sdk::prelude::*;
//!
//! /// Lowers the supply while the tariff is at its peak.
//! struct PeakShaving {
//!     tariff: Input<Tariff>,
//!     supply: Output<f64>,
//!     usual: f64,
//!     lower_by: f64,
//!     at_most: Duration,
//!     peak: Machine<Tariff>,
//! }
//!
//! words! {
//!     #[derive(Default)]
//!     enum Tariff {
//!         #[default]
//!         Flat = "flat",
//!         Peak = "peak",
//!     }
//! }
//!
//! impl Plugin for PeakShaving {
//!     // In a crate of its own: include_str!("../plugin.toml")
//!     const MANIFEST: &'static str = r#"
//!         [plugin]
//!         name = "peak-shaving"
//!         version = "0.1.0"
//!         contract = "1.0"
//!         title = "Peak shaving"
//!         period = "60s"
//!
//!         [role.tariff]
//!         direction = "input"
//!         shape = "text"
//!
//!         [role.supply_setpoint]
//!         direction = "output"
//!         shape = "float"
//!         unit = "°C"
//!
//!         [parameter.usual]
//!         type = "float"
//!         unit = "°C"
//!         range = [30, 55]
//!
//!         [parameter.lower_by]
//!         type = "float"
//!         unit = "K"
//!         default = 3.0
//!         range = [0, 8]
//!
//!         [parameter.at_most]
//!         type = "duration"
//!         default = "2h"
//!     "#;
//!     type State = (); // nothing to keep over a restart
//!
//!     fn init(cx: &mut Init<'_>, (): ()) -> Result<Self, Error> {
//!         Ok(PeakShaving {
//!             tariff: cx.input("tariff")?,
//!             supply: cx.output("supply_setpoint")?,
//!             usual: cx.parameter("usual")?,
//!             lower_by: cx.parameter("lower_by")?,
//!             at_most: cx.parameter("at_most")?,
//!             peak: Machine::default(),
//!         })
//!     }
//!
//!     fn tick(&mut self, cx: &mut Tick<'_>) -> Result<(), Error> {
//!         self.peak.step(&cx.now());
//!         // Without a tariff that can be trusted it is flat.
//!         let tariff = cx.read(&self.tariff).good().unwrap_or(Tariff::Flat);
//!         if self.peak.go(tariff) {
//!             info!(cx, "The tariff is {tariff}");
//!         }
//!         let lower = tariff == Tariff::Peak && self.peak.held() < self.at_most;
//!         let setpoint = if lower { self.usual - self.lower_by } else { self.usual };
//!         cx.write(&self.supply, setpoint, format!("the tariff is {tariff}"))
//!     }
//!
//!     fn state(&self) -> &() {
//!         &()
//!     }
//! }
//!
//! wellhead_sdk::export!(PeakShaving);
//!
//! // The same code in a test on the laptop, with the feature `mock`.
//! # #[cfg(feature = "mock")]
//! # fn main() -> Result<(), Error> {
//! use wellhead_sdk::mock::Host;
//!
//! let mut host = Host::<PeakShaving>::install().parameter("usual", 45.0).start()?;
//! host.set("tariff", "flat");
//! host.tick();
//! assert_eq!(host.output("supply_setpoint"), Some(45.0));
//! host.set("tariff", "peak");
//! host.tick();
//! assert_eq!(host.output("supply_setpoint"), Some(42.0));
//! host.advance(Duration::from_secs(2 * 3600));
//! assert_eq!(host.output("supply_setpoint"), Some(45.0), "two hours are enough");
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "mock"))]
//! # fn main() {}
//! ```
//!
//! # What every plugin does
//!
//! - Only values that can be trusted decide: [`Reading::good`], or [`Reading::usable`] where a rule
//!   says that uncertain ones will do. Think of what is right without one.
//! - Every output is written in every call, with a reason. A write lives for three periods unless
//!   the site says otherwise; then the output falls to its safe value. That is what happens if the
//!   plugin stops.
//! - A call that fails changes nothing: what it wrote, published and raised is dropped. Return an
//!   error for what should not be; a panic takes the instance with it, and the gateway starts
//!   another from the state saved last.
//! - Intervals go by [`Now::monotonic`], through the [helpers](help); calendars and tariffs go by
//!   [`Now::local`], and mind [`help::ClockWatch`].
//! - What must survive a restart stands in [`Plugin::State`].
//!
//! # What this crate must never know
//!
//! The gateway. It knows the contract (`sdk/wit`), whose generated bindings are checked in and used
//! on wasm alone, and behind the feature `mock` a stand-in for the gateway. All unsafe code is in
//! the generated file.

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[rustfmt::skip]
#[allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    clippy::all,
    clippy::restriction,
    reason = "generated code"
)]
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
mod said;
mod state;
mod time;
mod value;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod wasm;

pub use context::{Alarm, Init, Input, Output, Parameters, Reading, Severity, Tick};
pub use failure::Error;
pub use host::{Holder, Level};
pub use parameter::{Cell, Row};
pub use serde;
pub use state::{Older, Restored, State};
pub use time::{Civil, Clock, MonthDay, Now, TimeOfDay, millis};
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
    pub use crate::{debug, error, info, millis, warn, words};
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

    /// Called when points changed, if the manifest says `on_change = true`; does nothing unless the
    /// plugin says what. What takes effect is as for [`Plugin::tick`]. [`Tick::changed`] says which
    /// inputs did.
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
            const MANIFEST: &str = <$plugin as $crate::Plugin>::MANIFEST;
            const NAME_LEN: usize = $crate::manifest::plugin_key(MANIFEST, "name").len();
            const NAME_BYTES: [u8; NAME_LEN] = $crate::manifest::copy(MANIFEST, "name");
            const NAME: &str = $crate::manifest::text(&NAME_BYTES);
            const VERSION_LEN: usize = $crate::manifest::plugin_key(MANIFEST, "version").len();
            const VERSION_BYTES: [u8; VERSION_LEN] = $crate::manifest::copy(MANIFEST, "version");
            const VERSION: &str = $crate::manifest::text(&VERSION_BYTES);

            #[cfg(not(target_arch = "wasm32"))]
            const _: (&str, &str) = (NAME, VERSION);

            #[cfg(target_arch = "wasm32")]
            $crate::__export_component!($plugin, NAME, VERSION);
        };
    };
}
