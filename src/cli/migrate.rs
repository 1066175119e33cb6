//! `migrate`

use crate::config::DatabaseConfig;
use crate::store::migrations;

use super::database::Database;
use super::output;

pub fn run(config: &DatabaseConfig) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let mut connection = database.connect_to_any_schema()?;
    database.refuse_other_programs_schema(&mut connection)?;
    let count = migrations::migrate(&mut connection)?;
    match count {
        0 => output::print("The schema is up to date.\n"),
        1 => output::print("Ran one migration.\n"),
        _ => output::print(format_args!("Ran {count} migrations.\n")),
    }
}
