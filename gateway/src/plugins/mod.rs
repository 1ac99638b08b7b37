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
pub use wire::{View, holder, setup};

use crate::bilingual::Bilingual;
use crate::config;
use crate::control::Control;
use crate::hub::Hub;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// What is known of the site's plugins.
#[derive(Default)]
struct Known {
    /// Those with a task.
    entries: BTreeMap<DeviceId, Entry>,
    /// Those without: not compiled yet, or refused.
    idle: BTreeMap<DeviceId, (config::Plugin, Arc<Board>)>,
    /// All were ended: one that is still being compiled must not start any more.
    ended: bool,
}

/// What became of a person's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// The plugin has it.
    Done,
    /// The plugin is still being compiled.
    Starting,
    /// The plugin does not run at all, and why.
    Refused(Bilingual),
    /// No plugin of the site has this id, or it is off there.
    Unknown,
}

/// See the module.
pub struct Plugins {
    around: Arc<Surroundings>,
    worker: Worker,
    /// One change of the whole at a time. Compiling is part of it and takes seconds.
    changing: tokio::sync::Mutex<()>,
    /// Never held while anything is waited for: `plugin list` and the metrics ask at any time.
    known: Mutex<Known>,
}

impl Plugins {
    /// Nothing runs yet.
    pub fn new(around: Surroundings) -> std::io::Result<Self> {
        let worker = Worker::start()?;
        let around = Arc::new(around);
        let (changing, known) = Default::default();
        Ok(Self { around, worker, changing, known })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes what runs agree with the site. A plugin whose package or table changed is exchanged
    /// while it runs, with its state; the others are not touched.
    pub async fn apply(&self, wanted: &[config::Plugin]) {
        let _turn = self.changing.lock().await;
        let stays = |id: &DeviceId| wanted.iter().any(|w| w.id == *id && w.enabled);
        let gone: Vec<DeviceId> = {
            let mut known = self.known();
            known.idle.retain(|id, _| stays(id));
            for setup in wanted.iter().filter(|w| w.enabled) {
                if !known.entries.contains_key(&setup.id) {
                    let board = Arc::new(Board::new(State::Starting));
                    known.idle.insert(setup.id.clone(), (setup.clone(), board));
                }
            }
            known.entries.keys().filter(|id| !stays(id)).cloned().collect()
        };
        for id in gone {
            self.stop_one(&id).await;
            self.around.hub.remove_device(&id);
        }
        for setup in wanted.iter().filter(|w| w.enabled) {
            self.start_or_exchange(setup).await;
        }
        self.around.sources.tidy();
    }

    /// Ends all plugins: each saves its state and gives its outputs back.
    pub async fn stop(&self) {
        // Without a turn: outputs must not wait for a compilation to be given back.
        let ids: Vec<DeviceId> = {
            let mut known = self.known();
            known.ended = true;
            known.entries.keys().cloned().collect()
        };
        for id in ids {
            self.stop_one(&id).await;
        }
    }

    /// Every plugin of the site with what is known of it.
    pub fn boards(&self) -> Vec<(DeviceId, String, Arc<Board>)> {
        let known = self.known();
        let running = known.entries.iter().map(|(id, e)| (id, &e.setup, &e.board));
        let idle = known.idle.iter().map(|(id, (setup, board))| (id, setup, board));
        let one = |(id, setup, board): (&DeviceId, &config::Plugin, &Arc<Board>)| {
            let what = format!("{} {}", setup.manifest.name, setup.manifest.version);
            (id.clone(), what, Arc::clone(board))
        };
        running.chain(idle).map(one).collect()
    }

    /// A person starts or stops one.
    pub async fn switch(&self, id: &str, on: bool) -> Switched {
        let orders = {
            let known = self.known();
            let entry = known.entries.iter().find(|(i, _)| i.as_str() == id);
            entry.map(|(_, entry)| entry.orders.clone()).ok_or_else(|| {
                let idle = known.idle.iter().find(|(i, _)| i.as_str() == id);
                match idle.map(|(_, (_, board))| board.look().0) {
                    Some(State::Refused(why)) => Switched::Refused(why),
                    Some(_) => Switched::Starting,
                    None => Switched::Unknown,
                }
            })
        };
        let order = if on { Order::Enable } else { Order::Disable };
        match orders {
            Ok(orders) if orders.send(order).await.is_ok() => Switched::Done,
            // Its task ended, by a panic that was told.
            Ok(_) => Switched::Unknown,
            Err(otherwise) => otherwise,
        }
    }

    async fn start_or_exchange(&self, setup: &config::Plugin) {
        let around = Arc::clone(&self.around);
        let wanted = setup.clone();
        let prepared = self.worker.run(move || around.sources.prepare(&wanted)).await;
        let prepared = match prepared {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(trouble)) => {
                // Who took a key back wants what it signed off the plant now.
                if matches!(trouble, Trouble::Untrusted(_)) {
                    self.stop_one(&setup.id).await;
                }
                let why = Bilingual::new(trouble.to_string(), trouble.text_zh());
                return self.refuse(setup, why);
            }
            Err(lost) => return self.refuse(setup, lost.told()),
        };
        task::refused(&self.around, &setup.id, None);
        let running = self.known().entries.get_mut(&setup.id).map(|entry| {
            let same = entry.setup == *setup && entry.build == Some(prepared.build);
            entry.setup = setup.clone();
            entry.build = Some(prepared.build);
            (same, entry.orders.clone())
        });
        if let Some((same, orders)) = running {
            if !same {
                // The task is there as long as its entry is; if it panicked, nothing can help.
                let _ = orders.send(Order::Exchange(Box::new((prepared, setup.clone())))).await;
            }
            return;
        }
        if self.known().ended {
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
        let mut known = self.known();
        known.idle.remove(&setup.id);
        known.entries.insert(setup.id.clone(), entry);
    }

    /// Tells why a plugin is not run. One of this id that runs already goes on as it was.
    fn refuse(&self, setup: &config::Plugin, why: Bilingual) {
        let mut known = self.known();
        if known.entries.contains_key(&setup.id) {
            task::not_exchanged(&self.around, &setup.id, &why);
            return;
        }
        task::refused(&self.around, &setup.id, Some(&why));
        let board = Arc::new(Board::new(State::Refused(why)));
        known.idle.insert(setup.id.clone(), (setup.clone(), board));
        // What others bind of it must say that it is missing, not that it does not exist.
        self.around.hub.set_device(&setup.id, Arc::clone(&setup.points));
        task::no_values(&self.around, setup);
    }

    async fn stop_one(&self, id: &DeviceId) {
        let Some(entry) = self.known().entries.remove(id) else { return };
        let _ = entry.orders.send(Order::Stop).await;
        if let Err(error) = entry.task.await {
            tracing::error!(plugin = %id, %error, "Plugin's task did not end cleanly");
            self.around.control.release_source(id.as_str(), "its task ended");
        }
    }
}

#[cfg(test)]
mod tests;
