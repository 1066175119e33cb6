//! Measures the unit U: the latency of a lookup's statement in `pgbench`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use contact_search::domain::client::ClientId;
use contact_search::domain::window;

use crate::process;
use crate::terms::Person;

/// The statement of the unit U.
const YARDSTICK: &str = include_str!("yardstick.sql");

/// A `pgbench` script with one client's lookups.
pub struct Pgbench {
    program: PathBuf,
    script: PathBuf,
    url: String,
}

/// The results that `pgbench` prints.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub latency: Duration,
    /// Transactions per second. One transaction is one lookup.
    pub per_second: f64,
}

impl Pgbench {
    /// Writes the script to a file. Each transaction looks up one of `people`, chosen at random.
    pub fn new(
        program: PathBuf,
        script: &Path,
        url: &str,
        client: ClientId,
        people: &[Person],
    ) -> anyhow::Result<Self> {
        // pgbench's variables are numbers, so the + of a phone is left out.
        let numbers: Vec<(i64, i64)> = people
            .iter()
            .filter_map(|person| Some((person.phone_key.as_ref()?.parse().ok()?, person.digits()?.parse().ok()?)))
            .collect();
        ensure!(!numbers.is_empty(), "there is no phone to look up");
        let mut text = format!("\\set at random(1, {})\n", numbers.len());
        for (name, number) in [
            ("key", (|pair| pair.0) as fn(&(i64, i64)) -> i64),
            ("phone", |pair| pair.1),
        ] {
            let cases: Vec<String> = (1..)
                .zip(&numbers)
                .map(|(at, pair)| format!("WHEN :at = {at} THEN {}", number(pair)))
                .collect();
            text += &format!("\\set {name} CASE {} END\n", cases.join(" "));
        }
        let platform = format!("'{}'", window::PLATFORM);
        let client = format!("'{client}'");
        let values = [
            &*platform,
            &*client,
            "ARRAY[:key]",
            "ARRAY['+' || :phone]",
            "NULL::text",
            "true",
        ];
        let mut lookup = YARDSTICK.to_owned();
        for (number, value) in (1..).zip(values) {
            lookup = lookup.replace(&format!("${number}"), value);
        }
        ensure!(
            !lookup.contains('$'),
            "the yardstick has a different number of parameters than the script of pgbench"
        );
        fs::write(script, text + &lookup)?;
        Ok(Self {
            program,
            script: script.to_owned(),
            url: url.to_owned(),
        })
    }

    /// Runs `clients` clients for `time`, rounded down to whole seconds.
    pub fn run(&self, clients: usize, time: Duration) -> anyhow::Result<Figures> {
        let said = process::run(
            Command::new(&self.program)
                .args(["--no-vacuum", "--protocol=prepared"])
                .arg(format!("--client={clients}"))
                .arg(format!("--jobs={}", clients.min(crate::process::cores())))
                .arg(format!("--time={}", time.as_secs()))
                .arg("--file")
                .arg(&self.script)
                .arg(&self.url),
        )?;
        let number = |start: &str| -> anyhow::Result<f64> {
            let rest = said.lines().find_map(|line| line.strip_prefix(start));
            let number = rest.and_then(|rest| rest.split(' ').next());
            number
                .and_then(|number| number.parse().ok())
                .with_context(|| format!("the output of pgbench has no '{start}': {said}"))
        };
        Ok(Figures {
            latency: Duration::from_secs_f64(number("latency average = ")? / 1000.0),
            per_second: number("tps = ")?,
        })
    }
}
