//! `docs/conformance.md` says what the code does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends at the first surprise"
)]

use dicom::dimse::{Association, Context, Options, Terms, classes};
use dicom::{IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION, bounds};

const STATEMENT: &str = include_str!("../../../docs/conformance.md");

fn rows() -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    STATEMENT.lines().filter(|line| line.starts_with("| ")).map(cells).collect()
}

#[test]
fn the_table_of_classes_is_what_is_accepted() {
    let stated: Vec<&str> = rows()
        .into_iter()
        .filter_map(|row| row.get(1).copied())
        .filter(|cell| cell.starts_with("1.2.840.10008.") && *cell != "1.2.840.10008.3.1.1.1")
        .collect();
    let mut expected = vec![classes::VERIFICATION];
    expected.extend(classes::SERVICES);
    let sorted = |mut list: Vec<&'static str>| {
        list.sort_unstable();
        list
    };
    assert_eq!(sorted(stated.clone()), sorted(expected));
    let syntaxes = rows().into_iter().find(|row| row.get(1) == Some(&classes::VERIFICATION)).unwrap()[2];
    assert_eq!(syntaxes.split(", ").collect::<Vec<_>>(), classes::PLAIN_SYNTAXES);
    // Accepted as stated, and nothing of it without TLS but verification.
    for services in [true, false] {
        let options = Options { called_ae: None, private_classes: Vec::new(), services, max_pdu: 1 << 17 };
        let mut terms = Terms::ours("GAUZE", "X", 1 << 16);
        let odd = (1..).step_by(2).zip(&stated);
        terms.contexts = odd
            .map(|(id, class)| Context::propose(id, class, &["1.2.3", syntaxes.split(", ").next().unwrap()]))
            .collect();
        let (mut user, mut provider) = (Association::request(terms), Association::accept(options));
        provider.push(&user.output()).unwrap();
        user.push(&provider.output()).unwrap();
        let accepted: Vec<_> = user
            .contexts()
            .iter()
            .filter(|c| c.syntax().is_some())
            .map(|c| c.abstract_syntax.as_str())
            .collect();
        assert_eq!(accepted, if services { stated.clone() } else { vec![classes::VERIFICATION] });
    }
}

#[test]
fn figures_are_those_of_the_code() {
    let figures = [
        IMPLEMENTATION_CLASS_UID.to_owned(),
        IMPLEMENTATION_VERSION.to_owned(),
        format!("up to {}", bounds::PDU_OUT),
        format!("{}, {} transfer syntaxes each", bounds::CONTEXTS, bounds::SYNTAXES),
        "At most 10,000 instances".to_owned(),
    ];
    for figure in &figures {
        assert!(STATEMENT.contains(figure), "{figure}");
    }
    assert_eq!(bounds::COMMITMENT_REFERENCES, 10_000);
}

#[test]
fn storage_is_what_the_standard_lists() {
    for storage in [
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.5.1.4.1.1.88.33",
        "1.2.840.10008.5.1.4.1.1.104.1",
        "1.2.840.10008.5.1.4.1.1.77.1.6",
        "1.2.840.10008.5.1.4.34.7",
    ] {
        assert!(classes::is_storage(storage), "{storage}");
    }
    for other in
        [classes::COMMITMENT, classes::STUDY_FIND, "1.2.840.10008.4.2", "1.2.840.10008.1.3.10", "1.2.3"]
    {
        assert!(!classes::is_storage(other), "{other}");
    }
}
