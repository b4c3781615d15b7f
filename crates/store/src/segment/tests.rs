//! A segment that was made from docs/formats/intake-log.md without this code (testdata/formats/make.py).

use super::*;

fn vector() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/intake-segment.bin")).unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<(u64, Vec<Found>)> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file.as_file(), bytes).unwrap();
    let mut found = Vec::new();
    let good = read(file.path(), 3, End::Torn, |one| {
        found.push(one);
        Ok(())
    })?;
    Ok((good, found))
}

fn meta(seq: u64, object: Option<(Tenant, Id, bool)>) -> Meta {
    Meta {
        seq,
        object,
        sidecars: vec![(Tenant::main(), Id([7; 16]), b"side".to_vec())],
        rows: vec![RowRecord { key: [4; 32], kind: 1, version: 300, sealed: b"row".to_vec() }],
        wraps: vec![([8; 32], b"wrap".to_vec())],
        first_leaf: seq * 10,
        leaves: vec![(b"leaf".to_vec(), b"body".to_vec())],
    }
}

#[test]
fn the_vector_reads_and_writes_the_same() {
    let bytes = vector();
    let (good, found) = read_bytes(&bytes).unwrap();
    assert_eq!(good, bytes.len() as u64);
    let expected = [meta(41, Some((Tenant::main(), Id([7; 16]), false))), meta(42, None)];
    assert_eq!(found.iter().map(|f| &f.meta).collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    let blob = found.first().map(|f| f.blob_at as usize..(f.blob_at + f.blob_len) as usize).unwrap();
    assert_eq!(&bytes[blob], b"sealed object");
    let mut written = header(3).to_vec();
    let mut previous = 0;
    for (meta, blob) in expected.iter().zip([&b"sealed object"[..], b""]) {
        let framed = frame(previous, meta, blob).unwrap();
        written.extend([&framed.front, blob, &framed.checksum.to_be_bytes()].concat());
        previous = framed.checksum;
    }
    assert!(written == bytes);
}

#[test]
fn a_torn_or_changed_tail_is_not_believed() {
    let bytes = vector();
    let first = {
        let (_, found) = read_bytes(&bytes).unwrap();
        (found[0].blob_at + found[0].blob_len + 4) as usize
    };
    for cut in first..bytes.len() {
        let (good, found) = read_bytes(&bytes[..cut]).unwrap();
        assert_eq!((good, found.len()), (first as u64, 1), "cut to {cut}");
    }
    for at in HEADER..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        match read_bytes(&changed) {
            Ok((_, found)) => assert_eq!(found.len(), usize::from(at >= first), "byte {at}"),
            // The first record's sizes still frame: the second is whole behind it.
            Err(Error::Segment { good, .. }) => {
                assert!(at >= HEADER + 8 && at < first && good == HEADER as u64)
            }
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    // A record of another segment does not follow: the chain starts anew in each.
    let stale = [&bytes[..HEADER], &bytes[first..]].concat();
    assert_eq!(read_bytes(&stale).unwrap().1.len(), 0);
    for at in 0..16 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(read_bytes(&changed).is_err(), "header byte {at}");
    }
}

#[test]
fn damage_in_the_middle_is_no_torn_tail() {
    let mut bytes = vector();
    bytes[HEADER + 9] ^= 1;
    assert!(matches!(read_bytes(&bytes), Err(Error::Segment { good: 32, .. })));
    let file = tempfile::NamedTempFile::new().unwrap();
    let bytes = vector();
    std::io::Write::write_all(&mut file.as_file(), &bytes[..bytes.len() - 1]).unwrap();
    let read = |end| {
        let mut count = 0;
        read(file.path(), 3, end, |_| {
            count += 1;
            Ok(())
        })
        .map(|good| (good, count))
    };
    let (good, count) = read(End::Torn).unwrap();
    assert_eq!(count, 1);
    assert!(matches!(read(End::Whole), Err(Error::Segment { .. })), "a closed one has no torn tail");
    assert!(matches!(read(End::Known(bytes.len() as u64)), Err(Error::Segment { .. })));
    assert_eq!(read(End::Known(good)).unwrap(), (good, 1), "what was refused behind it is not read");
    let refused = read(End::Known(HEADER as u64)).unwrap();
    assert_eq!(refused, (HEADER as u64, 0), "a whole record that was refused is not read");
}
