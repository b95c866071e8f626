// SHA-256 (FIPS 180-4) of four messages at once, one in each lane, for the RFC 6962 trees over a tensor's
// bytes.
import { column0, column1, column2, column3 } from './canon';
import { argument, firstItem, size } from './step';

// A thread's scratch: a message block of each lane, the 16 schedule words and the 8 state words as vectors,
// and for each lane the address of its message and that of its digest.
const SCHEDULE: usize = 256;
const STATE: usize = 512;
const LANES_AT: usize = 640;
const SCRATCH: usize = 672;

const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

@inline
function rotate(x: v128, by: i32): v128 {
  return v128.or(i32x4.shr_u(x, by), i32x4.shl(x, 32 - by));
}

@inline
function swapBytes(x: v128): v128 {
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** h + the round's functions of e, f, g + K[t] + w[t]. */
@inline
function first(h: v128, e: v128, f: v128, g: v128, k: usize, w: usize): v128 {
  const sigma = v128.xor(v128.xor(rotate(e, 6), rotate(e, 11)), rotate(e, 25));
  const sum = i32x4.add(i32x4.add(h, sigma), v128.bitselect(f, g, e));
  return i32x4.add(sum, i32x4.add(v128.load32_splat(k), v128.load(w)));
}

@inline
function second(a: v128, b: v128, c: v128): v128 {
  const sigma = v128.xor(v128.xor(rotate(a, 2), rotate(a, 13)), rotate(a, 22));
  // The majority of three bits: where a and b differ c decides, elsewhere they agree.
  return i32x4.add(sigma, v128.bitselect(c, a, v128.xor(a, b)));
}

function start(state: usize): void {
  v128.store(state, i32x4.splat(0x6a09e667));
  v128.store(state + 16, i32x4.splat(<i32>0xbb67ae85));
  v128.store(state + 32, i32x4.splat(0x3c6ef372));
  v128.store(state + 48, i32x4.splat(<i32>0xa54ff53a));
  v128.store(state + 64, i32x4.splat(0x510e527f));
  v128.store(state + 80, i32x4.splat(<i32>0x9b05688c));
  v128.store(state + 96, i32x4.splat(0x1f83d9ab));
  v128.store(state + 112, i32x4.splat(0x5be0cd19));
}

/** Adds one block of each lane's message, 64 bytes from p0 .. p3, to the state. */
function compress(scratch: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
  const w = scratch + SCHEDULE;
  const state = scratch + STATE;
  for (let i: usize = 0; i < 64; i += 16) {
    const x0 = swapBytes(v128.load(p0 + i));
    const x1 = swapBytes(v128.load(p1 + i));
    const x2 = swapBytes(v128.load(p2 + i));
    const x3 = swapBytes(v128.load(p3 + i));
    v128.store(w + 4 * i, column0(x0, x1, x2, x3));
    v128.store(w + 4 * i + 16, column1(x0, x1, x2, x3));
    v128.store(w + 4 * i + 32, column2(x0, x1, x2, x3));
    v128.store(w + 4 * i + 48, column3(x0, x1, x2, x3));
  }
  let a = v128.load(state);
  let b = v128.load(state + 16);
  let c = v128.load(state + 32);
  let d = v128.load(state + 48);
  let e = v128.load(state + 64);
  let f = v128.load(state + 80);
  let g = v128.load(state + 96);
  let h = v128.load(state + 112);
  for (let round: usize = 0; round < 64; round += 16) {
    if (round > 0) {
      for (let i: usize = 0; i < 16; i++) {
        const early = v128.load(w + (((i + 1) & 15) << 4));
        const late = v128.load(w + (((i + 14) & 15) << 4));
        const s0 = v128.xor(v128.xor(rotate(early, 7), rotate(early, 18)), i32x4.shr_u(early, 3));
        const s1 = v128.xor(v128.xor(rotate(late, 17), rotate(late, 19)), i32x4.shr_u(late, 10));
        const sum = i32x4.add(i32x4.add(v128.load(w + (i << 4)), s0), v128.load(w + (((i + 9) & 15) << 4)));
        v128.store(w + (i << 4), i32x4.add(sum, s1));
      }
    }
    for (let i: usize = 0; i < 16; i += 8) {
      const k = K + ((round + i) << 2);
      const x = w + (i << 4);
      let t = first(h, e, f, g, k, x);
      d = i32x4.add(d, t);
      h = i32x4.add(t, second(a, b, c));
      t = first(g, d, e, f, k + 4, x + 16);
      c = i32x4.add(c, t);
      g = i32x4.add(t, second(h, a, b));
      t = first(f, c, d, e, k + 8, x + 32);
      b = i32x4.add(b, t);
      f = i32x4.add(t, second(g, h, a));
      t = first(e, b, c, d, k + 12, x + 48);
      a = i32x4.add(a, t);
      e = i32x4.add(t, second(f, g, h));
      t = first(d, a, b, c, k + 16, x + 64);
      h = i32x4.add(h, t);
      d = i32x4.add(t, second(e, f, g));
      t = first(c, h, a, b, k + 20, x + 80);
      g = i32x4.add(g, t);
      c = i32x4.add(t, second(d, e, f));
      t = first(b, g, h, a, k + 24, x + 96);
      f = i32x4.add(f, t);
      b = i32x4.add(t, second(c, d, e));
      t = first(a, f, g, h, k + 28, x + 112);
      e = i32x4.add(e, t);
      a = i32x4.add(t, second(b, c, d));
    }
  }
  v128.store(state, i32x4.add(v128.load(state), a));
  v128.store(state + 16, i32x4.add(v128.load(state + 16), b));
  v128.store(state + 32, i32x4.add(v128.load(state + 32), c));
  v128.store(state + 48, i32x4.add(v128.load(state + 48), d));
  v128.store(state + 64, i32x4.add(v128.load(state + 64), e));
  v128.store(state + 80, i32x4.add(v128.load(state + 80), f));
  v128.store(state + 96, i32x4.add(v128.load(state + 96), g));
  v128.store(state + 112, i32x4.add(v128.load(state + 112), h));
}

/** Writes the digests of the first `lanes` lanes one after another. */
function finish(state: usize, out: usize, lanes: i32): void {
  for (let half: usize = 0; half < 2; half++) {
    const from = state + half * 64;
    const x0 = v128.load(from);
    const x1 = v128.load(from + 16);
    const x2 = v128.load(from + 32);
    const x3 = v128.load(from + 48);
    const to = out + half * 16;
    v128.store(to, swapBytes(column0(x0, x1, x2, x3)));
    if (lanes > 1) v128.store(to + 32, swapBytes(column1(x0, x1, x2, x3)));
    if (lanes > 2) v128.store(to + 64, swapBytes(column2(x0, x1, x2, x3)));
    if (lanes > 3) v128.store(to + 96, swapBytes(column3(x0, x1, x2, x3)));
  }
}

/**
 * Address of block `block` of the padded message `prefix` || `bytes` bytes at `data`. A block inside the data
 * is not copied.
 */
function blockAt(scratch: usize, data: usize, bytes: i32, prefix: u32, block: i32): usize {
  const begin = block * 64;
  const length = bytes + 1;
  if (block > 0 && begin + 64 <= length) return data + <usize>begin - 1;
  memory.fill(scratch, 0, 64);
  if (block == 0) {
    store<u8>(scratch, prefix);
    memory.copy(scratch + 1, data, <usize>min(63, bytes));
  } else if (length > begin) {
    memory.copy(scratch, data + <usize>begin - 1, <usize>(length - begin));
  }
  if (length >= begin && length < begin + 64) store<u8>(scratch + <usize>(length - begin), 0x80);
  if (block == (length + 8) / 64) store<u64>(scratch + 56, bswap<u64>(<u64>length * 8));
  return scratch;
}

/** SHA-256(prefix || message) of four messages of `bytes` bytes, into the thread's state. */
function hash4(scratch: usize, m0: usize, m1: usize, m2: usize, m3: usize, bytes: i32, prefix: u32): void {
  start(scratch + STATE);
  const blocks = (bytes + 9) / 64 + 1;
  for (let block = 0; block < blocks; block++) {
    compress(
      scratch,
      blockAt(scratch, m0, bytes, prefix, block),
      blockAt(scratch + 64, m1, bytes, prefix, block),
      blockAt(scratch + 128, m2, bytes, prefix, block),
      blockAt(scratch + 192, m3, bytes, prefix, block),
    );
  }
}

/** Arguments of hashMany before its runs, and of each run. */
const HEAD: i32 = 5;
const RUN: i32 = 4;

/**
 * SHA-256(prefix || message) of messages of one length that lie in runs, four at a time, whichever run they
 * are from. Arguments: 1 runs, 2 bytes of a message, 3 prefix, 4 scratch (672 bytes a thread), then for each
 * run 1 its first message, 2 how many follow one another, 3 out (32 bytes each), 4 whether the 32 bytes after
 * its last message go after its last digest as they are (an odd node).
 */
export function hashMany(step: usize, thread: i32, threads: i32): i32 {
  const runs = size(step, 1);
  const bytes = size(step, 2);
  const prefix = argument(step, 3);
  const scratch = <usize>argument(step, 4) + <usize>thread * SCRATCH;
  let total = 0;
  for (let run = 0; run < runs; run++) total += size(step, HEAD + run * RUN + 1);
  const groups = (total + 3) / 4;
  const begin = firstItem(groups, thread, threads) * 4;
  const end = min(firstItem(groups, thread + 1, threads) * 4, total);
  let run = 0;
  let item = begin;
  for (let at = begin; at < end; at += 4) {
    const lanes = min(4, end - at);
    for (let lane = 0; lane < 4; lane++) {
      const place = scratch + LANES_AT + <usize>lane * 8;
      if (lane >= lanes) {
        store<u32>(place, load<u32>(place - 8));
        continue;
      }
      while (item >= size(step, HEAD + run * RUN + 1)) {
        item -= size(step, HEAD + run * RUN + 1);
        run++;
      }
      store<u32>(place, argument(step, HEAD + run * RUN) + <u32>item * <u32>bytes);
      store<u32>(place, argument(step, HEAD + run * RUN + 2) + <u32>item * 32, 4);
      item++;
    }
    const places = scratch + LANES_AT;
    hash4(scratch, load<u32>(places), load<u32>(places, 8), load<u32>(places, 16), load<u32>(places, 24), bytes, prefix);
    // The blocks are no longer needed.
    finish(scratch + STATE, scratch, lanes);
    for (let lane = 0; lane < lanes; lane++) {
      memory.copy(load<u32>(places + <usize>lane * 8, 4), scratch + <usize>lane * 32, 32);
    }
  }
  if (thread == threads - 1) {
    for (let run = 0; run < runs; run++) {
      const words = HEAD + run * RUN;
      if (argument(step, words + 3) == 0) continue;
      const count = <usize>argument(step, words + 1);
      memory.copy(<usize>argument(step, words + 2) + count * 32, <usize>argument(step, words) + count * <usize>bytes, 32);
    }
  }
  return 0;
}
