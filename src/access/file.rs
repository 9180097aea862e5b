//! Files of texts: bounded, UTF-8, and a sentence where one cannot be had.
//!
//! Owns the reading of sweeps and of what lies beside them, for workbench and headless command alike, and
//! writing over what is there. Never reads more than it is allowed, whatever a path leads to.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Returns the place a path names, where `~` at its beginning is the home folder, as a shell has it.
#[must_use]
pub fn at_home(path: &str) -> PathBuf {
    at_home_of(path, std::env::home_dir())
}

fn at_home_of(path: &str, home: Option<PathBuf>) -> PathBuf {
    let inside =
        path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with(std::path::is_separator));
    match (inside, home.filter(|home| !home.as_os_str().is_empty())) {
        (Some(rest), Some(home)) => home.join(rest.trim_start_matches(std::path::is_separator)),
        _ => PathBuf::from(path),
    }
}

/// Returns the text of a file of at most `max` bytes.
///
/// # Errors
/// Says in one sentence why it cannot be read.
pub fn text(path: &Path, max: usize) -> Result<String, String> {
    let name = path.display();
    let mut bytes = Vec::new();
    let longest = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)
        .and_then(|file| file.take(longest).read_to_end(&mut bytes))
        .map_err(|error| format!("{name} cannot be read: {error}"))?;
    if bytes.len() > max {
        return Err(format!("{name} has more than {} MiB", max / (1024 * 1024)));
    }
    String::from_utf8(bytes).map_err(|_| format!("{name} is no UTF-8"))
}

/// Writes over a file, which stays as it was where the new one cannot be written whole.
///
/// # Errors
/// When it cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link stays a link, and a device has nothing to keep.
    let place = fs::canonicalize(path)?;
    let own = fs::metadata(&place)?;
    if !own.is_file() {
        return File::create(&place)?.write_all(bytes);
    }
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = place.with_file_name(name);
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.set_permissions(own.permissions())?;
        fs::rename(&beside, &place)
    });
    written.inspect_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            drop(fs::remove_file(&beside));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn what_is_written_over_keeps_its_link_and_its_rights() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("own.md"), "old").unwrap();
        fs::set_permissions(at("own.md"), fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(at("own.md"), at("link.md")).unwrap();
        replace(&at("link.md"), "새것".as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(at("own.md")).unwrap(), "새것");
        assert!(fs::symlink_metadata(at("link.md")).unwrap().is_symlink());
        assert_eq!(fs::metadata(at("own.md")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        // What stands in the way of the new one costs the old one nothing.
        fs::create_dir(at(&format!("own.md.{}.part", std::process::id()))).unwrap();
        assert!(replace(&at("own.md"), b"newer").is_err());
        assert_eq!(fs::read_to_string(at("own.md")).unwrap(), "새것");
    }

    #[test]
    fn a_tilde_is_the_home_folder_at_the_beginning_only() {
        let home = || Some(PathBuf::from("/home/한"));
        let of = |path| at_home_of(path, home());
        assert_eq!(of("~/out/a.html"), Path::new("/home/한/out/a.html"));
        assert_eq!(of("~//a.md"), Path::new("/home/한/a.md"));
        for path in ["~a/b", "a/~/b", "/~", "./~/b", ""] {
            assert_eq!(of(path), Path::new(path));
        }
        assert_eq!(at_home_of("~/a", None), Path::new("~/a"));
        assert_eq!(at_home_of("~/a", Some(PathBuf::new())), Path::new("~/a"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        assert_eq!(text(&write("a.csv", "도시\n".as_bytes()), 7).unwrap(), "도시\n");
        assert!(text(&write("b.csv", "도시\n\n".as_bytes()), 7).unwrap_err().contains("more than 0 MiB"));
        assert!(text(&write("c.csv", b"\xff"), 7).unwrap_err().contains("is no UTF-8"));
        assert!(text(&folder.path().join("d.csv"), 7).unwrap_err().contains("cannot be read"));
    }
}
