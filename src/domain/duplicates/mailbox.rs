//! The mailbox that an email reaches. Several emails can be aliases of one mailbox.

use std::borrow::Cow;
use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};

use super::data;

/// How a provider reads the local part.
#[derive(Clone, Debug)]
struct Provider {
    ignores_tag: bool,
    ignores_dots: bool,
    /// The domain that stands for all domains of the provider with the same mailboxes.
    domain: &'static str,
}

static PROVIDERS: LazyLock<HashMap<&'static str, Provider>> = LazyLock::new(|| {
    let lines = data::lines(include_str!("data/providers.txt"));
    lines
        .map(|line| {
            let (aliases, main) = line.split_once('=').unwrap_or((line, ""));
            let mut words = aliases.split_whitespace();
            let domain = words.next().unwrap_or_default();
            let mut provider = Provider {
                ignores_tag: false,
                ignores_dots: false,
                domain: if main.is_empty() { domain } else { main.trim() },
            };
            for word in words {
                match word {
                    "plus" => provider.ignores_tag = true,
                    "dots" => provider.ignores_dots = true,
                    other => panic!("providers.txt: {other}: write plus or dots"),
                }
            }
            (domain, provider)
        })
        .collect()
});

static ROLES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| data::words(include_str!("data/roles.txt")).collect());

/// The mailbox of an email in lower case: the email itself, or the one address that stands for all its aliases.
pub(super) fn mailbox(email: &str) -> Cow<'_, str> {
    let Some((local, domain)) = email.rsplit_once('@') else {
        return Cow::Borrowed(email);
    };
    let Some(provider) = PROVIDERS.get(domain) else {
        return Cow::Borrowed(email);
    };
    let untagged = match local.split_once('+') {
        Some((untagged, _)) if provider.ignores_tag && !untagged.is_empty() => untagged,
        _ => local,
    };
    let has_dots = provider.ignores_dots && untagged.contains('.');
    if untagged.len() == local.len() && !has_dots && provider.domain == domain {
        return Cow::Borrowed(email);
    }
    let mut mailbox = if has_dots {
        untagged.replace('.', "")
    } else {
        untagged.to_owned()
    };
    mailbox.push('@');
    mailbox.push_str(provider.domain);
    Cow::Owned(mailbox)
}

/// Whether the local part belongs to a role such as `info`, so that several people read the mailbox.
pub(super) fn is_role(local: &str) -> bool {
    ROLES.contains(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_of_one_mailbox_have_one_address() {
        for (email, expected) in [
            ("a.na.gomez+news@gmail.com", "anagomez@gmail.com"),
            ("ana.gomez@googlemail.com", "anagomez@gmail.com"),
            ("ana.gomez+x@outlook.com", "ana.gomez@outlook.com"),
            ("ana@pm.me", "ana@proton.me"),
            ("ana+x@me.com", "ana@icloud.com"),
            ("ana+x@hotmail.com.ar", "ana@hotmail.com.ar"),
            ("ana-x@yahoo.com", "ana-x@yahoo.com"),
            ("ana.gomez+x@acme.com", "ana.gomez+x@acme.com"),
            ("+x@gmail.com", "+x@gmail.com"),
            ("no address", "no address"),
        ] {
            assert_eq!(mailbox(email), expected, "{email}");
        }
    }

    #[test]
    fn the_lists_of_providers_and_roles_are_well_formed() {
        for (domain, provider) in PROVIDERS.iter() {
            assert!(domain.contains('.') && provider.ignores_tag, "{domain}");
            assert!(PROVIDERS.contains_key(provider.domain), "{domain}");
        }
        assert!(ROLES.len() > 50);
        for role in ROLES.iter() {
            assert!(!role.contains('@') && role.to_lowercase() == *role, "{role}");
        }
    }
}
