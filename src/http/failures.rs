//! The failures of an operation: those that it documents, and those that its access, its parameters, its body and the
//! middleware add. The specification and the metrics list them.

use std::collections::BTreeSet;

use actix_web::ResponseError;
use actix_web::http::Method;

use super::documentation::In;
use super::error::{ApiError, BodyFault, ParameterFault};
use super::middleware::auth::Access;
use super::routes::Operation;
use crate::domain::key::Scope;

/// An error of each kind that the operation can answer, the smallest status first.
pub fn failures(operation: &Operation) -> Vec<ApiError> {
    let documentation = operation.documentation;
    let mut failures = of_access(operation.access);
    failures.extend((documentation.failures)());
    let mut queries = documentation.parameters.iter().filter(|one| one.place == In::Query);
    if let Some(parameter) = queries.next() {
        let name = parameter.name;
        let faults = [
            ParameterFault::Escape,
            ParameterFault::TooLong,
            ParameterFault::Repeated,
        ];
        failures.extend(faults.map(|fault| ApiError::Parameter { name, fault }));
    }
    if let Some(body) = &documentation.body {
        failures.push(BodyFault::Broken.into());
        failures.push(ApiError::BodyTooLarge { max: body.max });
        // A webhook skips a delivery that is not JSON.
        if operation.access != Access::Webhook {
            failures.push(BodyFault::NotJson { line: 1, column: 18 }.into());
        }
    }
    failures.extend([ApiError::TargetTooLong, ApiError::Internal("".into())]);
    // The operations without a credential need no connection.
    if operation.access != Access::Public {
        failures.extend([ApiError::Busy, ApiError::NoDatabase("".into()), ApiError::TooLate]);
    }
    let is_delivery = operation.access == Access::Webhook && operation.method == Method::POST;
    if is_delivery || operation.access == Access::Key(Scope::Write) {
        failures.push(ApiError::ReadOnly("".into()));
    }
    // A stable sort: the errors of one status keep their order.
    failures.sort_by_key(ResponseError::status_code);
    failures
}

fn of_access(access: Access) -> Vec<ApiError> {
    match access {
        Access::Key(needed) => {
            let others = Scope::ALL.into_iter().filter(|scope| *scope != needed);
            let has = others.take(1).collect();
            let seconds = 3;
            vec![
                ApiError::KeyMissing,
                ApiError::KeyUnknown,
                ApiError::KeyEnded,
                ApiError::ScopeMissing { needed, has },
                ApiError::TooMany { seconds },
            ]
        }
        // The token in the path is the key.
        Access::Webhook => vec![ApiError::NotFound],
        Access::Public => Vec::new(),
    }
}

/// The statuses of the operation's failures.
pub fn failure_statuses(operation: &Operation) -> BTreeSet<u16> {
    let failures = failures(operation);
    failures.iter().map(|error| error.status_code().as_u16()).collect()
}
