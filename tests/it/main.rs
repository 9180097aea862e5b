//! The integration tests, in one binary so that they are linked once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod provider;
mod sandbox;
mod sandbox_server;
mod support;
