//! Packs what the tokenizer needs into a form that is usable without parsing.
//!
//! The vocabularies come from `tiktoken-rs` and the character classes from `regex-syntax`, the crate
//! whose tables the reference tokenizer matches with. Both stay out of the program: decoding base64
//! and building maps of small vectors at start would cost 240 ms and 45 MB.

use regex_syntax::hir::{Class, HirKind};
use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use tiktoken_rs::CoreBPE;

/// The classes, in the order of the bits in `src/tokenizer/class.rs`. They partition all characters.
const CLASSES: [&str; 8] = [
    r"[\p{Lu}\p{Lt}]",
    r"\p{Ll}",
    r"[\p{Lm}\p{Lo}]",
    r"\p{M}",
    r"\p{N}",
    r"[\s--\r\n]",
    r"[\r\n]",
    r"[^\s\p{L}\p{M}\p{N}]",
];

/// Characters in a block of the class table.
const BLOCK: usize = 256;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").ok_or("cargo gives OUT_DIR to build scripts")?;
    let out = Path::new(&out);
    pack_vocabulary(&tiktoken_rs::o200k_base()?, out, "o200k_base")?;
    pack_vocabulary(&tiktoken_rs::cl100k_base()?, out, "cl100k_base")?;
    pack_classes(out)
}

/// Writes the lengths of all tokens in order of their ids, one byte each, and their joined bytes.
fn pack_vocabulary(core: &CoreBPE, out: &Path, name: &str) -> Result<(), Box<dyn Error>> {
    let (mut lengths, mut bytes) = (Vec::new(), Vec::new());
    // Ordinary ids are the numbers from 0; a gap separates them from the special tokens.
    for id in 0.. {
        let Ok(token) = core.decode_bytes(&[id]) else { break };
        lengths.push(u8::try_from(token.len())?);
        bytes.extend_from_slice(&token);
    }
    fs::write(out.join(format!("{name}.lengths")), lengths)?;
    fs::write(out.join(format!("{name}.bytes")), bytes)?;
    Ok(())
}

/// Writes a table of two stages: which block holds the classes of 256 characters, and the blocks.
fn pack_classes(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut classes = vec![0_u8; char::MAX as usize + 1];
    for (bit, pattern) in CLASSES.iter().enumerate() {
        let hir = regex_syntax::parse(pattern)?;
        let HirKind::Class(Class::Unicode(class)) = hir.kind() else {
            return Err(format!("{pattern} is no class").into());
        };
        for range in class.ranges() {
            for entry in &mut classes[range.start() as usize..=range.end() as usize] {
                if *entry != 0 {
                    return Err(format!("{pattern} overlaps another class").into());
                }
                *entry = 1 << bit;
            }
        }
    }
    let (mut index, mut blocks) = (Vec::new(), Vec::<&[u8]>::new());
    for block in classes.chunks(BLOCK) {
        let at = blocks.iter().position(|known| *known == block).unwrap_or_else(|| {
            blocks.push(block);
            blocks.len() - 1
        });
        index.push(u8::try_from(at)?);
    }
    fs::write(out.join("classes.index"), index)?;
    fs::write(out.join("classes.blocks"), blocks.concat())?;
    Ok(())
}
