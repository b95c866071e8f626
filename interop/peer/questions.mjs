/**
 * A round's pool of questions ([P-213]) of those tasks whose draws docs/tasks.md has in full: sums, sorting,
 * gcd, reversing.
 */
import { stream } from './draws.mjs';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
/** Draws at one turn before the next task has it. */
const REDRAWS = 33;
/** Of a task's questions, one in so many is held out. */
const HELD_OUT_ONE_IN = 8;

function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}

/** Each draws a question at a difficulty. */
const TASKS = {
  sums(draws, difficulty) {
    const [low, high] = [
      [1, 20],
      [1, 49],
      [10, 99],
    ][difficulty];
    const [a, b] = [draws.integer(low, high), draws.integer(low, high)];
    return { prompt: `${a}+${b}`, answer: String(a + b), identity: `${Math.min(a, b)}+${Math.max(a, b)}` };
  },
  sorting(draws, difficulty) {
    const digits = Array.from({ length: [6, 7, 8][difficulty] }, () => draws.integer(0, 9));
    const answer = [...digits].sort((a, b) => a - b).join('');
    return { prompt: `sort ${digits.join('')}`, answer, identity: answer };
  },
  gcd(draws, difficulty) {
    const limit = [30, 60, 99][difficulty];
    for (;;) {
      const divisor = draws.integer(2, Math.floor(limit / 3));
      const most = Math.floor(limit / divisor);
      const [a, b] = [divisor * draws.integer(1, most), divisor * draws.integer(1, most)];
      if (a === b || gcd(a, b) !== divisor) continue;
      const identity = `${Math.min(a, b)} ${Math.max(a, b)}`;
      return { prompt: `gcd ${a} ${b}`, answer: String(divisor), identity };
    }
  },
  reversing(draws, difficulty) {
    const word = Array.from({ length: [5, 6, 7][difficulty] }, () => LETTERS[draws.integer(0, 25)]).join('');
    const answer = [...word].reverse().join('');
    return { prompt: `rev ${word}`, answer, identity: [word, answer].sort().join('|') };
  },
};

/** FNV-1a of 32 bits, then the finaliser of MurmurHash3. */
function identityHash(text) {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The question of a task at an index, of the share that is trained on. */
function question(task, difficulty, index, seed) {
  const draws = stream({ purpose: 'items', round: difficulty, device: task, seed })(index);
  for (;;) {
    const drawn = TASKS[task](draws, difficulty);
    if (identityHash(`${task}/${drawn.identity}`) % HELD_OUT_ONE_IN !== 0)
      return { task, difficulty, ...drawn };
  }
}

/**
 * The pool of the round with that seed.
 * @param {{ generators: { id: string, version: number, difficulties: number[] }[], count: number,
 *   seed: Uint8Array }} options
 */
export function roundPool({ generators, count, seed }) {
  const unknown = generators.find(({ id, version }) => !Object.hasOwn(TASKS, id) || version !== 1);
  if (unknown !== undefined) throw new Error(`This peer does not know the task ${unknown.id}.`);
  const seen = new Set();
  const pool = [];
  const most = generators.length * Math.max(...generators.map(({ difficulties }) => difficulties.length));
  const next = (place) => {
    let repeated;
    for (let skipped = 0; skipped < most; skipped++) {
      const { id, difficulties } = generators[(place + skipped) % generators.length];
      const turn = Math.floor((place + skipped) / generators.length);
      for (let redraw = 0; redraw < REDRAWS; redraw++) {
        const index = place + redraw * 0x1_0000 + skipped * 0x100_0000;
        const item = question(id, difficulties[turn % difficulties.length], index, seed);
        if (!seen.has(`${id}/${item.identity}`)) return item;
        repeated = item;
      }
    }
    return repeated;
  };
  for (let place = 0; place < count; place++) {
    const item = next(place);
    seen.add(`${item.task}/${item.identity}`);
    pool.push(item);
  }
  return pool;
}
