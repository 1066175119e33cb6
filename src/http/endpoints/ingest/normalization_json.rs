//! The JSON of `/api/v1/normalize`: how the server reads a phone number. `contact-search phones explain --json` prints
//! the same.

use schemars::JsonSchema;
use serde::Serialize;
use strum::VariantArray;

use crate::domain::phone::{
    ExplainedPhone, ExplainedReading, Explanation, LineType, NumberFacts, Problem, ReadingProblem, Region, Rule,
};

/// How the server reads a phone number.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Normalization {
    /// The phone as given. A `+` that was not encoded is restored.
    pub given: String,
    /// The region by whose rules digits without a calling code were read.
    pub region: String,
    /// The platform as whose contact's phone the text was read for `stored`.
    pub platform: String,
    /// Whether the text is a valid number.
    pub resolves: bool,
    /// Why the text is no valid number: one problem of the whole text, or one of each reading. Empty if it is a valid
    /// number.
    pub problems: Vec<NumberProblem>,
    /// The phone that a contact would store. `null` if it would store none. Then the text has no digit, or it is the
    /// WhatsApp id of a person who hides the number, or of a group, which every write refuses.
    pub stored: Option<StoredNumber>,
    /// The external id that a contact would store in place of a phone, and by which a lookup finds it. Only WhatsApp's
    /// id of a person who hides the number (`…@lid`) has one; otherwise `null`.
    pub external_user_id: Option<String>,
    /// The readings by which a lookup finds contacts, in its order. Empty if it finds none by their phone.
    pub readings: Vec<NumberReading>,
}

/// The phone that a contact would store.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredNumber {
    /// E.164 if the text is a valid number, else its digits.
    pub phone: String,
    /// The digits that a lookup compares. They are equal for all numbers that reach the same line.
    pub match_key: String,
    /// The digits of the extension; `null` without one.
    pub extension: Option<String>,
    /// Whether the phone can identify a contact. If not, a lookup finds nobody by it.
    pub identifies: bool,
    /// Why the phone identifies nobody; `null` if it identifies a contact.
    pub identity_problem: Option<IdentityProblem>,
    /// What is known of the number; `null` if the text is no valid number.
    pub number: Option<NumberDetails>,
    /// The rules that led from the text to the phone and its match key, in the order in which they were applied.
    pub rules: Vec<AppliedRule>,
}

/// A reading by which a lookup finds contacts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberReading {
    /// E.164 if the reading is a valid number, else the digits. Of several contacts with the match key, a lookup
    /// prefers those with this phone.
    pub phone: String,
    /// The match key of the contacts that the lookup finds.
    pub match_key: String,
    /// The digits of the extension; `null` without one. A lookup prefers contacts with this extension.
    pub extension: Option<String>,
    /// What is known of the number; `null` if the text is no valid number.
    pub number: Option<NumberDetails>,
    /// The rules that led from the text to the reading, in the order in which they were applied.
    pub rules: Vec<AppliedRule>,
}

/// What is known of a valid number.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberDetails {
    /// The number as E.164.
    pub e164: String,
    /// The country's calling code.
    pub calling_code: i32,
    /// The digits after the calling code.
    pub national_number: String,
    /// The number's region (ISO 3166 alpha-2); `null` for a number of no region, such as `+800…`.
    pub region: Option<String>,
    /// The kind of line, as far as the digits tell. `fixed-line-or-mobile` is a number of a country whose mobiles and
    /// fixed lines share their numbers.
    #[schemars(extend("enum" = line_types()))]
    pub line_type: &'static str,
}

/// A rule that was applied.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AppliedRule {
    /// The name of the rule, for programs. It never changes. New versions can add rules.
    pub name: &'static str,
    /// An English sentence that says what the rule did.
    pub text: &'static str,
}

/// Why a text, or one reading of it, is no valid number.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NumberProblem {
    /// The code of the problem, for programs. It never changes. New versions can add codes.
    pub code: &'static str,
    /// An English sentence.
    pub text: &'static str,
    /// The reading with the problem: `national`, as dialled within the region, or `international`, as a calling code
    /// and a number. `null` for a problem of the whole text.
    pub reading: Option<&'static str>,
}

/// Why a phone identifies nobody.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IdentityProblem {
    /// The code of the problem, for programs. It never changes. New versions can add codes.
    pub code: &'static str,
    /// An English sentence.
    pub text: &'static str,
}

fn line_types() -> Vec<&'static str> {
    LineType::VARIANTS.iter().map(|kind| kind.name()).collect()
}

impl Normalization {
    /// Reads a text as the phone of a contact on `platform`, and as the parameter of a lookup. A query parameter must
    /// not be trimmed, and a text from another source must be, as [`Explanation::of`] says.
    pub fn of(text: &str, region: Region, platform: String) -> Self {
        let explanation = Explanation::of(text, region, &platform);
        Self {
            region: region.as_str().to_owned(),
            platform,
            resolves: explanation.is_valid_number(),
            problems: explanation.problems.iter().map(NumberProblem::from).collect(),
            stored: explanation.stored.map(StoredNumber::from),
            external_user_id: explanation.external_user_id,
            readings: explanation.readings.into_iter().map(NumberReading::from).collect(),
            given: explanation.given,
        }
    }
}

impl From<ExplainedPhone> for StoredNumber {
    fn from(explained: ExplainedPhone) -> Self {
        let ExplainedPhone {
            phone,
            obstacle,
            number,
            rules,
        } = explained;
        Self {
            // An explained phone has digits, and so both values.
            phone: phone.phone.unwrap_or_default(),
            match_key: phone.key.unwrap_or_default(),
            extension: phone.extension,
            identifies: phone.identifies,
            identity_problem: obstacle.map(IdentityProblem::from),
            number: number.map(NumberDetails::from),
            rules: rules.into_iter().map(AppliedRule::from).collect(),
        }
    }
}

impl From<ExplainedReading> for NumberReading {
    fn from(explained: ExplainedReading) -> Self {
        let ExplainedReading { reading, number, rules } = explained;
        Self {
            phone: reading.phone,
            match_key: reading.key,
            extension: reading.extension,
            number: number.map(NumberDetails::from),
            rules: rules.into_iter().map(AppliedRule::from).collect(),
        }
    }
}

impl From<NumberFacts> for NumberDetails {
    fn from(facts: NumberFacts) -> Self {
        Self {
            e164: format!("+{}{}", facts.calling_code, facts.national),
            calling_code: facts.calling_code,
            national_number: facts.national,
            region: facts.region,
            line_type: facts.line_type.name(),
        }
    }
}

impl From<Rule> for AppliedRule {
    fn from(rule: Rule) -> Self {
        Self {
            name: rule.name(),
            text: rule.sentence(),
        }
    }
}

impl From<&ReadingProblem> for NumberProblem {
    fn from(problem: &ReadingProblem) -> Self {
        Self {
            code: problem.problem.code(),
            text: problem.problem.sentence(),
            reading: problem.reading.map(|reading| reading.name()),
        }
    }
}

impl From<Problem> for IdentityProblem {
    fn from(problem: Problem) -> Self {
        Self {
            code: problem.code(),
            text: problem.sentence(),
        }
    }
}
