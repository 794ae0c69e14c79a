//! The bytes that other programs and older versions see. They are written out here: a change of one is a
//! change of the protocol, and old and new versions would order the same key apart.

use bus_runtime::{Codec, EventId, Json, Key, Message, RoutingKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

fn check<K: RoutingKey>(value: K, bytes: &[u8]) {
    let key = Key::of(&value);
    assert_eq!(key.as_bytes(), Some(bytes), "{key}");
}

#[test]
fn strings_and_bytes_stay_as_they_are() {
    check("c-7", &[0x63, 0x2d, 0x37]);
    check(String::from("c-7"), &[0x63, 0x2d, 0x37]);
    check("ü/\\ ", &[0xc3, 0xbc, 0x2f, 0x5c, 0x20]);
    check([0x00_u8, 0xff, 0x2f], &[0x00, 0xff, 0x2f]);
    check(vec![0xff_u8, 0x0a], &[0xff, 0x0a]);
    check(&[0x01_u8, 0x02][..], &[0x01, 0x02]);
}

#[test]
fn integers_are_decimal() {
    check(0_u8, b"0");
    check(-1_i8, b"-1");
    check(u64::MAX, b"18446744073709551615");
    check(i64::MIN, b"-9223372036854775808");
    check(u128::MAX, b"340282366920938463463374607431768211455");
    check(i128::MIN, b"-170141183460469231731687303715884105728");
    check(7_usize, b"7");
    check(-7_isize, b"-7");
    check(65_535_u16, b"65535");
    check(-32_768_i16, b"-32768");
    check(4_294_967_295_u32, b"4294967295");
    check(-2_147_483_648_i32, b"-2147483648");
}

#[test]
fn a_bool_is_a_word() {
    check(true, b"true");
    check(false, b"false");
}

#[test]
fn a_uuid_is_hyphenated_in_lower_case() {
    check(
        Uuid::from_u128(0x0192_F0C1_AB3D_7E4F_8A5B_6C7D_8E9F_A0B1),
        b"0192f0c1-ab3d-7e4f-8a5b-6c7d8e9fa0b1",
    );
    check(Uuid::nil(), b"00000000-0000-0000-0000-000000000000");
}

#[test]
fn none_is_no_key_and_empty_is_a_key() {
    assert_eq!(Key::of(&None::<u64>).as_bytes(), None);
    assert_eq!(Key::of(&Some(None::<&str>)).as_bytes(), None);
    assert_eq!(Key::of(&Key::NONE).as_bytes(), None);
    check(Some(7), b"7");
    check("", b"");
    check(Some(""), b"");
    check(Vec::<u8>::new(), b"");
    assert_ne!(Key::of(""), Key::NONE);
}

#[test]
fn a_tuple_is_its_parts_joined_and_escaped() {
    check(("eu", 7), b"eu/7");
    check(("a", -1, true), b"a/-1/true");
    check(("a", "b", "c", "d"), b"a/b/c/d");
    check(
        ("eu/west", 7),
        &[0x65, 0x75, 0x5c, 0x2f, 0x77, 0x65, 0x73, 0x74, 0x2f, 0x37],
    );
    check(("a\\", "b"), &[0x61, 0x5c, 0x5c, 0x2f, 0x62]);
    check(("a", "/b"), &[0x61, 0x2f, 0x5c, 0x2f, 0x62]);
    check(([0xff_u8, 0x2f], 0_u8), &[0xff, 0x5c, 0x2f, 0x2f, 0x30]);
    check(
        (Uuid::nil(), "x"),
        b"00000000-0000-0000-0000-000000000000/x",
    );
}

#[test]
fn parts_that_are_empty_or_none_stay_parts() {
    check(("", ""), b"/");
    check(("", "", ""), b"//");
    check((None::<u64>, "x"), b"/x");
    check(("x", None::<u64>), b"x/");
    check((None::<u64>, None::<u64>), b"/");
}

#[test]
fn a_tuple_in_a_tuple_is_escaped_again() {
    check((("a", "b"), "c"), b"a\\/b/c");
    check(("a", ("b", "c")), b"a/b\\/c");
    check((("a/b", "c"), "d"), b"a\\\\\\/b\\/c/d");
}

#[test]
fn a_reference_is_what_it_refers_to() {
    let seven = &&7;
    check(seven, b"7");
    check((&"eu", &Some(7)), b"eu/7");
    check(Key::from_bytes("a/b"), b"a/b");
}

#[test]
fn a_new_id_is_a_uuid_of_version_7_in_lower_case() {
    let message = Message::new("orders.placed", Key::NONE, "{}");
    let id = message.id.as_str();
    let uuid = Uuid::parse_str(id).expect("the id is a UUID");
    assert_eq!(uuid.get_version_num(), 7);
    assert_eq!(uuid.hyphenated().to_string(), id);
    assert_eq!(
        EventId::from("orders.placed/3/41").as_str(),
        "orders.placed/3/41"
    );
}

/// A struct with what formats write each in its own way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Meter {
    id: u64,
    change: i32,
    watts: f64,
    name: String,
    bytes: Vec<u8>,
    note: Option<String>,
    last: bool,
}

fn meter() -> Meter {
    Meter {
        id: 300,
        change: -1,
        watts: 0.5,
        name: "ü".to_owned(),
        bytes: vec![1, 255],
        note: None,
        last: true,
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Change {
    Paid { cents: u64 },
    Moved(u8, u8),
    Renamed(String),
    Closed,
}

/// What each codec is to write of these.
fn changes() -> [Change; 4] {
    let (paid, moved) = (Change::Paid { cents: 9 }, Change::Moved(1, 2));
    [paid, moved, Change::Renamed("x".to_owned()), Change::Closed]
}

#[test]
fn json_is_compact_with_the_fields_in_their_order() {
    assert_eq!(<Json<Meter> as Codec<_>>::CONTENT_TYPE, "application/json");
    let expected =
        r#"{"id":300,"change":-1,"watts":0.5,"name":"ü","bytes":[1,255],"note":null,"last":true}"#;
    assert_eq!(Json::encode(&meter()).expect("it is JSON"), expected);
    let expected = [
        r#"{"Paid":{"cents":9}}"#,
        r#"{"Moved":[1,2]}"#,
        r#"{"Renamed":"x"}"#,
        r#""Closed""#,
    ];
    for (change, expected) in changes().iter().zip(expected) {
        assert_eq!(Json::encode(change).expect("it is JSON"), expected);
    }
}

#[cfg(feature = "messagepack")]
mod message_pack {
    use super::{Change, Meter, changes, meter};
    use bus_runtime::{Codec, FromPayload, Headers, Key, Message, MessagePack};

    fn read<T>(payload: impl Into<bytes::Bytes>) -> T
    where
        MessagePack<T>: FromPayload<Event = T> + Codec<T>,
    {
        let content_type = <MessagePack<T> as Codec<T>>::CONTENT_TYPE;
        let mut message = Message::new("t", Key::NONE, payload);
        message.headers = Headers::new().with("content-type", content_type);
        MessagePack::from_payload(&message)
            .expect("it can be read")
            .0
    }

    #[test]
    fn a_struct_is_a_map_with_the_names_of_its_fields() {
        let content_type = <MessagePack<Meter> as Codec<_>>::CONTENT_TYPE;
        assert_eq!(content_type, "application/msgpack");
        let expected = [
            &[0x87][..],
            b"\xa2id\xcd\x01\x2c",
            b"\xa6change\xff",
            b"\xa5watts\xcb\x3f\xe0\0\0\0\0\0\0",
            b"\xa4name\xa2\xc3\xbc",
            b"\xa5bytes\x92\x01\xcc\xff",
            b"\xa4note\xc0",
            b"\xa4last\xc3",
        ]
        .concat();
        let written = MessagePack::encode(&meter()).expect("it is MessagePack");
        assert_eq!(written, expected);
        assert_eq!(read::<Meter>(written), meter());
    }

    #[test]
    fn a_variant_is_its_name_or_a_map_from_it() {
        let expected: [&[u8]; 4] = [
            b"\x81\xa4Paid\x81\xa5cents\x09",
            b"\x81\xa5Moved\x92\x01\x02",
            b"\x81\xa7Renamed\xa1x",
            b"\xa6Closed",
        ];
        for (change, expected) in changes().into_iter().zip(expected) {
            let written = MessagePack::encode(&change).expect("it is MessagePack");
            assert_eq!(written, expected);
            assert_eq!(read::<Change>(written), change);
        }
    }

    /// The writer's struct may have more fields and another order, or be an array.
    #[test]
    fn fields_are_found_by_name_and_arrays_are_read() {
        #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        struct Pair {
            a: u8,
            b: u8,
        }
        let pair = Pair { a: 1, b: 2 };
        let map = &b"\x83\xa1c\x91\xc0\xa1b\x02\xa1a\x01"[..];
        assert_eq!(read::<Pair>(map), pair);
        assert_eq!(read::<Pair>(&b"\x92\x01\x02"[..]), pair);
    }
}

#[cfg(feature = "protobuf")]
mod protobuf {
    use bus_runtime::{Codec, FromPayload, Headers, Key, Message, Protobuf};

    #[derive(Clone, PartialEq, prost::Message)]
    struct Meter {
        #[prost(uint64, tag = "1")]
        id: u64,
        #[prost(sint32, tag = "2")]
        change: i32,
        #[prost(double, tag = "3")]
        watts: f64,
        #[prost(string, tag = "4")]
        name: String,
        #[prost(bytes = "vec", tag = "5")]
        bytes: Vec<u8>,
        #[prost(string, optional, tag = "6")]
        note: Option<String>,
        #[prost(bool, tag = "7")]
        last: bool,
    }

    #[test]
    fn a_message_is_its_fields_by_number() {
        let content_type = <Protobuf<Meter> as Codec<_>>::CONTENT_TYPE;
        assert_eq!(content_type, "application/protobuf");
        let meter = Meter {
            id: 300,
            change: -1,
            watts: 0.5,
            name: "ü".to_owned(),
            bytes: vec![1, 255],
            note: None,
            last: true,
        };
        let expected = [
            &b"\x08\xac\x02"[..],
            b"\x10\x01",
            b"\x19\0\0\0\0\0\0\xe0\x3f",
            b"\x22\x02\xc3\xbc",
            b"\x2a\x02\x01\xff",
            b"\x38\x01",
        ]
        .concat();
        let written = Protobuf::encode(&meter).expect("it is Protobuf");
        assert_eq!(written, expected);

        let mut message = Message::new("t", Key::NONE, written);
        message.headers = Headers::new().with("content-type", content_type);
        let read = Protobuf::<Meter>::from_payload(&message).expect("it can be read");
        assert_eq!(read.0, meter);
    }
}
