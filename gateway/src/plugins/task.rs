//! One plugin's task: calls it when it is due, and carries out what it asks for.

use super::Surroundings;
use super::board::{Board, State};
use super::changes::Changed;
use super::keep::Keep;
use super::source::Prepared;
use super::wire::{self, View};
use super::worker::{Lost, Worker};
use crate::bilingual::Bilingual;
use crate::config;
use crate::hub::Event;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use wellhead_driver::{Outcome as Shown, Readings};
use wellhead_model::{DeviceId, PointIndex, Quality, Reason};
use wellhead_plugin_host::{
    AlarmChange, Effects, Fault, Outcome, Phase, Plugin, Setup, Severity, Trust,
};
use wellhead_uplink::{self as alarm, Alarm};

/// At most this long passes between two savings of a plugin's state.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// A plugin's first call waits this long for the first poll of its inputs: judged by points that
/// nobody has read yet, every start of the gateway would be a fault of all sensors.
const FIRST_POLL: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

const TOOK_OVER: &str = "another version took over";

/// What people want of a plugin.
pub(super) enum Order {
    Exchange(Box<(Prepared, config::Plugin)>),
    Enable,
    Disable,
    Stop,
}

/// See the module.
pub(super) struct Task {
    around: Arc<Surroundings>,
    worker: Worker,
    setup: config::Plugin,
    /// Away while it computes.
    plugin: Option<Box<Plugin>>,
    keep: Keep,
    board: Arc<Board>,
    changed: Arc<Changed>,
    alarms: BTreeSet<String>,
    saved_at: Option<tokio::time::Instant>,
    /// Since a fault that took it down; over only when it has done a call's work again. A start
    /// alone proves nothing.
    failing: bool,
    /// A person stopped it.
    stopped: bool,
    /// When it began to wait for the first poll; none once that is over.
    blind_since: Option<tokio::time::Instant>,
}

enum Call {
    Run,
    Changed(Vec<u32>),
}

impl Task {
    pub(super) fn new(
        around: Arc<Surroundings>,
        worker: Worker,
        setup: config::Plugin,
        prepared: Prepared,
        board: Arc<Board>,
    ) -> Self {
        let (keep, (saved, kv), damage) = Keep::open(&around.states, setup.id.as_str());
        if let Some(damage) = damage {
            tracing::error!(plugin = %setup.id, %damage, "The plugin's state is lost; it starts anew");
            let zh = format!("插件 {} 保存的状态已丢失，从头开始：{damage}", setup.id);
            around.hub.event(Event::new("plugin_state_lost", damage).zh(zh).device(&setup.id));
        }
        let inner = Setup { saved, kv, ..wire::setup(&setup, &around.zone) };
        let plugin = Plugin::new(prepared.program, inner, around.clock.now());
        around.hub.set_device(&setup.id, Arc::clone(&setup.points));
        let task = Self {
            plugin: Some(Box::new(plugin)),
            keep,
            board,
            changed: Arc::default(),
            alarms: BTreeSet::new(),
            saved_at: None,
            failing: false,
            stopped: false,
            blind_since: Some(tokio::time::Instant::now()),
            around,
            worker,
            setup,
        };
        task.watch();
        task
    }

    pub(super) async fn run(mut self, mut orders: Receiver<Order>) {
        loop {
            let due = self.until_due();
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Exchange(new)) => self.exchange(*new).await,
                    Some(Order::Enable) => self.enable(),
                    Some(Order::Disable) => self.disable().await,
                    Some(Order::Stop) | None => break,
                },
                () = sleep(due) => self.call(Call::Run).await,
                () = self.changed.wait() => {
                    let bindings = self.changed.take();
                    self.call(Call::Changed(bindings)).await;
                }
            }
            self.save_now_and_then().await;
        }
        self.end().await;
    }

    /// Real time until the plugin wants to be called; none if only a person can bring it back.
    fn until_due(&self) -> Option<Duration> {
        let next = self.plugin.as_ref()?.next()?;
        let clock = &self.around.clock;
        let due = clock.real(next.since(clock.now().mono));
        Some(if self.blind_since.is_some() { due.max(LOOK_AGAIN) } else { due })
    }

    /// Whether its inputs are still to be polled for the first time.
    fn is_blind(&mut self) -> bool {
        let Some(since) = self.blind_since else { return false };
        let polled = |b: &config::Binding| {
            let found = self.around.hub.latest_named(b.device.as_str(), b.point.as_str());
            found.is_some_and(|p| p.quality != Quality::Bad(Reason::NotPolled))
        };
        let all = self.setup.bindings.iter().filter(|b| !b.output).all(polled);
        if all || since.elapsed() >= FIRST_POLL {
            self.blind_since = None;
        }
        self.blind_since.is_some()
    }

    async fn call(&mut self, call: Call) {
        if self.plugin.is_none() || self.is_blind() {
            return;
        }
        let mut view = self.view();
        let now = self.around.clock.now();
        let starts = self.starts();
        let outcome = self
            .on_worker(move |plugin| match call {
                Call::Run => plugin.run(view.seen(), now),
                Call::Changed(bindings) => plugin.changed(&bindings, view.seen(), now),
            })
            .await;
        match outcome {
            Ok(Outcome::Done(effects)) => {
                self.carry_out(effects);
                if self.failing && self.starts() == starts {
                    self.recovered();
                }
            }
            Ok(Outcome::Failed(fault, phase)) => self.failed(fault, phase),
            Ok(Outcome::Idle) => {}
            Err(lost) => self.lost(lost),
        }
        self.show();
    }

    fn starts(&self) -> u64 {
        self.plugin.as_ref().map_or(0, |p| p.metrics().starts)
    }

    fn recovered(&mut self) {
        self.failing = false;
        self.around.hub.clear(&fault_alarm_id(&self.setup.id));
    }

    /// Lends the plugin to the thread that computes.
    async fn on_worker<R: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Plugin) -> R + Send + 'static,
    ) -> Result<R, Lost> {
        let Some(mut plugin) = self.plugin.take() else { return Err(Lost) };
        let run = self.worker.run(move || {
            let result = job(&mut plugin);
            (plugin, result)
        });
        let (plugin, result) = run.await?;
        self.plugin = Some(plugin);
        Ok(result)
    }

    /// What its points show now.
    fn view(&self) -> View {
        let mut view = View::new(self.setup.bindings.len());
        for (i, b) in self.setup.bindings.iter().enumerate() {
            let found = self.around.hub.latest_named(b.device.as_str(), b.point.as_str());
            if let Some(latest) = found {
                let age = latest.age.unwrap_or(Duration::MAX);
                view.show(i, &b.fit, latest.value.as_ref(), latest.quality, age);
            }
            if b.output {
                let me = self.setup.id.as_str();
                if let Some(holder) = self.around.control.seen_by(&name(b), me) {
                    view.hold(i, holder);
                }
            }
        }
        view
    }

    fn carry_out(&mut self, effects: Effects) {
        let now = self.around.clock.now();
        self.board.say(self.setup.id.as_str(), effects.logs, now.utc);
        for write in effects.writes {
            let Some(b) = self.setup.bindings.get(write.binding) else { continue };
            let value = match &write.value {
                // A value that the point has no word for never reaches it.
                Some(value) => match b.fit.to_point(value) {
                    Some(value) => Some(value),
                    None => continue,
                },
                None => None,
            };
            // Control tells a refusal itself, once.
            let _ = self.around.control.request(
                self.setup.id.as_str(),
                self.setup.slot,
                &name(b),
                value.as_ref(),
                self.setup.ttl,
                &write.reason,
                self.setup.shadow,
            );
        }
        self.publish();
        for change in effects.alarms {
            self.alarm(change);
        }
    }

    /// Tells the hub every value that stands, also those that the plugin did not publish again: by
    /// a call that ended well they are as fresh as if it had.
    fn publish(&self) {
        let Some(plugin) = &self.plugin else { return };
        let mut readings = Readings::default();
        for p in plugin.shown() {
            let shown = match (&p.shown, p.trust) {
                (Ok(value), Trust::Good | Trust::Manual) => Shown::Good(value.clone()),
                (Ok(value), _) => Shown::Uncertain(value.clone(), Reason::Estimated),
                (Err(_), _) => Shown::Bad(Reason::NotComputed),
            };
            let index = u32::try_from(p.value).unwrap_or(u32::MAX);
            readings.outcomes.push((PointIndex(index), shown));
        }
        if !readings.outcomes.is_empty() {
            let hub = &self.around.hub;
            hub.polled(&self.setup.id, &mut readings, Duration::ZERO, hub.clock().now());
        }
    }

    fn alarm(&mut self, change: AlarmChange) {
        let hub = &self.around.hub;
        let id = format!("{}.{}", self.setup.id, change.code());
        match change {
            AlarmChange::Raised { code, severity, text, text_zh } => {
                self.alarms.insert(code);
                let severity = match severity {
                    Severity::Notice => alarm::Severity::Notice,
                    Severity::Warning => alarm::Severity::Warning,
                    Severity::Alarm => alarm::Severity::Alarm,
                };
                let source = source(&self.setup.id);
                hub.raise(Alarm { id, severity, source, point: None, text, text_zh });
            }
            AlarmChange::Cleared { code } => {
                self.alarms.remove(&code);
                hub.clear(&id);
            }
        }
    }

    /// A call came to nothing. If the instance went with it, so do its outputs.
    fn failed(&mut self, fault: Fault, phase: Phase) {
        let id = self.setup.id.clone();
        let now = self.around.clock.now();
        let text = Bilingual::new(fault.to_string(), fault.text_zh());
        let next = match phase {
            Phase::Running => "goes on with its next call",
            Phase::Waiting(_) => "is started again",
            Phase::Disabled => "is given up",
        };
        tracing::warn!(plugin = %id, error = text.en, next, "Plugin failed");
        let event = Event::new("plugin_failed", format!("plugin {id} failed: {text}"));
        let event = event.zh(format!("插件 {id} 故障：{}", text.zh));
        self.around.hub.event(event.device(&id).with("code", fault.kind.code()));
        self.board.fail(id.as_str(), fault, now.utc);
        if phase == Phase::Running {
            return;
        }
        self.failing = true;
        if phase == Phase::Disabled {
            no_values(&self.around, &self.setup);
        }
        self.around.control.release_source(id.as_str(), "the plugin failed");
        self.around.hub.raise(fault_alarm(&id, &text, phase));
    }

    fn lost(&mut self, lost: Lost) {
        let id = &self.setup.id;
        tracing::error!(plugin = %id, error = %lost, "Plugin is lost until the gateway is restarted");
        self.around.control.release_source(id.as_str(), "the plugin is lost");
        no_values(&self.around, &self.setup);
        self.around.hub.raise(fault_alarm(id, &lost.told(), Phase::Disabled));
    }

    fn show(&self) {
        let Some(plugin) = &self.plugin else {
            self.board.tell(State::Disabled, Default::default());
            return;
        };
        let state = match plugin.phase() {
            Phase::Running if !self.failing => State::Running,
            Phase::Running | Phase::Waiting(_) => State::Restarting,
            Phase::Disabled => State::Disabled,
        };
        self.board.tell(state, plugin.metrics());
    }

    async fn save_now_and_then(&mut self) {
        let now = tokio::time::Instant::now();
        let due = self.saved_at.is_none_or(|at| now.duration_since(at) >= SAVE_EVERY);
        if due {
            self.saved_at = Some(now);
            self.save().await;
        }
    }

    async fn save(&mut self) {
        if self.plugin.is_none() {
            return;
        }
        let now = self.around.clock.now();
        let saved = self.on_worker(move |plugin| plugin.save(now).map(|_| ())).await;
        match saved {
            Ok(Ok(())) => {}
            Ok(Err((fault, phase))) => self.failed(fault, phase),
            Err(lost) => return self.lost(lost),
        }
        let Some(plugin) = &self.plugin else { return };
        let setup = plugin.setup();
        if let Err(error) = self.keep.write(setup.saved.as_ref(), &setup.kv) {
            tracing::error!(plugin = %self.setup.id, %error, "Can't keep the plugin's state");
        }
    }

    /// Another build or other settings: the new one takes the state over, or the old one stays.
    async fn exchange(&mut self, (prepared, setup): (Prepared, config::Plugin)) {
        let old = std::mem::replace(&mut self.setup, setup);
        let inner = wire::setup(&self.setup, &self.around.zone);
        let (mut view, now) = (self.view(), self.around.clock.now());
        let replace =
            move |plugin: &mut Plugin| plugin.replace(prepared.program, inner, view.seen(), now);
        let result = self.on_worker(replace).await;
        let id = self.setup.id.clone();
        match result {
            Ok(Ok(effects)) => {
                self.give_back_what_changed(&old);
                self.around.hub.set_device(&id, Arc::clone(&self.setup.points));
                self.around.changes.forget(&id);
                self.watch();
                self.recovered();
                // Who stopped it may be at work on the machine; a reload does not start it.
                match (&mut self.plugin, self.stopped) {
                    (Some(plugin), true) => {
                        plugin.disable();
                        no_values(&self.around, &self.setup);
                    }
                    _ => self.carry_out(effects),
                }
                let m = &self.setup.manifest;
                tracing::info!(plugin = %id, version = m.version, "Plugin exchanged");
                let text = format!("plugin {id} is now {} {}", m.name, m.version);
                let zh = format!("插件 {id} 现为 {} {}", m.name, m.version);
                self.around.hub.event(Event::new("plugin_exchanged", text).zh(zh).device(&id));
            }
            Ok(Err(fault)) => {
                self.setup = old;
                let why = Bilingual::new(fault.to_string(), fault.text_zh());
                not_exchanged(&self.around, &id, &why);
                // The old one is asked for its state first, and may have failed at that.
                match self.plugin.as_ref().map(|plugin| plugin.phase()) {
                    Some(phase) if phase != Phase::Running && !self.stopped => {
                        self.failed(fault, phase);
                    }
                    _ => self.board.fail(id.as_str(), fault, now.utc),
                }
            }
            Err(lost) => self.lost(lost),
        }
        self.show();
    }

    /// Gives back what `old` held and this one holds no more, or elsewhere: it must not wait for
    /// its time to live. The rest stands until this one asks anew, so that an exchange stops no
    /// machine.
    fn give_back_what_changed(&self, old: &config::Plugin) {
        let new = &self.setup;
        if (old.slot, old.shadow) != (new.slot, new.shadow) {
            return self.around.control.release_source(new.id.as_str(), TOOK_OVER);
        }
        let stays = |b: &config::Binding| {
            new.bindings.iter().any(|n| n.output && (&n.device, &n.point) == (&b.device, &b.point))
        };
        for b in old.bindings.iter().filter(|b| b.output && !stays(b)) {
            // It may be no output any more, and then nobody holds it.
            let (id, ttl) = (old.id.as_str(), old.ttl);
            let control = &self.around.control;
            let _ = control.request(id, old.slot, &name(b), None, ttl, TOOK_OVER, old.shadow);
        }
    }

    fn enable(&mut self) {
        self.stopped = false;
        if let Some(plugin) = &mut self.plugin {
            plugin.enable(self.around.clock.now());
        }
        self.show();
    }

    async fn disable(&mut self) {
        self.stopped = true;
        self.save().await;
        if let Some(plugin) = &mut self.plugin {
            plugin.disable();
        }
        self.around
            .control
            .release_source(self.setup.id.as_str(), "an operator stopped the plugin");
        self.clear_alarms();
        no_values(&self.around, &self.setup);
        self.show();
    }

    async fn end(&mut self) {
        self.save().await;
        let around = &self.around;
        around.control.release_source(self.setup.id.as_str(), "the plugin was stopped");
        around.changes.forget(&self.setup.id);
        self.clear_alarms();
        self.around.hub.clear(&fault_alarm_id(&self.setup.id));
    }

    /// Nobody watches any more what the plugin raised.
    fn clear_alarms(&mut self) {
        for code in std::mem::take(&mut self.alarms) {
            self.around.hub.clear(&format!("{}.{code}", self.setup.id));
        }
    }

    fn watch(&self) {
        if !self.setup.manifest.on_change {
            return;
        }
        let inputs = (0u32..).zip(&self.setup.bindings).filter(|(_, b)| !b.output);
        let points = inputs.map(|(i, b)| (b.device.clone(), b.point.clone(), i));
        self.around.changes.watch(&self.setup.id, points, &self.changed);
    }
}

fn name(b: &config::Binding) -> String {
    format!("{}/{}", b.device, b.point)
}

async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

fn source(id: &DeviceId) -> String {
    format!("plugin:{id}")
}

fn fault_alarm_id(id: &DeviceId) -> String {
    format!("{id}.plugin")
}

fn fault_alarm(id: &DeviceId, what: &Bilingual, phase: Phase) -> Alarm {
    let Bilingual { en, zh } = what;
    let (next, next_zh) = match phase {
        Phase::Disabled => ("it stays off until somebody enables it", "停用，需人工启用"),
        _ => ("it is started again", "将自动重启"),
    };
    Alarm {
        id: fault_alarm_id(id),
        severity: alarm::Severity::Alarm,
        source: source(id),
        point: None,
        text: format!("plugin {id} failed ({en}); its outputs are released, {next}"),
        text_zh: format!("插件 {id} 故障（{zh}）；其输出已释放，{next_zh}"),
    }
}

/// Tells that the site wants another build or other settings of a plugin, and why it does not get
/// them.
pub(super) fn not_exchanged(around: &Surroundings, id: &DeviceId, why: &Bilingual) {
    tracing::error!(plugin = %id, %why, "The new version can't start; the old one goes on");
    let text = format!("the new version of plugin {id} can't start, the old one goes on: {why}");
    let zh = format!("插件 {id} 的新版本无法启动，旧版本继续运行：{}", why.zh);
    around.hub.event(Event::new("plugin_refused", text).zh(zh).device(id));
}

/// Tells that nobody computes what a plugin publishes: it does not run, and not for a moment only.
pub(super) fn no_values(around: &Surroundings, setup: &config::Plugin) {
    let mut readings = Readings::default();
    let points = (0..).zip(setup.points.iter());
    readings.outcomes.extend(points.map(|(i, _)| (PointIndex(i), Shown::Bad(Reason::NotComputed))));
    around.hub.said(&setup.id, &mut readings);
}

/// Tells that a plugin does not run, and why; or that it does again.
pub(super) fn refused(around: &Surroundings, id: &DeviceId, why: Option<&Bilingual>) {
    let alarm_id = format!("{id}.refused");
    let Some(why) = why else { return around.hub.clear(&alarm_id) };
    tracing::error!(plugin = %id, %why, "Plugin does not run");
    let text = format!("plugin {id} does not run: {why}");
    let text_zh = format!("插件 {id} 未运行：{}", why.zh);
    around.hub.event(Event::new("plugin_refused", &*text).zh(&*text_zh).device(id));
    around.hub.raise(Alarm {
        id: alarm_id,
        severity: alarm::Severity::Alarm,
        source: source(id),
        point: None,
        text,
        text_zh,
    });
}
