//! mbpoll (libmodbus) as the master of the server. `tests/setup.sh test` installs it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test reports by panicking")]

use std::process::Command as Process;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use wellhead_driver::Conversion;
use wellhead_modbus::server::{Command, EntrySpec, Identity, Image, OnBad, ServerSpec, serve};
use wellhead_modbus::{Encoding, Table, WordOrder};
use wellhead_model::{Quality, Value};

fn entry(table: Table, address: u16, encoding: Encoding, scale: f64) -> EntrySpec {
    EntrySpec {
        name: format!("{address}"),
        table,
        address,
        encoding,
        order: WordOrder::Abcd,
        conversion: Conversion { scale, ..Conversion::default() },
        writable: matches!(table, Table::Holding | Table::Coil),
        quality: None,
    }
}

/// Runs mbpoll once. Its tables: 0 coils, 1 discrete, 3 input, 4 holding.
async fn mbpoll(port: u16, arguments: &'static str) -> String {
    let output = tokio::task::spawn_blocking(move || {
        let port = port.to_string();
        let (options, values) = arguments.split_once('|').unwrap_or((arguments, ""));
        Process::new("mbpoll")
            .args(["-m", "tcp", "-p", &port, "-1", "-0", "-a", "1"])
            .args(options.split_whitespace())
            .arg("127.0.0.1")
            .args(values.split_whitespace())
            .output()
    });
    let output = output.await.unwrap().unwrap_or_else(|e| panic!("mbpoll: {e}"));
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test]
async fn libmodbus_reads_every_table_and_writes() {
    let spec = ServerSpec {
        unit: None,
        on_bad: OnBad::Sentinel,
        clients_max: 4,
        idle_timeout: Duration::from_secs(30),
        identity: Identity::default(),
        entries: vec![
            entry(Table::Holding, 0, Encoding::I16, 0.1),
            entry(Table::Holding, 1, Encoding::F32, 1.0),
            entry(Table::Input, 0, Encoding::U32, 1.0),
            entry(Table::Coil, 0, Encoding::Bit(None), 1.0),
            entry(Table::Coil, 1, Encoding::Bit(None), 1.0),
            entry(Table::Discrete, 7, Encoding::Bit(None), 1.0),
        ],
    };
    let image = Arc::new(Image::new(spec).unwrap());
    let float = |f| Value::float(f).unwrap();
    let on = Value::Bool(true);
    let values = [float(-10.5), float(12.5), Value::Int(123_456_789), on.clone(), on.clone(), on];
    for (i, value) in values.iter().enumerate() {
        image.set(i, Some(value), Quality::Good).unwrap();
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (commands, mut wanted) = mpsc::channel::<Command>(8);
    let shown = Arc::clone(&image);
    // A plant that does at once what it is told.
    tokio::spawn(async move {
        while let Some(c) = wanted.recv().await {
            shown.set(c.entry, Some(&c.value), Quality::Good).unwrap();
            let _ = c.reply.send(Ok(()));
        }
    });
    let _server = tokio::spawn(serve(listener, image, commands));

    for (arguments, expected) in [
        ("-t 4 -r 0 -c 1", "[0]: \t65431 (-105)"),
        ("-t 4:float -B -r 1 -c 1", "[1]: \t12.5"),
        ("-t 3:int -B -r 0 -c 1", "[0]: \t123456789"),
        ("-t 0 -r 0 -c 2", "[1]: \t1"),
        ("-t 1 -r 7 -c 1", "[7]: \t1"),
        ("-t 4 -r 2 -c 1", "Illegal data address"),
        ("-t 4 -r 0 | 425", "Written 1 references"),
        ("-t 4 -r 0 -c 1", "[0]: \t425"),
        ("-t 4:float -B -r 1 | 3.5", "Written 1 references"),
        ("-t 4:float -B -r 1 -c 1", "[1]: \t3.5"),
        ("-t 0 -r 0 | 0 1", "Written 2 references"),
        ("-t 0 -r 0 -c 2", "[0]: \t0"),
    ] {
        let said = mbpoll(port, arguments).await;
        assert!(said.contains(expected), "mbpoll {arguments}: {said}");
    }
}
