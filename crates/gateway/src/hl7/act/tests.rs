//! Messages by hand, with the fields that IHE RAD TF-2 Appendix B names.

use super::*;

const HEAD: &str = "MSH|^~\\&|RIS|HOSP|GAUZE|HOSP|20261126||{kind}|42|P|2.5.1\r";
const PID: &str = "PID|1||GZ-9^^^HOSP||Wang^Xiaoli^^Jr^Dr||19780512|F\r";
const OBR: &str = "OBR|1|PL-1|FI-1|CX2^Chest two views^L^^Chest PA||||||||||||77^Doctor^Demo||A-77|RP-7|SPS-7|ROOM1|||DX|||1^^^202611271015^^R";

fn wished(kind: &str, segments: &str) -> Result<Wish, Cause> {
    wish(&Message::read((HEAD.replace("{kind}", kind) + segments).as_bytes()).unwrap())
}

fn order(control: &str, obr: &str) -> String {
    format!("{PID}PV1|1|I|WARD 3^^|||||88^Referrer^Rita\rORC|{control}|PL-1|FI-1\r{obr}\rZDS|2.25.77\r")
}

#[test]
fn an_order_is_a_worklist_item() {
    let Ok(Wish::Orders { place, end }) = wished("ORM^O01", &order("NW", OBR)) else { panic!() };
    assert!(end.is_empty() && place.len() == 1);
    for (tag, expected) in [
        (tags::ACCESSION_NUMBER, "A-77"),
        (tags::PATIENT_ID, "GZ-9"),
        (tags::ISSUER_OF_PATIENT_ID, "HOSP"),
        (tags::PATIENT_NAME, "Wang^Xiaoli^^Dr^Jr"),
        (tags::PATIENT_BIRTH_DATE, "19780512"),
        (tags::PATIENT_SEX, "F"),
        (tags::REQUESTED_PROCEDURE_ID, "RP-7"),
        (tags::REQUESTED_PROCEDURE_DESCRIPTION, "Chest two views"),
        (tags::STUDY_INSTANCE_UID, "2.25.77"),
        (tags::REQUESTING_PHYSICIAN, "Doctor^Demo"),
        (tags::REFERRING_PHYSICIAN_NAME, "Referrer^Rita"),
        (0x0038_0300, "WARD 3"),
        (0x0040_2016, "PL-1"),
        (0x0040_2017, "FI-1"),
    ] {
        assert_eq!(place[0].first(tag), expected, "{tag:08X}");
    }
    let step = &place[0].get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).unwrap().items[0];
    for (tag, expected) in [
        (tags::MODALITY, "DX"),
        (tags::SCHEDULED_STATION_AE_TITLE, "ROOM1"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_DATE, "20261127"),
        (tags::SCHEDULED_PROCEDURE_STEP_START_TIME, "1015"),
        (tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION, "Chest PA"),
        (tags::SCHEDULED_PROCEDURE_STEP_ID, "SPS-7"),
    ] {
        assert_eq!(step[&tag].values, [expected], "{tag:08X}");
    }
    let code = &place[0].get(tags::REQUESTED_PROCEDURE_CODE_SEQUENCE).unwrap().items[0];
    assert_eq!(code[&tags::CODE_VALUE].values, ["CX2"]);
}

#[test]
fn what_control_codes_do() {
    for (control, expected) in [
        ("NW", "place"),
        ("XO", "place"),
        ("CA", "end"),
        ("DC", "end"),
        ("SC||||CM", "end"),
        ("SC||||IP", "place"),
    ] {
        let message = order("{}", OBR).replace(
            "ORC|{}|PL-1|FI-1",
            &match control.split_once("||||") {
                Some((code, status)) => format!("ORC|{code}|PL-1|FI-1||{status}"),
                None => format!("ORC|{control}|PL-1|FI-1"),
            },
        );
        let got = match wished("ORM^O01", &message) {
            Ok(Wish::Orders { place, .. }) if place.len() == 1 => "place",
            Ok(Wish::Orders { end, .. }) if end.len() == 1 && end[0].number == "A-77" => "end",
            _ => "nothing",
        };
        assert_eq!(got, expected, "{control}");
    }
}

#[test]
fn an_imaging_order_names_its_step_in_ipc() {
    let obr =
        "OBR|1|||CX2^Chest^L\rIPC|A-78|RP-8|2.25.78|SPS-8|CT|P1^Low dose^L|CT-A||CTROOM\rTQ1|1||||||20261128";
    let message = format!("{PID}ORC|NW\r{obr}\r");
    let Ok(Wish::Orders { place, .. }) = wished("OMI^O23", &message) else { panic!() };
    assert_eq!(place[0].first(tags::ACCESSION_NUMBER), "A-78");
    assert_eq!(place[0].first(tags::STUDY_INSTANCE_UID), "2.25.78");
    let step = &place[0].get(tags::SCHEDULED_PROCEDURE_STEP_SEQUENCE).unwrap().items[0];
    assert_eq!(step[&tags::SCHEDULED_STATION_AE_TITLE].values, ["CTROOM"]);
    assert_eq!(step[&tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION].values, ["Low dose"]);
}

#[test]
fn patients_are_corrected_and_merged() {
    let number = |issuer: &str, number: &str| PatientNumber { issuer: issuer.into(), number: number.into() };
    let Ok(Wish::PutRight(acts)) = wished("ADT^A08", PID) else { panic!() };
    let [Act::CorrectPatient { patient, set }] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!(*patient, number("HOSP", "GZ-9"));
    assert_eq!((set.first(tags::PATIENT_NAME), set.len()), ("Wang^Xiaoli^^Dr^Jr", 3));
    // HL7 v2.5.1 §3.3.40: PID, MRG, and again.
    let two = format!("{PID}MRG|GZ-8^^^HOSP\rPID|2||GZ-5^^^HOSP||Five^F\rPV1|1\rMRG|GZ-4^^^HOSP\r");
    let Ok(Wish::PutRight(acts)) = wished("ADT^A40^ADT_A39", &two) else { panic!() };
    let merges = acts.iter().map(|act| match act {
        Act::Merge { from, into, demographics } => {
            (from.clone(), into.clone(), demographics.first(tags::PATIENT_NAME))
        }
        _ => panic!("{act:?}"),
    });
    let merges: Vec<_> = merges.collect();
    let expected = [
        (number("HOSP", "GZ-8"), number("HOSP", "GZ-9"), "Wang^Xiaoli^^Dr^Jr"),
        (number("HOSP", "GZ-4"), number("HOSP", "GZ-5"), "Five^F"),
    ];
    assert_eq!(merges, expected);
    // HL7 Table 0203: the house's number is not always the first.
    let national = PID.replace("GZ-9^^^HOSP", "1101^^^NATL^NI~GZ-9^^^HOSP^MR");
    let Ok(Wish::PutRight(acts)) = wished("ADT^A08", &national) else { panic!() };
    assert!(matches!(&acts[..], [Act::CorrectPatient { patient, .. }] if *patient == number("HOSP", "GZ-9")));
    assert_eq!(wished("ADT^A01", PID), Ok(Wish::Nothing));
    assert_eq!(wished("ADT^A08", "PID|1||GZ-9\r"), Ok(Wish::Nothing), "nothing is said of her");
}

#[test]
fn what_lacks_something_is_refused() {
    for (kind, segments, code) in [
        ("MFN^M02", PID.to_owned(), 200),
        ("ORU^R01", PID.to_owned(), 100),
        ("ORM^O02", PID.to_owned(), 201),
        ("ORM^O01", String::new(), 100),
        ("ORM^O01", PID.to_owned(), 100),
        ("ORM^O01", order("RP", OBR), 103),
        ("ORM^O01", order("NW", "OBR|1|||X"), 101),
        ("ORM^O01", order("NW", OBR).replace("^^^202611271015^^R", ""), 101),
        ("ORM^O01", order("NW", OBR).replace("|DX|", "||"), 101),
        ("ADT^A40", PID.to_owned(), 100),
        ("ADT^A40", format!("{PID}MRG|\r"), 101),
        ("ADT^A08", PID.replace("GZ-9", ""), 101),
    ] {
        assert_eq!(wished(kind, &segments).map_err(|Cause(code, _)| code), Err(code), "{kind} {segments}");
    }
}

/// The table of ways in names the messages that are taken, and none beside them is (kinds of HL7 Tables 0076 and 0003).
#[test]
fn the_table_of_ways_in_names_what_is_taken() {
    let rows: Vec<&str> = crate::routes().iter().filter(|r| r.method == "HL7").map(|r| r.path).collect();
    let kinds = ["ADT", "ORM", "OMG", "OMI", "ORU", "MDM", "SIU", "QBP", "MFN", "BAR", "ORR", "ACK"];
    let events = [
        "A02", "S13", "S14", "S15", "S16", "S17", "S26", "A01", "A08", "A31", "A34", "A40", "A47", "O01",
        "O19", "O23", "R01", "T02", "S12", "Q22",
    ];
    for (kind, event) in kinds.iter().flat_map(|kind| events.map(|event| (*kind, event))) {
        let taken = !matches!(wished(&format!("{kind}^{event}"), ""), Err(Cause(200 | 201, _)));
        let named = rows.contains(&kind) || rows.contains(&&*format!("{kind}^{event}"));
        assert_eq!(taken, named, "{kind}^{event}");
    }
}
