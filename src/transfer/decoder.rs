//! Decodes the text of a file to UTF-8 in bounded memory.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{DecoderResult, MACINTOSH, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::line_counter::LineCounter;
use super::read_error::ReadError;

/// The size of each read, in bytes.
const CHUNK: usize = 64 * 1024;

/// The number of bytes that decide about the encoding, from the chunk with the first non-ASCII byte on. One chunk of
/// names in Windows-1252 can have few accents.
const SAMPLE: usize = 4 * CHUNK;

/// The bytes at the start of a file that show whether it is UTF-16 without a byte order mark.
const UTF_16_SAMPLE: usize = 256;

/// A top-level domain whose pages are in Windows-1252. It decides between encodings of Latin letters if the text has
/// few accents: without it, `Antônio` alone would be Vietnamese.
const WESTERN_DOMAIN: &[u8] = b"br";

/// An encoding of text, by one of its names in the Encoding Standard of browsers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// The usual name, such as `windows-1252`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match encoding_rs::Encoding::for_label_no_replacement(name.as_bytes()) {
            Some(encoding) => Ok(Self(encoding)),
            None => Err(UnknownEncoding),
        }
    }
}

/// No encoding has this name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownEncoding;

impl fmt::Display for UnknownEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write utf-8, utf-16le, utf-16be, windows-1252, macintosh or another name of the Encoding Standard")
    }
}

impl std::error::Error for UnknownEncoding {}

/// The text of a file in UTF-8, without a byte order mark. UTF-8 itself passes unchecked, because the readers of
/// records check it and know the line.
pub(super) struct Decoder<R> {
    source: R,
    /// Raw bytes that are not yet decoded.
    input: Vec<u8>,
    at_end: bool,
    position: u64,
    state: State,
    /// The end of the decoded text. Not counted in UTF-8.
    lines: LineCounter,
    /// Decoded bytes, of which the first `taken` have been read.
    output: Vec<u8>,
    taken: usize,
    /// Whether the output holds the end of the text.
    is_done: bool,
}

enum State {
    /// The file has been ASCII so far. The first other byte decides about its encoding.
    Ascii,
    Utf8,
    Other(Box<encoding_rs::Decoder>),
}

impl State {
    fn of(encoding: &'static encoding_rs::Encoding) -> Self {
        if encoding == UTF_8 {
            Self::Utf8
        } else {
            Self::Other(Box::new(encoding.new_decoder_without_bom_handling()))
        }
    }
}

impl<R: Read> Decoder<R> {
    /// Reads the start of the file. A `chosen` encoding overrides its byte order mark and its contents. But if UTF-16 is
    /// chosen and the mark has the other byte order, the mark is right: in the chosen order it is no character.
    ///
    /// # Errors
    /// [`ReadError::Io`]
    pub(super) fn open(source: R, chosen: Option<Encoding>) -> Result<Self, ReadError> {
        let mut decoder = Self {
            source,
            input: Vec::new(),
            at_end: false,
            position: 0,
            state: State::Ascii,
            lines: LineCounter::START,
            output: Vec::new(),
            taken: 0,
            is_done: false,
        };
        decoder.fill()?;
        let marked = encoding_rs::Encoding::for_bom(&decoder.input);
        let encoding = match (chosen, marked) {
            (Some(Encoding(chosen)), Some((marked, _))) if is_utf_16(chosen) && is_utf_16(marked) => Some(marked),
            (Some(Encoding(chosen)), _) => Some(chosen),
            (None, Some((marked, _))) => Some(marked),
            (None, None) => utf_16_without_mark(&decoder.input),
        };
        if let Some(encoding) = encoding {
            decoder.state = State::of(encoding);
        }
        if let Some((marked, length)) = marked
            && encoding == Some(marked)
        {
            decoder.input.drain(..length);
        }
        Ok(decoder)
    }

    /// The encoding, unless it is UTF-8. A file can be ASCII for long, so only its end is certain.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        match &self.state {
            State::Ascii | State::Utf8 => None,
            State::Other(decoder) => Some(Encoding(decoder.encoding())),
        }
    }

    /// The number of bytes of the file that have been read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    fn fill(&mut self) -> io::Result<()> {
        let count = self.source.by_ref().take(CHUNK as u64).read_to_end(&mut self.input)?;
        self.position += count as u64;
        self.at_end = count < CHUNK;
        Ok(())
    }

    /// Replaces the output by the next decoded chunk.
    fn advance(&mut self) -> Result<(), ReadError> {
        if self.input.is_empty() && !self.at_end {
            self.fill()?;
        }
        if matches!(self.state, State::Ascii) && !self.input.is_ascii() {
            while self.input.len() < SAMPLE && !self.at_end {
                self.fill()?;
            }
            self.state = State::of(decide(&self.input, self.at_end, self.lines)?);
        }
        self.output.clear();
        self.taken = 0;
        match &mut self.state {
            State::Ascii | State::Utf8 => std::mem::swap(&mut self.output, &mut self.input),
            State::Other(decoder) => {
                let longest = decoder.max_utf8_buffer_length_without_replacement(self.input.len());
                self.output.resize(longest.unwrap_or(SAMPLE), 0);
                let (result, read, written) =
                    decoder.decode_to_utf8_without_replacement(&self.input, &mut self.output, self.at_end);
                self.input.drain(..read);
                self.output.truncate(written);
                if let DecoderResult::Malformed(..) = result {
                    return Err(ReadError::Malformed {
                        line: self.lines.after(&self.output).line,
                        encoding: decoder.encoding().name(),
                    });
                }
            }
        }
        if !matches!(self.state, State::Utf8) {
            self.lines = self.lines.after(&self.output);
        }
        self.is_done = self.at_end && self.input.is_empty();
        Ok(())
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.output.len() {
            if self.is_done {
                return Ok(0);
            }
            self.advance()?;
        }
        let count = buffer.len().min(self.output.len() - self.taken);
        buffer[..count].copy_from_slice(&self.output[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

fn is_utf_16(encoding: &encoding_rs::Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// UTF-16, if the bytes are text in UTF-16 whose first characters are mostly ASCII. Of each ASCII character one byte is
/// zero, the first one in big-endian order and the second one in little-endian order.
fn utf_16_without_mark(start: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let pairs = start[..start.len().min(UTF_16_SAMPLE)].chunks_exact(2);
    let count = pairs.len();
    let zeros = pairs.fold([0, 0], |zeros: [usize; 2], pair| {
        [
            zeros[0] + usize::from(pair[0] == 0),
            zeros[1] + usize::from(pair[1] == 0),
        ]
    });
    match zeros {
        [first, second] if second > count / 2 && first < count / 8 => Some(UTF_16LE),
        [first, second] if first > count / 2 && second < count / 8 => Some(UTF_16BE),
        _ => None,
    }
}

/// The encoding of a text that is not ASCII.
///
/// A text without a valid character of several bytes is not UTF-8. In Windows-1252 such a character is two or more
/// symbols and accented letters in a row, such as `Ã±`, which no name has. So a text with more valid characters than
/// broken bytes is damaged UTF-8: to read it as Windows-1252 would change all its names silently, and the readers of
/// records refuse it with the line of the first broken byte. With fewer, a text in Windows-1252 has a few names that
/// another program has already damaged.
///
/// If the text resembles another encoding than Windows-1252, the user must name it.
fn decide(sample: &[u8], is_whole: bool, lines: LineCounter) -> Result<&'static encoding_rs::Encoding, ReadError> {
    let (mut valid, mut broken) = (0, 0);
    let mut first_broken = None;
    let mut end = 0;
    for chunk in sample.utf8_chunks() {
        valid += chunk.valid().chars().filter(|character| !character.is_ascii()).count();
        let start = end + chunk.valid().len();
        end = start + chunk.invalid().len();
        // The end of the sample can cut a character.
        if start < end && (is_whole || end < sample.len()) {
            broken += 1;
            first_broken.get_or_insert(start);
        }
    }
    if valid >= broken {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, is_whole);
    let guess = detector.guess(Some(WESTERN_DOMAIN), Utf8Detection::Deny);
    if guess == WINDOWS_1252 && is_plausible(&WINDOWS_1252.decode_without_bom_handling(sample).0) {
        return Ok(WINDOWS_1252);
    }
    let guess = match detector.guess(None, Utf8Detection::Deny) {
        // It is not, so it is perhaps the other encoding of files in the same languages.
        guess if guess == WINDOWS_1252 => MACINTOSH,
        guess => guess,
    };
    Err(ReadError::UncertainEncoding {
        line: lines.after(&sample[..first_broken.unwrap_or_default()]).line,
        guess: guess.name(),
    })
}

/// Whether words have accented letters in them, and not symbols. A text of old Macs or of MS-DOS that is read as
/// Windows-1252 has names such as `Mu–oz` and `Mu¤oz`.
fn is_plausible(text: &str) -> bool {
    let (mut letters, mut symbols) = (0, 0);
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        let is_inside = before.is_alphabetic() && after.is_alphabetic();
        match character {
            _ if character.is_ascii() => {}
            // Only `O’Neil` has a capital after it: old Macs write `María` with this byte.
            '’' => symbols += usize::from(is_inside && after.is_lowercase()),
            _ if character.is_alphabetic() => letters += 1,
            _ => symbols += usize::from(is_inside),
        }
        before = character;
    }
    symbols * 4 <= letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], chosen: Option<&str>) -> Result<(String, Option<&'static str>), ReadError> {
        let chosen = chosen.map(|name| name.parse().unwrap());
        let mut decoder = Decoder::open(bytes, chosen)?;
        let mut text = Vec::new();
        decoder.read_to_end(&mut text)?;
        assert_eq!(decoder.position(), bytes.len() as u64);
        let text = String::from_utf8(text).expect("the decoder writes UTF-8");
        Ok((text, decoder.encoding().map(Encoding::name)))
    }

    fn windows_1252(text: &str) -> Vec<u8> {
        WINDOWS_1252.encode(text).0.into_owned()
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn usual_names_in_windows_1252_are_recognised() {
        for text in [
            "Nombre;Teléfono\nMuñoz;1\n",
            "email,name\na@example.com,A\nb@example.com,Muñoz\n",
            "name,phone\nJosé,1\n",
            "name,phone\nMaría,1\nPeña,2\nAgustín,3\n",
            "name,phone\nJoão da Conceição,1\nÂngela,2\n",
            "nome;telefone\nAntônio;1\n",
            "name,phone\nIñaki,1\n",
            "name,note\nAna,Depto. 2º “B” – 50 €\n",
            "name,note\nO’Neil,x\n",
            "name\nBjörn Müller\n",
            "name\nFrançois\n",
            "name\nÑandú\n",
            "Nombre,Dirección de correo electrónico\nAna,a@ej.com\n",
        ] {
            let (decoded, encoding) =
                decode(&windows_1252(text), None).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((decoded.as_str(), encoding), (text, Some("windows-1252")), "{text}");
        }
    }

    #[test]
    fn utf_16_is_recognised_with_and_without_a_byte_order_mark() {
        let text = "Nombre\tTeléfono\r\nÑandú 😀\t11\r\n";
        let marked = format!("\u{feff}{text}");
        for (bytes, name) in [
            (u16::to_le_bytes as fn(u16) -> [u8; 2], "UTF-16LE"),
            (u16::to_be_bytes, "UTF-16BE"),
        ] {
            for text_given in [text, &marked] {
                let decoded = decode(&utf_16(text_given, bytes), None).unwrap();
                assert_eq!(decoded, (text.to_owned(), Some(name)));
            }
        }
    }

    #[test]
    fn a_chosen_encoding_overrides_the_contents() {
        let text = "Ñandú";
        assert_eq!(decode(text.as_bytes(), Some("latin1")).unwrap().0, "Ã‘andÃº");
        let polish = encoding_rs::WINDOWS_1250.encode("Łódź").0.into_owned();
        assert_eq!(decode(&polish, Some("windows-1250")).unwrap().0, "Łódź");
        let marked = utf_16("\u{feff}Ñ", u16::to_le_bytes);
        assert_eq!(decode(&marked, Some("utf-16le")).unwrap().0, "Ñ");
        let marked = utf_16("\u{feff}Ñ", u16::to_be_bytes);
        for chosen in ["utf-16", "utf-16le", "utf-16be"] {
            let decoded = decode(&marked, Some(chosen)).unwrap();
            assert_eq!(decoded, ("Ñ".to_owned(), Some("UTF-16BE")), "{chosen}");
        }
        assert_eq!(decode("\u{feff}Ñ".as_bytes(), Some("latin1")).unwrap().0, "ï»¿Ã‘");
        assert_eq!("utf-7".parse::<Encoding>(), Err(UnknownEncoding));
        assert_eq!("hz-gb-2312".parse::<Encoding>(), Err(UnknownEncoding));
    }

    #[test]
    fn a_long_file_is_decoded_in_pieces() {
        let ascii = "name,phone\n".repeat(20_000);
        for text in [
            ascii.clone(),
            format!("{ascii}Muñoz,1\n{ascii}María,2\n"),
            "Ñandú,Muñoz\n".repeat(30_000),
        ] {
            assert_eq!(decode(text.as_bytes(), None).unwrap(), (text.clone(), None));
            let encoding = (!text.is_ascii()).then_some("windows-1252");
            assert_eq!(decode(&windows_1252(&text), None).unwrap(), (text.clone(), encoding));
            let decoded = decode(&utf_16(&text, u16::to_be_bytes), None).unwrap();
            assert_eq!(decoded, (text.clone(), Some("UTF-16BE")));
        }
    }

    #[test]
    fn damaged_utf_8_stays_utf_8() {
        let mut damaged = "name\nMuñoz\nMaría\n".as_bytes().to_vec();
        damaged.extend(b"Mu\xf1oz\n");
        let mut decoder = Decoder::open(&damaged[..], None).unwrap();
        let mut text = Vec::new();
        decoder.read_to_end(&mut text).unwrap();
        assert_eq!((text, decoder.encoding()), (damaged, None));
        // Most names are Windows-1252, and one is UTF-8.
        let mut mixed = windows_1252(&"Muñoz\nMaría\nJosé\n".repeat(5));
        mixed.extend("Núñez\n".as_bytes());
        assert_eq!(decode(&mixed, None).unwrap().1, Some("windows-1252"));
    }

    #[test]
    fn a_text_in_an_uncertain_encoding_is_refused_with_its_line() {
        for (encoding, text) in [
            (encoding_rs::WINDOWS_1251, "name,phone\nAna,1\nИван Петров,2\n"),
            (
                encoding_rs::SHIFT_JIS,
                "name,phone\nAna,1\nこちらは山田太郎さんのメモです。よろしくお願いします,2\n",
            ),
        ] {
            let error = decode(&encoding.encode(text).0, None).unwrap_err();
            let expected = ReadError::UncertainEncoding {
                line: 3,
                guess: encoding.name(),
            };
            assert_eq!(error.to_string(), expected.to_string());
        }
        for bytes in [
            &b"name\nMu\x96oz\nJos\x8e\nMar\x92a\n"[..],
            b"name\nMu\xa4oz\nP\x82rez\n",
        ] {
            let error = decode(bytes, None).unwrap_err().to_string();
            assert_eq!(
                error,
                "line 2: the text is not UTF-8 and may be macintosh: save the file as “CSV UTF-8”, or name its \
                 encoding, as in --encoding macintosh"
            );
        }
        let mut cut = utf_16("name,phone\nAna,1\n", u16::to_le_bytes);
        cut.extend([0x00, 0xd8]);
        let error = decode(&cut, None).unwrap_err();
        assert!(
            matches!(
                error,
                ReadError::Malformed {
                    line: 3,
                    encoding: "UTF-16LE"
                }
            ),
            "{error}"
        );
    }
}
