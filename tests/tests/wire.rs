//! The bytes that other programs and older versions see. They are written out here: a change of one is a
//! change of the protocol, and old and new versions would order the same key apart.

use bus_runtime::{EventId, Key, Message, RoutingKey};
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
