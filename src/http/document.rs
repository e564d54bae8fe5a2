//! The OpenAPI document, generated from the handlers.

use axum::handler::Handler;
use utoipa::__dev::SchemaReferences;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, Content, Info, License, OpenApi, OpenApiBuilder, Paths, Ref, RefOr, ResponseBuilder,
};
use utoipa::{Path, ToSchema};

use crate::ports::World;
use crate::service::App;

use super::problem::{self, Kind};
use super::router::{self, Visitor};

/// The document of every endpoint.
pub fn document<W: World>() -> OpenApi {
    let mut components = Components::new();
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    components.add_security_scheme(
        "x-api-key",
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key"))),
    );
    let mut document = Document { paths: Paths::new(), components };
    document.schemas::<problem::Document<'_>>();
    router::endpoints::<W>(&mut document);
    let mut info = Info::new("Retinue", env!("CARGO_PKG_VERSION"));
    info.description = Some(env!("CARGO_PKG_DESCRIPTION").to_owned());
    info.license = Some(License::new("Apache-2.0"));
    OpenApiBuilder::new().info(info).paths(document.paths).components(Some(document.components)).build()
}

struct Document {
    paths: Paths,
    components: Components,
}

impl Document {
    fn schemas<T: ToSchema>(&mut self) {
        let mut found = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut found);
        self.components.schemas.extend(found);
    }
}

impl<W: World> Visitor<W> for Document {
    fn endpoint<P, H, T>(&mut self, _: P, _: H)
    where
        P: Path + SchemaReferences,
        H: Handler<T, App<W>>,
        T: 'static,
    {
        // A wildcard is axum's; in the document it is a parameter as any other.
        let path = P::path().replace("{*", "{");
        let mut operation = P::operation();
        let secured = path.starts_with("/api/");
        if secured {
            operation.security =
                Some(["bearer", "x-api-key"].map(|name| SecurityRequirement::new(name, [""; 0])).to_vec());
        }
        for kind in problems(&operation, secured) {
            describe(&mut operation, kind);
        }
        self.paths.add_path_operation(path, P::methods(), operation);
        let mut found = Vec::new();
        P::schemas(&mut found);
        self.components.schemas.extend(found);
    }
}

/// What can go wrong follows from what an operation takes.
fn problems(operation: &Operation, secured: bool) -> Vec<Kind> {
    let mut kinds = Vec::new();
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let body = operation.request_body.is_some();
    if body || !parameters.is_empty() {
        kinds.push(Kind::ValidationFailed);
    }
    if secured {
        kinds.extend([Kind::Unauthenticated, Kind::Forbidden, Kind::Internal, Kind::Unavailable]);
    }
    let in_path = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(p) if p.parameter_in == ParameterIn::Path);
    if parameters.iter().any(in_path) {
        kinds.push(Kind::NotFound);
    }
    if body {
        kinds.extend([Kind::Conflict, Kind::PayloadTooLarge, Kind::UnsupportedMediaType]);
    }
    kinds
}

fn describe(operation: &mut Operation, kind: Kind) {
    let schema = Ref::from_schema_name("Problem");
    let response = ResponseBuilder::new()
        .description(kind.title())
        .content("application/problem+json", Content::new(Some(schema)));
    let status = kind.status().as_str().to_owned();
    operation.responses.responses.entry(status).or_insert_with(|| response.build().into());
}
