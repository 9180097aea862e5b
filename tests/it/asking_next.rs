//! What Enter asks next beside a board: header, form and requests go by one setup.

use crate::support::stage::Stage;
use std::sync::Arc;
use tokenscope::app::archive::{ArchiveJob, ArchiveNews, Opened};
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::core::id::RunId;
use tokenscope::core::request::{Request, Role};

/// Returns the line of the axes.
fn header(stage: &Stage) -> String {
    stage.screen().lines().nth(1).unwrap().to_owned()
}

/// Returns the last message of each request since so many, in order.
fn questions(stage: &Stage, before: usize) -> Vec<&str> {
    stage.started[before..].iter().map(|(_, request)| &*request.messages.last().unwrap().content).collect()
}

/// Returns what was kept of the comparison, with no answer, as it is opened again.
fn kept(stage: &mut Stage) -> Opened {
    let begun = |effect: Effect| match effect {
        Effect::Archive(ArchiveJob::Begin { record, sweep, checks }) => {
            let answers = vec![None; record.samples.len()];
            Some(Opened { record: *record, sweep: *sweep, checks, answers, asides: Vec::new() })
        }
        _ => None,
    };
    stage.all_effects().into_iter().find_map(begun).unwrap()
}

fn open(stage: &mut Stage, opened: &Opened) {
    stage.tell(Msg::Archive(ArchiveNews::Opened(Box::new(opened.clone()))));
}

/// Returns a workbench with the form on the axis of prompts, begun with the lines of a draft.
fn of_prompts(width: u16, draft: &str) -> Stage {
    let mut stage = Stage::new(width, 24);
    stage.press("alt-2").type_text(draft).press("alt-t right right");
    assert!(stage.screen().contains("columns    prompt"), "{}", stage.screen());
    stage
}

#[test]
fn an_earlier_comparison_brings_its_setup() {
    let mut first = Stage::new(120, 40);
    first.press("alt-2").type_text("뭐가 좋아?").press("alt-t right down right").type_text("0.2, 0.4");
    first.press("down down 2 down down w enter enter");
    let (asked, opened) = (first.started.clone(), kept(&mut first));
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut stage = Stage::new(size.0, size.1);
        stage.press("alt-2 alt-t").type_text("1").press("enter");
        open(&mut stage, &opened);
        let header = header(&stage);
        assert!(header.contains("persona chef panda × temperature"), "{header}");
        assert!(header.contains("0 / 8") && !header.contains("next"), "{header}");
        stage.press("alt-t");
        let screen = stage.screen();
        for row in ["persona      chef, panda", "temperature  0.2, 0.4", "2 times", "contains     w"] {
            assert!(screen.contains(row), "{row}: {screen}");
        }
        // Enter asks the same again.
        stage.press("enter enter");
        let requests = |started: &[(RunId, Arc<Request>)]| -> Vec<Arc<Request>> {
            started.iter().map(|(_, request)| Arc::clone(request)).collect()
        };
        assert_eq!(requests(&stage.started), requests(&asked));
    }
}

#[test]
fn another_setup_beside_a_board_is_what_the_header_tells() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut stage = Stage::with(size.0, size.1, |start| start.temperatures = vec![0.3, 1.0]);
        stage.press("alt-2").type_text("hi").press("enter p");
        assert!(header(&stage).contains("0 / 2 · paused") || header(&stage).contains("0 / 2"));
        stage.press("alt-t").type_text("0.1, 0.2, 0.4").press("enter");
        let told = header(&stage);
        assert!(told.contains("0.1 0.2 0.4") && told.contains("next = 3 requests"), "{told}");
        assert!(told.contains("· board 0 / 2"), "{told}");
        // Back to what is on the board, its progress is told as before.
        stage.press("alt-t").type_text("0.3, 1").press("enter");
        let told = header(&stage);
        assert!(told.contains("0 / 2") && !told.contains("next") && !told.contains("board"), "{told}");
    }
}

#[test]
fn a_new_draft_takes_the_place_of_the_prompts() {
    let mut stage = of_prompts(80, "one?\n둘?\nthree?");
    stage.press("enter enter");
    assert_eq!(questions(&stage, 0), ["one?", "둘?", "three?"]);
    assert!(!stage.notice().contains("draft"), "{}", stage.notice());
    // Without a draft the same again.
    stage.answer_all(0).press("tab enter");
    assert_eq!(questions(&stage, 3), ["one?", "둘?", "three?"]);
    stage.answer_all(3).press("tab").type_text("four?\n\n 다섯? ");
    assert!(header(&stage).contains("prompt four? 다섯?"), "{}", header(&stage));
    assert!(header(&stage).contains("next = 2 requests"), "{}", header(&stage));
    assert!(stage.screen().contains("2 questions, a line each"), "{}", stage.screen());
    stage.press("enter");
    assert_eq!(questions(&stage, 6), ["four?", "다섯?"]);
    assert_eq!(stage.notice(), "the 2 lines of the draft are the prompts");
    stage.answer_all(6).press("tab").type_text("a single one, with a comma").press("enter");
    assert_eq!(questions(&stage, 8), ["a single one, with a comma"]);
    assert_eq!(stage.notice(), "the draft is the prompt");
    stage.press("alt-t");
    assert!(stage.screen().contains("\"a single one, with a comma\""), "{}", stage.screen());
}

#[test]
fn prompts_chosen_in_the_form_stay_beside_a_draft_of_before() {
    let mut stage = of_prompts(120, "hi");
    stage.type_text("하나, two").press("enter enter");
    assert_eq!(questions(&stage, 0), ["하나", "two"]);
}

#[test]
fn a_place_that_nothing_fills_is_told_and_sent() {
    let mut stage = Stage::with(80, 24, |start| start.temperatures = vec![1.0]);
    stage.press("alt-2").type_text("A dish of {{city}}?").press("enter");
    assert_eq!(questions(&stage, 0), ["A dish of {{city}}?"]);
    assert_eq!(stage.notice(), "{{city}} is sent as it is: Alt-t can give it values");
    assert!(stage.screen().contains(stage.notice()), "{}", stage.screen());
    stage.press("alt-t").type_text("").press("right right right right");
    stage.press("esc tab").type_text("no place").press("enter");
    assert!(!stage.notice().contains("as it is"), "{}", stage.notice());
    // A text of an axis is looked at as well, and one that it replaces is not.
    let mut stage = of_prompts(80, "{{a}}");
    stage.type_text("x, {{b}}").press("enter enter");
    assert!(stage.notice().starts_with("{{b}} is sent as it is"), "{}", stage.notice());
}

#[test]
fn the_title_of_the_question_says_what_it_is_asked_after() {
    let said = [(Role::User, "a"), (Role::Assistant, "b"), (Role::User, "c"), (Role::Assistant, "d")];
    let system = [(Role::System, "Be brief.")];
    let both: Vec<_> = system.iter().chain(&said).copied().collect();
    let title = |messages: &[(Role, &str)], keys: &str, draft: &str| {
        let mut stage = Stage::talking(80, 24, messages);
        stage.press("alt-2").press(keys).type_text(draft);
        let screen = stage.screen();
        let line = screen.lines().rfind(|line| line.contains(" question ")).unwrap();
        line.trim_matches(|c: char| !c.is_alphanumeric()).to_owned()
    };
    assert_eq!(title(&[], "", "q"), "question");
    assert_eq!(title(&system, "", "q"), "question · after a system message");
    assert_eq!(title(&said, "", "q"), "question · after 4 messages");
    assert_eq!(title(&both, "", "q"), "question · after a system message and 4 messages");
    // The last question itself is asked, and what stood before it.
    assert_eq!(title(&both, "", ""), "question · after a system message and 2 messages");
    // An axis has its own in the place of the system message.
    assert_eq!(title(&both, "alt-t right enter", "q"), "question · after 4 messages");
    let mut stage = Stage::with(80, 24, |start| start.conversation.memory = false);
    stage.exchange("hi", "ho");
    stage.press("alt-2").type_text("q");
    assert!(!stage.screen().contains("· after"), "{}", stage.screen());
}
