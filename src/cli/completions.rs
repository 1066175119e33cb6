//! `completions`

use clap::Args;
use clap_complete::{Shell, generate};

use super::output;

pub const EXAMPLE: &str = "\
Examples:
  contact-search completions bash > ~/.local/share/bash-completion/completions/contact-search
  contact-search completions zsh > ~/.zfunc/_contact-search
  contact-search completions fish > ~/.config/fish/completions/contact-search.fish

For zsh, ~/.zshrc needs the line `fpath+=~/.zfunc` before `compinit`. A new shell reads the script.";

#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell that reads the script
    shell: Shell,
}

pub fn run(CompletionsArgs { shell }: &CompletionsArgs, mut command: clap::Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(*shell, &mut command, &name, &mut script);
    let script = String::from_utf8_lossy(&script);
    // clap_complete 4.6 writes the hyphen of the program's name in two ways in the script for bash, which then completes
    // nothing after the first command: https://github.com/clap-rs/clap/issues/6421
    output::print(script.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__")))
}
