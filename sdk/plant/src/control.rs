//! The control channel: one JSON object a line, one answer a line, over loopback TCP.
//!
//! `{"do":"fault","unit":1,"fault":{"kind":"delay","ms":500},"for_s":10}` →
//! `{"ok":true,"id":1}`. An error answers `{"ok":false,"error":"…"}`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::fault::{ActiveFault, Fault, Line, Scope};
use crate::serve::Shared;

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Make something go wrong.
    Fault {
        /// Of one unit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<u8>,
        /// On one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<Line>,
        /// What.
        fault: Fault,
        /// For how many real seconds; until cleared when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_s: Option<f64>,
    },
    /// Clear one fault, or all.
    Clear {
        /// Its number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<u64>,
    },
    /// List what is wrong, and how many requests met it.
    Faults,
    /// Requests and answers of every unit.
    Stats,
    /// The ledger of one unit.
    Answered {
        /// Unit.
        unit: u8,
        /// Only polls counted after this one.
        #[serde(default)]
        after: u32,
    },
    /// What a point shows now.
    Value {
        /// Unit.
        unit: u8,
        /// Point.
        point: String,
    },
    /// Stop simulated time.
    Pause,
    /// Let it run again.
    Resume,
}

/// Accepts control connections until aborted.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut clients = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while clients.try_join_next().is_some() {}
        clients.spawn(serve(shared.clone(), stream));
    }
}

async fn serve(shared: Arc<Shared>, mut stream: TcpStream) {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match serde_json::from_str(&line) {
            Ok(request) => answer(&shared, request),
            Err(error) => json!({"ok": false, "error": format!("not a request: {error}")}),
        };
        if write.write_all(format!("{answer}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(shared: &Shared, request: Request) -> Value {
    match request {
        Request::Fault { unit, line, fault, for_s } => {
            let lasting = match for_s.map(Duration::try_from_secs_f64).transpose() {
                Ok(lasting) => lasting,
                Err(error) => return refused(format!("for_s: {error}")),
            };
            match shared.inject(Scope { unit, line }, fault, lasting) {
                Ok(id) => json!({"ok": true, "id": id}),
                Err(error) => refused(error),
            }
        }
        Request::Clear { id } => json!({"ok": true, "cleared": shared.room().clear(id)}),
        Request::Faults => {
            let room = shared.room_at(tokio::time::Instant::now());
            let list: Vec<Value> = room
                .active_faults()
                .map(|active| {
                    let ActiveFault { id, scope, fault, met, .. } = active;
                    json!({"id": id, "scope": scope, "fault": fault, "met": met})
                })
                .collect();
            json!({"ok": true, "faults": list})
        }
        Request::Stats => stats(shared),
        Request::Answered { unit, after } => {
            let room = shared.room();
            let Some(found) = room.unit(unit) else { return refused(format!("no unit {unit}")) };
            let sent = found.ledger().iter().filter(|entry| entry.poll > after);
            let list: Vec<[u64; 2]> = sent.map(|e| [u64::from(e.poll), e.wall_ms]).collect();
            json!({"ok": true, "unit": unit, "polls": found.polls(), "answered": list})
        }
        Request::Value { unit, point } => match shared.room().reading(unit, &point) {
            Some(value) => json!({"ok": true, "value": value.is_finite().then_some(value)}),
            None => refused(format!("unit {unit} has no numeric point \"{point}\"")),
        },
        Request::Pause => {
            shared.pause(true);
            json!({"ok": true})
        }
        Request::Resume => {
            shared.pause(false);
            json!({"ok": true})
        }
    }
}

fn refused(error: impl ToString) -> Value {
    json!({"ok": false, "error": error.to_string()})
}

fn stats(shared: &Shared) -> Value {
    let room = shared.room();
    let units: Vec<Value> = room
        .units()
        .iter()
        .map(|unit| {
            json!({
                "unit": unit.device.unit,
                "name": unit.device.name,
                "requests": unit.requests,
                "answered": unit.answered,
                "exceptions": unit.exceptions,
                "polls": unit.polls(),
                "sent": unit.ledger().len(),
            })
        })
        .collect();
    json!({"ok": true, "plant_time": room.plant.now().to_string(), "units": units})
}

/// Asks a running plant and returns its answer.
///
/// # Errors
/// When nobody listens there, the connection ends, or the answer is an error.
pub async fn ask(address: SocketAddr, request: &Request) -> Result<Value, AskError> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| AskError::Unreachable { address, error })?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).await?;
    let answer: Value = serde_json::from_str(&answer)?;
    match answer.get("error").and_then(Value::as_str) {
        Some(error) => Err(AskError::Refused(error.to_owned())),
        None => Ok(answer),
    }
}

/// Why a running plant gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens there.
    #[error("no plant listens on {address}: {error}; start one with `wellhead-plant run`")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The connection ended.
    #[error("the plant ended the conversation: {0}")]
    Ended(#[from] std::io::Error),
    /// What came is no answer.
    #[error("what came back is no answer: {0}")]
    NotAnAnswer(#[from] serde_json::Error),
    /// The plant refused.
    #[error("{0}")]
    Refused(String),
}
