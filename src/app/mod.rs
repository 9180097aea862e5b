//! What the user sees and does, as plain state.

pub mod chord;
pub mod composer;
