//! A change of a JSON object as a client writes it: a merge (RFC 7396), or operations (RFC 6902), which can say what a merge
//! cannot, such as that an entry goes in which null is a value.

use json_patch::{PatchErrorKind, PatchOperation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::field_error::FieldError;
use super::json;
use super::merge_patch;

/// The most operations of one change.
pub const MAX_OPERATIONS: usize = 200;
/// The most bytes of JSON that copies may make: a thing that is patched has fewer.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The most characters of an operation's path that a fault names.
const MAX_PATH_SHOWN: usize = 200;

/// A change.
#[derive(Clone, Debug)]
pub enum Patch {
    Merge(Map<String, Value>),
    Operations(Operations),
}

/// Operations, one after the other; none is done unless all are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Operations(Vec<PatchOperation>);

/// A place that operations may name as if it were shown, and what stands there for them.
#[derive(Clone, Debug, PartialEq)]
pub struct StandIn {
    /// A JSON Pointer of plain names, below an object.
    place: String,
    value: Value,
    /// Whether it is there for whatever comes after the first operation that names it.
    stays: bool,
}

/// Why operations were not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// A `test` found another value: the operation's place in the list, and its path.
    Test(String),
    Invalid(FieldError),
}

impl Operations {
    /// Reads the list of operations.
    ///
    /// # Errors
    /// Every one that is none.
    pub fn read(body: Value) -> Result<Self, Vec<FieldError>> {
        let Value::Array(list) = body else {
            return Err(vec![fault(
                "(body)",
                "must be a list of operations, such as {\"op\": \"remove\", \"path\": \"/voice\"}",
            )]);
        };
        if list.len() > MAX_OPERATIONS {
            let message = format!("has at most {MAX_OPERATIONS} operations, has {}", list.len());
            return Err(vec![fault("(body)", &message)]);
        }
        let mut faults = Vec::new();
        let mut operations = Vec::with_capacity(list.len());
        for (i, operation) in list.into_iter().enumerate() {
            match serde_json::from_value(operation) {
                Ok(operation) => operations.push(operation),
                Err(error) => {
                    let why = error.to_string().replace("unknown variant", "unknown operation");
                    let why: String = why.chars().take(200).collect();
                    faults.push(fault(&format!("[{i}]"), &format!("is no operation of RFC 6902: {why}")));
                }
            }
        }
        if faults.is_empty() { Ok(Self(operations)) } else { Err(faults) }
    }

    /// The values that are put at this place.
    pub fn put_at(&mut self, place: &str) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().filter_map(move |operation| match operation {
            PatchOperation::Add(add) if add.path.as_str() == place => Some(&mut add.value),
            PatchOperation::Replace(replace) if replace.path.as_str() == place => Some(&mut replace.value),
            _ => None,
        })
    }

    /// Whether an operation changes this place, or all.
    pub fn touches(&self, place: &str) -> bool {
        let is_it = |path: &str| path.is_empty() || path == place;
        self.0.iter().any(|operation| match operation {
            PatchOperation::Test(_) => false,
            PatchOperation::Move(moved) => is_it(moved.path.as_str()) || is_it(moved.from.as_str()),
            operation => is_it(operation.path().as_str()),
        })
    }

    /// # Errors
    /// [`NotDone`] of the first one that cannot be.
    pub fn apply(&self, to: Map<String, Value>) -> Result<Map<String, Value>, NotDone> {
        self.apply_beside(to, &[])
    }

    /// The same, where these places may be named too. Operations that name none of them, and tests of what is around them,
    /// find the document as it is.
    ///
    /// # Errors
    /// As [`Operations::apply`].
    pub fn apply_beside(
        &self,
        to: Map<String, Value>,
        stand_ins: &[StandIn],
    ) -> Result<Map<String, Value>, NotDone> {
        let mut document = Value::Object(to);
        for (i, operation) in self.0.iter().enumerate() {
            let path: String = operation.path().as_str().chars().take(MAX_PATH_SHOWN).collect();
            let invalid = |why: &str| NotDone::Invalid(fault(&format!("[{i}]"), &format!("`{path}`: {why}")));
            if !is_flat(operation, &document) {
                return Err(invalid(&format!("would be nested more than {} deep", json::MAX_DEPTH)));
            }
            let put: Vec<&StandIn> =
                stand_ins.iter().filter(|one| one.put(operation, &mut document)).collect();
            json_patch::patch(&mut document, std::slice::from_ref(operation)).map_err(|error| match error
                .kind
            {
                PatchErrorKind::TestFailed => NotDone::Test(format!("[{i}], `{path}`,")),
                kind => invalid(&kind.to_string()),
            })?;
            put.into_iter().filter(|one| !one.stays).for_each(|one| one.take_back(&mut document));
            let is_copy = matches!(operation, PatchOperation::Copy(_));
            if is_copy && document.to_string().len() > MAX_BYTES {
                return Err(invalid("makes more than 4 MiB"));
            }
        }
        match document {
            Value::Object(fields) => Ok(fields),
            _ => Err(NotDone::Invalid(fault("(body)", "leaves no object"))),
        }
    }
}

impl StandIn {
    /// A field of the document that is null where it is not shown.
    pub fn null(name: &str) -> Self {
        Self { place: format!("/{name}"), value: Value::Null, stays: false }
    }

    /// An empty object in an object of the document.
    pub fn object(outer: &str, name: &str) -> Self {
        Self { place: format!("/{outer}/{name}"), value: Map::new().into(), stays: false }
    }

    /// A field of the document that is shown under another name; it stays once an operation has named it.
    pub fn field(name: &str, value: Value) -> Self {
        Self { place: format!("/{name}"), value, stays: true }
    }

    /// Puts it in its place for an operation that names it, where there is nothing; returns whether it did.
    fn put(&self, operation: &PatchOperation, document: &mut Value) -> bool {
        let from = match operation {
            PatchOperation::Move(moved) => Some(moved.from.as_str()),
            PatchOperation::Copy(copy) => Some(copy.from.as_str()),
            _ => None,
        };
        let is_in = |path: &str| {
            path.strip_prefix(&self.place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_named = is_in(operation.path().as_str()) || from.is_some_and(is_in);
        if !is_named || document.pointer(&self.place).is_some() {
            return false;
        }
        let Some((outer, name)) = self.outer(document) else { return false };
        outer.insert(name.to_owned(), self.value.clone());
        true
    }

    /// Takes it away again, if the operation left it as it was put.
    fn take_back(&self, document: &mut Value) {
        if document.pointer(&self.place) == Some(&self.value)
            && let Some((outer, name)) = self.outer(document)
        {
            outer.shift_remove(name);
        }
    }

    fn outer<'a>(&self, document: &'a mut Value) -> Option<(&'a mut Map<String, Value>, &str)> {
        let (outer, name) = self.place.rsplit_once('/')?;
        Some((document.pointer_mut(outer)?.as_object_mut()?, name))
    }
}

impl Patch {
    /// Lays the change over `base`. In a merge null takes a field away, but for those in objects of the names `with_nulls`.
    ///
    /// # Errors
    /// [`NotDone`].
    pub fn lay_over(
        &self,
        mut base: Map<String, Value>,
        with_nulls: &[&str],
    ) -> Result<Map<String, Value>, NotDone> {
        match self {
            Self::Merge(over) => {
                merge_patch::lay(&mut base, over.clone(), with_nulls);
                Ok(base)
            }
            Self::Operations(operations) => operations.apply(base),
        }
    }
}

/// Whether an operation leaves the document no deeper than a body may be. It is checked before the operation, because what
/// walks a document calls itself for each level.
fn is_flat(operation: &PatchOperation, document: &Value) -> bool {
    let (path, value) = match operation {
        PatchOperation::Add(add) => (&add.path, Some(&add.value)),
        PatchOperation::Replace(replace) => (&replace.path, Some(&replace.value)),
        PatchOperation::Copy(copy) => (&copy.path, document.pointer(copy.from.as_str())),
        PatchOperation::Move(r#move) => (&r#move.path, document.pointer(r#move.from.as_str())),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => return true,
    };
    path.as_str().matches('/').count() + value.map_or(0, json::depth) <= json::MAX_DEPTH
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError { field: field.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(operations: Value, to: Value) -> Result<Value, NotDone> {
        let Value::Object(to) = to else { panic!("{to}") };
        Operations::read(operations).unwrap().apply(to).map(Value::Object)
    }

    #[test]
    fn operations_are_done_in_their_order_or_none_is() {
        let operations = json!([
            {"op": "test", "path": "/a/b", "value": 1}, {"op": "remove", "path": "/a/b"},
            {"op": "add", "path": "/l/-", "value": 3}, {"op": "copy", "from": "/l", "path": "/m"},
        ]);
        assert_eq!(
            apply(operations, json!({"a": {"b": 1}, "l": [1]})),
            Ok(json!({"a": {}, "l": [1, 3], "m": [1, 3]}))
        );
        let failed = apply(json!([{"op": "test", "path": "/a", "value": 2}]), json!({"a": 1}));
        assert_eq!(failed, Err(NotDone::Test("[0], `/a`,".to_owned())));
        let gone =
            apply(json!([{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/x"}]), json!({"a": 1}));
        assert!(matches!(gone, Err(NotDone::Invalid(fault)) if fault.field == "[1]"));
        assert!(apply(json!([{"op": "replace", "path": "", "value": []}]), json!({})).is_err());
    }

    #[test]
    fn what_is_no_operation_is_named() {
        let errors =
            Operations::read(json!([{"op": "remove", "path": "/a"}, {"op": "burn", "path": "/a"}, 7]))
                .unwrap_err();
        assert_eq!(errors.into_iter().map(|error| error.field).collect::<Vec<_>>(), ["[1]", "[2]"]);
        assert!(Operations::read(json!({"a": 1})).is_err());
        let many: Vec<Value> = (0..=MAX_OPERATIONS).map(|_| json!({"op": "remove", "path": "/a"})).collect();
        assert!(Operations::read(many.into()).is_err());
    }

    #[test]
    fn copies_of_copies_end() {
        let copies: Vec<Value> =
            (0..100).map(|i| json!({"op": "copy", "from": "", "path": format!("/x{i}")})).collect();
        assert!(matches!(apply(copies.into(), json!({"a": "x".repeat(1_000)})), Err(NotDone::Invalid(_))));
    }

    #[test]
    fn what_stands_in_is_there_for_the_operations_that_name_it() {
        let stand_ins = [StandIn::null("voice"), StandIn::object("config", "variables")];
        let done = |operations: Value, to: Value| {
            let Value::Object(to) = to else { panic!("{to}") };
            let done = Operations::read(operations).unwrap().apply_beside(to, &stand_ins);
            done.map(Value::Object)
        };
        let shown = json!({"config": {}});
        let around = json!([
            {"op": "test", "path": "", "value": shown}, {"op": "test", "path": "/config", "value": {}},
            {"op": "test", "path": "/voice", "value": null}, {"op": "test", "path": "/config/variables", "value": {}},
            {"op": "copy", "from": "/config", "path": "/copy"}, {"op": "remove", "path": "/copy"},
            {"op": "test", "path": "", "value": shown},
        ]);
        assert_eq!(done(around, shown.clone()), Ok(shown.clone()));
        let changed = json!([
            {"op": "replace", "path": "/voice", "value": "v"}, {"op": "replace", "path": "/config", "value": {"a": 1}},
            {"op": "add", "path": "/config/variables/b", "value": null},
        ]);
        let both = json!({"voice": "v", "config": {"a": 1, "variables": {"b": null}}});
        assert_eq!(done(changed, shown.clone()), Ok(both));
        let elsewhere = json!([{"op": "replace", "path": "/voices", "value": "v"}]);
        assert!(done(elsewhere, shown).is_err());
        let no_object = json!([{"op": "add", "path": "/config/variables/b", "value": 1}]);
        assert!(done(no_object, json!({"config": null})).is_err());
    }
}
