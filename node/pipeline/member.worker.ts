/**
 * One member of `npm run pipeline`, in a thread of its own: an engine, its blocks, and links to the others.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createWasmEngine } from '../../compute/engines/wasm/engine.ts';
import { encodeBlock } from '../../models/blocks/block-version.ts';
import { tensorRoot } from '../../models/checkpoint/root.ts';
import type { MemberOptions } from '../../pipeline/runtime/member-events.ts';
import { decodePipelineMessage, encodePipelineMessage } from '../../pipeline/runtime/messages.ts';
import { PipelineMember } from '../../pipeline/runtime/pipeline-member.ts';
import { keepersOf } from '../../pipeline/runtime/step-plan.ts';
import { stateOfWelcome, type WelcomeRules, welcomeRefusal } from '../../pipeline/runtime/welcome.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { type Handoff, handoffRun, isSigned, signHandoff } from '../../protocol/handoff.ts';
import { type DeviceAddress, type Hex, toHex } from '../../protocol/hex.ts';
import { messageOf } from '../../protocol/message-of.ts';
import { openKeyRecovery } from '../../protocol/secp256k1-wasm.ts';
import { LiveMember } from '../../swarm/pipeline/live-member.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { hopGraphOf, versionRootOf } from '../../workers/hop-graph-of-step.ts';
import { HopHost } from '../../workers/hop-host.ts';
import { openFirstModel } from './first-model.ts';
import { DOMAIN, openRun, programOf } from './settings.ts';
import type { Beginning, FromMember, MemberData, ToMember } from './thread-messages.ts';
import { Uplink } from './uplink.ts';

/** Threads of one machine answer within this time besides, also when it is busy. In milliseconds. */
const ROUND_TRIP = 250;
/** Until enough of a device's times are known. In milliseconds. */
const FIRST_DEADLINE = 5_000;

const { settings, secret } = workerData as MemberData;
const parent = parentPort;
if (parent === null) throw new Error('This program is a thread of npm run pipeline.');
const key = deviceKey(secret);
const run = await openRun(settings);
const engine = await createWasmEngine({ threads: 1 });
const first = await openFirstModel(run, settings.seed);
const host = new HopHost({ engine, run, frozen: first.frozen });
const uplink = new Uplink({ ...settings, scheduler: systemScheduler });
const recover = await openKeyRecovery();
const links = new Map<DeviceAddress, MessagePort>();
let member: PipelineMember | undefined;
let live: LiveMember | undefined;

const tell = (message: FromMember): void => parent.postMessage(message);

function link(device: DeviceAddress, port: MessagePort): void {
  links.set(device, port);
  port.on('message', (bytes: Uint8Array) => live?.receive(device, decodePipelineMessage(bytes)));
}

async function begin(beginning: Beginning): Promise<void> {
  const { blocks } = beginning;
  const { versions } = first;
  const firstRoots = new Map(
    versions.flatMap(({ tensors }) =>
      [...tensors].map(([name, bytes]) => [name, toHex(tensorRoot(bytes))] as const),
    ),
  );
  const name = handoffRun({
    program: programOf(run, settings.steps),
    initial: first.rootOf(0, firstRoots),
  });
  const isOurs = (handoff: Handoff) => isSigned(DOMAIN, handoff, recover);
  const start = startOf(beginning, firstRoots, { run: name, isSigned: isOurs, paths: (at) => run.paths(at) });
  const files =
    beginning.kind === 'join'
      ? beginning.files
      : versions
          .filter(({ block }) => blocks.includes(block))
          .map((version) => encodeBlock(run.plan, version));
  for (const file of files)
    for (const [tensor, root] of (await host.load(file)).roots)
      if (start.state.get(tensor) !== root)
        throw new Error(`${tensor} is not what the step's handoffs say: fetch it from another keeper.`);
  member = new PipelineMember({
    device: key.address,
    rules: {
      run: name,
      versionRoot: (block, at, roots) => versionRootOf(run.plan, block, at, roots),
      isSigned: isOurs,
      rootOf: (bytes) => toHex(tensorRoot(bytes)),
    },
    sign: (statement) => signHandoff(key, DOMAIN, statement),
    graphOf: (at) => hopGraphOf(run.step(at)),
    dataOf: (at) => host.dataRoots(at),
    end: settings.steps,
    start,
    roundTrip: () => ROUND_TRIP + settings.roundTrip,
    firstDeadline: FIRST_DEADLINE,
  });
  live = new LiveMember({
    member,
    async compute(at, hop, inputs, signal) {
      const outputs = await host.compute(at, hop, inputs, { signal });
      tell({ kind: 'computed' });
      return outputs;
    },
    send: (to, message) => post(to, encodePipelineMessage(message)),
    scheduler: systemScheduler,
    onFinished: finished,
    onBehind: () => tell({ kind: 'behind' }),
    onFailure: (_, error) => tell({ kind: 'failed', message: messageOf(error) }),
    onBroken: (error) => tell({ kind: 'failed', message: messageOf(error) }),
  });
  live.start();
  if (beginning.kind !== 'join') return;
  for (const message of beginning.welcome)
    if (message.kind === 'handoff') live.receive(message.handoff.device, message);
  for (const device of links.keys())
    post(device, encodePipelineMessage({ kind: 'join', step: start.step, blocks }));
}

function post(to: DeviceAddress, bytes: Uint8Array): void {
  uplink.send(bytes.length, () => links.get(to)?.postMessage(bytes));
}

function startOf(
  beginning: Beginning,
  first: ReadonlyMap<string, Hex>,
  rules: WelcomeRules,
): MemberOptions['start'] {
  if (beginning.kind === 'first') return { step: 0, state: first, keepers: keepersOf(beginning.keepers) };
  const [welcome] = beginning.welcome;
  if (welcome?.kind !== 'welcome') throw new Error('A welcome begins with the step: ask another member.');
  const why = welcomeRefusal(welcome, rules);
  if (why !== undefined) throw new Error(`The welcome is refused (${why}): ask another member.`);
  return {
    step: welcome.step,
    state: stateOfWelcome(welcome, first),
    keepers: keepersOf(welcome.keepers),
    next: keepersOf(welcome.next),
    updates: welcome.updates,
    joins: beginning.blocks,
  };
}

function finished(step: number, state: ReadonlyMap<string, Hex>): void {
  tell({ kind: 'finished', step, state });
  if (member === undefined || step + 1 < settings.steps) return;
  const { takeovers, handoffs } = member;
  const refused = [...handoffs.refused.values()].reduce((sum, count) => sum + count, 0);
  const { duplicates, conflicts } = handoffs;
  tell({ kind: 'counts', counts: { takeovers, duplicates, conflicts: conflicts.length, refused } });
}

function fileOf(block: string, step: number): Uint8Array | undefined {
  return host.held.get(block)?.includes(step) === true ? host.file(block, step) : undefined;
}

parent.on('message', (message: ToMember) => {
  switch (message.kind) {
    case 'link':
      link(message.device, message.port);
      return;
    case 'begin':
      begin(message.beginning).catch((error: unknown) => tell({ kind: 'failed', message: messageOf(error) }));
      return;
    case 'arriving':
      if (member === undefined || live === undefined) return;
      for (const block of message.blocks)
        live.receive(message.device, { kind: 'arriving', step: member.step, block });
      return;
    case 'welcome':
      if (member === undefined) return;
      tell({
        kind: 'welcome',
        step: member.step,
        messages: member.welcome(member.step < settings.steps ? run.paths(member.step) : []),
      });
      return;
    case 'file':
      tell({ kind: 'file', file: fileOf(message.block, message.step) });
      return;
  }
});
tell({ kind: 'ready' });
