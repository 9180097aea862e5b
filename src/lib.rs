//! tokenscope: a full-screen terminal workbench for chat models.
//!
//! The layers and what each may know are in `ARCHITECTURE.md`; `tests/it/layers.rs` keeps them.

pub mod access;
pub mod app;
pub mod check;
pub mod cli;
pub mod config;
pub mod core;
pub mod export;
pub mod markup;
pub mod plan;
pub mod provider;
pub mod sandbox;
pub mod store;
pub mod structured;
pub mod tokenizer;
pub mod tui;
