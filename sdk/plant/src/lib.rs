//! Simulated plant rooms, and the devices that speak for them on real protocols.
//!
//! Three rooms: Shengshi Baihe in Renze (152 bores of 150 m, two water-source machines, a bank of
//! air-source machines that also recharges the ground in summer), the energy centre at Changshu
//! (river water, a tank on the tariff) and the housing at Yanqing (two production and three
//! reinjection wells). Demo, tests, `simulate` and integrators all use them, so they are product
//! code: a library ([`plant::Plant`], [`serve::Server`]) and the program `wellhead-plant` over it.
//!
//! From the inside out: [`physics`] knows no register; [`plant`], [`presets`] and [`panel`] put
//! machines and their own controls together, [`trouble`] lets them fail; [`devices`] lays register
//! maps over them, each map one table; [`unit`] and [`room`] add what is wrong with sensors and
//! who was answered; [`modbus`], [`meters`] and [`serve`] put it on the wire, [`onewire`] into
//! files, [`access`] reads and writes it without one; [`building`] is the BACnet side; [`control`]
//! is how a drill gives orders.
//!
//! It must never know the gateway: it depends on no crate of it, so that the two can only agree
//! through the protocols. Simulated time is the only time of the physics; the wall clock is read
//! for the ledger of answers and nowhere else. The same configuration, seed, step lengths and
//! commands give the same plant.

pub mod access;
#[cfg(feature = "broker")]
pub mod broker;
pub mod building;
pub mod control;
pub mod devices;
pub mod fault;
pub mod fleet;
pub mod ground_load;
pub mod listing;
pub mod meters;
pub mod modbus;
pub mod onewire;
pub mod panel;
pub mod physics;
pub mod plant;
pub mod presets;
pub mod room;
pub mod serve;
mod terminal;
pub mod trouble;
pub mod unit;
