/**
 * One member of the chaos drill in a process of its own, honest or hostile: a real libp2p node over TCP,
 * gossip, presence and rounds on the system's clock. The trainer is scripted. Started by run.ts.
 */
import '../../swarm/node20.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GossipSub } from '@libp2p/gossipsub';
import { attestationFile } from '../../node/home/attestation-file.ts';
import { runProcess } from '../../node/home/command-line.ts';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { must } from '../../protocol/must.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { joinSwarm } from '../../swarm/join.ts';
import { nodeTransports } from '../../swarm/node-transports.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { DRILL_NETWORK } from '../drill/member-settings.ts';
import { SplitGate } from './gate.ts';
import { Hostile, OLD_ROUNDS } from './hostile.ts';
import { KeptTrainer } from './kept-trainer.ts';
import { Recorder } from './recorder.ts';
import { tellOf } from './reports.ts';
import type { ChaosCommand, ChaosMemberSettings, ChaosReport } from './settings.ts';
import { chaosKey, worldLedger } from './world.ts';

const STATE_MS = 1_000;
const CHEAT_MS = 200;
const CONTENT_BYTES = 8 * 2 ** 20;
/** Characters of each of a member's two answers: a rollout set of 2 KiB, which travels in its reveal. */
const ANSWER_LENGTH = 1_000;

function tell(report: ChaosReport): void {
  process.send?.(report);
}

await runProcess(async (signal) => {
  const settings = JSON.parse(must(process.argv, 2)) as ChaosMemberSettings;
  const { name, cheat, folder, worldFile, relays, roundSeconds, blocked } = settings;
  await loadSignatureChecks();
  await mkdir(folder, { recursive: true });
  const key = chaosKey(name);
  const scheduler = systemScheduler;
  const ledger = await worldLedger({ key, worldFile, roundSeconds });
  const connection = await joinSwarm({
    network: { ...DRILL_NETWORK, relays },
    key,
    ledger,
    store: new MemoryStore(CONTENT_BYTES),
    describe: () => ({ delegation: null, engine: 'scripted', conformance: UNTESTED }),
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  const { node, gossip, content, standings } = connection;
  const pubsub = node.libp2p.services.pubsub as GossipSub & { getScore(peerId: string): number };
  const gate = new SplitGate(node.libp2p);
  gate.block(blocked);
  process.on('message', (command: ChaosCommand) => gate.block(command.blocked));
  // A member whose drill has ended must not stay behind.
  process.on('disconnect', () => process.exit(1));
  let heard = 0;
  gossip.onMessage(() => {
    heard++;
  });
  const tellState = (): void => {
    const { heapUsed, rss } = process.memoryUsage();
    tell({
      kind: 'state',
      heapMiB: heapUsed / 2 ** 20,
      rssMiB: rss / 2 ** 20,
      heard,
      scores: pubsub.getPeers().map((peer) => [peer.toString(), pubsub.getScore(peer.toString())]),
    });
  };
  tell({ kind: 'ready', peerId: node.peerId, address: key.address });

  if (cheat === null) {
    const trainer = await KeptTrainer.open(
      folder,
      {
        scheduler,
        answerMs: 1_000,
        trainMs: 2_000,
        text: ({ seed, device }, item) => `${seed} ${device} ${item} `.repeat(99).slice(0, ANSWER_LENGTH),
      },
      (round, previousRoot, root) => tell({ kind: 'stored', round, previousRoot, root }),
    );
    const driver = new RoundDriver({
      trainer,
      ledger,
      gossip,
      content,
      attestations: attestationFile(join(folder, 'attestations.json')),
      deviceKey: key,
      standings,
      engine: 'scripted',
      conformance: () => UNTESTED,
    });
    tellOf({ gossip, driver }, tell);
    driver.start();
    while (!signal.aborted) {
      tellState();
      await wait(scheduler, STATE_MS, signal).catch(() => undefined);
    }
    await driver.stop();
  } else {
    const recorder = new Recorder(join(folder, 'recorded.txt'));
    const recorded = await recorder.ofRounds(ledger.clock.read().round - OLD_ROUNDS);
    const hostile = new Hostile({
      cheat,
      key,
      ledger,
      service: pubsub,
      now: Date.now,
      randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
      networkId: connection.networkId,
      recorded,
      onStolen: (theft) => tell({ kind: 'stolen', ...theft }),
    });
    gossip.onMessage((message) => hostile.hear(message));
    pubsub.addEventListener('message', ({ detail }) => recorder.hear(detail.data));
    for (let ticks = 0; !signal.aborted; ticks++) {
      await hostile.tick();
      if (ticks % 5 === 0) tellState();
      await wait(scheduler, CHEAT_MS, signal).catch(() => undefined);
    }
  }
  await connection.leave();
  return 0;
});
