//! Answers masters over TCP.

use super::Denial;
use super::image::{Image, Reply, refuse};
use crate::codec::Exception;
use crate::codec::mbap::HEADER_LEN;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use wellhead_model::Value;

/// Unit and the longest protocol data unit, as the header counts them.
const LENGTH: std::ops::RangeInclusive<usize> = 2..=254;
/// Longest wait for what a write came to, and for a master to take its reply.
const PATIENCE: Duration = Duration::from_secs(5);
/// After the system would not accept a connection.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// A unit behind this server that there is not.
const NO_SUCH_UNIT: Exception = Exception(11);

/// A wish to write a point, from a master.
#[derive(Debug)]
pub struct Command {
    /// Which, by its place in [`ServerSpec::entries`](super::ServerSpec::entries).
    pub entry: usize,
    /// What.
    pub value: Value,
    /// Who asks.
    pub from: SocketAddr,
    /// What came of it. Dropped without an answer, the master is told of a failure.
    pub reply: oneshot::Sender<Result<(), Denial>>,
}

/// Answers masters until it is dropped, which closes all their connections.
pub async fn serve(listener: TcpListener, image: Arc<Image>, commands: mpsc::Sender<Command>) {
    let mut clients = JoinSet::new();
    let mut full = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = clients.join_next() => continue,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(%error, "Connection not accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        if clients.len() >= image.spec().clients_max {
            if !full {
                tracing::warn!(%from, connections = clients.len(), "Too many Modbus masters");
            }
            full = true;
            continue; // Dropping the stream closes it.
        }
        full = false;
        let client = Client { image: Arc::clone(&image), commands: commands.clone(), from };
        clients.spawn(async move {
            if let Err(error) = client.run(stream).await {
                tracing::debug!(%from, %error, "Connection of a Modbus master ended");
            }
        });
    }
}

struct Client {
    image: Arc<Image>,
    commands: mpsc::Sender<Command>,
    from: SocketAddr,
}

impl Client {
    async fn run(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let idle = self.image.spec().idle_timeout;
        let mut header = [0; HEADER_LEN];
        let (mut request, mut reply, mut frame) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            // The whole request within the time, so that a drop now and then holds no place.
            let read = async {
                stream.read_exact(&mut header).await?;
                let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
                if header[2..4] != [0, 0] || !LENGTH.contains(&length) {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "not Modbus TCP"));
                }
                request.resize(length - 1, 0);
                stream.read_exact(&mut request).await.map(|_| ())
            };
            timeout(idle, read).await.map_err(|_| io::ErrorKind::TimedOut)??;
            self.answer(header[6], &request, &mut reply).await;
            frame.clear();
            frame.extend_from_slice(&header[..4]);
            frame.extend_from_slice(&(reply.len() as u16 + 1).to_be_bytes());
            frame.push(header[6]);
            frame.extend_from_slice(&reply);
            let sent = timeout(PATIENCE, stream.write_all(&frame)).await;
            sent.map_err(|_| io::ErrorKind::TimedOut)??;
        }
    }

    async fn answer(&self, unit: u8, request: &[u8], reply: &mut Vec<u8>) {
        if self.image.spec().unit.is_some_and(|own| ![own, 0, 255].contains(&unit)) {
            return refuse(request, NO_SUCH_UNIT, reply);
        }
        let Reply::Wishes(wishes) = self.image.answer(request, reply) else { return };
        for (entry, value) in wishes {
            if let Err(denial) = self.command(entry, value).await {
                return refuse(request, denial.exception(), reply);
            }
        }
        self.image.finish(request, reply);
    }

    async fn command(&self, entry: usize, value: Value) -> Result<(), Denial> {
        let (reply, answer) = oneshot::channel();
        let command = Command { entry, value, from: self.from, reply };
        self.commands.try_send(command).map_err(|_| Denial::Busy)?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) | Err(_) => Err(Denial::Failed),
        }
    }
}
