//! "Did you mean": the nearest of many names.

/// Names longer than this are never compared: cost is quadratic in the length.
const MAX_LEN: usize = 128;

/// The candidate nearest to `name` by edit distance (insert, delete, replace,
/// swap of neighbours), if one is near enough to be a misspelling: a third of
/// the name's length at most. The first of equally near ones wins; letter case
/// counts only between otherwise equal candidates.
pub fn suggest<'a, I>(name: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    suggest_many(name, candidates, 1).into_iter().next()
}

/// Up to `limit` candidates near `name`, nearest first; see [`suggest`].
pub fn suggest_many<'a, I>(name: &str, candidates: I, limit: usize) -> Vec<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let wanted = fold(name);
    if wanted.len() > MAX_LEN || limit == 0 {
        return Vec::new();
    }
    let mut best: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        // Once the list is full only something nearer is of interest.
        let bound = match best.last() {
            Some(&(worst, _)) if best.len() == limit => worst,
            _ => near_enough(wanted.len()) + 1,
        };
        if let Some(distance) = distance_below(&wanted, candidate, bound) {
            insert(&mut best, limit, distance, candidate);
        }
    }
    best.into_iter().map(|(_, candidate)| candidate).collect()
}

fn near_enough(len: usize) -> usize {
    (len / 3).max(1)
}

fn fold(name: &str) -> Vec<u8> {
    name.bytes().map(|b| b.to_ascii_lowercase()).collect()
}

fn insert<'a>(best: &mut Vec<(usize, &'a str)>, limit: usize, distance: usize, name: &'a str) {
    if best.iter().any(|&(_, known)| known == name) {
        return;
    }
    let at = best.partition_point(|&(other, _)| other <= distance);
    best.insert(at, (distance, name));
    best.truncate(limit);
}

/// The edit distance if it is below `bound`.
fn distance_below(wanted: &[u8], candidate: &str, bound: usize) -> Option<usize> {
    if candidate.len().abs_diff(wanted.len()) >= bound || candidate.len() > MAX_LEN {
        return None;
    }
    let candidate = fold(candidate);
    let mut before_previous = vec![0; candidate.len() + 1];
    let mut previous: Vec<usize> = (0..=candidate.len()).collect();
    for row in 1..=wanted.len() {
        let current = next_row(wanted, &candidate, row, &previous, &before_previous);
        if current.iter().all(|&cell| cell >= bound) {
            return None;
        }
        before_previous = previous;
        previous = current;
    }
    previous.last().copied().filter(|&distance| distance < bound)
}

/// One row of the optimal string alignment table.
fn next_row(a: &[u8], b: &[u8], row: usize, up: &[usize], up2: &[usize]) -> Vec<usize> {
    let mut current = Vec::with_capacity(up.len());
    current.push(row);
    for column in 1..up.len() {
        let replace = up[column - 1] + usize::from(a[row - 1] != b[column - 1]);
        let mut cell = replace.min(up[column] + 1).min(current[column - 1] + 1);
        if row > 1 && column > 1 && a[row - 1] == b[column - 2] && a[row - 2] == b[column - 1] {
            cell = cell.min(up2[column - 2] + 1);
        }
        current.push(cell);
    }
    current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_wins() {
        let names = ["sys_enter_open", "sys_enter_openat", "sys_exit_open"];
        assert_eq!(suggest("sys_enter_opena", names), Some("sys_enter_open"));
        assert_eq!(suggest("sys_enter_opneat", names), Some("sys_enter_openat"));
    }

    #[test]
    fn swapped_neighbours_are_one_step() {
        assert_eq!(suggest("coutn", ["count", "comm"]), Some("count"));
        assert_eq!(suggest("pdi", ["pid"]), Some("pid"));
    }

    #[test]
    fn nothing_near_gives_nothing() {
        assert_eq!(suggest("zebra", ["count", "sum"]), None);
        assert_eq!(suggest("", ["count"]), None);
        assert_eq!(suggest("x", std::iter::empty()), None);
    }

    #[test]
    fn several_in_order_without_doubles() {
        let found = suggest_many("vfs_raed", ["vfs_read", "vfs_readv", "vfs_read", "vfs_write"], 3);
        assert_eq!(found, ["vfs_read", "vfs_readv"]);
    }

    #[test]
    fn case_is_no_difference() {
        assert_eq!(suggest("begin", ["BEGIN"]), Some("BEGIN"));
    }
}
