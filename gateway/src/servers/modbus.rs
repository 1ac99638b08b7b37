//! Chosen points as a Modbus server: what the hub knows on the register map, and what masters
//! write through Control, like every other writer.
//!
//! The map is brought up to date once a second from the hub's own values, so reporting rules
//! (deadbands, intervals) do not show in it.

use crate::config::ModbusServer as Settings;
use crate::control::{Control, Refusal};
use crate::hub::{Event, Hub};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use wellhead_control::Slot;
use wellhead_modbus::server::{Command, Denial, Image, serve};
use wellhead_model::{Quality, Reason};

/// The slot that masters write into: below people and remote commands, above plugins.
pub const SLOT: u64 = 12;
/// How old what the registers show may be.
const REFRESH: Duration = Duration::from_secs(1);
/// A port that is in use is tried again this often.
const BIND_AGAIN: Duration = Duration::from_secs(10);
/// Writes that may wait for their turn; one more is refused as busy.
const COMMANDS_MAX: usize = 64;

/// The server of this site, if it has one.
pub struct Modbus {
    hub: Arc<Hub>,
    control: Arc<Control>,
    running: Option<(Settings, JoinHandle<()>)>,
}

impl Modbus {
    /// None yet.
    pub fn new(hub: Arc<Hub>, control: Arc<Control>) -> Self {
        Self { hub, control, running: None }
    }

    /// Starts, exchanges or ends the server. One that is to stay as it is keeps its connections.
    pub async fn apply(&mut self, wanted: Option<Settings>) {
        if self.running.as_ref().map(|(settings, _)| settings) == wanted.as_ref() {
            return;
        }
        if let Some((settings, task)) = self.running.take() {
            task.abort();
            // Until it is gone the port is taken. That it was ended is all it can say.
            let _ = task.await;
            tracing::info!(address = %settings.bind, "Modbus server ended");
        }
        let Some(settings) = wanted else { return };
        let image = match Image::new(settings.spec.clone()) {
            Ok(image) => Arc::new(image),
            Err(errors) => {
                // The configuration was checked by the same code.
                let first = errors.first().map_or_else(String::new, ToString::to_string);
                tracing::error!(first, "No Modbus server");
                let event = Event::new("server_down", format!("Modbus server: {first}"));
                return self.hub.event(event.zh(format!("Modbus 服务未启动：{first}")));
            }
        };
        let (hub, control) = (Arc::clone(&self.hub), Arc::clone(&self.control));
        let server = Server { settings: settings.clone(), image, hub, control };
        self.running = Some((settings, tokio::spawn(server.run())));
    }
}

impl Drop for Modbus {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.running {
            task.abort();
        }
    }
}

struct Server {
    settings: Settings,
    image: Arc<Image>,
    hub: Arc<Hub>,
    control: Arc<Control>,
}

impl Server {
    /// Runs until it is dropped. A port that can't be had is tried again.
    async fn run(self) {
        let listener = self.listen().await;
        let (commands, mut wanted) = mpsc::channel(COMMANDS_MAX);
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut misfit = vec![false; self.settings.points.len()];
        let serving = serve(listener, Arc::clone(&self.image), commands);
        tokio::pin!(serving);
        loop {
            tokio::select! {
                () = &mut serving => return,
                _ = refresh.tick() => self.refresh(&mut misfit),
                Some(command) = wanted.recv() => {
                    let result = self.write(&command);
                    // The master may have gone meanwhile.
                    let _ = command.reply.send(result);
                }
            }
        }
    }

    async fn listen(&self) -> TcpListener {
        let address = self.settings.bind;
        let mut failures = 0u32;
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    let points = self.settings.points.len();
                    tracing::info!(%address, points, failures, "Modbus server listens");
                    return listener;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(%address, %error, "Modbus server can't listen");
                        let text = format!("Modbus server: can't listen on {address}: {error}");
                        let zh = format!("Modbus 服务无法监听 {address}：{error}");
                        self.hub.event(Event::new("server_down", text).zh(zh));
                    }
                    failures = failures.saturating_add(1);
                    tokio::time::sleep(BIND_AGAIN).await;
                }
            }
        }
    }

    fn refresh(&self, misfit: &mut [bool]) {
        let points = self.settings.points.iter().zip(misfit).enumerate();
        for (entry, ((device, index, name), misfit)) in points {
            let (quality, value) = match self.hub.peek(device, *index) {
                Some(peek) => (peek.quality, peek.value),
                None => (Quality::Bad(Reason::NotPolled), None),
            };
            let fits = self.image.set(entry, value.as_ref(), quality);
            if fits.is_err() && !*misfit {
                let value = value.map_or_else(String::new, |v| v.to_string());
                tracing::warn!(point = %name, value, "Value does not fit its Modbus registers");
                let text =
                    format!("{name}: {value} does not fit its registers and is shown as bad");
                let zh = format!("{name}：{value} 超出其寄存器的范围，显示为坏值");
                self.hub.event(Event::new("server_misfit", text).zh(zh).with("point", &**name));
            }
            *misfit = fits.is_err();
        }
    }

    fn write(&self, command: &Command) -> Result<(), Denial> {
        let (_, _, name) = self.settings.points.get(command.entry).ok_or(Denial::Address)?;
        let slot = Slot::new(SLOT).map_err(|_| Denial::Failed)?;
        let source = format!("modbus:{}", command.from.ip());
        let (why, value) = ("written by a Modbus master", Some(&command.value));
        let hold = self.settings.hold;
        self.control.request(&source, slot, name, value, hold, why, false).map_err(|refusal| {
            tracing::info!(point = %name, source, %refusal, "Modbus master was refused");
            denial(&refusal)
        })
    }
}

fn denial(refusal: &Refusal) -> Denial {
    match refusal {
        Refusal::UnknownPoint(_) => Denial::Address,
        Refusal::Judged(wellhead_control::Refusal::Value(_)) => Denial::Value,
        Refusal::Busy => Denial::Busy,
        _ => Denial::Failed,
    }
}
