/** A swarm in every trouble at once, judged from outside: `npm run chaos -- --help`. */
import '../swarm/node20.ts';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from '../node/home/command-line.ts';
import { HELP, parseChaosCommandLine } from './chaos/command-line.ts';
import type { Verdict } from './chaos/judge.ts';
import { chaos } from './chaos/run.ts';
import { simulatedChaos } from './chaos/simulated.ts';

/** What a member may use: bytes of its heap, and messages of others in a round. */
const BUDGET = { heapMiB: 128, messagesARound: 500 };

/** What is not as it should be, each as a sentence. */
function faults(verdict: Verdict): readonly string[] {
  const { roundsFinished, roundsLost, honestVotesSplit, overBudget, kinds, hostile, cheatsTried } = verdict;
  const { cheatsAcknowledged, stolenSetsUsed } = verdict;
  return [
    ...(roundsFinished === 0 ? ['No round was finished.'] : []),
    ...(hostile > 0 && cheatsTried === 0
      ? ['No hostile member had an honest neighbour for long enough.']
      : []),
    ...(roundsLost > 0 ? [`${roundsLost} finished rounds are lost.`] : []),
    ...(honestVotesSplit > 0 ? [`${honestVotesSplit} votes of honest members were heard differently.`] : []),
    ...(overBudget > 0 ? [`${overBudget} members used more than their budget.`] : []),
    ...(cheatsAcknowledged > 0 ? [`${cheatsAcknowledged} attestations of cheats were acknowledged.`] : []),
    ...(stolenSetsUsed > 0 ? [`${stolenSetsUsed} stolen sets were trained on.`] : []),
    ...kinds
      .filter(({ tried, cut }) => cut < tried)
      .map(({ kind, tried, cut }) => `Of ${tried} members that ${kind}, ${cut} were cut off.`),
  ];
}

await runProcess(async (signal) => {
  const settings = parseChaosCommandLine(process.argv.slice(2));
  if (settings === undefined) {
    console.log(HELP);
    return 0;
  }
  const { members, hostile, tabs, seed, minutes, roundSeconds, simulated, json } = settings;
  const shared = {
    ...{ seconds: 60 * minutes, members, hostile, seed, budget: BUDGET, signal },
    say: json ? (line: string) => console.error(line) : (line: string) => console.log(line),
  };
  const folder = await mkdtemp(join(tmpdir(), 'starling-chaos-'));
  try {
    const verdict = simulated
      ? await simulatedChaos(shared)
      : await chaos({ ...shared, tabs, roundSeconds, folder });
    const { kinds, roundsFinished, roundsLost, cheatsCut, ...rest } = verdict;
    for (const figures of kinds) console.log(JSON.stringify(figures));
    console.log(JSON.stringify({ ...rest, load: loadavg().map((load) => Number(load.toFixed(1))) }));
    const wrong = faults(verdict);
    for (const fault of wrong) console.error(fault);
    console.log(JSON.stringify({ members, hostile, roundsFinished, roundsLost, cheatsCut }));
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
