//! The paths of files that are part of the program. They are not among the [`endpoints`](super::endpoints), because
//! browsers load them, and the specification describes calls of programs.

use actix_web::http::Method;
use actix_web::web::{resource, to};
use actix_web::{Resource, Route, guard};

use super::endpoints::reference::{reference_file, reference_page};
use super::error::ApiError;

/// A path that answers GET and HEAD with a file. It needs no key, since the file holds no contact.
pub struct StaticPath {
    paths: &'static [&'static str],
    route: fn() -> Route,
}

/// Every path of a file.
pub fn static_paths() -> [StaticPath; 2] {
    [
        StaticPath {
            paths: &["/docs", "/docs/"],
            route: || to(reference_page::show_reference),
        },
        StaticPath {
            paths: &["/docs/{version}/{file}"],
            route: || to(reference_file::show_reference_file),
        },
    ]
}

impl StaticPath {
    /// The actix resource.
    pub fn resource(&self) -> Resource {
        let is_read = guard::fn_guard(|context| [Method::GET, Method::HEAD].contains(&context.head().method));
        let refuse = || async {
            let allow = "GET, HEAD".to_owned();
            Err::<&'static str, _>(ApiError::MethodNotAllowed { allow })
        };
        resource(self.paths.to_vec())
            .route((self.route)().guard(is_read))
            .default_service(to(refuse))
    }
}
