/** What the screen may ask of a volunteer. `Volunteer` is the real one. */

import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { Delegation } from '../../swarm/messages/bodies.ts';
import type { EngineChoice } from './engine-choice.ts';
import type { KeyPort } from './key-port.ts';
import type { VolunteerEvent } from './volunteer-events.ts';

export interface DownloadedCheckpoint {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly root: Hex;
  readonly round: number;
}

/** A delegation with the owner's signature and the device's consent. Other volunteers can check it. */
export type SignedDelegation = Delegation;

/** What the device agrees to: an owner, with this scope, until this second (Unix), in this epoch. */
export type ConsentTerms = Pick<Delegation, 'owner' | 'scope' | 'validUntil' | 'epoch' | 'nonce'>;

/** The device's half of a binding: consent to be owned, signed by the device key. */
export interface BindingOffer {
  readonly device: DeviceAddress;
  /** SHA-256 of the PeerId's bytes. */
  readonly peerId: Hex;
  /** Coordinates of the point on secp256k1, 32 bytes each. */
  readonly publicKey: { readonly x: Hex; readonly y: Hex };
  /** Devices whose keys this one replaced in this browser. */
  readonly earlier: readonly DeviceAddress[];
  /** The device's signature over `SessionConsent` (EIP-712). */
  consent(terms: ConsentTerms): Promise<Hex>;
}

export interface VolunteerPort {
  /** Calls `listener` for every event from now on, oldest first. Returns a function that ends this. */
  subscribe(listener: (event: VolunteerEvent) => void): () => void;
  /** Reads the device, the network file and what earlier visits left. Downloads nothing large. */
  open(): Promise<void>;
  contribute(engine: EngineChoice): Promise<void>;
  /** Leaves the present swarm and contributes to another one, which it also does from then on. */
  join(swarm: number, engine: EngineChoice): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  finish(): Promise<void>;
  stop(): Promise<void>;
  takeOver(): Promise<void>;
  /**
   * Sets the maximum share of the time that this device computes while it contributes, 0.1 to 1. It takes
   * effect at once and is remembered.
   */
  setShare(share: number): Promise<void>;
  /**
   * What the model answered before its first round and answers now to a question of one's own. Throws while
   * the device does not contribute.
   */
  ask(question: string): Promise<{ readonly before: string; readonly now: string }>;
  /** The latest stored checkpoint as safetensors, optimizer state included. Throws while there is none. */
  checkpoint(): Promise<DownloadedCheckpoint>;
  /** Saving and exchanging the device key, and the coin that it holds. */
  readonly keys: KeyPort;
  /** The network this page belongs to. Throws NetworkFileError. */
  network(): Promise<Network>;
  /** The device's half of a binding to an owner. Throws while there is no key. */
  offerBinding(): Promise<BindingOffer>;
  /** Stores a delegation that stands on the chain, tells the swarm of it, and shows its owner. */
  recordDelegation(delegation: SignedDelegation): Promise<void>;
}
