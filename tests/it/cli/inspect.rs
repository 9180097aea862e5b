//! The table of tokens.

use super::{against, answer, body, delta, end, json_of};
use serde_json::json;

#[tokio::test]
async fn the_table_of_tokens_is_aligned_in_any_script() {
    let ln = f64::ln;
    let mut stream = delta("판다", ln(0.6), &[("판다", ln(0.6)), ("곰", ln(0.25))]);
    stream.push_str(&delta(" eats\n", ln(0.1), &[(" likes", ln(0.7)), (" eats\n", ln(0.1))]));
    // A character in two pieces.
    for (bytes, logprob) in [(&[0xed, 0x95][..], ln(0.5)), (&[0x9c], ln(1.0))] {
        let token = json!({"token": "\u{fffd}", "logprob": logprob, "bytes": bytes, "top_logprobs": []});
        let content = if bytes.len() == 1 { "한" } else { "" };
        let choice = json!({"index": 0, "delta": {"content": content}, "logprobs": {"content": [token]}});
        stream.push_str(&format!("data: {}\n\n", json!({"choices": [choice]})));
    }
    stream.push_str(&end("stop", None));
    let arguments = ["inspect", "--top", "2", "hi"];
    let (done, call) = against(&arguments, async |server| server.stream(&stream).await).await;
    assert_eq!(body(&call)["top_logprobs"], 2);
    let out = done.fine();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        &lines[..5],
        [
            "  #  token   probability  surprisal  rank  candidates",
            "  1  판다         60.0 %  0.74 bits     1  ▸판다       60.0 %   곰       25.0 %",
            "  2  ␣eats⏎       10.0 %  3.32 bits     2   ␣likes     70.0 %  ▸␣eats⏎   10.0 %",
            "3–4  한 ×2        50.0 %  1.00 bits     –   \\xED\\x95   50.0 %   \\x9C    100.0 %",
            "",
        ]
    );
    assert!(lines[5].starts_with("4 tokens · perplexity 2.40 · mean surprisal 1.26 bits"), "{}", lines[5]);
    assert!(
        lines[6].starts_with("m-1 at 127.0.0.1") && lines[6].contains("0 to 2 candidates"),
        "{}",
        lines[6]
    );
}

#[tokio::test]
async fn an_answer_without_probabilities_is_told() {
    let stream = format!(
        "data: {}\n\n{}",
        json!({"choices": [{"index": 0, "delta": {"content": "plain"}}]}),
        end("stop", None)
    );
    let (done, _) = against(&["inspect", "hi"], async |server| server.stream(&stream).await).await;
    done.fails(1, &["m-1", "sent no token probabilities", "Choose a model"]);
    assert_eq!(done.out, "plain\n");
}

#[tokio::test]
async fn one_run_has_the_same_numbers_in_every_command() {
    let stream = answer("a", "b");
    let mut records = Vec::new();
    for command in [&["ask", "--json"][..], &["inspect", "--json"], &["compare", "--json", "-t", "0.7"]] {
        let arguments = [command, &["hi"]].concat();
        let (done, _) = against(&arguments, async |server| server.stream(&stream).await).await;
        let mut record = json_of(&done.fine());
        if let Some(cells) = record.get_mut("cells") {
            record = cells[0].take();
        }
        let fields =
            ["text", "finish_reason", "usage", "usage_source", "tokens", "perplexity", "mean_surprisal_bits"];
        records.push(fields.map(|field| record[field].clone()));
    }
    assert_eq!(records[0], records[1]);
    assert_eq!(records[0], records[2]);
}
