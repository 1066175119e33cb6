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
