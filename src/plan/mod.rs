//! Sweeps as files: what `sweep.toml` says, to be shared, kept under version control and run again.
//!
//! Owns the form of that file and of the tables of variables beside it. Pure: files come in and go out
//! as texts. A plan may be somebody else's, so it names endpoints and never where they are, reaches no
//! file outside its own folder, and its commands are only words until the user allows them.
//!
//! Invariant: what is printed reads as the same plan.

mod axis;
mod ready;
mod rows;

pub use axis::{Item, PlanAxis, Values};
pub use ready::{Ready, known};
pub use rows::axis_of_rows;

use crate::check::Check;
use crate::config::{ConfigError, Place};
use crate::core::request::{Prompt, Request, Role, Sampling};
use crate::core::sweep::preflight::Budget;
use crate::core::sweep::{Axis, Known, Parameter, Setting, Sweep};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// Longest plan that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The first lines of a plan that is printed.
const HEADING: &str = "# A sweep: one question at many settings. Run it with `tokenscope compare --file` and this file's name.\n\n";

/// Reads a file that a plan names; where it is, [`path_beside`] says.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A sweep as it is written down. What it leaves open comes from the configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Name of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Name of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The system message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// How often each cell is asked, at least once.
    pub repeats: u32,
    /// Requests under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<usize>,
    /// The form of the answers: `text`, `json_object`, a JSON schema as a text, or the file of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Item>,
    /// How answers are sampled: all of it, nothing is added from the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// What it may use.
    #[serde(skip_serializing_if = "is_unbounded")]
    pub budget: Budget,
    /// Personas by name, over those of the configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub personas: BTreeMap<String, Persona>,
    /// What was said before the question.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Prompt>,
    /// What varies, columns first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub axes: Vec<PlanAxis>,
    /// What the answers must hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

impl Default for Plan {
    /// Returns the plan that leaves everything open and asks once.
    fn default() -> Self {
        Self {
            endpoint: None,
            model: None,
            system: None,
            prompt: None,
            repeats: 1,
            concurrency: None,
            format: None,
            sampling: None,
            budget: Budget::default(),
            personas: BTreeMap::new(),
            messages: Vec::new(),
            axes: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// A voice to answer in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Its system message.
    pub system: String,
}

fn is_unbounded(budget: &Budget) -> bool {
    *budget == Budget::default()
}

/// A plan as it is read, with the places of what is judged afterwards.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    endpoint: Option<String>,
    model: Option<String>,
    system: Option<String>,
    prompt: Option<String>,
    repeats: Option<Spanned<u32>>,
    concurrency: Option<Spanned<usize>>,
    format: Option<Spanned<Item>>,
    sampling: Option<Spanned<Sampling>>,
    #[serde(default)]
    budget: Budget,
    #[serde(default)]
    personas: BTreeMap<String, Persona>,
    #[serde(default)]
    messages: Vec<Prompt>,
    #[serde(default)]
    axes: Vec<axis::Written>,
    #[serde(default)]
    checks: Vec<Check>,
}

impl Plan {
    /// Returns the plan in a file's text. `known` are the names the configuration has; `path` is for
    /// messages.
    ///
    /// # Errors
    /// Says what is wrong, in which line, and what to write.
    pub fn parse(text: &str, path: &Path, known: &Known<'_>) -> Result<Self, ConfigError> {
        let place = || Place::File { path: path.to_owned(), at: None };
        if text.len() > MAX_BYTES {
            let error = ConfigError::at(place(), text, None, "the file is too large for a sweep");
            return Err(error.remedy("Move long tables of variables into a file of rows"));
        }
        let written: Written =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(place(), text, &error))?;
        let wrong = |span: Range<usize>, sentence: String| {
            // What follows the last colon is what to write.
            match sentence.rsplit_once(": ") {
                Some((message, remedy)) => {
                    let error = ConfigError::at(place(), text, Some(span), message);
                    let mut letters = remedy.chars();
                    let first = letters.next().into_iter().flat_map(char::to_uppercase);
                    error.remedy(first.chain(letters).collect::<String>())
                }
                None => ConfigError::at(place(), text, Some(span), &sentence),
            }
        };
        for (number, is_zero) in [
            written.repeats.as_ref().map(|repeats| (repeats.span(), *repeats.get_ref() == 0)),
            written.concurrency.as_ref().map(|lanes| (lanes.span(), *lanes.get_ref() == 0)),
        ]
        .into_iter()
        .flatten()
        {
            if is_zero {
                return Err(wrong(number, "0 does nothing: write 1 or more".to_owned()));
            }
        }
        if let Some(sampling) = &written.sampling {
            check_bounds(sampling.get_ref()).map_err(|sentence| wrong(sampling.span(), sentence))?;
        }
        if let Some(format) = &written.format {
            // A file of a schema is read when the sweep is made.
            let unread = |_: &str| Ok("{}".to_owned());
            format.get_ref().format(known, &unread).map_err(|sentence| wrong(format.span(), sentence))?;
        }
        let personas = written.personas;
        let mut axes = Vec::with_capacity(written.axes.len());
        {
            let known = with_personas(known, &personas);
            for axis in written.axes {
                axes.push(axis.judged(&known).map_err(|(span, sentence)| wrong(span, sentence))?);
            }
        }
        Ok(Self {
            endpoint: written.endpoint,
            model: written.model,
            system: written.system,
            prompt: written.prompt,
            repeats: written.repeats.map_or(1, Spanned::into_inner),
            concurrency: written.concurrency.map(Spanned::into_inner),
            format: written.format.map(Spanned::into_inner),
            sampling: written.sampling.map(Spanned::into_inner),
            budget: written.budget,
            personas,
            messages: written.messages,
            axes,
            checks: written.checks,
        })
    }

    /// Returns the plan of a sweep, complete in itself but for the endpoint.
    #[must_use]
    pub fn of(sweep: &Sweep) -> Self {
        let Request { endpoint, model, messages, sampling, continuation: _, stream: _ } = sweep.base();
        let (mut messages, mut sampling) = (messages.clone(), sampling.clone());
        // A schema has types that TOML has not, so it is written as a text.
        let format = sampling.response_format.take().map(|format| axis::written(&format));
        let last_is_question = messages.last().is_some_and(|message| message.role == Role::User);
        let prompt = if last_is_question { messages.pop() } else { None };
        let first_is_system = messages.first().is_some_and(|message| message.role == Role::System);
        let system = first_is_system.then(|| messages.remove(0));
        let personas = sweep.axes().iter().flat_map(Axis::values).filter_map(|value| match &value.setting {
            Setting::Persona(Some(system)) => {
                Some((value.label.to_string(), Persona { system: system.to_string() }))
            }
            Setting::Persona(None)
            | Setting::Temperature(_)
            | Setting::TopP(_)
            | Setting::MaxTokens(_)
            | Setting::Seed(_)
            | Setting::Effort(_)
            | Setting::Format(_)
            | Setting::System(_)
            | Setting::Model(_)
            | Setting::Endpoint { .. }
            | Setting::Prompt(_)
            | Setting::Variables(_) => None,
        });
        Self {
            endpoint: Some(endpoint.to_string()),
            model: Some(model.to_string()),
            system: system.map(|message| message.content.to_string()),
            prompt: prompt.map(|message| message.content.to_string()),
            repeats: sweep.repeats(),
            concurrency: None,
            format,
            sampling: Some(sampling),
            budget: Budget::default(),
            personas: personas.collect(),
            messages,
            axes: sweep.axes().iter().map(PlanAxis::of).collect(),
            checks: Vec::new(),
        }
    }

    /// Returns the plan as the text of a file.
    ///
    /// # Errors
    /// When a further field of the sampling is `null`, which this form of file cannot say.
    pub fn print(&self) -> Result<String, String> {
        let text = toml::to_string_pretty(self)
            .map_err(|error| format!("the sweep cannot be written as TOML: {error}"))?;
        Ok(format!("{HEADING}{text}"))
    }

    /// Returns the sweep. `base` has what the plan leaves open: endpoint, model, sampling, delivery.
    ///
    /// # Errors
    /// Says in one sentence what keeps it from being asked.
    pub fn sweep(&self, base: Request, known: &Known<'_>, read: ReadFile<'_>) -> Result<Sweep, String> {
        let known = with_personas(known, &self.personas);
        let axes: Vec<Axis> =
            self.axes.iter().map(|axis| axis.axis(&known, read)).collect::<Result<_, _>>()?;
        let mut messages = self.messages.clone();
        if let Some(system) = &self.system {
            messages.insert(0, Prompt::new(Role::System, system.as_str()));
        }
        messages.extend(self.prompt.as_deref().map(|prompt| Prompt::new(Role::User, prompt)));
        let asks = axes.iter().any(|axis| *axis.parameter() == Parameter::Prompt);
        if !asks && messages.iter().all(|message| message.role != Role::User) {
            return Err("the sweep asks nothing: write a prompt, or an axis of prompts".to_owned());
        }
        let shared = |name: &Option<String>, other: Arc<str>| name.as_deref().map_or(other, Arc::from);
        let mut sampling = self.sampling.clone().unwrap_or(base.sampling);
        if let Some(format) = &self.format {
            sampling.response_format = format.format(&known, read)?;
        }
        let request = Request {
            endpoint: shared(&self.endpoint, base.endpoint),
            model: shared(&self.model, base.model),
            messages,
            sampling,
            continuation: None,
            stream: base.stream,
        };
        Sweep::new(request, axes, self.repeats)
    }
}

/// Returns the names with a plan's own personas before them.
fn with_personas<'a>(known: &Known<'a>, own: &'a BTreeMap<String, Persona>) -> Known<'a> {
    let mut personas: Vec<(&str, &str)> =
        own.iter().map(|(name, persona)| (name.as_str(), persona.system.as_str())).collect();
    personas.extend(known.personas.iter().filter(|(name, _)| !own.contains_key(*name)));
    Known { personas, endpoints: known.endpoints.clone() }
}

/// Refuses values of sampling parameters that no server takes.
fn check_bounds(sampling: &Sampling) -> Result<(), String> {
    let outside = |value: Option<f64>, low: f64, high: f64| value.filter(|v| !(low..=high).contains(v));
    if let Some(value) = outside(sampling.temperature, 0.0, 2.0) {
        return Err(format!("temperature {value} is out of bounds: write a number from 0 to 2"));
    }
    if let Some(value) = outside(sampling.top_p, 0.0, 1.0) {
        return Err(format!("top_p {value} is out of bounds: write a number from 0 to 1"));
    }
    if let Some(value) = sampling.top_logprobs.filter(|value| *value > 20) {
        return Err(format!("top_logprobs {value} is out of bounds: write a number from 0 to 20"));
    }
    if sampling.max_output_tokens == Some(0) {
        return Err("max_output_tokens 0 is out of bounds: write 1 or more".to_owned());
    }
    Ok(())
}

/// Returns the path of a file that a plan names, inside the plan's folder.
///
/// # Errors
/// When the name leads out of the folder: a plan is shared, and what its files hold is sent.
pub fn path_beside(plan: &Path, name: &str) -> Result<PathBuf, String> {
    use std::path::Component;
    let is_inside =
        Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !is_inside {
        let shown = crate::core::text::fit(name, 40);
        return Err(format!("'{shown}' is not in the folder of the sweep: move the file there"));
    }
    Ok(plan.parent().unwrap_or(Path::new("")).join(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::fault::Fault;
    use crate::core::request::ResponseFormat;
    use proptest::prelude::*;
    use serde_json::json;

    const WHOLE: &str = r#"
model = "gpt-4o-mini"
system = "Be brief."
prompt = "A dish of {{city}}?"
repeats = 3
concurrency = 4

[sampling]
temperature = 1
max_output_tokens = 200

[budget]
dollars = 0.5

[personas.poet]
system = "You rhyme."

[[axes]]
name = "temperature"
values = "0.2..0.6 step 0.2"

[[axes]]
name = "persona"
values = ["poet", "chef", "none"]

[[axes]]
name = "{{city}}"
values = ["서울", "Paris, France"]

[[checks]]
contains = "bread"

[[checks]]
name = "short"
max_tokens = 150
required = true
"#;

    fn known() -> Known<'static> {
        Known {
            personas: vec![("chef", "You cook."), ("poet", "another")],
            endpoints: vec![("openai", Some("m")), ("local", None)],
        }
    }

    fn parse(text: &str) -> Result<Plan, String> {
        Plan::parse(text, Path::new("sweep.toml"), &known()).map_err(|error| Fault::from(error).to_string())
    }

    fn base() -> Request {
        Request {
            endpoint: "openai".into(),
            model: "base".into(),
            messages: Vec::new(),
            sampling: Sampling { top_logprobs: Some(5), ..Sampling::default() },
            continuation: None,
            stream: true,
        }
    }

    fn sweep(plan: &Plan) -> Result<Sweep, String> {
        let read = |name: &str| match name {
            "cities.csv" => Ok("city,dish\n서울,국\nParis,pie\n".to_owned()),
            other => Err(format!("{other} is not there")),
        };
        plan.sweep(base(), &known(), &read)
    }

    #[test]
    fn a_plan_becomes_a_sweep() {
        let plan = parse(WHOLE).unwrap();
        assert_eq!((plan.repeats, plan.concurrency, plan.budget.dollars), (3, Some(4), Some(0.5)));
        assert_eq!((plan.checks.len(), plan.checks[1].required), (2, true));
        let sweep = sweep(&plan).unwrap();
        assert_eq!(sweep.len(), 3 * 3 * 2 * 3);
        let cell = &sweep.cells()[1];
        let said: Vec<&str> = cell.request.messages.iter().map(|message| &*message.content).collect();
        assert_eq!(said, ["You rhyme.", "A dish of Paris, France?"]);
        assert_eq!((&*cell.request.endpoint, &*cell.request.model), ("openai", "gpt-4o-mini"));
        assert_eq!(cell.request.sampling.temperature, Some(0.2));
        // The section is the whole sampling.
        assert_eq!(cell.request.sampling.top_logprobs, None);
    }

    #[test]
    fn rows_come_from_a_file_or_stand_in_the_plan() {
        let of = |axis: &str| {
            let text =
                format!("prompt = \"{{{{dish}}}} in {{{{city}}}}\"\n[[axes]]\nname = \"rows\"\n{axis}\n");
            let sweep = parse(&text).and_then(|plan| sweep(&plan))?;
            let texts = sweep.cells().into_iter().map(|cell| cell.request.messages[0].content.to_string());
            Ok::<_, String>(texts.collect::<Vec<_>>())
        };
        let expected = ["국 in 서울", "pie in Paris"];
        assert_eq!(of("file = \"cities.csv\"").unwrap(), expected);
        let inline = r#"values = [{ city = "서울", dish = "국" }, { city = "Paris", dish = "pie" }]"#;
        assert_eq!(of(inline).unwrap(), expected);
        assert!(of("file = \"x.csv\"").unwrap_err().contains("x.csv is not there"));
        assert!(of("values = [1]").unwrap_err().contains("a row is a table"));
    }

    #[test]
    fn schemas_come_from_files_or_stand_in_the_plan() {
        let read = |name: &str| match name {
            "a/person.schema.json" => Ok(r#"{"type":"object"}"#.to_owned()),
            "list.json" => Ok("[]".to_owned()),
            other => Err(format!("{other} is not there")),
        };
        let of = |text: &str| {
            let sweep = parse(text).and_then(|plan| plan.sweep(base(), &known(), &read))?;
            let formats = sweep.cells().into_iter().map(|cell| cell.request.sampling.response_format);
            Ok::<_, String>(formats.collect::<Vec<_>>())
        };
        let person = Some(ResponseFormat::of_schema(json!({"type": "object"}), "person"));
        let axis = r#"prompt = "hi"
            [[axes]]
            name = "format"
            values = [{ file = "a/person.schema.json" }, "json_object", "omit"]"#;
        let object = Some(ResponseFormat::JsonObject);
        assert_eq!(of(axis).unwrap(), [person.clone(), object, None]);
        let whole = "prompt = \"hi\"\nformat = { file = \"a/person.schema.json\" }";
        assert_eq!(of(whole).unwrap(), std::slice::from_ref(&person));
        assert_eq!(of("prompt = \"hi\"\nformat = '{\"type\":\"object\"}'").unwrap().len(), 1);
        let wrong = |file: &str| of(&whole.replace("a/person.schema.json", file)).unwrap_err();
        assert!(wrong("x.json").contains("x.json is not there"));
        assert!(wrong("list.json").contains("list.json: a schema is a JSON object"));
        assert!(of(&whole.replace("file", "path")).unwrap_err().contains("the file of a schema"));
        let sampling = Sampling { response_format: person, ..Sampling::default() };
        let messages = vec![Prompt::new(Role::User, "hi")];
        let sweep = Sweep::new(Request { messages, sampling, ..base() }, Vec::new(), 1).unwrap();
        let again =
            parse(&Plan::of(&sweep).print().unwrap()).unwrap().sweep(base(), &known(), &read).unwrap();
        assert_eq!(again.base().sampling, sweep.base().sampling);
    }

    #[test]
    fn mistakes_name_line_and_remedy() {
        let axis = |rest: &str| format!("prompt = \"hi\"\n[[axes]]\n{rest}\n");
        for (text, told) in [
            ("promt = \"x\"".to_owned(), ["sweep.toml:1:1: unknown key 'promt'", "Did you mean 'prompt'?"]),
            ("prompt = ".to_owned(), ["sweep.toml:1:", "Mend that line"]),
            ("\nrepeats = 0".to_owned(), ["sweep.toml:2:11: 0 does nothing", "Write 1 or more"]),
            ("[sampling]\ntemperature = 3.0".to_owned(), ["temperature 3 is out of bounds", "from 0 to 2"]),
            ("[sampling]\ntemprature = 1".to_owned(), [":2:1: unknown key 'temprature'", "'temperature'"]),
            ("[budget]\neuros = 1".to_owned(), [":2:1: unknown key 'euros'", "dollars"]),
            (
                axis("name = \"temprature\""),
                [":3:8: there is no axis 'temprature'", "Did you mean 'temperature'?"],
            ),
            (
                axis("name = \"temperature\"\nvalues = \"0..3 step 1\""),
                [":4:10: '3.0' is no temperature", "Write a number from 0 to 2"],
            ),
            (axis("name = \"seed\"\nvalues = [true]"), [":4:", "values are a list, or a text"]),
            (axis("name = \"seed\""), [":3:8: the axis seed has no values", "Write values"]),
            (
                axis("name = \"persona\"\nvalues = [\"cheff\"]"),
                [":4:10: there is no persona 'cheff'", "Did you mean 'chef'?"],
            ),
            (axis("name = \"seed\"\nfile = \"x.csv\""), [":4:8: only an axis of rows", "Name it rows"]),
            ("[[checks]]\nregex = \"(\"".to_owned(), [":1:", "is no pattern"]),
            ("[[checks]]\nrequired = true".to_owned(), [":1:", "a check has one of contains"]),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(told.iter().all(|part| error.contains(part)), "{text}: {error}");
        }
        let huge = "#".repeat(MAX_BYTES + 1);
        assert!(parse(&huge).unwrap_err().contains("too large"));
        let silent = parse("[[axes]]\nname = \"seed\"\nvalues = [1]").unwrap();
        assert!(sweep(&silent).unwrap_err().contains("asks nothing"));
    }

    #[test]
    fn files_stay_in_the_folder_of_the_plan() {
        let plan = Path::new("some/folder/sweep.toml");
        assert_eq!(path_beside(plan, "a/b.csv"), Ok(PathBuf::from("some/folder/a/b.csv")));
        for name in ["/etc/passwd", "../x", "a/../../x", ""] {
            assert!(path_beside(plan, name).unwrap_err().contains("not in the folder"), "{name}");
        }
    }

    #[test]
    fn a_printed_plan_reads_as_the_same() {
        let plan = parse(WHOLE).unwrap();
        assert_eq!(parse(&plan.print().unwrap()), Ok(plan.clone()));
        let mut with_null = plan;
        with_null.sampling.get_or_insert_default().extra.insert("x".to_owned(), json!(null));
        assert!(with_null.print().is_err());
    }

    fn axes() -> impl Strategy<Value = Vec<Axis>> {
        let lists = [
            ("temperature", "0..2 step 0.25, omit"),
            ("top_p", "0.1 1"),
            ("max_tokens", "16, 32, omit"),
            ("seed", "-3..3, omit"),
            ("effort", "low, omit"),
            ("format", "text, json_object, omit"),
            ("persona", "chef, none"),
            ("model", "a/b:c, d"),
            ("prompt", "\"one, two\", \"three\nfour {{city}}\""),
            ("{{city}}", "서울, \"a \"\"b\"\"\", omit"),
        ];
        prop::sample::subsequence(lists.to_vec(), 0..4).prop_map(|lists| {
            lists
                .into_iter()
                .map(|(name, list)| Axis::parse(Parameter::from_name(name).unwrap(), list, &known()).unwrap())
                .collect()
        })
    }

    proptest! {
        /// A sweep that is written down and read again asks the very same.
        #[test]
        fn a_sweep_survives_its_file(
            axes in axes(),
            question in "\\PC{1,30}(\n|\t| \"{3}|'{3}|\\\\)\\PC{0,9}",
            before in prop::option::of("\\PC{1,9}"),
            temperature in prop::option::of(0.0f64..2.0),
            repeats in 1u32..4,
        ) {
            let mut messages: Vec<Prompt> =
                before.iter().map(|text| Prompt::new(Role::System, text.as_str())).collect();
            messages.push(Prompt::new(Role::User, "before"));
            messages.push(Prompt::new(Role::Assistant, "said"));
            messages.push(Prompt::new(Role::User, format!("{question} {{{{city}}}}")));
            let sampling = Sampling { temperature, ..Sampling::default() };
            let Ok(whole) = Sweep::new(Request { messages, sampling, ..base() }, axes, repeats) else {
                return Ok(());
            };
            let plan = Plan::of(&whole);
            let read = parse(&plan.print().unwrap()).unwrap();
            prop_assert_eq!(&read, &plan);
            let again = sweep(&read).unwrap();
            prop_assert_eq!(again.samples(), whole.samples());
            prop_assert_eq!(again.axes(), whole.axes());
        }

        #[test]
        fn any_text_is_a_plan_or_a_mistake(
            text in any::<String>(), at in 0usize..400, junk in "[\\[\\]={}\"a1\n]{0,6}",
        ) {
            let _ = parse(&text);
            let mut broken = WHOLE.to_owned();
            broken.insert_str(broken.floor_char_boundary(at), &junk);
            let _ = parse(&broken);
        }
    }
}
