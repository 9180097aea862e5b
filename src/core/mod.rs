//! The domain: what a conversation, a request, a run and a token *are*, and all mathematics on them.
//!
//! Owns plain data and pure functions. Never does I/O, never reads a clock, a random source or the
//! environment; time comes in as [`time::Timestamp`].
//!
//! Invariant: every surface (workbench, `ask`, `compare`, `inspect`) folds the same
//! [`stream::StreamEvent`]s through [`run::Run::apply`], so their numbers cannot disagree.

pub mod consensus;
pub mod context;
pub mod conversation;
pub mod cost;
pub mod diff;
pub mod diversity;
pub mod endpoint;
pub mod exchange;
pub mod fault;
pub mod figure;
pub mod id;
pub mod job;
pub mod model;
pub mod probability;
pub mod request;
pub mod run;
pub mod stream;
pub mod sweep;
pub mod text;
pub mod time;
pub mod token;
pub mod transfer;
