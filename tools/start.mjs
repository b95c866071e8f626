#!/usr/bin/env node
import { requireNode } from './require-node.mjs';

requireNode();
import('./start/main.mjs').then((main) => main.start(process.argv.slice(2)));
