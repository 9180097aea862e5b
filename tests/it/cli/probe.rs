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
