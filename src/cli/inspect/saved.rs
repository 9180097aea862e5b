//! `inspect --from`: an answer from a file or a pipe in the place of one that is asked for.
//!
//! Owns what the flags may say of an answer that is there already: how it was asked, where the file
//! does not tell. A flag that would change what is asked is refused, as nothing is.

use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::known::Known;
use crate::cli::output::Output;
use crate::core::fault::Fault;
use crate::core::id::Ids;
use crate::core::provenance::Provenance;
use crate::core::run::Run;
use crate::provider::{MAX_DOCUMENT, read_document};
use std::path::Path;
use std::sync::Arc;

/// Flags that shape a request and say nothing of an answer.
const ASKING: [&str; 10] =
    ["prompt", "file", "base-url", "system", "timeout", "retries", "seed", "max-tokens", "stop", "no-stream"];

/// A saved answer, with what is known of where it came from.
pub(super) struct Saved {
    pub(super) run: Run,
    /// Where its values stand, as was known when it was saved.
    pub(super) provenance: Option<Provenance>,
    pub(super) known: Known,
}

/// Returns the answer a file holds, with what the flags say of it.
pub(super) fn read(flags: &Flags<'_>, path: &Path, output: &mut Output) -> Result<Saved, Failure> {
    if let Some(flag) = ASKING.into_iter().find(|flag| flags.is_given(flag)) {
        let name = if flag == "prompt" { "A prompt".to_owned() } else { format!("--{flag}") };
        return Err(Failure::wrong(
            format!("{name} does not go with --from: the answer is there already"),
            "Leave one of them out",
        ));
    }
    let (paths, mut loaded) = flags.load()?;
    if let Some(fault) = loaded.error.take() {
        return Err(Failure::Wrong(fault));
    }
    for notice in &loaded.notices {
        output.note(&format!("note: {notice}"));
    }
    let bytes = input::bytes(path, MAX_DOCUMENT as u64)?;
    let choice = flags.one::<u64>("choice");
    let saved = read_document(Ids::default().run(), &bytes, choice.unwrap_or(0)).map_err(|fault| {
        let message = format!("{}: {}", input::name(path), fault.message);
        Failure::Wrong(Fault { message, ..fault })
    })?;
    if saved.choices > 1 && choice.is_none() {
        output.note(&format!(
            "note: {} has {} choices, 0 to {}: the first is read, --choice names another",
            input::name(path),
            saved.choices,
            saved.choices - 1
        ));
    }
    let known = Known::new(loaded.config, &paths.data_dir, output);
    // Who says that it came from elsewhere knows better than the file where its values stand.
    let is_elsewhere = flags.is_given("endpoint") || flags.is_given("model");
    let provenance = saved.provenance.filter(|_| !is_elsewhere);
    Ok(Saved { run: stated(saved.run, flags), provenance, known })
}

/// Returns the answer with what the flags say of how it was asked.
fn stated(mut run: Run, flags: &Flags<'_>) -> Run {
    let request = Arc::make_mut(&mut run.request);
    if let Some(endpoint) = flags.one::<String>("endpoint") {
        request.endpoint = endpoint.into();
    }
    if let Some(model) = flags.one::<String>("model") {
        request.model = model.into();
    }
    let sampling = &mut request.sampling;
    sampling.temperature = flags.one("temperature").or(sampling.temperature);
    sampling.top_p = flags.one("top-p").or(sampling.top_p);
    run
}
