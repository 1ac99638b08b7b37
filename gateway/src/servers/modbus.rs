//! Chosen points as a Modbus server: what the hub knows on the register map, and what masters
//! write through Control, like every other writer.
//!
//! The map is brought up to date once a second from the hub's own values, so reporting rules
//! (deadbands, intervals) do not show in it.

use crate::control::{Control, Refusal};
use crate::hub::{Event, Hub};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use wellhead_control::Slot;
use wellhead_modbus::server::{Command, Denial, Image, serve};
use wellhead_model::{DeviceId, PointIndex, Quality, Reason};

/// The slot that masters write into: below people and remote commands, above plugins.
pub const SLOT: u64 = 12;
/// How old what the registers show may be.
const REFRESH: Duration = Duration::from_secs(1);
/// A port that is in use is tried again this often.
const BIND_AGAIN: Duration = Duration::from_secs(10);
/// Writes that may wait for their turn; one more is refused as busy.
const COMMANDS_MAX: usize = 64;

/// A server ready to run.
pub struct ModbusServer {
    /// Where it listens.
    pub bind: SocketAddr,
    /// The map, checked.
    pub image: Arc<Image>,
    /// By entry of the map: which point it shows.
    pub points: Vec<(DeviceId, PointIndex, Arc<str>)>,
    /// How long what a master wrote holds, unless it is written again.
    pub hold: Duration,
}

impl ModbusServer {
    /// Runs until it is dropped. A port that can't be had is tried again.
    pub async fn run(self, hub: Arc<Hub>, control: Arc<Control>) {
        let listener = self.listen(&hub).await;
        let (commands, mut wanted) = mpsc::channel(COMMANDS_MAX);
        let mut refresh = tokio::time::interval(REFRESH);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut misfit = vec![false; self.points.len()];
        let serving = serve(listener, Arc::clone(&self.image), commands);
        tokio::pin!(serving);
        loop {
            tokio::select! {
                () = &mut serving => return,
                _ = refresh.tick() => self.refresh(&hub, &mut misfit),
                Some(command) = wanted.recv() => {
                    let result = self.write(&control, &command);
                    // The master may have gone meanwhile.
                    let _ = command.reply.send(result);
                }
            }
        }
    }

    async fn listen(&self, hub: &Hub) -> TcpListener {
        let mut failures = 0u32;
        loop {
            match TcpListener::bind(self.bind).await {
                Ok(listener) => {
                    tracing::info!(address = %self.bind, failures, "Modbus server listens");
                    return listener;
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(address = %self.bind, %error, "Modbus server can't listen");
                        let text = format!("Modbus server: can't listen on {}: {error}", self.bind);
                        hub.event(Event::new("server_down", text));
                    }
                    failures = failures.saturating_add(1);
                    tokio::time::sleep(BIND_AGAIN).await;
                }
            }
        }
    }

    fn refresh(&self, hub: &Hub, misfit: &mut [bool]) {
        for (entry, ((device, index, name), misfit)) in self.points.iter().zip(misfit).enumerate() {
            let (quality, value) = match hub.peek(device, *index) {
                Some(peek) => (peek.quality, peek.value),
                None => (Quality::Bad(Reason::NotPolled), None),
            };
            let fits = self.image.set(entry, value.as_ref(), quality);
            if fits.is_err() && !*misfit {
                let value = value.map_or_else(String::new, |v| v.to_string());
                tracing::warn!(point = %name, value, "Value does not fit its Modbus registers");
                let text =
                    format!("{name}: {value} does not fit its registers and is shown as bad");
                hub.event(Event::new("server_misfit", text).with("point", &**name));
            }
            *misfit = fits.is_err();
        }
    }

    fn write(&self, control: &Control, command: &Command) -> Result<(), Denial> {
        let (_, _, name) = self.points.get(command.entry).ok_or(Denial::Address)?;
        let slot = Slot::new(SLOT).map_err(|_| Denial::Failed)?;
        let source = format!("modbus:{}", command.from.ip());
        let why = "written by a Modbus master";
        let value = Some(&command.value);
        control.request(&source, slot, name, value, self.hold, why, false).map_err(|refusal| {
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
