import { watch } from 'node:fs';
import { join } from 'node:path';
import { BUILD_STEPS, build } from '../build.mjs';
import { root, UserError } from '../command.mjs';

/** Editors save in several writes; one build follows the last of them. */
const QUIET_MS = 100;

/**
 * Builds the kernels again whenever a file below one of their folders is saved, so that the page's dev server
 * sees the new generated module. A kernel that does not compile is told and leaves the last one in place.
 * Returns how to stop.
 *
 * @param {(line: string) => void} report
 */
export function watchKernels(report) {
  const kernels = BUILD_STEPS.find(({ name }) => name === 'kernels');
  const folders = kernels.inputs.filter((path) => !/\.\w+$/.test(path));
  let timer;
  let building = Promise.resolve();
  const rebuild = () => {
    building = building
      .then(() => build({ only: ['kernels'], report }))
      .catch((error) => {
        report(error instanceof UserError ? error.message : String(error));
      });
  };
  const watchers = folders.map((folder) =>
    watch(join(root, folder), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(rebuild, QUIET_MS);
    }),
  );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
