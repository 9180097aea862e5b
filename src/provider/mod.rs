//! The only door to the network: request bodies out, stream events in, raw frames kept.
//!
//! ```text
//! body ──► client ──► run ──► decoder ──► sse ─► said ─► reply, completion ─► json
//!             key, pool   attempts, limits     └► refusal, retry
//! document: a saved answer ────────────────────► said ─► the same, responses, own
//! ```
//!
//! Owns everything that is particular to a server: its dialect, its failures, its limits. Never
//! retries once a part of an answer was handed on, and never lets text of a server into a fault
//! without making it printable.
//!
//! Invariant: every run ends with exactly one `Finished` or `Failed`, preceded by its raw exchange.

mod body;
mod client;
mod completion;
mod decoder;
mod document;
mod json;
mod own;
mod refusal;
mod reply;
mod responses;
mod retry;
mod run;
mod said;
mod sse;

pub use body::request_body;
pub use client::Client;
pub use document::{MAX_DOCUMENT, Saved, read_document};
