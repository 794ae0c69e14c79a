//! Which format an event is in: its header `content-type`.

use super::Rejection;
use crate::event::Message;

/// The header's name; names are case-sensitive.
pub(crate) const CONTENT_TYPE: &str = "content-type";

/// A format: its name in Rust, and its media types.
pub(crate) struct Format {
    name: &'static str,
    /// The cargo feature that brings it.
    feature: Option<&'static str>,
    /// The first is the one that is written.
    media_types: &'static [&'static str],
}

/// What an event without the header is in.
pub(crate) const JSON: Format = Format {
    name: "Json",
    feature: None,
    media_types: &["application/json", "text/json"],
};

pub(super) const MESSAGE_PACK: Format = Format {
    name: "MessagePack",
    feature: Some("messagepack"),
    // The first is what programs write; the second is registered with IANA, and seldom seen.
    media_types: &[
        "application/msgpack",
        "application/vnd.msgpack",
        "application/x-msgpack",
    ],
};

pub(super) const PROTOBUF: Format = Format {
    name: "Protobuf",
    feature: Some("protobuf"),
    // The first is registered with IANA, with the second and third as its former names.
    media_types: &[
        "application/protobuf",
        "application/x-protobuf",
        "application/x-protobuffer",
        "application/vnd.google.protobuf",
    ],
};

const FORMATS: [&Format; 3] = [&JSON, &MESSAGE_PACK, &PROTOBUF];

impl Format {
    /// The media type that is written.
    pub(crate) const fn media_type(&self) -> &'static str {
        self.media_types[0]
    }

    /// Refuses an event that says it is in another format.
    pub(super) fn check(&self, message: &Message) -> Result<(), Rejection> {
        let said = message.headers.get_bytes(CONTENT_TYPE);
        let said = said.map_or(JSON.media_type().as_bytes(), |said| said);
        if self.reads(said) {
            return Ok(());
        }
        Err(self.rejection(said, message.headers.get_bytes(CONTENT_TYPE).is_none()))
    }

    fn rejection(&self, said: &[u8], is_silent: bool) -> Rejection {
        let fix = match FORMATS.iter().find(|format| format.reads(said)) {
            Some(Format {
                name,
                feature: None,
                ..
            }) => format!("take it as `{name}`"),
            Some(Format {
                name,
                feature: Some(feature),
                ..
            }) => {
                format!("take it as `{name}`, of the cargo feature `{feature}`")
            }
            None => "take it as `Raw`".to_owned(),
        };
        let said = String::from_utf8_lossy(said);
        let is = if is_silent {
            format!("the event has no header `{CONTENT_TYPE}`, which means `{said}`")
        } else {
            format!("the event's header `{CONTENT_TYPE}` is `{said}`")
        };
        let (name, reads) = (self.name, self.media_type());
        Rejection::new(format!("{is}, and `{name}` reads `{reads}`: {fix}"))
    }

    /// Whether this is one of the format's media types, whatever its parameters.
    fn reads(&self, said: &[u8]) -> bool {
        let end = said.iter().position(|byte| *byte == b';');
        let media_type = said[..end.unwrap_or(said.len())].trim_ascii();
        let is = |known: &&str| media_type.eq_ignore_ascii_case(known.as_bytes());
        // Every JSON format may end in `+json`, whatever it is about.
        let is_json = || {
            let suffix = media_type.len().checked_sub(b"+json".len());
            suffix.is_some_and(|at| media_type[at..].eq_ignore_ascii_case(b"+json"))
        };
        self.media_types.iter().any(is) || (self.media_type() == JSON.media_type() && is_json())
    }
}
