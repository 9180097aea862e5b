//! Keys: where they come from and to whom they belong.
//!
//! A key belongs to one endpoint. It is looked for in the process environment, in `.env` of the working
//! directory, in a file only its owner can read, and in what a command prints; the first that has one wins.
//!
//! `.env` is not trusted: it lies in whatever folder the program was started in. Only the one variable an
//! endpoint names as its `key_env` is read from it; base URLs and everything else in it are ignored, it
//! never replaces a variable by another (`GROQ_API_KEY=$OPENAI_API_KEY` would carry a key to another
//! host), it never enters the process environment, and an endpoint made by `--base-url` gets nothing from
//! it. So it can supply a key, and never decide where a key is sent.
//!
//! Invariant: a key leaves this module only as [`SecretString`], and no message holds any part of one.

use crate::config::Env;
use crate::core::fault::{Fault, FaultKind};
use secrecy::SecretString;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Most bytes read from a `.env`, a key file or a key command.
const MAX_BYTES: u64 = 64 * 1024;

/// Longest key, in bytes; more than any provider uses, less than servers accept as a header.
const MAX_KEY: usize = 4096;

/// Stands for `$` while `.env` is read, so that nothing in it is replaced by another variable.
const DOLLAR: char = '\u{1}';

/// Where the key of an endpoint comes from. It never holds the key itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KeyReference {
    /// Variable of the process environment or of `.env`.
    #[serde(rename = "key_env", skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Variable of the process environment alone; the last that is tried.
    #[serde(skip)]
    pub process_env: Option<String>,
    /// File that holds nothing but the key.
    #[serde(rename = "key_file", skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Program and arguments that print the key; run without a shell.
    #[serde(rename = "key_command", skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

/// Where a key was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// This variable of the process environment.
    Environment(String),
    /// This variable of `.env`.
    Dotenv(String),
    /// This file.
    File(PathBuf),
    /// This program.
    Command(String),
}

/// A key and where it was found.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key.
    pub secret: SecretString,
    /// Where it was found.
    pub source: KeySource,
}

impl KeyReference {
    /// Returns the key, or `None` when this endpoint has none.
    ///
    /// It may block for as long as the key command runs, so the workbench calls it on a worker thread and
    /// gives up waiting after a while of its own choice.
    ///
    /// # Errors
    /// When a source is there but unusable: a file that others may read, a command that fails, a key with
    /// characters no key has. It never goes on to the next source then: the user meant this one.
    pub fn find(&self, env: Env<'_>, dotenv: &Path) -> Result<Option<Key>, Fault> {
        if let Some(key) = self.find_at_once(env, dotenv)? {
            return Ok(Some(key));
        }
        if let Some(path) = &self.file {
            let secret = clean(&read_key_file(path)?, &format!("the key file {}", path.display()))?;
            return Ok(Some(Key { secret, source: KeySource::File(path.clone()) }));
        }
        if let Some((program, arguments)) = self.command.split_first() {
            let secret = clean(&run(program, arguments)?, &format!("what `{program}` prints"))?;
            return Ok(Some(Key { secret, source: KeySource::Command(program.clone()) }));
        }
        match &self.process_env {
            Some(name) => from_env(name, env),
            None => Ok(None),
        }
    }

    /// Returns the key if the environment or `.env` has it.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn find_at_once(&self, env: Env<'_>, dotenv: &Path) -> Result<Option<Key>, Fault> {
        let Some(name) = &self.env else { return Ok(None) };
        if let Some(key) = from_env(name, env)? {
            return Ok(Some(key));
        }
        let Some(value) = from_dotenv(name, dotenv)? else { return Ok(None) };
        let secret = clean(&value, &format!("{name} in {}", dotenv.display()))?;
        Ok(Some(Key { secret, source: KeySource::Dotenv(name.clone()) }))
    }

    /// Returns what to do to give this endpoint a key, in one sentence.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self.env.as_ref().or(self.process_env.as_ref()) {
            Some(name) => format!("Set {name} in the environment, or in .env"),
            None => {
                "Name a variable with key_env in the configuration, or use key_file or key_command".into()
            }
        }
    }
}

/// Returns the key in a variable of the process environment; an empty one counts as not set.
fn from_env(name: &str, env: Env<'_>) -> Result<Option<Key>, Fault> {
    match env(name).filter(|value| !value.trim().is_empty()) {
        Some(value) => {
            Ok(Some(Key { secret: clean(&value, name)?, source: KeySource::Environment(name.to_owned()) }))
        }
        None => Ok(None),
    }
}

/// Returns the value of one variable in a `.env` file, if there is such a file and it has a value.
fn from_dotenv(name: &str, path: &Path) -> Result<Option<String>, Fault> {
    let refused = |what: &str| {
        Fault::new(FaultKind::Local, format!("{} is not read: {what}", path.display()))
            .remedy(format!("Mend or remove it, or set {name} in the environment"))
    };
    // People keep Python environments in a folder of this name.
    if path.is_dir() {
        return Ok(None);
    }
    let text = match read_small(path, false) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refused(&error.to_string())),
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.contains(DOLLAR) {
        return Err(refused("it holds control characters"));
    }
    let text = text.replace('$', &DOLLAR.to_string());
    // Errors of other lines are other programs' business; those of ours look like a missing key. The
    // reader's own messages quote the line, so they are never shown.
    let found = dotenvy::from_read_iter(text.as_bytes()).flatten().find(|(key, _)| key == name);
    Ok(found.map(|(_, value)| value.replace(DOLLAR, "$")).filter(|value| !value.trim().is_empty()))
}

/// Returns the content of a key file that only its owner can read.
fn read_key_file(path: &Path) -> Result<String, Fault> {
    read_small(path, true).map_err(|error| {
        let remedy = if error.kind() == io::ErrorKind::PermissionDenied {
            format!("Make it yours alone: chmod 600 '{}'", path.display())
        } else {
            "Check key_file in the configuration".to_owned()
        };
        Fault::new(FaultKind::Local, format!("the key file {} is not read: {error}", path.display()))
            .remedy(remedy)
    })
}

/// Returns the text of a small regular file.
///
/// What kind of file it is, is asked before it is opened, because opening a pipe waits for a writer; who
/// may read it is asked of the open file, so that it cannot be exchanged in between.
fn read_small(path: &Path, must_be_private: bool) -> io::Result<String> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    if !std::fs::metadata(path)?.is_file() {
        return Err(invalid("it is not a regular file"));
    }
    let file = File::open(path)?;
    #[cfg(unix)]
    if must_be_private {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may read it"));
        }
    }
    #[cfg(not(unix))]
    let _ = must_be_private;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(invalid("it is larger than 64 KB"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8"))
}

/// Returns what a program prints. Its error output is dropped: it would land on the screen.
fn run(program: &str, arguments: &[String]) -> Result<String, Fault> {
    let failed = |what: String| {
        Fault::new(FaultKind::Local, format!("the key command `{program}` {what}"))
            .remedy("Run it by hand to see why, or check key_command in the configuration")
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("cannot be started: {}", error.kind())))?;
    let mut bytes = Vec::new();
    let read = match child.stdout.take() {
        Some(stdout) => stdout.take(MAX_BYTES + 1).read_to_end(&mut bytes),
        None => Ok(0),
    };
    if bytes.len() as u64 > MAX_BYTES {
        // It may go on for ever; what it thinks of being stopped does not matter.
        let _ = child.kill();
        let _ = child.wait();
        return Err(failed("prints more than 64 KB".to_owned()));
    }
    let status = child.wait().map_err(|error| failed(format!("was lost: {}", error.kind())))?;
    read.map_err(|error| failed(format!("cannot be read: {}", error.kind())))?;
    if !status.success() {
        return Err(failed(format!("failed ({status})")));
    }
    String::from_utf8(bytes).map_err(|_| failed("prints something that is not text".to_owned()))
}

/// Returns the key in a text: without the white space around it, and fit for a header.
fn clean(text: &str, origin: &str) -> Result<SecretString, Fault> {
    let key = text.trim();
    let wrong = if key.is_empty() {
        "is empty"
    } else if key.len() > MAX_KEY {
        "is too long for a key"
    } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        "holds spaces, control characters or letters beyond ASCII, which no key has"
    } else {
        return Ok(SecretString::from(key));
    };
    Err(Fault::new(FaultKind::Local, format!("{origin} {wrong}")).remedy("Copy the key again"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use std::fs;

    fn reference(name: &str) -> KeyReference {
        KeyReference { env: Some(name.to_owned()), ..KeyReference::default() }
    }

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn dotenv(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        fs::write(&path, text).unwrap();
        (dir, path)
    }

    #[track_caller]
    fn found(reference: &KeyReference, env: Env<'_>, path: &Path) -> Option<(String, KeySource)> {
        let key = reference.find(env, path).unwrap()?;
        Some((key.secret.expose_secret().to_owned(), key.source))
    }

    #[test]
    fn the_environment_comes_before_dotenv() {
        let (_dir, path) = dotenv("export A_KEY='from-file' # mine\nB_KEY=\"b\"\n");
        let env = |name: &str| (name == "A_KEY").then(|| "from-env\n".to_owned());
        assert_eq!(
            found(&reference("A_KEY"), &env, &path),
            Some(("from-env".into(), KeySource::Environment("A_KEY".into())))
        );
        assert_eq!(
            found(&reference("A_KEY"), &nothing, &path),
            Some(("from-file".into(), KeySource::Dotenv("A_KEY".into())))
        );
        assert_eq!(found(&reference("C_KEY"), &nothing, &path), None);
    }

    #[test]
    fn dotenv_cannot_carry_one_key_to_another_host() {
        let (_dir, path) = dotenv("OTHER=secret\nGROQ_API_KEY=${OTHER}\nB=$PATH\nC='x$y'\n");
        assert_eq!(found(&reference("GROQ_API_KEY"), &nothing, &path).unwrap().0, "${OTHER}");
        assert_eq!(found(&reference("B"), &nothing, &path).unwrap().0, "$PATH");
        assert_eq!(found(&reference("C"), &nothing, &path).unwrap().0, "x$y");
    }

    #[test]
    fn an_explicit_host_gets_nothing_from_dotenv() {
        let (_dir, path) = dotenv("OPENAI_API_KEY=from-file\n");
        let explicit =
            KeyReference { process_env: Some("OPENAI_API_KEY".to_owned()), ..KeyReference::default() };
        assert_eq!(found(&explicit, &nothing, &path), None);
        let env = |name: &str| (name == "OPENAI_API_KEY").then(|| "from-env".to_owned());
        assert_eq!(found(&explicit, &env, &path).unwrap().0, "from-env");
    }

    #[test]
    fn a_hostile_dotenv_is_refused_without_being_quoted() {
        for text in ["K=se\u{7}cret", "K=\"sec ret\"", "K=비밀", "K=\u{1}secret"] {
            let (_dir, path) = dotenv(text);
            let fault = reference("K").find(&nothing, &path).unwrap_err().to_string();
            assert!(!fault.contains("ret") && !fault.contains("비밀"), "{fault}");
        }
        let (_dir, path) = dotenv(vec![b'#'; 70_000]);
        assert!(reference("K").find(&nothing, &path).unwrap_err().message.contains("64 KB"));
        let (_dir, path) = dotenv(b"K=\xff\xfe");
        assert!(reference("K").find(&nothing, &path).unwrap_err().message.contains("UTF-8"));
        let (dir, _) = dotenv("");
        assert_eq!(found(&reference("K"), &nothing, dir.path()), None);
        let file = KeyReference { file: Some(dir.path().into()), ..KeyReference::default() };
        assert!(file.find(&nothing, dir.path()).unwrap_err().message.contains("regular"));
    }

    #[test]
    fn broken_lines_of_others_do_not_matter() {
        let (_dir, path) = dotenv("\u{feff}not a line\n=\n'\nK=good\n");
        let after_open_quote = found(&reference("K"), &nothing, &path);
        assert_eq!(after_open_quote, None, "an open quote swallows the rest, as in a shell");
        let (_dir, path) = dotenv("not a line\n=\nK=good\n");
        assert_eq!(found(&reference("K"), &nothing, &path).unwrap().0, "good");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_must_be_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_dir, path) = dotenv("sk-file\n");
        let reference = KeyReference { file: Some(path.clone()), ..KeyReference::default() };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let fault = reference.find(&nothing, Path::new("/none")).unwrap_err();
        assert!(fault.remedy.contains("chmod 600"), "{fault}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            found(&reference, &nothing, Path::new("/none")),
            Some(("sk-file".into(), KeySource::File(path)))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_key_command_runs_without_a_shell() {
        let command = |argv: &[&str]| KeyReference {
            command: argv.iter().map(|&word| word.to_owned()).collect(),
            ..KeyReference::default()
        };
        let key = found(&command(&["printf", "%s\\n", "a;b$HOME"]), &nothing, Path::new("/none"));
        assert_eq!(key, Some(("a;b$HOME".into(), KeySource::Command("printf".into()))));
        for (argv, told) in [
            (&["false"][..], "failed"),
            (&["/no/such/program"], "cannot be started"),
            (&["yes"], "more than 64 KB"),
            (&["true"], "is empty"),
        ] {
            let fault = command(argv).find(&nothing, Path::new("/none")).unwrap_err();
            assert!(fault.message.contains(told), "{fault}");
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key =
            Key { secret: SecretString::from("sk-abc"), source: KeySource::Environment("K".to_owned()) };
        assert!(!format!("{key:?}").contains("abc"));
    }

    proptest! {
        #[test]
        fn whatever_dotenv_holds_a_key_is_fit_for_a_header(text in any::<String>()) {
            let (_dir, path) = dotenv(format!("{text}\nK={text}\n"));
            if let Ok(Some(key)) = reference("K").find(&nothing, &path) {
                prop_assert!(key.secret.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
