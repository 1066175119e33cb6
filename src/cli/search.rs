//! `search`

use clap::Args;

use super::database::Database;
use super::names_and_ids::find_client;
use super::table::{self, minute_or_never};
use super::{json, output};
use crate::config::DatabaseConfig;
use crate::domain::query::{Field, MatchedBy, Query};
use crate::http::ContactQueryResponse;
use crate::store::query::{FoundContact, find_contacts};
use crate::store::search::ClientStatistics;

pub const EXAMPLE: &str = "Examples:\n  contact-search search jhon 5678 --client Acme\n  contact-search search \
                           'Ana Gil <ana@example.com>' --client Acme --json";

#[derive(Args, Debug)]
pub struct SearchArgs {
    /// What to search for: words of a name, pieces of an email, digits of a phone, an external id
    #[arg(required = true)]
    text: Vec<String>,
    /// The client whose contacts to search, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The most contacts to print, up to 1000
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(config: &DatabaseConfig, arguments: SearchArgs) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let query = Query::parse(&arguments.text.join(" "), client.default_region)?;
    let limit = usize::from(arguments.limit);
    let statistics = ClientStatistics::default();
    let (mut contacts, mut after) = (Vec::new(), None);
    loop {
        let page = find_contacts(&mut connection, &statistics, client.id, &query, after)?;
        contacts.extend(page.contacts);
        after = page.next;
        if after.is_none() || contacts.len() >= limit {
            break;
        }
    }
    let has_more = after.is_some() || contacts.len() > limit;
    contacts.truncate(limit);
    if arguments.json {
        json::print(&ContactQueryResponse::new(&query, contacts, None).results)?;
    } else if contacts.is_empty() {
        output::say("No contact matches.");
    } else {
        output::print(table_of(&query, &contacts))?;
    }
    if has_more {
        output::say("More contacts match. Print more with --limit.");
    }
    Ok(())
}

fn table_of(query: &Query, contacts: &[FoundContact]) -> String {
    let rows = contacts.iter().map(|found| {
        let row = &found.row;
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            or_dash(&row.name),
            or_dash(&row.phone),
            or_dash(&row.email),
            row.platform.clone(),
            minute_or_never(row.last_message_at),
            reasons(&found.matched_by(query), found.external_user_id.as_deref()),
        ]
    });
    let heading = ["NAME", "PHONE", "EMAIL", "CHANNEL", "LAST MESSAGE", "MATCHED BY"];
    table::format(heading, rows)
}

/// Each word, and the fields that it matches: `gonzales: name similar; maria: name exact, email prefix`.
fn reasons(matches: &[MatchedBy<'_>], external_user_id: Option<&str>) -> String {
    let of_words = matches.chunk_by(|a, b| a.word == b.word).map(|of_word| {
        let fields = of_word.iter().map(|matched| {
            let kind: &str = matched.kind.into();
            match matched.field {
                Field::Name => format!("name {kind}"),
                Field::Phone => format!("phone {kind}"),
                Field::Email => format!("email {kind}"),
                // The id is in no other column.
                Field::ExternalUserId => format!("external id {kind} ({})", external_user_id.unwrap_or_default()),
            }
        });
        format!("{}: {}", of_word[0].word, fields.collect::<Vec<_>>().join(", "))
    });
    of_words.collect::<Vec<_>>().join("; ")
}
