//! `migrate`

use crate::config::DatabaseConfig;
use crate::store::{migrations, pool};

use super::database::Database;

pub fn run(config: &DatabaseConfig) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let count = migrations::migrate(&mut pool::connect(database.url())?)?;
    match count {
        0 => println!("The schema is up to date."),
        1 => println!("Ran one migration."),
        _ => println!("Ran {count} migrations."),
    }
    Ok(())
}
