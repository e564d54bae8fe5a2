//! What the OpenAPI document says of a declared kind: made of its facts and its types.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required, ResponseBuilder};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::{ForceQuery, Verb};
use crate::domain::account::Role;
use crate::domain::declared::{Facts, Filter, Limit};
use crate::http::body::JSON_PATCH;
use crate::http::page::{List, PageQuery};
use crate::service::declared::Kind;

/// Every schema that a kind's operations refer to, by name.
pub fn schemas<K: Kind>() -> Vec<(String, RefOr<Schema>)> {
    let mut found = vec![
        (K::Body::name().into_owned(), K::Body::schema()),
        (patch_name::<K>(), patch_schema::<K>()),
        (K::View::name().into_owned(), K::View::schema()),
        (list_name::<K>(), List::<K::View>::schema()),
    ];
    K::Body::schemas(&mut found);
    K::View::schemas(&mut found);
    found
}

fn list_name<K: Kind>() -> String {
    format!("List_{}", K::View::name())
}

fn patch_name<K: Kind>() -> String {
    format!("{}Patch", K::Body::name().trim_start_matches("New"))
}

/// The body, of which nothing is required.
fn patch_schema<K: Kind>() -> RefOr<Schema> {
    let mut schema = K::Body::schema();
    if let RefOr::T(Schema::Object(object)) = &mut schema {
        object.required.clear();
        object.description =
            Some("What is to change; null brings what the field is when left out.".to_owned());
        object.example = None;
    }
    schema
}

/// Who may, in the words of `x-role`.
pub fn role(facts: &Facts, verb: Verb, is_of_account: bool) -> &'static str {
    let is_admins = verb.writes() || facts.readers == Role::Admin;
    match (is_admins, facts.is_offered && !is_of_account) {
        (true, false) => "admin",
        (true, true) => "admin-or-operator",
        (false, false) => "member",
        (false, true) => "member-or-operator",
    }
}

/// An operation of a kind, at its main path.
pub fn operation<K: Kind>(verb: Verb) -> Operation {
    let facts = K::facts();
    let (id, summary, about) = words(facts, verb);
    let mut operation = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(summary))
        .tag(facts.tag)
        .response(success(verb), response::<K>(verb));
    if !about.is_empty() {
        operation = operation.description(Some(about));
    }
    if verb.is_of_all() {
        if verb == Verb::List {
            for mut parameter in PageQuery::into_params(|| None) {
                // Short lists come whole.
                if parameter.name == "limit" && matches!(facts.limit, Limit::Fixed(_)) {
                    parameter.description = Some("How many, from 1 to 200; all when left out".to_owned());
                }
                operation = operation.parameter(parameter);
            }
            for filter in facts.filters {
                operation = operation.parameter(of_filter(filter));
            }
        }
    } else {
        for parameter in facts.parameters {
            operation = operation.parameter(in_path(parameter.name, parameter.about));
        }
    }
    if verb.is_conditional() {
        operation = operation.parameter(header("if-match", "Entity tags, or `*` for whatever there is"));
    }
    if verb == Verb::Delete && facts.is_named_in_lines {
        operation = ForceQuery::into_params(|| None).into_iter().fold(operation, OperationBuilder::parameter);
    }
    if verb == Verb::Put {
        operation = operation.parameter(header("if-none-match", "`*`: only when there is none"));
    }
    if let Some(schema) = body_name::<K>(verb) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let mut body = RequestBodyBuilder::new().content("application/json", content);
        if verb == Verb::Patch {
            let operations = ArrayBuilder::new().items(Ref::from_schema_name("PatchOperation")).build();
            body = body.content(JSON_PATCH, ContentBuilder::new().schema(Some(operations)).build());
        }
        operation = operation.request_body(Some(body.required(Some(Required::True)).build()));
    }
    operation.build()
}

fn words(facts: &Facts, verb: Verb) -> (String, String, &'static str) {
    let (one, many) = facts.ids;
    match verb {
        Verb::List => (format!("list_{many}"), format!("List the {}", facts.plural), facts.about.list),
        Verb::Create => (format!("create_{one}"), format!("Add {}", facts.one), facts.about.create),
        Verb::Get => (format!("get_{one}"), format!("Show {}", facts.one), facts.about.get),
        Verb::Put => (format!("put_{one}"), format!("Set {}", facts.one), facts.about.put),
        Verb::Patch => (format!("patch_{one}"), format!("Change {}", facts.one), facts.about.patch),
        Verb::Delete => (format!("delete_{one}"), format!("Delete {}", facts.one), facts.about.delete),
    }
}

fn body_name<K: Kind>(verb: Verb) -> Option<String> {
    match verb {
        Verb::Create | Verb::Put => Some(K::Body::name().into_owned()),
        Verb::Patch => Some(patch_name::<K>()),
        Verb::List | Verb::Get | Verb::Delete => None,
    }
}

const fn success(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "201",
        Verb::Delete => "204",
        Verb::List | Verb::Get | Verb::Put | Verb::Patch => "200",
    }
}

fn response<K: Kind>(verb: Verb) -> utoipa::openapi::Response {
    let facts = K::facts();
    let (description, schema) = match verb {
        Verb::Delete => return ResponseBuilder::new().description("Deleted").build(),
        Verb::List => (format!("A page of {}", facts.plural), list_name::<K>()),
        _ => (format!("The {}", facts.singular), K::View::name().into_owned()),
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    let mut response = ResponseBuilder::new().description(description).content("application/json", content);
    let text = |about: &str| HeaderBuilder::new().schema(Some(string())).description(Some(about)).build();
    if verb != Verb::List {
        response = response.header("etag", text("This state of it"));
    }
    if verb == Verb::Create {
        response = response.header("location", text("Where it is"));
    }
    response.build()
}

fn string() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build().into()
}

fn in_path(name: &str, about: &str) -> ParameterBuilder {
    let parameter =
        ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
    parameter.description(Some(about)).schema(Some(string()))
}

fn header(name: &str, about: &str) -> ParameterBuilder {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
    parameter.required(Required::False).description(Some(about)).schema(Some(string()))
}

fn of_filter(filter: &Filter) -> ParameterBuilder {
    let word = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    let word = word.enum_values(Some(filter.words.iter().copied()));
    let parameter = ParameterBuilder::new().name(filter.name).parameter_in(ParameterIn::Query);
    let parameter = parameter.required(Required::False).description(Some(filter.about));
    parameter.schema(Some(ArrayBuilder::new().items(word.build()).build()))
}
