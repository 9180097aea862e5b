//! A plan made ready to be asked: what it leaves open comes from the configuration.
//!
//! Owns that order, for whoever runs a plan: workbench and headless command differ in where they show
//! answers, never in what a file asks. Pure: the plan's own files are read by the caller.

use crate::check::{Check, Examiner};
use crate::config::Config;
use crate::core::fault::{Fault, FaultKind};
use crate::core::request::{Request, Sampling};
use crate::core::sweep::preflight::Budget;
use crate::core::sweep::{Known, Sweep};
use crate::plan::{Plan, ReadFile};
use crate::structured::shape::Shape;

/// What a plan asks, within what, and what the answers must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Ready {
    /// The requests.
    pub sweep: Sweep,
    /// What the answers must hold.
    pub checks: Vec<Check>,
    /// What it may use.
    pub budget: Budget,
    /// Requests under way at once at each endpoint.
    pub lanes: usize,
}

/// Returns the names of a configuration that lists of values may use.
#[must_use]
pub fn known(config: &Config) -> Known<'_> {
    let personas = config.personas.iter();
    let endpoints = config.endpoints.keys();
    Known {
        personas: personas.map(|(name, persona)| (name.as_str(), persona.system.as_str())).collect(),
        endpoints: endpoints.map(|name| (name.as_str(), config.model(name))).collect(),
    }
}

impl Plan {
    /// Returns the endpoint that is asked.
    #[must_use]
    pub fn endpoint<'a>(&'a self, config: &'a Config) -> &'a str {
        self.endpoint.as_deref().unwrap_or(&config.endpoint)
    }

    /// Returns what its requests begin with, sampled as configured: endpoint and model are the plan's, else
    /// those of the configuration. The model is empty where nobody names one.
    #[must_use]
    pub fn base(&self, config: &Config) -> Request {
        let endpoint = self.endpoint(config);
        let model = self.model.as_deref().or_else(|| config.model(endpoint)).unwrap_or_default();
        Request {
            endpoint: endpoint.into(),
            model: model.into(),
            messages: Vec::new(),
            sampling: Sampling::clone(&config.sampling),
            continuation: None,
            stream: true,
        }
    }

    /// Returns the plan ready to be asked. `base` has what it leaves open of a request, `read` gives the
    /// texts of the files beside it.
    ///
    /// # Errors
    /// Says what keeps it from being asked, schemas and patterns that answers could not be held to included.
    pub fn ready(&self, base: Request, config: &Config, read: ReadFile<'_>) -> Result<Ready, Fault> {
        let wrong = |message: String| Fault::new(FaultKind::Local, message);
        let sweep = self.sweep(base, &known(config), read).map_err(wrong)?;
        let mut seen = Vec::new();
        for cell in sweep.cells() {
            let format = cell.request.sampling.response_format;
            if !seen.contains(&format) {
                Shape::of(format.as_ref())?;
                seen.push(format);
            }
        }
        Examiner::new(self.checks.iter().cloned())?;
        let lanes = self.concurrency.unwrap_or(config.compare.concurrency);
        Ok(Ready { sweep, checks: self.checks.clone(), budget: self.budget, lanes })
    }
}
