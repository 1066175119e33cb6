//! `phones`; `phone_explanation` prints an explanation

use std::fmt;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::database::Database;
use super::names_and_ids::find_client;
use super::output;
use super::phone_explanation::{self, ExplainArgs};
use crate::config::DatabaseConfig;
use crate::domain::counted::counted;
use crate::domain::recheck::KnownPhone;
use crate::store::StoreError;
use crate::store::recheck::{Finding, Recheck, recheck};

#[derive(Subcommand, Debug)]
pub enum PhonesCommand {
    /// List the contacts whose stored phone or WhatsApp id the current rules read differently, and mend them with
    /// --apply, all or none
    #[command(after_help = "Example:\n  contact-search phones recheck --client Acme\n  \
                            contact-search phones recheck --client Acme --apply")]
    Recheck(RecheckArgs),
    /// Explain how a phone number is read: what a contact stores, which readings a lookup tries, and why
    #[command(after_help = "Examples:\n  contact-search phones explain '0223 15-596-1983'\n  \
                            contact-search phones explain '4915112345678' --region DE --platform whatsapp --json")]
    Explain(ExplainArgs),
}

#[derive(Args, Debug)]
pub struct RecheckArgs {
    /// The client, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// Write the phones and WhatsApp ids as the current rules read them
    #[arg(long)]
    apply: bool,
}

pub fn run(config: &DatabaseConfig, command: PhonesCommand) -> anyhow::Result<()> {
    match command {
        PhonesCommand::Recheck(arguments) => run_recheck(config, arguments),
        PhonesCommand::Explain(arguments) => phone_explanation::run(&arguments),
    }
}

fn run_recheck(config: &DatabaseConfig, arguments: RecheckArgs) -> anyhow::Result<()> {
    let RecheckArgs { client, apply } = arguments;
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &client)?;
    let result = recheck(&mut connection, client.id, client.default_region, apply, |finding| {
        output::print(format_args!("{}\n", Line(finding)))
    });
    let result: Recheck = match result.map_err(|error: anyhow::Error| error.downcast::<StoreError>()) {
        Ok(result) => result,
        Err(Ok(error @ (StoreError::Exists(_) | StoreError::Contended))) => {
            return Err(anyhow::Error::new(error)
                .context("other programs kept writing the same contacts, so nothing was changed: run it again"));
        }
        Err(Ok(error @ StoreError::ReadOnly(_))) => {
            return Err(anyhow::Error::new(error).context(
                "a recheck needs a database that takes writes, at least for its temporary table: give the URL of the \
                 primary with --database-url",
            ));
        }
        Err(Ok(error)) => return Err(error.into()),
        Err(Err(error)) => return Err(error),
    };
    for conflict in &result.conflicts {
        output::print(format_args!(
            "conflict: {} would get the identity of {}\n",
            conflict.id, conflict.other_id
        ))?;
    }
    for pair in &result.on_one_line {
        output::print(format_args!(
            "one line: {} and {} are on the same phone line by the current rules, and stay two contacts\n",
            pair.id, pair.other_id
        ))?;
    }
    output::print(format_args!("{}\n", Summary { result: &result, apply }))?;
    if apply && result.conflict_count > 0 {
        bail!(
            "nothing was changed: of each two contacts that conflict, change or delete one, then run it again (the ids are \
             those of /api/public/contact/ID)"
        );
    }
    Ok(())
}

/// One line about a contact. Texts are shown with their control characters escaped.
struct Line<'a>(&'a Finding);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            id,
            serial_id,
            platform,
            as_given,
            before,
            after,
        } = self.0;
        write!(f, "{id} ({serial_id}) {platform:?} ")?;
        match as_given {
            Some(as_given) => write!(f, "{as_given:?}: ")?,
            None => f.write_str("-: ")?,
        }
        let differs = |after: &KnownPhone| after.external_user_id != before.external_user_id;
        let with_id = after.as_ref().is_some_and(differs);
        let shown = |known| Shown { known, with_id };
        write!(f, "{}", shown(before))?;
        match after {
            Some(after) => write!(f, " -> {}", shown(after)),
            None => f.write_str(" stays: the current rules read no valid number"),
        }
    }
}

struct Shown<'a> {
    known: &'a KnownPhone,
    /// Whether the external id is shown. Without a phone it always is.
    with_id: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KnownPhone {
            phone,
            key,
            extension,
            identifies,
            external_user_id,
        } = self.known;
        match (phone, key) {
            (Some(phone), Some(key)) => write!(f, "{phone} (key {key})")?,
            _ => f.write_str("no phone")?,
        }
        if let Some(extension) = extension {
            write!(f, " extension {extension}")?;
        }
        if !identifies {
            f.write_str(" that identifies nobody")?;
        }
        match external_user_id {
            Some(id) if self.with_id || phone.is_none() => write!(f, ", external id {id:?}"),
            _ => Ok(()),
        }
    }
}

struct Summary<'a> {
    result: &'a Recheck,
    apply: bool,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Recheck {
            read,
            differing,
            kept,
            other_region,
            mended,
            conflict_count,
            conflicts,
            on_one_line_count,
            on_one_line,
        } = self.result;
        let read = counted(*read, "contact", "contacts");
        let differ = counted(*differing, "differs", "differ");
        let kept = counted(*kept, "stays because it is better", "stay because they are better");
        let other_region = counted(
            *other_region,
            "stays because it was read for another region",
            "stay because they were read for another region",
        );
        write!(f, "{read} read again: {differ}, {kept}, {other_region}")?;
        let mut count = |count: u64, listed: usize, one: &str, several: &str| {
            write!(f, "\n{}", counted(count, one, several))?;
            if (listed as u64) < count {
                write!(f, ", of which the first {listed} are listed")?;
            }
            Ok(())
        };
        if *on_one_line_count > 0 {
            count(
                *on_one_line_count,
                on_one_line.len(),
                "pair of contacts on one line",
                "pairs of contacts on one line",
            )?;
        }
        if *conflict_count > 0 {
            count(*conflict_count, conflicts.len(), "conflict", "conflicts")?;
        } else if self.apply {
            write!(f, "\n{} changed", counted(*mended, "contact", "contacts"))?;
            if mended < differing {
                write!(f, "; other programs changed the rest while this ran")?;
            }
        } else if *differing > 0 {
            f.write_str("\nnothing was changed: --apply writes the contacts as the current rules read them")?;
        }
        Ok(())
    }
}
