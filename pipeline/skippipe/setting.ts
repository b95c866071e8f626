/**
 * The setting in which SkipPipe (arXiv 2502.19913) published its schedules: 20 nodes on 12 cloud regions, six
 * stages, and four sets of routes with their makespans. published.json has the facts and their source.
 */
import { must } from '../../protocol/must.ts';
import type { Route } from '../route.ts';
import published from './published.json';

/** Bytes of a GiB. */
const GIB = 2 ** 30;

/** What the published timing model knows of the nodes. Times are in seconds. */
export interface PublishedSetting {
  readonly nodes: number;
  readonly siteOfNode: readonly string[];
  /** Stage by stage, the nodes that hold it. Stage 0 has the origins. */
  readonly stages: readonly (readonly number[])[];
  readonly slots: number;
  readonly forward: number;
  readonly backward: number;
  readonly loss: number;
  /** How long a node stays busy after the start of a microbatch that waited at its origin. */
  readonly gapAfterSend: number;
  /** How long a node stays busy after any other task. */
  readonly gapAfterTask: number;
  /** After how long a microbatch that finds no slot asks again. */
  readonly retry: number;
  /** Bytes of what goes over a hop. */
  readonly activationBytes: number;
  /** Seconds from the end of a task to the arrival at the next node: `hop[from][to]`. */
  readonly hop: readonly (readonly number[])[];
  /** What every hop takes besides latency and transfer. */
  readonly fixedPerHop: number;
  /** What was measured between two nodes. */
  link(from: number, to: number): { latencySeconds: number; bytesPerSecond: number };
}

/** A microbatch that waits at its origin. Its place in a list is its number. */
export interface Injection {
  readonly route: Route;
  /** In seconds. */
  readonly at: number;
  /** The number of the microbatch of the same route that must be back before this one starts. */
  readonly after?: number;
}

export type PublishedFigure = keyof typeof published.published;

/** The four schedules, in the order in which the paper's argument goes. */
export const PUBLISHED_FIGURES: readonly PublishedFigure[] = [
  'fullPipeline',
  'randomSkip',
  'realCosts',
  'skipPipe',
];

/** The published makespan of a schedule, in seconds. */
export function publishedMakespan(figure: PublishedFigure): number {
  return published.published[figure];
}

/** The routes of a published schedule. */
export function publishedRoutes(figure: PublishedFigure): readonly Route[] {
  return published.routes[figure];
}

/** The setting with the published map of nodes to stages, or with another one. */
export function publishedSetting(
  stages: PublishedSetting['stages'] = published.partitions,
): PublishedSetting {
  const { nodeSites, latencyMs, bandwidthGiBps, forwardSeconds: forward } = published;
  const activationBytes = published.samplesPerMicrobatch * published.activationBytesPerSample;
  const link = (from: number, to: number) => {
    const [a, b] = [must(nodeSites, from), must(nodeSites, to)];
    return {
      latencySeconds: must(must(latencyMs, a), b) / 1000,
      bytesPerSecond: must(must(bandwidthGiBps, a), b) * GIB,
    };
  };
  const hopSeconds = (from: number, to: number) => {
    if (from === to) return 0;
    const { latencySeconds, bytesPerSecond } = link(from, to);
    return latencySeconds + activationBytes / bytesPerSecond + published.fixedSecondsPerHop;
  };
  return {
    nodes: nodeSites.length,
    siteOfNode: nodeSites.map((site) => must(published.sites, site)),
    stages,
    slots: published.slotsPerNode,
    forward,
    backward: forward * published.backwardFactor,
    loss: forward * published.lossFactor,
    gapAfterSend: published.gapAfterSendSeconds,
    gapAfterTask: published.gapAfterTaskSeconds,
    retry: published.retrySeconds,
    activationBytes,
    fixedPerHop: published.fixedSecondsPerHop,
    hop: nodeSites.map((_, from) => nodeSites.map((_, to) => hopSeconds(from, to))),
    link,
  };
}
