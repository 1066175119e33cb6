//! The sections of the report that write: messages, indexes, import.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use contact_search::domain::client::{ClientId, DEFAULT_LIST};
use contact_search::domain::phone::Region;
use contact_search::store::{PgConnection, clients};
use diesel::connection::SimpleConnection;

use crate::load::{self, Messages, Samples, Throughput};
use crate::process;
use crate::report::{Goal, Ratio, Row};
use crate::sections::{Bench, merged};
use crate::stage;
use crate::terms;

/// The number of contacts for which the write benchmark records messages. At first, none of them has a recent message.
const SILENT: usize = 80_000;

/// Messages per second of the write benchmark.
const PACE: f64 = 1_000.0;

/// The number of contacts that one statement writes to measure the cost of an index.
const WRITTEN: usize = 2_000;

/// Repetitions of each such statement.
const WRITINGS: usize = 5;

/// The goal for an import into a database with millions of contacts.
pub const ROWS_PER_SECOND: f64 = 4_000.0;

/// Repetitions of `import` and of `\copy`.
const IMPORTS: usize = 3;

impl Bench<'_> {
    /// Each pass measures the classes four times. (1) Without messages, after VACUUM. (2) While
    /// each contact's first message of a period arrives, which adds one entry per gram to the gram
    /// index. (3) While more messages of the same contacts arrive. (4) After the messages.
    pub fn measure_beside_writes(&mut self) -> anyhow::Result<()> {
        let callers = [(&self.server, &self.large)];
        let mut connection = self.filled.connect()?;
        let silent = terms::pick_silent(&mut connection, self.large.client, SILENT)?;
        let in_pass = silent.len().div_ceil(usize::try_from(self.passes())?).max(1);
        let [mut none, mut first, mut later, mut after] = [const { Vec::new() }; 4];
        let mut recorded = [Throughput::default(), Throughput::default()];
        for silent in silent.chunks(in_pass) {
            connection.batch_execute("VACUUM contacts, contact_texts, contacts_newest")?;
            none.push(self.ask_in_turn(&callers)?);
            let mut senders = silent.len();
            for (with, recorded) in [&mut first, &mut later].into_iter().zip(&mut recorded) {
                let messages = Messages {
                    address: &self.server.address,
                    key: &self.large.key,
                    people: &silent[..senders],
                    connections: 16,
                    per_second: PACE,
                };
                let (samples, throughput) = load::beside_messages(&messages, || self.ask_in_turn(&callers))?;
                senders = throughput.samples.count().min(senders);
                with.push(samples);
                recorded.merge(throughput);
            }
            after.push(self.ask_in_turn(&callers)?);
        }
        let (none, after) = (merged(none), merged(after));
        for (kind, with, recorded) in [
            ("first", merged(first), &recorded[0]),
            ("later", merged(later), &recorded[1]),
        ] {
            let row = Row::new("writes", format!("{kind} message, 16 connections"))
                .times(&recorded.samples)
                .ratio(Ratio::Times(recorded.per_second() / PACE))
                .note(format!("{:.0}/s of {PACE:.0}/s", recorded.per_second()));
            self.report.add(row);
            let times = with[0].iter().zip(none[0].iter().zip(&after[0]));
            for (class, (with, (none, after))) in self.large.classes().zip(times) {
                let [with_median, none, after] = [with, none, after].map(|samples| samples.median().as_secs_f64());
                let row = Row::new("writes", format!("{}, {kind} messages ÷ none", class.name))
                    .times(with)
                    .ratio(Ratio::Times(with_median / none))
                    .goal(Goal::AtMost(1.5))
                    .note(format!(
                        "{:.2} ms without messages, {:.2} ms after them",
                        none * 1e3,
                        after * 1e3
                    ));
                self.report.add(row);
            }
        }
        Ok(())
    }

    /// PostgreSQL's time for a new contact (an upsert or a row of an import) and for a message, with all indexes and
    /// without each of them. Every write is rolled back.
    pub fn measure_indexes(&mut self) -> anyhow::Result<()> {
        let client = self.large.client;
        let mut connection = self.filled.connect()?;
        let indexes = stage::text(
            &mut connection,
            "SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) AS text
             FROM pg_index
             WHERE NOT indisprimary
                   AND indrelid IN ('contacts'::regclass, 'contact_texts'::regclass, 'contacts_newest'::regclass)",
        )?;
        let insert = format!(
            "INSERT INTO contacts (client_id, id, contact_list_id, email, phone, phone_key, last_message_at)
             SELECT client_id, gen_random_uuid(), contact_list_id, replace(email, '@', '77@'), phone || '77',
                    phone_key || '77', last_message_at
             FROM contacts
             WHERE client_id = '{client}' AND phone IS NOT NULL
             ORDER BY id LIMIT {WRITTEN}"
        );
        // Rows are addressed by ctid, so that the statement works without the dropped index.
        let places = stage::text(
            &mut connection,
            &format!(
                "SELECT '{{' || string_agg(quote_ident(place), ',') || '}}' AS text
                 FROM (SELECT ctid::text AS place FROM contacts WHERE client_id = '{client}' AND phone IS NOT NULL
                       ORDER BY md5(id::text) LIMIT {WRITTEN}) AS places"
            ),
        )?;
        let update =
            format!("UPDATE contacts SET last_message_at = now(), updated_at = now() WHERE ctid = ANY('{places}')");
        let mut variants = vec![("all indexes".to_owned(), String::new())];
        for index in indexes.split(' ') {
            let drop = match index {
                "contacts_serial_id_key" => format!("ALTER TABLE contacts DROP CONSTRAINT {index}"),
                _ => format!("DROP INDEX {index}"),
            };
            variants.push((format!("without {index}"), drop));
        }
        let slow = "ALTER INDEX contact_texts_grams SET (fastupdate = off)";
        variants.push(("contact_texts_grams without fastupdate".to_owned(), slow.to_owned()));
        let without = "DELETE FROM contacts_newest_border";
        variants.push(("without contacts_newest".to_owned(), without.to_owned()));
        let without = "ALTER TABLE contacts DISABLE TRIGGER USER";
        variants.push((
            "without contact_texts and contacts_newest".to_owned(),
            without.to_owned(),
        ));

        let mut times = vec![[const { Vec::new() }; 2]; variants.len()];
        for _ in 0..WRITINGS {
            for ((_, prepare), times) in variants.iter().zip(&mut times) {
                for (writing, times) in [&insert, &update].into_iter().zip(times) {
                    connection.batch_execute(&format!("BEGIN; {prepare}"))?;
                    let start = Instant::now();
                    connection.batch_execute(writing)?;
                    times.push(start.elapsed());
                    connection.batch_execute("ROLLBACK")?;
                }
            }
        }
        connection.batch_execute("VACUUM contacts, contact_texts, contacts_newest")?;
        let mut whole = None;
        for ((name, _), [insert, update]) in variants.into_iter().zip(times) {
            let [insert, update] = [insert, update].map(|times| Samples::from_iter(times).median() / WRITTEN as u32);
            let (all_insert, all_update) = *whole.get_or_insert((insert, update));
            let share = |time: Duration, all: Duration| time.as_secs_f64() / all.as_secs_f64();
            let row = Row::new("indexes", name)
                .ratio(Ratio::Times(share(insert, all_insert)))
                .note(format!(
                    "a new contact {:.0} µs; a message {:.0} µs, × {:.2}",
                    insert.as_secs_f64() * 1e6,
                    update.as_secs_f64() * 1e6,
                    share(update, all_update),
                ));
            self.report.add(row);
        }
        Ok(())
    }

    /// Copies contacts of the large client into two new clients: with `contact-search import` from a CSV file, and with
    /// `\copy` of the rows that the import has written.
    pub fn measure_import(&mut self) -> anyhow::Result<()> {
        let count = (self.large.contacts / 50).clamp(1_000, 100_000);
        let (csv, rows) = (self.stage.file("contacts.csv"), self.stage.file("contacts.copy"));
        let source = self.large.client;
        self.write_csv(
            &csv,
            "platform, external_user_id, last_message_at",
            &format!("client_id = '{source}' ORDER BY serial_id LIMIT {count}"),
        )?;
        let mut connection = self.filled.connect()?;
        let columns = stage::text(
            &mut connection,
            "SELECT string_agg(column_name, ', ') AS text FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = 'contacts' AND is_generated = 'NEVER'
                   AND column_name NOT IN ('client_id', 'contact_list_id', 'serial_id')",
        )?;
        let (mut imports, mut copies) = (Vec::new(), Vec::new());
        for _ in 0..IMPORTS {
            let imported = empty_client(&mut connection, "Imported")?;
            imports.push(self.import("Imported", &csv)?);

            let copied = empty_client(&mut connection, "Copied")?;
            let list = clients::ensure_list(&mut connection, copied, DEFAULT_LIST)?;
            self.psql(&[&format!(
                "\\copy (SELECT '{copied}', {list}, {columns} FROM contacts WHERE client_id = '{imported}' \
                 ORDER BY serial_id) TO '{}'",
                rows.display()
            )])?;
            let start = Instant::now();
            self.psql(&[&format!(
                "\\copy contacts (client_id, contact_list_id, {columns}) FROM '{}'",
                rows.display()
            )])?;
            copies.push(start.elapsed());
        }
        for name in ["Imported", "Copied"] {
            remove_client(&mut connection, name)?;
        }
        connection.batch_execute("VACUUM contacts")?;
        let rate = |times: Vec<Duration>| count as f64 / Samples::from_iter(times).median().as_secs_f64();
        let (imported, copied) = (rate(imports), rate(copies));
        let row = Row::new("import", format!("{count} new contacts"))
            .ratio(Ratio::Times(imported / copied))
            .goal(Goal::AtLeast(0.5))
            .note(format!("{imported:.0} rows/s, \\copy {copied:.0} rows/s"));
        self.report.add(row);
        let row = Row::new("import", "rows per second")
            .ratio(Ratio::Times(imported / ROWS_PER_SECOND))
            .goal(Goal::AtLeast(1.0))
            .note(format!("{imported:.0} rows/s of {ROWS_PER_SECOND}"));
        self.report.add(row);
        Ok(())
    }

    /// Writes contacts into a CSV file for an import: `columns` in SQL, and those that every file has. `which` is the
    /// condition of the query, and what follows it.
    pub fn write_csv(&self, csv: &Path, columns: &str, which: &str) -> anyhow::Result<()> {
        self.psql(&[&format!(
            "\\copy (SELECT name, phone, email, source, chat_status, blocked, is_chat_read, created_at, \
             last_inbound_at, {columns} FROM contacts WHERE {which}) TO '{}' \
             WITH (FORMAT csv, HEADER)",
            csv.display()
        )])
    }

    /// Imports a file into a client, and returns how long that takes.
    pub fn import(&self, client: &str, csv: &Path) -> anyhow::Result<Duration> {
        let mut import = self.stage.measured();
        import.args(["import", "--client", client, "--database-url", &self.filled.url]);
        let start = Instant::now();
        process::run(import.arg(csv))?;
        Ok(start.elapsed())
    }

    /// The time of the large client's latest message, as PostgreSQL writes it.
    pub fn latest_message(&self, connection: &mut PgConnection) -> anyhow::Result<String> {
        let client = self.large.client;
        stage::text(
            connection,
            &format!("SELECT max(last_message_at)::text AS text FROM contacts WHERE client_id = '{client}'"),
        )
    }

    /// Runs psql commands in one session.
    pub fn psql(&self, commands: &[&str]) -> anyhow::Result<()> {
        let mut psql = Command::new(self.stage.program("psql"));
        psql.args(["--no-psqlrc", "--quiet", &self.filled.url]);
        for command in commands {
            psql.args(["--command", command]);
        }
        process::run(&mut psql).map(drop)
    }
}

/// Creates a client without contacts. Deletes the one that an earlier run has left.
fn empty_client(connection: &mut PgConnection, name: &str) -> anyhow::Result<ClientId> {
    remove_client(connection, name)?;
    Ok(clients::create_client(connection, name, Region::DEFAULT)?)
}

fn remove_client(connection: &mut PgConnection, name: &str) -> anyhow::Result<()> {
    if let Some(client) = clients::find_client(connection, name)? {
        let id = client.id;
        connection.batch_execute(&format!(
            "DELETE FROM contacts WHERE client_id = '{id}'; DELETE FROM clients WHERE id = '{id}'"
        ))?;
    }
    Ok(())
}
