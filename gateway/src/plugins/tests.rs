use super::*;
use crate::control::Ledger;
use std::time::Duration;
use wellhead_control::Slot;
use wellhead_manifest::Manifest;
use wellhead_model::{ManualClock, Quality, Reason};

const MANIFEST: &str = "[plugin]\nname = \"frost-guard\"\nversion = \"0.1.0\"\ncontract = \"1.0\"\n\
                        title = \"Frost guard\"\nperiod = \"60s\"\n";

/// A plugin whose folder is not there.
fn absent(dir: &std::path::Path) -> config::Plugin {
    config::Plugin {
        id: DeviceId::new("frost").unwrap(),
        source: dir.join("frost-guard"),
        manifest: Arc::new(Manifest::parse(MANIFEST).unwrap()),
        enabled: true,
        shadow: false,
        slot: Slot::PLUGIN,
        ttl: Duration::from_secs(180),
        memory: 4 << 20,
        deadline: Duration::from_millis(100),
        bindings: Vec::new(),
        settings: Vec::new(),
        points: Arc::from([point("frost", "mode")]),
    }
}

fn point(device: &str, id: &str) -> wellhead_model::Point {
    wellhead_model::Point {
        device: DeviceId::new(device).unwrap(),
        id: wellhead_model::PointId::new(id).unwrap(),
        title: "".into(),
        title_zh: "".into(),
        unit: None,
        class: wellhead_model::Class::Status,
        shape: wellhead_model::Shape::Text,
        states: Arc::default(),
        range: None,
        rollover: None,
        period: Duration::from_secs(60),
        reporting: wellhead_model::Reporting {
            deadband: None,
            interval_min: Duration::ZERO,
            interval_max: Duration::from_secs(60),
            stale_after: Duration::from_secs(180),
        },
        output: None,
    }
}

fn plugins(dir: &std::path::Path) -> Plugins {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(wellhead_model::Timestamp(0)));
    let hub = Arc::new(Hub::new(Arc::clone(&clock), Vec::new()));
    let (ledger, _) = Ledger::open(dir.join("outputs.json"));
    let (outputs, wake) = Default::default();
    let control = Control::new(Arc::clone(&hub), Arc::clone(&clock), ledger, true, &outputs, wake);
    Plugins::new(Surroundings {
        hub,
        control,
        clock,
        changes: Changes::default(),
        sources: Sources::open(dir, true).unwrap(),
        zone: jiff::tz::TimeZone::UTC,
        states: dir.join("states"),
    })
    .unwrap()
}

#[tokio::test]
async fn a_plugin_that_is_still_compiled_is_listed_and_one_that_is_refused_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = Arc::new(plugins(dir.path()));
    let wanted = vec![absent(dir.path())];
    // The thread that compiles has something else to do first.
    let (let_go, busy) = std::sync::mpsc::channel::<()>();
    let worker = plugins.worker.clone();
    let other = tokio::spawn(async move { worker.run(move || busy.recv()).await });
    tokio::task::yield_now().await;
    let applying = {
        let plugins = Arc::clone(&plugins);
        tokio::spawn(async move { plugins.apply(&wanted).await })
    };
    tokio::task::yield_now().await;
    let state = || plugins.boards().first().map(|(.., board)| board.look().0);
    assert_eq!(state(), Some(State::Starting));
    assert_eq!(plugins.switch("frost", true).await, Switched::Starting);

    let_go.send(()).unwrap();
    other.await.unwrap().unwrap().unwrap();
    applying.await.unwrap();
    let Some(State::Refused(why)) = state() else { panic!("{:?}", state()) };
    assert!(why.en.contains("frost-guard") && why.zh.contains("无法读取"), "{why:?}");
    assert_eq!(plugins.switch("frost", true).await, Switched::Refused(why));
    let mode = plugins.around.hub.latest_named("frost", "mode").unwrap();
    assert_eq!(mode.quality, Quality::Bad(Reason::NotComputed), "nobody will ever poll it");
    assert_eq!(plugins.switch("another", true).await, Switched::Unknown);
    plugins.apply(&[]).await;
    assert_eq!(state(), None);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_what_is_compiled() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = Arc::new(plugins(dir.path()));
    let (let_go, busy) = std::sync::mpsc::channel::<()>();
    let worker = plugins.worker.clone();
    let other = tokio::spawn(async move { worker.run(move || busy.recv()).await });
    tokio::task::yield_now().await;
    let (starting, wanted) = (Arc::clone(&plugins), vec![absent(dir.path())]);
    let applying = tokio::spawn(async move { starting.apply(&wanted).await });
    tokio::task::yield_now().await;
    plugins.stop().await;
    assert!(!applying.is_finished());
    let_go.send(()).unwrap();
    other.await.unwrap().unwrap().unwrap();
    applying.await.unwrap();
}
