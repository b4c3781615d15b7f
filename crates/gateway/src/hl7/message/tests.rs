//! By hand, after HL7 v2.5.1 chapter 2.

use super::*;

fn read(text: &str) -> Message {
    Message::read(text.as_bytes()).unwrap()
}

#[test]
fn fields_components_and_escapes() {
    let message = read(
        "MSH|^~\\&|RIS|HOSP|||20261127||ADT^A08|7|P|2.5.1\rPID|1||123^^^HOSP&1.2&ISO~9^^^X||M\\T\\S \\X4A\\\\.br\\^Anna\\F\\B||\"\"\r",
    );
    assert_eq!(message.header(1, 1), "|");
    assert_eq!(message.header(3, 1), "RIS");
    assert_eq!((message.header(9, 1), message.header(9, 2)), ("ADT".to_owned(), "A08".to_owned()));
    let pid = message.first("PID").unwrap();
    for (field, component, expected) in [
        (3, 1, "123"),
        (3, 4, "HOSP"),
        (5, 1, "M&S J"),
        (5, 2, "Anna|B"),
        (7, 1, ""),
        (9, 1, ""),
        (3, 0, "123"),
    ] {
        assert_eq!(message.value(pid, field, component), expected, "PID-{field}.{component}");
    }
    assert_eq!(pid.raw(3), "123^^^HOSP&1.2&ISO~9^^^X");
    let other = read("MSH$%*?@$LAB$$$$$$ORM%O01\nPID$1$$5%%%A@B\n");
    assert_eq!(other.value(other.first("PID").unwrap(), 3, 4), "A");
}

#[test]
fn character_sets() {
    for (set, bytes, expected) in [
        ("", "王".as_bytes(), "王"),
        ("UNICODE UTF-8", "Jörg".as_bytes(), "Jörg"),
        ("8859/1", b"J\xF6rg".as_slice(), "Jörg"),
        ("", b"J\xF6rg", "Jörg"),
        ("8859/5", b"\xB8\xE0\xD0", "Ира"),
        ("GB 18030-2000", b"\xCD\xF5\xD0\xA1", "王小"),
    ] {
        let header = format!("MSH|^~\\&{}{set}", "|".repeat(16));
        let bytes = [header.as_bytes(), b"\rPID|||||", bytes].concat();
        let message = Message::read(&bytes).unwrap();
        assert_eq!(message.value(message.first("PID").unwrap(), 5, 1), expected, "{set}");
    }
    let header = format!("MSH|^~\\&{}KLINGON", "|".repeat(16));
    assert_eq!(Message::read(header.as_bytes()), Err(Fault::Charset));
    let header = [format!("MSH|^~\\&{}UTF-8\rPID|", "|".repeat(16)).as_bytes(), b"\xFF"].concat();
    assert_eq!(Message::read(&header), Err(Fault::Charset));
}

#[test]
fn what_is_no_message_is_refused() {
    for text in ["", "MSH", "MSH|", "MSH|^~\\", "PID|1", "MSH||||||", "MSH|^^^^|", "MSHABCDE"] {
        assert_eq!(Message::read(text.as_bytes()), Err(Fault::Header), "{text}");
    }
    let long = format!("MSH|^~\\&{}", "|".repeat(FIELDS));
    assert_eq!(Message::read(long.as_bytes()), Err(Fault::TooLarge));
    let many = format!("MSH|^~\\&\r{}", "NTE|1\r".repeat(SEGMENTS));
    assert_eq!(Message::read(many.as_bytes()), Err(Fault::TooLarge));
    assert_eq!(Message::read(&vec![b'M'; MESSAGE_BYTES + 1]), Err(Fault::TooLarge));
}
