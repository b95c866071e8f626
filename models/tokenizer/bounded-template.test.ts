import { Template } from '@huggingface/jinja';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BoundedTemplate } from './bounded-template.ts';

const render = (source: string, variables: Record<string, unknown> = {}) =>
  new BoundedTemplate(source).render(variables);

describe('the date of a template', () => {
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllEnvs();
  });

  it.each(['Pacific/Kiritimati', 'Pacific/Pago_Pago'])('is the same in %s and at any time', (zone) => {
    vi.stubEnv('TZ', zone);
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 29, 10, 30) });
    const clock = "{%- if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{%- endif %}";
    expect(new Template(clock).render()).toMatch(/2026/);
    expect(render(clock)).toBe('26 Jul 2024');
    const parts = '%A %a %B %b %d %-d %m %-m %y %Y %j %H:%M:%S %I %p %% %Q';
    expect(render('{{ strftime_now(format) }}', { format: parts })).toBe(
      'Friday Fri July Jul 26 26 07 7 24 2024 208 00:00:00 12 AM % %Q',
    );
  });
});

describe('the limits of a template', () => {
  const double = (start: string, next: string) =>
    `{% set ns = namespace(x=${start}) %}{% for i in range(60) %}{% set ns.x = ${next} %}{% endfor %}`;
  const chain = Array.from({ length: 60 }, (_, i) => `{% set n${i + 1}.x = [n${i}, n${i}] %}`).join('');
  const empty = Array.from({ length: 61 }, (_, i) => `{% set n${i} = namespace(x=1) %}`).join('');
  const loops = (body: string) =>
    `{% for a in range(3000) %}{% for b in range(3000) %}{% for c in range(3000) %}${body}` +
    '{% endfor %}{% endfor %}{% endfor %}';

  it.each<[string, string, RegExp]>([
    ['a huge range', '{{ range(1000000000) | length }}', /range has more than/],
    ['a huge range downwards', '{{ range(0, -1000000000, -1) | length }}', /range has more than/],
    ['a range that stands still', '{{ range(0, 5, 0) }}', /step other than 0/],
    ['nested loops', loops('{{ a }}'), /too many steps/],
    ['nested empty loops', loops(''), /too many steps/],
    [
      'loops over what a filter gives',
      loops('{{ messages | list | length }}').replace('range(3000)', 'range(3000) if true'),
      /too many steps/,
    ],
    ['a text that doubles', double("'x'", 'ns.x ~ ns.x'), /longer than|too many steps/],
    ['a list that doubles', double('[1]', 'ns.x + ns.x'), /too many steps/],
    ['a list of itself twice', `${double('[1]', '[ns.x, ns.x]')}{{ ns.x | tojson }}`, /too many steps/],
    ['a list of itself, printed', `${double('[1]', '[ns.x, ns.x]')}{{ ns.x }}`, /too many steps/],
    ['namespaces inside one another', `${empty}${chain}{{ n60 | tojson }}`, /too many steps|stack/],
    ['a macro without end', '{% macro f(g) %}{{ g(g) }}{% endmacro %}{{ f(f) }}', /too many steps|stack/],
  ])('end %s', (_, source, message) => {
    const begun = performance.now();
    expect(() => render(source, { messages: [1, 2, 3] })).toThrow(message);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  it('leave room for the longest conversation', () => {
    const messages = Array.from({ length: 1024 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: 'word '.repeat(100),
    }));
    const source =
      "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}" +
      "{% endif %}{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}" +
      "{{ raise_exception('alternate') }}{% endif %}{% if messages[loop.index0 - 1].role != m.role %}" +
      "{{ '<' + m.role + '>' + m.content | trim + '\\n' }}{% endif %}{% endfor %}";
    expect(render(source, { messages })).toBe(new Template(source).render({ messages }));
  });
});
