//! The OpenAPI document and the page that shows it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use retinue::face;
use retinue::face::paths::Paths;
use retinue::ports::Settings;

use crate::support::{Api, FakeWorld, settings};
use crate::walls::{Ids, endpoints, furnish};

/// What the platform serves beside the Worker: the folder of `wrangler.toml`.
fn asset(name: &str) -> std::path::PathBuf {
    crate::schema::root().join("assets").join(name)
}

/// The paths of files, which the Worker does not answer.
pub const FILES: [&str; 2] = ["/openapi.json", "/docs"];

pub fn document() -> Value {
    serde_json::from_str(&std::fs::read_to_string(asset("openapi.json")).unwrap()).unwrap()
}

/// `UPDATE_OPENAPI=1 cargo test --test api document` writes the file anew.
#[test]
fn the_document_is_what_the_handlers_say() {
    let made = retinue::http::document::document::<FakeWorld>();
    let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
    let file = asset("openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let stored = std::fs::read_to_string(&file).unwrap();
    assert!(stored == made, "run: UPDATE_OPENAPI=1 cargo test --test api document");
}

/// Method, path and operation, of every operation.
pub fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn everything_documented_answers() {
    let api = Api::with(Settings { default_account: Some("account".to_owned()), ..settings() });
    let operations = operations(&document()).into_iter();
    for (method, path, _) in operations.filter(|(_, path, _)| !FILES.contains(&path.as_str())) {
        let path = path.replace(['{', '}'], "");
        let reply = api.request(method.parse().unwrap(), &path).send().await;
        assert!(!matches!(reply.status.as_u16(), 404 | 405), "{method} {path}: {}", reply.status);
    }
}

/// That every documented one is tried is the matrix's affair.
#[test]
fn every_endpoint_is_documented() {
    let documented: BTreeSet<(String, String)> =
        operations(&document()).into_iter().map(|(method, path, _)| (method, path)).collect();
    let known =
        endpoints("acme", &Ids::nobodys()).into_iter().map(|e| (e.method.to_string(), e.template.to_owned()));
    let open = ["/", "/health", "/openapi.json", "/docs"].map(|path| ("GET".to_owned(), path.to_owned()));
    let known: BTreeSet<(String, String)> = known.chain(open).collect();
    let undocumented: Vec<_> = known.difference(&documented).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

#[test]
fn the_document_is_sound() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert_eq!(document["info"]["title"], "Retinue");
    let tags = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap());
    let tags: BTreeSet<&str> = tags.collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{place}: a second of this id"
        );
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{place}");
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{place}");
        let named: BTreeSet<&str> =
            path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let declared: BTreeSet<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named, declared, "{place}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3']) || *status == "101"), "{place}");
        let secured = path.contains('{') || path.starts_with("/api/") || path.starts_with("/v1/");
        assert_eq!(operation.get("security").is_some(), secured, "{place}");
        for scheme in operation["security"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|one| one.as_object().unwrap().keys())
        {
            assert!(document["components"]["securitySchemes"][scheme].is_object(), "{place}: {scheme}");
        }
        // Each face has its own errors, and the control plane problems.
        let of_face = responses.get("401").filter(|_| operation["x-role"] == "caller");
        let of_face = of_face.and_then(|response| response["content"].as_object()?.iter().next());
        let (media, error) = match of_face {
            Some((media, content)) => (media.as_str(), content["schema"]["$ref"].as_str().unwrap()),
            None => ("application/problem+json", "#/components/schemas/Problem"),
        };
        assert_eq!(responses.contains_key("401"), secured, "{place}");
        for (status, response) in responses {
            assert!(response["description"].is_string(), "{place} {status}");
            if status.starts_with(['4', '5']) {
                assert_eq!(response["content"][media]["schema"]["$ref"], error, "{place} {status}");
            }
        }
    }
    check_references(&document, &document);
}

/// Every `$ref` leads somewhere, and nothing is left out of what may be referred to.
fn check_references(node: &Value, document: &Value) {
    match node {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let pointer = reference.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|value| check_references(value, document));
        }
        Value::Array(items) => items.iter().for_each(|value| check_references(value, document)),
        _ => {}
    }
}

#[tokio::test]
async fn replies_have_the_members_that_their_schemas_say() {
    let api = Api::new();
    let document = document();
    let (acme, ids) = furnish(&api, "acme").await;
    let mut checked = 0;
    for endpoint in endpoints("acme", &ids) {
        let operation = &document["paths"][endpoint.template][endpoint.method.as_str().to_lowercase()];
        let reply = endpoint.send(&api, endpoint.key(&acme)).await;
        let response = &operation["responses"][reply.status.as_str()];
        assert!(response.is_object(), "{endpoint:?} answers {}, which is not documented", reply.status);
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_object() {
            assert_eq!(conforms(&reply.json(), schema, &document), Ok(()), "{endpoint:?}");
            checked += 1;
        }
        if let Some(body) = &endpoint.body {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_eq!(conforms(body, schema, &document), Ok(()), "{endpoint:?}");
        }
    }
    assert!(checked > 10);
}

/// As much of JSON Schema as the document uses; says what does not fit.
pub fn conforms(value: &Value, schema: &Value, document: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return conforms(value, document.pointer(&reference[1..]).unwrap(), document);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| conforms(value, one, document).is_ok());
        return if fits { Ok(()) } else { Err(format!("{value} fits none of {any:?}")) };
    }
    if let Some(any) = schema["oneOf"].as_array() {
        let fits = any.iter().filter(|part| conforms(value, part, document).is_ok()).count();
        return if fits == 1 { Ok(()) } else { Err(format!("{value} fits {fits} of {any:?}")) };
    }
    if !is_of_type(value, &schema["type"]) {
        return Err(format!("{value} is not a {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        return values.iter().try_for_each(|value| conforms(value, items, document));
    }
    match value.as_object() {
        // Free form.
        Some(_) if schema.get("properties").is_none() && schema.get("allOf").is_none() => Ok(()),
        Some(members) => members_conform(members, schema, document),
        None if schema.get("allOf").is_some() => Err(format!("{value} is no object")),
        None => Ok(()),
    }
}

/// The members of an object, those of its parts included, and which it must have.
fn members_of(schema: &Value, document: &Value) -> (Map<String, Value>, Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return members_of(document.pointer(&reference[1..]).unwrap(), document);
    }
    let mut members = schema["properties"].as_object().cloned().unwrap_or_default();
    let required = schema["required"].as_array().into_iter().flatten();
    let mut required: Vec<String> = required.map(|name| name.as_str().unwrap().to_owned()).collect();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        let (more, also) = members_of(part, document);
        members.extend(more);
        required.extend(also);
    }
    (members, required)
}

fn members_conform(members: &Map<String, Value>, schema: &Value, document: &Value) -> Result<(), String> {
    let (known, required) = members_of(schema, document);
    if let Some(missing) = required.iter().find(|name| !members.contains_key(*name)) {
        return Err(format!("{missing} is missing"));
    }
    for (name, member) in members {
        let property = known.get(name).ok_or_else(|| format!("{name} is not documented"))?;
        conforms(member, property, document).map_err(|fault| format!("{name}: {fault}"))?;
    }
    Ok(())
}

fn is_of_type(value: &Value, kind: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        _ => true,
    };
    match kind {
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

#[test]
fn the_page_works_offline() {
    let html = std::fs::read_to_string(asset("docs.html")).unwrap();
    assert!(html.contains("/openapi.json"));
    for outside in ["http://", "https://", "//cdn", "@import", " src=", "<link"] {
        assert!(!html.contains(outside), "{outside}");
    }
}

/// Of these, and of these alone, only the declared headers reach a handler.
/// Keys of callers open it, or tokens of threads alone.
fn is_behind_an_agent(operation: &Value) -> bool {
    operation["x-role"] == "caller" || operation["x-role"] == "token"
}

#[test]
fn the_paths_of_calls_are_those_that_callers_may_use() {
    let called =
        |(_, path, operation): (String, String, Value)| is_behind_an_agent(&operation).then_some(path);
    let called: BTreeSet<String> = operations(&document()).into_iter().filter_map(called).collect();
    assert_eq!(called, Paths::of::<FakeWorld>(face::All).paths.into_iter().collect());
}
