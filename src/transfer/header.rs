//! Finds the column of each attribute, by its name in the header or by the user's choice.

use std::fmt;
use std::str::FromStr;

use super::fold::normalise;
use super::reader::Record;
use super::spellings::{self, FIRST_NAMES, LAST_NAMES, LAST_NAMES_IN_PORTUGAL, NAMES_OR_FIRST_NAMES};
use crate::domain::contact::Attribute;
use crate::domain::visible::visible;

/// Why a header can't be understood. The message says what to change. The names of columns in it are escaped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("“{0}” is not of the form field=column, as in --column name=first_name,last_name")]
    Syntax(String),
    #[error("there is no field “{0}”: the fields are {fields}", fields = all_fields())]
    UnknownField(String),
    #[error("--column {0}=… is given twice")]
    ChosenTwice(Attribute),
    #[error("--column {0}=…: only name can have several columns")]
    Several(Attribute),
    #[error("the file has no column “{wanted}”: its columns are {present}")]
    NoColumn { wanted: String, present: String },
    #[error("the file has several columns “{0}”: give each a name of its own")]
    Duplicate(String),
    #[error("the columns {columns} could all be {attribute}: choose one with --column {attribute}=COLUMN")]
    Ambiguous { attribute: Attribute, columns: String },
    #[error(
        "no column is recognised as phone, email or external_user_id: choose one with --column phone=COLUMN; \
         the columns are {present}"
    )]
    NoIdentity { present: String },
    /// Does not repeat the line, because it contains personal data.
    #[error("line 1 seems to contain a contact: the first line must name the columns")]
    NoHeader,
}

fn all_fields() -> String {
    Attribute::ALL.map(Attribute::name).join(", ")
}

/// A column chosen by the user: `phone=cell` or `name=first_name,last_name`.
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
    /// Column indexes by [`Attribute`], counted from 0. Only a name has more than one.
    columns: [Vec<usize>; Attribute::ALL.len()],
    /// Groups of columns that could be the same attribute. In the first rows, only one column of a group has values,
    /// and that column is used. A later value in another column of the group makes the header ambiguous.
    rivals: Vec<Rivals>,
}

/// Columns that could all be the same attribute.
#[derive(Clone, Debug)]
struct Rivals {
    attribute: Attribute,
    columns: Vec<usize>,
    used: usize,
}

impl Mapping {
    /// Finds the columns. The user's choices override the names in the header. `filled` says which columns have a value
    /// in the first rows. If several columns could be one attribute, and only one of them has values, that column is
    /// used.
    ///
    /// # Errors
    /// A [`HeaderError`] if a chosen column does not exist, if the header is ambiguous, or if no column can identify a
    /// contact.
    pub fn new(header: Vec<String>, choices: &[ColumnChoice], filled: &[bool]) -> Result<Self, HeaderError> {
        let mut mapping = Self {
            header,
            columns: Default::default(),
            rivals: Vec::new(),
        };
        for choice in choices {
            if !mapping.columns(choice.attribute).is_empty() {
                return Err(HeaderError::ChosenTwice(choice.attribute));
            }
            mapping.columns[choice.attribute as usize] = mapping.chosen(choice)?;
        }
        // A column chosen by the user gets no other meaning.
        let free: Vec<usize> = (0..mapping.header.len())
            .filter(|index| !mapping.columns.iter().any(|used| used.contains(index)))
            .collect();
        for attribute in Attribute::ALL {
            if mapping.columns(attribute).is_empty() {
                mapping.columns[attribute as usize] = mapping.recognised(attribute, &free, filled)?;
            }
        }
        let identities = [Attribute::ExternalUserId, Attribute::Phone, Attribute::Email];
        if identities.iter().all(|identity| mapping.columns(*identity).is_empty()) {
            return Err(mapping.missing(|present| HeaderError::NoIdentity { present }));
        }
        Ok(mapping)
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

    /// The indexes of the attribute's columns, counted from 0: none, one, or the parts of a name in order.
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

    /// Checks that a row has no value in a column that [`Self::new`] passed over because it is blank in the first rows.
    ///
    /// # Errors
    /// [`HeaderError::Ambiguous`], or [`HeaderError::Duplicate`] if the columns have the same name.
    pub fn check_rivals(&self, record: &Record<'_>) -> Result<(), HeaderError> {
        for rivals in &self.rivals {
            let mut others = rivals.columns.iter().filter(|column| **column != rivals.used);
            if others.any(|column| record.get(*column).is_some()) {
                return Err(self.ambiguous(rivals.attribute, &rivals.columns));
            }
        }
        Ok(())
    }

    /// The number of columns in the header, used or not.
    pub fn width(&self) -> usize {
        self.header.len()
    }

    /// The columns that are not read.
    pub fn ignored(&self) -> impl Iterator<Item = usize> {
        let used = |index: &usize| self.columns.iter().any(|columns| columns.contains(index));
        (0..self.header.len()).filter(move |index| !used(index))
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
            _ if choice.attribute == Attribute::Name => Ok(columns),
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
        let columns = |is_named: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let named = free.iter().filter(|index| is_named(&self.header[**index]));
            named.copied().collect()
        };
        let listed = |names: &[&str]| columns(&|column| names.contains(&normalise(column).as_str()));
        let whole = columns(&|column| spellings::names(column, attribute));
        if attribute != Attribute::Name {
            return Ok(self.only(attribute, whole, filled)?.into_iter().collect());
        }
        let [last, in_portugal, first, either] =
            [LAST_NAMES, LAST_NAMES_IN_PORTUGAL, FIRST_NAMES, NAMES_OR_FIRST_NAMES].map(listed);
        let last = match self.only(attribute, last, filled)? {
            None if !first.is_empty() => self.only(attribute, in_portugal, filled)?,
            last => last,
        };
        let first = match self.only(attribute, first, filled)? {
            None if last.is_some() => self.only(attribute, either, filled)?,
            first => first,
        };
        Ok(match self.only(attribute, whole, filled)? {
            Some(whole) if Some(whole) != first => vec![whole],
            _ => first.into_iter().chain(last).collect(),
        })
    }

    /// The column, if there is one. If there are several, the only one that has values in the first rows.
    fn only(
        &mut self,
        attribute: Attribute,
        columns: Vec<usize>,
        filled: &[bool],
    ) -> Result<Option<usize>, HeaderError> {
        if columns.len() < 2 {
            return Ok(columns.first().copied());
        }
        let mut with_values = columns.iter().filter(|column| filled.get(**column) == Some(&true));
        match (with_values.next(), with_values.next()) {
            (Some(used), None) => {
                let used = *used;
                self.rivals.push(Rivals {
                    attribute,
                    columns,
                    used,
                });
                Ok(Some(used))
            }
            _ => Err(self.ambiguous(attribute, &columns)),
        }
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
        for attribute in Attribute::ALL {
            if !self.columns(attribute).is_empty() {
                writeln!(f, "  {attribute:<16} from {}", self.names(&[attribute]))?;
            }
        }
        let ignored: Vec<usize> = self.ignored().filter(|index| !self.header[*index].is_empty()).collect();
        if !ignored.is_empty() {
            writeln!(f, "  ignored: {}", self.shown(&ignored))?;
        }
        Ok(())
    }
}

/// Whether a cell contains an email or a number instead of a column's name.
fn is_data(cell: &str) -> bool {
    cell.contains('@') || cell.chars().filter(char::is_ascii_digit).count() >= 6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(header: &str, choices: &[&str]) -> Result<String, HeaderError> {
        mapping_with(header, choices, &[])
    }

    fn mapping_with(header: &str, choices: &[&str], filled: &[bool]) -> Result<String, HeaderError> {
        let header = header.split(';').map(str::to_owned).collect();
        let choices: Result<Vec<ColumnChoice>, _> = choices.iter().map(|choice| choice.parse()).collect();
        let mapping = Mapping::new(header, &choices?, filled)?;
        let found = Attribute::ALL.into_iter().filter(|it| !mapping.columns(*it).is_empty());
        let found: Vec<String> = found.map(|it| format!("{it}={}", mapping.names(&[it]))).collect();
        Ok(found.join(" "))
    }

    #[test]
    fn the_fields_own_names_are_recognised() {
        let header = Attribute::ALL.map(Attribute::name).join(";");
        let expected = Attribute::ALL.map(|it| format!("{it}={it}")).join(" ");
        assert_eq!(mapping(&header, &[]).unwrap(), expected);
    }

    #[test]
    fn usual_names_are_recognised_in_three_languages() {
        for (header, expected) in [
            (
                "Nombre;Apellido;Teléfono;Correo electrónico",
                "name=Nombre, Apellido phone=Teléfono email=Correo electrónico",
            ),
            (
                "NOME;Sobrenome;Celular;E-mail",
                "name=NOME, Sobrenome phone=Celular email=E-mail",
            ),
            ("first_name;Last Name;mobile", "name=first_name, Last Name phone=mobile"),
            ("Full Name;surname;Phone Number", "name=Full Name phone=Phone Number"),
            ("name;first_name;last_name;email", "name=name email=email"),
            ("surname;first_name;email", "name=first_name, surname email=email"),
            ("last_name;email", "name=last_name email=email"),
            ("Tele\u{301}fono;Lista", "phone=Tele\u{301}fono contact_list=Lista"),
            ("phone;External ID", "phone=phone external_user_id=External ID"),
            ("Nome próprio;Apelido;E-mail", "name=Nome próprio, Apelido email=E-mail"),
            ("Nome;Sobrenome;Apelido;E-mail", "name=Nome, Sobrenome email=E-mail"),
            (
                "Nombre y apellido;Número de WhatsApp",
                "name=Nombre y apellido phone=Número de WhatsApp",
            ),
        ] {
            assert_eq!(mapping(header, &[]).unwrap_or_default(), expected, "{header}");
        }
    }

    #[test]
    fn the_users_choice_overrides_the_header() {
        let header = "unique_id;first_name;surname;email;a,b";
        assert_eq!(
            mapping(header, &["name=first_name, Surname", "external_user_id=Unique-ID"]).unwrap(),
            "name=first_name, surname email=email external_user_id=unique_id"
        );
        assert_eq!(
            mapping(header, &["name=a,b", "phone=email"]).unwrap(),
            "name=a,b phone=email"
        );
        assert_eq!(mapping("phone;mobile", &["phone=mobile"]).unwrap(), "phone=mobile");
        assert_eq!(mapping("Phone;phone", &["phone=Phone"]).unwrap(), "phone=Phone");
    }

    #[test]
    fn the_table_lists_ignored_columns_that_have_a_name() {
        let table = |header: &str| {
            let header = header.split(';').map(str::to_owned).collect();
            Mapping::new(header, &[], &[]).unwrap().to_string()
        };
        assert_eq!(table("email;;dob;"), "  email            from email\n  ignored: dob\n");
        assert_eq!(table("email;;"), "  email            from email\n");
    }

    #[test]
    fn the_only_one_of_several_columns_that_has_values_is_used() {
        let header = "Work Phone;Home Phone;Mobile Number;Primary Email";
        assert_eq!(
            mapping_with(header, &[], &[false, false, true]).unwrap(),
            "phone=Mobile Number email=Primary Email"
        );
        assert_eq!(mapping_with("Phone;Phone", &[], &[false, true]).unwrap(), "phone=Phone");
        for filled in [&[][..], &[true, false, true]] {
            assert_eq!(
                mapping_with(header, &[], filled).unwrap_err().to_string(),
                "the columns Work Phone, Home Phone, Mobile Number could all be phone: choose one with --column \
                 phone=COLUMN"
            );
        }
    }

    #[test]
    fn a_column_name_in_an_error_can_not_drive_the_terminal() {
        let error = mapping("\u{1b}]0;x\u{7};b\u{202e}\nc", &[]).unwrap_err().to_string();
        assert!(
            error.ends_with("the columns are \\u{1b}]0, x\\u{7}, b\\u{202e}\\nc"),
            "{error}"
        );
        let header = "phone\u{1b};tel;n\n";
        for (choices, expected) in [
            (&[][..], "the columns phone\\u{1b}, tel could all be phone"),
            (&["phone=\u{9b}"], "the file has no column “\\u{9b}”"),
            (&["fone\u{1b}=x"], "there is no field “fone\\u{1b}”"),
            (&["\u{1b}"], "“\\u{1b}” is not of the form"),
        ] {
            let error = mapping(header, choices).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn an_ambiguous_header_is_an_error_that_says_what_to_change() {
        for (header, choices, expected) in [
            (
                "mobile;whatsapp",
                &[][..],
                "the columns mobile, whatsapp could all be phone: choose one with --column phone=COLUMN",
            ),
            (
                "phone;mobile",
                &[],
                "the columns phone, mobile could all be phone: choose one with --column phone=COLUMN",
            ),
            (
                "Phone;phone",
                &[],
                "the columns Phone, phone could all be phone: choose one with --column phone=COLUMN",
            ),
            (
                "Phone;Phone",
                &[],
                "the file has several columns “Phone”: give each a name of its own",
            ),
            (
                "x;x;email",
                &["name=x"],
                "the file has several columns “x”: give each a name of its own",
            ),
            (
                "email",
                &["name=n"],
                "the file has no column “n”: its columns are email",
            ),
            (
                "Ana;ana@example.com",
                &["name=n"],
                "line 1 seems to contain a contact: the first line must name the columns",
            ),
            (
                "email;a;b",
                &["phone=a,b"],
                "--column phone=…: only name can have several columns",
            ),
            ("email;a;b", &["phone=a", "phone=b"], "--column phone=… is given twice"),
            (
                "email",
                &["name"],
                "“name” is not of the form field=column, as in --column name=first_name,last_name",
            ),
            (
                "email",
                &["name="],
                "“name=” is not of the form field=column, as in --column name=first_name,last_name",
            ),
        ] {
            assert_eq!(mapping(header, choices).unwrap_err().to_string(), expected);
        }
        let error = mapping("email", &["fone=email"]).unwrap_err().to_string();
        assert!(
            error.starts_with("there is no field “fone”: the fields are name, phone, "),
            "{error}"
        );
        let error = mapping("name;dob", &[]).unwrap_err().to_string();
        assert!(error.ends_with("the columns are name, dob"), "{error}");
    }
}
