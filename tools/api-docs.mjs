#!/usr/bin/env node
/**
 * `npm run docs:api`: writes the pages of protocol/ and compute/ into .starling/docs/api. Warnings count as
 * errors.
 */
import { build } from './build.mjs';
import { root, run } from './command.mjs';
import { API_PAGES } from './lint/api-pages.mjs';

await build({ only: ['kernels'], report: (line) => console.log(line) });
const { code } = await run(process.execPath, API_PAGES, { show: true });
if (code === 0) console.log(`${root}.starling/docs/api/index.html`);
process.exitCode = code;
