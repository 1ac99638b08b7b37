//! Small dense systems of linear equations.

/// Solves a square system by Gaussian elimination with partial pivoting; the solution stands in
/// `right`. The matrix, row by row, is used up. It must not be singular.
pub(crate) fn solve(matrix: &mut [f64], right: &mut [f64]) {
    let n = right.len();
    for column in 0..n {
        let size = |row: &usize| matrix[row * n + column].abs();
        let pivot = (column..n).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(column);
        if pivot != column {
            for i in column..n {
                matrix.swap(pivot * n + i, column * n + i);
            }
            right.swap(pivot, column);
        }
        let (above, below) = matrix.split_at_mut((column + 1) * n);
        let lead = &above[column * n..];
        for (offset, row) in below.chunks_exact_mut(n).enumerate() {
            let factor = row[column] / lead[column];
            for (value, upper) in row[column..].iter_mut().zip(&lead[column..]) {
                *value -= factor * upper;
            }
            right[column + 1 + offset] -= factor * right[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|i| matrix[row * n + i] * right[i]).sum();
        right[row] = (right[row] - known) / matrix[row * n + row];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_system_that_needs_pivoting() {
        // 2y + z = 7, x + y + z = 6, 3x + y − z = 2 → (1, 2, 3).
        let mut matrix = vec![0.0, 2.0, 1.0, 1.0, 1.0, 1.0, 3.0, 1.0, -1.0];
        let mut right = vec![7.0, 6.0, 2.0];
        solve(&mut matrix, &mut right);
        for (got, expected) in right.iter().zip([1.0, 2.0, 3.0]) {
            assert!((got - expected).abs() < 1e-12, "{right:?}");
        }
    }
}
