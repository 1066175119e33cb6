//! Made-up contacts that share words, pieces of emails, digits and times.

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::PgConnection;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::support::database::execute;

/// Words of names: accents, typos of each other, apostrophes, hyphens, symbols and other scripts.
pub const NAME_WORDS: [&str; 78] = [
    "Maria",
    "María",
    "MARÍA",
    "Mari\u{301}a",
    "Marta",
    "Mara",
    "Mariana",
    "José",
    "Jose\u{301}",
    "Jos",
    "Josefa",
    "John",
    "Jhon",
    "Jon",
    "Johan",
    "Johnny",
    "Joan",
    "André",
    "Andrés",
    "Andrea",
    "Andres",
    "Müller",
    "Muller",
    "Mueller",
    "Łukasz",
    "Lukas",
    "Lucas",
    "González",
    "Gonzales",
    "Gonzalo",
    "Gonçalves",
    "García",
    "Garcia-López",
    "Garsia",
    "López",
    "Lopes",
    "López-García",
    "O'Brien",
    "O’Brien",
    "O´Brian",
    "D'Angelo",
    "Straße",
    "Strasse",
    "Ørsted",
    "Æsir",
    "Œuvre",
    "Þór",
    "ﬁona",
    "Fiona",
    "Núñez",
    "Nuñes",
    "Fernández",
    "Fernandes",
    "Hernández",
    "Constantinopla",
    "Konstantinopla",
    "Ana",
    "Anna",
    "Ann",
    "An",
    "Li",
    "李",
    "小明",
    "Αλέξης",
    "Алексей",
    "Андрей",
    "محمد",
    "サトウ",
    "ガード",
    "김철수",
    "🎉Party",
    "🎉",
    "❤\u{fe0f}Ana",
    "2",
    "24",
    "(VIP)",
    "de",
    "S.A.",
];

/// Words of names that have no letters of a query in common with [`NAME_WORDS`], or few.
const DULL_WORDS: [&str; 10] = [
    "Quirk", "Wuxx", "Zyqu", "Bwyk", "Vukk", "Pyzz", "Xuwq", "Kyww", "Hwup", "Qyvb",
];

const LOCALS: [&str; 22] = [
    "maria",
    "mara",
    "jose",
    "josé",
    "john",
    "jhon",
    "jon",
    "andres",
    "andrea",
    "muller",
    "gonzalez",
    "gonzales",
    "lopez",
    "lopes",
    "garcia",
    "o'brien",
    "ana",
    "anna",
    "li",
    "fernandez",
    "constantinopla",
    "100%",
];

const DOMAINS: [&str; 7] = [
    "acme.com",
    "acme.com.ar",
    "example.com",
    "exámple.com",
    "ana.org",
    "mail.example.com",
    "lopez.net",
];

/// Numbers without their last two digits.
const NUMBERS: [&str; 9] = [
    "+54922359619",
    "+5422359619",
    "+54911234567",
    "+569123456",
    "+5255123456",
    "+55119876543",
    "+5730012345",
    "+120255501",
    "34567",
];

const PLATFORMS: [&str; 4] = ["whatsapp", "sms", "web-whatsapp", "instagram"];

/// SQL expressions of the last message. Several contacts have the same one.
const TIMES: [&str; 15] = [
    "null",
    "null",
    "'2016-07-08'",
    "'2019-12-01'",
    "'2020-02-03'",
    "'2021-03-04'",
    "'2022-09-09'",
    "'2023-08-09'",
    "'2025-01-01'",
    "'2025-01-01'",
    "'2025-01-02T10:00:00.123456Z'",
    "'2025-02-01'",
    "'2026-01-01'",
    "now() - interval '2 hours'",
    "now() - interval '30 hours'",
];

/// A contact that the database does not have yet.
#[derive(Clone, Debug, Default)]
pub struct NewContact {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub external_user_id: Option<String>,
    pub platform: &'static str,
    pub last_message_at: &'static str,
    pub last_inbound_at: &'static str,
}

fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T]) -> T {
    choices[random.random_range(0..choices.len())]
}

/// A text of up to four words, in any case and with various separators.
pub fn name(random: &mut ChaCha8Rng) -> String {
    let mut name = pick(random, &NAME_WORDS).to_owned();
    for _ in 0..random.random_range(0..4) {
        name += pick(random, &[" ", " ", " ", "  ", "-", ", ", " - ", "/"]);
        name += pick(random, &NAME_WORDS);
    }
    match random.random_range(0..12) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        _ => name,
    }
}

pub fn email(random: &mut ChaCha8Rng) -> String {
    let mut email = pick(random, &LOCALS).to_owned();
    if random.random_bool(0.7) {
        email += pick(random, &[".", "_", "-", "", "+"]);
        email += pick(random, &LOCALS);
    }
    if random.random_bool(0.3) {
        email += pick(random, &["24", "1985", "2", "_7"]);
    }
    email += "@";
    email += pick(random, &DOMAINS);
    if random.random_bool(0.1) {
        email.to_uppercase()
    } else {
        email
    }
}

pub fn phone(random: &mut ChaCha8Rng) -> String {
    format!("{}{:02}", pick(random, &NUMBERS), random.random_range(0..100))
}

fn external_user_id(random: &mut ChaCha8Rng) -> String {
    let number = random.random_range(0..400);
    match random.random_range(0..4) {
        0 => format!("u-{number}"),
        1 => format!("U-{number}-Ñ"),
        2 => format!("987654321{number:03}@lid"),
        _ => format!("{number:05}"),
    }
}

/// A contact that shares its words with many others.
pub fn contact(random: &mut ChaCha8Rng) -> NewContact {
    let has = [0.95, 0.6, 0.6, 0.3].map(|share| random.random_bool(share));
    let last_message_at = pick(random, &TIMES);
    let has_phone = has[1] || !has[2] && !has[3];
    NewContact {
        name: has[0].then(|| name(random)),
        phone: has_phone.then(|| phone(random)),
        email: has[2].then(|| email(random)),
        external_user_id: has[3].then(|| external_user_id(random)),
        platform: pick(random, &PLATFORMS),
        last_message_at,
        last_inbound_at: if random.random_bool(0.6) {
            last_message_at
        } else {
            "null"
        },
    }
}

/// A contact that few queries find. Some have one word of the other contacts.
pub fn filler(random: &mut ChaCha8Rng, number: usize) -> NewContact {
    let mut name = format!("{} {}", pick(random, &DULL_WORDS), pick(random, &DULL_WORDS));
    if random.random_bool(0.1) {
        name += " ";
        name += pick(random, &NAME_WORDS);
    }
    NewContact {
        name: Some(name),
        email: Some(format!("q{number}@wyk.xyz")),
        platform: pick(random, &PLATFORMS),
        last_message_at: pick(random, &TIMES),
        last_inbound_at: "null",
        ..NewContact::default()
    }
}

/// Inserts the contacts by plain SQL. Leaves out those whose identity exists already.
pub fn insert(connection: &mut PgConnection, client: ClientId, contacts: &[NewContact]) {
    let literal = |text: Option<&str>| text.map_or("null".to_owned(), |text| format!("'{}'", text.replace('\'', "''")));
    for batch in contacts.chunks(1_000) {
        let rows = batch.iter().map(|contact| {
            let phone = contact.phone.as_deref();
            let stored = phone.map(|phone| StoredPhone::read(phone, Region::DEFAULT, contact.platform));
            let part =
                |part: fn(&StoredPhone) -> &Option<String>| literal(stored.as_ref().and_then(|it| part(it).as_deref()));
            format!(
                "({}, {}, {}, {}, {}, {}, '{}', ({})::timestamptz, ({})::timestamptz)",
                literal(contact.name.as_deref()),
                part(|stored| &stored.phone),
                part(|stored| &stored.key),
                literal(phone),
                literal(contact.email.as_deref()),
                literal(contact.external_user_id.as_deref()),
                contact.platform,
                contact.last_message_at,
                contact.last_inbound_at,
            )
        });
        let rows: Vec<String> = rows.collect();
        execute(
            connection,
            &format!(
                "INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, email,
                                       external_user_id, platform, last_message_at, last_inbound_at)
                 SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                        new.*
                 FROM (VALUES {}) AS new
                 ON CONFLICT DO NOTHING",
                rows.join(",\n")
            ),
        );
    }
}
