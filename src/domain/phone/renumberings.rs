//! Countries that put digits before all or some of their numbers. People and WhatsApp keep the old form for years, and
//! Google's metadata has only the new one. Here both forms are read as the new one.

/// A change of a country's numbers. The next country is one more row in [`RENUMBERINGS`].
#[allow(
    dead_code,
    reason = "the date and the source are for the engineer who checks the row"
)]
pub struct Renumbering {
    pub calling_code: i32,
    /// The day from which the new form alone is dialled.
    pub since: &'static str,
    /// Who published the change.
    pub source: &'static str,
    /// How many digits a number had without its calling code.
    pub old_length: usize,
    /// The new digits before a number, and the first digits of the old numbers that get them. `""` stands for every
    /// number.
    pub prefixes: &'static [(&'static str, &'static [&'static str])],
}

pub const RENUMBERINGS: [Renumbering; 3] = [
    Renumbering {
        calling_code: 57,
        since: "2021-09-01",
        source: "Colombia: CRC, Resolución 5826 de 2019 (fixed lines)",
        old_length: 8,
        prefixes: &[("60", &[""])],
    },
    Renumbering {
        calling_code: 225,
        since: "2021-01-31",
        source: "Ivory Coast: the regulator ARTCI (pnn.artci.ci) names the prefix of each operator. Google's \
                 libphonenumber 8.12.17 of 2021-01-27 lists the old numbers behind each prefix, from the ITU, and \
                 confirms the operators of mobiles in resources/carrier/en/225.txt. Version 8.12.16 lists the old \
                 fixed lines 359 and 368.",
        old_length: 8,
        prefixes: &[
            // Mobiles of Moov, MTN and Orange.
            (
                "01",
                &[
                    "01", "02", "03", "40", "41", "42", "43", "50", "51", "52", "53", "70", "71", "72", "73",
                ],
            ),
            (
                "05",
                &[
                    "04", "05", "06", "44", "45", "46", "54", "55", "56", "64", "65", "66", "74", "75", "76", "84",
                    "85", "86", "94", "95", "96",
                ],
            ),
            (
                "07",
                &[
                    "07", "08", "09", "47", "48", "49", "57", "58", "59", "67", "68", "69", "77", "78", "79", "87",
                    "88", "89", "97", "98",
                ],
            ),
            // Fixed lines of the same operators.
            ("21", &["208", "218", "228", "238"]),
            (
                "25",
                &[
                    "200", "210", "220", "230", "240", "300", "310", "320", "330", "340", "350", "360",
                ],
            ),
            (
                "27",
                &[
                    "202", "203", "212", "213", "215", "217", "224", "225", "234", "235", "243", "244", "245", "306",
                    "316", "319", "327", "337", "347", "357", "359", "367", "368",
                ],
            ),
        ],
    },
    Renumbering {
        calling_code: 229,
        since: "2024-11-30",
        source: "Benin: ARCEP, plan national de numérotation à 10 chiffres",
        old_length: 8,
        prefixes: &[("01", &[""])],
    },
];

/// Whether the country is in the table.
pub fn is_renumbered(calling_code: i32) -> bool {
    RENUMBERINGS.iter().any(|row| row.calling_code == calling_code)
}

/// The new form of a number in its old form. `None` for numbers that kept their form.
pub fn renumbered(calling_code: i32, national: &str) -> Option<String> {
    let row = RENUMBERINGS
        .iter()
        .find(|row| row.calling_code == calling_code && row.old_length == national.len())?;
    let has_start = |starts: &[&str]| starts.iter().any(|start| national.starts_with(start));
    let (prefix, _) = row.prefixes.iter().find(|(_, starts)| has_start(starts))?;
    Some(format!("{prefix}{national}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::phone::countries::significant;
    use crate::domain::phone::rule::Rules;

    #[test]
    fn each_old_prefix_is_listed_once_and_leads_to_valid_numbers() {
        for row in &RENUMBERINGS {
            let mut listed = BTreeSet::new();
            for (prefix, starts) in row.prefixes {
                for start in *starts {
                    assert!(listed.insert(start), "{start} of {}", row.calling_code);
                    let is_valid = (b'1'..=b'9').any(|digit| {
                        let old =
                            (*start).to_owned() + &char::from(digit).to_string().repeat(row.old_length - start.len());
                        significant(row.calling_code, &old, &mut Rules::default())
                            .is_some_and(|new| new == format!("{prefix}{old}"))
                    });
                    assert!(is_valid, "{start} of {}", row.calling_code);
                }
            }
        }
    }
}
