//! `GET /docs`: the API reference.

use actix_web::{HttpRequest, HttpResponse};

use super::files::reference;
use crate::http::endpoints::site::Keeping;

/// Answers with the page.
pub async fn show_reference(request: HttpRequest) -> HttpResponse {
    reference().page().answer(&request, Keeping::Ask)
}
