//! The names that every transport can carry, checked while compiling and while running.

/// The longest topic, in bytes.
const TOPIC_BYTES: usize = 200;

/// The fault of a topic that no transport could carry, or `None`.
///
/// A topic is segments joined by `.`; a segment is one or more of `A–Z a–z 0–9 _ -`; 200 bytes at most.
pub(crate) const fn check_topic(topic: &str) -> Option<&'static str> {
    let bytes = topic.as_bytes();
    if bytes.is_empty() {
        return Some("a topic must not be empty");
    }
    if bytes.len() > TOPIC_BYTES {
        return Some("a topic has at most 200 bytes");
    }
    if bytes.len() >= 2 && bytes[0] == b'_' && bytes[1] == b'_' {
        return Some("topics that start with `__` are Kafka's own; choose another name");
    }
    let (mut i, mut segment) = (0, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'.' if segment == 0 => {
                return Some("a topic has no empty segment: a `.` stands between two names");
            }
            b'.' => segment = 0,
            b'*' | b'>' | b'#' => {
                return Some("a topic has no wildcards: a handler takes one topic");
            }
            byte if is_name_byte(byte) => segment += 1,
            _ => return Some("a topic may hold only ASCII letters, digits, `.`, `-` and `_`"),
        }
        i += 1;
    }
    if segment == 0 {
        return Some("a topic has no empty segment: a `.` stands between two names");
    }
    None
}

/// The fault of a group's or namespace's name of at most `max` bytes, or `None`.
pub(crate) const fn check_name(name: &str, max: usize) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Some("a name must not be empty");
    }
    if bytes.len() > max {
        return Some("a group has at most 64 bytes, a namespace at most 32");
    }
    let mut i = 0;
    while i < bytes.len() {
        if !is_name_byte(bytes[i]) {
            return Some("a name may hold only ASCII letters, digits, `-` and `_`");
        }
        i += 1;
    }
    None
}

const fn is_name_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_of_the_rule_are_taken() {
        let longest = "x".repeat(200);
        for topic in [
            "a",
            "orders.placed",
            "A-z_0.9.-",
            "_x",
            "a.__b",
            "-",
            &longest,
        ] {
            assert_eq!(check_topic(topic), None, "{topic}");
        }
    }

    #[test]
    fn other_topics_are_refused() {
        let too_long = "x".repeat(201);
        for topic in [
            "", ".", "..", ".a", "a.", "a..b", "__a", "__", "a b", "a/b", "a~b", "a+b", "a@b", "ü",
            "a\0", "orders.*", "orders.>", "#", &too_long,
        ] {
            assert!(check_topic(topic).is_some(), "{topic}");
        }
    }

    #[test]
    fn names_are_one_segment_of_bounded_length() {
        for name in ["a", "A-z_09", "__", "-", "12345678"] {
            assert_eq!(check_name(name, 8), None, "{name}");
        }
        for name in [
            "",
            "123456789",
            "a.b",
            "a~b",
            "a+b",
            "a@b",
            "a b",
            "ü",
            "a/b",
            "*",
            ">",
        ] {
            assert!(check_name(name, 8).is_some(), "{name}");
        }
    }
}
