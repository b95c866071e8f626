/** A member's thread, from outside. */
import type { Worker } from 'node:worker_threads';
import { deviceKey } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { startThread } from '../threads/typescript-thread.ts';
import type { FromMember, MemberData, ToMember } from './thread-messages.ts';

export class MemberThread {
  readonly device: DeviceAddress;
  /** What it keeps; nothing while it is a spare. */
  blocks: readonly string[] = [];
  /** Whether it has computed something, so that others may rely on what it keeps. */
  isSettled = false;
  readonly #worker: Worker;
  readonly #listeners = new Set<(message: FromMember) => void>();
  #isAlive = true;

  constructor(data: MemberData) {
    this.device = deviceKey(data.secret).address;
    this.#worker = startThread(new URL('./member.worker.ts', import.meta.url), { ...data });
    this.#worker.on('message', (message: FromMember) => this.#hear(message));
    this.#worker.on('error', (error) => {
      if (this.#isAlive) this.#hear({ kind: 'failed', message: String(error) });
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  #hear(message: FromMember): void {
    if (message.kind === 'computed') this.isSettled = true;
    for (const listener of this.#listeners) listener(message);
  }

  /** Calls a function for each message of the thread. Returns how to end it. */
  listen(listener: (message: FromMember) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(message: ToMember): void {
    this.#worker.postMessage(message, message.kind === 'link' ? [message.port] : []);
  }

  /** The next message of a kind; undefined when the thread is killed before. */
  next<K extends FromMember['kind']>(kind: K): Promise<Extract<FromMember, { kind: K }> | undefined> {
    return new Promise((resolve) => {
      const done = (message: Extract<FromMember, { kind: K }> | undefined): void => {
        end();
        this.#worker.off('exit', exit);
        resolve(message);
      };
      const exit = (): void => done(undefined);
      const end = this.listen((message) => {
        if (isKind(message, kind)) done(message);
      });
      if (this.#isAlive) this.#worker.once('exit', exit);
      else done(undefined);
    });
  }

  /** Ends the thread wherever it is. It says nothing to anybody. */
  async kill(): Promise<void> {
    this.#isAlive = false;
    await this.#worker.terminate();
  }
}

function isKind<K extends FromMember['kind']>(
  message: FromMember,
  kind: K,
): message is Extract<FromMember, { kind: K }> {
  return message.kind === kind;
}
