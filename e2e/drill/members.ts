/**
 * `npm run drill -- members`: many Node members on this machine, with real connections, gossip and rounds on
 * the system's clock, in a few processes. Their trainer is scripted, because a hundred that train would need
 * as many cores.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseCommandLine, UsageError, wholeNumber } from '../../node/home/command-line.ts';
import { networkId } from '../../swarm/network-id.ts';
import { startRelay } from '../../swarm/relay/relay.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { DRILL_NETWORK, type MemberProcessSettings, type MemberReport } from './member-settings.ts';
import { stopChildren } from './stop-children.ts';

const MEMBERS_HELP = `npm run drill -- members [options]

Node members of one swarm on this machine, with real connections, gossip and rounds, and a scripted trainer. The last
line is {members, rounds, attested, missed, acked, cohorts, heardPerMember, cpuMsPerMember, rssMiBPerMember, errors}.

  --members N   2 to 200 (default 100)
  --rounds R    1 to 50 (default 10)
  --round S     seconds of a round, 20 to 600 (default 60)
  --cohort M    members of a full cohort, 4 to 24 (default 24)
  --json        what happens on the way goes to the error output`;

const PROGRAM = fileURLToPath(new URL('./member-process.ts', import.meta.url));
/** Members of one process. */
const EACH = 25;
/** Milliseconds until the last round is acknowledged, beyond half a round. */
const SETTLE_MS = 10_000;

/** What the drill came to. */
interface MembersSummary {
  readonly members: number;
  readonly rounds: number;
  /** Attestations of the counted rounds, and those that are missing. */
  readonly attested: number;
  readonly missed: number;
  /** Attestations that at least one other has acknowledged. */
  readonly acked: number;
  readonly cohorts: number;
  /** Messages of others that a member accepted, in one round. */
  readonly heardPerMember: number;
  /** Milliseconds of CPU of a member in one round. */
  readonly cpuMsPerMember: number;
  readonly rssMiBPerMember: number;
  readonly errors: number;
}

/** Reads the command line, has the rounds, and prints what came out. Resolves with the exit code. */
export async function membersCommand(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        members: { type: 'string', default: '100' },
        rounds: { type: 'string', default: '10' },
        round: { type: 'string', default: '60' },
        cohort: { type: 'string', default: '24' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    MEMBERS_HELP,
  );
  if (values.help) {
    console.log(MEMBERS_HELP);
    return 0;
  }
  const summary = await membersDrill({
    members: wholeNumber('--members', values.members, 2, 200),
    rounds: wholeNumber('--rounds', values.rounds, 1, 50),
    roundSeconds: wholeNumber('--round', values.round, 20, 600),
    cohort: wholeNumber('--cohort', values.cohort, 4, 24),
    say: values.json ? (line) => console.error(line) : (line) => console.log(line),
    signal,
  });
  console.log(JSON.stringify(summary));
  return summary.missed === 0 && summary.errors === 0 ? 0 : 1;
}

type State = Extract<MemberReport, { readonly kind: 'state' }>;

/**
 * Starts relay and members, waits for the rounds, and stops all. Throws UsageError when a process ends early.
 */
async function membersDrill(options: {
  readonly members: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly cohort: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<MembersSummary> {
  const { members, rounds, roundSeconds, cohort, say, signal } = options;
  const { chainId, contracts, swarm } = DRILL_NETWORK;
  const networks = [networkId(chainId, contracts.participation, swarm)];
  const relay = await startRelay({ privateKey: randomBytes(32), networks });
  const states = new Map<ChildProcess, State>();
  const attested = new Map<number, Set<number>>();
  const acked = new Map<number, Set<number>>();
  let errors = 0;
  let ended: string | null = null;
  const children: ChildProcess[] = [];
  const note = (of: Map<number, Set<number>>, round: number, member: number): void => {
    of.set(round, (of.get(round) ?? new Set()).add(member));
  };
  try {
    for (let from = 0; from < members; from += EACH) {
      const to = Math.min(members, from + EACH);
      const settings: MemberProcessSettings = {
        from,
        to,
        members,
        relays: relay.addresses,
        roundSeconds,
        cohort,
      };
      const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: process.execArgv });
      children.push(child);
      child.on('message', (message: unknown) => {
        const report = message as MemberReport;
        if (report.kind === 'state') states.set(child, report);
        else if (report.kind === 'failed') {
          errors++;
          say(`Member ${report.member} failed: ${report.cause}`);
        } else note(report.kind === 'attested' ? attested : acked, report.round, report.member);
      });
      child.on('exit', (code) => {
        ended ??= `Members ${from} to ${to - 1} ended early with code ${code}.`;
      });
    }
    const roundNow = (): number => Math.floor(systemScheduler.now() / (1_000 * roundSeconds));
    const total = (of: (state: State) => number): number =>
      [...states.values()].reduce((sum, state) => sum + of(state), 0);
    const until = async (isDone: () => boolean): Promise<void> => {
      while (!isDone()) {
        signal.throwIfAborted();
        if (ended !== null) throw new UsageError(ended);
        await wait(systemScheduler, 500, signal);
      }
    };
    for (let there = 0, said = 0; there < members; ) {
      await until(() => total((state) => state.members.length) > there);
      there = total((state) => state.members.length);
      if (there < said + EACH) continue;
      said = there;
      say(`${there} of ${members} members are there.`);
    }
    // The round that is under way does not count, nor the next one, in which cohorts may still be found.
    const first = roundNow() + 2;
    say(`All ${members} members are there. Counting rounds ${first} to ${first + rounds - 1}.`);
    await until(() => roundNow() >= first);
    const [cpuBefore, heardBefore] = [total(({ cpuMs }) => cpuMs), total(({ heard }) => heard)];
    for (let round = first; round < first + rounds; round++) {
      await until(() => roundNow() > round);
      say(
        `Round ${round}: ${attested.get(round)?.size ?? 0} of ${members} have attested so far. ${stateOf(states.values())}`,
      );
    }
    const [cpu, heard] = [
      total(({ cpuMs }) => cpuMs) - cpuBefore,
      total((state) => state.heard) - heardBefore,
    ];
    // Whoever trains long attests in the next round, and is acknowledged some seconds later.
    await wait(systemScheduler, (1_000 * roundSeconds) / 2 + SETTLE_MS, signal);
    const counted = (of: ReadonlyMap<number, ReadonlySet<number>>): number =>
      Array.from({ length: rounds }, (_, n) => of.get(first + n)?.size ?? 0).reduce((a, b) => a + b, 0);
    const each = (sum: number): number => Number((sum / members / rounds).toFixed(1));
    return {
      members,
      rounds,
      attested: counted(attested),
      missed: members * rounds - counted(attested),
      acked: counted(acked),
      cohorts: new Set([...states.values()].flatMap((state) => state.members.map(({ cohort }) => cohort)))
        .size,
      heardPerMember: each(heard),
      cpuMsPerMember: each(cpu),
      rssMiBPerMember: Number((total(({ rssMiB }) => rssMiB) / members).toFixed(1)),
      errors,
    };
  } finally {
    await stopChildren(children);
    await relay.stop();
  }
}

/** Cohorts with the members that theirs count, and the fewest and most connections of a member. */
function stateOf(states: Iterable<State>): string {
  const members = [...states].flatMap((state) => state.members);
  const sizes = new Map<string, number[]>();
  for (const { cohort, size } of members) sizes.set(cohort, [...(sizes.get(cohort) ?? []), size]);
  const cohorts = [...sizes].map(
    ([cohort, counts]) =>
      `${cohort === '' ? 'all' : cohort}: ${counts.length}, which count ${Math.min(...counts)} to ${Math.max(...counts)}`,
  );
  const degrees = members.map(({ degree }) => degree);
  return `Cohorts ${cohorts.join('; ')}. Connections ${Math.min(...degrees)} to ${Math.max(...degrees)}.`;
}
