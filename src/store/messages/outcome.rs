//! The effects of messages.

/// The effect of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageOutcome {
    /// The message made its contact.
    Created,
    /// The message changed its contact.
    Updated,
    /// The contact has this message or later ones already.
    Unchanged,
    /// The contact doesn't exist.
    NotFound,
    /// The message is more than five minutes ahead of the database's clock, and was not recorded.
    Ahead,
}

/// The result of recording a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    pub outcome: MessageOutcome,
    /// Whether the contact kept its phone, because it is better than the message's. All else was written.
    pub keeps_phone: bool,
}

impl From<MessageOutcome> for Recorded {
    /// The result, if the contact did not keep a better phone.
    fn from(outcome: MessageOutcome) -> Self {
        Self {
            outcome,
            keeps_phone: false,
        }
    }
}
