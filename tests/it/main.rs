//! The integration tests, in one binary so that they are linked once.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks at the few cases it is about")]

mod app_loop;
mod archive;
mod asides;
mod asking_next;
mod checking;
mod cli;
mod columns;
mod comparing;
mod conduct;
mod continuation;
mod docs;
mod documents;
mod filtering;
mod inspecting;
mod inspector_says;
mod keystrokes;
mod layers;
mod limits;
mod outlook;
mod packages;
mod partings;
#[cfg(unix)]
mod personas;
mod pictures;
mod probing;
mod prompts;
mod provider;
#[cfg(unix)]
mod pty;
mod reading_aids;
mod sandbox;
mod sandbox_bands;
mod sandbox_branch;
mod sandbox_json;
mod sandbox_server;
mod soundness;
mod statistics;
mod store;
mod support;
mod sweep_files;
mod update;
mod voting;
