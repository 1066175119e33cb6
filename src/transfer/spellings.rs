//! The usual names of columns, among them those in the exports of Outlook, Google Contacts, Google Forms, Thunderbird,
//! iCloud, HubSpot, Salesforce, Zoho and Pipedrive.

use crate::domain::contact::Attribute;

/// The usual names of columns in English, Spanish and Portuguese, as [`normalise`] returns them. A header with two
/// columns for the same attribute is ambiguous: with two phone columns, a row may have its only phone in either of them.
///
/// Phone and email columns are also recognised by the [`Words`] in their names.
pub(super) const SPELLINGS: [(Attribute, &[&str]); 15] = [
    (
        Attribute::Name,
        &[
            "name",
            "fullname",
            "contactname",
            "displayname",
            "nombre",
            "nombrecompleto",
            "nombreyapellido",
            "nombreyapellidos",
            "nombresyapellidos",
            "apellidoynombre",
            "apellidosynombre",
            "apellidosynombres",
            "nombredelcontacto",
            "nombredecontacto",
            "nombredelcliente",
            "nombreparamostrar",
            "nombreamostrar",
            "nombremostrado",
            "nome",
            "nomecompleto",
            "nomeesobrenome",
            "nomedocontato",
            "nomedocliente",
            "nomedeexibicao",
            "nomeparaexibicao",
            "nomeaapresentar",
            "fn",
            "formattedname",
            "customername",
            "personname",
            "yourname",
            "firstandlastname",
        ],
    ),
    (
        Attribute::Phone,
        &[
            "phone",
            "phonenumber",
            "phoneno",
            "phone1value",
            "contactphone",
            "contactphonenumber",
            "telephone",
            "tel",
            "mobile",
            "mobilephone",
            "mobilenumber",
            "cell",
            "cellphone",
            "msisdn",
            "whatsapp",
            "whatsappnumber",
            "telefono",
            "numerodetelefono",
            "numerotelefono",
            "telefonocelular",
            "telefonomovil",
            "celular",
            "numerodecelular",
            "movil",
            "telefone",
            "numerodetelefone",
            "contactnumber",
            "contactno",
            "numerodecontacto",
            "numerodecontato",
        ],
    ),
    (
        Attribute::Email,
        &[
            "email",
            "emailaddress",
            "email1value",
            "contactemail",
            "mail",
            "mailaddress",
            "correo",
            "correoelectronico",
            "direcciondecorreo",
            "enderecodeemail",
        ],
    ),
    (Attribute::Platform, &["platform", "channel", "plataforma", "canal"]),
    (
        Attribute::Source,
        &["source", "origin", "origen", "fuente", "origem", "fonte"],
    ),
    (
        Attribute::ChatStatus,
        &["chatstatus", "estadodelchat", "estadochat", "statusdochat"],
    ),
    (Attribute::Blocked, &["blocked", "isblocked", "bloqueado"]),
    (
        Attribute::IsChatRead,
        &["ischatread", "chatread", "chatleido", "chatlido"],
    ),
    (
        Attribute::CreatedAt,
        &[
            "createdat",
            "created",
            "createdon",
            "creationdate",
            "datecreated",
            "creado",
            "creadoel",
            "fechacreacion",
            "fechadecreacion",
            "criadoem",
            "datadecriacao",
        ],
    ),
    (
        Attribute::LastMessageAt,
        &[
            "lastmessageat",
            "lastmessage",
            "lastmessagedate",
            "ultimomensaje",
            "fechaultimomensaje",
            "fechadelultimomensaje",
            "ultimamensagem",
        ],
    ),
    (
        Attribute::LastInboundAt,
        &[
            "lastinboundat",
            "lastinbound",
            "lastinboundmessage",
            "lastinboundmessageat",
            "lastreplyat",
            "lastreply",
            "ultimarespuesta",
            "ultimaresposta",
        ],
    ),
    (
        Attribute::ContactList,
        &[
            "contactlist",
            "contactlistname",
            "list",
            "listname",
            "lista",
            "listadecontactos",
            "listadecontatos",
        ],
    ),
    (
        Attribute::ExternalUserId,
        &["externaluserid", "externalid", "idexterno"],
    ),
    // "stage" and "etapa" are missing, because such columns contain names instead of UUIDs.
    (
        Attribute::DefaultStageId,
        &["defaultstageid", "stageid", "idetapa", "iddeetapa", "iddaetapa"],
    ),
    (Attribute::AiCustomerId, &["aicustomerid", "idclienteia"]),
];

/// Names of columns with the first part of a name.
pub(super) const FIRST_NAMES: &[&str] = &[
    "firstname",
    "givenname",
    "forename",
    "personfirstname",
    "contactfirstname",
    "nombres",
    "primernombre",
    "nombredepila",
    "primeironome",
    "nomeproprio",
];

/// Names of columns with the last part of a name.
pub(super) const LAST_NAMES: &[&str] = &[
    "lastname",
    "surname",
    "familyname",
    "personlastname",
    "contactlastname",
    "apellido",
    "apellidos",
    "sobrenome",
    "ultimonome",
];

/// Names of columns that contain the whole name. If the header also has a column for the last name, they contain only
/// the first name.
pub(super) const NAMES_OR_FIRST_NAMES: &[&str] = &["name", "nombre", "nome"];

/// Names of columns that contain the last name in Portugal, beside a column for the first name. In Brazil they contain
/// a nickname.
pub(super) const LAST_NAMES_IN_PORTUGAL: &[&str] = &["apelido"];

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

/// Words that do not change the meaning of a phone or email column. Other words change it: `type`, `fax`, `company`,
/// `assistant`, `secondary`. Numbers above 1 change it too, because the exporting program ranks such a column after
/// another one.
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

/// Whether the column's name is usual for the attribute.
pub(super) fn is_usual(column: &str, attribute: Attribute) -> bool {
    let column = without_remark(column);
    let normalised = normalise(column);
    let is_listed = SPELLINGS
        .iter()
        .any(|(listed, spellings)| *listed == attribute && spellings.contains(&normalised.as_str()));
    is_listed
        || WORDS
            .iter()
            .any(|words| words.attribute == attribute && words.match_name(column))
}

/// Whether the column's name is usual for any attribute, or for a part of a name.
pub(super) fn is_known(column: &str) -> bool {
    let normalised = normalise(column);
    [FIRST_NAMES, LAST_NAMES]
        .iter()
        .any(|names| names.contains(&normalised.as_str()))
        || Attribute::ALL.into_iter().any(|attribute| is_usual(column, attribute))
}

impl Words {
    fn match_name(&self, column: &str) -> bool {
        let words = words(column);
        let is_core = |word: &String| self.core.contains(&word.as_str());
        let is_other = |word: &str| self.others.contains(&word) || COMMON_WORDS.contains(&word);
        words.iter().any(is_core) && words.iter().all(|word| is_core(word) || is_other(word))
    }
}

/// The column's name before a remark in brackets at its end.
fn without_remark(column: &str) -> &str {
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

/// Whether the character only adds an accent to the letter before it, or marks an ordinal number, as in `n.º`.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | 'º' | 'ª')
}

/// A lower-case letter without its accent.
fn fold(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// A text in lower case and without accents, whatever its Unicode normalisation.
pub(super) fn fold_text(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .filter(|character| !is_mark(*character))
        .map(fold)
        .collect()
}

/// A column's name without case, accents, blanks, dashes and underscores.
pub(super) fn normalise(column: &str) -> String {
    fold_text(column)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_normalised_spellings_and_its_own_name_stands_first() {
        assert_eq!(SPELLINGS.map(|(attribute, _)| attribute), Attribute::ALL);
        for (attribute, spellings) in SPELLINGS {
            assert_eq!(spellings[0], normalise(attribute.name()));
            assert!(spellings.iter().all(|spelling| normalise(spelling) == *spelling));
        }
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
                .filter(|attribute| is_usual(column, *attribute))
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
