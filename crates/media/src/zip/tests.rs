use super::*;
use proptest::prelude::*;
use std::io::{BufReader, Cursor, Read};

fn written(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, bytes) in files {
        writer.entry(name).unwrap();
        for chunk in bytes.chunks(1000) {
            writer.write(chunk).unwrap();
        }
    }
    writer.finish().unwrap()
}

fn read_all(zip: &[u8]) -> crate::Result<Vec<(String, Vec<u8>)>> {
    let mut out = Vec::new();
    for entry in entries(&mut Cursor::new(zip))? {
        let mut bytes = Vec::new();
        open(Cursor::new(zip), &entry)?.read_to_end(&mut bytes)?;
        out.push((entry.name, bytes));
    }
    Ok(out)
}

fn streamed(zip: &[u8]) -> crate::Result<Vec<(String, Vec<u8>)>> {
    let (mut out, mut reader) = (Vec::new(), BufReader::new(Cursor::new(zip.to_vec())));
    loop {
        match next(reader)? {
            Next::End => return Ok(out),
            Next::Entry(mut entry) => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                out.push((entry.name.clone(), bytes));
                reader = entry.finish()?;
            }
        }
    }
}

#[test]
fn what_is_written_is_read_both_ways() {
    let large: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    let files: [(&str, &[u8]); 4] =
        [("a.dcm", b"one"), ("empty", b""), ("x/大.dcm", &large), ("z", &[0; 5000])];
    let zip = written(&files);
    let expected: Vec<(String, Vec<u8>)> = files.iter().map(|(n, b)| ((*n).to_owned(), b.to_vec())).collect();
    assert_eq!(read_all(&zip).unwrap(), expected);
    assert_eq!(streamed(&zip).unwrap(), expected);
    assert_eq!(read_all(&written(&[])).unwrap(), []);
}

/// Made with Info-ZIP 3.0: one stored and one deflated entry, plain 32-bit records.
#[test]
fn a_plain_zip_is_read() {
    let stored = b"hi";
    let mut zip = Vec::new();
    let crc = crc32fast::hash(stored).to_le_bytes();
    zip.extend(b"PK\x03\x04\x0a\0\0\0\0\0\0\0\x21\0");
    zip.extend(crc);
    zip.extend([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
    zip.extend(b"ahi");
    let at = zip.len() as u32;
    zip.extend(b"PK\x01\x02\x1e\x03\x0a\0\0\0\0\0\0\0\x21\0");
    zip.extend(crc);
    zip.extend([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    zip.extend(b"a");
    let size = zip.len() as u32 - at;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(size.to_le_bytes());
    zip.extend(at.to_le_bytes());
    zip.extend([0, 0]);
    let expected = vec![("a".to_owned(), b"hi".to_vec())];
    assert_eq!(read_all(&zip).unwrap(), expected);
    assert_eq!(streamed(&zip).unwrap(), expected);
}

#[test]
fn lies_about_length_and_checksum_are_told() {
    let zip = written(&[("a", &[7; 4000])]);
    for at in 0..zip.len() {
        let mut bad = zip.clone();
        bad[at] ^= 0x01;
        for files in [read_all(&bad), streamed(&bad)].into_iter().flatten() {
            assert!(files.iter().all(|(_, bytes)| *bytes == [7; 4000]), "byte {at}");
        }
        drop(read_all(&zip[..at]));
        assert!(read_all(&zip[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn bombs_are_refused() {
    // 40 MB of zeros pass DEFLATE at 1000:1 and are below the bound; what claims more does not open.
    assert!(bounded(1000, 1_100_000).is_ok() && bounded(900, 1_100_000).is_err());
    assert!(bounded(crate::ENTRY_BYTES, crate::ENTRY_BYTES).is_ok());
    assert!(bounded(crate::ENTRY_BYTES, crate::ENTRY_BYTES + 1).is_err());
    // Two directory entries over the same bytes.
    let zip = written(&[("a", &[7; 4000]), ("b", &[7; 4000])]);
    let second = zip.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    let mut bad = zip.clone();
    let field = second + 46 + 1 + 4 + 16;
    bad[field..field + 8].copy_from_slice(&0u64.to_le_bytes());
    assert!(matches!(read_all(&bad), Err(crate::Error::Zip("entries lie over one another"))));
    let mut many = Writer::new(std::io::sink());
    assert!(many.entry(&"n".repeat(crate::NAME_BYTES)).is_ok());
    assert!(many.entry(&"n".repeat(crate::NAME_BYTES + 1)).is_err());
}

#[test]
fn names_are_words_only() {
    assert_eq!(shown(b"../../etc/passwd\n"), "../../etc/passwd\u{FFFD}");
    assert_eq!(shown(b"M\xFCller"), "M\u{FC}ller");
}

proptest! {
    #[test]
    fn any_bytes_end_in_entries_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400), cut in 0usize..600) {
        drop(read_all(&bytes));
        drop(streamed(&bytes));
        let mut zip = written(&[("a", b"some bytes that are long enough"), ("b", &[1; 300])]);
        let at = cut % zip.len();
        let end = (at + bytes.len()).min(zip.len());
        zip[at..end].copy_from_slice(&bytes[..end - at]);
        drop(read_all(&zip));
        drop(streamed(&zip));
    }
}
