//! Tells plugins that points of theirs changed, for those that want to know at once.

use crate::hub::{Event, Outlet};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::Notify;
use wellhead_model::{DeviceId, Now, Point, PointId, Sample};

/// One plugin's list of bindings whose points changed since it was last told.
#[derive(Debug, Default)]
pub struct Changed {
    bindings: Mutex<BTreeSet<u32>>,
    bell: Notify,
}

impl Changed {
    /// Waits until there is something to tell.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }

    /// Takes the list.
    pub fn take(&self) -> Vec<u32> {
        let mut bindings = self.bindings.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bindings).into_iter().collect()
    }

    fn add(&self, binding: u32) {
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner).insert(binding);
        self.bell.notify_one();
    }
}

/// A point that somebody wants to hear of.
struct Watcher {
    point: PointId,
    plugin: DeviceId,
    binding: u32,
    changed: Arc<Changed>,
}

/// Who wants to hear of what. Cloned into the hub as an outlet before there is any plugin.
#[derive(Clone, Default)]
pub struct Changes(Arc<RwLock<HashMap<DeviceId, Vec<Watcher>>>>);

impl Changes {
    /// From now on tells `changed` of the points given by device, name and binding.
    pub fn watch(
        &self,
        plugin: &DeviceId,
        points: impl Iterator<Item = (DeviceId, PointId, u32)>,
        changed: &Arc<Changed>,
    ) {
        let mut by_device = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (device, point, binding) in points {
            let (plugin, changed) = (plugin.clone(), Arc::clone(changed));
            by_device.entry(device).or_default().push(Watcher { point, plugin, binding, changed });
        }
    }

    /// Tells a plugin no more.
    pub fn forget(&self, plugin: &DeviceId) {
        let mut by_device = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for watchers in by_device.values_mut() {
            watchers.retain(|w| w.plugin != *plugin);
        }
        by_device.retain(|_, watchers| !watchers.is_empty());
    }
}

impl Outlet for Changes {
    fn samples(&self, device: &DeviceId, points: &[Point], samples: &[Sample], _: Now) {
        let by_device = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(watchers) = by_device.get(device) else { return };
        for sample in samples {
            let Some(point) = points.get(sample.point().0 as usize) else { continue };
            for w in watchers.iter().filter(|w| w.point == point.id) {
                w.changed.add(w.binding);
            }
        }
    }

    fn event(&self, _: &Event, _: Now) {}

    fn catalog(&self, _: &DeviceId, _: Option<&[Point]>) {}
}
