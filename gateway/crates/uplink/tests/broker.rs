//! Against a real mosquitto and a foreign subscriber.

mod support;

use std::time::Duration;
use support::*;
use wellhead_store::{Cache as _, MemoryCache};
use wellhead_uplink::*;

fn memory() -> Box<MemoryCache> {
    Box::new(MemoryCache::new(1 << 30))
}

/// The two streams of hp1 as they arrived, each number at its first delivery.
fn first_deliveries(sub: &Subscriber) -> (Vec<u64>, Vec<u64>) {
    let mut seen = std::collections::BTreeSet::new();
    let (mut live, mut history) = (Vec::new(), Vec::new());
    for (hist, seq) in sub.seqs() {
        if seen.insert(seq) {
            if hist { history.push(seq) } else { live.push(seq) }
        }
    }
    (live, history)
}

fn assert_complete_and_ordered(sub: &Subscriber, last: u64) {
    let (live, history) = first_deliveries(sub);
    assert!(live.is_sorted(), "live {live:?}");
    assert!(history.is_sorted(), "history {history:?}");
    let mut all = [live, history].concat();
    all.sort_unstable();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
}

#[tokio::test]
async fn live_batches_reach_a_foreign_subscriber_in_order() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let up = start(config(broker.port), memory(), "1-aa");
    for _ in 0..100 {
        up.publish();
    }
    eventually("100 batches", async || (sub.seqs().len() >= 100).then_some(())).await;
    assert_complete_and_ordered(&sub, 100);
    let m = &sub.on("data/hp1")[0].payload;
    assert_eq!(m["boot"], "1-aa");
    assert_eq!(
        m["samples"][2],
        serde_json::json!({"p": "p2", "t": 1_763_750_000_123_i64, "v": 2.5})
    );
    up.stop().await;
}

#[tokio::test]
async fn a_stop_says_offline_and_why_and_the_next_subscriber_still_reads_it() {
    let broker = Broker::open();
    let up = start(config(broker.port), memory(), "1-aa");
    eventually("online", async || up.handle.metrics().connected_since).await;
    up.publish();
    up.stop().await;
    let sub = Subscriber::new(broker.port, &[]).await;
    let status = eventually("status", async || sub.on("status").pop()).await;
    assert!(status.retain);
    assert_eq!(status.payload["state"], "offline");
    assert_eq!(status.payload["reason"], "stopped");
    let catalog = eventually("catalog", async || sub.on("catalog/hp1").pop()).await;
    assert!(catalog.retain);
    assert_eq!(catalog.payload["points"][0]["unit"], "°C");
}

#[tokio::test]
async fn the_catalog_of_a_device_removed_during_an_outage_goes_with_the_next_connection() {
    let broker = Broker::open();
    let wire = Wire::to(broker.port).await;
    let up = start(config(wire.port), memory(), "1-aa");
    let settled = async |connections: u64| {
        eventually("all acknowledged", async || {
            let m = up.handle.metrics();
            (m.connections >= connections && m.state == State::Live && m.in_flight == 0)
                .then_some(m.connections)
        })
        .await
    };
    let connections = settled(1).await;
    let before = Subscriber::new(broker.port, &[]).await;
    eventually("the catalog", async || before.on("catalog/hp1").pop()).await;
    wire.cut();
    eventually("the loss noticed", async || {
        up.handle.metrics().connected_since.is_none().then_some(())
    })
    .await;
    up.handle.set_device(&wellhead_model::DeviceId::new("hp1").unwrap(), None);
    wire.restore();
    settled(connections + 1).await;
    let after = Subscriber::new(broker.port, &[]).await;
    eventually("what is retained", async || after.on("status").pop()).await;
    assert!(after.on("catalog/hp1").is_empty());
    up.stop().await;
}

#[tokio::test]
async fn an_alarm_is_retained_while_it_lasts_and_one_that_ended_in_an_outage_goes_too() {
    let broker = Broker::open();
    let wire = Wire::to(broker.port).await;
    let up = start(config(wire.port), memory(), "1-aa");
    eventually("online", async || up.handle.metrics().connected_since).await;
    let alarm = Alarm {
        id: "control.hp1.run.not_following".into(),
        severity: Severity::Alarm,
        source: "control".into(),
        point: Some("hp1/run".into()),
        text: "hp1/run does not follow".into(),
        text_zh: "hp1/run 未动作".into(),
    };
    let since = now();
    up.handle.set_alarm(&alarm.id, Some(&alarm), since);
    up.handle.set_alarm("control.hp1.pump.not_following", Some(&alarm), since);
    up.handle.set_alarm("control.hp1.pump.not_following", None, since);
    let topic = "alarm/control.hp1.run.not_following";
    let before = eventually("the alarm", async || {
        let sub = Subscriber::new(broker.port, &[]).await;
        let kept = |topic: &str| sub.on(topic).into_iter().find(|m| m.retain);
        kept(topic).map(|m| (m.payload, kept("alarm/control.hp1.pump.not_following")))
    })
    .await;
    assert_eq!(before.0["since"], since.utc.0);
    assert!(before.1.is_none());
    wire.cut();
    eventually("the loss noticed", async || {
        up.handle.metrics().connected_since.is_none().then_some(())
    })
    .await;
    up.handle.set_alarm(&alarm.id, None, since);
    wire.restore();
    eventually("the alarm gone", async || {
        let sub = Subscriber::new(broker.port, &[]).await;
        eventually("what is retained", async || sub.on("status").pop()).await;
        sub.on(topic).is_empty().then_some(())
    })
    .await;
    up.stop().await;
}

#[tokio::test]
async fn the_will_speaks_when_the_connection_is_cut() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let wire = Wire::to(broker.port).await;
    let up = start(config(wire.port), memory(), "1-aa");
    eventually("online", async || sub.on("status").pop()).await;
    wire.cut();
    let status = eventually("the will", async || {
        sub.on("status").pop().filter(|m| m.payload["state"] == "offline")
    })
    .await;
    assert_eq!(status.payload["reason"], serde_json::Value::Null);
    assert_eq!(status.payload["boot"], "1-aa");
    up.stop().await;
}

#[tokio::test]
async fn after_an_outage_the_backlog_comes_as_history_and_live_passes_it() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let wire = Wire::to(broker.port).await;
    let up = start(config(wire.port), memory(), "1-aa");
    for _ in 0..10 {
        up.publish();
    }
    eventually("10 live", async || (sub.seqs().len() >= 10).then_some(())).await;
    wire.cut();
    eventually("the loss noticed", async || {
        up.handle.metrics().connected_since.is_none().then_some(())
    })
    .await;
    for _ in 0..500 {
        up.publish();
    }
    eventually("500 in the cache", async || {
        (up.handle.metrics().counts.spilled >= 500).then_some(())
    })
    .await;
    assert_eq!(up.handle.metrics().state, State::Spilling);
    wire.restore();
    eventually("connected", async || up.handle.metrics().connected_since).await;
    up.publish();
    eventually("all", async || (first_deliveries(&sub).1.len() >= 500).then_some(())).await;
    eventually("the live one", async || first_deliveries(&sub).0.contains(&511).then_some(()))
        .await;
    assert_complete_and_ordered(&sub, 511);
    eventually("live again", async || (up.handle.metrics().state == State::Live).then_some(()))
        .await;
    let counts = up.handle.metrics().counts;
    assert_eq!(counts.dropped, 0);
    up.stop().await;
}

#[tokio::test]
async fn a_killed_broker_costs_nothing() {
    let mut broker = Broker::open();
    let port = broker.port;
    // The subscriber listens behind a broker that forgets, so the gateway must wait for it.
    let wire = Wire::to(port).await;
    let up = start(config(wire.port), memory(), "1-aa");
    let before = Subscriber::new(port, &[]).await;
    for _ in 0..50 {
        up.publish();
    }
    eventually("50 live", async || (before.seqs().len() >= 50).then_some(())).await;
    eventually("all acknowledged", async || {
        (up.handle.metrics().window_batches == 0).then_some(())
    })
    .await;
    wire.cut();
    broker.kill();
    for _ in 0..50 {
        up.publish();
    }
    broker.start();
    let after = Subscriber::new(port, &[]).await;
    wire.restore();
    eventually("the other 50", async || {
        (first_deliveries(&after).1.len() + first_deliveries(&after).0.len() >= 50).then_some(())
    })
    .await;
    let (live, history) = first_deliveries(&after);
    assert!(live.is_sorted() && history.is_sorted());
    let mut all = [live, history].concat();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (51..=100).collect::<Vec<_>>());
    up.stop().await;
}

#[tokio::test]
async fn what_a_stop_could_not_deliver_comes_with_the_next_start() {
    let broker = Broker::open();
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let c = wellhead_store::CacheConfig::new(dir.path(), 64 << 20);
        wellhead_store::SledCache::open(c).unwrap()
    };
    let dead = free_port();
    let up = start(config(dead), Box::new(open().0), "1-00000001");
    for _ in 0..20 {
        up.publish();
    }
    up.stop().await;

    let sub = Subscriber::new(broker.port, &[]).await;
    let (cache, report) = open();
    assert_eq!(report.clean, Some(true));
    let boot = Boot {
        id: "2-00000002".into(),
        clean: report.clean,
        incidents: report.incidents,
        memory_only: None,
    };
    let up = start_as(config(broker.port), Box::new(cache), &boot);
    eventually("20 of the last run", async || (first_deliveries(&sub).1.len() >= 20).then_some(()))
        .await;
    let restart = eventually("restart", async || {
        sub.on("event").into_iter().find(|m| m.payload["boot"] == "2-00000002")
    })
    .await;
    let told = &restart.payload["events"][0];
    assert_eq!(told["kind"], "restart");
    assert_eq!(told["before"], "1-00000001");
    assert_eq!(told["clean"], true);
    assert_eq!(told["last"]["data/hp1"], 20);
    up.stop().await;
    assert_eq!(open().0.stats().entries, 0, "delivered ones are gone from the disk");
}

#[tokio::test]
async fn a_refused_publish_is_told_and_does_not_stop_the_others() {
    let broker = Broker::with(|dir| {
        let acl = format!(
            "topic readwrite probe\ntopic read #\ntopic write {ROOT}/event\ntopic write {ROOT}/status\ntopic write {ROOT}/data/hp2\n"
        );
        let acl = file(dir, "acl", &acl);
        format!("allow_anonymous true\nacl_file {}\n", acl.display())
    });
    let sub = Subscriber::new(broker.port, &[]).await;
    let up = start(config(broker.port), memory(), "1-aa");
    let hp2 = wellhead_model::DeviceId::new("hp2").unwrap();
    let hp2 = up.handle.stream(&hp2, &points(1));
    for _ in 0..3 {
        up.publish();
        up.handle.publish(hp2, &samples(1), now()).unwrap();
    }
    let told = eventually("the refusal told", async || {
        let events = sub.on("event");
        events
            .into_iter()
            .map(|m| m.payload["events"][0].clone())
            .find(|e| e["kind"] == "publish_refused")
    })
    .await;
    assert_eq!(told["reason"], "not_authorized");
    assert_eq!(told["topic"], format!("{ROOT}/data/hp1"));
    assert_eq!(told["first"], 1);
    eventually("the permitted ones", async || (sub.on("data/hp2").len() >= 3).then_some(())).await;
    eventually("all three refused", async || {
        (up.handle.metrics().counts.refused == 3).then_some(())
    })
    .await;
    assert!(sub.on("data/hp1").is_empty());
    up.stop().await;
}

#[tokio::test]
async fn the_password_is_taken_from_a_file_and_a_wrong_one_is_survived() {
    let broker = Broker::with(|dir| {
        let path = dir.join("users");
        passwd(&path, "gw", "right");
        format!("allow_anonymous false\npassword_file {}\n", path.display())
    });
    let login = ["-u", "gw", "-P", "right"];
    let sub = Subscriber::new(broker.port, &login).await;
    let mut wrong = config(broker.port);
    let password = Secret::in_file(file(broker.dir.path(), "wrong", "wrong\n"));
    wrong.credentials = Some(Credentials { username: "gw".into(), password });
    wrong.client_id.push('x');
    let refused = start(wrong, memory(), "1-aa");
    refused.publish();

    let secret = file(broker.dir.path(), "password", "right\n");
    let mut right = config(broker.port);
    let password = Secret::in_file(&secret);
    right.credentials = Some(Credentials { username: "gw".into(), password });
    let up = start(right, memory(), "2-bb");
    up.publish();
    eventually("a batch", async || (!sub.seqs().is_empty()).then_some(())).await;
    assert_eq!(sub.on("data/hp1")[0].payload["boot"], "2-bb");
    assert_eq!(refused.handle.metrics().connected_since, None);
    eventually("the other keeps its batch", async || {
        (refused.handle.metrics().counts.spilled >= 1).then_some(())
    })
    .await;
    file(broker.dir.path(), "wrong", "right\n");
    eventually("the corrected password is taken", async || {
        refused.handle.metrics().connected_since
    })
    .await;
    refused.stop().await;
    up.stop().await;
}

#[tokio::test]
async fn tls_trusts_the_named_authority_only_and_shows_its_own_certificate() {
    let pki = tempfile::tempdir().unwrap();
    make_pki(pki.path());
    let at = |name: &str| pki.path().join(name);
    let broker = Broker::with(|dir| {
        for f in ["ca.pem", "server.pem", "server.key"] {
            std::fs::copy(at(f), dir.join(f)).unwrap();
            readable(&dir.join(f));
        }
        let d = dir.display();
        format!(
            "allow_anonymous true\ncafile {d}/ca.pem\ncertfile {d}/server.pem\nkeyfile {d}/server.key\nrequire_certificate true\n"
        )
    });
    let tls = |ca: &str, client: bool| {
        let mut c = config(broker.port);
        c.host = "localhost".into();
        c.client_id.push_str(ca);
        let client = client.then(|| (at("client.pem"), at("client.key")));
        c.tls = Some(TlsConfig { ca_file: at(ca), client });
        start(c, memory(), "1-aa")
    };
    let (stranger, anonymous) = (tls("other.pem", true), tls("ca.pem", false));
    stranger.publish();
    anonymous.publish();
    let good = tls("ca.pem", true);
    good.publish();
    eventually("delivered", async || (good.handle.metrics().counts.delivered >= 1).then_some(()))
        .await;
    for kept in [&stranger, &anonymous] {
        eventually("kept", async || (kept.handle.metrics().counts.spilled >= 1).then_some(()))
            .await;
        assert_eq!(kept.handle.metrics().counts.delivered, 0);
    }
    for up in [stranger, anonymous, good] {
        up.stop().await;
    }
}

#[tokio::test]
async fn commands_come_in_flagged_and_are_answered_where_asked() {
    let broker = Broker::open();
    let root_cmd = format!("{ROOT}/cmd");
    let good = r#"{"id":"c1","point":"hp1/p0","value":45.0,"expires":1763750060000}"#;
    publish(broker.port, &[], &root_cmd, good, &["-r"]);
    let sub = Subscriber::new(broker.port, &[]).await;
    let mut c = config(broker.port);
    c.commands = true;
    let mut up = start(c, memory(), "1-aa");

    let old = up.incoming.recv().await.unwrap();
    assert!(old.retained, "a command from before the connection");
    assert_eq!(&*old.command.unwrap().id, "c1");

    publish(
        broker.port,
        &[],
        &root_cmd,
        r#"{"id":"c2"}"#,
        &[
            "-D",
            "publish",
            "response-topic",
            "answers/7",
            "-D",
            "publish",
            "correlation-data",
            "k7",
        ],
    );
    let bad = up.incoming.recv().await.unwrap();
    assert!(!bad.retained);
    let error = bad.command.unwrap_err().error.to_string();
    assert!(error.contains("missing field"), "{error}");
    up.handle.reply(bad.reply, &serde_json::json!({"v": 1, "ok": false, "error": error}));
    let answer =
        eventually("the answer", async || sub.all().into_iter().find(|m| m.topic == "answers/7"))
            .await;
    assert_eq!(answer.payload["ok"], false);
    assert_eq!(answer.correlation.as_deref(), Some("k7"));
    up.stop().await;
}

#[tokio::test]
async fn a_huge_command_does_not_end_the_connection() {
    let broker = Broker::open();
    let mut c = config(broker.port);
    c.commands = true;
    let mut up = start(c, memory(), "1-aa");
    eventually("online", async || up.handle.metrics().connected_since).await;
    let cmd = format!("{ROOT}/cmd");
    // Until the subscription stands, what is sent is not heard.
    let mut heard = false;
    while !heard {
        publish(broker.port, &[], &cmd, "probe", &[]);
        heard = tokio::time::timeout(Duration::from_millis(200), up.incoming.recv()).await.is_ok();
    }
    publish(broker.port, &[], &cmd, &"x".repeat(5_000), &[]);
    let long = loop {
        let i = up.incoming.recv().await.unwrap();
        if let Err(Malformed { error: CommandError::TooLong(n), .. }) = i.command {
            break n;
        }
    };
    assert_eq!(long, 5_000);
    publish(broker.port, &[], &cmd, &"x".repeat(100_000), &[]);
    publish(broker.port, &[], &cmd, "after", &[]);
    let next = up.incoming.recv().await.unwrap();
    let error = next.command.unwrap_err().error;
    assert!(matches!(error, CommandError::Json(_)), "{error}");
    assert_eq!(up.handle.metrics().connections, 1);
    up.stop().await;
}

#[tokio::test]
async fn a_broker_that_never_answers_sends_batches_to_the_cache() {
    let fake = MuteBroker::start().await;
    let up = start(config(fake.port), memory(), "1-aa");
    eventually("connected", async || up.handle.metrics().connected_since).await;
    for _ in 0..5 {
        up.publish();
    }
    eventually("cached while connected", async || {
        (up.handle.metrics().counts.spilled >= 5).then_some(())
    })
    .await;
    eventually("all of it safe", async || {
        (up.handle.metrics().state == State::CatchingUp).then_some(())
    })
    .await;
    let m = up.handle.metrics();
    assert!(m.connected_since.is_some());
    assert_eq!(m.counts.delivered, 0);
    up.stop().await;
}

#[tokio::test]
async fn a_cache_that_lies_in_memory_only_is_told_by_event_health_and_figures() {
    let broker = Broker::open();
    let sub = Subscriber::new(broker.port, &[]).await;
    let boot =
        Boot { id: "1-aa".into(), memory_only: Some("no space left".into()), ..Boot::default() };
    let up = start_as(config(broker.port), memory(), &boot);
    up.publish();
    let events = || -> Vec<serde_json::Value> {
        let of = |m: &Message| m.payload["events"].as_array().cloned().unwrap_or_default();
        sub.on("event").iter().flat_map(of).collect()
    };
    eventually("the event", async || {
        let failed =
            |e: &serde_json::Value| e["kind"] == "cache_failed" && e["error"] == "no space left";
        events().iter().any(failed).then_some(())
    })
    .await;
    let health = eventually("health", async || sub.on("health").pop()).await.payload;
    assert_eq!(health["cache"]["failed"], true);
    // Whether the cache's own figures came first or not, none promises hours.
    assert!(health["cache"]["hours_left"].is_null(), "{health}");
    let metrics = up.handle.metrics();
    assert_eq!(metrics.cache_error.as_deref(), Some("no space left"));
    assert_eq!(metrics.hours_left, None);
    up.stop().await;
}
