//! Where reported values stand: before or after temperature, and how that is known.
//!
//! Owns the two words that stand beside every probability, on screen and in JSON. Never guesses in
//! silence: what nobody said or tried is `assumed`, and says so.
//!
//! Invariant: a statement always carries its basis.

use serde::{Deserialize, Serialize};
use std::fmt;

/// On which side of the sampling parameters the reported values were taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The model's own distribution, as at temperature 1, with nothing cut.
    #[default]
    BeforeTemperature,
    /// The distribution that was drawn from: temperature applied, and what the cuts left.
    AfterTemperature,
}

impl Stage {
    /// Returns the words on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeTemperature => "before temperature",
            Self::AfterTemperature => "after temperature",
        }
    }
}

/// How the stage is known, the weakest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Nobody said: what most servers do.
    #[default]
    Assumed,
    /// The server's documentation or source says so.
    Documented,
    /// The endpoint was tried.
    Probed,
    /// The user's configuration says so.
    Configured,
}

impl Basis {
    /// Returns the word on screen and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assumed => "assumed",
            Self::Documented => "documented",
            Self::Probed => "probed",
            Self::Configured => "configured",
        }
    }
}

/// A stage together with how it is known; before temperature and assumed, unless told otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The stage.
    pub stage: Stage,
    /// How it is known.
    pub basis: Basis,
}

impl Provenance {
    /// Returns the statement of a source that may have one: `Some(true)` for before temperature.
    /// Without one the stage is assumed.
    #[must_use]
    pub fn stated(is_before_temperature: Option<bool>, basis: Basis) -> Self {
        match is_before_temperature {
            None => Self::default(),
            Some(true) => Self { stage: Stage::BeforeTemperature, basis },
            Some(false) => Self { stage: Stage::AfterTemperature, basis },
        }
    }

    /// Returns the statement with the better basis; `other` where both are as good.
    #[must_use]
    pub fn or_better(self, other: Self) -> Self {
        if self.basis > other.basis { self } else { other }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.stage.name(), self.basis.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_known_and_how() {
        let probed = Provenance::stated(Some(false), Basis::Probed);
        assert_eq!(probed.to_string(), "after temperature, probed");
        assert_eq!(Provenance::stated(None, Basis::Probed).to_string(), "before temperature, assumed");
        let json = serde_json::to_string(&probed).unwrap();
        assert_eq!(json, r#"{"stage":"after_temperature","basis":"probed"}"#);
        assert_eq!(serde_json::from_str::<Provenance>(&json).unwrap(), probed);
    }

    #[test]
    fn the_better_basis_wins() {
        let documented = Provenance::stated(Some(true), Basis::Documented);
        let probed = Provenance::stated(Some(false), Basis::Probed);
        assert_eq!(documented.or_better(probed), probed);
        assert_eq!(probed.or_better(documented), probed);
        let retried = Provenance::stated(Some(true), Basis::Probed);
        assert_eq!(probed.or_better(retried), retried);
    }
}
