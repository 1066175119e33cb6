//! Reads the words of a client's names and emails that contain a word of the query, or are similar to it.

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid};

use super::run::{Run, to_i64};
use super::statements::DICTIONARY;
use crate::domain::query::{Dictionary, ENOUGH_WORDS, KnownWord, SimilarKeys, differ_by_typing};
use crate::domain::term::containing;
use crate::store::statement::Statement;
use crate::store::tsquery;

/// The most words that a question to the dictionary finds by their keys. The longer a typed word, the fewer share a key.
const SHARED_KEY_MAX: usize = 5_000;

/// Asks the dictionary for words.
struct Question {
    /// A tsquery of the words' keys.
    keys: String,
    /// The LIKE pattern of the words.
    pattern: String,
    /// How many characters the words have.
    lengths: RangeInclusive<usize>,
}

impl Run<'_> {
    /// Reads the words of the client that contain a word of the query.
    pub(super) fn read_dictionary(&mut self) -> QueryResult<()> {
        if self.containing.is_some() {
            return Ok(());
        }
        let words = self.query.words().iter();
        let pieces: Vec<String> = words
            .filter_map(|word| word.contained_piece())
            .map(str::to_owned)
            .collect();
        let questions = pieces.iter().map(|piece| Question {
            keys: tsquery::key_start(&format!("{}s{piece}", self.end_of_id(1))),
            pattern: containing(piece),
            lengths: 0..=usize::MAX,
        });
        let answers = self.ask_dictionary(questions.collect(), ENOUGH_WORDS + 1)?;
        let dictionary = self.containing.insert(Dictionary::default());
        for (piece, words) in pieces.into_iter().zip(answers) {
            dictionary.insert(piece, words);
        }
        Ok(())
    }

    /// The words of the client that are similar to these pieces. Pieces with the same keys are asked for together: an
    /// accented word and the same one without accents have most of them in common.
    pub(super) fn read_similar_words(&mut self, pieces: &[SimilarKeys]) -> QueryResult<Dictionary> {
        let prefix = self.end_of_id(1);
        let of_client = format!("c{}", self.end_of_id(4));
        let mut asked = HashSet::new();
        let questions = pieces.iter().filter_map(|piece| {
            let keys = piece.keys.iter().filter(|key| asked.insert((piece.lengths(), *key)));
            let keys: Vec<String> = keys.map(|key| format!("{prefix}{key}")).collect();
            (!keys.is_empty()).then(|| Question {
                keys: tsquery::with_any_key(&of_client, keys.into_iter()),
                pattern: "%".to_owned(),
                lengths: piece.lengths(),
            })
        });
        let answers = self.ask_dictionary(questions.collect(), SHARED_KEY_MAX)?;
        let words: BTreeSet<KnownWord> = answers.into_iter().flatten().collect();
        let mut similar = Dictionary::default();
        for SimilarKeys { piece, .. } in pieces {
            let is_similar = |word: &&KnownWord| differ_by_typing(piece, &word.text).is_some();
            similar.insert(piece.clone(), words.iter().filter(is_similar).cloned().collect());
        }
        Ok(similar)
    }

    /// The last characters of the client's id. The keys of its words in the index of words contain them.
    fn end_of_id(&self, length: usize) -> String {
        let id = self.client.to_string();
        id[id.len() - length..].to_owned()
    }

    /// At most `limit` words for each question.
    fn ask_dictionary(&mut self, questions: Vec<Question>, limit: usize) -> QueryResult<Vec<Vec<KnownWord>>> {
        #[derive(QueryableByName)]
        struct WordRow {
            #[diesel(sql_type = BigInt)]
            question: i64,
            #[diesel(sql_type = Text)]
            word: String,
            #[diesel(sql_type = Bool)]
            is_name: bool,
        }
        let mut answers = vec![Vec::new(); questions.len()];
        if questions.is_empty() {
            return Ok(answers);
        }
        let to_i32 = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
        let lengths = questions.iter().map(|question| &question.lengths);
        let (shortest, longest): (Vec<i32>, Vec<i32>) = lengths
            .map(|lengths| (to_i32(*lengths.start()), to_i32(*lengths.end())))
            .unzip();
        let texts = questions.into_iter().map(|question| (question.keys, question.pattern));
        let (keys, patterns): (Vec<String>, Vec<String>) = texts.unzip();
        let rows: Vec<WordRow> = Statement::new(|| DICTIONARY)
            .bind::<SqlUuid, _>(self.client.as_uuid())
            .bind::<Array<Text>, _>(keys)
            .bind::<Array<Text>, _>(patterns)
            .bind::<Array<Integer>, _>(shortest)
            .bind::<Array<Integer>, _>(longest)
            .bind::<BigInt, _>(to_i64(limit))
            .load(self.connection)?;
        for WordRow {
            question,
            word,
            is_name,
        } in rows
        {
            if let Some(answer) = usize::try_from(question - 1).ok().and_then(|at| answers.get_mut(at)) {
                answer.push(KnownWord { text: word, is_name });
            }
        }
        Ok(answers)
    }
}
