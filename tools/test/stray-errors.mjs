/** A reporter of vitest for the errors that belong to no test, which its JSON report does not have. */
import { writeFileSync } from 'node:fs';
import { strayErrors } from './failures.mjs';

export default class StrayErrors {
  #root = '';

  onInit(vitest) {
    this.#root = `${vitest.config.root}/`;
  }

  /** Writes a line for each error, and for each file without an end, to the file that STRAY_ERRORS names. */
  onTestRunEnd(modules, errors) {
    const { STRAY_ERRORS: file } = process.env;
    if (file === undefined) return;
    const endless = modules
      .filter((module) => ['queued', 'pending'].includes(module.state()))
      .map(({ moduleId }) => `${moduleId.replace(this.#root, '')}: its tests did not come to an end`);
    writeFileSync(file, JSON.stringify([...strayErrors(errors, this.#root), ...endless]));
  }
}
