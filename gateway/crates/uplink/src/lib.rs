//! scaffold
mod backlog; mod cache_api; mod cache_thread; mod command; mod config; mod core; mod encode; mod gaps; mod link; mod message; mod metrics; mod shared; mod spill; mod tls; mod uplink;
#[cfg(test)] mod test_points;
pub use crate::core::Counts;
pub use cache_api::*; pub use command::*; pub use config::*; pub use message::Event; pub use metrics::*; pub use uplink::*;
/// x
pub const BATCH_BYTES_MAX: usize = 65536;
pub(crate) fn cache_health(_i: &shared::Inner, _n: std::time::Duration) -> serde_json::Value { serde_json::Value::Null }
