//! A format of one's own, for string topics and for an event's.

use bus_runtime::prelude::*;
use bus_runtime::{Carries, Codec, EncodeError, FromPayload, Message, Topic};

struct Text<T>(T);

impl<T: From<String> + Send + 'static> FromPayload for Text<T> {
    type Event = T;

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        let text = String::from_utf8(message.payload.to_vec());
        let text = text.map_err(|error| Rejection::new(error.to_string()))?;
        Ok(Text(text.into()))
    }

    fn event(&self) -> &T {
        &self.0
    }
}

struct Note(String);

impl From<String> for Note {
    fn from(text: String) -> Self {
        Note(text)
    }
}

impl Event for Note {
    type Wire = Text<Note>;
    const TOPIC: Topic<Note> = Topic::new("notes.taken");

    fn key(&self) -> Key {
        Key::of(&self.0)
    }
}

impl Codec<Note> for Text<Note> {
    const CONTENT_TYPE: &'static str = "text/plain";

    fn encode(note: &Note) -> Result<bytes::Bytes, EncodeError> {
        Ok(note.0.clone().into())
    }
}

impl Carries<Note> for Text<Note> {}

/// The same by the derive.
#[derive(Event)]
#[event(topic = "notes.shared", key = 0, codec = Text)]
struct Shared(String);

impl From<String> for Shared {
    fn from(text: String) -> Self {
        Shared(text)
    }
}

impl Codec<Shared> for Text<Shared> {
    const CONTENT_TYPE: &'static str = "text/plain";

    fn encode(note: &Shared) -> Result<bytes::Bytes, EncodeError> {
        Ok(note.0.clone().into())
    }
}

impl Carries<Shared> for Text<Shared> {}

#[event_handler(topic = Shared::TOPIC)]
async fn share(Text(note): Text<Shared>) {
    drop(note.0);
}

#[event_handler(topic = Note::TOPIC)]
async fn read(Text(note): Text<Note>) {
    drop(note.0);
}

#[event_handler(topic = "notes.copied", key = note.0)]
async fn copy(Text(note): Text<Note>) {
    drop(note.0);
}

#[event_bus(group = "notes", handlers = [read, copy, share])]
struct Notes;

fn main() {
    let _ = Notes::new(Config::memory());
}
