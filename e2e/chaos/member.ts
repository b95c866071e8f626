/**
 * One member of the chaos drill in a process of its own, honest or hostile: a real libp2p node over TCP and
 * WebRTC, gossip, presence and rounds on the system's clock. The trainer is scripted. Started by
 * process-host.ts.
 */
import '../../swarm/node20.ts';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { attestationFile } from '../../node/home/attestation-file.ts';
import { runProcess } from '../../node/home/command-line.ts';
import { readIfThere, writeWhole } from '../../node/home/files.ts';
import { must } from '../../protocol/must.ts';
import { nodeTransports } from '../../swarm/node-transports.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { Hostile, OLD_ROUNDS } from './hostile.ts';
import { haveRounds, joinDrill } from './joined-member.ts';
import type { KeptRound, StoredRound } from './kept-trainer.ts';
import { Recorder } from './recorder.ts';
import type { ChaosCommand, ChaosProcessSettings, ChaosReport, WorldDevice } from './settings.ts';
import { chaosKey, worldLedger } from './world.ts';

const CHEAT_MS = 200;

function tell(report: ChaosReport): void {
  process.send?.(report);
}

/** Reading throws SyntaxError for a damaged file. */
function roundInFile(file: string): KeptRound {
  return {
    async read() {
      const bytes = await readIfThere(file);
      return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as StoredRound);
    },
    write: (stored) => writeWhole(file, JSON.stringify(stored)),
  };
}

await runProcess(async (signal) => {
  const settings = JSON.parse(must(process.argv, 2)) as ChaosProcessSettings;
  const { name, cheat, folder, worldFile, roundSeconds } = settings;
  await mkdir(folder, { recursive: true });
  const key = chaosKey(name);
  const devices = JSON.parse(await readFile(worldFile, 'utf8')) as readonly WorldDevice[];
  const ledger = worldLedger({ key, devices, roundSeconds });
  const member = await joinDrill({
    ...{ key, ledger, settings, tell },
    memory() {
      const { heapUsed, rss } = process.memoryUsage();
      return { heapMiB: heapUsed / 2 ** 20, rssMiB: rss / 2 ** 20 };
    },
    transports: nodeTransports(),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  const { connection, pubsub, gate } = member;
  process.on('message', (command: ChaosCommand) => gate.block(command.blocked));
  // A member whose drill has ended must not stay behind.
  process.on('disconnect', () => process.exit(1));
  if (cheat === null) {
    await haveRounds({
      ...{ member, key, ledger, tell, signal },
      kept: roundInFile(join(folder, 'checkpoint.json')),
      attestations: attestationFile(join(folder, 'attestations.json')),
    });
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
    connection.gossip.onMessage((message) => hostile.hear(message));
    pubsub.addEventListener('message', ({ detail }) => recorder.hear(detail.data));
    for (let ticks = 0; !signal.aborted; ticks++) {
      await hostile.tick();
      if (ticks % 5 === 0) member.tellState();
      await wait(systemScheduler, CHEAT_MS, signal).catch(() => undefined);
    }
  }
  await connection.leave();
  return 0;
});
