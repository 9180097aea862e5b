//! A sweep from the command line: what is asked, what is kept, what stops it, what comes out.

use super::{Done, Home, answer, asking, body, delta, ended, json_of};
use crate::statistics::assert_reproducible;
use crate::support::gated::{Call, GatedServer};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Child;

/// Answers every request of a command until it has ended; returns the bodies in the order they came.
async fn serving(
    server: &GatedServer,
    child: Child,
    respond: impl AsyncFn(usize, Call),
) -> (Done, Vec<Value>) {
    let mut ended = std::pin::pin!(ended(child));
    let mut bodies = Vec::new();
    loop {
        tokio::select! {
            done = &mut ended => return (done, bodies),
            call = server.accept() => {
                bodies.push(body(&call));
                respond(bodies.len() - 1, call).await;
            }
        }
    }
}

async fn well(mut call: Call) {
    let text = call.body.len().to_string();
    call.open().await;
    call.send(answer("답 ", &text).as_bytes()).await;
    call.finish().await;
}

/// Runs a command against a server that answers everything well.
async fn asked(home: &Home, arguments: &[&str]) -> (Done, Vec<Value>) {
    let server = GatedServer::start().await;
    let child = asking(home, arguments, &server.base_url()).spawn().unwrap();
    serving(&server, child, async |_, call| well(call).await).await
}

fn question(body: &Value) -> &str {
    body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap()
}

fn system(body: &Value) -> Option<&str> {
    let first = &body["messages"][0];
    (first["role"] == "system").then(|| first["content"].as_str().unwrap())
}

fn samples(object: &Value) -> Vec<&Value> {
    object["cells"].as_array().unwrap().iter().flat_map(|cell| cell["samples"].as_array().unwrap()).collect()
}

#[tokio::test]
async fn every_flag_that_names_an_axis_makes_one() {
    let home = Home::new();
    let table = home.write("cities.csv", "city,dish\n서울,국\nParis,pie\n");
    let arguments = [
        "compare",
        "--json",
        "-t",
        "0.5",
        "--persona",
        "chef,none",
        "--axis",
        "top_p=0.5..0.9 step 0.4",
        "--axis",
        "max-tokens=16",
        "--vars",
        &table,
        "--concurrency",
        "1",
        "A {{dish}} in {{city}}?",
    ];
    let (done, bodies) = asked(&home, &arguments).await;
    let object = json_of(&done.fine());
    let axes: Vec<&str> =
        object["axes"].as_array().unwrap().iter().map(|axis| axis["name"].as_str().unwrap()).collect();
    assert_eq!(axes, ["temperature", "persona", "top_p", "max_tokens", "rows"]);
    assert_eq!((bodies.len(), samples(&object).len()), (8, 8));
    assert_eq!((question(&bodies[0]), question(&bodies[1])), ("A 국 in 서울?", "A pie in Paris?"));
    assert!(system(&bodies[0]).unwrap().contains("chef") && system(&bodies[4]).is_none());
    let sampled: Vec<f64> = bodies.iter().map(|body| body["top_p"].as_f64().unwrap()).collect();
    assert_eq!(sampled, [0.5, 0.5, 0.9, 0.9, 0.5, 0.5, 0.9, 0.9]);
    assert!(bodies.iter().all(|body| body["max_completion_tokens"] == 16));
    assert_eq!(samples(&object)[1]["labels"]["rows"], "Paris");
    assert_eq!(object["columns"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn models_efforts_and_questions_are_axes_too() {
    let home = Home::new();
    let server = GatedServer::start().await;
    let mut command = home.command(&["compare", "--model", "a,b", "--effort", "low,omit", "--json"]);
    command.args(["--axis", "prompt=\"one, two\", three", "--base-url", &server.base_url()]);
    command.args(["--concurrency", "1"]).env("OPENAI_API_KEY", "sk-test");
    let (done, bodies) = serving(&server, command.spawn().unwrap(), async |_, call| well(call).await).await;
    assert_eq!(json_of(&done.fine())["samples"], 8);
    let seen: Vec<(&str, Option<&str>, &str)> = bodies
        .iter()
        .map(|body| (body["model"].as_str().unwrap(), body["reasoning_effort"].as_str(), question(body)))
        .collect();
    for expected in [("a", Some("low"), "one, two"), ("b", None, "three"), ("b", Some("low"), "one, two")] {
        assert!(seen.contains(&expected), "{seen:?}");
    }
}

#[tokio::test]
async fn what_was_answered_is_not_asked_again() {
    let (home, server) = (Home::new(), GatedServer::start().await);
    let run = async |more: &[&str]| {
        let arguments = [&["compare", "--jsonl", "-t", "0.1,0.2", "--repeat", "2", "hi"][..], more].concat();
        let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
        serving(&server, child, async |_, call| well(call).await).await
    };
    let kept = |done: &Done| done.out.lines().filter(|line| json_of(line)["kept"] == json!(true)).count();
    let (done, bodies) = run(&[]).await;
    assert_eq!((kept(&done), bodies.len(), done.code), (0, 4, Some(0)));
    let (done, bodies) = run(&[]).await;
    assert_eq!((kept(&done), bodies.len()), (4, 0));
    assert!(done.err.contains("4 of 4 answers were asked for before; --fresh asks again"), "{}", done.err);
    // What a larger sweep has in common with it is there as well.
    let (done, bodies) = run(&["--axis", "temperature=0.2,0.3"]).await;
    assert_eq!((kept(&done), bodies.len(), done.code), (2, 2, Some(0)));
    let (done, bodies) = run(&["--fresh"]).await;
    assert_eq!((kept(&done), bodies.len()), (0, 4));
    let lines: Vec<Value> = done.out.lines().map(json_of).collect();
    assert!(lines.iter().all(|line| line["tokens"][0]["candidates"].as_array().unwrap().len() == 2));
}

#[tokio::test]
async fn a_killed_sweep_loses_no_answer_that_was_told() {
    let (home, server) = (Home::new(), GatedServer::start().await);
    let arguments = ["compare", "--jsonl", "-t", "0.1,0.2,0.3,0.4,0.5", "--concurrency", "1", "hi"];
    let mut child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = Vec::new();
    for _ in 0..2 {
        well(server.accept().await).await;
        let line;
        (line, lines) =
            tokio::task::spawn_blocking(move || (lines.next().unwrap().unwrap(), lines)).await.unwrap();
        told.push(json_of(&line));
    }
    // The third is under way.
    let _under_way = server.accept().await;
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let (done, bodies) = serving(&server, child, async |_, call| well(call).await).await;
    let asked: Vec<f64> = bodies.iter().map(|body| body["temperature"].as_f64().unwrap()).collect();
    assert_eq!(asked, [0.3, 0.4, 0.5]);
    let again: Vec<Value> = done.fine().lines().map(json_of).collect();
    assert_eq!(again.len(), 5);
    for before in &told {
        let after = again.iter().find(|after| after["key"] == before["key"]).unwrap();
        assert_eq!(after["kept"], json!(true));
        for field in ["text", "tokens", "usage", "timing", "attempts", "finish_reason"] {
            assert_eq!(after[field], before[field], "{field}");
        }
    }
}

#[tokio::test]
async fn one_in_ten_failing_loses_nothing() {
    let (home, server) = (Home::new(), GatedServer::start().await);
    let arguments = ["compare", "--json", "-t", "0.1,0.2,0.3,0.4", "--repeat", "15", "--retries", "3", "hi"];
    let faulty = async |number: usize, mut call: Call| match number % 30 {
        3 => call.respond(429, &[("retry-after-ms", "1")], "{}").await,
        13 => call.respond(500, &[("retry-after-ms", "1")], "{}").await,
        23 => {
            call.open().await;
            call.send(delta("half", -0.5, &[]).as_bytes()).await;
            call.cut().await;
        }
        _ => well(call).await,
    };
    let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let (done, bodies) = serving(&server, child, faulty).await;
    let object = json_of(&done.out);
    let cuts = (0..bodies.len()).filter(|number| number % 30 == 23).count();
    let retried = (0..bodies.len()).filter(|number| matches!(number % 30, 3 | 13)).count();
    assert!(cuts > 0 && retried > 2);
    done.fails(1, &[&format!("{cuts} of 60 requests failed")]);
    let all = samples(&object);
    let attempts: u64 = all.iter().map(|sample| sample["attempts"].as_u64().unwrap()).sum();
    assert_eq!((all.len(), attempts, bodies.len()), (60, 60 + retried as u64, 60 + retried));
    assert_eq!(object["spent"]["requests"], json!(bodies.len()));
    for sample in &all {
        let is_cut = sample["state"] == "failed";
        assert_eq!(sample["fault"]["kind"] == "cut", is_cut, "{sample}");
        assert_eq!(sample["text"] == "half", is_cut, "{sample}");
    }
    // The next run asks for the holes only.
    let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let (done, bodies) = serving(&server, child, async |_, call| well(call).await).await;
    assert_eq!(bodies.len(), cuts);
    let object = json_of(&done.fine());
    assert_eq!((&object["done"], &object["kept"]), (&json!(60), &json!(60 - cuts)));
}

#[tokio::test]
async fn a_budget_ends_a_sweep_cleanly() {
    let home = Home::new();
    let arguments = ["compare", "--json", "-t", "0.1,0.2,0.3", "--budget", "requests=2", "hi"];
    let (done, bodies) = asked(&home, &arguments).await;
    assert_eq!(bodies.len(), 2);
    done.fails(1, &["the budget of 2 requests is used up: 1 of 3 requests were not sent"]);
    let object = json_of(&done.out);
    assert_eq!(object["stopped_by"], "the budget of 2 requests is used up");
    assert_eq!((&object["done"], &object["waiting"]), (&json!(2), &json!(1)));
    let arguments = ["compare", "-t", "0.1", "--budget", "dollars=1", "hi"];
    asked(&home, &arguments).await.0.fails(2, &["a budget in dollars cannot be kept", "price"]);
    home.run(&["compare", "--budget", "euros=1", "hi"]).fails(2, &["'euros=1' is no bound"]);
    let arguments = ["compare", "-t", "0.1,0.2", "--budget", "seconds=0", "--fresh", "hi"];
    asked(&home, &arguments).await.0.fails(1, &["2 of 2 requests were not sent"]);
}

#[tokio::test]
async fn limits_of_the_server_are_waited_for() {
    let (home, server) = (Home::new(), GatedServer::start().await);
    let arguments = ["compare", "--json", "-t", "0.1,0.2,0.3", "--concurrency", "1", "hi"];
    let child = asking(&home, &arguments, &server.base_url()).spawn().unwrap();
    let respond = async |_: usize, mut call: Call| {
        let headers = [
            ("content-type", "text/event-stream"),
            ("x-ratelimit-limit-requests", "1"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "20ms"),
        ];
        call.open_as(200, &headers).await;
        call.send(answer("a", "b").as_bytes()).await;
        call.finish().await;
    };
    let (done, bodies) = serving(&server, child, respond).await;
    assert_eq!((json_of(&done.fine())["done"].as_u64(), bodies.len()), (Some(3), 3));
}

#[tokio::test]
async fn checks_decide_how_it_ends() {
    let home = Home::new();
    let base = ["compare", "-t", "0.1", "hi", "--fresh"];
    let with = |more: &[&'static str]| [&base[..], more].concat();
    let (done, _) = asked(&home, &with(&["--check", "contains=답", "--check", "max_tokens=2"])).await;
    assert!(done.fine().contains("check contains '답': 1 of 1 passed, required"));
    let (done, _) = asked(&home, &with(&["--check", "regex=^[a-z]+$"])).await;
    done.fails(1, &["1 of 1 answers fail a required check; the first: matches ^[a-z]+$: nothing matches"]);
    let (done, _) = asked(&home, &with(&["--optional-check", "contains=빵", "--json"])).await;
    let object = json_of(&done.fine());
    let check =
        json!([{"check": "contains '빵'", "required": false, "passed": 0, "failed": 1, "pass_rate": 0.0}]);
    assert_eq!(object["checks"], check);
    assert_eq!(samples(&object)[0]["checks"][0]["reason"], "'빵' is not in it");
    let (done, _) = asked(&home, &with(&["--check", "json_schema={\"type\":\"object\"}"])).await;
    done.fails(1, &["keeps to the schema: it is no JSON"]);
    asked(&home, &with(&["--check", "has=x"])).await.0.fails(2, &["there is no check 'has'"]);
}

#[cfg(unix)]
#[tokio::test]
async fn programs_judge_where_they_are_allowed() {
    let home = Home::new();
    home.write("grep.sh", "grep -q '답' && exit 0 || exit 3\n");
    let base = ["compare", "-t", "0.1,0.2", "hi", "--fresh", "--jsonl"];
    let (done, _) = asked(&home, &[&base[..], &["--check", "command=/bin/sh grep.sh"]].concat()).await;
    let lines: Vec<Value> = done.fine().lines().map(json_of).collect();
    assert!(lines.len() == 2 && lines.iter().all(|line| line["checks"][0]["passed"] == json!(true)));
    let (done, _) = asked(&home, &[&base[..], &["--check", "command=/bin/sh -c false"]].concat()).await;
    done.fails(1, &["2 of 2 answers fail a required check", "/bin/sh ended with 1"]);
    let plan = home.write("sweep.toml", "prompt = \"hi\"\n[[checks]]\ncommand = [\"/bin/true\"]\n");
    home.run(&["compare", "--file", &plan])
        .fails(2, &["runs a program: passes /bin/true", "--allow-commands"]);
    let (done, _) = asked(&home, &["compare", "--file", &plan, "--allow-commands"]).await;
    done.fine();
}

#[tokio::test]
async fn a_sweep_in_a_file_asks_what_it_says_and_flags_say_more() {
    let home = Home::new();
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}}}"#;
    home.write("answer.schema.json", schema);
    let plan = home.write(
        "sweep.toml",
        r#"
system = "Be brief."
prompt = "A dish of {{city}}?"
repeats = 2
concurrency = 1
format = { file = "answer.schema.json" }
[sampling]
temperature = 1.0
[budget]
requests = 99
[[axes]]
name = "{{city}}"
values = ["서울", "Paris"]
[[checks]]
contains = "답"
"#,
    );
    let (done, bodies) = asked(&home, &["compare", "--file", &plan, "--json", "--max-tokens", "9"]).await;
    // The answers are no JSON, which was asked for.
    done.fails(1, &["4 of 4 answers are not as asked"]);
    assert_eq!(bodies.len(), 4);
    assert_eq!((system(&bodies[0]), question(&bodies[0])), (Some("Be brief."), "A dish of 서울?"));
    assert_eq!(bodies[0]["response_format"]["json_schema"]["name"], "answer");
    assert_eq!((&bodies[0]["max_completion_tokens"], &bodies[0]["temperature"]), (&json!(9), &json!(1.0)));
    let out = home.path().join("again.toml");
    let again = ["compare", "--file", &plan, "--repeat", "1", "-t", "0,1", "--out", out.to_str().unwrap()];
    let (done, bodies) = asked(&home, &again).await;
    assert_eq!((done.code, bodies.len()), (Some(1), 4));
    let mut temperatures: Vec<f64> =
        bodies.iter().map(|body| body["temperature"].as_f64().unwrap()).collect();
    temperatures.sort_by(f64::total_cmp);
    assert_eq!(temperatures, [0.0, 0.0, 1.0, 1.0]);
    // What was written asks the very same.
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains("name = \"temperature\"") && written.contains("contains = \"답\""), "{written}");
    let (_, same) = asked(&home, &["compare", "--file", out.to_str().unwrap()]).await;
    let texts = |bodies: &[Value]| {
        let mut texts: Vec<String> = bodies
            .iter()
            .map(|body| {
                let mut body = body.clone();
                body["model"] = json!("");
                body.to_string()
            })
            .collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(&same), texts(&bodies));
    home.run(&["compare", "--file", &home.write("bad.toml", "promt = 1")]).fails(2, &["unknown key 'promt'"]);
}

#[test]
fn statistics_in_the_export_can_be_computed_again() {
    let home = Home::new();
    let run = |more: &[&str]| {
        let base = ["compare", "--json", "-t", "0.2,1.0,1.6", "--seed", "3", "--max-tokens", "24"];
        json_of(&home.run(&[&base[..], more, &["아침에 일찍 일어나면?"]].concat()).fine())
    };
    for (repeat, kept) in [("4", 0), ("6", 12)] {
        let object = run(&["--repeat", repeat]);
        assert_eq!((&object["kept"], &object["columns"]), (&json!(kept), &Value::Null));
        for cell in object["cells"].as_array().unwrap() {
            assert_reproducible(&json!({"answers": told([cell]), "statistics": cell["statistics"]}));
        }
    }
    // A column has the answers of all its cells, few ones or many.
    for (repeat, answers) in [("2", 4), ("3", 6)] {
        let object = run(&["--repeat", repeat, "--persona", "chef,none"]);
        let (cells, columns) = (object["cells"].as_array().unwrap(), object["columns"].as_array().unwrap());
        assert_eq!(columns.len(), 3);
        for (column, cells) in columns.iter().zip(cells.chunks(2)) {
            assert!(cells.iter().all(|cell| cell["labels"]["temperature"] == column["label"]));
            let said = told(cells);
            assert_eq!(said.len(), answers);
            assert_reproducible(&json!({"answers": said, "statistics": column["statistics"]}));
        }
    }
}

/// Returns what an export says of the answers of some cells, as far as statistics are of it.
fn told<'a>(cells: impl IntoIterator<Item = &'a Value>) -> Vec<Value> {
    let samples = cells.into_iter().flat_map(|cell| cell["samples"].as_array().unwrap());
    let answer = |sample: &Value| {
        assert_eq!(sample["usage_source"], "provider");
        let output_tokens = &sample["usage"]["output_tokens"];
        json!({"text": sample["text"], "tokens": sample["tokens"], "output_tokens": output_tokens})
    };
    samples.map(answer).collect()
}

#[test]
fn figures_of_columns_are_the_same_in_every_form() {
    let home = Home::new();
    let written = |name: &str| {
        let path = home.path().join(name);
        let arguments =
            ["compare", "-t", "0.3,1.8", "--persona", "chef,none", "--repeat", "3", "--seed", "7"];
        let more = ["--max-tokens", "12", "--out", path.to_str().unwrap(), "A slogan, please"];
        let out = home.run(&[&arguments[..], &more].concat()).fine();
        (out, std::fs::read_to_string(path).unwrap())
    };
    let (out, object) = written("r.json");
    let object = json_of(&object);
    let statistics = &object["columns"][1]["statistics"];
    let line = out.lines().find(|line| line.starts_with("── temperature 1.8 · all 2 cells")).unwrap();
    assert!(line.contains(&format!("6 of 6 complete · {} distinct", statistics["distinct"])), "{line}");

    let table = written("r.csv").1;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let head = reader.headers().unwrap().clone();
    let last = reader.records().last().unwrap().unwrap();
    let field = |name: &str| &last[head.iter().position(|own| own == name).unwrap()];
    assert_eq!(
        (field("column_answers"), field("cell_answers"), field("cell_characters_mean")),
        ("6", "3", "")
    );
    let mean: f64 = field("column_characters_mean").parse().unwrap();
    assert!((mean - statistics["characters"]["mean"].as_f64().unwrap()).abs() < 1e-9);
    assert!(!head.iter().any(|name| name == "column_votes"));

    let row = format!("| 1.8 | 6 | {} |", statistics["distinct"]);
    let markdown = written("r.md").1;
    assert!(
        markdown.contains("Over all cells of each temperature:") && markdown.contains(&row),
        "{markdown}"
    );
    // Few answers have the same figures in tables as on screen and in data.
    let cell = &object["cells"][0]["statistics"];
    let figure = |name: &str| cell[name].as_f64().unwrap();
    let (common, one) = (figure("most_common"), figure("distinct_1"));
    let similar: Vec<String> = cell["similarity"]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| format!("{:.2}", value.as_f64().unwrap()))
        .collect();
    let row = format!("| {:.1} % | {} | {one:.2} |", common * 100.0, similar.join(", "));
    assert!(markdown.contains(&row), "{row}\n{markdown}");
    let at = cell["divergence"]["at"].as_u64().map_or("all the same".to_owned(), |at| (at + 1).to_string());
    assert!(markdown.contains(&format!(" | {at} | ")), "{at}\n{markdown}");
    let page = written("r.html").1;
    let row = format!("<td class=\"n\">{}</td><td class=\"n\">{one:.2}</td>", similar.join(", "));
    assert!(page.contains(&row), "{row}\n{page}");
    // Many answers have them in a line as well.
    let together = format!("6 of 6 complete · {} distinct · most common ", statistics["distinct"]);
    assert!(line.contains(&together) && line.contains(" · part at token "), "{line}");
    assert!(page.contains("<caption>Over all cells of each column</caption>"), "{page}");
    // One axis has a cell in each column, and nothing to add.
    let out = home.run(&["compare", "-t", "0.3", "--max-tokens", "4", "hi"]).fine();
    assert!(!out.contains("all 1 cells"), "{out}");
}

#[test]
fn answers_in_json_agree_field_by_field() {
    let home = Home::new();
    let schema =
        home.write("n.json", r#"{"type":"object","properties":{"ok":{"type":"boolean"}},"required":["ok"]}"#);
    let arguments =
        ["compare", "--json", "-t", "1.0", "--repeat", "5", "--seed", "1", "--json-schema", &schema, "ok?"];
    let object = json_of(&home.run(&arguments).fine());
    let agreement = &object["cells"][0]["agreement"];
    assert_eq!((&agreement["read"], &agreement["fields"][0]["path"]), (&json!(5), &json!("$.ok")));
    let given: u64 = agreement["fields"][0]["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value["count"].as_u64().unwrap())
        .sum();
    assert_eq!(given, 5);
    assert!(samples(&object).iter().all(|sample| sample["verdict"]["is_valid"] == json!(true)));
}

#[test]
fn results_are_written_in_the_form_the_file_is_named_for() {
    let home = Home::new();
    let written = |name: &str| {
        let path = home.path().join(name);
        let arguments = ["compare", "-t", "0.3,1.8", "--seed", "7", "--repeat", "2", "--max-tokens", "20"];
        let more = ["--out", path.to_str().unwrap(), "--check", "regex=.", "A slogan, please"];
        let out = home.run(&[&arguments[..], &more].concat()).fine();
        assert!(out.starts_with("── temperature 0.3 · 2 of 2 complete"), "{out}");
        std::fs::read_to_string(path).unwrap()
    };
    let object = json_of(&written("r.json"));
    let all: Vec<String> =
        samples(&object).iter().map(|sample| sample["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(all.len(), 4);

    let lines = written("r.jsonl");
    let texts: Vec<String> =
        lines.lines().map(|line| json_of(line)["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(texts, all);

    let table = written("r.csv");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|own| own == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 4);
    for (row, (text, sample)) in rows.iter().zip(all.iter().zip(samples(&object))) {
        assert_eq!(&row[column("text")], text);
        assert_eq!(row[column("temperature")], *sample["labels"]["temperature"].as_str().unwrap());
        assert_eq!(row[column("output_tokens")], sample["usage"]["output_tokens"].to_string());
        let perplexity: f64 = row[column("perplexity")].parse().unwrap();
        assert!((perplexity - sample["perplexity"].as_f64().unwrap()).abs() < 1e-9);
        assert_eq!((&row[column("cell_characters_mean")], &row[column("check matches .")]), ("", "passed"));
    }

    let markdown = written("r.md");
    assert!(
        markdown.contains("| temperature | answers | distinct | most common | similarity |")
            && markdown.contains("## temperature 1.8")
    );
    assert!(all.iter().all(|text| markdown.contains(text.trim_end_matches('\n'))), "{markdown}");

    let page = written("r.html");
    assert!(
        page.contains("<h3>temperature 0.3</h3>") && page.contains("class=\"h5\"") && page.contains("<ins>")
    );
    assert!(!page.contains("<script") && page.contains("default-src &#39;none&#39;"), "{page}");

    home.run(&["compare", "--out", "r.pdf", "hi"]).fails(2, &["does not say what it is to be", ".md, .csv"]);
    home.run(&["compare", "--out", "no/r.md", "hi"]).fails(2, &["cannot be written"]);
}

#[test]
fn what_is_known_to_be_refused_is_not_sent() {
    let home = Home::new();
    home.write(
        "config.toml",
        "[models.\"sandbox-mini\"]\nrefuses = [\"temperature: takes only the default\"]\n",
    );
    let arguments = ["compare", "--config", "config.toml", "--json", "--max-tokens", "5"];
    let done = home.run(&[&arguments[..], &["--axis", "temperature=omit,0.5", "hi"]].concat());
    let object = json_of(&done.out);
    assert_eq!((done.code, &object["refused"], &object["done"]), (Some(0), &json!(1), &json!(1)));
    assert_eq!(samples(&object)[1]["refusal"], "temperature: takes only the default");
    assert!(done.err.contains("note: temperature: takes only the default"), "{}", done.err);
    let done = home.run(&[&arguments[..], &["-t", "0.5", "hi"]].concat());
    done.fails(1, &["nothing was sent, as all of it is known to be refused"]);
}

#[test]
fn what_it_would_take_is_told_without_asking() {
    let home = Home::new();
    let out =
        home.run(&["compare", "--dry-run", "-t", "0,1", "--repeat", "3", "--max-tokens", "10", "hi"]).fine();
    assert!(out.starts_with("temperature × 2, repeat × 3 = 6 requests · "), "{out}");
    assert!(out.contains("≤ 60 tok out"), "{out}");
    assert!(!home.path().join(".local").exists());
}

#[test]
fn how_long_it_takes_is_told_once_the_model_has_answered() {
    let home = Home::new();
    let told = |model: &str| {
        let arguments = ["compare", "--dry-run", "--model", model, "-t", "0,1", "--max-tokens", "10", "hi"];
        home.run(&arguments).fine()
    };
    let has_time = |out: &str| {
        let last = out.trim_end().rsplit(" · ").next().unwrap();
        last.starts_with("≈ ") && (last.ends_with(" s") || last.ends_with(" ms"))
    };
    let before = told("sandbox-mini");
    assert!(!has_time(&before) && before.contains(" tok in repeated (50.0 %)"), "{before}");
    home.run(&["compare", "-t", "0.5", "--max-tokens", "5", "hi"]).fine();
    let after = told("sandbox-mini");
    assert!(has_time(&after) && after.starts_with(before.trim_end()), "{after}");
    // Of another model nothing is known by that.
    assert!(!has_time(&told("sandbox-slow")));
}

#[test]
fn the_example_of_a_sweep_can_be_run() {
    let home = Home::new();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sweep.example.toml");
    let out = home.run(&["compare", "--file", example, "--dry-run"]).fine();
    let axes = "temperature × 3, persona × 3, {{city}} × 2, repeat × 3 = 54 requests";
    assert!(out.starts_with(axes), "{out}");
    let text = std::fs::read_to_string(example).unwrap();
    // What is commented out is right as well, but for the files it names.
    let uncommented: String = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.contains(" = ") || rest.starts_with("[[") => format!("{rest}\n"),
            Some(_) => "\n".to_owned(),
            None => format!("{line}\n"),
        })
        .collect();
    home.write("dish.schema.json", "{\"type\":\"object\"}");
    home.write("cities.csv", "dish\npie\n");
    let plan = home.write("sweep.toml", uncommented);
    let out =
        home.run(&["compare", "--file", &plan, "--dry-run", "--endpoint", "openai", "--budget", "dollars=9"]);
    assert!(out.fine().contains("rows × 1"));
}

#[test]
fn wrong_axes_and_tables_are_refused_in_a_sentence() {
    let home = Home::new();
    let table = home.write("t.csv", "a,b\n1\n");
    for (more, told) in [
        (["--axis", "temprature=1"], "did you mean 'temperature'?"),
        (["--axis", "top_p"], "'top_p' is no axis"),
        (["--persona", "cheff"], "did you mean 'chef'?"),
        (["-t", "0..3 step 1"], "'3.0' is no temperature"),
        (["--axis", "{{city}}=Paris"], "no text has {{city}}"),
        (["--vars", &table], "line 2 has 1 values"),
        (["--vars", "none.csv"], "none.csv cannot be read"),
    ] {
        let arguments = [&["compare"][..], &more, &["hi"]].concat();
        home.run(&arguments).fails(2, &[told]);
    }
}

#[test]
fn progress_is_for_terminals_only() {
    let home = Home::new();
    let arguments = ["compare", "-t", "0.3,1.0", "--max-tokens", "5", "hi"];
    let done = home.run(&arguments);
    assert_eq!((done.code, done.err.as_str()), (Some(0), ""));
    let (code, screen) = home.on_terminal(&[&arguments[..], &["--fresh"]].concat());
    assert_eq!(code, 0);
    assert!(screen.contains("temperature × 2 = 2 requests") && screen.contains("2 of 2 answers"), "{screen}");
    assert!(screen.contains('█'), "{screen}");
}

#[test]
fn an_answer_may_end_for_any_reason() {
    let home = Home::new();
    let done = home.run(&["compare", "--model", "sandbox-cut", "-t", "1", "hi"]);
    done.fails(1, &["1 of 1 requests failed"]);
    assert!(done.out.starts_with("── temperature 1.0 · failed"), "{}", done.out);
}
