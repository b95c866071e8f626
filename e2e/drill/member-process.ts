/**
 * Some members of the drill in one process: real libp2p nodes over TCP, gossip, presence, cohorts and rounds
 * on the system's clock. The trainer is scripted. Started by members.ts with its settings as one argument.
 */
import '../../swarm/node20.ts';
import { runProcess } from '../../node/home/command-line.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { joinSwarm } from '../../swarm/join.ts';
import { nodeTransports } from '../../swarm/node-transports.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { type Scheduler, systemScheduler, wait } from '../../swarm/scheduler.ts';
import { ScriptedTrainer } from '../../swarm/testing/scripted-trainer.ts';
import { ROUND_MS, simulatedLedger } from '../../swarm/testing/simulated-ledger.ts';
import { DRILL_NETWORK, type MemberProcessSettings, type MemberReport } from './member-settings.ts';

/** Milliseconds between two members that start, so that they do not all dial at once. */
const STAGGER_MS = 250;
const STATE_MS = 2_000;
const CONTENT_BYTES = 8 * 2 ** 20;
/** Characters of each of a member's two answers: a rollout set of 8 KiB. */
const ANSWER_LENGTH = 4_000;

/** The key of a member of the drill. */
function drillKey(member: number): DeviceKey {
  return deviceKey(sha256Of(new TextEncoder().encode(`drill member ${member}`)));
}

/** A clock of rounds of so many seconds. */
function slowed(roundSeconds: number): Scheduler {
  const factor = (1_000 * roundSeconds) / ROUND_MS;
  return { ...systemScheduler, now: () => systemScheduler.now() / factor };
}

function tell(report: MemberReport): void {
  process.send?.(report);
}

async function startMember(
  member: number,
  { relays, roundSeconds, cohort }: MemberProcessSettings,
  directory: Map<DeviceAddress, Uint8Array>,
) {
  const key = drillKey(member);
  const scheduler = systemScheduler;
  const known = new Map([...directory.keys()].map((device) => [device, { kind: 'known' } as const]));
  const ledger = simulatedLedger(key, slowed(roundSeconds), directory, 'drill', known);
  const connection = await joinSwarm({
    network: { ...DRILL_NETWORK, relays },
    key,
    ledger,
    store: new MemoryStore(CONTENT_BYTES),
    describe: () => ({ delegation: null, engine: 'scripted', conformance: UNTESTED }),
    cohortSizes: { most: cohort, least: Math.floor(cohort / 4) },
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  const { node, gossip, content, standings } = connection;
  const { cohorts } = gossip;
  if (cohorts === undefined) throw new TypeError('A member takes part in a cohort.');
  const driver = new RoundDriver({
    trainer: new ScriptedTrainer({
      scheduler,
      answerMs: 1_000,
      trainMs: 2_000 + 200 * (member % 20),
      text: ({ seed, device }, item) => `${seed} ${device} ${item} `.repeat(99).slice(0, ANSWER_LENGTH),
    }),
    ledger,
    gossip,
    content,
    deviceKey: key,
    standings,
    engine: 'scripted',
    conformance: () => UNTESTED,
  });
  const acked = new Set<number>();
  driver.on((event) => {
    if (event.kind === 'sent') tell({ kind: 'attested', member, round: event.round });
    if (event.kind === 'failed') tell({ kind: 'failed', member, cause: event.cause });
    if (event.kind !== 'accepted' || acked.has(event.round)) return;
    acked.add(event.round);
    tell({ kind: 'acked', member, round: event.round });
  });
  driver.start();
  let heard = 0;
  gossip.onMessage(() => {
    heard++;
  });
  return {
    heard: () => heard,
    state: () => ({ cohort: cohorts.own, size: cohorts.size, degree: node.degree() }),
    async stop() {
      await driver.stop();
      await connection.leave();
    },
  };
}

await runProcess(async (signal) => {
  const settings = JSON.parse(must(process.argv, 2)) as MemberProcessSettings;
  await loadSignatureChecks();
  const directory = new Map(
    Array.from({ length: settings.members }, (_, member) => drillKey(member)).map(
      ({ address, publicKey }) => [address, publicKey] as const,
    ),
  );
  const members: Awaited<ReturnType<typeof startMember>>[] = [];
  for (let member = settings.from; member < settings.to && !signal.aborted; member++) {
    members.push(await startMember(member, settings, directory));
    await wait(systemScheduler, STAGGER_MS, signal).catch(() => undefined);
  }
  while (!signal.aborted) {
    const { user, system } = process.cpuUsage();
    tell({
      kind: 'state',
      heard: members.reduce((sum, { heard }) => sum + heard(), 0),
      cpuMs: (user + system) / 1_000,
      rssMiB: process.memoryUsage().rss / 2 ** 20,
      members: members.map(({ state }) => state()),
    });
    await wait(systemScheduler, STATE_MS, signal).catch(() => undefined);
  }
  await Promise.all(members.map(({ stop }) => stop()));
  return 0;
});
