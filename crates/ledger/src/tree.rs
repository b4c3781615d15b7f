//! The Merkle tree (RFC 6962 §2.1): the frontier that grows, and proofs from leaf hashes.

use crate::leaf::node;

type Hash = [u8; 32];

/// The frontier of a growing tree: roots of its full subtrees, largest first. 64 hashes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    full: Vec<Hash>,
}

impl Tree {
    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            if let Some(left) = self.full.pop() {
                hash = node(&left, &hash);
            }
            size >>= 1;
        }
        self.full.push(hash);
        self.size += 1;
    }

    /// Leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root; of nothing: SHA-256 of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut hashes = self.full.iter().rev();
        let Some(last) = hashes.next() else { return crate::leaf::sha256(&[]) };
        hashes.fold(*last, |right, left| node(left, &right))
    }
}

fn split(len: usize) -> usize {
    len.next_power_of_two() / 2
}

fn root(leaves: &[Hash]) -> Hash {
    let mut tree = Tree::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree.root()
}

/// Inclusion proof of leaf `index` (RFC 6962 §2.1.1), from leaf to root.
#[must_use]
pub fn inclusion(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, other) = if index < left.len() {
        (inclusion(left, index), right)
    } else {
        (inclusion(right, index - left.len()), left)
    };
    path.push(root(other));
    path
}

/// Checks an inclusion proof (RFC 9162 §2.1.3.2).
#[must_use]
pub fn includes(root: &Hash, size: u64, index: u64, leaf: Hash, path: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::hash;

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The eight leaves and roots of RFC 6962's reference tests (certificate-transparency, `merkletree/`).
    #[test]
    fn reference_roots() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Tree::default();
        assert_eq!(hex(&tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        for (input, expected) in inputs.iter().zip(roots) {
            tree.push(hash(input));
            assert_eq!(hex(&tree.root()), expected);
        }
    }

    #[test]
    fn proofs_of_every_leaf_and_size() {
        let leaves: Vec<Hash> = (0..70u8).map(|i| hash(&[i])).collect();
        for size in 1..=leaves.len() {
            let root = root(&leaves[..size]);
            for index in 0..size {
                let path = inclusion(&leaves[..size], index);
                let (size, at) = (size as u64, index as u64);
                assert!(includes(&root, size, at, leaves[index], &path), "{index} of {size}");
                assert!(!includes(&root, size, at, hash(b"x"), &path));
                if size > 1 {
                    assert!(!includes(&root, size, (at + 1) % size, leaves[index], &path));
                }
            }
        }
    }
}
