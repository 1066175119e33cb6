//! Errors of requests: one enum, three shapes of the body, two languages.

mod api_error;
mod chain;
mod english;
mod shape;
mod spanish;

pub use self::api_error::{ApiError, BodyFault, Expected, ParameterFault};
pub use self::chain::chain;
pub use self::shape::{ErrorShape, LookupError, Problem, PublicError};
