//! The domain: what a conversation, a request, a run and a token *are*, and all mathematics on them.
//!
//! Owns plain data and pure functions. Never does I/O, never reads a clock, a random source or the
//! environment; time comes in as [`time::Timestamp`].
//!
//! Invariant: every surface (workbench, `ask`, `compare`, `inspect`) folds the same
//! [`stream::StreamEvent`]s through [`run::Run::apply`], so their numbers cannot disagree.

pub mod alignment;
pub mod band_tally;
pub mod bench;
pub mod branch;
pub mod consensus;
pub mod context;
pub mod conversation;
pub mod cost;
pub mod cut;
pub mod cutting;
pub mod diff;
pub mod diversity;
pub mod endpoint;
pub mod exchange;
pub mod fault;
pub mod figure;
pub mod group;
pub mod heat;
pub mod id;
pub mod job;
pub mod ladder;
pub mod meaning;
pub mod model;
pub mod mojibake;
pub mod probability;
pub mod probe;
pub mod provenance;
pub mod request;
pub mod reshaping;
pub mod run;
pub mod stream;
pub mod stretch;
pub mod strip;
pub mod sweep;
pub mod text;
pub mod time;
pub mod tipping;
pub mod token;
pub mod transfer;
#[cfg(test)]
mod truth;
pub mod what_if;
