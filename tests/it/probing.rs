//! The truth probe against real servers on loopback, and its layer in the workbench.

use crate::support::DEADLINE;
use crate::support::gated::GatedServer;
use crate::support::harness::Harness;
use crate::support::stage::{Fixed, Stage, token};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use tokenscope::access::probe;
use tokenscope::app::msg::{Effect, Msg, ProbeStep};
use tokenscope::core::endpoint::{Endpoint, Limits, ProviderKind};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::probe::{
    Answers, Finding, Given, Logprobs, Outcome, Prefill, Presence, Question, Reply, Seeding, Subject, Verdict,
};
use tokenscope::core::provenance::{Basis, Provenance, Stage as Side};
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::provider::Client;
use tokenscope::sandbox::{Options, Server};

fn client(base_url: String, key: Option<&str>) -> Client {
    let limits = Limits { retries: 0, ..Limits::default() };
    let endpoint = Endpoint {
        name: "e".into(),
        base_url,
        provider: ProviderKind::OpenaiChat,
        limits,
        legacy_max_tokens: false,
    };
    Client::new(&endpoint, key.map(SecretString::from)).unwrap()
}

/// Probes a model of the sandbox.
async fn sandbox(model: &str) -> Result<Finding, Fault> {
    let server = Server::start(Options { port: 0, key: None, rate: None, seed: 3 }).await.unwrap();
    let subject = Subject::new("sandbox", model, "");
    probe::run(&client(server.base_url(), server.key()), &subject, |_| {}).await
}

fn given(finding: &Finding) -> Given {
    match finding.logprobs {
        Logprobs::Given(given) => given,
        _ => panic!("{finding:?}"),
    }
}

#[tokio::test]
async fn the_plain_model_is_found_to_be_what_it_is() {
    let finding = sandbox("sandbox-mini").await.unwrap();
    assert_eq!(finding.provenance().unwrap().to_string(), "before temperature, probed");
    let given = given(&finding);
    assert_eq!((given.asked, given.most, given.bytes), (20, 20, Presence::All));
    assert_eq!(finding.refused().collect::<Vec<_>>(), ["reasoning_effort"]);
    assert_eq!(finding.seed, Seeding::Repeats);
    assert_eq!(
        (&finding.prefill_flagged, &finding.prefill_plain),
        (&Prefill::Continues, &Prefill::Continues)
    );
    assert_eq!(finding.stopped_by, None);
    assert!(finding.date.len() == 10 && finding.requests <= 22 && finding.output_tokens <= 120);
}

#[tokio::test]
async fn what_a_model_does_differently_is_found_out() {
    let after = sandbox("sandbox-after-temperature").await.unwrap();
    assert_eq!(after.provenance().unwrap().to_string(), "after temperature, probed");
    let few = sandbox("sandbox-top-5").await.unwrap();
    assert_eq!((given(&few).most, given(&few).is_cut_short()), (5, true));
    assert_eq!(given(&sandbox("sandbox-no-bytes").await.unwrap()).bytes, Presence::None);
    let none = sandbox("sandbox-no-logprobs").await.unwrap();
    assert_eq!((&none.logprobs, none.provenance()), (&Logprobs::Withheld, None));
    let refusing = sandbox("sandbox-refuses-temperature").await.unwrap();
    assert!(refusing.refusal("temperature").unwrap().contains("Only the default (1) value"));
    assert!(refusing.placing.reason.starts_with("temperature is refused"));
}

#[tokio::test]
async fn a_model_that_fails_is_told_and_one_that_is_not_there_is_asked_once() {
    let fault = sandbox("sandbox-500").await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Server);
    assert_eq!(sandbox("nobody").await.unwrap_err().kind, FaultKind::NotFound);
}

/// Probes a server that answers each body as `serve` says: with a status and a body, or a stream of
/// tokens. Returns the bodies, too.
async fn by_hand(mut serve: impl FnMut(&Value) -> Result<Vec<Value>, (u16, Value)>) -> (Finding, Vec<Value>) {
    let server = GatedServer::start().await;
    let client = client(server.base_url(), None);
    let subject = Subject::new("e", "m", &server.base_url());
    let mut bodies = Vec::new();
    let asking = probe::run(&client, &subject, |_| {});
    let serving = async {
        loop {
            let mut call = server.accept().await;
            let body: Value = serde_json::from_str(&call.body).unwrap();
            match serve(&body) {
                Err((status, error)) => call.respond(status, &[], &error.to_string()).await,
                Ok(events) => {
                    call.open().await;
                    let events: Vec<String> =
                        events.iter().map(|event| format!("data: {event}\n\n")).collect();
                    call.send(format!("{}data: [DONE]\n\n", events.concat()).as_bytes()).await;
                    call.finish().await;
                }
            }
            bodies.push(body);
        }
    };
    let found = tokio::select! {
        found = asking => found.unwrap(),
        () = serving => unreachable!("it serves until the probe is over"),
        () = tokio::time::sleep(DEADLINE) => panic!("the probe does not end"),
    };
    (found, bodies)
}

/// Returns the events of a text without tokens, its words one by one.
fn says(text: &str) -> Vec<Value> {
    let words = text.split_inclusive(' ').map(|word| json!({"choices": [{"delta": {"content": word}}]}));
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    words.chain([end]).collect()
}

fn refuses(param: &str, message: &str) -> (u16, Value) {
    (
        400,
        json!({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": null}}),
    )
}

#[tokio::test]
async fn an_older_server_is_asked_by_the_name_it_knows() {
    let (finding, bodies) = by_hand(|body| {
        if body.get("max_completion_tokens").is_some() {
            return Err(refuses("max_completion_tokens", "Extra inputs are not permitted"));
        }
        if body.get("logprobs").is_some() {
            return Err((
                403,
                json!({"error": {"message": "You are not allowed to request logprobs from this model"}}),
            ));
        }
        if body.get("presence_penalty").is_some() {
            return Err(refuses("frequency_penalty", "unknown"));
        }
        let is_given = body["messages"].as_array().unwrap().last().unwrap()["role"] == "assistant";
        Ok(says(if is_given { "Spaced repetition means that" } else { "hello" }))
    })
    .await;
    assert_eq!(finding.refusal("max_output_tokens"), None);
    assert_eq!(finding.refusal("max_completion_tokens"), Some("Extra inputs are not permitted"));
    assert!(finding.refusal("top_logprobs").unwrap().contains("not allowed to request logprobs"));
    assert_eq!(*finding.verdict("presence_penalty"), Verdict::Untried);
    assert_eq!(finding.refusal("frequency_penalty"), Some("unknown"));
    assert_eq!(finding.prefill_flagged, Prefill::BeginsAgain);
    assert_eq!(finding.seed, Seeding::Unclear);
    // After the two names were tried, every request is kept short under the one that works.
    assert!(bodies.len() > 10 && bodies[2..].iter().all(|body| body["max_tokens"].as_u64().unwrap() <= 8));
    assert!(bodies.iter().all(|body| body["stream"] == true));
    // What vLLM wants stands in one request, and in the other nothing does.
    let flagged: Vec<bool> =
        bodies.iter().rev().take(2).map(|body| body.get("continue_final_message").is_some()).collect();
    assert_eq!(flagged, [false, true]);
}

#[tokio::test]
async fn answers_without_end_are_left_and_nothing_more_is_asked() {
    let endless = || vec![json!({"choices": [{"delta": {"content": "and so on, "}}]}); 5000];
    let (finding, bodies) = by_hand(|_| Ok(endless())).await;
    assert_eq!(bodies.len(), 2);
    assert_eq!(*finding.verdict("max_completion_tokens"), Verdict::Ignored);
    assert!(finding.stopped_by.unwrap().contains("kept short"));
    assert_eq!(finding.logprobs, Logprobs::Unknown);
}

/// Returns a finding whose values stand on a side, for the app's own endpoint and model.
fn finding(side: Side) -> Finding {
    let mut answers = Answers::default();
    let cool = token(&[("a", 0.7), ("b", 0.2), ("c", 0.1)]);
    let mut hot = cool.clone();
    if side == Side::AfterTemperature {
        for candidate in &mut hot.candidates {
            candidate.logprob = candidate.logprob.map(|logprob| logprob / 10.0);
        }
    }
    while let Some(question) = answers.next() {
        let token = if question == Question::Hot { hot.clone() } else { cool.clone() };
        let refused = Fault::new(FaultKind::Refused, "Model m-1 refuses top_p: not on Sundays");
        let reply = Reply { text: "x".into(), tokens: vec![token], output_tokens: 1, is_endless: false };
        let outcome =
            if question == Question::TopP { Outcome::Refused(refused) } else { Outcome::Answered(reply) };
        answers.take(question, outcome);
    }
    Finding::new(&Subject::new("local", "m-1", "https://api.example.org/v1"), &answers, "2026-11-21")
}

#[test]
fn the_layer_states_the_costs_and_waits_for_a_yes() {
    let mut stage = Stage::new(120, 40);
    stage.press("f4");
    let screen = stage.screen();
    for said in ["m-1 at local", "up to 22 requests", "$0.00024", "Enter starts · Esc leaves"] {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    assert_eq!(stage.effects(), []);
    stage.press("esc");
    assert!(!stage.screen().contains("Enter starts"));
    stage.press("f4 enter");
    let effects = stage.effects();
    let [Effect::Probe { number: 1, subject }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(&*subject.base_url, "https://api.example.org/v1");
    stage.press("enter");
    assert_eq!(stage.effects(), [], "it begins once");
    stage.tell(Msg::Probed {
        number: 1,
        step: ProbeStep::Asking { done: 7, question: Question::Hot, attempt: 2 },
    });
    assert!(stage.screen().contains("7 of up to 22 requests · temperature 2.0, try 2"), "{}", stage.screen());
    stage.press("esc");
    assert_eq!(stage.effects(), [Effect::StopProbe]);
    // What still comes of it changes nothing.
    let late = ProbeStep::Ended(Ok(Box::new(finding(Side::AfterTemperature))));
    stage.tell(Msg::Probed { number: 1, step: late });
    assert_eq!((stage.app.finding("local", "m-1"), stage.app.stale), (None, 1));
}

#[test]
fn what_was_found_out_is_shown_and_used() {
    let mut stage = Stage::new(120, 40);
    stage.exchange("hi", "hello");
    let run = stage.last_run();
    assert_eq!(stage.app.provenance(stage.run(run)).basis, Basis::Assumed);
    stage.press("f4 enter");
    let found = finding(Side::AfterTemperature);
    stage.tell(Msg::Probed { number: 1, step: ProbeStep::Ended(Ok(Box::new(found))) });
    let screen = stage.screen();
    for said in ["after temperature: scaled by 1/T", "refused: not on Sundays", "3 where 20 were asked for"] {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    let expected = Provenance { stage: Side::AfterTemperature, basis: Basis::Probed };
    assert_eq!(stage.app.provenance(stage.run(run)), expected);
    stage.press("esc ctrl-t");
    let screen = stage.screen();
    assert!(screen.contains("refused: not on Sundays"), "{screen}");
    assert!(screen.contains("3 came where 20 were asked for"), "{screen}");
    assert!(
        screen.contains("probed 2026-11-21 · after temperature · 3 candidates · refuses top_p"),
        "{screen}"
    );
    // It is shown again, and nothing is sent before another yes.
    stage.press("esc f4");
    assert!(stage.screen().contains("Enter probes again"), "{}", stage.screen());
    stage.press("enter");
    let screen = stage.screen();
    assert!(screen.contains("up to 22 requests") && screen.contains("Enter starts"), "{screen}");
    assert!(!stage.effects().iter().any(|effect| matches!(effect, Effect::Probe { number: 2, .. })));
    stage.press("esc");
    // Another server behind the same name is another matter.
    stage.app.settings.endpoints[0].base_url = "https://elsewhere.example/v1".into();
    assert_eq!(stage.app.provenance(stage.run(run)).basis, Basis::Assumed);
}

#[test]
fn the_users_word_is_better_than_what_was_found_out() {
    for (word, expected) in [
        (Some(true), Provenance { stage: Side::BeforeTemperature, basis: Basis::Configured }),
        (None, Provenance { stage: Side::AfterTemperature, basis: Basis::Probed }),
    ] {
        let mut stage = Stage::with(120, 40, |start| {
            start.knowledge = Box::new(Fixed { logprobs_before_temperature: word });
            start.probes.put(finding(Side::AfterTemperature));
        });
        stage.exchange("hi", "hello");
        let run = stage.last_run();
        assert_eq!(stage.app.provenance(stage.run(run)), expected);
    }
}

#[test]
fn a_probe_that_found_nothing_out_says_why() {
    let mut stage = Stage::new(80, 24);
    stage.press("f4 enter");
    let fault = Fault::new(FaultKind::Unauthorized, "The key does not open m-1").remedy("Check the key");
    stage.tell(Msg::Probed { number: 1, step: ProbeStep::Ended(Err(fault)) });
    let screen = stage.screen();
    assert!(screen.contains("Nothing was found out") && screen.contains("Check the key"), "{screen}");
    stage.press("enter");
    assert!(stage.app.overlay.is_none());
}

#[test]
fn every_size_of_terminal_shows_the_layers() {
    for (width, height) in [(40, 12), (80, 24), (200, 60)] {
        let mut stage = Stage::new(width, height);
        stage.press("f4 enter");
        let found = Box::new(finding(Side::BeforeTemperature));
        stage.tell(Msg::Probed { number: 1, step: ProbeStep::Ended(Ok(found)) });
        stage.press("down pagedown end down home up esc");
        stage.type_text("아침에 일찍 abc").press("alt-c");
        let effects = stage.effects();
        let Some(Effect::CutTokens { revision, text }) = effects.last() else { panic!("{effects:?}") };
        assert!(stage.screen().contains("cutting …"));
        let cutting = Arc::new(tokenscope::tokenizer::cut(text));
        stage.tell(Msg::TokensCut { revision: revision + 1, cutting: Arc::clone(&cutting) });
        assert!(stage.screen().contains("cutting …"), "another text's tokens are dropped");
        stage.tell(Msg::TokensCut { revision: *revision, cutting });
        assert!(stage.screen().contains("o200k_base"), "{}", stage.screen());
        stage.press("right down pagedown end home left esc");
        assert_eq!(stage.app.composer.text(), "아침에 일찍 abc");
    }
}

#[test]
fn tokens_are_those_of_the_draft_or_of_a_message() {
    let mut stage = Stage::new(120, 40);
    stage.press("alt-c");
    assert!(stage.notice().contains("nothing to cut"), "{}", stage.notice());
    stage.exchange("hi", "한국어 answer");
    let effect = |stage: &mut Stage| match stage.press("alt-c").effects().pop() {
        Some(Effect::CutTokens { revision, text }) => (revision, text),
        other => panic!("{other:?}"),
    };
    let (revision, text) = effect(&mut stage);
    assert_eq!(&*text, "한국어 answer");
    stage.tell(Msg::TokensCut { revision, cutting: Arc::new(tokenscope::tokenizer::cut(&text)) });
    let screen = stage.screen();
    for said in
        ["tokens of the last message", "o200k_base", "cl100k_base", "per grapheme", "× the other", "␣answer"]
    {
        assert!(screen.contains(said), "{said}\n{screen}");
    }
    stage.press("esc").type_text("안녕 mojibake");
    assert_eq!(&*effect(&mut stage).1, "안녕 mojibake");
    let garbled: Arc<str> = "안녕하세요".bytes().map(char::from).collect::<String>().into();
    stage.press("esc ctrl-u").paste(&garbled);
    let (revision, text) = effect(&mut stage);
    stage.tell(Msg::TokensCut { revision, cutting: Arc::new(tokenscope::tokenizer::cut(&text)) });
    assert!(stage.screen().contains("this looks like UTF-8 read as Latin-1"), "{}", stage.screen());
}

#[test]
fn an_answer_that_still_grows_can_be_cut_too() {
    let mut stage = Stage::new(120, 40);
    stage.type_text("hi").press("enter");
    let run = stage.last_run();
    stage.stream(run, ["one ", "two"]).press("alt-c");
    let effects = stage.effects();
    assert!(
        matches!(effects.last(), Some(Effect::CutTokens { text, .. }) if &**text == "one two"),
        "{effects:?}"
    );
    stage.event(run, StreamEvent::Finished(FinishReason::Stop));
    assert!(stage.app.overlay.is_some());
}

#[tokio::test]
async fn the_workbench_probes_with_its_own_driver_and_cuts_on_its_worker() {
    let server = GatedServer::start().await;
    let bench = Harness::new(120, 40, &server);
    bench.type_text("아침 일찍").press("alt-c");
    bench.shows("tokens of the draft").await;
    bench.shows("cl100k_base").await;
    bench.press("esc f4").shows("Enter starts").await;
    bench.press("enter");
    let refusal = json!({"error": {"message": "no such key", "code": "invalid_api_key"}}).to_string();
    server.answer(401, &[], &refusal).await;
    bench.shows("Nothing was found out").await;
    bench.press("esc ctrl-q");
    assert_eq!(bench.ends().await.code, 0);
}
