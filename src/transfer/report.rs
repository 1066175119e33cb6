//! The result of an import.

use std::fmt;

use super::decoder::Encoding;
use super::header_error::ColumnAdvice;
use super::lines::Lines;
use super::lookalikes::Lookalike;
use super::table::ReadSheet;
use super::verdict_counts::VerdictCounts;
use crate::domain::contact::Attribute;
use crate::domain::counted::counted;
use crate::domain::visible::visible;
use crate::store::judged_import::{LeftOut, OnDuplicate};

/// The verdicts of an import, and the lines that were not written because of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JudgedReport {
    pub on_duplicate: OnDuplicate,
    /// How many lines have each verdict. Rejected lines are invalid.
    pub verdicts: VerdictCounts,
    /// Rows of the lines that were not written. A line with several phones has several rows.
    pub rows_left_out: u64,
    /// Duplicates that were not written.
    pub duplicates: Lines,
    /// Conflicts, which are never written.
    pub conflicts: Lines,
}

impl JudgedReport {
    pub(super) fn new(on_duplicate: OnDuplicate, verdicts: VerdictCounts, left_out: LeftOut) -> Self {
        Self {
            on_duplicate,
            verdicts,
            rows_left_out: left_out.rows,
            duplicates: left_out.duplicates.into(),
            conflicts: left_out.conflicts.into(),
        }
    }

    /// Writes a line about the duplicates, and one about the conflicts.
    fn write_left_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = match self.on_duplicate {
            OnDuplicate::Update => ", because the rows that they repeat are in conflict",
            _ => "",
        };
        let Self {
            duplicates, conflicts, ..
        } = self;
        match duplicates.count {
            0 => {}
            1 => write!(f, "\n1 duplicate was not written{reason}: {duplicates}")?,
            count => write!(f, "\n{count} duplicates were not written{reason}: {duplicates}")?,
        }
        match conflicts.count {
            0 => Ok(()),
            1 => write!(f, "\n1 conflict was not written, and needs a person: {conflicts}"),
            count => write!(
                f,
                "\n{count} conflicts were not written, and need a person: {conflicts}"
            ),
        }
    }
}

/// The lines that are duplicates or conflicts: `2 duplicates (lines 3 and 4) and 1 conflict (line 5)`.
impl fmt::Display for JudgedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (&self.duplicates, "duplicate", "duplicates"),
            (&self.conflicts, "conflict", "conflicts"),
        ];
        let parts = parts.into_iter().filter(|(lines, ..)| lines.count > 0);
        for (index, (lines, one, several)) in parts.enumerate() {
            let separator = if index == 0 { "" } else { " and " };
            write!(f, "{separator}{} ({lines})", counted(lines.count, one, several))?;
        }
        Ok(())
    }
}

/// The result of an import. Every row is counted once, and so is every further phone of a row. Blank rows are not
/// counted.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ImportReport {
    /// Rows. `read + further_phones` is `created + updated + unchanged + merged + rejected`, plus the rows that verdicts
    /// leave out.
    pub read: u64,
    /// Phones of people beyond their first one. Each is a contact.
    pub further_phones: u64,
    /// The verdicts, if they decided what was written.
    pub judged: Option<JudgedReport>,
    /// New contacts.
    pub created: u64,
    /// Existing contacts that have changed.
    pub updated: u64,
    /// Existing contacts that already had the values of the file.
    pub unchanged: u64,
    /// Further rows or phones about the same contact, merged with its first row.
    pub merged: u64,
    pub rejected: u64,
    /// Cells that could not be read and were left out of their rows.
    pub cells_left_out: u64,
    /// Phones of imported rows that are not valid numbers. They are stored as written, unless the contact has a better
    /// phone. A phone without digits is also counted here, but it is stored as blank.
    pub phones_unresolved: Lines,
    /// Rows whose phone was not written, because the contact has a better one. Their other cells were written.
    pub phones_kept: Lines,
    /// Rows whose phone replaced another number of an existing contact.
    pub phones_replaced: Lines,
    /// Rows with several phones, of which the first was taken.
    pub several_phones: Lines,
    /// Rows with several emails, of which the first was taken.
    pub several_emails: Lines,
    /// Rows with the same invalid phone as another row or an existing contact, but with another
    /// email. Only that phone joined them.
    pub doubtful: u64,
    /// Ignored columns that look like phone or email columns.
    pub lookalikes: Vec<Lookalike>,
    /// The encoding of the file, unless it is UTF-8.
    pub encoding: Option<Encoding>,
    /// The sheet that was read, if the file is a workbook.
    pub sheet: Option<ReadSheet>,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            read,
            further_phones,
            judged,
            created,
            updated,
            unchanged,
            merged,
            rejected,
            cells_left_out,
            phones_unresolved,
            phones_kept,
            phones_replaced,
            several_phones,
            several_emails,
            doubtful,
            lookalikes,
            encoding,
            sheet,
        } = self;
        write!(f, "{} read", counted(*read, "row", "rows"))?;
        // A verdict is about all phones of a row.
        if *further_phones > 0 && judged.is_none() {
            write!(f, " + {}", counted(*further_phones, "further phone", "further phones"))?;
        }
        match judged {
            None => write!(
                f,
                " = {created} created + {updated} updated + {unchanged} unchanged \
                 + {merged} merged within the file + {rejected} rejected"
            )?,
            Some(judged) => {
                let created = counted(*created, "contact", "contacts");
                write!(
                    f,
                    " = {}\n{created} created, {updated} updated, {unchanged} unchanged",
                    judged.verdicts
                )?;
                judged.write_left_out(f)?;
            }
        }
        match cells_left_out {
            0 => {}
            1 => write!(f, "\n1 cell was left out of its row")?,
            count => write!(f, "\n{count} cells were left out of their rows")?,
        }
        for (lines, one, several) in [
            (
                phones_unresolved,
                "phone is not a valid number",
                "phones are not valid numbers",
            ),
            (
                phones_kept,
                "phone was not written, because the contact has a better one",
                "phones were not written, because their contacts have better ones",
            ),
            (
                phones_replaced,
                "phone replaced another number of its contact",
                "phones replaced other numbers of their contacts",
            ),
            (
                several_phones,
                "row has several phones, of which the first was taken",
                "rows have several phones, of which the first was taken",
            ),
            (
                several_emails,
                "row has several emails, of which the first was taken",
                "rows have several emails, of which the first was taken",
            ),
        ] {
            match lines.count {
                0 => {}
                1 => write!(f, "\n1 {one}: {lines}")?,
                count => write!(f, "\n{count} {several}: {lines}")?,
            }
        }
        if *doubtful > 0 {
            let rows = if *doubtful == 1 { "row shares" } else { "rows share" };
            write!(
                f,
                "\n{doubtful} {rows} an invalid phone with a contact that has another email: contacts with the same phone \
                 were merged, so check the phone column (a spreadsheet may have damaged it)"
            )?;
        }
        write_notes(f, ColumnAdvice::Option, lookalikes, *encoding, sheet.as_ref())
    }
}

/// Writes a line about each ignored column that looks like a phone or email column, about the encoding, and about the
/// sheet of a workbook with several sheets.
pub(super) fn write_notes(
    f: &mut fmt::Formatter<'_>,
    advice: ColumnAdvice,
    lookalikes: &[Lookalike],
    encoding: Option<Encoding>,
    sheet: Option<&ReadSheet>,
) -> fmt::Result {
    for lookalike in lookalikes {
        write!(f, "\n{}", lookalike.message(advice))?;
    }
    if let Some(encoding) = encoding {
        write!(f, "\nthe file was read as {}, which is not UTF-8", encoding.name())?;
    }
    if let Some(sheet) = sheet.filter(|sheet| sheet.of > 1) {
        write!(f, "\n{sheet}")?;
    }
    Ok(())
}

/// `of 3 sheets, only “Contacts” was read`
impl fmt::Display for ReadSheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sheets = counted(self.of as u64, "sheet", "sheets");
        write!(f, "of {sheets}, only “{}” was read", visible(&self.name))
    }
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(ColumnAdvice::Option))
    }
}

impl Lookalike {
    fn message(&self, advice: ColumnAdvice) -> String {
        let Self {
            column,
            attribute,
            only_here,
        } = self;
        let kind = match attribute {
            Attribute::Email => "an email",
            _ => "a phone",
        };
        let advice = advice.about_ignored(*attribute);
        let rows = match only_here.count {
            0 => String::new(),
            1 => format!("; 1 row has no other {attribute}: {only_here}"),
            count => format!("; {count} rows have no other {attribute}: {only_here}"),
        };
        format!("{column} looks like {kind} column, ignored: to take it, {advice}{rows}")
    }
}
