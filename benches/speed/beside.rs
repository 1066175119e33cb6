//! The section about searches while contacts are imported into the same client.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::client::Connection;
use crate::load::{self, Samples, Track};
use crate::report::{Goal, Ratio, Row};
use crate::sections::{Bench, WARMING, merged};
use crate::stage::{self, IMPORTED};
use crate::writes::ROWS_PER_SECOND;

/// The most rows of an import. Otherwise it has a tenth as many rows as the large client has contacts.
const ROWS: u64 = 100_000;

/// Imports of each kind.
const IMPORTS: usize = 2;

/// How long the classes are measured before an import, and after it, as a multiple of `load`.
const AROUND: u32 = 2;

/// The goal for the median during and after an import ÷ the median before it.
const RATIO: f64 = 2.0;

/// The samples per track and class.
type TrackSamples = Vec<Vec<Samples>>;

/// Contacts to import.
#[derive(Clone, Copy)]
enum Kind {
    /// Contacts with later messages than all stored ones. A walk of the newest contacts meets all of them first.
    Newest,
    /// Contacts whose last messages are spread over the same years as those of the stored contacts.
    Spread,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Newest, Kind::Spread];

    fn name(self) -> &'static str {
        match self {
            Kind::Newest => "newest",
            Kind::Spread => "spread",
        }
    }

    /// The SQL expression for the time of a contact's last message. The newest contacts have times between `from` and
    /// `to`.
    fn last_message_at(self, from: &str, to: &str) -> String {
        match self {
            Kind::Newest => format!(
                "timestamptz '{from}' + (timestamptz '{to}' - timestamptz '{from}') \
                 * ((hashint8(serial_id)::float8 + 2147483649) / 4294967297)"
            ),
            Kind::Spread => "last_message_at".to_owned(),
        }
    }
}

/// What was measured around the imports of one kind, one element per import.
#[derive(Default)]
struct Measured {
    before: Vec<TrackSamples>,
    during: Vec<TrackSamples>,
    after: Vec<TrackSamples>,
    took: Vec<Duration>,
}

impl Bench<'_> {
    /// Imports new contacts into the large client, and measures its classes (1) before the import, after VACUUM, (2)
    /// until the import ends, and (3) right after it, before the next VACUUM. Removes the contacts after each import.
    ///
    /// The contacts are those of small clients. Their platform is a new one, so none of them is a contact of the large
    /// client already. Their external ids are unique, because each small client has the same ones.
    pub fn measure_beside_import(&mut self) -> anyhow::Result<()> {
        let count = (self.large.contacts / 10).min(ROWS);
        let client = self.large.client;
        let csv = self.stage.file("beside.csv");
        let mut connection = self.filled.connect()?;
        let mut latest = self.latest_message(&mut connection)?;
        let mut measured = Kind::ALL.map(|_| Measured::default());
        for _ in 0..IMPORTS {
            for (kind, measured) in Kind::ALL.into_iter().zip(&mut measured) {
                let now = stage::text(&mut connection, "SELECT now()::text AS text")?;
                let last_message_at = kind.last_message_at(&latest, &now);
                self.write_csv(
                    &csv,
                    &format!(
                        "'{IMPORTED}' AS platform, external_user_id || '-' || serial_id AS external_user_id, \
                         {last_message_at} AS last_message_at"
                    ),
                    &format!("client_id <> '{client}' ORDER BY serial_id LIMIT {count}"),
                )?;
                // The next import has newer contacts than this one: a server may have dropped older ones from its
                // table of the newest contacts.
                latest = now;
                self.filled.vacuum(&mut connection)?;
                self.measure_around(|| self.import(&client.to_string(), &csv), measured)?;
                self.filled.remove_imported(&mut connection, client)?;
            }
        }
        self.filled.vacuum(&mut connection)?;
        for (kind, measured) in Kind::ALL.into_iter().zip(measured) {
            self.report_beside_import(kind, count, measured);
        }
        Ok(())
    }

    /// Measures the classes before, during and after `import`, which returns its own time.
    fn measure_around(
        &self,
        import: impl FnOnce() -> anyhow::Result<Duration> + Send,
        measured: &mut Measured,
    ) -> anyhow::Result<()> {
        let large = &self.large;
        let mut tracks = Vec::new();
        for classes in [&large.lookups, &large.searches, &large.names] {
            tracks.push(Track {
                connection: Connection::open(&self.server.address)?,
                classes,
            });
        }
        let time = self.load * AROUND;
        load::ask_in_turn(&mut tracks, WARMING.0, self.load * WARMING.1)?;
        measured.before.push(ask_for(&mut tracks, time)?);
        let (during, took) = thread::scope(|scope| {
            let import = scope.spawn(import);
            let during = load::ask_while(&mut tracks, || !import.is_finished());
            (during, import.join())
        });
        measured.took.push(took.map_err(|_| anyhow!("the import panicked"))??);
        measured.during.push(during?);
        measured.after.push(ask_for(&mut tracks, time)?);
        Ok(())
    }

    fn report_beside_import(&mut self, kind: Kind, count: u64, measured: Measured) {
        let took: Samples = measured.took.into_iter().collect();
        let rate = count as f64 / took.median().as_secs_f64();
        let row = Row::new("beside", format!("import of {count} {} contacts", kind.name()))
            .ratio(Ratio::Times(rate / ROWS_PER_SECOND))
            .goal(Goal::AtLeast(1.0))
            .note(format!("{rate:.0} rows/s of {ROWS_PER_SECOND}"));
        self.report.add(row);
        let [before, during, after] = [measured.before, measured.during, measured.after]
            .map(|passes| merged(passes).into_iter().flatten().collect::<Vec<_>>());
        for (when, samples) in [("during", during), ("after", after)] {
            for (class, (samples, before)) in self.large.classes().zip(samples.iter().zip(&before)) {
                let milliseconds = |samples: &Samples, part| samples.quantile(part).as_secs_f64() * 1e3;
                let (median, median_before) = (milliseconds(samples, 0.5), milliseconds(before, 0.5));
                let (p95, p95_before) = (milliseconds(samples, 0.95), milliseconds(before, 0.95));
                let row = Row::new("beside", format!("{}, {when} ÷ before, {}", class.name, kind.name()))
                    .times(samples)
                    .ratio(Ratio::Times(median / median_before))
                    .goal(Goal::AtMost(RATIO))
                    .note(format!(
                        "{median_before:.2} ms before; p95 {p95:.2} ms, {p95_before:.2} ms before, × {:.2}",
                        p95 / p95_before
                    ));
                self.report.add(row);
            }
        }
    }
}

fn ask_for(tracks: &mut [Track], time: Duration) -> anyhow::Result<TrackSamples> {
    let start = Instant::now();
    load::ask_while(tracks, || start.elapsed() < time)
}
