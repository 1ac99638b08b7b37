//! Two gateways with one id at a real mosquitto.

mod support;

use serde_json::Value as Json;
use support::*;
use wellhead_store::MemoryCache;

#[tokio::test]
async fn two_boxes_with_one_id_are_told_on_both_and_do_not_fight_for_ever() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let memory = || Box::new(MemoryCache::new(1 << 30));
    let boxes = [
        start(config(broker.port), memory(), "1-aa"),
        start(config(broker.port), memory(), "1-bb"),
    ];
    let events = |boot: &str| -> Vec<Json> {
        let of_boot = sub.on("event").into_iter().filter(|m| m.payload["boot"] == boot);
        of_boot.flat_map(|m| m.payload["events"].as_array().cloned().unwrap_or_default()).collect()
    };
    for (up, boot) in boxes.iter().zip(["1-aa", "1-bb"]) {
        let event = eventually("the event", async || {
            events(boot).into_iter().find(|e| e["kind"] == "client_id_contested")
        })
        .await;
        assert!(event["text"].as_str().unwrap().contains("wellhead-site-gw-main"), "{event}");
        assert!(event["text_zh"].as_str().unwrap().contains("wellhead-site-gw-main"), "{event}");
        let metrics = up.handle.metrics();
        assert!(
            metrics.trouble == Some(wellhead_uplink::LinkTrouble::IdContested)
                && metrics.closed_early >= 3,
            "{metrics:?}"
        );
    }
    eventually("health counts them", async || {
        let counts = |m: &Message| m.payload["uplink"]["closed_early"].as_u64() > Some(0);
        sub.on("health").iter().any(counts).then_some(())
    })
    .await;
    let told = |boot| events(boot).iter().filter(|e| e["kind"] == "client_id_contested").count();
    assert_eq!((told("1-aa"), told("1-bb")), (1, 1), "once each");
    for up in boxes {
        up.stop().await;
    }
}
