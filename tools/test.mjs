#!/usr/bin/env node
import { requireNode } from './require-node.mjs';

requireNode();
import('./test/main.mjs').then((main) => main.test(process.argv.slice(2)));
