//! Against a real mosquitto.

mod support;
#[path = "support/memory.rs"] mod memory;
use support::*;

#[tokio::test]
async fn live_batches_reach_a_foreign_subscriber_in_order() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let up = start(config(broker.port), Box::new(memory::MemoryCache::default()), "1-aa");
    for _ in 0..100 {
        up.publish();
    }
    eventually("100 batches", async || (sub.on("data/hp1").len() >= 100).then_some(())).await;
    assert_eq!(sub.seqs(), (1..=100).map(|n| (false, n)).collect::<Vec<_>>());
    up.stop().await;
    let status = eventually("offline", async || sub.on("status").pop().filter(|m| m.payload["state"] == "offline")).await;
    assert_eq!(status.payload["reason"], "stopped");
    println!("{:#?}", sub.all().iter().filter(|m| !m.topic.contains("data")).map(|m| (m.topic.clone(), m.payload.to_string().chars().take(300).collect::<String>())).collect::<Vec<_>>());
}
