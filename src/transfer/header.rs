//! Finds the column of each attribute, by its name in the header or by the user's choice.

use std::fmt;
use std::str::FromStr;

use super::column_words::Rank;
use super::fold::normalise;
pub use super::header_error::HeaderError;
use super::header_error::takes_first_value;
use super::layouts::{self, Layout};
use super::reader::Record;
use super::spellings::{self, FIRST_NAMES, LAST_NAMES, LAST_NAMES_IN_PORTUGAL, NAMES_OR_FIRST_NAMES};
use super::values;
use crate::domain::contact::Attribute;
use crate::domain::visible::visible;

/// The columns chosen by the user: `phone=cell`, `phone=cell,home_phone` or `name=first_name,last_name`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ColumnChoice {
    attribute: Attribute,
    columns: String,
}

impl FromStr for ColumnChoice {
    type Err = HeaderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (field, columns) = text
            .split_once('=')
            .ok_or_else(|| HeaderError::Syntax(visible(text).into_owned()))?;
        let attribute = Attribute::ALL
            .into_iter()
            .find(|attribute| normalise(attribute.name()) == normalise(field))
            .ok_or_else(|| HeaderError::UnknownField(visible(field.trim()).into_owned()))?;
        if columns.split(',').any(|column| column.trim().is_empty()) {
            return Err(HeaderError::Syntax(visible(text).into_owned()));
        }
        let columns = columns.trim().into();
        Ok(Self { attribute, columns })
    }
}

/// The columns of each attribute. `Display` writes the table that users see before anything is imported.
#[derive(Clone, Debug)]
pub struct Mapping {
    header: Vec<String>,
    /// Column indexes by [`Attribute`], counted from 0. Only a name, a phone and an email can have more than one.
    columns: [Vec<usize>; Attribute::ALL.len()],
    /// The columns of a name in groups. The first group with a value is the name.
    names: Vec<Vec<usize>>,
    /// The kind of file by the program that wrote it, if it is known.
    program: Option<&'static str>,
    /// Whether each phone of a row is a contact, instead of the first one only.
    has_all_phones: bool,
    /// Columns of phones, each with the column that says what kind of phone it is.
    phone_labels: Vec<(usize, usize)>,
    /// The recognised columns, each with the other columns that could be the same attribute, if there are any.
    contests: Vec<Contest>,
}

/// Columns that could all be the same attribute.
#[derive(Clone, Debug)]
struct Contest {
    attribute: Attribute,
    used: usize,
    /// Columns with the same rank as the used one, or a better one. They are blank in the first rows. A later value in
    /// one of them makes the header ambiguous.
    rivals: Vec<usize>,
    /// Columns after the used one, such as `Phone 2` after `Phone 1`. A row with a value in one of them and none in the
    /// used one makes the header ambiguous.
    seconds: Vec<usize>,
}

/// A column that could be an attribute.
#[derive(Clone, Copy)]
struct Candidate {
    column: usize,
    rank: Rank,
}

impl Mapping {
    /// Finds the columns. The user's choices override the names in the header. `filled` says which columns have a value
    /// in the first rows. If several columns could be one attribute, and only one of them has values, that column is
    /// used. In the export of a known program, several columns can be phones and emails.
    ///
    /// # Errors
    /// A [`HeaderError`] if a chosen column does not exist, if the header is ambiguous, or if no column can identify a
    /// contact.
    pub fn new(header: Vec<String>, choices: &[ColumnChoice], filled: &[bool]) -> Result<Self, HeaderError> {
        let layout = layouts::recognise(&header);
        Self::with_layout(header, layout, choices, filled)
    }

    /// As [`Self::new`], for a file whose layout is known.
    pub(super) fn with_layout(
        header: Vec<String>,
        layout: Option<&Layout>,
        choices: &[ColumnChoice],
        filled: &[bool],
    ) -> Result<Self, HeaderError> {
        let mut mapping = Self {
            header,
            columns: Default::default(),
            names: Vec::new(),
            program: layout.map(|layout| layout.program),
            has_all_phones: false,
            phone_labels: Vec::new(),
            contests: Vec::new(),
        };
        for choice in choices {
            if !mapping.columns(choice.attribute).is_empty() {
                return Err(HeaderError::ChosenTwice(choice.attribute));
            }
            mapping.columns[choice.attribute as usize] = mapping.chosen(choice)?;
        }
        if let Some(layout) = layout {
            mapping.take(layout);
        }
        // A column chosen by the user gets no other meaning.
        let free: Vec<usize> = (0..mapping.header.len())
            .filter(|index| !mapping.is_used(*index))
            .collect();
        for attribute in Attribute::ALL {
            if mapping.columns(attribute).is_empty() {
                mapping.columns[attribute as usize] = mapping.recognised(attribute, &free, filled)?;
            }
        }
        if mapping.names.is_empty() {
            mapping.names = vec![mapping.columns(Attribute::Name).to_vec()];
        }
        let identities = [Attribute::ExternalUserId, Attribute::Phone, Attribute::Email];
        if identities.iter().all(|identity| mapping.columns(*identity).is_empty()) {
            return Err(mapping.missing(|present| HeaderError::NoIdentity { present }));
        }
        Ok(mapping)
    }

    /// Takes the columns of a known program that the user has not chosen.
    fn take(&mut self, layout: &Layout) {
        let free = |columns: Vec<usize>| -> Vec<usize> {
            columns.into_iter().filter(|column| !self.is_used(*column)).collect()
        };
        let phones = free(layout.columns(Attribute::Phone, &self.header));
        let emails = free(layout.columns(Attribute::Email, &self.header));
        let names: Vec<Vec<usize>> = layout.names(&self.header).into_iter().map(free).collect();
        if self.columns(Attribute::Phone).is_empty() {
            self.columns[Attribute::Phone as usize] = phones;
            self.has_all_phones = true;
            self.phone_labels = layout.phone_labels(&self.header);
        }
        if self.columns(Attribute::Email).is_empty() {
            self.columns[Attribute::Email as usize] = emails;
        }
        if self.columns(Attribute::Name).is_empty() {
            self.columns[Attribute::Name as usize] = names.concat();
            self.names = names;
        }
    }

    /// An error that lists the existing columns, unless the header contains personal data.
    fn missing(&self, error: impl FnOnce(String) -> HeaderError) -> HeaderError {
        if self.header.iter().any(|cell| is_data(cell)) {
            return HeaderError::NoHeader;
        }
        error(self.shown(&(0..self.header.len()).collect::<Vec<_>>()))
    }

    /// The names of columns for a message, escaped.
    fn shown(&self, columns: &[usize]) -> String {
        let names: Vec<_> = columns.iter().map(|index| visible(&self.header[*index])).collect();
        names.join(", ")
    }

    /// The kind of file by the program that wrote it, if it is known: `vCards`, `an export of Outlook`.
    pub fn program(&self) -> Option<&'static str> {
        self.program
    }

    /// Whether each phone of a row is a contact, instead of the first one only.
    pub fn has_all_phones(&self) -> bool {
        self.has_all_phones
    }

    /// The indexes of the attribute's columns, counted from 0: none, one, or several of a name, a phone or an email.
    pub fn columns(&self, attribute: Attribute) -> &[usize] {
        &self.columns[attribute as usize]
    }

    /// The names of the columns of these attributes, escaped for messages.
    pub fn names(&self, attributes: &[Attribute]) -> String {
        let columns: Vec<usize> = attributes
            .iter()
            .flat_map(|attribute| self.columns(*attribute))
            .copied()
            .collect();
        self.shown(&columns)
    }

    /// The name of a column, escaped for messages.
    pub fn name(&self, column: usize) -> String {
        match self.header.get(column).filter(|name| !name.is_empty()) {
            Some(name) => visible(name).into_owned(),
            None => format!("column {}, which has no name,", column + 1),
        }
    }

    /// The columns of the parts of the row's name.
    pub fn name_columns(&self, record: &Record<'_>) -> &[usize] {
        let has_value = |columns: &&Vec<usize>| columns.iter().any(|column| record.get(*column).is_some());
        let first = self.names.iter().find(has_value).or(self.names.first());
        first.map_or(&[], Vec::as_slice)
    }

    /// The columns in which the row has a value of a phone or an email. A fax or a pager is no phone.
    pub fn filled_columns(&self, record: &Record<'_>, attribute: Attribute) -> impl Iterator<Item = usize> {
        let columns = self.columns(attribute).iter().copied();
        columns.filter(move |column| has_value(record, *column, attribute) && !self.is_fax(record, *column))
    }

    fn is_fax(&self, record: &Record<'_>, phone: usize) -> bool {
        let mut labels = self.phone_labels.iter().filter(|(labelled, _)| *labelled == phone);
        labels.any(|(_, label)| record.get(*label).is_some_and(values::is_fax_label))
    }

    /// Checks the columns that [`Self::new`] passed over: that the row has no value in a rival of a used column, and
    /// does not have its only value in a second column.
    ///
    /// # Errors
    /// [`HeaderError::Ambiguous`] and [`HeaderError::OnlyInSecond`], or [`HeaderError::Duplicate`] if the columns have
    /// the same name.
    pub fn check_contests(&self, record: &Record<'_>) -> Result<(), HeaderError> {
        for contest in &self.contests {
            let has_value = |column: &usize| has_value(record, *column, contest.attribute);
            if contest.rivals.iter().any(has_value) {
                let mut columns = [&contest.rivals[..], &[contest.used]].concat();
                columns.sort_unstable();
                return Err(self.ambiguous(contest.attribute, &columns));
            }
            if let Some(second) = contest.seconds.iter().find(|column| has_value(column))
                && !has_value(&contest.used)
            {
                return Err(HeaderError::OnlyInSecond {
                    line: record.line,
                    attribute: contest.attribute,
                    first: self.name(contest.used),
                    second: self.name(*second),
                });
            }
        }
        Ok(())
    }

    /// The column from which a row takes the attribute. It is the first column with a value, or else the first one with
    /// a placeholder such as `-`, or else the first one.
    pub fn column(&self, record: &Record<'_>, attribute: Attribute) -> Option<usize> {
        match self.columns(attribute) {
            [column] => Some(*column),
            columns => {
                let is_filled = |column: &&usize| record.get(**column).is_some();
                let with_value = self.filled_columns(record, attribute).next();
                with_value.or_else(|| columns.iter().find(is_filled).or(columns.first()).copied())
            }
        }
    }

    /// Whether the row has a value of the attribute.
    pub fn has_value(&self, record: &Record<'_>, attribute: Attribute) -> bool {
        self.filled_columns(record, attribute).next().is_some()
    }

    /// The attribute that the name of the column says, if that is a phone or an email.
    pub fn named(&self, column: usize) -> Option<Attribute> {
        let attributes = [Attribute::Phone, Attribute::Email];
        let name = &self.header[column];
        attributes
            .into_iter()
            .find(|attribute| spellings::rank(name, *attribute).is_some())
    }

    /// The number of columns in the header, used or not.
    pub fn width(&self) -> usize {
        self.header.len()
    }

    /// The columns that are not read.
    pub fn ignored(&self) -> impl Iterator<Item = usize> {
        (0..self.header.len()).filter(|index| !self.is_used(*index))
    }

    fn is_used(&self, column: usize) -> bool {
        self.columns.iter().any(|columns| columns.contains(&column))
    }

    fn chosen(&self, choice: &ColumnChoice) -> Result<Vec<usize>, HeaderError> {
        // The name of a column can contain a comma.
        if let Some(index) = self.find(&choice.columns)? {
            return Ok(vec![index]);
        }
        let mut columns = Vec::new();
        for wanted in choice.columns.split(',') {
            let wanted = wanted.trim();
            let index = self.find(wanted)?.ok_or_else(|| {
                let wanted = visible(wanted).into_owned();
                self.missing(|present| HeaderError::NoColumn { wanted, present })
            });
            columns.push(index?);
        }
        match columns.len() {
            1 => Ok(columns),
            _ if choice.attribute == Attribute::Name || takes_first_value(choice.attribute) => Ok(columns),
            _ => Err(HeaderError::Several(choice.attribute)),
        }
    }

    /// The column with exactly this name, or else the one that differs only in case, accents and dashes.
    fn find(&self, wanted: &str) -> Result<Option<usize>, HeaderError> {
        let exact = |column: &String| column == wanted;
        let alike = |column: &String| normalise(column) == normalise(wanted);
        for same in [&exact as &dyn Fn(&String) -> bool, &alike] {
            let mut found = (0..self.header.len()).filter(|index| same(&self.header[*index]));
            if let Some(index) = found.next() {
                return match found.next() {
                    None => Ok(Some(index)),
                    Some(_) => Err(HeaderError::Duplicate(self.name(index))),
                };
            }
        }
        Ok(None)
    }

    /// The columns of an attribute among the `free` ones, by their names.
    fn recognised(&mut self, attribute: Attribute, free: &[usize], filled: &[bool]) -> Result<Vec<usize>, HeaderError> {
        let candidates = |rank: &dyn Fn(&str) -> Option<Rank>| -> Vec<Candidate> {
            let ranked = free.iter().filter_map(|column| {
                let rank = rank(&self.header[*column])?;
                Some(Candidate { column: *column, rank })
            });
            ranked.collect()
        };
        let listed =
            |names: &[&str]| candidates(&|column| names.contains(&normalise(column).as_str()).then_some(Rank::FIRST));
        let whole = candidates(&|column| spellings::rank(column, attribute));
        if attribute != Attribute::Name {
            return Ok(self.only(attribute, &whole, filled)?.into_iter().collect());
        }
        let [last, in_portugal, first, either] =
            [LAST_NAMES, LAST_NAMES_IN_PORTUGAL, FIRST_NAMES, NAMES_OR_FIRST_NAMES].map(listed);
        let last = match self.only(attribute, &last, filled)? {
            None if !first.is_empty() => self.only(attribute, &in_portugal, filled)?,
            last => last,
        };
        let first = match self.only(attribute, &first, filled)? {
            None if last.is_some() => self.only(attribute, &either, filled)?,
            first => first,
        };
        Ok(match self.only(attribute, &whole, filled)? {
            Some(whole) if Some(whole) != first => vec![whole],
            _ => first.into_iter().chain(last).collect(),
        })
    }

    /// The column, if there is one. If there are several, those without values in the first rows do not count. Of the
    /// others, it is the one with the best rank.
    fn only(
        &mut self,
        attribute: Attribute,
        candidates: &[Candidate],
        filled: &[bool],
    ) -> Result<Option<usize>, HeaderError> {
        let is_filled = |candidate: &&Candidate| filled.get(candidate.column) == Some(&true);
        let is_any_filled = candidates.iter().any(|candidate| is_filled(&candidate));
        let counting = candidates
            .iter()
            .filter(|candidate| !is_any_filled || is_filled(candidate));
        let Some(used) = counting.clone().min_by_key(|candidate| candidate.rank) else {
            return Ok(None);
        };
        let columns = |is_meant: &dyn Fn(Rank) -> bool| -> Vec<usize> {
            let meant = candidates.iter().filter(|candidate| is_meant(candidate.rank));
            meant.map(|candidate| candidate.column).collect()
        };
        let equals = counting.filter(|candidate| candidate.rank == used.rank).count();
        let is_blank = !is_any_filled && !filled.is_empty();
        if equals > 1 && !is_blank {
            return Err(self.ambiguous(attribute, &columns(&|rank| rank == used.rank)));
        }
        let mut rivals = columns(&|rank| rank <= used.rank);
        rivals.retain(|column| *column != used.column);
        self.contests.push(Contest {
            attribute,
            used: used.column,
            rivals,
            seconds: columns(&|rank| rank > used.rank),
        });
        Ok(Some(used.column))
    }

    fn ambiguous(&self, attribute: Attribute, columns: &[usize]) -> HeaderError {
        let is_first = |column: &usize| self.header[*column] == self.header[columns[0]];
        if columns.iter().all(is_first) {
            return HeaderError::Duplicate(self.name(columns[0]));
        }
        HeaderError::Ambiguous {
            attribute,
            columns: self.shown(columns),
        }
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(program) = self.program {
            let phones = if self.has_all_phones {
                ": each phone becomes a contact"
            } else {
                ""
            };
            writeln!(f, "  read as {program}{phones}")?;
        }
        for attribute in Attribute::ALL {
            let columns = match attribute {
                Attribute::Name => self
                    .names
                    .iter()
                    .map(|columns| self.shown(columns))
                    .collect::<Vec<_>>()
                    .join("; or else "),
                _ => self.names(&[attribute]),
            };
            if !columns.is_empty() {
                writeln!(f, "  {attribute:<16} from {columns}")?;
            }
        }
        let ignored: Vec<usize> = self.ignored().filter(|index| !self.header[*index].is_empty()).collect();
        if !ignored.is_empty() {
            writeln!(f, "  ignored: {}", self.shown(&ignored))?;
        }
        Ok(())
    }
}

/// Whether the row has a value of the attribute in the column.
fn has_value(record: &Record<'_>, column: usize, attribute: Attribute) -> bool {
    record
        .get(column)
        .is_some_and(|text| !values::is_placeholder(attribute, text))
}

/// Whether a cell contains an email or a number instead of a column's name.
fn is_data(cell: &str) -> bool {
    cell.contains('@') || cell.chars().filter(char::is_ascii_digit).count() >= 6
}

#[cfg(test)]
#[path = "tests/header.rs"]
mod tests;
