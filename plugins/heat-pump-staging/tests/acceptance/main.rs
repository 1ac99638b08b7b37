//! What the rules promise of this plugin, one test a promise, in the SDK's mock gateway.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod bench;
mod common_rules;
mod load;
mod outages;
mod requests;
mod sequence;
