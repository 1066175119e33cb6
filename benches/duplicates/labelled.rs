//! Records whose persons are known.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, ensure};
use contact_search::domain::duplicates::{Frequencies, PhoneFields, Record, RecordFields};
use contact_search::domain::phone::{Region, StoredPhone};

/// Records, and the person that each of them is.
#[derive(Default)]
pub struct Labelled {
    pub records: Vec<Record>,
    pub persons: Vec<u32>,
    pub frequencies: Frequencies,
    /// The places of the records that fit another person as well, so that nobody can attribute them.
    pub undecidable: HashSet<usize>,
}

/// The texts of a record. Empty if missing.
#[derive(Clone, Default, Debug)]
pub struct Texts {
    pub name: String,
    pub email: String,
    pub phone: String,
}

impl Texts {
    /// Reads the texts as an import does.
    pub fn record(&self) -> Record {
        let phone = StoredPhone::read(&self.phone, Region::DEFAULT, "csv");
        Record::new(&RecordFields {
            name: Some(&self.name),
            email: Some(&self.email),
            phone: PhoneFields::of(&phone),
            external_id: None,
        })
    }
}

impl Labelled {
    pub fn push(&mut self, record: Record, person: u32) {
        self.frequencies.add(&record);
        self.records.push(record);
        self.persons.push(person);
    }

    /// Reads a CSV file without quotes. The column `cluster` is the person. The name is in `name`, or in `first_name`
    /// and `surname`. `email` and `phone` can be missing. Other columns are ignored.
    pub fn read(csv: &str) -> anyhow::Result<Self> {
        ensure!(
            !csv.contains('"'),
            "this tool reads no quotes: remove them from the file"
        );
        let mut lines = csv.lines();
        let header: Vec<&str> = lines
            .next()
            .context("the file is empty")?
            .split(',')
            .map(str::trim)
            .collect();
        let column = |name: &str| header.iter().position(|column| *column == name);
        let person =
            column("cluster").context("the file has no column cluster: add one with the person of each row")?;
        let names: Vec<usize> = ["name", "first_name", "surname"]
            .iter()
            .filter_map(|name| column(name))
            .collect();
        let (email, phone) = (column("email"), column("phone"));
        let mut persons: HashMap<&str, u32> = HashMap::new();
        let mut labelled = Self::default();
        for (number, line) in (2..).zip(lines) {
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            ensure!(
                cells.len() == header.len(),
                "line {number} has {} cells and the header {}: make them equal",
                cells.len(),
                header.len()
            );
            let cell = |column: Option<usize>| column.map_or("", |column| cells[column]).to_owned();
            let texts = Texts {
                name: names.iter().map(|name| cells[*name]).collect::<Vec<_>>().join(" "),
                email: cell(email),
                phone: cell(phone),
            };
            let next = u32::try_from(persons.len())?;
            let person = *persons.entry(cells[person]).or_insert(next);
            labelled.push(texts.record(), person);
        }
        Ok(labelled)
    }
}
