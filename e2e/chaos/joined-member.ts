/** A member of the chaos drill in its swarm, the same in a process and in a tab. */
import type { GossipSub } from '@libp2p/gossipsub';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import { loadSignatureChecks } from '../../protocol/signature-checks.ts';
import { MemoryStore } from '../../swarm/content/store.ts';
import { type JoinSwarmOptions, joinSwarm, type SwarmConnection } from '../../swarm/join.ts';
import type { AttestationStore } from '../../swarm/rounds/attestation-outbox.ts';
import { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import { systemScheduler, wait } from '../../swarm/scheduler.ts';
import { DRILL_NETWORK } from '../drill/member-settings.ts';
import { SplitGate } from './gate.ts';
import { type KeptRound, KeptTrainer } from './kept-trainer.ts';
import { tellOf } from './reports.ts';
import type { ChaosReport, MemberSettings } from './settings.ts';

const STATE_MS = 1_000;
const CONTENT_BYTES = 8 * 2 ** 20;
/** Characters of each of a member's two answers: a rollout set of 2 KiB, which travels in its reveal. */
const ANSWER_LENGTH = 1_000;

export interface JoinOptions extends Pick<JoinSwarmOptions, 'transports' | 'listen'> {
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  readonly settings: MemberSettings;
  readonly tell: (report: ChaosReport) => void;
  /** MiB of JavaScript's heap and of the whole process. */
  readonly memory: () => { readonly heapMiB: number; readonly rssMiB: number };
}

export interface JoinedMember {
  readonly connection: SwarmConnection;
  readonly pubsub: GossipSub;
  readonly gate: SplitGate;
  /** Tells memory, what was heard, and the neighbours' scores. */
  tellState(): void;
}

/** Joins the drill's swarm and says so. Rejects with RelayAddressError. */
export async function joinDrill(options: JoinOptions): Promise<JoinedMember> {
  const { key, ledger, settings, tell, memory, transports, listen } = options;
  await loadSignatureChecks();
  const connection = await joinSwarm({
    network: { ...DRILL_NETWORK, relays: settings.relays },
    ...{ key, ledger, transports, listen },
    store: new MemoryStore(CONTENT_BYTES),
    describe: () => ({ delegation: null, engine: 'scripted', conformance: UNTESTED }),
  });
  const { node, gossip } = connection;
  const pubsub = node.libp2p.services.pubsub as GossipSub & { getScore(peerId: string): number };
  const gate = new SplitGate(node.libp2p);
  gate.block(settings.blocked);
  let heard = 0;
  gossip.onMessage(() => {
    heard++;
  });
  tell({ kind: 'ready', peerId: node.peerId, address: key.address });
  return {
    ...{ connection, pubsub, gate },
    tellState: () =>
      tell({
        kind: 'state',
        ...memory(),
        heard,
        scores: pubsub.getPeers().map((peer) => [peer.toString(), pubsub.getScore(peer.toString())]),
      }),
  };
}

/** Has rounds as an honest member does, until the signal fires. */
export async function haveRounds(options: {
  readonly member: JoinedMember;
  readonly key: DeviceKey;
  readonly ledger: Ledger;
  readonly kept: KeptRound;
  readonly attestations: AttestationStore;
  readonly tell: (report: ChaosReport) => void;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { member, key, ledger, kept, attestations, tell, signal } = options;
  const { gossip, content, standings } = member.connection;
  const scheduler = systemScheduler;
  const trainer = await KeptTrainer.open(
    kept,
    {
      scheduler,
      answerMs: 1_000,
      trainMs: 2_000,
      text: ({ seed, device }, item) => `${seed} ${device} ${item} `.repeat(99).slice(0, ANSWER_LENGTH),
    },
    (stored) => tell({ kind: 'stored', ...stored }),
  );
  const driver = new RoundDriver({
    ...{ trainer, ledger, gossip, content, attestations, standings },
    deviceKey: key,
    engine: 'scripted',
    conformance: () => UNTESTED,
  });
  tellOf({ gossip, driver }, tell);
  driver.start();
  while (!signal.aborted) {
    member.tellState();
    await wait(scheduler, STATE_MS, signal).catch(() => undefined);
  }
  await driver.stop();
}
