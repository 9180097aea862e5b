//! Which vocabulary a model uses, by its name.
//!
//! Owns the name rules only. Never asks a server, and never claims a vocabulary for a model whose
//! maker does not publish it: such a choice is marked as not exact.

use crate::core::model::Encoding;

/// The vocabulary to count with for a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodingChoice {
    /// The vocabulary.
    pub encoding: Encoding,
    /// Whether the model is known to use it. Counts are estimates otherwise.
    pub is_exact: bool,
}

/// Beginnings of model names and their vocabulary; the first that fits decides.
///
/// Every beginning ends a word: `o1` is not the beginning of `o100`.
const FAMILIES: [(&str, Encoding); 17] = [
    ("sandbox", Encoding::O200kBase),
    ("gpt-oss", Encoding::O200kBase),
    ("gpt-4o", Encoding::O200kBase),
    ("chatgpt-4o", Encoding::O200kBase),
    ("gpt-4.1", Encoding::O200kBase),
    ("gpt-4.5", Encoding::O200kBase),
    ("gpt-5", Encoding::O200kBase),
    ("gpt-6", Encoding::O200kBase),
    ("o1", Encoding::O200kBase),
    ("o3", Encoding::O200kBase),
    ("o4", Encoding::O200kBase),
    ("codex", Encoding::O200kBase),
    ("gpt-4", Encoding::Cl100kBase),
    ("gpt-3.5", Encoding::Cl100kBase),
    ("gpt-35", Encoding::Cl100kBase),
    ("text-embedding-ada-002", Encoding::Cl100kBase),
    ("text-embedding-3", Encoding::Cl100kBase),
];

/// Returns the vocabulary to count with for a model name.
///
/// The name may carry a vendor (`openai/gpt-4o`) or be a fine-tuned one (`ft:gpt-4o:org::id`).
pub fn encoding_for(model: &str) -> EncodingChoice {
    let name = model.trim().to_ascii_lowercase();
    let name = name.strip_prefix("openai/").unwrap_or(&name);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let known = FAMILIES.iter().find(|(family, _)| begins_with_family(name, family));
    match known {
        Some(&(_, encoding)) => EncodingChoice { encoding, is_exact: true },
        None => EncodingChoice { encoding: Encoding::O200kBase, is_exact: false },
    }
}

fn begins_with_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| {
        rest.chars().next().is_none_or(|next| matches!(next, '-' | '.' | ':' | '/' | '@' | '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(model: &str) -> (&'static str, bool) {
        let choice = encoding_for(model);
        (choice.encoding.name(), choice.is_exact)
    }

    #[test]
    fn known_families_are_exact() {
        let o200k = [
            "gpt-4o",
            "gpt-4o-mini-2024-07-18",
            "chatgpt-4o-latest",
            "gpt-4.1",
            "gpt-4.1-nano",
            "gpt-4.5",
            "gpt-4.5-preview",
            "gpt-5",
            "gpt-5-mini",
            "gpt-5.1",
            "gpt-6",
            "gpt-6.2-pro",
            "o1",
            "o1-pro",
            "o3",
            "o3-mini",
            "o4",
            "o4-mini",
            "codex-mini-latest",
            "gpt-oss-20b",
            "gpt-oss:120b",
            "openai/gpt-4o",
            "openai/gpt-oss-120b",
            "ft:gpt-4o-mini:org::id",
            "sandbox-small",
            "sandbox/echo",
            "GPT-4o ",
        ];
        for model in o200k {
            assert_eq!(name_of(model), ("o200k_base", true), "{model}");
        }
        let cl100k = [
            "gpt-4",
            "gpt-4-0613",
            "gpt-4-turbo",
            "gpt-3.5-turbo",
            "gpt-35-turbo",
            "ft:gpt-3.5-turbo:org::id",
        ];
        for model in cl100k {
            assert_eq!(name_of(model), ("cl100k_base", true), "{model}");
        }
    }

    #[test]
    fn every_other_name_is_an_estimate() {
        for model in [
            "",
            "llama3.2",
            "claude-sonnet-4",
            "gemini-3-pro",
            "o100",
            "gpt-40",
            "qwen3",
            "ft:",
            "mistral/gpt-4o",
        ] {
            assert_eq!(name_of(model), ("o200k_base", false), "{model}");
        }
    }
}
