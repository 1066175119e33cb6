//! The quality of the search for duplicates, and its document.

use std::fs;
use std::path::Path;

use contact_search::domain::duplicates::{Level, Parameters};

#[path = "../../benches/duplicates/labelled.rs"]
mod labelled;
#[path = "../../benches/duplicates/made.rs"]
mod made;
#[path = "../../benches/duplicates/quality.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod quality;
#[path = "../../benches/duplicates/verdicts.rs"]
#[allow(dead_code, reason = "the benchmark uses the rest")]
mod verdicts;

use labelled::Labelled;
use quality::Candidates;
use verdicts::Verdicts;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn fake_1000() -> Labelled {
    Labelled::read(&read("tests/data/fake_1000.csv")).unwrap()
}

#[test]
fn duplicates_of_a_labelled_file_are_found_and_strangers_are_not_joined() {
    let file = fake_1000();
    assert_eq!(file.records.len(), 1_000);
    let candidates = Candidates::find(&file);
    let point = candidates.point(Parameters::get().threshold);
    assert!(point.precision() >= 0.98, "{point:?}");
    assert!(point.recall() >= 0.90, "{point:?}");
    // No person has more than ten records, so a larger group would be a chain.
    assert!(point.largest <= 10, "{point:?}");
    assert!(candidates.pairs_per_record() < 20.0);
}

#[test]
fn equal_records_give_equal_groups_in_any_order() {
    let file = fake_1000();
    let mut reversed = Labelled::default();
    for (record, person) in file.records.iter().zip(&file.persons).rev() {
        reversed.push(record.clone(), *person);
    }
    let threshold = Parameters::get().threshold;
    let groups = Candidates::find(&file).groups(threshold);
    let last = u32::try_from(file.records.len()).unwrap() - 1;
    let mut mirrored: Vec<Vec<u32>> = Candidates::find(&reversed).groups(threshold);
    for group in &mut mirrored {
        group.iter_mut().for_each(|record| *record = last - *record);
        group.sort_unstable();
    }
    mirrored.sort_unstable();
    assert_eq!(groups, Candidates::find(&file).groups(threshold));
    let unequal = groups.iter().filter(|group| !mirrored.contains(group)).count();
    // Of equal means the first one wins, so the order of the records decides a few of 150 groups.
    assert!(unequal <= 5, "{unequal} of {} groups differ", groups.len());
}

#[test]
fn nearly_no_stranger_on_a_shared_phone_is_exact() {
    let verdicts = Verdicts::of(&made::make(5_000, 7), 7);
    let false_exact = verdicts.false_exact_decidable;
    assert_eq!(false_exact.cases, 0, "{false_exact}\n{}", verdicts.text());
    assert!(false_exact.all > 400, "{false_exact}\n{}", verdicts.text());
}

/// The table of levels in docs/duplicates.md.
fn table() -> String {
    let mut table = "| Field | Level | Meaning | m | u | others | known |\n|---|---|---|--:|--:|--:|--:|\n".to_owned();
    for level in Level::all() {
        let numbers = Parameters::get().level(level);
        table += &format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            level.field(),
            level.name(),
            level.text(),
            numbers.m,
            numbers.u,
            numbers.others,
            numbers.known
        );
    }
    table
}

#[test]
fn the_document_has_the_table_of_levels() {
    let table = table();
    assert!(
        read("docs/duplicates.md").contains(&table),
        "replace the table of levels in docs/duplicates.md:\n{table}"
    );
}
