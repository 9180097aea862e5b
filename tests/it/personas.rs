//! The library of personas: written in the program, kept on disk, used by chat, comparison and commands.

use crate::support::gated::GatedServer;
use crate::support::harness::Harness;
use crate::support::pty::{Home, Pty, becomes};
use crate::support::stage::{Stage, personas};
use tokenscope::app::command::Place;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::persona::Change;

/// Returns what became of personas since effects were last taken.
fn kept(stage: &mut Stage) -> Vec<Change> {
    let effects = stage.all_effects().into_iter();
    effects
        .filter_map(|effect| if let Effect::KeepPersonas(own) = effect { Some(own) } else { None })
        .flatten()
        .collect()
}

fn systems(stage: &Stage) -> Vec<String> {
    stage.started.iter().map(|(_, request)| request.messages[0].content.to_string()).collect()
}

#[test]
fn a_persona_is_written_used_and_taken_back() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = Stage::new(width, height);
        stage.type_text("초안").press("alt-p n").type_text("시인").press("enter");
        stage.type_text("운을 맞춰.\n").paste("둘째 줄\n셋째 줄");
        assert!(
            stage.screen().contains("persona 시인") && stage.screen().contains("셋째 줄"),
            "{}",
            stage.screen()
        );
        // Each key is kept, so that nothing is lost with the program.
        assert_eq!(kept(&mut stage).last(), Some(&Change::put("시인", "운을 맞춰.\n둘째 줄\n셋째 줄")));
        stage.press("enter");
        assert_eq!(stage.app.place(), Place::Personas);
        let screen = stage.screen();
        assert!(
            screen.contains("시인") && screen.contains("yours") && screen.contains("configured"),
            "{screen}"
        );
        stage.press("enter");
        assert_eq!(stage.said(), ["system: 운을 맞춰.\n둘째 줄\n셋째 줄"]);
        assert!(stage.notice().contains("answers as 시인"), "{}", stage.notice());
        // The draft was not touched.
        assert_eq!(stage.app.composer.text(), "초안");
        stage.press("alt-p d");
        assert_eq!(kept(&mut stage), [Change::remove("시인")]);
        stage.press("u");
        assert_eq!(kept(&mut stage).len(), 1);
        stage.press("r backspace backspace").type_text("poet").press("enter");
        assert!(stage.screen().contains("poet"), "{}", stage.screen());
        // Another one takes its place in the conversation, and is taken back there.
        stage.press("u k k enter tab u");
        assert!(stage.app.personas.library.own("시인").is_some());
        assert_eq!(stage.said(), ["system: 운을 맞춰.\n둘째 줄\n셋째 줄"]);
    }
}

#[test]
fn ones_own_stands_over_the_configured_one_until_it_is_deleted() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-p e").type_text(" 정말로").press("esc");
    assert!(stage.screen().contains("yours, over the configured one"), "{}", stage.screen());
    stage.press("d");
    assert!(stage.notice().contains("the configured one counts again"), "{}", stage.notice());
    stage.press("d");
    assert!(stage.notice().contains("configured"), "{}", stage.notice());
    stage.press("u");
    assert_eq!(&**stage.app.personas.current().unwrap().system, "You are a chef. 정말로");
    // What is emptied is as it was.
    stage.press("e ctrl-a backspace esc");
    assert_eq!(&**stage.app.personas.current().unwrap().system, "You are a chef. 정말로");
}

#[test]
fn the_form_opens_the_library_and_knows_what_was_written() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("질문").press("alt-t right alt-p n").type_text("시인").press("enter");
    stage.type_text("운을 맞춰.").press("enter enter");
    assert!(stage.screen().contains("chef, panda, 시인"), "{}", stage.screen());
    stage.press("enter enter");
    assert_eq!(systems(&stage), ["You are a chef.", "You are a panda.", "운을 맞춰."]);
    // Leaving the list leaves the form as it was.
    let mut stage = Stage::new(80, 24);
    stage.press("alt-t").type_text("0.5").press("alt-p down esc");
    assert!(stage.screen().contains("columns    temperature  0.5"), "{}", stage.screen());
}

#[test]
fn names_are_judged_where_they_are_typed() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-p n").type_text("none").press("enter");
    assert!(stage.screen().contains("no system message"), "{}", stage.screen());
    stage.press("backspace backspace backspace backspace").type_text("chef").press("enter");
    assert!(stage.screen().contains("there is one of this name"), "{}", stage.screen());
    stage.press("esc j r");
    assert!(stage.notice().contains("configured"), "{}", stage.notice());
    // The letters of a Korean keyboard are commands in the list as well.
    stage.press("ㅜ");
    assert_eq!(stage.app.place(), Place::Overlay);
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_nothing_is_begun() {
    let fault = Fault::new(FaultKind::Local, "personas.toml:3:1: broken").remedy("Mend it");
    let mut stage = Stage::with(80, 24, |start| start.unread_personas = Some(fault));
    stage.press("alt-p");
    assert!(stage.screen().contains("personas.toml:3:1"), "{}", stage.screen());
    for key in ["n", "e", "r", "d", "u"] {
        stage.press(key);
        assert_eq!((stage.app.place(), kept(&mut stage)), (Place::Personas, Vec::new()), "{key}");
    }
    // They can be used all the same.
    stage.press("enter");
    assert_eq!(stage.said(), ["system: You are a chef."]);
}

#[test]
fn the_external_editor_gets_the_text_and_gives_it_back() {
    let mut stage = Stage::new(80, 24);
    stage.type_text("draft").press("alt-p e");
    stage.effects();
    stage.press("ctrl-o");
    assert_eq!(stage.effects(), [Effect::EditExternally("You are a chef.".to_owned())]);
    stage.tell(Msg::Edited(Ok("넌 요리사다.\n".to_owned())));
    assert_eq!(kept(&mut stage).last(), Some(&Change::put("chef", "넌 요리사다.")));
    stage.press("esc esc");
    assert_eq!(stage.app.composer.text(), "draft");
}

#[test]
fn an_empty_library_says_how_to_begin() {
    let mut stage = Stage::with(80, 24, |start| start.personas = personas(&[]));
    stage.press("alt-p");
    assert!(stage.screen().contains("no persona yet"), "{}", stage.screen());
    stage.press("enter e d j k");
    assert!(stage.notice().contains("no persona"), "{}", stage.notice());
}

#[tokio::test]
async fn what_was_written_is_on_disk_when_the_workbench_ends() {
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.press("alt-p n").type_text("시인").press("enter").type_text("운을 맞춰.\n짧게.");
    desk.shows("짧게.").await.press("ctrl-q");
    let file = desk.ends().await.file("personas.toml").unwrap();
    assert!(file.contains("시인") && file.contains("운을 맞춰.\n짧게."), "{file}");
}

#[tokio::test]
async fn what_was_written_outlives_a_kill_and_is_known_to_the_next_start() {
    let home = Home::new();
    let server = GatedServer::start().await;
    let mut terminal = Pty::start(&home, &server.base_url(), 80, 24);
    terminal.shows("Write a message").send("\x1bp").shows("configured");
    terminal.send("n").shows("the name of a new persona").send("시인\r").shows("How the model");
    terminal.send("운을 맞춰.").shows("운을 맞춰.");
    let file = home.data().join("personas.toml");
    let holds = || std::fs::read_to_string(&file).is_ok_and(|text| text.contains("운을 맞춰."));
    becomes("the persona is kept", holds);
    terminal.kill();
    let mut terminal = Pty::start(&home, &server.base_url(), 80, 24);
    terminal.shows("Write a message").send("\x1bp").shows("시인").shows("yours");
    terminal.send("\x11");
    assert_eq!(terminal.ends(), 0);
}
