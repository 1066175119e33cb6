//! Checks whether an imported key can be guessed. The keys that this program generates need no check.

use std::collections::HashSet;

use icu_normalizer::DecomposingNormalizerBorrowed;
use zxcvbn::zxcvbn;

use super::key::ApiKey;

/// The fewest different characters of a key. Of a million random keys of 16 hexadecimal digits, about 32 have fewer.
const DIFFERENT_MIN: usize = 6;

/// The fewest guesses that a key must withstand, as a power of ten. Keys of 16 random letters or more withstand 10^13
/// in the estimate of zxcvbn, and so do 99.5 % of those of 16 random hexadecimal digits. Keys of words withstand fewer.
const GUESSES_MIN: f64 = 13.0;

/// Words that the lists of zxcvbn lack, because they are Spanish or Portuguese or belong to keys. They are without
/// accents, since a key has only ASCII characters. Words of hexadecimal digits alone are left out: random keys can
/// contain them by chance, and would count as weaker than they are.
const WORDS: &str = "
    acceso accesos access acesso acessos admin administracao administracion administrador administradora amarelo
    amarillo america amiga amigo amigos amor and angel ano anos api apikey aplicacao aplicacion argentina atencion
    atendimento autenticacao autenticacion auth autorizacao autorizacion azul barcelona base bienvenida bienvenido
    bienvenidos blanco boa boca bolivia bom bot branco brasil buenas buenos busca busqueda caballo cachorro cambiame
    cambiar campeao campeon casa celular central chatbot chave chaves chile cielo cinco clave clavemaestra claves
    clavesecreta client cliente clientes codigo colombia com company compras con consulta conta contact contacto
    contactos contato contatos contrasena coracao corazon corinthians correo credencial credenciales cristo crm cuatro
    cuenta cumpleanos customer dados das datos del demo desa desarrollo desenvolvimento deus dev development dez dias
    diez dificil dios dos ecuador ejemplo empresa empresas enero entrada entrar equipe equipo escritorio espana esta
    este estrela estrella exemplo facil familia favor fecha feliz fernandez filha filho firma flamengo for futbol
    futebol garcia gateway gato general geral global gonzalez gracias grande grupo hermana hermano hija hijo hogar
    hola ingreso iniciar inicio integracao integracion integration interna interno invierno jesus key las latina
    licencia live llave llaves local login loja lopez los lua luna madre madrid mae maestra maestro mama maria
    martinez master mensagem mensaje mensajes mes meu mexico mi mia mil mindo minha mio mivida modulo movil mucho
    mudar muito muy my natal navidad negro noches norte nossa nosso nova nove novo nuestra nuestro nueva nueve nuevo
    numero obrigado ocho oficina oito oliveira padre pagina pai palmeiras papa para paraguay passphrase password
    pedido pedidos pequeno pereira perez permiso perro peru plataforma platform playa por portal portugal praia preto
    princesa principal privada privado probar prod producao produccion production projeto provisoria provisorio
    proyecto prueba pruebas publica publico quatro que rainha reina rest rey river rodriguez rojo saludos sanchez
    sandbox santa santos search secret secreta secreto secretos segredo segredos segura seguranca seguridad seguro
    seis sem senha server servicio servico servidor servidores sesion sessao sete siete silva sin sistema sistemas
    sitio sol soporte souza staging suporte system tabla tardes teamo telefone telefono temporal temporario test teste
    testes the tienda token tokens trabajo trabalho tres trocar uma una uno uruguay user usuario usuarios vendas
    venezuela venta ventas verano verde vermelho vida vieja viejo virgen web webhook welcome whatsapp
";

/// A key that can be guessed. Never contains the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WeakKey {
    #[error(
        "the key has fewer than {DIFFERENT_MIN} different characters, so it can be guessed: create a random one with \
         `contact-search key create`, or import this one with --accept-weak"
    )]
    FewCharacters,
    #[error(
        "the key consists of known words, names, dates, sequences or repetitions, so it can be guessed: create a random \
         one with `contact-search key create`, or import this one with --accept-weak"
    )]
    Guessable,
}

/// Checks that a key is hard to guess. `known` are texts that an attacker knows, such as the client's name.
///
/// # Errors
/// A [`WeakKey`] that says what is wrong.
pub fn check(key: &ApiKey, known: &[&str]) -> Result<(), WeakKey> {
    let text = key.reveal();
    if text.chars().collect::<HashSet<char>>().len() < DIFFERENT_MIN {
        return Err(WeakKey::FewCharacters);
    }
    // A word of one or two characters is no known text, because it also occurs in random keys.
    let known: Vec<String> = known.iter().flat_map(|text| spellings(text)).collect();
    let known = known.iter().map(String::as_str).filter(|word| word.len() >= 3);
    let words: Vec<&str> = known.chain(WORDS.split_whitespace()).collect();
    // Separators between words make a key no better, and the estimate takes them for random characters.
    let joined: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_weak = |text: &str| zxcvbn(text, &words).guesses_log10() < GUESSES_MIN;
    if is_weak(text) || is_weak(&joined) {
        return Err(WeakKey::Guessable);
    }
    Ok(())
}

/// The text, its words, and its words without separators. All are without accents, since a key has only ASCII
/// characters.
fn spellings(text: &str) -> Vec<String> {
    let plain: String = DecomposingNormalizerBorrowed::new_nfd()
        .normalize(text)
        .chars()
        .filter(|character| !('\u{300}'..='\u{36f}').contains(character))
        .collect();
    let words = plain.split(|character: char| !character.is_alphanumeric());
    let mut spellings: Vec<String> = words.map(str::to_owned).collect();
    spellings.push(spellings.concat());
    spellings.push(plain);
    spellings
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::ChaCha12Rng;
    use rand::seq::IndexedRandom;

    use super::*;
    use crate::domain::key::Format;

    fn check(text: &str) -> Result<(), WeakKey> {
        super::check(&ApiKey::parse(text).unwrap(), &["Acme Hogar", "crm"])
    }

    #[test]
    fn a_key_of_few_different_characters_is_weak() {
        for text in [
            "aaaaaaaaaaaaaaaa",
            "abbabaabbaababba",
            "1010011010111001",
            "deadbeefdeadbeef",
            "mmmmmmmmmmmmmmmmmmmmmmmmm1",
        ] {
            assert_eq!(check(text), Err(WeakKey::FewCharacters), "{text}");
        }
    }

    #[test]
    fn a_key_of_known_words_sequences_or_repetitions_is_weak() {
        for text in [
            "passwordpassword",
            "P@ssw0rdP@ssw0rd",
            "letmeinletmein12",
            "qwertyuiopasdfgh",
            "1q2w3e4r5t6y7u8i",
            "abcdefghijklmnop",
            "zyxwvutsrqponmlk",
            "1234567890123456",
            "0123456789abcdef",
            "mindo_aaaaaaaaaaaabc",
            "mindo_abcdefghijklmnopqrstuvwx",
            "contrasena123456",
            "miclavesecreta2024",
            "supersecretapikey",
            "my-api-key-for-crm",
            "contact-search-key",
            "ThisIsMySecretKey",
            "hello-world-hello",
            "welcome2welcome2",
            "AcmeHogar20242024",
            "acme-hogar-crm-2024",
            "juanperezjuanperez",
            "19900101-20241231",
            "aabbccddeeff0011",
        ] {
            assert_eq!(check(text), Err(WeakKey::Guessable), "{text}");
        }
    }

    #[test]
    fn a_key_of_spanish_or_portuguese_words_is_weak() {
        for text in [
            "MiClaveDeProduccion",
            "ClaveMaestraPlataforma",
            "bienvenido2024hola",
            "felizcumpleanos2024",
            "chavedeacesso2024",
            "tokenDeIntegracion1",
            "senhadoservidor123",
            "minhasenhasecreta1",
            "contrasena_del_sistema",
            "pruebaDesarrollo2025",
            "administrador-de-empresa",
            "segredo.da.empresa",
            "UsuarioDePrueba2024",
        ] {
            assert_eq!(check(text), Err(WeakKey::Guessable), "{text}");
        }
    }

    #[test]
    fn a_key_of_the_clients_name_is_weak_however_the_name_is_written() {
        for (name, text) in [
            ("Zyrqovant Klumbex", "ZyrqovantKlumbex"),
            ("Zyrqovant-Klumbex", "zyrqovantklumbex2024"),
            ("Zýrqovañt & Klümbex S.A.", "zyrqovant-klumbex-2024"),
        ] {
            let key = ApiKey::parse(text).unwrap();
            assert_eq!(super::check(&key, &[name]), Err(WeakKey::Guessable), "{name} {text}");
            assert_eq!(super::check(&key, &[]), Ok(()), "{text}");
        }
    }

    #[test]
    fn random_keys_are_not_weak_except_a_few_of_16_hexadecimal_digits() {
        let mut random = ChaCha12Rng::seed_from_u64(1);
        let mut weak = |alphabet: &[u8], length: usize| {
            let mut key = || {
                (0..length)
                    .map(|_| char::from(*alphabet.choose(&mut random).unwrap()))
                    .collect::<String>()
            };
            (0..150).filter(|_| check(&key()).is_err()).count()
        };
        let hexadecimal = b"0123456789abcdef";
        assert!(weak(hexadecimal, 16) <= 2);
        assert_eq!(weak(hexadecimal, 20), 0);
        assert_eq!(weak(b"abcdefghijklmnopqrstuvwxyz", 16), 0);
        assert_eq!(
            weak(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 16),
            0
        );
    }

    #[test]
    fn a_random_key_of_any_product_is_not_weak() {
        for text in [
            "live_9f8e7d6c5b4a39281706",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "Zk3vXq9TtLw0bYdR",
            "9c1f04be7a6d2853",
            "hvxqzkwtmrplyndg",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for format in [Format::Mindo, Format::Opaque] {
            for _ in 0..20 {
                let key = ApiKey::generate(format).unwrap();
                assert_eq!(super::check(&key, &[]), Ok(()), "{}", key.reveal());
            }
        }
    }
}
