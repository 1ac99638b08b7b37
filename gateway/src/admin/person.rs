//! Who speaks on the admin socket, for the audit trail.

use std::path::Path;

/// Longest name taken from sudo; useradd allows no longer one.
const NAME_LEN_MAX: usize = 32;

/// `box:alice`. The user id is the kernel's word; what sudo says is only his who called it, so it
/// is added for root alone, who could say anything anyway.
pub(super) fn source(uid: u32, sudo_user: Option<&str>) -> String {
    let users = std::fs::read_to_string(Path::new("/etc/passwd")).unwrap_or_default();
    of(&users, uid, sudo_user)
}

fn of(users: &str, uid: u32, sudo_user: Option<&str>) -> String {
    let person = match name(users, uid) {
        Some(name) => format!("box:{name}"),
        None => format!("box:uid {uid}"),
    };
    match sudo_user.filter(|user| uid == 0 && is_plain(user)) {
        Some(user) => format!("{person} (sudo by {user})"),
        None => person,
    }
}

/// The name of a user in the text of `/etc/passwd`. Read here and not asked of the system's name
/// services, which may wait for a network.
fn name(users: &str, uid: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid) && is_plain(name)).then_some(name)
    })
}

fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    (1..=NAME_LEN_MAX).contains(&name.len()) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\n+nis\nalice:x:1000:1000::/home/a:/bin/sh\n";

    #[test]
    fn a_person_at_the_box_is_who_the_system_says() {
        assert_eq!(of(USERS, 1000, None), "box:alice");
        assert_eq!(of(USERS, 1000, Some("bob")), "box:alice", "only root can have come by sudo");
        assert_eq!(of(USERS, 1001, None), "box:uid 1001");
        assert_eq!(of("", 0, None), "box:uid 0");
    }

    #[test]
    fn what_sudo_says_is_added_if_it_is_a_plain_name() {
        assert_eq!(of(USERS, 0, Some("alice")), "box:root (sudo by alice)");
        for odd in ["", "a b", "a\nbox:bob wrote 1", "a:b", &"a".repeat(33)] {
            assert_eq!(of(USERS, 0, Some(odd)), "box:root", "{odd:?}");
        }
    }
}
