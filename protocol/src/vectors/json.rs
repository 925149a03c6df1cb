//! The one JSON form of the vector files: keys in the order given, short values on one line.

use crate::hash::hex;

/// A JSON value whose keys keep their order, so that a file has one form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(i128),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// An object from `key => value` pairs.
macro_rules! object {
    ($($key:literal => $value:expr),* $(,)?) => {
        $crate::vectors::json::Json::Object(vec![$(($key.to_owned(), $crate::vectors::json::Json::from($value))),*])
    };
}
pub(super) use object;

/// Bytes in lower-case hexadecimal.
pub(super) fn bytes(bytes: impl AsRef<[u8]>) -> Json {
    Json::Text(hex(bytes.as_ref()))
}

/// A list of bytes, each in hexadecimal.
pub(super) fn all_bytes<B: AsRef<[u8]>>(items: impl IntoIterator<Item = B>) -> Json {
    Json::List(items.into_iter().map(bytes).collect())
}

/// A list of texts.
pub(super) fn texts<T: ToString>(items: impl IntoIterator<Item = T>) -> Json {
    Json::List(items.into_iter().map(|item| Json::Text(item.to_string())).collect())
}

/// One file: what it is and its cases.
pub(super) fn file(about: &str, cases: Vec<Json>) -> String {
    let mut out = String::new();
    object! { "about" => about, "cases" => Json::List(cases) }.write(0, &mut out);
    out.push('\n');
    out
}

const WIDTH: usize = 110;

impl Json {
    /// This object with one more key.
    pub(super) fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        let Json::Object(pairs) = &mut self else { panic!("only objects have keys") };
        pairs.push((key.to_owned(), value.into()));
        self
    }

    fn write(&self, indent: usize, out: &mut String) {
        let start = out.len();
        self.write_inline(out);
        let nested = match self {
            Json::List(items) => items.len(),
            Json::Object(pairs) => pairs.len(),
            _ => 0,
        };
        if nested == 0 || out.len() - start <= WIDTH {
            return;
        }
        out.truncate(start);
        let (open, close) = if matches!(self, Json::List(_)) { ('[', ']') } else { ('{', '}') };
        out.push(open);
        for at in 0..nested {
            out.push_str(if at == 0 { "\n" } else { ",\n" });
            out.extend(std::iter::repeat_n(' ', indent + 1));
            match self {
                Json::List(items) => items[at].write(indent + 1, out),
                Json::Object(pairs) => {
                    quote(&pairs[at].0, out);
                    out.push_str(": ");
                    pairs[at].1.write(indent + 1, out);
                }
                _ => {}
            }
        }
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', indent));
        out.push(close);
    }

    fn write_inline(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(&value.to_string()),
            Json::Number(value) => out.push_str(&value.to_string()),
            Json::Text(text) => quote(text, out),
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write_inline(out);
                }
                out.push(']');
            }
            Json::Object(pairs) => {
                out.push('{');
                for (at, (key, value)) in pairs.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    quote(key, out);
                    out.push_str(": ");
                    value.write_inline(out);
                }
                out.push('}');
            }
        }
    }
}

/// ASCII only, so that no reader can differ in it.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'"') => out.push_str("\\\""),
            Ok(b'\\') => out.push_str("\\\\"),
            Ok(b'\n') => out.push_str("\\n"),
            Ok(plain @ b' '..=b'~') => out.push(char::from(plain)),
            _ => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::Text(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Json {
            fn from(value: $kind) -> Self {
                Json::Number(value as i128)
            }
        }
    )*};
}
numbers!(u8, u32, u64, usize, i32, i64);

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Json::List(items)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Json::Null, Into::into)
    }
}

/// Objects by ascending key, whatever order the other library keeps.
impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(value),
            Value::Number(number) => number.as_u64().map_or_else(|| panic!("{number} is no whole number"), Json::from),
            Value::String(text) => Json::Text(text),
            Value::Array(items) => Json::List(items.into_iter().map(Json::from).collect()),
            Value::Object(map) => {
                let mut pairs: Vec<_> = map.into_iter().map(|(key, value)| (key, Json::from(value))).collect();
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
                Json::Object(pairs)
            }
        }
    }
}
