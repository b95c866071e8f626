/**
 * Handoffs that never came here, although a later message shows that they were sent: a channel may have ended
 * with them. Whoever sent that later message is asked for them.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { StepBook } from './step-book.ts';

/** What a later message shows: the hops before this one are done, or all of the step. */
export type Shown = number | 'step';

interface Sender {
  readonly device: DeviceAddress;
  /** When it is asked, in milliseconds. What is missing may still be on its way. */
  readonly at: number;
}

export class MissedHandoffs {
  readonly #shown = new Map<Shown, Sender>();

  /** A device sent a hop whose inputs are unknown here, or something of the next step. */
  show(shown: Shown, sender: Sender): void {
    if (!this.#shown.has(shown)) this.#shown.set(shown, sender);
  }

  /** When somebody is to be asked next, in milliseconds. Undefined while nothing is missed. */
  get nextAt(): number | undefined {
    const times = [...this.#shown.values()].map(({ at }) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Whom to ask now for which hops. Nobody is asked twice for what one message showed. */
  due(now: number, book: StepBook): readonly { readonly device: DeviceAddress; readonly hop: number }[] {
    const asked = new Map<number, DeviceAddress>();
    for (const [shown, { device, at }] of this.#shown) {
      if (at > now) continue;
      this.#shown.delete(shown);
      for (const hop of missing(shown, book)) if (!asked.has(hop)) asked.set(hop, device);
    }
    return [...asked].map(([hop, device]) => ({ hop, device }));
  }

  /** A step ended. */
  clear(): void {
    this.#shown.clear();
  }
}

/** Hops that are done elsewhere and not here. */
function missing(shown: Shown, book: StepBook): ReadonlySet<number> {
  const { graph } = book;
  if (shown === 'step')
    return new Set(graph.nodes.map(({ index }) => index).filter((hop) => !book.isDone(hop)));
  const found = new Set<number>();
  const open = [shown];
  for (let hop = open.pop(); hop !== undefined; hop = open.pop())
    for (const before of graph.before(hop)) {
      if (book.isDone(before) || found.has(before)) continue;
      found.add(before);
      open.push(before);
    }
  return found;
}
