//! Where each thing of a site lies in the simulated plant: what Control writes and looks at, and
//! what plugins are bound to.

use super::taps::{TapId, Taps};
use crate::config::{self, Site};
use wellhead_control::{OutputId, OutputSetup};
use wellhead_model::{DeviceId, PointId};
use wellhead_plant::plant::Plant;

/// Where a binding looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    Plant(TapId),
    /// Plugin and published value.
    Plugin(usize, usize),
}

/// A plugin that does not run: its values are never there.
const NOWHERE: From = From::Plugin(usize::MAX, 0);

/// Looks for everything, and keeps what the plant does not have to tell all of it at once.
pub(super) struct Wiring<'s> {
    site: &'s Site,
    plant: &'s Plant,
    /// The plugins that run, in the order of the simulation.
    running: Vec<&'s config::Plugin>,
    taps: Taps,
    missing: Vec<String>,
}

impl<'s> Wiring<'s> {
    pub(super) fn new(
        site: &'s Site,
        plant: &'s Plant,
        running: impl Iterator<Item = &'s config::Plugin>,
    ) -> Self {
        let (taps, missing) = Default::default();
        Self { site, plant, running: running.collect(), taps, missing }
    }

    /// Where Control writes.
    pub(super) fn outputs(&mut self) -> Vec<TapId> {
        let mut taps = Vec::new();
        for o in &self.site.control.setup.outputs {
            if let Some(From::Plant(tap)) = self.find(&o.point.device, &o.point.id) {
                taps.push(tap);
            }
        }
        taps
    }

    /// Where Control looks.
    pub(super) fn inputs(&mut self) -> Vec<From> {
        let mut inputs = Vec::new();
        for (device, index) in &self.site.control.inputs {
            let points = self.site.devices.iter().find(|d| d.id == *device).map(|d| &d.points);
            let point = points.and_then(|p| p.get(index.0 as usize));
            // An input that is not found must not shift the others; its problem is told at the end.
            let from = point.and_then(|p| self.find(device, &p.id));
            inputs.push(from.unwrap_or(NOWHERE));
        }
        inputs
    }

    /// Where a plugin looks, by binding. One to a plugin that was left out stays without a value.
    pub(super) fn bindings(&mut self, plugin: &config::Plugin) -> Vec<From> {
        let mut find = |b: &config::Binding| self.find(&b.device, &b.point).unwrap_or(NOWHERE);
        plugin.bindings.iter().map(&mut find).collect()
    }

    fn find(&mut self, device: &DeviceId, point: &PointId) -> Option<From> {
        if let Some(plugin) = self.running.iter().position(|p| p.id == *device) {
            let values = &self.running[plugin].manifest.values;
            let value = values.iter().position(|v| v.name == point.as_str())?;
            return Some(From::Plugin(plugin, value));
        }
        match self.taps.find(self.site, self.plant, device, point)? {
            Ok(tap) => Some(From::Plant(tap)),
            Err(no) => {
                self.missing.push(no.to_string());
                None
            }
        }
    }

    /// Everything that was found, and what plugins are bound to of it.
    ///
    /// # Errors
    /// All that was not.
    pub(super) fn finish(mut self) -> anyhow::Result<(Taps, Vec<TapId>)> {
        anyhow::ensure!(self.missing.is_empty(), "{}", self.missing.join("\n"));
        let bound = self.taps.bound(self.site, self.plant);
        Ok((self.taps, bound))
    }
}

/// Brings what the site gives to plugins to its safe value, so that it obeys them from the start,
/// also where one is left out for comparison; all other machines stay with their own panels.
///
/// # Errors
/// If a device does not take the value.
pub(super) fn rest(
    site: &Site,
    outputs: &[TapId],
    taps: &mut Taps,
    plant: &mut Plant,
) -> anyhow::Result<()> {
    for (tap, o) in outputs.iter().zip(&site.control.setup.outputs) {
        let given = |p: &config::Plugin| p.bindings.iter().any(|b| b.output && is(o, b));
        let Some(output) = o.point.output.as_ref().filter(|_| site.plugins.iter().any(given))
        else {
            continue;
        };
        taps.write(*tap, plant, &output.safe, 0).map_err(|e| {
            anyhow::anyhow!("{}/{} does not take its safe value: {e}", o.point.device, o.point.id)
        })?;
    }
    Ok(())
}

/// The outputs that a plugin writes, by binding; none for inputs.
pub(super) fn written(site: &Site, plugin: &config::Plugin) -> Vec<Option<OutputId>> {
    let output = |b: &config::Binding| {
        let at = site.control.setup.outputs.iter().position(|o| is(o, b))?;
        b.output.then_some(OutputId(u32::try_from(at).ok()?))
    };
    plugin.bindings.iter().map(output).collect()
}

fn is(output: &OutputSetup, b: &config::Binding) -> bool {
    output.point.device == b.device && output.point.id == b.point
}
