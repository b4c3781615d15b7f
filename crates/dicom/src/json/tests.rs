use super::*;

/// PS3.18 F.2.1.1.2's first result, without the attributes that are no text.
#[test]
fn the_standards_example() {
    let mut a = Attributes::new();
    a.set(0x0008_0020, *b"DA", ["20130409".to_owned()]);
    a.set(0x0008_0050, *b"SH", ["11235813".to_owned()]);
    a.set(0x0008_0090, *b"PN", ["^Bob^^Dr.".to_owned()]);
    a.set(0x0010_0010, *b"PN", ["Wang^XiaoDong=王^小東".to_owned()]);
    a.set(0x0010_0040, *b"CS", []);
    a.set(0x0020_1206, *b"IS", ["4".to_owned()]);
    let golden = json!({
        "00080020": {"vr": "DA", "Value": ["20130409"]},
        "00080050": {"vr": "SH", "Value": ["11235813"]},
        "00080090": {"vr": "PN", "Value": [{"Alphabetic": "^Bob^^Dr."}]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}]},
        "00100040": {"vr": "CS"},
        "00201206": {"vr": "IS", "Value": [4]}
    });
    assert_eq!(from_attributes(&a), golden);
}

#[test]
fn empty_values_beside_others_are_null() {
    assert_eq!(values("LO", &["".to_owned(), "B".to_owned()]), Some(json!([null, "B"])));
    assert_eq!(values("DS", &["1.5".to_owned(), "x".to_owned()]), Some(json!([1.5, "x"])));
}
