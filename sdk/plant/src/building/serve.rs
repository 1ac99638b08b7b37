//! The controllers on BACnet/IP, by the crate `bacnet-server`: another author's stack than any
//! gateway that reads them.
//!
//! Four times a second what the plant and the faults show is laid into the objects, and what is
//! commanded there is brought to the plant. An output follows its panel until a priority is written;
//! it stays under command, whoever else is silent, until every priority is relinquished, and then
//! goes back to the panel, a setpoint to the value it had.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use bacnet_objects::analog::{AnalogInputObject, AnalogOutputObject};
use bacnet_objects::binary::{BinaryInputObject, BinaryOutputObject};
use bacnet_objects::database::ObjectDatabase;
use bacnet_objects::device::{DeviceConfig, DeviceObject, EXECUTED_SERVICES};
use bacnet_objects::device_identity::DeviceIdentity;
use bacnet_objects::multistate::MultiStateInputObject;
use bacnet_objects::traits::BACnetObject;
use bacnet_server::LocalCommandSource;
use bacnet_server::server::{BACnetServer, DiscoveryPolicy};
use bacnet_types::enums::{
    EngineeringUnits, ObjectType, PropertyIdentifier, Reliability, Segmentation,
};
use bacnet_types::error::Error;
use bacnet_types::primitives::{ObjectIdentifier, PropertyValue};
use thiserror::Error as ThisError;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing::warn;

use super::port::Port;
use super::{Controller, Kind, Point, Shown, command, controllers};
use crate::serve::Shared;

/// How often values and commands pass between objects and plant.
const TICK: Duration = Duration::from_millis(250);
/// A vendor number for experiments would have to be bought; 0 is ASHRAE's own.
const VENDOR: u16 = 0;

/// Why the controllers cannot be served.
#[derive(Debug, ThisError)]
pub enum BuildingError {
    /// The room has none.
    #[error("no building of this room has BACnet controllers; Renze has")]
    None,
    /// A port cannot be had.
    #[error("controller {unit} cannot have {address}: {error}")]
    Bind {
        /// Which.
        unit: u8,
        /// Where.
        address: SocketAddrV4,
        /// Why.
        error: std::io::Error,
    },
    /// The stack refused.
    #[error("the BACnet stack refuses controller {unit}: {error}")]
    Stack {
        /// Which.
        unit: u8,
        /// Why.
        error: Error,
    },
}

/// Starts all controllers of the room, the first at `first` and the others at the ports after it,
/// or at free ones for port 0; returns where each is.
pub(crate) async fn start(
    shared: &Arc<Shared>,
    first: SocketAddrV4,
    tasks: &mut JoinSet<()>,
) -> Result<Vec<(u8, SocketAddrV4)>, BuildingError> {
    let preset = shared.room().plant.config().preset;
    let controllers = controllers(preset);
    if controllers.is_empty() {
        return Err(BuildingError::None);
    }
    let mut bound = Vec::with_capacity(controllers.len());
    for (i, controller) in controllers.iter().enumerate() {
        let unit = controller.unit;
        let port = if first.port() == 0 { 0 } else { first.port().saturating_add(i as u16) };
        let address = SocketAddrV4::new(*first.ip(), port);
        let failed = |error| BuildingError::Bind { unit, address, error };
        let socket = UdpSocket::bind(address).await.map_err(failed)?;
        let port = socket.local_addr().map_err(failed)?.port();
        let own = SocketAddrV4::new(*first.ip(), port);
        let refused = |error| BuildingError::Stack { unit, error };
        let link = Port::new(shared.clone(), unit, socket, own);
        let server = serve(controller, link).await.map_err(refused)?;
        let mut building =
            Building { shared: shared.clone(), controller, server, points: Vec::new() };
        building.lay_out().map_err(refused)?;
        building.pass().await.map_err(refused)?;
        tasks.spawn(building.run());
        bound.push((unit, own));
    }
    Ok(bound)
}

async fn serve(controller: &Controller, link: Port) -> Result<BACnetServer<Port>, Error> {
    let identity = DeviceIdentity::new(controller.instance, VENDOR)?
        .with_name(controller.name)
        .with_segmentation(Segmentation::BOTH)
        .with_services(EXECUTED_SERVICES);
    let mut objects = Vec::with_capacity(controller.points.len());
    for point in controller.points {
        objects.push(object(point)?);
    }
    let mut device = DeviceObject::new(DeviceConfig {
        identity: identity.clone(),
        vendor_name: "Wellhead Plant".into(),
        model_name: "BC-4".into(),
        firmware_revision: "2.1".into(),
        application_software_version: "1.0".into(),
        ..DeviceConfig::default()
    })?;
    device.set_services_supported(EXECUTED_SERVICES);
    let mut list = vec![identity.device_oid()];
    list.extend(objects.iter().map(|object| object.object_identifier()));
    device.set_object_list(list);
    let mut database = ObjectDatabase::new();
    database.add(Box::new(device))?;
    for object in objects {
        database.add(object)?;
    }
    BACnetServer::generic_builder()
        .device(identity)
        .database(database)
        .transport(link)
        // A test asks who is there as often as it likes.
        .discovery_policy(DiscoveryPolicy::unlimited())
        .enable_event_enrollment(false)
        .build()
        .await
}

fn object(point: &Point) -> Result<Box<dyn BACnetObject>, Error> {
    let (instance, label) = (point.instance, point.label);
    let units = EngineeringUnits::from_raw(point.units);
    let mut object: Box<dyn BACnetObject> = match point.kind {
        Kind::AnalogInput => {
            let mut object = AnalogInputObject::new(instance, label, units)?;
            object.set_description(point.name);
            Box::new(object)
        }
        Kind::AnalogOutput(min, max) => {
            let mut object = AnalogOutputObject::new(instance, label, units)?;
            object.set_description(point.name);
            object.set_min_pres_value(min as f32);
            object.set_max_pres_value(max as f32);
            Box::new(object)
        }
        Kind::BinaryInput => {
            let mut object = BinaryInputObject::new(instance, label)?;
            object.set_description(point.name);
            Box::new(object)
        }
        Kind::BinaryOutput => {
            let mut object = BinaryOutputObject::new(instance, label)?;
            object.set_description(point.name);
            Box::new(object)
        }
        Kind::MultiStateInput(states) => {
            let mut object = MultiStateInputObject::new(instance, label, states.len() as u32)?;
            object.set_description(point.name);
            for (i, state) in (1..).zip(states) {
                let text = PropertyValue::CharacterString((*state).to_owned());
                object.write_property(PropertyIdentifier::STATE_TEXT, Some(i), text, None)?;
            }
            Box::new(object)
        }
    };
    if matches!(point.kind, Kind::AnalogInput | Kind::AnalogOutput(..)) {
        let increment = PropertyValue::Real(point.increment as f32);
        object.write_property(PropertyIdentifier::COV_INCREMENT, None, increment, None)?;
    }
    Ok(object)
}

/// A point as it stands between plant and object.
struct Standing {
    point: &'static Point,
    object: ObjectIdentifier,
    last: Option<Shown>,
    /// The value under command, and what the plant had before it.
    commanded: Option<(f64, f64)>,
}

struct Building {
    shared: Arc<Shared>,
    controller: &'static Controller,
    server: BACnetServer<Port>,
    points: Vec<Standing>,
}

impl Building {
    fn lay_out(&mut self) -> Result<(), Error> {
        for point in self.controller.points {
            let kind = match point.kind {
                Kind::AnalogInput => ObjectType::ANALOG_INPUT,
                Kind::BinaryInput => ObjectType::BINARY_INPUT,
                Kind::MultiStateInput(_) => ObjectType::MULTI_STATE_INPUT,
                Kind::AnalogOutput(..) => ObjectType::ANALOG_OUTPUT,
                Kind::BinaryOutput => ObjectType::BINARY_OUTPUT,
            };
            let object = ObjectIdentifier::new(kind, point.instance)?;
            self.points.push(Standing { point, object, last: None, commanded: None });
        }
        Ok(())
    }

    async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if let Err(error) = self.pass().await {
                warn!(unit = self.controller.unit, %error, "Controller and plant do not agree");
            }
        }
    }

    async fn pass(&mut self) -> Result<(), Error> {
        let shown = self.shared.room_at(Instant::now()).shown(self.controller);
        for (i, shown) in shown.into_iter().enumerate() {
            if self.points[i].point.command.is_some() {
                self.bring_command(i).await?;
            }
            if self.points[i].last != Some(shown) {
                self.lay(i, shown).await?;
                self.points[i].last = Some(shown);
            }
        }
        Ok(())
    }

    /// Lays what a point shows into its object.
    async fn lay(&mut self, i: usize, shown: Shown) -> Result<(), Error> {
        let Standing { point, object, last, .. } = &self.points[i];
        let last = last.unwrap_or(Shown { value: f64::NAN, reliability: 0, out_of_service: false });
        let write = async |property, value| {
            let source = LocalCommandSource::ServerDevice;
            self.server.write_local(object, property, None, value, None, source).await
        };
        if shown.out_of_service != last.out_of_service {
            let value = PropertyValue::Boolean(shown.out_of_service);
            write(PropertyIdentifier::OUT_OF_SERVICE, value).await?;
        }
        if shown.reliability != last.reliability
            && !shown.out_of_service
            && let Some(object) = self.server.database().write().await.get_mut(object)
        {
            object.set_reliability_internal(Reliability::from_raw(shown.reliability.into()))?;
        }
        let value = match point.kind {
            Kind::AnalogInput | Kind::AnalogOutput(..) => PropertyValue::Real(shown.value as f32),
            Kind::BinaryInput | Kind::BinaryOutput => {
                PropertyValue::Enumerated(u32::from(shown.value != 0.0))
            }
            Kind::MultiStateInput(_) => PropertyValue::Unsigned(shown.value as u64),
        };
        if point.command.is_none() {
            if !shown.out_of_service {
                self.server.set_present_value_local(object, value).await?;
            }
        } else if self.points[i].commanded.is_none() && shown.value != last.value {
            write(PropertyIdentifier::RELINQUISH_DEFAULT, value).await?;
        }
        Ok(())
    }

    /// Brings what is commanded at an output to the plant.
    async fn bring_command(&mut self, i: usize) -> Result<(), Error> {
        let Standing { point, object, commanded, .. } = &self.points[i];
        let (Some(order), commanded) = (point.command, *commanded) else { return Ok(()) };
        let read = async |property| self.server.read_local(object, property, None).await;
        let PropertyValue::List(slots) = read(PropertyIdentifier::PRIORITY_ARRAY).await? else {
            return Ok(());
        };
        let active = slots.iter().any(|slot| *slot != PropertyValue::Null);
        let value = match read(PropertyIdentifier::PRESENT_VALUE).await? {
            PropertyValue::Real(value) => match point.kind {
                // The stack takes any number; the machine has its limits.
                Kind::AnalogOutput(min, max) => f64::from(value).clamp(min, max),
                _ => f64::from(value),
            },
            PropertyValue::Enumerated(value) => f64::from(value),
            _ => return Ok(()),
        };
        let before = {
            let mut room = self.shared.room_at(Instant::now());
            let plant = &mut room.plant;
            match (active, commanded) {
                (true, Some((last, before))) if last == value => {
                    plant.keepers[order.keeper].refresh();
                    Some(before)
                }
                (true, before) => {
                    let before = before.map_or_else(|| (point.read)(plant), |(_, before)| before);
                    // The switch stands on local: the command waits for it. Flags don't show it, as
                    // the stack's objects know no override.
                    if command(plant, order, value).is_err() {
                        return Ok(());
                    }
                    Some(before)
                }
                (false, Some((_, before))) => {
                    (order.set)(plant, before);
                    None
                }
                (false, None) => None,
            }
        };
        self.points[i].commanded = before.map(|before| (value, before));
        if commanded.is_some() && !active {
            self.release(order.keeper);
        }
        Ok(())
    }

    /// Gives an actuator back to its panel when nothing commands it any more.
    fn release(&self, keeper: usize) {
        let held = self.points.iter().any(|standing| {
            let same = standing.point.command.is_some_and(|command| command.keeper == keeper);
            same && standing.commanded.is_some()
        });
        if !held {
            self.shared.room().plant.keepers[keeper].release();
        }
    }
}
