import { appendFile } from 'node:fs/promises';
import { readIfThere } from '../../node/home/files.ts';
import { peekMessage } from '../../swarm/messages/peek.ts';

/** Messages of the topic `attestations` on a disk, for a member that replays them rounds later. */
export class Recorder {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Keeps a message as it came. Bytes that are none are left out. */
  hear(bytes: Uint8Array): void {
    try {
      const { type, round } = peekMessage(bytes);
      if (type !== 'attest' && type !== 'ack') return;
      // A line that is lost with the process is no loss.
      void appendFile(this.#file, `${round} ${Buffer.from(bytes).toString('base64')}\n`).catch(
        () => undefined,
      );
    } catch {
      // Others send garbage too.
    }
  }

  /** What was kept of rounds up to `last`, each once. */
  async ofRounds(last: number): Promise<Uint8Array[]> {
    const text = new TextDecoder().decode((await readIfThere(this.#file)) ?? new Uint8Array());
    const lines = [...new Set(text.split('\n'))].map((line) => line.split(' '));
    return lines
      .filter(([round, bytes]) => bytes !== undefined && Number(round) <= last)
      .map(([, bytes = '']) => Uint8Array.from(Buffer.from(bytes, 'base64')));
  }
}
