//! Arguments, help and completions.

use super::Home;

#[test]
fn help_is_data_and_shows_an_example() {
    let home = Home::new();
    for arguments in [
        &["--help"][..],
        &["ask", "--help"],
        &["compare", "--help"],
        &["inspect", "--help"],
        &["count", "--help"],
        &["serve", "--help"],
        &["keys", "--help"],
        &["config", "--help"],
        &["config", "check", "--help"],
        &["completions", "--help"],
    ] {
        let done = home.run(arguments);
        assert_eq!(done.err, "", "{arguments:?}");
        assert!(done.fine().contains("Example: "), "{arguments:?}");
    }
    assert_eq!(home.run(&["--version"]).fine(), format!("tokenscope {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_use_says_what_to_do() {
    let home = Home::new();
    let latin = home.write("broken.toml", "theme = 5\n");
    for (arguments, said) in [
        (&["frobnicate"][..], &["frobnicate"][..]),
        (&["ask", "--modle", "m", "hi"], &["--modle", "--model"]),
        (&["ask", "--temperature", "warm", "hi"], &["--temperature"]),
        (&["ask", "--temperature", "3", "hi"], &["--temperature", "0 to 2"]),
        (&["ask", "--timeout", "-1", "hi"], &["--timeout", "seconds above 0"]),
        (&["ask", "--json", "--jsonl", "hi"], &["--json", "--jsonl"]),
        (&["ask", "--endpoint", "opnai", "hi"], &["opnai", "Did you mean 'openai'"]),
        (&["ask", "--base-url", "ftp://h/v1", "hi"], &["--base-url", "http://"]),
        (&["ask", "--file", "no-such-file"], &["no-such-file", "cannot be read"]),
        (&["ask", "--config", "no-such-file", "hi"], &["no-such-file"]),
        (&["ask", "--config", &latin, "hi"], &["broken.toml:1:9", "theme"]),
        (&["ask", ""], &["prompt is empty"]),
        (&["ask"], &["prompt is empty"]),
        (&["compare", "-t", "0.3,hot", "hi"], &["'hot'", "0 to 2"]),
        (&["compare", "--repeat", "0", "hi"], &["--repeat"]),
        (&["--seed", "1", "count"], &["--seed", "does not go with `count`"]),
        (&["count", "--encoding", "p50k_base"], &["p50k_base", "o200k_base"]),
        (&["count", "--model", "gpt-4o", "no-such-file"], &["no-such-file", "cannot be read"]),
        (&["completions", "tcsh"], &["tcsh", "bash"]),
        (&["config"], &["path", "show", "check"]),
    ] {
        let done = home.run(arguments);
        done.fails(2, said);
        assert_eq!(done.out, "", "{arguments:?}");
    }
}

#[test]
fn on_a_terminal_a_missing_prompt_is_told() {
    let (code, screen) = Home::new().on_terminal(&["ask"]);
    assert_eq!(code, 2);
    assert!(screen.contains("There is no prompt") && screen.contains("--file"), "{screen}");
}

#[test]
fn completions_name_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.run(&["completions", shell]).fine();
        assert!(script.contains("inspect") && script.contains("max-tokens"), "{shell}");
    }
}
