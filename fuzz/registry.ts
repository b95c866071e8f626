import type { FuzzTarget } from './target.ts';

/** Each room's targets, loaded only when they are asked for. Add a room with a file and a line here. */
const ROOMS: Readonly<Record<string, () => Promise<readonly FuzzTarget[]>>> = {
  protocol: async () => (await import('./targets/protocol.ts')).protocolTargets,
  swarm: async () => (await import('./targets/swarm.ts')).swarmTargets,
  models: async () => (await import('./targets/models.ts')).modelTargets,
  training: async () => (await import('./targets/training.ts')).trainingTargets,
  audit: async () => (await import('./targets/training.ts')).auditTargets,
  workers: async () => (await import('./targets/app.ts')).workerTargets,
  chain: async () => (await import('./targets/app.ts')).chainTargets,
  app: async () => (await import('./targets/app.ts')).appTargets,
  node: async () => (await import('./targets/node.ts')).nodeTargets,
  pipeline: async () => (await import('./targets/pipeline.ts')).pipelineTargets,
};

/** No target has that name. */
export class UnknownTargetError extends Error {
  override readonly name = 'UnknownTargetError';
}

/** Every target, by room. */
export async function allTargets(): Promise<readonly FuzzTarget[]> {
  const rooms = await Promise.all(Object.values(ROOMS).map((load) => load()));
  return rooms.flat();
}

/** The target of a name. Loads its room only. Throws UnknownTargetError. */
export async function findTarget(name: string): Promise<FuzzTarget> {
  const [room = ''] = name.split('/');
  const targets = Object.hasOwn(ROOMS, room) ? await ROOMS[room]?.() : undefined;
  const found = targets?.find((target) => target.name === name);
  if (found === undefined) {
    throw new UnknownTargetError(`There is no target ${name}. npm run fuzz -- --list names them.`);
  }
  return found;
}
