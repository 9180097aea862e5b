//! A comparison in a real terminal, killed in the middle: what was answered is there, and only the rest is
//! asked for.

use crate::support::DEADLINE;
use crate::support::gated::{Call, GatedServer};
use crate::support::pty::{Home, Pty, becomes};
use crate::support::wire::answer;
use tokenscope::core::job::{StoreJob, StoreReply, SweepSummary};
use tokenscope::store::{FILE, Store};

async fn accept(server: &GatedServer) -> Call {
    tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes")
}

async fn finish(mut call: Call, text: &str) {
    call.open().await;
    call.send(answer(text).as_bytes()).await;
    call.finish().await;
}

/// Returns the temperature a request asks for, as it is written.
fn temperature(call: &Call) -> String {
    let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
    body["temperature"].to_string()
}

fn sweeps(home: &Home) -> Vec<SweepSummary> {
    let store = Store::start(home.data().join(FILE));
    match store.ask(StoreJob::ListSweeps { limit: 9 }) {
        StoreReply::Sweeps(sweeps) => sweeps,
        // It is being made.
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn a_comparison_that_was_killed_goes_on_with_what_is_missing() {
    let home = Home::new();
    let server = GatedServer::start().await;
    let mut terminal = Pty::start(&home, &server.base_url(), 120, 30);
    terminal.shows("Write a message").send("\x1b2").shows("One question");
    terminal.send("\x1bt").shows("each cell").send("0.3 1.2 1.8\r").shows("3 requests");
    terminal.send("무엇이 좋을까?").shows("무엇이 좋을까?").send("\r");
    let mut calls = vec![accept(&server).await, accept(&server).await, accept(&server).await];
    calls.sort_by_key(temperature);
    let warmest = calls.pop().unwrap();
    finish(warmest, "새벽 공기").await;
    terminal.shows("새벽 공기");
    becomes("the answer is kept", || sweeps(&home).first().is_some_and(|sweep| sweep.done == 1));
    terminal.kill();
    drop(calls);

    let mut terminal = Pty::start(&home, &server.base_url(), 120, 30);
    terminal.shows("Write a message").send("\x1bo").shows("무엇이 좋을까?").shows("1/3 · just now");
    terminal.send("\r").shows("새벽 공기").shows("2 not answered yet");
    // Stopping what waits for the user is no dead end either.
    terminal.send("X").shows("p asks for the rest").send("p");
    let mut rest = [accept(&server).await, accept(&server).await];
    rest.sort_by_key(temperature);
    assert_eq!(rest.each_ref().map(temperature), ["0.3", "1.2"]);
    // Opening one while another is under way takes a second word, and Esc leaves it as it is.
    terminal
        .send("\x1bo")
        .shows("1/3 · just now")
        .send("\r")
        .shows("1 / 3 answered: Enter again stops the rest");
    terminal.send("\x1b");
    let [first, second] = rest;
    finish(first, "a cool answer").await;
    finish(second, "a warm answer").await;
    terminal.shows("a cool answer").shows("a warm answer").shows("새벽 공기");
    becomes("all is kept", || sweeps(&home).first().is_some_and(|sweep| sweep.done == 3));

    let file = home.data().join("out.md");
    // What is asked once more is kept beside them.
    terminal.send("r");
    finish(accept(&server).await, "once more, aside").await;
    terminal.shows("once more, aside");
    terminal.send("e").shows("write to").send(&"\x7f".repeat(12)).send(file.to_str().unwrap()).send("\r");
    terminal.shows("written:");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains("a warm answer") && written.contains("새벽 공기"), "{written}");
    terminal.send("\x11");
    assert_eq!(terminal.ends(), 0);

    let mut terminal = Pty::start(&home, &server.base_url(), 120, 30);
    terminal.shows("Write a message").send("\x1bo").shows("3/3 · just now").send("\r").shows("새벽 공기");
    terminal.send("]").shows("once more, aside").shows("again 2/2").send("\x11");
    assert_eq!(terminal.ends(), 0);
}

/// Returns an answer of two tokens, the second with what else it could have been.
fn with_candidates(second: [(&str, f64); 2]) -> String {
    let entry = |(text, share): (&str, f64)| serde_json::json!({"token": text, "logprob": share.ln()});
    let token = |candidates: &[(&str, f64)]| {
        let mut token = entry(candidates[0]);
        token["top_logprobs"] = candidates.iter().map(|candidate| entry(*candidate)).collect();
        let choice = serde_json::json!({
            "index": 0, "delta": {"content": candidates[0].0}, "logprobs": {"content": [token]},
        });
        format!("data: {}\n\n", serde_json::json!({"choices": [choice]}))
    };
    token(&[("a ", 0.5), ("the ", 0.25)]) + &token(&second) + &crate::support::wire::done()
}

/// Whether the line of the axes tells a time.
fn tells_a_time(screen: &vt100::Screen) -> bool {
    let contents = screen.contents();
    let line = contents.lines().nth(1).unwrap_or_default().replace("  Alt-t edits", "");
    let last = line.trim_end().rsplit(" · ").next().unwrap_or_default();
    last.starts_with("≈ ") && (last.ends_with(" s") || last.ends_with(" ms"))
}

#[tokio::test]
async fn what_was_let_go_of_a_large_comparison_is_fetched_and_its_pace_is_known_later() {
    let home = Home::new();
    let server = GatedServer::start().await;
    let mut terminal = Pty::start(&home, &server.base_url(), 120, 40);
    terminal.shows("Write a message").send("\x1b2").shows("One question");
    terminal.send("\x1bt").shows("each cell").send("0.3 1.8\x1b[B\x1b[B33\r").shows("66 requests");
    terminal.send("무엇이 좋을까?").shows("무엇이 좋을까?");
    terminal.until("no time is told", |screen| !tells_a_time(screen)).send("\r");
    for _ in 0..66 {
        let mut call = accept(&server).await;
        let is_cold = temperature(&call) == "0.3";
        let second =
            if is_cold { [("quiet", 0.5), ("loud", 0.25)] } else { [("loud", 0.75), ("calm", 0.125)] };
        call.open().await;
        call.send(with_candidates(second).as_bytes()).await;
        call.finish().await;
    }
    becomes("all is kept", || sweeps(&home).first().is_some_and(|sweep| sweep.done == 66));
    terminal.until("a time is told", tells_a_time).send("d");
    terminal.until("both tokens are told in both runs", |screen| {
        let contents = screen.contents();
        ["50.0 %", "25.0 %", "75.0 %", "≤ 12.5 %"].iter().all(|share| contents.contains(share))
    });
    terminal.send("/1.8\r").shows("/1.8 · 1 of 2 columns").send("\x1b").shows("T 0.3");
    terminal.send("\x11");
    assert_eq!(terminal.ends(), 0);

    let mut terminal = Pty::start(&home, &server.base_url(), 120, 40);
    terminal.shows("Write a message").send("\x1b2").shows("One question").send("hi");
    terminal.until("the archive has told the time", tells_a_time);
    terminal.send("\x11\x11");
}
