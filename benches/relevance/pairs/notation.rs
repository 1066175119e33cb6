//! Other notations of a phone.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// A country's notations. `#` stands for the next digit of the national number, and `_` for a digit that is left out.
struct Country {
    /// What the E.164 number begins with, before the national number.
    start: &'static str,
    notations: &'static [&'static str],
}

const COUNTRIES: [Country; 5] = [
    Country {
        start: "+549",
        notations: &[
            "## ####-####",
            "(##) ####-####",
            "0## ####-####",
            "0## 15 ####-####",
            "## 15 ########",
            "+54 9 ## ####-####",
            "+54 ## ####-####",
            "0054 9 ## #### ####",
            "549##########@s.whatsapp.net",
            "__####-####",
            "__########",
        ],
    },
    Country {
        start: "+56",
        notations: &[
            "# #### ####",
            "+56 # #### ####",
            "56#########",
            "(+56) # ########",
            "_####-####",
        ],
    },
    Country {
        start: "+52",
        notations: &[
            "## #### ####",
            "(##) ####-####",
            "+52 1 ## #### ####",
            "+52 (##) ####-####",
            "521##########@s.whatsapp.net",
            "52 ##########",
        ],
    },
    Country {
        start: "+55",
        notations: &[
            "(##) #####-####",
            "+55 ## #####-####",
            "0## #####-####",
            "55###########",
            "__#####-####",
        ],
    },
    Country {
        start: "+57",
        notations: &["### ### ####", "+57 ### #######", "57##########", "(+57) ###-###-####"],
    },
];

/// The E.164 number in another notation, and the digits that the written number ends with. `None` for a number of
/// another country.
pub fn write(random: &mut ChaCha8Rng, phone: &str) -> Option<(String, String)> {
    let country = COUNTRIES.iter().find(|country| phone.starts_with(country.start))?;
    let notation = country.notations[random.random_range(0..country.notations.len())];
    let mut digits = phone[country.start.len()..].chars();
    let (mut text, mut end) = (String::new(), String::new());
    for character in notation.chars() {
        match character {
            '#' => {
                let digit = digits.next()?;
                text.push(digit);
                end.push(digit);
            }
            '_' => {
                digits.next()?;
            }
            other => text.push(other),
        }
    }
    digits.next().is_none().then_some((text, end))
}
