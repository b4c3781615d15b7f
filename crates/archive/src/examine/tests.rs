use super::*;

#[test]
fn no_frame_is_skipped_but_of_objects_that_are_then_hidden() {
    for count in [0, 1, 64, 65, 130, 2_000] {
        assert_eq!(looked_at(count), count);
    }
    assert!(looked_at(2_001) < 2_001);
    assert!(looked_at(u32::MAX) <= 64);
}
