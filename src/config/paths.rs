//! Where the configuration and the data are.
//!
//! Owns the platform's places and the two flags that replace them. Creates nothing on disk.

use crate::config::error::ConfigError;
use crate::config::{Env, Overrides};
use directories::ProjectDirs;
use std::path::{Path, PathBuf};

/// The files and folders of one start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file.
    pub config_file: PathBuf,
    /// Whether the user named that file, so that it must be there.
    pub is_config_named: bool,
    /// The folder of the configuration; `themes` lies in it.
    pub config_dir: PathBuf,
    /// The folder of conversations, drafts and personas.
    pub data_dir: PathBuf,
    /// The file of keys in the working directory; it need not be there.
    pub dotenv: PathBuf,
}

impl Paths {
    /// Returns the places the flags, else the environment, else the platform name.
    ///
    /// # Errors
    /// When something is left to the platform and there is no home directory.
    pub fn resolve(overrides: &Overrides, env: Env<'_>) -> Result<Self, ConfigError> {
        let named = |flag: &Option<PathBuf>, variable: &str| {
            flag.clone().or_else(|| env(variable).filter(|value| !value.is_empty()).map(PathBuf::from))
        };
        let file = named(&overrides.config, "TOKENSCOPE_CONFIG");
        let data = named(&overrides.data_dir, "TOKENSCOPE_DATA_DIR");
        let platform = ProjectDirs::from("", "", "tokenscope");
        let config_dir = match (&file, &platform) {
            (Some(file), _) => file.parent().unwrap_or(Path::new("")).to_owned(),
            (None, Some(platform)) => platform.config_dir().to_owned(),
            (None, None) => return Err(ConfigError::NoHome),
        };
        let data_dir = match (data, &platform) {
            (Some(data), _) => data,
            (None, Some(platform)) => platform.data_dir().to_owned(),
            (None, None) => return Err(ConfigError::NoHome),
        };
        Ok(Self {
            is_config_named: file.is_some(),
            config_file: file.unwrap_or_else(|| config_dir.join("config.toml")),
            config_dir,
            data_dir,
            dotenv: PathBuf::from(".env"),
        })
    }

    /// Returns the folder of the user's own themes.
    #[must_use]
    pub fn themes_dir(&self) -> PathBuf {
        self.config_dir.join("themes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_variables() {
        let env = |name: &str| match name {
            "TOKENSCOPE_CONFIG" => Some("/env/c.toml".to_owned()),
            "TOKENSCOPE_DATA_DIR" => Some("/env/data".to_owned()),
            _ => None,
        };
        let overrides = Overrides { config: Some("/flag/c.toml".into()), ..Overrides::default() };
        let paths = Paths::resolve(&overrides, &env).unwrap();
        assert_eq!(paths.config_file, Path::new("/flag/c.toml"));
        assert_eq!(paths.themes_dir(), Path::new("/flag/themes"));
        assert!(paths.is_config_named);
    }
}
