import { describe, expect, it } from 'vitest';
import type { Handoff } from '../../protocol/handoff.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { hashedData, hashedGraph, hashedHop, hashedRoot, hashedState } from '../testing/hashed-blocks.ts';
import {
  SimulatedPipeline,
  simulatedAddress,
  simulatedKeepers,
  simulatedRules,
  simulatedSignature,
} from '../testing/simulated-pipeline.ts';
import type { MemberAction } from './member-events.ts';
import { PipelineMember } from './pipeline-member.ts';

const ROUND_TRIP = 50;
const graph = hashedGraph({ layers: 2, paths: [[1, 2]] });
const keepers = simulatedKeepers(graph, 3);
const me = simulatedAddress(0);

/** What devices handed off in the first step, by hop. */
function handoffsOfAStep(): ReadonlyMap<number, Handoff> {
  const place = { seed: new Uint8Array(32), round: 0, device: '', purpose: 'paths' } as const;
  const draws = RandomStream.named(place).sequence(0);
  const pipeline = new SimulatedPipeline({ graphOf: () => graph, steps: 1, keepers, draws });
  pipeline.run();
  const { member } = must([...pipeline.devices.values()], 0);
  return new Map(member.book.handoffs().map((handoff) => [handoff.hop, handoff]));
}

/** A member at the beginning of the first step, to which no message has come. */
function beginning(places = keepers): PipelineMember {
  const rootsOf = (tensors: ReadonlyMap<string, Uint8Array>) =>
    [...tensors].map(([name, bytes]) => [name, hashedRoot(bytes)] as const);
  const member = new PipelineMember({
    device: me,
    rules: simulatedRules,
    sign: (statement) => ({
      ...statement,
      device: me,
      signature: simulatedSignature({ ...statement, device: me }),
    }),
    graphOf: () => graph,
    dataOf: (step) => new Map(rootsOf(hashedData(graph, step))),
    end: 3,
    start: {
      step: 0,
      state: new Map([...graph.state.keys()].flatMap((block) => rootsOf(hashedState(graph, block)))),
      keepers: places,
    },
    roundTrip: () => ROUND_TRIP,
  });
  return member;
}

const sent = (actions: readonly MemberAction[], to: DeviceAddress) =>
  actions.flatMap((action) => (action.kind === 'send' && action.to === to ? [action.message] : []));

describe('messages that were lost with a channel', () => {
  const handoffs = handoffsOfAStep();
  const loss = graph.nodes.findIndex(({ kind }) => kind === 'loss');
  const handoff = handoffs.get(loss);
  if (handoff === undefined) throw new Error('Every hop of a step is handed off.');
  const from = simulatedAddress(1);

  it('[P-156] are asked for when a round trip shows that they will not come', () => {
    const member = beginning();
    member.handle({ kind: 'start' }, 0);
    const message = { kind: 'handoff', handoff, tensors: [] } as const;
    const wantsOf = (actions: readonly MemberAction[]) =>
      sent(actions, from).flatMap((each) => (each.kind === 'want' ? [graph.node(each.hop).kind] : []));
    expect(wantsOf(member.handle({ kind: 'message', from, message }, 10))).toEqual([]);
    expect(member.nextWake).toBeLessThanOrEqual(10 + ROUND_TRIP);
    const wants = wantsOf(member.handle({ kind: 'tick' }, 10 + ROUND_TRIP));
    expect(wants.toSorted()).toEqual(['embed', 'forward', 'forward']);
  });

  it('[P-156] may have told what a device keeps: whose handoff is refused is asked, once a step', () => {
    const member = beginning();
    member.handle({ kind: 'start' }, 0);
    const stranger = simulatedAddress(40);
    const signature = simulatedSignature({ ...handoff, device: stranger });
    const message = {
      kind: 'handoff',
      handoff: { ...handoff, device: stranger, signature },
      tensors: [],
    } as const;
    const event = { kind: 'message', from: stranger, message } as const;
    expect(sent(member.handle(event, 10), stranger)).toEqual([{ kind: 'hello' }]);
    expect(sent(member.handle(event, 20), stranger)).toEqual([]);
    expect(member.handoffs.refused.get('signer')).toBe(2);
  });

  it('[P-156] change nothing of who keeps what: plans have to be the same for all', () => {
    const blocks = [...graph.state.keys()];
    const member = beginning(new Map(blocks.map((block) => [block, [me, from]])));
    const waiting = [
      ...member.handle({ kind: 'start' }, 0),
      ...member.handle({ kind: 'gone', device: from }, 10),
    ];
    expect(member.suspects).toEqual([from]);
    // Alone it computes the whole step.
    for (let action = waiting.shift(); action !== undefined && member.step === 0; action = waiting.shift()) {
      if (action.kind !== 'compute') continue;
      const { step, hop, inputs } = action;
      const state = hashedState(graph, graph.node(hop).block);
      const outputs = hashedHop({ graph, step, hop, inputs, state });
      waiting.push(...member.handle({ kind: 'computed', step, hop, outputs }, 10));
    }
    expect(member.step).toBe(1);
    for (const block of blocks) expect(member.plan.keepers(block).toSorted()).toEqual([me, from]);
  });
});
