//! A hash that is the same in every process, so that equal inputs give equal outputs.

/// The parameters of FNV-1a with 64 bits.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Separates the parts of a hash. No UTF-8 text has this byte.
const SEPARATOR: u8 = 0xff;

/// The hash of some texts: FNV-1a, and the last step of MurmurHash3, which spreads the bits.
pub(super) fn hash(parts: &[&str]) -> u64 {
    let mut hash = BASIS;
    for part in parts {
        for byte in part.bytes().chain([SEPARATOR]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_same_in_every_process_and_depends_on_the_border_between_its_parts() {
        assert_eq!(hash(&["ana", "gomez"]), 12_899_116_257_446_905_173);
        assert_ne!(hash(&["ana", "gomez"]), hash(&["anag", "omez"]));
    }
}
