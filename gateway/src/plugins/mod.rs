//! Plugins at work: each is called when it is due with what its points show, and what it asks for
//! goes to Control, to the hub and to its file.
//!
//! Every plugin has a task of its own here; all of them compute on one thread beside (see
//! [`worker`]). A plugin that can't be started is told as an alarm and leaves the others alone.

mod board;
mod changes;
mod keep;
mod source;
mod task;
mod wire;
mod worker;

pub use board::{Board, Said, State};
pub use changes::Changes;
pub use source::{Sources, Trouble};
pub use wire::{View, bindings, holder};

use crate::config;
use crate::control::Control;
use crate::hub::Hub;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use task::{Order, Task};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wellhead_model::{Clock, DeviceId};
use worker::Worker;

/// Orders waiting for one plugin; they come from people.
const ORDERS_MAX: usize = 16;

/// What all plugins share.
pub struct Surroundings {
    /// Where points are, and where published values go.
    pub hub: Arc<Hub>,
    /// The only way to an output.
    pub control: Arc<Control>,
    /// The plant's time.
    pub clock: Arc<dyn Clock>,
    /// Whom to tell of changes.
    pub changes: Changes,
    /// Where packages and compiled code are, and who is trusted.
    pub sources: Sources,
    /// Local time.
    pub zone: jiff::tz::TimeZone,
    /// Folder of the plugins' states.
    pub states: PathBuf,
}

struct Entry {
    setup: config::Plugin,
    /// Tells another build of the same version apart.
    build: Option<[u8; 32]>,
    board: Arc<Board>,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

/// See the module.
pub struct Plugins {
    around: Arc<Surroundings>,
    worker: Worker,
    entries: BTreeMap<DeviceId, Entry>,
    refused: BTreeMap<DeviceId, (config::Plugin, Arc<Board>)>,
}

impl Plugins {
    /// Nothing runs yet.
    pub fn new(around: Surroundings) -> std::io::Result<Self> {
        let worker = Worker::start()?;
        let around = Arc::new(around);
        Ok(Self { around, worker, entries: BTreeMap::new(), refused: BTreeMap::new() })
    }

    /// Makes what runs agree with the site. A plugin whose package or table changed is exchanged
    /// while it runs, with its state; the others are not touched.
    pub async fn apply(&mut self, wanted: &[config::Plugin]) {
        let gone: Vec<DeviceId> = self
            .entries
            .keys()
            .filter(|id| !wanted.iter().any(|w| w.id == **id && w.enabled))
            .cloned()
            .collect();
        for id in gone {
            self.stop_one(&id).await;
            self.around.hub.remove_device(&id);
        }
        self.refused.retain(|id, _| wanted.iter().any(|w| w.id == *id && w.enabled));
        for setup in wanted.iter().filter(|w| w.enabled) {
            self.start_or_exchange(setup).await;
        }
    }

    /// Ends all plugins: each saves its state and gives its outputs back.
    pub async fn stop(&mut self) {
        let ids: Vec<DeviceId> = self.entries.keys().cloned().collect();
        for id in ids {
            self.stop_one(&id).await;
        }
    }

    /// Every plugin of the site with what is known of it.
    pub fn boards(&self) -> Vec<(DeviceId, String, Arc<Board>)> {
        let running = self.entries.iter().map(|(id, e)| (id, &e.setup, &e.board));
        let refused = self.refused.iter().map(|(id, (setup, board))| (id, setup, board));
        let one = |(id, setup, board): (&DeviceId, &config::Plugin, &Arc<Board>)| {
            let what = format!("{} {}", setup.manifest.name, setup.manifest.version);
            (id.clone(), what, Arc::clone(board))
        };
        running.chain(refused).map(one).collect()
    }

    /// A person starts or stops one. False if there is none of this id.
    pub async fn switch(&self, id: &str, on: bool) -> bool {
        let Some(entry) = self.entries.iter().find(|(i, _)| i.as_str() == id) else { return false };
        let order = if on { Order::Enable } else { Order::Disable };
        entry.1.orders.send(order).await.is_ok()
    }

    async fn start_or_exchange(&mut self, setup: &config::Plugin) {
        let around = Arc::clone(&self.around);
        let wanted = setup.clone();
        let prepared = self.worker.run(move || around.sources.prepare(&wanted)).await;
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(trouble)) => return self.refuse(setup, &trouble.to_string()).await,
            Err(lost) => return self.refuse(setup, &lost.to_string()).await,
        };
        self.refused.remove(&setup.id);
        task::refused(&self.around, &setup.id, None);
        if let Some(entry) = self.entries.get_mut(&setup.id) {
            if entry.setup == *setup && entry.build == Some(prepared.build) {
                return;
            }
            entry.setup = setup.clone();
            entry.build = Some(prepared.build);
            // The task is there as long as its entry is; if it panicked, nothing can help.
            let _ = entry.orders.send(Order::Exchange(Box::new((prepared, setup.clone())))).await;
            return;
        }
        let board = Arc::new(Board::new(State::Running));
        let (orders, receiver) = mpsc::channel(ORDERS_MAX);
        let build = Some(prepared.build);
        let task = Task::new(
            Arc::clone(&self.around),
            self.worker.clone(),
            setup.clone(),
            prepared,
            Arc::clone(&board),
        );
        let task = tokio::spawn(task.run(receiver));
        let entry = Entry { setup: setup.clone(), build, board, orders, task };
        self.entries.insert(setup.id.clone(), entry);
    }

    /// Tells why a plugin does not run. One of this id that runs already goes on as it was.
    async fn refuse(&mut self, setup: &config::Plugin, why: &str) {
        task::refused(&self.around, &setup.id, Some(why));
        if self.entries.contains_key(&setup.id) {
            return;
        }
        let board = Arc::new(Board::new(State::Refused(why.to_owned())));
        self.refused.insert(setup.id.clone(), (setup.clone(), board));
        // What others bind of it must say that it is missing, not that it does not exist.
        self.around.hub.set_device(&setup.id, Arc::clone(&setup.points));
    }

    async fn stop_one(&mut self, id: &DeviceId) {
        let Some(entry) = self.entries.remove(id) else { return };
        let _ = entry.orders.send(Order::Stop).await;
        if let Err(error) = entry.task.await {
            tracing::error!(plugin = %id, %error, "Plugin's task did not end cleanly");
            self.around.control.release_source(id.as_str(), "its task ended");
        }
    }
}
