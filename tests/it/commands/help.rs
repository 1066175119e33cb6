//! The headings under which the help shows options.

use crate::support::app::program;
use crate::support::command::{run, stdout};

/// The headings of the short help, each with the flags below it, in the help's order.
fn headings(arguments: &[&str]) -> Vec<(String, Vec<String>)> {
    let mut command = program();
    command.args(arguments).arg("-h");
    let help = stdout(run(command, ""));
    let mut headings: Vec<(String, Vec<String>)> = Vec::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            headings.push((heading.to_owned(), Vec::new()));
        } else if let Some((_, flags)) = headings.last_mut() {
            let flag = line.split_whitespace().find(|word| word.starts_with("--"));
            let is_option = line.trim_start().starts_with('-');
            flags.extend(flag.filter(|_| is_option).map(str::to_owned));
        }
    }
    headings.retain(|(_, flags)| !flags.is_empty());
    headings
}

fn assert_headings(arguments: &[&str], expected: &[(&str, &[&str])]) {
    let shown = headings(arguments);
    let shown: Vec<(&str, Vec<&str>)> = shown
        .iter()
        .map(|(heading, flags)| (heading.as_str(), flags.iter().map(String::as_str).collect()))
        .collect();
    let expected: Vec<(&str, Vec<&str>)> = expected
        .iter()
        .map(|(heading, flags)| (*heading, flags.to_vec()))
        .collect();
    assert_eq!(shown, expected, "{arguments:?}");
}

const DATABASE: (&str, &[&str]) = ("Database", &["--database-url", "--data-dir", "--pg-bin"]);
const LOG: (&str, &[&str]) = ("Log", &["--log-format"]);

#[test]
fn the_help_shows_the_shared_options_under_headings_of_their_own() {
    assert_headings(&[], &[("Options", &["--help", "--version"]), DATABASE, LOG]);
    assert_headings(&["migrate"], &[("Options", &["--help"]), DATABASE, LOG]);
    assert_headings(
        &["webhook", "list"],
        &[("Options", &["--client", "--json", "--help"]), DATABASE, LOG],
    );
    assert_headings(
        &["search"],
        &[("Options", &["--client", "--limit", "--json", "--help"]), DATABASE, LOG],
    );
}

#[test]
fn the_help_of_serve_groups_its_options() {
    assert_headings(
        &["serve"],
        &[
            ("Options", &["--help"]),
            (
                "Network",
                &[
                    "--listen",
                    "--tls-cert",
                    "--tls-key",
                    "--metrics-listen",
                    "--trusted-proxy",
                    "--cors-origin",
                    "--no-page",
                ],
            ),
            ("Capacity", &["--pool-size", "--rate-limit", "--deadline-factor"]),
            (
                "Database",
                &[
                    "--database-url",
                    "--data-dir",
                    "--pg-bin",
                    "--read-database-url",
                    "--max-replica-lag",
                    "--pooler",
                    "--migrate",
                ],
            ),
            ("First start", &["--bootstrap", "--no-demo"]),
            LOG,
        ],
    );
}

#[test]
fn the_help_says_which_rate_limits_and_durations_a_key_takes() {
    for arguments in [&["key", "create"][..], &["key", "import"]] {
        let mut command = program();
        command.args(arguments).arg("--help");
        let help = stdout(run(command, ""));
        for text in ["--rate-limit <N|none|default>", "1w, or 1y for 365 days"] {
            assert!(help.contains(text), "{arguments:?}: {help}");
        }
    }
}
