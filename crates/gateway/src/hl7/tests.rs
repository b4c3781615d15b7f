use super::*;

async fn blocks(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut socket, mut held, mut out) = (bytes, Vec::new(), Vec::new());
    while let Some(block) = block(&mut socket, &mut held).await {
        out.push(block);
    }
    out
}

#[tokio::test]
async fn blocks_follow_each_other_and_nothing_else_does() {
    assert_eq!(blocks(b"\x0BMSH|1\x1C\r\x0BMSH|2\x1C\r").await, [b"MSH|1", b"MSH|2"]);
    let long = [b"\x0B".as_slice(), &[b'x'; 10_000], b"\x1C\r"].concat();
    assert_eq!(blocks(&long).await, [vec![b'x'; 10_000]]);
    assert_eq!(blocks(b"\x0Bcut").await.len(), 0);
    assert_eq!(blocks(b"GET / HTTP/1.1\r\n").await.len(), 0);
    assert_eq!(blocks(b"\x0BMSH|1\x1C\r\nMSH|2\x1C\r").await.len(), 1, "a line feed between blocks");
    let endless = [b"\x0B".as_slice(), &vec![b'x'; MESSAGE_BYTES + 5000]].concat();
    assert_eq!(blocks(&endless).await.len(), 0);
}

#[test]
fn acknowledgements_by_hand() {
    let message = Message::read(b"MSH|^~\\&|RIS|A|GAUZE|B|20261126||ORM^O01|42|P|2.3.1\r").unwrap();
    let text = |verdict| String::from_utf8(acknowledged(Some(&message), verdict)).unwrap();
    assert_eq!(
        text(Verdict::Accept),
        "MSH|^~\\&|GAUZE|B|RIS|A|20261126||ACK^O01^ACK|42|P|2.3.1\rMSA|AA|42\r"
    );
    let refused = text(Verdict::Error(Cause(101, "no accession number")));
    assert!(refused.ends_with("MSA|AE|42\rERR|||101^no accession number^HL70357|E||||no accession number\r"));
    let none = String::from_utf8(acknowledged(None, Verdict::Reject(Cause(207, "too large")))).unwrap();
    assert!(none.starts_with("MSH|^~\\&|||||||ACK||P|2.5.1\rMSA|AR|\r"), "{none}");
}
