//! `contact-search completions`: the scripts for shells.

use std::process::{Command, Stdio};

use clap::CommandFactory;
use contact_search::cli::Cli;

use crate::support::app::program;
use crate::support::command::{error_of, run, run_unread, stdout};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

fn completions(shell: &str) -> Command {
    let mut command = program();
    command.args(["completions", shell]);
    command
}

/// The names of all commands, and the flags of all options.
fn words(command: &clap::Command) -> Vec<String> {
    let flags = command
        .get_arguments()
        .filter_map(|option| option.get_long().map(str::to_owned));
    let inner = command
        .get_subcommands()
        .flat_map(|inner| [vec![inner.get_name().to_owned()], words(inner)].concat());
    flags.chain(inner).collect()
}

#[test]
fn the_scripts_of_all_shells_know_every_command_and_option() {
    let words = words(&Cli::command());
    assert!(words.len() > 60, "the commands and options are found: {words:?}");
    for shell in SHELLS {
        let script = stdout(run(completions(shell), ""));
        for word in &words {
            assert!(script.contains(word.as_str()), "{shell} does not know {word}");
        }
        assert_eq!(run_unread(completions(shell)), (Some(0), String::new()));
    }
    let message = error_of(run(completions("tcsh"), ""));
    assert!(message.contains("bash, elvish, fish, powershell, zsh"), "{message}");
}

#[test]
fn bash_completes_commands_options_and_values() {
    let script = stdout(run(completions("bash"), ""));
    for (line, expected) in [
        (&["ke"][..], &["key"][..]),
        (&["key", "ro"], &["rotate"]),
        (&["webhook", "list", "--j"], &["--json"]),
        (&["key", "create", "--format", ""], &["mindo", "opaque"]),
        (&["completions", "fi"], &["fish"]),
        (&["serve", "--no-d"], &["--no-demo"]),
        (&["--metrics"], &["--metrics-listen"]),
    ] {
        let words: Vec<String> = ["contact-search"]
            .iter()
            .chain(line)
            .map(|word| format!("'{word}'"))
            .collect();
        let (current, previous) = (&words[words.len() - 1], &words[words.len() - 2]);
        // A shell calls the registered function with the command, the current word and the word before it.
        let call = format!(
            "{script}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n\
             function=$(complete -p contact-search | sed 's/.* -F \\([^ ]*\\) .*/\\1/')\n\
             $function contact-search {current} {previous}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            words.join(" "),
            line.len()
        );
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-s"]);
        let completed = stdout(run(bash, &call));
        assert_eq!(completed.lines().collect::<Vec<_>>(), expected, "{line:?}");
    }
}

/// Runs on machines that have the shell.
#[test]
fn zsh_and_fish_accept_their_scripts() {
    for shell in ["zsh", "fish"] {
        let check = Command::new(shell).arg("--version").stdout(Stdio::null()).status();
        if check.is_err() {
            continue;
        }
        let script = stdout(run(completions(shell), ""));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), script).unwrap();
        let mut command = Command::new(shell);
        command.arg("-n").arg(file.path());
        stdout(run(command, ""));
    }
}
