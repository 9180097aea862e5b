//! `probe`: the costs, the yes, the table and the file.

use super::{Home, json_of};

#[test]
fn nothing_is_sent_without_a_yes() {
    let home = Home::new();
    let done = home.run(&["probe", "--endpoint", "sandbox"]);
    done.fails(2, &["up to 22 requests", "--yes"]);
    assert!(done.out.is_empty());
    assert!(!home.path().join("data/probes.json").exists());
}

#[test]
fn on_a_terminal_it_asks_and_takes_only_a_yes() {
    for (typed, begins) in [("\n", false), ("no\n", false), ("y\n", true), ("YES\n", true)] {
        let home = Home::new();
        let (code, screen) =
            home.on_terminal_with(&["probe", "--endpoint", "sandbox", "--data-dir", "data"], typed);
        assert_eq!(code, 0, "{screen}");
        let (offer, rest) = screen.split_once("Begin? [y/N] ").unwrap_or_else(|| panic!("{screen}"));
        assert!(offer.contains("up to 22 requests") && offer.contains("at most $0"), "{offer}");
        assert_eq!(rest.contains("nothing was sent"), !begins, "{typed:?}: {rest}");
        assert_eq!(rest.contains("before temperature: the same at"), begins, "{typed:?}: {rest}");
        assert_eq!(home.path().join("data/probes.json").exists(), begins);
    }
}

#[test]
fn what_is_found_out_is_printed_kept_and_used() {
    let home = Home::new();
    let model = ["--endpoint", "sandbox", "--model", "sandbox-after-temperature", "--data-dir", "data"];
    let with = |first: &[&'static str]| first.iter().copied().chain(model).collect::<Vec<_>>();
    let table = home.run(&with(&["probe", "--yes"]));
    assert!(table.err.contains("sandbox-after-temperature at sandbox: up to 22 requests"), "{}", table.err);
    let out = table.fine();
    assert!(out.contains("after temperature: scaled by 1/T"), "{out}");
    let json = json_of(&home.run(&with(&["probe", "--yes", "--json"])).fine());
    assert_eq!(
        (&json["logprobs"], &json["placing"]["stage"]),
        (&"given".into(), &"after_temperature".into())
    );
    let kept = json_of(&std::fs::read_to_string(home.path().join("data/probes.json")).unwrap());
    assert_eq!(kept["probes"].as_array().unwrap().len(), 1);
    assert_eq!(kept["probes"][0], json);
    let inspected = home.run(&with(&["inspect", "--max-tokens", "3", "hi"])).fine();
    assert!(inspected.contains("after temperature, probed"), "{inspected}");
    // What is kept is exported without asking again.
    let kept = home.run(&with(&["probe", "--kept", "--json"]));
    assert_eq!((kept.err.as_str(), json_of(&kept.out)), ("", json));
    let kept = home.run(&with(&["probe", "--kept"]));
    assert_eq!((kept.err.as_str(), kept.out.as_str()), ("", out.as_str()));
}

#[test]
fn nothing_is_printed_of_what_was_never_probed() {
    let home = Home::new();
    let done = home.run(&["probe", "--endpoint", "sandbox", "--kept"]);
    done.fails(1, &["never probed", "Leave --kept out"]);
    home.run(&["probe", "--endpoint", "sandbox", "--kept", "--yes"]).fails(2, &["--yes"]);
}

/// What the values stand for is said alike in every form, for new answers and for saved ones.
#[test]
fn the_best_source_is_believed_in_every_form() {
    let home = Home::new();
    home.write("config.toml", "");
    let files = ["--data-dir", "data", "--config", "config.toml"];
    let model = ["--endpoint", "sandbox", "--model", "sandbox-after-temperature"];
    let with = |first: &[&'static str]| [first, &model, &files].concat();
    let says = |provenance: &str| {
        let ask = ["inspect", "--seed", "7", "--max-tokens", "3", "--temperature", "0.5"];
        for form in [&["hi"][..], &["--what-if", "T=1.0", "hi"], &["--html", "hi"], &["--close-calls", "hi"]]
        {
            let out = home.run(&with(&[&ask[..], form].concat())).fine();
            assert!(out.contains(provenance), "{form:?}: {provenance}: {out}");
        }
        let record = home.run(&with(&[&ask[..], &["--what-if", "T=1.0", "--json", "hi"]].concat())).fine();
        let is_after = provenance.starts_with("after");
        let stage = if is_after { "after_temperature" } else { "before_temperature" };
        let basis = provenance.rsplit(' ').next().unwrap();
        let of = |json: &str| json_of(json)["provenance"].clone();
        let expected = serde_json::json!({"stage": stage, "basis": basis});
        assert_eq!(of(&record), expected);
        home.write("saved.json", &record);
        let saved = home.run(&[&["inspect", "--from", "saved.json", "--json"][..], &files].concat()).fine();
        assert_eq!(of(&saved), expected, "{saved}");
        json_of(&record)["tokens"][0]["what_if"].clone()
    };
    let assumed = says("before temperature, assumed");
    home.run(&with(&["probe", "--yes"])).fine();
    let probed = says("after temperature, probed");
    // Another stage is another answer to the same question.
    assert_ne!(assumed, probed);
    home.write("config.toml", "[endpoints.sandbox]\nlogprobs = \"before\"\n");
    assert_eq!(says("before temperature, configured"), assumed);
}

#[test]
fn what_is_refused_is_left_out_from_then_on() {
    let home = Home::new();
    let model = ["--endpoint", "sandbox", "--model", "sandbox-refuses-temperature", "--data-dir", "data"];
    let with = |first: &[&'static str]| first.iter().copied().chain(model).collect::<Vec<_>>();
    home.run(&with(&["probe", "--yes"])).fine();
    home.run(&with(&["ask", "--max-tokens", "3", "hi"])).fine();
    // What the user asks for is sent all the same.
    let done = home.run(&with(&["ask", "--temperature", "0.5", "hi"]));
    done.fails(1, &["temperature"]);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("data")).unwrap();
    home.write("data/probes.json", "{");
    let done = home.run(&["probe", "--endpoint", "sandbox", "--yes", "--data-dir", "data"]);
    assert!(done.err.contains("probes.json") && done.err.contains("Move the file away"), "{done:?}");
    assert!(done.fine().contains("before temperature"));
    assert_eq!(std::fs::read_to_string(home.path().join("data/probes.json")).unwrap(), "{");
}

#[test]
fn a_model_that_fails_is_a_failed_run() {
    let home = Home::new();
    let done = home.run(&["probe", "--endpoint", "sandbox", "--model", "nobody", "--yes"]);
    done.fails(1, &["nobody"]);
    assert!(done.out.is_empty());
}
