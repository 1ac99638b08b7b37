//! The other end of the admin socket, for the commands at the box.

use super::{Answer, Request};
use crate::bilingual::system;
use std::path::Path;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Why the box could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error(
        "can't reach the gateway at {path}: {error}; is `wellhead run` running, and may you read that file?"
    )]
    Connect {
        /// The socket.
        path: String,
        /// The system's words.
        error: std::io::Error,
    },
    /// It went away.
    #[error("the gateway closed the connection: {0}")]
    Io(#[from] std::io::Error),
    /// It speaks another version.
    #[error("the gateway answered something else: {0}; is it of another version?")]
    Answer(#[from] serde_json::Error),
}

impl ClientError {
    /// What [`Display`](std::fmt::Display) says, in Chinese.
    pub fn text_zh(&self) -> String {
        match self {
            ClientError::Connect { path, error } => {
                let error = system(error);
                format!(
                    "无法连接网关 {path}：{error}；`wellhead run` 是否在运行，您是否有权读该文件？"
                )
            }
            ClientError::Io(error) => format!("网关断开了连接：{error}"),
            ClientError::Answer(error) => format!("网关的应答无法识别：{error}；版本是否不同？"),
        }
    }
}

/// A connection to the running program.
pub struct Client(BufReader<UnixStream>);

impl Client {
    /// Connects to the socket at `path`.
    pub async fn connect(path: &Path) -> Result<Self, ClientError> {
        let connected = UnixStream::connect(path).await;
        let stream = connected
            .map_err(|error| ClientError::Connect { path: path.display().to_string(), error })?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks one thing.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer, ClientError> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        self.0.write_all(&line).await?;
        line.clear();
        if self.0.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        Ok(serde_json::from_slice(&line)?)
    }
}
