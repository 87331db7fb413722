//! Smoothing of a noisy line.

/// Exponential moving average without the bias of its start: `s = w·s + (1 − w)·v`, divided by `1 − wⁿ` after `n` values. This is `TensorBoard`'s
/// (`classicSmoothing` in `tensorboard/webapp/widgets/line_chart_v2/data_transformer.ts`, from the zero-debias of Adam, arXiv:1412.6980, section 3):
/// what is not finite stays as it is and counts for nothing, and a constant line stays constant.
pub fn smooth(values: &[f64], weight: f64) -> Vec<f64> {
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|v| v.to_bits() == first.to_bits()) {
        return values.to_vec();
    }
    let (mut last, mut bias) = (0.0, 1.0);
    let step = |value: &f64| {
        if !value.is_finite() {
            return *value;
        }
        last = last * weight + (1.0 - weight) * value;
        bias *= weight;
        last / (1.0 - bias)
    };
    values.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::smooth;

    #[test]
    fn smoothing_is_tensorboards() {
        // Worked out by hand from the formula with w = 0.5: (0.5·1)/0.5, (0.5·0.5 + 0.5·3)/0.75, (0.5·1.75 + 0.5·2)/0.875.
        let smoothed = smooth(&[1.0, 3.0, f64::NAN, 2.0], 0.5);
        assert!((smoothed[0] - 1.0).abs() < 1e-12 && (smoothed[1] - 7.0 / 3.0).abs() < 1e-12);
        assert!(smoothed[2].is_nan());
        assert!((smoothed[3] - 1.875 / 0.875).abs() < 1e-12);
    }

    #[test]
    fn no_weight_changes_nothing_and_a_constant_stays() {
        assert_eq!(smooth(&[1.0, 5.0, -2.0], 0.0), [1.0, 5.0, -2.0]);
        assert_eq!(smooth(&[0.1; 50], 0.9), [0.1; 50]);
        assert!(smooth(&[], 0.9).is_empty());
    }

    #[test]
    fn a_smoothed_line_stays_between_the_extremes() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from((i * 7919) % 101)).collect();
        assert!(smooth(&values, 0.99).iter().all(|v| (0.0..=100.0).contains(v)));
    }
}
