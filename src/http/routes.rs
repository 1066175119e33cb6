//! The table of routes. The server registers its routes from it, and the specification and the tests read it. A second,
//! small table has the paths of pages.

use std::any::type_name;

use actix_web::guard::Guard;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{resource, to};
use actix_web::{FromRequest, Handler, Resource, Responder, Route, guard};

use super::documentation::Documentation;
use super::endpoints::ingest::{
    contact_batch, contact_by_id, contact_check, messages, normalization, whatsapp_webhook,
};
use super::endpoints::lookup::{contact_lookup, contact_lookup_batch};
use super::endpoints::ops::{error_codes, health, specification};
use super::endpoints::page::{demo_key, file_check, page_file, search_page};
use super::endpoints::public::{contact, contact_search, contact_upsert, recent_contacts};
use super::endpoints::query::contact_query;
use super::endpoints::reference::{reference_file, reference_page};
use super::error::ApiError;
use super::middleware::auth::{Access, authorize};
use crate::domain::key::Scope;

/// One path and its operations.
pub struct Endpoint {
    /// The documented path, with its parameters in braces. It answers with and without a trailing slash.
    pub path: &'static str,
    pub operations: Vec<Operation>,
}

/// One method of a path.
pub struct Operation {
    /// The name of the handler. The specification names the operation by it.
    pub id: &'static str,
    /// An operation on GET answers HEAD too.
    pub method: Method,
    pub access: Access,
    pub documentation: &'static Documentation,
    handler: Box<dyn Fn() -> Route>,
}

/// Every path of the API.
pub fn endpoints() -> Vec<Endpoint> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    const LOOKUP: Access = Access::Key(Scope::Lookup);
    const SEARCH: Access = Access::Key(Scope::Search);
    const WRITE: Access = Access::Key(Scope::Write);
    const WEBHOOK: Access = Access::Webhook;
    const PUBLIC: Access = Access::Public;
    // Rows of one path follow each other.
    #[rustfmt::skip]
    let rows = [
        ("/api/v1/contact-lookup/",          Operation::new(GET,    LOOKUP,  &contact_lookup::DOCUMENTATION,       contact_lookup::look_up_contact)),
        ("/api/v1/contact-lookup/batch",     Operation::new(POST,   LOOKUP,  &contact_lookup_batch::DOCUMENTATION, contact_lookup_batch::look_up_contacts)),
        ("/api/v1/search",                   Operation::new(GET,    SEARCH,  &contact_query::DOCUMENTATION,        contact_query::query_contacts)),
        ("/api/v1/normalize",                Operation::new(GET,    LOOKUP,  &normalization::DOCUMENTATION,        normalization::normalize_phone)),
        ("/api/public/contacts/search",      Operation::new(GET,    SEARCH,  &contact_search::DOCUMENTATION,       contact_search::search_contacts)),
        ("/api/public/contacts",             Operation::new(GET,    SEARCH,  &recent_contacts::DOCUMENTATION,      recent_contacts::list_recent_contacts)),
        ("/api/public/contact/{id}/info",    Operation::new(GET,    SEARCH,  &contact::INFO,                       contact::show_contact)),
        ("/api/public/contact/{id}",         Operation::new(PATCH,  WRITE,   &contact::CHANGE,                     contact::edit_contact)),
        ("/api/public/contact/{id}",         Operation::new(DELETE, WRITE,   &contact::ERASURE,                    contact::delete_contact)),
        ("/api/public/customer/upsert/info", Operation::new(POST,   WRITE,   &contact_upsert::DOCUMENTATION,       contact_upsert::upsert_contact)),
        ("/api/v1/contacts/",                Operation::new(POST,   WRITE,   &contact_batch::DOCUMENTATION,        contact_batch::upsert_contacts)),
        ("/api/v1/contacts/check",           Operation::new(POST,   SEARCH,  &contact_check::DOCUMENTATION,        contact_check::check_contacts)),
        ("/api/v1/contacts/{id}",            Operation::new(GET,    SEARCH,  &contact_by_id::DETAILS,              contact_by_id::show_contact_by_id)),
        ("/api/v1/contacts/{id}",            Operation::new(PATCH,  WRITE,   &contact_by_id::CHANGE,               contact_by_id::edit_contact_by_id)),
        ("/api/v1/contacts/{id}",            Operation::new(DELETE, WRITE,   &contact_by_id::ERASURE,              contact_by_id::delete_contact_by_id)),
        ("/api/v1/messages/",                Operation::new(POST,   WRITE,   &messages::DOCUMENTATION,             messages::record_messages)),
        ("/webhooks/whatsapp/{token}",       Operation::new(GET,    WEBHOOK, &whatsapp_webhook::HANDSHAKE,         whatsapp_webhook::answer_handshake)),
        ("/webhooks/whatsapp/{token}",       Operation::new(POST,   WEBHOOK, &whatsapp_webhook::DELIVERY,          whatsapp_webhook::receive_delivery)),
        ("/openapi.json",                    Operation::new(GET,    PUBLIC,  &specification::DOCUMENTATION,        specification::show_specification)),
        ("/errors",                          Operation::new(GET,    PUBLIC,  &error_codes::DOCUMENTATION,          error_codes::show_error_codes)),
        ("/healthz",                         Operation::new(GET,    PUBLIC,  &health::PROCESS,                     health::check_process)),
        ("/readyz",                          Operation::new(GET,    PUBLIC,  &health::READINESS,                   health::check_readiness)),
    ];
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (path, operation) in rows {
        match endpoints.last_mut() {
            Some(endpoint) if endpoint.path == path => endpoint.operations.push(operation),
            _ => endpoints.push(Endpoint {
                path,
                operations: vec![operation],
            }),
        }
    }
    endpoints
}

/// A path of the search page or the API reference, and its one method.
pub struct PagePath {
    pub path: &'static str,
    pub method: Method,
    route: fn() -> Route,
}

/// The paths of pages. They are not among the [`endpoints`], because only the browser of a page calls them.
/// The specification, its clients and docs/api.md describe calls of programs.
#[rustfmt::skip]
pub const PAGE_PATHS: [PagePath; 7] = [
    PagePath { path: "/",                      method: Method::GET,  route: || to(search_page::show_page) },
    PagePath { path: "/page/{version}/{file}", method: Method::GET,  route: || to(page_file::show_page_file) },
    PagePath { path: "/page/demo-key",         method: Method::POST, route: || to(demo_key::give_demo_key) },
    PagePath { path: "/page/check",            method: Method::POST, route: check_file },
    PagePath { path: "/docs",                  method: Method::GET,  route: || to(reference_page::show_reference) },
    PagePath { path: "/docs/",                 method: Method::GET,  route: || to(reference_page::show_reference) },
    PagePath { path: "/docs/{version}/{file}", method: Method::GET,  route: || to(reference_file::show_reference_file) },
];

/// Needs a key, because its answers hold contacts. No other path of a page does.
fn check_file() -> Route {
    let access = Access::Key(Scope::Search);
    to(file_check::check_file).wrap(from_fn(move |request, next| authorize(access, request, next)))
}

impl PagePath {
    /// The actix resource.
    pub fn resource(&self) -> Resource {
        let methods = with_head(&self.method);
        let resource = refuse_other_methods(resource(self.path), names(&methods));
        resource.route((self.route)().guard(one_of(methods)))
    }
}

impl Endpoint {
    /// The value of the header `Allow`.
    pub fn allow(&self) -> String {
        let methods = self
            .operations
            .iter()
            .flat_map(|operation| with_head(&operation.method));
        names(&methods.collect::<Vec<_>>())
    }

    /// The actix resource. It checks a request in this order: the path, the method, the key, the key's scope. The
    /// handler reads the query or the body last.
    pub fn resource(&self) -> Resource {
        // The access log names the first path, so the documented one goes first.
        let path = self.path;
        let twin = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        let resource = refuse_other_methods(resource([path.to_owned(), twin]), self.allow());
        self.operations
            .iter()
            .fold(resource, |resource, operation| resource.route(operation.route()))
    }
}

impl Operation {
    /// An operation with this handler, which must be a function.
    fn new<F, Args>(method: Method, access: Access, documentation: &'static Documentation, handler: F) -> Self
    where
        F: Handler<Args>,
        F::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        // The name of a function's type is its path. Rust does not promise this, but the test that compares the
        // specification with its agreed file would fail without it.
        let id = type_name::<F>().rsplit("::").next().unwrap_or_default();
        Self {
            id,
            method,
            access,
            documentation,
            handler: Box::new(move || to(handler.clone())),
        }
    }

    fn route(&self) -> Route {
        let access = self.access;
        (self.handler)()
            .guard(one_of(with_head(&self.method)))
            .wrap(from_fn(move |request, next| authorize(access, request, next)))
    }
}

/// The methods that a handler of this method answers. A handler of GET answers HEAD too.
fn with_head(method: &Method) -> Vec<Method> {
    let head = (method == Method::GET).then_some(Method::HEAD);
    std::iter::once(method.clone()).chain(head).collect()
}

/// The names of the methods, as the header `Allow` lists them.
fn names(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// Answers the methods that no route of the resource has with 405.
fn refuse_other_methods(resource: Resource, allow: String) -> Resource {
    resource.default_service(to(move || {
        let allow = allow.clone();
        async move { Err::<&'static str, _>(ApiError::MethodNotAllowed { allow }) }
    }))
}

fn one_of(methods: Vec<Method>) -> impl Guard {
    guard::fn_guard(move |context| methods.contains(&context.head().method))
}
