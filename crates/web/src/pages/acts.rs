//! What a reviewer can do with a cluster: the forms, shared by the list and the cluster's page.

use crate::api::Cluster;

/// What the forms begin with. In the list they are empty, and script fills in the row one is at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acts {
    /// `C-7`
    pub(crate) id: String,
    /// As the URL says it.
    pub(crate) version: String,
    /// Where forms lead back to.
    pub(crate) back: String,
    pub(crate) owner: String,
    pub(crate) note: String,
    /// The condition under which it can be accepted.
    pub(crate) condition: String,
    pub(crate) links: Vec<Link>,
}

/// A ticket or another cluster.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) target: String,
    pub(crate) href: String,
    pub(crate) outside: bool,
}

impl Acts {
    pub(crate) fn of(cluster: &Cluster, version: &str, back: String) -> Self {
        Self {
            id: cluster.id.to_string(),
            version: version.to_owned(),
            back,
            owner: cluster.owner.clone().unwrap_or_default(),
            note: cluster.note.clone().unwrap_or_default(),
            condition: cluster.conditions.first().map(|one| one.text.clone()).unwrap_or_default(),
            links: cluster.links.iter().filter_map(|target| Link::to(target)).collect(),
        }
    }
}

impl Link {
    /// Only what was checked when it was said; a store may hold what another build let in.
    fn to(target: &str) -> Option<Self> {
        if target.parse::<crate::api::ClusterId>().is_ok() {
            let href = format!("/clusters/{target}");
            return Some(Self { target: target.to_owned(), href, outside: false });
        }
        crate::api::is_web_address(target).then(|| Self {
            target: target.to_owned(),
            href: target.to_owned(),
            outside: true,
        })
    }
}

/// `ML` of `Mara Lind`.
pub(crate) fn initials(name: &str) -> String {
    name.split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_shown_by_two_letters() {
        for (name, letters) in [("Mara Lind", "ML"), ("mara", "M"), ("  ", ""), ("ß x y", "SSX")] {
            assert_eq!(initials(name), letters, "{name}");
        }
    }

    #[test]
    fn links_lead_to_clusters_or_the_web_and_nowhere_else() {
        assert!(!Link::to("C-7").unwrap().outside);
        assert!(Link::to("https://tickets.example/7").unwrap().outside);
        assert!(Link::to("javascript:alert(1)").is_none());
    }
}
