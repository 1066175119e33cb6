//! The usual names of columns.

use crate::domain::contact::Attribute;

/// The usual names of columns in English, Spanish and Portuguese, as [`normalise`] returns them. A header with two
/// columns for the same attribute is ambiguous: with two phone columns, a row may have its only phone in either of them.
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
            "nome",
            "nomecompleto",
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
pub(super) const FIRST_NAMES: &[&str] = &["firstname", "givenname", "nombres", "primernombre", "primeironome"];

/// Names of columns with the last part of a name.
pub(super) const LAST_NAMES: &[&str] = &[
    "lastname",
    "surname",
    "familyname",
    "apellido",
    "apellidos",
    "sobrenome",
];

/// Names of columns that contain the whole name. If the header also has a column for the last name, they contain only
/// the first name.
pub(super) const NAMES_OR_FIRST_NAMES: &[&str] = &["name", "nombre", "nome"];

/// A column's name without case, accents, blanks, dashes and underscores.
pub(super) fn normalise(column: &str) -> String {
    let folded = column.chars().flat_map(char::to_lowercase).map(|letter| match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    });
    // A combining accent is not alphanumeric, so it is removed and its letter stays.
    folded.filter(|letter| letter.is_alphanumeric()).collect()
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
    }
}
