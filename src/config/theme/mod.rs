//! Themes: files that give every role of the screen a style.
//!
//! Owns finding, reading and inheriting them. A theme of the user comes before a compiled-in one of the
//! same name. A theme takes from its parent what it does not say, and its palette also recolours what it
//! inherits. Only the files of the theme asked for are read, because this happens before the first paint.
//!
//! Invariant: a [`Theme`] has a style for every role; what could not be read is told and is the parent's.

mod colour;
mod role;

pub use colour::{Colour, Mods, RoleStyle};
pub use role::Role;

use crate::config::error::{ConfigError, Place, suggestion, unreadable};
use crate::core::fault::Fault;
use colour::Palette;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use toml::{Spanned, Value};

/// Name of the theme that is used when none is chosen, and the parent of those that name none.
pub const DEFAULT: &str = "bamboo";

/// The compiled-in themes.
const BUILT_IN: [(&str, &str); 6] = [
    (DEFAULT, include_str!("../../../themes/bamboo.toml")),
    ("contrast", include_str!("../../../themes/contrast.toml")),
    ("dusk", include_str!("../../../themes/dusk.toml")),
    ("paper", include_str!("../../../themes/paper.toml")),
    ("porcelain", include_str!("../../../themes/porcelain.toml")),
    ("terminal", include_str!("../../../themes/terminal.toml")),
];

/// Largest theme file, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// Longest line of parents.
const MAX_PARENTS: usize = 8;

/// A style for every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// Whether its ground is dark.
    pub dark: bool,
    /// The styles, by the number of the role.
    pub roles: [RoleStyle; Role::COUNT],
}

impl Default for Theme {
    /// Returns a theme that leaves everything to the terminal.
    fn default() -> Self {
        Self { name: "plain".to_owned(), dark: true, roles: [RoleStyle::default(); Role::COUNT] }
    }
}

/// A theme file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ThemeFile {
    name: Option<String>,
    inherits: Option<String>,
    dark: Option<bool>,
    #[serde(default)]
    palette: Palette,
    #[serde(default)]
    roles: BTreeMap<String, Spanned<Value>>,
}

/// A theme file that was read.
struct Source {
    /// The name it was asked for by.
    name: String,
    /// Whether it is the user's, not a compiled-in one.
    is_users: bool,
    place: Place,
    text: String,
    file: ThemeFile,
}

impl Theme {
    /// Returns the style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> RoleStyle {
        self.roles[role as usize]
    }

    /// Returns the theme of this name, and what in its files could not be used.
    ///
    /// # Errors
    /// When there is no such theme, one of its files cannot be read as a theme, or its parents form a
    /// circle.
    pub fn load(name: &str, user_dir: &Path) -> Result<(Self, Vec<Fault>), Fault> {
        let sources = with_parents(name, user_dir)?;
        Ok(combine(name, &sources))
    }

    /// Returns the theme of this name, else the default one, and what could not be used.
    #[must_use]
    pub fn load_or_default(name: &str, user_dir: &Path) -> (Self, Vec<Fault>) {
        match Self::load(name, user_dir) {
            Ok(loaded) => loaded,
            Err(fault) => {
                let theme = find(DEFAULT, user_dir, false, None)
                    .map_or_else(|_| Self::default(), |source| combine(DEFAULT, &[source]).0);
                (theme, vec![fault])
            }
        }
    }
}

/// Whether there is a theme of this name.
#[must_use]
pub fn exists(name: &str, user_dir: &Path) -> bool {
    built_in(name).is_some() || user_file(name, user_dir).is_some_and(|path| path.is_file())
}

/// Returns the names of all themes, in order.
#[must_use]
pub fn names(user_dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    for entry in std::fs::read_dir(user_dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_name(stem));
        if let (Some(stem), Some("toml")) = (stem, path.extension().and_then(|extension| extension.to_str()))
        {
            names.push(stem.to_owned());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Returns the text of a compiled-in theme.
fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Whether this is the name of a theme: a word, so that it cannot lead out of the folder of themes.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns where the user's theme of this name would lie.
fn user_file(name: &str, user_dir: &Path) -> Option<PathBuf> {
    is_name(name).then(|| user_dir.join(format!("{name}.toml")))
}

/// Returns the place that stands for a compiled-in theme in messages.
fn built_in_place(name: &str) -> Place {
    Place::File { path: PathBuf::from(format!("themes/{name}.toml")), at: None }
}

/// Reads a theme and its parents, the theme first.
fn with_parents(name: &str, user_dir: &Path) -> Result<Vec<Source>, ConfigError> {
    let mut sources = vec![find(name, user_dir, true, None)?];
    while let Some(child) = sources.last() {
        let parent = match &child.file.inherits {
            Some(parent) => parent.as_str(),
            // The compiled-in themes say everything themselves.
            None if child.is_users => DEFAULT,
            None => break,
        };
        // A theme of the user that inherits its own name means the compiled-in one.
        let parent = find(parent, user_dir, parent != child.name, Some(child))?;
        let is_circle =
            sources.iter().any(|known| known.name == parent.name && known.is_users == parent.is_users);
        if is_circle || sources.len() > MAX_PARENTS {
            let names: Vec<&str> = sources.iter().map(|known| known.name.as_str()).collect();
            let message = format!("the parents of this theme never end: {}", names.join(", "));
            let remedy = format!("Let one of them inherit '{DEFAULT}'");
            return Err(ConfigError::invalid(parent.place, message, remedy));
        }
        sources.push(parent);
    }
    Ok(sources)
}

/// Reads one theme: the user's, unless only the compiled-in one will do.
fn find(
    name: &str,
    user_dir: &Path,
    may_be_users: bool,
    child: Option<&Source>,
) -> Result<Source, ConfigError> {
    if let Some(path) = user_file(name, user_dir).filter(|path| may_be_users && path.is_file()) {
        let text = read(&path).map_err(|error| unreadable(&path, &error))?;
        return parse(name, true, Place::File { path, at: None }, text);
    }
    if let Some(text) = built_in(name) {
        return parse(name, false, built_in_place(name), text.to_owned());
    }
    let place = child.map_or_else(|| Place::Flag("theme".to_owned()), |child| child.place.clone());
    let names = names(user_dir);
    let remedy = suggestion(name, names.iter().map(String::as_str));
    Err(ConfigError::invalid(place, format!("there is no theme '{name}'"), remedy))
}

/// Returns the text of a theme file.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if File::open(path)?.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Returns the theme file of this text.
fn parse(name: &str, is_users: bool, place: Place, text: String) -> Result<Source, ConfigError> {
    match toml::from_str(&text) {
        Ok(file) => Ok(Source { name: name.to_owned(), is_users, place, text, file }),
        Err(error) => Err(ConfigError::from_toml(place, &text, &error)),
    }
}

/// Puts a theme over its parents. The first source is the theme itself.
fn combine(name: &str, sources: &[Source]) -> (Theme, Vec<Fault>) {
    let mut theme = Theme { name: name.to_owned(), ..Theme::default() };
    let mut notices = Vec::new();
    let mut palette = Palette::new();
    for source in sources.iter().rev() {
        palette.extend(source.file.palette.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    for source in sources.iter().rev() {
        for (name, value) in &source.file.roles {
            let mut refuse = |message: &str, remedy: String| {
                let error = ConfigError::at(source.place.clone(), &source.text, Some(value.span()), message);
                notices.push(error.remedy(remedy).into());
            };
            let Some(role) = Role::from_name(name) else {
                let known = Role::ALL.iter().map(|role| role.name());
                refuse(&format!("there is no role '{name}'"), suggestion(name, known));
                continue;
            };
            match RoleStyle::parse(value.get_ref(), &palette) {
                Ok(style) => theme.roles[role as usize] = style,
                Err(wrong) => {
                    let known = wrong.known.iter().map(String::as_str);
                    refuse(&wrong.message, suggestion(&wrong.word, known));
                }
            }
        }
    }
    if let Some(source) = sources.first() {
        if let Some(given) = &source.file.name {
            theme.name.clone_from(given);
        }
        let ground = theme.style(Role::Background).bg.and_then(Colour::luminance);
        let said = sources.iter().find_map(|source| source.file.dark);
        // Half way between black and white for the eye, not for the voltage.
        theme.dark = ground.map_or(said.unwrap_or(true), |luminance| luminance < 0.18);
    }
    (theme, notices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Compiled-in themes whose every colour is known, so that their contrast can be measured.
    const MEASURED: [&str; 5] = ["bamboo", "contrast", "dusk", "paper", "porcelain"];

    #[track_caller]
    fn compiled_in(name: &str) -> Theme {
        let (theme, notices) = Theme::load(name, Path::new("/no/such/folder")).unwrap();
        assert_eq!(notices, []);
        theme
    }

    fn ground(theme: &Theme) -> Colour {
        theme.style(Role::Background).bg.unwrap()
    }

    #[test]
    fn every_compiled_in_theme_covers_all_roles_and_its_whole_palette_is_used() {
        for (name, text) in BUILT_IN {
            let theme = compiled_in(name);
            assert_eq!(theme.name.to_lowercase(), name);
            let file: ThemeFile = toml::from_str(text).unwrap();
            for role in Role::ALL {
                assert!(file.roles.contains_key(role.name()), "{name} lacks {}", role.name());
            }
            let (_, roles) = text.split_once("[roles]").unwrap();
            for colour in file.palette.keys() {
                assert!(roles.contains(&format!("\"{colour}\"")), "{name}: {colour} is not used");
            }
        }
    }

    #[test]
    fn dark_and_light_are_told_apart() {
        for (name, dark) in
            [("bamboo", true), ("contrast", true), ("dusk", true), ("paper", false), ("porcelain", false)]
        {
            assert_eq!(compiled_in(name).dark, dark, "{name}");
        }
    }

    #[test]
    fn every_text_can_be_read_on_its_ground() {
        for name in MEASURED {
            let theme = compiled_in(name);
            for role in Role::ALL {
                let style = theme.style(*role);
                let least = if matches!(role, Role::Faint | Role::Bar | Role::BarTail | Role::Gauge) {
                    3.0
                } else if matches!(role, Role::Border | Role::TableBorder) {
                    1.5
                } else {
                    4.5
                };
                let fg = style.fg.unwrap_or(theme.style(Role::Text).fg.unwrap());
                let contrast = fg.contrast(style.bg.unwrap_or(ground(&theme))).unwrap();
                assert!(contrast >= least, "{name} {}: {contrast:.2}", role.name());
            }
        }
    }

    #[test]
    fn the_text_stands_out_most_and_frames_least() {
        for name in MEASURED {
            let theme = compiled_in(name);
            let contrast = |role| theme.style(role).fg.unwrap().contrast(ground(&theme)).unwrap();
            let order = [Role::Text, Role::Title, Role::Dim, Role::Faint, Role::Border].map(contrast);
            assert!(order.is_sorted_by(|more, less| more > less), "{name}: {order:?}");
            for role in Role::ALL.iter().filter(|role| theme.style(**role).bg.is_none()) {
                let fg = theme.style(*role).fg.unwrap_or(theme.style(Role::Text).fg.unwrap());
                assert!(
                    fg.contrast(ground(&theme)).unwrap() <= contrast(Role::Text),
                    "{name} {}",
                    role.name()
                );
            }
        }
    }

    #[test]
    fn the_high_contrast_theme_keeps_its_word() {
        let theme = compiled_in("contrast");
        for role in [Role::Text, Role::Dim, Role::User, Role::Error, Role::Warning, Role::CodeComment] {
            assert!(
                theme.style(role).fg.unwrap().contrast(ground(&theme)).unwrap() >= 7.0,
                "{}",
                role.name()
            );
        }
    }

    #[test]
    fn the_accent_means_focus_and_nothing_else() {
        for name in MEASURED {
            let theme = compiled_in(name);
            let accent = theme.style(Role::Accent).fg;
            let others = Role::ALL.iter().filter(|role| {
                let style = theme.style(**role);
                style.fg == accent || style.bg == accent
            });
            let others: Vec<&str> = others.map(|role| role.name()).collect();
            assert_eq!(others, ["accent", "border_focus", "cursor"], "{name}");
        }
    }

    #[test]
    fn layers_stand_off_from_the_ground() {
        for name in MEASURED {
            let theme = compiled_in(name);
            for role in [Role::Overlay, Role::Chip, Role::Selection] {
                let contrast = theme.style(role).bg.unwrap().contrast(ground(&theme)).unwrap();
                assert!(contrast > 1.08, "{name} {}: {contrast:.2}", role.name());
            }
        }
    }

    #[test]
    fn heat_grows_with_every_step() {
        for name in MEASURED {
            let theme = compiled_in(name);
            assert_eq!(theme.style(Role::Heat0), RoleStyle::default(), "{name}");
            let steps: Vec<f64> = Role::HEAT[1..]
                .iter()
                .map(|role| theme.style(*role).bg.unwrap().contrast(ground(&theme)).unwrap())
                .collect();
            assert!(steps[0] > 1.08, "{name}: {steps:?}");
            assert!(steps.is_sorted_by(|cooler, hotter| *hotter > cooler * 1.15), "{name}: {steps:?}");
        }
    }

    #[test]
    fn the_terminal_theme_uses_nothing_but_the_users_colours() {
        let theme = compiled_in("terminal");
        let is_rgb = |colour: Option<Colour>| matches!(colour, Some(Colour::Rgb(..)));
        assert!(theme.roles.iter().all(|style| !is_rgb(style.fg) && !is_rgb(style.bg)));
        assert_eq!(theme.style(Role::Heat0), RoleStyle::default());
        let heat: std::collections::HashSet<_> = Role::HEAT.map(|role| theme.style(role)).into();
        assert_eq!(heat.len(), Role::HEAT.len());
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(format!("{name}.toml")), text).unwrap();
        }
        dir
    }

    #[test]
    fn a_theme_takes_from_its_parent_and_recolours_it() {
        let dir = folder(&[(
            "mine",
            "inherits = \"paper\"\n[palette]\npine = \"#102030\"\n[roles]\ndim = \"red\"\n",
        )]);
        let (theme, notices) = Theme::load("mine", dir.path()).unwrap();
        assert_eq!(notices, []);
        assert_eq!((theme.name.as_str(), theme.dark), ("mine", false));
        assert_eq!(theme.style(Role::Accent).fg, Some(Colour::Rgb(0x10, 0x20, 0x30)));
        assert_eq!(theme.style(Role::Dim).fg, Some(Colour::Ansi(1)));
        assert_eq!(theme.style(Role::Heat5), compiled_in("paper").style(Role::Heat5));
    }

    #[test]
    fn a_theme_of_the_user_comes_first_and_may_inherit_its_namesake() {
        let dir = folder(&[("bamboo", "inherits = \"bamboo\"\n[roles]\ndim = \"red\"\n"), ("other", "")]);
        let (theme, _) = Theme::load("bamboo", dir.path()).unwrap();
        assert_eq!(theme.style(Role::Dim).fg, Some(Colour::Ansi(1)));
        assert_eq!(theme.style(Role::Text), compiled_in("bamboo").style(Role::Text));
        let (other, _) = Theme::load("other", dir.path()).unwrap();
        assert_eq!(other.roles, theme.roles, "no parent means the default theme as the user has it");
        assert_eq!(names(dir.path()).len(), BUILT_IN.len() + 1);
        assert!(exists("other", dir.path()) && !exists("../other", dir.path()));
    }

    #[test]
    fn circles_end() {
        let dir = folder(&[
            ("a", "inherits = \"b\""),
            ("b", "inherits = \"a\""),
            ("bamboo", "inherits = \"c\""),
            ("c", "inherits = \"bamboo\""),
            ("alone", "inherits = \"alone\""),
        ]);
        for name in ["a", "bamboo"] {
            let fault = Theme::load(name, dir.path()).unwrap_err();
            assert!(fault.message.contains("never end"), "{fault}");
        }
        let fault = Theme::load("alone", dir.path()).unwrap_err();
        assert!(fault.message.contains("no theme 'alone'"), "{fault}");
    }

    #[test]
    fn mistakes_in_roles_are_notices_and_the_parent_s_style_stays() {
        let dir = folder(&[(
            "mine",
            "[roles]\nbordr = \"red\"\nborder = \"rde\"\ndim = { mods = [\"blink\"] }\nok = \"green\"\n",
        )]);
        let (theme, notices) = Theme::load("mine", dir.path()).unwrap();
        let told: Vec<String> = notices.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3);
        assert!(
            told.iter().any(|told| told.contains("mine.toml:2:9") && told.contains("Did you mean 'border'?"))
        );
        assert!(told.iter().any(|told| told.contains("'rde' is no colour") && told.contains("'red'")));
        assert!(told.iter().any(|told| told.contains("'blink' is no modifier")));
        assert_eq!(theme.style(Role::Border), compiled_in("bamboo").style(Role::Border));
        assert_eq!(theme.style(Role::Ok).fg, Some(Colour::Ansi(2)));
    }

    #[test]
    fn a_broken_theme_falls_back_to_the_default_one() {
        let dir =
            folder(&[("broken", "[roles\n"), ("wrong", "colour = 1\n"), ("orphan", "inherits = \"ppaer\"")]);
        for (name, told) in [
            ("broken", "broken.toml:1:"),
            ("wrong", "unknown key 'colour'"),
            ("orphan", "Did you mean 'paper'?"),
            ("bambo", "Did you mean 'bamboo'?"),
            ("../../etc/passwd", "there is no theme"),
        ] {
            let (theme, faults) = Theme::load_or_default(name, dir.path());
            assert_eq!(theme, compiled_in(DEFAULT));
            assert!(faults[0].to_string().contains(told), "{}", faults[0]);
        }
    }
}
