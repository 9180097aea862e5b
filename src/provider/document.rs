//! Saved answers: what people have in files, read into a run.
//!
//! Owns the telling apart of the forms: a document of Chat Completions, Responses or llama.cpp's
//! `/completion`, a stream of their events as it was sent (`data: …`) or one JSON object a line, and
//! what this program prints with `--json`. Never does I/O and never guesses: a form that is not known
//! is an error that names those that are known.
//!
//! Invariant: the run a file gives has the numbers it would have had when it was answered.

use super::json::{Maybe, Text};
use super::own::failure;
use super::refusal::{error_message, quoted};
use super::reply::is_set;
use super::said::{Said, Wire, mended};
use super::sse::Parser;
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::RunId;
use crate::core::provenance::Provenance;
use crate::core::request::{Request, Sampling};
use crate::core::run::{Recorded, Run, RunStatus};
use crate::core::stream::FinishReason;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Largest saved answer, in bytes.
pub const MAX_DOCUMENT: usize = 64 * 1024 * 1024;

/// Name of the endpoint of an answer that names none.
const ENDPOINT: &str = "file";

/// The finish reason of an answer that names none.
const UNSTATED: &str = "unstated";

/// The forms that are read, for the remedy of what is none.
const FORMS: &str = "Give the JSON of a Chat Completions or Responses object or of llama.cpp's /completion, a stream of \
                     their events, or what ask --json prints";

/// A saved answer.
#[derive(Debug)]
pub struct Saved {
    /// The answer, as an ended run.
    pub run: Run,
    /// How many answers to the same request there are, this one included.
    pub choices: u64,
    /// Where its values stand, as was known when it was saved.
    pub provenance: Option<Provenance>,
}

/// Returns the answer a file or a pipe holds: the one with this index, where there are several choices.
///
/// # Errors
/// Says what the document is instead of an answer, where, and which forms are read.
pub fn read_document(id: RunId, bytes: &[u8], choice: u64) -> Result<Saved, Fault> {
    let text = decoded(bytes)?;
    let mut reading = Reading { choice, ..Reading::default() };
    let trimmed = text.trim_start();
    match trimmed.bytes().next() {
        None => return Err(unread("It is empty")),
        Some(b'{' | b'[') => {
            if let Some(frames) = frames(trimmed) {
                frames.iter().try_for_each(|frame| reading.take(frame))?;
            } else {
                lines(text, &mut reading)?;
            }
        }
        Some(b'<') => return Err(unread("It is a web page")),
        Some(_) => events(trimmed, &mut reading)?,
    }
    reading.saved(id)
}

fn unread(what: &str) -> Fault {
    Fault::new(FaultKind::Local, format!("This is no saved answer. {what}")).remedy(FORMS)
}

/// Returns the bytes as text.
fn decoded(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(unread(&format!("It is larger than {} MiB", MAX_DOCUMENT / (1024 * 1024))));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(unread("It is UTF-16").remedy("Save it as UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}')),
        Err(error) => {
            let at = error.valid_up_to();
            Err(unread(&format!("It is not UTF-8 at byte {at}")).remedy("Save it as UTF-8"))
        }
    }
}

/// Returns the objects of a text that is one JSON value: the object, or those of a list.
fn frames(text: &str) -> Option<Vec<String>> {
    mended(text, |text| {
        if text.starts_with('[') {
            let items = serde_json::from_str::<Vec<&RawValue>>(text)?;
            return Ok(items.into_iter().map(|item| item.get().to_owned()).collect());
        }
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(vec![text.to_owned()])
    })
}

/// Reads a text of one JSON object a line.
fn lines(text: &str, reading: &mut Reading) -> Result<(), Fault> {
    let lines = || text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    // Broken JSON over many lines is one broken document, not a broken first line.
    let is_first_whole = lines().next().is_some_and(|(_, line)| frames(line.trim()).is_some());
    if !is_first_whole {
        let error = serde_json::from_str::<IgnoredAny>(text).err();
        let place = error.map(|error| format!(" from line {}, column {} on", error.line(), error.column()));
        return Err(unread(&format!("It is no JSON{}", place.unwrap_or_default())));
    }
    for (index, line) in lines() {
        let Some(frames) = frames(line.trim()) else {
            return Err(unread(&format!("Line {} is no JSON: {}", index + 1, quoted(line))));
        };
        frames.iter().try_for_each(|frame| reading.take(frame))?;
    }
    Ok(())
}

/// Reads a stream of events as a server sent it.
fn events(text: &str, reading: &mut Reading) -> Result<(), Fault> {
    let begins = |field: &str| text.starts_with(field);
    if ![":", "data:", "event:", "id:", "retry:"].into_iter().any(begins) {
        let line = text.lines().next().unwrap_or_default();
        return Err(unread(&format!("It begins with: {}", quoted(line))));
    }
    let mut parser = Parser::new(MAX_DOCUMENT);
    let mut sink = |data: &str| match data.trim() {
        "" | "[DONE]" => ControlFlow::Continue(()),
        data => match reading.take(data) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => ControlFlow::Break(fault),
        },
    };
    let too_long = |_| unread("An event of it does not end");
    let flow = parser.feed(text.as_bytes(), |frame| sink(frame.data)).map_err(too_long)?;
    let flow = match flow {
        ControlFlow::Continue(()) => parser.finish(|frame| sink(frame.data)).map_err(too_long)?,
        ControlFlow::Break(_) => flow,
    };
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(fault) => Err(fault),
    }
}

/// Which fields an object has, as far as they tell its form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    object: Text<'a>,
    choices: Option<IgnoredAny>,
    output: Option<IgnoredAny>,
    content: Option<IgnoredAny>,
    stop: Option<IgnoredAny>,
    text: Option<IgnoredAny>,
    tokens: Option<IgnoredAny>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    response: Maybe<Envelope<'a>>,
}

/// A line of a batch's results holds the answer's document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What an object is.
enum Form {
    Reply(Wire),
    /// An envelope around this document.
    Enveloped(String),
    Failure,
    Other,
}

impl Fields<'_> {
    fn form(&self) -> Form {
        let is_event = self.kind.0.starts_with("response.") || self.kind.0 == "error";
        if is_event {
            Form::Reply(Wire::Event)
        } else if self.choices.is_some() {
            Form::Reply(Wire::Chat)
        } else if self.output.is_some() || self.object.0 == "response" {
            Form::Reply(Wire::Response)
        } else if self.content.is_some() && self.stop.is_some() {
            Form::Reply(Wire::Completion)
        } else if self.text.is_some() && self.tokens.is_some() {
            Form::Reply(Wire::Printed)
        } else {
            match self.response.0.as_ref().and_then(|response| response.body) {
                Some(body) => Form::Enveloped(body.get().to_owned()),
                None if is_set(self.error) || self.object.0 == "error" => Form::Failure,
                None => Form::Other,
            }
        }
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Reading {
    said: Said,
    /// Which of several choices is read.
    choice: u64,
    /// What failed, in the server's words.
    failure: Option<String>,
}

impl Reading {
    /// Takes one object.
    fn take(&mut self, text: &str) -> Result<(), Fault> {
        self.take_within(text, 0)
    }

    fn take_within(&mut self, text: &str, depth: usize) -> Result<(), Fault> {
        let form = mended(text, |text| {
            let fields = serde_json::from_str::<Maybe<Fields<'_>>>(text)?.0;
            Ok(fields.map_or(Form::Other, |fields| fields.form()))
        });
        match form {
            None => return Err(unread(&format!("This in it is no JSON: {}", quoted(text)))),
            Some(Form::Enveloped(body)) if depth == 0 => return self.take_within(&body, 1),
            Some(Form::Enveloped(_) | Form::Other) => {}
            Some(Form::Failure) => self.failure = Some(error_message(text)),
            Some(Form::Reply(wire)) => {
                let said = wire.read_choice(text, self.choice).unwrap_or_default();
                if said.is_error || said.finish == "error" {
                    let is_own = wire == Wire::Printed;
                    self.failure = Some(if is_own { failure(text) } else { error_message(text) });
                }
                self.add(said);
            }
        }
        Ok(())
    }

    fn add(&mut self, said: Said) {
        let own = &mut self.said;
        own.is_answer |= said.is_answer;
        // The whole of an answer that failed may hold less than its pieces did.
        if said.is_whole && said.text.len() >= own.text.len() {
            own.text.clear();
            own.tokens.clear();
            own.reasoning.clear();
        }
        if !said.is_whole || own.text.is_empty() {
            own.text.push_str(&said.text);
            own.tokens.extend(said.tokens);
            own.reasoning.push_str(&said.reasoning);
        }
        own.usage = said.usage.or(own.usage);
        own.choices = own.choices.max(said.choices);
        own.temperature = said.temperature.or(own.temperature);
        own.provenance = said.provenance.or(own.provenance);
        if !said.cuts.is_empty() {
            own.cuts = said.cuts;
        }
        own.estimated_output_tokens = said.estimated_output_tokens.or(own.estimated_output_tokens);
        for (own, new) in
            [(&mut own.model, said.model), (&mut own.endpoint, said.endpoint), (&mut own.finish, said.finish)]
        {
            if !new.is_empty() {
                *own = new;
            }
        }
    }

    /// Returns the answer.
    fn saved(self, id: RunId) -> Result<Saved, Fault> {
        let said = self.said;
        let choices = said.choices.max(1);
        if self.choice >= choices {
            let message =
                format!("There is no choice {}; the first is 0, the last is {}", self.choice, choices - 1);
            return Err(Fault::new(FaultKind::Local, message).remedy("Name another with --choice"));
        }
        let has_answer = !said.text.is_empty() || !said.tokens.is_empty() || !said.reasoning.is_empty();
        let status = match self.failure {
            Some(message) if !has_answer => {
                let fault =
                    Fault::new(FaultKind::Local, format!("This is the failure of a server: {message}"));
                return Err(fault.remedy("Give an answer"));
            }
            Some(message) => RunStatus::Failed(Fault::new(
                FaultKind::Server,
                format!("The saved answer failed: {message}"),
            )),
            None if !said.is_answer => {
                return Err(unread(
                    "It is JSON, but has none of `choices`, `output`, `content` with `stop`, and `text` with `tokens`",
                ));
            }
            None if said.finish.is_empty() => RunStatus::Done(FinishReason::Other(UNSTATED.into())),
            None => RunStatus::Done(FinishReason::from_wire(&quoted(&said.finish))),
        };
        let model = quoted(&said.model);
        let endpoint = if said.endpoint.is_empty() { ENDPOINT.to_owned() } else { quoted(&said.endpoint) };
        let request = Request {
            endpoint: endpoint.into(),
            model: model.as_str().into(),
            messages: Vec::new(),
            sampling: sampling(&said),
            continuation: None,
            stream: false,
        };
        let record = Recorded {
            text: said.text,
            reasoning: said.reasoning,
            tokens: said.tokens,
            usage: said.usage,
            model: (!model.is_empty()).then(|| model.into()),
            status,
        };
        let mut run = Run::from_record(id, Arc::new(request), record);
        run.estimated_output_tokens = said.estimated_output_tokens;
        Ok(Saved { run, choices, provenance: said.provenance })
    }
}

/// Returns how an answer was sampled, as far as is said.
fn sampling(said: &Said) -> Sampling {
    let mut sampling = Sampling { temperature: said.temperature, ..Sampling::default() };
    for (name, value) in &said.cuts {
        match *name {
            "top_p" => sampling.top_p = Some(*value),
            name => {
                sampling.extra.insert(name.to_owned(), (*value).into());
            }
        }
    }
    sampling
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::provenance::Basis;
    use crate::core::run::Count;
    use crate::core::stream::Usage;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Run, Fault> {
        read_document(RunId(1), text.as_bytes(), 0).map(|saved| saved.run)
    }

    const CHUNKS: [&str; 3] = [
        r#"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"가"},"logprobs":{"content":[{"token":"가","logprob":-0.5}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"b"},"logprobs":{"content":[{"token":"b","logprob":NaN}]},"finish_reason":"length"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#,
    ];

    #[track_caller]
    fn assert_chunks(text: &str) {
        let run = read(text).unwrap();
        assert_eq!((run.text.as_str(), run.tokens.len(), &*run.request.model), ("가b", 2, "m"));
        assert_eq!(run.status, RunStatus::Done(FinishReason::Length));
        assert_eq!(run.output_tokens(), Some(Count::Exact(2)));
        assert_eq!((run.first_token_ms(), run.total_ms(), run.sent()), (None, None, false));
        assert!(run.is_aligned());
    }

    #[test]
    fn a_stream_is_read_as_sent_by_lines_and_as_a_list() {
        let sse: String = CHUNKS.map(|chunk| format!("event: x\r\ndata: {chunk}\r\n\r\n")).concat();
        assert_chunks(&format!(": ping\n\n{sse}data: [DONE]\n\n"));
        assert_chunks(&format!("\u{feff}data: {}\n\n", CHUNKS.join("\n\ndata: ")));
        assert_chunks(&CHUNKS.join("\n"));
        assert_chunks(&format!("\n{}\n\n", CHUNKS.join("\r\n")));
        assert_chunks(&format!("[{}]", CHUNKS.join(",\n")));
    }

    #[test]
    fn one_of_several_choices_is_read() {
        let choice = |index: &str, text: &str| format!(r#"{{{index}"delta":{{"content":"{text}"}}}}"#);
        let both = |a: &str, b: &str| format!(r#"{{"choices":[{a},{b}]}}"#);
        let one = |choice: &str| format!(r#"{{"choices":[{choice}]}}"#);
        let (zero, first) = (r#""index":0,"#, r#""index":1,"#);
        for text in [
            both(&choice(first, "b"), &choice(zero, "a")),
            both(&choice("", "a"), &choice("", "b")),
            [one(&choice(zero, "a")), one(&choice(first, "b"))].join("\n"),
        ] {
            let read = |choice| read_document(RunId(1), text.as_bytes(), choice);
            let (a, b) = (read(0).unwrap(), read(1).unwrap());
            assert_eq!((a.run.text.as_str(), b.run.text.as_str(), a.choices), ("a", "b", 2), "{text}");
            assert!(read(2).unwrap_err().to_string().contains("no choice 2"), "{text}");
        }
    }

    #[test]
    fn how_an_answer_was_asked_is_read_back() {
        let text = r#"{"text":"a","tokens":[],"asked_temperature":0.7,"asked_top_p":0.9,"asked_min_p":0.05,
            "provenance":{"stage":"after_temperature","basis":"probed"}}"#;
        let saved = read_document(RunId(1), text.as_bytes(), 0).unwrap();
        let sampling = &saved.run.request.sampling;
        assert_eq!((sampling.temperature, sampling.top_p), (Some(0.7), Some(0.9)));
        assert_eq!(sampling.extra.get("min_p"), Some(&0.05.into()));
        assert_eq!(saved.provenance, Some(Provenance::stated(Some(false), Basis::Probed)));
        let bare = read_document(RunId(1), br#"{"text":"a","tokens":[],"provenance":7}"#, 0).unwrap();
        assert_eq!((bare.run.request.sampling.temperature, bare.provenance), (None, None));
    }

    #[test]
    fn the_last_event_of_a_response_has_the_bytes_its_pieces_lack() {
        let piece = r#"{"type":"response.output_text.delta","delta":"가","logprobs":[{"token":"가","logprob":-0.5}]}"#;
        let whole = r#"{"type":"response.completed","response":{"model":"m","temperature":0.3,"status":"completed",
            "output":[{"type":"message","content":[{"type":"output_text","text":"가",
            "logprobs":[{"token":"가","logprob":-0.5,"bytes":[234,176,128]}]}]}]}}"#;
        let events =
            format!("data: {{\"type\":\"response.created\",\"response\":{{}}}}\n\ndata: {piece}\n\n");
        let run = read(&format!("{events}data: {}\n\n", whole.replace('\n', ""))).unwrap();
        assert_eq!((run.text.as_str(), run.tokens.len()), ("가", 1));
        assert!(run.tokens[0].piece.given_bytes().is_some());
        assert_eq!(run.request.sampling.temperature, Some(0.3));
        // Without it the pieces are the answer.
        let run = read(&events).unwrap();
        assert_eq!((run.text.as_str(), run.tokens[0].piece.given_bytes()), ("가", None));
        assert_eq!(run.status, RunStatus::Done(FinishReason::Other("unstated".into())));
    }

    #[test]
    fn what_this_program_prints_is_read_back() {
        let printed = r#"{"model":"m","endpoint":"sandbox","text":"가","reasoning":"r","finish_reason":"length",
            "usage":{"input_tokens":9,"cached_input_tokens":4,"output_tokens":1,"reasoning_tokens":0},
            "usage_source":"provider","timing":{"first_token_ms":1.0},"attempts":1,"perplexity":1.6,
            "tokens":[{"text":"가","bytes":[234,176,128],"id":7,"logprob":-0.5,
              "candidates":[{"text":"가","bytes":null,"logprob":-0.5},{"text":"b","bytes":[98],"id":8,"logprob":-1.5}]}]}"#;
        let run = read(printed).unwrap();
        assert_eq!(
            (&*run.request.endpoint, run.text.as_str(), run.reasoning.as_str()),
            ("sandbox", "가", "r")
        );
        let usage = Usage { input_tokens: 9, cached_input_tokens: 4, output_tokens: 1, reasoning_tokens: 0 };
        assert_eq!(run.usage, Some(usage));
        let token = &run.tokens[0];
        assert_eq!((token.id, token.logprob, token.candidates[1].id), (Some(7), Some(-0.5), Some(8)));
        assert_eq!(run.status, RunStatus::Done(FinishReason::Length));
        let run = read(&printed.replace("provider", "estimate")).unwrap();
        assert_eq!((run.usage, run.output_tokens()), (None, Some(Count::Estimate(1))));
        let run = read(&printed.replace("\"attempts\":1", "\"fault\":{\"message\":\"cut\"}")).unwrap();
        assert!(
            matches!(&run.status, RunStatus::Failed(fault) if fault.message.contains("cut")),
            "{:?}",
            run.status
        );
    }

    #[test]
    fn a_line_of_a_batch_holds_its_document() {
        let run = read(&format!(
            r#"{{"id":"b","custom_id":"c","response":{{"status_code":200,"body":{}}},"error":null}}"#,
            r#"{"model":"m","choices":[{"message":{"content":"가"},"finish_reason":"stop"}]}"#
        ));
        assert_eq!(run.unwrap().text, "가");
    }

    #[test]
    fn what_is_no_answer_is_told_with_what_is_read() {
        for (text, told) in [
            ("", "It is empty"),
            ("<html>", "web page"),
            ("hello", "It begins with: hello"),
            ("{\n\"a\": \n", "no JSON from line"),
            ("{\"choices\":[]}\nnot json\n", "Line 2 is no JSON: not json"),
            ("{\"a\":1}", "has none of"),
            ("[1,2]", "has none of"),
            ("{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}", "has none of"),
            ("data: nope\n\n", "This in it is no JSON: nope"),
            ("data: {\"choices\":null}\n\n", "has none of"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.message.contains(told), "{text}: {fault}");
            assert!(fault.remedy.contains("Chat Completions"), "{fault}");
        }
        for (bytes, told) in [(b"\xff\xfe{\0".as_slice(), "UTF-16"), (b"{\xff}", "not UTF-8 at byte 1")] {
            let fault = read_document(RunId(1), bytes, 0).unwrap_err();
            assert!(fault.message.contains(told) && fault.remedy == "Save it as UTF-8", "{fault}");
        }
    }

    #[test]
    fn a_failure_is_told_and_does_not_take_the_text_along() {
        let error = r#"{"error":{"message":"too much","code":429}}"#;
        let fault = read(error).unwrap_err();
        assert_eq!(fault.message, "This is the failure of a server: too much");
        let run = read(&format!("data: {}\n\ndata: {error}\n\n", CHUNKS[0])).unwrap();
        assert_eq!(run.text, "가");
        assert!(matches!(&run.status, RunStatus::Failed(fault) if fault.message.ends_with("too much")));
        let failed =
            r#"{"type":"response.failed","response":{"status":"failed","error":{"message":"oops"}}}"#;
        assert!(read(failed).unwrap_err().message.ends_with("oops"));
    }

    proptest! {
        /// Nothing a file may hold is more than an error.
        #[test]
        fn any_file_is_an_answer_or_an_error(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    CHUNKS[0], CHUNKS[1], "data: ", "\n", "\n\n", "[", "]", ",", "{", "}", "\"", "null", "{\"output\":[{}]}",
                    "{\"content\":7,\"stop\":1}", "{\"text\":[],\"tokens\":{}}", "{\"response\":{\"body\":{\"response\":{\"body\":{}}}}}",
                    "한", "\u{0}",
                ]),
                0..8,
            ),
            bytes in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let _ = read(&parts.concat());
            let _ = read_document(RunId(1), &bytes, 0);
        }
    }
}
