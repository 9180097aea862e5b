//! The headless front end.
