//! One question at several temperatures.

use super::{Done, Home, answer, asking, body, ended, json_of};
use crate::support::gated::GatedServer;
use serde_json::{Value, json};

/// Answers requests by their temperature until the command has ended.
async fn by_temperature(arguments: &[&str], respond: impl Fn(f64, &Value) -> Result<String, String>) -> Done {
    let server = GatedServer::start().await;
    let home = Home::new();
    let child = asking(&home, arguments, &server.base_url()).spawn().unwrap();
    let mut ended = std::pin::pin!(ended(child));
    loop {
        tokio::select! {
            done = &mut ended => return done,
            mut call = server.accept() => {
                let body = body(&call);
                match respond(body["temperature"].as_f64().unwrap(), &body) {
                    Ok(stream) => {
                        call.open().await;
                        call.send(stream.as_bytes()).await;
                        call.finish().await;
                    }
                    Err(refusal) => call.respond(400, &[], &refusal).await,
                }
            }
        }
    }
}

#[tokio::test]
async fn each_temperature_has_a_section_with_its_figures() {
    let arguments = ["compare", "-t", "0.3 1.0", "--repeat", "2", "--seed", "7", "hi"];
    let done = by_temperature(&arguments, |temperature, body| {
        let second = if temperature < 0.5 { "same".to_owned() } else { body["seed"].to_string() };
        Ok(answer("답 ", &second))
    })
    .await;
    let out = done.fine();
    let sections: Vec<&str> = out.split("\n\n").collect();
    assert_eq!(sections.len(), 2, "{out}");
    assert!(
        sections[0].starts_with("── temperature 0.3 · 2 of 2 complete · 1 distinct\n[1] stop · 2 tok"),
        "{out}"
    );
    assert!(sections[0].ends_with("ppl 2.00\n답 same"), "{out}");
    assert!(sections[1].starts_with("── temperature 1.0 · 2 of 2 complete · 2 distinct\n[1] stop"), "{out}");
    assert!(sections[1].contains("\n답 7\n") && sections[1].ends_with("\n답 8\n"), "{out}");
}

#[tokio::test]
async fn a_refused_temperature_stops_no_other() {
    let refusal = json!({"error": {"message": "at most 1.5", "param": "temperature"}}).to_string();
    let respond = |temperature: f64, _: &Value| {
        if temperature > 1.5 { Err(refusal.clone()) } else { Ok(answer("fi", "ne")) }
    };
    let done = by_temperature(&["compare", "-t", "1.8,0.3", "hi"], respond).await;
    done.fails(1, &["1 of 2 requests failed", "at most 1.5"]);
    let sections: Vec<&str> = done.out.split("\n\n").collect();
    assert!(sections[0].starts_with("── temperature 1.8 · failed\n") && sections[0].contains("at most 1.5"));
    assert!(sections[1].ends_with("\nfine\n"));

    let done = by_temperature(&["compare", "--json", "-t", "1.8,0.3", "--repeat", "2", "hi"], respond).await;
    assert_eq!(done.code, Some(1));
    let object = json_of(&done.out);
    let axes = json!([{"name": "temperature", "values": ["1.8", "0.3"]}]);
    assert_eq!((&object["model"], &object["axes"]), (&json!("m-1"), &axes));
    assert_eq!((&object["failed"], &object["done"]), (&json!(2), &json!(2)));
    let cells = object["cells"].as_array().unwrap();
    let samples: Vec<&Value> = cells.iter().flat_map(|cell| cell["samples"].as_array().unwrap()).collect();
    let seen: Vec<_> = samples
        .iter()
        .map(|sample| (sample["labels"]["temperature"].as_str().unwrap(), sample["repeat"].as_u64().unwrap()))
        .collect();
    assert_eq!(seen, [("1.8", 0), ("1.8", 1), ("0.3", 0), ("0.3", 1)]);
    assert_eq!((&samples[0]["fault"]["param"], &samples[0]["text"]), (&json!("temperature"), &json!("")));
    assert_eq!((samples[3].get("fault"), &samples[3]["text"]), (None, &json!("fine")));

    let done = by_temperature(&["compare", "--jsonl", "-t", "1.8,0.3", "hi"], respond).await;
    let label = |line: &str| json_of(line)["labels"]["temperature"].as_str().unwrap().to_owned();
    let mut lines: Vec<String> = done.out.lines().map(label).collect();
    lines.sort();
    assert_eq!(lines, ["0.3", "1.8"]);
}
