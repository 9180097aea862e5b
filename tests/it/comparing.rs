//! The comparison as it is used: what the form takes, what is asked, in which order, and how it ends.

use crate::support::stage::{Fixed, Stage};
use ratatui::buffer::Cell;
use ratatui::style::Modifier;
use tokenscope::app::command::Place;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::app::overlay::Overlay;
use tokenscope::app::{Knowledge, Screen};
use tokenscope::core::bench::{Slot, State};
use tokenscope::core::conversation::Message;
use tokenscope::core::cost::Price;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::id::RunId;
use tokenscope::core::model::{Encoding, ModelCard};
use tokenscope::core::request::{Request, Role};
use tokenscope::core::stream::StreamEvent;

/// The sizes a workbench is mostly used at.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Returns the workbench with a question written and the form of the comparison open.
fn form(question: &str) -> Stage {
    let mut stage = Stage::new(120, 40);
    stage.press("alt-2").type_text(question).press("alt-t");
    stage
}

/// Returns what a list of temperatures asks on so many lanes.
fn asked(temperatures: &[f64], lanes: usize) -> Stage {
    let mut stage = Stage::with(120, 40, |start| {
        start.temperatures = temperatures.to_vec();
        start.concurrency = lanes;
    });
    stage.press("alt-2").type_text("질문").press("enter");
    stage
}

/// Returns the temperatures that were asked, in order.
fn temperatures(stage: &Stage) -> Vec<f64> {
    stage.started.iter().filter_map(|(_, request)| request.sampling.temperature).collect()
}

/// Returns the last message of each request, in order.
fn questions(stage: &Stage) -> Vec<&str> {
    stage.started.iter().map(|(_, request)| &*request.messages.last().unwrap().content).collect()
}

/// Returns the system message of each request, in order.
fn systems(stage: &Stage) -> Vec<Option<&str>> {
    let system = |request: &'_ Request| request.messages.iter().position(|own| own.role == Role::System);
    let texts = stage.started.iter().map(|(_, request)| Some(&*request.messages[system(request)?].content));
    texts.collect()
}

fn states(stage: &Stage) -> Vec<State> {
    stage.app.compare.bench.as_ref().unwrap().slots().iter().map(Slot::state).collect()
}

/// Returns what the form says is wrong.
#[track_caller]
fn error(stage: &Stage) -> String {
    match &stage.app.overlay {
        Some(Overlay::Sweep(form)) => form.error.clone().unwrap_or_default(),
        _ => panic!("the form is closed"),
    }
}

/// Returns the number of the selected row of the form.
#[track_caller]
fn selected(stage: &Stage) -> usize {
    match &stage.app.overlay {
        Some(Overlay::Sweep(form)) => form.selected,
        _ => panic!("the form is closed"),
    }
}

fn fail(stage: &mut Stage, run: RunId) {
    stage.event(run, StreamEvent::Failed(Fault::new(FaultKind::Server, "broken")));
}

#[test]
fn a_persona_axis_sends_each_system_message() {
    let mut stage = form("뭐가 좋아?");
    assert!(stage.screen().contains("columns    temperature"), "{}", stage.screen());
    stage.press("right");
    assert!(stage.screen().contains("chef, panda"), "{}", stage.screen());
    stage.type_text("chef, none, panda").press("enter enter");
    assert_eq!(systems(&stage), [Some("You are a chef."), None, Some("You are a panda.")]);
    assert_eq!(questions(&stage), ["뭐가 좋아?"; 3]);
    let screen = stage.screen();
    assert!(["chef ─", "none ─", "panda ─"].iter().all(|name| screen.contains(name)), "{screen}");
}

#[test]
fn another_axis_makes_rows_and_is_taken_away_again() {
    let mut stage = form("hi");
    stage.type_text("0.2..1 step 0.4").press("down right");
    assert!(stage.screen().contains("rows       persona"), "{}", stage.screen());
    assert!(stage.screen().contains("6 cells · 6 requests"), "{}", stage.screen());
    stage.press("down down right right");
    assert!(stage.screen().contains("18 requests"), "{}", stage.screen());
    stage.press("delete");
    assert!(stage.screen().contains("6 cells · 6 requests"), "{}", stage.screen());
    stage.press("up up delete");
    assert!(stage.screen().contains("3 cells · 3 requests"), "{}", stage.screen());
    // The last axis stays.
    stage.press("up delete enter enter");
    assert_eq!(temperatures(&stage), [0.2, 0.6, 1.0]);
}

#[test]
fn the_first_character_replaces_and_further_ones_go_on() {
    let mut stage = form("hi");
    stage.type_text("0.3 1,5").press("backspace backspace").type_text(".5, omit").press("enter enter");
    let sent: Vec<_> = stage.started.iter().map(|(_, request)| request.sampling.temperature).collect();
    assert_eq!(sent, [Some(0.3), Some(1.5), None]);
}

/// Returns the text of a line of the screen that is drawn reversed.
fn reversed(stage: &Stage, holds: &str) -> String {
    let y = stage.screen().lines().position(|line| line.contains(holds)).unwrap();
    let buffer = stage.backend().buffer();
    let cells = (0..buffer.area.width).map(|x| &buffer[(x, u16::try_from(y).unwrap())]);
    cells.filter(|cell| cell.modifier.contains(Modifier::REVERSED)).map(Cell::symbol).collect()
}

#[test]
fn a_value_that_typing_replaces_looks_selected_until_it_is_touched() {
    for (key, typed) in [("end", "0.3 0.8 1.0 1.3 1.5 1.6 1.8 2"), ("home", "0.3 0.8 1.0 1.3 1.5 1.6 1.8 2")]
    {
        let mut stage = form("hi");
        assert_eq!(reversed(&stage, "columns"), "0.3 0.8 1.0 1.3 1.5 1.6 1.8");
        stage.press(key);
        assert_eq!(reversed(&stage, "columns"), "");
        stage.type_text(" 2");
        assert!(stage.screen().contains(typed), "{}", stage.screen());
        // Turning would drop what is typed; what is not typed in turns.
        stage.press("right left");
        assert!(stage.screen().contains(typed), "{}", stage.screen());
        stage.press("down up right");
        assert!(stage.screen().contains("chef, panda"), "{}", stage.screen());
    }
    let mut stage = form("hi");
    stage.press("backspace").type_text("9");
    assert!(
        stage.screen().contains("1.6 1.9") && reversed(&stage, "columns").is_empty(),
        "{}",
        stage.screen()
    );
}

#[test]
fn what_is_not_yet_valid_is_told_while_it_is_typed() {
    let mut stage = form("hi");
    stage.type_text("0.3, 3");
    assert!(
        error(&stage).is_empty() && stage.screen().contains("a number from 0 to 2"),
        "{}",
        stage.screen()
    );
    stage.press("backspace");
    assert!(stage.screen().contains("1 cell · 1 request"), "{}", stage.screen());
}

#[test]
fn plan_and_progress_come_before_the_legend_and_repeats_stay_whole() {
    for (width, height) in SIZES {
        let mut stage = Stage::new(width, height);
        stage.press("alt-2").type_text("hi").press("alt-t down down 5 enter");
        let line = |stage: &Stage| stage.screen().lines().nth(1).unwrap().to_owned();
        assert!(line(&stage).contains("× 5 "), "{}", line(&stage));
        let plain = line(&stage);
        stage.press("enter v");
        assert!(line(&stage).contains("× 5 ") && line(&stage).contains("0 / 35"), "{}", line(&stage));
        let (_, steps) = stage.app.heat.legend().unwrap();
        let legend =
            stage.screen().lines().filter(|line| steps.iter().all(|step| line.contains(step))).count();
        assert_eq!(legend, 1, "{plain}: {}", stage.screen());
    }
}

#[test]
fn one_column_is_told_as_one() {
    let mut stage = grid(80, 24);
    stage.press("l z");
    let screen = stage.screen();
    assert!(screen.contains("column 2 of 7") && screen.contains("row 1 of 3"), "{screen}");
}

#[test]
fn what_is_wrong_is_said_in_its_row_and_the_form_stays() {
    let mut stage = form("hi");
    stage.type_text("0.3, 3").press("enter");
    assert!(error(&stage).contains("a number from 0 to 2"), "{}", error(&stage));
    assert_eq!((selected(&stage), stage.started.len()), (0, 0));
    // Typing goes on where the mistake is.
    stage.press("backspace").type_text("1").press("down down").type_text("0").press("up up down down enter");
    assert!(error(&stage).contains("from 1 to 100") && selected(&stage) == 2, "{}", error(&stage));
    stage
        .type_text("2")
        .press("backspace backspace")
        .type_text("2")
        .press("down")
        .type_text("euros=1")
        .press("up enter");
    assert!(error(&stage).contains("write requests=N") && selected(&stage) == 3, "{}", error(&stage));
    stage.press("delete up up up right").type_text("셰프").press("enter");
    assert!(error(&stage).contains("셰프") && selected(&stage) == 0, "{}", error(&stage));
    for (width, height) in SIZES {
        stage.resize(width, height);
        assert!(stage.screen().contains("셰프") && stage.screen().contains("persona"), "{}", stage.screen());
    }
    stage.press("esc enter");
    assert_eq!(stage.started.len(), 7, "what was not taken changes nothing");
}

#[test]
fn too_many_requests_are_not_taken() {
    let mut stage = form("hi");
    stage.type_text("0..2 step 0.001").press("down down").type_text("99").press("enter");
    assert!(error(&stage).contains("198099 requests, at most 10000"), "{}", error(&stage));
}

#[test]
fn the_lines_of_the_draft_are_prompts() {
    let mut stage = form("What is early?\n일찍, 왜?\n\nSay \"hi\"");
    stage.press("right right");
    assert!(stage.screen().contains("3 cells"), "{}", stage.screen());
    stage.press("enter enter");
    assert_eq!(questions(&stage), ["What is early?", "일찍, 왜?", "Say \"hi\""]);
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.answer(runs[1], "새벽이라서.").press("right c");
    assert_eq!(stage.said(), ["user: 일찍, 왜?", "assistant: 새벽이라서."]);
}

#[test]
fn a_variable_of_the_draft_is_an_axis() {
    let mut stage = form("Two lines about {{city}} in {{season}}.");
    // Before the first parameter stand the variables, which are the last.
    stage.press("left");
    assert!(stage.screen().contains("{{season}}"), "{}", stage.screen());
    stage.type_text("봄, autumn").press("enter enter");
    assert!(stage.notice().contains("{{city}} has no values"), "{}", stage.notice());
    assert_eq!((stage.started.len(), stage.app.composer.is_empty()), (0, false));
    stage.press("alt-t down right left");
    assert!(stage.screen().contains("{{city}}"), "{}", stage.screen());
    stage.type_text("서울, \"Rome, Italy\"").press("enter enter");
    assert_eq!(
        questions(&stage),
        [
            "Two lines about 서울 in 봄.",
            "Two lines about Rome, Italy in 봄.",
            "Two lines about 서울 in autumn.",
            "Two lines about Rome, Italy in autumn."
        ]
    );
}

/// A grid of seven temperatures and as many efforts as are named, under way.
fn grid(width: u16, height: u16) -> Stage {
    let mut stage = Stage::with(width, height, |start| start.concurrency = 100);
    stage.press("alt-2").type_text("hi").press("alt-t down right");
    // From the persona, the second parameter, to the effort.
    stage.press("right right right right").type_text("low, mid, high").press("enter enter");
    stage
}

#[test]
fn cells_of_a_grid_are_reached_by_column_and_row() {
    let mut stage = grid(120, 40);
    let label = |stage: &Stage| {
        let compare = &stage.app.compare;
        compare.bench.as_ref().unwrap().sweep().labels(compare.cursor).join(" ")
    };
    assert_eq!(stage.started.len(), 21);
    assert_eq!(label(&stage), "0.3 low");
    stage.press("right } J {");
    assert_eq!((label(&stage), stage.app.compare.cursor), ("0.8 mid".to_owned(), 4));
    stage.press("K K left left");
    assert_eq!(label(&stage), "0.3 low");
    let request = &stage.started[4].1;
    assert_eq!(request.sampling.temperature, Some(0.8));
    assert_eq!(request.sampling.extra["reasoning_effort"], "mid");
}

#[test]
fn what_is_beside_the_screen_is_told() {
    for ((width, height), expected) in
        SIZES.into_iter().zip([["columns 1-3 of 7", "rows 1-2 of 3"], ["columns 1-4 of 7", ""], ["", ""]])
    {
        let mut stage = grid(width, height);
        let screen = stage.screen();
        assert!(expected.iter().all(|part| screen.contains(part)), "{width}x{height}: {screen}");
        assert_eq!(screen.contains("rows"), !expected[1].is_empty(), "{screen}");
        for _ in 0..7 {
            stage.press("right J");
        }
        assert!(stage.screen().contains("▸ T 1.8 · effort h"), "{}", stage.screen());
        let screen = stage.screen();
        assert_eq!(screen.contains("of 7"), !expected[0].is_empty(), "{screen}");
    }
}

/// Knows a model that takes no temperature but its own.
#[derive(Debug)]
struct Stubborn;

impl Knowledge for Stubborn {
    fn card(&self, model: &str) -> ModelCard {
        ModelCard {
            refuses: vec!["temperature: takes only the default".to_owned()],
            price: Some(Price { input: 1.0, cached_input: None, output: 2.0, as_of: String::new() }),
            ..Fixed::default().card(model)
        }
    }

    fn encoding(&self, _: &str) -> (Encoding, bool) {
        (Encoding::O200kBase, true)
    }

    fn logprobs_before_temperature(&self, _: &str) -> Option<bool> {
        None
    }
}

#[test]
fn what_is_known_to_be_refused_is_hatched_and_never_sent() {
    let mut stage = Stage::with(120, 40, |start| start.knowledge = Box::new(Stubborn));
    stage.press("alt-2").type_text("hi").press("alt-t").type_text("omit, 0.3, 1");
    let screen = stage.screen();
    assert!(screen.contains("2 cells not sent: temperature, takes only the default"), "{screen}");
    assert!(screen.contains("3 cells · 1 request ·") && screen.contains("omit sends none"), "{screen}");
    stage.press("enter enter");
    assert_eq!(stage.started.len(), 1);
    assert_eq!(stage.started[0].1.sampling.temperature, None);
    assert_eq!(states(&stage), [State::Running, State::Refused, State::Refused]);
    let screen = stage.screen();
    assert!(screen.contains("temperature: takes only") && screen.contains("╱╱╱╱"), "{screen}");
    stage.press("right r R");
    assert_eq!(stage.started.len(), 1);
    let run = stage.started[0].0;
    stage.answer(run, "ok").press("p");
    assert!(stage.app.compare.bench.as_ref().unwrap().is_over());
}

#[test]
fn lanes_are_kept_to_and_the_rest_follows_as_others_end() {
    let mut stage = asked(&[0.3, 0.8, 1.0, 1.3, 1.5], 2);
    assert_eq!(temperatures(&stage), [0.3, 0.8]);
    assert!(stage.screen().contains("waiting"), "{}", stage.screen());
    let first = stage.started[0].0;
    stage.answer(first, "하나");
    assert_eq!(temperatures(&stage), [0.3, 0.8, 1.0]);
    let second = stage.started[1].0;
    fail(&mut stage, second);
    assert_eq!(temperatures(&stage), [0.3, 0.8, 1.0, 1.3]);
    assert!(stage.screen().contains("2 / 5 · 1 failed"), "{}", stage.screen());
    assert_eq!(stage.app.running(), 2);
}

#[test]
fn a_pause_sends_nothing_more_and_what_failed_is_asked_again() {
    let mut stage = asked(&[0.3, 0.8, 1.0], 1);
    stage.press("p");
    assert!(stage.notice().starts_with("paused") && stage.screen().contains("paused"), "{}", stage.screen());
    let run = stage.last_run();
    fail(&mut stage, run);
    assert_eq!(stage.started.len(), 1);
    stage.press("p");
    assert_eq!(stage.started.len(), 2);
    let run = stage.last_run();
    stage.answer(run, "둘");
    let run = stage.last_run();
    stage.answer(run, "셋").press("p");
    assert_eq!(stage.notice(), "nothing waits any more");
    stage.press("R");
    assert_eq!(
        (stage.notice(), temperatures(&stage)),
        ("1 answer is asked for again", vec![0.3, 0.8, 1.0, 0.3])
    );
    let run = stage.last_run();
    stage.answer(run, "하나").press("R");
    assert_eq!((stage.notice(), states(&stage)), ("nothing failed", vec![State::Done; 3]));
}

#[test]
fn all_is_stopped_those_that_wait_as_well() {
    let mut stage = asked(&[0.3, 0.8, 1.0], 2);
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    stage.stream(runs[0], ["반"]);
    stage.effects();
    stage.press("X");
    assert_eq!(stage.effects(), [Effect::Cancel(runs[0]), Effect::Cancel(runs[1])]);
    assert_eq!((states(&stage), stage.app.running()), (vec![State::Stopped; 3], 0));
    // One that never began is asked when it is wanted.
    stage.press("right right r");
    assert_eq!(temperatures(&stage), [0.3, 0.8, 1.0]);
}

#[test]
fn one_that_waits_is_stopped_before_its_turn() {
    let mut stage = asked(&[0.3, 0.8, 1.0], 1);
    stage.effects();
    stage.press("right x");
    assert_eq!((stage.effects(), states(&stage)[1]), (Vec::new(), State::Stopped));
    assert!(stage.screen().contains("stopped"), "{}", stage.screen());
    let run = stage.last_run();
    stage.answer(run, "하나");
    assert_eq!(temperatures(&stage), [0.3, 1.0]);
}

#[test]
fn a_budget_stops_with_a_word_and_a_larger_one_goes_on() {
    let mut stage = Stage::with(120, 40, |start| start.concurrency = 1);
    stage.press("alt-2").type_text("hi").press("alt-t").type_text("0.3 0.8 1").press("down down down");
    stage.type_text("requests=2").press("enter enter");
    for text in ["one", "two"] {
        let run = stage.last_run();
        stage.answer(run, text);
    }
    assert_eq!(stage.started.len(), 2);
    assert!(stage.notice().contains("the budget of 2 requests is used up; Alt-t"), "{}", stage.notice());
    assert!(
        stage.screen().contains("2 / 3") && stage.screen().contains("budget used up"),
        "{}",
        stage.screen()
    );
    stage.press("alt-t down down down").type_text("requests=3").press("enter");
    assert_eq!(temperatures(&stage), [0.3, 0.8, 1.0]);
    let run = stage.last_run();
    stage.answer(run, "three");
    assert_eq!(states(&stage), [State::Done; 3]);
}

#[test]
fn what_failed_is_not_asked_again_past_the_budget() {
    let mut stage = Stage::with(120, 40, |start| start.concurrency = 1);
    stage.press("alt-2").type_text("hi").press("alt-t").type_text("0.3 0.8").press("down down down");
    stage.type_text("requests=1").press("enter enter");
    let run = stage.last_run();
    fail(&mut stage, run);
    stage.press("R");
    assert_eq!(stage.started.len(), 1);
    assert!(stage.notice().starts_with("not sent: the budget of 1 request is used up"), "{}", stage.notice());
}

#[test]
fn one_asked_again_stands_beside_the_samples() {
    let mut stage = Stage::with(120, 40, |start| {
        start.temperatures = vec![0.3, 1.0];
        start.repeats = 2;
    });
    stage.press("alt-2").type_text("hi").press("enter");
    let runs: Vec<RunId> = stage.started.iter().map(|(run, _)| *run).collect();
    for (run, text) in runs.iter().zip(["아침", "b", "새벽", "d"]) {
        stage.answer(*run, text);
    }
    assert!(
        stage.screen().contains("T 0.3 · 1/2") && stage.screen().contains("2/2 distinct"),
        "{}",
        stage.screen()
    );
    stage.press("r");
    let run = stage.last_run();
    stage.answer(run, "다시");
    let screen = stage.screen();
    assert!(screen.contains("T 0.3 · again 3/3") && screen.contains("다시"), "{screen}");
    assert!(screen.contains("2/2 distinct"), "an aside is in no figure: {screen}");
    stage.press("[ [");
    assert!(stage.screen().contains("T 0.3 · 1/3") && stage.screen().contains("아침"), "{}", stage.screen());
    stage.press("] ]").press("x");
    assert_eq!(states(&stage), [State::Done; 4]);
}

#[test]
fn the_best_is_marked_and_the_mark_taken_away() {
    let mut stage = asked(&[0.3, 1.0], 8);
    stage.press("right *");
    assert!(stage.screen().contains("T 1.0 ★"), "{}", stage.screen());
    stage.use_ascii();
    assert!(stage.screen().contains("T 1.0 *"), "{}", stage.screen());
    stage.press("*");
    assert!(!stage.screen().contains("T 1.0 *"), "{}", stage.screen());
}

#[test]
fn a_note_stays_with_its_cell() {
    let mut stage = asked(&[0.3, 1.0], 8);
    let run = stage.started[1].0;
    stage.answer(run, "새벽의 \u{1b}[31m대답").press("right #");
    assert!(stage.screen().contains("a note on this cell"), "{}", stage.screen());
    stage.type_text("셋째 문장이 좋다x").press("backspace enter left");
    for (width, height) in SIZES {
        stage.resize(width, height);
        assert!(stage.screen().contains("# 셋째 문장이 좋다"), "{}", stage.screen());
        assert!(stage.screen().contains("새벽의"), "{}", stage.screen());
    }
    stage.press("right #").type_text("!").press("esc");
    assert_eq!(stage.app.compare.note(1), "셋째 문장이 좋다");
    stage.press("#").type_text(&"한".repeat(400)).press("enter");
    assert!(stage.app.compare.note(1).len() <= 603);
    assert!(stage.screen().contains('…'), "{}", stage.screen());
    stage.press("#");
    for _ in 0..400 {
        stage.press("backspace");
    }
    stage.press("enter");
    assert_eq!(stage.app.compare.note(1), "");
    let mut empty = Stage::new(80, 24);
    empty.press("alt-2 tab #");
    assert!(empty.app.overlay.is_none() && empty.notice().contains("nothing compared"), "{}", empty.notice());
}

#[test]
fn a_cell_goes_on_as_whom_and_how_it_was_asked() {
    let mut stage = Stage::talking(120, 40, &[(Role::System, "Be brief."), (Role::User, "하나")]);
    stage.press("alt-2 alt-t right down right").type_text("0.3 1.8").press("enter enter");
    assert_eq!(stage.started.len(), 4);
    let run = stage.started[3].0;
    stage.answer(run, "대나무.").press("right J c");
    assert_eq!(stage.said(), ["system: You are a panda.", "user: 하나", "assistant: 대나무."]);
    assert_eq!((stage.app.screen, stage.app.focus), (Screen::Chat, Place::Composer));
    stage.type_text("더").press("enter");
    assert_eq!(stage.sent()[0], "system: You are a panda.");
    assert_eq!(stage.started.last().unwrap().1.sampling.temperature, Some(1.8));
    // What the conversation said before is not lost.
    stage.press("X esc tab u");
    assert!(stage.app.conversation.messages.iter().any(|message: &Message| message.text() == "Be brief."));
}

#[test]
fn a_cell_of_another_model_goes_on_with_it() {
    let mut stage = Stage::new(120, 40);
    stage
        .press("alt-2")
        .type_text("hi")
        .press("alt-t right right right")
        .type_text("m-1, m-2")
        .press("enter enter");
    let run = stage.last_run();
    stage.answer(run, "from the second").press("right c");
    assert_eq!(&*stage.app.settings.model, "m-2");
    stage.type_text("more").press("enter");
    assert_eq!(&*stage.started.last().unwrap().1.model, "m-2");
}

#[test]
fn what_it_takes_is_said_before_it_is_run() {
    let mut stage = Stage::new(200, 60);
    stage.press("alt-2").type_text("hi");
    let counted = |stage: &mut Stage| {
        for effect in stage.all_effects() {
            if let Effect::CountDraft { revision, text, .. } = effect {
                let tokens = text.len() as u64;
                stage.tell(Msg::DraftCounted { revision, tokens });
            }
        }
    };
    counted(&mut stage);
    counted(&mut stage);
    let line = |stage: &Stage| stage.screen().lines().nth(1).unwrap().to_owned();
    // Two tokens and the framing of one message, 512 tokens of an answer, at $0.15 and $0.60 a million.
    let expected = "= 7 requests · 63 in · ≤ 3,584 out · ≤ $0.0022";
    assert!(line(&stage).contains(expected), "{}", line(&stage));
    stage.press("alt-t");
    assert!(
        stage.screen().contains("7 cells · 7 requests · 63 in · ≤ 3,584 out · ≤ $0.0022"),
        "{}",
        stage.screen()
    );
    stage.press("down down right right enter");
    assert!(line(&stage).contains("= 21 requests · 189 in"), "{}", line(&stage));
    // A persona's text is bounded by its bytes.
    stage.press("alt-t right");
    assert!(stage.screen().contains("2 cells · 6 requests · ≤ "), "{}", stage.screen());
}
