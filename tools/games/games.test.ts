import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_ANVIL } from '../../chain/devnet/anvil.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { type Contract, startContract } from './contract.ts';
import { Draws } from './draws.ts';
import { playMatch } from './match.ts';
import { mutatedMove } from './mutate-move.ts';

const MATCHES = 12;
/** Beyond those of the command's first ten thousand games. */
const FIRST = 100_000;

describe.skipIf(NO_ANVIL !== undefined)(`Games${NO_ANVIL === undefined ? '' : `: ${NO_ANVIL}`}`, () => {
  let engine: Engine;
  let contract: Contract;

  beforeAll(async () => {
    engine = createReferenceEngine();
    contract = await startContract();
  });
  afterAll(async () => {
    await contract?.stop();
    await engine?.stop();
  });

  it('no honest player loses, and the contract does what the reference game does', async () => {
    const endings = new Set<string>();
    for (let seed = FIRST; seed < FIRST + MATCHES; seed++) {
      const match = await playMatch(seed, engine);
      expect(match.honestLost).toEqual([]);
      expect(await contract.difference(match)).toBeUndefined();
      for (const ending of match.endings) endings.add(ending);
    }
    expect([...endings]).toEqual(expect.arrayContaining(['judged', 'opened']));
  });

  it('a product of -0 that is alone in its sum is +0, as on the contract', async () => {
    const match = await playMatch(9396, engine);
    expect(match.honestLost).toEqual([]);
    expect(await contract.difference(match)).toBeUndefined();
  });

  it('finds a difference of one wei, one outcome or one word of a game', async () => {
    const match = await playMatch(FIRST, engine);
    const [first, ...rest] = match.records;
    if (first === undefined) throw new Error('There is no record.');
    expect(await contract.difference({ ...match, burned: match.burned + 1n })).toContain('credit');
    const refused = { ...first, outcome: { kind: 'refused', reason: 'BadTerms' } } as const;
    expect(await contract.difference({ ...match, records: [refused, ...rest] })).toContain('BadTerms');
    const other = match.records.map((each) =>
      each.game === undefined
        ? each
        : { ...each, game: { ...each.game, words: each.game.words.replace(/.$/, '7') as `0x${string}` } },
    );
    expect(await contract.difference({ ...match, records: other })).toContain('another game');
  });

  it('the same number gives the same match', async () => {
    const [one, two] = [await playMatch(FIRST + 1, engine), await playMatch(FIRST + 1, engine)];
    expect(one.records).toEqual(two.records);
  });
});

describe('mutated moves', () => {
  it('differ in one place, and keep their game', () => {
    const move = { kind: 'pick', game: 3, index: 1, nodes: ['0xaa', '0xbb'] } as const;
    for (let seed = 0; seed < 50; seed++) {
      const other = mutatedMove(move, new Draws(seed));
      expect(other).not.toEqual(move);
      expect(other).toMatchObject({ kind: 'pick', game: 3 });
    }
  });
});
