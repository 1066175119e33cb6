//! The levels at which two records agree in a field.

use strum::{Display, IntoStaticStr, VariantArray};

/// A field that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Display, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Field {
    ExternalId,
    Phone,
    Email,
    Name,
}

/// How two external ids agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ExternalIdLevel {
    Same,
    Different,
}

/// How two phones agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum PhoneLevel {
    /// The same E.164 and the same extension.
    Same,
    /// The same match key. E.164 differs, or one of the phones has no extension.
    SameLine,
    /// Two extensions of one number.
    OtherExtension,
    /// The last eight digits are the same, or the numbers differ by one typing error.
    Similar,
    Different,
}

/// How two emails agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum EmailLevel {
    Same,
    /// The same address of a role such as `info@`, which several people can have.
    SameRole,
    /// Aliases of one mailbox.
    SameMailbox,
    /// One or two typing errors.
    Typing,
    /// More typing errors in a long address.
    Similar,
    /// The same local part at another domain.
    SameLocal,
    /// The addresses differ, but both are made of the name that the records share. Says nothing beyond the name.
    MadeOfName,
    /// One record has only an email, and its local part has the words of the other record's name.
    NameOnly,
    Different,
}

/// How two names agree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum NameLevel {
    Same,
    /// The same words in another order.
    Swapped,
    /// A nickname stands for a word.
    Nickname,
    /// An initial stands for a word. Other words of one name can be missing in the other one.
    Initials,
    /// A word has one or two typing errors.
    Typing,
    /// One name has all words of the other one, and more.
    PartMissing,
    /// Several words agree, also the first ones. Both names have other words that do not.
    MostWords,
    /// Only the first words agree. Both names have other words that do not.
    SameFirstWord,
    /// Words agree that are not the first ones of both names. Both names have words that do not.
    SameOtherWord,
    /// No word agrees, and one of the names has a single word.
    DifferentShort,
    /// No word agrees, and both names are full.
    Different,
}

/// The level of a field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Level {
    ExternalId(ExternalIdLevel),
    Phone(PhoneLevel),
    Email(EmailLevel),
    Name(NameLevel),
}

impl Level {
    /// All levels, in the order of the fields.
    pub fn all() -> impl Iterator<Item = Self> {
        let external_ids = ExternalIdLevel::VARIANTS.iter().copied().map(Self::ExternalId);
        let phones = PhoneLevel::VARIANTS.iter().copied().map(Self::Phone);
        let emails = EmailLevel::VARIANTS.iter().copied().map(Self::Email);
        let names = NameLevel::VARIANTS.iter().copied().map(Self::Name);
        external_ids.chain(phones).chain(emails).chain(names)
    }

    pub fn field(self) -> Field {
        match self {
            Self::ExternalId(_) => Field::ExternalId,
            Self::Phone(_) => Field::Phone,
            Self::Email(_) => Field::Email,
            Self::Name(_) => Field::Name,
        }
    }

    /// The name of the level within its field, as the parameter file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExternalId(level) => level.into(),
            Self::Phone(level) => level.into(),
            Self::Email(level) => level.into(),
            Self::Name(level) => level.into(),
        }
    }

    /// The place of the level in [`Level::all`].
    pub(super) fn place(self) -> usize {
        let phones = ExternalIdLevel::VARIANTS.len();
        let emails = phones + PhoneLevel::VARIANTS.len();
        let names = emails + EmailLevel::VARIANTS.len();
        match self {
            Self::ExternalId(level) => level as usize,
            Self::Phone(level) => phones + level as usize,
            Self::Email(level) => emails + level as usize,
            Self::Name(level) => names + level as usize,
        }
    }

    /// Whether the records share a phone, a mailbox or an external id at this level.
    pub(super) fn is_shared_contact(self) -> bool {
        match self {
            Self::ExternalId(level) => level == ExternalIdLevel::Same,
            Self::Phone(level) => !matches!(level, PhoneLevel::Similar | PhoneLevel::Different),
            Self::Email(level) => {
                matches!(level, EmailLevel::Same | EmailLevel::SameRole | EmailLevel::SameMailbox)
            }
            Self::Name(_) => false,
        }
    }

    /// Whether phones or emails differ, but could be one with typing errors.
    pub(super) fn is_alike(self) -> bool {
        match self {
            Self::Phone(level) => level == PhoneLevel::Similar,
            Self::Email(level) => {
                matches!(level, EmailLevel::Typing | EmailLevel::Similar | EmailLevel::SameLocal)
            }
            Self::ExternalId(_) | Self::Name(_) => false,
        }
    }
}

impl NameLevel {
    /// Whether the names are those of two people.
    pub(super) fn is_contradiction(self) -> bool {
        matches!(
            self,
            Self::SameFirstWord | Self::SameOtherWord | Self::DifferentShort | Self::Different
        )
    }
}
