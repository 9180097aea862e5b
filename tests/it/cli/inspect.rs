//! The table of tokens, what it would be, close calls, and everything as data.

use super::{Home, against, answer, body, delta, end, json_of};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use tokenscope::core::text::width;

#[tokio::test]
async fn the_table_of_tokens_is_aligned_in_any_script() {
    let ln = f64::ln;
    let mut stream = delta("판다", ln(0.6), &[("판다", ln(0.6)), ("곰", ln(0.25))]);
    stream.push_str(&delta(" eats\n", ln(0.1), &[(" likes", ln(0.7)), (" eats\n", ln(0.1))]));
    // A character in two pieces, the second of which was not among the candidates.
    let other = json!({"token": "\u{fffd}", "logprob": ln(0.9), "bytes": [0xa0]});
    for (bytes, logprob) in [(&[0xed, 0x95][..], ln(0.5)), (&[0x9c], ln(0.1))] {
        let own = json!({"token": "\u{fffd}", "logprob": logprob, "bytes": bytes});
        let list = if bytes.len() == 2 { vec![own.clone()] } else { vec![other.clone()] };
        let mut token = own;
        token["top_logprobs"] = Value::from(list);
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
        &lines[..6],
        [
            "  #  token       probability  surprisal  rank  candidates",
            "  1  판다             60.0 %  0.74 bits     1  ▸판다       60.0 %   곰      25.0 %",
            "  2  ␣eats⏎           10.0 %  3.32 bits     2   ␣likes     70.0 %  ▸␣eats⏎  10.0 %",
            "3–4  한 ×2             5.0 %  4.32 bits     –",
            "  3  ├ \\xed\\x95       50.0 %  1.00 bits     1  ▸\\xed\\x95   50.0 %",
            "  4  └ \\x9c           10.0 %  3.32 bits    >1   \\xa0       90.0 %",
        ]
    );
    assert_eq!(lines[6], "");
    assert!(lines[7].starts_with("4 tokens · perplexity 4.27 · mean surprisal 2.10 bits"), "{}", lines[7]);
    assert!(
        lines[8].starts_with("m-1 at 127.0.0.1") && lines[8].contains("1 to 2 candidates"),
        "{}",
        lines[8]
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
            record = cells[0]["samples"][0].take();
        }
        let fields =
            ["text", "finish_reason", "usage", "usage_source", "tokens", "perplexity", "mean_surprisal_bits"];
        // What only `inspect` knows of a token stands beside what all commands say of it.
        for token in record["tokens"].as_array_mut().unwrap() {
            let own = ["text", "bytes", "logprob", "candidates"].map(|field| token[field].take());
            *token = Value::from(own.to_vec());
            for candidate in token[3].as_array_mut().unwrap() {
                *candidate =
                    Value::from(["text", "bytes", "logprob"].map(|field| candidate[field].take()).to_vec());
            }
        }
        records.push(fields.map(|field| record[field].clone()));
    }
    assert_eq!(records[0], records[1]);
    assert_eq!(records[0], records[2]);
}

/// Three tokens whose candidates are the whole distribution.
fn whole() -> String {
    three_tokens() + &end("stop", Some((4, 3)))
}

fn three_tokens() -> String {
    let ln = f64::ln;
    let mut stream = delta("a", ln(0.6), &[("a", ln(0.6)), ("b", ln(0.3)), ("c", ln(0.1))]);
    stream.push_str(&delta(" b", ln(0.2), &[(" a", ln(0.7)), (" b", ln(0.2)), (" c", ln(0.1))]));
    stream.push_str(&delta(" c", ln(0.99), &[(" c", ln(0.99)), (" d", ln(0.01))]));
    stream
}

#[tokio::test]
async fn a_what_if_stands_beside_what_was_reported() {
    let arguments = ["inspect", "--what-if", "T=2,top_k=2", "hi"];
    let (done, _) = against(&arguments, async |server| server.stream(&whole()).await).await;
    let out = done.fine();
    // √0.6 and √0.3, √0.7 and √0.2, √0.99 and √0.01, of their sums.
    for said in
        ["▸a      60.0 %  58.6 %", "b   30.0 %  41.4 %", "c  10.0 %   cut", " b     20.0 %  34.8 %", "kept"]
    {
        let (out, said) = (squeezed(&out), squeezed(said));
        assert!(out.contains(&said), "{said:?} is not in {out}");
    }
    assert!(out.contains("what if T 2.0, top_k 2 · of 3 chosen tokens 3 exact, 0 cut"), "{out}");
    let arguments = ["inspect", "--what-if", "top_p=0.5", "--json", "hi"];
    let (done, _) = against(&arguments, async |server| server.stream(&whole()).await).await;
    let record = json_of(&done.fine());
    // The temperature that is not asked about is the one of the request.
    assert_eq!(record["what_if"]["temperature"], 0.7);
    assert_eq!(record["what_if"]["order"][0], "temperature");
    let second = &record["tokens"][1];
    assert_eq!(second["what_if"]["chosen"]["fate"], "cut");
    assert_eq!(second["candidates"][0]["what_if"]["band"], json!({"min": 1.0, "max": 1.0}));
}

/// Returns a text with single spaces.
fn squeezed(text: &str) -> String {
    text.replace('␣', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same and one more token, as probable as its best rival.
fn with_a_tie() -> String {
    let tie = delta(" d", 0.4f64.ln(), &[(" d", 0.4f64.ln()), (" e", 0.4f64.ln())]);
    three_tokens() + &tie + &end("stop", Some((4, 4)))
}

#[tokio::test]
async fn close_calls_are_ranked() {
    let arguments = ["inspect", "--close-calls", "hi"];
    let (done, _) = against(&arguments, async |server| server.stream(&with_a_tie()).await).await;
    let out = done.fine();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0].split_whitespace().next(), Some("#"));
    assert!(squeezed(lines[1]).starts_with("4 d 40.0 % e 40.0 % +0.00 bits"), "{out}");
    assert!(squeezed(lines[2]).starts_with("2 b 20.0 % a 70.0 % -1.81 bits a[ b] c"), "{out}");
    assert_eq!(lines[3], "");
    assert!(lines[4].contains("2 close calls"), "{out}");
    let (done, _) =
        against(&["inspect", "--json", "hi"], async |server| server.stream(&with_a_tie()).await).await;
    let record = json_of(&done.fine());
    let calls: Vec<&Value> = record["close_calls"].as_array().unwrap().iter().collect();
    assert_eq!((&calls[0]["index"], &calls[1]["index"]), (&json!(3), &json!(1)));
    assert_eq!(calls[0]["margin_bits"], 0.0);
    assert_eq!(record["tokens"][1]["margin_bits"], calls[1]["margin_bits"]);
}

#[tokio::test]
async fn csv_has_a_row_for_each_token() {
    let ln = f64::ln;
    let mut stream = delta("\"a\",\n", ln(0.5), &[("\"a\",\n", ln(0.5))]);
    stream.push_str(&delta("한", ln(0.25), &[]));
    stream.push_str(&end("stop", None));
    let (done, _) = against(&["inspect", "--csv", "hi"], async |server| server.stream(&stream).await).await;
    let out = done.fine();
    assert!(out.starts_with("index,text,bytes,id,logprob,probability,"), "{out}");
    // Counted from 0, as in JSON.
    assert!(out.contains("\r\n0,\"\"\"a\"\",\n\",2261222c0a,,-0.693"), "{out}");
    assert!(out.contains("\r\n1,한,ed959c,,-1.386") && out.contains(",margin_bits,"), "{out}");
    assert!(out.ends_with("\r\n"), "{out}");
}

#[tokio::test]
async fn data_goes_to_the_file_that_is_named() {
    let home = Home::new();
    let path = home.path().join("answer.html");
    let arguments = ["inspect", "--html", "--out", path.to_str().unwrap(), "hi"];
    let (done, _) = against(&arguments, async |server| server.stream(&whole()).await).await;
    assert_eq!(done.fine(), "");
    assert!(fs::read_to_string(&path).unwrap().starts_with("<!doctype html>"));
    let done = home.run(&["inspect", "--out", "no/such/folder.txt", "hi"]);
    done.fails(2, &["no/such/folder.txt cannot be written", "folder exists"]);
}

#[test]
fn every_form_works_with_the_sandbox() {
    let home = Home::new();
    let ask = |more: &[&str]| {
        let asking = ["inspect", "--top", "4", "--seed", "7", "--max-tokens", "20", "판다는 무엇을 먹나요?"];
        home.run(&[&asking, more].concat())
    };
    let record = json_of(&ask(&["--json", "--what-if", "T=1.5,top_p=0.9,min_p=0.05,top_k=40"]).fine());
    let tokens = record["tokens"].as_array().unwrap();
    assert!(!tokens.is_empty());
    for token in tokens {
        assert_eq!(token["candidates"].as_array().unwrap().len(), 4);
        let chosen = &token["what_if"]["chosen"]["band"];
        assert!(chosen["min"].as_f64().unwrap() <= chosen["max"].as_f64().unwrap());
        assert!(token["entropy_bits_min"].as_f64() <= token["entropy_bits_max"].as_f64());
        assert!(token["tipping"]["kind"].is_string());
    }
    assert_eq!(record["provenance"], json!({"stage": "before_temperature", "basis": "documented"}));
    assert_eq!(record["alignment"]["is_whole"], true);
    let calls = record["close_calls"].as_array().unwrap();
    let listed = ask(&["--close-calls"]).fine();
    assert_eq!(listed.lines().take_while(|line| !line.is_empty()).count(), calls.len() + 1);
    let rows = ask(&["--csv"]).fine().matches("\r\n").count();
    assert!(rows > tokens.len());
    assert!(ask(&["--html"]).fine().contains("<h1>Token probabilities</h1>"));
}

#[test]
fn a_terminal_is_not_wider_than_it_is() {
    let home = Home::new();
    let asking = ["inspect", "--seed", "7", "--max-tokens", "20", "판다는 무엇을 먹나요? 🐼"];
    let forms = [&[][..], &["--what-if", "T=1.5,top_p=0.9"], &["--close-calls"], &["--top", "20"]];
    for form in forms {
        let piped = home.run(&[&asking, form].concat()).fine();
        for columns in [80, 100, 140] {
            let (code, screen) = home.on_terminal_of(columns, &[&asking, form].concat(), "");
            assert_eq!(code, 0, "{screen}");
            // What is said on the way there is taken away again.
            let (_, screen) = screen.rsplit_once("\u{1b}[2K").unwrap();
            let widest = screen.lines().map(width).max().unwrap();
            assert!(widest <= usize::from(columns), "{form:?} at {columns}: {widest}\n{screen}");
            // Whatever the width, the same candidates are there.
            let figures = |text: &str| text.matches(" %").count();
            assert_eq!(figures(screen), figures(&piped), "{form:?} at {columns}\n{screen}");
        }
    }
}

#[test]
fn a_piece_that_reads_like_its_rivals_is_chosen_once() {
    let home = Home::new();
    let asking = ["inspect", "--model", "sandbox-replaced-pieces", "--seed", "1", "안녕", "--json"];
    let record = json_of(&home.run(&asking).fine());
    let mut alike = 0;
    for token in record["tokens"].as_array().unwrap() {
        let candidates = token["candidates"].as_array().unwrap();
        let chosen = candidates.iter().filter(|candidate| candidate["is_chosen"] == true);
        assert!(chosen.count() <= 1, "{token}");
        alike += usize::from(candidates.iter().filter(|c| c["text"] == token["text"]).count() > 1);
        let best = candidates.iter().filter(|c| c["is_chosen"] == false).map(|c| c["logprob"].as_f64());
        let best = best.flatten().fold(f64::NEG_INFINITY, f64::max);
        let margin = (token["logprob"].as_f64().unwrap() - best) / std::f64::consts::LN_2;
        let own = token["margin_bits"].as_f64().unwrap();
        assert!((own - margin).abs() < 1e-9, "{token}");
    }
    assert!(alike > 0, "no pieces read alike");
}

#[test]
fn an_assumption_a_what_if_rests_on_is_told_in_every_form() {
    let home = Home::new();
    let asking =
        ["inspect", "--model", "sandbox-after-temperature", "--seed", "1", "--max-tokens", "5", "hi"];
    let ask = |more: &[&str]| home.run(&[&asking, more].concat());
    let said = "assumes values before temperature: if the server gives them after T 0.7";
    let command = "tokenscope probe --endpoint sandbox --model sandbox-after-temperature finds out";
    let is_told = |text: &str| text.contains(said) && text.contains(command);
    for form in [&["--what-if", "T=1"][..], &["--what-if", "T=1", "--html"]] {
        assert!(is_told(&ask(form).fine()), "{form:?}");
    }
    let json = ask(&["--what-if", "T=1", "--json"]);
    assert!(is_told(json_of(&json.out)["what_if"]["warning"].as_str().unwrap()) && is_told(&json.err));
    assert!(is_told(&ask(&["--what-if", "T=1", "--csv"]).err));
    // At temperature 1 both sides are the same, and without a what-if nothing rests on it.
    assert!(!ask(&["--what-if", "T=2", "--temperature", "1"]).fine().contains("assumes"));
    assert!(!ask(&[]).fine().contains("assumes"));
    home.run(&["probe", "--endpoint", "sandbox", "--model", "sandbox-after-temperature", "--yes"]).fine();
    assert!(!ask(&["--what-if", "T=1"]).fine().contains("assumes"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let home = Home::new();
    for form in ["--html", "--csv", "--json"] {
        let mut child = home.command(&["inspect", form, "--seed", "7", "판다"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{form}");
    }
}

#[test]
fn csv_on_a_terminal_is_harmless() {
    let saved = json!({"choices": [{"message": {"content": "\u{1b}[31m"}, "finish_reason": "stop",
        "logprobs": {"content": [{"token": "\u{1b}[31m", "logprob": -0.1}]}}]});
    let home = Home::new();
    let file = home.write("saved.json", saved.to_string());
    for form in ["--csv", "--html", "--json", "--close-calls"] {
        let (code, screen) = home.on_terminal(&["inspect", "--from", &file, form]);
        assert_eq!(code, 0, "{screen}");
        assert!(!screen.contains('\u{1b}'), "{form}: {screen:?}");
    }
}
