use super::*;

fn read(obx: &str) -> Result<Report, Cause> {
    let message = format!(
        "MSH|^~\\&|RIS|H|GAUZE|H|20261126||ORU^R01|77|P|2.5.1||||||UNICODE UTF-8\rPID|1||GZ-9^^^H^MR||Wang^Li\r\
         OBR|1|PL|FI|CX2^Chest^L|||202611261000|||||||||||A-77||||20261126113000|||F\r{obx}"
    );
    Report::read(&Message::read(message.as_bytes()).unwrap())
}

#[test]
fn texts_under_one_heading_are_one_section() {
    let obx = "OBX|1|TX|59776-5^Procedure findings^LN||Lungs clear.||||||F\rOBX|2|TX|59776-5^Procedure findings^LN||Heart \\T\\ vessels~normal.\\.br\\No effusion.||||||F\r\
               OBX|3|ST|19005-8^Radiology Impression^LN||Normal 胸片.||||||F\rOBX|4|TX|X^Deleted^L||gone||||||D\r";
    let report = read(obx).unwrap();
    assert_eq!((report.accession.as_str(), report.patient.number.as_str()), ("A-77", "GZ-9"));
    assert_eq!((report.at.0.as_str(), report.at.1.as_str(), report.complete), ("20261126", "113000", true));
    let texts: Vec<&str> = report.sections.iter().map(|s| s.text.as_str()).collect();
    assert_eq!(texts, ["Lungs clear.\nHeart & vessels\nnormal.\nNo effusion.", "Normal 胸片."]);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    for (obx, code) in [
        ("", 101),
        ("OBX|1|RP|X||http://elsewhere\r", 102),
        ("OBX|1|ED|X||^Application^PDF^Base64^JVBERi0xLjQ\r", 102),
        ("OBX|1|ED|X||^Application^PDF^Base64^aGVsbG8=\r", 102),
        ("OBX|1|ED|X||^Image^JPEG^Base64^JVBERi0xLjQ=\r", 102),
        ("OBX|1|TX|X||two\rOBR|2|||||||||||||||||A-78\rOBX|1|TX|X||studies\r", 102),
    ] {
        assert_eq!(read(obx).unwrap_err().0, code, "{obx}");
    }
    let long = format!("OBX|1|TX|X||{}\r", "x".repeat(TEXT_BYTES));
    assert_eq!(read(&long).unwrap_err().0, 102);
}

#[test]
fn the_same_message_makes_the_same_objects() {
    let report =
        read("OBX|1|TX|X^Words^L||text\rOBX|2|ED|X||^Application^PDF^Base64^JVBERi0xLjQ=\r").unwrap();
    let mut study = Attributes::new();
    study.set(tags::STUDY_INSTANCE_UID, *b"UI", ["1.2.3".to_owned()]);
    let files = report.files(&study, &[7; 32]);
    assert_eq!(files.len(), 2);
    assert_eq!(files, report.files(&study, &[7; 32]));
    assert_ne!(files, report.files(&study, &[8; 32]));
    for file in files {
        let mut intake = dicom::Intake::new();
        intake.push(&file).unwrap();
        let facts = intake.finish().unwrap().facts;
        assert_eq!(facts.study_uid.as_str(), "1.2.3");
    }
}
