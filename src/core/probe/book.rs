//! All findings, as they are kept: one for each endpoint, model and base URL.
//!
//! Owns the file's form. A finding belongs to the server it was made at: where the endpoint's base URL
//! has changed since, it is not found any more.

use super::{Finding, Subject};
use serde::{Deserialize, Serialize};

/// The version of the form this program writes.
const VERSION: u32 = 1;

/// Findings that are kept; of more the oldest go.
const KEPT: usize = 1000;

/// The findings of all probes so far, the newest last.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Probes(Vec<Finding>);

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    probes: Vec<Finding>,
}

impl Probes {
    /// Returns the finding of a subject.
    #[must_use]
    pub fn of(&self, subject: &Subject) -> Option<&Finding> {
        self.0.iter().rev().find(|finding| finding.is_of(subject))
    }

    /// Adds a finding in the place of an earlier one of the same subject.
    pub fn put(&mut self, finding: Finding) {
        self.0.retain(|other| !other.is_of(&finding.subject()));
        self.0.push(finding);
        let superfluous = self.0.len().saturating_sub(KEPT);
        self.0.drain(..superfluous);
    }

    /// Returns the number of findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was ever probed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the findings as a file holds them.
    #[must_use]
    pub fn to_json(&self) -> String {
        let file = File { version: VERSION, probes: self.0.clone() };
        // Plain data under text keys always has a JSON form.
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Reads the findings of a file.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn from_json(json: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if file.version != VERSION {
            return Err(format!("it is of version {}, and this program reads {VERSION}", file.version));
        }
        Ok(Self(file.probes))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answers;
    use super::*;

    fn finding(endpoint: &str, model: &str, base_url: &str, day: &str) -> Finding {
        Finding::new(&Subject::new(endpoint, model, base_url), &Answers::default(), day)
    }

    #[test]
    fn the_newest_finding_of_a_subject_is_kept() {
        let mut probes = Probes::default();
        probes.put(finding("a", "m", "http://h/v1", "2026-11-20"));
        probes.put(finding("a", "n", "http://h/v1", "2026-11-20"));
        probes.put(finding("a", "m", "http://h/v1", "2026-11-21"));
        assert_eq!(probes.len(), 2);
        let found = probes.of(&Subject::new("a", "m", "http://h/v1")).unwrap();
        assert_eq!(found.date, "2026-11-21");
        // Another server behind the same name is another subject.
        assert_eq!(probes.of(&Subject::new("a", "m", "http://other/v1")), None);
        assert_eq!(Probes::from_json(&probes.to_json()), Ok(probes));
    }

    #[test]
    fn what_is_no_file_of_findings_says_so() {
        for wrong in ["", "[]", "{\"version\":1}", "\u{0}", "{\"version\":1,\"probes\":[7]}"] {
            assert!(Probes::from_json(wrong).is_err(), "{wrong}");
        }
        let later = Probes::from_json("{\"version\":9,\"probes\":[]}").unwrap_err();
        assert!(later.contains("version 9"), "{later}");
        let mut full = Probes::default();
        for number in 0..KEPT + 3 {
            full.put(finding("a", &number.to_string(), "", "2026-11-21"));
        }
        assert_eq!(full.len(), KEPT);
        assert_eq!(full.of(&Subject::new("a", "0", "")), None);
    }
}
