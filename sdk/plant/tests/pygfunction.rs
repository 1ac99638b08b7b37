//! The plant's g-functions against pygfunction's, which the Python peers of `make test` bring.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use wellhead_plant::physics::borefield::Borefield;
use wellhead_plant::physics::g_function::GFunction;

const DAYS: [f64; 11] =
    [1.0, 7.0, 30.0, 90.0, 120.0, 365.0, 730.0, 1825.0, 3650.0, 7300.0, 10_950.0];

#[test]
fn fields_of_every_shape_follow_pygfunction_from_a_day_to_thirty_years() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: tests/setup.sh test", python.display());
    let mut peer = Command::new(python)
        .arg(root.join("tests/peers/g_function.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ask = peer.stdin.take().unwrap();
    let mut answers = BufReader::new(peer.stdout.take().unwrap()).lines();

    let scattered = (0..14).map(|i| {
        let turn = f64::from(i) * 2.4;
        let out = 5.5 * f64::from(i).sqrt();
        [out * turn.cos(), out * turn.sin()]
    });
    let by_coordinates = Borefield::new(scattered.collect(), 110.0, 1.0, 0.065).unwrap();
    let buried = Borefield { buried_m: 6.0, ..Borefield::rectangle(4, 3, 7.0, 60.0) };
    for (name, field, diffusivity) in [
        ("one bore", Borefield::rectangle(1, 1, 5.0, 100.0), 1e-6),
        ("rectangle", Borefield::rectangle(10, 10, 5.0, 100.0), 1e-6),
        ("the site", Borefield::rectangle(8, 19, 5.0, 150.0), 1e-6),
        ("small, deep in the ground, wide", buried, 0.7e-6),
        ("L", Borefield::l_shape(6, 4, 5.0, 120.0), 1e-6),
        ("U", Borefield::u_shape(8, 6, 6.0, 100.0), 1.3e-6),
        ("open box", Borefield::open_box(10, 6, 5.0, 100.0), 1e-6),
        ("coordinates", by_coordinates, 0.9e-6),
    ] {
        let request = json!({
            "at": field.at_m, "depth": field.depth_m, "buried": field.buried_m,
            "radius": field.radius_m, "diffusivity": diffusivity, "days": DAYS,
        });
        writeln!(ask, "{request}").unwrap();
        let answer = answers.next().expect("pygfunction ended").unwrap();
        let theirs: Vec<f64> = serde_json::from_str(&answer).unwrap();
        let ours = GFunction::of(&field, diffusivity);
        let errors: Vec<f64> = DAYS
            .iter()
            .zip(theirs)
            .map(|(days, theirs)| 100.0 * (ours.at(days * 86_400.0) / theirs - 1.0))
            .collect();
        println!("{name}: {errors:.2?} %");
        assert!(errors.iter().all(|error| error.abs() < 3.0), "{name}: {errors:.2?} %");
    }
    drop(ask);
    assert!(peer.wait().unwrap().success());
}
