//! The section that measures what the search's tables cost a write.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::ensure;
use contact_search::domain::client::ClientId;
use contact_search::store::PgConnection;
use diesel::connection::SimpleConnection;

use crate::load::Samples;
use crate::process;
use crate::report::{Ratio, Row};
use crate::sections::Bench;
use crate::stage;

/// Contacts that one pass writes, and the most passes.
const BATCH: usize = 200;
const PASSES: usize = 25;

/// The most contacts of the yardstick.
const YARDSTICK: usize = 100_000;

/// The seconds of 25 days: more than a period of the gram index.
const PERIOD: u64 = 25 * 86_400;

/// The columns of the yardstick.
const COLUMNS: &str = "client_id, id, contact_list_id, name, email, phone, phone_key, last_message_at, updated_at";

/// The writes, in the order in which a pass makes them.
const WRITES: [&str; 3] = [
    "a new contact",
    "a contact's first message in a period",
    "a later message in the period",
];

/// What the writes are made on: the name of the table, and the statement that prepares it in the transaction.
const TABLES: [(&str, &str); 3] = [
    ("contacts", "SELECT 1"),
    ("contacts", "ALTER TABLE contacts DISABLE TRIGGER USER"),
    ("yardstick", "SELECT 1"),
];

impl Bench<'_> {
    /// PostgreSQL's processor time for each write: on `contacts`, on `contacts` without the tables that the search reads, and on
    /// the yardstick. The yardstick is a table with few columns and three indexes. It is equal for every build. So the
    /// ratio to it can be compared between builds. Every write is rolled back.
    pub fn measure_costs(&mut self) -> anyhow::Result<()> {
        let mut connection = self.filled.connect()?;
        let client = self.large.client;
        // All messages arrive in the period with the latest contacts, which is the fullest one, as in production.
        let latest = self.latest_message(&mut connection)?;
        connection.batch_execute(&format!(
            "DROP TABLE IF EXISTS yardstick;
             CREATE TABLE yardstick AS SELECT {COLUMNS} FROM contacts
             WHERE client_id = '{client}' AND phone IS NOT NULL
                   AND last_message_at < timestamptz '{latest}' - interval '{PERIOD} seconds'
             ORDER BY hashint8(serial_id) LIMIT {YARDSTICK};
             ALTER TABLE yardstick ADD PRIMARY KEY (client_id, id);
             CREATE INDEX ON yardstick (client_id, phone_key);
             CREATE INDEX ON yardstick (client_id, last_message_at DESC NULLS LAST, id);
             CREATE TEMP TABLE numbered AS SELECT row_number() OVER () AS number, * FROM yardstick"
        ))?;
        connection.batch_execute("VACUUM (ANALYZE) yardstick")?;

        let clock = Clock::new(&mut connection)?;
        let mut times = [const { [const { Vec::new() }; WRITES.len()] }; TABLES.len()];
        let rows: usize = stage::text(&mut connection, "SELECT count(*)::text AS text FROM numbered")?.parse()?;
        // A small client has fewer contacts that are old enough.
        let passes = PASSES.min(rows / (BATCH + 1));
        ensure!(
            passes > 0,
            "only {rows} contacts are old enough, and a pass writes {}",
            BATCH + 1
        );
        for pass in 0..passes {
            // Other contacts in every pass. The first one is written before the others, without being measured, so that
            // PostgreSQL reads its catalogue.
            let first = pass * (BATCH + 1) + 1;
            let warm = Written::new(&mut connection, "warm", first..first + 1)?;
            let batch = Written::new(&mut connection, "batch", first + 1..first + 1 + BATCH)?;
            // Each table is first in some passes.
            for at in (0..TABLES.len()).map(|at| (at + pass) % TABLES.len()) {
                let (table, prepare) = TABLES[at];
                connection.batch_execute(&format!("BEGIN; {prepare}"))?;
                for statement in warm.statements(table, client, &latest) {
                    connection.batch_execute(&statement)?;
                }
                for (statement, times) in batch.statements(table, client, &latest).iter().zip(&mut times[at]) {
                    let start = clock.now();
                    connection.batch_execute(statement)?;
                    times.push(clock.now().saturating_sub(start) / BATCH as u32);
                }
                connection.batch_execute("ROLLBACK")?;
            }
        }
        connection.batch_execute("DROP TABLE yardstick")?;
        self.filled.vacuum(&mut connection)?;

        let [all, plain, yardstick] = times;
        for (((what, all), plain), yardstick) in WRITES.into_iter().zip(all).zip(plain).zip(yardstick) {
            let [median, of_plain, of_yardstick] = [&all, &plain, &yardstick].map(|times| micros(median_of(times)));
            let row = Row::new("costs", what)
                .ratio(Ratio::Times(median_ratio(&all, &yardstick)))
                .note(format!(
                    "{median:.0} µs; the yardstick {of_yardstick:.0} µs; without the search's tables {of_plain:.0} µs, \
                     {:.2} × the yardstick",
                    median_ratio(&plain, &yardstick),
                ));
            self.report.add(row);
        }
        Ok(())
    }
}

/// The processor time of PostgreSQL's process, which other load of the machine hardly changes. On systems other than
/// Linux it is the time that has passed.
struct Clock {
    pid: i32,
    start: Instant,
}

impl Clock {
    fn new(connection: &mut PgConnection) -> anyhow::Result<Self> {
        Ok(Self {
            pid: stage::text(connection, "SELECT pg_backend_pid()::text AS text")?.parse()?,
            start: Instant::now(),
        })
    }

    fn now(&self) -> Duration {
        process::run_time(self.pid).unwrap_or_else(|| self.start.elapsed())
    }
}

/// Contacts that a pass writes.
struct Written {
    /// The temporary table with their rows.
    rows: &'static str,
    ids: String,
}

impl Written {
    fn new(connection: &mut PgConnection, rows: &'static str, numbers: Range<usize>) -> anyhow::Result<Self> {
        connection.batch_execute(&format!(
            "DROP TABLE IF EXISTS {rows};
             CREATE TEMP TABLE {rows} AS SELECT {COLUMNS} FROM numbered WHERE number >= {} AND number < {}",
            numbers.start, numbers.end
        ))?;
        let ids = stage::text(
            connection,
            &format!("SELECT string_agg(id::text, ',') AS text FROM {rows}"),
        )?;
        Ok(Self { rows, ids })
    }

    /// The statements of [`WRITES`] on a table.
    fn statements(&self, table: &str, client: ClientId, latest: &str) -> [String; WRITES.len()] {
        let Self { rows, ids } = self;
        let message = |time: &str| {
            format!(
                "UPDATE {table} SET last_message_at = {time}, updated_at = now()
                 WHERE client_id = '{client}' AND id = ANY ('{{{ids}}}')"
            )
        };
        [
            format!(
                "INSERT INTO {table} ({COLUMNS})
                 SELECT client_id, gen_random_uuid(), contact_list_id, name, replace(email, '@', '77@'), phone || '77',
                        phone_key || '77', '{latest}', now()
                 FROM {rows}"
            ),
            message(&format!("timestamptz '{latest}'")),
            message(&format!("timestamptz '{latest}' + interval '1 second'")),
        ]
    }
}

fn median_of(times: &[Duration]) -> Duration {
    times.iter().copied().collect::<Samples>().median()
}

/// The median of the ratios pass by pass, so that a disturbance of one pass does not matter.
fn median_ratio(times: &[Duration], others: &[Duration]) -> f64 {
    let mut ratios: Vec<f64> = times
        .iter()
        .zip(others)
        .map(|(time, other)| time.as_secs_f64() / other.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
