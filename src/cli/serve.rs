//! `serve`: the sandbox's models for any OpenAI client.

use crate::access::{self, NATURAL_RATE};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::interrupt::block_on;
use crate::cli::output::Output;
use crate::core::text::printable;
use crate::sandbox::{Options, Server};
use serde::Serialize;

/// Where the server is, written down.
#[derive(Serialize)]
struct ServerRecord<'a> {
    base_url: &'a str,
    key: Option<&'a str>,
}

/// Serves until the user presses Ctrl-C, which is the way to end it and no failure.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let rate = flags.one::<f64>("rate").unwrap_or(NATURAL_RATE);
    let options = Options {
        port: flags.one("port").unwrap_or(0),
        key: flags.one("key"),
        rate: (rate > 0.0).then_some(rate),
        seed: flags.one("seed").unwrap_or_else(access::random),
    };
    block_on(async |interrupt| {
        let server = Server::start(options).await.map_err(Failure::Failed)?;
        let (base_url, key) = (server.base_url(), server.key());
        if flags.is_on("json") {
            output.json(&ServerRecord { base_url: &base_url, key })?;
        } else {
            output.line(&format!("base URL  {base_url}"))?;
            output.line(&format!("key       {}", key.map_or("any".into(), printable)))?;
        }
        output.flush()?;
        output.hint("Ctrl-C stops the server");
        match interrupt.or(server.stopped()).await {
            Ok(()) | Err(Failure::Interrupted) => Ok(()),
            Err(failure) => Err(failure),
        }
    })
}
