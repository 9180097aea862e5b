//! The terminal: event loop, execution of effects, painting.
