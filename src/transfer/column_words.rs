//! Recognises the names of phone and email columns by the words in them.

use super::fold::{fold, is_mark};
use crate::domain::contact::Attribute;

/// The words in the names of a kind of column. Such a name has at least one word of `core`. Its other words, in any
/// order, are words of `core`, `others` or [`COMMON_WORDS`].
struct Words {
    attribute: Attribute,
    core: &'static [&'static str],
    others: &'static [&'static str],
}

const WORDS: [Words; 2] = [
    Words {
        attribute: Attribute::Phone,
        core: &[
            "phone",
            "phones",
            "telephone",
            "telephones",
            "tel",
            "mobile",
            "cell",
            "cellphone",
            "cellular",
            "msisdn",
            "whatsapp",
            "telefono",
            "telefonos",
            "tlf",
            "tfno",
            "celular",
            "celulares",
            "cel",
            "movil",
            "telefone",
            "telefones",
            "telemovel",
            "fone",
        ],
        others: &[
            "number", "numbers", "no", "num", "nr", "nro", "numero", "numeros", "direct", "fijo", "fixo", "landline",
            "ddd",
        ],
    },
    Words {
        attribute: Attribute::Email,
        core: &["email", "emails", "mail", "mails", "correo", "correos", "correio"],
        others: &[
            "address",
            "addresses",
            "direccion",
            "electronico",
            "electronicos",
            "endereco",
            "eletronico",
        ],
    },
];

/// Words that do not change the meaning of a phone or email column. Other words do: `type`, `fax`, `company`,
/// `assistant`.
const COMMON_WORDS: &[&str] = &[
    // Articles, prepositions and questions.
    "a",
    "and",
    "com",
    "con",
    "cual",
    "da",
    "de",
    "del",
    "do",
    "dos",
    "e",
    "el",
    "es",
    "is",
    "la",
    "meu",
    "mi",
    "my",
    "n",
    "o",
    "of",
    "or",
    "ou",
    "please",
    "por",
    "favor",
    "qual",
    "seu",
    "su",
    "the",
    "tu",
    "u",
    "what",
    "with",
    "y",
    "your",
    "ingresa",
    "ingrese",
    "informe",
    "digite",
    "escribe",
    "enter",
    // The contact.
    "contact",
    "contacto",
    "contato",
    "customer",
    "client",
    "cliente",
    "lead",
    "person",
    "persona",
    "pessoa",
    // The kind of the phone or email.
    "main",
    "primary",
    "primario",
    "principal",
    "preferred",
    "preferido",
    "personal",
    "pessoal",
    "home",
    "casa",
    "particular",
    "residencial",
    "hogar",
    "work",
    "trabajo",
    "trabalho",
    "laboral",
    "business",
    "office",
    "oficina",
    "comercial",
    "profesional",
    "profissional",
    "other",
    "otro",
    "outro",
    // The value of Google's numbered columns.
    "value",
    "valor",
];

/// Words in the name of a column that comes after another one for the same attribute.
const SECOND_WORDS: &[&str] = &[
    "second",
    "secondary",
    "nd",
    "secundario",
    "secundaria",
    "segundo",
    "segunda",
    "alternate",
    "alternative",
    "alternativo",
    "alternativa",
    "alt",
    "additional",
    "adicional",
    "adicionales",
    "adicionais",
    "extra",
];

/// The first words of remarks in brackets: `Teléfono (con código de área)`.
const REMARKS: &[&str] = &[
    "com",
    "con",
    "ddd",
    "e164",
    "eg",
    "ej",
    "ex",
    "exemplo",
    "example",
    "format",
    "formato",
    "incl",
    "including",
    "incluindo",
    "incluye",
    "obligatorio",
    "obrigatorio",
    "opcional",
    "optional",
    "required",
    "sem",
    "sin",
    "with",
    "without",
];

/// The rank of the column among the columns of an attribute. It is the number in the name, such as 2 in `Phone 2`.
/// Columns with a word such as `secondary` come last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Rank(u8);

impl Rank {
    /// The rank of a name without a number. `Phone` and `Phone 1` are equals.
    pub(super) const FIRST: Self = Self(1);
    const LAST: Self = Self(u8::MAX);

    /// The rank that the word gives, if it gives one. Numbers with three or more digits have another meaning.
    fn of_word(word: &str) -> Option<Self> {
        if SECOND_WORDS.contains(&word) {
            return Some(Self::LAST);
        }
        word.parse().ok().filter(|_| word.len() <= 2).map(Self)
    }
}

/// The column's rank, if words for the attribute make up its name. [`without_remark`] must have shortened the name.
pub(super) fn rank(column: &str, attribute: Attribute) -> Option<Rank> {
    let kind = WORDS.iter().find(|words| words.attribute == attribute)?;
    kind.rank(&words(column))
}

impl Words {
    fn rank(&self, words: &[String]) -> Option<Rank> {
        let is_core = |word: &str| self.core.contains(&word);
        let is_other = |word: &str| self.others.contains(&word) || COMMON_WORDS.contains(&word);
        if !words.iter().any(|word| is_core(word)) {
            return None;
        }
        let mut rank = None;
        for word in words.iter().filter(|word| !is_core(word) && !is_other(word)) {
            rank = rank.max(Some(Rank::of_word(word)?));
        }
        Some(rank.unwrap_or(Rank::FIRST))
    }
}

/// The column's name before a remark in brackets at its end.
pub(super) fn without_remark(column: &str) -> &str {
    let column = column.trim_end_matches([' ', '*', ':', '.']);
    let Some((before, remark)) = column.strip_suffix(')').and_then(|column| column.split_once('(')) else {
        return column;
    };
    match words(remark).first() {
        Some(first) if REMARKS.contains(&first.as_str()) => before,
        _ => column,
    }
}

/// The words of a column's name, folded. A number is a word of its own, and so is each part of `mobilePhone`.
fn words(column: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = None;
    for character in column.chars().filter(|character| !is_mark(*character)) {
        if character.is_alphanumeric() {
            let begins = match before {
                None => true,
                Some(before) => {
                    char::is_numeric(before) != character.is_numeric()
                        || (char::is_lowercase(before) && character.is_uppercase())
                }
            };
            let folded = character.to_lowercase().map(fold);
            match words.last_mut() {
                Some(word) if !begins => word.extend(folded),
                _ => words.push(folded.collect()),
            }
            before = Some(character);
        } else {
            before = None;
        }
    }
    join(&mut words, "e", "mail");
    join(&mut words, "e", "mails");
    join(&mut words, "whats", "app");
    words
}

/// Joins two words that are also written as one.
fn join(words: &mut Vec<String>, first: &str, second: &str) {
    while let Some(index) = words.windows(2).position(|pair| pair[0] == first && pair[1] == second) {
        words.splice(index..=index + 1, [format!("{first}{second}")]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::fold::normalise;
    use crate::transfer::spellings;

    #[test]
    fn all_words_are_normalised() {
        for words in &WORDS {
            let others = [COMMON_WORDS, SECOND_WORDS, REMARKS].concat();
            for word in words.core.iter().chain(words.others).chain(&others) {
                assert_eq!(normalise(word), *word);
            }
        }
    }

    #[test]
    fn names_of_phone_and_email_columns_are_made_of_known_words() {
        let named = |column: &str| {
            let ranks = Attribute::ALL.map(|attribute| Some((attribute, spellings::rank(column, attribute)?)));
            ranks.into_iter().flatten().collect::<Vec<_>>()
        };
        for column in [
            "Número de WhatsApp",
            "WhatsApp Phone Number",
            "Mobile Phone Number",
            "mobilePhone",
            "PHONE_NUMBER",
            "Teléfono del trabajo",
            "Tele\u{301}fono mo\u{301}vil",
            "Teléfono particular",
            "Telefone Celular",
            "Telemóvel",
            "Phone 1 - Value",
            "Teléfono 1 - Valor",
            "Person - Phone - Mobile",
            "N.º de teléfono",
            "Nº de celular",
            "Tel.",
            "Cel / WhatsApp",
            "Teléfono (con código de área)",
            "Telefone com DDD",
            "Celular (sin 0 ni 15) *",
            "Contact Number",
            "¿Cuál es tu número de teléfono?",
        ] {
            assert_eq!(named(column), [(Attribute::Phone, Rank::FIRST)], "{column}");
        }
        for column in [
            "E-mail Address",
            "Dirección de correo electrónico",
            "Endereço de e-mail",
            "Endereço de correio eletrónico",
            "Correo electrónico principal",
            "Primary Email",
            "E-mail 1 - Value",
            "Person - Email - Work",
            "Person - Email 1",
            "emailAddress",
            "Tu correo",
            "Email *",
        ] {
            assert_eq!(named(column), [(Attribute::Email, Rank::FIRST)], "{column}");
        }
        let (phone, email) = (Attribute::Phone, Attribute::Email);
        for (column, attribute, rank) in [
            ("Phone 0", phone, Rank(0)),
            ("phones.0.value", phone, Rank(0)),
            ("Teléfono 01", phone, Rank::FIRST),
            ("Phone 2", phone, Rank(2)),
            ("Telefono2", phone, Rank(2)),
            ("Home Phone 2", phone, Rank(2)),
            ("Phone 12 - Value", phone, Rank(12)),
            ("Segundo teléfono", phone, Rank::LAST),
            ("Teléfono (alternativo)", phone, Rank::LAST),
            ("E-mail 2 Address", email, Rank(2)),
            ("E-mail 2 - Value", email, Rank(2)),
            ("Dirección de correo electrónico 2", email, Rank(2)),
            ("2nd email", email, Rank::LAST),
            ("Secondary Email", email, Rank::LAST),
            ("Alternate Email 1", email, Rank::LAST),
            ("Additional email addresses", email, Rank::LAST),
        ] {
            assert_eq!(named(column), [(attribute, rank)], "{column}");
        }
        for column in [
            "E-mail Type",
            "E-mail 1 - Label",
            "Phone 1 - Type",
            "Home Fax",
            "Fax Number",
            "Company Main Phone",
            "Assistant's Phone",
            "Phone country code",
            "Email 365",
            "Phone or email",
            "Email Opt Out",
            "Address",
            "Dirección",
            "Number",
            "Contact",
            "Home",
        ] {
            assert_eq!(named(column), [], "{column}");
        }
    }
}
