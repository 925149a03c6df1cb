//! JSON as others sign it, read strictly: no name twice in an object, no deeper than told.
//!
//! Not here: what it means.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why JSON was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, a name twice in one object, or too deep.
    #[error("{what} cannot be read: {why}")]
    Form {
        /// What was read.
        what: &'static str,
        /// What is wrong with it, and where.
        why: String,
    },
    /// JSON of another kind.
    #[error("{0} is no JSON object")]
    NoObject(&'static str),
}

/// Reads any value of at most `depth` objects and arrays inside one another; `what` names it in errors.
///
/// # Errors
/// [`JsonError::Form`].
pub fn value(what: &'static str, bytes: &[u8], depth: usize) -> Result<Value, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let form = |error: serde_json::Error| JsonError::Form { what, why: error.to_string() };
    let value = Strict { depth }.deserialize(&mut reader).map_err(form)?;
    reader.end().map_err(form)?;
    Ok(value)
}

/// Reads an object; otherwise as [`value`].
///
/// # Errors
/// [`JsonError`].
pub fn object(what: &'static str, bytes: &[u8], depth: usize) -> Result<Map<String, Value>, JsonError> {
    match value(what, bytes, depth)? {
        Value::Object(map) => Ok(map),
        _ => Err(JsonError::NoObject(what)),
    }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn inside<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too many values inside one another"))?;
        Ok(Self { depth })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(inside)? {
            array.push(element);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inside = self.inside()?;
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(de::Error::custom(format_args!("the name '{name}' stands there twice")));
            }
            let value = members.next_value_seed(inside)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_twice_and_depth_are_refused() {
        let read = |text: &str| value("it", text.as_bytes(), 2);
        assert_eq!(read(r#"{"a":[1,-1,true,null,"x",1.5]}"#), Ok(json!({ "a": [1, -1, true, null, "x", 1.5] })));
        let twice = read(r#"{"a":1,"b":{"c":1,"c":1}}"#).unwrap_err();
        assert!(twice.to_string().starts_with("it cannot be read: the name 'c' stands there twice"), "{twice}");
        assert!(read("[[[]]]").is_err() && read("[[]]").is_ok() && read("[] []").is_err());
        assert_eq!(object("it", b"[]", 2), Err(JsonError::NoObject("it")));
    }
}
