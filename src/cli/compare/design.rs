//! What is to be compared: the command line over the sweep's file over the configuration.
//!
//! Owns that order, and the adapting of each request to what its model is known to take. Sends nothing;
//! of endpoints it only asks which model they begin with.

use crate::access::file;
use crate::check::Check;
use crate::cli::compare::{keeping, preview};
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::interrupt::Interrupt;
use crate::cli::output::Output;
use crate::cli::session::{Session, encoding};
use crate::cli::shape;
use crate::core::bench::{Bench, Terms};
use crate::core::context::framing_tokens;
use crate::core::model::{Encoding, ModelCard};
use crate::core::request::{Request, Role, Sampling};
use crate::core::run::Count;
use crate::core::sweep::preflight::{Budget, Load, Preflight};
use crate::core::sweep::{Parameter, Sweep};
use crate::plan::{MAX_BYTES, Plan, PlanAxis, Ready, Values, axis_of_rows, known, path_beside};
use crate::structured::shape::Shape;
use crate::tokenizer;
use std::collections::HashMap;
use std::path::PathBuf;

/// How a sweep's file is told from a file with what to ask.
const PLAN: &str = "toml";

/// A comparison, ready to be run.
pub(super) struct Design {
    /// The samples, of which none was asked yet.
    pub(super) bench: Bench,
    /// What it will take.
    pub(super) preflight: Preflight,
    /// What the answers must hold.
    pub(super) checks: Vec<Check>,
}

impl Design {
    /// Returns the comparison that was asked for.
    pub(super) async fn new(
        flags: &Flags<'_>,
        session: &Session,
        wish: Wish,
        interrupt: &mut Interrupt,
    ) -> Result<Self, Failure> {
        let config = &session.known.config;
        let Wish { mut plan, path, shape } = wish;
        let endpoint = plan.endpoint(config).to_owned();
        let model = match plan.model.clone().or_else(|| first_model(flags)) {
            Some(model) => model,
            None => session.model_of(&endpoint, interrupt).await?,
        };
        let mut base = session.bare_request(&endpoint, &model, true);
        sampling_of_flags(flags, plan.sampling.as_mut());
        if let Some(format) = shape.format() {
            plan.format = None;
            base.sampling.response_format = Some(format.clone());
            if let Some(sampling) = &mut plan.sampling {
                sampling.response_format = Some(format);
            }
        }
        if plan.system.is_none() && path.is_none() && !config.system.is_empty() {
            plan.system = Some(config.system.clone());
        }
        let read = |name: &str| {
            let file = match &path {
                Some(path) => path_beside(path, name)?,
                None => PathBuf::from(name),
            };
            file::text(&file, MAX_BYTES)
        };
        let Ready { sweep, checks, budget, lanes } =
            plan.ready(base, config, &read).map_err(Failure::Wrong)?;
        let (bench, preflight) = weighed(session, sweep, Terms { lanes, budget }, plan.sampling.as_ref())?;
        Ok(Self { bench, preflight, checks })
    }
}

/// What the command line and the sweep's file say, before any endpoint is asked.
pub(super) struct Wish {
    plan: Plan,
    /// Where the sweep's file is, if there is one.
    path: Option<PathBuf>,
    shape: Shape,
}

impl Wish {
    /// Returns what is asked for.
    pub(super) fn new(flags: &Flags<'_>, session: &Session, output: &mut Output) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::wrong(message, "");
        let file = flags.one::<PathBuf>("file");
        let is_plan = |path: &PathBuf| path.extension().is_some_and(|extension| extension == PLAN);
        let path = file.clone().filter(is_plan);
        let known = known(&session.known.config);
        let mut plan = match &path {
            Some(path) => {
                let text = input::read(path, MAX_BYTES as u64, output)?;
                Plan::parse(&text, path, &known).map_err(|error| Failure::Wrong(error.into()))?
            }
            None => Plan { repeats: session.known.config.compare.repeats, ..Plan::default() },
        };
        if flags.is_given("endpoint") || flags.is_given("base-url") {
            plan.endpoint = None;
        }
        if flags.is_given("model") {
            plan.model = None;
        }
        plan.repeats = flags.one::<u32>("repeat").unwrap_or(plan.repeats);
        // An empty text takes the system message away.
        plan.system = flags.one::<String>("system").or(plan.system).filter(|system| !system.is_empty());
        for axis in axes_of_flags(flags, output)? {
            let parameter = Parameter::from_name(&axis.name).map_err(wrong)?;
            plan.axes.retain(|known| Parameter::from_name(&known.name).as_ref() != Ok(&parameter));
            plan.axes.push(axis);
        }
        if plan.axes.is_empty() && path.is_none() {
            plan.axes.push(configured_temperatures(flags, &session.known.config.compare.temperatures));
        }
        let asks = plan.prompt.is_some()
            || plan.messages.iter().any(|message| message.role == Role::User)
            || plan.axes.iter().any(|axis| axis.name.trim() == "prompt");
        let text_file = file.filter(|_| path.is_none());
        plan.prompt = input::prompt_of(flags.own(), text_file.as_deref(), !asks, output)?.or(plan.prompt);
        plan.checks = checks(flags, &plan)?;
        let budget = flags.one::<String>("budget").map(|text| Budget::parse(&text)).transpose();
        plan.budget = budget.map_err(wrong)?.unwrap_or_default().or(plan.budget);
        let lanes = flags.one::<u64>("concurrency").and_then(|lanes| usize::try_from(lanes).ok());
        plan.concurrency = lanes.or(plan.concurrency);
        Ok(Self { plan, path, shape: shape::asked(flags, output)? })
    }
}

/// Returns the first model that the flag names; several are an axis.
fn first_model(flags: &Flags<'_>) -> Option<String> {
    let list = flags.one::<String>("model")?;
    list.split(',').map(str::trim).find(|name| !name.is_empty()).map(str::to_owned)
}

fn axis(name: &str, list: String) -> PlanAxis {
    PlanAxis { name: name.to_owned(), values: Some(Values::Typed(list)), file: None }
}

/// Returns the axes that flags name.
fn axes_of_flags(flags: &Flags<'_>, output: &mut Output) -> Result<Vec<PlanAxis>, Failure> {
    let wrong = |message: String| Failure::wrong(message, "");
    let mut axes = Vec::new();
    if let Some(list) = flags.one::<String>("temperature") {
        axes.push(axis("temperature", list));
    }
    for name in ["persona", "effort"] {
        axes.extend(flags.one::<String>(name).map(|list| axis(name, list)));
    }
    axes.extend(
        flags.one::<String>("model").filter(|list| list.contains(',')).map(|list| axis("model", list)),
    );
    for text in flags.many("axis") {
        let Some((name, list)) = text.split_once('=') else {
            return Err(Failure::wrong(
                format!("'{text}' is no axis"),
                "Write its name and its values, such as top_p=0.5,0.9 or temperature=0.2..1.8 step 0.2",
            ));
        };
        axes.push(axis(name.trim(), list.to_owned()));
    }
    if let Some(path) = flags.one::<PathBuf>("vars") {
        let text = input::read(&path, MAX_BYTES as u64, output)?;
        let told = |sentence: String| wrong(format!("{}: {sentence}", input::name(&path)));
        axes.push(PlanAxis::of(&axis_of_rows(&text).map_err(told)?));
    }
    Ok(axes)
}

/// Returns the axis of a comparison that names none.
fn configured_temperatures(flags: &Flags<'_>, configured: &[f64]) -> PlanAxis {
    // Before the command's name it is the one number that all commands know.
    let temperatures = flags.one::<f64>("temperature").map_or_else(|| configured.to_vec(), |one| vec![one]);
    let items = temperatures.into_iter().map(crate::plan::Item::Number).collect();
    PlanAxis { name: "temperature".to_owned(), values: Some(Values::Items(items)), file: None }
}

/// Puts what flags say of sampling over what a sweep's file says.
fn sampling_of_flags(flags: &Flags<'_>, sampling: Option<&mut Sampling>) {
    let (Some(sampling), given) = (sampling, flags.overrides()) else { return };
    sampling.top_p = given.top_p.or(sampling.top_p);
    sampling.seed = given.seed.or(sampling.seed);
    sampling.max_output_tokens = given.max_output_tokens.or(sampling.max_output_tokens);
    sampling.top_logprobs = given.top_logprobs.or(sampling.top_logprobs);
    if flags.is_on("no-logprobs") {
        sampling.top_logprobs = None;
    }
    if !given.stop.is_empty() {
        sampling.stop = given.stop;
    }
}

/// Returns the checks of the sweep's file and of the flags. What a file wants to run, the user allows.
fn checks(flags: &Flags<'_>, plan: &Plan) -> Result<Vec<Check>, Failure> {
    let mut checks = plan.checks.clone();
    let program = checks.iter().find(|check| check.rule.command().is_some());
    if let Some(check) = program.filter(|_| !flags.is_on("allow-commands")) {
        return Err(Failure::wrong(
            format!("The sweep has a check that runs a program: {check}"),
            "Look at it, and allow it with --allow-commands",
        ));
    }
    for (name, required) in [("check", true), ("optional-check", false)] {
        for text in flags.many(name) {
            let check = Check::parse(&text).map_err(|message| Failure::wrong(message, ""))?;
            checks.push(Check { required, ..check });
        }
    }
    Ok(checks)
}

/// Returns the bench of a sweep, with what each cell can take, and what all of it will take.
///
/// What a sweep's file says of sampling is asked for, whatever is known of the model.
fn weighed(
    session: &Session,
    sweep: Sweep,
    terms: Terms,
    stated: Option<&Sampling>,
) -> Result<(Bench, Preflight), Failure> {
    let mut cards: HashMap<(String, String), ModelCard> = HashMap::new();
    let mut cells = sweep.cells();
    let key = |request: &Request| (request.endpoint.to_string(), request.model.to_string());
    for cell in &mut cells {
        let request = &mut cell.request;
        let card = cards
            .entry(key(request))
            .or_insert_with(|| session.known.card(&request.endpoint, &request.model));
        let is_asked_for = |name: &str| {
            let says = |given: fn(&Sampling) -> bool| stated.is_some_and(given);
            match name {
                "temperature" => {
                    sweep.varies(&Parameter::Temperature) || says(|sampling| sampling.temperature.is_some())
                }
                "max_output_tokens" => {
                    let is_said = says(|sampling| sampling.max_output_tokens.is_some());
                    sweep.varies(&Parameter::MaxTokens) || is_said
                }
                "top_logprobs" => says(|sampling| sampling.top_logprobs.is_some()),
                _ => false,
            }
        };
        session.leave_out(request, card, is_asked_for);
    }
    let mut counted: HashMap<(Encoding, String), u64> = HashMap::new();
    let mut loads = Vec::with_capacity(cells.len());
    let paces = keeping::paces(&session.data_dir, cards.keys());
    for cell in &cells {
        let key = key(&cell.request);
        let Some(card) = cards.get(&key) else { continue };
        let input = input_of(&cell.request, card, &mut counted);
        loads.push(Load { input, card, pace: paces.get(&key).copied() });
    }
    let preflight = Preflight::of(&sweep, &cells, &loads, terms.lanes);
    let worst = cells.iter().zip(&loads).map(|(cell, load)| load.worst(&cell.request)).collect();
    if terms.budget.dollars.is_some() && preflight.dollars.is_none() {
        return Err(Failure::wrong(
            "What this costs cannot be told, so a budget in dollars cannot be kept",
            "Give the price of the model in the configuration, and --max-tokens; or bound the requests",
        ));
    }
    let samples = sweep.samples_of(cells);
    let mut bench = Bench::new(sweep, samples, worst, terms);
    let endpoints = &session.known.config.endpoints;
    bench.keep_to(|name| endpoints.get(name).map(|own| own.limits.quota()).unwrap_or_default());
    for refusal in preflight.refusals.iter().filter(|refusal| refusal.is_varied) {
        bench.refuse(refusal.cell, &preview::refusal(refusal));
    }
    Ok((bench, preflight))
}

/// Returns the tokens of a request's prompt; a text that many requests have is counted once.
fn input_of(request: &Request, card: &ModelCard, counted: &mut HashMap<(Encoding, String), u64>) -> Count {
    let (encoding, is_exact) = encoding(card, &request.model);
    let mut tokens = framing_tokens(request.messages.len());
    for message in &request.messages {
        let key = (encoding, message.content.to_string());
        let count = || tokenizer::table(encoding).count(&message.content);
        tokens += *counted.entry(key).or_insert_with(count);
    }
    if is_exact && card.exact_framing { Count::Exact(tokens) } else { Count::Estimate(tokens) }
}
