//! Answers of commands as JSON: one object, on one line.
//!
//! Text is lossless ([`quadrant_output::escape::json`]); whole numbers as [`quadrant_output::document::number`] has them.

/// A value.
#[derive(Clone, Debug)]
pub enum Json {
    /// Unknown, or not there.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Number(u64),
    /// A measured number.
    Float(f64),
    /// Text, which may be someone else's.
    Text(Vec<u8>),
    /// Values.
    List(Vec<Json>),
    /// Values by name.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// With a line end.
    pub fn line(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out.push(b'\n');
        out
    }

    /// A list of what each element gives.
    pub fn list<T>(elements: impl IntoIterator<Item = T>, each: impl FnMut(T) -> Json) -> Json {
        Json::List(elements.into_iter().map(each).collect())
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Json::Null => out.extend_from_slice(b"null"),
            Json::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Json::Number(value) => quadrant_output::document::number(out, (*value).into()),
            Json::Float(value) if value.is_finite() => out.extend_from_slice(format!("{value:.3}").as_bytes()),
            Json::Float(_) => out.extend_from_slice(b"null"),
            Json::Text(text) => quadrant_output::escape::json(out, text),
            Json::List(values) => {
                separated(out, [b'[', b']'], values, |out, value| value.write(out));
            }
            Json::Object(members) => separated(out, [b'{', b'}'], members, |out, (name, value)| {
                quadrant_output::escape::json(out, name.as_bytes());
                out.extend_from_slice(b": ");
                value.write(out);
            }),
        }
    }
}

fn separated<T>(out: &mut Vec<u8>, [open, close]: [u8; 2], parts: &[T], each: impl Fn(&mut Vec<u8>, &T)) {
    out.push(open);
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        each(out, part);
    }
    out.push(close);
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::Text(text.as_bytes().to_vec())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Json {
        Json::Text(text.into_bytes())
    }
}

impl From<&[u8]> for Json {
    fn from(text: &[u8]) -> Json {
        Json::Text(text.to_vec())
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Json {
        Json::Number(number)
    }
}

impl From<u32> for Json {
    fn from(number: u32) -> Json {
        Json::Number(number.into())
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Json {
        Json::Bool(value)
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Json {
        Json::Float(number)
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Json {
        value.map_or(Json::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_json() {
        let members = vec![
            ("a", Json::from("x\n\"")),
            ("b", Json::List(vec![Json::from(1u64), Json::from(u64::MAX), Json::from(1.5), Json::from(None::<u32>)])),
            ("c", Json::from(true)),
            ("d", Json::from(f64::NAN)),
        ];
        let text = String::from_utf8(Json::Object(members).line()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["a"], "x\n\"");
        assert_eq!(value["b"][1], "18446744073709551615");
        assert_eq!((value["b"][2].as_f64(), value["b"][3].is_null()), (Some(1.5), true));
        assert!(value["d"].is_null() && text.ends_with("}\n"));
    }
}
