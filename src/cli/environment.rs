//! Options that environment variables set: which variable counts, and which one is to blame for a usage error.

use std::ffi::OsString;

use clap::builder::{Resettable, StyledStr};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Error};

use crate::config::{COMMON_DATABASE_VARIABLE, DATABASE_VARIABLE, Variables};
use crate::domain::visible::visible;

/// The command, which now reads only the variables that count. An empty variable counts as unset. `DATABASE_URL` gives
/// the database's URL only if the program's own variable is not set.
pub fn with_variables(command: Command) -> Command {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let reads_common_variable = !is_set(DATABASE_VARIABLE) && is_set(COMMON_DATABASE_VARIABLE);
    let command = command.mut_arg("database_url", |option| {
        if reads_common_variable {
            option.env(COMMON_DATABASE_VARIABLE)
        } else {
            option
        }
    });
    without_variables(command, &|option| value(option).is_some_and(|value| value.is_empty()))
}

fn value(option: &Arg) -> Option<OsString> {
    option.get_env().and_then(std::env::var_os)
}

fn variable(option: &Arg) -> Option<String> {
    option.get_env().map(|name| name.to_string_lossy().into_owned())
}

fn flag(option: &Arg) -> String {
    format!("--{}", option.get_long().unwrap_or_default())
}

/// The command, in which the chosen options take no value from a variable.
fn without_variables(command: Command, is_chosen: &dyn Fn(&Arg) -> bool) -> Command {
    command
        .mut_args(|option| {
            if is_chosen(&option) {
                option.env(Resettable::Reset)
            } else {
                option
            }
        })
        .mut_subcommands(|command| without_variables(command, is_chosen))
}

/// The variables that gave the command's own options their values.
pub fn variables(command: &Command, matches: &ArgMatches) -> Variables {
    let options = command.get_arguments().filter_map(|option| {
        let is_from_variable = matches.value_source(option.get_id().as_str()) == Some(ValueSource::EnvVariable);
        is_from_variable.then_some((flag(option), variable(option)?))
    });
    Variables::new(options)
}

/// If an environment variable set an option, an error about the option's value names the variable.
pub fn blame(error: anyhow::Error, variable: Option<&str>) -> anyhow::Error {
    match variable {
        Some(variable) => error.context(format!(
            "the value of the environment variable {variable} can't be used"
        )),
        None => error,
    }
}

/// Names the variables that are to blame for a usage error. A variable is to blame if `parse` without it succeeds, or
/// ends with a different error.
///
/// clap's message always names the flag, even if nobody has typed it. If a flag was typed, its variable is not read, so
/// it is never to blame.
pub fn blame_variables<T>(mut error: Error, command: &Command, parse: impl Fn(Command) -> Result<T, Error>) -> Error {
    if !error.use_stderr() {
        return error;
    }
    let mut options = Vec::new();
    collect_set_options(command, &mut options);
    options.retain(|option| {
        let without = without_variables(command.clone(), &|other| other.get_id() == option.get_id());
        parse(without).map_or_else(|other| !is_same(&other, &error), |_| true)
    });
    let mut tips = Vec::new();
    for option in options {
        let (Some(variable), flag) = (variable(&option), flag(&option)) else {
            continue;
        };
        rename(&mut error, &flag, &variable);
        tips.push(StyledStr::from(format!(
            "the environment variable {variable} sets {flag}: correct the variable, or unset it"
        )));
    }
    if !tips.is_empty() {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Whether two errors are about the same options and values. Usage lines are not compared, because they also show the
/// options that are not at fault.
fn is_same(one: &Error, other: &Error) -> bool {
    let facts = |error: &Error| -> Vec<String> {
        let context = error.context().filter(|(kind, _)| *kind != ContextKind::Usage);
        context.map(|(kind, value)| format!("{kind:?} {value:?}")).collect()
    };
    one.kind() == other.kind() && facts(one) == facts(other)
}

/// Collects the options of the command and its subcommands whose variable is set.
fn collect_set_options(command: &Command, options: &mut Vec<Arg>) {
    options.extend(
        command
            .get_arguments()
            .filter(|option| value(option).is_some())
            .cloned(),
    );
    command
        .get_subcommands()
        .for_each(|command| collect_set_options(command, options));
}

/// Makes the error name the variable instead of the option that it sets. Also escapes the value, since it comes from
/// the variable.
fn rename(error: &mut Error, flag: &str, variable: &str) {
    // A name is the flag alone, or the flag and its value: `--listen <ADDRESS:PORT>`.
    let is_option = |name: &str| name.split(' ').next() == Some(flag);
    if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidArg)
        && is_option(name)
        && let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue)
    {
        let value = visible(value).into_owned();
        error.insert(ContextKind::InvalidValue, ContextValue::String(value));
    }
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        let renamed = |name: &String| {
            if is_option(name) {
                variable.to_owned()
            } else {
                name.clone()
            }
        };
        let value = match error.get(kind) {
            Some(ContextValue::String(name)) => ContextValue::String(renamed(name)),
            Some(ContextValue::Strings(names)) => ContextValue::Strings(names.iter().map(renamed).collect()),
            _ => continue,
        };
        error.insert(kind, value);
    }
}
