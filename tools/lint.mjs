#!/usr/bin/env node
import { lint } from './lint/main.mjs';
import { requireNode } from './require-node.mjs';

requireNode();
process.exitCode = (await lint()).failed === 0 ? 0 : 1;
