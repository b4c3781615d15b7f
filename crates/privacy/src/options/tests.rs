use super::*;

#[test]
fn names_are_read_as_they_are_written() {
    for option in ProfileOption::ALL {
        assert_eq!(option.name().parse(), Ok(option));
        let one = Options::parse([option.name()]).unwrap();
        assert!(one.has(option) && one.iter().eq([option]));
    }
    assert_eq!(Options::parse([]), Ok(Options::basic()));
    assert_eq!(Options::parse(["Retain-UIDs"]), Err(OptionsError::Unknown("Retain-UIDs".to_owned())));
}

/// PS3.15 E.3.6.
#[test]
fn dates_are_kept_or_moved_not_both() {
    let (full, moved) = (ProfileOption::RetainFullDates, ProfileOption::RetainModifiedDates);
    assert_eq!(Options::of([full, moved]), Err(OptionsError::Contradiction(full, moved)));
    assert_eq!(
        Options::parse(["retain-modified-dates", "retain-uids", "retain-full-dates"]),
        Err(OptionsError::Contradiction(moved, full))
    );
    assert!(Options::of([full, full]).is_ok());
}

/// PS3.16 CID 7050: eleven options of the pixels, words and kinds, 113101 to 113112.
#[test]
fn codes_are_those_of_the_context_group() {
    let codes: Vec<u32> = ProfileOption::ALL.iter().map(|o| o.code().0.parse().unwrap()).collect();
    assert!(codes.iter().copied().eq(113_101..=113_112), "{codes:?}");
}
