//! The tones of code, line by line.
//!
//! Owns the only use of the syntax definitions, which load at the first call. Parses only; colours are
//! the theme's. Slow by nature (a third of a millisecond a line), so it is called off the input path,
//! and keeps the state of every block so that a growing block is parsed once.

use super::code::LineTones;
use super::row::{CodeTone, offset};
use std::collections::HashMap;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

/// Lines longer than this stay plain; the parser's time grows with them faster than their length.
const MAX_LINE: usize = 2 << 10;

/// Blocks whose state is kept.
const MAX_BLOCKS: usize = 64;

/// What parts of a scope's name mean, the more special before the more general.
const TONES: [(&str, CodeTone); 24] = [
    ("comment", CodeTone::Comment),
    ("string", CodeTone::String),
    ("constant.character", CodeTone::Number),
    ("constant.other", CodeTone::Number),
    ("constant", CodeTone::Number),
    ("keyword.operator.word", CodeTone::Keyword),
    ("keyword.operator", CodeTone::Operator),
    ("keyword", CodeTone::Keyword),
    ("storage", CodeTone::Keyword),
    ("variable.language", CodeTone::Keyword),
    ("variable.function", CodeTone::Function),
    ("entity.name.function", CodeTone::Function),
    ("support.function", CodeTone::Function),
    ("support.macro", CodeTone::Function),
    ("entity.name.macro", CodeTone::Function),
    ("entity.name.tag", CodeTone::Keyword),
    ("entity.name.section", CodeTone::Keyword),
    ("entity.other.attribute-name", CodeTone::Type),
    ("entity.other.inherited-class", CodeTone::Type),
    ("entity.name", CodeTone::Type),
    ("support.type", CodeTone::Type),
    ("support.class", CodeTone::Type),
    ("support.constant", CodeTone::Number),
    ("meta.annotation", CodeTone::Type),
];

#[derive(Debug)]
struct Block {
    language: String,
    /// The line that comes next.
    line: usize,
    state: ParseState,
    scopes: ScopeStack,
    /// When it was used last.
    turn: u64,
}

/// Tells the parts of code apart.
#[derive(Debug)]
pub struct Highlighter {
    syntaxes: Option<SyntaxSet>,
    rules: Vec<(Scope, CodeTone)>,
    known: HashMap<Scope, Option<CodeTone>>,
    blocks: HashMap<u64, Block>,
    turn: u64,
}

impl Default for Highlighter {
    fn default() -> Self {
        Self::new()
    }
}

impl Highlighter {
    /// Returns a highlighter; the definitions load at the first use.
    #[must_use]
    pub fn new() -> Self {
        let rules = TONES.iter().filter_map(|(name, tone)| Some((Scope::new(name).ok()?, *tone)));
        Self {
            syntaxes: None,
            rules: rules.collect(),
            known: HashMap::new(),
            blocks: HashMap::new(),
            turn: 0,
        }
    }

    /// Returns the tones of complete lines of a block, one list a line, with ranges within the line.
    ///
    /// `key` names the block. Where `from_line` follows the lines of the last call for it, parsing
    /// goes on from there; otherwise it begins anew. An unknown language gives no tones.
    pub fn lines(&mut self, key: u64, language: &str, from_line: usize, text: &str) -> Vec<LineTones> {
        let syntaxes = self.syntaxes.take().unwrap_or_else(two_face::syntax::extra_newlines);
        let out = match self.begin(&syntaxes, key, language, from_line) {
            Some(mut block) => {
                let lines: Vec<_> = text.lines().map(|line| self.line(&syntaxes, &mut block, line)).collect();
                block.line = from_line + lines.len();
                self.keep(key, block);
                lines
            }
            None => vec![LineTones::new(); text.lines().count()],
        };
        self.syntaxes = Some(syntaxes);
        out
    }

    /// Forgets a block.
    pub fn forget(&mut self, key: u64) {
        self.blocks.remove(&key);
    }

    fn begin(&mut self, syntaxes: &SyntaxSet, key: u64, language: &str, from_line: usize) -> Option<Block> {
        self.turn += 1;
        if let Some(mut block) = self.blocks.remove(&key)
            && block.line == from_line
            && block.language == language
        {
            block.turn = self.turn;
            return Some(block);
        }
        let syntax = find(syntaxes, language)?;
        Some(Block {
            language: language.to_owned(),
            line: from_line,
            state: ParseState::new(syntax),
            scopes: ScopeStack::new(),
            turn: self.turn,
        })
    }

    fn keep(&mut self, key: u64, block: Block) {
        self.blocks.insert(key, block);
        if self.blocks.len() > MAX_BLOCKS {
            let oldest = self.blocks.iter().min_by_key(|(_, block)| block.turn).map(|(key, _)| *key);
            oldest.map(|key| self.blocks.remove(&key));
        }
    }

    fn line(&mut self, syntaxes: &SyntaxSet, block: &mut Block, line: &str) -> LineTones {
        let mut out = LineTones::new();
        if line.len() > MAX_LINE {
            return out;
        }
        let Ok(operations) = block.state.parse_line(&format!("{line}\n"), syntaxes) else { return out };
        let mut at = 0;
        for (next, operation) in &operations {
            let next = (*next).min(line.len());
            self.push(&mut out, at..next, &block.scopes);
            at = at.max(next);
            if block.scopes.apply(operation).is_err() {
                block.scopes = ScopeStack::new();
            }
        }
        self.push(&mut out, at..line.len(), &block.scopes);
        out
    }

    fn push(&mut self, out: &mut LineTones, range: std::ops::Range<usize>, scopes: &ScopeStack) {
        if range.is_empty() {
            return;
        }
        let tone = scopes.as_slice().iter().rev().find_map(|&scope| self.tone(scope));
        let Some(tone) = tone else { return };
        let (start, end) = (offset(range.start), offset(range.end));
        match out.last_mut() {
            Some((last, last_tone)) if last.end == start && *last_tone == tone => last.end = end,
            _ => out.push((start..end, tone)),
        }
    }

    fn tone(&mut self, scope: Scope) -> Option<CodeTone> {
        let rules = &self.rules;
        *self.known.entry(scope).or_insert_with(|| {
            rules.iter().find(|(prefix, _)| prefix.is_prefix_of(scope)).map(|(_, tone)| *tone)
        })
    }
}

/// Returns the definition of a language by the names models write after a fence.
fn find<'a>(syntaxes: &'a SyntaxSet, language: &str) -> Option<&'a SyntaxReference> {
    let language = language.to_lowercase();
    let language = match language.as_str() {
        "" | "text" | "txt" | "plain" | "plaintext" => return None,
        "shell" | "sh" | "zsh" | "console" | "shell-session" => "bash",
        "c#" | "csharp" => "cs",
        "c++" => "cpp",
        "golang" => "go",
        "jsonc" | "json5" => "json",
        "py3" | "python3" => "python",
        "rs" => "rust",
        other => other,
    };
    syntaxes.find_syntax_by_token(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tones(line: &str, tones: &LineTones) -> Vec<(String, CodeTone)> {
        tones
            .iter()
            .map(|(range, tone)| (line[range.start as usize..range.end as usize].trim().to_owned(), *tone))
            .filter(|(text, _)| !text.is_empty())
            .collect()
    }

    #[test]
    fn the_parts_of_a_line_are_told_apart() {
        let line = r#"fn main() { let x = "a" + 12; } // end"#;
        let found = tones(line, &Highlighter::new().lines(1, "rust", 0, line)[0]);
        for (text, tone) in [
            ("fn", CodeTone::Keyword),
            ("main", CodeTone::Function),
            ("\"a\"", CodeTone::String),
            ("12", CodeTone::Number),
            ("// end", CodeTone::Comment),
        ] {
            assert!(found.contains(&(text.to_owned(), tone)), "{text} in {found:?}");
        }
    }

    #[test]
    fn a_growing_block_is_parsed_on() {
        let text = "/* a\nb */ let c = 1;\nlet d = \"e\nf\";\n";
        let mut whole = Highlighter::new();
        let expected = whole.lines(1, "rust", 0, text);
        let mut growing = Highlighter::new();
        let lines: Vec<_> = text.lines().collect();
        let mut found = growing.lines(7, "rust", 0, lines[0]);
        growing.lines(8, "python", 0, "x = '''\n");
        found.extend(growing.lines(7, "rust", 1, &lines[1..].join("\n")));
        assert_eq!(found, expected);
        assert_eq!(expected[1].first(), Some(&(0..4, CodeTone::Comment)));
    }

    #[test]
    fn what_is_unknown_or_too_long_stays_plain() {
        let mut highlighter = Highlighter::new();
        assert_eq!(highlighter.lines(1, "no such language", 0, "a\nb\n"), vec![vec![], vec![]]);
        assert_eq!(highlighter.lines(2, "rust", 0, &"1 ".repeat(2000)), vec![vec![]]);
    }

    #[test]
    fn usual_names_are_found() {
        let syntaxes = two_face::syntax::extra_newlines();
        for name in "rust rs python py js javascript ts typescript tsx go golang c cpp c++ java kotlin swift \
                     bash sh shell console json yaml toml html css sql dockerfile ruby php csharp diff make \
                     xml markdown lua haskell r scala perl"
            .split_whitespace()
        {
            assert!(find(&syntaxes, name).is_some(), "{name}");
        }
    }

    #[test]
    fn it_may_be_called_on_another_thread() {
        fn is_send<T: Send>(_: &T) {}
        is_send(&Highlighter::new());
    }

    #[test]
    fn old_blocks_are_forgotten() {
        let mut highlighter = Highlighter::new();
        for key in 0..200 {
            highlighter.lines(key, "json", 0, "1\n");
        }
        assert!(highlighter.blocks.len() <= MAX_BLOCKS);
    }
}
