//! The rules that can change how a text is read, as a trace for people. The functions that read a number note each rule
//! when they apply it.

use strum::{IntoStaticStr, VariantArray};

/// A rule that was applied to a text. Its name is in kebab case, such as `argentina-mobile-15`. A name never changes
/// and never gets another meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Rule {
    // In the order in which the rules are applied: `Rules` relies on it.
    InvisibleCharacters,
    OtherScripts,
    LostPlus,
    #[strum(serialize = "whatsapp-id")]
    WhatsAppId,
    ChatLink,
    #[strum(serialize = "whatsapp-prefix")]
    WhatsAppPrefix,
    SipAddress,
    AddressParameters,
    DecimalZero,
    ServiceCode,
    IndexRemoved,
    LabelRemoved,
    DigitsBeforePlus,
    CarrierPlaceholder,
    Cleaned,
    ExtensionSplit,
    RemarkRemoved,
    VanityLetters,
    #[strum(serialize = "whatsapp-platform")]
    WhatsAppPlatform,
    OwnCallingCode,
    AreaCodeInBrackets,
    #[strum(serialize = "mexico-north-american-number")]
    MexicoNorthAmericanNumber,
    NationalReading,
    DoubleZero,
    InternationalPrefix,
    InternationalReading,
    NationalPrefix,
    MexicoOldPrefix,
    ArgentinaTrunkZero,
    #[strum(serialize = "argentina-mobile-15")]
    ArgentinaMobile15,
    BrazilTrunkPrefix,
    BrazilCarrierCode,
    BrazilNinthDigit,
    ChileTrunkZero,
    ChileMobile,
    ColombiaDiallingPrefix,
    Renumbered,
    IvoryCoastUnlistedBlock,
    ArgentinaMatchKey,
    BrazilMatchKey,
    DigitsAsMatchKey,
}

impl Rule {
    /// The name, for programs.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// An English sentence that says what the rule did.
    pub fn sentence(self) -> &'static str {
        match self {
            Rule::InvisibleCharacters => "Characters without a glyph, such as direction marks, were removed.",
            Rule::OtherScripts => "Digits and signs of other scripts were read as 0 to 9 and ASCII signs.",
            Rule::LostPlus => "The blank at the start of the parameter was read as a + that was not encoded as %2B.",
            Rule::WhatsAppId => "The text is a WhatsApp id: digits with their calling code, then a suffix.",
            Rule::ChatLink => "The number was taken from a link to a chat. It begins with its calling code.",
            Rule::WhatsAppPrefix => "The prefix whatsapp: was removed. The number begins with its calling code.",
            Rule::SipAddress => "The number was taken from a SIP address.",
            Rule::AddressParameters => "Parameters after a semicolon, such as ;phone-context=…, were split off.",
            Rule::DecimalZero => "The decimal zero that a spreadsheet added was removed.",
            Rule::ServiceCode => "The code that hides or shows the caller's number was removed.",
            Rule::IndexRemoved => "The index or the numbered label before the number was removed.",
            Rule::LabelRemoved => "The words before the number were removed.",
            Rule::DigitsBeforePlus => "The digits before the + were removed.",
            Rule::CarrierPlaceholder => "Brazil: the placeholder for a carrier, as in 0xx11, was removed.",
            Rule::Cleaned => "Blanks, hyphens, brackets and other signs between the digits were removed.",
            Rule::ExtensionSplit => "The extension was split off. It is stored apart from the number.",
            Rule::RemarkRemoved => "The remark after the number was removed.",
            Rule::VanityLetters => "The letters were read as the digits on their keys.",
            Rule::WhatsAppPlatform => {
                "The contact is on a platform of WhatsApp, so digits without a + are first read with a calling code."
            }
            Rule::OwnCallingCode => {
                "The digits are the region's calling code and a valid mobile number, so they are read that way first."
            }
            Rule::AreaCodeInBrackets => "Brackets at the start mark an area code, so the number is national first.",
            Rule::MexicoNorthAmericanNumber => {
                "Mexico: a 1 and ten digits are a North American number, because that is a valid one."
            }
            Rule::NationalReading => "The digits were read as dialled within the region.",
            Rule::DoubleZero => "The 00 before the calling code was read as a +.",
            Rule::InternationalPrefix => "The region's international prefix was read as a +.",
            Rule::InternationalReading => "The digits were read as a calling code and a number.",
            Rule::NationalPrefix => "The national prefix was removed or replaced, as Google's metadata says.",
            Rule::MexicoOldPrefix => "Mexico: the 1, 01, 044 or 045 from before 2019 was removed.",
            Rule::ArgentinaTrunkZero => "Argentina: the trunk 0 was removed.",
            Rule::ArgentinaMobile15 => "Argentina: the 15 after the area code became a 9 before it.",
            Rule::BrazilTrunkPrefix => "Brazil: the 0 of a trunk call or the 90 of a collect call was removed.",
            Rule::BrazilCarrierCode => "Brazil: the carrier code was removed.",
            Rule::BrazilNinthDigit => "Brazil: the mobile number got its ninth digit.",
            Rule::ChileTrunkZero => "Chile: the trunk 0 was removed.",
            Rule::ChileMobile => "Chile: nine digits that begin with 9 are a mobile number, whatever their block.",
            Rule::ColombiaDiallingPrefix => "Colombia: the 0 of a trunk call, with its carrier code, was removed.",
            Rule::Renumbered => "The country has put digits before its old numbers. The number got these digits.",
            Rule::IvoryCoastUnlistedBlock => "Ivory Coast: the block is in use, though Google's metadata lacks it.",
            Rule::ArgentinaMatchKey => {
                "Argentina: the match key has the 9 of a mobile, whether the number has it or not."
            }
            Rule::BrazilMatchKey => "Brazil: the match key has the ninth digit, whether the number has it or not.",
            Rule::DigitsAsMatchKey => "The match key is the digits as written.",
        }
    }
}

/// The rules that were applied to a text. One word of memory, so that noting a rule costs nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Rules(u64);

const _: () = assert!(Rule::VARIANTS.len() <= u64::BITS as usize);

impl Rules {
    /// Notes that the rule was applied.
    pub fn note(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u32;
    }

    /// Notes the rule if it was applied.
    pub fn note_if(&mut self, was_applied: bool, rule: Rule) {
        self.0 |= u64::from(was_applied) << rule as u32;
    }

    /// All but this rule.
    pub fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u32))
    }

    /// Both the rules of `self` and the others.
    pub fn with(self, others: Rules) -> Self {
        Self(self.0 | others.0)
    }

    /// The rules in the order in which they were applied.
    pub fn in_order(self) -> Vec<Rule> {
        let was_applied = |rule: &Rule| self.0 & (1 << *rule as u32) != 0;
        Rule::VARIANTS.iter().copied().filter(was_applied).collect()
    }
}
