//! The architecture, checked against the `use` lines of every file in `src/`: which layer may import which, which layer
//! may use which library, and that no layer has an import cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A layer, and the layers that it may import.
const LAYERS: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("transfer", &["domain", "store"]),
    ("sample", &["domain", "store"]),
    ("embedded", &[]),
    ("http", &["domain", "store", "transfer"]),
    ("config", &[]),
    (
        "cli",
        &["domain", "store", "transfer", "sample", "embedded", "http", "config"],
    ),
];

/// The endpoints that take a file. Only they import `transfer`.
const FILE_ENDPOINTS: [&str; 1] = ["http/endpoints/page/file_check.rs"];

/// Libraries, and the layers or files that may use them.
const LIBRARIES: [(&str, &[&str]); 15] = [
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("r2d2", &["store"]),
    ("actix_web", &["http", "cli/serve.rs"]),
    ("actix_tls", &["http"]),
    ("rustls", &["http"]),
    ("brotli", &["http"]),
    ("flate2", &["http"]),
    ("csv_core", &["transfer"]),
    ("encoding_rs", &["transfer"]),
    ("chardetng", &["transfer"]),
    ("calamine", &["transfer"]),
    ("quick_xml", &["transfer"]),
    ("zip", &["transfer"]),
    ("serde", &["http", "cli"]),
];

/// A file of `src/`.
struct Source {
    /// Its path below `src/`: `store/import/merge.rs`.
    path: String,
    /// Its module: `["store", "import", "merge"]`.
    module: Vec<String>,
    /// Its text without comments.
    code: String,
}

impl Source {
    fn layer(&self) -> &str {
        self.module.first().map_or("", String::as_str)
    }

    fn is_mod(&self) -> bool {
        self.path.ends_with("/mod.rs")
    }

    /// The absolute paths in this crate that the code names as `crate::…`, `super::…` or `self::…`. Ignores the inner
    /// module `tests`, because its `super` is the file itself.
    fn imports(&self) -> Vec<Vec<String>> {
        let code = self.code.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let mut imports = Vec::new();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        for root in ["crate::", "super::", "self::"] {
            for (at, _) in code.match_indices(root) {
                if code[..at].ends_with(|c| is_word(c) || c == ':') {
                    continue;
                }
                let mut rest = &code[at..];
                let mut prefix = self.module.clone();
                if root == "crate::" {
                    prefix.clear();
                }
                if root != "super::" {
                    rest = &rest[root.len()..];
                }
                while let Some(after) = rest.strip_prefix("super::") {
                    // A mod.rs is its folder's module, so its `super` is the folder above.
                    prefix.pop();
                    rest = after;
                }
                expand(&prefix, rest, &mut imports);
            }
        }
        imports
    }
}

/// Adds the paths of a `use` tree such as `a::{b, c::d}` below `prefix`.
fn expand(prefix: &[String], tree: &str, imports: &mut Vec<Vec<String>>) {
    let end = tree
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(tree.len());
    let mut path = prefix.to_vec();
    path.extend(
        tree[..end]
            .split("::")
            .filter(|part| !part.is_empty() && *part != "self")
            .map(str::to_owned),
    );
    let Some(group) = tree[end..]
        .strip_prefix('{')
        .filter(|_| tree[..end].ends_with("::") || end == 0)
    else {
        imports.push(path);
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                let item = group[start..at].trim();
                if !item.is_empty() {
                    expand(&path, item, imports);
                }
                start = at + 1;
                if c == '}' {
                    return;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![root.clone()];
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
    assert!(files.len() > 80, "the files are found");
    files.sort();
    let read = |file: &PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let stem = path.trim_end_matches(".rs");
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        let code: Vec<String> = fs::read_to_string(file)
            .unwrap()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .map(str::to_owned)
            .collect();
        Source {
            module: stem.split('/').map(str::to_owned).collect(),
            code: code.join("\n"),
            path,
        }
    };
    files.iter().map(read).collect()
}

/// All files by their module.
struct Tree<'a>(BTreeMap<&'a [String], &'a Source>);

impl<'a> Tree<'a> {
    fn new(sources: &'a [Source]) -> Self {
        Self(sources.iter().map(|source| (&source.module[..], source)).collect())
    }

    /// The file that the import names: the file whose module path is the longest prefix of the import.
    fn named(&self, import: &[String]) -> Option<&'a Source> {
        (1..=import.len())
            .rev()
            .find_map(|length| self.0.get(&import[..length]).copied())
    }

    /// The file that defines the imported item. Follows the re-exports of `mod.rs` files.
    fn defining(&self, import: &[String]) -> Option<&'a Source> {
        let named = self.named(import)?;
        let Some(item) = import.get(named.module.len()) else {
            return Some(named);
        };
        let exported = named
            .imports()
            .into_iter()
            .find(|exported| exported.last() == Some(item) && exported.len() > named.module.len() + 1);
        match exported {
            Some(exported) if named.is_mod() => self.defining(&exported).or(Some(named)),
            _ => Some(named),
        }
    }
}

#[test]
fn a_layer_imports_only_the_layers_below_it() {
    let mut count = 0;
    for source in sources() {
        let Some((layer, allowed)) = LAYERS.iter().find(|(name, _)| *name == source.layer()) else {
            assert!(
                ["lib.rs", "main.rs"].contains(&source.path.as_str()),
                "{} is in no layer",
                source.path
            );
            continue;
        };
        for import in source.imports() {
            count += 1;
            let imported = import.first().map_or("", String::as_str);
            let takes_files = FILE_ENDPOINTS.contains(&source.path.as_str());
            assert!(
                *layer != "http" || imported != "transfer" || takes_files,
                "{} takes no file, and imports {}",
                source.path,
                import.join("::")
            );
            assert!(
                imported == *layer || allowed.contains(&imported),
                "{} imports {}",
                source.path,
                import.join("::")
            );
        }
    }
    assert!(count > 300, "the imports are found: {count}");
}

#[test]
fn a_library_is_used_only_by_its_layer() {
    for source in sources() {
        for (library, users) in LIBRARIES {
            let uses = source
                .code
                .match_indices(&format!("{library}::"))
                .any(|(at, _)| !source.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            let may = users.contains(&source.layer()) || users.contains(&source.path.as_str());
            assert!(!uses || may, "{} uses {library}", source.path);
        }
    }
}

#[test]
fn no_file_imports_from_the_mod_rs_of_a_folder_that_contains_it() {
    let sources = sources();
    let tree = Tree::new(&sources);
    // A unit test may import from the `mod.rs`, because it uses the module as a caller does.
    let is_test = |source: &Source| source.module.iter().any(|part| part == "tests");
    for source in sources.iter().filter(|source| !is_test(source)) {
        for import in source.imports() {
            let Some(target) = tree.named(&import) else {
                continue;
            };
            let is_own = target.is_mod() && source.path != target.path && source.module.starts_with(&target.module);
            assert!(
                !is_own,
                "{} imports {} from {}",
                source.path,
                import.join("::"),
                target.path
            );
        }
    }
}

#[test]
fn no_layer_has_an_import_cycle() {
    let sources = sources();
    let tree = Tree::new(&sources);
    let mut graph: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_mod()) {
        for import in source.imports() {
            let Some(target) = tree.defining(&import) else {
                continue;
            };
            if target.layer() == source.layer() && target.path != source.path && !target.is_mod() {
                graph.entry(&source.path).or_default().insert(&target.path);
            }
        }
    }
    assert!(graph.len() > 50, "the files are linked: {}", graph.len());
    // Repeatedly removes the files that import no remaining file. If a file remains, its layer has a cycle.
    loop {
        let leaves: Vec<&str> = graph
            .iter()
            .filter(|(_, targets)| !targets.iter().any(|target| graph.contains_key(target)))
            .map(|(file, _)| *file)
            .collect();
        if leaves.is_empty() {
            break;
        }
        for leaf in leaves {
            graph.remove(leaf);
        }
    }
    assert!(
        graph.is_empty(),
        "each of these files is on an import cycle or leads to one: {graph:#?}"
    );
}

#[test]
fn an_endpoint_file_imports_no_other_endpoint_file() {
    let sources = sources();
    let tree = Tree::new(&sources);
    // An endpoint file has a handler, a `pub async fn`. The endpoints share the other files of the folder.
    let is_endpoint =
        |source: &Source| source.path.starts_with("http/endpoints/") && source.code.contains("pub async fn ");
    assert!(sources.iter().filter(|source| is_endpoint(source)).count() > 10);
    for source in sources.iter().filter(|source| is_endpoint(source)) {
        for import in source.imports() {
            if let Some(target) = tree.defining(&import) {
                let is_other = is_endpoint(target) && target.path != source.path;
                assert!(!is_other, "{} imports {}", source.path, target.path);
            }
        }
    }
}
