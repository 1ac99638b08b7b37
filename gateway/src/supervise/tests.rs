use super::*;
use crate::config::{self, Shipped};
use crate::control::{Ledger, Wake};
use std::path::Path;
use wellhead_model::ManualClock;

/// Far longer than anything takes; only keeps a failing test from hanging.
const GUARD: Duration = Duration::from_secs(60);

/// A chip of the board, as the kernel shows it.
fn chip(root: &Path, n: u32, name: &str, millidegrees: i32) {
    let folder = root.join(format!("class/hwmon/hwmon{n}"));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("name"), format!("{name}\n")).unwrap();
    std::fs::write(folder.join("temp1_input"), format!("{millidegrees}\n")).unwrap();
}

fn site(root: &Path, devices: &[(&str, &str)]) -> Setup {
    let mut text = format!(
        "[site]\nid = \"s\"\ntimezone = \"UTC\"\n[gateway]\nid = \"g\"\n[line.board]\nsysfs = {root:?}\n"
    );
    for (id, chip) in devices {
        text += &format!(
            "[device.{id}]\nline = \"board\"\nprotocol = \"hwmon\"\nchip = \"{chip}\"\n\
             [device.{id}.point.t]\nchannel = \"temp1\"\n"
        );
    }
    let file = root.join("site.toml");
    std::fs::write(&file, text).unwrap();
    let (site, _) = config::load(&file, &Shipped::default())
        .unwrap_or_else(|r| panic!("{}", r.render(config::Lang::En)));
    Setup::of(&site)
}

async fn shows(hub: &Hub, device: &str, value: Option<f64>) {
    let read = async {
        loop {
            let got = hub.latest_named(device, "t").and_then(|l| l.value?.as_f64());
            if got == value {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GUARD, read).await.unwrap_or_else(|_| panic!("{device}: no {value:?}"));
}

#[tokio::test]
async fn devices_that_need_no_line_start_change_and_stop_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    chip(dir.path(), 0, "cpu_thermal", 51_000);
    chip(dir.path(), 1, "board", 32_500);
    let clock = Arc::new(ManualClock::new(wellhead_model::Timestamp(0)));
    let hub = Arc::new(Hub::new(clock.clone(), Vec::new()));
    let (ledger, _) = Ledger::open(dir.path().join("outputs.json"));
    let outputs = config::Outputs::default();
    let control =
        Control::new(Arc::clone(&hub), clock.clone(), ledger, false, &outputs, Wake::default());
    let mut supervisor = Supervisor::new(Arc::clone(&hub), control);

    let changes = supervisor.apply(site(dir.path(), &[("a", "cpu_thermal"), ("b", "board")])).await;
    assert_eq!(changes.added, ["a", "b"]);
    // First polls are spread over a second of the clock.
    clock.advance(Duration::from_secs(1));
    shows(&hub, "a", Some(51.0)).await;
    shows(&hub, "b", Some(32.5)).await;

    let changes = supervisor.apply(site(dir.path(), &[("a", "board"), ("c", "cpu_thermal")])).await;
    assert_eq!((changes.changed, changes.removed), (vec!["a".into()], vec!["b".into()]));
    assert_eq!(changes.added, ["c"]);
    clock.advance(Duration::from_secs(1));
    shows(&hub, "a", Some(32.5)).await;
    shows(&hub, "c", Some(51.0)).await;
    assert!(hub.latest_named("b", "t").is_none(), "it is gone");

    let same = supervisor.apply(site(dir.path(), &[("a", "board"), ("c", "cpu_thermal")])).await;
    assert_eq!(same, Changes::default());
    supervisor.stop().await;
}
