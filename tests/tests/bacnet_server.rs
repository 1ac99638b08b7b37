//! The gateway's BACnet device, asked by foreign clients: bacpypes3 and @bacnet-js/client.

use serde_json::{Value as Json, json};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex, mpsc};
use wellhead_bacnet::server::{
    Charset, Command, CommandRefused, DeviceInfo, Holds, ObjectSpec, Server, ServerConfig, Slots,
};
use wellhead_model::{Quality, Reason, Unit, Value};
use wellhead_tests::BacnetClient;

const SETPOINT: usize = 1;
const PUMP: usize = 2;
const MODE: usize = 3;

/// What Control would be: sixteen slots for each object.
#[derive(Default)]
struct Outputs(Mutex<Vec<[Option<Value>; 16]>>);

impl Slots for Outputs {
    fn slots(&self, index: usize) -> [Option<Value>; 16] {
        self.0.lock().unwrap()[index].clone()
    }
}

impl Outputs {
    /// Slot 3 is taken by somebody else.
    fn take(&self, command: &Command) -> Result<(), CommandRefused> {
        if command.priority == 3 {
            return Err(CommandRefused::Denied);
        }
        let slot = usize::from(command.priority) - 1;
        self.0.lock().unwrap()[command.index][slot] = command.value.clone();
        Ok(())
    }
}

struct Device {
    address: SocketAddrV4,
    server: Arc<Server>,
    outputs: Arc<Outputs>,
    _end: tokio::sync::oneshot::Sender<()>,
}

fn spec(instance: u32, name: &str, holds: Holds) -> ObjectSpec {
    ObjectSpec {
        name: name.to_owned(),
        description: format!("hp1/{instance}"),
        instance,
        holds,
        setpoint: false,
        unit: None,
        increment: 0.5,
        limits: None,
        commanded: None,
    }
}

fn plant() -> Vec<ObjectSpec> {
    let unit = Unit::parse("°C").ok();
    let modes = ["停止", "供热", "蓄热"].map(Arc::from).to_vec();
    vec![
        ObjectSpec { unit, ..spec(1, "供水温度", Holds::Number) },
        ObjectSpec {
            unit,
            limits: Some((30.0, 55.0)),
            commanded: Value::float(40.0),
            ..spec(2, "供水温度设定", Holds::Number)
        },
        ObjectSpec {
            commanded: Some(Value::Bool(false)), ..spec(3, "循环泵启停", Holds::Bool)
        },
        ObjectSpec {
            commanded: Some(Value::Text("停止".into())),
            ..spec(4, "运行模式", Holds::States(modes))
        },
        spec(5, "累计热量", Holds::Count),
        spec(6, "提示", Holds::Text),
    ]
}

impl Device {
    fn start(objects: Vec<ObjectSpec>, charset: Charset) -> Self {
        let count = objects.len();
        let outputs = Arc::new(Outputs(Mutex::new(vec![[const { None }; 16]; count])));
        let (end, ended) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let config = ServerConfig {
            bind: SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0),
            broadcast: Ipv4Addr::LOCALHOST,
            device: DeviceInfo {
                instance: 77,
                name: "任泽机房".into(),
                description: "地源热泵机房".into(),
            },
            charset,
            objects,
        };
        let slots = Arc::clone(&outputs);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let shown: Arc<dyn Slots> = Arc::clone(&slots) as _;
                let (server, mut commands) = Server::start(config, shown).await.unwrap();
                tell.send(Arc::new(server)).unwrap();
                let judge = async {
                    while let Some(command) = commands.recv().await {
                        let result = slots.take(&command);
                        command.reply.send(result).unwrap();
                    }
                };
                tokio::select! {
                    () = judge => {}
                    _ = ended => {}
                }
            });
        });
        let server = told.recv().unwrap();
        Self { address: server.address(), server, outputs, _end: end }
    }

    fn plant() -> Self {
        let device = Self::start(plant(), Charset::Utf8);
        let good = |index, value: Value| device.server.update(index, Some(&value), Quality::Good);
        good(0, Value::float(41.5).unwrap());
        good(SETPOINT, Value::float(45.0).unwrap());
        good(PUMP, Value::Bool(true));
        good(MODE, Value::Text("供热".into()));
        good(4, Value::float(16_777_217.0).unwrap());
        good(5, Value::Text("正常".into()));
        device
    }

    fn slot(&self, index: usize, priority: usize) -> Option<Value> {
        self.outputs.slots(index)[priority - 1].clone()
    }
}

fn many() -> Vec<ObjectSpec> {
    (1..=615).map(|i| spec(i, &format!("第{i}点"), Holds::Number)).collect()
}

fn whole_list(client: &mut BacnetClient, device: &Device) -> usize {
    let list = client.read(device.address, "device,77", "object-list", None).unwrap();
    list.as_array().unwrap().len()
}

#[test]
fn workstation_finds_the_device_and_reads_everything_it_lists() {
    let device = Device::plant();
    let mut client = BacnetClient::python();
    let to = device.address;
    let found = client.ask(&json!({"do": "who_is", "to": to, "low": 70, "high": 80})).unwrap();
    assert_eq!(found[0]["device"], "device,77", "{found}");
    assert_eq!(found[0]["segmentation"], "segmented-transmit");
    let have = client.ask(&json!({"do": "who_has", "to": to, "name": "运行模式"})).unwrap();
    assert_eq!(have[0]["object"], "multi-state-output,4", "{have}");
    let list = client.read(to, "device,77", "object-list", None).unwrap();
    assert_eq!(
        list,
        json!([
            "device,77",
            "analog-input,1",
            "analog-output,2",
            "binary-output,3",
            "multi-state-output,4",
            "large-analog-value,5",
            "characterstring-value,6"
        ])
    );
    let mut by_index = Vec::new();
    let count = client.read(to, "device,77", "object-list", Some(0)).unwrap();
    for i in 1..=u32::try_from(count.as_u64().unwrap()).unwrap() {
        by_index.push(client.read(to, "device,77", "object-list", Some(i)).unwrap());
    }
    assert_eq!(Json::from(by_index), list);
    for object in list.as_array().unwrap().iter().map(|o| o.as_str().unwrap()) {
        let order = json!({"do": "read_many", "to": to, "objects": {object: ["all"]}});
        let all = client.ask(&order).unwrap();
        let held = all[object].as_object().unwrap();
        assert!(held.len() > 8, "{held:?}");
        for (property, value) in held {
            assert!(value.get("error").is_none(), "{object} {property}: {value}");
        }
        let properties = client.read(to, object, "property-list", None).unwrap();
        for property in properties.as_array().unwrap() {
            assert!(held.contains_key(property.as_str().unwrap()), "{object} {property}");
        }
    }
    assert_eq!(client.read(to, "device,77", "object-name", None).unwrap(), "任泽机房");
    assert_eq!(client.read(to, "analog-input,1", "object-name", None).unwrap(), "供水温度");
    assert_eq!(client.read(to, "analog-input,1", "units", None).unwrap(), "degrees-celsius");
    assert_eq!(client.read(to, "analog-input,1", "present-value", None).unwrap(), 41.5);
    assert_eq!(client.read(to, "multi-state-output,4", "present-value", None).unwrap(), 2);
    let count = client.read(to, "large-analog-value,5", "present-value", None).unwrap();
    assert_eq!(count, 16_777_217.0);
    assert!(client.read(to, "analog-input,9", "present-value", None).is_err());
}

#[test]
fn list_of_616_comes_whole_to_both_clients() {
    let device = Device::start(many(), Charset::Utf8);
    assert_eq!(whole_list(&mut BacnetClient::python(), &device), 616);
    assert_eq!(whole_list(&mut BacnetClient::javascript(), &device), 616);
}

#[test]
fn names_come_in_ucs_2_too() {
    let device = Device::start(plant(), Charset::Ucs2);
    let to = device.address;
    for mut client in [BacnetClient::python(), BacnetClient::javascript()] {
        assert_eq!(client.read(to, "device,77", "object-name", None).unwrap(), "任泽机房");
        assert_eq!(client.read(to, "analog-input,1", "object-name", None).unwrap(), "供水温度");
    }
}

#[test]
fn commands_take_their_slot_and_give_it_back() {
    let device = Device::plant();
    let to = device.address;
    for mut client in [BacnetClient::python(), BacnetClient::javascript()] {
        client.write(to, "analog-output,2", ("real", json!(41.3)), 8).unwrap();
        assert_eq!(device.slot(SETPOINT, 8), Value::float(41.3));
        let slots = client.read(to, "analog-output,2", "priority-array", Some(8)).unwrap();
        assert!((slots.as_f64().unwrap() - 41.3).abs() < 1e-5, "{slots}");
        client.write(to, "analog-output,2", ("real", Json::Null), 8).unwrap();
        assert_eq!(device.slot(SETPOINT, 8), None);
        client.write(to, "binary-output,3", ("enumerated", json!(1)), 12).unwrap();
        assert_eq!(device.slot(PUMP, 12), Some(Value::Bool(true)));
        client.write(to, "multi-state-output,4", ("unsigned", json!(3)), 16).unwrap();
        assert_eq!(device.slot(MODE, 16), Some(Value::Text("蓄热".into())));
        for (object, value, priority) in [
            ("analog-output,2", ("real", json!(60.0)), 8),
            ("analog-output,2", ("real", json!(41.0)), 1),
            ("analog-output,2", ("real", json!(41.0)), 3),
            ("analog-input,1", ("real", json!(41.0)), 8),
            ("multi-state-output,4", ("unsigned", json!(4)), 8),
        ] {
            let refused = client.write(to, object, value.clone(), priority);
            assert!(refused.is_err(), "{object} {value:?} {priority}: {refused:?}");
        }
        client.write(to, "binary-output,3", ("enumerated", Json::Null), 12).unwrap();
        client.write(to, "multi-state-output,4", ("unsigned", Json::Null), 16).unwrap();
    }
}

#[test]
fn changes_are_told_to_both_kinds_of_subscribers() {
    let device = Device::plant();
    let to = device.address;
    let clients: [fn() -> BacnetClient; 2] = [BacnetClient::python, BacnetClient::javascript];
    for client in clients {
        for confirmed in [false, true] {
            device.server.update(0, Value::float(41.5).as_ref(), Quality::Good);
            let mut client = client();
            let order = json!({
                "do": "subscribe", "to": to, "object": "analog-input,1", "id": 5,
                "confirmed": confirmed, "lifetime": 300,
            });
            client.ask(&order).unwrap();
            // The first of the notifications is the state at the start, which bacpypes3 may miss.
            device.server.update(0, Value::float(41.75).as_ref(), Quality::Good);
            device.server.update(0, Value::float(43.0).as_ref(), Quality::Good);
            client.told("present-value", 43.0);
            device.server.update(0, None, Quality::Bad(Reason::NoReply));
            wellhead_tests::eventually("the fault is told", || {
                let flags = client.read(to, "analog-input,1", "reliability", None).ok()?;
                (flags == "communication-failure" || flags == json!(12)).then_some(())
            });
        }
    }
}

#[test]
fn one_property_can_be_subscribed_with_its_own_increment() {
    let device = Device::plant();
    let mut client = BacnetClient::python();
    let order = |property: &str| {
        json!({
            "do": "subscribe_property", "to": device.address, "object": "analog-input,1", "id": 6,
            "property": property, "increment": 5.0,
        })
    };
    client.ask(&order("present-value")).unwrap();
    let refused = client.ask(&order("units"));
    assert!(refused.as_ref().is_err_and(|e| e.contains("not-cov-property")), "{refused:?}");
    let active =
        client.read(device.address, "device,77", "active-cov-subscriptions", None).unwrap();
    assert_eq!(active.as_array().map(Vec::len), Some(1), "{active}");
}
