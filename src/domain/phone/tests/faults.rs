//! Inputs of real users that earlier versions read wrongly.

use super::support::{e164, region, stored};
use crate::domain::phone::pieces::pieces;
use crate::domain::phone::reading::readings;

#[test]
fn the_faults_in_phone_faults_tsv_are_mended() {
    let rows = include_str!("../../../../tests/data/phone-faults.tsv").lines().skip(1);
    let mut count = 0;
    for row in rows {
        let fields: Vec<_> = row.split('\t').collect();
        let [kind, code, contact, asked, expected] = fields[..] else {
            panic!("five fields: {row}")
        };
        if kind == "national-piece" {
            let is_found = pieces(asked, region(code))
                .iter()
                .any(|piece| contact.contains(&**piece));
            assert!(is_found, "{kind}: {asked:?} searched for {contact:?} in {code}");
        } else if asked == "-" {
            assert_eq!(e164(code, contact), expected, "{kind}: {contact:?} stored in {code}");
        } else {
            let key = stored(code, contact).key.unwrap();
            let is_found = readings(asked, region(code)).iter().any(|reading| reading.key == key);
            assert_eq!(
                is_found,
                expected == "found",
                "{kind}: {asked:?} asked for {contact:?} in {code}"
            );
        }
        count += 1;
    }
    assert!(count >= 72, "{count} rows");
}
