//! A simulated ground-source plant room, and the devices that speak for it on real protocols.
//!
//! It stands for the room at Shengshi Baihe, Xingtai: 152 bores of 150 m, two ground-source heat
//! pumps, a bank of air-source heat pumps that also recharges the ground in summer, pumps, valves,
//! meters, weather and a building. Demo, tests and integrators all use it, so it is product code:
//! a library ([`plant::Plant`], [`serve::Server`]) and the program `wellhead-plant` over it.
//!
//! From the inside out: [`physics`] knows no register; [`plant`] and [`panel`] put machines and
//! their own controls together; [`devices`] lays register maps over them, each map one table;
//! [`unit`] and [`room`] add what is wrong with sensors and who was answered; [`modbus`] and
//! [`serve`] put it on the wire; [`control`] is how a drill gives orders.
//!
//! It must never know the gateway: it depends on no crate of it, so that the two can only agree
//! through the protocols. Simulated time is the only time of the physics; the wall clock is read
//! for the ledger of answers and nowhere else. The same configuration, seed, step lengths and
//! commands give the same plant.

#[cfg(feature = "broker")]
pub mod broker;
pub mod control;
pub mod devices;
pub mod fault;
pub mod fleet;
pub mod listing;
pub mod modbus;
pub mod panel;
pub mod physics;
pub mod plant;
pub mod room;
pub mod serve;
mod terminal;
pub mod unit;
