//! The socket: opened, read, opened again; and the registration at a BBMD.

use super::{Client, Failure};
use crate::Registration;
use crate::wire::{DATAGRAM_MAX, Frame};
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// First wait after the socket could not be opened; doubles up to the second figure.
const OPEN_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long a BBMD may take to answer a registration, and how soon it is asked again.
const REGISTER_RETRY: Duration = Duration::from_secs(5);

async fn bind(client: &Client) -> std::io::Result<Arc<UdpSocket>> {
    let socket = UdpSocket::bind(client.config.bind).await?;
    socket.set_broadcast(true)?;
    Ok(Arc::new(socket))
}

/// Reads the socket for as long as the client lives.
pub(super) async fn receive(client: Weak<Client>) {
    let mut wait = OPEN_RETRY.0;
    let mut datagram = vec![0u8; DATAGRAM_MAX + 1];
    loop {
        let Some(held) = client.upgrade() else { return };
        match bind(&held).await {
            Ok(socket) => {
                let target = held.config.bind;
                tracing::info!(%target, "BACnet port open");
                wait = OPEN_RETRY.0;
                {
                    let mut state = held.state();
                    state.socket = Some(socket.clone());
                    state.trouble = None;
                }
                drop(held);
                let error = read(&client, &socket, &mut datagram).await;
                let Some(held) = client.upgrade() else { return };
                tracing::warn!(%target, %error, "BACnet port lost");
                let mut state = held.state();
                state.socket = None;
                state.trouble = Some(format!("UDP {target}: {error}"));
            }
            Err(error) => {
                let target = held.config.bind;
                let trouble = format!("can't open UDP {target}: {error}");
                let changed = held.state().trouble.replace(trouble.clone()) != Some(trouble);
                if changed {
                    tracing::warn!(%target, %error, "BACnet port can't be opened");
                }
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(OPEN_RETRY.1);
    }
}

/// Reads until the socket breaks.
async fn read(client: &Weak<Client>, socket: &UdpSocket, buf: &mut [u8]) -> std::io::Error {
    /// Errors in a row after which the socket counts as broken.
    const ERRORS_MAX: u32 = 8;
    let mut errors = 0;
    loop {
        match socket.recv_from(buf).await {
            Ok((len, SocketAddr::V4(from))) => {
                errors = 0;
                let Some(client) = client.upgrade() else {
                    return std::io::ErrorKind::NotConnected.into();
                };
                let datagram = buf.get(..len).unwrap_or_default();
                if let Some((to, apdu)) = client.incoming(from, datagram) {
                    // Lost on the way, it is asked for again by whoever waits for it.
                    let _ = client.send_apdu(to, false, &apdu).await;
                }
            }
            Ok(_) => {}
            Err(error) => {
                // What an earlier datagram met is reported here too.
                errors += 1;
                if errors >= ERRORS_MAX {
                    return error;
                }
            }
        }
    }
}

/// Registers as a foreign device and keeps the registration.
pub(super) async fn register(client: Weak<Client>, registration: Registration) {
    let seconds = u16::try_from(registration.ttl.as_secs()).unwrap_or(u16::MAX).max(2);
    let renew = Duration::from_secs(u64::from(seconds)) / 2;
    let retry = REGISTER_RETRY.min(renew);
    let bbmd = registration.bbmd;
    let mut lost = false;
    loop {
        let Some(held) = client.upgrade() else { return };
        let answered = register_once(&held, bbmd, seconds, retry).await;
        let told = match &answered {
            Ok(()) if lost => {
                Some(("foreign_registered", format!("registered at BBMD {bbmd} again")))
            }
            Err(error) if !lost => {
                let text = format!(
                    "no registration at BBMD {bbmd}: {error}; broadcasts of its networks do not \
                     come"
                );
                Some(("foreign_lost", text))
            }
            _ => None,
        };
        lost = answered.is_err();
        {
            let mut state = held.state();
            state.registered = !lost;
            if let Some((code, text)) = told {
                state.told.tell(None, code, text);
            }
        }
        let forgotten = held.forgotten.clone();
        drop(held);
        if lost {
            sleep(retry).await;
        } else {
            // Either way it is time.
            let _ = timeout(renew, forgotten.notified()).await;
        }
    }
}

async fn register_once(
    client: &Client,
    bbmd: SocketAddrV4,
    seconds: u16,
    wait: Duration,
) -> Result<(), Failure> {
    let (to, answer) = oneshot::channel();
    client.state().registering = Some(to);
    client.send(bbmd, Frame::Register(seconds)).await?;
    match timeout(wait, answer).await {
        Ok(Ok(0)) => Ok(()),
        Ok(_) => Err(Failure::BadReply("it refuses foreign devices")),
        Err(_) => Err(Failure::NoReply(wait)),
    }
}
