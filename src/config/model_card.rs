//! What is known of models beforehand: compiled-in cards, and the user's corrections.
//!
//! Owns the matching of model names to patterns. A card is a first guess and says nothing it is not sure
//! of; the server has the last word.

use crate::core::model::ModelCard;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The compiled-in cards.
const BUILT_IN: &str = include_str!("../../assets/models.toml");

/// Some or all fields of a model card.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Card(toml::Table);

impl<'de> Deserialize<'de> for Card {
    /// Takes only fields a model card has, so that [`ModelCards::card`] cannot fail later.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = toml::Table::deserialize(deserializer)?;
        table.clone().try_into::<ModelCard>().map_err(|error| D::Error::custom(error.message()))?;
        Ok(Self(table))
    }
}

/// Cards by pattern, as in `assets/models.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardFile {
    models: BTreeMap<String, Card>,
}

/// The user's corrections by pattern, over the compiled-in cards.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ModelCards {
    user: BTreeMap<String, Card>,
}

impl ModelCards {
    /// Adds corrections; those of the same pattern are replaced.
    pub(super) fn add(&mut self, cards: BTreeMap<String, Card>) {
        self.user.extend(cards);
    }

    /// Returns what is known of a model: the best compiled-in card, with the fields of the user's best
    /// pattern put over it.
    #[must_use]
    pub fn card(&self, model: &str) -> ModelCard {
        let mut table = best(built_in(), model).map(|card| card.0.clone()).unwrap_or_default();
        if let Some(Card(user)) = best(&self.user, model) {
            table.extend(user.clone());
        }
        table.try_into().unwrap_or_default()
    }
}

/// Returns the compiled-in cards. They are read at the first question, not at the start.
fn built_in() -> &'static BTreeMap<String, Card> {
    static CARDS: OnceLock<BTreeMap<String, Card>> = OnceLock::new();
    CARDS.get_or_init(|| toml::from_str::<CardFile>(BUILT_IN).map(|file| file.models).unwrap_or_default())
}

/// Returns the card of the pattern that fits best: the one with the most letters.
///
/// Where the whole name fits nothing, the bare one is tried: `openai/gpt-4o` is `gpt-4o` at a broker, and
/// `ft:gpt-4o-mini:me::1` was made of it.
fn best<'a>(cards: &'a BTreeMap<String, Card>, model: &str) -> Option<&'a Card> {
    let fitting = |name: &str| {
        cards
            .iter()
            .filter(|(pattern, _)| fits(pattern, name))
            .max_by_key(|(pattern, _)| pattern.chars().filter(|c| *c != '*').count())
            .map(|(_, card)| card)
    };
    fitting(model).or_else(|| {
        let untuned = model.strip_prefix("ft:").and_then(|rest| rest.split(':').next()).unwrap_or(model);
        let bare = untuned.rsplit('/').next().unwrap_or(untuned);
        (bare != model).then(|| fitting(bare)).flatten()
    })
}

/// Whether a name fits a pattern, in which `*` stands for any letters or none; case does not count.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<u8> = pattern.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    let name: Vec<u8> = name.bytes().map(|byte| byte.to_ascii_lowercase()).collect();
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and up to where it has eaten: the only place worth going back to.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else if let Some((at, eaten)) = star {
            p = at + 1;
            n = eaten + 1;
            star = Some((at, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Encoding;
    use proptest::prelude::*;

    fn user(text: &str) -> ModelCards {
        ModelCards { user: toml::from_str::<CardFile>(text).unwrap().models }
    }

    #[test]
    fn the_compiled_in_cards_are_sound() {
        let file: CardFile = toml::from_str(BUILT_IN).unwrap();
        for (pattern, Card(table)) in &file.models {
            let card: ModelCard = table.clone().try_into().unwrap();
            if let Some(price) = card.price {
                assert_eq!(price.as_of.len(), 10, "{pattern}: a price needs its day");
                assert!(price.input >= 0.0 && price.output >= price.input, "{pattern}");
                assert!(price.cached_input.is_none_or(|cached| cached <= price.input), "{pattern}");
            }
            for refusal in &card.refuses {
                assert!(refusal.contains(": "), "{pattern}: '{refusal}' gives no reason");
            }
            assert!(card.max_output_tokens <= card.context_window.or(Some(u64::MAX)), "{pattern}");
        }
    }

    #[test]
    fn the_longest_pattern_wins() {
        let cards = ModelCards::default();
        let mini = cards.card("gpt-4o-mini-2024-07-18");
        assert_eq!(mini.price.map(|price| price.input), Some(0.15));
        assert_eq!(cards.card("GPT-4o").price.map(|price| price.input), Some(2.5));
        assert_eq!(cards.card("gpt-4").encoding, Some(Encoding::Cl100kBase));
        assert_eq!(cards.card("gpt-4.1-nano").context_window, Some(1_047_576));
        assert_eq!(cards.card("o3").logprobs, Some(false));
        assert_eq!(cards.card("somebody's model"), ModelCard::default());
    }

    #[test]
    fn brokers_and_fine_tunes_are_seen_through() {
        let cards = ModelCards::default();
        assert_eq!(cards.card("openai/gpt-4o"), cards.card("gpt-4o"));
        assert_eq!(cards.card("ft:gpt-4o-mini-2024-07-18:me::1").encoding, Some(Encoding::O200kBase));
    }

    #[test]
    fn the_sandbox_is_known_exactly() {
        let card = ModelCards::default().card("sandbox-mini");
        assert_eq!(card.context_window, Some(8192));
        assert!(card.exact_framing);
        assert_eq!(card.price.map(|price| price.output), Some(0.0));
        assert_eq!(card.encoding, Some(Encoding::O200kBase));
    }

    #[test]
    fn the_user_corrects_single_fields() {
        let cards = user("[models.\"gpt-4o*\"]\ncontext_window = 5\n[models.\"mine\"]\nlogprobs = true\n");
        let card = cards.card("gpt-4o");
        assert_eq!(card.context_window, Some(5));
        assert_eq!(card.encoding, Some(Encoding::O200kBase));
        assert_eq!(cards.card("mine").logprobs, Some(true));
        assert!(toml::from_str::<CardFile>("[models.x]\nwindow = 5").is_err());
    }

    #[test]
    fn stars_stand_for_any_letters() {
        for (pattern, name, fit) in [
            ("gpt-*-mini*", "gpt-4o-mini-2024", true),
            ("gpt-*-mini", "gpt-4o-mini-2024", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_cut_from_the_name_fits(head in "[a-c]{0,6}", middle in ".{0,8}", tail in "[a-c]{0,6}") {
            let (pattern, name) = (format!("{head}*{tail}"), format!("{head}{middle}{tail}"));
            prop_assert!(fits(&pattern, &name));
            let longer = format!("{pattern}!");
            prop_assert!(!fits(&longer, &name) || name.ends_with('!'));
        }
    }
}
