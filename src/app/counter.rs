//! The live counter: tokens of the draft and of everything the next request would send.
//!
//! Counting itself happens elsewhere; this keeps the answers, asks for what is missing, and adds up.
//! Invariant: the sum over the conversation is kept, not computed per key, so a keystroke costs the
//! same in a long conversation as in an empty one.

use crate::app::msg::{CountKey, Effect};
use crate::core::context::{ContextUse, TOKENS_PER_MESSAGE, framing_tokens};
use crate::core::conversation::{Body, Conversation, Message};
use crate::core::id::MessageId;
use crate::core::model::{Encoding, ModelCard};
use crate::core::request::Role;
use crate::core::run::Count;
use crate::core::sweep::hash_of;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Bytes per token assumed for a text that is not counted yet; only ever shown with `≈`.
const BYTES_PER_TOKEN: u64 = 4;

/// Most values of axes whose counts are held.
const MAX_VALUES: usize = 4_096;

/// State of the live counter.
#[derive(Debug)]
pub struct Counter {
    /// The vocabulary of the chosen model, and whether it is the model's own.
    encoding: Encoding,
    is_exact: bool,
    draft: Option<(u64, u64)>,
    draft_bytes: u64,
    draft_revision: u64,
    in_flight: bool,
    counts: HashMap<CountKey, u64>,
    asked: HashSet<CountKey>,
    history: Sum,
    offered: Option<Offered>,
    offers: u32,
    /// How often counts of values came.
    valued: u64,
}

/// What Enter would send while nothing is typed.
#[derive(Debug, Clone, PartialEq)]
struct Offered {
    question: Arc<str>,
    key: CountKey,
}

/// Which messages of the conversation are sent with the draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    upto: usize,
    without: Option<MessageId>,
}

impl Default for Sent {
    /// Returns all messages.
    fn default() -> Self {
        Self { upto: usize::MAX, without: None }
    }
}

impl Sent {
    /// Returns the first `upto` messages.
    #[must_use]
    pub fn first(upto: usize) -> Self {
        Self { upto, ..Self::default() }
    }

    /// Returns all messages but the one in whose place the draft will stand.
    #[must_use]
    pub fn without(without: Option<MessageId>) -> Self {
        Self { without, ..Self::default() }
    }
}

/// The conversation's part of the next request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    tokens: u64,
    messages: usize,
    is_counted: bool,
}

impl Counter {
    /// Returns a counter for a vocabulary; `is_exact` says whether it is the model's own.
    #[must_use]
    pub fn new(encoding: Encoding, is_exact: bool) -> Self {
        Self {
            encoding,
            is_exact,
            draft: None,
            draft_bytes: 0,
            draft_revision: 0,
            in_flight: false,
            counts: HashMap::new(),
            asked: HashSet::new(),
            history: Sum::default(),
            offered: None,
            offers: 0,
            valued: 0,
        }
    }

    /// Returns the vocabulary counted with.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether the vocabulary is the model's own.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.is_exact
    }

    /// Counts with another vocabulary from now on; everything is counted anew.
    pub fn use_encoding(&mut self, encoding: Encoding, is_exact: bool) {
        self.is_exact = is_exact;
        if self.encoding != encoding {
            *self = Self {
                draft_bytes: self.draft_bytes,
                draft_revision: self.draft_revision,
                offered: self.offered.take(),
                offers: self.offers,
                valued: self.valued + 1,
                ..Self::new(encoding, is_exact)
            };
        }
    }

    /// Returns whether the draft at `revision` should be sent to be counted now: one is at a time.
    pub fn wants_draft(&mut self, revision: u64, bytes: usize) -> bool {
        self.draft_revision = revision;
        self.draft_bytes = bytes as u64;
        let known = self.draft.is_some_and(|(counted, _)| counted == revision);
        if known || self.in_flight {
            return false;
        }
        self.in_flight = true;
        true
    }

    /// Takes the count of a draft; returns whether a newer draft still waits for one.
    pub fn on_draft(&mut self, revision: u64, tokens: u64) -> bool {
        self.in_flight = false;
        self.draft = Some((revision, tokens));
        revision != self.draft_revision
    }

    /// Takes counts of messages, unless they are of another vocabulary.
    pub fn on_counts(&mut self, encoding: Encoding, counts: Vec<(CountKey, u64)>) {
        if encoding == self.encoding {
            let is_value = |(key, _): &(CountKey, u64)| matches!(key, CountKey::Value(_));
            self.valued += u64::from(counts.iter().any(is_value));
            self.counts.extend(counts);
        }
    }

    /// Asks for the counts of texts that axes put in place, each once. Of too many all are let go first, as values
    /// are typed key by key.
    pub fn value(&mut self, texts: &[Arc<str>]) -> Option<Effect> {
        let keys: Vec<CountKey> = texts.iter().map(|text| value_key(text)).collect();
        let is_value = |key: &CountKey| matches!(key, CountKey::Value(_));
        if self.asked.len() > MAX_VALUES && self.asked.iter().filter(|key| is_value(key)).count() > MAX_VALUES
        {
            self.asked.retain(|key| !is_value(key) || keys.contains(key));
            self.counts.retain(|key, _| !is_value(key) || keys.contains(key));
        }
        let new = keys.into_iter().zip(texts).filter(|(key, _)| self.asked.insert(*key));
        let texts: Vec<_> = new.map(|(key, text)| (key, Arc::clone(text))).collect();
        (!texts.is_empty()).then_some(Effect::Count { encoding: self.encoding, texts })
    }

    /// Returns the tokens of a text that an axis puts in place, where they are counted.
    #[must_use]
    pub fn of_value(&self, text: &str) -> Option<u64> {
        self.counts.get(&value_key(text)).copied()
    }

    /// Returns a number that is another once counts of values have come.
    #[must_use]
    pub fn valued(&self) -> u64 {
        self.valued
    }

    /// Takes note of the question that Enter would ask although nothing is typed; returns whether it
    /// is another than before.
    pub fn offer(&mut self, question: Option<Arc<str>>) -> bool {
        if self.offered.as_ref().map(|offered| &offered.question) == question.as_ref() {
            return false;
        }
        self.offers += 1;
        let key = CountKey::Offered(self.offers);
        self.offered = question.map(|question| Offered { question, key });
        true
    }

    /// Adds up the messages of the conversation that are sent and the question that is offered, and
    /// returns what has to be counted first.
    ///
    /// To be called when one of them, the memory setting or the counts changed, never per key.
    pub fn add_up(&mut self, conversation: &Conversation, sent: Sent) -> Option<Effect> {
        let mut missing: Vec<(CountKey, Arc<str>)> = Vec::new();
        let mut sum = Sum { is_counted: true, ..Sum::default() };
        if let Some(Offered { question, key }) = &self.offered {
            sum.messages += 1;
            match self.counts.get(key) {
                Some(tokens) => sum.tokens += tokens,
                None => {
                    sum.is_counted = false;
                    sum.tokens += question.len() as u64 / BYTES_PER_TOKEN;
                    if self.asked.insert(*key) {
                        missing.push((*key, Arc::clone(question)));
                    }
                }
            }
        }
        for message in conversation.messages.iter().take(sent.upto) {
            if message.text().is_empty()
                || (!conversation.memory && message.role != Role::System)
                || sent.without == Some(message.id)
            {
                continue;
            }
            sum.messages += 1;
            let key = count_key(message);
            match self.counts.get(&key) {
                Some(tokens) => sum.tokens += tokens,
                None => {
                    sum.is_counted = false;
                    sum.tokens += message.text().len() as u64 / BYTES_PER_TOKEN;
                    let is_final = message.run().is_none_or(|run| run.status.is_ended());
                    if is_final && self.asked.insert(key) {
                        missing.push((key, message.shared_text()));
                    }
                }
            }
        }
        self.history = sum;
        (!missing.is_empty()).then_some(Effect::Count { encoding: self.encoding, texts: missing })
    }

    /// Returns the tokens of the draft.
    #[must_use]
    pub fn draft(&self) -> Count {
        match self.draft {
            _ if self.draft_bytes == 0 => Count::Exact(0),
            Some((revision, tokens)) if revision == self.draft_revision && self.is_exact => {
                Count::Exact(tokens)
            }
            Some((_, tokens)) => Count::Estimate(tokens),
            None => Count::Estimate(self.draft_bytes.div_ceil(BYTES_PER_TOKEN)),
        }
    }

    /// Returns how the next request, draft included, fills the model's window.
    #[must_use]
    pub fn context(&self, card: &ModelCard, reply_limit: Option<u32>) -> ContextUse {
        let draft = self.draft();
        let mut tokens = self.history.tokens + framing_tokens(self.history.messages);
        if draft.tokens() > 0 {
            let own = if self.history.messages == 0 { framing_tokens(1) } else { TOKENS_PER_MESSAGE };
            tokens += draft.tokens() + own;
        }
        let exact = self.history.is_counted
            && self.is_exact
            && card.exact_framing
            && matches!(draft, Count::Exact(_));
        let used = if exact || tokens == 0 { Count::Exact(tokens) } else { Count::Estimate(tokens) };
        ContextUse { used, window: card.context_window, reply_limit: reply_limit.map(u64::from) }
    }

    /// Returns the counted tokens of a message.
    #[must_use]
    pub fn of(&self, message: &Message) -> Option<u64> {
        self.counts.get(&count_key(message)).copied()
    }
}

/// Returns the name of a message's countable text.
#[must_use]
pub fn count_key(message: &Message) -> CountKey {
    match &message.body {
        Body::Text(_) => CountKey::Message(message.id),
        Body::Answer(answer) => CountKey::Answer(answer.chosen().id),
    }
}

fn value_key(text: &str) -> CountKey {
    CountKey::Value(hash_of(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation() -> Conversation {
        let message =
            |id, role, text: &str| Message { id: MessageId(id), role, body: Body::Text(text.into()) };
        let messages = vec![message(1, Role::System, "be kind"), message(2, Role::User, "hello there")];
        Conversation { messages, memory: true }
    }

    fn counted() -> Counter {
        let mut counter = Counter::new(Encoding::O200kBase, true);
        let key = |id| CountKey::Message(MessageId(id));
        counter.on_counts(Encoding::O200kBase, vec![(key(1), 2), (key(2), 5)]);
        counter
    }

    fn card() -> ModelCard {
        ModelCard { exact_framing: true, context_window: Some(100), ..ModelCard::default() }
    }

    #[test]
    fn context_is_history_draft_and_framing() {
        let mut counter = counted();
        assert_eq!(counter.add_up(&conversation(), Sent::default()), None);
        assert_eq!(counter.context(&card(), None).used, Count::Exact(2 + 5 + 3 + 2 * 4));
        assert!(counter.wants_draft(1, 12));
        counter.on_draft(1, 3);
        assert_eq!(counter.context(&card(), None).used, Count::Exact(18 + 3 + 4));
    }

    #[test]
    fn without_memory_only_system_messages_and_the_draft_count() {
        let mut counter = counted();
        let conversation = Conversation { memory: false, ..conversation() };
        counter.add_up(&conversation, Sent::default());
        assert_eq!(counter.context(&card(), None).used, Count::Exact(2 + 3 + 4));
    }

    #[test]
    fn a_question_that_is_offered_counts_as_if_it_were_typed() {
        let mut counter = counted();
        assert!(counter.offer(Some("why?".into())));
        assert!(!counter.offer(Some("why?".into())), "the same question is counted once");
        let Some(Effect::Count { texts, encoding }) = counter.add_up(&conversation(), Sent::first(1)) else {
            panic!("nothing is asked for");
        };
        counter.on_counts(encoding, texts.into_iter().map(|(key, _)| (key, 2)).collect());
        assert_eq!(counter.add_up(&conversation(), Sent::first(1)), None);
        assert_eq!(counter.context(&card(), None).used, Count::Exact(2 + 2 + 3 + 2 * 4));
        assert!(counter.offer(None));
        counter.add_up(&conversation(), Sent::default());
        assert_eq!(counter.context(&card(), None).used, Count::Exact(2 + 5 + 3 + 2 * 4));
    }

    #[test]
    fn what_is_not_counted_yet_is_an_estimate_and_asked_for_once_known_exact() {
        let mut counter = Counter::new(Encoding::O200kBase, true);
        let effect = counter.add_up(&conversation(), Sent::default());
        assert!(matches!(effect, Some(Effect::Count { texts, .. }) if texts.len() == 2));
        assert!(matches!(counter.context(&card(), None).used, Count::Estimate(_)));
    }

    #[test]
    fn one_count_of_the_draft_is_under_way_at_a_time() {
        let mut counter = Counter::new(Encoding::O200kBase, true);
        assert!(counter.wants_draft(1, 10));
        assert!(!counter.wants_draft(2, 11));
        assert!(counter.on_draft(1, 3), "a newer draft waits");
        assert_eq!(counter.draft(), Count::Estimate(3));
        assert!(counter.wants_draft(2, 11));
        assert!(!counter.on_draft(2, 4));
        assert_eq!(counter.draft(), Count::Exact(4));
    }

    #[test]
    fn counts_of_another_vocabulary_are_ignored() {
        let mut counter = counted();
        counter.use_encoding(Encoding::Cl100kBase, true);
        counter.on_counts(Encoding::O200kBase, vec![(CountKey::Message(MessageId(1)), 2)]);
        assert!(counter.add_up(&conversation(), Sent::default()).is_some());
    }
}
