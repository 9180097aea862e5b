//! The tree of commands and flags, with its help.
//!
//! Owns the names on the command line. Values are only given their type here; whether they are in
//! bounds is for the configuration to say, which says the same of files and variables.

use crate::core::model::Encoding;
use crate::core::reshaping::Question;
use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgGroup, Command, value_parser};
use clap_complete::Shell;
use std::path::PathBuf;

/// Headings of the groups of flags.
const WHERE: &str = "Where to ask";
const HOW: &str = "How to sample";
const PLACES: &str = "Files";
const WHAT: &str = "What to show";
const VARY: &str = "What varies";
const BOUNDS: &str = "How much to ask";
const CHECKS: &str = "What answers must hold";

/// Returns the whole tree.
pub(super) fn command() -> Command {
    common(Command::new("tokenscope"))
        .version(env!("CARGO_PKG_VERSION"))
        .about("A workbench for chat models: every token, its probability, and the same question at several temperatures")
        .long_about(
            "A workbench for chat models: every token, its probability, and the same question at several \
             temperatures side by side.\n\nWithout a command it opens the workbench. Without a key and a \
             configuration it answers from the sandbox, a small language model inside this program.",
        )
        .after_help(
            "Example: OPENAI_API_KEY=… tokenscope --base-url https://api.openai.com/v1 --model gpt-4o-mini\n\n\
             Exit codes: 0 fine, 1 the run failed, 2 wrong use or configuration, 130 stopped by Ctrl-C",
        )
        .arg(path("open", "FILE").help("Open a conversation, a JSON file of messages, or a sweep, a TOML file"))
        .arg(text("theme", "NAME").help("Use this theme"))
        .subcommand_value_name("COMMAND")
        .subcommand(ask())
        .subcommand(compare())
        .subcommand(inspect())
        .subcommand(probe())
        .subcommand(count())
        .subcommand(serve())
        .subcommand(keys())
        .subcommand(config())
        .subcommand(completions())
}

fn ask() -> Command {
    common(Command::new("ask"))
        .about("Ask once and print the answer as it arrives")
        .after_help("Example: git diff | tokenscope ask 'Write a commit message for this:' -")
        .args(prompt())
        .args([no_stream(), no_logprobs()])
        .args(shape())
        .args(forms(
            "Print one object with the answer, its usage, times and tokens",
            "Print each event of the run as a line of JSON as it happens",
        ))
        .arg(switch("reasoning").help("Print the model's reasoning to standard error"))
}

fn compare() -> Command {
    common(Command::new("compare"))
        .mut_arg("temperature", |arg| {
            arg.short('t')
                .visible_alias("temperatures")
                .value_name("LIST")
                .value_parser(ValueParser::string())
                .help("Temperatures, such as 0.3,1.0,1.8 [default: those of the configuration]")
        })
        .mut_arg("model", |arg| arg.value_name("LIST").help("Model; several make an axis"))
        .about("Ask the same at several temperatures, personas, models or other settings at once")
        .after_help(
            "Example: tokenscope compare -t 0.3,1.0,1.8 --repeat 2 'A slogan for running shoes'\n         \
             tokenscope compare --persona chef,trainer,panda 'Is breakfast important?'\n         \
             tokenscope compare --vars cities.csv --check max_tokens=80 'A dish of {{city}}?'\n         \
             tokenscope compare --file sweep.toml --out results.html\n\n\
             Answers are kept: asking the same again asks only for those that are missing or failed.",
        )
        .args(prompt())
        .mut_arg("file", |arg| {
            arg.help("File with what to ask, after the words if there are some; or a sweep, where its name ends in .toml")
        })
        .args([no_stream(), no_logprobs()])
        .args(shape())
        .args(forms(
            "Print one object with all answers",
            "Print each answer as a line of JSON when it is complete",
        ))
        .args(axes().map(|arg| arg.help_heading(VARY)))
        .args(bounds().map(|arg| arg.help_heading(BOUNDS)))
        .args(checks().map(|arg| arg.help_heading(CHECKS)))
        .arg(path("out", "FILE").help(
            "Write the results to this file too: .md, .csv, .json, .jsonl or .html; .toml for the sweep itself",
        ))
}

/// Returns the flags that say what varies.
fn axes() -> [Arg; 5] {
    [
        text("persona", "LIST").help("Personas of the configuration, such as chef,panda,none"),
        text("effort", "LIST").help("Reasoning efforts, such as low,high"),
        text("axis", "NAME=LIST").action(ArgAction::Append).help(
            "Any axis, such as top_p=0.5..1 step 0.1 or endpoint=openai,ollama:llama3; also max_tokens, seed, \
             format, system, prompt, and {{name}} for a variable of the texts; may be repeated",
        ),
        path("vars", "FILE").help("A table of variables, CSV or JSON Lines; each row is asked"),
        number("repeat", "N", value_parser!(u32).range(1..=1000)).help("Ask each combination N times"),
    ]
}

/// Returns the flags that bound what is asked.
fn bounds() -> [Arg; 4] {
    [
        number("concurrency", "N", value_parser!(u64).range(1..=64))
            .help("Requests under way at once at each endpoint"),
        text("budget", "LIST").help("Stop before more is used, such as requests=100,dollars=0.5,seconds=60"),
        switch("fresh").help("Ask everything again, also what was answered before"),
        switch("dry-run").help("Print what it would take, and ask nothing"),
    ]
}

/// Returns the flags that say what answers must hold.
fn checks() -> [Arg; 3] {
    [
        text("check", "RULE").action(ArgAction::Append).help(
            "Fail where an answer breaks this: contains=TEXT, regex=PATTERN, max_tokens=N, json_schema=SCHEMA \
             or command=PROGRAM; may be repeated",
        ),
        text("optional-check", "RULE").action(ArgAction::Append).help("Only tell where an answer breaks this"),
        switch("allow-commands").help("Run the programs that the checks of a sweep's file name"),
    ]
}

fn inspect() -> Command {
    common(Command::new("inspect"))
        .about("Ask once, or read a saved answer, and print its tokens with their probabilities")
        .after_help(
            "Example: tokenscope inspect --top 3 '판다는 무엇을 먹나요?'\n         \
             tokenscope inspect --what-if T=1.5,top_p=0.9 'A slogan for running shoes'\n         \
             tokenscope inspect --from response.json --html --out answer.html\n\n\
             What-if figures are computed from the candidates the server returned. Where the rest matters \
             they are intervals that hold the truth; --top 20 makes them narrower. That holds if the values are \
             where they are said to stand, before or after temperature; where that is only assumed, the output \
             says so, and probe finds it out.\n\n\
             Tokens are counted from 0 in --json and --csv, and from 1 under # in tables and pages.",
        )
        .args(prompt())
        .arg(no_stream())
        .args(shape())
        .args(inspecting().map(|arg| arg.help_heading(WHAT)))
        .group(ArgGroup::new("form").args(["close-calls", "json", "csv", "html"]))
}

/// Returns the flags that say what of an answer is shown, and where.
fn inspecting() -> [Arg; 8] {
    [
        path("from", "FILE").help(
            "Read a saved answer, - for standard input: the JSON or the events of Chat Completions, \
             Responses or llama.cpp, or what --json prints. --temperature, --top-p, --model and --endpoint \
             then say how it was asked",
        ),
        number("choice", "INDEX", value_parser!(u64))
            .requires("from")
            .help("Which answer of a file with several choices, counted from 0 [default: 0]"),
        text("what-if", "LIST")
            .value_parser(value_parser!(Question))
            .help("What the probabilities would be, with any of T, top_p, min_p, top_k: T=1.5,top_p=0.9"),
        switch("close-calls").help(
            "Print where the answer nearly went elsewhere: tokens that were not the most probable, or less than \
             twice as probable as another; those first whose probability is the nearest to the other's",
        ),
        switch("json").help("Print one object with everything that is known of each token"),
        switch("csv").help("Print a row for each token"),
        switch("html").help("Print one page for a browser: the answer as a heat map, and the table"),
        path("out", "FILE").help("Write to this file [default: standard output]"),
    ]
}

fn probe() -> Command {
    let wanted = ["endpoint", "base-url", "model", "timeout", "retries"];
    Command::new("probe")
        .about("Find out what a model really does: logprobs, temperature, refusals, seeds")
        .after_help("Example: tokenscope probe --model gpt-4o-mini --yes --json > gpt-4o-mini.json")
        .args(asking().into_iter().filter(|arg| wanted.contains(&arg.get_id().as_str())))
        .arg(switch("yes").short('y').help("Begin without asking; what it costs is told all the same"))
        .arg(switch("kept").conflicts_with("yes").help("Print what was found out the last time; ask nothing"))
        .arg(switch("json").help("Print one object, the one that is kept"))
        .args(places())
}

fn count() -> Command {
    let encodings = PossibleValuesParser::new(Encoding::ALL.map(Encoding::name));
    Command::new("count")
        .about("Count the tokens of files or of standard input")
        .after_help("Example: tokenscope count --model gpt-4o README.md")
        .arg(files("FILE").help("Files to count; - or none for standard input"))
        .arg(text("model", "MODEL").short('m').help("Count with this model's vocabulary"))
        .arg(
            text("encoding", "NAME")
                .value_parser(encodings)
                .conflicts_with("model")
                .help("Count with this vocabulary"),
        )
        .arg(switch("lines").help("Read one JSON string a line and print one count a line"))
        .arg(
            switch("pieces")
                .conflicts_with("lines")
                .help("Print every token with its number, and the tokens per grapheme and word"),
        )
        .args(places())
}

fn serve() -> Command {
    Command::new("serve")
        .about("Serve the sandbox's models to any OpenAI client until Ctrl-C")
        .after_help("Example: tokenscope serve --port 8008 --key demo --rate 0")
        .arg(
            number("port", "PORT", value_parser!(u16))
                .default_value("0")
                .hide_default_value(true)
                .help("Port on 127.0.0.1 [default: a free one]"),
        )
        .arg(text("key", "KEY").help("Key that requests must carry [default: none is asked for]"))
        .arg(
            number("rate", "N", ValueParser::new(rate))
                .help("Tokens per second, 0 for as fast as possible [default: 60]"),
        )
        .arg(number("seed", "N", value_parser!(u64)).help("Seed of requests that bring none"))
        .arg(switch("json").help("Print base URL and key as one object"))
}

fn keys() -> Command {
    Command::new("keys")
        .about("Print all keys, with those of your configuration")
        .after_help("Example: tokenscope keys --markdown > KEYS.md")
        .arg(switch("json").help("Print a list of objects"))
        .arg(switch("markdown").conflicts_with("json").help("Print Markdown tables"))
        .args(places())
}

fn config() -> Command {
    Command::new("config")
        .about("Find, show or check the configuration")
        .after_help("Example: $EDITOR \"$(tokenscope config path)\"")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("path")
                .about("Print where the configuration file is, or would be")
                .after_help("Example: tokenscope config path --all")
                .arg(switch("all").help("Print all places: configuration, themes, data, log"))
                .args(places()),
        )
        .subcommand(
            common(Command::new("show"))
                .about("Print the settings in force as TOML, each with where it is from")
                .after_help("Example: tokenscope config show | grep sampling"),
        )
        .subcommand(
            common(Command::new("check"))
                .about("Say what is wrong with the configuration, if anything")
                .after_help("Example: tokenscope config check --config draft.toml"),
        )
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print the completion script of a shell")
        .after_help(
            "Example: tokenscope completions bash > ~/.local/share/bash-completion/completions/tokenscope",
        )
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)))
}

/// Adds the flags of all commands that ask.
fn common(command: Command) -> Command {
    command.args(asking()).args(places())
}

/// Returns the flags that say where to ask and how to sample.
fn asking() -> Vec<Arg> {
    let place = [
        text("endpoint", "NAME").short('e').help("Endpoint of the configuration, such as openai or ollama"),
        text("base-url", "URL").help("Any OpenAI-compatible server, with OPENAI_API_KEY as its key"),
        text("model", "MODEL").short('m').help("Model"),
        text("system", "TEXT").short('s').help("System message"),
        number("timeout", "SECONDS", ValueParser::new(milliseconds))
            .help("Longest time to connect, to the first byte, and of each silence"),
        number("retries", "N", value_parser!(u32)).help("Tries after a failure, before the first token only"),
    ];
    let sampling = [
        number("temperature", "T", value_parser!(f64)).help("Temperature, 0 to 2"),
        number("top-p", "P", value_parser!(f64)).help("Nucleus mass, 0 to 1"),
        number("seed", "N", value_parser!(i64)).help("Seed, for servers that have one"),
        number("max-tokens", "N", value_parser!(u32)).help("Longest answer in tokens"),
        text("stop", "TEXT").action(ArgAction::Append).help("Text that ends the answer; may be repeated"),
        number("top", "N", value_parser!(u8)).help("Candidates per token to ask for, 0 to 20"),
    ];
    let place = place.into_iter().map(|arg| arg.help_heading(WHERE));
    place.chain(sampling.into_iter().map(|arg| arg.help_heading(HOW))).collect()
}

/// Returns the flags that say where files are.
fn places() -> [Arg; 2] {
    [
        path("config", "FILE").help("Configuration file").help_heading(PLACES),
        path("data-dir", "DIR").help("Folder of conversations and drafts").help_heading(PLACES),
    ]
}

fn no_stream() -> Arg {
    switch("no-stream").help("Ask for the whole answer at once").help_heading(WHERE)
}

fn no_logprobs() -> Arg {
    switch("no-logprobs").conflicts_with("top").help("Ask for no token probabilities").help_heading(HOW)
}

fn prompt() -> [Arg; 2] {
    [
        Arg::new("prompt")
            .value_name("PROMPT")
            .num_args(0..)
            .help("What to ask; - for standard input, which is also read when nothing is given"),
        path("file", "FILE").short('f').help("File with what to ask, after the words if there are some"),
    ]
}

fn shape() -> [Arg; 2] {
    [
        switch("json-object").help("Ask for a JSON object, and fail where the answer is none"),
        path("json-schema", "FILE")
            .conflicts_with("json-object")
            .help("Ask for JSON of this schema, and fail where the answer breaks it"),
    ]
    .map(|arg| arg.help_heading(HOW))
}

fn forms(json: &'static str, jsonl: &'static str) -> [Arg; 2] {
    [switch("json").help(json), switch("jsonl").conflicts_with("json").help(jsonl)]
}

fn switch(name: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue)
}

fn text(name: &'static str, value: &'static str) -> Arg {
    // An empty text is a value: it takes the configured system message away.
    Arg::new(name).long(name).value_name(value).value_parser(ValueParser::string())
}

fn number(name: &'static str, value: &'static str, parser: impl Into<ValueParser>) -> Arg {
    Arg::new(name).long(name).value_name(value).allow_negative_numbers(true).value_parser(parser.into())
}

fn path(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(PathBuf))
}

fn files(value: &'static str) -> Arg {
    Arg::new("files").value_name(value).num_args(0..).value_parser(value_parser!(PathBuf))
}

/// Returns seconds, with a fraction or without, as milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be positive; the cast keeps within the type"
)]
fn milliseconds(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds.is_finite() => Ok((seconds * 1000.0).ceil() as u64),
        _ => Err("write seconds above 0, such as 15 or 0.5".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate >= 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("write tokens per second, or 0 for as fast as possible".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn check(command: &Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example: "), "{}", command.get_name());
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn seconds_may_have_a_fraction() {
        assert_eq!(milliseconds("15"), Ok(15_000));
        assert_eq!(milliseconds("0.5"), Ok(500));
        for wrong in ["0", "-1", "NaN", "inf", "soon"] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
    }
}
