import { describe, expect, it } from 'vitest';
import { ownScript, trustOwnScripts, UntrustedScriptError } from './trusted-scripts.ts';

const page = 'https://page.example/app/';

describe('trusted scripts', () => {
  it('are those of the page’s own origin', () => {
    for (const url of ['https://page.example/assets/worker.js', '/sw.js', './sw.js'])
      expect(ownScript(url, page)).toBe(url);
  });

  it.each([
    'https://other.example/worker.js',
    'https://page.example:8443/worker.js',
    'http://page.example/worker.js',
    '//other.example/worker.js',
    'data:text/javascript,postMessage(1)',
    'blob:https://other.example/1',
    'javascript:alert(1)',
  ])('are not %s', (url) => {
    expect(() => ownScript(url, page)).toThrow(UntrustedScriptError);
  });

  it('are the only thing that the thread’s policy lets through, where there are such policies', () => {
    const made: [string, object][] = [];
    trustOwnScripts({ createPolicy: (name, rules) => made.push([name, rules]) });
    expect(made).toEqual([['default', { createScriptURL: expect.any(Function) }]]);
    expect(() => trustOwnScripts()).not.toThrow();
  });
});
