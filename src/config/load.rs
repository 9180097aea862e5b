//! Putting the layers over each other, and choosing the endpoint and its model.
//!
//! Owns the precedence. A mistake never stops the loading: it is told, and left out is the whole file if
//! it cannot be read as settings, else the one endpoint, variable or flag.

use crate::config::endpoint::{self, BaseUrl, EndpointSettings, OPENAI, OPENAI_API_KEY, SANDBOX};
use crate::config::error::{ConfigError, Place, suggestion, unreadable};
use crate::config::layer::{EndpointLayer, Layer};
use crate::config::show::Origin;
use crate::config::source::{Assignment, Overrides, from_env, from_flags};
use crate::config::{Config, Env, Paths, Persona, library, theme};
use crate::core::fault::Fault;
use crate::core::persona::{Library, Own};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Value;

/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// A configuration, and what was wrong on the way to it.
#[derive(Debug)]
pub struct Loaded {
    /// The settings in force.
    pub config: Config,
    /// The first mistake that changes what would be done: headless commands stop here.
    pub error: Option<Fault>,
    /// Everything else worth telling.
    pub notices: Vec<Fault>,
    /// All personas: those of `config.personas`, with where each is from.
    pub library: Library,
    /// Why the user's own personas cannot be read; then they cannot be written either.
    pub unread_library: Option<Fault>,
    /// What each source says, the strongest last, for telling where a value is from.
    pub(super) sources: Vec<(Origin, toml::Table)>,
}

/// The variable that does what `--base-url` does.
const BASE_URL: &str = "TOKENSCOPE_BASE_URL";

impl Config {
    /// Returns the settings in force, and what was wrong with those that are not.
    #[must_use]
    pub fn load(paths: &Paths, overrides: &Overrides, env: Env<'_>) -> Loaded {
        let mut loading = Loading::default();
        loading.file(paths);
        loading.library(&paths.data_dir);
        for assignment in from_env(env) {
            loading.assign(Origin::Environment, assignment);
        }
        for assignment in from_flags(overrides) {
            loading.assign(Origin::Flag, assignment);
        }
        loading.check_theme(&paths.themes_dir());
        loading.choose(paths, overrides, env);
        loading.loaded
    }
}

/// What is known while the layers are read.
struct Loading {
    loaded: Loaded,
    /// The last source that named an endpoint.
    endpoint: Option<(String, Origin, Place)>,
    /// The last source that named a model.
    model: Option<(String, Origin)>,
    /// Where the theme was given.
    theme_place: Option<Place>,
    /// The file's text, to point into.
    text: String,
}

impl Default for Loading {
    fn default() -> Self {
        let loaded = Loaded {
            config: Config::default(),
            error: None,
            notices: Vec::new(),
            library: Library::default(),
            unread_library: None,
            sources: Vec::new(),
        };
        Self { loaded, endpoint: None, model: None, theme_place: None, text: String::new() }
    }
}

impl Loading {
    /// Keeps the first error; further ones often follow from it and are told as notices.
    fn fail(&mut self, error: ConfigError) {
        let fault = Fault::from(error);
        match self.loaded.error {
            None => self.loaded.error = Some(fault),
            Some(_) => self.loaded.notices.push(fault),
        }
    }

    fn notice(&mut self, error: ConfigError) {
        self.loaded.notices.push(error.into());
    }

    /// Keeps where a value is from that was decided after all layers were read.
    fn decided(&mut self, origin: Origin, path: &[&str]) {
        self.loaded.sources.push((origin, nested(path, Value::Boolean(true))));
    }

    /// Reads the configuration file.
    fn file(&mut self, paths: &Paths) {
        let path = &paths.config_file;
        self.text = match read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !paths.is_config_named => return,
            // A file the user has named must be used or the run would not be what was asked for.
            Err(error) if paths.is_config_named => return self.fail(unreadable(path, &error)),
            Err(error) => return self.notice(unreadable(path, &error)),
        };
        let place = Place::File { path: path.clone(), at: None };
        match toml::from_str::<Layer>(&self.text) {
            Ok(layer) => {
                if let Ok(table) = self.text.parse() {
                    self.loaded.sources.push((Origin::File, table));
                }
                self.apply(Origin::File, &place, layer, &paths.config_dir);
            }
            Err(error) => {
                let error = ConfigError::from_toml(place, &self.text, &error);
                self.text.clear();
                self.fail(error);
            }
        }
    }

    /// Lays the personas that were written in the workbench over those of the file.
    fn library(&mut self, data_dir: &Path) {
        let own = library::read(&library::file(data_dir)).unwrap_or_else(|error| {
            let fault = Fault::from(error);
            self.loaded.notices.push(fault.clone());
            self.loaded.unread_library = Some(fault);
            Own::new()
        });
        let personas = &mut self.loaded.config.personas;
        let configured =
            personas.iter().map(|(name, persona)| (name.clone(), persona.system.as_str().into())).collect();
        for (name, system) in &own {
            personas.insert(name.clone(), Persona { system: system.to_string() });
            let said = nested(&["personas", name, "system"], Value::Boolean(true));
            self.loaded.sources.push((Origin::Library, said));
        }
        self.loaded.library = Library::new(configured, own);
    }

    /// Applies one setting of a variable or flag.
    fn assign(&mut self, origin: Origin, assignment: Assignment) {
        let Assignment { key, place, value } = assignment;
        let table = nested(&key.split('.').collect::<Vec<_>>(), value);
        match table.clone().try_into::<Layer>() {
            Ok(layer) => {
                self.loaded.sources.push((origin, table));
                self.apply(origin, &place, layer, Path::new(""));
            }
            Err(error) => {
                let remedy = match &place {
                    Place::Variable(name) => format!("Give {name} another value, or unset it"),
                    Place::Flag(name) => format!("Give {name} another value"),
                    Place::File { .. } => String::new(),
                };
                let error = ConfigError::from_toml(place, "", &error).or_remedy(remedy);
                self.fail(error);
            }
        }
    }

    /// Puts a layer over what there is.
    fn apply(&mut self, origin: Origin, place: &Place, mut layer: Layer, config_dir: &Path) {
        if let Some(name) = layer.endpoint.take() {
            self.endpoint = Some((name, origin, self.point(place, &["endpoint"])));
        }
        if let Some(name) = layer.model.take() {
            self.model = Some((name, origin));
        }
        let limits = std::mem::take(&mut layer.limits);
        limits.apply(&mut self.loaded.config.limits);
        if origin == Origin::File {
            let all = self.loaded.config.limits.clone();
            for settings in self.loaded.config.endpoints.values_mut() {
                settings.limits = all.clone();
            }
        } else {
            // What a flag says holds everywhere, also over what the file says of one endpoint.
            for settings in self.loaded.config.endpoints.values_mut() {
                limits.apply(&mut settings.limits);
            }
        }
        for (name, endpoint) in std::mem::take(&mut layer.endpoints) {
            self.endpoint_layer(place, &name, endpoint, config_dir);
        }
        let theme = self.loaded.config.theme.clone();
        layer.apply(&mut self.loaded.config);
        if self.loaded.config.theme != theme {
            self.theme_place = Some(self.point(place, &["theme"]));
        }
    }

    /// Applies what the file says of one endpoint.
    fn endpoint_layer(&mut self, place: &Place, name: &str, layer: EndpointLayer, config_dir: &Path) {
        let limits = self.loaded.config.limits.clone();
        let known = self.loaded.config.endpoints.get(name).cloned();
        let mut settings = known.unwrap_or(EndpointSettings { limits, ..EndpointSettings::default() });
        if name.trim().is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            let place = self.point(place, &["endpoints"]);
            return self.fail(ConfigError::invalid(
                place,
                "an endpoint has no proper name",
                "Name it by a word, such as [endpoints.office]",
            ));
        }
        if let Some(url) = layer.base_url {
            let at = ["endpoints", name, "base_url"];
            if name == SANDBOX {
                let error = self.wrong(place, &at, "the sandbox is inside this program and has no base URL");
                return self.fail(error.remedy("Choose another name for this endpoint"));
            }
            match BaseUrl::parse(&url) {
                Ok(base) => settings.base_url = base.url,
                Err((message, remedy)) => {
                    let error = self.wrong(place, &at, &message).remedy(remedy);
                    return self.fail(error);
                }
            }
        } else if settings.base_url.is_empty() && name != SANDBOX {
            let error =
                self.wrong(place, &["endpoints", name], &format!("endpoint '{name}' has no base_url"));
            let presets = self.loaded.config.endpoints.keys().map(String::as_str).collect::<Vec<_>>();
            let remedy = format!("Add base_url = \"http…\", or mean a preset. {}", suggestion(name, presets));
            return self.fail(error.remedy(remedy));
        }
        layer.limits.apply(&mut settings.limits);
        settings.provider = layer.provider.unwrap_or(settings.provider);
        settings.legacy_max_tokens = layer.legacy_max_tokens.unwrap_or(settings.legacy_max_tokens);
        settings.continues = layer.continues.unwrap_or(settings.continues);
        settings.logprobs = layer.logprobs.or(settings.logprobs);
        settings.model = layer.model.or(settings.model);
        settings.key.env = layer.key_env.or(settings.key.env);
        settings.key.file = layer.key_file.map(|file| at_home(&file, config_dir)).or(settings.key.file);
        settings.key.command = layer.key_command.unwrap_or(settings.key.command);
        self.loaded.config.endpoints.insert(name.to_owned(), settings);
    }

    /// Falls back to the default theme where there is no such theme.
    fn check_theme(&mut self, user_dir: &Path) {
        let name = &self.loaded.config.theme;
        if theme::exists(name, user_dir) {
            return;
        }
        let message = format!("there is no theme '{name}'");
        let names = theme::names(user_dir);
        let remedy = suggestion(name, names.iter().map(String::as_str));
        if let Some(place) = self.theme_place.take() {
            let error = ConfigError::invalid(place, message, remedy);
            self.notice(error);
        }
        theme::DEFAULT.clone_into(&mut self.loaded.config.theme);
        self.decided(Origin::Default, &["theme"]);
    }

    /// Chooses the endpoint and its model from what all layers said together.
    fn choose(&mut self, paths: &Paths, overrides: &Overrides, env: Env<'_>) {
        self.openai_base_url(env);
        let base_url = match &overrides.base_url {
            Some(url) => Some((url.clone(), Origin::Flag, Place::Flag("--base-url".to_owned()))),
            None => env(BASE_URL)
                .filter(|url| !url.is_empty())
                .map(|url| (url, Origin::Environment, Place::Variable(BASE_URL.to_owned()))),
        };
        let mut origin = Origin::Default;
        if let Some((name, given, place)) = self.endpoint.take() {
            origin = given;
            let endpoints = &self.loaded.config.endpoints;
            if endpoints.contains_key(&name) {
                self.loaded.config.endpoint = name;
            } else {
                let remedy = suggestion(&name, endpoints.keys().map(String::as_str).collect::<Vec<_>>());
                let error = ConfigError::invalid(place, format!("there is no endpoint '{name}'"), remedy);
                self.fail(error);
            }
        } else if base_url.is_none() && has_openai(&self.loaded.config, paths, env, &mut self.loaded.notices)
        {
            OPENAI.clone_into(&mut self.loaded.config.endpoint);
        }
        if let Some((url, given, place)) = base_url
            && given >= origin
        {
            self.base_url(&url, place, given == origin);
            origin = given;
            let name = self.loaded.config.endpoint.clone();
            self.decided(origin, &["endpoints", &name, "base_url"]);
        }
        self.decided(origin, &["endpoint"]);
        self.choose_model(origin);
    }

    /// Lets `OPENAI_BASE_URL` of the process environment move the endpoint it is named after, as OpenAI's
    /// own clients do. The one in `.env` is never looked at.
    fn openai_base_url(&mut self, env: Env<'_>) {
        const NAME: &str = "OPENAI_BASE_URL";
        let Some(url) = env(NAME).filter(|url| !url.trim().is_empty()) else { return };
        match BaseUrl::parse(&url) {
            Ok(base) => {
                if let Some(settings) = self.loaded.config.endpoints.get_mut(OPENAI) {
                    settings.base_url = base.url;
                    self.decided(Origin::Environment, &["endpoints", OPENAI, "base_url"]);
                }
            }
            Err((message, remedy)) => {
                let error = ConfigError::invalid(Place::Variable(NAME.to_owned()), message, remedy);
                self.fail(error);
            }
        }
    }

    /// Uses a base URL given by hand: for the endpoint named beside it, or for one made of it.
    fn base_url(&mut self, url: &str, place: Place, is_endpoint_named: bool) {
        let base = match BaseUrl::parse(url) {
            Ok(base) => base,
            Err((message, remedy)) => {
                let error = ConfigError::invalid(place, message, remedy);
                return self.fail(error);
            }
        };
        let config = &mut self.loaded.config;
        if is_endpoint_named && config.endpoint != SANDBOX {
            if let Some(settings) = config.endpoints.get_mut(&config.endpoint) {
                endpoint::redirect(settings, &base);
            }
            return;
        }
        let limits = config.limits.clone();
        let known = config.endpoints.len();
        config.endpoint = endpoint::add_base_url(&mut config.endpoints, &base);
        if config.endpoints.len() > known
            && let Some(settings) = config.endpoints.get_mut(&config.endpoint)
        {
            settings.limits = limits;
        }
    }

    /// Chooses the model: one named with the endpoint or after it, else the endpoint's own. A model that
    /// `config.toml` names belongs to the endpoint it names, not to one given by a flag, and not to the
    /// sandbox that is used because there is no key.
    fn choose_model(&mut self, endpoint_origin: Origin) {
        let config = &mut self.loaded.config;
        let is_stopgap = endpoint_origin == Origin::Default && config.endpoint == SANDBOX;
        let least = if is_stopgap { Origin::Flag } else { endpoint_origin };
        let own = config.endpoints.get(&config.endpoint).and_then(|settings| settings.model.clone());
        let (model, origin) = match (self.model.take(), own) {
            (Some((model, origin)), None) => (Some(model), origin),
            (Some((model, origin)), Some(_)) if origin >= least => (Some(model), origin),
            (_, own) => (own, Origin::Default),
        };
        config.model = model;
        self.decided(origin, &["model"]);
    }

    /// Returns the place of a key within the file; other places are as exact as they are.
    fn point(&self, place: &Place, keys: &[&str]) -> Place {
        match (place, self.span(keys)) {
            (Place::File { path, .. }, Some(span)) => Place::File {
                path: path.clone(),
                at: Some(crate::config::error::position(&self.text, span.start)),
            },
            _ => place.clone(),
        }
    }

    /// Returns an error about the value of a key.
    fn wrong(&self, place: &Place, keys: &[&str], message: &str) -> ConfigError {
        ConfigError::at(place.clone(), &self.text, self.span(keys), message)
    }

    /// Returns where the value of a key stands in the file.
    fn span(&self, keys: &[&str]) -> Option<Range<usize>> {
        let document = toml::de::DeTable::parse(&self.text).ok()?;
        let (first, rest) = keys.split_first()?;
        let mut value = document.get_ref().get(*first)?;
        for key in rest {
            value = value.get_ref().get(*key)?;
        }
        Some(value.span())
    }
}

/// Returns a table with one value at a path.
fn nested(path: &[&str], value: Value) -> toml::Table {
    let Some((first, rest)) = path.split_first() else { return toml::Table::new() };
    let value = if rest.is_empty() { value } else { Value::Table(nested(rest, value)) };
    toml::Table::from_iter([((*first).to_owned(), value)])
}

/// Whether something says that the user means OpenAI: its URL in the environment, or a key for it.
fn has_openai(config: &Config, paths: &Paths, env: Env<'_>, notices: &mut Vec<Fault>) -> bool {
    let is_set = |name| env(name).is_some_and(|value| !value.trim().is_empty());
    if is_set(OPENAI_API_KEY) || is_set("OPENAI_BASE_URL") {
        return true;
    }
    let Some(settings) = config.endpoints.get(OPENAI) else { return false };
    match settings.key.find_at_once(env, &paths.dotenv) {
        Ok(key) => key.is_some(),
        Err(fault) => {
            notices.push(fault);
            false
        }
    }
}

/// Returns a text file of bounded size. A pipe may stand for it: people write `--config <(…)`.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let size = File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if size as u64 > MAX_FILE {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Returns a path of the configuration: `~/` is the home folder, a relative one starts at the folder of
/// the configuration.
fn at_home(path: &Path, config_dir: &Path) -> PathBuf {
    if let Ok(rest) = path.strip_prefix("~")
        && let Some(dirs) = directories::BaseDirs::new()
    {
        return dirs.home_dir().join(rest);
    }
    config_dir.join(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Heat;
    use crate::config::Logprobs;
    use crate::config::secret::KeyReference;
    use crate::core::request::Means;
    use std::fs;

    /// A start of the program in a folder of its own.
    struct Start {
        dir: tempfile::TempDir,
        env: Vec<(&'static str, String)>,
        flags: Overrides,
    }

    impl Start {
        fn new(config: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            if !config.is_empty() {
                fs::write(dir.path().join("config.toml"), config).unwrap();
            }
            Self { dir, env: Vec::new(), flags: Overrides::default() }
        }

        fn env(mut self, name: &'static str, value: &str) -> Self {
            self.env.push((name, value.to_owned()));
            self
        }

        fn flags(mut self, flags: Overrides) -> Self {
            self.flags = flags;
            self
        }

        fn dotenv(self, text: &str) -> Self {
            fs::write(self.dir.path().join(".env"), text).unwrap();
            self
        }

        fn load(&self) -> Loaded {
            let paths = Paths {
                config_file: self.dir.path().join("config.toml"),
                is_config_named: self.flags.config.is_some(),
                config_dir: self.dir.path().to_owned(),
                data_dir: self.dir.path().join("data"),
                dotenv: self.dir.path().join(".env"),
            };
            let env = |name: &str| {
                self.env.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
            };
            Config::load(&paths, &self.flags, &env)
        }

        #[track_caller]
        fn config(&self) -> Config {
            let loaded = self.load();
            assert_eq!((loaded.error, loaded.notices), (None, Vec::new()));
            loaded.config
        }

        #[track_caller]
        fn error(&self) -> String {
            self.load().error.unwrap().to_string()
        }
    }

    fn flags(change: impl FnOnce(&mut Overrides)) -> Overrides {
        let mut flags = Overrides::default();
        change(&mut flags);
        flags
    }

    #[test]
    fn nothing_given_is_the_sandbox() {
        let expected = Config { model: Some("sandbox-mini".to_owned()), ..Config::default() };
        assert_eq!(Start::new("").config(), expected);
    }

    #[test]
    fn flags_beat_variables_beat_the_file() {
        let file = "theme = \"paper\"\n[sampling]\ntemperature = 0.1\ntop_p = 0.2\nseed = 3\n[ui]\nheat = \"relative\"\n";
        let start = Start::new(file)
            .env("TOKENSCOPE_TEMPERATURE", "0.4")
            .env("TOKENSCOPE_TOP_P", "omit")
            .env("TOKENSCOPE_THEME", "")
            .flags(flags(|flags| flags.temperature = Some(1.5)));
        let config = start.config();
        assert_eq!(config.sampling.temperature, Some(1.5));
        assert_eq!(config.sampling.top_p, None);
        assert_eq!(config.sampling.seed, Some(3));
        assert_eq!(config.sampling.max_output_tokens, Some(512));
        assert_eq!((config.theme.as_str(), config.ui.heat), ("paper", Heat::Relative));
    }

    #[test]
    fn a_key_for_openai_chooses_openai() {
        let config = Start::new("").env("OPENAI_API_KEY", "k").config();
        assert_eq!((config.endpoint.as_str(), config.model.as_deref()), ("openai", Some("gpt-4o-mini")));
        assert_eq!(Start::new("").dotenv("OPENAI_API_KEY=k\n").config().endpoint, "openai");
        let chosen = Start::new("endpoint = \"ollama\"\n").env("OPENAI_API_KEY", "k").config();
        assert_eq!((chosen.endpoint.as_str(), chosen.model), ("ollama", None));
    }

    #[test]
    fn a_dotenv_that_is_of_no_use_does_not_choose_openai() {
        let venv = Start::new("");
        fs::create_dir(venv.dir.path().join(".env")).unwrap();
        assert_eq!(venv.config().endpoint, "sandbox");
        let loaded = Start::new("").dotenv("OPENAI_API_KEY=\u{1}").load();
        assert_eq!((loaded.config.endpoint.as_str(), loaded.notices.len()), ("sandbox", 1));
    }

    #[test]
    fn openai_base_url_counts_from_the_environment_only() {
        let config = Start::new("").env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/").config();
        assert_eq!(config.endpoint("openai").unwrap().base_url, "http://127.0.0.1:9/v1");
        assert_eq!(config.endpoint, "openai");
        let hostile = Start::new("")
            .dotenv("OPENAI_API_KEY=k\nOPENAI_BASE_URL=http://evil/v1\nTOKENSCOPE_BASE_URL=http://evil/v1\n");
        assert_eq!(hostile.config().endpoint("openai").unwrap().base_url, "https://api.openai.com/v1");
    }

    #[test]
    fn a_base_url_makes_an_endpoint_named_by_its_host() {
        let start = Start::new("[limits]\nretries = 1\n")
            .env("OPENAI_API_KEY", "k")
            .flags(flags(|flags| flags.base_url = Some("http://127.0.0.1:4000/v1/".to_owned())));
        let config = start.config();
        assert_eq!(config.endpoint, "127.0.0.1:4000");
        let endpoint = config.endpoint(&config.endpoint).unwrap();
        assert_eq!((endpoint.base_url.as_str(), endpoint.limits.retries), ("http://127.0.0.1:4000/v1", 1));
        let key = &config.endpoints[&config.endpoint].key;
        assert_eq!(
            key,
            &KeyReference { process_env: Some("OPENAI_API_KEY".into()), ..KeyReference::default() }
        );
    }

    #[test]
    fn a_base_url_beside_an_endpoint_moves_it() {
        let both = flags(|flags| {
            flags.endpoint = Some("groq".to_owned());
            flags.base_url = Some("http://127.0.0.1:4000/v1".to_owned());
        });
        let config = Start::new("").flags(both).config();
        assert_eq!(config.endpoint, "groq");
        assert_eq!(config.endpoint("groq").unwrap().base_url, "http://127.0.0.1:4000/v1");
        assert_eq!(config.endpoints["groq"].key.env, None);
        let flag = flags(|flags| flags.endpoint = Some("groq".to_owned()));
        let config = Start::new("").env("TOKENSCOPE_BASE_URL", "http://h/v1").flags(flag).config();
        assert_eq!(config.endpoint("groq").unwrap().base_url, "https://api.groq.com/openai/v1");
    }

    #[test]
    fn a_model_belongs_to_the_endpoint_it_was_named_with() {
        let file = "endpoint = \"openai\"\nmodel = \"gpt-4o\"\n";
        assert_eq!(Start::new(file).config().model.as_deref(), Some("gpt-4o"));
        let groq = flags(|flags| flags.endpoint = Some("groq".to_owned()));
        let config = Start::new(file).flags(groq.clone()).config();
        assert_eq!(config.model.as_deref(), Some("llama-3.3-70b-versatile"));
        assert_eq!(config.model("openai"), Some("gpt-4o-mini"));
        let without_key = Start::new("model = \"gpt-4o\"\n");
        assert_eq!(without_key.config().model.as_deref(), Some("sandbox-mini"));
        let with_key = without_key.env("OPENAI_API_KEY", "k");
        assert_eq!(with_key.config().model.as_deref(), Some("gpt-4o"));
        let mut both = groq;
        both.model = Some("m".to_owned());
        assert_eq!(Start::new(file).flags(both).config().model.as_deref(), Some("m"));
    }

    #[test]
    fn endpoints_are_made_and_corrected() {
        let file = "[limits]\nretries = 5\nconcurrency = 2\n\
            [endpoints.office]\nbase_url = \"https://llm.example/v1/\"\nkey_env = \"OFFICE\"\nkey_file = \"key\"\n\
            continues = \"exact\"\nlogprobs = \"after\"\n\
            [endpoints.office.limits]\nconcurrency = 4\n\
            [endpoints.ollama]\nmodel = \"qwen3:4b\"\n";
        let start = Start::new(file).flags(flags(|flags| flags.timeout_ms = Some(15_000)));
        let config = start.config();
        let office = config.endpoint("office").unwrap();
        assert_eq!(office.base_url, "https://llm.example/v1");
        assert_eq!((office.limits.retries, office.limits.concurrency), (5, 4));
        assert_eq!((office.limits.first_byte_ms, office.limits.between_bytes_ms), (15_000, 15_000));
        assert_eq!(config.endpoints["office"].key.file, Some(start.dir.path().join("key")));
        let ollama = config.endpoint("ollama").unwrap();
        assert_eq!((config.model("ollama"), ollama.limits.retries), (Some("qwen3:4b"), 5));
        assert!(ollama.legacy_max_tokens);
        let (office, ollama) = (&config.endpoints["office"], &config.endpoints["ollama"]);
        assert_eq!((office.continues, office.logprobs), (Means::Exact, Some(Logprobs::After)));
        assert_eq!((ollama.continues, ollama.logprobs), (Means::Asked, None));
    }

    #[test]
    fn mistakes_name_place_line_and_remedy() {
        for (file, told) in [
            ("a = \n", ["config.toml:1:", "in `a =`"]),
            ("\nmodle = \"x\"\n", ["config.toml:2:1: unknown key 'modle', in `modle = \"x\"`", "'model'"]),
            ("[sampling]\ntemperature = 9\n", [":2:15: 9 is out of bounds", "in `temperature = 9`"]),
            ("[endpoints.openai]\ncontinues = \"sure\"\n", [":2:13: 'sure' is not", "exact, prefill, asked"]),
            ("endpoint = \"olama\"\n", [":1:12: there is no endpoint 'olama'", "'ollama'"]),
            ("[ui]\nheat = \"surprise\"\n", [":2:8: 'surprise' is not", "'surprisal'"]),
            ("[endpoints.opnai]\nmodel = \"x\"\n", ["'opnai' has no base_url", "'openai'"]),
            ("[endpoints.x]\nbase_url = \"host\"\n", [":2:12: this is no base URL", "Write it like"]),
            ("[endpoints.sandbox]\nbase_url = \"http://h\"\n", ["inside this program", "another name"]),
            ("[models.x]\nwindow = 3\n", ["unknown key 'window'", "context_window"]),
            ("[endpoints.x]\napi_key = \"sk-abc\"\n", ["unknown key 'api_key'", "key_file"]),
        ] {
            let error = Start::new(file).error();
            assert!(told.iter().all(|part| error.contains(part)), "{file}{error}");
            assert!(!error.contains("abc"), "{error}");
        }
    }

    #[test]
    fn a_broken_file_leaves_defaults_variables_and_flags() {
        let start = Start::new("theme = \"paper\"\nx =")
            .env("TOKENSCOPE_HEAT", "surprisal")
            .flags(flags(|flags| flags.temperature = Some(0.2)));
        let loaded = start.load();
        assert!(loaded.error.is_some());
        assert_eq!((loaded.config.theme.as_str(), loaded.config.ui.heat), ("bamboo", Heat::Surprisal));
        assert_eq!(loaded.config.sampling.temperature, Some(0.2));
    }

    #[test]
    fn a_broken_variable_or_flag_is_named() {
        let error = Start::new("").env("TOKENSCOPE_TEMPERATURE", "warm").error();
        assert!(error.contains("TOKENSCOPE_TEMPERATURE: ") && error.contains("unset it"), "{error}");
        let error = Start::new("").flags(flags(|flags| flags.temperature = Some(-1.0))).error();
        assert!(error.contains("--temperature: -1 is out of bounds"), "{error}");
        let error = Start::new("").flags(flags(|flags| flags.base_url = Some("host".to_owned()))).error();
        assert!(error.contains("--base-url: this is no base URL"), "{error}");
        let error = Start::new("").flags(flags(|flags| flags.endpoint = Some("x".to_owned()))).error();
        assert!(error.contains("--endpoint: there is no endpoint 'x'"), "{error}");
    }

    #[test]
    fn an_unknown_theme_is_a_notice() {
        let loaded = Start::new("# mine\ntheme = \"bambo\"\n").load();
        assert_eq!((loaded.error, loaded.config.theme.as_str()), (None, "bamboo"));
        let notice = loaded.notices[0].to_string();
        assert!(
            notice.contains(":2:9: there is no theme 'bambo'") && notice.contains("'bamboo'"),
            "{notice}"
        );
    }

    #[test]
    fn an_unreadable_file_is_a_notice_unless_it_was_named() {
        let start = Start::new("");
        fs::create_dir(start.dir.path().join("config.toml")).unwrap();
        let loaded = start.load();
        assert_eq!((loaded.error, loaded.notices.len()), (None, 1));
        let named = Start::new("").flags(flags(|flags| flags.config = Some("config.toml".into())));
        assert!(named.error().contains("cannot be read"));
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let loaded = Start::new(&"#".repeat(1_100_000)).load();
        assert!(loaded.notices[0].message.contains("cannot be read"), "{:?}", loaded.notices);
    }
}
