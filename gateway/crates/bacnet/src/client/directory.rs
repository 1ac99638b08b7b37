//! Which device is where, by what devices say of themselves. Pure.
//!
//! Only devices that somebody asked for are kept, so that nobody can fill it. An I-Am from another
//! address than the known one changes nothing by itself: anybody can send one. It is checked first
//! by asking both addresses, and what that shows is [`Shown`].

use super::Peer;
use crate::wire::service::IAm;
use std::collections::HashMap;
use std::net::SocketAddrV4;

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub peer: Peer,
    /// What it said of itself, if it did.
    pub i_am: Option<IAm>,
}

/// What asking both addresses showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Both answer as the same device.
    Duplicate,
    /// Only the new one does.
    Moved,
    /// Neither does, or only the old one.
    Nothing,
}

#[derive(Debug)]
struct Entry {
    known: Option<Known>,
    /// The address is the configuration's and is not followed.
    fixed: bool,
    /// An address that is being asked now.
    checking: bool,
    /// Addresses that were told as duplicates; at most a few.
    told: Vec<Peer>,
}

/// Devices that were asked for, and routers.
#[derive(Debug, Default)]
pub(super) struct Directory {
    devices: HashMap<u32, Entry>,
    routers: HashMap<u16, SocketAddrV4>,
}

impl Directory {
    /// Wants to know where a device is; `fixed` if the configuration says it.
    pub(super) fn want(&mut self, instance: u32, fixed: Option<Peer>) {
        let entry = self.devices.entry(instance).or_insert(Entry {
            known: None,
            fixed: false,
            checking: false,
            told: Vec::new(),
        });
        entry.fixed = fixed.is_some();
        if let Some(peer) = fixed
            && entry.known.is_none_or(|k| k.peer != peer)
        {
            entry.known = Some(Known { peer, i_am: None });
        }
    }

    /// What is known of a device.
    pub(super) fn known(&self, instance: u32) -> Option<Known> {
        self.devices.get(&instance)?.known
    }

    /// A device said where it is. Returns the address known before, if both must be asked now.
    pub(super) fn heard(&mut self, i_am: IAm, from: Peer) -> Option<Peer> {
        let entry = self.devices.get_mut(&i_am.device)?;
        match &mut entry.known {
            None => {
                entry.known = Some(Known { peer: from, i_am: Some(i_am) });
                None
            }
            Some(known) if known.peer == from => {
                known.i_am = Some(i_am);
                None
            }
            Some(known) if !entry.checking && !entry.told.contains(&from) => {
                entry.checking = true;
                Some(known.peer)
            }
            Some(_) => None,
        }
    }

    /// Both addresses were asked. Returns whether the device was followed to the new one.
    pub(super) fn checked(&mut self, i_am: IAm, from: Peer, shown: Shown) -> bool {
        const TOLD_MAX: usize = 8;
        let Some(entry) = self.devices.get_mut(&i_am.device) else { return false };
        entry.checking = false;
        if shown == Shown::Nothing {
            return false;
        }
        if shown == Shown::Moved && !entry.fixed {
            entry.known = Some(Known { peer: from, i_am: Some(i_am) });
            entry.told.clear();
            return true;
        }
        if entry.told.len() == TOLD_MAX {
            entry.told.remove(0);
        }
        entry.told.push(from);
        false
    }

    /// The router to a network.
    pub(super) fn router(&self, network: u16) -> Option<SocketAddrV4> {
        self.routers.get(&network).copied()
    }

    /// A router to a network that somebody asked for.
    pub(super) fn add_router(&mut self, network: u16, router: SocketAddrV4) {
        self.routers.insert(network, router);
    }

    /// A router said that it can't deliver.
    pub(super) fn remove_router(&mut self, network: u16, router: SocketAddrV4) {
        if self.router(network) == Some(router) {
            self.routers.remove(&network);
        }
    }
}
