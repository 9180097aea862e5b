//! Defaults, file, environment and flags; endpoints and their keys; themes.
