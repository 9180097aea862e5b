//! Keys as plain data: what was pressed, how it is written, and which Latin key a jamo stands for.

use std::fmt;
use std::str::FromStr;

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, in the case it was typed.
    Char(char),
    /// A function key, F1 to F24.
    F(u8),
    /// Return.
    Enter,
    /// Tabulator; with shift for back-tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Forward delete.
    Delete,
    /// Insert.
    Insert,
    /// Escape.
    Esc,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

/// A key together with its modifiers; written `ctrl-alt-shift-key`.
///
/// A character carries its own case, so `shift` is set for characters only together with `ctrl` or
/// `alt`, where the terminal reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Control.
    pub ctrl: bool,
    /// Alt or option.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
}

impl Chord {
    /// Returns the key without modifiers.
    #[must_use]
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// Returns the character this chord types, if it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        let Key::Char(c) = self.key else { return None };
        (!self.ctrl && !self.alt).then_some(c)
    }

    /// Returns the chord of the Latin letter on the same key of a Korean two-set keyboard, so that
    /// single-key commands work while the input method is Korean.
    #[must_use]
    pub fn latin(self) -> Option<Self> {
        let Key::Char(c) = self.key else { return None };
        let latin = match c {
            'ㅂ' => 'q',
            'ㅈ' => 'w',
            'ㄷ' => 'e',
            'ㄱ' => 'r',
            'ㅅ' => 't',
            'ㅛ' => 'y',
            'ㅕ' => 'u',
            'ㅑ' => 'i',
            'ㅐ' => 'o',
            'ㅔ' => 'p',
            'ㅁ' => 'a',
            'ㄴ' => 's',
            'ㅇ' => 'd',
            'ㄹ' => 'f',
            'ㅎ' => 'g',
            'ㅗ' => 'h',
            'ㅓ' => 'j',
            'ㅏ' => 'k',
            'ㅣ' => 'l',
            'ㅋ' => 'z',
            'ㅌ' => 'x',
            'ㅊ' => 'c',
            'ㅍ' => 'v',
            'ㅠ' => 'b',
            'ㅜ' => 'n',
            'ㅡ' => 'm',
            'ㅃ' => 'Q',
            'ㅉ' => 'W',
            'ㄸ' => 'E',
            'ㄲ' => 'R',
            'ㅆ' => 'T',
            'ㅒ' => 'O',
            'ㅖ' => 'P',
            _ => return None,
        };
        Some(Self { key: Key::Char(latin), ..self })
    }
}

const NAMED: [(&str, Key); 14] = [
    ("enter", Key::Enter),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("esc", Key::Esc),
    ("left", Key::Left),
    ("right", Key::Right),
    ("up", Key::Up),
    ("down", Key::Down),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
];

impl fmt::Display for Chord {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other keys are in the list of names")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (on, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if on {
                f.write_str(name)?;
            }
        }
        match self.key {
            Key::Char(' ') => f.write_str("space"),
            Key::Char(c) => write!(f, "{c}"),
            Key::F(n) => write!(f, "f{n}"),
            key => {
                let name = NAMED.iter().find(|(_, named)| *named == key).map_or("", |(name, _)| name);
                f.write_str(name)
            }
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    /// Reads `ctrl-r`, `alt-enter`, `f1`, `G`, `space`, `-`.
    fn from_str(written: &str) -> Result<Self, String> {
        let mut chord = Self::plain(Key::Esc);
        let mut rest = written;
        loop {
            let (prefix, flag) = match rest {
                _ if rest.len() > 5 && rest.starts_with("ctrl-") => (5, &mut chord.ctrl),
                _ if rest.len() > 4 && rest.starts_with("alt-") => (4, &mut chord.alt),
                _ if rest.len() > 6 && rest.starts_with("shift-") => (6, &mut chord.shift),
                _ => break,
            };
            *flag = true;
            rest = &rest[prefix..];
        }
        let mut characters = rest.chars();
        chord.key = match (characters.next(), characters.next()) {
            (Some(c), None) if !c.is_control() => Key::Char(c),
            _ if rest == "space" => Key::Char(' '),
            (Some('f'), Some(_)) if rest[1..].parse::<u8>().is_ok_and(|n| (1..=24).contains(&n)) => {
                Key::F(rest[1..].parse().unwrap_or(1))
            }
            _ => match NAMED.iter().find(|(name, _)| *name == rest) {
                Some((_, key)) => *key,
                None => {
                    return Err(format!(
                        "'{written}' is no key: write a character, f1 to f24, or one of {}, with ctrl-, alt- or shift- before it",
                        NAMED.map(|(name, _)| name).join(" ")
                    ));
                }
            },
        };
        Ok(chord)
    }
}

/// Returns a chord as it is shown in hints: `^P`, `Alt-M`, `⇧Tab`, `Enter`.
#[must_use]
pub fn shown(chord: Chord) -> String {
    let key = match chord.key {
        Key::Char(' ') => "Space".to_owned(),
        Key::Char(c) if chord.ctrl => c.to_uppercase().to_string(),
        Key::Char(c) => c.to_string(),
        Key::F(n) => format!("F{n}"),
        Key::Left => "←".to_owned(),
        Key::Right => "→".to_owned(),
        Key::Up => "↑".to_owned(),
        Key::Down => "↓".to_owned(),
        Key::PageUp => "PgUp".to_owned(),
        Key::PageDown => "PgDn".to_owned(),
        Key::Backspace => "⌫".to_owned(),
        Key::Delete => "Del".to_owned(),
        Key::Insert => "Ins".to_owned(),
        Key::Enter => "Enter".to_owned(),
        Key::Tab => "Tab".to_owned(),
        Key::Esc => "Esc".to_owned(),
        Key::Home => "Home".to_owned(),
        Key::End => "End".to_owned(),
    };
    let ctrl = if chord.ctrl { "^" } else { "" };
    let alt = if chord.alt { "Alt-" } else { "" };
    let shift = if chord.shift { "⇧" } else { "" };
    format!("{alt}{shift}{ctrl}{key}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chords_are_written_as_they_are_read() {
        for written in [
            "ctrl-r",
            "alt-enter",
            "f1",
            "f24",
            "G",
            "space",
            "-",
            "ctrl--",
            "alt-.",
            "shift-tab",
            "ctrl-alt-shift-left",
        ] {
            assert_eq!(written.parse::<Chord>().map(|chord| chord.to_string()), Ok(written.to_owned()));
        }
        for wrong in ["", "ctrl-", "hyper-x", "f0", "f25", "enterr", "\u{1b}"] {
            assert!(wrong.parse::<Chord>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_jamo_stands_for_the_letter_on_its_key() {
        let chord = Chord::plain(Key::Char('ㅓ'));
        assert_eq!(chord.latin(), Some(Chord::plain(Key::Char('j'))));
        assert_eq!(Chord::plain(Key::Char('j')).latin(), None);
    }

    proptest! {
        #[test]
        fn parse_undoes_print(c in "[a-zA-Z0-9.,/?가-힣-]", ctrl: bool, alt: bool) {
            let chord = Chord { ctrl, alt, ..Chord::plain(Key::Char(c.chars().next().unwrap())) };
            prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
        }
    }
}
