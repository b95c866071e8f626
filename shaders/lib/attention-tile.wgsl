//! import attention
//! import tile

// Which tile of a dispatch a workgroup computes: the unit (its number in the dispatch and its batch entry),
// and the tile's first row and first column within the unit's matrix.
struct TileCorner {
  unit: u32,
  batch: u32,
  m: u32,
  n: u32,
}

fn tiles_along(length: u32) -> u32 {
  return (length + TILE - 1u) / TILE;
}

// The tile `number` of units that have an m x n matrix each. There is none if `unit` is not below
// params.units.
fn tile_corner(params: AttentionParams, number: u32, m: u32, n: u32) -> TileCorner {
  let tiles_m = tiles_along(m);
  let tiles_n = tiles_along(n);
  let unit = number / (tiles_n * tiles_m);
  return TileCorner(
    unit,
    (params.first_unit + unit) / params.kv_heads,
    number / tiles_n % tiles_m * TILE,
    number % tiles_n * TILE,
  );
}
