//! `POST /v1/chat/completions`: from a checked request to a stream of chunks or one answer.
//!
//! Owns the pace and the order of what is sent. The model's work for one token takes some microseconds,
//! so it is done in place, with a pause for other tasks every few tokens; what takes longer (loading the
//! model, reading the conversation) runs on a blocking thread.

use super::body::{Choice, Header, Usage};
use super::corpus::Language;
use super::fault::{self, Behaviour, Pace};
use super::model::{Model, Random, Reading};
use super::refusal::Refusal;
use super::request::{ChatRequest, Format};
use super::schema;
use super::sending::{Over, Pacer, Sink, cut_in_half};
use super::server::{self, State};
use super::telling::{Step, Telling};
use crate::core::context::framing_tokens;
use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use tokio::time::Instant;

/// Tokens the model can read and tell together.
pub(super) const WINDOW: u64 = 8192;

/// What a request needs once it was accepted.
struct Work {
    model: &'static Model,
    behaviour: Behaviour,
    header: Header,
    tellings: Vec<Telling>,
    reasoning: Option<String>,
    usage: Usage,
    pace: Option<Pace>,
    include_usage: bool,
}

/// Answers a request.
pub(super) async fn answer(state: Arc<State>, body: Bytes) -> Result<Response, Refusal> {
    let started = Instant::now();
    let request = ChatRequest::from_json(&body)?;
    let behaviour = Behaviour::of(&request.model)?;
    fault::check(behaviour, request.temperature, &body, &state.rate_limit)?;
    let model = server::model().await?;
    let stream = request.stream;
    let work = {
        let state = Arc::clone(&state);
        tokio::task::spawn_blocking(move || prepare(&state, model, behaviour, request))
            .await
            .map_err(|_| internal())??
    };
    if stream {
        let (sink, response) = Sink::new(behaviour);
        let mut stopping = state.stopping();
        tokio::spawn(async move {
            tokio::select! {
                () = tell(work, started, sink) => {}
                () = stopping.wait() => {}
            }
        });
        return Ok(response);
    }
    let mut stopping = state.stopping();
    tokio::select! {
        answer = whole(work, started) => Ok(answer),
        () = stopping.wait() => Err(internal()),
    }
}

/// Returns the refusal for what should not happen.
pub(super) fn internal() -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "The sandbox stopped before it could answer.")
}

/// Reads the conversation and begins the answers.
fn prepare(
    state: &State,
    model: &'static Model,
    behaviour: Behaviour,
    request: ChatRequest,
) -> Result<Work, Refusal> {
    let contents: u64 = request.turns.iter().map(|turn| model.table().count(&turn.text)).sum();
    // Where an answer is begun, its beginning stands where the opening of a new one would.
    let beginning = model.table().encode(&request.beginning);
    let prompt = framing_tokens(request.turns.len()) + contents + beginning.len() as u64;
    let limit = room(prompt, request.most_tokens)?;
    let candidates = behaviour.candidates(request.candidates);
    let reasoning = (behaviour == Behaviour::Reasoning).then(|| think(model, &model.read(&request.turns)));
    let seed = request.seed.unwrap_or_else(|| state.draw());
    let grammar = match &request.format {
        Format::Text => None,
        Format::Object => schema::plain_object(names(model.read(&request.turns).language)).map(Arc::new),
        Format::Schema(grammar) => Some(Arc::clone(grammar)),
    };
    let tellings = (0..request.choices)
        .map(|index| {
            let (random, settings) = (Random::for_choice(seed, index), request.settings.clone());
            let generation = match &grammar {
                None => Some(model.resume(&request.turns, &beginning, settings, random)),
                Some(grammar) => {
                    model.document(&request.turns, Arc::clone(grammar), &beginning, settings, random)
                }
            };
            let generation = generation.ok_or_else(no_document)?.reporting(behaviour.report());
            Ok(Telling::new(generation, request.stop.clone(), candidates, behaviour.pieces(), limit))
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let thought = reasoning.as_deref().map_or(0, |text| model.table().count(text));
    let header = Header {
        id: format!("chatcmpl-{:016x}", state.draw()),
        created: state.now(),
        model: request.model,
        logprobs: candidates.is_some(),
        usage: request.include_usage,
    };
    Ok(Work {
        model,
        behaviour,
        header,
        tellings,
        reasoning,
        usage: Usage { prompt, completion: thought, reasoning: thought },
        pace: behaviour.pace(state.pace()),
        include_usage: request.include_usage,
    })
}

/// Returns the names of an object whose schema nobody gave.
fn names(language: Language) -> [&'static str; 3] {
    match language {
        Language::English => ["answer", "details", "confidence"],
        Language::Korean => ["답", "자세히", "확신"],
    }
}

fn no_document() -> Refusal {
    let message = "The message to continue is not the beginning of a document of this 'response_format'. The \
                   sandbox writes one space after a colon and after a comma, none elsewhere, and members in \
                   the order of the schema.";
    Refusal::of("response_format", message).code("invalid_value")
}

/// Returns how many tokens the answer may have.
fn room(prompt: u64, wanted: Option<u64>) -> Result<u64, Refusal> {
    let reply = wanted.unwrap_or(0);
    let message = if prompt >= WINDOW {
        format!(
            "This model's maximum context length is {WINDOW} tokens. However, your messages resulted in \
             {prompt} tokens. Please reduce the length of the messages."
        )
    } else if prompt.saturating_add(reply) > WINDOW {
        format!(
            "This model's maximum context length is {WINDOW} tokens. However, you requested {} tokens \
             ({prompt} in the messages, {reply} in the completion). Please reduce the length of the messages \
             or completion.",
            prompt.saturating_add(reply)
        )
    } else {
        return Ok(wanted.unwrap_or(WINDOW - prompt));
    };
    Err(Refusal::of("messages", message).code("context_length_exceeded"))
}

/// Returns what the model makes of a conversation, in words.
fn think(model: &Model, reading: &Reading) -> String {
    let mut likest: Vec<(&str, f64)> =
        model.topics().iter().zip(&reading.topics).map(|(topic, weight)| (topic.id, *weight)).collect();
    likest.retain(|(_, weight)| *weight > 0.0);
    likest.sort_by(|a, b| b.1.total_cmp(&a.1));
    let list: Vec<String> =
        likest.iter().take(3).map(|(id, weight)| format!("{id} (weight {weight:.2})")).collect();
    let voice = reading.voice.map_or("plain", |voice| voice.name());
    format!(
        "The last question is like these of my topics: {}. The likeness of the best one is {:.2} of 1. I answer \
         in {}, in the {voice} voice.",
        list.join(", "),
        reading.score,
        reading.language.name(),
    )
}

/// Streams an answer.
async fn tell(work: Work, started: Instant, sink: Sink) {
    let behaviour = work.behaviour;
    if tell_all(work, started, &sink).await.is_err() {
        sink.break_off(behaviour).await;
    }
}

async fn tell_all(mut work: Work, started: Instant, sink: &Sink) -> Result<(), Over> {
    let mut pacer = Pacer::new(work.pace, started);
    let choices = work.tellings.len();
    for index in 0..choices {
        sink.send(&work.header.opening(index)).await?;
    }
    if let Some(reasoning) = &work.reasoning {
        for word in reasoning.split_inclusive(' ') {
            pacer.wait().await;
            for index in 0..choices {
                sink.send(&work.header.reasoning(index, word)).await?;
            }
        }
    }
    let mut open: Vec<usize> = (0..choices).collect();
    let mut round = 0;
    while !open.is_empty() {
        if work.behaviour.breaks_after() == Some(round) {
            return Err(Over);
        }
        pacer.wait().await;
        let mut still_open = Vec::with_capacity(open.len());
        for index in open {
            let step = work.tellings[index].step(work.model);
            if let Some(chunk) = work.header.content(index, &step) {
                sink.send(&chunk).await?;
            }
            match step.ending {
                // An answer may be over before it would break off.
                Some(_) if work.behaviour.breaks_after().is_some() => return Err(Over),
                Some(ending) => sink.send(&work.header.closing(index, ending)).await?,
                None => still_open.push(index),
            }
        }
        open = still_open;
        round += 1;
    }
    if work.include_usage {
        work.usage.completion += work.tellings.iter().map(Telling::generated).sum::<u64>();
        sink.send(&work.header.usage(work.usage)).await?;
    }
    sink.write("data: [DONE]\n\n".to_owned()).await
}

/// Returns a whole answer at once.
async fn whole(mut work: Work, started: Instant) -> Response {
    let mut pacer = Pacer::new(work.pace, started);
    if let Some(reasoning) = &work.reasoning {
        for _ in reasoning.split_inclusive(' ') {
            pacer.wait().await;
        }
    }
    let mut choices: Vec<Choice> = work.tellings.iter().map(|_| Choice::default()).collect();
    let mut round = 0;
    while choices.iter().any(|choice| choice.ending.is_none()) {
        if work.behaviour.breaks_after() == Some(round) {
            break;
        }
        pacer.wait().await;
        for (choice, telling) in choices.iter_mut().zip(&mut work.tellings) {
            if choice.ending.is_none() {
                let Step { text, tokens, ending } = telling.step(work.model);
                choice.text.push_str(&text);
                choice.tokens.extend(tokens);
                choice.ending = ending;
            }
        }
        round += 1;
    }
    work.usage.completion += work.tellings.iter().map(Telling::generated).sum::<u64>();
    let body = work.header.answer(&choices, work.reasoning.as_deref(), work.usage);
    let broken = work.behaviour.breaks_after().is_some();
    if broken && work.behaviour == Behaviour::Stall {
        std::future::pending::<()>().await;
    }
    if broken { cut_in_half(&body) } else { Json(body).into_response() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_holds_prompt_and_answer() {
        assert_eq!(room(100, None), Ok(8092));
        assert_eq!(room(100, Some(8092)), Ok(8092));
        assert!(room(100, Some(8093)).is_err());
        assert!(room(8192, None).is_err());
        assert!(room(1, Some(u64::MAX)).is_err());
    }
}
