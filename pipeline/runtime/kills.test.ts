import { beforeAll, describe, expect, it } from 'vitest';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { type DrawSequence, RandomStream } from '../../protocol/philox.ts';
import { hashedGraph, hashedOracle } from '../testing/hashed-blocks.ts';
import {
  SimulatedPipeline,
  type SimulatedPipelineOptions,
  simulatedAddress,
  simulatedKeepers,
} from '../testing/simulated-pipeline.ts';

const STEPS = 3;
const DEVICES = 6;
const graphs = [
  hashedGraph({
    layers: 3,
    paths: [
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ],
  }),
  hashedGraph({
    layers: 3,
    paths: [
      [1, 2],
      [2, 3],
      [3, 1],
    ],
  }),
  hashedGraph({
    layers: 3,
    paths: [
      [1, 3],
      [2, 1],
      [2, 3],
    ],
  }),
];
const graphOf = (step: number) => graphs[step % graphs.length]!;
const keepers = simulatedKeepers(graphOf(0), DEVICES);
const oracle = hashedOracle(Array.from({ length: STEPS }, (_, step) => graphOf(step)));
const devices = Array.from({ length: DEVICES }, (_, index) => simulatedAddress(index));

function drawsOf(run: number): DrawSequence {
  const seed = new Uint8Array(32).fill(7);
  return RandomStream.named({ seed, round: run, device: '', purpose: 'paths' }).sequence(0);
}

function pipeline(more: Partial<SimulatedPipelineOptions> = {}): SimulatedPipeline {
  return new SimulatedPipeline({ graphOf, steps: STEPS, keepers, draws: drawsOf(0), ...more });
}

/** Kills these devices after so many messages, between two messages of whoever sends. */
function killed(victims: readonly DeviceAddress[], after: number): SimulatedPipeline {
  const run = pipeline({
    beforeMessage: (sent, _, self) => {
      if (sent === after) for (const victim of victims) self.kill(victim);
    },
  });
  run.run();
  return run;
}

function expectOracle(run: SimulatedPipeline): void {
  for (const device of run.alive) {
    expect(run.finalState.get(device)).toEqual(oracle);
    // Every pass of every microbatch was handed off.
    expect(run.devices.get(device)?.member.book.isComplete).toBe(true);
  }
}

/** The longest deadline that any living device gives any other. */
function longestDeadline(run: SimulatedPipeline): number {
  const kinds = ['embed', 'forward', 'loss', 'backward', 'sum', 'norm', 'clip', 'update'];
  const times = run.alive.flatMap((device) =>
    devices.flatMap((other) =>
      kinds.map((kind) => run.devices.get(device)?.member.deadlineOf(other, kind) ?? 0),
    ),
  );
  return Math.max(...times);
}

describe('200 random kills, between any two messages', () => {
  const undisturbed = pipeline();
  const firstStep = { sent: 0 };
  beforeAll(() => {
    undisturbed.run();
    firstStep.sent = Math.ceil(undisturbed.sent / STEPS);
  });

  it('[P-145] ends with the root of one device where nobody is killed', () => {
    expectOracle(undisturbed);
    expect([...undisturbed.devices.values()].every(({ member }) => member.takeovers === 0)).toBe(true);
  });

  /** Whom the run kills: the origin, one device, or the origin with two of three keepers of a block. */
  function victimsOf(run: number, draws: DrawSequence): DeviceAddress[] {
    const origin = keepers.get('embedding')![0]!;
    if (run % 3 === 0) return [origin];
    if (run % 3 === 1) return [draws.pick(devices)];
    const two = keepers.get(draws.pick([...keepers.keys()]))!.slice(0, 2);
    const victims = [...new Set([origin, ...two])];
    const leaves = (left: readonly DeviceAddress[]) =>
      [...keepers.values()].every((kept) => kept.some((device) => !left.includes(device)));
    return leaves(victims) ? victims : two;
  }

  it.each([0, 1, 2, 3])('[P-146] [P-147] gives the same root and loses no microbatch, part %i', (part) => {
    for (let run = part * 50; run < part * 50 + 50; run++) {
      const draws = drawsOf(run + 1);
      const after = draws.integer(firstStep.sent, undisturbed.sent - 1);
      const after2 = killed(victimsOf(run, draws), after);
      expectOracle(after2);
      const longer = Math.max(
        ...after2.stepTimes.map((time, step) => time - (undisturbed.stepTimes[step] ?? 0)),
      );
      expect(longer).toBeLessThanOrEqual(2 * longestDeadline(after2));
    }
  });
});

describe.each([
  { what: 'whole tables', parts: 0, rule: '[B-17]' },
  { what: 'a vocabulary in three parts', parts: 3, rule: '[B-17] [B-18]' },
])('blocks of which nothing is trained: $what', ({ parts, rule }) => {
  const frozen = graphs.map((_, at) => {
    const paths = [
      [1, 2, 3],
      [3, 1],
      [2, 3],
    ].map((_, shift, all) => all[(at + shift) % 3]!);
    return hashedGraph({ layers: 3, paths, frozen: ['embedding'], parts });
  });
  const frozenOf = (step: number) => frozen[step % 3]!;
  const steps = 5;
  const expected = hashedOracle(Array.from({ length: steps }, (_, step) => frozenOf(step)));
  const began = simulatedKeepers(frozenOf(0), DEVICES);
  const blocks = parts === 0 ? ['embedding'] : ['embedding', 'vocabulary.1', 'vocabulary.2'];

  it(`${rule} have their keepers step after step, and other ones when two of three are killed`, () => {
    const whole = pipeline({ graphOf: frozenOf, keepers: began, steps });
    whole.run();
    for (const device of whole.alive) {
      expect(whole.finalState.get(device)).toEqual(expected);
      const member = whole.devices.get(device)?.member;
      for (const block of blocks) {
        expect(member?.plan.keepers(block)).toEqual(began.get(block));
        // Each keeper has computed the update itself, whoever was heard before the end.
        expect(member?.updatersOf(block).has(device)).toBe(began.get(block)?.includes(device));
      }
    }
    for (let run = 0; run < 40; run++) {
      const draws = drawsOf(500 + run);
      const after = draws.integer(1, whole.sent - 1);
      const victims = began.get(draws.pick(blocks))!.slice(0, 2);
      const kept = pipeline({
        ...{ graphOf: frozenOf, keepers: began, steps },
        beforeMessage: (sent, _, self) => {
          if (sent === after) for (const victim of victims) self.kill(victim);
        },
      });
      kept.run();
      for (const device of kept.alive) expect(kept.finalState.get(device)).toEqual(expected);
    }
  });
});

describe('devices that come and go', () => {
  it('[P-149] gives the same root when devices take in further blocks between any two messages', () => {
    const steps = 6;
    const expected = hashedOracle(Array.from({ length: steps }, (_, step) => graphOf(step)));
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const draws = drawsOf(2000 + seed);
      let next = draws.integer(50, 400);
      let kept = 0;
      const run = pipeline({
        steps,
        draws: drawsOf(seed),
        beforeMessage: (sent, from, self) => {
          if (sent < next || self.alive.some((device) => self.finalState.has(device))) return;
          next = sent + draws.integer(100, 400);
          const device = draws.pick(self.alive.filter((each) => each !== from));
          const others = [...keepers.keys()].filter((block) => !self.blocksOf(device).includes(block));
          if (others.length > 0 && self.keep(device, draws.pick(others))) kept++;
        },
      });
      run.run();
      expect(kept).toBeGreaterThan(1);
      for (const device of run.alive) expect(run.finalState.get(device)).toEqual(expected);
    }
  });

  it('[P-150] [P-151] gives the same root when devices give blocks up, take in others, or say so and do not come', () => {
    const steps = 8;
    const expected = hashedOracle(Array.from({ length: steps }, (_, step) => graphOf(step)));
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const draws = drawsOf(3000 + seed);
      let next = draws.integer(50, 300);
      let kept = 0;
      const released = new Map<string, number>();
      const run = pipeline({
        steps,
        draws: drawsOf(seed),
        beforeMessage: (sent, from, self) => {
          if (sent < next || self.alive.some((device) => self.finalState.has(device))) return;
          next = sent + draws.integer(50, 200);
          const device = draws.pick(self.alive.filter((each) => each !== from));
          const block = draws.pick([...keepers.keys()]);
          self.arrive(device, block);
          if (self.blocksOf(device).includes(block)) {
            // Others may give the same block up at the same time: one at a time, so that somebody keeps it.
            const { step } = self.devices.get(device)!.member;
            if ((released.get(block) ?? -2) < step - 1 && self.release(device, block))
              released.set(block, step);
          } else if (self.keep(device, block)) kept++;
        },
      });
      run.run(300_000);
      expect(kept).toBeGreaterThan(0);
      expect(released.size).toBeGreaterThan(0);
      expect(run.alive.length).toBeGreaterThan(0);
      for (const device of run.alive) expect(run.finalState.get(device)).toEqual(expected);
    }
  });

  it('[P-154] waits for no device that comes in again, with some of the blocks for which it was placed', () => {
    const steps = 12;
    const expected = hashedOracle(Array.from({ length: steps }, (_, step) => graphOf(step)));
    for (const seed of [3, 4, 5]) {
      const draws = drawsOf(4000 + seed);
      let next = draws.integer(300, 800);
      let came = 0;
      const run = pipeline({
        steps,
        draws: drawsOf(seed),
        beforeMessage: (sent, from, self) => {
          if (sent < next || self.alive.some((device) => self.finalState.has(device))) return;
          next = sent + draws.integer(600, 1000);
          const victim = draws.pick(self.alive.filter((device) => device !== from));
          const blocks = self.blocksOf(victim);
          const others = self.prompt.filter((device) => device !== victim);
          if (!blocks.every((block) => others.some((device) => self.blocksOf(device).includes(block))))
            return;
          self.kill(victim);
          const some = blocks.filter(() => draws.integer(0, 1) === 0);
          if (self.join(victim, some.length > 0 ? some : blocks)) came++;
        },
      });
      run.run();
      expect(came).toBeGreaterThan(1);
      for (const device of run.alive) expect(run.finalState.get(device)).toEqual(expected);
      const undisturbed = pipeline({ steps, draws: drawsOf(seed) });
      undisturbed.run();
      const longer = run.stepTimes.map((time, step) => time - (undisturbed.stepTimes[step] ?? 0));
      expect(Math.max(...longer)).toBeLessThanOrEqual(2 * longestDeadline(run));
    }
  });

  it('gives the same root when one is killed in every step and another joins in its middle', () => {
    const steps = 12;
    const expected = hashedOracle(Array.from({ length: steps }, (_, step) => graphOf(step)));
    for (const seed of [1, 2, 3, 4]) {
      const draws = drawsOf(1000 + seed);
      let next = DEVICES;
      let nextKill = draws.integer(300, 800);
      let joined = 0;
      const run = pipeline({
        steps,
        draws: drawsOf(seed),
        beforeMessage: (sent, _, self) => {
          if (sent < nextKill || self.alive.some((device) => self.finalState.has(device))) return;
          nextKill = sent + draws.integer(600, 1000);
          const victim = draws.pick(self.alive);
          const blocks = self.blocksOf(victim);
          const others = self.prompt.filter((device) => device !== victim);
          if (!blocks.every((block) => others.some((device) => self.blocksOf(device).includes(block))))
            return;
          self.kill(victim);
          if (self.join(simulatedAddress(next++), blocks)) joined++;
        },
      });
      run.run();
      expect(joined).toBeGreaterThan(1);
      for (const device of run.alive) expect(run.finalState.get(device)).toEqual(expected);
      // A device that came in took part.
      const newcomers = run.alive.filter((device) => !devices.includes(device));
      expect(newcomers.length).toBeGreaterThan(0);
    }
  });
});
