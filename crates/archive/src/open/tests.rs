use super::says_something;

#[test]
fn a_reason_says_something() {
    for (reason, expected) in [
        ("", false),
        (".", false),
        (" - ... - ", false),
        ("ok", false),
        ("CT now", true),
        ("急诊", true),
        ("\u{200b}a\u{200b}", false),
    ] {
        assert_eq!(says_something(reason), expected, "{reason:?}");
    }
}
