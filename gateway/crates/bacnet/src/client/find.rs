//! Finding devices, objects and routers.

use super::{Client, Failure, Heard, Peer};
use crate::wire::service::{IAm, IHave, Sought, WhoHas, WhoIs, unconfirmed};
use crate::wire::{Apdu, Content, Remote};
use crate::{DeviceAddress, Timing};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Waits until `until` for what `pick` takes.
async fn hear<T>(
    heard: &mut mpsc::Receiver<Heard>,
    until: Instant,
    mut pick: impl FnMut(Heard) -> Option<T>,
) -> Option<T> {
    while let Ok(Some(h)) = timeout_at(until, heard.recv()).await {
        if let Some(found) = pick(h) {
            return Some(found);
        }
    }
    None
}

impl Client {
    async fn unconfirmed(&self, to: Option<Peer>, service: u8, data: &[u8]) -> Result<(), Failure> {
        let apdu = Apdu::Unconfirmed { service, data };
        match to {
            Some(peer) => self.send_apdu(peer, false, &apdu).await,
            None => {
                let mut bytes = Vec::new();
                apdu.encode(&mut bytes);
                self.broadcast(Content::Apdu(&bytes), true).await
            }
        }
    }

    /// Asks which devices there are, everywhere or at one address, and collects the answers for
    /// as long as `time`. One that answers twice is listed once.
    pub async fn who_is(
        &self,
        to: Option<Peer>,
        range: Option<(u32, u32)>,
        time: Duration,
    ) -> Result<Vec<(IAm, Peer)>, Failure> {
        let mut heard = self.listen();
        let until = Instant::now() + time;
        let who = WhoIs { range };
        let mut data = Vec::new();
        who.encode(&mut data);
        self.unconfirmed(to, unconfirmed::WHO_IS, &data).await?;
        let mut found: Vec<(IAm, Peer)> = Vec::new();
        hear(&mut heard, until, |h| {
            if let Heard::IAm(i_am, peer) = h
                && who.means(i_am.device)
            {
                found.push((i_am, peer));
            }
            None::<()>
        })
        .await;
        found.sort_by_key(|(i_am, peer)| (i_am.device, *peer));
        found.dedup_by_key(|(i_am, peer)| (i_am.device, *peer));
        Ok(found)
    }

    /// Asks which devices have an object, everywhere or at one address, and collects the answers
    /// for as long as `time`.
    pub async fn who_has(
        &self,
        to: Option<Peer>,
        range: Option<(u32, u32)>,
        sought: Sought,
        time: Duration,
    ) -> Result<Vec<(IHave, Peer)>, Failure> {
        let mut heard = self.listen();
        let until = Instant::now() + time;
        let mut data = Vec::new();
        let who = WhoHas { range, sought };
        who.encode(&mut data);
        self.unconfirmed(to, unconfirmed::WHO_HAS, &data).await?;
        let meant = WhoIs { range };
        let mut found = Vec::new();
        hear(&mut heard, until, |h| {
            if let Heard::IHave(i_have, peer) = h
                && meant.means(i_have.device)
                && (match &who.sought {
                    Sought::Object(o) => *o == i_have.object,
                    Sought::Name(n) => *n == i_have.name,
                })
                && !found.contains(&(i_have.clone(), peer))
            {
                found.push((i_have, peer));
            }
            None::<()>
        })
        .await;
        Ok(found)
    }

    /// Finds a device: at its configured address, where it said it is, or by asking all.
    pub async fn locate(
        &self,
        instance: u32,
        address: Option<&DeviceAddress>,
        timing: &Timing,
    ) -> Result<Peer, Failure> {
        let fixed = match address {
            None => None,
            Some(DeviceAddress::Ip(ip)) => Some(Peer::ip(*ip)),
            Some(DeviceAddress::Routed { network, mac, router }) => {
                let remote = Remote::new(*network, mac)?;
                let via = match router {
                    Some(router) => *router,
                    None => self.route(*network, timing).await?,
                };
                Some(Peer { via, remote: Some(remote) })
            }
        };
        self.state().directory.want(instance, fixed);
        if let Some(known) = self.known(instance) {
            return Ok(known.peer);
        }
        for _ in 0..=timing.retries {
            let mut heard = self.listen();
            self.seek(instance).await?;
            let until = Instant::now() + timing.response_timeout;
            let found = hear(&mut heard, until, |h| match h {
                Heard::IAm(i_am, peer) if i_am.device == instance => Some(peer),
                _ => None,
            });
            if let Some(peer) = found.await {
                return Ok(peer);
            }
        }
        Err(Failure::NoReply(timing.response_timeout))
    }

    /// Asks all whether they are `instance`, and waits for nothing: the directory hears the answer.
    pub async fn seek(&self, instance: u32) -> Result<(), Failure> {
        let mut data = Vec::new();
        WhoIs { range: Some((instance, instance)) }.encode(&mut data);
        self.unconfirmed(None, unconfirmed::WHO_IS, &data).await
    }

    /// What is known of a device that was [located](Client::locate).
    pub fn known(&self, instance: u32) -> Option<super::Known> {
        self.state().directory.known(instance)
    }

    /// The router to a network, remembered or asked for.
    pub async fn route(
        &self,
        network: u16,
        timing: &Timing,
    ) -> Result<std::net::SocketAddrV4, Failure> {
        if let Some(router) = self.state().directory.router(network) {
            return Ok(router);
        }
        for _ in 0..=timing.retries {
            let mut heard = self.listen();
            self.broadcast(Content::WhoIsRouter(Some(network)), false).await?;
            let until = Instant::now() + timing.response_timeout;
            let found = hear(&mut heard, until, |h| match h {
                Heard::Router(n, via) if n == network => Some(via),
                _ => None,
            });
            if let Some(via) = found.await {
                self.state().directory.add_router(network, via);
                return Ok(via);
            }
        }
        Err(Failure::Unreachable(format!("no router to network {network} answers")))
    }
}
