import type { VersionPlace } from '../messages/block-announcement.ts';

/** One word for the place of a version in a run, for maps. */
export function placeKey({ block, step }: VersionPlace): string {
  return `${block} ${step}`;
}
