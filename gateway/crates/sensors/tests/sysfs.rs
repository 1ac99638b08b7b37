//! hwmon and IIO under a fake root, laid out as the kernel's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use wellhead_driver::{Conversion, DeviceError, Driver, Line, Outcome, Readings};
use wellhead_model::{PointIndex, Reason, Unit, Value};
use wellhead_sensors::sysfs::{Channel, DeviceSpec, PointSpec, SysfsDriver, check, number, scan};

/// A chip's folder as hwmon has it: the class links into the devices, and the chip to its parent.
fn hwmon(sys: &Path, n: u32, place: &str, name: &str, files: &[(&str, &str)]) {
    let parent = sys.join("devices").join(place);
    let chip = parent.join(format!("hwmon/hwmon{n}"));
    std::fs::create_dir_all(&chip).unwrap();
    symlink(&parent, chip.join("device")).unwrap();
    put(&chip, name, files);
    let class = sys.join("class/hwmon");
    std::fs::create_dir_all(&class).unwrap();
    symlink(&chip, class.join(format!("hwmon{n}"))).unwrap();
}

/// An IIO device lies in its parent.
fn iio(sys: &Path, n: u32, place: &str, name: &str, files: &[(&str, &str)]) {
    let chip = sys.join("devices").join(place).join(format!("iio:device{n}"));
    std::fs::create_dir_all(&chip).unwrap();
    put(&chip, name, files);
    let class = sys.join("bus/iio/devices");
    std::fs::create_dir_all(&class).unwrap();
    symlink(&chip, class.join(format!("iio:device{n}"))).unwrap();
}

fn put(chip: &Path, name: &str, files: &[(&str, &str)]) {
    for (file, text) in files.iter().chain([&("name", name)]) {
        std::fs::write(chip.join(file), format!("{text}\n")).unwrap();
    }
}

fn spec(root: &Path, chip: &str, channels: &[&str]) -> DeviceSpec {
    let point = |(i, channel): (usize, &&str)| PointSpec {
        index: PointIndex(i as u32),
        name: (*channel).into(),
        channel: channel.parse().unwrap(),
        unit: None,
        conversion: Conversion::default(),
        period: Duration::from_secs(1),
    };
    DeviceSpec {
        name: "box".into(),
        root: root.to_owned(),
        chip: chip.into(),
        points: channels.iter().enumerate().map(point).collect(),
    }
}

async fn poll(spec: DeviceSpec) -> Result<Readings, DeviceError> {
    let mut out = Readings::default();
    SysfsDriver::new(spec).poll(&mut Line::none(), 0, &mut out).await?;
    Ok(out)
}

async fn outcomes(spec: DeviceSpec) -> Vec<Outcome> {
    poll(spec).await.unwrap().outcomes.into_iter().map(|(_, o)| o).collect()
}

fn good(f: f64) -> Outcome {
    Outcome::Good(Value::float(f).unwrap())
}

#[tokio::test]
async fn hwmon_channels_come_in_their_units() {
    let sys = tempfile::tempdir().unwrap();
    let files = [
        ("temp1_input", "45277"),
        ("in0_input", "3312"),
        ("curr1_input", "-250"),
        ("power1_input", "12500000"),
        ("fan1_input", "1200"),
        ("humidity1_input", "45300"),
        ("energy1_input", "7200000000"),
    ];
    hwmon(sys.path(), 0, "platform/soc", "cpu_thermal", &files);
    let channels = ["temp1", "in0", "curr1", "power1_input", "fan1", "humidity1", "energy1"];
    let spec = spec(&sys.path().join("class/hwmon"), "cpu_thermal", &channels);
    assert_eq!(check(&spec), []);
    let out = poll(spec).await.unwrap();
    let values: Vec<_> = out.outcomes.iter().map(|(_, o)| o.clone()).collect();
    assert_eq!(values, [45.277, 3.312, -0.25, 12.5, 1200.0, 45.3, 7200.0].map(good));
    let units: Vec<_> = out.units.iter().map(|(_, u)| u.symbol()).collect();
    assert_eq!(units, ["°C", "V", "A", "W", "rpm", "%", "J"]);
}

#[tokio::test]
async fn what_is_no_reading_of_a_sensor_is_bad_and_says_why() {
    let sys = tempfile::tempdir().unwrap();
    let files = [
        ("temp1_input", "45277"),
        ("temp1_fault", "1"),
        ("temp2_input", "45277"),
        ("temp2_fault", "0"),
        ("temp3_input", ""),
        ("temp4_input", "nan"),
        ("temp5_input", "12e3"),
        ("temp6_input", "45277 extra"),
    ];
    hwmon(sys.path(), 0, "1-0048", "lm75", &files);
    std::fs::create_dir(sys.path().join("class/hwmon/hwmon0/temp8_input")).unwrap();
    let channels = ["temp1", "temp2", "temp3", "temp4", "temp5", "temp6", "temp7", "temp8"];
    let got = outcomes(spec(&sys.path().join("class/hwmon"), "lm75", &channels)).await;
    let bad = Outcome::Bad;
    let undecodable = || bad(Reason::Undecodable);
    assert_eq!(
        got,
        [
            bad(Reason::NoSensor),
            good(45.277),
            undecodable(),
            undecodable(),
            undecodable(),
            undecodable(),
            bad(Reason::IllegalAddress),
            // EISDIR stands for any error of the kernel.
            bad(Reason::DeviceFailure(21)),
        ]
    );
}

#[tokio::test]
async fn iio_channels_are_scaled_by_their_own_or_their_kinds_attributes() {
    let sys = tempfile::tempdir().unwrap();
    let files = [
        ("in_voltage0_raw", "1000"),
        ("in_voltage1_raw", "1000"),
        ("in_voltage_scale", "2.5"),
        ("in_voltage1_scale", "0.5"),
        ("in_voltage0-voltage1_raw", "-8"),
        ("in_voltage-voltage_scale", "0.25"),
        ("in_temp_raw", "100"),
        ("in_temp_offset", "-20"),
        ("in_temp_scale", "250"),
        ("in_humidityrelative_input", "45300"),
        ("in_pressure_input", "101.325"),
        ("in_resistance_raw", "110"),
    ];
    iio(sys.path(), 0, "1-0076", "bme280", &files);
    let channels = [
        "in_voltage0",
        "in_voltage1",
        "in_voltage0-voltage1",
        "in_temp",
        "in_humidityrelative",
        "in_pressure",
        "in_resistance",
    ];
    let out = poll(spec(&sys.path().join("bus/iio/devices"), "bme280", &channels)).await.unwrap();
    let values: Vec<_> = out.outcomes.iter().map(|(_, o)| o.clone()).collect();
    assert_eq!(values, [2.5, 0.5, -0.002, 20.0, 45.3, 101_325.0, 110.0].map(good));
    let units: Vec<_> = out.units.iter().map(|(_, u)| u.symbol()).collect();
    assert_eq!(units, ["V", "V", "V", "°C", "%", "Pa"], "a resistance has none here");
}

#[tokio::test]
async fn a_chip_is_found_by_its_name_place_or_folder() {
    let sys = tempfile::tempdir().unwrap();
    hwmon(sys.path(), 0, "platform/soc", "cpu_thermal", &[("temp1_input", "50000")]);
    hwmon(sys.path(), 1, "1-0048", "lm75", &[("temp1_input", "21000"), ("temp1_label", "supply")]);
    hwmon(sys.path(), 2, "1-0049", "lm75", &[("temp1_input", "17000")]);
    hwmon(sys.path(), 3, "platform/rtc", "nothing", &[]);
    let root = sys.path().join("class/hwmon");
    for (chip, value) in [("cpu_thermal", 50.0), ("lm75@1-0049", 17.0), ("hwmon1", 21.0)] {
        assert_eq!(outcomes(spec(&root, chip, &["temp1"])).await, [good(value)], "{chip}");
    }
    for (chip, words) in [("lm75", "1-0048, 1-0049"), ("tmp102", "no chip"), ("lm75@1-0050", "no")]
    {
        let error = poll(spec(&root, chip, &["temp1"])).await.unwrap_err();
        assert_eq!(error.reason(), Reason::Unreachable);
        assert!(error.to_string().contains(words), "{error}");
    }
    let found = scan(&root).unwrap();
    let chips: Vec<_> = found.iter().map(|c| &*c.chip).collect();
    assert_eq!(chips, ["cpu_thermal", "lm75@1-0048", "lm75@1-0049"]);
    let first = &found[1].channels[0];
    assert_eq!(
        (first.channel.to_string().as_str(), first.label.as_deref()),
        ("temp1", Some("supply"))
    );
    assert_eq!((first.value, first.unit), (Ok(21.0), Unit::parse("°C").ok()));
    assert!(scan(&sys.path().join("class/none")).is_err());
}

#[test]
fn a_unit_of_another_kind_and_a_name_with_a_path_are_refused() {
    let mut wrong = spec(Path::new("/sys/class/hwmon"), "../x", &["temp1"]);
    wrong.points[0].unit = Some(Unit::parse("kW").unwrap());
    let keys: Vec<_> = check(&wrong).into_iter().map(|p| p.key).collect();
    assert_eq!(keys, ["chip", "unit"]);
    for text in ["../temp1", "temp1/x", "", "Temp1", "_raw", "1temp", "température"] {
        assert!(text.parse::<Channel>().is_err(), "{text}");
    }
    assert_eq!("in_voltage0_raw".parse::<Channel>().unwrap().name, "in_voltage0");
}

proptest! {
    #[test]
    fn any_text_is_its_number_or_none(text in "[ \n0-9a-zA-Z.+-]{0,12}") {
        match number(&text) {
            Ok(n) => {
                prop_assert!(n.is_finite());
                prop_assert_eq!(text.trim().parse::<f64>(), Ok(n));
            }
            Err(reason) => prop_assert_eq!(reason, Reason::Undecodable),
        }
    }

    #[test]
    fn whole_numbers_are_read_as_printed(n in any::<i32>()) {
        prop_assert_eq!(number(&format!("{n}\n")), Ok(f64::from(n)));
    }
}
