/**
 * Devices that begin a run at about the same time, while channels end and pages stand still. After a minute
 * of that all go on together, with the bits of one device.
 */
import { expect, it } from 'vitest';
import type { HopGraph } from '../../pipeline/runtime/hop-graph.ts';
import { hashedGraph, hashedOracle } from '../../pipeline/testing/hashed-blocks.ts';
import { must } from '../../protocol/must.ts';
import { philox4x32, uniformOf } from '../../protocol/philox.ts';
import { type SessionDevice, SimulatedSessions } from '../testing/simulated-session.ts';

const path = [1, 2];
const paths = [path, path, path, path];
const trained = hashedGraph({ layers: 2, paths });
/** Adapters of the layers are trained, and of the embedding nothing. */
const frozen = hashedGraph({ layers: 2, paths, frozen: ['embedding'] });
/** Steps whose bits are compared. */
const STEPS = 5;
/** Bytes that a device needs to keep one block. */
const BLOCK = 4 * 340;
const FAULTY_SECONDS = 60;
/** Within so many seconds all devices have done two steps more. */
const RECOVERY_SECONDS = 150;

/**
 * Seeds 7 and 1001 stood still for ever: a device took a neighbour out of its plans whose channel had ended,
 * or never got handoffs that were lost with a channel. `npm test -- unit swarm/pipeline/faults` with FAULTS
 * set to a first and a last seed tries others.
 */
function seeds(): number[] {
  const { FAULTS = '' } = process.env;
  const asked = /^(\d+)-(\d+)$/.exec(FAULTS);
  if (asked === null) return [0, 1, 4, 7, 1001, 1006, 1007, 1035];
  const first = Number(asked[1]);
  return Array.from({ length: Number(asked[2]) - first + 1 }, (_, i) => first + i);
}

class Chance {
  readonly #seed: number;
  #draws = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** 0 to 1, the same in every run of the seed. */
  next(): number {
    return uniformOf(philox4x32([this.#draws++, 0, 0, 0], [this.#seed, 7])[0]);
  }

  pick<T>(choices: readonly T[]): T {
    return must(choices, Math.floor(this.next() * choices.length));
  }
}

/** One fault: channels between two devices end, or a device stands still for up to 12 s. */
function disturb(run: SimulatedSessions, devices: readonly SessionDevice[], chance: Chance, rate: number) {
  if (chance.next() < rate) run.disconnect(chance.pick(devices), chance.pick(devices));
  if (chance.next() < rate) chance.pick(devices).stall(chance.pick([500, 3_000, 12_000]));
}

const newestOf = ({ steps }: SessionDevice): number => Math.max(-1, ...steps.keys());

it.each(seeds())('[P-156] goes on after channels ended and pages stood still (seed %i)', (seed) =>
  goesOn(seed, trained),
);

it.each([2, 3, 5, 8])('[P-156] [B-17] does so beside frozen weights (seed %i)', (seed) =>
  goesOn(seed, frozen),
);

async function goesOn(seed: number, graph: HopGraph): Promise<void> {
  const graphOf = () => graph;
  const chance = new Chance(seed);
  const hopMs = chance.pick([60, 150, 300]);
  const messageMs = chance.pick([0, 100, 300, 1_000]);
  const roundTripMs = chance.pick([600, 50]);
  const longestGossip = chance.pick([50, 2_000, 8_000]);
  const beginMs = chance.pick([0, 200, 1_000, 3_000]);
  const fileMs = chance.pick([0, 50, 300]);
  const loadMs = chance.pick([0, 50, 300]);
  const gossipMs = () => 20 + chance.next() * longestGossip;
  const run = new SimulatedSessions({
    ...{ graphOf, hopMs, messageMs, roundTripMs, beginMs, fileMs, loadMs, gossipMs },
  });
  const quota = chance.pick([2, 2, 3]) * BLOCK;
  const rate = chance.pick([0, 0.05, 0.2]);
  const devices: SessionDevice[] = [];
  for (let n = 0; n < 4; n++) {
    devices.push(await run.join(quota));
    await run.scheduler.advance(chance.next() * chance.pick([200, 2_000, 8_000]));
  }
  for (let second = 0; second < FAULTY_SECONDS; second++) {
    await run.scheduler.advance(1_000);
    disturb(run, devices, chance, rate);
  }
  const goal = Math.max(...devices.map(newestOf)) + 2;
  const areDone = () => devices.every((device) => newestOf(device) >= goal);
  for (let second = 0; second < RECOVERY_SECONDS && !areDone(); second++) await run.scheduler.advance(1_000);
  const views = devices.map(({ session }) => session.view());
  expect(areDone(), JSON.stringify(views)).toBe(true);
  const bits = hashedOracle(Array.from({ length: STEPS }, graphOf));
  for (const { steps } of devices) expect(steps.get(STEPS - 1) ?? bits).toEqual(bits);
  for (const device of devices) device.kill();
}
