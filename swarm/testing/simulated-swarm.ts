import { UNTESTED } from '../../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import { Cohorts } from '../cohorts.ts';
import type { Content } from '../content/content.ts';
import { ContentError } from '../content/content-error.ts';
import { CHUNK, manifestOf, webHash } from '../content/manifest.ts';
import { type Gossip, startGossip } from '../gossip.ts';
import { cidOf, DAG_CBOR, RAW } from '../messages/rollouts.ts';
import type { MessageChecks, SignatureVerifier } from '../messages/validator.ts';
import { type Presence, type PresenceOptions, startPresence } from '../presence.ts';
import type { PubSub } from '../pubsub.ts';
import type { AttestationStore } from '../rounds/attestation-outbox.ts';
import type { RoundEvent } from '../rounds/events.ts';
import { RoundDriver } from '../rounds/round-driver.ts';
import type { RoundSettings } from '../rounds/round-settings.ts';
import { MemoryBus } from './memory-bus.ts';
import { ScriptedTrainer, type ScriptedTrainerOptions } from './scripted-trainer.ts';
import { simulatedLedger } from './simulated-ledger.ts';
import { SimulatedScheduler } from './simulated-scheduler.ts';

export interface SimulatedPeer {
  readonly key: DeviceKey;
  readonly gossip: Gossip;
  readonly presence: Presence;
  readonly ledger: Ledger;
  readonly trainer: ScriptedTrainer;
  readonly driver: RoundDriver;
  readonly events: RoundEvent[];
  /** Events of one kind, in order. */
  of<K extends RoundEvent['kind']>(kind: K): readonly Extract<RoundEvent, { readonly kind: K }>[];
}

/** What a device of a simulated swarm stands on where it is not the swarm's own. */
export interface SimulatedGround {
  /** Defaults to `keyOf` the device's name. */
  readonly key?: DeviceKey;
  readonly pubsub?: PubSub;
  readonly node?: PresenceOptions['node'];
  readonly content?: Content;
  /**
   * The part of the swarm that the device takes part in. Defaults to one that begins with the whole swarm.
   */
  readonly cohorts?: Cohorts | 'one';
  /** The costly parts of checking messages. Default to the device's own. */
  readonly messageChecks?: MessageChecks;
  /** What checks the signatures inside votes and attestations. Defaults to the device's own ledger. */
  readonly verifierOver?: (ledger: Ledger) => SignatureVerifier;
  /** 0 to 1. Spreads the device's answers to newcomers. Defaults to Math.random. */
  readonly random?: () => number;
}

export interface SimulatedJoinOptions extends Omit<ScriptedTrainerOptions, 'scheduler'> {
  /** Keeps attestations that nobody has acknowledged yet. Defaults to the driver's memory. */
  readonly attestations?: AttestationStore;
  readonly settings?: Partial<RoundSettings>;
  readonly ground?: SimulatedGround;
}

/** Several devices in one process on simulated time. */
export class SimulatedSwarm {
  readonly scheduler = new SimulatedScheduler();
  readonly bus = new MemoryBus(this.scheduler);
  readonly networkId = 'simulated:1';
  /** What the chain says of devices, as every device reads it. A device that is missing is unknown. */
  readonly standings = new Map<DeviceAddress, Standing>();
  readonly #directory = new Map<DeviceAddress, Uint8Array>();
  readonly #objects = new Map<string, Uint8Array>();

  /** The key of the device of a name. */
  keyOf(name: string): DeviceKey {
    return deviceKey(sha256Of(new TextEncoder().encode(`key of ${name}`)));
  }

  join(name: string, options: SimulatedJoinOptions = {}): SimulatedPeer {
    const { scheduler, bus, networkId } = this;
    const { ground = {} } = options;
    const key = ground.key ?? this.keyOf(name);
    const standings = { now: (device: DeviceAddress) => this.standings.get(device) ?? UNKNOWN };
    const ledger = simulatedLedger(key, scheduler, this.#directory);
    const round = () => ledger.clock.read().round;
    const gossip = startGossip({
      pubsub: ground.pubsub ?? bus.pubsub(name),
      networkId,
      key,
      scheduler,
      round,
      verifier: ground.verifierOver?.(ledger) ?? ledger,
      standings,
      cohorts:
        ground.cohorts === 'one'
          ? undefined
          : (ground.cohorts ?? new Cohorts({ networkId, publicKey: key.publicKey, scheduler })),
      ...(ground.messageChecks === undefined ? {} : { limits: { messageChecks: ground.messageChecks } }),
    });
    const presence = startPresence({
      gossip,
      node: ground.node ?? { addresses: () => [], learn: () => {}, degree: () => 1 },
      publicKey: key.publicKey,
      describe: () => ({
        delegation: null,
        engine: 'scripted',
        conformance: UNTESTED,
      }),
      round,
      scheduler,
      relays: false,
      random: ground.random,
    });
    const trainer = new ScriptedTrainer({ scheduler, ...options });
    let salts = 0;
    const driver = new RoundDriver({
      trainer,
      ledger,
      gossip,
      content: ground.content ?? this.content(),
      attestations: options.attestations,
      deviceKey: key,
      standings,
      engine: 'scripted',
      conformance: () => UNTESTED,
      scheduler,
      randomBytes: (count) => sha256Of(new TextEncoder().encode(`${name} ${salts++}`)).subarray(0, count),
      settings: { peers: { critique: 2, train: 2 }, ...options.settings },
    });
    const events: RoundEvent[] = [];
    driver.on((event) => events.push(event));
    return {
      key,
      gossip,
      presence,
      ledger,
      trainer,
      driver,
      events,
      of: <K extends RoundEvent['kind']>(kind: K) =>
        events.filter((event): event is Extract<RoundEvent, { readonly kind: K }> => event.kind === kind),
    };
  }

  /** One store that all devices read and write without delay. */
  content(): Content {
    const objects = this.#objects;
    const keep = (code: number) => async (bytes: Uint8Array) => {
      const cid = cidOf(bytes, code);
      objects.set(cid, bytes);
      return cid;
    };
    const get = async (cid: string) => {
      const bytes = objects.get(cid);
      if (bytes === undefined) throw new ContentError(`Nobody has ${cid}.`);
      return bytes;
    };
    return {
      publishObject: keep(DAG_CBOR),
      publishFile: keep(RAW),
      fetchObject: get,
      fetchFile: get,
      async downloadFile(cid, _sources, { into }) {
        const bytes = await get(cid);
        await into.putManifest(cid, await manifestOf(bytes, webHash));
        for (let at = 0; at < bytes.length; at += CHUNK) {
          await into.putChunk(cid, at / CHUNK, bytes.slice(at, at + CHUNK));
        }
      },
    };
  }
}
