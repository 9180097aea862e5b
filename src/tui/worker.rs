//! One thread for work that takes longer than a frame may: counting and colouring.
//!
//! Jobs are done in order. A draft that is superseded while it waits is not counted.

use crate::app::msg::{CodeKey, CountKey, Msg};
use crate::core::model::Encoding;
use crate::markup::Highlighter;
use crate::tokenizer::{self, incremental::Counter};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

enum Job {
    Load(Encoding),
    Draft { revision: u64, text: String, encoding: Encoding },
    Count { encoding: Encoding, texts: Vec<(CountKey, Arc<str>)> },
    Cut { revision: u64, text: Arc<str> },
    Highlight { key: CodeKey, language: String, from_line: usize, text: String },
}

/// The thread; it ends when this is dropped.
pub(crate) struct Worker {
    jobs: Sender<Job>,
}

impl Worker {
    /// Returns a worker that answers on a channel.
    pub(crate) fn start(messages: tokio::sync::mpsc::Sender<Msg>) -> Self {
        let (jobs, waiting) = channel();
        let work = move || Bench::default().work(&waiting, &messages);
        // Without a thread nothing is counted or coloured; figures stay estimates.
        drop(std::thread::Builder::new().name("worker".to_owned()).spawn(work));
        Self { jobs }
    }

    /// Loads a vocabulary.
    pub(crate) fn load(&self, encoding: Encoding) {
        self.send(Job::Load(encoding));
    }

    /// Counts a draft.
    pub(crate) fn count_draft(&self, revision: u64, text: String, encoding: Encoding) {
        self.send(Job::Draft { revision, text, encoding });
    }

    /// Counts messages.
    pub(crate) fn count(&self, encoding: Encoding, texts: Vec<(CountKey, Arc<str>)>) {
        self.send(Job::Count { encoding, texts });
    }

    /// Cuts a text into the tokens of all vocabularies.
    pub(crate) fn cut(&self, revision: u64, text: Arc<str>) {
        self.send(Job::Cut { revision, text });
    }

    /// Colours lines of code.
    pub(crate) fn highlight(&self, key: CodeKey, language: String, from_line: usize, text: String) {
        self.send(Job::Highlight { key, language, from_line, text });
    }

    fn send(&self, job: Job) {
        drop(self.jobs.send(job));
    }
}

/// What the thread keeps between jobs.
#[derive(Default)]
struct Bench {
    draft: Option<(Encoding, Counter)>,
    highlighter: Option<Highlighter>,
    keys: HashMap<CodeKey, u64>,
}

impl Bench {
    fn work(mut self, jobs: &Receiver<Job>, messages: &tokio::sync::mpsc::Sender<Msg>) {
        let mut next = jobs.recv().ok();
        while let Some(job) = next.take() {
            let mut following = None;
            let answer = match job {
                Job::Load(encoding) => {
                    tokenizer::table(encoding);
                    None
                }
                Job::Draft { mut revision, mut text, mut encoding } => {
                    while let Ok(job) = jobs.try_recv() {
                        if let Job::Draft { revision: newer, text: later, encoding: with } = job {
                            (revision, text, encoding) = (newer, later, with);
                        } else {
                            following = Some(job);
                            break;
                        }
                    }
                    Some(self.count_draft(revision, &text, encoding))
                }
                Job::Count { encoding, texts } => {
                    let table = tokenizer::table(encoding);
                    let counts = texts.iter().map(|(key, text)| (*key, table.count(text))).collect();
                    Some(Msg::Counted { encoding, counts })
                }
                Job::Cut { revision, text } => {
                    Some(Msg::TokensCut { revision, cutting: Arc::new(tokenizer::cut(&text)) })
                }
                Job::Highlight { key, language, from_line, text } => {
                    let count = self.keys.len() as u64;
                    let number = *self.keys.entry(key).or_insert(count);
                    let highlighter = self.highlighter.get_or_insert_with(Highlighter::new);
                    let lines = highlighter.lines(number, &language, from_line, &text);
                    Some(Msg::Highlighted { key, from_line, lines })
                }
            };
            if let Some(answer) = answer
                && messages.blocking_send(answer).is_err()
            {
                return;
            }
            next = following.or_else(|| jobs.recv().ok());
        }
    }

    fn count_draft(&mut self, revision: u64, text: &str, encoding: Encoding) -> Msg {
        if self.draft.as_ref().is_none_or(|(counted_with, _)| *counted_with != encoding) {
            self.draft = Some((encoding, Counter::new(tokenizer::table(encoding))));
        }
        let tokens = self.draft.as_mut().map_or(0, |(_, counter)| counter.set_text(text));
        Msg::DraftCounted { revision, tokens }
    }
}
