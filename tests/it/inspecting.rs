//! The inspector through keys: walking, asking what if, taking another candidate, other endings.

use crate::support::stage::{Fixed, Stage, token};
use tokenscope::app::heat::Heat;
use tokenscope::app::inspector::{Order, Slider};
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::branch::Verification;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Means, ResponseFormat};
use tokenscope::core::stream::{FinishReason, StreamEvent};
use tokenscope::core::token::Token;

fn bamboo() -> Vec<Token> {
    vec![
        token(&[("Slowly", 0.9), ("Quickly", 0.05)]),
        token(&[(" the", 0.8), (" a", 0.1)]),
        token(&[(" bamboo", 0.4), (" panda", 0.35), (" 대나무", 0.1)]),
        token(&[(" grows", 0.95), (" sleeps", 0.02)]),
        token(&[(".", 0.99), ("!", 0.005)]),
    ]
}

fn send(stage: &mut Stage, run: RunId, tokens: Vec<Token>) {
    let text = tokens.iter().map(|token| token.piece.text()).collect();
    stage.event(run, StreamEvent::Attempt { number: 1 });
    stage.event(run, StreamEvent::Delta { text, tokens });
    stage.event(run, StreamEvent::Finished(FinishReason::Stop));
}

/// Returns a stage with an answer of five tokens and the inspector on its first.
fn inspecting(width: u16, height: u16) -> (Stage, RunId) {
    let mut stage = Stage::new(width, height);
    stage.type_text("what grows").press("enter");
    let run = stage.last_run();
    send(&mut stage, run, bamboo());
    stage.press("alt-i");
    (stage, run)
}

fn token_here(stage: &Stage) -> usize {
    stage.app.inspector.current().unwrap().tokens.start
}

#[test]
fn two_keys_lead_from_an_answer_to_its_least_certain_token() {
    let (mut stage, _) = inspecting(120, 40);
    stage.press("x");
    assert_eq!(token_here(&stage), 2);
    let screen = stage.screen();
    for shown in ["tokens", "40.0 %", "1.32 bits", "rank 1", "panda", "unseen", "entropy", "margin 0.19 bits"]
    {
        let shown = if shown == "tokens" { "token 3 / 5" } else { shown };
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
}

#[test]
fn words_are_walked_and_text_is_found() {
    let (mut stage, _) = inspecting(120, 40);
    stage.press("w w w");
    assert_eq!(token_here(&stage), 3);
    stage.press("/").type_text("BOO g");
    assert_eq!(token_here(&stage), 2, "across two tokens, whatever the case");
    assert!(stage.screen().lines().last().unwrap().contains("/BOO g"));
    stage.type_text("x");
    assert!(stage.screen().contains("this answer does not hold it"));
    stage.press("esc 0");
    stage
        .press("/ backspace backspace backspace backspace backspace backspace")
        .type_text("slow")
        .press("enter");
    assert_eq!(token_here(&stage), 0);
}

#[test]
fn a_slider_reshapes_the_position_and_nothing_is_asked() {
    let (mut stage, _) = inspecting(120, 40);
    stage.press("x");
    stage.effects();
    assert!(stage.screen().contains("- = move"));
    stage.press("+");
    assert_eq!(stage.effects(), [], "no request");
    let asked = stage.app.asked().temperature;
    let now = stage.app.inspector.sliders.reshaping().unwrap();
    assert!((now.temperature - asked - 0.25).abs() < 1e-9);
    let screen = stage.screen();
    assert!(screen.contains(&format!("at T {:.2}", now.temperature)), "{screen}");
    // top_p 0.3 keeps the most probable candidate alone, which is exact.
    stage.press("s");
    assert_eq!(stage.app.inspector.sliders.selected(), Slider::TopP);
    for _ in 0..14 {
        stage.press("_");
    }
    assert_eq!(stage.app.inspector.sliders.reshaping().unwrap().top_p, Some(0.3));
    let screen = stage.screen();
    assert!(screen.contains("100.0 %") && screen.contains("cut"), "{screen}");
    assert!(screen.contains("at T 0.95 top_p 0.30") && screen.contains("reported 40.0 %"), "{screen}");
    stage.press("0");
    assert_eq!(stage.app.inspector.sliders.reshaping(), None);
    assert!(!stage.screen().contains("top_p 0.30") && !stage.screen().contains("reported"));
}

#[test]
fn sorting_pieces_and_heat_go_round() {
    let (mut stage, _) = inspecting(120, 40);
    stage.press("o");
    assert_eq!(stage.app.inspector.order(), Order::Surprisal);
    assert_eq!((token_here(&stage), stage.app.inspector.top), (2, 0), "on the first row");
    assert!(stage.screen().contains("by surprisal"));
    assert_eq!(stage.notice(), "sorted by surprisal: the least probable first");
    stage.press("o");
    assert!(stage.screen().contains("p at T 1  margin  rank"), "{}", stage.screen());
    stage.press("o");
    assert!(stage.screen().contains("p at T 1 entropy  rank"), "{}", stage.screen());
    stage.press("o");
    assert_eq!(stage.app.inspector.order(), Order::Position);
    stage.press("v v v");
    assert_eq!(stage.app.heat, Heat::Entropy);
    assert!(stage.screen().contains("entropy, bits"));
}

#[test]
fn another_ending_is_two_keys_away_and_becomes_a_variant() {
    let (mut stage, first) = inspecting(120, 40);
    stage.press("x alt-. alt-enter");
    let second = stage.last_run();
    assert_ne!(first, second);
    let (_, request) = stage.started.last().unwrap();
    let continuation = request.continuation.as_ref().unwrap();
    assert_eq!((&*continuation.prefix, continuation.means), ("Slowly the panda", Means::Prefill));
    assert_eq!(stage.run(second).text, "Slowly the panda");
    assert_eq!(token_here(&stage), 2, "the cursor stays where the endings part");
    send(&mut stage, second, vec![token(&[(" yawns", 0.6), (" grows", 0.2)]), token(&[(".", 0.99)])]);
    assert_eq!(stage.said().last().unwrap(), "assistant: Slowly the panda yawns.");
    let branch = stage.run(second).branch.unwrap();
    assert_eq!((branch.parent, branch.at, branch.verification), (first, 2, Verification::Given));
    stage.press("t");
    let screen = stage.screen();
    for shown in ["as asked", "token 3: ␣panda · prefill", "… panda yawns.", "ln p -1.9", "3 + ≈ 2 tok"]
    {
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
    stage.press("(");
    assert_eq!(stage.said().last().unwrap(), "assistant: Slowly the bamboo grows.");
    assert_eq!(token_here(&stage), 2);
    stage.press(")");
    assert_eq!(stage.said().last().unwrap(), "assistant: Slowly the panda yawns.");
}

#[test]
fn an_endpoint_that_is_only_asked_is_checked_and_told_apart() {
    let mut stage = Stage::with(120, 40, |start| {
        start.settings.endpoints.iter_mut().for_each(|card| card.continues = Means::Asked);
    });
    stage.type_text("what grows").press("enter");
    let first = stage.last_run();
    send(&mut stage, first, bamboo());
    stage.press("alt-i x . enter");
    let second = stage.last_run();
    send(
        &mut stage,
        second,
        vec![token(&[("Slowly", 0.9)]), token(&[(" the", 0.8)]), token(&[(" cat", 0.5)])],
    );
    stage.press("t");
    let screen = stage.screen();
    assert!(screen.contains("parted at 2"), "{screen}");
    assert_eq!(stage.said().last().unwrap(), "assistant: Slowly the cat");
}

#[test]
fn values_after_temperature_zero_are_refused_with_the_reason() {
    let mut stage = Stage::with(120, 40, |start| {
        start.knowledge = Box::new(Fixed { logprobs_before_temperature: Some(false) });
        start.settings.sampling.temperature = Some(0.0);
    });
    stage.type_text("what grows").press("enter");
    let run = stage.last_run();
    send(&mut stage, run, bamboo());
    stage.press("alt-i =");
    let screen = stage.screen();
    assert!(screen.contains("taken after temperature 0"), "{screen}");
    assert!(screen.contains("after temperature, configured"), "{screen}");
}

#[test]
fn everything_is_there_in_a_small_terminal() {
    let (mut stage, _) = inspecting(80, 24);
    stage.press("x");
    let screen = stage.screen();
    for shown in ["token 3 / 5", "panda", "what if", "ppl", "under"] {
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
}

#[test]
fn an_answer_in_json_is_a_tree_with_the_confidence_of_each_value() {
    let mut stage = Stage::with(120, 40, |start| {
        let schema = serde_json::json!({
            "type": "object",
            "properties": { "animal": { "enum": ["panda", "tiger"] }, "wild": { "type": "boolean" }, "age": { "maximum": 3 } }
        });
        start.settings.sampling.response_format = Some(ResponseFormat::JsonSchema {
            name: "animal".into(),
            schema: std::sync::Arc::new(schema),
            strict: true,
        });
    });
    stage.type_text("an animal as JSON").press("enter");
    let run = stage.last_run();
    let tokens = vec![
        token(&[("{\"", 0.99)]),
        token(&[("animal", 0.98)]),
        token(&[("\": \"", 0.97)]),
        token(&[("panda", 0.6), ("tiger", 0.3), ("lion", 0.05)]),
        token(&[("\", \"", 0.97)]),
        token(&[("wild", 0.97)]),
        token(&[("\": ", 0.97)]),
        token(&[("true", 0.7), ("false", 0.28)]),
        token(&[(", \"age\": ", 0.9)]),
        token(&[("7", 0.5), ("2", 0.2)]),
        token(&[("}", 0.99)]),
    ];
    send(&mut stage, run, tokens);
    stage.press("alt-i t");
    let screen = stage.screen();
    for shown in ["animal: \"panda\"", "wild: true", "age: 7", "after the grammar mask"] {
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
    stage.press("j j");
    assert_eq!(token_here(&stage), 7);
    let screen = stage.screen();
    for shown in ["$.wild · lowest true 70.0 %", "true 70.0 % · false 28.0 % · unseen 2.0 %"] {
        assert!(screen.contains(shown), "{shown}:\n{screen}");
    }
    stage.press("j");
    let screen = stage.screen();
    assert!(screen.contains("$.age: expected") && screen.contains('3'), "{screen}");
}

#[test]
fn the_form_of_the_answer_is_chosen_and_a_schema_is_read_from_its_file() {
    let mut stage = Stage::new(120, 40);
    stage
        .press("ctrl-t down down down down down down down down")
        .type_text("schemas/animal.json")
        .press("enter");
    let path = "schemas/animal.json".to_owned();
    assert_eq!(stage.effects(), [Effect::ReadSchema(path.clone())]);
    let gone = Fault::new(FaultKind::Local, "schemas/animal.json cannot be read: no such file");
    stage.tell(Msg::SchemaRead { path: path.clone(), result: Err(gone) });
    assert!(stage.screen().contains("cannot be read: no such file"), "{}", stage.screen());
    stage.tell(Msg::SchemaRead { path, result: Ok(r#"{"type": "object"}"#.to_owned()) });
    assert!(stage.screen().contains("schema \"animal\""), "{}", stage.screen());
    stage.press("esc").type_text("an animal").press("enter");
    let (_, request) = stage.started.last().unwrap();
    assert!(
        matches!(&request.sampling.response_format, Some(ResponseFormat::JsonSchema { name, .. }) if &**name == "animal")
    );
    stage.press("ctrl-t down down down down down down down down delete");
    assert_eq!(stage.app.settings.sampling.response_format, None);
}
