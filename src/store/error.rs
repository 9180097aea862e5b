//! What can go wrong with the store, and what to do about it.

use crate::core::fault::{Fault, FaultKind};
use rusqlite::ErrorCode;
use std::path::PathBuf;
use thiserror::Error;

/// A failure of the store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder or the file cannot be made or opened.
    #[error("the database {} cannot be opened: {reason}", path.display())]
    Unopened {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A newer version of the program has changed the database.
    #[error("the database is of version {found}, and this program knows versions up to {known}")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Latest version this program knows.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is a database of another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Something kept cannot be read.
    #[error("{what} cannot be read from the database")]
    Broken {
        /// What it was.
        what: &'static str,
    },
    /// Something that should be there is not.
    #[error("{what} is not in the database")]
    Missing {
        /// What it was.
        what: &'static str,
    },
    /// A run that is still going on was to be kept.
    #[error("an answer that is still coming cannot be kept")]
    NotEnded,
    /// The thread of the store is gone.
    #[error("the database is closed")]
    Closed,
    /// SQLite refused.
    #[error("{}", sentence(.0))]
    Sql(#[from] rusqlite::Error),
}

/// Returns what SQLite's refusal means.
fn sentence(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full, so the database could not be written".to_owned(),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            "the database may not be written".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program has held the database for too long".to_owned()
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the file of the database is damaged".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => format!("the disk failed while the database was used: {error}"),
        Some(_) | None => format!("the database refused: {error}"),
    }
}

impl StoreError {
    /// Returns what the user can do.
    fn remedy(&self) -> &'static str {
        match self {
            Self::Unopened { .. } => "Check the folder, or name another one with --data-dir",
            Self::Newer { .. } => "Update this program, or name another folder with --data-dir",
            Self::Foreign { .. } => "Name another folder with --data-dir",
            Self::Broken { .. } | Self::Missing { .. } | Self::NotEnded | Self::Closed => "",
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => "Free some space; what came in meanwhile is kept in memory only",
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    "Check the rights of the file and its folder, or name another one with --data-dir"
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "Close the other program",
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    "Move the file away to begin a new one; it is not overwritten"
                }
                Some(_) | None => "",
            },
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::new(FaultKind::Local, error.to_string()).remedy(error.remedy())
    }
}
