import { type KnownNetwork, pageHeaders } from '../devnet/page-headers.ts';

/** The forms in which hosts take headers. */
export const HOST_FORMS = ['_headers', 'nginx', 'caddy'] as const;
export type HostForm = (typeof HOST_FORMS)[number];

/** Where the file for each host lies in the built site's folder. */
export const HOST_FILES: Readonly<Record<HostForm, string>> = {
  _headers: '_headers',
  nginx: 'hosting/nginx-headers.conf',
  caddy: 'hosting/caddy-headers.conf',
};

const FROM = 'Made by npm run build from node/devnet/page-headers.ts.';

/**
 * The headers of every file of the site: the security headers that `npm start` sends too, and that a browser
 * asks again before it uses an old copy. `network` is 'unknown' where the site is built without one.
 */
export function siteHeaders(network: KnownNetwork | 'unknown'): Readonly<Record<string, string>> {
  return { ...pageHeaders({ network }), 'Cache-Control': 'no-cache' };
}

/**
 * The headers as a file for a host: `_headers` of Netlify and Cloudflare Pages, lines for nginx's `include`
 * and for Caddy's `import`. All of them apply below any sub-path.
 */
export function hostFile(form: HostForm, network: KnownNetwork | 'unknown'): string {
  const headers = Object.entries(siteHeaders(network));
  switch (form) {
    case '_headers':
      return `/*\n${headers.map(([name, value]) => `  ${name}: ${value}\n`).join('')}`;
    case 'nginx':
      return [
        `# ${FROM} In the location of the site: include <this file>;`,
        ...headers.map(([name, value]) => `add_header ${name} ${quoted(value)} always;`),
        '',
      ].join('\n');
    case 'caddy':
      return [
        `# ${FROM} In the block of the site: import <this file>`,
        'header {',
        ...headers.map(([name, value]) => `\t${name} ${quoted(value)}`),
        '}',
        '',
      ].join('\n');
  }
}

/** In double quotes, as nginx and Caddy read it. No header of ours has a quote, a backslash or a variable. */
function quoted(value: string): string {
  if (/["\\$\r\n]/.test(value)) throw new RangeError(`A header for a web server may not be ${value}.`);
  return `"${value}"`;
}
