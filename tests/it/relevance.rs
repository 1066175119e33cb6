//! The queries of the relevance benchmark, and its count of equally good answers.

use std::collections::HashSet;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

#[path = "../../benches/relevance/pairs/mod.rs"]
mod pairs;

use pairs::good::Answer;
use pairs::notation::write;
use pairs::text::{without_accents, words};
use pairs::typo::{distance, mistype};
use pairs::{Contact, Contacts, Kind, Pair, make};

fn contact(name: &str, phone: &str, email: &str) -> Contact {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Contact {
        id: format!("{name} {phone} {email}"),
        name: text(name),
        phone: text(phone),
        email: text(email),
    }
}

fn named(names: &[&str]) -> Contacts {
    Contacts::new(names.iter().map(|name| contact(name, "", "")).collect())
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn name(words: &[&str], edits: usize, is_whole: bool) -> Answer {
    Answer::Name {
        words: strings(words),
        edits,
        is_whole,
    }
}

/// Contacts of every kind, many of them with equal or similar names.
fn crowd() -> Contacts {
    let firsts = ["María", "Maria José", "Jorge", "Agustín", "Ana", "Julieta", "Ximena"];
    let lasts = [
        "González",
        "Gonzales",
        "de la Cruz",
        "Etcheverry",
        "Muñoz",
        "Ruíz-Peña",
        "O'Connor",
        "Rossi 🌸",
    ];
    let starts = ["+549112", "+5699", "+52552", "+551199", "+57300"];
    let mut all = Vec::new();
    for (at, first) in firsts.iter().enumerate() {
        for (other, last) in lasts.iter().enumerate() {
            let number = at * lasts.len() + other;
            let start = starts[number % starts.len()];
            let email = format!("{}.{number}@ejemplo{other}.com", words(first).concat());
            all.push(contact(
                &format!("{first} {last}"),
                &format!("{start}{:07}", 1_234_567 * (number + 1) % 10_000_000),
                &email,
            ));
        }
    }
    all.push(contact("", "+5491155556666", ""));
    all.push(contact("李伟", "", "li.wei@ejemplo.com"));
    Contacts::new(all)
}

#[test]
fn a_name_is_split_into_words_without_case_and_accents() {
    for (name, expected) in [
        ("María  GONZÁLEZ", &["maria", "gonzalez"][..]),
        ("González, María-José", &["gonzalez", "maria", "jose"]),
        ("O'Connor D’Angelo", &["oconnor", "dangelo"]),
        ("Lucía🌸 ⭐ Łukasik ❤️", &["lucia", "lukasik"]),
        ("Pérez & Hijos S.A.", &["perez", "hijos", "s", "a"]),
        ("Иван Петров", &["иван", "петров"]),
        ("🌸", &[]),
    ] {
        assert_eq!(words(name), expected, "{name}");
    }
    assert_eq!(without_accents("Muñoz Gonçalves Ibáñez"), "Munoz Goncalves Ibanez");
}

#[test]
fn the_distance_counts_edits_and_swaps_of_neighbours() {
    for (one, other, expected) in [
        ("", "", 0),
        ("maria", "maria", 0),
        ("maria", "mari", 1),
        ("maria", "marria", 1),
        ("maria", "mario", 1),
        ("maria", "amria", 1),
        ("gonzalez", "gonsales", 2),
        ("ca", "abc", 3),
        ("", "abc", 3),
    ] {
        assert_eq!(distance(one, other), expected, "{one} {other}");
        assert_eq!(distance(other, one), expected, "{other} {one}");
    }
}

#[test]
fn a_word_with_typos_has_that_distance_and_stays_long_enough() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for word in ["maria", "González", "ETCHEVERRY", "muñoz", "agustín", "ana", "li"] {
        for typos in [1, 2] {
            let typed: Vec<String> = (0..300).filter_map(|_| mistype(&mut random, word, typos)).collect();
            for typed in &typed {
                let (typed, meant) = (words(typed).concat(), words(word).concat());
                assert_eq!(distance(&typed, &meant), typos, "{typed} {meant}");
                assert!(typed.chars().count() >= 4 * typos, "{typed}");
            }
            let distinct: HashSet<&String> = typed.iter().collect();
            let length = word.chars().count();
            assert_eq!(distinct.len() > 5, length + typos >= 4 * typos, "{word} {typos}");
        }
    }
}

#[test]
fn every_notation_ends_with_the_digits_of_the_number() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    for phone in [
        "+5491123456789",
        "+56912345678",
        "+525512345678",
        "+5511991234567",
        "+573001234567",
    ] {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let (text, end) = write(&mut random, phone).unwrap();
            assert!(phone.ends_with(&end) && end.len() >= 8, "{text} {end}");
            assert!(digits(&text).ends_with(&end) || text.contains(" 15 "), "{text} {end}");
            assert_ne!(text, phone);
            seen.insert(text);
        }
        assert!(seen.len() >= 4, "{seen:?}");
    }
    assert_eq!(write(&mut random, "+34600123456"), None);
    assert_eq!(write(&mut random, "+56912"), None);
}

#[test]
fn an_equally_good_name_has_the_same_words_in_any_order() {
    let contacts = named(&[
        "María González",
        "maria gonzalez",
        "González, María",
        "María José González",
        "María Gonzales",
        "María",
        "María María",
    ]);
    let words = ["maria", "gonzalez"];
    assert_eq!(name(&words, 0, true).find(&contacts), [0, 1, 2]);
    assert_eq!(name(&words, 0, false).find(&contacts), [0, 1, 2, 3]);
    assert_eq!(name(&words, 1, true).find(&contacts), [0, 1, 2, 4]);
    assert_eq!(name(&["gonzalez"], 0, false).find(&contacts), [0, 1, 2, 3]);
    assert_eq!(name(&["maria", "maria"], 0, false).find(&contacts), [6]);
    assert_eq!(name(&["nobody"], 0, false).find(&contacts), [] as [usize; 0]);
}

#[test]
fn an_equally_near_name_needs_no_more_edits_in_all() {
    let contacts = named(&[
        "Ana Rossi",
        "Anna Rossi",
        "Ana Rosi",
        "Anna Rosi",
        "Rossi Ana Luz",
        "Aan Rossi",
    ]);
    assert_eq!(name(&["ana", "rossi"], 1, true).find(&contacts), [0, 1, 2, 5]);
    assert_eq!(name(&["ana", "rossi"], 2, true).find(&contacts), [0, 1, 2, 3, 5]);
    assert_eq!(name(&["ana", "rossi"], 1, false).find(&contacts), [0, 1, 2, 4, 5]);
}

#[test]
fn the_nearest_assignment_of_words_counts() {
    // Each word of the query means another word of the name: "mara" is Maria here, since "marta" is Marta.
    let contacts = named(&["Marta Maria", "Marta", "Mara Lopez"]);
    assert_eq!(name(&["mara", "marta"], 1, true).find(&contacts), [0]);
    assert_eq!(name(&["mara", "marta"], 0, true).find(&contacts), [] as [usize; 0]);
}

#[test]
fn beginnings_digits_and_emails_are_compared_as_the_query_has_them() {
    let contacts = Contacts::new(vec![
        contact("María González", "+5491123456789", "maria.gonzalez@gmail.com"),
        contact("María Gonzaga", "+5491100006789", "Maria.Gonzaga@ejemplo.com"),
        contact("Gonzalo María", "", "gonzaga@ejemplo.com"),
        contact("Mario Gonzalez", "+56912346789", ""),
    ]);
    let beginning = |words: &[&str], beginning: &str| Answer::NameBeginning {
        words: strings(words),
        beginning: beginning.to_owned(),
    };
    assert_eq!(beginning(&["maria"], "gonza").find(&contacts), [0, 1, 2]);
    assert_eq!(beginning(&["maria"], "gonzal").find(&contacts), [0, 2]);
    // The beginning is that of another word.
    assert_eq!(beginning(&["maria"], "mar").find(&contacts), [] as [usize; 0]);
    let phone = |word: &str| Answer::NameAndPhone {
        word: word.to_owned(),
        end: "6789".to_owned(),
    };
    assert_eq!(phone("maria").find(&contacts), [0, 1]);
    assert_eq!(phone("gonzalez").find(&contacts), [0, 3]);
    let end = "6789".to_owned();
    assert_eq!(Answer::Phone { end }.find(&contacts), [0, 1, 3]);
    let beginning = "maria.gonza".to_owned();
    assert_eq!(Answer::EmailBeginning { beginning }.find(&contacts), [0, 1]);
    let end = "gonzaga@ejemplo.com".to_owned();
    assert_eq!(Answer::EmailEnd { end }.find(&contacts), [1, 2]);
    let both = |words: &[&str], email: &str| Answer::NameAndEmail {
        words: strings(words),
        email: email.to_owned(),
    };
    assert_eq!(
        both(&["gonzaga", "maria"], "maria.gonzaga@ejemplo.com").find(&contacts),
        [1]
    );
    assert_eq!(
        both(&["maria"], "maria.gonzaga@ejemplo.com").find(&contacts),
        [] as [usize; 0]
    );
}

#[test]
fn every_kind_has_pairs_whose_wanted_contact_is_a_good_answer() {
    let contacts = crowd();
    let pairs = make(&contacts, 40, 1);
    for kind in Kind::ALL {
        let of_kind: Vec<&Pair> = pairs.iter().filter(|pair| pair.kind == kind).collect();
        assert_eq!(of_kind.len(), 40, "{}", kind.name());
        for pair in of_kind {
            let good = pair.answer.find(&contacts);
            assert!(good.contains(&pair.wanted), "{pair:?}");
            assert!(good.len() < contacts.len() / 2, "{pair:?}");
            assert!(pair.query.len() <= 256 && !pair.query.trim().is_empty());
        }
    }
    let queries = |seed| {
        make(&contacts, 40, seed)
            .into_iter()
            .map(|pair| pair.query)
            .collect::<Vec<_>>()
    };
    assert_eq!(queries(1), queries(1));
    assert_ne!(queries(1), queries(2));
}

#[test]
fn a_query_is_made_as_its_kind_says() {
    let contacts = crowd();
    for pair in make(&contacts, 40, 7) {
        let wanted = contacts.get(pair.wanted);
        let name = words(wanted.name.as_deref().unwrap_or_default());
        let typed = words(&pair.query);
        let mut sorted = [name.clone(), typed.clone()];
        sorted.iter_mut().for_each(|words| words.sort());
        let is_permutation = sorted[0] == sorted[1];
        let holds = match pair.kind {
            Kind::FullName => typed == name,
            Kind::PartialName => typed.len() <= name.len() && !is_permutation,
            Kind::Swapped => is_permutation && typed != name,
            Kind::WithoutAccents => {
                let original = wanted.name.as_deref().unwrap_or_default();
                typed == name && without_accents(original) != original && without_accents(&pair.query) == pair.query
            }
            Kind::OneTypo | Kind::TwoTypos => {
                let most = if pair.kind == Kind::OneTypo { 1 } else { 2 };
                matches!(&pair.answer, Answer::Name { words, edits, .. } if words == &typed && (1..=most).contains(edits))
            }
            Kind::NameAndDigits => {
                let (digits, words): (Vec<&String>, Vec<&String>) = typed
                    .iter()
                    .partition(|word| word.chars().all(|digit| digit.is_ascii_digit()));
                let phone = wanted.phone.as_deref().unwrap_or_default();
                digits.len() == 1 && digits[0].len() == 4 && phone.ends_with(digits[0]) && name.contains(words[0])
            }
            Kind::HalfEmail => {
                let email = wanted.email.as_deref().unwrap_or_default();
                email.contains(&pair.query) && pair.query.len() < email.len()
            }
            Kind::Notation => Some(&pair.query) != wanted.phone.as_ref(),
            Kind::Pasted => {
                let email = wanted.email.as_deref().unwrap_or_default();
                pair.query.contains(wanted.name.as_deref().unwrap_or("?"))
                    && pair.query.ends_with(&format!("<{email}>"))
            }
        };
        assert!(holds, "{pair:?} {}", wanted.id);
    }
}
