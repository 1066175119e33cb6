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
/// `assistant`, `secondary`. So do the numbers from 2 on, because the exporting program ranks such a column after
/// another.
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
    "1",
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

/// Whether words for the attribute make up the column's name, which has no remark.
pub(super) fn name(column: &str, attribute: Attribute) -> bool {
    WORDS
        .iter()
        .any(|words| words.attribute == attribute && words.make(column))
}

impl Words {
    fn make(&self, column: &str) -> bool {
        let words = words(column);
        let is_core = |word: &String| self.core.contains(&word.as_str());
        let is_other = |word: &str| self.others.contains(&word) || COMMON_WORDS.contains(&word);
        words.iter().any(is_core) && words.iter().all(|word| is_core(word) || is_other(word))
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
    use crate::transfer::spellings::names;

    #[test]
    fn all_words_are_normalised() {
        for words in &WORDS {
            let all = words.core.iter().chain(words.others).chain(COMMON_WORDS).chain(REMARKS);
            for word in all {
                assert_eq!(normalise(word), *word);
            }
        }
    }

    #[test]
    fn names_of_phone_and_email_columns_are_made_of_known_words() {
        let named = |column: &str| {
            Attribute::ALL
                .into_iter()
                .filter(|attribute| names(column, *attribute))
                .collect::<Vec<_>>()
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
            assert_eq!(named(column), [Attribute::Phone], "{column}");
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
            assert_eq!(named(column), [Attribute::Email], "{column}");
        }
        for column in [
            "E-mail 2 Address",
            "E-mail 2 - Value",
            "Dirección de correo electrónico 2",
            "Secondary Email",
            "Alternate Email 1",
            "Additional email addresses",
            "Phone 2",
            "Home Phone 2",
            "E-mail Type",
            "E-mail 1 - Label",
            "Phone 1 - Type",
            "Home Fax",
            "Fax Number",
            "Company Main Phone",
            "Assistant's Phone",
            "Phone country code",
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
