//! The open conversation: messages in order, answers with their variants.

use crate::core::id::{MessageId, RunId};
use crate::core::request::{Prompt, Role};
use crate::core::run::Run;
use std::sync::Arc;

/// What a message holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A text that was typed or came from a file.
    Text(Arc<str>),
    /// Runs that answer the message before; exactly one is chosen.
    Answer(Answer),
}

/// The variants of one answer; never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    variants: Vec<Run>,
    chosen: usize,
}

impl Answer {
    /// Returns an answer with one variant.
    #[must_use]
    pub fn new(run: Run) -> Self {
        Self { variants: vec![run], chosen: 0 }
    }

    /// Adds a variant and chooses it.
    pub fn add(&mut self, run: Run) {
        self.variants.push(run);
        self.chosen = self.variants.len() - 1;
    }

    /// Returns the chosen variant.
    #[must_use]
    pub fn chosen(&self) -> &Run {
        &self.variants[self.chosen]
    }

    /// Returns the index of the chosen variant, from 0.
    #[must_use]
    pub fn chosen_index(&self) -> usize {
        self.chosen
    }

    /// Returns all variants in the order they were asked for.
    #[must_use]
    pub fn variants(&self) -> &[Run] {
        &self.variants
    }

    /// Returns the variants that go on from a token of another one, with their places in the list: the
    /// limbs of the tree of variants.
    pub fn branches_of(&self, parent: RunId) -> impl Iterator<Item = (usize, &Run)> {
        let is_limb = move |run: &Run| run.branch.is_some_and(|branch| branch.parent == parent);
        self.variants.iter().enumerate().filter(move |(_, run)| is_limb(run))
    }

    /// Chooses the neighbour `step` away, staying inside the list; returns whether that changed anything.
    pub fn step(&mut self, step: isize) -> bool {
        let target = self.chosen.saturating_add_signed(step).min(self.variants.len() - 1);
        let changed = target != self.chosen;
        self.chosen = target;
        changed
    }

    /// Returns the variant with this identifier, to be changed.
    pub fn variant_mut(&mut self, run: RunId) -> Option<&mut Run> {
        self.variants.iter_mut().find(|variant| variant.id == run)
    }
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its identifier.
    pub id: MessageId,
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub body: Body,
}

impl Message {
    /// Returns the text: of the chosen variant for an answer.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text(text) => text,
            Body::Answer(answer) => &answer.chosen().text,
        }
    }

    /// Returns the chosen run of an answer.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        match &self.body {
            Body::Text(_) => None,
            Body::Answer(answer) => Some(answer.chosen()),
        }
    }

    /// Returns the text to share; a typed text is not copied.
    #[must_use]
    pub fn shared_text(&self) -> Arc<str> {
        match &self.body {
            Body::Text(text) => Arc::clone(text),
            Body::Answer(answer) => answer.chosen().text.as_str().into(),
        }
    }
}

/// Ordered messages; the thing saved and resumed.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// The messages in order.
    pub messages: Vec<Message>,
    /// Whether a request sends the history, or only the system messages and the last user message.
    pub memory: bool,
}

impl Default for Conversation {
    fn default() -> Self {
        Self { messages: Vec::new(), memory: true }
    }
}

impl Conversation {
    /// Returns the first words of the first user message, at most `max` characters, for a title.
    #[must_use]
    pub fn title(&self, max: usize) -> Option<String> {
        let first = self.messages.iter().find(|message| message.role == Role::User)?;
        let line = first.text().lines().find(|line| !line.trim().is_empty())?.trim();
        let mut title: String = line.chars().take(max).collect();
        if line.chars().nth(max).is_some() {
            title.push('…');
        }
        Some(title)
    }

    /// Returns the messages a request sends that asks for an answer after the first `upto` messages.
    ///
    /// Answers without text (failed before the first token) are left out. Without memory only the
    /// system messages and the last user message are sent.
    #[must_use]
    pub fn prompts(&self, upto: usize) -> Vec<Prompt> {
        let messages = &self.messages[..upto.min(self.messages.len())];
        let last_user = messages.iter().rposition(|message| message.role == Role::User);
        messages
            .iter()
            .enumerate()
            .filter(|(index, message)| {
                let kept = self.memory || message.role == Role::System || Some(*index) == last_user;
                kept && !(message.role == Role::Assistant && message.text().is_empty())
            })
            .map(|(_, message)| Prompt { role: message.role, content: message.shared_text() })
            .collect()
    }

    /// Returns all messages with a text, whatever the memory setting.
    #[must_use]
    pub fn whole(&self) -> Vec<Prompt> {
        let with_text = self.messages.iter().filter(|message| !message.text().is_empty());
        with_text.map(|message| Prompt { role: message.role, content: message.shared_text() }).collect()
    }

    /// Returns the position of a message.
    #[must_use]
    pub fn position(&self, id: MessageId) -> Option<usize> {
        self.messages.iter().position(|message| message.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(memory: bool) -> Conversation {
        let texts = [
            (Role::System, "be kind"),
            (Role::User, "one"),
            (Role::Assistant, "first"),
            (Role::System, "be brief"),
            (Role::User, "two"),
        ];
        let messages = texts
            .iter()
            .zip(1..)
            .map(|((role, text), id)| Message {
                id: MessageId(id),
                role: *role,
                body: Body::Text((*text).into()),
            })
            .collect();
        Conversation { messages, memory }
    }

    fn sent(conversation: &Conversation, upto: usize) -> Vec<String> {
        conversation.prompts(upto).iter().map(|prompt| prompt.content.to_string()).collect()
    }

    #[test]
    fn with_memory_the_whole_history_is_sent() {
        assert_eq!(sent(&conversation(true), 5), ["be kind", "one", "first", "be brief", "two"]);
    }

    #[test]
    fn without_memory_system_messages_and_the_last_user_message_are_sent() {
        assert_eq!(sent(&conversation(false), 5), ["be kind", "be brief", "two"]);
        assert_eq!(sent(&conversation(false), 2), ["be kind", "one"]);
    }
}
