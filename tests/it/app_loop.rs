//! The loop as the user meets it: real driver, real sockets, a terminal that is watched.

use crate::support::DEADLINE;
use crate::support::gated::{Call, GatedServer};
use crate::support::harness::Harness;
use crate::support::wire::{answer, delta, done};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// Shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_micros(16_667);

async fn accept(server: &GatedServer) -> Call {
    tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes")
}

/// Waits until the client has closed the connection of a request.
async fn is_closed(call: &mut Call) {
    tokio::time::timeout(DEADLINE, call.closed()).await.expect("the connection is closed");
}

/// Accepts the next request and begins its answer.
async fn answering(server: &GatedServer, beginning: &str) -> Call {
    let mut call = accept(server).await;
    call.open().await;
    call.send(delta(beginning).as_bytes()).await;
    call
}

fn body(call: &Call) -> Value {
    serde_json::from_str(&call.body).unwrap()
}

#[tokio::test]
async fn what_is_typed_is_shown_and_sent_and_its_answer_arrives_piece_by_piece() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("안녕, panda 🐼").shows("안녕, panda 🐼").await;
    desk.press("enter");
    let mut call = answering(&server, "Slowly, ").await;
    desk.shows("Slowly,").await;
    call.send((delta("slowly 천천히.") + &done()).as_bytes()).await;
    call.finish().await;
    desk.shows("Slowly, slowly 천천히.").await.shows("stop").await.shows("ready").await;
    let asked = json!([{"role": "user", "content": "안녕, panda 🐼"}]);
    assert_eq!(body(&call)["messages"], asked);
}

#[tokio::test]
async fn esc_stops_the_answer_keeps_its_text_and_closes_the_connection() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("count").press("enter");
    let mut call = answering(&server, "one two").await;
    desk.shows("one two").await.press("esc");
    is_closed(&mut call).await;
    desk.shows("stopped").await.shows("one two").await.press("ctrl-q");
    let left = desk.ends().await;
    assert_eq!(left.conversations(), [["user: count", "assistant: one two"]]);
}

#[tokio::test]
async fn ten_thousand_deltas_are_all_kept_and_drawn_in_few_frames() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("flood").press("enter");
    let mut call = answering(&server, "0 ").await;
    desk.shows("answering").await;
    let before = desk.shown();
    for first in (1..10_000).step_by(100) {
        let piece: String = (first..first + 100).map(|number| delta(&format!("{number} "))).collect();
        call.send(piece.as_bytes()).await;
    }
    call.send((delta("the end") + &done()).as_bytes()).await;
    call.finish().await;
    desk.shows("the end").await.shows("ready").await;
    let (after, elapsed) = (desk.shown(), desk.since.elapsed());
    let frames = after.draws - before.draws;
    let most = elapsed.as_micros() / FRAME.as_micros() + 2;
    assert!(u128::from(frames) <= most, "{frames} frames in {elapsed:?}");
    desk.press("ctrl-q");
    let numbers: String = (0..=10_000).fold(String::new(), |mut text, number| {
        let _ = write!(text, "{number} ");
        text
    });
    let left = desk.ends().await;
    assert_eq!(left.conversations(), [["user: flood".to_owned(), format!("assistant: {numbers}the end")]]);
}

#[tokio::test]
async fn a_flood_of_tokens_does_not_keep_keys_waiting() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("flood").press("enter");
    let mut call = answering(&server, "spam ").await;
    let flood = async {
        let spam = delta("spam ").repeat(50);
        loop {
            call.send(spam.as_bytes()).await;
            tokio::task::yield_now().await;
        }
    };
    let user = async {
        desk.shows("spam").await.type_text("still here").shows("still here").await;
        assert!(desk.screen().contains("answering"));
        desk.press("esc").shows("stopped").await.shows("ready").await;
    };
    tokio::select! {
        () = flood => {}
        () = user => {}
    }
    is_closed(&mut call).await;
}

#[tokio::test]
async fn nothing_is_drawn_while_nothing_happens() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    // The exact count is the last thing that a draft sets off.
    desk.type_text("hi").shows("draft 1 ").await;
    let before = desk.shown();
    // Waits to see nothing, so only time can end it.
    tokio::time::sleep(FRAME * 20).await;
    let after = desk.shown();
    assert_eq!(after.draws, before.draws);
    // At most the look for input with which the loop went to sleep.
    assert!(after.looks <= before.looks + 1, "{} looks", after.looks - before.looks);
}

#[tokio::test]
async fn leaving_writes_the_draft_and_the_half_answer_before_it_returns() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("question").press("enter");
    let mut call = answering(&server, "half an answ").await;
    desk.shows("half an answ").await.type_text("쓰다 만 글").shows("쓰다 만 글").await.press("ctrl-q");
    let left = desk.ends().await;
    is_closed(&mut call).await;
    assert_eq!(left.code, 0);
    assert_eq!(left.draft().as_deref(), Some("쓰다 만 글"));
    assert_eq!(left.conversations(), [["user: question", "assistant: half an answ"]]);
}

#[tokio::test]
async fn a_retry_says_why_and_when() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("hello").press("enter");
    let busy = r#"{"error": {"message": "busy", "type": "server_error"}}"#;
    accept(&server).await.respond(503, &[("retry-after", "100")], busy).await;
    desk.shows("HTTP 503 · try 2 in ").await.press("esc").shows("stopped before the first token").await;
}

#[tokio::test]
async fn a_refused_parameter_stands_in_its_column_and_the_others_complete() {
    let server = GatedServer::start().await;
    let desk = Harness::new(200, 40, &server);
    desk.type_text("where to?").press("alt-2 enter");
    for _ in 0..7 {
        let mut call = accept(&server).await;
        let temperature = body(&call)["temperature"].as_f64().unwrap();
        if temperature > 1.5 {
            let error = json!({"error": {"message": "temperature must be at most 1.5", "param": "temperature",
                "type": "invalid_request_error", "code": null}});
            call.respond(400, &[], &error.to_string()).await;
        } else {
            call.open().await;
            call.send(answer(&format!("at {temperature}")).as_bytes()).await;
            call.finish().await;
        }
    }
    desk.until("five columns are done", |shown| shown.screen.matches("│ stop ").count() == 5).await;
    desk.until("two are refused", |shown| shown.screen.matches("│ refused ").count() == 2).await;
    let screen = desk.screen();
    for temperature in ["0.3", "0.8", "1", "1.3", "1.5"] {
        assert!(screen.contains(&format!("at {temperature} ")), "{screen}");
    }
    assert!(screen.contains("must be at most 1.5"), "{screen}");
}

#[tokio::test]
async fn seven_temperatures_stream_side_by_side_and_all_complete() {
    let server = GatedServer::start().await;
    let desk = Harness::new(200, 40, &server);
    desk.type_text("a slogan").press("alt-2 enter");
    let mut calls = Vec::new();
    for _ in 0..7 {
        let mut call = accept(&server).await;
        let temperature = body(&call)["temperature"].as_f64().unwrap();
        call.open().await;
        calls.push((temperature, call));
    }
    calls.sort_by(|a, b| a.0.total_cmp(&b.0));
    let temperatures: Vec<f64> = calls.iter().map(|(temperature, _)| *temperature).collect();
    assert_eq!(temperatures, [0.3, 0.8, 1.0, 1.3, 1.5, 1.6, 1.8]);
    for (temperature, call) in &mut calls {
        call.send(delta(&format!("warm {temperature}")).as_bytes()).await;
    }
    desk.until("all seven stream", |shown| shown.screen.matches("streaming").count() == 7).await;
    for (_, mut call) in calls {
        call.send(done().as_bytes()).await;
        call.finish().await;
    }
    desk.until("all seven are done", |shown| shown.screen.matches("│ stop ").count() == 7).await;
    let screen = desk.screen();
    assert!(temperatures.iter().all(|t| screen.contains(&format!("warm {t} "))), "{screen}");
}

#[tokio::test]
async fn what_still_comes_for_a_left_conversation_is_not_shown_in_the_new_one() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("first").press("enter");
    let mut old = answering(&server, "early words").await;
    desk.shows("early words").await.press("ctrl-n").shows("new conversation;").await;
    old.send(delta("late words").as_bytes()).await;
    is_closed(&mut old).await;
    desk.type_text("second").press("enter");
    let mut call = accept(&server).await;
    call.open().await;
    call.send(answer("fresh words").as_bytes()).await;
    call.finish().await;
    desk.shows("fresh words").await.shows("ready").await;
    assert!(!desk.screen().contains("early") && !desk.screen().contains("late"), "{}", desk.screen());
    assert_eq!(body(&call)["messages"], json!([{"role": "user", "content": "second"}]));
    desk.press("ctrl-q");
    let kept = desk.ends().await.conversations();
    assert_eq!(kept, [["user: first", "assistant: early words"], ["user: second", "assistant: fresh words"]]);
}

#[tokio::test]
async fn the_terminal_going_away_is_an_error_and_nothing_is_lost() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("unsent").shows("unsent").await;
    let (folder, thread) = desk.hang_up();
    let ended = tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    assert_eq!(ended.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    assert_eq!(std::fs::read_to_string(folder.path().join("data/draft.txt")).unwrap(), "unsent");
}

#[cfg(unix)]
#[tokio::test]
async fn the_editor_has_the_keyboard_to_itself_and_its_text_becomes_the_draft() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    // Tells that it runs, waits to be let go on, and appends to the file it was given.
    let script = format!(
        "#!/bin/sh\ntouch '{running}'\nuntil [ -e '{go}' ]; do sleep 0.01; done\nprintf ' 그리고 more' >> \"$1\"\n",
        running = path("running").display(),
        go = path("go").display()
    );
    let editor = path("editor");
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let server = GatedServer::start().await;
    let desk = Harness::with_editor(80, 24, &server, editor.to_str().unwrap());
    desk.type_text("draft").shows("draft").await.press("ctrl-o");
    desk.until("the terminal is given away", |shown| shown.is_suspended && shown.open_streams == 0).await;
    std::fs::write(path("go"), "").unwrap();
    desk.shows("draft 그리고 more").await;
    let after = desk.shown();
    assert_eq!((after.is_suspended, after.open_streams), (false, 1));
    assert!(path("running").exists());
    desk.type_text("!").shows("draft 그리고 more!").await;
}

#[tokio::test]
async fn an_editor_that_fails_leaves_the_draft_alone() {
    let server = GatedServer::start().await;
    let desk = Harness::with_editor(80, 24, &server, "tokenscope-no-such-editor --wait");
    desk.type_text("draft").press("ctrl-o").shows("tokenscope-no-such-editor could not be run").await;
    assert!(desk.screen().contains("draft"), "{}", desk.screen());
}

#[tokio::test]
async fn copying_reaches_the_clipboard() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.type_text("say 값").press("enter");
    let mut call = answering(&server, "값 is value").await;
    call.send(done().as_bytes()).await;
    call.finish().await;
    desk.shows("값 is value").await.shows("stop").await.press("tab y");
    desk.until("it is copied", |shown| shown.copied == ["값 is value"]).await;
}

#[tokio::test]
async fn a_notice_goes_by_itself() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.shows("ready").await.press("tab y").shows("nothing to copy").await;
    desk.until("no notice", |shown| !shown.screen.contains("nothing to copy")).await;
}
