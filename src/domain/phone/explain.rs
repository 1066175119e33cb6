//! Explains how the server reads a text: what a contact would store, by which numbers a lookup would find contacts, and
//! the rules that led there. It runs the code that stores and looks up, and adds no rule of its own.

use super::clean::Written;
use super::metadata::{self, LineType};
use super::number::{First, Number};
use super::problem::{Problem, ReadingProblem};
use super::reading::{Reading, TracedReading, number_after_lost_plus, traced_readings};
use super::region::Region;
use super::rule::Rule;
use super::stored::{StoredPhone, TracedPhone};
use super::{countries, whatsapp_id};

/// How the server reads a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The text. A `+` that was not encoded is restored.
    pub given: String,
    /// The phone that a contact would store. `None` if it would store none. Then the text has no digit, or it is the id
    /// of a person with a hidden number, or the id of a group, which every write refuses.
    pub stored: Option<ExplainedPhone>,
    /// WhatsApp's id of a person with a hidden number. A contact stores it as its external id, and a lookup finds the
    /// contact by it.
    pub external_user_id: Option<String>,
    /// The readings by which a lookup finds contacts, in its order.
    pub readings: Vec<ExplainedReading>,
    /// Why the text is no valid number: one problem of the whole text, or one of each reading. Empty if it is a valid
    /// number.
    pub problems: Vec<ReadingProblem>,
}

/// A phone as a contact would store it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplainedPhone {
    pub phone: StoredPhone,
    /// Why the phone identifies nobody; `None` if it identifies a contact.
    pub obstacle: Option<Problem>,
    /// `None` if the phone is no valid number.
    pub number: Option<NumberFacts>,
    /// The rules in the order in which they were applied.
    pub rules: Vec<Rule>,
}

/// A reading by which a lookup finds contacts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplainedReading {
    pub reading: Reading,
    /// `None` if the reading is no valid number.
    pub number: Option<NumberFacts>,
    /// The rules in the order in which they were applied.
    pub rules: Vec<Rule>,
}

/// What is known of a valid number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NumberFacts {
    pub calling_code: i32,
    /// The digits after the calling code in E.164.
    pub national: String,
    /// ISO 3166 alpha-2. `None` for a number of no region, such as `+800…`.
    pub region: Option<String>,
    pub line_type: LineType,
}

impl Explanation {
    /// Explains a text as the phone of a contact on `platform`, and as the parameter of a lookup.
    ///
    /// A leading blank before a digit is read as an unencoded `+` if that gives a valid number. So a query parameter
    /// must not be trimmed, and a text from another source must be.
    pub fn of(text: &str, region: Region, platform: &str) -> Self {
        let asked = Written::read(text);
        let lost_plus = number_after_lost_plus(&asked).is_some();
        let given = if lost_plus {
            format!("+{}", text.trim_start())
        } else {
            text.to_owned()
        };
        let written = Written::read(&given);
        let external_user_id = whatsapp_id::hidden_number_id(&given);
        let is_storable = external_user_id.is_none() && !whatsapp_id::is_group_or_channel(given.trim());
        let traced = TracedPhone::read(&given, &written, region, platform);
        let stored = Some(traced)
            .filter(|traced| is_storable && traced.stored.phone.is_some())
            .map(|traced| explain_phone(traced, lost_plus));
        let readings = if external_user_id.is_some() {
            Vec::new()
        } else {
            traced_readings(&asked, text, region)
                .filter(|traced| traced.reading.obstacle(&asked).is_none())
                .map(explain_reading)
                .collect()
        };
        Self {
            given,
            stored,
            external_user_id,
            readings,
            problems: problems(&written, region, platform),
        }
    }

    /// Whether the text is a valid number.
    pub fn is_valid_number(&self) -> bool {
        self.problems.is_empty()
    }
}

fn explain_phone(traced: TracedPhone, lost_plus: bool) -> ExplainedPhone {
    let mut rules = traced.rules;
    rules.note_if(lost_plus, Rule::LostPlus);
    ExplainedPhone {
        phone: traced.stored,
        obstacle: traced.obstacle,
        number: traced.number.map(facts),
        rules: rules.in_order(),
    }
}

fn explain_reading(traced: TracedReading) -> ExplainedReading {
    ExplainedReading {
        reading: traced.reading,
        number: traced.number.map(facts),
        rules: traced.rules.in_order(),
    }
}

fn facts(number: Number) -> NumberFacts {
    let Number {
        calling_code, national, ..
    } = number;
    let line_type = match metadata::line_type(calling_code, &national) {
        LineType::Unknown => countries::unlisted_line_type(calling_code, &national),
        listed => listed,
    };
    NumberFacts {
        calling_code,
        region: metadata::region_of_number(calling_code, &national),
        national,
        line_type,
    }
}

fn problems(written: &Written, region: Region, platform: &str) -> Vec<ReadingProblem> {
    if written.digits.is_empty() {
        return vec![ReadingProblem::of_text(written.fault.unwrap_or(Problem::NoDigits))];
    }
    written.problems(region, First::of_stored(platform))
}
