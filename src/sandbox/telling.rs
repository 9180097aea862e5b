//! One answer, token by token, as text that may be sent: whole characters, nothing past a stop text.
//!
//! Owns what is held back: bytes of a character that is not whole yet, and text that may be the
//! beginning of a stop text. A token leaves together with its text.
//!
//! Invariant: the texts given, joined, are the answer up to the first stop text; nothing is ever taken
//! back.

use super::body::{Candidate, Logprob};
use super::fault::Pieces;
use super::model::{END_TEXT, Generation, Model};

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// The model ended it.
    Stop,
    /// The stop text of this index came.
    Word(usize),
    /// The limit was reached.
    Length,
}

impl Ending {
    /// Returns the finish reason.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stop | Self::Word(_) => "stop",
            Self::Length => "length",
        }
    }
}

/// What one token brought.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Step {
    /// Text that may be sent now.
    pub(super) text: String,
    /// The tokens of that text.
    pub(super) tokens: Vec<Logprob>,
    /// Set once the answer is complete.
    pub(super) ending: Option<Ending>,
}

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Telling {
    generation: Generation,
    stops: Vec<String>,
    candidates: Option<usize>,
    pieces: Pieces,
    limit: u64,
    generated: u64,
    held: Held,
}

impl Telling {
    /// Returns an answer that is at its beginning.
    pub(super) fn new(
        generation: Generation,
        stops: Vec<String>,
        candidates: Option<usize>,
        pieces: Pieces,
        limit: u64,
    ) -> Self {
        Self { generation, stops, candidates, pieces, limit, generated: 0, held: Held::default() }
    }

    /// Returns how many tokens were generated, those of a stop text included.
    pub(super) fn generated(&self) -> u64 {
        self.generated
    }

    /// Generates one token.
    pub(super) fn step(&mut self, model: &Model) -> Step {
        if self.generated >= self.limit {
            return self.held.release(Ending::Length);
        }
        let Some(choice) = self.generation.next(model, self.candidates.unwrap_or(0)) else {
            return self.held.release(Ending::Stop);
        };
        self.generated += 1;
        let logprob = self.candidates.map(|_| {
            let given = |(token, logprob)| candidate(model, token, logprob, self.pieces);
            let top = choice.top.iter().copied().map(given).collect();
            Logprob { chosen: given((choice.token, choice.logprob)), top_logprobs: top }
        });
        self.held.push(model.bytes(choice.token).unwrap_or_default(), logprob);
        if let Some(step) = self.held.stop(&self.stops) {
            return step;
        }
        if self.generated >= self.limit {
            return self.held.release(Ending::Length);
        }
        self.held.flush(&self.stops)
    }
}

fn candidate(model: &Model, id: u32, logprob: f64, pieces: Pieces) -> Candidate {
    let Some(bytes) = model.bytes(id) else {
        return Candidate { id, token: END_TEXT.to_owned(), logprob, bytes: None };
    };
    let (token, bytes) = match pieces {
        Pieces::Whole => (printed(bytes), Some(bytes.to_vec())),
        Pieces::WithoutBytes => (printed(bytes), None),
        Pieces::Replaced => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let replaced = text.clone().into_bytes();
            (text, Some(replaced))
        }
    };
    Candidate { id, token, logprob, bytes }
}

/// Returns how a token is printed: bytes that are no whole character as `\xf0`.
fn printed(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// A token whose text was not sent yet.
#[derive(Debug)]
struct HeldToken {
    logprob: Option<Logprob>,
    /// Where its text begins in the held text.
    start: usize,
    /// Where it ends, if it ends with a whole character.
    end: Option<usize>,
}

/// What was generated and not sent.
#[derive(Debug, Default)]
struct Held {
    text: String,
    /// The beginning of a character.
    bytes: Vec<u8>,
    tokens: Vec<HeldToken>,
}

impl Held {
    fn push(&mut self, bytes: &[u8], logprob: Option<Logprob>) {
        let start = self.text.len();
        self.bytes.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.bytes);
        let mut rest = bytes.as_slice();
        while let Err(error) = std::str::from_utf8(rest) {
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.text.push_str(&String::from_utf8_lossy(valid));
            if let Some(broken) = error.error_len() {
                self.text.push(char::REPLACEMENT_CHARACTER);
                rest = &after[broken..];
            } else {
                self.bytes.extend_from_slice(after);
                rest = &[];
            }
        }
        self.text.push_str(&String::from_utf8_lossy(rest));
        let end = self.bytes.is_empty().then_some(self.text.len());
        self.tokens.push(HeldToken { logprob, start, end });
    }

    /// Ends the answer where a stop text begins, if one is there.
    fn stop(&mut self, stops: &[String]) -> Option<Step> {
        // The one that is complete first counts, however the text is cut into tokens.
        let found = stops.iter().enumerate().filter_map(|(which, stop)| {
            let at = self.text.find(stop.as_str())?;
            Some((at + stop.len(), at, which))
        });
        let (_, at, which) = found.min()?;
        self.text.truncate(at);
        self.bytes.clear();
        self.tokens.retain(|token| token.start < at);
        Some(self.release(Ending::Word(which)))
    }

    /// Gives everything, and the ending.
    fn release(&mut self, ending: Ending) -> Step {
        let mut text = std::mem::take(&mut self.text);
        text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.bytes)));
        let tokens = self.tokens.drain(..).filter_map(|token| token.logprob).collect();
        Step { text, tokens, ending: Some(ending) }
    }

    /// Gives what no stop text can reach any more, up to the end of a token.
    fn flush(&mut self, stops: &[String]) -> Step {
        let free = self.text.len() - longest_beginning(&self.text, stops);
        let last = self.tokens.iter().rposition(|token| token.end.is_some_and(|end| end <= free));
        let Some((last, cut)) = last.and_then(|last| self.tokens[last].end.map(|end| (last, end))) else {
            return Step::default();
        };
        let text: String = self.text.drain(..cut).collect();
        let tokens = self.tokens.drain(..=last).filter_map(|token| token.logprob).collect();
        for token in &mut self.tokens {
            token.start -= cut;
            token.end = token.end.map(|end| end - cut);
        }
        Step { text, tokens, ending: None }
    }
}

/// Returns the length of the longest end of the text that begins a stop text.
fn longest_beginning(text: &str, stops: &[String]) -> usize {
    let begins = |stop: &String| {
        (1..stop.len())
            .rev()
            .find(|length| stop.is_char_boundary(*length) && text.ends_with(&stop[..*length]))
            .unwrap_or(0)
    };
    stops.iter().map(begins).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn logprob(bytes: &[u8]) -> Logprob {
        let chosen = Candidate { id: 0, token: printed(bytes), logprob: 0.0, bytes: Some(bytes.to_vec()) };
        Logprob { chosen, top_logprobs: Vec::new() }
    }

    /// Sends pieces through and returns the texts given, and how many tokens came with each.
    fn send(pieces: &[&[u8]], stops: &[&str]) -> (Vec<(String, usize)>, bool) {
        let stops: Vec<String> = stops.iter().map(|stop| (*stop).to_owned()).collect();
        let mut held = Held::default();
        let mut given = Vec::new();
        for piece in pieces {
            held.push(piece, Some(logprob(piece)));
            let step = held.stop(&stops);
            let stopped = step.is_some();
            let step = step.unwrap_or_else(|| held.flush(&stops));
            given.push((step.text, step.tokens.len()));
            if stopped {
                return (given, true);
            }
        }
        let step = held.release(Ending::Length);
        given.push((step.text, step.tokens.len()));
        (given, false)
    }

    fn pairs(given: &[(String, usize)]) -> Vec<(&str, usize)> {
        given.iter().map(|(text, tokens)| (text.as_str(), *tokens)).collect()
    }

    #[test]
    fn parts_of_a_character_wait_for_the_rest() {
        let smile = "🙂".as_bytes();
        let (given, _) = send(&[b"a ", &smile[..2], &smile[2..], b"b", &smile[..1]], &[]);
        assert_eq!(pairs(&given), [("a ", 1), ("", 0), ("🙂", 2), ("b", 1), ("", 0), ("\u{fffd}", 1)]);
    }

    #[test]
    fn a_beginning_of_a_stop_text_waits_and_leaves_when_it_is_none() {
        let (given, stopped) = send(&[b"one\n", b"two\n", b"\n", b"three"], &["\n\n"]);
        assert_eq!(pairs(&given), [("", 0), ("one\n", 1), ("two", 1)]);
        assert!(stopped);
        let (given, stopped) = send(&[b"EN", b"x", b"END!"], &["END"]);
        assert_eq!(pairs(&given), [("", 0), ("ENx", 2), ("", 0)]);
        assert!(stopped);
    }

    #[test]
    fn the_first_of_several_stop_texts_counts() {
        let (given, stopped) = send(&[b"abcdef"], &["e", "cd"]);
        assert_eq!(pairs(&given), [("ab", 1)]);
        assert!(stopped);
    }

    #[test]
    fn tokens_are_printed_as_text_or_escapes() {
        assert_eq!(printed("밤".as_bytes()), "밤");
        assert_eq!(printed(b" \xf0\x9f"), " \\xf0\\x9f");
        assert_eq!(printed(b"\x99\x82 ok"), "\\x99\\x82 ok");
    }

    proptest! {
        /// However a text is cut into tokens, what is given is the text up to the first stop text, and
        /// every token leaves once.
        #[test]
        fn nothing_is_lost_or_taken_back(
            text in "[ab\\n가🙂]{0,30}",
            cuts in prop::collection::vec(1usize..4, 0..60),
            stops in prop::collection::vec("[ab\\n가]{1,3}", 0..3),
        ) {
            let bytes = text.as_bytes();
            let (mut pieces, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter());
            while at < bytes.len() {
                let end = (at + cuts.next().unwrap_or(2)).min(bytes.len());
                pieces.push(&bytes[at..end]);
                at = end;
            }
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let (given, stopped) = send(&pieces, &stops);
            let joined: String = given.iter().map(|(text, _)| text.as_str()).collect();
            let first = stops.iter().filter_map(|stop| text.find(stop).map(|at| (at + stop.len(), at))).min();
            let first = first.map(|(_, at)| at);
            prop_assert_eq!(&joined, &text[..first.unwrap_or(text.len())]);
            prop_assert_eq!(stopped, first.is_some());
            if !stopped {
                prop_assert_eq!(given.iter().map(|(_, tokens)| tokens).sum::<usize>(), pieces.len());
            }
        }
    }
}
