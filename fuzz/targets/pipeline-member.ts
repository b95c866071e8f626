/** A member of a pipeline that hears what a hostile device of its run may send. */
import type { MemberAction, MemberEvent } from '../../pipeline/runtime/member-events.ts';
import { decodePipelineMessage, encodePipelineMessage } from '../../pipeline/runtime/messages.ts';
import { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import {
  hashedData,
  hashedGraph,
  hashedHop,
  hashedRoot,
  hashedState,
} from '../../pipeline/testing/hashed-blocks.ts';
import {
  SimulatedPipeline,
  simulatedAddress,
  simulatedKeepers,
  simulatedRules,
  simulatedSignature,
} from '../../pipeline/testing/simulated-pipeline.ts';
import { CodecError } from '../../protocol/codec.ts';
import { must } from '../../protocol/must.ts';
import { RandomStream } from '../../protocol/philox.ts';
import { cborMutator } from '../mutate/cbor.ts';
import { framesMutator, framesOf, inputOf } from '../mutate/frames.ts';
import { ACCEPTED, assert, type FuzzTarget, type Outcome } from '../target.ts';

const DEVICES = 3;
/** Messages and answers of one input. */
const MOST_EVENTS = 400;

export const pipelineMember: FuzzTarget = {
  name: 'pipeline/member',
  about: 'messages to a member, from any device of its run: it never fails, and goes on from step to step',
  mutator: framesMutator(cborMutator()),
  maxBytes: 20_000,
  shortInputs: 10,
  async open() {
    const graph = hashedGraph({ layers: 2, paths: [[1, 2], [2]] });
    const graphOf = () => graph;
    const keepers = simulatedKeepers(graph, DEVICES);
    const me = simulatedAddress(0);
    const heard: Uint8Array[] = [];
    const draws = RandomStream.named({
      ...{ seed: new Uint8Array(32), round: 0, device: '', purpose: 'paths' },
    }).sequence(0);
    const run = new SimulatedPipeline({
      ...{ graphOf, steps: 2, keepers, draws },
      carry: (message, from, to) => {
        const sender = Array.from({ length: DEVICES }, (_, i) => simulatedAddress(i)).indexOf(from);
        if (to === me) heard.push(Uint8Array.of(sender, ...encodePipelineMessage(message)));
        return message;
      },
    });
    run.run();
    assert(heard.length > 3, 'Nobody says anything to the member.');
    const first = new Map([...graph.state.keys()].map((block) => [`${block} 0`, hashedState(graph, block)]));
    const state = new Map(
      [...first.values()].flatMap((each) =>
        [...each].map(([name, bytes]) => [name, hashedRoot(bytes)] as const),
      ),
    );
    const dataOf = [0, 1, 2].map(
      (step) => new Map([...hashedData(graph, step)].map(([name, bytes]) => [name, hashedRoot(bytes)])),
    );
    return {
      // The first byte of a frame says who sends it.
      seeds: [inputOf(heard.slice(0, 12)), inputOf(heard.slice(-8)), inputOf(heard.slice(4, 7))],
      attempt(input): Outcome {
        const versions = new Map(first);
        const member = new PipelineMember({
          ...{ device: me, rules: simulatedRules, graphOf, end: 2, roundTrip: () => 50, firstDeadline: 200 },
          sign: (statement) => ({
            ...statement,
            device: me,
            signature: simulatedSignature({ ...statement, device: me }),
          }),
          dataOf: (step) => new Map(must(dataOf, step)),
          start: { step: 0, state: new Map(state), keepers },
        });
        let now = 0;
        let events = 0;
        const perform = (actions: readonly MemberAction[]): void => {
          for (const action of actions) {
            if (action.kind === 'send') encodePipelineMessage(action.message);
            if (action.kind !== 'compute' || events++ > MOST_EVENTS) continue;
            const { step, hop, inputs } = action;
            const own = versions.get(`${graph.node(hop).block} ${step}`) ?? new Map<string, Uint8Array>();
            const outputs = hashedHop({ graph, step, hop, inputs, state: own });
            if (graph.isForEveryKeeper(hop)) {
              const bytes = new Map([...outputs].map(([name, each]) => [name, each.bytes]));
              versions.set(`${graph.node(hop).block} ${step + 1}`, bytes);
            }
            tell({ kind: 'computed', step, hop, outputs });
          }
        };
        const tell = (event: MemberEvent): void => perform(member.handle(event, ++now));
        tell({ kind: 'start' });
        let taken = 0;
        let why = 'nothing';
        for (const frame of framesOf(input)) {
          try {
            const message = decodePipelineMessage(frame.subarray(1));
            const from = simulatedAddress((frame[0] ?? 0) % (DEVICES + 1));
            taken++;
            tell({ kind: 'message', from, message });
          } catch (error) {
            if (!(error instanceof CodecError)) throw error;
            why = error.message;
          }
        }
        for (let i = 0; i < 20 && member.nextWake !== undefined; i++) {
          now = Math.max(now, member.nextWake);
          tell({ kind: 'tick' });
        }
        assert(member.step >= 0 && member.step <= 2, 'It is in a step that is none.');
        return taken > 0 ? ACCEPTED : { kind: 'refused', why };
      },
    };
  },
};
