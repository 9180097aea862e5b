//! What the user sees and does, as plain state.
