//! Roles to styles of this terminal: colour depth, `NO_COLOR`, and the signs it can show.
//!
//! The only place that knows literal colours; everything that paints names a [`Tint`].

use crate::app::App;
use crate::app::heat::{Level, Shade};
use crate::config::theme::{Colour, Role, RoleStyle, Theme as Palette};
use crate::markup::{CodeTone, Emphasis, Tone};
use ratatui::style::{Color, Modifier, Style};

pub use crate::config::theme::Role as Tint;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None, or none wanted.
    None,
    /// The user's 16.
    Ansi,
    /// The 256 of the xterm palette.
    Indexed,
    /// All.
    True,
}

impl Depth {
    /// Returns the depth the environment promises.
    #[must_use]
    pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_set = |name| env(name).is_some_and(|value| !value.is_empty());
        let term = env("TERM").unwrap_or_default();
        let colour_term = env("COLORTERM").unwrap_or_default();
        if is_set("NO_COLOR") || term == "dumb" {
            Self::None
        } else if colour_term == "truecolor"
            || colour_term == "24bit"
            || term.ends_with("-direct")
            || is_set("WT_SESSION")
        {
            Self::True
        } else if term.contains("256color") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }
}

/// The signs frames and bars are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Corners and lines: top left, top right, bottom left, bottom right, horizontal, vertical.
    pub frame: [&'static str; 6],
    /// Where a line inside a frame meets it: left, right.
    pub tees: [&'static str; 2],
    /// Bars from an eighth to a whole cell.
    pub eighths: [&'static str; 8],
    /// Six heights, the lowest first.
    pub heights: [&'static str; 6],
    /// A track and the handle on it.
    pub track: [&'static str; 2],
    /// The part of a bar for what was not returned.
    pub shade: &'static str,
    /// What fills the place of something that is not asked for.
    pub hatch: &'static str,
    /// What stands before the thing chosen.
    pub pointer: &'static str,
    /// Something that is well, failed, stopped.
    pub dot: &'static str,
    /// Left and right end of a gauge.
    pub ends: [&'static str; 2],
    /// What stands before a number that is the most something may be.
    pub at_most: &'static str,
    /// Whether the terminal shows nothing beyond ASCII.
    pub is_ascii: bool,
}

impl Signs {
    /// For terminals that show Unicode.
    pub const UNICODE: Self = Self {
        frame: ["╭", "╮", "╰", "╯", "─", "│"],
        tees: ["├", "┤"],
        eighths: ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
        heights: ["▁", "▂", "▃", "▄", "▅", "▇"],
        track: ["─", "●"],
        shade: "░",
        hatch: "╱",
        pointer: "▸",
        dot: "●",
        ends: ["▕", "▏"],
        at_most: "≤",
        is_ascii: false,
    };

    /// For all others.
    pub const ASCII: Self = Self {
        frame: ["+", "+", "+", "+", "-", "|"],
        tees: ["+", "+"],
        eighths: [" ", " ", " ", "-", "-", "=", "=", "#"],
        heights: ["_", ".", "-", "=", "+", "#"],
        track: ["-", "O"],
        shade: ".",
        hatch: "/",
        pointer: ">",
        dot: "*",
        ends: ["[", "]"],
        at_most: "<=",
        is_ascii: true,
    };
}

/// The styles in force.
#[derive(Debug, Clone)]
pub struct Theme {
    styles: [Style; Role::COUNT],
    /// The signs in force.
    pub signs: Signs,
}

impl Theme {
    /// Returns the styles of a palette on a terminal of this depth.
    #[must_use]
    pub fn new(palette: &Palette, depth: Depth, signs: Signs) -> Self {
        let mut styles = [Style::default(); Role::COUNT];
        for (index, style) in palette.roles.iter().enumerate() {
            styles[index] = style_of(*style, depth);
        }
        if depth == Depth::None {
            for (role, modifier) in WITHOUT_COLOUR {
                styles[*role as usize] = Style::default().add_modifier(*modifier);
            }
        }
        Self { styles, signs }
    }

    /// Returns the style of a role.
    #[must_use]
    pub fn style(&self, tint: Tint) -> Style {
        self.styles[tint as usize]
    }

    /// Returns the style of a level of heat.
    #[must_use]
    pub fn heat(&self, level: Level) -> Style {
        self.style(Role::HEAT[level.index()])
    }

    /// Returns the style of a token's colour.
    #[must_use]
    pub fn shade(&self, shade: Shade) -> Style {
        match shade {
            Shade::Open => self.style(Role::Faint),
            Shade::Level(level) => self.heat(level),
        }
    }

    /// Returns the sign and style of a token's colour where a cell has no text of its own. The height
    /// says the same as the colour.
    #[must_use]
    pub fn spark(&self, shade: Option<Shade>) -> (&'static str, Style) {
        match shade {
            None => (" ", self.style(Role::Faint)),
            Some(Shade::Open) => (self.signs.shade, self.style(Role::Faint)),
            Some(Shade::Level(level)) => {
                let style = self.heat(level);
                let sign = self.signs.heights[level.index()];
                match style.bg {
                    Some(colour) => (sign, Style::default().fg(colour)),
                    None if level.index() == 0 => (sign, self.style(Role::Faint)),
                    None => (sign, self.style(Role::Text)),
                }
            }
        }
    }

    /// Returns the style of a piece of a rendered text.
    #[must_use]
    pub fn tone(&self, tone: Tone, emphasis: Emphasis) -> Style {
        let tint = match tone {
            Tone::Plain => Tint::Text,
            Tone::Heading(_) | Tone::TableHead => Tint::Heading,
            Tone::Code | Tone::Block(CodeTone::Plain | CodeTone::Operator) => Tint::Code,
            Tone::Block(CodeTone::Keyword) => Tint::CodeKeyword,
            Tone::Block(CodeTone::String) => Tint::CodeString,
            Tone::Block(CodeTone::Number) => Tint::CodeNumber,
            Tone::Block(CodeTone::Comment) => Tint::CodeComment,
            Tone::Block(CodeTone::Function) => Tint::CodeFunction,
            Tone::Block(CodeTone::Type) => Tint::CodeType,
            Tone::Info | Tone::Marker | Tone::Label => Tint::Dim,
            Tone::Quote => Tint::Quote,
            Tone::Border => Tint::TableBorder,
            Tone::Link => Tint::Link,
        };
        let mut style = self.style(tint);
        if emphasis.has(Emphasis::STRONG) {
            style = style.patch(self.style(Tint::Strong));
        }
        for (stress, modifier) in [
            (Emphasis::ITALIC, Modifier::ITALIC),
            (Emphasis::STRIKE, Modifier::CROSSED_OUT),
            (Emphasis::UNDERLINE, Modifier::UNDERLINED),
        ] {
            if emphasis.has(stress) {
                style = style.add_modifier(modifier);
            }
        }
        style
    }

    /// Returns the style of a pane's frame and of its title.
    #[must_use]
    pub fn frame(&self, is_focused: bool) -> (Style, Style) {
        if is_focused {
            let focus = self.style(Tint::BorderFocus);
            (focus, focus.patch(self.style(Tint::Accent)).add_modifier(Modifier::BOLD))
        } else {
            (self.style(Tint::Border), self.style(Tint::Title))
        }
    }

    /// Returns the sign and style of the app's state in the header.
    #[must_use]
    pub fn state(&self, app: &App) -> (&'static str, Style) {
        if app.running() > 0 {
            (app.spinner(), self.style(Tint::Accent))
        } else {
            (self.signs.dot, self.style(Tint::Ok))
        }
    }
}

/// What roles look like where there is no colour: meaning is never colour alone.
const WITHOUT_COLOUR: &[(Role, Modifier)] = &[
    (Role::Accent, Modifier::BOLD),
    (Role::BorderFocus, Modifier::BOLD),
    (Role::User, Modifier::BOLD),
    (Role::Assistant, Modifier::BOLD),
    (Role::Heading, Modifier::BOLD),
    (Role::Strong, Modifier::BOLD),
    (Role::Error, Modifier::BOLD),
    (Role::Key, Modifier::BOLD),
    (Role::Dim, Modifier::DIM),
    (Role::Faint, Modifier::DIM),
    (Role::Border, Modifier::DIM),
    (Role::Selection, Modifier::REVERSED),
    (Role::Cursor, Modifier::REVERSED),
    (Role::SearchMatch, Modifier::REVERSED),
    (Role::Heat1, Modifier::empty()),
    (Role::Heat2, Modifier::UNDERLINED),
    (Role::Heat3, Modifier::UNDERLINED.union(Modifier::BOLD)),
    (Role::Heat4, Modifier::UNDERLINED.union(Modifier::ITALIC).union(Modifier::BOLD)),
    (Role::Heat5, Modifier::UNDERLINED.union(Modifier::REVERSED)),
];

fn style_of(style: RoleStyle, depth: Depth) -> Style {
    let mut out = Style::default();
    if depth != Depth::None {
        out.fg = style.fg.map(|colour| colour_of(colour, depth));
        out.bg = style.bg.map(|colour| colour_of(colour, depth));
    }
    for (is_set, modifier) in [
        (style.mods.bold, Modifier::BOLD),
        (style.mods.dim, Modifier::DIM),
        (style.mods.italic, Modifier::ITALIC),
        (style.mods.underline, Modifier::UNDERLINED),
        (style.mods.reverse, Modifier::REVERSED),
    ] {
        if is_set {
            out = out.add_modifier(modifier);
        }
    }
    out
}

fn colour_of(colour: Colour, depth: Depth) -> Color {
    match (colour, depth) {
        (Colour::Default, _) | (_, Depth::None) => Color::Reset,
        (Colour::Ansi(number), _) => ansi(number),
        (Colour::Rgb(red, green, blue), Depth::True) => Color::Rgb(red, green, blue),
        (Colour::Rgb(red, green, blue), Depth::Indexed) => {
            Color::Indexed(nearest_indexed([red, green, blue]))
        }
        (Colour::Rgb(red, green, blue), Depth::Ansi) => ansi(nearest_ansi([red, green, blue])),
    }
}

fn ansi(number: u8) -> Color {
    const NAMED: [Color; 16] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
        Color::DarkGray,
        Color::LightRed,
        Color::LightGreen,
        Color::LightYellow,
        Color::LightBlue,
        Color::LightMagenta,
        Color::LightCyan,
        Color::White,
    ];
    NAMED[usize::from(number & 15)]
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    // Weights of the eye's sensitivity, roughly.
    a.iter().zip(b).zip([3, 6, 1]).map(|((a, b), weight)| u32::from(a.abs_diff(b)).pow(2) * weight).sum()
}

/// Returns the nearest of the xterm palette's 6×6×6 cube and its 24 greys.
fn nearest_indexed(rgb: [u8; 3]) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |value: u8| (0u8..6).min_by_key(|step| STEPS[usize::from(*step)].abs_diff(value)).unwrap_or(0);
    let cube = rgb.map(step);
    let cube_rgb = cube.map(|step| STEPS[usize::from(step)]);
    let mean = (u16::from(rgb[0]) + u16::from(rgb[1]) + u16::from(rgb[2])) / 3;
    let grey = u8::try_from((mean.saturating_sub(3) / 10).min(23)).unwrap_or(23);
    let grey_rgb = [8 + 10 * grey; 3];
    if distance(rgb, grey_rgb) < distance(rgb, cube_rgb) {
        232 + grey
    } else {
        16 + 36 * cube[0] + 6 * cube[1] + cube[2]
    }
}

/// Returns the nearest of the 16 colours as xterm shows them; the user's own may differ.
fn nearest_ansi(rgb: [u8; 3]) -> u8 {
    const XTERM: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    (0u8..16).min_by_key(|number| distance(rgb, XTERM[usize::from(*number)])).unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pairs: &[(&str, &str)]) -> Depth {
        Depth::detect(&|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_how_many_colours_there_are() {
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm"), ("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Ansi);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::None);
    }

    #[test]
    fn nearest_colours() {
        assert_eq!(nearest_indexed([255, 0, 0]), 196);
        assert_eq!(nearest_indexed([128, 128, 128]), 244);
        assert_eq!(nearest_ansi([250, 250, 250]), 15);
    }
}
