/**
 * Plays whole disputes at random on the reference game and on the contract, and compares the two after every
 * move.
 *
 *   npm run games -- [--count 100] [--from 0] [--blocks] [--json]
 *
 * With --blocks the matches are about a model in blocks, of whose devices one lied in one hop.
 *
 * The last line of --json is {"games", "matches", "moves", "refused", "honestLost", "differences", "endings",
 * "reasons"}. A match is about one claim and has a game for each challenger. `moves` were sent, and `reasons`
 * counts the errors of those that were refused. The exit code is 0 if no honest player lost and nothing
 * differs.
 */
import { parseArgs } from 'node:util';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { blockFixtures } from './games/block-fixture.ts';
import { startContract } from './games/contract.ts';
import { type Ending, playMatch } from './games/match.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100' },
    from: { type: 'string', default: '0' },
    blocks: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const count = Number(values.count);
const from = Number(values.from);
const engine = createReferenceEngine();
const fixtures = values.blocks ? blockFixtures() : undefined;
const contract = await startContract();
const endings: Record<Ending, number> = { judged: 0, opened: 0, silent: 0, overtaken: 0 };
const reasons: Record<string, number> = {};
const total = { games: 0, matches: 0, moves: 0, refused: 0, honestLost: 0, differences: 0 };
try {
  for (let seed = from; total.games < count; seed++) {
    const match = await playMatch(seed, engine, fixtures);
    total.matches++;
    total.games += match.endings.length;
    total.moves += match.records.length;
    for (const ending of match.endings) endings[ending]++;
    for (const { outcome } of match.records) {
      if (outcome.kind === 'done') continue;
      total.refused++;
      reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1;
    }
    total.honestLost += match.honestLost.length;
    for (const what of match.honestLost) console.error(`match ${seed}: ${what}`);
    const difference = await contract.difference(match);
    if (difference !== undefined) {
      total.differences++;
      console.error(`match ${seed}: ${difference}`);
    }
    if (total.matches % 100 === 0) console.error(`${total.games} of ${count} games, up to match ${seed}`);
  }
} finally {
  await contract.stop();
  await engine.stop();
}
console.log(
  values.json
    ? JSON.stringify({ ...total, endings, reasons })
    : `${total.games} games, ${total.honestLost} times an honest player lost, ${total.differences} differences`,
);
process.exitCode = total.honestLost + total.differences === 0 ? 0 : 1;
