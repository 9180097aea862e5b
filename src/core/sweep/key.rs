//! The key of a sample: the same for the same request and number, today and in a year.
//!
//! Owns the hash, 128 bits of FNV-1a over a canonical text, so it depends on no platform, no version
//! of a hasher and no order of fields. Keys find what was answered already; they prove nothing.

use crate::core::request::Request;
use serde_json::{Value, json};
use std::fmt::{self, Write};

/// Identifies a request and which of several equal ones it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SampleKey(pub u128);

impl SampleKey {
    /// Returns the key of the `number`th request of this kind, from 0.
    ///
    /// Whether the answer is asked for piece by piece changes nothing in it, so that does not count.
    #[must_use]
    pub fn new(request: &Request, number: u32) -> Self {
        // Every field is named, so that a new one cannot be forgotten here.
        let Request { endpoint, model, messages, sampling, continuation, stream: _ } = request;
        let mut whole = json!({
            "endpoint": endpoint, "model": model, "messages": messages, "sampling": sampling, "number": number,
        });
        // A whole answer has the key it always had.
        if let Some(continuation) = continuation {
            whole["continuation"] = json!(continuation);
        }
        let mut hash = Hash::new();
        // Writing into a hash cannot fail.
        let _ = canonical(&whole, &mut hash);
        Self(hash.0)
    }
}

/// Returns the hash of a text, for finding equal ones.
#[must_use]
pub fn hash_of(text: &str) -> u128 {
    let mut hash = Hash::new();
    // Writing into a hash cannot fail.
    let _ = hash.write_str(text);
    hash.0
}

impl fmt::Display for SampleKey {
    /// Writes 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// FNV-1a with 128 bits.
struct Hash(u128);

impl Hash {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    fn new() -> Self {
        Self(Self::OFFSET)
    }
}

impl Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
        Ok(())
    }
}

/// Writes a value with the fields of every object in the order of their names.
fn canonical(value: &Value, out: &mut impl Write) -> fmt::Result {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            for (name, value) in sorted {
                write!(out, "{{{}:", Value::from(name.as_str()))?;
                canonical(value, out)?;
            }
            out.write_str("}")
        }
        Value::Array(entries) => {
            for entry in entries {
                out.write_str("[")?;
                canonical(entry, out)?;
            }
            out.write_str("]")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => write!(out, "{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::request::{Continuation, Means, Prompt, ResponseFormat, Role, Sampling};
    use std::sync::Arc;

    fn request() -> Request {
        Request {
            endpoint: "openai".into(),
            model: "gpt-4o-mini".into(),
            messages: vec![Prompt::new(Role::User, "안녕?")],
            sampling: Sampling { temperature: Some(0.7), ..Sampling::default() },
            continuation: None,
            stream: true,
        }
    }

    #[test]
    fn a_key_never_changes() {
        // Kept answers are found by it: another value here would ask everything again.
        assert_eq!(SampleKey::new(&request(), 0).to_string(), "ed046ab876e5003a38b1e19eafc172b7");
        assert_eq!(hash_of(""), Hash::OFFSET);
        assert_eq!(hash_of("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn every_part_of_a_request_counts_but_how_it_is_delivered() {
        let whole = SampleKey::new(&request(), 0);
        let changed = |change: fn(&mut Request)| {
            let mut request = request();
            change(&mut request);
            SampleKey::new(&request, 0)
        };
        assert_eq!(changed(|request| request.stream = false), whole);
        let others = [
            SampleKey::new(&request(), 1),
            changed(|request| request.endpoint = "groq".into()),
            changed(|request| request.model = "gpt-4o".into()),
            changed(|request| request.messages[0].content = "안녕".into()),
            changed(|request| request.messages[0].role = Role::System),
            changed(|request| request.messages.push(Prompt::new(Role::User, ""))),
            changed(|request| request.sampling.temperature = None),
            changed(|request| request.sampling.seed = Some(0)),
            changed(|request| request.sampling.response_format = Some(ResponseFormat::JsonObject)),
            changed(|request| {
                let continuation =
                    Continuation { prefix: "Slow".into(), tokens: Arc::new([]), means: Means::Prefill };
                request.continuation = Some(continuation);
            }),
        ];
        assert!(others.iter().all(|key| *key != whole));
    }
}
