//! What the commands that ask a model share: configuration, the way to the endpoint, runs.
//!
//! Owns the clock and the runs under way. The estimate of what a server did not report is made here,
//! once, for all commands.

use crate::access::Access;
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::interrupt::Interrupt;
use crate::cli::known::Known;
use crate::cli::output::Output;
use crate::config::{Loaded, Origin, SANDBOX};
use crate::core::context::framing_tokens;
use crate::core::fault::FaultKind;
use crate::core::id::Ids;
use crate::core::model::{Encoding, ModelCard};
use crate::core::probe::{Subject, refusal};
use crate::core::request::{Prompt, Request, Role};
use crate::core::run::Run;
use crate::core::stream::{StreamEvent, Usage};
use crate::core::time::Timestamp;
use crate::provider::Client;
use crate::tokenizer;
use futures_util::StreamExt;
use futures_util::stream;
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
    ids: Ids,
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

/// One step of the runs under way.
pub(super) enum Step<'a> {
    /// Something happened in a run.
    Event {
        /// What happened.
        event: &'a StreamEvent,
        /// When.
        now: Timestamp,
    },
    /// A run ended.
    Ended {
        /// Number of the request, from 0.
        number: usize,
        /// The answers so far, in the order of the requests.
        answers: &'a [Option<Answer>],
    },
}

/// The answers to some requests, in the order of the requests.
pub(super) struct Answers {
    /// The answers.
    pub(super) answers: Vec<Answer>,
    /// Whether the user stopped them.
    pub(super) is_interrupted: bool,
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
            ids: Ids::default(),
            start: Instant::now(),
            stream: !flags.is_on("no-stream"),
            has_top: flags.one::<u8>("top").is_some(),
            has_timeout: flags.overrides().timeout_ms.is_some(),
            wants_logprobs: !flags.is_on("no-logprobs"),
        })
    }

    /// Returns the client of the chosen endpoint.
    pub(super) async fn client(&self, interrupt: &mut Interrupt) -> Result<Client, Failure> {
        let client = interrupt.or(self.access.client(&self.known.config.endpoint)).await?;
        client.map_err(|fault| match self.known.config.endpoint.as_str() {
            // It is part of this program and has nothing that could be configured wrongly.
            SANDBOX => Failure::Failed(fault),
            _ => Failure::before_sending(fault),
        })
    }

    /// Returns the model that is asked, and where it is.
    pub(super) async fn subject(&self, interrupt: &mut Interrupt) -> Result<Subject, Failure> {
        let endpoint = self.known.config.endpoint.as_str();
        let model = interrupt.or(self.access.model(endpoint)).await?.map_err(Failure::before_sending)?;
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
        let model = interrupt.or(self.access.model(endpoint)).await?.map_err(Failure::before_sending)?;
        let card = self.known.config.card(&model);
        let mut messages = Vec::new();
        if !self.known.config.system.is_empty() {
            messages.push(Prompt::new(Role::System, self.known.config.system.as_str()));
        }
        messages.push(Prompt::new(Role::User, prompt));
        let mut request = Request {
            endpoint: endpoint.into(),
            model: model.into(),
            messages,
            sampling: self.known.config.sampling.clone(),
            continuation: None,
            stream: self.stream,
        };
        if !self.wants_logprobs || !(needs_tokens || self.has_top) {
            request.sampling.top_logprobs = None;
        }
        self.leave_out(&mut request, &card);
        Ok(request)
    }

    /// Leaves out what the model is known to refuse, unless the user asked for it.
    fn leave_out(&self, request: &mut Request, card: &ModelCard) {
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
            is_refused && is_default
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
    fn now(&self) -> Timestamp {
        Timestamp(self.start.elapsed())
    }

    /// Sends the requests, at most `concurrency` at once, and follows them to their ends.
    ///
    /// `each` sees every step. What it refuses, ends all; so does Ctrl-C, but then the answers keep what
    /// came.
    pub(super) async fn ask(
        &mut self,
        client: &Client,
        requests: Vec<Request>,
        concurrency: usize,
        interrupt: &mut Interrupt,
        mut each: impl FnMut(Step<'_>) -> Result<(), Failure>,
    ) -> Result<Answers, Failure> {
        let requests: Vec<Arc<Request>> = requests.into_iter().map(Arc::new).collect();
        let mut runs: Vec<Option<Run>> = vec![None; requests.len()];
        let mut answers: Vec<Option<Answer>> = requests.iter().map(|_| None).collect();
        let streams = requests.iter().enumerate().map(|(number, request)| {
            Box::pin(client.run(Arc::clone(request)).map(move |event| (number, event)))
        });
        let mut events = stream::iter(streams).flatten_unordered(concurrency.max(1));
        let is_interrupted = loop {
            let (number, event) = tokio::select! {
                biased;
                () = interrupt.wait() => break true,
                event = events.next() => match event {
                    Some(event) => event,
                    None => break false,
                },
            };
            let (now, event) = (self.now(), self.with_own_remedy(event));
            each(Step::Event { event: &event, now })?;
            // A run begins with its first event: until then it waits for its turn.
            let mut run = runs[number]
                .take()
                .unwrap_or_else(|| Run::new(self.ids.run(), Arc::clone(&requests[number]), now));
            run.apply(event, now);
            if run.status.is_ended() {
                answers[number] = Some(self.answer(run));
                each(Step::Ended { number, answers: &answers })?;
            } else {
                runs[number] = Some(run);
            }
        };
        // Closes the connections of what was not finished.
        drop(events);
        let now = self.now();
        let rest = runs.into_iter().zip(requests).map(|(run, request)| {
            let mut run = run.unwrap_or_else(|| Run::new(self.ids.run(), request, now));
            run.cancel(now);
            run
        });
        let rest: Vec<Run> = rest.collect();
        let answers = answers.into_iter().zip(rest).map(|(answer, run)| match answer {
            Some(answer) => answer,
            None => self.answer(run),
        });
        Ok(Answers { answers: answers.collect(), is_interrupted })
    }

    /// Names the flag in the remedy of a limit that a flag has set.
    fn with_own_remedy(&self, mut event: StreamEvent) -> StreamEvent {
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
        &mut self,
        client: &Client,
        request: Request,
        interrupt: &mut Interrupt,
        mut each: impl FnMut(&StreamEvent, Timestamp) -> Result<(), Failure>,
    ) -> Result<Answer, Failure> {
        let events = |step: Step<'_>| match step {
            Step::Event { event, now } => each(event, now),
            Step::Ended { .. } => Ok(()),
        };
        let mut answers = self.ask(client, vec![request], 1, interrupt, events).await?;
        answers.answers.pop().ok_or(Failure::Interrupted)
    }

    /// Returns the run with its usage, estimated where the provider reported none.
    fn answer(&self, mut run: Run) -> Answer {
        if let Some(usage) = run.usage {
            return Answer { run, usage };
        }
        let (encoding, _) = encoding(&self.known.config.card(&run.request.model), &run.request.model);
        let table = tokenizer::table(encoding);
        let messages = &run.request.messages;
        let texts: u64 = messages.iter().map(|message| table.count(&message.content)).sum();
        let reasoning_tokens = table.count(&run.reasoning);
        let usage = Usage {
            input_tokens: texts + framing_tokens(messages.len()),
            cached_input_tokens: 0,
            output_tokens: table.count(&run.text) + reasoning_tokens,
            reasoning_tokens,
        };
        run.estimated_output_tokens = Some(usage.output_tokens);
        Answer { run, usage }
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
