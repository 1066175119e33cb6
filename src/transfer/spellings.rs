//! The usual names of columns, among them those in the exports of Outlook, Google Contacts, Google Forms, Thunderbird,
//! iCloud, HubSpot, Salesforce, Zoho and Pipedrive.

use super::column_words::{self, Rank};
use super::fold::normalise;
use crate::domain::contact::Attribute;

/// The usual names of columns in English, Spanish and Portuguese, as [`normalise`] returns them. A header with two
/// columns for the same attribute is ambiguous: with two phone columns, a row may have its only phone in either of them.
///
/// Phone and email columns are also recognised by the [words](column_words) in their names.
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

/// The column's rank among the columns of the attribute. `None` if its name is not usual for the attribute.
pub(super) fn rank(column: &str, attribute: Attribute) -> Option<Rank> {
    let column = column_words::without_remark(column);
    let normalised = normalise(column);
    let is_listed = SPELLINGS
        .iter()
        .any(|(listed, spellings)| *listed == attribute && spellings.contains(&normalised.as_str()));
    if is_listed {
        Some(Rank::FIRST)
    } else {
        column_words::rank(column, attribute)
    }
}

/// Whether the column's name is usual for any attribute, or for a part of a name.
pub(super) fn is_known(column: &str) -> bool {
    let normalised = normalise(column);
    [FIRST_NAMES, LAST_NAMES]
        .iter()
        .any(|names| names.contains(&normalised.as_str()))
        || Attribute::ALL
            .into_iter()
            .any(|attribute| rank(column, attribute).is_some())
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
