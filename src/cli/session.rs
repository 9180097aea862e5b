//! What the commands that ask a model share: configuration, the way to the endpoint, runs.
//!
//! Owns the clock. The estimate of what a server did not report is made here,
//! once, for all commands.

use crate::access::Access;
use crate::cli::engine::{self, Clients, KeepNothing, Step};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::interrupt::Interrupt;
use crate::cli::known::Known;
use crate::cli::output::Output;
use crate::config::{Loaded, Origin, SANDBOX};
use crate::core::bench::{Bench, Terms};
use crate::core::fault::{Fault, FaultKind};
use crate::core::model::{Encoding, ModelCard};
use crate::core::probe::{Subject, refusal};
use crate::core::request::{Prompt, Request, Role};
use crate::core::run::Run;
use crate::core::stream::{StreamEvent, Usage};
use crate::core::sweep::Sweep;
use crate::core::sweep::preflight::{Budget, Worst};
use crate::core::time::Timestamp;
use crate::provider::Client;
use crate::tokenizer;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Everything a command needs to ask.
pub(super) struct Session {
    /// What is known of endpoints and models.
    pub(super) known: Known,
    /// The folder of what is kept.
    pub(super) data_dir: PathBuf,
    loaded: Loaded,
    access: Access,
    start: Instant,
    stream: bool,
    has_top: bool,
    has_timeout: bool,
    wants_logprobs: bool,
}

/// A run, and its usage as the provider reported it or as it was estimated.
pub(super) struct Answer {
    /// The run.
    pub(super) run: Run,
    /// The tokens billed.
    pub(super) usage: Usage,
}

impl Session {
    /// Returns a session with the configuration, if nothing is wrong with it.
    pub(super) fn new(flags: &Flags<'_>, output: &mut Output) -> Result<Self, Failure> {
        let (paths, mut loaded) = flags.load()?;
        if let Some(fault) = loaded.error.take() {
            return Err(Failure::Wrong(fault));
        }
        for notice in &loaded.notices {
            output.note(&format!("note: {notice}"));
        }
        if loaded.config.endpoint == SANDBOX && flags.one::<String>("endpoint").is_none() {
            output.hint(
                "note: the sandbox answers; OPENAI_API_KEY, --endpoint or --base-url reach a real model",
            );
        }
        let known = Known::new(loaded.config.clone(), &paths.data_dir, output);
        Ok(Self {
            data_dir: paths.data_dir,
            access: Access::new(Arc::clone(&known.config), paths.dotenv, None),
            known,
            loaded,
            start: Instant::now(),
            stream: !flags.is_on("no-stream"),
            has_top: flags.one::<u8>("top").is_some(),
            has_timeout: flags.overrides().timeout_ms.is_some(),
            wants_logprobs: !flags.is_on("no-logprobs"),
        })
    }

    /// Returns the client of the chosen endpoint.
    pub(super) async fn client(&self, interrupt: &mut Interrupt) -> Result<Client, Failure> {
        let endpoint = &self.known.config.endpoint;
        self.client_of(endpoint, interrupt).await?.map_err(|fault| unopened(endpoint, fault))
    }

    /// Returns the client of an endpoint, or why it cannot be opened.
    pub(super) async fn client_of(
        &self,
        endpoint: &str,
        interrupt: &mut Interrupt,
    ) -> Result<Result<Client, Fault>, Failure> {
        interrupt.or(self.access.client(endpoint)).await
    }

    /// Returns the model to ask at an endpoint.
    pub(super) async fn model_of(
        &self,
        endpoint: &str,
        interrupt: &mut Interrupt,
    ) -> Result<String, Failure> {
        interrupt.or(self.access.model(endpoint)).await?.map_err(Failure::before_sending)
    }

    /// Returns the model that is asked, and where it is.
    pub(super) async fn subject(&self, interrupt: &mut Interrupt) -> Result<Subject, Failure> {
        let endpoint = self.known.config.endpoint.as_str();
        let model = self.model_of(endpoint, interrupt).await?;
        Ok(self.known.subject(endpoint, &model))
    }

    /// Returns the request for a prompt. `needs_tokens` says whether the command shows probabilities.
    pub(super) async fn request(
        &self,
        prompt: String,
        needs_tokens: bool,
        interrupt: &mut Interrupt,
    ) -> Result<Request, Failure> {
        let endpoint = self.known.config.endpoint.as_str();
        let model = self.model_of(endpoint, interrupt).await?;
        let card = self.known.config.card(&model);
        let mut messages = Vec::new();
        if !self.known.config.system.is_empty() {
            messages.push(Prompt::new(Role::System, self.known.config.system.as_str()));
        }
        messages.push(Prompt::new(Role::User, prompt));
        let mut request = self.bare_request(endpoint, &model, needs_tokens);
        request.messages = messages;
        self.leave_out(&mut request, &card, |_| false);
        Ok(request)
    }

    /// Returns a request that says nothing yet, sampled as configured.
    pub(super) fn bare_request(&self, endpoint: &str, model: &str, needs_tokens: bool) -> Request {
        let mut sampling = self.known.config.sampling.clone();
        if !self.wants_logprobs || !(needs_tokens || self.has_top) {
            sampling.top_logprobs = None;
        }
        Request {
            endpoint: endpoint.into(),
            model: model.into(),
            messages: Vec::new(),
            sampling,
            continuation: None,
            stream: self.stream,
        }
    }

    /// Leaves out what the model is known to refuse, unless the user asked for it: by a setting, or by
    /// what `is_asked_for` knows of.
    pub(super) fn leave_out(
        &self,
        request: &mut Request,
        card: &ModelCard,
        is_asked_for: impl Fn(&str) -> bool,
    ) {
        let finding = self.known.finding(&request.endpoint, &request.model);
        if finding.is_none() && card.refuses.is_empty() && card.logprobs != Some(false) {
            return;
        }
        let shown = self.loaded.shown();
        let refused = |name: &str| {
            let is_refused = refusal(finding, card, name).is_some();
            let key = format!("sampling.{name}");
            let is_default =
                shown.iter().all(|setting| setting.key != key || setting.origin == Origin::Default);
            is_refused && is_default && !is_asked_for(name)
        };
        if refused("temperature") {
            request.sampling.temperature = None;
        }
        if refused("max_output_tokens") {
            request.sampling.max_output_tokens = None;
        }
        if refused("top_logprobs") {
            request.sampling.top_logprobs = None;
        }
    }

    /// Returns the time since the session began.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.start.elapsed())
    }

    /// Names the flag in the remedy of a limit that a flag has set.
    pub(super) fn with_own_remedy(&self, mut event: StreamEvent) -> StreamEvent {
        if let StreamEvent::Failed(fault) = &mut event
            && self.has_timeout
            && fault.kind == FaultKind::Timeout
        {
            "If it only needs longer, raise --timeout".clone_into(&mut fault.remedy);
        }
        event
    }

    /// Sends one request and follows it to its end.
    pub(super) async fn ask_one(
        &self,
        client: &Client,
        request: Request,
        interrupt: &mut Interrupt,
        mut each: impl FnMut(&StreamEvent, Timestamp) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let clients = Clients::from([(Arc::clone(&request.endpoint), Ok(client.clone()))]);
        let sweep = Sweep::new(request, Vec::new(), 1).map_err(|message| Failure::wrong(message, ""))?;
        let (samples, terms) = (sweep.samples(), Terms { lanes: 1, budget: Budget::default() });
        let mut bench = Bench::new(sweep, samples, vec![Worst::default()], terms);
        let events = |_: &Bench, step: Step<'_>| match step {
            Step::Event { event, now } => each(event, now),
            Step::Ended { .. } | Step::Held => Ok(()),
        };
        let mut keep = KeepNothing::default();
        engine::run(self, &mut bench, &clients, &mut keep, interrupt, events).await?;
        let run = bench.slots().first().and_then(|slot| slot.run.clone()).ok_or(Failure::Interrupted)?;
        let usage = self.usage(&run);
        Ok(Answer { run, usage })
    }

    /// Returns the tokens billed for a run, estimated where the provider reported none.
    pub(super) fn usage(&self, run: &Run) -> Usage {
        let (encoding, _) = encoding(&self.known.config.card(&run.request.model), &run.request.model);
        tokenizer::usage_of(run, encoding)
    }

    /// Returns what a run cost, where the price of its model is known.
    pub(super) fn dollars(&self, run: &Run, usage: &Usage) -> Option<f64> {
        self.known.config.card(&run.request.model).price.map(|price| price.of(usage))
    }
}

/// Returns the failure for an endpoint that cannot be opened.
pub(super) fn unopened(endpoint: &str, fault: Fault) -> Failure {
    match endpoint {
        // It is part of this program and has nothing that could be configured wrongly.
        SANDBOX => Failure::Failed(fault),
        _ => Failure::before_sending(fault),
    }
}

/// Returns the vocabulary to count with for a model, and whether it is the model's own.
pub(super) fn encoding(card: &ModelCard, model: &str) -> (Encoding, bool) {
    if let Some(encoding) = card.encoding {
        return (encoding, true);
    }
    let choice = tokenizer::encoding_for(model);
    (choice.encoding, choice.is_exact)
}
