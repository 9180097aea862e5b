//! Opening the database and bringing it to the version of this program.
//!
//! Owns the migrations: each is one file, applied once and whole, and never changed after a release.
//! The file is the user's alone. Never repairs or removes a database it does not understand.

use crate::store::error::StoreError;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The steps from an empty file to the latest version, in order.
const MIGRATIONS: &[&str] =
    &[include_str!("../../assets/sql/0001.sql"), include_str!("../../assets/sql/0002.sql")];

/// Marks a database as this program's: "tscp" in ASCII.
const APPLICATION_ID: i64 = 0x7473_6370;

/// How long another process may hold the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prepared statements that are kept.
const STATEMENTS: usize = 64;

/// Returns the latest version this program knows.
#[must_use]
pub fn latest_version() -> usize {
    MIGRATIONS.len()
}

/// Opens a database, makes it where there is none, and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    let unopened = |error: &dyn std::fmt::Display| StoreError::Unopened {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    prepare_file(path).map_err(|error| unopened(&error))?;
    let mut connection = Connection::open(path).map_err(|error| unopened(&error))?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // A crafted file must not run functions or write over its own pages through its schema.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    let owner: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner != APPLICATION_ID && (owner != 0 || tables > 0) {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    // A process that is killed loses nothing; a power cut loses the last moments and breaks nothing.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut connection, MIGRATIONS)?;
    Ok(connection)
}

/// Makes the folder and the file, or takes the rights of others away from a file that is there.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // SQLite gives its other two files the rights of this one.
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    drop(file);
    Ok(())
}

/// Applies the steps that are missing, each with its number or not at all.
fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let known = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    let mut found = version(connection)?;
    while found != known {
        if !(0..known).contains(&found) {
            return Err(StoreError::Newer { found, known });
        }
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process that began at the same time may have done the step.
        if version(&step)? == found
            && let Some(sql) = usize::try_from(found).ok().and_then(|found| steps.get(found))
        {
            step.execute_batch(sql)?;
            step.pragma_update(None, "user_version", found + 1)?;
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        step.commit()?;
        found = version(connection)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(connection: &Connection) -> i64 {
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    #[test]
    fn steps_are_applied_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
        let second = "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1;";
        migrate(&mut connection, &[first]).unwrap();
        migrate(&mut connection, &[first, second]).unwrap();
        migrate(&mut connection, &[first, second]).unwrap();
        let row: (i64, i64) =
            connection.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!((row, version(&connection)), ((1, 2), 2));
    }

    #[test]
    fn a_step_that_fails_leaves_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = "CREATE TABLE b (x); INSERT INTO missing VALUES (1);";
        assert!(migrate(&mut connection, &["CREATE TABLE a (x);", broken]).is_err());
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!((tables, version(&connection)), (1, 1));
    }

    #[test]
    fn a_later_version_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 9).unwrap();
        let error = migrate(&mut connection, &["CREATE TABLE a (x);"]).unwrap_err();
        assert!(error.to_string().contains("version 9"), "{error}");
    }
}
