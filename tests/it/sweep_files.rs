//! Sweeps' files and tables of variables in the workbench: what opening one fills in, what is asked then, what
//! is written, and where a mistake is told.

use crate::support::DEADLINE;
use crate::support::gated::{Call, GatedServer};
use crate::support::harness::Harness;
use crate::support::pty::{Home, Pty, becomes};
use crate::support::stage::Stage;
use crate::support::wire::answer;
use std::collections::BTreeSet;
use std::path::Path;
use tokenscope::app::Screen;
use tokenscope::app::archive::{ArchiveJob, ArchiveNews};
use tokenscope::app::command::Place;
use tokenscope::app::compare::planned::Planned;
use tokenscope::app::msg::{Effect, Msg};
use tokenscope::app::overlay::Overlay;
use tokenscope::config::Config;
use tokenscope::core::fault::{Fault, FaultKind};
use tokenscope::core::request::Role;
use tokenscope::core::sweep::Sweep;
use tokenscope::core::sweep::preflight::Budget;
use tokenscope::export::sweep::{Document, Report, Shapes};
use tokenscope::plan::{Plan, Ready, axis_of_rows, known};

/// A sweep with everything a file can say.
const WHOLE: &str = r#"
endpoint = "local"
model = "m-2"
system = "Be brief."
prompt = "A dish of {{city}}?\nOne line."
repeats = 2
concurrency = 99
format = "json_object"

[sampling]
temperature = 0.4
max_output_tokens = 200

[budget]
requests = 50

[personas.poet]
system = "You rhyme."

[[messages]]
role = "user"
content = "before"

[[messages]]
role = "assistant"
content = "said"

[[axes]]
name = "persona"
values = ["poet", "none"]

[[axes]]
name = "{{city}}"
values = ["서울", "Paris, France"]

[[checks]]
name = "short"
max_tokens = 150
"#;

/// Returns what the headless command makes of a file.
fn ready(text: &str) -> Ready {
    let config = Config { endpoint: "local".to_owned(), ..Config::default() };
    let plan = Plan::parse(text, Path::new("sweep.toml"), &known(&config)).unwrap();
    let mut base = plan.base(&config);
    if base.model.is_empty() {
        base.model = "m-1".into();
    }
    plan.ready(base, &config, &|name| Err(format!("{name} is not here"))).unwrap()
}

fn planned(text: &str) -> Planned {
    let Ready { sweep, checks, budget, lanes } = ready(text);
    Planned { path: "sweep.toml".to_owned(), sweep, typed: Vec::new(), checks, budget, lanes }
}

/// Returns the workbench as `--open` shows it.
fn opened(width: u16, height: u16, text: &str) -> Stage {
    let planned = planned(text);
    Stage::with(width, height, |start| start.planned = Some(Box::new(planned)))
}

fn keys(sweep: &Sweep) -> BTreeSet<String> {
    sweep.samples().iter().map(|sample| sample.key.to_string()).collect()
}

/// Returns the comparison on screen.
fn asked(stage: &Stage) -> &Sweep {
    stage.app.compare.bench.as_ref().unwrap().sweep()
}

/// Returns what is written of a comparison into a file that ends in `.toml`.
fn written(stage: &Stage) -> String {
    let (bench, checks) = (stage.app.compare.bench.as_ref().unwrap(), &stage.app.compare.checks);
    let progress = bench.progress(stage.app.now);
    let usage = |_: &_| tokenscope::core::stream::Usage::default();
    let all = checks.checks().iter().collect();
    let report = Report {
        bench,
        progress,
        checks: all,
        verdicts: checks.verdicts(),
        usage: &usage,
        whole: &|_| None,
        votes: Vec::new(),
        remarks: Vec::new(),
    };
    Document::Plan.text(&report, &Shapes::of_samples(bench.slots().iter().map(|slot| &slot.sample))).unwrap()
}

#[test]
fn a_file_asks_here_what_it_asks_headless() {
    for text in [
        WHOLE,
        "prompt = \"hi\\n\\n\"",
        "[[axes]]\nname = \"prompt\"\nvalues = [\"하나\", \"two, and three\"]",
        "[[messages]]\nrole = \"user\"\ncontent = \"asks\"\n[[axes]]\nname = \"prompt\"\nvalues = [\"one\"]",
        "prompt = \"hi\"\n[[axes]]\nname = \"format\"\nvalues = ['{\"type\":\"object\"}', \"omit\"]",
    ] {
        let mut stage = opened(120, 40, text);
        assert!(stage.started.is_empty(), "opening asks nothing");
        stage.press("enter");
        let expected = ready(text);
        assert_eq!(keys(asked(&stage)), keys(&expected.sweep), "{text}");
        assert_eq!(asked(&stage).axes(), expected.sweep.axes(), "{text}");
        let bench = stage.app.compare.bench.as_ref().unwrap();
        assert_eq!((bench.terms().lanes, bench.terms().budget), (expected.lanes, expected.budget), "{text}");
        assert_eq!(stage.app.compare.checks.checks(), expected.checks, "{text}");
        // What is written of it and opened again is the same once more.
        let again = written(&stage);
        let mut second = opened(80, 24, &again);
        second.press("enter");
        assert_eq!(keys(asked(&second)), keys(&expected.sweep), "{again}");
        assert_eq!(second.app.compare.checks.checks(), expected.checks, "{again}");
        let own: Vec<_> = stage.started.iter().map(|(_, request)| request).collect();
        assert_eq!(second.started.iter().map(|(_, request)| request).collect::<Vec<_>>(), own);
    }
}

#[test]
fn opening_fills_the_form_the_conversation_and_the_draft() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = opened(width, height, WHOLE);
        assert_eq!((stage.app.screen, stage.app.focus), (Screen::Compare, Place::Composer));
        assert_eq!(stage.app.composer.text(), "A dish of {{city}}?\nOne line.");
        assert_eq!(stage.said(), ["system: Be brief.", "user: before", "assistant: said"]);
        assert_eq!((&*stage.app.settings.model, stage.app.settings.sampling.temperature), ("m-2", Some(0.4)));
        assert!(stage.notice().contains("sweep.toml: Enter makes its 8 requests"), "{}", stage.notice());
        stage.press("alt-t");
        let screen = stage.screen();
        for line in
            ["persona      poet, none", "{{city}}     서울, \"Paris, France\"", "2 times", "requests=50"]
        {
            assert!(screen.contains(line), "{line}: {screen}");
        }
        assert!(screen.contains("max_tokens   150") && screen.contains("4 cells · 8 requests"), "{screen}");
        // Taken as it is, it is still the file's: the name of the check, and a persona only the file knows.
        stage.press("enter enter");
        assert_eq!(keys(asked(&stage)), keys(&ready(WHOLE).sweep));
        assert_eq!(stage.app.compare.checks.checks(), ready(WHOLE).checks);
    }
}

#[test]
fn what_was_there_before_is_not_lost() {
    let mut stage = Stage::talking(120, 40, &[(Role::User, "earlier")]);
    stage.type_text("half a thought").press("alt-l").type_text("sweep.toml").press("enter");
    let jobs: Vec<_> = stage.all_effects();
    assert!(jobs.contains(&Effect::Archive(ArchiveJob::ReadPlan("sweep.toml".to_owned()))));
    let result = Ok(Box::new(planned(WHOLE)));
    stage.tell(Msg::Archive(ArchiveNews::Plan { path: "sweep.toml".to_owned(), result }));
    assert!(stage.app.overlay.is_none());
    assert!(stage.all_effects().contains(&Effect::BeginConversation));
    assert_eq!(stage.said()[0], "system: Be brief.");
    stage.press("ctrl-z");
    assert_eq!(stage.app.composer.text(), "half a thought");
    stage.press("alt-1 tab u");
    assert_eq!(stage.said(), ["system: Be brief.", "user: earlier"]);
}

#[test]
fn a_mistake_is_told_where_the_file_was_named() {
    for (width, height) in [(80, 24), (120, 40)] {
        let mut stage = Stage::new(width, height);
        stage.press("alt-2 alt-l").type_text("bad.toml").press("enter");
        let fault = Fault::new(
            FaultKind::Local,
            "bad.toml:4:8: there is no axis 'temprature', in `name = \"temprature\"`",
        )
        .remedy("Did you mean 'temperature'?");
        let told = |stage: &mut Stage, path: &str, result| {
            stage.tell(Msg::Archive(ArchiveNews::Plan { path: path.to_owned(), result }));
        };
        told(&mut stage, "bad.toml", Err(fault.clone()));
        let screen = stage.screen().replace("│\n│", "");
        assert!(
            screen.contains("bad.toml:4:8: there is no axis") && screen.contains("'temperature'?"),
            "{screen}"
        );
        assert!(screen.contains("open bad.toml"), "{screen}");
        // A file that nobody waits for any more changes nothing.
        stage.press("backspace");
        told(&mut stage, "bad.toml", Ok(Box::new(planned(WHOLE))));
        assert!(matches!(stage.app.overlay, Some(Overlay::OpenFile(_))));
        stage.press("esc");
        told(&mut stage, "bad.tom", Ok(Box::new(planned(WHOLE))));
        assert!(stage.app.composer.is_empty() && stage.said().is_empty());
    }
    for (text, why) in [
        (
            "endpoint = \"faraway\"\nprompt = \"x\"",
            "there is no endpoint 'faraway'. Known are local, sandbox",
        ),
        (
            "[[messages]]\nrole = \"user\"\ncontent = \"q\"\n[[messages]]\nrole = \"assistant\"\ncontent = \"a\"",
            "its messages do not end in a question",
        ),
    ] {
        let stage = opened(120, 40, text);
        assert!(stage.notice().contains(why), "{}", stage.notice());
        assert_eq!((stage.app.screen, stage.said().len()), (Screen::Chat, 0));
    }
}

#[test]
fn a_vote_is_not_ended_by_a_file() {
    let mut stage = opened(120, 40, "prompt = \"hi\"\n[[axes]]\nname = \"seed\"\nvalues = [1, 2]");
    stage.press("enter");
    for run in stage.started.iter().map(|(run, _)| *run).collect::<Vec<_>>() {
        stage.answer(run, "같은 말");
    }
    stage.press("w alt-l");
    assert!(stage.app.overlay.is_none() && stage.notice().contains("votes for A to B"), "{}", stage.notice());
}

#[test]
fn rows_of_a_table_are_cells() {
    let mut stage = Stage::new(80, 24);
    stage.press("alt-2").type_text("{{dish}} of {{city}}").press("alt-t");
    // From the first parameter back over the two variables.
    stage.press("left left left");
    assert!(stage.screen().contains("rows") && stage.screen().contains("CSV or JSONL"), "{}", stage.screen());
    stage.type_text("cities.csv").press("enter");
    let job = Effect::Archive(ArchiveJob::ReadRows("cities.csv".to_owned()));
    assert!(stage.all_effects().contains(&job));
    let told = |stage: &mut Stage, result| {
        stage.tell(Msg::Archive(ArchiveNews::Rows { path: "cities.csv".to_owned(), result }));
    };
    let wrong = "cities.csv: line 3 has 1 values, but there are 2 names in line 1";
    told(&mut stage, Err(Fault::new(FaultKind::Local, wrong)));
    assert!(stage.screen().contains(wrong), "{}", stage.screen());
    stage.press("enter");
    told(&mut stage, Ok(axis_of_rows("city,dish\n서울,국\nParis,pie\n").unwrap()));
    assert!(stage.app.overlay.is_none(), "{}", stage.screen());
    stage.press("enter");
    let questions: Vec<_> = stage
        .started
        .iter()
        .map(|(_, request)| request.messages.last().unwrap().content.to_string())
        .collect();
    assert_eq!(questions, ["국 of 서울", "pie of Paris"]);
    let screen = stage.screen();
    assert!(
        screen.contains("rows 서울 Paris") && screen.contains("▸ 서울 ─") && screen.contains("╭ Paris"),
        "{screen}"
    );
    // The form keeps the table, and asks for another when another is named.
    stage.press("alt-t enter");
    assert!(stage.app.overlay.is_none());
    stage.press("alt-t").type_text("other.jsonl").press("enter");
    assert!(stage.all_effects().contains(&Effect::Archive(ArchiveJob::ReadRows("other.jsonl".to_owned()))));
}

#[test]
fn the_setup_is_written_before_it_is_run() {
    let mut stage = opened(120, 40, WHOLE);
    stage.press("tab e");
    assert!(stage.screen().contains("write to sweep.toml"), "{}", stage.screen());
    stage.press("enter");
    let export = |effect: &Effect| match effect {
        Effect::Archive(ArchiveJob::Export { path, bench, checks, .. }) => {
            Some((path.clone(), bench.clone(), checks.clone()))
        }
        _ => None,
    };
    let (path, bench, checks) = stage.all_effects().iter().find_map(export).unwrap();
    assert_eq!((path.as_str(), keys(bench.sweep())), ("sweep.toml", keys(&ready(WHOLE).sweep)));
    assert_eq!(
        (checks.checks(), bench.terms().budget),
        (&*ready(WHOLE).checks, Budget { requests: Some(50), ..Budget::default() })
    );
    assert!(stage.started.is_empty());
    let mut empty = Stage::new(120, 40);
    empty.press("alt-2 tab e enter");
    assert!(empty.screen().contains("there is no question yet"), "{}", empty.screen());
}

async fn accept(server: &GatedServer) -> Call {
    tokio::time::timeout(DEADLINE, server.accept()).await.expect("a request comes")
}

/// Answers so many requests; returns their questions in order.
async fn serve(server: &GatedServer, count: usize, text: &str) -> BTreeSet<String> {
    let mut questions = BTreeSet::new();
    for _ in 0..count {
        let mut call = accept(server).await;
        let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
        let question = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
        questions.insert(format!("{question} {}", body["temperature"]));
        call.open().await;
        call.send(answer(text).as_bytes()).await;
        call.finish().await;
    }
    questions
}

/// A sweep with a table beside it.
const TABLE: &str = r#"
prompt = "A dish of {{city}}?"

[[axes]]
name = "temperature"
values = [0.5, 1.5]

[[axes]]
name = "rows"
file = "cities.csv"

[[checks]]
contains = "국밥"

[[checks]]
max_tokens = 1
"#;

#[tokio::test]
async fn a_file_is_opened_run_written_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("s.toml"), TABLE).unwrap();
    std::fs::write(at("cities.csv"), "city\n서울\nParis\n").unwrap();
    std::fs::write(at("bad.toml"), "prompt = \"x\"\n[[axes]]\nname = \"temprature\"\n").unwrap();
    let server = GatedServer::start().await;
    let desk = Harness::new(120, 40, &server);
    desk.press("alt-2 alt-l").type_text(&at("bad.toml")).press("enter");
    desk.shows("there is no axis 'temprature'").await.press("esc");
    desk.press("alt-l").type_text(&at("s.toml")).press("enter");
    desk.shows("A dish of {{city}}?").await.shows("= 4 requests").await.press("enter");
    let asked = serve(&server, 4, "서울의 국밥").await;
    let expected =
        ["A dish of Paris? 0.5", "A dish of Paris? 1.5", "A dish of 서울? 0.5", "A dish of 서울? 1.5"];
    assert_eq!(asked, expected.map(str::to_owned).into());
    desk.shows("4/4 pass").await.shows("✓2").await;
    desk.press("e");
    for _ in 0..12 {
        desk.press("backspace");
    }
    desk.type_text(&at("again.toml")).press("enter").shows("written:").await;
    // What came of the checks goes into documents.
    desk.press("e");
    for _ in 0..12 {
        desk.press("backspace");
    }
    desk.type_text(&at("out.json")).press("enter").shows("out.json").await;
    let is_whole = || {
        let text = std::fs::read_to_string(at("out.json")).unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&text).is_ok()
    };
    becomes("the document is written", is_whole);
    let document: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(at("out.json")).unwrap()).unwrap();
    let checks = &document["cells"][0]["samples"][0]["checks"];
    assert_eq!((&checks[0]["passed"], &checks[1]["passed"]), (&true.into(), &true.into()), "{checks}");
    desk.press("ctrl-q");
    desk.ends().await;

    let desk = Harness::new(80, 24, &server);
    desk.press("alt-l").type_text(&at("again.toml")).press("enter");
    desk.shows("A dish of {{city}}?").await.press("enter");
    assert_eq!(serve(&server, 4, "빵").await, asked);
    desk.shows("0/4 pass").await.shows("✗1").await.press("ctrl-q");
    desk.ends().await;
}

#[tokio::test]
async fn the_program_opens_a_sweep_and_keeps_its_checks() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let at = |name: &str| home.data().join(name);
    std::fs::write(at("s.toml"), TABLE).unwrap();
    std::fs::write(at("cities.csv"), "city\n서울\n").unwrap();
    let server = GatedServer::start().await;
    let mut terminal = Pty::open(&home, &server.base_url(), (80, 24), &at("s.toml"));
    terminal.shows("A dish of {{city}}?").shows("= 2 requests").send("\r");
    serve(&server, 2, "국밥").await;
    terminal.shows("2/2 pass").send("\x11");
    assert_eq!(terminal.ends(), 0);

    // An earlier comparison is held to its checks again.
    let mut terminal = Pty::start(&home, &server.base_url(), 120, 40);
    terminal.shows("Write a message").send("\x1bo").shows("2/2 · just now").send("\r");
    terminal.shows("2/2 pass").shows("✓2").send("s").shows("contains '국밥'").shows("100.0 %").send("\x11");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_is_opened_is_told_apart() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    for (name, text, told) in [
        ("a.toml", "prompt = ", "a.toml:1:"),
        ("a.json", "prompt = 1", "a.json cannot be opened: no JSON"),
        ("a.txt", "neither", "or a sweep, whose name ends in .toml"),
        (
            "b.toml",
            "prompt = \"x\"\n[[axes]]\nname = \"rows\"\nfile = \"../x.csv\"",
            "not in the folder of the sweep",
        ),
    ] {
        let path = home.data().join(name);
        std::fs::write(&path, text).unwrap();
        Pty::open(&home, "http://127.0.0.1:9/v1", (250, 24), &path).shows(told);
    }
}

#[test]
fn a_file_without_a_model_takes_the_first_the_endpoint_lists() {
    let mut file = planned("prompt = \"hi\"");
    let base = tokenscope::core::request::Request { model: "".into(), ..file.sweep.base().clone() };
    file.sweep = Sweep::new(base, Vec::new(), 1).unwrap();
    let mut stage = Stage::with(120, 40, |start| start.planned = Some(Box::new(file)));
    assert!(stage.all_effects().contains(&Effect::ListModels("local".into())));
    stage.tell(Msg::Models { endpoint: "local".into(), result: Ok(vec!["m-9".to_owned()]) });
    stage.press("enter");
    assert_eq!(&*stage.started[0].1.model, "m-9");
}

#[tokio::test]
async fn a_table_is_read_beside_the_loop() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("c.jsonl"), folder.path().join("b.csv"));
    std::fs::write(&good, "{\"city\":\"서울\"}\n{\"city\":\"Paris\"}\n").unwrap();
    std::fs::write(&bad, "city,dish\n서울\n").unwrap();
    let server = GatedServer::start().await;
    let desk = Harness::new(80, 24, &server);
    desk.press("alt-2").type_text("A dish of {{city}}?").press("alt-t left left").shows("CSV or JSONL").await;
    desk.type_text(&bad.display().to_string()).press("enter");
    desk.shows("line 2 has 1 values").await;
    for _ in bad.display().to_string().chars() {
        desk.press("backspace");
    }
    desk.type_text(&good.display().to_string()).press("enter").shows("rows 서울 Paris").await.press("enter");
    let expected = ["A dish of Paris? 0.7", "A dish of 서울? 0.7"];
    assert_eq!(serve(&server, 2, "국").await, expected.map(str::to_owned).into());
    desk.press("ctrl-q");
    desk.ends().await;
}
