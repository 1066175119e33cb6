//! Reads a change of a contact from a JSON body. The APIs that change single contacts differ in the names of the members.

use super::body::{self, Members};
use crate::domain::contact::{Attribute, Changes, ContactEdit};
use crate::domain::phone::Region;
use crate::http::error::{ApiError, BodyFault, Expected};
use crate::store::contacts::EditRefusal;

/// The number of attributes that a change can set.
const EDITABLE: usize = 8;

/// An API's names of the members that change a contact.
pub struct EditMembers {
    /// The member of each attribute.
    pub name_of: fn(Attribute) -> &'static str,
    /// All members, for an error.
    pub all: [&'static str; EDITABLE],
}

/// Reads a change. An absent member leaves the contact's value as it is. `null` and a blank text clear the name, the
/// phone, the email and the stage, and are errors for the other attributes. Unknown members are ignored.
///
/// # Errors
/// [`BodyFault::NoChange`] if all members are absent, and the fault of the first wrong member.
pub fn read_edit(members: &Members, names: &'static EditMembers, region: Region) -> Result<ContactEdit, BodyFault> {
    let EditMembers { name_of, all } = names;
    if !all.iter().any(|name| members.has(name)) {
        return Err(BodyFault::NoChange { names: all });
    }
    let read = Reader {
        members,
        name_of: *name_of,
    };
    let changes = Changes {
        name: read.clearable(Attribute::Name, Members::text)?,
        phone: read.clearable(Attribute::Phone, Members::text)?,
        email: read.clearable(Attribute::Email, Members::text)?,
        default_stage_id: read.clearable(Attribute::DefaultStageId, Members::uuid)?,
        chat_status: read.settable(Attribute::ChatStatus, Members::text)?,
        blocked: read.settable(Attribute::Blocked, Members::flag)?,
        is_chat_read: read.settable(Attribute::IsChatRead, Members::flag)?,
        contact_list: read.settable(Attribute::ContactList, Members::text)?,
    };
    ContactEdit::new(changes, region).map_err(|error| body::fault_of(&error, *name_of, "'phone' or 'email'"))
}

/// An error of each kind that a change can end with.
pub fn failures(names: &'static EditMembers) -> Vec<ApiError> {
    let EditMembers { name_of, all } = names;
    let faults = [
        BodyFault::NoChange { names: all },
        BodyFault::Member {
            name: name_of(Attribute::Blocked),
            expected: Expected::Flag,
        },
        BodyFault::Missing {
            name: name_of(Attribute::ChatStatus),
        },
        BodyFault::TooLong {
            name: name_of(Attribute::Name),
            max: 512,
        },
    ];
    let refusals = [
        EditRefusal::WorsePhone,
        EditRefusal::NoIdentity,
        EditRefusal::NotFound,
        EditRefusal::Taken,
    ];
    let faults = faults.map(ApiError::Body).into_iter();
    faults.chain(refusals.map(ApiError::from)).collect()
}

/// Reads the member of an attribute.
struct Reader<'a> {
    members: &'a Members<'a>,
    name_of: fn(Attribute) -> &'static str,
}

/// Reads a member of one type; `None` if it has no value.
type Read<'a, T> = fn(&Members<'a>, &'static str) -> Result<Option<T>, BodyFault>;

impl<'a> Reader<'a> {
    /// A present member without a value clears the contact's value.
    fn clearable<T>(&self, attribute: Attribute, read: Read<'a, T>) -> Result<Option<Option<T>>, BodyFault> {
        let name = (self.name_of)(attribute);
        let value = read(self.members, name)?;
        Ok(self.members.has(name).then_some(value))
    }

    /// A present member without a value is an error.
    fn settable<T>(&self, attribute: Attribute, read: Read<'a, T>) -> Result<Option<T>, BodyFault> {
        let name = (self.name_of)(attribute);
        let value = read(self.members, name)?;
        if self.members.has(name) && value.is_none() {
            return Err(BodyFault::Missing { name });
        }
        Ok(value)
    }
}
