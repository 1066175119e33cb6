//! The columns in the exports of widespread programs.
//!
//! The import knows all columns of such a file, so it reads every phone of a row, where the same columns in an unknown
//! file would be ambiguous.

use super::fold::normalise;
use crate::domain::contact::Attribute;

/// The columns of a program's export, by their names as [`normalise`] returns them. `#` stands for a number.
#[derive(Debug)]
pub(super) struct Layout {
    /// The file by the program that wrote it, for messages.
    pub program: &'static str,
    /// A header is the program's if it has a column of each group.
    signature: &'static [&'static [&'static str]],
    /// The parts of a name. If all columns of the first group are blank, those of the next group are the name.
    names: &'static [&'static [&'static str]],
    /// The columns of phones, the most personal ones first.
    phones: &'static [&'static str],
    /// The columns that say what kind of phone the phone column with the same number has.
    phone_labels: &'static [&'static str],
    /// The columns of emails, in the order of preference.
    emails: &'static [&'static str],
}

// Not read: faxes, pagers, the phones of assistants, and `Company Main Phone`, which all colleagues share. Ids of other
// programs do not identify a person on a channel, and several phones of a person can't share one.
const LAYOUTS: [Layout; 8] = [
    Layout {
        program: "an export of Google Contacts",
        signature: &[&["firstname"], &["lastname"], &["phone1label", "email1label"]],
        names: &[
            &["firstname", "middlename", "lastname"],
            &["fileas"],
            &["nickname"],
            &["organizationname"],
        ],
        phones: &["phone#value"],
        phone_labels: &["phone#label"],
        emails: &["email#value"],
    },
    Layout {
        program: "an export of Google Contacts",
        signature: &[
            &["name"],
            &["givenname"],
            &["familyname"],
            &["phone1type", "email1type"],
        ],
        names: &[
            &["name"],
            &["givenname", "additionalname", "familyname"],
            &["nickname"],
            &["organization1name"],
        ],
        phones: &["phone#value"],
        phone_labels: &["phone#type"],
        emails: &["email#value"],
    },
    Layout {
        program: "an export of Outlook",
        signature: &[
            &["firstname"],
            &["middlename"],
            &["lastname"],
            &["emailaddress"],
            &["mobilephone", "businessphone", "homephone"],
        ],
        names: &[&["firstname", "middlename", "lastname"], &["nickname"], &["company"]],
        phones: &[
            "mobilephone",
            "primaryphone",
            "businessphone",
            "businessphone2",
            "homephone",
            "homephone2",
            "otherphone",
            "carphone",
        ],
        phone_labels: &[],
        emails: &["emailaddress", "email#address"],
    },
    Layout {
        program: "an export of Outlook",
        signature: &[
            &["nombre"],
            &["segundonombre"],
            &["apellidos"],
            &["direcciondecorreoelectronico"],
            &[
                "telefonomovil",
                "telefonodeltrabajo",
                "particular",
                "telefonoparticular",
            ],
        ],
        names: &[&["nombre", "segundonombre", "apellidos"], &["organizacion", "compania"]],
        phones: &[
            "telefonomovil",
            "telefonoprincipal",
            "telefonodeltrabajo",
            "telefonodeltrabajo2",
            "particular",
            "particular2",
            "telefonoparticular",
            "telefonoparticular2",
            "otrotelefono",
            "telefonodelautomovil",
        ],
        phone_labels: &[],
        emails: &[
            "direcciondecorreoelectronico",
            "direcciondecorreoelectronico#",
            "direcciondelcorreoelectronico#",
        ],
    },
    Layout {
        program: "an export of Outlook",
        signature: &[
            &["primeironome", "nome"],
            &["segundonome", "nomedomeio"],
            &["sobrenome"],
            &["enderecodeemail", "emailaddress"],
            &["telefonecelular", "telefonecomercial", "telefoneresidencial"],
        ],
        names: &[
            &["primeironome", "nome", "segundonome", "nomedomeio", "sobrenome"],
            &["empresa"],
        ],
        phones: &[
            "telefonecelular",
            "telefoneprincipal",
            "telefonecomercial",
            "telefonecomercial2",
            "telefoneresidencial",
            "telefoneresidencial2",
            "outrotelefone",
            "telefonedocarro",
        ],
        phone_labels: &[],
        emails: &["enderecodeemail", "emailaddress", "enderecodeemail#"],
    },
    Layout {
        program: "an export of HubSpot",
        signature: &[
            &["recordid", "contactid"],
            &["firstname"],
            &["lastname"],
            &["email"],
            &["phonenumber", "mobilephonenumber", "whatsappphonenumber"],
        ],
        names: &[&["firstname", "lastname"], &["companyname"]],
        phones: &["mobilephonenumber", "whatsappphonenumber", "phonenumber"],
        phone_labels: &[],
        emails: &["email", "workemail", "additionalemailaddresses"],
    },
    Layout {
        program: "an export of Salesforce",
        signature: &[
            &["contactid", "accountid", "accountowner"],
            &["firstname"],
            &["lastname"],
            &["email"],
            &["phone", "businessphone", "mobile", "mobilephone"],
        ],
        names: &[&["firstname", "middlename", "lastname"], &["accountname"]],
        phones: &[
            "mobilephone",
            "mobile",
            "phone",
            "businessphone",
            "homephone",
            "otherphone",
        ],
        phone_labels: &[],
        emails: &["email"],
    },
    Layout {
        program: "an export of Mailchimp",
        signature: &[
            &["emailaddress"],
            &["firstname"],
            &["lastname"],
            &["memberrating", "optintime", "leid", "euid"],
        ],
        names: &[&["firstname", "lastname"]],
        phones: &["smsphonenumber", "phonenumber", "phone"],
        phone_labels: &[],
        emails: &["emailaddress"],
    },
];

/// The properties of vCards.
pub(super) const VCARD: Layout = Layout {
    program: "vCards",
    signature: &[],
    names: &[&["fn"], &["n"], &["nickname"], &["org"]],
    phones: &["tel"],
    phone_labels: &[],
    emails: &["email"],
};

/// The layout of the program that writes such a header.
pub(super) fn recognise(header: &[String]) -> Option<&'static Layout> {
    let header = normalised(header);
    let has_any = |names: &&[&str]| header.iter().any(|column| names.contains(&column.as_str()));
    LAYOUTS.iter().find(|layout| layout.signature.iter().all(has_any))
}

impl Layout {
    /// The groups of columns of a name. The first group with a value is the name.
    pub(super) fn names(&self, header: &[String]) -> Vec<Vec<usize>> {
        let groups = self.names.iter().map(|names| columns(names, header));
        groups.filter(|columns| !columns.is_empty()).collect()
    }

    /// The columns of phones or emails, in the order of preference.
    pub(super) fn columns(&self, attribute: Attribute, header: &[String]) -> Vec<usize> {
        match attribute {
            Attribute::Phone => columns(self.phones, header),
            Attribute::Email => columns(self.emails, header),
            _ => Vec::new(),
        }
    }

    /// The columns with the labels of phones, each after the column of its phone.
    pub(super) fn phone_labels(&self, header: &[String]) -> Vec<(usize, usize)> {
        let [phones, labels] = [self.phones, self.phone_labels].map(|names| numbered(names, header));
        let mut pairs = Vec::new();
        for (number, phone) in phones {
            let same = labels.iter().filter(|(labelled, _)| *labelled == number);
            pairs.extend(same.map(|(_, label)| (phone, *label)));
        }
        pairs
    }
}

/// The columns with these names, in the order of the names and of their numbers.
fn columns(names: &[&str], header: &[String]) -> Vec<usize> {
    numbered(names, header).into_iter().map(|(_, column)| column).collect()
}

/// As [`columns`], each with its number.
fn numbered(names: &[&str], header: &[String]) -> Vec<(u32, usize)> {
    let header = normalised(header);
    let mut found = Vec::new();
    for name in names {
        let mut same: Vec<(u32, usize)> = header
            .iter()
            .enumerate()
            .filter_map(|(index, column)| Some((number(name, column)?, index)))
            .collect();
        same.sort_unstable();
        found.extend(same);
    }
    found
}

/// The number in the column's name in place of `#`, or 0 if the name has none. `None` for another name.
fn number(name: &str, column: &str) -> Option<u32> {
    match name.split_once('#') {
        None => (name == column).then_some(0),
        Some((before, after)) => column.strip_prefix(before)?.strip_suffix(after)?.parse().ok(),
    }
}

fn normalised(header: &[String]) -> Vec<String> {
    header.iter().map(|column| normalise(column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn all_names_are_normalised() {
        for layout in &LAYOUTS {
            let groups = layout.signature.iter().chain(layout.names).copied();
            for name in groups.chain([layout.phones, layout.emails]).flatten() {
                assert_eq!(normalise(name), name.replace('#', ""), "{}", layout.program);
            }
        }
    }

    #[test]
    fn numbered_columns_come_in_the_order_of_their_numbers() {
        let header = header(
            "First Name,Last Name,Phone 10 - Value,Phone 1 - Label,Phone 1 - Value,Phone 2 - Value,Phone 2 - Label",
        );
        let layout = recognise(&header).unwrap();
        assert_eq!(layout.program, "an export of Google Contacts");
        assert_eq!(layout.columns(Attribute::Phone, &header), [4, 5, 2]);
        assert_eq!(layout.phone_labels(&header), [(4, 3), (5, 6)]);
        assert_eq!(layout.names(&header), [[0, 1]]);
    }

    #[test]
    fn a_header_that_several_programs_write_is_no_known_layout() {
        for text in [
            "First Name,Last Name,Email,Phone,Mobile",
            "First Name,Last Name,E-mail Address,Home Phone,Mobile Phone",
            "Record Id,First Name,Last Name,Email,Secondary Email,Phone,Mobile,Home Phone",
            "Name,E-mail 1 - Value,Phone 1 - Value",
            "Email,Phone Number,Mobile Phone Number,WhatsApp Phone Number",
            "Email Address,First Name,Last Name,Phone Number",
        ] {
            assert!(recognise(&header(text)).is_none(), "{text}");
        }
    }
}
