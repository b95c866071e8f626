import { describe, expect, it } from 'vitest';
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { hashedGraph, hashedOracle, hashedRoot } from '../testing/hashed-blocks.ts';
import {
  SimulatedPipeline,
  type SimulatedPipelineOptions,
  simulatedAddress,
  simulatedKeepers,
  simulatedSignature,
} from '../testing/simulated-pipeline.ts';
import type { Refusal } from './handoffs.ts';
import type { PipelineMessage } from './messages.ts';

const STEPS = 3;
const graph = hashedGraph({
  layers: 2,
  paths: [
    [1, 2],
    [2, 1],
    [1, 2],
  ],
});
const keepers = simulatedKeepers(graph, 4);
const oracle = hashedOracle(Array.from({ length: STEPS }, () => graph));
const OTHER: Hex = `0x${'ee'.repeat(32)}`;

function run(more: Partial<SimulatedPipelineOptions>): SimulatedPipeline {
  const draws = RandomStream.named({
    seed: new Uint8Array(32),
    round: 0,
    device: '',
    purpose: 'paths',
  }).sequence(0);
  const pipeline = new SimulatedPipeline({ graphOf: () => graph, steps: STEPS, keepers, draws, ...more });
  pipeline.run();
  return pipeline;
}

function refusals(pipeline: SimulatedPipeline, why: Refusal): number {
  return [...pipeline.devices.values()].reduce(
    (sum, { member }) => sum + (member.handoffs.refused.get(why) ?? 0),
    0,
  );
}

type Sent = Extract<PipelineMessage, { kind: 'handoff' }>;

/** All that one device hands off of step 1 is changed on its way. */
function changing(device: DeviceAddress, change: (sent: Sent) => PipelineMessage | undefined) {
  return (message: PipelineMessage, from: DeviceAddress) =>
    from === device && message.kind === 'handoff' && message.handoff.step === 1 ? change(message) : message;
}

/** A statement that the device did sign. */
function signed(handoff: Handoff, change: Partial<Handoff>): Handoff {
  const changed = { ...handoff, ...change };
  return { ...changed, signature: simulatedSignature(changed) };
}

const liar = keepers.get('layers.0')![0]!;
const outputs = ({ outputs: [first, ...rest] }: Handoff, change: object) =>
  first === undefined ? [] : [{ ...first, ...change }, ...rest];

describe('[P-143] what others say that is not so', () => {
  const lies: { why: Refusal; what: string; change: (sent: Sent) => Sent }[] = [
    {
      why: 'run',
      what: 'of another run, as with other paths',
      change: ({ handoff, ...rest }) => ({ ...rest, handoff: signed(handoff, { run: OTHER }) }),
    },
    {
      why: 'step',
      what: 'of a step after the end',
      change: ({ handoff, ...rest }) => ({ ...rest, handoff: signed(handoff, { step: STEPS }) }),
    },
    {
      why: 'hop',
      what: 'of a hop that is not there',
      change: ({ handoff, ...rest }) => ({ ...rest, handoff: signed(handoff, { hop: 4000 }) }),
    },
    {
      why: 'signer',
      what: 'by a device that does not keep the block',
      change: ({ handoff, ...rest }) => ({
        ...rest,
        handoff: signed(handoff, { device: `0x${'99'.repeat(20)}` }),
      }),
    },
    {
      why: 'shape',
      what: 'with an output less',
      change: ({ handoff, ...rest }) => ({
        ...rest,
        handoff: signed(handoff, { outputs: handoff.outputs.slice(1) }),
      }),
    },
    {
      why: 'shape',
      what: 'with an output of another name',
      change: ({ handoff, ...rest }) => ({
        ...rest,
        handoff: signed(handoff, { outputs: outputs(handoff, { tensor: 'x.9.9' }) }),
      }),
    },
    {
      why: 'shape',
      what: 'with an output in another slot',
      change: ({ handoff, ...rest }) => ({
        ...rest,
        handoff: signed(handoff, { outputs: outputs(handoff, { slot: 1 }) }),
      }),
    },
    {
      why: 'version',
      what: 'from another version of the block',
      change: ({ handoff, ...rest }) => ({ ...rest, handoff: signed(handoff, { version: OTHER }) }),
    },
    {
      why: 'inputs',
      what: 'from other inputs',
      change: ({ handoff, ...rest }) => ({ ...rest, handoff: signed(handoff, { inputs: OTHER }) }),
    },
    {
      why: 'signature',
      what: 'that the device did not sign',
      change: ({ handoff, ...rest }) => ({
        ...rest,
        handoff: { ...handoff, outputs: outputs(handoff, { root: OTHER }) },
      }),
    },
    {
      why: 'size',
      what: 'with bytes of another size',
      change: ({ tensors, ...rest }) => ({
        ...rest,
        tensors: tensors.map(({ name, bytes }) => ({ name, bytes: bytes.subarray(1) })),
      }),
    },
    {
      why: 'root',
      what: 'with bytes of another root',
      change: ({ tensors, ...rest }) => ({
        ...rest,
        tensors: tensors.map(({ name, bytes }) => ({ name, bytes: bytes.map((byte) => byte ^ 1) })),
      }),
    },
  ];

  it.each(lies)('refuses and counts a handoff $what ($why), and loses nothing', ({ why, change }) => {
    const pipeline = run({ carry: changing(liar, change) });
    expect(refusals(pipeline, why)).toBeGreaterThan(0);
    const honest = pipeline.alive.filter((device) => device !== liar);
    expect(honest).toHaveLength(3);
    for (const device of honest) expect(pipeline.finalState.get(device)).toEqual(oracle);
  });

  it('asks another when a keeper signs and does not have, and counts it', () => {
    let lacks = 0;
    const pipeline = run({
      carry: (message, from) => {
        if (from !== liar || message.kind !== 'handoff' || message.handoff.step !== 1) return message;
        // It signs, and sends no bytes to anybody who asks.
        if (message.tensors.length > 0) lacks++;
        return { ...message, tensors: [] };
      },
    });
    expect(lacks).toBeGreaterThan(0);
    for (const device of pipeline.alive) expect(pipeline.finalState.get(device)).toEqual(oracle);
  });

  it('counts a device that says itself that it lacks what it signed for', () => {
    const pipeline = run({
      carry: (message, from) => {
        if (from !== liar || message.kind === 'lack') return message;
        if (message.kind !== 'handoff' || message.handoff.step !== 1 || message.tensors.length === 0)
          return message;
        return from === liar && message.handoff.device === liar ? { ...message, tensors: [] } : message;
      },
      answer: (message, to) =>
        to === liar && message.kind === 'want' && message.step === 1
          ? { kind: 'lack', step: message.step, hop: message.hop }
          : undefined,
    });
    expect(refusals(pipeline, 'absent')).toBeGreaterThan(0);
    for (const device of pipeline.alive)
      if (device !== liar) expect(pipeline.finalState.get(device)).toEqual(oracle);
  });

  it('[P-144] keeps two signed handoffs that contradict each other as evidence', () => {
    // Every keeper computes the update, so a false one stands beside true ones.
    const pipeline = run({
      compute: (device, hop, made) => {
        if (device !== liar || graph.node(hop).kind !== 'update') return made;
        return new Map(
          [...made].map(([name, { bytes }]) => {
            const wrong = bytes.map((byte) => byte ^ 1);
            return [name, { bytes: wrong, root: hashedRoot(wrong) }];
          }),
        );
      },
    });
    const conflicts = pipeline.alive
      .filter((device) => device !== liar)
      .flatMap((device) => pipeline.devices.get(device)?.member.handoffs.conflicts ?? []);
    expect(conflicts.length).toBeGreaterThan(0);
    for (const { first, second } of conflicts) {
      expect([first.device, second.device]).toContain(liar);
      expect(first.hop).toBe(second.hop);
      expect(first.inputs).toBe(second.inputs);
    }
  });

  it('refuses bytes of a device that nobody knows', () => {
    const stranger = simulatedAddress(40);
    const pipeline = run({});
    const { member } = pipeline.devices.get(simulatedAddress(0))!;
    const [first] = member.book.handoffs();
    expect(first).toBeDefined();
    const verdict = member.handoffs.check(signed(first!, { device: stranger }), member.book, member.plan);
    expect(verdict).toEqual({ kind: 'refused', why: 'signer' });
    expect(member.handoffs.refusedOf(stranger)).toBe(1);
  });
});
