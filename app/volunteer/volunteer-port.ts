/** What the screen may ask of a volunteer. The real one is composed in volunteer.ts. */

import type { EngineKind } from '../../compute/engines/engine.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { Delegation } from '../../swarm/messages/bodies.ts';
import type { Desk } from '../jobs/jobs-controller.ts';
import type { VolunteerEvent } from './volunteer-events.ts';

export type EngineChoice = EngineKind | 'auto';

export interface DownloadedCheckpoint {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly root: Hex;
  readonly round: number;
}

/** A delegation with the owner's signature and the device's consent, as other volunteers may check it. */
export type SignedDelegation = Delegation;

/** The device's half of a binding: consent to be owned, signed by the device key. */
export interface BindingOffer {
  readonly device: DeviceAddress;
  /** sha2-256 of the PeerId's bytes. */
  readonly peerId: Hex;
  /** The point, 32 bytes each. */
  readonly publicKey: { readonly x: Hex; readonly y: Hex };
  consent(owner: Hex, epoch: number): Promise<Hex>;
}

export interface VolunteerPort {
  /** Calls back for every event from now on, oldest first. Returns how to stop listening. */
  subscribe(listener: (event: VolunteerEvent) => void): () => void;
  /** Looks at the device, the network file and what earlier visits left. Downloads nothing large. */
  open(): Promise<void>;
  contribute(engine: EngineChoice): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  finish(): Promise<void>;
  stop(): Promise<void>;
  takeOver(): Promise<void>;
  /** Of the time, how much this device computes at most while contributing: 0.1 to 1. Takes effect at once and is remembered. */
  setShare(share: number): Promise<void>;
  /** The latest durable checkpoint as safetensors, optimizer state included. */
  checkpoint(): Promise<DownloadedCheckpoint>;
  /** The text of a backup file; whoever holds it holds the device's record. */
  backUpKey(): Promise<string>;
  /** Replaces the device key. Throws KeyBackupError on anything that is not a backup; refused while contributing. */
  restoreKey(text: string): Promise<void>;
  /** The network this page belongs to. Throws NetworkFileError. */
  network(): Promise<Network>;
  offerBinding(): Promise<BindingOffer>;
  /** Jobs and checks, done with this device's key, which is made where there is none. Opened once. Refused in a second tab. */
  desk(): Promise<Desk>;
  /** Keeps a delegation that stands on the chain, tells the swarm of it, and shows its owner. */
  recordDelegation(delegation: SignedDelegation): Promise<void>;
}
