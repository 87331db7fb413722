//! Numbers about numbers. Each names where it is from; the tests hold them against values that `NumPy` and `SciPy` gave.

use super::real;

#[expect(clippy::cast_precision_loss, reason = "at most 10,000 runs")]
pub fn mean(values: &[f64]) -> f64 {
    // Each divided first, since the sum may be beyond the numbers.
    values.iter().map(|v| v / values.len() as f64).sum()
}

/// Of ordered values, as `NumPy`'s default has it: between two, in proportion.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 10,000 runs")]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let at = share * (values.len() - 1) as f64;
    let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The standard deviation of a sample; none of fewer than two.
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (real(values.len()) - 1.0)).sqrt()
}

/// Edges of bins of one width, as `numpy.histogram_bin_edges(…, "auto")` has them: the more of Sturges' and of Freedman's and Diaconis' number,
/// but at most `most`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub fn bin_edges(sorted: &[f64], most: usize) -> Vec<f64> {
    let Some((first, last)) = sorted.first().copied().zip(sorted.last().copied()) else { return Vec::new() };
    if first >= last {
        return vec![first - 0.5, first + 0.5];
    }
    let count = real(sorted.len());
    let range = last - first;
    let sturges = range / (count.log2() + 1.0);
    let spread = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    let freedman = 2.0 * spread / count.cbrt();
    let width = if freedman > 0.0 { sturges.min(freedman) } else { sturges };
    let bins = ((range / width).ceil() as usize).clamp(1, most);
    (0..=bins).map(|i| if i == bins { last } else { first + range * real(i) / real(bins) }).collect()
}

/// The bin of a value between edges; the last edge belongs to the last bin.
pub fn bin_of(edges: &[f64], value: f64) -> Option<usize> {
    let bins = edges.len().checked_sub(1).filter(|bins| *bins > 0)?;
    (value >= edges[0] && value <= edges[bins]).then(|| edges.partition_point(|edge| *edge <= value).saturating_sub(1).min(bins - 1))
}

/// A Gaussian kernel density estimate at `places`, with Scott's width as `scipy.stats.gaussian_kde` has it by default.
pub fn density(values: &[f64], places: &[f64]) -> Vec<f64> {
    let width = deviation(values) * real(values.len()).powf(-0.2);
    if width <= 0.0 || !width.is_finite() {
        return vec![0.0; places.len()];
    }
    let share = 1.0 / (real(values.len()) * width * (2.0 * std::f64::consts::PI).sqrt());
    places.iter().map(|at| values.iter().map(|v| (-0.5 * ((at - v) / width).powi(2)).exp()).sum::<f64>() * share).collect()
}

/// Places in the order of size, from 1; equal ones share the mean of theirs, as `scipy.stats.rankdata` has it.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut ranks, mut before) = (vec![0.0; values.len()], 0);
    for equal in order.chunk_by(|a, b| values[*a] >= values[*b]) {
        let rank = real(before) + real(equal.len()).midpoint(1.0);
        for at in equal {
            ranks[*at] = rank;
        }
        before += equal.len();
    }
    ranks
}

/// Spearman's rank correlation; none where one of the two does not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let (middle_a, middle_b) = (mean(&a), mean(&b));
    let (mut both, mut own_a, mut own_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - middle_a, b - middle_b);
        (both, own_a, own_b) = (both + a * b, own_a + a * a, own_b + b * b);
    }
    let scale = (own_a * own_b).sqrt();
    (scale > 0.0).then(|| both / scale)
}

/// The share of the variance of `values` that lies between groups (the correlation ratio, Pearson's η²), corrected for the number of groups as
/// Kelley's ε² does, so that many small groups explain nothing by themselves: `1 − (n − 1)/(n − k) · (1 − η²)`, not below 0.
pub fn explained(values: &[f64], groups: &[usize]) -> Option<f64> {
    let count = values.len();
    let all = mean(values);
    let total: f64 = values.iter().map(|v| (v - all).powi(2)).sum();
    let most = groups.iter().max()? + 1;
    let mut sums = vec![(0.0, 0_usize); most];
    for (value, group) in values.iter().zip(groups) {
        sums[*group] = (sums[*group].0 + value, sums[*group].1 + 1);
    }
    let used: Vec<(f64, usize)> = sums.into_iter().filter(|(_, n)| *n > 0).collect();
    if total.is_nan() || total <= 0.0 || used.len() < 2 || used.len() >= count {
        return None;
    }
    let between: f64 = used.iter().map(|(sum, n)| real(*n) * (sum / real(*n) - all).powi(2)).sum();
    let left = (1.0 - between / total) * (real(count) - 1.0) / (real(count) - real(used.len()));
    Some((1.0 - left).max(0.0))
}

/// The group of each value among at most `most` of about one size, in the order of the values; equal values are of one group.
pub fn parts(values: &[f64], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut groups, mut before) = (vec![0; values.len()], 0);
    for equal in order.chunk_by(|a, b| values[*a] >= values[*b]) {
        // Where the middle of the equal ones would be.
        let group = (before * 2 + equal.len()) * most / (2 * values.len());
        for at in equal {
            groups[*at] = group.min(most - 1);
        }
        before += equal.len();
    }
    groups
}
