//! import canonical
// The fixed-order fold. Terms are summed in order from +0 in blocks of 64, aligned at the first term; the
// block sums are then summed in order from +0.
struct Fold {
  total: f32,
  partial: f32,
  count: u32,
}

fn fold_term(fold: ptr<function, Fold>, term: f32) {
  (*fold).partial = add((*fold).partial, term);
  (*fold).count = (*fold).count + 1u;
  if (((*fold).count & 63u) == 0u) {
    (*fold).total = add((*fold).total, (*fold).partial);
    (*fold).partial = 0.0;
  }
}

fn fold_result(fold: ptr<function, Fold>) -> f32 {
  return add((*fold).total, (*fold).partial);
}
