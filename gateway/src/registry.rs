//! The one list of protocols: what a line can be, what a device can be, and how a driver comes of
//! it. Everything else in this program treats devices of all protocols alike.

use crate::config::Protocol;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use wellhead_bacnet::BacnetDriver;
use wellhead_driver::{AnyDriver, Demand, LineConfig, SerialMode};
use wellhead_modbus::ModbusDriver;
use wellhead_sensors::cjt188::Cjt188Driver;
use wellhead_sensors::dlt645::Dlt645Driver;
use wellhead_sensors::gpio::GpioDriver;
use wellhead_sensors::mbus::MbusDriver;
use wellhead_sensors::onewire::OneWireDriver;
use wellhead_sensors::sysfs::SysfsDriver;
use wellhead_sensors::{SpecProblem, cjt188, dlt645, gpio, mbus, onewire, sysfs};

/// What a line of the site is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineSetup {
    /// A serial port or a TCP connection: its devices are asked in turn.
    Stream(LineConfig),
    /// A UDP port on which BACnet/IP is spoken.
    Bacnet(wellhead_bacnet::PortConfig),
    /// Root of the kernel's sensor files.
    Sysfs(PathBuf),
    /// A chip with contacts and relays.
    Gpio(PathBuf),
}

/// What all devices of one line use together, where that is no stream.
#[derive(Clone)]
pub enum Port {
    /// Nothing: each device has its own files.
    None,
    /// One socket, and the requests on it.
    Bacnet(Arc<wellhead_bacnet::Client>),
}

impl LineSetup {
    /// Opens what the line's devices share; `None` for a stream, which a line task owns. To be
    /// called once a line, within the runtime.
    pub fn open(&self) -> Option<Port> {
        match self {
            LineSetup::Stream(_) => None,
            LineSetup::Bacnet(port) => {
                Some(Port::Bacnet(wellhead_bacnet::Client::open(port.clone())))
            }
            LineSetup::Sysfs(_) | LineSetup::Gpio(_) => Some(Port::None),
        }
    }
}

/// A device as its driver is told of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each name is its own description")]
pub enum DeviceSpec {
    Modbus(wellhead_modbus::DeviceSpec),
    Bacnet(wellhead_bacnet::DeviceSpec),
    Mbus(mbus::DeviceSpec),
    Dlt645(dlt645::DeviceSpec),
    Cjt188(cjt188::DeviceSpec),
    Onewire(onewire::DeviceSpec),
    Hwmon(sysfs::DeviceSpec),
    Iio(sysfs::DeviceSpec),
    Gpio(gpio::DeviceSpec),
}

/// What is wrong with a specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Which point; `None` for the device itself.
    pub point: Option<String>,
    /// Which key of the configuration.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// The same in Chinese, where the driver says it.
    pub message_zh: Option<String>,
    /// What to do, where that is not said already.
    pub hint: Option<String>,
}

impl From<SpecProblem> for Unfit {
    fn from(p: SpecProblem) -> Self {
        let SpecProblem { point, key, message, message_zh } = p;
        Self { point, key: key_of(key), message, message_zh: Some(message_zh), hint: None }
    }
}

impl From<wellhead_bacnet::SpecProblem> for Unfit {
    fn from(p: wellhead_bacnet::SpecProblem) -> Self {
        let wellhead_bacnet::SpecProblem { point, key, message, message_zh } = p;
        Self { point, key: key_of(key), message, message_zh: Some(message_zh), hint: None }
    }
}

impl From<wellhead_modbus::PlanError> for Unfit {
    fn from(e: wellhead_modbus::PlanError) -> Self {
        let (message, hint) = (e.message, Some(e.hint));
        Self { point: e.point, key: key_of(e.key), message, message_zh: None, hint }
    }
}

fn unfit<P>(problems: Vec<P>) -> Vec<Unfit>
where
    Unfit: From<P>,
{
    problems.into_iter().map(Unfit::from).collect()
}

/// The configuration's name for a setting of a driver.
fn key_of(setting: &'static str) -> &'static str {
    match setting {
        "period" => "poll",
        "write" => "write_with",
        "increment" => "cov_increment",
        "lifetime" => "cov_lifetime",
        "check" => "cov_check",
        same => same,
    }
}

impl DeviceSpec {
    /// Which protocol it is.
    pub fn protocol(&self) -> Protocol {
        match self {
            DeviceSpec::Modbus(_) => Protocol::Modbus,
            DeviceSpec::Bacnet(_) => Protocol::Bacnet,
            DeviceSpec::Mbus(_) => Protocol::Mbus,
            DeviceSpec::Dlt645(_) => Protocol::Dlt645,
            DeviceSpec::Cjt188(_) => Protocol::Cjt188,
            DeviceSpec::Onewire(_) => Protocol::Onewire,
            DeviceSpec::Hwmon(_) => Protocol::Hwmon,
            DeviceSpec::Iio(_) => Protocol::Iio,
            DeviceSpec::Gpio(_) => Protocol::Gpio,
        }
    }

    /// Everything that its driver would not take.
    pub fn problems(&self) -> Vec<Unfit> {
        match self {
            DeviceSpec::Modbus(spec) => match wellhead_modbus::plan(spec.clone()) {
                Ok(_) => Vec::new(),
                Err(errors) => unfit(errors),
            },
            DeviceSpec::Bacnet(spec) => unfit(wellhead_bacnet::check(spec)),
            DeviceSpec::Mbus(spec) => unfit(mbus::check(spec)),
            DeviceSpec::Dlt645(spec) => unfit(dlt645::check(spec)),
            DeviceSpec::Cjt188(spec) => unfit(cjt188::check(spec)),
            DeviceSpec::Onewire(spec) => unfit(onewire::check(spec)),
            DeviceSpec::Hwmon(spec) | DeviceSpec::Iio(spec) => unfit(sysfs::check(spec)),
            DeviceSpec::Gpio(spec) => unfit(gpio::check(spec)),
        }
    }

    /// What reading it asks of its line. Where there is no wire of its own, a property, sensor or
    /// contact counts as a request.
    pub fn demand(&self) -> Vec<Demand> {
        let files = |periods: &mut dyn Iterator<Item = Duration>| {
            periods.map(|period| Demand { period, requests: 1, characters: 0 }).collect()
        };
        match self {
            DeviceSpec::Modbus(spec) => {
                wellhead_modbus::plan(spec.clone()).iter().flat_map(|p| p.demand()).collect()
            }
            DeviceSpec::Mbus(spec) => mbus::demand(spec).into_iter().collect(),
            DeviceSpec::Dlt645(spec) => dlt645::demand(spec),
            DeviceSpec::Cjt188(spec) => cjt188::demand(spec).into_iter().collect(),
            DeviceSpec::Bacnet(spec) => files(&mut spec.points.iter().map(|p| p.period)),
            DeviceSpec::Onewire(spec) => files(&mut spec.points.iter().map(|p| p.period)),
            DeviceSpec::Hwmon(spec) | DeviceSpec::Iio(spec) => {
                files(&mut spec.points.iter().map(|p| p.period))
            }
            DeviceSpec::Gpio(spec) => files(&mut spec.points.iter().map(|p| p.period)),
        }
    }

    /// Its own speed on a serial line, if that is not the line's.
    fn mode(&self) -> Option<SerialMode> {
        match self {
            DeviceSpec::Modbus(spec) => spec.mode,
            DeviceSpec::Mbus(spec) => spec.timing.mode,
            DeviceSpec::Dlt645(spec) => spec.timing.mode,
            DeviceSpec::Cjt188(spec) => spec.timing.mode,
            _ => None,
        }
    }

    /// Which share of a serial line's time its polls take at least, the meter's own time to
    /// think left out; `line` is the line's speed.
    pub fn share(&self, line: SerialMode) -> f64 {
        let character = self.mode().unwrap_or(line).character().as_secs_f64();
        let one = |d: &Demand| d.characters as f64 * character / d.period.as_secs_f64().max(1e-3);
        self.demand().iter().map(one).sum()
    }

    /// What no other device of its protocol on the same line may have, each as the key that gives
    /// it and its text.
    pub fn stations(&self) -> Vec<(Option<&str>, &'static str, String)> {
        match self {
            DeviceSpec::Modbus(spec) => vec![(None, "unit", spec.unit.to_string())],
            DeviceSpec::Bacnet(spec) => vec![(None, "instance", spec.instance.to_string())],
            DeviceSpec::Mbus(spec) => vec![(None, "address", spec.address.to_string())],
            DeviceSpec::Dlt645(spec) => vec![(None, "address", spec.address.to_string())],
            DeviceSpec::Cjt188(spec) => vec![(None, "address", spec.address.to_string())],
            // Files are read by as many as want to.
            DeviceSpec::Onewire(_) | DeviceSpec::Hwmon(_) | DeviceSpec::Iio(_) => Vec::new(),
            DeviceSpec::Gpio(spec) => {
                spec.points.iter().map(|p| (Some(&*p.name), "pin", p.line.to_string())).collect()
            }
        }
    }

    /// How long after a failure it may be asked again: until its late reply can't be taken for
    /// the next one.
    pub fn again(&self) -> Duration {
        match self {
            // Transaction numbers tell a late reply on TCP; in RTU only time can.
            DeviceSpec::Modbus(spec) => match spec.framing {
                wellhead_modbus::Framing::Tcp => Duration::ZERO,
                wellhead_modbus::Framing::Rtu => spec.timing.late_window,
            },
            DeviceSpec::Mbus(spec) => spec.timing.late_window,
            DeviceSpec::Dlt645(spec) => spec.timing.late_window,
            DeviceSpec::Cjt188(spec) => spec.timing.late_window,
            // Invoke ids tell a late reply; files have none.
            DeviceSpec::Bacnet(_)
            | DeviceSpec::Onewire(_)
            | DeviceSpec::Hwmon(_)
            | DeviceSpec::Iio(_)
            | DeviceSpec::Gpio(_) => Duration::ZERO,
        }
    }

    /// A driver for it. `port` is what its line shares.
    ///
    /// # Errors
    /// What [`Self::problems`] tells, and a line that does not carry its protocol; so none for a
    /// configuration that was checked.
    pub fn driver(self, port: &Port) -> Result<Box<dyn AnyDriver>, Vec<Unfit>> {
        Ok(match self {
            DeviceSpec::Modbus(spec) => match wellhead_modbus::plan(spec) {
                Ok(plan) => Box::new(ModbusDriver::new(plan)),
                Err(errors) => return Err(unfit(errors)),
            },
            DeviceSpec::Bacnet(spec) => match port {
                Port::Bacnet(client) => Box::new(BacnetDriver::new(spec, Arc::clone(client))),
                Port::None => {
                    return Err(vec![Unfit {
                        point: None,
                        key: "line",
                        message: "its line is no BACnet port".to_owned(),
                        message_zh: Some("其线路不是 BACnet 端口".to_owned()),
                        hint: None,
                    }]);
                }
            },
            DeviceSpec::Mbus(spec) => Box::new(MbusDriver::new(spec)),
            DeviceSpec::Dlt645(spec) => Box::new(Dlt645Driver::new(spec)),
            DeviceSpec::Cjt188(spec) => Box::new(Cjt188Driver::new(spec)),
            DeviceSpec::Onewire(spec) => Box::new(OneWireDriver::new(spec)),
            DeviceSpec::Hwmon(spec) | DeviceSpec::Iio(spec) => Box::new(SysfsDriver::new(spec)),
            DeviceSpec::Gpio(spec) => Box::new(GpioDriver::new(spec)),
        })
    }
}
