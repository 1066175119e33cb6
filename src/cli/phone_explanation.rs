//! `phones explain`

use std::fmt::{self, Write};

use clap::Args;

use super::{json, output};
use crate::domain::contact::{DEFAULT_PLATFORM, platform_name};
use crate::domain::phone::{Explanation, NumberFacts, Region, Rule};
use crate::http::Normalization;

#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The phone number in any notation
    #[arg(value_name = "TEXT")]
    text: String,
    /// The region (ISO 3166, two letters) for phone numbers without a country code [default: AR, Argentina]
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    /// The platform of the contact that would store the phone, such as whatsapp
    #[arg(long, value_name = "PLATFORM", default_value = DEFAULT_PLATFORM)]
    platform: String,
    /// Print JSON, with the members of GET /api/v1/normalize
    #[arg(long)]
    json: bool,
}

/// Prints the explanation. Needs no database.
pub fn run(arguments: &ExplainArgs) -> anyhow::Result<()> {
    // Only the parameter of an address can have lost a `+`, so the blanks around the text mean nothing.
    let text = arguments.text.trim();
    let region = arguments.region.unwrap_or(Region::DEFAULT);
    let platform = platform_name(&arguments.platform);
    if arguments.json {
        return json::print(&Normalization::of(text, region, platform));
    }
    let explanation = Explanation::of(text, region, &platform);
    output::print(describe(&explanation, region, &platform))
}

/// The explanation for people.
fn describe(explanation: &Explanation, region: Region, platform: &str) -> String {
    let mut text = format!(
        "{:?} in {}, on the platform {platform:?}\n",
        explanation.given,
        region.as_str()
    );
    if !explanation.is_valid_number() {
        text += "\nNo valid number:\n";
    }
    for problem in &explanation.problems {
        let reading = problem.reading.map_or("", |reading| reading.name());
        let separator = if reading.is_empty() { "" } else { ": " };
        let _ = writeln!(
            text,
            "  {reading}{separator}{} ({})",
            problem.problem.sentence(),
            problem.problem.code()
        );
    }
    text += "\nA contact stores:\n";
    match (&explanation.stored, &explanation.external_user_id) {
        (Some(stored), _) => {
            let phone = stored.phone.phone.as_deref().unwrap_or_default();
            let key = stored.phone.key.as_deref().unwrap_or_default();
            let extension = stored.phone.extension.as_deref();
            let _ = writeln!(
                text,
                "  {}",
                Line {
                    phone,
                    key,
                    extension,
                    number: stored.number.as_ref()
                }
            );
            add_rules(&mut text, &stored.rules);
            if let Some(obstacle) = stored.obstacle {
                let _ = writeln!(
                    text,
                    "    It identifies nobody: {} ({})",
                    obstacle.sentence(),
                    obstacle.code()
                );
            }
        }
        (None, Some(id)) => {
            let _ = writeln!(text, "  no phone, and the external id {id}");
        }
        (None, None) => text += "  no phone\n",
    }
    text += "\nA lookup finds contacts by:\n";
    for explained in &explanation.readings {
        let reading = &explained.reading;
        let line = Line {
            phone: &reading.phone,
            key: &reading.key,
            extension: reading.extension.as_deref(),
            number: explained.number.as_ref(),
        };
        let _ = writeln!(text, "  {line}");
        match &explanation.stored {
            Some(stored) if stored.rules == explained.rules => text += "    by the same rules\n",
            _ => add_rules(&mut text, &explained.rules),
        }
    }
    if let Some(id) = &explanation.external_user_id {
        let _ = writeln!(text, "  the external id {id}");
    } else if explanation.readings.is_empty() {
        text += "  nothing\n";
    }
    text
}

/// A phone with its match key.
struct Line<'a> {
    phone: &'a str,
    key: &'a str,
    extension: Option<&'a str>,
    number: Option<&'a NumberFacts>,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (match key {})", self.phone, self.key)?;
        if let Some(extension) = self.extension {
            write!(f, " extension {extension}")?;
        }
        if let Some(number) = self.number {
            let region = number.region.as_deref().unwrap_or("no region");
            write!(f, ", {} of {region}", number.line_type.name())?;
        }
        Ok(())
    }
}

fn add_rules(text: &mut String, rules: &[Rule]) {
    for rule in rules {
        let _ = writeln!(text, "    {} ({})", rule.sentence(), rule.name());
    }
}
