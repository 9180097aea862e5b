//! What the program is built from: licences, origins, and crates that must stay out.
//!
//! Reads what cargo knows of the locked packages, offline. A licence that is not listed here is a
//! decision to take, not a line to add.

use serde_json::Value;
use std::process::Command;

/// Licences a package may be used under. All but the last allow use in a program under any terms;
/// MPL-2.0 asks that changes to a file under it are published, and no file is changed here.
const ALLOWED: [&str; 12] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "WTFPL",
    "MPL-2.0",
];

/// Crates that must not come in, and why.
const BANNED: [(&str, &str); 3] = [
    ("aws-lc-sys", "takes a minute of C to build; ring does the same"),
    ("openssl-sys", "needs a library of the system"),
    ("native-tls", "needs a library of the system"),
];

/// Returns the locked packages that are built on this platform.
fn packages() -> Vec<Value> {
    let output = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let version = output(Command::new("rustc").arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--offline", "--locked", "--format-version=1", "--filter-platform", host])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let built: Vec<&Value> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| &node["id"]).collect();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().filter(|package| built.contains(&&package["id"])).cloned().collect()
}

/// Whether the licences in an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` suffice.
///
/// `AND` binds more tightly than `OR`, `/` is an old way to write `OR`, and what follows `WITH` only
/// adds permissions.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    any_of(&mut expression.split_whitespace().peekable())
}

type Words<'a, 'b> = &'a mut std::iter::Peekable<std::str::SplitWhitespace<'b>>;

fn any_of(words: Words<'_, '_>) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: Words<'_, '_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: Words<'_, '_>) -> bool {
    let allowed = match words.next() {
        Some("(") => {
            let allowed = any_of(words);
            words.next() == Some(")") && allowed
        }
        Some(name) => ALLOWED.contains(&name),
        None => false,
    };
    if words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    allowed
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    for allowed in
        ["MIT", "GPL-3.0 OR MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for refused in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "GPL-3.0 OR AGPL-3.0", "(MIT OR ISC) AND GPL-3.0", "(MIT"]
    {
        assert!(!is_allowed(refused), "{refused}");
    }
}

#[test]
fn every_package_is_free_to_use_and_from_the_registry() {
    let mut wrong = Vec::new();
    for package in packages() {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or_default());
        if !is_allowed(licence) {
            wrong.push(format!("{name} has the licence '{licence}'"));
        }
        let source = package["source"].as_str();
        if source.is_some_and(|source| !source.contains("github.com/rust-lang/crates.io-index")) {
            wrong.push(format!("{name} is not from crates.io"));
        }
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| name == banned) {
            wrong.push(format!("{name} must stay out: it {reason}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
