//! Branches: answers that go on from another candidate of another answer's token.
//!
//! Owns the beginning of such an answer: what is sent of it, what is shown of it, and how what the
//! server says is compared with it. Never lets the beginning stand where the server said something
//! else: an answer that parts from it shows what was said.
//!
//! ```text
//! exact    the beginning stands, new tokens follow it (the first may complete a character)
//! prefill  the same; a server that repeats the beginning is heard once
//! ≈ asked  nothing stands before it is said ── all said ──► kept
//!                                           └─ differs ───► parted
//! ```
//!
//! Invariant: text and tokens of a branch only ever grow, like those of any other answer.

use crate::core::fault::{Fault, FaultKind};
use crate::core::id::RunId;
use crate::core::request::{Continuation, Means};
use crate::core::run::Run;
use crate::core::token::{Candidate, Token};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Shortest beginning, in bytes, whose repetition is taken for one. A shorter one may be what the
/// model goes on with: "ha" after "ha".
const SHORTEST_REPETITION: usize = 16;

/// Whether the answer begins as it was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// There is nothing to verify: the server was given the beginning.
    Given,
    /// So many bytes of the beginning were said, and all as asked.
    Checking {
        /// Bytes said.
        bytes: usize,
    },
    /// The server said the whole beginning.
    Kept,
    /// The server said something else from here on.
    Parted {
        /// Byte of the beginning.
        byte: usize,
        /// Index of the beginning's token that holds the byte.
        token: usize,
    },
}

/// How an answer hangs on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// The answer it goes on from.
    pub parent: RunId,
    /// Index of the token in whose place the candidate stands; the tokens before it are the parent's.
    pub at: usize,
    /// How the server is made to go on.
    pub means: Means,
    /// Whether it did.
    pub verification: Verification,
    /// How many of the answer's tokens are the beginning's and not of this run.
    pub inherited: usize,
}

impl Branch {
    /// Returns the badge shown beside the answer: `exact`, `prefill`, `≈ asked`, `parted at 37`.
    #[must_use]
    pub fn badge(&self) -> String {
        match self.verification {
            Verification::Parted { token, .. } => format!("parted at {token}"),
            Verification::Given | Verification::Checking { .. } | Verification::Kept => {
                self.means.badge().to_owned()
            }
        }
    }
}

impl Continuation {
    /// Returns how to go on from `candidate` in the place of the parent's token `at`, by these means or
    /// the surest ones that are left.
    ///
    /// Exact means need the number of every token, and none left out by the server; where that cannot
    /// be shown, the beginning is given as text.
    ///
    /// # Errors
    /// Says why nothing can follow this candidate.
    pub fn new(parent: &Run, at: usize, candidate: &Candidate, means: Means) -> Result<Self, Fault> {
        let refuse = |message: &str, remedy: &str| {
            Err(Fault::new(FaultKind::Local, message.to_owned()).remedy(remedy.to_owned()))
        };
        let Some(token) = parent.tokens.get(at) else {
            return refuse("There is no such token to branch from", "");
        };
        let bytes = candidate.piece.bytes();
        if bytes.is_empty() || bytes == "\u{fffd}".as_bytes() {
            return refuse(
                "The server reported no text for this candidate, so nothing can follow it",
                "Choose another candidate",
            );
        }
        if token.stands_for_more() {
            return refuse(
                "The server left out the first pieces of this character, so its candidates follow nothing known",
                "Branch from the token before it",
            );
        }
        let tokens = if means == Means::Exact { numbers(parent, at, candidate) } else { None };
        let beginning = beginning(parent, at, candidate);
        let (prefix, rest) = whole_characters(&beginning);
        if tokens.is_none() && !rest.is_empty() {
            return refuse(
                "This candidate is a part of a character, which cannot be sent as text",
                "Choose a candidate that is a whole character, or an endpoint that takes token numbers",
            );
        }
        let means = if tokens.is_none() { means.max(Means::Prefill) } else { means };
        Ok(Self { prefix: prefix.into(), tokens: tokens.unwrap_or_default().into(), means })
    }
}

/// Returns the bytes of the text before the token, and the candidate's.
fn beginning(parent: &Run, at: usize, candidate: &Candidate) -> Vec<u8> {
    let kept = &parent.text.as_bytes()[..parent.span(at).start];
    [kept, candidate.piece.bytes()].concat()
}

/// Returns the beginning's whole characters, and the bytes of one that is not whole.
fn whole_characters(bytes: &[u8]) -> (String, &[u8]) {
    let cut = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Ok(_) | Err(_) => bytes.len(),
    };
    (String::from_utf8_lossy(&bytes[..cut]).into_owned(), &bytes[cut..])
}

/// Returns the numbers of the beginning's tokens, if they are surely all there.
fn numbers(parent: &Run, at: usize, candidate: &Candidate) -> Option<Vec<u32>> {
    let is_text_exact = parent.alignment().mismatches().iter().all(|mismatch| mismatch.tokens.start >= at);
    if !parent.reasoning.is_empty() || !is_text_exact {
        return None;
    }
    // Text is held back before a possible stop text, and its tokens with it.
    let may_hold_back = !parent.request.sampling.stop.is_empty();
    let is_single = |token: &Token| match token.candidates.iter().find(|own| own.id == token.id) {
        Some(own) => own.piece.bytes() == token.piece.bytes(),
        None => !may_hold_back && token.piece.bytes().is_ascii(),
    };
    let kept = parent.tokens[..at].iter().map(|token| token.id.filter(|_| is_single(token)));
    kept.chain([candidate.id]).collect()
}

/// What is made of the server's words before they are appended.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Intake {
    /// They are appended as they are.
    #[default]
    Plain,
    /// They complete a character of which these bytes stand at the end of the beginning.
    Torn(Vec<u8>),
    /// They may be the beginning once more.
    Held(Held),
    /// They are to be the beginning.
    Asked(Asked),
}

/// Words of a server that may be repeating the beginning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    prefix: Box<str>,
    text: String,
    tokens: Vec<Token>,
    /// Bytes of repeated tokens still to come, once the text was repeated.
    skip: Option<usize>,
}

/// The beginning that was asked for, and how much of it was said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    prefix: Box<str>,
    /// The beginning's tokens that were not said yet; empty where they are not its text exactly.
    expected: VecDeque<Token>,
    /// Ends of the beginning's tokens.
    ends: Vec<usize>,
    /// Tokens said since the last place where the server's and the beginning's both end.
    pending: Vec<Token>,
    /// Bytes of the tokens said so far; `None` once they differ.
    said: Option<usize>,
    /// End of the beginning's tokens that were taken over.
    taken: usize,
}

impl Intake {
    /// Returns the text and tokens to append for what the server sent.
    pub(crate) fn take(
        &mut self,
        branch: &mut Branch,
        text: String,
        tokens: Vec<Token>,
    ) -> (String, Vec<Token>) {
        match self {
            Self::Plain => (text, tokens),
            Self::Torn(torn) => {
                let (text, torn) = completed(torn, text, &tokens);
                *self = if torn.is_empty() { Self::Plain } else { Self::Torn(torn) };
                (text, tokens)
            }
            Self::Held(held) => {
                let (out, is_over) = held.take(&text, tokens);
                if is_over {
                    *self = Self::Plain;
                }
                out
            }
            Self::Asked(asked) => {
                branch.verification = asked.compare(branch.verification, &text);
                let mut out = Vec::new();
                for token in tokens {
                    asked.say(token, &mut out, &mut branch.inherited);
                }
                (text, out)
            }
        }
    }

    /// Returns what is left to append when nothing more can come.
    pub(crate) fn finish(&mut self, branch: &mut Branch) -> (String, Vec<Token>) {
        match std::mem::take(self) {
            Self::Plain => (String::new(), Vec::new()),
            Self::Torn(_) => (char::REPLACEMENT_CHARACTER.to_string(), Vec::new()),
            Self::Held(held) => (held.text, held.tokens),
            Self::Asked(asked) => {
                if let Verification::Checking { bytes } = branch.verification {
                    branch.verification = asked.parted(bytes);
                }
                (String::new(), asked.pending)
            }
        }
    }
}

/// Returns the text once a character that was begun goes on, and the bytes that still wait.
///
/// The server's text has U+FFFD there, as it knows of no beginning; its tokens have the bytes.
fn completed(torn: &[u8], text: String, tokens: &[Token]) -> (String, Vec<u8>) {
    if text.is_empty() && tokens.is_empty() {
        return (text, torn.to_vec());
    }
    if tokens.is_empty() {
        let rest = text.trim_start_matches(char::REPLACEMENT_CHARACTER);
        return (format!("{}{rest}", char::REPLACEMENT_CHARACTER), Vec::new());
    }
    let mut bytes = torn.to_vec();
    bytes.extend(tokens.iter().flat_map(|token| token.piece.bytes()));
    let (text, torn) = whole_characters(&bytes);
    (text, torn.to_vec())
}

impl Held {
    /// Returns what to append, and whether that is over.
    fn take(&mut self, text: &str, tokens: Vec<Token>) -> ((String, Vec<Token>), bool) {
        self.text.push_str(text);
        self.tokens.extend(tokens);
        if self.skip.is_none() {
            if let Some(rest) = self.text.strip_prefix(&*self.prefix) {
                self.text = rest.to_owned();
                self.skip = Some(self.prefix.len());
            } else if self.prefix.starts_with(&self.text) {
                return ((String::new(), Vec::new()), false);
            } else {
                return ((std::mem::take(&mut self.text), std::mem::take(&mut self.tokens)), true);
            }
        }
        let skip = self.skip.get_or_insert(0);
        let repeated = self
            .tokens
            .iter()
            .take_while(|token| match skip.checked_sub(token.piece.bytes().len()) {
                Some(left) if *skip > 0 => {
                    *skip = left;
                    true
                }
                Some(_) | None => false,
            })
            .count();
        let is_over = *skip == 0 || repeated < self.tokens.len();
        let tokens = self.tokens.split_off(repeated);
        self.tokens.clear();
        ((std::mem::take(&mut self.text), tokens), is_over)
    }
}

impl Asked {
    /// Compares further text with the beginning.
    fn compare(&self, so_far: Verification, text: &str) -> Verification {
        let Verification::Checking { bytes } = so_far else { return so_far };
        let left = &self.prefix.as_bytes()[bytes..];
        let same = left.iter().zip(text.as_bytes()).take_while(|(a, b)| a == b).count();
        if same == left.len() {
            Verification::Kept
        } else if same == text.len() {
            Verification::Checking { bytes: bytes + same }
        } else {
            self.parted(bytes + same)
        }
    }

    fn parted(&self, byte: usize) -> Verification {
        let byte = (0..=byte).rev().find(|byte| self.prefix.is_char_boundary(*byte)).unwrap_or(0);
        let token = self.ends.partition_point(|end| *end <= byte);
        Verification::Parted { byte, token }
    }

    /// Takes a token the server said: the beginning's own stand for it where both end together, with
    /// the probabilities they had there; the server's where they do not.
    fn say(&mut self, token: Token, out: &mut Vec<Token>, inherited: &mut usize) {
        let bytes = token.piece.bytes();
        let said = self.said.filter(|said| *said < self.prefix.len());
        let goes_on = said.filter(|said| self.prefix.as_bytes()[*said..].starts_with(bytes));
        let Some(said) = goes_on.map(|said| said + bytes.len()) else {
            self.said = None;
            out.append(&mut self.pending);
            out.push(token);
            return;
        };
        self.said = Some(said);
        self.pending.push(token);
        if said > self.taken && !self.expected.is_empty() && self.ends.binary_search(&said).is_ok() {
            self.pending.clear();
            while self.taken < said
                && let Some(own) = self.expected.pop_front()
            {
                self.taken += own.piece.bytes().len();
                *inherited += 1;
                out.push(own);
            }
        }
        if said == self.prefix.len() {
            out.append(&mut self.pending);
        }
    }
}

/// How a branch begins.
pub(crate) struct Start {
    /// The branch.
    pub(crate) branch: Branch,
    /// The text that stands.
    pub(crate) text: String,
    /// The tokens that stand.
    pub(crate) tokens: Vec<Token>,
    /// What is made of what comes.
    pub(crate) intake: Intake,
}

impl Start {
    /// Returns the beginning of the answer that goes on from `candidate` in the place of the parent's
    /// token `at`.
    pub(crate) fn new(parent: &Run, at: usize, candidate: &Candidate, means: Means) -> Self {
        let at = at.min(parent.tokens.len());
        let beginning = beginning(parent, at, candidate);
        let (text, torn) = whole_characters(&beginning);
        let replaced = parent.tokens.get(at);
        let chosen = Token {
            piece: candidate.piece.clone(),
            logprob: candidate.logprob,
            candidates: replaced.map(|token| token.candidates.clone()).unwrap_or_default(),
            id: candidate.id,
        };
        let mut tokens = parent.tokens[..at].to_vec();
        tokens.push(chosen);
        let mut branch = Branch {
            parent: parent.id,
            at,
            means,
            verification: Verification::Given,
            inherited: tokens.len(),
        };
        let prefix: Box<str> = text.as_str().into();
        let intake = match means {
            Means::Exact if !torn.is_empty() => Intake::Torn(torn.to_vec()),
            Means::Prefill if prefix.len() >= SHORTEST_REPETITION => {
                Intake::Held(Held { prefix, text: String::new(), tokens: Vec::new(), skip: None })
            }
            Means::Exact | Means::Prefill => Intake::Plain,
            Means::Asked => {
                branch.verification = Verification::Checking { bytes: 0 };
                branch.inherited = 0;
                let spans = (0..at).map(|token| parent.span(token).end);
                let ends: Vec<usize> = spans.chain([beginning.len()]).collect();
                let joined = tokens.iter().flat_map(|token| token.piece.bytes());
                let is_exact = joined.eq(beginning.iter());
                let expected = if is_exact { std::mem::take(&mut tokens) } else { Vec::new() };
                let asked = Asked {
                    prefix,
                    expected: expected.into(),
                    ends,
                    pending: Vec::new(),
                    said: Some(0),
                    taken: 0,
                };
                return Self {
                    branch,
                    text: String::new(),
                    tokens: Vec::new(),
                    intake: Intake::Asked(asked),
                };
            }
        };
        Self { branch, text, tokens, intake }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Request, Sampling};
    use crate::core::run::Count;
    use crate::core::stream::{FinishReason, StreamEvent, Usage};
    use crate::core::time::Timestamp;
    use crate::core::token::Piece;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn token(bytes: &[u8], logprob: f64, id: u32) -> Token {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let piece = Piece::new(text, Some(bytes.to_vec()));
        let own = Candidate { piece: piece.clone(), logprob: Some(logprob), id: Some(id) };
        Token { piece, logprob: Some(logprob), candidates: Box::new([own]), id: Some(id) }
    }

    fn candidate(bytes: &[u8], id: u32) -> Candidate {
        let Token { piece, logprob, id, .. } = token(bytes, -2.0, id);
        Candidate { piece, logprob, id }
    }

    fn request() -> Request {
        Request {
            endpoint: "e".into(),
            model: "m".into(),
            messages: Vec::new(),
            sampling: Sampling::default(),
            continuation: None,
            stream: true,
        }
    }

    fn send(run: &mut Run, text: &str, tokens: Vec<Token>) {
        run.apply(StreamEvent::Delta { text: text.to_owned(), tokens }, Timestamp::from_millis(1));
    }

    fn finish(run: &mut Run) {
        run.apply(StreamEvent::Finished(FinishReason::Stop), Timestamp::from_millis(2));
    }

    fn parent() -> Run {
        let mut run = Run::new(RunId(1), Arc::new(request()), Timestamp::default());
        for (index, text) in ["Slowly", ",", " the", " panda", " eats"].into_iter().enumerate() {
            send(&mut run, text, vec![token(text.as_bytes(), -0.5, 10 + u32::try_from(index).unwrap())]);
        }
        finish(&mut run);
        run
    }

    /// Returns the branch at " panda" with this candidate.
    fn branch(parent: &Run, candidate: &Candidate, means: Means) -> Run {
        let continuation = Continuation::new(parent, 3, candidate, means).unwrap();
        let request = Request { continuation: Some(continuation), ..request() };
        Run::continued(RunId(2), Arc::new(request), parent, 3, candidate, Timestamp::default())
    }

    fn texts(run: &Run) -> Vec<&str> {
        run.tokens.iter().map(|token| token.piece.text()).collect()
    }

    #[test]
    fn exact_means_need_the_number_of_every_token() {
        let parent = parent();
        let bear = candidate(b" bear", 99);
        let exact = Continuation::new(&parent, 3, &bear, Means::Exact).unwrap();
        assert_eq!((&*exact.prefix, &*exact.tokens), ("Slowly, the bear", [10, 11, 12, 99].as_slice()));
        assert_eq!(exact.means, Means::Exact);
        let unnumbered = Candidate { id: None, ..bear.clone() };
        let mut thinking = parent.clone();
        thinking.reasoning.push_str("hm");
        let mut merged = parent.clone();
        merged.tokens[1].candidates[0].piece = Piece::new("other", None);
        for (parent, candidate) in [(&parent, &unnumbered), (&thinking, &bear), (&merged, &bear)] {
            let given = Continuation::new(parent, 3, candidate, Means::Exact).unwrap();
            assert_eq!((given.means, given.tokens.len()), (Means::Prefill, 0));
            assert_eq!(&*given.prefix, "Slowly, the bear");
        }
        assert_eq!(Continuation::new(&parent, 3, &bear, Means::Asked).unwrap().means, Means::Asked);
    }

    #[test]
    fn what_nothing_can_follow_is_refused_with_the_reason() {
        let parent = parent();
        for (at, candidate, means, told) in [
            (9, candidate(b" bear", 1), Means::Prefill, "no such token"),
            (3, candidate(b"", 1), Means::Exact, "no text"),
            (3, candidate("\u{fffd}".as_bytes(), 1), Means::Prefill, "no text"),
            (3, candidate(&[0xf0, 0x9f], 1), Means::Prefill, "part of a character"),
        ] {
            let fault = Continuation::new(&parent, at, &candidate, means).unwrap_err();
            assert!(fault.message.contains(told), "{fault}");
        }
        assert!(Continuation::new(&parent, 3, &candidate(&[0xf0, 0x9f], 1), Means::Exact).is_ok());
        let mut merged = parent.clone();
        merged.tokens[3].candidates[0].piece = Piece::new("", Some(vec![0x82]));
        let fault = Continuation::new(&merged, 3, &candidate(&[0x83], 1), Means::Exact).unwrap_err();
        assert_eq!(fault.remedy, "Branch from the token before it");
    }

    #[test]
    fn a_given_beginning_stands_and_only_what_follows_is_counted() {
        let parent = parent();
        let mut run = branch(&parent, &candidate(b" bear", 99), Means::Exact);
        assert_eq!((run.text.as_str(), run.output_tokens()), ("Slowly, the bear", None));
        run.apply(StreamEvent::Attempt { number: 1 }, Timestamp::default());
        send(&mut run, " sleeps", vec![token(b" sleeps", -1.0, 7)]);
        assert_eq!(run.text, "Slowly, the bear sleeps");
        assert_eq!(texts(&run), ["Slowly", ",", " the", " bear", " sleeps"]);
        assert_eq!(run.output_tokens(), Some(Count::Estimate(1)));
        assert_eq!(run.tokens_per_s(), None);
        assert_eq!(run.joint_logprob(0..5), Some(-0.5 * 3.0 - 2.0 - 1.0));
        assert_eq!(run.tally().count(), 5);
        run.estimated_output_tokens = Some(5);
        assert_eq!(run.output_tokens(), Some(Count::Estimate(1)));
        run.apply(StreamEvent::Usage(Usage { output_tokens: 3, ..Usage::default() }), Timestamp::default());
        assert_eq!(run.output_tokens(), Some(Count::Exact(3)));
        finish(&mut run);
        let branch = run.branch.unwrap();
        assert_eq!((branch.parent, branch.at, branch.inherited), (RunId(1), 3, 4));
        assert_eq!((branch.badge().as_str(), branch.verification), ("exact", Verification::Given));
        assert!(run.is_aligned());
    }

    #[test]
    fn a_candidate_that_is_part_of_a_character_is_completed() {
        let parent = parent();
        let emoji = " 🙂".as_bytes();
        let start = candidate(&emoji[..3], 50);
        for whole in [true, false] {
            let mut run = branch(&parent, &start, Means::Exact);
            assert_eq!(run.text, "Slowly, the ");
            let rest = vec![token(&emoji[3..4], -1.0, 51), token(&emoji[4..], -1.0, 52)];
            if whole {
                send(&mut run, "\u{fffd}\u{fffd}", rest);
            } else {
                for token in rest {
                    send(&mut run, "\u{fffd}", vec![token]);
                }
            }
            send(&mut run, "!", vec![token(b"!", -1.0, 53)]);
            finish(&mut run);
            assert_eq!(run.text, "Slowly, the 🙂!");
            assert!(run.is_aligned());
        }
        let mut silent = branch(&parent, &start, Means::Exact);
        send(&mut silent, "\u{fffd} so", vec![]);
        assert_eq!(silent.text, "Slowly, the \u{fffd} so");
        let mut ended = branch(&parent, &start, Means::Exact);
        finish(&mut ended);
        assert_eq!(ended.text, "Slowly, the \u{fffd}");
    }

    #[test]
    fn a_beginning_that_is_repeated_is_heard_once() {
        let parent = parent();
        let mut run = branch(&parent, &candidate(b" bear", 99), Means::Prefill);
        for text in ["Slowly", ",", " the", " bear", " sleeps"] {
            send(&mut run, text, vec![token(text.as_bytes(), -0.1, 1)]);
        }
        assert_eq!(run.text, "Slowly, the bear sleeps");
        assert_eq!(texts(&run), ["Slowly", ",", " the", " bear", " sleeps"]);
        assert_eq!(run.tokens[0].logprob, Some(-0.5));
        // What only begins like it is what follows.
        let mut run = branch(&parent, &candidate(b" bear", 99), Means::Prefill);
        send(&mut run, "Slow", vec![token(b"Slow", -0.1, 1)]);
        assert_eq!(run.text, "Slowly, the bear");
        send(&mut run, "er", vec![token(b"er", -0.1, 1)]);
        assert_eq!(run.text, "Slowly, the bearSlower");
        let mut run = branch(&parent, &candidate(b" bear", 99), Means::Prefill);
        send(&mut run, "Slow", vec![token(b"Slow", -0.1, 1)]);
        finish(&mut run);
        assert_eq!((run.text.as_str(), run.tokens.len()), ("Slowly, the bearSlow", 5));
    }

    #[test]
    fn tokens_of_a_repetition_may_come_after_its_text() {
        let mut run = branch(&parent(), &candidate(b" bear", 99), Means::Prefill);
        send(&mut run, "Slowly, the bear sleeps", vec![]);
        for text in ["Slowly, the", " bear", " sleeps"] {
            send(&mut run, "", vec![token(text.as_bytes(), -0.1, 1)]);
        }
        finish(&mut run);
        assert_eq!(texts(&run), ["Slowly", ",", " the", " bear", " sleeps"]);
        assert!(run.is_aligned());
    }

    #[test]
    fn a_beginning_that_was_asked_for_stands_once_it_was_said() {
        let mut run = branch(&parent(), &candidate(b" bear", 99), Means::Asked);
        assert_eq!((run.text.as_str(), run.tokens.len()), ("", 0));
        send(&mut run, "Slowly, ", vec![token(b"Slowly", -0.01, 1), token(b", ", -0.01, 1)]);
        let checking = Verification::Checking { bytes: 8 };
        assert_eq!(run.branch.unwrap().verification, checking);
        assert_eq!(texts(&run), ["Slowly"]);
        send(&mut run, "the bear sleeps", vec![token(b"the", -0.01, 1), token(b" bear", -0.01, 1)]);
        send(&mut run, "", vec![token(b" sleeps", -1.0, 1)]);
        finish(&mut run);
        assert_eq!(run.branch.unwrap().verification, Verification::Kept);
        assert_eq!(run.branch.unwrap().badge(), "≈ asked");
        // Their own probabilities, not those of saying what one was told to.
        assert_eq!(texts(&run), ["Slowly", ",", " the", " bear", " sleeps"]);
        assert_eq!(run.joint_logprob(0..5), Some(-4.5));
        assert_eq!(run.branch.unwrap().inherited, 4);
        assert!(run.is_aligned());
        assert_eq!(run.output_tokens(), Some(Count::Estimate(5)));
    }

    #[test]
    fn an_answer_that_parts_shows_what_was_said() {
        let mut run = branch(&parent(), &candidate(b" bear", 99), Means::Asked);
        send(&mut run, "Slowly, ", vec![token(b"Slowly", -0.01, 1), token(b", ", -0.02, 1)]);
        send(&mut run, "that bear", vec![token(b"that", -0.03, 1), token(b" bear", -0.04, 1)]);
        finish(&mut run);
        assert_eq!(run.text, "Slowly, that bear");
        assert_eq!(texts(&run), ["Slowly", ", ", "that", " bear"]);
        let branch = run.branch.unwrap();
        assert_eq!(branch.verification, Verification::Parted { byte: 10, token: 2 });
        assert_eq!((branch.badge().as_str(), branch.inherited), ("parted at 2", 1));
        assert!(run.is_aligned());
        // Ending within the beginning is parting, too.
        let mut run = self::branch(&parent(), &candidate(b" bear", 99), Means::Asked);
        send(&mut run, "Slow", vec![]);
        run.cancel(Timestamp::from_millis(3));
        assert_eq!(run.branch.unwrap().verification, Verification::Parted { byte: 4, token: 0 });
    }

    #[test]
    fn a_token_across_the_end_of_the_beginning_is_the_servers() {
        let mut run = branch(&parent(), &candidate(b" be", 99), Means::Asked);
        let said = [b"Slowly".as_slice(), b",", b" the", b" bear"].map(|bytes| token(bytes, -0.01, 1));
        send(&mut run, "Slowly, the bear", said.into());
        finish(&mut run);
        assert_eq!(run.branch.unwrap().verification, Verification::Kept);
        assert_eq!(texts(&run), ["Slowly", ",", " the", " bear"]);
        assert!(run.is_aligned());
    }

    proptest! {
        /// However what a server says is cut into deltas, the branch is the same.
        #[test]
        fn branches_do_not_depend_on_the_deltas(
            said in prop::sample::select(vec!["Slowly, the bear", "Slowly, the", "Slowly, the 🙂", "Slow", "", "한 Slowly"]),
            more in "[a-z ]{0,6}",
            means in prop::sample::select(vec![Means::Exact, Means::Prefill, Means::Asked]),
            sizes in prop::collection::vec(1usize..6, 1..6),
            cuts in prop::collection::vec(1usize..5, 1..6),
        ) {
            let all = format!("{said}{more}");
            let mut pieces = Vec::new();
            let (mut rest, mut sizes) = (all.as_str(), sizes.iter().cycle());
            while !rest.is_empty() {
                let at = rest.char_indices().nth(*sizes.next().unwrap()).map_or(rest.len(), |(at, _)| at);
                let (piece, after) = rest.split_at(at);
                pieces.push(piece);
                rest = after;
            }
            let parent = parent();
            let run = |cuts: &[usize]| {
                let mut run = branch(&parent, &candidate(b" bear", 99), means);
                let (mut left, mut cuts) = (pieces.as_slice(), cuts.iter().cycle());
                while !left.is_empty() {
                    let (now, after) = left.split_at(left.len().min(*cuts.next().unwrap()));
                    let tokens = now.iter().map(|piece| token(piece.as_bytes(), -0.3, 1)).collect();
                    send(&mut run, &now.concat(), tokens);
                    left = after;
                }
                finish(&mut run);
                run
            };
            let (whole, cut) = (run(&[100]), run(&cuts));
            prop_assert_eq!(&whole.text, &cut.text);
            prop_assert_eq!(&whole.tokens, &cut.tokens);
            prop_assert_eq!(whole.branch, cut.branch);
            if means == Means::Asked {
                prop_assert_eq!(&whole.text, &all);
                prop_assert!(all.is_empty() || whole.is_aligned());
            }
        }
    }
}
