//! The offline endpoint on loopback and the small language model behind it.
//!
//! Owns a true (if tiny) language model over texts written for this project, and a server that speaks
//! the Chat Completions protocol and llama.cpp's own with it, faults on request included. Never listens on anything but
//! 127.0.0.1 and never opens a connection.

mod body;
mod chat;
pub mod corpus;
mod fault;
mod fields;
mod llama;
mod llama_body;
pub mod model;
mod refusal;
mod request;
mod schema;
mod sending;
mod server;
mod telling;
mod template;
mod tree;

pub use fault::MODEL;
pub use server::{Options, Server};
