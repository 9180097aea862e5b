//! Saved answers: `inspect --from`, and its numbers against a plain reading of the file.

use super::{Home, json_of};
use serde_json::{Value, json};
use std::fmt::Write as _;

const CHAT: &str = include_str!("../fixtures/chat_completions.json");
const RESPONSES: &str = include_str!("../fixtures/responses.json");
const LLAMA: &str = include_str!("../fixtures/llama_completion.json");

/// Most the program may differ from a plain calculation.
const EXACT: f64 = 1e-9;

#[track_caller]
fn assert_close(ours: &Value, plain: f64, what: &str) {
    let ours = ours.as_f64().unwrap_or_else(|| panic!("{what} is {ours}"));
    assert!((ours - plain).abs() < EXACT, "{what}: {ours} is not {plain}");
}

fn bytes(value: &Value) -> Vec<u64> {
    value["bytes"].as_array().unwrap().iter().map(|byte| byte.as_u64().unwrap()).collect()
}

/// Compares everything printed of an answer with a plain reading of its entries.
#[track_caller]
fn assert_equals(printed: &Value, entries: &Value) {
    let (tokens, entries) = (printed["tokens"].as_array().unwrap(), entries.as_array().unwrap());
    assert_eq!(tokens.len(), entries.len());
    let mut sum = 0.0;
    for (token, entry) in tokens.iter().zip(entries) {
        let own = entry["logprob"].as_f64().unwrap();
        sum += own;
        assert_close(&token["probability"], own.exp(), "probability");
        assert_close(&token["surprisal_bits"], -own.exp().log2(), "surprisal");
        let is_chosen = |listed: &Value| match listed.get("id") {
            Some(id) => *id == entry["id"],
            None => bytes(listed) == bytes(entry),
        };
        let (mut mass, mut best_other, mut is_listed) = (0.0, f64::NEG_INFINITY, false);
        let listed = entry["top_logprobs"].as_array().unwrap();
        for (candidate, listed) in token["candidates"].as_array().unwrap().iter().zip(listed) {
            let logprob = listed["logprob"].as_f64().unwrap();
            let is_sentinel = logprob <= -9999.0;
            if is_sentinel {
                assert!(candidate["probability"].is_null());
            } else {
                assert_close(&candidate["probability"], logprob.exp(), "candidate");
                mass += logprob.exp();
            }
            assert_close(&candidate["cumulative"], mass, "cumulative");
            assert_eq!(candidate["is_chosen"], is_chosen(listed));
            is_listed |= is_chosen(listed);
            if !is_chosen(listed) && !is_sentinel {
                best_other = best_other.max(logprob);
            }
        }
        if !is_listed {
            mass += own.exp();
        }
        assert_close(&token["unseen_tail"], 1.0 - mass, "unseen tail");
        assert_close(&token["margin_bits"], (own - best_other) / std::f64::consts::LN_2, "margin");
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of tokens")]
    let mean = sum / entries.len() as f64;
    assert_close(&printed["perplexity"], (-mean).exp(), "perplexity");
    assert_close(&printed["mean_surprisal_bits"], -mean / std::f64::consts::LN_2, "mean surprisal");
    assert_groups(printed, entries);
}

/// Compares the joined characters: their bytes together are text, and none is shorter.
#[track_caller]
fn assert_groups(printed: &Value, entries: &[Value]) {
    let (mut pending, mut joint, mut start, mut plain) = (Vec::new(), 0.0, 0, Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        pending.extend(bytes(entry).into_iter().map(|byte| u8::try_from(byte).unwrap()));
        joint += entry["logprob"].as_f64().unwrap();
        if let Ok(text) = std::str::from_utf8(&pending) {
            plain.push((text.to_owned(), json!([start, index + 1]), joint));
            (pending, joint, start) = (Vec::new(), 0.0, index + 1);
        }
    }
    let groups = printed["groups"].as_array().unwrap();
    assert_eq!(groups.len(), plain.len());
    for (group, (text, tokens, joint)) in groups.iter().zip(plain) {
        assert_eq!((&group["text"], &group["tokens"]), (&json!(text), &tokens));
        assert_close(&group["joint_logprob"], joint, "joint logprob");
        assert_close(&group["probability"], joint.exp(), "joint probability");
    }
}

#[test]
fn the_numbers_of_every_wire_are_those_of_a_plain_reading() {
    let home = Home::new();
    for (file, entries) in [
        (CHAT, "/choices/0/logprobs/content"),
        (RESPONSES, "/output/0/content/0/logprobs"),
        (LLAMA, "/completion_probabilities"),
    ] {
        let raw = json_of(file);
        let printed = json_of(&home.pipe(&["inspect", "--from", "-", "--json"], file.as_bytes()).fine());
        assert_eq!(printed["text"], "오늘은 비가 온다 🌧");
        assert_equals(&printed, raw.pointer(entries).unwrap());
    }
}

#[test]
fn what_ask_and_inspect_print_is_read_back() {
    let home = Home::new();
    let asking = ["--seed", "7", "--max-tokens", "12", "--top", "3", "판다는 무엇을 먹나요?"];
    let asked = home.run(&[&["ask", "--json"], &asking[..]].concat()).fine();
    let inspected = home.run(&[&["inspect", "--json"], &asking[..]].concat()).fine();
    let (from_ask, from_inspect) = (home.write("ask.json", asked), home.write("inspect.json", &inspected));
    let again = |file: &str| json_of(&home.run(&["inspect", "--from", file, "--json"]).fine());
    let first = json_of(&inspected);
    for file in [&from_ask, &from_inspect] {
        let again = again(file);
        for field in
            ["text", "model", "endpoint", "tokens", "groups", "perplexity", "close_calls", "provenance"]
        {
            assert_eq!(again[field], first[field], "{field}");
        }
    }
    let table = home.run(&[&["inspect"], &asking[..]].concat()).fine();
    let again = home.run(&["inspect", "--from", &from_ask]).fine();
    assert_eq!(again.lines().next(), table.lines().next());
    assert_eq!(again.lines().nth(1), table.lines().nth(1));
}

#[test]
fn a_what_if_of_a_saved_answer_is_that_of_the_answer() {
    let home = Home::new();
    for model in ["sandbox-mini", "sandbox-after-temperature"] {
        if model == "sandbox-after-temperature" {
            home.run(&["probe", "--endpoint", "sandbox", "--model", model, "--yes"]).fine();
        }
        let asking = ["--model", model, "--seed", "1", "--top", "5", "--max-tokens", "16", "Why rise early?"];
        let live = home.run(&[&["inspect", "--what-if", "top_p=0.9"], &asking[..]].concat()).fine();
        assert!(live.contains("what if T 0.7, top_p 0.9"), "{live}");
        // Read where nothing is known of the model, too.
        for place in [&home, &Home::new()] {
            for command in ["ask", "inspect"] {
                let saved = home.run(&[&[command, "--json"], &asking[..]].concat()).fine();
                let file = place.write("saved.json", saved);
                let again = place.run(&["inspect", "--from", &file, "--what-if", "top_p=0.9"]).fine();
                if command == "inspect" || std::ptr::eq(place, &raw const home) {
                    assert_eq!(again, live, "{model} from {command}");
                }
            }
        }
    }
    let saved = json_of(CHAT);
    let table =
        home.pipe(&["inspect", "--from", "-", "--what-if", "top_p=0.9"], saved.to_string().as_bytes());
    assert!(table.fine().contains("what if T 1.0, top_p 0.9 · T assumed 1.0"));
}

#[test]
fn one_of_several_choices_is_read_and_told() {
    let one = |index: u64, text: &str| {
        json!({"index": index, "message": {"content": text}, "finish_reason": "stop",
            "logprobs": {"content": [{"token": text, "logprob": -0.5}]}})
    };
    let home = Home::new();
    let file = home.write("two.json", json!({"choices": [one(0, "first"), one(1, "second")]}).to_string());
    let from = |more: &[&str]| home.run(&[&["inspect", "--from", &file], more].concat());
    let done = from(&[]);
    assert!(done.err.contains("two.json has 2 choices, 0 to 1: the first is read, --choice names another"));
    assert!(done.fine().contains("first"));
    let done = from(&["--choice", "1"]);
    assert_eq!(done.err, "");
    let table = done.fine();
    assert!(table.contains("second") && table.contains("\n1 token · "), "{table}");
    from(&["--choice", "2"]).fails(2, &["no choice 2; the first is 0, the last is 1", "--choice"]);
    home.run(&["inspect", "--choice", "1", "hi"]).fails(2, &["--from"]);
}

#[test]
fn candidates_that_are_more_than_a_whole_are_told() {
    let entry = |text: &str, p: f64| json!({"token": text, "logprob": p.ln()});
    let mut token = entry("a", 1.0);
    token["top_logprobs"] = json!(["a", "b", "c", "d", "e"].map(|text| entry(text, 0.9)));
    let saved = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "stop",
        "logprobs": {"content": [token]}}]})
    .to_string();
    let home = Home::new();
    let told = "≈ at 1 token the candidates add up to more than a whole, 450.0 % at most: these values are no \
                probabilities";
    for form in [&[][..], &["--html"]] {
        let out = home.pipe(&[&["inspect", "--from", "-"], form].concat(), saved.as_bytes()).fine();
        assert!(out.contains(told), "{out}");
    }
    let record = json_of(&home.pipe(&["inspect", "--from", "-", "--json"], saved.as_bytes()).fine());
    assert_eq!(record["excess"]["tokens"], 1);
    let fine = json_of(&home.pipe(&["inspect", "--from", "-", "--json"], CHAT.as_bytes()).fine());
    assert!(fine.get("excess").is_none());
}

#[test]
fn a_stream_and_lines_of_chunks_are_read() {
    let chunk = |text: &str| {
        json!({"model": "m", "choices": [{"index": 0, "delta": {"content": text},
            "logprobs": {"content": [{"token": text, "logprob": -0.5, "top_logprobs": []}]}}]})
    };
    let (mut stream, mut lines) = (String::new(), String::new());
    for text in ["가", "나"] {
        write!(stream, "data: {}\n\n", chunk(text)).unwrap();
        writeln!(lines, "{}", chunk(text)).unwrap();
    }
    stream.push_str("data: [DONE]\n\n");
    let home = Home::new();
    for dump in [stream, lines] {
        let printed = json_of(&home.pipe(&["inspect", "--from", "-", "--json"], dump.as_bytes()).fine());
        assert_eq!((&printed["text"], printed["tokens"].as_array().unwrap().len()), (&json!("가나"), 2));
    }
}

#[test]
fn flags_say_how_a_saved_answer_was_asked() {
    let home = Home::new();
    let config = home.write(
        "config.toml",
        "[endpoints.office]\nbase_url = \"http://127.0.0.1:9/v1\"\nlogprobs = \"after\"\n",
    );
    let file = home.write("saved.json", CHAT);
    let what_if = |more: &[&str]| {
        let saved =
            ["inspect", "--config", &config, "--from", &file, "--endpoint", "office", "--what-if", "T=1"];
        home.run(&[&saved, more].concat())
    };
    let done = what_if(&["--temperature", "0"]);
    done.fails(
        1,
        &["The what-if has no answer", "after temperature 0", "ask again at a temperature above 0"],
    );
    assert!(done.out.contains("after temperature, configured") && done.out.contains("refused"), "{done:?}");
    what_if(&[]).fails(1, &["left to the server"]);
    what_if(&["--temperature", "0.5", "--top-p", "0.9"]).fails(1, &["after top_p"]);
    let record = json_of(&what_if(&["--temperature", "0.5", "--json"]).fine());
    assert_eq!(record["provenance"], json!({"stage": "after_temperature", "basis": "configured"}));
    assert_eq!(record["asked_temperature"], 0.5);
    let done = what_if(&["--temperature", "0", "--json"]);
    assert_eq!(json_of(&done.out)["what_if"]["refusal"]["code"], "after_zero");
    assert_eq!(json_of(&done.out)["refusal"]["code"], "after_zero");
}

#[test]
fn what_cannot_be_read_or_does_not_go_together_is_wrong_use() {
    let home = Home::new();
    let page = home.write("page.html", "<html>");
    let file = home.write("saved.json", CHAT);
    for (arguments, said) in [
        (&["--from", &page][..], &["page.html: This is no saved answer", "web page", "Chat Completions"][..]),
        (&["--from", "no-such-file"], &["no-such-file", "cannot be read"]),
        (&["--from", &file, "hi"], &["A prompt does not go with --from"]),
        (&["--from", &file, "--seed", "1"], &["--seed does not go with --from"]),
        (&["--from", &file, "--endpoint", "opnai"], &["opnai"]),
        (&["--csv", "--html", "hi"], &["--csv", "--html"]),
        (&["--close-calls", "--json", "hi"], &["--close-calls", "--json"]),
        (&["--what-if", "T=warm", "hi"], &["--what-if", "'warm' in 'T=warm' is no number"]),
        (&["--what-if", "topp=1", "hi"], &["'topp' is none of T, top_p, min_p and top_k"]),
    ] {
        let done = home.run(&[&["inspect"], arguments].concat());
        done.fails(2, said);
        assert_eq!(done.out, "", "{arguments:?}");
    }
    home.run(&["--seed", "1", "inspect", "--from", &file]).fails(2, &["--seed does not go with --from"]);
}

#[test]
fn pieces_that_a_server_left_out_are_told() {
    let home = Home::new();
    let table = home.pipe(&["inspect", "--from", "-"], LLAMA.as_bytes()).fine();
    assert!(table.contains("≈ 1 token with pieces the server left out before it"), "{table}");
    let lost = json!({"choices": [{"message": {"content": "한국 b"}, "finish_reason": "stop", "logprobs": {"content": [
        {"token": "한", "logprob": -0.5}, {"token": "\u{fffd}", "logprob": -0.5}, {"token": " b", "logprob": -0.5}]}}]});
    let table = home.pipe(&["inspect", "--from", "-"], lost.to_string().as_bytes()).fine();
    assert!(table.contains("≈ 1 token reported with other text than the answer has there"), "{table}");
    let record =
        json_of(&home.pipe(&["inspect", "--from", "-", "--json"], lost.to_string().as_bytes()).fine());
    assert_eq!(record["alignment"]["is_whole"], false);
    assert_eq!(record["alignment"]["mismatches"], json!([{"tokens": [1, 2], "text_bytes": [3, 6]}]));
    let page = home.pipe(&["inspect", "--from", "-", "--html"], lost.to_string().as_bytes()).fine();
    assert!(page.contains(">국</a>") && !page.contains("\u{fffd}</a>"), "{page}");
}

#[test]
fn an_answer_without_probabilities_is_told() {
    let plain = json!({"choices": [{"message": {"content": "plain"}, "finish_reason": "stop"}]});
    let done = Home::new().pipe(&["inspect", "--from", "-"], plain.to_string().as_bytes());
    done.fails(1, &["The saved answer has no token probabilities", "top_logprobs"]);
    assert_eq!(done.out, "plain\n");
}
