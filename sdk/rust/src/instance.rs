//! A plugin while it runs: the same around it in wasm and in the mock.

use crate::host::{Config, Host, Told};
use crate::said::Said;
use crate::{Error, Init, Level, Now, Plugin, Restored, Tick, state};

/// A running plugin.
pub struct Instance<P> {
    plugin: P,
    said: Said,
}

impl<P: Plugin> Instance<P> {
    /// Starts it: `init`.
    pub fn start(host: &dyn Host, config: Config, now: Now) -> Result<Self, Error> {
        let (state, restored) = state::decode::<P::State>(config.saved.as_deref());
        match restored {
            Restored::Lost { from: Some(from) } => {
                let text = format!("Saved state of version {from} can't be read, starting anew");
                host.log(Level::Warn, &text);
            }
            Restored::Lost { from: None } => {
                host.log(Level::Warn, "Saved state can't be read, starting anew");
            }
            Restored::Fresh | Restored::Same | Restored::Migrated { .. } => {}
        }
        let mut cx = Init::new(host, config, now, restored);
        let plugin = P::init(&mut cx, state)?;
        if let Some(wrong) = cx.misread.take() {
            return Err(wrong);
        }
        Ok(Instance { plugin, said: Said::default() })
    }

    /// Calls `tick`. `seen` has four numbers of each point, as the contract says.
    pub fn tick(&mut self, host: &dyn Host, now: Now, seen: &[f64]) -> Result<Told, Error> {
        self.call(host, now, seen, &[], P::tick)
    }

    /// Calls `on_change`.
    pub fn on_change(
        &mut self,
        host: &dyn Host,
        now: Now,
        seen: &[f64],
        changed: &[u32],
    ) -> Result<Told, Error> {
        self.call(host, now, seen, changed, P::on_change)
    }

    fn call(
        &mut self,
        host: &dyn Host,
        now: Now,
        seen: &[f64],
        changed: &[u32],
        call: impl FnOnce(&mut P, &mut Tick<'_>) -> Result<(), Error>,
    ) -> Result<Told, Error> {
        let mut cx = Tick { host, now, seen, changed, said: &mut self.said };
        match call(&mut self.plugin, &mut cx) {
            Ok(()) => Ok(self.said.end()),
            Err(error) => {
                self.said = Said::default();
                Err(error)
            }
        }
    }

    /// What is to survive.
    pub fn save(&self, host: &dyn Host) -> Vec<u8> {
        state::encode(self.plugin.state()).unwrap_or_else(|_| {
            // Nothing is saved rather than something that can't be read.
            host.log(Level::Error, "State can't be saved: see what `State` says of it");
            Vec::new()
        })
    }

    /// The plugin itself, for tests.
    pub fn plugin(&self) -> &P {
        &self.plugin
    }
}
