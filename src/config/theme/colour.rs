//! Colours and styles as plain data, and how they are written in theme files.
//!
//! Owns reading them. Knows nothing of terminals: falling back to fewer colours happens where they are drawn.

use std::collections::BTreeMap;
use toml::Value;

/// A colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Colour {
    /// What the terminal uses by itself.
    #[default]
    Default,
    /// One of the user's own 16, from 0 (black) to 15 (bright white).
    Ansi(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// The names of the user's own 16 colours, in their order.
const ANSI: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// Names that a palette may give to colours.
pub(super) type Palette = BTreeMap<String, String>;

impl Colour {
    /// Returns the colour of a text: `#rrggbb`, a name of the palette, `default`, or one of the 16.
    ///
    /// A palette may name colours by other names of it; the depth of that is bounded, so that names in a
    /// circle end.
    pub(super) fn parse(text: &str, palette: &Palette) -> Option<Self> {
        const DEPTH: usize = 8;
        let mut text = text;
        for _ in 0..DEPTH {
            if let Some(hex) = text.strip_prefix('#') {
                return Self::from_hex(hex);
            }
            let Some(next) = palette.get(text).filter(|next| next.as_str() != text) else {
                return Self::from_name(text);
            };
            text = next;
        }
        None
    }

    /// Returns the colour of six hexadecimal digits.
    fn from_hex(hex: &str) -> Option<Self> {
        if hex.len() != 6 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let [_, red, green, blue] = u32::from_str_radix(hex, 16).ok()?.to_be_bytes();
        Some(Self::Rgb(red, green, blue))
    }

    /// Returns the terminal's colour of this name.
    fn from_name(name: &str) -> Option<Self> {
        if name == "default" {
            return Some(Self::Default);
        }
        let number = ANSI.iter().position(|known| *known == name)?;
        u8::try_from(number).ok().map(Self::Ansi)
    }

    /// Returns the relative luminance, 0 (black) to 1 (white), as WCAG defines it; `None` for a colour
    /// that only the terminal knows.
    #[must_use]
    pub fn luminance(self) -> Option<f64> {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        match self {
            Self::Rgb(red, green, blue) => {
                Some(0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue))
            }
            Self::Default | Self::Ansi(_) => None,
        }
    }

    /// Returns the contrast with another colour, 1 (none) to 21 (black on white), as WCAG defines it.
    #[must_use]
    pub fn contrast(self, other: Self) -> Option<f64> {
        let (one, two) = (self.luminance()? + 0.05, other.luminance()? + 0.05);
        Some(one.max(two) / one.min(two))
    }
}

/// The weight and shape of letters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mods {
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Text and ground exchanged.
    pub reverse: bool,
}

impl Mods {
    /// The names in theme files.
    const NAMES: [&'static str; 5] = ["bold", "dim", "italic", "underline", "reverse"];

    /// Adds the one of this name; `false` if there is none.
    fn add(&mut self, name: &str) -> bool {
        let field = match name {
            "bold" => &mut self.bold,
            "dim" => &mut self.dim,
            "italic" => &mut self.italic,
            "underline" => &mut self.underline,
            "reverse" => &mut self.reverse,
            _ => return false,
        };
        *field = true;
        true
    }
}

/// How a role is drawn. What is `None` stays as the layer beneath has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RoleStyle {
    /// Colour of the letters.
    pub fg: Option<Colour>,
    /// Colour of the ground.
    pub bg: Option<Colour>,
    /// Weight and shape.
    pub mods: Mods,
}

/// A style that cannot be read: what is wrong, and among what the right word may be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) message: String,
    pub(super) word: String,
    pub(super) known: Vec<String>,
}

impl RoleStyle {
    /// Returns the style of a value: a colour for the letters, or a table of `fg`, `bg` and `mods`.
    pub(super) fn parse(value: &Value, palette: &Palette) -> Result<Self, Unreadable> {
        match value {
            Value::String(text) => Ok(Self { fg: Some(colour(text, palette)?), ..Self::default() }),
            Value::Table(table) => {
                let mut style = Self::default();
                for (key, value) in table {
                    match (key.as_str(), value) {
                        ("fg", Value::String(text)) => style.fg = Some(colour(text, palette)?),
                        ("bg", Value::String(text)) => style.bg = Some(colour(text, palette)?),
                        ("mods", Value::Array(names)) => {
                            for name in names {
                                let name = name.as_str().unwrap_or_default();
                                if !style.mods.add(name) {
                                    return Err(unreadable("no modifier", name, &Mods::NAMES));
                                }
                            }
                        }
                        _ => return Err(unreadable("no part of a style", key, &["fg", "bg", "mods"])),
                    }
                }
                Ok(style)
            }
            Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => {
                let what = format!("{} is no style", value.type_str());
                Err(Unreadable { message: what, word: String::new(), known: vec!["\"#rrggbb\"".to_owned()] })
            }
        }
    }
}

fn colour(text: &str, palette: &Palette) -> Result<Colour, Unreadable> {
    Colour::parse(text, palette).ok_or_else(|| {
        let names: Vec<&str> = palette.keys().map(String::as_str).chain(ANSI).chain(["default"]).collect();
        unreadable("no colour", text, &names)
    })
}

fn unreadable(what: &str, word: &str, known: &[&str]) -> Unreadable {
    Unreadable {
        message: format!("'{word}' is {what}"),
        word: word.to_owned(),
        known: known.iter().map(|&name| name.to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn palette(entries: &[(&str, &str)]) -> Palette {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn style(text: &str) -> Result<RoleStyle, Unreadable> {
        let table: toml::Table = format!("x = {text}").parse().unwrap();
        RoleStyle::parse(&table["x"], &palette(&[("jade", "#7fc8a0"), ("accent", "jade")]))
    }

    #[test]
    fn colours_are_hex_names_or_the_palette() {
        let palette =
            palette(&[("ink", "#010203"), ("alias", "ink"), ("red", "red"), ("a", "b"), ("b", "a")]);
        assert_eq!(Colour::parse("alias", &palette), Some(Colour::Rgb(1, 2, 3)));
        assert_eq!(Colour::parse("red", &palette), Some(Colour::Ansi(1)));
        assert_eq!(Colour::parse("bright-white", &palette), Some(Colour::Ansi(15)));
        assert_eq!(Colour::parse("default", &palette), Some(Colour::Default));
        for wrong in ["a", "#12345", "#+12345", "#1234567", "Red", "", "#가나"] {
            assert_eq!(Colour::parse(wrong, &palette), None, "{wrong}");
        }
    }

    #[test]
    fn a_style_is_a_colour_or_a_table() {
        let jade = Colour::Rgb(0x7f, 0xc8, 0xa0);
        assert_eq!(style("\"accent\""), Ok(RoleStyle { fg: Some(jade), ..RoleStyle::default() }));
        let full = style("{ bg = \"jade\", mods = [\"bold\", \"reverse\"] }").unwrap();
        assert_eq!((full.fg, full.bg), (None, Some(jade)));
        assert!(full.mods.bold && full.mods.reverse && !full.mods.dim);
        assert_eq!(style("{}"), Ok(RoleStyle::default()));
        for (wrong, told) in [
            ("\"jad\"", "'jad' is no colour"),
            ("{ mods = [\"blink\"] }", "'blink' is no modifier"),
            ("{ mods = [3] }", "'' is no modifier"),
            ("{ fgg = \"jade\" }", "'fgg' is no part"),
            ("3", "integer is no style"),
        ] {
            assert_eq!(style(wrong).unwrap_err().message[..told.len()], *told);
        }
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        let (black, white) = (Colour::Rgb(0, 0, 0), Colour::Rgb(255, 255, 255));
        assert!((black.contrast(white).unwrap() - 21.0).abs() < 1e-9);
        // The lightest grey on white that still counts as readable.
        assert!((Colour::Rgb(0x76, 0x76, 0x76).contrast(white).unwrap() - 4.54).abs() < 0.01);
        assert_eq!(Colour::Ansi(1).contrast(white), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_colour_or_none(text in any::<String>(), name in "[a-c]", value in "[a-c#]{0,8}") {
            let _ = Colour::parse(&text, &palette(&[(&name, &value)]));
        }
    }
}
