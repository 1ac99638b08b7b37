//! What the tests on real sockets share.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wellhead_plant::plant::{Config, Plant};
use wellhead_plant::serve::{Options, Server};

/// A guard against hanging; nothing is asserted about how long anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing has to come for it to count as silence. Where silence is asserted nothing would
/// ever come, so that a slow machine cannot break a test.
pub(crate) const SILENCE: Duration = Duration::from_millis(100);

/// A plant at work on a January morning, served as asked.
pub(crate) async fn serve(options: Options) -> Server {
    let start = "2026-01-10T06:00".parse().unwrap();
    let mut plant = Plant::new(Config { start, ..Config::default() }, 1);
    (0..1800).for_each(|_| plant.step(1.0));
    Server::start(plant, options).await.unwrap()
}

/// A master that speaks bytes.
pub(crate) struct Wire(pub(crate) TcpStream);

impl Wire {
    pub(crate) async fn tcp(server: &Server) -> Self {
        Self(TcpStream::connect(server.modbus_tcp().unwrap()).await.unwrap())
    }

    /// Sends a Modbus TCP request.
    pub(crate) async fn ask(&mut self, transaction: u16, unit: u8, pdu: &[u8]) {
        let mut frame = transaction.to_be_bytes().to_vec();
        frame.extend([0, 0, 0, pdu.len() as u8 + 1, unit]);
        frame.extend(pdu);
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next bytes, however long they take; and nothing after them.
    pub(crate) async fn hear(&mut self, length: usize) -> Vec<u8> {
        let mut heard = vec![0; length];
        timeout(PATIENCE, self.0.read_exact(&mut heard)).await.unwrap().unwrap();
        assert!(self.hears_nothing().await, "more than {length} bytes came, first {heard:?}");
        heard
    }

    /// Nothing comes for a while.
    pub(crate) async fn hears_nothing(&mut self) -> bool {
        timeout(SILENCE, self.0.read_u8()).await.is_err()
    }
}
