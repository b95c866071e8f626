/**
 * Asks other devices for what hops here lack, and answers what others ask for. Who may have a tensor is asked
 * in turn; a keeper of the block that gives it computes it again.
 */
import type { DeviceAddress } from '../../protocol/hex.ts';
import { type Handoffs, handoffMessage } from './handoffs.ts';
import type { PipelineMessage } from './messages.ts';
import type { OpenStep } from './open-step.ts';
import type { OtherDevices } from './other-devices.ts';
import type { Want } from './step-work.ts';

export interface InputRequestsOptions {
  readonly device: DeviceAddress;
  readonly devices: OtherDevices;
  readonly handoffs: Handoffs;
  /** In milliseconds. */
  readonly now: () => number;
  readonly send: (to: DeviceAddress, message: PipelineMessage) => void;
  /** What only this device still needs is nowhere to be had. */
  readonly onBehind: () => void;
}

/** How long a device computes again what is lost before it asks late ones, too, in deadlines. */
const SELF_DEADLINES = 4;
/** How often everybody is asked for what only this device needs. */
const MOST_ROUNDS = 3;

export class InputRequests {
  readonly #options: InputRequestsOptions;
  #step: OpenStep;
  #previous: OpenStep | undefined;
  #isOver = false;

  constructor(step: OpenStep, options: InputRequestsOptions) {
    this.#step = step;
    this.#options = options;
  }

  /** Another step began, or the run ended with the last one. */
  begin(step: OpenStep | undefined): void {
    this.#previous = this.#step;
    this.#step.work.wants.clear();
    if (step === undefined) this.#isOver = true;
    else this.#step = step;
  }

  fetchInputs(): void {
    for (const [hop, askAt] of this.#step.work.waiting) {
      if (!this.#step.book.isReady(hop)) continue;
      const missing = this.#step.book.missing(hop);
      if (missing.length === 0) this.#step.work.enqueue(hop);
      else if (askAt <= this.#options.now()) for (const name of missing) this.#want(name);
    }
  }

  #want(tensor: string): void {
    const hop = this.#step.graph.producerOf(tensor);
    if (hop === undefined) return;
    const want = this.#step.work.wants.get(hop);
    if (want !== undefined) {
      want.tensors.add(tensor);
      return;
    }
    this.#step.work.wants.set(hop, {
      tensors: new Set([tensor]),
      tried: new Set(),
      asked: undefined,
      until: this.#options.now(),
      lacking: new Set(),
      rounds: 0,
    });
    this.askNext(hop);
  }

  checkTimes(): void {
    for (const [hop, want] of this.#step.work.wants) {
      if (want.until > this.#options.now()) continue;
      this.#tryAnother(hop, want);
    }
  }

  #tryAnother(hop: number, want: Want): void {
    if (want.asked !== undefined) want.tried.add(want.asked);
    this.askNext(hop);
  }

  /** A device is late: another one is asked for what it was asked for. */
  giveUp(device: DeviceAddress): void {
    for (const [hop, want] of this.#step.work.wants) if (want.asked === device) this.#tryAnother(hop, want);
  }

  /** Asks whoever may have a hop's tensors: its signer, those that read them, then its block's keepers. */
  askNext(hop: number): void {
    const want = this.#step.work.wants.get(hop);
    if (want === undefined) return;
    const { graph } = this.#step;
    const { block, kind } = graph.node(hop);
    const holders = [hop, ...graph.after(hop)].flatMap(
      (done) => this.#step.book.accepted(done)?.device ?? [],
    );
    const all = [...holders, ...this.#step.plan.order(hop)].filter(
      (device) => device !== this.#options.device,
    );
    const others = all.filter((device) => !want.tried.has(device));
    const prompt = (device: DeviceAddress) => !this.#options.devices.isLate(device);
    const holder = others.find((device) => holders.includes(device) && prompt(device));
    const isKeeper = this.#step.plan.isKeeper(block, this.#options.device) && !this.#step.failed.has(hop);
    if (holder === undefined && isKeeper && !this.#step.work.has(hop)) {
      want.asked = undefined;
      want.until =
        this.#options.now() +
        SELF_DEADLINES * this.#options.devices.runner(this.#options.device).deadline([kind]);
      this.#step.work.add(hop, this.#options.now());
      return;
    }
    want.asked = holder ?? others.find(prompt) ?? others[0];
    if (want.asked === undefined) {
      this.#askAgain(hop, want, all);
      return;
    }
    want.until = this.#options.now() + this.#options.devices.runner(want.asked).deadline([kind]);
    this.#options.devices.runner(want.asked).probe(this.#options.now());
    this.#options.send(want.asked, {
      kind: 'want',
      step: this.#step.plan.step,
      hop,
      tensors: [...want.tensors],
    });
  }

  /**
   * All were asked. What only this device still needs, it has to fetch as the block's next version: at once
   * where all said that they have it no more.
   */
  #askAgain(hop: number, want: Want, all: readonly DeviceAddress[]): void {
    const { graph } = this.#step;
    const isLost = all.length > 0 && all.every((device) => want.lacking.has(device));
    want.tried.clear();
    want.rounds++;
    want.until =
      this.#options.now() +
      this.#options.devices.runner(this.#options.device).deadline([graph.node(hop).kind]);
    const isOpen = graph.after(hop).some((reader) => !this.#step.book.isDone(reader));
    if ((isLost || want.rounds >= MOST_ROUNDS) && !isOpen) this.#options.onBehind();
  }

  /** Asks for a hop's handoff, and for what is needed here of its outputs. */
  ask(to: DeviceAddress, hop: number): void {
    const tensors = this.#step
      .neededAt(this.#options.device, hop)
      .filter((name) => this.#step.book.held(name) === undefined);
    this.#options.send(to, { kind: 'want', step: this.#step.plan.step, hop, tensors });
  }

  onWant(from: DeviceAddress, { step, hop, tensors }: Extract<PipelineMessage, { kind: 'want' }>): void {
    const current = !this.#isOver && step === this.#step.plan.step;
    const asked = current ? this.#step : this.#previous;
    if (asked?.plan.step !== step) {
      // Whoever is so far behind has to begin anew.
      if (asked !== undefined && step < this.#step.plan.step) {
        const next = this.#isOver ? this.#step.plan.step + 1 : this.#step.plan.step;
        this.#options.send(from, { kind: 'pong', step: next });
      }
      return;
    }
    const { plan, book } = asked;
    const node = plan.graph.nodes[hop];
    if (node === undefined || tensors.some((name) => !node.outputs.includes(name))) {
      this.#options.handoffs.refuse('hop', from);
      return;
    }
    const handoff = book.accepted(hop);
    const held = tensors.flatMap((name) => {
      const bytes = book.held(name);
      return bytes === undefined ? [] : [{ name, bytes }];
    });
    if (handoff !== undefined && held.length === tensors.length) {
      this.#options.send(from, { kind: 'handoff', handoff, tensors: held });
    } else if (current && plan.isKeeper(node.block, this.#options.device) && !this.#step.failed.has(hop)) {
      const askers = this.#step.work.askers.get(hop) ?? new Map<DeviceAddress, readonly string[]>();
      this.#step.work.askers.set(hop, askers.set(from, tensors));
      this.#options.send(from, { kind: 'busy', step, hop });
      if (handoff !== undefined) this.#step.work.add(hop, this.#options.now());
      else if (book.isReady(hop)) this.#step.work.add(hop, this.#options.now() + this.#step.grace(hop));
    } else {
      // The asker may know of the hop only now, and finds its tensors elsewhere.
      if (handoff !== undefined) this.#options.send(from, { kind: 'handoff', handoff, tensors: held });
      this.#options.send(from, { kind: 'lack', step, hop });
    }
  }

  onBusy(from: DeviceAddress, { step, hop }: Extract<PipelineMessage, { kind: 'busy' }>): void {
    const want = this.#step.work.wants.get(hop);
    if (step !== this.#step.plan.step || want?.asked !== from) return;
    const { kind } = this.#step.graph.node(hop);
    want.until = Math.max(
      want.until,
      this.#options.now() + 2 * this.#options.devices.runner(from).deadline([kind]),
    );
  }

  onLack(from: DeviceAddress, { step, hop }: Extract<PipelineMessage, { kind: 'lack' }>): void {
    const want = this.#step.work.wants.get(hop);
    if (step !== this.#step.plan.step || want?.asked !== from) return;
    const isSigner = this.#step.book.accepted(hop)?.device === from;
    if (isSigner && [...want.tensors].some((name) => this.#step.isNeeded(name)))
      this.#options.handoffs.refuse('absent', from);
    want.lacking.add(from);
    this.#tryAnother(hop, want);
  }

  computeAgain(hop: number, reader: DeviceAddress): void {
    const askers = this.#step.work.askers.get(hop) ?? new Map<DeviceAddress, readonly string[]>();
    if (reader !== this.#options.device)
      this.#step.work.askers.set(hop, askers.set(reader, this.#step.neededAt(reader, hop)));
    this.#step.work.add(hop, this.#options.now() + this.#step.grace(hop));
  }

  answer(hop: number): void {
    const askers = this.#step.work.askers.get(hop);
    if (askers === undefined || !this.#step.book.isDone(hop)) return;
    for (const [device, tensors] of askers) {
      if (tensors.some((name) => this.#step.book.held(name) === undefined)) continue;
      askers.delete(device);
      this.sendHandoff(device, hop, tensors);
    }
    if (askers.size === 0) this.#step.work.askers.delete(hop);
    else this.#step.work.add(hop, this.#options.now());
  }

  sendHandoff(to: DeviceAddress, hop: number, tensors: readonly string[]): void {
    const handoff = this.#step.book.accepted(hop);
    if (handoff !== undefined) this.#options.send(to, handoffMessage(handoff, this.#step.parcel(tensors)));
  }
}
