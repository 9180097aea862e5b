//! Endpoints: the presets, the user's own, and the one a `--base-url` makes.
//!
//! Owns base URLs and the decision which key reference belongs to which URL. It never reads a key.
//! Invariant: the base URL of an endpoint is a clean `http(s)://host/path` without a login, so it can be
//! shown and stored anywhere.

use crate::config::secret::KeyReference;
use crate::core::endpoint::{Endpoint, Limits, ProviderKind};
use crate::core::request::Means;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

/// Name of the endpoint that is embedded in this program.
pub const SANDBOX: &str = "sandbox";

/// Name of the endpoint used when there is a key and nothing else was chosen.
pub const OPENAI: &str = "openai";

/// Variable with the key that a `--base-url` uses.
pub(super) const OPENAI_API_KEY: &str = "OPENAI_API_KEY";

/// Name of the preset for vLLM.
const VLLM: &str = "vllm";

/// Longest base URL, in bytes.
const MAX_URL: usize = 2048;

/// What is configured for one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointSettings {
    /// Base URL with the version and without a trailing slash; empty for the sandbox, whose port is
    /// known only while it runs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub base_url: String,
    /// The wire protocol.
    pub provider: ProviderKind,
    /// Where its key comes from.
    #[serde(flatten)]
    pub key: KeyReference,
    /// The model to start with; the first the endpoint lists where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether the output limit must be sent as `max_tokens`.
    pub legacy_max_tokens: bool,
    /// How it goes on from a given beginning.
    pub continues: Means,
    /// What the user says of the probabilities it reports; `None` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Logprobs>,
    /// Times, tries and sizes.
    pub limits: Limits,
}

/// Whether reported probabilities are those before or after temperature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Logprobs {
    /// The model's own.
    Before,
    /// Those that were drawn from.
    After,
}

impl Logprobs {
    /// Whether they are the model's own, whatever the temperature.
    #[must_use]
    pub fn is_before_temperature(self) -> bool {
        match self {
            Self::Before => true,
            Self::After => false,
        }
    }
}

/// Whether the server of a preset is known to forbid the tokens that break a grammar before it takes
/// the probabilities it reports, which then are shares among what the grammar allows.
#[must_use]
pub fn is_after_mask(name: &str) -> bool {
    matches!(name, SANDBOX | VLLM)
}

impl Default for EndpointSettings {
    /// Returns an endpoint of which nothing is known: it is asked to begin an answer as wished, which
    /// every server can be.
    fn default() -> Self {
        Self {
            base_url: String::new(),
            provider: ProviderKind::default(),
            key: KeyReference::default(),
            model: None,
            legacy_max_tokens: false,
            continues: Means::Asked,
            logprobs: None,
            limits: Limits::default(),
        }
    }
}

impl EndpointSettings {
    /// Returns the endpoint under its name.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Endpoint {
        Endpoint {
            name: name.into(),
            base_url: self.base_url.clone(),
            provider: self.provider,
            limits: self.limits.clone(),
            legacy_max_tokens: self.legacy_max_tokens,
        }
    }
}

/// One compiled-in endpoint.
struct Preset {
    name: &'static str,
    base_url: &'static str,
    key_env: Option<&'static str>,
    model: Option<&'static str>,
    legacy_max_tokens: bool,
    continues: Means,
}

/// The compiled-in endpoints. Local servers have no key, and their model is the one they have loaded.
const PRESETS: [Preset; 9] = [
    Preset {
        name: SANDBOX,
        base_url: "",
        key_env: None,
        model: Some("sandbox-mini"),
        legacy_max_tokens: false,
        continues: Means::Prefill,
    },
    Preset {
        name: OPENAI,
        base_url: "https://api.openai.com/v1",
        key_env: Some(OPENAI_API_KEY),
        model: Some("gpt-4o-mini"),
        legacy_max_tokens: false,
        continues: Means::Asked,
    },
    Preset {
        name: "gemini",
        base_url: "https://generativelanguage.googleapis.com/v1beta/openai",
        key_env: Some("GEMINI_API_KEY"),
        model: Some("gemini-2.5-flash"),
        legacy_max_tokens: true,
        continues: Means::Asked,
    },
    Preset {
        name: "openrouter",
        base_url: "https://openrouter.ai/api/v1",
        key_env: Some("OPENROUTER_API_KEY"),
        model: Some("openai/gpt-4o-mini"),
        legacy_max_tokens: true,
        continues: Means::Asked,
    },
    Preset {
        name: "groq",
        base_url: "https://api.groq.com/openai/v1",
        key_env: Some("GROQ_API_KEY"),
        model: Some("llama-3.3-70b-versatile"),
        legacy_max_tokens: false,
        continues: Means::Asked,
    },
    Preset {
        name: "ollama",
        base_url: "http://127.0.0.1:11434/v1",
        key_env: None,
        model: None,
        legacy_max_tokens: true,
        continues: Means::Asked,
    },
    Preset {
        name: "llama.cpp",
        base_url: "http://127.0.0.1:8080/v1",
        key_env: Some("LLAMA_API_KEY"),
        model: None,
        legacy_max_tokens: true,
        continues: Means::Exact,
    },
    Preset {
        name: VLLM,
        base_url: "http://127.0.0.1:8000/v1",
        key_env: Some("VLLM_API_KEY"),
        model: None,
        legacy_max_tokens: false,
        continues: Means::Prefill,
    },
    Preset {
        name: "lm-studio",
        base_url: "http://127.0.0.1:1234/v1",
        key_env: None,
        model: None,
        legacy_max_tokens: true,
        continues: Means::Asked,
    },
];

/// Returns the compiled-in endpoints by name.
pub(super) fn presets() -> BTreeMap<String, EndpointSettings> {
    PRESETS
        .iter()
        .map(|preset| {
            let settings = EndpointSettings {
                base_url: preset.base_url.to_owned(),
                key: KeyReference { env: preset.key_env.map(str::to_owned), ..KeyReference::default() },
                model: preset.model.map(str::to_owned),
                legacy_max_tokens: preset.legacy_max_tokens,
                continues: preset.continues,
                ..EndpointSettings::default()
            };
            (preset.name.to_owned(), settings)
        })
        .collect()
}

/// A base URL that was found clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BaseUrl {
    /// The whole, without a trailing slash.
    pub(super) url: String,
    /// Scheme, host and port: what a key belongs to.
    origin: (bool, String, u16),
    /// Host and port as they were written.
    authority: String,
}

impl BaseUrl {
    /// Returns the base URL of this text.
    ///
    /// # Errors
    /// Says what is wrong with it, and what to write.
    pub(super) fn parse(text: &str) -> Result<Self, (String, String)> {
        const EXAMPLE: &str = "Write it like http://127.0.0.1:8080/v1";
        let wrong = |what: &str| Err((format!("this is no base URL: {what}"), EXAMPLE.to_owned()));
        let text = text.trim().trim_end_matches('/');
        if text.len() > MAX_URL || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("it is too long or has spaces, line breaks or letters beyond ASCII");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("http:// or https:// is missing");
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return wrong("it must begin with http:// or https://"),
        };
        if rest.contains(['?', '#', '\\']) {
            return wrong("it has a query, a fragment or a backslash");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err((
                "this base URL holds a login, which would be shown and stored".to_owned(),
                "Give the key with key_env, key_file or key_command".to_owned(),
            ));
        }
        for tail in ["chat/completions", "responses", "models"] {
            if let Some(base) = path.strip_suffix(tail).filter(|base| base.is_empty() || base.ends_with('/'))
            {
                return Err((
                    format!("this base URL goes on to `{tail}`"),
                    format!("Write {scheme}://{authority}/{}", base.trim_end_matches('/')),
                ));
            }
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => match port.parse::<u16>() {
                Ok(port) if port > 0 => (host, port),
                _ => return wrong("its port is no number from 1 to 65535"),
            },
            _ => (authority, if is_https { 443 } else { 80 }),
        };
        let is_address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
        let is_name = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
        if !is_address && !is_name {
            return wrong("it has no proper host");
        }
        Ok(Self {
            url: text.to_owned(),
            origin: (is_https, host.to_ascii_lowercase(), port),
            authority: authority.to_ascii_lowercase(),
        })
    }
}

/// Adds the endpoint for a base URL given by flag or variable, and returns its name.
///
/// The user asked for this URL by hand, so `OPENAI_API_KEY` from the *process* environment may go there:
/// that is how people point a client at any server. A key from `.env` may not: whoever wrote that file
/// meant the endpoint the variable is named after, and a file that comes with a folder must not be able to
/// decide where a key is sent. Where the URL belongs to a configured endpoint with a key of its own, that
/// key comes first.
pub(super) fn add_base_url(endpoints: &mut BTreeMap<String, EndpointSettings>, base: &BaseUrl) -> String {
    let same_url = |settings: &EndpointSettings| settings.base_url == base.url;
    let same_origin = |settings: &EndpointSettings| {
        settings.key != KeyReference::default()
            && BaseUrl::parse(&settings.base_url).is_ok_and(|other| other.origin == base.origin)
    };
    let known = endpoints
        .iter()
        .find(|(_, settings)| same_url(settings))
        .or_else(|| endpoints.iter().find(|(_, settings)| same_origin(settings)))
        .map(|(name, settings)| (name.clone(), settings.clone()));
    let (name, mut settings) = known.unwrap_or_else(|| (base.authority.clone(), EndpointSettings::default()));
    settings.base_url.clone_from(&base.url);
    settings.key.process_env = Some(OPENAI_API_KEY.to_owned());
    endpoints.insert(name.clone(), settings);
    name
}

/// Sends the requests of an endpoint to another URL, as a flag or variable asks.
///
/// Its key file, key command and `.env` belong to the URL it had; only the process environment still counts.
pub(super) fn redirect(settings: &mut EndpointSettings, base: &BaseUrl) {
    if settings.base_url == base.url {
        return;
    }
    settings.base_url.clone_from(&base.url);
    let variable = settings.key.env.take().unwrap_or_else(|| OPENAI_API_KEY.to_owned());
    settings.key = KeyReference { process_env: Some(variable), ..KeyReference::default() };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn base(text: &str) -> BaseUrl {
        BaseUrl::parse(text).unwrap()
    }

    #[test]
    fn presets_have_clean_urls() {
        let presets = presets();
        assert_eq!(presets.len(), PRESETS.len());
        for (name, settings) in &presets {
            if name == SANDBOX {
                assert!(settings.base_url.is_empty());
            } else {
                assert_eq!(base(&settings.base_url).url, settings.base_url, "{name}");
            }
        }
    }

    #[test]
    fn presets_go_on_as_their_servers_can() {
        let presets = presets();
        let means = |name: &str| presets[name].continues;
        assert_eq!([means(SANDBOX), means("vllm")], [Means::Prefill; 2]);
        assert_eq!(means("llama.cpp"), Means::Exact);
        assert_eq!([means(OPENAI), means("openrouter"), means("ollama")], [Means::Asked; 3]);
        assert_eq!(EndpointSettings::default().continues, Means::Asked);
    }

    #[test]
    fn base_urls_are_cleaned() {
        assert_eq!(base(" http://localhost:8080/v1/ ").url, "http://localhost:8080/v1");
        assert_eq!(base("http://[::1]:8080/v1").authority, "[::1]:8080");
        assert_eq!(base("https://[::1]").origin.2, 443);
        assert_eq!(base("https://API.openai.com/v1").origin, base("https://api.openai.com:443").origin);
    }

    #[test]
    fn wrong_base_urls_say_what_to_write() {
        for (text, told) in [
            ("localhost:8080", "missing"),
            ("ftp://host", "must begin"),
            ("http:///v1", "no proper host"),
            ("http://host:0/v1", "port"),
            ("http://host:99999/v1", "port"),
            ("http://host/v1?key=1", "query"),
            ("http://ho st/v1", "spaces"),
            ("http://user:pw@host/v1", "login"),
            ("http://호스트/v1", "ASCII"),
        ] {
            let (message, remedy) = BaseUrl::parse(text).unwrap_err();
            assert!(message.contains(told), "{text}: {message}");
            assert!(!remedy.is_empty() && !message.contains("pw"));
        }
        let (_, remedy) = BaseUrl::parse("https://h/v1/chat/completions").unwrap_err();
        assert_eq!(remedy, "Write https://h/v1");
        assert_eq!(base("https://h/my-models").url, "https://h/my-models");
        assert!(BaseUrl::parse("http://[::zz]/v1").is_err());
    }

    #[test]
    fn a_strange_host_gets_the_key_of_the_process_only() {
        let mut endpoints = presets();
        let name = add_base_url(&mut endpoints, &base("http://10.0.0.2:9000/v1"));
        assert_eq!(name, "10.0.0.2:9000");
        let key = &endpoints[&name].key;
        assert_eq!((key.env.as_deref(), key.process_env.as_deref()), (None, Some(OPENAI_API_KEY)));
    }

    #[test]
    fn the_url_of_a_configured_endpoint_keeps_its_own_key_first() {
        let mut endpoints = presets();
        let name = add_base_url(&mut endpoints, &base("https://api.groq.com/openai/v2"));
        assert_eq!(name, "groq");
        assert_eq!(endpoints["groq"].key.env.as_deref(), Some("GROQ_API_KEY"));
        assert_eq!(endpoints["groq"].base_url, "https://api.groq.com/openai/v2");
    }

    #[test]
    fn a_redirected_endpoint_leaves_its_file_and_command_behind() {
        let mut settings = presets().remove("groq").unwrap();
        settings.key.file = Some("/keys/groq".into());
        settings.key.command = vec!["pass".to_owned()];
        redirect(&mut settings, &base("http://127.0.0.1:1/v1"));
        assert_eq!(
            settings.key,
            KeyReference { process_env: Some("GROQ_API_KEY".to_owned()), ..KeyReference::default() }
        );
    }

    proptest! {
        #[test]
        fn a_clean_url_stays_as_it_is(text in "(https?://)?[a-z0-9.:@/?#\\[\\]%\\\\-]{0,40}") {
            if let Ok(first) = BaseUrl::parse(&text) {
                prop_assert_eq!(BaseUrl::parse(&first.url), Ok(first.clone()));
                prop_assert!(!first.url.contains('@') || first.url.split("://").nth(1).is_some_and(|rest| rest.split('/').next().is_some_and(|host| !host.contains('@'))));
            }
        }
    }
}
