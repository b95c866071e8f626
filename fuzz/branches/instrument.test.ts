import { describe, expect, it } from 'vitest';
import { HIT, instrument } from './instrument.mjs';

/** Runs a module that assigns to `result`, and returns that with the counters that were called. */
function ran(source: string): { readonly result: unknown; readonly hits: readonly number[] } {
  const hits: number[] = [];
  const text = `let result; ${instrument(source, 10).source}; return result;`;
  const result: unknown = new Function(HIT, text)((branch: number) => hits.push(branch));
  return { result, hits };
}

const SOURCE = `
const é = 'ü𝒳';
const pick = (a) => a > 1 ? { b: é } : () => ({ c: 2 });
function walk(list) { let sum = 0; for (const each of list) sum += each; return sum }
class Base { constructor(x) { this.x = x } }
class Other extends Base { constructor(x) { super(x || 7) } get twice() { return 2 * this.x } }
function word(n) { switch (n) { case 1: case 2: return 'few'; case 3: { return 'three' } default: return 'many' } }
let caught = 0;
try { null.x } catch { caught++ }
if (caught === 2) caught = 9; else if (caught === 1) caught = 5
else caught = 0;
do caught++; while (caught < 8)
result = [pick(2), pick(0)().c, walk([1, 2, 3]), new Other(0).twice, word(2), word(3), word(9), caught, (() => ({}))() ?? 1]`;

describe('instrument', () => {
  it('leaves what a module does and its lines as they are', () => {
    const plain: unknown = new Function(`let result; ${SOURCE}; return result;`)();
    expect(ran(SOURCE).result).toEqual(plain);
    expect(instrument(SOURCE, 0).source.split('\n')).toHaveLength(SOURCE.split('\n').length);
  });

  it('calls the counter of a branch when it is taken, and no other', () => {
    const one = ran("const f = (a) => a ? 'yes' : 'no'; result = f(1)");
    expect(one).toEqual({ result: 'yes', hits: [10, 11] });
    expect(ran("const f = (a) => a ? 'yes' : 'no'; result = f(0)").hits).toEqual([10, 12]);
    expect(ran('result = 1 && 2').hits).toEqual([10]);
    expect(ran('result = 0 && 2').hits).toEqual([]);
    expect(ran('for (const a of [1, 2]) result = a').hits).toEqual([10, 10]);
  });

  it('counts the counters, and throws for what is no module', () => {
    expect(instrument('a ? b : c', 5)).toEqual({ source: `a ? (${HIT}(5),b) : (${HIT}(6),c)`, count: 2 });
    expect(() => instrument('a ?', 0)).toThrow();
  });
});
