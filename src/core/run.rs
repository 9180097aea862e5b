//! One execution of one request: its text, tokens, timings and outcome.
//!
//! Life cycle:
//!
//! ```text
//! Queued ── Attempt ──► Connecting ── Delta ──► Streaming ── Finished ──► Done
//!                        │   ▲  │                   │
//!                Retrying▼   │  └── Failed ─────────┴──────► Failed
//!                     Waiting┘        cancel() in any of these ► Cancelled
//! ```
//!
//! Invariant: an ended run never changes, so late messages are harmless.

use crate::core::alignment::Alignment;
use crate::core::branch::{Branch, Intake, Start};
use crate::core::exchange::Exchange;
use crate::core::fault::Fault;
use crate::core::id::RunId;
use crate::core::probability::Tally;
use crate::core::request::{Continuation, Means, Request};
use crate::core::stream::{FinishReason, StreamEvent, Usage};
use crate::core::time::{Timestamp, millis};
use crate::core::token::{Candidate, Token, joint_logprob};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Where a run stands.
#[derive(Debug, Clone, PartialEq)]
pub enum RunStatus {
    /// Waits for its turn.
    Queued,
    /// The request is on its way; nothing came back yet.
    Connecting,
    /// An attempt failed; the next one begins at the given moment.
    Waiting {
        /// Why the attempt failed.
        fault: Fault,
        /// When the next one begins.
        until: Timestamp,
    },
    /// The answer is arriving.
    Streaming,
    /// The answer is complete.
    Done(FinishReason),
    /// It failed; what arrived before is kept.
    Failed(Fault),
    /// The user stopped it; what arrived before is kept.
    Cancelled,
}

impl RunStatus {
    /// Whether nothing more can come.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        match self {
            Self::Queued | Self::Connecting | Self::Waiting { .. } | Self::Streaming => false,
            Self::Done(_) | Self::Failed(_) | Self::Cancelled => true,
        }
    }

    /// Whether the answer is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// A number of tokens, and whether it is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Reported by the provider, or counted with the model's own tokenizer.
    Exact(u64),
    /// Our own count; always shown with `≈`.
    Estimate(u64),
}

impl Count {
    /// Returns the number alone.
    #[must_use]
    pub fn tokens(self) -> u64 {
        match self {
            Self::Exact(tokens) | Self::Estimate(tokens) => tokens,
        }
    }
}

/// A try that failed before anything was shown, so that another followed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedAttempt {
    /// Number of the try, from 1.
    pub number: u32,
    /// When it failed, as the time since the run was created.
    pub after: Duration,
    /// Why.
    pub fault: Fault,
    /// Time until the next try, in milliseconds.
    pub delay_ms: u64,
}

/// When a run came to its stages, each as the time since it was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    /// The last attempt was sent.
    pub sent: Option<Duration>,
    /// The first delta came.
    pub first: Option<Duration>,
    /// The last event came.
    pub last: Option<Duration>,
}

/// An answer as a file or an earlier session has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The answer.
    pub text: String,
    /// The reasoning text.
    pub reasoning: String,
    /// The answer's tokens.
    pub tokens: Vec<Token>,
    /// Tokens as billed.
    pub usage: Option<Usage>,
    /// Model name the server gave.
    pub model: Option<Box<str>>,
    /// How it ended.
    pub status: RunStatus,
}

/// One execution of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its identifier.
    pub id: RunId,
    /// What was asked.
    pub request: Arc<Request>,
    /// Where it stands.
    pub status: RunStatus,
    /// The answer so far.
    pub text: String,
    /// The reasoning text so far, where the server sends one.
    pub reasoning: String,
    /// The answer's tokens, where the server reports them.
    pub tokens: Vec<Token>,
    /// Tokens as billed, once the server has said.
    pub usage: Option<Usage>,
    /// Our own count of the answer, for when the server reports no usage.
    pub estimated_output_tokens: Option<u64>,
    /// Model name the server gave.
    pub model_reported: Option<Box<str>>,
    /// The server's request id.
    pub request_id: Option<Box<str>>,
    /// HTTP tries so far.
    pub attempts: u32,
    /// The tries that failed before the last one.
    pub failed_attempts: Vec<FailedAttempt>,
    /// The raw request and response.
    pub exchange: Option<Arc<Exchange>>,
    /// Whether its candidates and its raw exchange are only where it is kept.
    pub is_light: bool,
    /// The answer it goes on from, where it is a branch.
    pub branch: Option<Branch>,
    intake: Intake,
    tally: Tally,
    alignment: Alignment,
    deltas: u64,
    /// Tokens the server reported for this run; a branch has those of its beginning besides.
    received: u64,
    started: Timestamp,
    sent: Option<Timestamp>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Run {
    /// Returns a run that has not begun.
    #[must_use]
    pub fn new(id: RunId, request: Arc<Request>, now: Timestamp) -> Self {
        Self {
            id,
            request,
            status: RunStatus::Queued,
            text: String::new(),
            reasoning: String::new(),
            tokens: Vec::new(),
            usage: None,
            estimated_output_tokens: None,
            model_reported: None,
            request_id: None,
            attempts: 0,
            failed_attempts: Vec::new(),
            exchange: None,
            is_light: false,
            branch: None,
            intake: Intake::default(),
            tally: Tally::default(),
            alignment: Alignment::default(),
            deltas: 0,
            received: 0,
            started: now,
            sent: None,
            first: None,
            last: None,
        }
    }

    /// Returns a run that goes on from `candidate` in the place of the parent's token `at`, by the means
    /// the request says, see [`Continuation::new`]; where it says none, as if asked.
    ///
    /// Where the server is given the beginning, the run begins with it. Where it is asked for it, the
    /// run shows what the server says, and the beginning's tokens stand for what was said as asked.
    #[must_use]
    pub fn continued(
        id: RunId,
        request: Arc<Request>,
        parent: &Self,
        at: usize,
        candidate: &Candidate,
        now: Timestamp,
    ) -> Self {
        let means = request.continuation.as_ref().map_or(Means::Asked, |Continuation { means, .. }| *means);
        let Start { branch, text, tokens, intake } = Start::new(parent, at, candidate, means);
        let mut run = Self::new(id, request, now);
        (run.branch, run.intake) = (Some(branch), intake);
        run.extend(&text, tokens);
        run
    }

    /// Returns an ended run that holds a text from a file or an earlier session.
    #[must_use]
    pub fn recorded(id: RunId, request: Arc<Request>, text: String) -> Self {
        let mut run = Self::new(id, request, Timestamp::default());
        run.text = text;
        run.status = RunStatus::Done(FinishReason::Stop);
        run
    }

    /// Returns an ended run that holds a recorded answer; it was never sent, so it has no times.
    #[must_use]
    pub fn from_record(id: RunId, request: Arc<Request>, record: Recorded) -> Self {
        let mut run = Self::new(id, request, Timestamp::default());
        run.extend(&record.text, record.tokens);
        run.alignment.advance(&run.tokens, &run.text, true);
        (run.reasoning, run.usage, run.model_reported) = (record.reasoning, record.usage, record.model);
        run.status = record.status;
        run
    }

    /// Returns an ended run that was kept: a recorded answer with the stages it had.
    ///
    /// What else is known of it goes into its fields. Where its tokens are left where they are kept,
    /// `tally` stands for them.
    #[must_use]
    pub fn kept(id: RunId, request: Arc<Request>, record: Recorded, tally: Tally, stages: Stages) -> Self {
        let mut run = Self::from_record(id, request, record);
        run.received = run.tokens.len() as u64;
        if run.tokens.is_empty() {
            run.tally = tally;
        }
        (run.sent, run.first, run.last) =
            (stages.sent.map(Timestamp), stages.first.map(Timestamp), stages.last.map(Timestamp));
        run
    }

    /// Makes a kept run the ending it was.
    pub fn hang_on(&mut self, branch: Branch) {
        self.received = self.received.saturating_sub(branch.inherited as u64);
        self.branch = Some(branch);
    }

    /// Lets go of the candidates and the raw exchange, which are kept elsewhere. All figures stay.
    pub fn lighten(&mut self) {
        (self.exchange, self.is_light) = (None, true);
        for token in &mut self.tokens {
            token.candidates = Box::new([]);
        }
    }

    /// Returns when the run was created.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// Returns when the run came to its stages.
    #[must_use]
    pub fn stages(&self) -> Stages {
        let since = |moment: Option<Timestamp>| moment.map(|moment| moment.since(self.started));
        Stages { sent: since(self.sent), first: since(self.first), last: since(self.last) }
    }

    /// Folds one step of the stream into the run; returns whether anything changed.
    ///
    /// Appending is insensitive to how the text was cut into deltas. After the end nothing changes
    /// but the raw exchange, which may come last.
    pub fn apply(&mut self, event: StreamEvent, now: Timestamp) -> bool {
        if let StreamEvent::Exchanged(exchange) = event {
            self.exchange = Some(exchange);
            return true;
        }
        if self.status.is_ended() {
            return false;
        }
        match event {
            StreamEvent::Attempt { number } => {
                self.attempts = number;
                self.sent = Some(now);
                self.status = RunStatus::Connecting;
            }
            StreamEvent::Retrying { fault, delay_ms } => {
                let until = Timestamp(now.0 + Duration::from_millis(delay_ms));
                let (number, after) = (self.attempts, now.since(self.started));
                self.failed_attempts.push(FailedAttempt { number, after, fault: fault.clone(), delay_ms });
                self.status = RunStatus::Waiting { fault, until };
            }
            StreamEvent::Opened { model, request_id } => {
                self.model_reported = model.or(self.model_reported.take());
                self.request_id = request_id.or(self.request_id.take());
            }
            StreamEvent::Delta { text, tokens } => self.append(text, tokens, now),
            StreamEvent::Reasoning { text } => {
                self.arrived(now);
                self.reasoning.push_str(&text);
            }
            StreamEvent::Usage(usage) => self.usage = Some(usage),
            StreamEvent::Exchanged(_) | StreamEvent::Limits(_) => return false,
            StreamEvent::Finished(reason) => self.end(RunStatus::Done(reason), now),
            StreamEvent::Failed(fault) => self.end(RunStatus::Failed(fault), now),
        }
        true
    }

    /// Ends the run at the user's wish; the text stays. Returns whether it was still going on.
    pub fn cancel(&mut self, now: Timestamp) -> bool {
        if self.status.is_ended() {
            return false;
        }
        self.end(RunStatus::Cancelled, now);
        true
    }

    fn end(&mut self, status: RunStatus, now: Timestamp) {
        self.last = Some(now);
        self.status = status;
        if let Some(branch) = &mut self.branch {
            let (text, tokens) = self.intake.finish(branch);
            self.extend(&text, tokens);
        }
        self.alignment.advance(&self.tokens, &self.text, true);
    }

    fn arrived(&mut self, now: Timestamp) {
        self.status = RunStatus::Streaming;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    fn append(&mut self, text: String, tokens: Vec<Token>, now: Timestamp) {
        if text.is_empty() && tokens.is_empty() {
            return;
        }
        self.arrived(now);
        self.deltas += 1;
        self.received += tokens.len() as u64;
        let (text, tokens) = match &mut self.branch {
            Some(branch) => self.intake.take(branch, text, tokens),
            None => (text, tokens),
        };
        self.extend(&text, tokens);
    }

    /// Adds to the answer.
    fn extend(&mut self, text: &str, tokens: Vec<Token>) {
        self.text.push_str(text);
        for token in tokens {
            self.tally.add(token.logprob);
            self.tokens.push(token);
        }
        self.alignment.advance(&self.tokens, &self.text, false);
    }

    /// Returns where the tokens stand in the text, and where they do not match it.
    #[must_use]
    pub fn alignment(&self) -> &Alignment {
        &self.alignment
    }

    /// Returns the range of the answer's bytes that a token covers. A token that holds part of a
    /// character covers part of its bytes.
    #[must_use]
    pub fn span(&self, token: usize) -> Range<usize> {
        self.alignment.span(token, &self.text)
    }

    /// Returns the index of the token that covers a byte of the answer.
    #[must_use]
    pub fn token_at(&self, byte: usize) -> Option<usize> {
        self.alignment.token_at(byte, &self.text)
    }

    /// Whether the tokens' bytes, concatenated, are the answer's text.
    #[must_use]
    pub fn is_aligned(&self) -> bool {
        self.alignment.is_whole(&self.text)
    }

    /// Returns the joint logprob of a path, the tokens of this range; `None` unless all have one.
    #[must_use]
    pub fn joint_logprob(&self, tokens: Range<usize>) -> Option<f64> {
        joint_logprob(self.tokens.get(tokens)?)
    }

    /// Returns the running sums over the tokens' logprobs.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Whether the server reported logprobs for this answer.
    #[must_use]
    pub fn has_logprobs(&self) -> bool {
        self.tally.count() > 0
    }

    /// Returns the number of tokens the server put out for this run: the provider's where it said, else
    /// the best estimate; `None` before anything arrived. What a branch was given is not among them.
    #[must_use]
    pub fn output_tokens(&self) -> Option<Count> {
        if let Some(usage) = self.usage {
            return Some(Count::Exact(usage.output_tokens));
        }
        if let Some(tokens) = self.estimated_output_tokens {
            let given = self.branch.map_or(0, |branch| match branch.means {
                Means::Exact | Means::Prefill => branch.inherited as u64,
                Means::Asked => 0,
            });
            return Some(Count::Estimate(tokens.saturating_sub(given)));
        }
        let seen = if self.received == 0 { self.deltas } else { self.received };
        (seen > 0).then_some(Count::Estimate(seen))
    }

    /// Whether a request was sent for it; an answer from a file was not.
    #[must_use]
    pub fn sent(&self) -> bool {
        self.sent.is_some()
    }

    /// Returns the time from sending the last attempt to the first delta, in milliseconds.
    #[must_use]
    pub fn first_token_ms(&self) -> Option<f64> {
        Some(millis(self.first?.since(self.sent?)))
    }

    /// Returns the time from creating the run to its last event, in milliseconds.
    #[must_use]
    pub fn total_ms(&self) -> Option<f64> {
        Some(millis(self.last?.since(self.started)))
    }

    /// Returns the time since the run was created, in milliseconds, while it goes on.
    #[must_use]
    pub fn elapsed_ms(&self, now: Timestamp) -> f64 {
        millis(now.since(self.started))
    }

    /// Returns output tokens per second after the first token; `None` for fewer than two tokens or
    /// when everything came at once.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn tokens_per_s(&self) -> Option<f64> {
        let seconds = self.last?.since(self.first?).as_secs_f64();
        let tokens = self.output_tokens()?.tokens();
        (tokens > 1 && seconds > 0.0).then(|| (tokens - 1) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::FaultKind;
    use crate::core::request::Sampling;
    use crate::core::token::Piece;
    use proptest::prelude::*;

    fn run() -> Run {
        let request = Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        };
        Run::new(RunId(1), Arc::new(request), Timestamp::default())
    }

    fn token(text: &str, logprob: f64) -> Token {
        Token { piece: Piece::new(text, None), logprob: Some(logprob), candidates: Box::new([]), id: None }
    }

    fn delta(text: &str) -> StreamEvent {
        StreamEvent::Delta { text: text.into(), tokens: vec![token(text, -1.0)] }
    }

    #[test]
    fn a_run_times_its_first_token_from_the_last_attempt() {
        let mut run = run();
        run.apply(StreamEvent::Attempt { number: 1 }, Timestamp::from_millis(10));
        let fault = Fault::new(FaultKind::Server, "busy");
        run.apply(StreamEvent::Retrying { fault, delay_ms: 90 }, Timestamp::from_millis(10));
        run.apply(StreamEvent::Attempt { number: 2 }, Timestamp::from_millis(100));
        run.apply(delta("a"), Timestamp::from_millis(150));
        run.apply(delta("b"), Timestamp::from_millis(250));
        run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::from_millis(250));
        assert_eq!(run.first_token_ms(), Some(50.0));
        assert_eq!(run.total_ms(), Some(250.0));
        assert_eq!(run.tokens_per_s(), Some(10.0));
        assert_eq!(run.attempts, 2);
        let failed = &run.failed_attempts[0];
        assert_eq!((failed.number, failed.after, failed.delay_ms), (1, Duration::from_millis(10), 90));
    }

    #[test]
    fn a_kept_run_has_the_figures_it_had() {
        let mut run = run();
        run.apply(StreamEvent::Attempt { number: 1 }, Timestamp::from_millis(3));
        run.apply(delta("가"), Timestamp::from_millis(50));
        run.apply(delta("bc"), Timestamp::from_millis(250));
        run.apply(StreamEvent::Finished(FinishReason::Length), Timestamp::from_millis(260));
        let kept = |tokens: Vec<Token>| {
            let record = Recorded {
                text: run.text.clone(),
                reasoning: String::new(),
                tokens,
                usage: None,
                model: None,
                status: run.status.clone(),
            };
            let mut kept = Run::kept(run.id, Arc::clone(&run.request), record, *run.tally(), run.stages());
            kept.estimated_output_tokens = run.output_tokens().map(Count::tokens);
            kept
        };
        let (whole, summary) = (kept(run.tokens.clone()), kept(Vec::new()));
        assert_eq!((&whole.tokens, whole.span(1)), (&run.tokens, run.span(1)));
        for kept in [whole, summary] {
            assert_eq!((kept.first_token_ms(), kept.total_ms()), (run.first_token_ms(), run.total_ms()));
            assert_eq!((kept.tokens_per_s(), kept.tally()), (run.tokens_per_s(), run.tally()));
            assert_eq!((kept.text, kept.status), (run.text.clone(), run.status.clone()));
        }
    }

    #[test]
    fn an_ended_run_ignores_what_comes_late() {
        let endings = [
            StreamEvent::Finished(FinishReason::Stop),
            StreamEvent::Failed(Fault::new(FaultKind::Cut, "cut")),
        ];
        for ending in endings {
            let mut run = run();
            run.apply(delta("a"), Timestamp::from_millis(1));
            run.apply(ending, Timestamp::from_millis(2));
            let before = run.clone();
            assert!(!run.apply(delta("late"), Timestamp::from_millis(3)));
            assert!(!run.cancel(Timestamp::from_millis(3)));
            assert_eq!(run, before);
        }
    }

    #[test]
    fn cancelling_keeps_the_text() {
        let mut run = run();
        run.apply(delta("kept"), Timestamp::from_millis(1));
        assert!(run.cancel(Timestamp::from_millis(2)));
        assert_eq!((run.text.as_str(), &run.status), ("kept", &RunStatus::Cancelled));
    }

    #[test]
    fn spans_follow_the_bytes() {
        let mut run = run();
        run.apply(delta("가"), Timestamp::from_millis(1));
        run.apply(delta("bc"), Timestamp::from_millis(1));
        assert_eq!((run.span(0), run.span(1)), (0..3, 3..5));
        assert_eq!((run.token_at(2), run.token_at(3), run.token_at(5)), (Some(0), Some(1), None));
        assert!(run.is_aligned());
    }

    proptest! {
        /// The folded text, tokens and sums do not depend on how the stream was cut into deltas.
        #[test]
        fn folding_is_insensitive_to_chunks(
            pieces in prop::collection::vec(("\\PC{1,4}", -5.0f64..0.0), 1..20),
            cuts in prop::collection::vec(1usize..5, 1..20),
        ) {
            let tokens: Vec<Token> = pieces.iter().map(|(text, logprob)| token(text, *logprob)).collect();
            let mut whole = run();
            for token in &tokens {
                let text = token.piece.text().to_owned();
                whole.apply(StreamEvent::Delta { text, tokens: vec![token.clone()] }, Timestamp::from_millis(1));
            }
            let mut cut = run();
            let (mut at, mut cuts) = (0, cuts.into_iter().cycle());
            while at < tokens.len() {
                let end = (at + cuts.next().unwrap_or(1)).min(tokens.len());
                let part = tokens[at..end].to_vec();
                let text: String = part.iter().map(|token| token.piece.text()).collect();
                cut.apply(StreamEvent::Delta { text: text.clone(), tokens: Vec::new() }, Timestamp::from_millis(1));
                cut.apply(StreamEvent::Delta { text: String::new(), tokens: part }, Timestamp::from_millis(1));
                at = end;
            }
            prop_assert_eq!(&whole.text, &cut.text);
            prop_assert_eq!(&whole.tokens, &cut.tokens);
            prop_assert_eq!(whole.tally(), cut.tally());
            prop_assert!(cut.is_aligned());
        }
    }
}
