//! The layers: what a module may import of the crate, read off its lines.

use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and the layers whose names may stand after `crate::` in it.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("transfer", &["domain", "store"]),
    ("sample", &["domain", "store"]),
    ("embedded", &[]),
    ("http", &["domain", "store"]),
    ("config", &[]),
    (
        "cli",
        &["domain", "store", "transfer", "sample", "embedded", "http", "config"],
    ),
];

/// Crates that one layer alone speaks, the command line's start of the server aside.
const SPOKEN_BY: [(&str, &[&str]); 6] = [
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("r2d2", &["store"]),
    ("actix_web", &["http", "cli/serve.rs"]),
    ("csv_core", &["transfer"]),
    ("serde", &["http"]),
];

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20);
    files
}

/// A source's path below `src`, its layer, and its code without comments.
fn read(path: &Path) -> (String, String, String) {
    let relative = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let relative = relative.to_str().unwrap().to_owned();
    let layer = relative.split(['/', '.']).next().unwrap().to_owned();
    let code: Vec<String> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(str::to_owned)
        .collect();
    (relative, layer, code.join("\n"))
}

/// The words that follow `start` in the code.
fn words_after<'a>(code: &'a str, start: &str) -> Vec<&'a str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(start)
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .map(|(at, _)| {
            let rest = &code[at + start.len()..];
            &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())]
        })
        .collect()
}

#[test]
fn a_lower_layer_never_looks_up() {
    let mut seen = 0;
    for path in sources() {
        let (relative, layer, code) = read(&path);
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            assert!(["lib", "main"].contains(&layer.as_str()), "{relative} is in no layer");
            continue;
        };
        assert!(
            !code.contains("use crate::{"),
            "{relative}: one use line a layer, so that this test can read it"
        );
        for imported in words_after(&code, "crate::") {
            seen += 1;
            assert!(
                imported == layer || allowed.contains(&imported),
                "{relative} imports {imported}"
            );
        }
    }
    assert!(seen > 30, "the imports are read: {seen}");
}

#[test]
fn a_library_is_spoken_in_its_layer_alone() {
    for path in sources() {
        let (relative, layer, code) = read(&path);
        for (library, speakers) in SPOKEN_BY {
            let speaks = !words_after(&code, &format!("{library}::")).is_empty();
            let may = speakers.contains(&layer.as_str()) || speakers.contains(&relative.as_str());
            assert!(!speaks || may, "{relative} speaks {library}");
        }
    }
}

#[test]
fn an_endpoints_file_never_imports_another() {
    let is_endpoint = |relative: &str| {
        let name = relative.strip_prefix("http/endpoints/")?.strip_suffix(".rs")?;
        let name = name.rsplit('/').next()?;
        (!["mod", "answer", "contact_json"].contains(&name)).then(|| name.to_owned())
    };
    let read: Vec<_> = sources().iter().map(|path| read(path)).collect();
    let names: Vec<String> = read.iter().filter_map(|(relative, ..)| is_endpoint(relative)).collect();
    assert!(names.len() > 8);
    for (relative, _, code) in read {
        let Some(name) = is_endpoint(&relative) else { continue };
        for other in names.iter().filter(|other| **other != name) {
            for folder in ["super::", "lookup::", "ingest::", "ops::", "public::"] {
                assert!(
                    !words_after(&code, folder).contains(&other.as_str()),
                    "{name} names {other}"
                );
            }
        }
    }
}
