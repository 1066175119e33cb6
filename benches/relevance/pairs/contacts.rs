//! The contacts, with an index of the words of their names.

use std::collections::HashMap;

use super::text::words;

/// The columns of a contact that queries are made from.
#[derive(Clone, Debug, Default)]
pub struct Contact {
    pub id: String,
    pub name: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// The number of a word in the vocabulary.
pub type Word = u32;

/// All contacts of a client.
#[derive(Default)]
pub struct Contacts {
    all: Vec<Contact>,
    /// The words of each contact's name.
    names: Vec<Vec<Word>>,
    vocabulary: Vec<String>,
    numbers: HashMap<String, Word>,
    /// The contacts with each word of the vocabulary, ascending.
    with_word: Vec<Vec<usize>>,
}

impl Contacts {
    pub fn new(all: Vec<Contact>) -> Self {
        let mut contacts = Self::default();
        for (at, contact) in all.iter().enumerate() {
            let name = words(contact.name.as_deref().unwrap_or_default());
            let name: Vec<Word> = name.into_iter().map(|word| contacts.number(word)).collect();
            for word in &name {
                let with_word = &mut contacts.with_word[*word as usize];
                if with_word.last() != Some(&at) {
                    with_word.push(at);
                }
            }
            contacts.names.push(name);
        }
        contacts.all = all;
        contacts
    }

    fn number(&mut self, word: String) -> Word {
        if let Some(number) = self.numbers.get(&word) {
            return *number;
        }
        let number = Word::try_from(self.vocabulary.len()).unwrap_or(Word::MAX);
        self.vocabulary.push(word.clone());
        self.with_word.push(Vec::new());
        self.numbers.insert(word, number);
        number
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn get(&self, at: usize) -> &Contact {
        &self.all[at]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Contact> {
        self.all.iter()
    }

    /// The words of a contact's name.
    pub fn name(&self, at: usize) -> &[Word] {
        &self.names[at]
    }

    /// The contacts with the word in their names, ascending.
    pub fn with_word(&self, word: Word) -> &[usize] {
        &self.with_word[word as usize]
    }

    pub fn word(&self, word: Word) -> &str {
        &self.vocabulary[word as usize]
    }

    /// The words of all names.
    pub fn vocabulary(&self) -> impl Iterator<Item = (Word, &str)> {
        (0..).zip(self.vocabulary.iter().map(String::as_str))
    }
}
