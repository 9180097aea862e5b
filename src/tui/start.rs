//! Starts the workbench: the first frame is on screen before anything that can wait is begun.

use crate::access::{Access, NATURAL_RATE, probe, random};
use crate::app::compare::planned::Planned;
use crate::app::counter::Counter;
use crate::app::heat::Heat;
use crate::app::keymap::Keymap;
use crate::app::msg::Msg;
use crate::app::settings::{EndpointCard, Settings};
use crate::app::{App, Knowledge, Start};
use crate::config::{self, Ascii, Colours, Config, Loaded, Origin, Paths, theme};
use crate::core::conversation::{Body, Conversation, Message};
use crate::core::fault::{Fault, FaultKind};
use crate::core::id::Ids;
use crate::core::model::{Encoding, ModelCard};
use crate::core::probe::{Probes, Subject};
use crate::core::request::Role;
use crate::core::transfer;
use crate::plan::Plan;
use crate::tokenizer::encoding_for;
use crate::tui::driver::Driver;
use crate::tui::editor;
use crate::tui::event_loop::{FindTheme, Session, run};
use crate::tui::front::Front;
use crate::tui::keep::kept_draft;
use crate::tui::plans;
use crate::tui::terminal::{Screen, restore, restore_on_panic, size};
use crate::tui::theme::{Depth, Signs, Theme};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::mpsc;

/// How long tasks may take to end when the workbench is left.
const GRACE: Duration = Duration::from_millis(500);

/// Largest file that is opened, in bytes.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// What the workbench is started with.
#[derive(Debug)]
pub struct Launch {
    /// Files and folders.
    pub paths: Paths,
    /// The configuration, and what was wrong with it.
    pub loaded: Loaded,
    /// A conversation or a sweep's file to open.
    pub open: Option<PathBuf>,
    /// When the process began.
    pub epoch: Instant,
}

/// Runs the workbench until the user leaves; returns the exit code.
///
/// # Errors
/// When there is no terminal, or the file to open cannot be read.
pub fn start(launch: Launch) -> Result<u8, Fault> {
    let Launch { paths, loaded, open, epoch } = launch;
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Fault::new(FaultKind::Local, "the workbench needs a terminal for input and output")
            .remedy("In a pipe or a script use `tokenscope ask`; see `tokenscope --help`"));
    }
    let mut ids = Ids::default();
    let (mut conversation, planned) = match &open {
        Some(path) => read(path, &loaded, &mut ids)?,
        None => (Conversation::default(), None),
    };
    let config = loaded.config;
    conversation.memory = config.memory;
    if open.is_none() && !config.system.is_empty() {
        let body = Body::Text(config.system.as_str().into());
        conversation.messages.push(Message { id: ids.message(), role: Role::System, body });
    }
    let mut notices: Vec<Fault> = loaded.error.into_iter().chain(loaded.notices).collect();
    let themes_dir = paths.themes_dir();
    let (palette, theme_notices) = theme::Theme::load_or_default(&config.theme, &themes_dir);
    notices.extend(theme_notices);
    let keymap = Keymap::new(&config.keys).unwrap_or_else(|errors| {
        notices.extend(errors.into_iter().map(|error| Fault::new(FaultKind::Local, error)));
        Keymap::default()
    });
    let (probes, unreadable) = probe::load(&paths.data_dir);
    notices.extend(unreadable);
    let env = |name: &str| std::env::var(name).ok();
    let (depth, signs) = (depth(&config, &env), signs(&config, &env));
    let config = Arc::new(config);
    let app_start = app_start(
        &config,
        Known(Arc::clone(&config)),
        Opening {
            keymap,
            conversation,
            ids,
            draft: kept_draft(&paths.data_dir),
            theme: palette.name.clone(),
            themes: theme::names(&themes_dir),
            probes,
            planned,
            notices,
        },
    );

    restore_on_panic();
    let unusable =
        |error: io::Error| Fault::new(FaultKind::Local, format!("the terminal cannot be used: {error}"));
    let mut front = Screen::enter(config.ui.mouse).map_err(unusable)?;
    let mut app = App::new(app_start, size().map_err(unusable)?);
    let theme = Theme::new(&palette, depth, signs);
    drop(app.settle());
    front.paint(&app, &theme).map_err(unusable)?;
    app.drawn();

    // Everything below happens behind the first frame.
    // Two runtimes: requests run on threads of their own, and the loop's thread waits for the terminal
    // itself, so that no key passes through another thread.
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(unusable)?;
    let own = Builder::new_current_thread().enable_all().build().map_err(unusable)?;
    let access = Arc::new(Access::new(Arc::clone(&config), paths.dotenv.clone(), Some(NATURAL_RATE)));
    let (mut driver, inbound) = Driver::new(runtime.handle().clone(), access, paths.data_dir.clone());
    driver.prepare(&config.endpoint, app.counter().encoding());
    let find_theme: FindTheme = Box::new(move |name| {
        let (palette, _) = theme::Theme::load(name, &themes_dir)?;
        Ok(Theme::new(&palette, depth, signs))
    });
    let (editor, panics_on_f12) =
        (editor::command(&env), env("TOKENSCOPE_DEBUG").as_deref() == Some("panic"));
    let mut session = Session { front, app, theme, find_theme, epoch, editor, panics_on_f12 };
    watch_signals(runtime.handle(), &driver.messages());
    let code = own.block_on(run(&mut session, &mut driver, inbound));
    drop(session);
    // Dropping the driver cancels what is under way and waits until all is written.
    drop(driver);
    runtime.shutdown_timeout(GRACE);
    // A terminal that is gone is no failure of the user's: what was typed is kept.
    Ok(code.unwrap_or(GONE))
}

/// Exit code when the terminal was closed, as for SIGHUP.
const GONE: u8 = 128 + 1;

/// How long the loop may take to end after a signal, before the process ends without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Turns the signals that end a process into messages.
///
/// They are watched on the runtime of the requests: should the loop be stuck, in a write to a
/// terminal that takes nothing any more, the process ends all the same.
fn watch_signals(runtime: &Handle, messages: &mpsc::Sender<Msg>) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        for (kind, number) in
            [(SignalKind::hangup(), 1), (SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)]
        {
            // Listened to from here on: until then the signal would end the process as it stands.
            let _inside = runtime.enter();
            let Ok(mut signals) = signal(kind) else { continue };
            let messages = messages.clone();
            runtime.spawn(async move {
                if signals.recv().await.is_some() {
                    let code = 128 + number;
                    let told = tokio::time::timeout(PATIENCE, messages.send(Msg::Quit(code))).await;
                    if told.is_ok() {
                        tokio::time::sleep(PATIENCE).await;
                    }
                    restore();
                    std::process::exit(i32::from(code));
                }
            });
        }
    }
    #[cfg(not(unix))]
    let _ = (runtime, messages);
}

/// What is known of models, from the configuration and the compiled-in list.
#[derive(Debug)]
struct Known(Arc<Config>);

impl Knowledge for Known {
    fn card(&self, model: &str) -> ModelCard {
        self.0.card(model)
    }

    fn encoding(&self, model: &str) -> (Encoding, bool) {
        if let Some(encoding) = self.0.card(model).encoding {
            return (encoding, true);
        }
        let choice = encoding_for(model);
        (choice.encoding, choice.is_exact)
    }

    fn logprobs_before_temperature(&self, endpoint: &str) -> Option<bool> {
        self.0.logprobs_before_temperature(endpoint)
    }
}

/// What is gathered before the app can be made.
struct Opening {
    keymap: Keymap,
    conversation: Conversation,
    ids: Ids,
    draft: String,
    theme: String,
    themes: Vec<String>,
    probes: Probes,
    planned: Option<Box<Planned>>,
    notices: Vec<Fault>,
}

fn app_start(config: &Config, known: Known, opening: Opening) -> Start {
    let endpoints: Vec<EndpointCard> = config
        .endpoints
        .iter()
        .map(|(name, settings)| {
            let is_sandbox = name == config::SANDBOX;
            let place =
                if is_sandbox { "inside tokenscope, offline".to_owned() } else { settings.base_url.clone() };
            let model = config.model(name).unwrap_or_default().into();
            EndpointCard {
                name: name.as_str().into(),
                place,
                base_url: Subject::new(name, "", &settings.base_url).base_url,
                model,
                is_sandbox,
                continues: settings.continues,
            }
        })
        .collect();
    let endpoint = endpoints.iter().position(|card| *card.name == *config.endpoint).unwrap_or(0);
    let model = Arc::clone(&endpoints[endpoint].model);
    let (encoding, is_exact) = known.encoding(&model);
    Start {
        settings: Settings {
            endpoints,
            endpoint,
            card: known.card(&model),
            model,
            sampling: config.sampling.clone(),
        },
        keymap: opening.keymap,
        conversation: opening.conversation,
        ids: opening.ids,
        draft: opening.draft,
        heat: match config.ui.heat {
            config::Heat::Off => Heat::Off,
            config::Heat::Surprisal => Heat::Surprisal,
            config::Heat::Relative => Heat::Relative,
        },
        theme: opening.theme,
        themes: opening.themes,
        mouse: config.ui.mouse,
        session: random(),
        personas: config.personas.iter().map(|(name, own)| (name.clone(), own.system.clone())).collect(),
        temperatures: config.compare.temperatures.clone(),
        repeats: config.compare.repeats,
        concurrency: config.compare.concurrency,
        wrap: config.ui.wrap,
        counter: Counter::new(encoding, is_exact),
        knowledge: Box::new(known),
        probes: opening.probes,
        planned: opening.planned,
        notices: opening.notices,
    }
}

/// Returns what a file holds: a conversation or a sweep, by the ending of its name, else by its content.
fn read(path: &Path, loaded: &Loaded, ids: &mut Ids) -> Result<(Conversation, Option<Box<Planned>>), Fault> {
    // As for the headless command, what a flag says goes over what the file says.
    let shown = loaded.shown();
    let is_flag = |key: &str| shown.iter().any(|own| own.key == key && own.origin == Origin::Flag);
    let planned = || {
        let change = |plan: &mut Plan| {
            plan.endpoint = plan.endpoint.take().filter(|_| !is_flag("endpoint"));
            plan.model = plan.model.take().filter(|_| !is_flag("model"));
        };
        plans::planned(path, &loaded.config, change)
    };
    let opened = |planned| (Conversation::default(), Some(Box::new(planned)));
    if plans::is_named(path) {
        return planned().map(opened);
    }
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    match read_conversation(path, ids) {
        Ok(conversation) => Ok((conversation, None)),
        Err(fault) if is_json || !path.is_file() => Err(fault),
        // A name that says nothing: where it is neither, what it is not as a conversation is told.
        Err(fault) => planned().map(opened).map_err(|_| {
            fault.remedy(
                "It must be a JSON file of messages, [{\"role\": \"user\", \"content\": \"…\"}], or a sweep, whose \
                 name ends in .toml",
            )
        }),
    }
}

fn read_conversation(path: &Path, ids: &mut Ids) -> Result<Conversation, Fault> {
    let fault =
        |what: String| Fault::new(FaultKind::Local, format!("{} cannot be opened: {what}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(fault(format!("it has {length} bytes, at most {MAX_FILE} are read")));
    }
    let bytes = std::fs::read(path).map_err(|error| fault(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8".to_owned()))?;
    transfer::from_json(&text, ids).map_err(|what| {
        fault(what)
            .remedy("It must hold messages as the API takes them: [{\"role\": \"user\", \"content\": \"…\"}]")
    })
}

fn depth(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Depth {
    match config.ui.colours {
        Colours::Auto => Depth::detect(env),
        Colours::Truecolor => Depth::True,
        Colours::Palette => Depth::Indexed,
        Colours::Ansi => Depth::Ansi,
        Colours::None => Depth::None,
    }
}

fn signs(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> Signs {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env(name).filter(|value| !value.is_empty()));
    // Without any locale set, as in many containers, terminals show UTF-8 all the same.
    let is_utf8 = locale.is_none_or(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    match config.ui.ascii {
        Ascii::Auto if is_utf8 => Signs::UNICODE,
        Ascii::Off => Signs::UNICODE,
        Ascii::Auto | Ascii::On => Signs::ASCII,
    }
}
