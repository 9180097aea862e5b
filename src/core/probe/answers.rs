//! The outcomes so far, and the question that follows from them.
//!
//! Owns the order and the end of a probe. An answer that could not be kept short ends it, and so does
//! a failure that asking on would only repeat.

use super::question::{FEW, MOST, Question};
use crate::core::fault::{Fault, FaultKind};
use crate::core::run::{Run, RunStatus};
use crate::core::token::Token;

/// Failures in a row after which nothing more is asked.
const GIVE_UP: usize = 3;

/// How many times the limit an answer may have before the limit counts as ignored: servers with a
/// least length of their own round it up.
const SLACK: u64 = 2;

/// What is kept of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// Its text.
    pub text: String,
    /// Its tokens, where the server reports them.
    pub tokens: Vec<Token>,
    /// Its tokens as billed, or as they came; 0 where neither is known.
    pub output_tokens: u64,
    /// Whether it was longer than any answer may be, and the connection was closed.
    pub is_endless: bool,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Answered(Reply),
    /// The server did not take the request.
    Refused(Fault),
    /// Something else went wrong.
    Failed(Fault),
}

impl Outcome {
    /// Returns what became of a run that has ended; one that was broken off was endless.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        match &run.status {
            RunStatus::Failed(fault) if fault.kind == FaultKind::Refused => Self::Refused(fault.clone()),
            RunStatus::Failed(fault) => Self::Failed(fault.clone()),
            RunStatus::Done(_)
            | RunStatus::Queued
            | RunStatus::Connecting
            | RunStatus::Waiting { .. }
            | RunStatus::Streaming
            | RunStatus::Cancelled => Self::Answered(Reply {
                text: run.text.clone(),
                tokens: run.tokens.clone(),
                output_tokens: run.output_tokens().map_or(0, crate::core::run::Count::tokens),
                is_endless: !matches!(run.status, RunStatus::Done(_)),
            }),
        }
    }
}

/// A way to ask for logprobs that is answered with some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) question: Question,
    pub(super) asked: u8,
    pub(super) is_quiet: bool,
}

/// The ways, the best first.
const WAYS: [Way; 4] = [
    Way { question: Question::Candidates, asked: MOST, is_quiet: false },
    Way { question: Question::FewCandidates, asked: FEW, is_quiet: false },
    Way { question: Question::QuietCandidates, asked: MOST, is_quiet: true },
    Way { question: Question::QuietFewCandidates, asked: FEW, is_quiet: true },
];

/// The outcomes of a probe, in the order of its questions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    outcomes: Vec<(Question, Outcome)>,
}

impl Answers {
    /// Returns the next question; `None` when all is known that can be.
    #[must_use]
    pub fn next(&self) -> Option<Question> {
        if self.stopped_by().is_some() {
            return None;
        }
        let after = match self.outcomes.last() {
            Some((last, _)) => Question::ALL.iter().position(|question| question == last)? + 1,
            None => 0,
        };
        Question::ALL[after..].iter().copied().find(|question| self.is_needed(*question))
    }

    /// Takes the outcome of a question.
    pub fn take(&mut self, question: Question, outcome: Outcome) {
        self.outcomes.push((question, outcome));
    }

    /// Returns the number of requests that were sent.
    #[must_use]
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether nothing was asked yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Returns the tokens that were answered.
    #[must_use]
    pub fn output_tokens(&self) -> u64 {
        let replies = self.outcomes.iter().map(|(_, outcome)| match outcome {
            Outcome::Answered(reply) => reply.output_tokens,
            Outcome::Refused(_) | Outcome::Failed(_) => 0,
        });
        replies.sum()
    }

    /// Returns the outcome of a question that was asked.
    #[must_use]
    pub fn of(&self, question: Question) -> Option<&Outcome> {
        self.outcomes.iter().find(|(asked, _)| *asked == question).map(|(_, outcome)| outcome)
    }

    /// Returns the answer to a question, where it was answered.
    #[must_use]
    pub fn reply(&self, question: Question) -> Option<&Reply> {
        match self.of(question)? {
            Outcome::Answered(reply) => Some(reply),
            Outcome::Refused(_) | Outcome::Failed(_) => None,
        }
    }

    /// Returns the fault because of which nothing was found out at all: no request was answered.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        let is_answered = |(_, outcome): &(Question, Outcome)| matches!(outcome, Outcome::Answered(_));
        if self.outcomes.iter().any(is_answered) {
            return None;
        }
        self.outcomes.iter().rev().find_map(|(_, outcome)| match outcome {
            Outcome::Refused(fault) | Outcome::Failed(fault) => Some(fault),
            Outcome::Answered(_) => None,
        })
    }

    /// Returns why nothing more is asked, where that is not because all is known.
    #[must_use]
    pub fn stopped_by(&self) -> Option<String> {
        let failed = |(_, outcome): &(Question, Outcome)| match outcome {
            Outcome::Failed(fault) => Some(fault.clone()),
            Outcome::Answered(_) | Outcome::Refused(_) => None,
        };
        let row: Vec<Fault> = self.outcomes.iter().rev().map_while(failed).collect();
        if let Some(last) = row.first() {
            let is_final = matches!(
                last.kind,
                FaultKind::Unauthorized | FaultKind::NotFound | FaultKind::Quota | FaultKind::Local
            );
            if is_final || row.len() >= GIVE_UP {
                return Some(last.to_string());
            }
        }
        let limits = [Question::CompletionLimit, Question::LegacyLimit];
        let both_known = limits.iter().all(|question| self.of(*question).is_some());
        (both_known && self.limit_name().is_none())
            .then(|| "no name of the output limit works, so answers could not be kept short".to_owned())
    }

    /// Whether the server answered at more length than the limit of a question allows.
    pub(super) fn is_limit_ignored(&self, question: Question) -> bool {
        self.reply(question).is_some_and(|reply| {
            reply.is_endless || reply.output_tokens > SLACK * u64::from(question.limit())
        })
    }

    /// Returns the name under which the output limit works.
    pub(super) fn limit_name(&self) -> Option<&'static str> {
        let works = |question| self.reply(question).is_some() && !self.is_limit_ignored(question);
        if works(Question::CompletionLimit) {
            Some("max_completion_tokens")
        } else if works(Question::LegacyLimit) {
            Some("max_tokens")
        } else {
            None
        }
    }

    /// Returns the best way to ask for logprobs, among those that gave some.
    pub(super) fn way_to_logprobs(&self) -> Option<Way> {
        let gives = |way: &Way| {
            self.reply(way.question)
                .is_some_and(|reply| reply.tokens.iter().any(|token| token.logprob.is_some()))
        };
        WAYS.into_iter().find(gives)
    }

    /// Whether a temperature was taken.
    pub(super) fn takes_temperature(&self) -> bool {
        self.reply(Question::Cool).is_some()
    }

    fn is_refused(&self, question: Question) -> bool {
        matches!(self.of(question), Some(Outcome::Refused(_)))
    }

    fn is_needed(&self, question: Question) -> bool {
        let is_answered = |question| self.reply(question).is_some();
        match question {
            Question::FewCandidates => self.is_refused(Question::Candidates),
            Question::QuietCandidates => {
                self.is_refused(Question::FewCandidates) && is_answered(Question::NoReasoning)
            }
            Question::QuietFewCandidates => self.is_refused(Question::QuietCandidates),
            Question::Hot => is_answered(Question::Cool) && self.way_to_logprobs().is_some(),
            Question::Warm => self.is_refused(Question::Hot),
            Question::SeedAgain | Question::OtherSeed => is_answered(Question::Seed),
            // Two seeds may give the same answer by chance.
            Question::ThirdSeed => {
                let text = |question| self.reply(question).map(|reply| &reply.text);
                let first = text(Question::Seed);
                first.is_some() && first == text(Question::SeedAgain) && first == text(Question::OtherSeed)
            }
            Question::CompletionLimit
            | Question::LegacyLimit
            | Question::NoReasoning
            | Question::Candidates
            | Question::Cool
            | Question::TopP
            | Question::Stop
            | Question::Penalties
            | Question::LogitBias
            | Question::JsonObject
            | Question::JsonSchema
            | Question::Seed
            | Question::PrefillFlagged
            | Question::PrefillPlain => true,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};
    use proptest::prelude::*;

    /// Returns a token with these candidates, the first of which was chosen.
    pub(in super::super) fn token(candidates: &[(&str, f64)]) -> Token {
        let candidate = |(text, logprob): &(&str, f64)| Candidate {
            piece: Piece::new(*text, Some(text.as_bytes().to_vec())),
            logprob: Some(*logprob),
            id: None,
        };
        let all: Box<[Candidate]> = candidates.iter().map(candidate).collect();
        Token { piece: all[0].piece.clone(), logprob: all[0].logprob, candidates: all, id: None }
    }

    pub(in super::super) fn reply(text: &str, tokens: Vec<Token>) -> Outcome {
        let output_tokens = tokens.len().max(1) as u64;
        Outcome::Answered(Reply { text: text.to_owned(), tokens, output_tokens, is_endless: false })
    }

    pub(in super::super) fn refused(param: Option<&str>, said: &str) -> Outcome {
        let mut fault = Fault::new(FaultKind::Refused, format!("Model m at endpoint e refuses it: {said}"));
        fault.param = param.map(str::to_owned);
        Outcome::Refused(fault)
    }

    /// Asks until nothing is left to ask; `answer` plays the server.
    pub(in super::super) fn ask(mut answer: impl FnMut(Question) -> Outcome) -> Answers {
        let mut answers = Answers::default();
        while let Some(question) = answers.next() {
            answers.take(question, answer(question));
        }
        answers
    }

    fn failed(kind: FaultKind) -> Outcome {
        Outcome::Failed(Fault::new(kind, "no"))
    }

    #[test]
    fn a_server_that_takes_everything_is_asked_what_is_needed_only() {
        let answers =
            ask(|question| reply(&format!("{question:?}"), vec![token(&[("a", -1.0), ("b", -2.0)])]));
        let asked: Vec<Question> = answers.outcomes.iter().map(|(question, _)| *question).collect();
        for skipped in [
            Question::FewCandidates,
            Question::QuietCandidates,
            Question::QuietFewCandidates,
            Question::Warm,
            Question::ThirdSeed,
        ] {
            assert!(!asked.contains(&skipped), "{skipped:?}");
        }
        assert_eq!(asked.len(), Question::ALL.len() - 5);
        assert_eq!(answers.stopped_by(), None);
    }

    #[test]
    fn a_key_that_does_not_open_ends_it_at_once() {
        let answers = ask(|_| failed(FaultKind::Unauthorized));
        assert_eq!(answers.len(), 1);
        assert_eq!(answers.fault().map(|fault| fault.kind), Some(FaultKind::Unauthorized));
    }

    #[test]
    fn a_server_that_keeps_failing_is_left_alone() {
        let answers = ask(|question| {
            if question == Question::CompletionLimit {
                reply("1 2", Vec::new())
            } else {
                failed(FaultKind::Server)
            }
        });
        assert_eq!(answers.len(), 1 + GIVE_UP);
        assert_eq!(answers.fault(), None);
        assert_eq!(answers.stopped_by().as_deref(), Some("no"));
    }

    #[test]
    fn answers_that_cannot_be_kept_short_end_it() {
        let endless = || Outcome::Answered(Reply { text: "1".into(), is_endless: true, ..Reply::default() });
        let answers = ask(|_| endless());
        assert_eq!(answers.len(), 2);
        assert!(answers.stopped_by().unwrap().contains("kept short"));
        // One name that works is enough.
        let answers =
            ask(
                |question| {
                    if question == Question::CompletionLimit { endless() } else { reply("1", Vec::new()) }
                },
            );
        assert_eq!(answers.limit_name(), Some("max_tokens"));
        assert!(answers.len() > 10);
    }

    #[test]
    fn fewer_candidates_are_asked_for_where_twenty_are_too_many() {
        let refusing = [Question::Candidates, Question::FewCandidates, Question::QuietCandidates];
        let answers = ask(|question| {
            if refusing.contains(&question) {
                refused(Some("top_logprobs"), "at most 5")
            } else {
                reply("x", vec![token(&[("a", -1.0), ("b", -2.0)])])
            }
        });
        let way = answers.way_to_logprobs().unwrap();
        assert_eq!((way.asked, way.is_quiet), (5, true));
        let hot = Question::Hot.request(&super::super::Subject::new("e", "m", ""), &answers);
        assert_eq!(hot.sampling.top_logprobs, Some(5));
        assert_eq!(hot.sampling.extra["reasoning_effort"], "none");
        assert_eq!(hot.sampling.extra["max_completion_tokens"], 4);
    }

    proptest! {
        /// Whatever a server does, a probe ends, and asks nothing twice.
        #[test]
        fn every_probe_ends(kinds in prop::collection::vec(0u8..5, 22)) {
            let mut kinds = kinds.into_iter();
            let mut asked = Vec::new();
            let answers = ask(|question| {
                asked.push(question);
                match kinds.next().unwrap_or(0) {
                    0 => reply("same", vec![token(&[("a", -1.0)])]),
                    1 => reply(&format!("{question:?}"), Vec::new()),
                    2 => refused(None, "no"),
                    3 => failed(FaultKind::Server),
                    _ => Outcome::Answered(Reply { output_tokens: 100, ..Reply::default() }),
                }
            });
            prop_assert!(asked.is_sorted_by_key(|question| Question::ALL.iter().position(|q| q == question)));
            asked.dedup();
            prop_assert_eq!(asked.len(), answers.len());
        }
    }
}
