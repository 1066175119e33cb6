//! The sections of the report. Each sends requests and adds rows.

use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use contact_search::domain::client::ClientId;

use crate::client::{Connection, Expected, Request};
use crate::load::{self, Mix, Samples, Throughput, Track};
use crate::pgbench::Pgbench;
use crate::process::{self, MachineTime};
use crate::report::{Goal, Ratio, Report, Row};
use crate::stage::{Filled, Server, Size, Stage};
use crate::terms::{self, Asker, Class, Person};

/// Contacts that are sampled for their phones and emails.
const PEOPLE: usize = 20_000;

/// The rounds of requests in one pass, and their maximum time as a multiple of `load`. The rounds
/// of `WARMING` come first and are not measured.
pub const WARMING: (usize, u32) = (10, 1);
const MEASURING: (usize, u32) = (50, 2);

/// Values that are compared are measured in alternating passes, so that a disturbance of the machine affects all alike.
const PASSES: u64 = 4;

const CONNECTIONS: [usize; 4] = [1, 4, 16, 64];

/// Maximum time for a million requests.
const GROWTH_MAX: Duration = Duration::from_secs(1_800);

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// The lookup, and each class of terms
    Classes,
    /// A small client next to the large one
    Small,
    /// The same classes with fewer contacts
    Scale,
    /// Random parts of stored values, and random texts
    Random,
    /// Many connections at once
    Throughput,
    /// The cost of a write beside that of the same write on a plain table
    Costs,
    /// The classes while messages are recorded
    Writes,
    /// The cost of each index for writes
    Indexes,
    /// Check of a CSV file before its import
    Check,
    /// The classes while contacts of the same client are imported, and after it
    Beside,
    /// Import of a CSV file
    Import,
    /// Memory of the server
    Memory,
    /// Answers per second beside those of a usual Node.js server; needs Node.js and npm. Only if it is named
    Peer,
}

impl Section {
    /// In the order of measurement. Sections that write come late.
    pub const ALL: [Section; 13] = [
        Section::Classes,
        Section::Small,
        Section::Scale,
        Section::Random,
        Section::Throughput,
        Section::Writes,
        Section::Costs,
        Section::Indexes,
        Section::Check,
        Section::Beside,
        Section::Import,
        Section::Memory,
        Section::Peer,
    ];

    /// Whether the section is measured unless others are named.
    pub fn is_usual(self) -> bool {
        self != Section::Peer
    }
}

/// A client with its key and the requests about its contacts.
pub struct Caller {
    pub client: ClientId,
    pub key: String,
    pub contacts: u64,
    pub people: Vec<Person>,
    pub lookups: Vec<Class>,
    pub searches: Vec<Class>,
    /// Requests to the one box. Empty if the measured program has none.
    pub names: Vec<Class>,
}

impl Caller {
    fn new(filled: &Filled, server: &Server, client: ClientId, contacts: u64) -> anyhow::Result<Self> {
        let key = filled.key(client)?;
        let people = terms::pick_people(&mut filled.connect()?, client, PEOPLE)?;
        let asker = Asker {
            key: &key,
            contacts,
            people: &people,
        };
        let (lookups, searches) = (asker.lookups()?, asker.searches()?);
        let names = if has_one_box(server, &key)? {
            asker.names()?
        } else {
            Vec::new()
        };
        Ok(Self {
            client,
            key,
            contacts,
            people,
            lookups,
            searches,
            names,
        })
    }

    fn asker(&self) -> Asker<'_> {
        Asker {
            key: &self.key,
            contacts: self.contacts,
            people: &self.people,
        }
    }

    /// All classes, the lookups first.
    pub fn classes(&self) -> impl Iterator<Item = &Class> {
        self.lookups.iter().chain(&self.searches).chain(&self.names)
    }
}

/// Whether the measured program has the one box. Earlier builds, which `--program` measures, have none.
fn has_one_box(server: &Server, key: &str) -> anyhow::Result<bool> {
    let request = Request::get(key, "/api/v1/search", &[("q", "a")], Expected::Any);
    Ok(Connection::open(&server.address)?.fetch(&request)?.0 != 404)
}

fn requests(classes: &[Class]) -> Vec<&Request> {
    classes.iter().flat_map(|class| &class.requests).collect()
}

/// The samples of all passes together.
pub fn merged(passes: Vec<Vec<Vec<Samples>>>) -> Vec<Vec<Samples>> {
    let mut passes = passes.into_iter();
    let mut all = passes.next().unwrap_or_default();
    for pass in passes {
        for (all, samples) in all.iter_mut().flatten().zip(pass.into_iter().flatten()) {
            all.merge(samples);
        }
    }
    all
}

/// State that the sections share.
pub struct Bench<'a> {
    pub stage: &'a Stage,
    pub filled: Filled,
    pub server: Server,
    pub large: Caller,
    pgbench: Pgbench,
    pub report: Report,
    /// Duration of each load of many connections and of each run of pgbench.
    pub load: Duration,
    with_growth: bool,
}

impl<'a> Bench<'a> {
    /// Fills the large database and starts the server on it.
    pub fn prepare(stage: &'a Stage, size: Size, load: Duration, with_growth: bool) -> anyhow::Result<Self> {
        let filled = stage.fill(size)?;
        let server = Server::start(stage, &filled)?;
        let large = Caller::new(&filled, &server, filled.large_client()?, size.contacts)?;
        let looked_up: Vec<Person> = large
            .people
            .iter()
            .filter(|person| person.phone.is_some())
            .take(terms::LOOKUPS)
            .cloned()
            .collect();
        let pgbench = Pgbench::new(
            stage.program("pgbench"),
            &stage.file("lookup.sql"),
            &filled.url,
            large.client,
            &looked_up,
        )?;
        let head = format!(
            "{}, {} cores, {} MB of memory; PostgreSQL {}{}; {} contacts in the large client, {} in each of {} small \
             ones, last messages of {} years",
            process::processor().unwrap_or_else(|| "A processor".to_owned()),
            process::cores(),
            process::machine_memory().map_or("?".to_owned(), |megabytes| megabytes.to_string()),
            stage.version(),
            stage.settings,
            size.contacts,
            filled.workload.small_contacts(),
            filled.workload.small_clients,
            size.years,
        );
        let mut bench = Self {
            stage,
            filled,
            server,
            large,
            pgbench,
            report: Report::new(head),
            load,
            with_growth,
        };
        if bench.large.names.is_empty() {
            bench
                .report
                .add(Row::new("classes", "names").note("the program has no search by name"));
        }
        // Warms up.
        bench.pgbench.run(1, bench.load)?;
        Ok(bench)
    }

    pub fn passes(&self) -> u64 {
        self.load.as_secs().clamp(1, PASSES)
    }

    /// Duration of one pass of a load.
    pub fn slice(&self) -> Duration {
        Duration::from_secs(self.load.as_secs().div_ceil(self.passes()))
    }

    /// Runs the passes of a section that reports multiples of U. Measures U before, between and after them. Returns the
    /// results of the passes and the median U.
    fn beside_unit<T>(&self, mut pass: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(Vec<T>, Duration)> {
        let unit = || anyhow::Ok(self.pgbench.run(1, self.slice())?.latency);
        let mut units = vec![unit()?];
        let mut given = Vec::new();
        for _ in 0..self.passes() {
            given.push(pass()?);
            units.push(unit()?);
        }
        Ok((given, units.into_iter().collect::<Samples>().median()))
    }

    pub fn run(&mut self, section: Section) -> anyhow::Result<()> {
        match section {
            Section::Classes => self.measure_classes(),
            Section::Small => self.measure_small_client(),
            Section::Scale => self.measure_scale(),
            Section::Random => self.measure_random_terms(),
            Section::Throughput => self.measure_throughput(),
            Section::Costs => self.measure_costs(),
            Section::Writes => self.measure_beside_writes(),
            Section::Indexes => self.measure_indexes(),
            Section::Check => self.measure_check(),
            Section::Beside => self.measure_beside_import(),
            Section::Import => self.measure_import(),
            Section::Memory => self.measure_memory(),
            Section::Peer => self.measure_peer(),
        }
        .with_context(|| format!("{section:?} can't be measured"))
    }

    /// One pass: sends requests of every class of each caller in turn, after a warm-up. Lookups, searches and names are
    /// measured separately, because a search evicts the data of a lookup from the processor's caches. Returns the
    /// samples per caller and class.
    pub fn ask_in_turn(&self, callers: &[(&Server, &Caller)]) -> anyhow::Result<Vec<Vec<Samples>>> {
        let ask = |classes: fn(&Caller) -> &[Class]| {
            let mut tracks = Vec::new();
            for (server, caller) in callers {
                tracks.push(Track {
                    connection: Connection::open(&server.address)?,
                    classes: classes(caller),
                });
            }
            load::ask_in_turn(&mut tracks, WARMING.0, self.load * WARMING.1)?;
            load::ask_in_turn(&mut tracks, MEASURING.0, self.load * MEASURING.1)
        };
        let mut samples = ask(|caller| &caller.lookups)?;
        let others: [fn(&Caller) -> &[Class]; 2] = [|caller| &caller.searches, |caller| &caller.names];
        for classes in others {
            for (samples, others) in samples.iter_mut().zip(ask(classes)?) {
                samples.extend(others);
            }
        }
        Ok(samples)
    }

    fn measure_classes(&mut self) -> anyhow::Result<()> {
        let (passes, unit) = self.beside_unit(|| self.ask_in_turn(&[(&self.server, &self.large)]))?;
        let samples = merged(passes);
        self.report.add_unit(unit);
        for (class, samples) in self.large.classes().zip(&samples[0]) {
            let is_lookup = self.large.lookups.iter().any(|lookup| lookup.name == class.name);
            let most = match class.name {
                _ if is_lookup => 3.0,
                "name-typo" => 120.0,
                _ => 60.0,
            };
            let row = Row::new("classes", class.name)
                .times(samples)
                .ratio(Ratio::ToUnit(samples.median(), unit))
                .goal(Goal::AtMost(most));
            self.report.add(row);
        }
        Ok(())
    }

    fn measure_small_client(&mut self) -> anyhow::Result<()> {
        let contacts = self.filled.workload.small_contacts();
        let small = Caller::new(&self.filled, &self.server, self.filled.small_client()?, contacts)?;
        let (passes, unit) = self.beside_unit(|| self.ask_in_turn(&[(&self.server, &small)]))?;
        let samples = merged(passes);
        self.report.add_unit(unit);
        for (class, samples) in small.classes().zip(&samples[0]) {
            let row = Row::new("small", format!("{}, {contacts} contacts", class.name))
                .times(samples)
                .ratio(Ratio::ToUnit(samples.median(), unit))
                .goal(Goal::AtMost(20.0));
            self.report.add(row);
        }
        Ok(())
    }

    /// Alternates between both databases, so that a disturbance affects both alike.
    fn measure_scale(&mut self) -> anyhow::Result<()> {
        let contacts = match self.large.contacts {
            50_001.. => 50_000,
            contacts => contacts / 10,
        };
        let filled = self.stage.fill(Size {
            contacts,
            ..self.filled.size
        })?;
        let server = Server::start(self.stage, &filled)?;
        let fewer = Caller::new(&filled, &server, filled.large_client()?, contacts)?;
        let callers = [(&self.server, &self.large), (&server, &fewer)];
        let passes: Vec<_> = (0..self.passes())
            .map(|_| self.ask_in_turn(&callers))
            .collect::<anyhow::Result<_>>()?;
        let samples = merged(passes);
        for (class, (many, few)) in self.large.classes().zip(samples[0].iter().zip(&samples[1])) {
            let row = Row::new("scale", format!("{}, ÷ {contacts} contacts", class.name))
                .times(many)
                .ratio(Ratio::Times(many.median().as_secs_f64() / few.median().as_secs_f64()))
                .goal(Goal::AtMost(4.0))
                .note(format!("{:.2} ms", few.median().as_secs_f64() * 1000.0));
            self.report.add(row);
        }
        Ok(())
    }

    fn measure_random_terms(&mut self) -> anyhow::Result<()> {
        let asker = self.large.asker();
        let requests = [asker.pieces(1_000), asker.texts(200)].concat();
        let mut connection = Connection::open(&self.server.address)?;
        let mut answers = vec![Samples::default(); requests.len()];
        let (_, unit) = self.beside_unit(|| {
            let mut asked = requests.iter().zip(&mut answers);
            asked.try_for_each(|(request, samples)| samples.ask(&mut connection, request))
        })?;
        self.report.add_unit(unit);
        let samples: Samples = answers.iter().map(Samples::median).collect();
        let refused: usize = answers.iter().map(|answers| answers.refused).sum();
        let (slowest, worst) = answers
            .iter()
            .map(Samples::median)
            .zip(&requests)
            .max_by_key(|(took, _)| *took)
            .context("there are terms")?;
        let row = Row::new("random", format!("{} terms", requests.len()))
            .times(&samples)
            .ratio(Ratio::ToUnit(samples.quantile(0.99), unit))
            .goal(Goal::AtMost(180.0))
            .note(format!("ratio of the p99; {refused} answers 503 or 504"));
        self.report.add(row);
        let row = Row::new("random", "the worst of them")
            .ratio(Ratio::ToUnit(slowest, unit))
            .note(format!(
                "{:.2} ms for `{}`",
                slowest.as_secs_f64() * 1000.0,
                worst.label
            ));
        self.report.add(row);
        Ok(())
    }

    /// Runs [`load::ask_at_once`]. Also returns the server's processor time.
    fn ask_at_once(
        &self,
        connections: usize,
        mix: &Mix<'_>,
        most: u64,
        time: Duration,
    ) -> anyhow::Result<(Throughput, Option<Duration>)> {
        let before = self.server.process.processor_time();
        let throughput = load::ask_at_once(&self.server.address, connections, mix, most, time)?;
        let used = self.server.process.processor_time().zip(before);
        Ok((throughput, used.map(|(after, before)| after - before)))
    }

    fn measure_throughput(&mut self) -> anyhow::Result<()> {
        let (lookups, searches) = (requests(&self.large.lookups), requests(&self.large.searches));
        let mixes: [(&str, &Mix<'_>); 2] = [
            ("lookup", &[(100, &lookups)]),
            ("mixed", &[(80, &lookups), (20, &searches)]),
        ];
        let most = self.stage.connections()?;
        for (name, mix) in mixes {
            for connections in CONNECTIONS {
                let clients = connections.min(most);
                let mut by_pgbench = 0.0;
                let mut throughput = Throughput::default();
                let mut processor = Some(Duration::ZERO);
                let before = MachineTime::now();
                for _ in 0..self.passes() {
                    by_pgbench += self.pgbench.run(clients, self.slice())?.per_second / self.passes() as f64;
                    let (answers, used) = self.ask_at_once(connections, mix, u64::MAX, self.slice())?;
                    throughput.merge(answers);
                    processor = processor.zip(used).map(|(sum, used)| sum + used);
                }
                let stolen = before.and_then(MachineTime::stolen_since);
                let per_second = throughput.per_second();
                let count = throughput.samples.count().max(1) as f64;
                let row = Row::new("throughput", format!("{name}, {connections} connections"))
                    .times(&throughput.samples)
                    .ratio(Ratio::Times(per_second / by_pgbench))
                    .note(format!(
                        "{per_second:.0}/s, pgbench with {clients} clients {by_pgbench:.0}/s"
                    ))
                    .note(match processor {
                        Some(time) => format!(
                            "{:.0} µs of processor time per request",
                            time.as_secs_f64() * 1e6 / count
                        ),
                        None => "processor time unknown".to_owned(),
                    });
                let row = match stolen {
                    Some(part) => row.note(format!("{:.0} % steal time", part * 100.0)),
                    None => row,
                };
                let has_goal = name == "lookup" && (4..=16).contains(&connections);
                self.report
                    .add(if has_goal { row.goal(Goal::AtLeast(0.6)) } else { row });
            }
        }
        Ok(())
    }

    fn measure_memory(&mut self) -> anyhow::Result<()> {
        let (lookups, searches) = (requests(&self.large.lookups), requests(&self.large.searches));
        let mix: &Mix<'_> = &[(80, &lookups), (20, &searches)];
        self.ask_at_once(16, mix, u64::MAX, self.load)?;
        let memory = |field| self.server.process.memory(field);
        let (Some(most), Some(now)) = (memory("VmHWM"), memory("VmRSS")) else {
            let row = Row::new("memory", "the server").note("not available: the system has no Linux /proc");
            self.report.add(row);
            return Ok(());
        };
        let row = Row::new("memory", "the server, at most")
            .ratio(Ratio::Megabytes(most))
            .goal(Goal::AtMost(120.0))
            .note(format!("{now:.0} MB now"));
        let growth = if self.with_growth {
            Some(self.watch_growth(mix)?)
        } else {
            None
        };
        self.report.add(row);
        growth.into_iter().for_each(|row| self.report.add(row));
        Ok(())
    }

    /// The growth of the server's memory from request 100,000 to request 1,000,000.
    fn watch_growth(&self, mix: &Mix<'_>) -> anyhow::Result<Row> {
        let resident = || self.server.process.memory("VmRSS").context("the server has ended");
        let (first, last) = (100_000, 1_000_000);
        self.ask_at_once(16, mix, first, GROWTH_MAX)?;
        let before = resident()?;
        let (asked, _) = self.ask_at_once(16, mix, last - first, GROWTH_MAX)?;
        let after = resident()?;
        let count = asked.samples.count();
        Ok(Row::new("memory", "the server, growth")
            .times(&asked.samples)
            .ratio(Ratio::Times(after / before))
            .goal(Goal::AtMost(1.05))
            .note(format!("{before:.0} MB, and {after:.0} MB {count} requests later")))
    }
}
