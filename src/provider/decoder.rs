//! One response body: bytes in, stream events out.
//!
//! Owns what has arrived of an answer until it is handed on, how the body's form is told (stream of
//! events or one document, whatever was asked for), and when the answer is over. Never does I/O and
//! never waits, so a test can feed it any bytes.
//!
//! ```text
//! Unknown ── '{' '[' '<' ──► Document ── end of body ──► ended
//!    └────── anything else ─► Events ── [DONE], error, end of body ──► ended
//! ```
//!
//! Invariant: text, tokens and ending do not depend on how the body was cut into chunks, and what
//! arrived before a failure is handed on before it.

use super::refusal::{Place, quoted};
use super::retry::{Advice, Failure};
use super::said::Wire;
use super::sse::{Frame, Parser, TooLong};
use crate::core::exchange::Exchange;
use crate::core::fault::{Fault, FaultKind};
use crate::core::stream::{FinishReason, StreamEvent, Usage};
use crate::core::token::Token;
use std::ops::ControlFlow;
use std::time::Duration;

/// How much a server may send, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// One line or event of a stream.
    pub(crate) frame: usize,
    /// A document, which is kept whole until its end.
    pub(crate) document: usize,
    /// A stream, of which only the answer is kept.
    pub(crate) stream: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self { frame: 8 * MIB, document: 64 * MIB, stream: 512 * MIB }
    }
}

/// How an answer ended.
pub(super) type Ending = Result<FinishReason, Failure>;

/// Bytes of the body's beginning that are kept to quote when nothing could be made of it.
const SAMPLE_BYTES: usize = 1024;

/// Turns the body of one response into stream events.
#[derive(Debug)]
pub(super) struct Decoder {
    form: Form,
    bounds: Bounds,
    received: usize,
    sample: Vec<u8>,
    answer: Answer,
}

#[derive(Debug)]
enum Form {
    /// Nothing but white space so far.
    Unknown,
    Document(Vec<u8>),
    Events(Parser),
}

impl Decoder {
    /// Returns a decoder for a response from `place`, whose headers gave `advice` and `request_id`.
    pub(super) fn new(
        wire: Wire,
        place: Place,
        advice: Advice,
        request_id: Option<Box<str>>,
        bounds: Bounds,
    ) -> Self {
        Self {
            form: Form::Unknown,
            bounds,
            received: 0,
            sample: Vec::new(),
            answer: Answer::new(wire, place, advice, request_id),
        }
    }

    /// Takes the next bytes, which arrived `at` after the request was sent, and keeps the frames they
    /// complete in `exchange`; breaks when the answer is over.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        at: Duration,
        exchange: &mut Exchange,
    ) -> ControlFlow<Ending> {
        let flow = self.read(bytes, at, exchange);
        self.answer.hand_on_all();
        flow
    }

    fn read(&mut self, bytes: &[u8], at: Duration, exchange: &mut Exchange) -> ControlFlow<Ending> {
        self.received += bytes.len();
        let room = SAMPLE_BYTES.saturating_sub(self.sample.len()).min(bytes.len());
        self.sample.extend_from_slice(&bytes[..room]);
        let mut bytes = bytes;
        if matches!(self.form, Form::Unknown) {
            let is_blank = |byte: &u8| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte);
            let Some(start) = bytes.iter().position(|byte| !is_blank(byte)) else {
                return ControlFlow::Continue(());
            };
            bytes = &bytes[start..];
            // No field of an event stream begins so; JSON values and web pages do.
            self.form = match bytes[0] {
                b'{' | b'[' | b'<' => Form::Document(Vec::new()),
                _ => Form::Events(Parser::new(self.bounds.frame)),
            };
        }
        match &mut self.form {
            Form::Unknown => ControlFlow::Continue(()),
            Form::Document(document) => {
                if document.len() + bytes.len() > self.bounds.document {
                    return ControlFlow::Break(Err(self.answer.too_large("is", self.bounds.document)));
                }
                document.extend_from_slice(bytes);
                ControlFlow::Continue(())
            }
            Form::Events(_) if self.received > self.bounds.stream => {
                ControlFlow::Break(Err(self.answer.too_large("is", self.bounds.stream)))
            }
            Form::Events(parser) => {
                match parser.feed(bytes, |frame| self.answer.take(&frame, at, exchange)) {
                    Ok(flow) => flow,
                    Err(TooLong) => {
                        ControlFlow::Break(Err(self.answer.too_large("has an event of", self.bounds.frame)))
                    }
                }
            }
        }
    }

    /// Takes the end of the body.
    pub(super) fn finish(&mut self, at: Duration, exchange: &mut Exchange) -> Ending {
        let ending = match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Unknown => Err(self.answer.cut("the server sent nothing")),
            Form::Document(document) => {
                let text = String::from_utf8_lossy(&document);
                exchange.push(at, &text);
                self.answer.take_document(&text)
            }
            Form::Events(mut parser) => {
                match parser.finish(|frame| self.answer.take(&frame, at, exchange)) {
                    // Half an event at the end is the sign of a cut, not of a wrong protocol.
                    Ok(ControlFlow::Break(Err(failure))) if failure.fault.kind == FaultKind::Malformed => {
                        self.interrupted(self.answer.cut("the connection ended within an event"))
                    }
                    Ok(ControlFlow::Break(ending)) => ending,
                    Ok(ControlFlow::Continue(())) if self.answer.replies == 0 && !self.is_event_stream() => {
                        let sample = String::from_utf8_lossy(&self.sample);
                        exchange.push(at, &sample);
                        Err(Failure::lasting(self.answer.place.malformed("is no answer", &sample)))
                    }
                    Ok(ControlFlow::Continue(())) => {
                        self.interrupted(self.answer.cut("the connection ended before the answer did"))
                    }
                    Err(TooLong) => Err(self.answer.too_large("has an event of", self.bounds.frame)),
                }
            }
        };
        self.answer.hand_on_all();
        ending
    }

    /// Whether the body began as an event stream does.
    fn is_event_stream(&self) -> bool {
        let begins = |field: &str| self.sample.trim_ascii_start().starts_with(field.as_bytes());
        [":", "data", "event", "id", "retry", "\u{feff}"].into_iter().any(begins)
    }

    /// Returns how the answer ends when nothing more can come: well, if the server had already said so.
    pub(super) fn interrupted(&self, failure: Failure) -> Ending {
        self.answer.finish.clone().ok_or(failure)
    }

    /// Whether the server has said that the answer is complete, so that only trailers can follow.
    pub(super) fn is_complete(&self) -> bool {
        self.answer.finish.is_some()
    }

    /// Whether any of the answer was handed on, so that another try would show it twice.
    pub(super) fn has_shown(&self) -> bool {
        self.answer.shown
    }

    /// Returns the events that are ready.
    pub(super) fn events(&mut self) -> impl Iterator<Item = StreamEvent> + '_ {
        self.answer.events.drain(..)
    }
}

/// What has arrived of the answer. Pieces that arrive together are handed on together.
#[derive(Debug)]
struct Answer {
    wire: Wire,
    place: Place,
    advice: Advice,
    request_id: Option<Box<str>>,
    model: Option<Box<str>>,
    opened: bool,
    /// Chunks or completions that were understood.
    replies: usize,
    /// Whether any of them held an answer.
    answered: bool,
    text: String,
    tokens: Vec<Token>,
    reasoning: String,
    usage: Option<Usage>,
    /// The usage that was handed on: some servers repeat it with every event.
    usage_shown: Option<Usage>,
    finish: Option<FinishReason>,
    shown: bool,
    events: Vec<StreamEvent>,
}

/// The finish reason where the server ended the answer properly but gave none.
const UNSTATED: &str = "unstated";

impl Answer {
    fn new(wire: Wire, place: Place, advice: Advice, request_id: Option<Box<str>>) -> Self {
        Self {
            wire,
            place,
            advice,
            request_id,
            model: None,
            opened: false,
            replies: 0,
            answered: false,
            text: String::new(),
            tokens: Vec::new(),
            reasoning: String::new(),
            usage: None,
            usage_shown: None,
            finish: None,
            shown: false,
            events: Vec::new(),
        }
    }

    fn take(&mut self, frame: &Frame<'_>, at: Duration, exchange: &mut Exchange) -> ControlFlow<Ending> {
        exchange.push(at, frame.data);
        let data = frame.data.trim();
        if data == "[DONE]" {
            return ControlFlow::Break(Ok(self.reason()));
        }
        let result = match frame.name {
            "error" => Err(self.refused(data)),
            _ if data.is_empty() => Ok(()),
            _ => match self.take_reply(data) {
                Some(result) => result,
                // Only unnamed events are the answer's: `ping`, `keepalive` and the like may hold anything.
                None if !matches!(frame.name, "" | "message") => Ok(()),
                None => Err(Failure::lasting(self.place.malformed("holds an event that is no JSON", data))),
            },
        };
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(Err(failure)),
        }
    }

    fn take_document(&mut self, text: &str) -> Ending {
        match self.take_reply(text) {
            Some(Ok(())) if self.answered => Ok(self.reason()),
            Some(Ok(())) => Err(Failure::lasting(self.place.malformed("holds no answer", text))),
            Some(Err(failure)) => Err(failure),
            None => Err(Failure::lasting(self.place.malformed("is no JSON", text))),
        }
    }

    /// Takes a chunk or a whole completion; `None` when the text is no JSON.
    fn take_reply(&mut self, text: &str) -> Option<Result<(), Failure>> {
        let said = self.wire.read(text)?;
        if said.is_error {
            return Some(Err(self.refused(text)));
        }
        if self.model.is_none() && !said.model.is_empty() {
            self.model = Some(quoted(&said.model).into());
        }
        if said.usage.is_some() {
            self.usage = said.usage;
        }
        self.replies += usize::from(said.is_reply);
        if !said.is_answer {
            return Some(Ok(()));
        }
        self.answered = true;
        self.add_reasoning(&said.reasoning);
        self.add_text(&said.text);
        self.tokens.extend(said.tokens);
        match said.finish.as_str() {
            "" => {}
            "error" => return Some(Err(self.refused(text))),
            reason => self.finish = Some(FinishReason::from_wire(&quoted(reason))),
        }
        Some(Ok(()))
    }

    fn add_text(&mut self, text: &str) {
        if !text.is_empty() {
            if !self.reasoning.is_empty() {
                self.hand_on();
            }
            self.text.push_str(text);
        }
    }

    fn add_reasoning(&mut self, text: &str) {
        if !text.is_empty() {
            if !self.text.is_empty() {
                self.hand_on();
            }
            self.reasoning.push_str(text);
        }
    }

    /// Turns everything that is pending into events, the usage last.
    fn hand_on_all(&mut self) {
        self.hand_on();
        if let Some(usage) = self.usage.filter(|usage| self.usage_shown != Some(*usage)) {
            self.usage_shown = Some(usage);
            self.events.push(StreamEvent::Usage(usage));
        }
    }

    /// Turns pending text and tokens, or reasoning, into an event.
    fn hand_on(&mut self) {
        let has_text = !self.text.is_empty() || !self.tokens.is_empty();
        let has_reasoning = !self.reasoning.is_empty();
        if !self.opened && (has_text || has_reasoning || self.model.is_some()) {
            self.opened = true;
            let (model, request_id) = (self.model.clone(), self.request_id.clone());
            self.events.push(StreamEvent::Opened { model, request_id });
        }
        if has_reasoning {
            self.events.push(StreamEvent::Reasoning { text: std::mem::take(&mut self.reasoning) });
        }
        if has_text {
            let (text, tokens) = (std::mem::take(&mut self.text), std::mem::take(&mut self.tokens));
            self.events.push(StreamEvent::Delta { text, tokens });
        }
        self.shown |= has_text || has_reasoning;
    }

    fn reason(&self) -> FinishReason {
        self.finish.clone().unwrap_or_else(|| FinishReason::Other(UNSTATED.into()))
    }

    fn refused(&self, body: &str) -> Failure {
        Failure::reported(self.place.refused(200, body), self.advice)
    }

    fn cut(&self, reason: &str) -> Failure {
        Failure::passing(self.place.cut(reason))
    }

    fn too_large(&self, what: &str, bytes: usize) -> Failure {
        let mib = bytes / (1024 * 1024);
        let fault = self.place.malformed(&format!("{what} more than {mib} MiB"), "");
        Failure::lasting(Fault { remedy: String::new(), ..fault })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::endpoint::Limits;
    use proptest::prelude::*;

    const BOUNDS: Bounds = Bounds { frame: 300, document: 500, stream: 1000 };

    fn decoder(bounds: Bounds) -> Decoder {
        let place = Place {
            endpoint: "e".into(),
            base_url: "http://h/v1".into(),
            model: Some("m".into()),
            has_key: false,
            limits: Limits::default(),
            has_timeout: false,
        };
        Decoder::new(Wire::Chat, place, Advice::default(), None, bounds)
    }

    /// Returns the folded text, reasoning, number of tokens, frames and the ending.
    fn decode<'a>(
        chunks: impl IntoIterator<Item = &'a [u8]>,
        bounds: Bounds,
    ) -> (String, String, usize, Vec<String>, Result<FinishReason, Fault>) {
        let (mut decoder, mut exchange) = (decoder(bounds), Exchange::default());
        let mut ending = None;
        for chunk in chunks {
            if let ControlFlow::Break(end) = decoder.feed(chunk, Duration::ZERO, &mut exchange) {
                ending = Some(end);
                break;
            }
        }
        let ending = ending.unwrap_or_else(|| decoder.finish(Duration::ZERO, &mut exchange));
        let (mut text, mut reasoning, mut tokens) = (String::new(), String::new(), 0);
        for event in decoder.events() {
            if let StreamEvent::Delta { text: more, tokens: new } = event {
                text.push_str(&more);
                tokens += new.len();
            } else if let StreamEvent::Reasoning { text: more } = event {
                reasoning.push_str(&more);
            }
        }
        let frames = exchange.frames().map(|(_, frame)| frame.to_owned()).collect();
        (text, reasoning, tokens, frames, ending.map_err(|failure| *failure.fault))
    }

    #[test]
    fn pieces_that_arrive_together_are_handed_on_together_and_in_order() {
        let frame = |field: &str, text: &str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"{field}\":\"{text}\"}}}}]}}\n\n")
        };
        let stream = [
            frame("reasoning", "r1"),
            frame("reasoning", "r2"),
            frame("content", "a"),
            frame("content", "b"),
            frame("reasoning", "r3"),
            frame("content", "c"),
        ]
        .concat();
        let mut decoder = decoder(Bounds::default());
        let flow = decoder.feed(stream.as_bytes(), Duration::ZERO, &mut Exchange::default());
        assert!(flow.is_continue());
        let reasoning = |text: &str| StreamEvent::Reasoning { text: text.to_owned() };
        let delta = |text: &str| StreamEvent::Delta { text: text.to_owned(), tokens: vec![] };
        let expected = [
            StreamEvent::Opened { model: None, request_id: None },
            reasoning("r1r2"),
            delta("ab"),
            reasoning("r3"),
            delta("c"),
        ];
        assert_eq!(decoder.events().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tokens_of_the_reasoning_are_not_the_answers() {
        let with_token = |delta: &str| {
            format!(
                "data: {{\"choices\":[{{\"delta\":{delta},\"logprobs\":{{\"content\":[{{\"token\":\"t\"}}]}}}}]}}\n\n"
            )
        };
        let stream =
            with_token(r#"{"reasoning":"t"}"#) + &with_token(r#"{"content":"t"}"#) + "data: [DONE]\n\n";
        let (text, reasoning, tokens, ..) = decode([stream.as_bytes()], Bounds::default());
        assert_eq!((text.as_str(), reasoning.as_str(), tokens), ("t", "t", 1));
    }

    #[test]
    fn what_a_server_may_send_is_bounded() {
        let event = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n".as_slice();
        let endless = std::iter::repeat_n(event, 100);
        let document =
            std::iter::once(b"{\"a\":\"".as_slice()).chain(std::iter::repeat_n(b"x".as_slice(), 1000));
        let line = std::iter::once(b"data: ".as_slice()).chain(std::iter::repeat_n(b"x".as_slice(), 1000));
        for ending in [decode(endless, BOUNDS).4, decode(document, BOUNDS).4, decode(line, BOUNDS).4] {
            let fault = ending.unwrap_err();
            assert_eq!(fault.kind, FaultKind::Malformed);
            assert!(fault.message.contains("more than"), "{fault}");
        }
    }

    #[test]
    fn events_that_are_not_the_answers_are_passed_over() {
        let stream = "event: ping\ndata: now\n\ndata: {\"type\":\"ping\"}\n\ndata: 7\n\ndata: \n\n\
                      data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"tool_calls\"}]}\n\n";
        let (text, _, _, frames, ending) = decode([stream.as_bytes()], Bounds::default());
        assert_eq!((text.as_str(), frames.len(), ending), ("a", 4, Ok(FinishReason::Tool)));
    }

    proptest! {
        #[test]
        fn the_answer_does_not_depend_on_the_chunks(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    r#"data: {"choices":[{"delta":{"content":"한 🙂 "}}]}"#,
                    r#"data: {"choices":[{"delta":{"reasoning":"r"}}]}"#,
                    r#"data: {"choices":[{"delta":{"content":"n"},"logprobs":{"content":[{"token":"n","logprob":NaN}]}}]}"#,
                    r#"data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
                    ": comment",
                    r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
                    r#"data: {"error":{"message":"broken","code":500}}"#,
                    "data: [DONE]",
                    "data: {\"choi",
                    r#"{"choices":[{"message":{"content":"whole"},"finish_reason":"stop"}]}"#,
                    "<html>",
                ]),
                0..8,
            ),
            sizes in prop::collection::vec(1usize..40, 1..30),
            ended in any::<bool>(),
        ) {
            let mut stream = parts.join("\n\n");
            if ended {
                stream.push_str("\n\n");
            }
            let mut chunks = Vec::new();
            let (mut rest, mut sizes) = (stream.as_bytes(), sizes.iter().cycle());
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
                chunks.push(chunk);
                rest = after;
            }
            prop_assert_eq!(decode(chunks, Bounds::default()), decode([stream.as_bytes()], Bounds::default()));
        }
    }
}
