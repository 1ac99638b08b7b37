//! The JSON Schema of both kinds of file: for editors, and for our own structure check.

use super::file::{ProfileFile, SiteFile};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The schema of a site's files.
pub fn site_schema() -> Value {
    generate::<SiteFile>("Wellhead site")
}

/// What only one device has, not all of its type.
const OF_ONE: [&str; 11] = [
    "line", "unit", "instance", "address", "network", "mac", "profile", "title", "title_zh",
    "points", "point",
];

/// The schema of a profile.
pub fn profile_schema() -> Value {
    let mut schema = generate::<ProfileFile>("Wellhead profile");
    // A profile speaks of the type of device; where one stands is the site's to say.
    if let Some(device) = schema.pointer_mut("/$defs/DeviceTable").and_then(Value::as_object_mut) {
        device.remove("required");
        if let Some(keys) = device.get_mut("properties").and_then(Value::as_object_mut) {
            for key in OF_ONE {
                keys.remove(key);
            }
        }
        device.insert("description".into(), json!("How this type of device wants to be asked."));
    }
    schema
}

fn generate<T: JsonSchema>(title: &str) -> Value {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>();
    let mut schema = schema.to_value();
    without_null(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".into(), json!(title));
        // Editors are told by this key inside the file which schema fits; see `#:schema`.
        root.remove("$id");
    }
    schema
}

/// TOML has no null: an optional key is simply not there.
fn without_null(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            without_null_here(object);
            object.values_mut().for_each(without_null);
        }
        _ => {}
    }
}

fn without_null_here(object: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    let Some(Value::Array(any)) = object.get_mut("anyOf") else { return };
    any.retain(|s| s.get("type").is_none_or(|t| t != "null"));
    if let [Value::Object(only)] = any.as_slice() {
        let only = only.clone();
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
}
