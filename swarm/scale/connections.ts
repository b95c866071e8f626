import type { DrawSequence } from '../../protocol/philox.ts';

/** Connections that a device has, and those of them that it opens itself (docs/protocol.md, [P-11]). */
const DEGREE = 6;
const OWN = 3;
/** Connections of others that a device takes ([P-135]). */
const MOST = 48;
/** One-way delay of a connection in milliseconds: both ends included. */
const DELAY_MS = { low: 15, high: 80 };

/** Who is connected with whom, by the numbers of devices, and how long bytes take from one to the other. */
export class Connections {
  readonly #delays = new Map<number, Map<number, number>>();
  readonly #random: DrawSequence;

  constructor(random: DrawSequence) {
    this.#random = random;
  }

  /** Connects everybody among `devices` as the overlay does: at random, until each has enough. */
  connectAll(devices: readonly number[], { degree = DEGREE, own = OWN } = {}): void {
    const among = new Set(devices);
    for (const device of this.#random.shuffle(devices)) {
      let opened = 0;
      const others = devices.length <= 64 ? this.#random.shuffle(devices) : this.#endless(devices);
      for (const other of others) {
        const near = [...this.neighbours(device).keys()].filter((one) => among.has(one)).length;
        if (near >= degree && opened >= own) break;
        if (other === device || this.neighbours(device).has(other)) continue;
        if (this.neighbours(other).size >= MOST) continue;
        this.connect(device, other);
        opened++;
      }
    }
  }

  connect(a: number, b: number): void {
    const delay = this.#random.integer(DELAY_MS.low, DELAY_MS.high);
    this.#of(a).set(b, delay);
    this.#of(b).set(a, delay);
  }

  neighbours(device: number): ReadonlyMap<number, number> {
    return this.#of(device);
  }

  /** Milliseconds from one device to another. Throws RangeError for two that are not connected. */
  delayOf(from: number, to: number): number {
    const delay = this.#delays.get(from)?.get(to);
    if (delay === undefined) throw new RangeError(`Devices ${from} and ${to} are not connected.`);
    return delay;
  }

  #of(device: number): Map<number, number> {
    const known = this.#delays.get(device) ?? new Map<number, number>();
    this.#delays.set(device, known);
    return known;
  }

  *#endless(devices: readonly number[]): Generator<number> {
    for (;;) yield this.#random.pick(devices);
  }
}
