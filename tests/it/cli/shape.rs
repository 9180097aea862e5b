//! Answers that are asked to be JSON: what is sent, and what is said of what came.

use super::{Home, against, asking, body, both, delta, end, json_of};
use crate::support::gated::GatedServer;
use serde_json::{Value, json};

const SCHEMA: &str =
    r#"{"type": "object", "required": ["color"], "properties": {"color": {"enum": ["red", "green"]}}}"#;

fn stream(text: &str) -> String {
    let half = 0.5f64.ln();
    format!("{}{}", delta(text, half, &[(text, half)]), end("stop", Some((9, 1))))
}

/// Runs a command with a schema against a server that answers each request with this text.
async fn asked(arguments: &[&str], requests: usize, text: &str) -> (super::Done, Vec<Value>) {
    let (home, server) = (Home::new(), GatedServer::start().await);
    let schema = home.write("a color.schema.json", SCHEMA);
    let arguments: Vec<&str> =
        arguments.iter().map(|argument| if *argument == "SCHEMA" { &schema } else { *argument }).collect();
    let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let serve = async {
        let mut bodies = Vec::new();
        for _ in 0..requests {
            bodies.push(body(&server.stream(&stream(text)).await));
        }
        bodies
    };
    both(child, serve).await
}

#[tokio::test]
async fn a_schema_is_sent_and_an_answer_that_keeps_it_is_fine() {
    for command in ["ask", "inspect", "compare"] {
        let arguments = [command, "--json-schema", "SCHEMA", "--json", "--temperature", "0.5", "hi"];
        let (done, bodies) = asked(&arguments, 1, r#"{"color": "red"}"#).await;
        let format = &bodies[0]["response_format"];
        assert_eq!(format["type"], "json_schema");
        assert_eq!(format["json_schema"]["name"], "a_color");
        assert_eq!(format["json_schema"]["strict"], true);
        assert_eq!(format["json_schema"]["schema"], json_of(SCHEMA));
        let mut record = json_of(&done.fine());
        if let Some(cells) = record.get_mut("cells") {
            record = cells[0]["samples"][0].take();
        }
        assert_eq!(record["verdict"]["is_valid"], true, "{command}");
    }
}

#[tokio::test]
async fn a_violation_is_told_with_its_path() {
    for command in ["ask", "inspect", "compare"] {
        let arguments = [command, "--json-schema", "SCHEMA", "--temperature", "0.5", "hi"];
        let (done, _) = asked(&arguments, 1, r#"{"color": "blue"}"#).await;
        done.fails(1, &["$.color", "one of \"red\", \"green\"", "found \"blue\""]);
        assert!(done.out.contains("blue"), "{done:?}");
    }
    let (done, _) = asked(&["ask", "--json", "--json-schema", "SCHEMA", "hi"], 1, "{}").await;
    let verdict = json_of(&done.out)["verdict"].take();
    assert_eq!(verdict["is_valid"], false);
    assert_eq!(verdict["violations"][0]["path"], "$");
}

#[tokio::test]
async fn what_is_no_json_is_told_with_its_place() {
    let (done, bodies) = asked(&["ask", "--json-object", "hi"], 1, "{\"a\": [1,").await;
    assert_eq!(bodies[0]["response_format"], json!({"type": "json_object"}));
    done.fails(1, &["at $.a", "the text ends", "no JSON document", "--max-tokens"]);
    let (done, _) = asked(&["ask", "--json-object", "hi"], 1, "[1]").await;
    done.fails(1, &["$: expected object, found [1]"]);
    let (done, _) = asked(&["ask", "--json-object", "hi"], 1, "{}").await;
    assert_eq!(done.fine(), "{}\n");
}

#[tokio::test]
async fn nothing_is_asked_for_where_nothing_is_said() {
    let (_, call) = against(&["ask", "hi"], async |server| server.stream(&stream("a")).await).await;
    assert!(body(&call).get("response_format").is_none());
}

#[test]
fn a_schema_that_is_none_is_wrong_use() {
    let home = Home::new();
    let broken = home.write("broken.json", "{\"type\": \"objekt\"}");
    let torn = home.write("torn.json", "{");
    for (arguments, said) in [
        (["ask", "--json-schema", &broken, "hi"], ["broken.json", "not valid"]),
        (["inspect", "--json-schema", &torn, "hi"], ["torn.json", "no JSON"]),
        (["compare", "--json-schema", "no-such-file", "hi"], ["no-such-file", "cannot be read"]),
    ] {
        home.run(&arguments).fails(2, &said);
    }
    home.run(&["ask", "--json-object", "--json-schema", &broken, "hi"]).fails(2, &["cannot be used with"]);
}

#[test]
fn a_saved_answer_is_checked_too() {
    let home = Home::new();
    let schema = home.write("schema.json", SCHEMA);
    let saved = json!({"choices": [{"message": {"content": "{\"color\": \"blue\"}"}, "finish_reason": "stop",
        "logprobs": {"content": [{"token": "{\"color\": \"blue\"}", "logprob": -0.1}]}}]});
    let arguments = ["inspect", "--from", "-", "--json", "--json-schema", &schema];
    let done = home.pipe(&arguments, saved.to_string().as_bytes());
    done.fails(1, &["$.color"]);
    let record = json_of(&done.out);
    assert_eq!(record["structured"]["violations"][0]["path"], "$.color");
    assert_eq!(record["verdict"]["is_valid"], false);
}
