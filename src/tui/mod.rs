//! The terminal: event loop, execution of effects, painting.

mod archive;
pub mod driver;
mod editor;
pub mod event_loop;
pub mod front;
mod input;
mod judge;
mod keep;
mod pacer;
mod plans;
mod start;
mod terminal;
pub mod theme;
pub mod view;
mod worker;

pub use start::{Launch, start};
