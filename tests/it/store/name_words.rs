//! The words of names: the database folds stored names as the program folds the words of a query.

use contact_search::domain::fold;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::support::TestDatabase;

/// The most characters that the program knows and the database does not, because its version of Unicode is older.
const UNKNOWN_MAX: usize = 300;

/// Latin, Greek and Cyrillic, with their accents. The database knows all of them.
const WELL_KNOWN: std::ops::Range<char> = '\u{1}'..'\u{530}';

/// The names' words as the database keeps them.
fn of_database(connection: &mut PgConnection, names: &[String]) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        words: String,
    }
    let sql = "SELECT contact_name_words(name, NULL) AS words FROM unnest($1) WITH ORDINALITY AS names (name, place)
               ORDER BY place";
    let rows: Vec<Row> = diesel::sql_query(sql)
        .bind::<Array<Text>, _>(names)
        .load(connection)
        .expect("the names are folded");
    rows.into_iter().map(|row| row.words).collect()
}

/// The name's words as the program folds them, in the notation of the database.
fn of_program(name: &str) -> String {
    match fold::words(name).join(" ") {
        words if words.is_empty() => "  \u{1}".to_owned(),
        words => format!(" {words} \u{1}"),
    }
}

#[test]
fn every_character_that_the_database_knows_is_folded_as_the_program_folds_it() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let (mut compared, mut changed, mut unknown) = (0, 0, Vec::new());
    // The planes with letters, and the one with invisible tags.
    for block in (0..0x32000).chain(0xe0000..0xe1000).collect::<Vec<u32>>().chunks(0x400) {
        let characters = block.iter().filter_map(|code| char::from_u32(*code));
        let characters: Vec<char> = characters.filter(|character| *character != '\0').collect();
        let names: Vec<String> = characters.iter().map(|character| format!("A{character}b")).collect();
        let stored = of_database(&mut connection, &names);
        for ((character, name), stored) in characters.into_iter().zip(&names).zip(stored) {
            let unchanged = format!(" a{character}b \u{1}");
            let folded = of_program(name);
            compared += 1;
            changed += usize::from(folded != unchanged);
            if folded != stored {
                assert_eq!(stored, unchanged, "U+{:04X} becomes {folded:?}", u32::from(character));
                unknown.push(character);
            }
        }
    }
    println!(
        "{compared} characters compared, {changed} changed by folding, {} unknown",
        unknown.len()
    );
    assert!(changed > 5_000, "the characters are folded: {changed}");
    assert!(unknown.len() < UNKNOWN_MAX, "the database does not know {unknown:?}");
    assert!(
        unknown.iter().all(|character| !WELL_KNOWN.contains(character)),
        "{unknown:?}"
    );
}

#[test]
fn random_names_are_folded_by_the_database_as_by_the_program() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let pieces = [
        "a",
        "B",
        "é",
        "É",
        "e\u{301}",
        "\u{301}",
        "ñ",
        "n\u{303}",
        "ß",
        "ẞ",
        "ł",
        "Ø",
        "Æ",
        "İ",
        "ı",
        "Σ",
        "ς",
        "σ",
        "Й",
        "ё",
        "\u{308}",
        "ﬁ",
        "ſ",
        "K",
        "Å",
        "№",
        "½",
        "ガ",
        "カ\u{3099}",
        "ｶﾞ",
        "한",
        "ㅎ",
        "ᄒ\u{1161}",
        "李",
        "مُ",
        "ל\u{5b8}",
        "🎉",
        "👩\u{200d}👩",
        "❤\u{fe0f}",
        "\u{ad}",
        "\u{200b}",
        "\u{202e}",
        "'",
        "’",
        "´",
        "`",
        "＇",
        "-",
        "–",
        "…",
        "·",
        "¿",
        ".",
        ",",
        "_",
        "\\",
        "%",
        " ",
        "  ",
        "\u{a0}",
        "\u{3000}",
        "\t",
        "\n",
        "7",
        "٧",
        "\u{85}",
        "\u{1680}",
    ];
    let random = &mut ChaCha8Rng::seed_from_u64(5);
    let names: Vec<String> = (0..4_000)
        .map(|number| {
            let length = random.random_range(0..if number % 10 == 0 { 200 } else { 20 });
            let parts = (0..length).map(|_| pieces[random.random_range(0..pieces.len())]);
            parts.collect()
        })
        .collect();
    for (name, stored) in names.iter().zip(of_database(&mut connection, &names)) {
        assert_eq!(of_program(name), stored, "{name:?}");
    }
}
