//! The documents: their links resolve, and they mention every command, option, environment variable and route.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use contact_search::cli::Cli;
use contact_search::domain::phone::{Problem, Rule};
use contact_search::http::{ErrorCode, endpoints};
use strum::VariantArray;

/// The highest permitted number of lines of README.md. A newcomer reads the whole file.
const README_MAX: usize = 120;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of the root and of docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![root().join("docs")];
    let mut take = |path: PathBuf| {
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    };
    for entry in fs::read_dir(root()).unwrap() {
        take(entry.unwrap().path());
    }
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                take(path);
            }
        }
    }
    assert!(pages.len() > 15, "the pages are found");
    pages
}

/// The lines outside of code blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut is_code = false;
    text.lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .collect()
}

/// The anchors of a page's headings, as GitHub names them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// The targets of a page's links: `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let text = prose(text).join("\n");
    text.match_indices("](")
        .map(|(at, _)| text[at + 2..].split(')').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_link_between_the_pages_resolves() {
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.contains("://")) {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let place = format!("{} links to {link}", page.display());
            assert!(target.exists(), "{place}: no such file");
            if !anchor.is_empty() {
                let target = fs::read_to_string(&target).unwrap();
                assert!(anchors(&target).contains(anchor), "{place}: no such heading");
            }
        }
    }
    assert!(count > 50, "the links are found: {count}");
}

/// The tables of docs/errors.md: one for each status, with its codes.
fn error_tables() -> String {
    let mut tables = String::new();
    let mut status = None;
    for code in ErrorCode::VARIANTS {
        let text = code.text();
        if status.replace(text.status) != Some(text.status) {
            tables += &format!(
                "\n## {}\n\n| Code | Meaning | What to do |\n|---|---|---|\n",
                text.status
            );
        }
        tables += &format!("| `{}` | {} | {} |\n", code.name(), text.meaning, text.remedy);
    }
    tables
}

#[test]
fn every_error_code_is_documented() {
    let tables = error_tables();
    if !read("docs/errors.md").ends_with(&tables) {
        let proposed = root().join("target/errors.md");
        fs::write(&proposed, tables).unwrap();
        panic!(
            "the error codes have changed; if that is intended, replace the tables of docs/errors.md by target/errors.md"
        );
    }
}

#[test]
fn every_rule_and_every_problem_of_phones_is_documented() {
    let rules = Rule::VARIANTS.iter().map(|rule| (rule.name(), rule.sentence()));
    let problems = Problem::VARIANTS
        .iter()
        .map(|problem| (problem.code(), problem.sentence()));
    let page = read("docs/phones.md");
    let table = |rows: &mut dyn Iterator<Item = (&str, &str)>| -> String {
        rows.map(|(name, sentence)| format!("| `{name}` | {sentence} |\n"))
            .collect()
    };
    for rows in [table(&mut rules.into_iter()), table(&mut problems.into_iter())] {
        assert!(
            page.contains(&rows),
            "docs/phones.md should have these rows, in this order:\n{rows}"
        );
    }
}

/// `script/check spec` runs these files.
#[test]
fn the_programs_in_the_page_about_clients_are_the_tested_ones() {
    let page = read("docs/clients.md");
    let mut programs = 0;
    for entry in fs::read_dir(root().join("tests/clients/shown")).unwrap() {
        let path = entry.unwrap().path();
        let language = match path.extension().and_then(|extension| extension.to_str()) {
            Some("sh") => "sh",
            Some("py") => "python",
            Some("mjs") => "javascript",
            Some("ts") => "typescript",
            _ => continue,
        };
        programs += 1;
        let program = fs::read_to_string(&path).unwrap();
        let block = format!("```{language}\n{program}```\n");
        assert!(
            page.contains(&block),
            "docs/clients.md does not show {}",
            path.display()
        );
    }
    assert!(programs > 5, "the programs are found: {programs}");
    // The other blocks are shell commands, which set variables or install packages.
    let blocks = ["```python\n", "```javascript\n", "```typescript\n"];
    let shown: usize = blocks.iter().map(|block| page.matches(block).count()).sum();
    assert_eq!(shown, 4, "every program of the page is tested");
}

#[test]
fn the_readme_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_MAX, "README.md has {lines} lines");
}

#[test]
fn every_route_is_documented() {
    let page = read("docs/api.md");
    for endpoint in endpoints() {
        for operation in &endpoint.operations {
            let path = endpoint.path.trim_end_matches('/');
            let request = format!("{} {path}", operation.method);
            assert!(page.contains(&request), "docs/api.md does not mention {request}");
        }
    }
    assert!(read("docs/metrics.md").contains("/metrics"));
}

#[test]
fn every_command_and_every_option_is_documented() {
    fn walk(command: &clap::Command, name: &str, page: &str, seen: &mut usize) {
        for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = format!("{name} {}", subcommand.get_name());
            if subcommand.has_subcommands() {
                walk(subcommand, &name, page, seen);
                continue;
            }
            *seen += 1;
            assert!(page.contains(&name), "docs/commands.md does not mention `{name}`");
            let options = subcommand.get_arguments().filter(|option| !option.is_hide_set());
            for option in options.filter_map(|option| option.get_long()) {
                let option = format!("--{option}");
                assert!(
                    page.contains(&option),
                    "docs/commands.md does not mention {option} of `{name}`"
                );
            }
        }
    }
    let page = read("docs/commands.md") + &read("docs/configuration.md");
    let mut seen = 0;
    walk(&Cli::command(), "contact-search", &page, &mut seen);
    assert!(seen > 15, "the commands are found: {seen}");
}

#[test]
fn every_environment_variable_is_documented() {
    fn walk(command: &clap::Command, page: &str, seen: &mut usize) {
        for option in command.get_arguments() {
            if let Some(variable) = option.get_env() {
                *seen += 1;
                let variable = variable.to_str().unwrap();
                assert!(
                    page.contains(variable),
                    "docs/configuration.md does not mention {variable}"
                );
            }
        }
        for subcommand in command.get_subcommands() {
            walk(subcommand, page, seen);
        }
    }
    let mut seen = 0;
    walk(&Cli::command(), &read("docs/configuration.md"), &mut seen);
    assert!(seen > 10, "the variables are found: {seen}");
}
