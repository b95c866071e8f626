import 'fake-indexeddb/auto';
import { deviceKey } from '../../../protocol/device-key.ts';
import { fromHex } from '../../../protocol/hex.ts';
import type { SwarmSpec } from '../../../protocol/swarm-spec.ts';
import { smallSpec } from '../../../protocol/testing/sample-swarm-specs.ts';
import type { NetworkView } from '../../../swarm/peers.ts';
import type { RoundEvent } from '../../../swarm/rounds/events.ts';
import type { ComputeClient } from '../../../workers/compute-client.ts';
import { CostMemory } from '../../../workers/cost-memory.ts';
import type {
  OpenBlocksOptions,
  OpenComputerOptions,
  RoundsDriver,
  TakeBlocksOptions,
  VolunteerDependencies,
} from '../dependencies.ts';
import type { EngineChoice } from '../engine-choice.ts';
import type { KeptHere } from '../kept-checkpoints.ts';
import { openPageDatabase, type PageDatabase } from '../page-database.ts';
import { reduceVolunteer } from '../reduce-volunteer.ts';
import { Volunteer } from '../volunteer.ts';
import type { VolunteerEvent } from '../volunteer-events.ts';
import { EMPTY_VIEW, type VolunteerView } from '../volunteer-view.ts';

export const network = {
  rpc: 'http://127.0.0.1:8545',
  chainId: 31337,
  contracts: {
    identity: `0x${'11'.repeat(20)}`,
    swarms: `0x${'33'.repeat(20)}`,
    participation: `0x${'22'.repeat(20)}`,
  },
  swarm: 0,
  relays: ['/ip4/127.0.0.1/tcp/9001/ws'],
};
export const ROOT = `0x${'ab'.repeat(32)}` as const;

export interface WorkshopOptions {
  readonly remembered?: EngineChoice;
  /** Another tab holds the key. */
  readonly elsewhere?: boolean;
  readonly persist?: () => Promise<boolean>;
  /** All site data are blocked. */
  readonly blocked?: boolean;
  /** The checkpoints that the device keeps for others. Defaults to no storage for them. */
  readonly kept?: KeptHere;
  /** Defaults to a small swarm of rounds. */
  readonly spec?: SwarmSpec;
}

/** A database in which nothing can be stored any more once `storage.full`, as Chromium reports it. */
function limited(database: PageDatabase, storage: { readonly full: boolean }): PageDatabase {
  return new Proxy(database, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...request: unknown[]): unknown => {
        const writes = name === 'put' || (name === 'transaction' && request[1] === 'readwrite');
        const refused = new DOMException('', 'QuotaExceededError');
        if (!writes || !storage.full) return Reflect.apply(member, target, request);
        if (name === 'put') return Promise.reject(refused);
        throw refused;
      };
    },
  });
}

/**
 * A volunteer whose engine, chain and swarm are stood for: this writes down what is done with them, and plays
 * their events. Its database is a real one of this name.
 */
export function workshop(name: string, options: WorkshopOptions = {}) {
  const log: string[] = [];
  let onRound: (event: RoundEvent) => void = () => undefined;
  let onReplaced: (error: Error | undefined) => void = () => undefined;
  let onNetwork: (view: NetworkView) => void = () => undefined;
  let sleeps = 0;
  const file = { ...network };
  let computer: OpenComputerOptions | null = null;
  let costText: string | null = null;
  /** What the browser says of the tab's memory. */
  const tabBytes: { now: number | null } = { now: null };
  const costs = new CostMemory({
    get: () => costText,
    set: (text) => {
      costText = text;
    },
  });
  const figures: { readonly scope: string; readonly round: number; readonly accuracy: number }[] = [];
  let share = 1;
  let swarm: number | null = null;
  let remembered: EngineChoice | null = options.remembered ?? null;
  const fail: Partial<Record<'blocks' | 'chain' | 'computer' | 'swarm', Error>> = {};
  const refused: { sentence: string | null } = { sentence: null };
  const storage = { full: false };
  const bonded = { wei: 0n };
  const hold: Partial<Record<'computer' | 'database' | 'owner' | 'sleep', Promise<void>>> = {};

  const blocks: { opened?: OpenBlocksOptions; asked?: TakeBlocksOptions } = {};
  const unasked = (): never => {
    throw new Error('not asked for in these tests');
  };
  const unused = () => Promise.reject(new Error('not asked for in these tests'));
  const client: ComputeClient = {
    start: unused,
    prompts: unused,
    answer: unused,
    critique: unused,
    vote: unused,
    train: unused,
    stored: unused,
    measure: unused,
    ask: async (question) => ({ before: `${question}?`, now: `${question}!` }),
    explain: async (_context, groups) =>
      groups.flatMap(({ item, completions }) =>
        completions.map(({ text }, sample) => ({
          item,
          sample,
          reward: 1,
          answer: text,
          sentence: 'It is so.',
        })),
      ),
    checkpoint: async () => ({ bytes: Uint8Array.of(1, 2, 3), root: ROOT, cursor: 8 }),
    sampleAnswers: async () => [{ prompt: '1+1', expected: '2', text: '2' }],
    evaluate: async () => ({
      answering: 0.25,
      judging: 0,
      correcting: 0,
      answeringByTask: { sums: 0, sorting: 0, gcd: 0, reversing: 0 },
    }),
    setShare: async (chosen) => void log.push(`share ${chosen}`),
    stop: async () => undefined,
  };
  const engine = {
    kind: 'wasm' as const,
    description: 'wasm SIMD',
    reason: 'It is the fastest.',
    verdicts: [{ kind: 'wasm' as const, description: 'wasm SIMD', checks: 5, same: 5 }],
    suite: `0x${'5a'.repeat(32)}` as const,
  };
  const status = (state: 'waiting' | 'pausing' | 'paused' | 'stopped', sentence = 'So it is.') =>
    onRound({ kind: 'status', state, sentence, round: null });
  const driver = (name: string): RoundsDriver => ({
    start: () => {
      log.push(name);
      status('waiting');
    },
    pause: () => {
      status('pausing');
      status('paused');
    },
    resume: () => status('waiting'),
    finishThenStop: async () => status('stopped'),
    stop: async () => status('stopped'),
  });
  const dependencies: VolunteerDependencies = {
    storedCheckpoint: async ({ networkId }) => ({
      bytes: new TextEncoder().encode(networkId),
      root: ROOT,
      cursor: 3,
    }),
    whyNotHere: async () => refused.sentence,
    ownModel: () => null,
    obtainModel: async () => ({
      model: { kind: 'published', url: 'http://page.test/models/nano/' },
      serve: [],
    }),
    async openComputer(asked) {
      log.push(`computer ${asked.engine}`);
      computer = asked;
      await hold.computer;
      asked.signal.throwIfAborted();
      if (fail.computer !== undefined) throw fail.computer;
      const stop = async () => void log.push('computer stopped');
      return { client, started: { engine, root: ROOT, cursor: 0 }, kept: options.kept ?? null, stop };
    },
    async openBlocks(asked) {
      log.push(`blocks ${asked.engine} ${asked.cid}`);
      blocks.opened = asked;
      asked.signal.throwIfAborted();
      if (fail.computer !== undefined) throw fail.computer;
      return {
        engine,
        memory: new Map(),
        isFolderTemporary: true,
        quotaBytes: 1000,
        run: {
          blocks: [],
          first: new Map(),
          graphOf: unasked,
          dataOf: unasked,
          versionRoot: () => ROOT,
          rootOf: () => ROOT,
        },
        worker: {
          ...{ begin: unused, load: unused, file: unused, describe: unused, compute: unused, forget: unused },
          release: async () => undefined,
        },
        files: { list: async () => [], read: unused, write: unused, remove: unused },
        checkpointRoot: () => ROOT,
        assemble: unused,
        setShare: async (chosen) => void log.push(`share ${chosen}`),
        stop: async () => void log.push('blocks stopped'),
      };
    },
    async openChain() {
      log.push('chain');
      if (fail.chain !== undefined) throw fail.chain;
      return {
        ledger: {
          clock: {
            read: () => ({ round: 7, stage: 'answer', sinceStageStart: 0, untilStageEnd: 1, seed: ROOT }),
          },
          signAttestation: unused,
          signVote: unused,
          standingsOf: unused,
          verifyAttestation: unused,
          verifyVote: unused,
        },
        spec: options.spec ?? smallSpec,
        cid: 'bafy-of-the-spec',
        stageLength: () => 8_000,
        owner: async () => {
          await hold.owner;
          return null;
        },
        watchInclusions: () => () => undefined,
        watchReach: () => () => undefined,
        watchReplaced: (listener) => {
          onReplaced = listener;
          return () => {
            onReplaced = () => undefined;
          };
        },
        stop: async () => void log.push('chain stopped'),
      };
    },
    consent: async () => '0xc0',
    async keyFunds() {
      if (fail.chain !== undefined) throw fail.chain;
      return { balance: 5n, credit: 0n, bonded: bonded.wei };
    },
    async sweepKey({ secret, to }) {
      log.push(`sent ${deviceKey(fromHex(secret)).address} to ${to}`);
      return 4n;
    },
    async joinSwarm(asked) {
      log.push('swarm');
      if (fail.swarm !== undefined) throw fail.swarm;
      onNetwork = asked.onNetwork;
      return {
        takePart: (options) => {
          onRound = options.onRound;
          return driver('rounds');
        },
        takeBlocks: async (options) => {
          onRound = options.onRound;
          blocks.asked = options;
          if (fail.blocks !== undefined) throw fail.blocks;
          const whole = async () => ({ step: 5, bytes: Uint8Array.of(9), root: ROOT });
          return { ...driver('steps'), whole };
        },
        serve: () => void log.push('served'),
        fromMembers: { small: unused, large: unused },
        members: () => [],
        announce: async () => void log.push('announced'),
        leave: async () => void log.push('left'),
      };
    },
  };
  let steal = () => {};
  const locks = {
    request: (_name: string, _options: object, callback: (lock: object | null) => Promise<void>) => {
      if (options.elsewhere === true) return callback(null);
      return Promise.race([
        callback({}),
        new Promise<void>((_, reject) => {
          steal = () => reject(new DOMException('Stolen.', 'AbortError'));
        }),
      ]);
    },
  };
  const volunteer = new Volunteer({
    base: 'http://page.test/',
    dependencies,
    async database() {
      await hold.database;
      if (options.blocked === true) throw new DOMException('', 'SecurityError');
      return limited(await openPageDatabase(name), storage);
    },
    locks,
    probe: {
      ...{ navigator: {}, isSecureContext: true, crossOriginIsolated: true, webrtc: true },
      validate: () => true,
    },
    fetcher: async () => new Response(JSON.stringify(file)),
    now: () => 1_000_000,
    sleep: async () => {
      sleeps++;
      await (hold.sleep ?? new Promise((resolve) => setTimeout(resolve)));
    },
    share: {
      get: () => share,
      set: (chosen) => {
        share = chosen;
      },
    },
    figures: { add: (scope, figure) => void figures.push({ scope, ...figure }) },
    costs,
    tabMemory: () => Promise.resolve(tabBytes.now),
    swarm: {
      get: () => swarm,
      set: (chosen) => {
        swarm = chosen;
      },
    },
    memory: {
      get: () => remembered,
      set: (choice) => {
        remembered = choice;
      },
    },
    persist: options.persist ?? (async () => true),
    onKeyLost: async () => void log.push('key lost'),
  });
  let view: VolunteerView = EMPTY_VIEW;
  const phases: string[] = [];
  volunteer.subscribe((event: VolunteerEvent) => {
    view = reduceVolunteer(view, event);
    if (event.kind === 'phase') phases.push('step' in event.phase ? event.phase.step : event.phase.kind);
  });
  return {
    volunteer,
    log,
    figures,
    costs,
    tabBytes,
    phases,
    fail,
    /** Why the tab cannot train in the swarm. */
    refused,
    hold,
    storage,
    /** What the key has at stake. */
    bonded,
    view: () => view,
    remembered: () => remembered,
    play: (event: RoundEvent) => onRound(event),
    /** Another chain stands behind the node's address. */
    replace: (error: Error | undefined) => onReplaced(error),
    sleeps: () => sleeps,
    /** What the network file says from now on. */
    file,
    meet: (view: NetworkView) => onNetwork(view),
    crash: (error: Error) => (computer ?? blocks.opened)?.onCrash(error),
    /** What a swarm that trains in blocks was asked for. */
    blocks,
    status,
    /** Another tab takes the key over. */
    steal: () => steal(),
  };
}
