//! One question: its text, its record, its events, its failures.

use super::{Home, against, answer, asking, body, both, delta, end, ended, json_of};
use crate::support::gated::GatedServer;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use tokenscope::core::model::Encoding;
use tokenscope::tokenizer::table;

#[tokio::test]
async fn an_answer_is_printed_with_a_line_end() {
    let arguments = ["ask", "--system", "be kind", "--temperature", "0.3", "Say", "안녕"];
    let (done, call) = against(&arguments, async |server| server.stream(&answer("안녕", "!")).await).await;
    assert_eq!(done.fine(), "안녕!\n");
    assert_eq!(call.header("authorization"), Some("Bearer sk-test"));
    let body = body(&call);
    assert_eq!(
        (&body["model"], &body["temperature"], &body["stream"]),
        (&json!("m-1"), &json!(0.3), &json!(true))
    );
    assert_eq!(
        body["messages"],
        json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "Say 안녕"}])
    );
    assert_eq!(body.get("logprobs"), None);
}

#[tokio::test]
async fn an_answer_is_printed_while_it_arrives() {
    let server = GatedServer::start().await;
    let home = Home::new();
    let mut child = asking(&home, &["ask", "hi"], &server.base_url()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut call = server.accept().await;
    call.open().await;
    call.send(delta("He\x1b", -0.1, &[]).as_bytes()).await;
    let (bytes, mut stdout) = tokio::task::spawn_blocking(move || {
        let mut bytes = [0; 3];
        stdout.read_exact(&mut bytes).unwrap();
        (bytes, stdout)
    })
    .await
    .unwrap();
    assert_eq!(&bytes, b"He\x1b");
    call.send(end("stop", None).as_bytes()).await;
    call.finish().await;
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "\n");
    assert_eq!(ended(child).await.code, Some(0));
}

#[tokio::test]
async fn an_object_holds_the_whole_run() {
    let arguments = ["ask", "--json", "--top", "2", "--max-tokens", "9", "hi"];
    let (done, call) = against(&arguments, async |server| server.stream(&answer("판", "다")).await).await;
    let body = body(&call);
    assert_eq!((&body["top_logprobs"], &body["max_completion_tokens"]), (&json!(2), &json!(9)));
    let mut object = json_of(&done.fine());
    let timing = object["timing"].take();
    assert!(timing["first_token_ms"].as_f64() <= timing["total_ms"].as_f64(), "{timing}");
    let endpoint = object["endpoint"].take();
    assert!(endpoint.as_str().unwrap().starts_with("127.0.0.1"));
    let half = 0.5f64.ln();
    let token = |text: &str| {
        let candidate =
            |text: &str, logprob: f64| json!({"text": text, "bytes": text.as_bytes(), "logprob": logprob});
        let mut token = candidate(text, half);
        token["candidates"] = json!([candidate(text, half), candidate("x", 0.25f64.ln())]);
        token
    };
    let perplexity = object["perplexity"].take().as_f64().unwrap();
    assert!((perplexity - 2.0).abs() < 1e-9);
    let expected = json!({
        "model": "m-1", "endpoint": null, "text": "판다", "finish_reason": "stop",
        "usage": {"input_tokens": 9, "cached_input_tokens": 0, "output_tokens": 2, "reasoning_tokens": 0},
        "usage_source": "provider", "timing": null, "attempts": 1, "asked_temperature": 0.7,
        "tokens": [token("판"), token("다")], "perplexity": null, "mean_surprisal_bits": 1.0,
    });
    assert_eq!(object, expected);
}

#[tokio::test]
async fn usage_that_is_not_reported_is_estimated() {
    let stream = format!("{}{}", delta("안녕하세요", -0.1, &[]), end("length", None));
    let (done, _) =
        against(&["ask", "--json", "hello world"], async |server| server.stream(&stream).await).await;
    let object = json_of(&done.fine());
    let count = |text: &str| table(Encoding::O200kBase).count(text);
    assert_eq!(object["usage_source"], "estimate");
    // Three tokens prime the reply, and a message has four around it.
    assert_eq!(object["usage"]["input_tokens"], count("hello world") + 7);
    assert_eq!(object["usage"]["output_tokens"], count("안녕하세요"));
    assert_eq!(object["finish_reason"], "length");
}

#[tokio::test]
async fn events_are_written_as_they_happen() {
    let (done, ()) = against(&["ask", "--jsonl", "hi"], async |server| {
        server.answer(503, &[("retry-after", "0")], r#"{"error":{"message":"busy"}}"#).await;
        server.stream(&answer("a", "b")).await;
    })
    .await;
    assert!(done.err.contains("busy"), "{}", done.err);
    let events: Vec<Value> = done.fine().lines().map(json_of).collect();
    let mut names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    // What arrives together is one delta.
    names.dedup();
    assert_eq!(names, ["attempt", "retrying", "attempt", "opened", "delta", "usage", "finished"]);
    assert_eq!(events[1]["fault"]["status"], 503);
    assert_eq!(events[4]["tokens"][0]["candidates"][1]["text"], "x");
    let [.., usage, finished] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&usage["output_tokens"], &finished["finish_reason"]), (&json!(2), &json!("stop")));
    assert!(events.windows(2).all(|pair| pair[0]["at_ms"].as_f64() <= pair[1]["at_ms"].as_f64()));
}

#[tokio::test]
async fn reasoning_goes_to_standard_error_and_only_when_asked_for() {
    let reasoning = json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]});
    let stream = format!("data: {reasoning}\n\n{}", answer("a", "b"));
    for (flag, shown) in [("--reasoning", true), ("--no-stream", false)] {
        let (done, _) = against(&["ask", flag, "hi"], async |server| server.stream(&stream).await).await;
        assert_eq!(done.err.contains("hm"), shown, "{}", done.err);
        assert_eq!(done.fine(), "ab\n");
    }
}

#[tokio::test]
async fn a_failed_run_keeps_what_came_and_exits_with_1() {
    let cut = async |server: &GatedServer| {
        let mut call = server.accept().await;
        call.open().await;
        call.send(delta("half", -0.1, &[]).as_bytes()).await;
        call.cut().await;
    };
    let (done, ()) = against(&["ask", "hi"], cut).await;
    done.fails(1, &["cut off", "Ask again"]);
    assert_eq!(done.out, "half\n");
    let (done, ()) = against(&["ask", "--json", "hi"], cut).await;
    done.fails(1, &["cut off"]);
    let object = json_of(&done.out);
    assert_eq!((&object["text"], &object["fault"]["kind"]), (&json!("half"), &json!("cut")));
    assert_eq!(object["finish_reason"], Value::Null);
    let refuse = async |server: &GatedServer| {
        server.answer(401, &[], r#"{"error":{"message":"no such key"}}"#).await;
    };
    against(&["ask", "hi"], refuse).await.0.fails(1, &["no such key", "HTTP 401", "Check the key"]);
}

#[tokio::test]
async fn a_limit_that_a_flag_set_is_told_with_the_flag() {
    let arguments = ["ask", "--timeout", "0.2", "--retries", "0", "hi"];
    let stall = async |server: &GatedServer| {
        let mut call = server.accept().await;
        call.open().await;
        call.send(delta("half", -0.1, &[]).as_bytes()).await;
        call.closed().await;
    };
    let (done, ()) = against(&arguments, stall).await;
    done.fails(1, &["nothing more", "raise --timeout"]);
    assert!(!done.err.contains("_ms of endpoint"), "{}", done.err);
}

#[test]
fn an_unreachable_server_is_told_with_what_to_do() {
    let home = Home::new();
    // The port is free again when the listener is gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/v1");
    let done = home.run(&["ask", "--base-url", &url, "--model", "m", "--retries", "0", "hi"]);
    done.fails(1, &["Cannot reach model m", &url, "Check that the server is running"]);
    assert_eq!((done.out.as_str(), done.err.lines().count()), ("", 1));
}

#[tokio::test]
async fn prompts_come_from_words_files_and_standard_input() {
    let server = GatedServer::start().await;
    let home = Home::new();
    let file = home.write("p.txt", "from a file\r\n");
    for (arguments, prompt) in [
        (&["ask"][..], "piped\ntext"),
        (&["ask", "-"], "piped\ntext"),
        (&["ask", "Sum", "up:", "-"], "Sum up:\n\npiped\ntext"),
        (&["ask", "--file", &file], "from a file"),
        (&["ask", "Sum up:", "--file", &file], "Sum up:\n\nfrom a file"),
        (&["ask", "--", "--words"], "--words"),
    ] {
        let url = server.base_url();
        let flags = ["--base-url", &url, "--model", "m-1"];
        let mut child =
            home.command(&[&flags[..], arguments].concat()).stdin(Stdio::piped()).spawn().unwrap();
        // Not every form reads it.
        let _ = child.stdin.take().unwrap().write_all(b"piped\ntext\n");
        let stream = answer("o", "k");
        let (done, call) = both(child, server.stream(&stream)).await;
        assert_eq!(done.fine(), "ok\n");
        assert_eq!(body(&call)["messages"][0]["content"], prompt, "{arguments:?}");
    }
}

#[tokio::test]
async fn a_closed_pipe_is_no_failure() {
    let server = GatedServer::start().await;
    let stream = answer("a", "b");
    for arguments in [&["ask", "hi"][..], &["ask", "--json", "hi"], &["inspect", "hi"]] {
        let home = Home::new();
        let mut child = asking(&home, arguments, &server.base_url()).spawn().unwrap();
        drop(child.stdout.take());
        let (done, _) = both(child, server.stream(&stream)).await;
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
    // These write before they ask anybody.
    for arguments in [&["ask", "--jsonl", "hi"][..], &["keys"]] {
        let home = Home::new();
        let mut child = home.command(arguments);
        child.env("TOKENSCOPE_BASE_URL", server.base_url()).env("TOKENSCOPE_MODEL", "m-1");
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let done = ended(child).await;
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_interrupt_keeps_what_came_and_exits_with_130() {
    let server = GatedServer::start().await;
    for (flags, last) in [(&[][..], "half"), (&["--jsonl"], "half")] {
        let home = Home::new();
        let mut child = asking(&home, &[&["ask", "hi"], flags].concat(), &server.base_url()).spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut call = server.accept().await;
        call.open().await;
        call.send(delta(last, -0.1, &[]).as_bytes()).await;
        let read = tokio::task::spawn_blocking(move || {
            let mut seen = Vec::new();
            while !seen.ends_with(last.as_bytes()) {
                let mut byte = [0];
                stdout.read_exact(&mut byte).unwrap();
                seen.extend(byte);
            }
            (seen, stdout)
        });
        let (_, mut stdout) = read.await.unwrap();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert_eq!(ended(child).await.code, Some(130));
        // The connection is closed with the process, and what was begun is a whole line.
        call.closed().await;
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with('\n'), "{rest:?}");
    }
}

#[tokio::test]
async fn a_terminal_never_gets_the_control_sequences_of_an_answer() {
    let server = GatedServer::start().await;
    let url = server.base_url();
    let home = Home::new();
    let hostile = answer("\x1b[31mred\u{202e}\x07", "\r한");
    let screen = tokio::task::spawn_blocking(move || {
        home.on_terminal(&["ask", "--base-url", &url, "--model", "m-1", "hi"])
    });
    let (screen, _) = tokio::join!(screen, server.stream(&hostile));
    let (code, screen) = screen.unwrap();
    assert_eq!((code, screen.as_str()), (0, "␛[31mred<202E>␇␍한\r\n"));
}
