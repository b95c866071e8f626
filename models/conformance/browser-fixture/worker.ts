import { trainOn } from './train.ts';

self.postMessage(await trainOn(2));
