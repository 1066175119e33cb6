//! The section about `contact-search check`.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::load::Samples;
use crate::process::Process;
use crate::report::{Goal, Ratio, Row};
use crate::sections::Bench;

/// Repetitions of the check and of `\copy`.
const CHECKS: usize = 3;

/// The goals.
const ROWS_PER_SECOND: f64 = 5_000.0;
const MEGABYTES_MOST: f64 = 256.0;

/// How often the memory of the check is read.
const PAUSE: Duration = Duration::from_millis(20);

impl Bench<'_> {
    /// Checks a file against the large client. Half of its rows are contacts of this client, and half are contacts of
    /// the small ones. Beside it `\copy` reads the same file into a temporary table.
    pub fn measure_check(&mut self) -> anyhow::Result<()> {
        let count = (self.large.contacts / 2).clamp(1_000, 100_000);
        let csv = self.stage.file("check.csv");
        let client = self.large.client;
        let columns = "name, phone, email, platform, external_user_id";
        let half = |comparison: &str| {
            format!(
                "(SELECT {columns} FROM contacts WHERE client_id {comparison} '{client}' ORDER BY md5(id::text) \
                 LIMIT {})",
                count / 2
            )
        };
        self.psql(&[&format!(
            "\\copy ({} UNION ALL {}) TO '{}' WITH (FORMAT csv, HEADER)",
            half("="),
            half("<>"),
            csv.display()
        )])?;
        let (mut checks, mut copies) = (Vec::new(), Vec::new());
        let mut memory: Option<f64> = None;
        for _ in 0..CHECKS {
            let mut check = self.stage.measured();
            check
                .args([
                    "check",
                    "--client",
                    &client.to_string(),
                    "--database-url",
                    &self.filled.url,
                ])
                .arg(&csv)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let start = Instant::now();
            let mut check = Process::start(&mut check)?;
            let status = loop {
                let peak = check.memory("VmHWM").unwrap_or_default();
                memory = Some(memory.unwrap_or_default().max(peak));
                if let Some(status) = check.child().try_wait()? {
                    break status;
                }
                thread::sleep(PAUSE);
            };
            checks.push(start.elapsed());
            ensure!(status.success(), "the check failed: {status}");

            let start = Instant::now();
            self.psql(&[
                &format!(
                    "CREATE TEMPORARY TABLE copied ({} text)",
                    columns.replace(',', " text,")
                ),
                &format!("\\copy copied FROM '{}' WITH (FORMAT csv, HEADER)", csv.display()),
            ])?;
            copies.push(start.elapsed());
        }
        let rate = |times: Vec<Duration>| count as f64 / Samples::from_iter(times).median().as_secs_f64();
        let (checked, copied) = (rate(checks), rate(copies));
        let row = Row::new("check", format!("{count} rows"))
            .ratio(Ratio::Times(checked / ROWS_PER_SECOND))
            .goal(Goal::AtLeast(1.0))
            .note(format!(
                "{checked:.0} rows/s of {ROWS_PER_SECOND}, \\copy {copied:.0} rows/s"
            ));
        self.report.add(row);
        let row = Row::new("check", "memory of the program, at most");
        self.report.add(match memory {
            Some(megabytes) => row
                .ratio(Ratio::Megabytes(megabytes))
                .goal(Goal::AtMost(MEGABYTES_MOST)),
            None => row.note("not available: the system has no Linux /proc"),
        });
        Ok(())
    }
}
