//! `GET /docs`: the API reference.

use actix_web::{HttpRequest, HttpResponse};

use super::files::{Keeping, reference};

/// Answers with the page.
pub async fn show_reference(request: HttpRequest) -> HttpResponse {
    reference().page().answer(&request, Keeping::Ask)
}
