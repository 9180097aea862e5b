//! Ways to endpoints: finds the key, starts the sandbox when it is asked for, keeps one client each.
//!
//! Owns the clients of a process; workbench and headless commands share it. A key is read when its
//! endpoint is first used, handed to that endpoint's client, and kept nowhere else.

pub mod file;
pub mod private;
pub mod probe;
pub mod program;

use crate::config::{Config, SANDBOX};
use crate::core::fault::{Fault, FaultKind};
use crate::provider::Client;
use crate::sandbox::{Options, Server};
use secrecy::SecretString;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Longest a key command may take.
const KEY_COMMAND: Duration = Duration::from_secs(30);

/// Tokens per second at which the sandbox answers in the workbench: about as fast as people read.
pub const NATURAL_RATE: f64 = 60.0;

/// Ways to the endpoints of a configuration.
#[derive(Debug)]
pub struct Access {
    config: Arc<Config>,
    dotenv: PathBuf,
    rate: Option<f64>,
    clients: Mutex<HashMap<String, Arc<OnceCell<Client>>>>,
    sandbox: OnceCell<Server>,
}

impl Access {
    /// Returns ways to the endpoints of `config`; nothing is opened yet. `rate` is the sandbox's pace
    /// in tokens per second, `None` for as fast as it can.
    #[must_use]
    pub fn new(config: Arc<Config>, dotenv: PathBuf, rate: Option<f64>) -> Self {
        Self { config, dotenv, rate, clients: Mutex::default(), sandbox: OnceCell::new() }
    }

    /// Returns the configuration the ways are of.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the client of an endpoint, made on first use.
    ///
    /// # Errors
    /// When there is no such endpoint, its key cannot be read, or the sandbox cannot be started.
    pub async fn client(&self, name: &str) -> Result<Client, Fault> {
        let cell = {
            let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(clients.entry(name.to_owned()).or_default())
        };
        cell.get_or_try_init(|| self.open(name)).await.cloned()
    }

    /// Returns the model to ask at an endpoint: the configured one, else the first it lists.
    ///
    /// # Errors
    /// When the endpoint cannot be asked, or lists none.
    pub async fn model(&self, name: &str) -> Result<String, Fault> {
        if let Some(model) = self.config.model(name) {
            return Ok(model.to_owned());
        }
        let models = self.client(name).await?.models().await?;
        models.into_iter().next().ok_or_else(|| {
            Fault::new(FaultKind::NotFound, format!("{name} lists no model"))
                .remedy("Name one with --model, or with `model` in the configuration")
        })
    }

    async fn open(&self, name: &str) -> Result<Client, Fault> {
        let Some(settings) = self.config.endpoints.get(name) else {
            let known: Vec<_> = self.config.endpoints.keys().map(String::as_str).collect();
            return Err(Fault::new(FaultKind::Local, format!("there is no endpoint '{name}'"))
                .remedy(format!("Known are {}", known.join(", "))));
        };
        let mut endpoint = settings.endpoint(name);
        if name == SANDBOX {
            let server = self.sandbox().await?;
            endpoint.base_url = server.base_url();
            let key = server.key().map(|key| SecretString::from(key.to_owned()));
            return Client::new(&endpoint, key);
        }
        let (reference, dotenv) = (settings.key.clone(), self.dotenv.clone());
        let find =
            tokio::task::spawn_blocking(move || reference.find(&|name| std::env::var(name).ok(), &dotenv));
        let found = match tokio::time::timeout(KEY_COMMAND, find).await {
            Ok(Ok(found)) => found?,
            Ok(Err(_)) => {
                return Err(Fault::new(FaultKind::Local, format!("the key of {name} could not be read")));
            }
            Err(_) => {
                let seconds = KEY_COMMAND.as_secs();
                return Err(Fault::new(
                    FaultKind::Local,
                    format!("the key command of {name} took over {seconds} s"),
                )
                .remedy("Run it by hand to see what it waits for"));
            }
        };
        let (timeout_name, key) = (endpoint, found.map(|key| key.secret));
        // Making a client reads the system's certificates, which takes longer than a frame.
        tokio::task::spawn_blocking(move || Client::new(&timeout_name, key))
            .await
            .unwrap_or_else(|_| Err(Fault::new(FaultKind::Local, "the connection could not be prepared")))
    }

    async fn sandbox(&self) -> Result<&Server, Fault> {
        let start =
            || Server::start(Options { port: 0, key: Some(random_key()), rate: self.rate, seed: random() });
        self.sandbox.get_or_try_init(start).await
    }
}

/// Returns a number no one can guess: the standard library seeds its hashers from the system.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

fn random_key() -> String {
    format!("sandbox-{:016x}{:016x}", random(), random())
}
