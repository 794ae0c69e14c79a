//! Configuration out of a file.

use super::Config;
use super::declare::Refused;
use super::error::unknown;
use super::url::shown;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Options)
    }
}

struct Options;

impl<'de> Visitor<'de> for Options {
    type Value = Config;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bus's options by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config, A::Error> {
        let mut config = Config::unset();
        let mut seen = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) {
                return Err(A::Error::custom(format!("`{name}` is given twice")));
            }
            let Text(text) = map.next_value()?;
            match config.set(&name, &text) {
                Ok(()) => seen.push(name),
                Err(Refused::Unknown) => {
                    return Err(A::Error::custom(unknown(&name, &name, str::to_owned)));
                }
                Err(Refused::Expected(what)) => {
                    return Err(A::Error::custom(format!(
                        "`{name}` is `{}`; expected {what}",
                        shown(&text)
                    )));
                }
            }
        }
        Ok(config)
    }
}

/// An option's value as text: numbers too, so that every way to set an option reads it alike.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text(String::new()))
    }
}

impl Visitor<'_> for Text {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
        Ok(Text(number.to_string()))
    }
}
