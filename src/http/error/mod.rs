//! Errors of requests: one enum, a code for each kind, three shapes of the body, two languages.

mod api_error;
mod chain;
mod code;
mod english;
mod shape;
mod spanish;

pub use self::api_error::{ApiError, BodyFault, Expected, ParameterFault};
pub use self::chain::chain;
pub use self::code::{ErrorCode, ErrorText};
pub use self::shape::{ErrorBody, ErrorShape, LookupError, Problem, PublicError};
