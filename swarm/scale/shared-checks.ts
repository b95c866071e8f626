import { toHex } from '../../protocol/hex.ts';
import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import { decodeMessage, isSignatureValid, type Message } from '../messages/envelope.ts';
import type { MessageHeader } from '../messages/peek.ts';
import type { MessageChecks, SignatureVerifier } from '../messages/validator.ts';
import type { Traffic } from './traffic.ts';

/** Signatures inside messages that are remembered, and as many older ones. */
const MOST_INSIDE = 20_000;

interface Answer {
  readonly value: unknown;
  readonly ms: number;
}

/**
 * The costly checks of messages by devices of one process, counted. When they are shared, each is made once
 * and timed, and its time is added for every device that is spared it: a simulation of thousands would else
 * check one message thousands of times.
 */
export class SharedChecks {
  readonly #traffic: Traffic;
  readonly #isShared: boolean;
  /** By the buffer of a message, so that they are forgotten with it. */
  readonly #answers = new WeakMap<object, Map<string, Answer>>();
  #inside = new Map<string, Answer>();
  #older = new Map<string, Answer>();
  /** Milliseconds that devices were spared. */
  sparedMs = 0;

  constructor(traffic: Traffic, mode: 'each' | 'shared') {
    this.#traffic = traffic;
    this.#isShared = mode === 'shared';
  }

  readonly messages: MessageChecks = {
    isSignatureValid: (header: MessageHeader): boolean => {
      this.#traffic.checked();
      return this.#once(header.signed[1].buffer, toHex(header.signature), () => isSignatureValid(header));
    },
    decode: (bytes): Message =>
      this.#once(bytes.buffer, `${bytes.byteOffset} ${bytes.length}`, () => decodeMessage(bytes)),
  };

  /** The check of signatures inside votes and attestations, which a device's ledger makes. */
  verifier(ledger: SignatureVerifier): SignatureVerifier {
    return {
      verifyAttestation: (signed: Signed<Attestation>) =>
        this.#onceSigned(signed, () => ledger.verifyAttestation(signed)),
      verifyVote: (signed: Signed<Vote>) => this.#onceSigned(signed, () => ledger.verifyVote(signed)),
    };
  }

  async #onceSigned<T>(signed: Signed<T>, check: () => Promise<boolean>): Promise<boolean> {
    this.#traffic.checked();
    // Whoever shares a message shares the signature inside it, but each makes a statement of it for itself.
    return this.#onceInside(signed.signature, check);
  }

  #once<T>(buffer: object, key: string, check: () => T): T {
    if (!this.#isShared) return check();
    const answers = this.#answers.get(buffer) ?? new Map<string, Answer>();
    this.#answers.set(buffer, answers);
    return this.#answered(answers, key, check);
  }

  #onceInside<T>(signature: string, check: () => T): T {
    if (!this.#isShared) return check();
    if (this.#inside.size >= MOST_INSIDE) {
      this.#older = this.#inside;
      this.#inside = new Map();
    }
    const known = this.#older.get(signature);
    if (known !== undefined) this.#inside.set(signature, known);
    return this.#answered(this.#inside, signature, check);
  }

  #answered<T>(answers: Map<string, Answer>, key: string, check: () => T): T {
    const known = answers.get(key);
    if (known !== undefined) {
      if (this.#traffic.isOn) this.sparedMs += known.ms;
      return known.value as T;
    }
    // Not the clock, because other programs may hold this one up.
    const began = process.cpuUsage();
    const value = check();
    const { user, system } = process.cpuUsage(began);
    answers.set(key, { value, ms: (user + system) / 1000 });
    return value;
  }
}
