//! Names for runs that were given none: an adjective, a noun and a number, as MLflow makes them.

use crate::random;

const ADJECTIVES: [&str; 86] = [
    "able", "amber", "ample", "apt", "brave", "brisk", "bold", "bright", "calm", "candid", "clear", "clever", "cosy", "crisp", "daring",
    "deft", "eager", "early", "easy", "fair", "fleet", "fond", "frank", "fresh", "gentle", "glad", "golden", "grand", "happy", "hardy",
    "honest", "humble", "jolly", "keen", "kind", "light", "lively", "loyal", "lucid", "lucky", "mellow", "merry", "mild", "neat", "nimble",
    "noble", "open", "patient", "placid", "plain", "polite", "proud", "quick", "quiet", "rapid", "rare", "ready", "robust", "round",
    "sharp", "silent", "silver", "sleek", "smart", "smooth", "snug", "solid", "sound", "spry", "steady", "still", "stout", "sunny", "sure",
    "swift", "tidy", "trim", "true", "upbeat", "useful", "vivid", "warm", "wise", "witty", "young", "zesty",
];

const NOUNS: [&str; 94] = [
    "anchor", "barge", "bay", "beacon", "boat", "bollard", "bow", "brig", "buoy", "canal", "canoe", "cape", "channel", "coast", "coral",
    "cove", "crane", "creek", "current", "cutter", "deck", "delta", "dinghy", "dock", "dory", "drift", "ferry", "fjord", "fleet", "galley",
    "gull", "harbor", "haven", "heron", "hull", "inlet", "island", "jetty", "kayak", "keel", "kelp", "lagoon", "lake", "lantern", "launch",
    "ledge", "lock", "lugger", "marina", "mast", "mole", "mooring", "oar", "ocean", "otter", "paddle", "pebble", "pelican", "pier",
    "pilot", "port", "prow", "quay", "raft", "reef", "ripple", "river", "rudder", "sail", "sand", "schooner", "sea", "seal", "shoal",
    "shore", "skiff", "sloop", "sound", "spray", "stern", "strait", "surf", "tender", "tern", "tide", "tiller", "trawler", "tug", "wake",
    "wave", "wharf", "whale", "yacht", "yawl",
];

/// For example `brisk-tide-417`.
pub(super) fn random_name() -> String {
    let [a, b, c, d] = random::bytes::<4>().map(usize::from);
    let (first, second) = (ADJECTIVES[(a + 256 * (d & 1)) % ADJECTIVES.len()], NOUNS[(b + 256 * (d & 2)) % NOUNS.len()]);
    format!("{first}-{second}-{}", (c + 256 * (d >> 2)) % 1000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_has_three_parts() {
        let names: std::collections::HashSet<String> = (0..100).map(|_| super::random_name()).collect();
        assert!(names.len() > 90 && names.iter().all(|name| name.split('-').count() == 3), "{names:?}");
    }
}
