//! What people do every day, in the real loop: how many keys it takes, and what is sent then.
//!
//! The question itself is not counted; every other key is.

use crate::support::DEADLINE;
use crate::support::gated::{Call, GatedServer};
use crate::support::harness::Harness;
use crate::support::stage::{Stage, personas, start};
use crate::support::wire::answer;
use serde_json::Value;
use std::time::Duration;
use tokenscope::app::command::Place;

/// Most keys a daily task may take beside its question.
const MOST: usize = 10;

/// A workbench whose keys are counted.
struct Counted {
    desk: Harness,
    server: GatedServer,
    keys: usize,
}

impl Counted {
    /// Starts a workbench and types the question.
    async fn asking(question: &str) -> Self {
        let server = GatedServer::start().await;
        let desk = Harness::new(80, 24, &server);
        let last = question.lines().last().unwrap();
        desk.type_text(question).shows(last).await;
        Self { desk, server, keys: 0 }
    }

    /// Presses keys one by one.
    fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.desk.press(key);
            self.keys += 1;
        }
        self
    }

    /// Answers so many requests; returns what they asked for, in the order of `key`.
    async fn bodies(&self, count: usize, key: impl Fn(&Value) -> String) -> Vec<Value> {
        let mut bodies = Vec::new();
        for _ in 0..count {
            let mut call = accept(&self.server).await;
            bodies.push(serde_json::from_str(&call.body).unwrap());
            call.open().await;
            call.send(answer("좋다.").as_bytes()).await;
            call.finish().await;
        }
        bodies.sort_by_key(key);
        self.desk.shows("좋다.").await;
        bodies
    }
}

async fn accept(server: &GatedServer) -> Call {
    tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes")
}

fn content(body: &Value, message: usize) -> String {
    body["messages"][message]["content"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn seven_temperatures_of_200_tokens_within_15_seconds() {
    const KEYS: &str = "alt-t up 1 5 up 2 0 0 enter enter";
    let mut task = Counted::asking("일찍 일어나면 뭐가 좋아?").await;
    task.press(KEYS);
    assert!(task.keys <= MOST, "{}", task.keys);
    let bodies = task.bodies(7, |body| body["temperature"].to_string()).await;
    let temperatures: Vec<f64> = bodies.iter().filter_map(|body| body["temperature"].as_f64()).collect();
    assert_eq!(temperatures, start().temperatures);
    for body in &bodies {
        let limit = body.get("max_completion_tokens").or(body.get("max_tokens"));
        assert_eq!(limit.and_then(Value::as_u64), Some(200), "{body}");
        assert_eq!(content(body, 0), "일찍 일어나면 뭐가 좋아?");
    }
    // The same keys, with what is given to whoever sends.
    let mut stage = Stage::new(80, 24);
    stage.type_text("hi").press(KEYS);
    assert_eq!(stage.timeouts, [Some(Duration::from_secs(15)); 7]);
}

#[tokio::test]
async fn a_timeout_ends_the_wait_for_a_server_that_says_nothing() {
    let mut task = Counted::asking("hi").await;
    task.press("alt-t 1 up 0 . 2 enter enter");
    let _silent = accept(&task.server).await;
    task.desk.shows("within 200 ms").await;
}

#[tokio::test]
async fn three_personas() {
    let mut task = Counted::asking("일찍 일어나면 뭐가 좋아?").await;
    task.press("alt-t right enter enter");
    assert!(task.keys <= MOST, "{}", task.keys);
    let bodies = task.bodies(3, |body| content(body, 0)).await;
    let systems: Vec<String> = bodies.iter().map(|body| content(body, 0)).collect();
    assert_eq!(systems, ["You are a chef.", "You are a panda.", "You are a trainer."]);
    assert!(bodies.iter().all(|body| content(body, 1) == "일찍 일어나면 뭐가 좋아?"));
}

#[tokio::test]
async fn six_questions_at_once() {
    let mut task = Counted::asking("one?\n둘?\nthree?\n넷?\nfive?\n여섯?").await;
    task.press("alt-t right right enter enter");
    assert!(task.keys <= MOST, "{}", task.keys);
    let bodies = task.bodies(6, |body| content(body, 0)).await;
    let questions: Vec<String> = bodies.iter().map(|body| content(body, 0)).collect();
    assert_eq!(questions, ["five?", "one?", "three?", "넷?", "둘?", "여섯?"]);
}

#[test]
fn each_task_takes_as_many_keys_at_every_size() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let stage = || {
            Stage::with(width, height, |start| {
                start.personas = personas(&["chef", "panda", "trainer"]);
            })
        };
        for (question, keys, requests) in [
            ("hi", "alt-t up 1 5 up 2 0 0 enter enter", 7),
            ("hi", "alt-t right enter enter", 3),
            ("1?\n2?\n3?\n4?\n5?\n6?", "alt-t right right enter enter", 6),
        ] {
            let mut stage = stage();
            stage.type_text(question).press(keys);
            assert_eq!(stage.started.len(), requests, "{keys}: {}", stage.screen());
        }
    }
}

#[test]
fn after_a_run_the_same_keys_ask_from_the_board_as_well() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("hi").press("alt-t 0 enter enter");
    assert_eq!((stage.started.len(), stage.app.focus), (1, Place::Grid));
    // Axes, an answer's length, a timeout, checks, and nothing at all once it is over.
    let mut answered = 0;
    for (keys, requests) in [
        ("alt-t 0 , 1 enter enter", 2),
        ("alt-t up 9 enter enter", 2),
        ("alt-t up up 9 9 enter enter", 2),
        ("alt-t down down 2 enter enter", 4),
        ("alt-t down down down down w enter enter", 4),
    ] {
        let before = stage.answer_all(answered).started.len();
        answered = before;
        stage.press(keys);
        assert_eq!(stage.started.len() - before, requests, "{keys}: {}", stage.screen());
        assert_eq!(stage.app.focus, Place::Grid, "{keys}");
    }
    // Under way, a budget alone leaves the keyboard where it was.
    let before = stage.started.len();
    stage.press("alt-t down down down").type_text("requests=90").press("enter");
    assert_eq!((stage.started.len(), stage.app.focus), (before, Place::Grid));
    stage.answer_all(answered).press("alt-t enter enter");
    assert_eq!(stage.started.len() - before, 4, "{}", stage.screen());
}

#[test]
fn the_form_says_what_a_bound_may_be_and_steps_it() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("hi").press("alt-t up 9 9 9 9 9 enter");
    assert!(stage.screen().contains("0.1 to 3600 seconds"), "{}", stage.screen());
    stage.press("delete right right up 0 enter");
    assert!(stage.screen().contains("max_output_tokens is 1 and more"), "{}", stage.screen());
    stage.press("delete enter");
    assert_eq!(stage.app.settings.timeout, Some(Duration::from_secs(20)));
    assert_eq!(stage.app.settings.sampling.max_output_tokens, None);
    // It is a parameter like the others.
    stage.press("ctrl-t");
    assert!(stage.screen().contains("timeout            20"), "{}", stage.screen());
    stage.press("down down down down down down down down down delete");
    assert!(stage.screen().contains("the endpoint's"), "{}", stage.screen());
    assert_eq!(stage.app.settings.timeout, None);
}
