//! What is known of endpoints and models: the configuration, and what probes found out.
//!
//! Owns the question what reported values stand for, for answers that were asked for and for saved
//! ones. Which source is believed is [`meaning::provenance`]'s to say, as in the workbench.

use crate::access::probe;
use crate::cli::output::Output;
use crate::cli::session::encoding;
use crate::config::Config;
use crate::core::meaning::{self, Meaning};
use crate::core::model::ModelCard;
use crate::core::probe::{Finding, Probes, Subject, refusal};
use crate::core::provenance::Provenance;
use crate::core::run::Run;
use std::path::Path;
use std::sync::Arc;

/// The configuration and what was probed under its folder of data.
pub(super) struct Known {
    /// The settings in force.
    pub(super) config: Arc<Config>,
    probes: Probes,
}

impl Known {
    /// Returns what is known; tells it when what was probed cannot be read.
    pub(super) fn new(config: Config, data_dir: &Path, output: &mut Output) -> Self {
        let (probes, unreadable) = probe::load(data_dir);
        if let Some(fault) = unreadable {
            output.note(&format!("note: {fault}"));
        }
        Self { config: Arc::new(config), probes }
    }

    /// Returns a model at an endpoint as a probe knows it.
    pub(super) fn subject(&self, endpoint: &str, model: &str) -> Subject {
        let base_url = self.config.endpoints.get(endpoint).map_or("", |settings| &settings.base_url);
        Subject::new(endpoint, model, base_url)
    }

    /// Returns what a probe found out about a model at an endpoint, if one was made there.
    pub(super) fn finding(&self, endpoint: &str, model: &str) -> Option<&Finding> {
        self.probes.of(&self.subject(endpoint, model))
    }

    /// Returns the command that finds out where the values of a run stand. `is_url` says that its
    /// endpoint was named by its URL.
    pub(super) fn probe_command(&self, run: &Run, is_url: bool) -> String {
        // A name from a file may hold anything, and the line is there to be copied to a shell.
        let plain = |name: &str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-:/@".contains(c);
            (name.chars().all(is_plain) && !name.is_empty() && !name.starts_with('-'))
                .then(|| name.to_owned())
        };
        let (endpoint, model) = (&*run.request.endpoint, plain(&run.request.model));
        let settings = self.config.endpoints.get(endpoint);
        let place = settings.and_then(|settings| {
            let (flag, name) =
                if is_url { ("--base-url", &*settings.base_url) } else { ("--endpoint", endpoint) };
            Some(format!("{flag} {}", plain(name)?))
        });
        let place = place.unwrap_or_else(|| "--endpoint NAME".to_owned());
        format!("tokenscope probe {place} --model {}", model.unwrap_or_else(|| "MODEL".to_owned()))
    }

    /// Returns what is known of a model at an endpoint beforehand, put right by what a probe found out.
    pub(super) fn card(&self, endpoint: &str, model: &str) -> ModelCard {
        let mut card = self.config.card(model);
        let Some(finding) = self.finding(endpoint, model) else { return card };
        let name_of = |entry: &str| entry.split(':').next().unwrap_or_default().trim().to_owned();
        let known = card.clone();
        card.refuses.retain(|entry| refusal(Some(finding), &known, &name_of(entry)).is_some());
        for name in finding.refused().filter(|name| known.refusal(name).is_none()) {
            let reason = finding.refusal(name).unwrap_or("refused");
            card.refuses.push(format!("{name}: {reason}"));
        }
        if known.logprobs == Some(false) && refusal(Some(finding), &known, "top_logprobs").is_none() {
            card.logprobs = None;
        }
        card
    }

    /// Returns what the values of a run stand for. `saved` is what was known when it was saved, which
    /// counts where that is more than what is known here.
    pub(super) fn meaning(&self, run: &Run, saved: Option<Provenance>) -> Meaning {
        let (endpoint, model) = (&run.request.endpoint, &run.request.model);
        let card = self.config.card(model);
        let (encoding, is_exact) = encoding(&card, model);
        let configured = self.config.logprobs_before_temperature(endpoint);
        let own = meaning::provenance(configured, self.finding(endpoint, model), &card);
        let provenance = saved.map_or(own, |saved| saved.or_better(own));
        Meaning::new(provenance, &run.request.sampling, is_exact.then_some(encoding))
    }
}
