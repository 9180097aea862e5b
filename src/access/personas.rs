//! Keeps what became of the user's own personas.
//!
//! Owns the order of it: what is there is read again, changed and written whole, so that two programs at
//! once lose nothing of each other. Invariant: a file that cannot be read is never written over; what was
//! to be kept then stands beside it.

use super::private;
use crate::config::library::{file, print, read};
use crate::core::fault::{Fault, FaultKind};
use crate::core::persona::{Change, Own, apply};
use std::path::Path;

/// Name of the file for what cannot be put into the file of personas.
const ASIDE: &str = "personas-unsaved.toml";

/// Makes changes to the personas kept under a folder of data.
///
/// # Errors
/// When their file cannot be read or written, and where the changes are then.
pub fn keep(data_dir: &Path, changes: &[Change]) -> Result<(), Fault> {
    let path = file(data_dir);
    let fault = match read(&path) {
        Ok(mut own) => {
            apply(&mut own, changes);
            match write(&path, &own) {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            }
        }
        Err(error) => error.into(),
    };
    let aside = data_dir.join(ASIDE);
    let mut own = read(&aside).unwrap_or_default();
    apply(&mut own, changes);
    match write(&aside, &own) {
        Ok(()) => Err(Fault {
            message: format!("{}; what you wrote is in {}", fault.message, aside.display()),
            ..fault
        }),
        Err(_) => Err(fault),
    }
}

fn write(path: &Path, own: &Own) -> Result<(), Fault> {
    let unwritable = |what: String| {
        Fault::new(FaultKind::Local, format!("{} cannot be written: {what}", path.display()))
            .remedy("Name another folder with --data-dir")
    };
    let text = print(own).map_err(unwritable)?;
    private::write(path, text.as_bytes()).map_err(|error| unwritable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn texts(path: &Path) -> Vec<(String, String)> {
        read(path).unwrap().into_iter().map(|(name, text)| (name, text.to_string())).collect()
    }

    #[test]
    fn changes_are_made_to_what_is_there_and_kept_for_the_user_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        keep(&data, &[Change::put("시인", "운을\n맞춰.")]).unwrap();
        keep(&data, &[Change::put("b", "two"), Change::remove("c")]).unwrap();
        let both = [("b", "two"), ("시인", "운을\n맞춰.")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(texts(&file(&data)), both);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(file(&data)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        keep(&data, &[Change::remove("b"), Change::remove("시인")]).unwrap();
        assert_eq!(texts(&file(&data)), []);
    }

    #[test]
    fn a_broken_file_is_left_and_the_changes_stand_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path()), "[personas").unwrap();
        for (name, text) in [("a", "one"), ("b", "two")] {
            let fault = keep(folder.path(), &[Change::put(name, text)]).unwrap_err();
            assert!(fault.message.contains("personas.toml:1:") && fault.message.contains(ASIDE), "{fault}");
        }
        assert_eq!(fs::read_to_string(file(folder.path())).unwrap(), "[personas");
        assert_eq!(texts(&folder.path().join(ASIDE)).len(), 2);
    }
}
