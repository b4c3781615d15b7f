use super::*;

/// Counts of PS3.15 2025a Table E.1-1 as counted in the standard's own table.
#[test]
fn the_table_is_whole() {
    let text = include_str!("../../profiles/basic.txt");
    let count = |letters: &str| {
        text.lines().filter(|l| !l.starts_with('#') && l.split(' ').nth(1) == Some(letters)).count()
    };
    let expected = [
        ("X", 384),
        ("D", 92),
        ("U", 54),
        ("Z", 42),
        ("X/D", 22),
        ("X/Z", 11),
        ("X/Z/D", 8),
        ("Z/D", 6),
        ("X/Z/U*", 2),
    ];
    for (letters, rows) in expected {
        assert_eq!(count(letters), rows, "{letters}");
    }
    assert!(Profile::basic().is_some());
}

/// Rows read in the standard's table by eye.
#[test]
fn rows_by_hand() {
    let basic = Profile::basic().unwrap();
    for (tag, action) in [
        (0x0010_0010, Some(Action::Empty)),
        (0x0010_1010, Some(Action::Remove)),
        (0x0008_0018, Some(Action::Uid)),
        (0x0040_A123, Some(Action::Dummy)),
        (0x0008_0021, Some(Action::RemoveOrDummy)),
        (0x0008_1140, Some(Action::References)),
        (0x0009_0010, Some(Action::Remove)),
        (0x6002_0010, Some(Action::Remove)),
        (0x50FE_3000, Some(Action::Remove)),
        (0x0028_0010, None),
        (0x0008_0060, None),
    ] {
        assert_eq!(basic.action(tag), action, "{tag:08X}");
    }
}

#[test]
fn half_a_table_is_none() {
    let text = include_str!("../../profiles/basic.txt");
    let half: String = text.lines().take(300).map(|l| format!("{l}\n")).collect();
    assert!(Profile::parse(&half).is_none());
    assert!(Profile::parse(&text.replacen("\n00001000 X ", "\n00001000 Q ", 1)).is_none());
}
